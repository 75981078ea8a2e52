import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { SubmitError } from "skein/SkeinError"
import type { SkeinError } from "skein/SkeinError"
import * as Task from "skein/Task"
import { mistakeOf } from "./support.ts"

const within = (options: Skein.Options) => <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.provide(program, Skein.layer(options))

const isEmpty = Effect.gen(function*() {
  const { owners, tasks, waits } = yield* Scheduler.stats
  assert.deepStrictEqual([owners, waits, ...Object.values(tasks)].filter((count) => count > 0), [])
})

const chain = (length: number) =>
  Array.from({ length }).reduce<Task.Task<number>>((task) => Task.map(task, (n) => n + 1), Task.map([], () => 0))

describe("limits", () => {
  it.effect("X4: a graph with more tasks than allowed is refused before anything starts", () =>
    Effect.gen(function*() {
      let ran = 0
      const task = Task.all(Array.from({ length: 10 }, () => Task.map([], () => ran++)))
      const error = yield* Effect.flip(Client.compute(task))
      assert.instanceOf(error, SubmitError)
      assert.strictEqual(
        error.message,
        "The number of tasks of this graph is 11, and the layer's limits.tasks is 10. Split the work, or raise the limit."
      )
      assert.strictEqual(ran, 0)
      yield* isEmpty
    }).pipe(within({ limits: { tasks: 10 } })))

  it.effect("X4: a graph deeper than allowed is refused, one just as deep runs", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(chain(9)), 9)
      const error = yield* Effect.flip(Client.compute(chain(10)))
      assert.deepInclude((error as SubmitError).reason, {
        _tag: "LimitExceeded",
        limit: "depth",
        value: 11,
        max: 10
      })
      yield* isEmpty
    }).pipe(within({ limits: { depth: 10 } })))

  it.effect("X4: a submission that would make too many tasks live is refused, and accepted once there is room", () =>
    Effect.gen(function*() {
      const one = Task.make(Effect.succeed(1))
      const full = Effect.gen(function*() {
        yield* Client.submitAll([Task.withOptions(one, { key: "a" }), Task.withOptions(one, { key: "b" })])
        const error = yield* Effect.flip(Client.submit(one))
        assert.deepInclude(error.reason, { _tag: "LimitExceeded", limit: "live", value: 3, max: 2 })
      })
      yield* Effect.scoped(full)
      assert.strictEqual(yield* Client.compute(one), 1)
      yield* isEmpty
    }).pipe(within({ limits: { live: 2 } })))

  it.effect("X4: limits that are no positive whole numbers are refused by the layer", () =>
    Effect.gen(function*() {
      const error = yield* mistakeOf(Effect.void.pipe(within({ limits: { nesting: 0 } })))
      assert.strictEqual(
        error.message,
        "The option limits.nesting cannot be 0: expected a positive whole number, or Infinity."
      )
    }))
})

describe("nesting", () => {
  /** f submits two of itself for ever. */
  const bomb: Task.Task<number, SubmitError | SkeinError, Client.Client> = Task.make(Effect.gen(function*() {
    const children = yield* Client.submitAll([bomb, bomb])
    return (yield* Future.join(children[0])) + (yield* Future.join(children[1]))
  }))

  it.effect("N7: trap 15: a recursion bomb ends in NestingLimit with bounded tasks", () =>
    Effect.gen(function*() {
      let live = 0
      let most = 0
      yield* Scheduler.listen(({ from, to }) => {
        if (from === undefined) most = Math.max(most, ++live)
        if (to === "released") live--
      })
      const exit = yield* Effect.exit(Client.compute(bomb))
      assert.isTrue(Exit.isFailure(exit))
      const error = yield* Effect.flip(Client.compute(bomb))
      assert.deepInclude((error as SubmitError).reason, { _tag: "NestingLimit", of: "nesting", max: 50 })
      assert.isAtMost(most, 2 * 50 + 2)
      yield* isEmpty
    }).pipe(Effect.scoped, within({ concurrency: 1, limits: { nesting: 50 } })))

  it.effect("N7: a flatMap that returns itself for ever ends in NestingLimit", () =>
    Effect.gen(function*() {
      const loop: Task.Task<never, SubmitError> = Task.flatMap({}, () => loop)
      const error = yield* Effect.flip(Client.compute(loop))
      assert.deepInclude((error as SubmitError).reason, { _tag: "NestingLimit", of: "unfolding", max: 100 })
      yield* isEmpty
    }).pipe(within({ limits: { unfolding: 100 } })))

  it.effect("N7: more waiting bodies than allowed end in NestingLimit", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Client.compute(bomb))
      assert.deepInclude((error as SubmitError).reason, { _tag: "NestingLimit", of: "seceded", max: 20 })
      yield* isEmpty
    }).pipe(within({ concurrency: 1, limits: { seceded: 20 } })))

  it.effect("N7: as many bodies wait at once as the limit says, and not one more", () =>
    Effect.gen(function*() {
      let now = 0
      let most = 0
      yield* Scheduler.listen(({ from, to }) => {
        now += Number(to === "seceded") - Number(from === "seceded")
        most = Math.max(most, now)
      })
      const nested = (depth: number): Task.Task<number, any, Client.Client> =>
        Task.make(depth === 0 ? Effect.succeed(0) : Effect.map(Client.compute(nested(depth - 1)), (n) => n + 1))
      assert.strictEqual(yield* Client.compute(nested(2)), 2)
      assert.strictEqual(most, 2)
      const error = yield* Effect.flip(Client.compute(nested(3)))
      assert.deepInclude((error as SubmitError).reason, { _tag: "NestingLimit", of: "seceded", max: 2 })
      assert.strictEqual(most, 2)
    }).pipe(within({ concurrency: 1, limits: { seceded: 2 } })))
})
