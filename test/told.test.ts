/** What people are told of what happened: by whom, and in whose name. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as SkeinError from "skein/SkeinError"
import * as Task from "skein/Task"
import { Leftovers } from "skein/testing"
import { inScheduler, turns } from "./harness.ts"
import { causeOf, errorOf } from "./support.ts"

describe("Released", () => {
  const one = (key: string) => Task.make(Effect.succeed(1), { key })
  const messageOf = <A, E extends Error>(future: Future.Future<A, E>) =>
    Effect.map(errorOf(Future.join(future)), (error) => (error as Error).message)

  it.effect("M2: says who gave the result back with Future.release, the program or a task", () =>
    Effect.gen(function*() {
      const [a, b] = yield* Client.submitAll([one("a"), one("b")])
      yield* Future.release(a)
      yield* Client.compute(Task.make(Future.release(b), { key: "tidy" }))
      assert.match(yield* messageOf(a), /^The result of "a" was released with Future.release by the program\. Join it/)
      assert.match(yield* messageOf(b), /^The result of "b" was released with Future.release by task "tidy"\. Join it/)
    }).pipe(inScheduler()))

  it.effect("M2, N11: says that its scope closed, and in whose body", () =>
    Effect.gen(function*() {
      const scoped = yield* Effect.scoped(Client.submit(one("a")))
      const parent = Task.make(Effect.map(Client.submit(one("b")), (child) => ({ child })), { key: "parent" })
      const leaked = (yield* Client.compute(parent)).child
      assert.match(yield* messageOf(scoped), /^The result of "a" was released when its scope closed\. Join it earlier/)
      assert.match(
        yield* messageOf(leaked),
        /^The result of "b" was released when its scope in the body of task "parent" closed\. Return a task/
      )
      const refused = yield* errorOf(Client.compute(Task.map(leaked, (n) => n, { key: "user" })))
      assert.include(String(refused), "its result was released when its scope in the body of task \"parent\" closed")
    }).pipe(inScheduler()))
})

describe("warnings and stacks", () => {
  it.effect("R1: a cache that throws is called a cache", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => void lines.push(String(message)))
    const fails = (): never => {
      throw new Error("disk full")
    }
    return Effect.gen(function*() {
      const cache = { has: () => false, get: fails, set: fails }
      assert.strictEqual(yield* Client.compute(Task.map([], () => 1, { key: "k" }), { cache }), 1)
      const broken = { has: fails, get: fails, set: () => {} }
      assert.strictEqual(yield* Client.compute(Task.map([], () => 1, { key: "k" }), { cache: broken }), 1)
      yield* Effect.yieldNow
      assert.include(lines.join("\n"), "A cache failed to take a result and is given no more")
      assert.include(lines.join("\n"), "A cache failed to give a result and is not asked again")
      assert.notInclude(lines.join("\n"), "observer")
    }).pipe(inScheduler(), Effect.provide(Logger.layer([logger])))
  })

  it.effect("F12, D4: a failure that a dependent takes by its policy has not passed in silence", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => void lines.push(String(message)))
    const failing = Task.make(Effect.fail("no"))
    const policies = [
      (of: Future.Future<unknown, string>) => Dependency.all([of], { on: "completion" }),
      (of: Future.Future<unknown, string>) => Dependency.any([of], { on: "failure" }),
      (of: Future.Future<unknown, string>) => Dependency.rule("allDone", [of])
    ]
    return Effect.gen(function*() {
      for (const policy of policies) {
        for (const isLater of [false, true]) {
          const future = yield* Client.submit(failing)
          if (isLater) yield* turns()
          yield* Client.compute(Task.make(Effect.void, { after: policy(future) }))
        }
      }
    }).pipe(
      Effect.scoped,
      inScheduler(),
      Effect.provide(Logger.layer([logger])),
      Effect.andThen(Effect.sync(() => assert.deepStrictEqual(lines, [])))
    )
  })

  it.effect("F1: no frame of this library is in what pretty shows, also where there is no other", () =>
    Effect.gen(function*() {
      const wrong = [
        Task.map([], (): unknown => Effect.sync(() => 1)),
        Task.make([], (() => 1) as never),
        Task.flatMap([], (() => 1) as never)
      ]
      for (const task of wrong) {
        const text = SkeinError.pretty(yield* causeOf(Client.compute(task as Task.Task<unknown>)))
        assert.notMatch(text, /\/src\/|node_modules|node:/)
      }
    }).pipe(inScheduler()))
})

describe("assertEmpty", () => {
  it.effect("T6, O6: limits of tags belong to the layer; what holds such a tag is left", () =>
    Effect.gen(function*() {
      yield* Client.compute(Task.make(Effect.void, { tags: ["db"] }))
      yield* Leftovers.assertNone
      const stuck = Task.make(Effect.exit(Leftovers.assertNone), { tags: ["db"] })
      const exit = yield* Client.compute(stuck)
      assert.isTrue(Exit.isFailure(exit))
      assert.include(String(exit), "1 tasks hold tag db")
      assert.deepStrictEqual((yield* Scheduler.dump).tasks, [])
    }).pipe(inScheduler({ tags: { db: 1 } })))
})
