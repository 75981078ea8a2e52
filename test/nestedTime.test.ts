/** Time and chance in bodies elsewhere, and in the functions that they submit: those of their scheduler and their submitter. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Portable from "skein/Portable"
import * as Task from "skein/Task"
import { elsewhere } from "./testing/elsewhere.ts"

const Outer = Portable.make("Outer", { payload: Schema.Number, success: Schema.Unknown })

const turns = Effect.repeat(Effect.yieldNow, { times: 50 })

/** What a body elsewhere gives, after the clock of the program has moved by a minute so many times. */
const afterMinutes = <R>(minutes: number, body: Effect.Effect<unknown, unknown, R>) =>
  Effect.gen(function*() {
    const running = yield* Effect.forkChild(Client.compute(Outer(0)))
    for (let i = 0; i < minutes; i++) {
      yield* turns
      yield* TestClock.adjust("1 minute")
    }
    yield* turns
    assert.isDefined(running.pollUnsafe(), "it goes by another clock")
    return yield* Fiber.join(running)
  }).pipe(Effect.provide(elsewhere([Outer], Outer.toLayer(() => Effect.orDie(body) as Effect.Effect<unknown>))))

describe("time in bodies elsewhere", () => {
  it.effect("W20, C3: functions that a body submits have the time limits of the program's clock", () =>
    Effect.gen(function*() {
      for (const options of [{ timeout: "1 minute" }, { deadline: "1 minute" }] as const) {
        const late = Client.compute(Task.make(Effect.never, options)).pipe(
          Effect.catchTag("TaskTimeout", () => Effect.succeed("late"))
        )
        assert.strictEqual(yield* afterMinutes(1, late), "late")
      }
    }))

  it.effect("W20, F5: they are tried again by that clock", () =>
    Effect.gen(function*() {
      let runs = 0
      const thrice = Task.make(Effect.suspend(() => ++runs < 3 ? Effect.fail("no") : Effect.succeed(runs)), {
        retry: Schedule.spaced("1 minute")
      })
      assert.strictEqual(yield* afterMinutes(2, Client.compute(thrice)), 3)
    }))

  it.effect("W20: they sleep by it, also those that submit others", () =>
    Effect.gen(function*() {
      const inner = Task.make(Effect.as(Effect.sleep("2 minutes"), "awake"))
      assert.strictEqual(yield* afterMinutes(2, Client.compute(Task.make(Client.compute(inner)))), "awake")
    }))

  it.effect("W20: a function that outlives its body goes by it", () =>
    Effect.gen(function*() {
      const told = Deferred.makeUnsafe<string>()
      const late = Task.make(Effect.never, { timeout: "2 minutes" }).pipe(
        Client.compute,
        Effect.catchTag("TaskTimeout", () => Deferred.succeed(told, "late"))
      )
      const body = Effect.as(Client.fireAndForget(Task.make(Effect.asVoid(late))), "fired")
      yield* Effect.gen(function*() {
        assert.strictEqual(yield* Client.compute(Outer(0)), "fired")
        yield* turns
        yield* TestClock.adjust("2 minutes")
        yield* turns
        assert.isTrue(yield* Deferred.isDone(told))
      }).pipe(Effect.provide(elsewhere([Outer], Outer.toLayer(() => Effect.orDie(body) as Effect.Effect<unknown>))))
    }))

  it.effect("W20: a function that outlives its body sleeps on, and sleeps again", () =>
    Effect.gen(function*() {
      const told = Deferred.makeUnsafe<void>()
      const late = Effect.andThen(Effect.sleep("1 minute"), Effect.sleep("1 minute"))
      const body = Client.fireAndForget(Task.make(Effect.andThen(late, Deferred.succeed(told, undefined))))
      yield* Effect.gen(function*() {
        yield* Client.compute(Outer(0))
        for (let i = 0; i < 2; i++) {
          yield* turns
          yield* TestClock.adjust("1 minute")
        }
        yield* turns
        assert.isTrue(yield* Deferred.isDone(told))
      }).pipe(Effect.provide(elsewhere([Outer], Outer.toLayer(() => Effect.orDie(body) as Effect.Effect<unknown>))))
    }))

  it.effect("W20: bodies draw by the seed of their submitter, each its own numbers, and the same the next time", () => {
    const draw = Effect.flatMap(
      Random.next,
      (own) => Effect.map(Effect.orDie(Client.compute(Task.make(Random.next))), (nested) => [own, nested])
    )
    const drawn = Client.compute([Outer(0), Outer(1)]).pipe(
      Random.withSeed("seed"),
      Effect.provide(elsewhere([Outer], Outer.toLayer(() => draw as Effect.Effect<unknown>)))
    )
    return Effect.gen(function*() {
      const first = yield* drawn
      assert.deepStrictEqual(yield* drawn, first)
      assert.strictEqual(new Set(first.flat()).size, 4)
    })
  })
})
