/** The options of named tasks that bodies elsewhere submit: their scheduler applies them, as to any other task. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Portable from "skein/Portable"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import type { TaskTimeout } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { elsewhere } from "./testing/elsewhere.ts"

class Odd extends Schema.TaggedError<Odd>()("Odd", { n: Schema.Number }) {}

/** A body elsewhere, which a test chooses. */
const Outer = Portable.make("Outer", { payload: Schema.Number, success: Schema.Unknown, error: Schema.Unknown })
const Inner = Portable.make("Inner", { payload: Schema.Number, success: Schema.Unknown, error: Odd })

type Body<R> = (n: number) => Effect.Effect<unknown, any, R | Client.Client | Portable.Handler<"Inner">>

/** Handlers, of which the outer one gets the inner one as all bodies of the worker do. */
const handlers = (outer: Body<never>, inner: (n: number) => Effect.Effect<unknown, Odd, Worker.Worker>) => {
  const InnerLive = Inner.toLayer(inner as (n: number) => Effect.Effect<unknown, Odd>)
  return Layer.provideMerge(Outer.toLayer(outer), InnerLive)
}

/** The keys of tasks that started at home. */
const started = Effect.gen(function*() {
  const keys: Array<string> = []
  yield* Scheduler.listen(({ key, to }) => {
    if (to === "running") keys.push(key)
  })
  return keys
})

const both = [Outer, Inner] as const

