/**
 * Tasks that launch tasks, in three ways: counts the words of a text by halving it, and shows what each way asked of the
 * slots. `docs/nesting.md` says when to use which.
 *
 * ```sh
 * npx node --conditions=source examples/nested/main.ts
 * npx node --conditions=source examples/nested/main.ts README.md --concurrency 1
 * ```
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { fileURLToPath } from "node:url"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import * as Cli from "../cli.ts"
import { withPeaks } from "../peaks.ts"
import * as Table from "../table.ts"
import * as Compute from "./compute.ts"
import * as FlatMap from "./flatMap.ts"
import * as Submit from "./submit.ts"
import * as Words from "./words.ts"

/** Each idiom by name: a task that counts the words of a text. */
export const idioms = { "flatMap": FlatMap.count, "compute": Compute.count, "submit + join": Submit.count } as const

export type Idiom = keyof typeof idioms

/** The counts by one idiom, and what it asked of `concurrency` slots. */
export const countBy = (idiom: Idiom, text: string, concurrency: number) =>
  withPeaks(Client.compute(idioms[idiom](text))).pipe(
    Effect.provide(Skein.layer({ concurrency }), { local: true })
  )

const columns = [
  Table.left("idiom"),
  Table.left("most frequent words"),
  Table.right("tasks"),
  Table.right("running"),
  Table.right("seceded")
]

const run = Effect.fnUntraced(function*(path: string, concurrency: number) {
  const text = yield* FileSystem.FileSystem.use((fs) => fs.readFileString(path)).pipe(
    Effect.mapError(Cli.unreadable(path))
  )
  const rows = yield* Effect.forEach(
    Object.keys(idioms) as Array<Idiom>,
    (idiom) =>
      Effect.map(countBy(idiom, text, concurrency), ([counts, { running, seceded, tasks }]) => [
        idiom,
        Words.mostFrequent(counts, { letters: 5, words: 3 }),
        ...[tasks, running, seceded].map(Table.count)
      ])
  )
  yield* Console.log(
    `The words of ${path}, on ${Table.counted(concurrency, "slot")}; running and seceded at the peak\n`
  )
  yield* Console.log(Table.table(columns, rows))
})

const guide = fileURLToPath(new URL("../../docs/guide.md", import.meta.url))

const parameters = {
  text: Argument.String("text").pipe(Argument.withDefault(guide), Argument.withDescription("the file with the text")),
  concurrency: Cli.concurrency
}

const command = Command.make(
  "nested",
  parameters,
  ({ concurrency, text }) => Effect.mapError(run(text, concurrency), Cli.told)
).pipe(
  Command.withDescription("Counts the words of a text by tasks that launch tasks, in three ways"),
  Command.run({ version: "0.1.0" }),
  Effect.provide(NodeServices.layer)
)

if (import.meta.main) NodeRuntime.runMain(command)
