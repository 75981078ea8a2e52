import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { readFileSync } from "node:fs"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Progress from "skein/Progress"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { inScheduler } from "./harness.ts"
import { explanationOf } from "./support.ts"

const page = readFileSync("docs/options.md", "utf8")

/** The names in backticks on the line of the page that begins so. */
const namesOn = (start: string): ReadonlyArray<string> => {
  const line = page.split("\n").find((line) => line.startsWith(start)) ?? ""
  const rest = line.slice(start.length)
  const cell = line.startsWith("|") ? rest.split("|")[1]! : rest
  return Array.from(cell.matchAll(/`(\w+)`/g), (match) => match[1]!)
}

const firstCells = (heading: string): ReadonlyArray<string> => {
  const section = page.slice(page.indexOf(heading)).split("\n## ")[0]!.split("\n### ").slice(0, 1)[0]!
  return Array.from(section.matchAll(/^\| `(\w+)` *\|/gm), (match) => match[1]!)
}

/** The options that a call with one that does not exist is told of. */
const known = (wrong: (options: any) => Effect.Effect<unknown, unknown, any>) =>
  Effect.map(Effect.exit(wrong({ nope: 1 })), (exit): ReadonlyArray<string> => {
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    return (error as { readonly reason: { readonly known: ReadonlyArray<string> } }).reason.known
  })

const task = Task.make(Effect.succeed(1))

const withFuture = (f: (future: Future.Future<number>) => Effect.Effect<unknown, unknown, any>) =>
  Effect.scoped(Effect.flatMap(Client.submit(task), f))

describe("docs/options.md", () => {
  it.effect("V11: lists the options of each function", () =>
    Effect.gen(function*() {
      const layer = (options: Skein.Options) => Effect.provide(Effect.void, Skein.layer(options))
      const compute = yield* known((options) => Client.compute(task, options))
      const tables: ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<string>]> = [
        [firstCells("### Tasks"), yield* known((options) => Client.compute(Task.sync(() => 1, options)))],
        [namesOn("`Client.annotate`:"), yield* known((options) => Client.annotate(Client.compute(task), options))],
        [
          namesOn("| `Client.submit`, `submitAll` "),
          yield* known((options) => Effect.scoped(Client.submit(task, options)))
        ],
        [namesOn("| `Client.compute`, `TaskGraph.compute` "), compute],
        [
          [...compute, ...namesOn("| `Client.forEach` ").filter((name) => name !== "compute")],
          yield* known((options) => Client.forEach([1], () => Effect.void, options))
        ],
        [namesOn("| `Future.joinAll` "), yield* known((options) => Future.joinAll([], options))],
        [
          namesOn("| `Future.cancel`, `cancelAll`, `cancelGroup` "),
          yield* known((options) => withFuture((f) => Future.cancel(f, options)))
        ],
        [namesOn("| `Client.fireAndForget` "), yield* known((options) => Client.fireAndForget(task, options))],
        [namesOn("| `Future.replicate` "), yield* known((options) => withFuture((f) => Future.replicate(f, options)))],
        [namesOn("| `Scheduler.awaitWorkers` "), yield* known((options) => Scheduler.awaitWorkers(1, options))],
        [namesOn("| `Scheduler.runOnEach` "), yield* known((options) => Scheduler.runOnEach(Effect.void, options))],
        [
          namesOn("| `Progress.changes`, `withProgress` "),
          yield* known((options) => Progress.withProgress(Effect.void, () => {}, options))
        ],
        [
          namesOn("| `Dependency.all` "),
          yield* known((options) => Client.compute(Task.map([Dependency.all([task], options)], () => 1)))
        ],
        [
          namesOn("| `Dependency.any`, `atLeast` "),
          yield* known((options) => Client.compute(Task.map([Dependency.any([task], options)], () => 1)))
        ],
        [namesOn("`callbacks`:").slice(0, 5), yield* known((callbacks) => Client.compute(task, { callbacks }))],
        [namesOn("`Skein.layer`:"), yield* known(layer)],
        [
          namesOn("- A worker (`workers`, `Scheduler.addWorker`):"),
          yield* known((options) => Effect.scoped(Scheduler.addWorker({ id: "w", ...options })))
        ],
        [namesOn("- `elastic`:"), yield* known((elastic) => layer({ elastic }))],
        [namesOn("- `restart`:"), yield* known((restart) => layer({ restart }))],
        [namesOn("- `budget`:"), yield* known((budget) => layer({ budget }))],
        [namesOn("- `limits`:"), yield* known((limits) => layer({ limits }))]
      ]
      for (const [listed, options] of tables) assert.sameMembers([...listed], [...options])
    }).pipe(inScheduler()))

  it("V6: lists the tags of explain, each of which explainText puts into words", () => {
    const source = readFileSync("src/engine/views/explain.ts", "utf8")
    const type = source.slice(
      source.indexOf("export type Because"),
      source.indexOf("/** Units that a task lacks. */")
    )
    const tags = Array.from(type.matchAll(/_tag: "(\w+)"/g), (match) => match[1]!)
    assert.sameMembers([...firstCells("## What explain says")], tags)
  })

  it.effect("V6: explainText says why a task does not run", () =>
    Effect.gen(function*() {
      const slow = Task.make(Effect.never, { key: "slow" })
      const below = Task.map(slow, () => 1, { key: "below" })
      yield* Client.submit(below)
      yield* Client.submit(Task.make(Effect.void, { key: "next" }))
      const text = (key: string) =>
        Effect.map(explanationOf(key), (why) => why === undefined ? "" : Scheduler.explainText(why))
      assert.strictEqual(yield* text("slow"), "Task \"slow\" runs on \"local\".")
      assert.strictEqual(yield* text("below"), "Task \"below\" waits for 1 dependency: \"slow\".")
      assert.strictEqual(yield* text("next"), "Task \"next\" waits for a slot: all are held, by \"slow\".")
    }).pipe(inScheduler({ concurrency: 1 })))
})