describe("options of named tasks that bodies elsewhere submit", () => {
  it.effect("K1, N1: a key and a label name the task for its scheduler", () => {
    const live = handlers(
      () => Client.compute([Inner(1, { key: "mine" }), Inner(2, { label: "named" }), Inner(3)]),
      (n) => Effect.map(Worker.current, ({ key }) => `${n}: ${key}`)
    )
    return Effect.gen(function*() {
      const keys = yield* started
      const told = yield* Client.compute(Outer(0))
      assert.deepStrictEqual((told as Array<string>).map((each) => each.replace(/#\d+/, "#")), [
        "1: mine",
        "2: named#",
        "3: Inner#"
      ])
      assert.includeMembers(keys.map((key) => key.replace(/#\d+/, "#")), ["mine", "named#", "Inner#"])
    }).pipe(Effect.scoped, Effect.provide(elsewhere(both, live)))
  })

  it.effect("K2, N1: a pure task joins an equal one, whichever bodies submit them", () => {
    const door = Deferred.makeUnsafe<void>()
    let runs = 0
    const asked: Array<number> = []
    const live = handlers(
      (n) => {
        asked.push(n)
        return Client.compute(Inner(7, { pure: true }))
      },
      () => Effect.as(Effect.andThen(Effect.sync(() => runs++), Deferred.await(door)), "one")
    )
    return Effect.gen(function*() {
      const here = yield* Client.submit(Inner(7, { pure: true }))
      const bodies = yield* Effect.forkChild(Client.compute([Outer(1), Outer(2), Outer(3)]))
      while (asked.length < 3) yield* Effect.yieldNow
      for (let i = 0; i < 50; i++) yield* Effect.yieldNow
      yield* Deferred.succeed(door, undefined)
      assert.deepStrictEqual(yield* Fiber.join(bodies), ["one", "one", "one"])
      assert.strictEqual(yield* Future.join(here), "one")
      assert.strictEqual(runs, 1)
    }).pipe(Effect.scoped, Effect.provide(elsewhere(both, live, { slots: 2 })))
  })

  it.effect("C1, K2: the end of the body that submitted a pure task first leaves it to the others of its worker", () => {
    const door = Deferred.makeUnsafe<void>()
    const begun = Deferred.makeUnsafe<void>()
    const later = Deferred.makeUnsafe<void>()
    const live = handlers(
      (n) =>
        n === 1
          ? Client.compute(Inner(7, { pure: true }))
          : Effect.andThen(
            Deferred.await(begun),
            Effect.tap(Client.compute(Inner(7, { pure: true })), () => Effect.void)
          ).pipe((effect) => Effect.andThen(Deferred.succeed(later, undefined), effect)),
      () => Effect.as(Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(door)), "one")
    )
    return Effect.gen(function*() {
      const first = yield* Client.submit(Outer(1))
      yield* Deferred.await(begun)
      const second = yield* Client.submit(Outer(2))
      yield* Deferred.await(later)
      for (let i = 0; i < 50; i++) yield* Effect.yieldNow
      yield* Future.cancel(first)
      yield* Deferred.succeed(door, undefined)
      assert.strictEqual(yield* Future.join(second), "one")
    }).pipe(Effect.scoped, Effect.provide(elsewhere(both, live, { workers: 1, slots: 4 })))
  })

  it.effect("C3: a timeout runs from the start of its body, and its error is typed in the body that waits", () => {
    const live = handlers(
      () =>
        Client.compute(Inner(1, { timeout: "1 second" })).pipe(
          Effect.catchTag("TaskTimeout", ({ key }) => Effect.succeed(key))
        ),
      () => Effect.never
    )
    return Effect.gen(function*() {
      const future = yield* Client.submit(Outer(0))
      for (let i = 0; i < 50; i++) yield* Effect.yieldNow
      yield* TestClock.adjust("2 seconds")
      assert.match(String(yield* Future.join(future)), /^Inner#/)
    }).pipe(Effect.scoped, Effect.provide(elsewhere(both, live)))
  })

  it.effect("F5: a number of retries travels, and the body sees its attempts", () => {
    const seen: Array<number> = []
    const live = handlers(
      () => Client.compute(Inner(1, { retry: { times: 2 } })),
      (n) =>
        Effect.flatMap(Worker.current, ({ attempt }) => {
          seen.push(attempt)
          return attempt < 3 ? new Odd({ n }) : Effect.succeed("third")
        })
    )
    return Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Outer(0)), "third")
      assert.deepStrictEqual(seen, [1, 2, 3])
    }).pipe(Effect.provide(elsewhere(both, live)))
  })

  it.effect("F5: functions and schedules of a retry run in the worker of the body, by the clock of its scheduler", () => {
    let runs = 0
    const asked: Array<unknown> = []
    const live = handlers(
      () =>
        Client.compute(Inner(1, {
          timeout: "1 second",
          retry: {
            times: 3,
            while: (error: Odd | TaskTimeout) => {
              asked.push(error._tag)
              return true
            },
            schedule: Schedule.spaced("10 seconds")
          }
        })),
      (n) => Effect.suspend(() => ++runs < 3 ? new Odd({ n }) : Effect.succeed(runs))
    )
    return Effect.gen(function*() {
      const future = yield* Client.submit(Outer(0))
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 50; j++) yield* Effect.yieldNow
        yield* TestClock.adjust("10 seconds")
      }
      assert.strictEqual(yield* Future.join(future), 3)
      assert.deepStrictEqual(asked, ["Odd", "Odd"])
    }).pipe(Effect.scoped, Effect.provide(elsewhere(both, live)))
  })

  it.effect("W3: a restriction names workers of the scheduler", () => {
    const live = handlers(
      () =>
        Client.compute([
          Inner(1, { workers: ["far-1"] }),
          Inner(2, { workers: { labels: ["one"] } }),
          Inner(3, { workers: ["nobody"], allowOthers: true })
        ]),
      () => Effect.map(Worker.current, ({ id }) => id)
    )
    return Effect.gen(function*() {
      const ids = (yield* Client.compute(Outer(0))) as Array<string>
      assert.deepStrictEqual(ids.slice(0, 2), ["far-1", "far-1"])
    }).pipe(Effect.provide(elsewhere(both, live, { labels: (worker) => worker === 1 ? ["one"] : [] })))
  })

  it.effect("W3: a restriction that no worker meets fails with a typed error", () => {
    const live = handlers(
      () =>
        Client.compute(Inner(1, { workers: ["nobody"] })).pipe(
          Effect.catchTag("NoSuitableWorker", (error) => Effect.succeed(error.message))
        ),
      () => Effect.void
    )
    return Effect.gen(function*() {
      assert.match(String(yield* Client.compute(Outer(0))), /"nobody"/)
    }).pipe(Effect.provide(elsewhere(both, live)))
  })

  it.effect("W6, W7: tags and resources are those of the scheduler", () => {
    const running = { now: 0, most: 0 }
    const body = Effect.acquireUseRelease(
      Effect.sync(() => {
        running.most = Math.max(running.most, ++running.now)
      }),
      () => Effect.andThen(Effect.yieldNow, Effect.yieldNow),
      () => Effect.sync(() => running.now--)
    )
    const live = handlers(
      (n) =>
        Client.compute([1, 2, 3].map((each) => Inner(each, n === 0 ? { tags: ["db"] } : { resources: { gpu: 1 } }))),
      () => body
    )
    return Effect.gen(function*() {
      yield* Client.compute(Outer(0))
      assert.strictEqual(running.most, 1)
      yield* Client.compute(Outer(1))
      assert.strictEqual(running.most, 1)
    }).pipe(Effect.provide(elsewhere(both, live, {
      workers: 1,
      slots: 4,
      resources: { gpu: 1 },
      here: Skein.layer({ tags: { db: 1 } })
    })))
  })

  it.effect("N6: a priority counts among all tasks of the scheduler", () => {
    const order: Array<number> = []
    const door = Deferred.makeUnsafe<void>()
    const live = handlers(
      () => Client.compute([Inner(1, { priority: -1 }), Inner(2), Inner(3, { priority: 1 })]),
      (n) => Effect.andThen(n === 5 ? Deferred.await(door) : Effect.yieldNow, Effect.sync(() => order.push(n)))
    )
    return Effect.gen(function*() {
      // A task with a timeout is never sent ahead of its slot.
      const last = Inner(4, { timeout: "1 minute" })
      const all = yield* Effect.forkChild(Client.compute([Outer(0), Inner(5), last]))
      for (let i = 0; i < 50; i++) yield* Effect.yieldNow
      yield* Deferred.succeed(door, undefined)
      yield* Fiber.join(all)
      assert.isBelow(order.indexOf(3), order.indexOf(4))
      assert.isBelow(order.indexOf(4), order.indexOf(1))
    }).pipe(Effect.provide(elsewhere(both, live, { workers: 1 })))
  })

  it.effect("N6: the options of a region in the body go with its tasks, inside those of its submitter", () => {
    const live = handlers(
      () =>
        Client.compute([Task.make(Worker.current), Inner(1)]).pipe(
          Client.annotate({ namespace: "b", label: "mine", retry: { times: 1 } })
        ),
      (n) => Effect.flatMap(Worker.current, ({ attempt, key }) => attempt === 1 ? new Odd({ n }) : Effect.succeed(key))
    )
    return Effect.gen(function*() {
      const [own, key] = (yield* Client.compute(Outer(0)).pipe(Client.annotate({ label: "outer" }))) as [
        Worker.Info,
        string
      ]
      assert.match(own.key, /^mine#/)
      assert.match(key, /^mine#/)
    }).pipe(Effect.provide(elsewhere(both, live)))
  })

  it.effect("N6: the region of a submitter reaches the functions that the body submits", () => {
    const live = handlers(
      () => Client.compute([Task.make(Worker.current), Inner(1)]),
      () => Effect.map(Worker.current, ({ key }) => key)
    )
    return Effect.gen(function*() {
      const [own, key] = (yield* Client.compute(Outer(0)).pipe(Client.annotate({ label: "outer" }))) as [
        Worker.Info,
        string
      ]
      assert.match(own.key, /^outer#/)
      assert.match(key, /^outer#/)
    }).pipe(Effect.provide(elsewhere(both, live)))
  })

  it.effect("X2: an option that does not travel is refused before anything starts, with what to do", () => {
    let runs = 0
    const first = Inner(2)
    const attempts = [
      Inner(1, { key: "near", locality: () => 1 }),
      Inner(1, { key: "near", follow: first })
    ]
    const live = handlers(
      () =>
        Effect.forEach(attempts, (task) =>
          Client.compute([first, task]).pipe(
            Effect.as("ran"),
            Effect.catchReason("SubmitError", "CannotTravel", ({ message }) => Effect.succeed(message))
          )),
      () => Effect.sync(() => runs++)
    )
    return Effect.gen(function*() {
      assert.deepStrictEqual(yield* Client.compute(Outer(0)), [
        "Task \"near\" cannot have the option locality where a body elsewhere submits it: a function does not travel. Use workers.",
        "Task \"near\" cannot have the option follow where a body elsewhere submits it: the workers of its tasks are not known there. Use workers."
      ])
      assert.strictEqual(runs, 0)
    }).pipe(Effect.provide(elsewhere(both, live)))
  })
})
