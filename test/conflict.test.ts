import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import { Client, Future, Skein, SkeinError, Task } from "skein"
import { identityIn, isInNamespace } from "../src/internal/tasks/keys.ts"
import { Border } from "../src/internal/tasks/worker.ts"
import { mistakeOf, nothingIsLeft, reasonOf, submitErrorOf } from "./support.ts"

type Log = Array<string>

const note = (log: Log, text: string) => Effect.sync(() => void log.push(text))

/** A task with a key that runs until it is stopped, and takes its time to stop. */
const slow = (log: Log, name: string, stopMillis = 10) =>
  Task.make(
    Effect.andThen(
      note(log, `${name} starts`),
      Effect.onInterrupt(Effect.never, () => Effect.andThen(Effect.sleep(stopMillis), note(log, `${name} stopped`)))
    ),
    { key: "save" }
  )

const quick = (log: Log, name: string) => Task.make(Effect.as(note(log, `${name} starts`), name), { key: "save" })

describe("conflicts of keys", () => {
  it.effect("G21: refuse is a typed error that names the key, until the live task is gone", () =>
    Effect.gen(function*() {
      const log: Log = []
      const live = slow(log, "a", 0)
      const future = yield* Client.submit(live)
      for (const task of [quick(log, "b"), live]) {
        const { reason } = yield* submitErrorOf(Client.submit(task, { conflict: "refuse" }))
        assert.instanceOf(reason, SkeinError.KeyConflict)
        assert.deepInclude(reason, { key: "save", graph: 1 })
        assert.strictEqual(
          reason.message,
          "The key \"save\" is taken: a live task of graph 1 has it, and the submission refuses that. Wait for its end, say " +
            "conflict: \"replace\", or submit the same Task object with conflict: \"join\"."
        )
      }
      yield* Future.cancel(future)
      assert.strictEqual(yield* Client.compute(quick(log, "b"), { conflict: "refuse" }), "b")
    }).pipe(Effect.scoped, Effect.provide(Skein.layer())))

  it.effect("G21: join is as without the option: the same object is one run, another object another", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = quick(log, "a")
      const both = yield* Effect.all([
        Client.submit(task, { conflict: "join" }),
        Client.submit(task, { conflict: "join" })
      ])
      yield* Client.submit(quick(log, "b"), { conflict: "join" })
      yield* Future.joinAll(both)
      yield* Effect.yieldNow
      assert.deepStrictEqual(log, ["a starts", "b starts"])
    }).pipe(Effect.scoped, Effect.provide(Skein.layer())))

  it.effect("G21: replace cancels the live task for all, and the new one starts when it has stopped", () =>
    Effect.gen(function*() {
      const log: Log = []
      const first = yield* Client.submit(slow(log, "a"))
      const dependent = yield* Client.submit(Task.map([first], () => 1, { key: "after" }))
      yield* Effect.yieldNow
      const second = yield* Client.submit(quick(log, "b"), { conflict: "replace" })
      assert.strictEqual(yield* Future.status(second), "waiting")
      yield* TestClock.adjust(9)
      assert.deepStrictEqual(log, ["a starts"])
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Future.join(second), "b")
      assert.deepStrictEqual(log, ["a starts", "a stopped", "b starts"])
      for (const future of [first, dependent]) {
        const reason = yield* reasonOf(Future.join(future))
        assert.instanceOf(reason, SkeinError.TaskCancelled)
        assert.deepInclude(reason, { key: "save", by: "program", replacement: { key: "save", graph: 3 } })
        assert.strictEqual(
          reason.message,
          "Task \"save\" was cancelled by program: another run has taken its place (\"save\" of graph 3)."
        )
      }
    }).pipe(Effect.scoped, Effect.provide(Skein.layer())))

  it.effect("G21: of several replacements the last one runs, after all before it have stopped", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Client.submit(slow(log, "a"))
      yield* Effect.yieldNow
      const others = yield* Effect.forEach(
        ["b", "c"],
        (name) => Client.submit(slow(log, name), { conflict: "replace" })
      )
      const last = yield* Client.submit(quick(log, "d"), { conflict: "replace" })
      yield* TestClock.adjust(10)
      assert.strictEqual(yield* Future.join(last), "d")
      assert.deepStrictEqual(log, ["a starts", "a stopped", "d starts"])
      for (const other of others) assert.isTrue(Exit.isFailure(yield* Future.await(other)))
    }).pipe(Effect.scoped, Effect.provide(Skein.layer())))

  it.effect("G21: a result is replaced without waiting, and in a namespace its own keys count", () =>
    Effect.gen(function*() {
      const log: Log = []
      const done = yield* Client.submit(quick(log, "a"))
      yield* Future.join(done)
      assert.strictEqual(yield* Client.compute(quick(log, "b"), { conflict: "replace" }), "b")
      assert.strictEqual(yield* Future.join(done), "a")
      const other = yield* Client.submit(slow(log, "c", 0))
      const inside = Client.annotate({ namespace: "n" })
      const within = yield* inside(Client.submit(slow(log, "d", 0)))
      assert.strictEqual(yield* inside(Client.compute(quick(log, "e"), { conflict: "replace" })), "e")
      assert.strictEqual(yield* Future.status(other), "running")
      assert.strictEqual(yield* Future.status(within), "cancelled")
    }).pipe(Effect.scoped, Effect.provide(Skein.layer())))

  it("G21: what a body elsewhere submitted is in its namespace, as what others submit", () => {
    const elsewhere = Context.make(Border, { info: {} as never })
    for (const context of [Context.empty(), elsewhere]) {
      for (const work of [{}, "12/1"]) {
        const inside = identityIn({ annotations: { namespace: "n" }, context }, "k", work)
        const outside = identityIn({ annotations: {}, context }, "k", work)
        assert.deepStrictEqual(["n", "m", undefined].map((name) => isInNamespace(name, inside)), [true, false, false])
        assert.deepStrictEqual(["n", "m", undefined].map((name) => isInNamespace(name, outside)), [false, false, true])
      }
    }
  })

  it.effect("G21, A11: a fired task replaces and refuses too, and nothing is left", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Client.fireAndForget(slow(log, "a", 0))
      yield* Effect.yieldNow
      yield* submitErrorOf(Client.fireAndForget(quick(log, "b"), { conflict: "refuse" }))
      yield* Client.fireAndForget(quick(log, "c"), { conflict: "replace" })
      yield* Client.awaitGroup()
      assert.deepStrictEqual(log, ["a starts", "a stopped", "c starts"])
      yield* nothingIsLeft
    }).pipe(Effect.provide(Skein.layer())))

  it.effect("G21: a replacement that is cancelled meanwhile never starts", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Client.submit(slow(log, "a"))
      yield* TestClock.adjust(1)
      const next = yield* Client.submit(quick(log, "b"), { conflict: "replace" })
      yield* Future.cancel(next)
      yield* TestClock.adjust(1)
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(log, ["a starts", "a stopped"])
    }).pipe(Effect.scoped, Effect.provide(Skein.layer())))

  it.effect("G21, N6: a body that replaces its own task and waits for the new one is told at once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const self: Task.Task<string, never, Client.Client> = Task.make(
        Effect.uninterruptible(
          Effect.matchCause(Client.compute(quick(log, "b"), { conflict: "replace" }), {
            onFailure: () => "told",
            onSuccess: (name) => name
          })
        ),
        { key: "save" }
      )
      const future = yield* Client.submit(self)
      yield* Future.await(future)
      yield* Effect.yieldNow
      assert.deepStrictEqual(log, [])
    }).pipe(Effect.scoped, Effect.provide(Skein.layer())))

  it.effect("G21: replace beside passes, and a word that is none, are mistakes", () =>
    Effect.gen(function*() {
      const log: Log = []
      yield* Client.submit(slow(log, "a", 0))
      const task = quick(log, "b")
      const options = { conflict: "replace", passes: ["fuse"] } as const
      assert.include((yield* mistakeOf(Client.submit(task, options))).message, "no value beside passes")
      assert.include((yield* mistakeOf(Client.submit(task, { conflict: "other" as never }))).message, "\"replace\"")
    }).pipe(Effect.scoped, Effect.provide(Skein.layer())))

  it.effect("G21: changes that come fast are saved once, with the last of them", () =>
    Effect.gen(function*() {
      const saved: Array<string> = []
      const save = (file: string, text: string) =>
        Task.make(Effect.andThen(Effect.sleep(100), Effect.sync(() => void saved.push(text))), { key: `save ${file}` })
      for (const text of ["a", "ab", "abc"]) {
        yield* Client.fireAndForget(save("x", text), { conflict: "replace" })
        yield* TestClock.adjust(40)
      }
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(saved, ["abc"])
    }).pipe(Effect.provide(Skein.layer())))
})
