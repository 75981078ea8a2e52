/**
 * Runs a random graph of tasks that wait, checks from their metadata that none started too early, and draws what ran when
 * and where. The idea is that of the example by which IPython parallel explains its dependencies.
 *
 * ```sh
 * node --conditions=source examples/random-dag/main.ts
 * node --conditions=source examples/random-dag/main.ts --nodes 64 --edges 200 --seed 7 --height lane
 * ```
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Random from "effect/Random"
import { dirname } from "node:path"
import * as Skein from "skein/Skein"
import * as Dag from "./dag.ts"
import * as Picture from "./picture.ts"

interface Options extends Dag.Size {
  readonly height: Picture.Height
  readonly picture: string
  readonly seed: number
}

const run = Effect.fnUntraced(function*(options: Options) {
  const { edges, height, nodes, picture, seed } = options
  if (edges > Dag.mostEdges(nodes)) {
    const message = `${nodes} nodes have at most ${Dag.mostEdges(nodes)} edges without a cycle, not ${edges}.`
    return yield* new CliError.UserError({ cause: message, userMessage: message })
  }
  const dag = yield* Dag.randomDag(options).pipe(Random.withSeed(seed))
  const tasks = yield* Dag.run(dag)
  const early = Dag.violations(tasks)
  const fs = yield* FileSystem.FileSystem
  yield* fs.makeDirectory(dirname(picture), { recursive: true })
  yield* fs.writeFileString(picture, Picture.toSvg(tasks, height))
  const elapsed = Math.max(...tasks.map(({ completed }) => completed!)) -
    Math.min(...tasks.map(({ started }) => started!))
  const waits = dag.waitMillis.reduce((sum, millis) => sum + millis, 0)
  yield* Console.log([
    `${nodes} tasks with ${edges} edges ran in ${elapsed} ms; one after the other they would wait ${waits} ms.`,
    early.length === 0 ? "No task started before all that it depends on had ended." : early.join("\n"),
    `What ran when and where: ${picture}`
  ].join("\n"))
})

const workers = [{ id: "ada", concurrency: 2 }, { id: "grace", concurrency: 2 }, { id: "mary", concurrency: 2 }]

const count = (name: string, least: number, byDefault: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.filter((n) => n >= least, () => `a number of at least ${least}`),
    Flag.withDefault(byDefault),
    Flag.withDescription(description)
  )

const flags = {
  nodes: count("nodes", 1, 32, "how many tasks"),
  edges: count("edges", 0, 128, "how many dependencies"),
  longestWait: count("longest-wait", 1, 200, "the longest wait of a task, in milliseconds"),
  seed: Flag.Int("seed").pipe(Flag.withDefault(1), Flag.withDescription("one seed, one graph")),
  height: Flag.Literals("height", ["runtime", "lane"]).pipe(
    Flag.withDefault("runtime" as const),
    Flag.withDescription("what the height of a task in the picture says")
  ),
  picture: Flag.String("picture").pipe(
    Flag.withDefault("out/random-dag.svg"),
    Flag.withDescription("where the picture goes")
  )
}

Command.make("random-dag", flags, (options) => Effect.provide(run(options), Skein.layer({ workers }))).pipe(
  Command.withDescription("Runs a random graph of tasks and draws what ran when and where"),
  Command.run({ version: "0.1.0" }),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
