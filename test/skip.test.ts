import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Progress from "skein/Progress"
import * as Scheduler from "skein/Scheduler"
import { TaskSkipped } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { Interpreter } from "skein/testing"
import * as Worker from "skein/Worker"
import { inScheduler, type Log, note } from "./harness.ts"
import { explanationOf } from "./support.ts"

const skipped = (key: string, root = key) => new TaskSkipped({ key, root })

const failureOf = <A, E>(exit: Exit.Exit<A, E>): E => Option.getOrThrow(Exit.findErrorOption(exit))

const skipping = (key: string) => Task.make(Worker.skip, { key })

for (const isAway of [false, true]) {
  const leave = isAway ? Worker.secede : Effect.void
  describe(isAway ? "a body that has seceded and is skipped" : "a body that is skipped", () => {
    it.effect("G19: ends its task as skipped, for whoever asks for its value", () =>
      Effect.gen(function*() {
        const task = Task.make(Effect.andThen(leave, Worker.skip), { key: "a" })
        const future = yield* Client.submit(task)
        assert.deepStrictEqual(failureOf(yield* Future.await(future)), skipped("a"))
        assert.strictEqual(yield* Future.status(future), "skipped")
        assert.deepStrictEqual(failureOf(yield* Effect.exit(Client.compute(task))), skipped("a"))
        assert.deepStrictEqual((yield* explanationOf("a"))?.because, { _tag: "Ended", reason: "Skipped" })
        assert.strictEqual((yield* Scheduler.stats).tasks.skipped, 1)
      }).pipe(inScheduler({ concurrency: 1 })))
  })
}

describe("what depends on a skipped task", () => {
  //   a ends as skipped, so b and c do, at any distance
  //   |
  //   b
  //   |
  //   c
  it.effect("G19: is skipped too, and never starts", () =>
    Effect.gen(function*() {
      const log: Log = []
      const a = skipping("a")
      const b = Task.make({ a }, () => note(log, "b"), { key: "b" })
      const c = Task.make(note(log, "c"), { key: "c", after: b })
      assert.deepStrictEqual(failureOf(yield* Effect.exit(Client.compute(c))), skipped("c", "a"))
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("G19: gets the failure as a value through Task.exit", () =>
    Effect.gen(function*() {
      const exit = yield* Client.compute(Task.exit(skipping("a")))
      assert.deepStrictEqual(failureOf(exit), skipped("a"))
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("G19: a flatMap task ends as skipped with the task that it stands for", () =>
    Effect.gen(function*() {
      const task = Task.flatMap({}, () => skipping("inner"), { key: "outer" })
      const future = yield* Client.submit(task)
      assert.deepStrictEqual(failureOf(yield* Future.await(future)), skipped("inner"))
      assert.strictEqual(yield* Future.status(future), "skipped")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("G19: a body that passes a skip on which it joined is skipped, and one that handles it is not", () =>
    Effect.gen(function*() {
      const inner = yield* Client.submit(skipping("inner"))
      const passes = Task.make(Future.join(inner), { key: "passes" })
      const handles = Task.make(
        Future.join(inner).pipe(Effect.catchTag("TaskSkipped", () => Effect.succeed("instead"))),
        { key: "handles" }
      )
      const [first, second] = yield* Client.compute([passes, handles], { mode: "collect" })
      assert.deepStrictEqual(failureOf(first), skipped("passes"))
      assert.deepStrictEqual(second, Exit.succeed("instead"))
    }).pipe(inScheduler({ concurrency: 2 })))
})

describe("a skip", () => {
  it.effect("G19, F5: is never tried again", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(Effect.andThen(note(log, "ran"), Worker.skip), { key: "a", retry: Schedule.recurs(3) })
      assert.deepStrictEqual(failureOf(yield* Effect.exit(Client.compute(task))), skipped("a"))
      assert.deepStrictEqual(log, ["ran"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("G19: a body that also dies just dies", () =>
    Effect.gen(function*() {
      const task = Task.make(Worker.skip.pipe(Effect.ensuring(Effect.die("broken"))), { key: "a" })
      const exit = yield* Effect.exit(Client.compute(task))
      assert.isTrue(Exit.hasDies(exit))
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("G19, F3: under the mode continue the rest runs, and the skip is told once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const a = skipping("a")
      const tasks = [Task.make({ a }, () => note(log, "b")), Task.make({ a }, () => note(log, "c"))]
      const other = Task.make(note(log, "other"))
      const exit = yield* Effect.exit(Client.compute([...tasks, other], { mode: "continue" }))
      assert.deepStrictEqual(log, ["other"])
      assert.deepStrictEqual(Exit.isFailure(exit) ? exit.cause.reasons.length : 0, 1)
      assert.deepStrictEqual(failureOf(exit), skipped("a"))
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("G19, V1, V6: progress counts it apart, and callbacks are told", () =>
    Effect.gen(function*() {
      let last: Progress.Progress | undefined
      const told: Array<string> = []
      const a = skipping("a")
      const b = Task.map({ a }, () => 1, { key: "b" })
      const c = Task.make(Effect.succeed(1), { key: "c" })
      const callbacks = { afterTask: (key: string, outcome: string) => void told.push(`${key} ${outcome}`) }
      yield* Client.compute([b, c], { mode: "collect", callbacks }).pipe(
        Progress.withProgress((progress) => void (last = progress))
      )
      assert.deepInclude(last, { skipped: 2, succeeded: 1, failed: 0, waiting: 0, total: 3 })
      assert.sameMembers(told, ["a skipped", "b skipped", "c succeeded"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("G19, V8: pictures color it", () =>
    Effect.gen(function*() {
      const a = skipping("a")
      assert.include(TaskGraph.toMermaid(a, { states: new Map([["a", "skipped"]]) }), "skipped (1)")
    }))

  it.effect("G19: the sequential interpreter skips too", () =>
    Effect.gen(function*() {
      const a = skipping("a")
      const b = Task.map({ a }, () => 1, { key: "b" })
      const exits = yield* Interpreter.run({ a, b })
      assert.deepStrictEqual([failureOf(exits.a), failureOf(exits.b)], [skipped("a"), skipped("b", "a")])
    }))
})
