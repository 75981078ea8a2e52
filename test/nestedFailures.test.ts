/** Failures, interruptions and logs through several levels: a body elsewhere, its functions, and the named tasks that they submit. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Client from "skein/Client"
import * as ErrorSchema from "skein/ErrorSchema"
import * as Future from "skein/Future"
import * as Portable from "skein/Portable"
import * as Skein from "skein/Skein"
import { DependencyFailed } from "skein/SkeinError"
import * as Task from "skein/Task"
import { implementationsOf } from "../src/internal/portable/modules.ts"
import { elsewhere } from "./testing/elsewhere.ts"

class Odd extends Schema.TaggedError<Odd>()("Odd", { n: Schema.Number, at: Schema.Date }) {}

const Half = Portable.make("Half", { payload: Schema.Number, success: Schema.Number, error: Odd })
const Outer = Portable.make("Outer", { payload: Schema.Number, success: Schema.Unknown, error: Odd })

const HalfLive = Half.toLayer((n) => n % 2 === 1 ? new Odd({ n, at: new Date(n) }) : Effect.succeed(n / 2))

const turns = Effect.repeat(Effect.yieldNow, { times: 50 })

type Nested = Client.Client | Portable.Handler<"Half"> | Portable.Handler<"Outer">
type Body = (n: number) => Effect.Effect<unknown, any, Nested>

const both = [Outer, Half] as const

const handlers = (outer: Body, half: Layer.Layer<Portable.Handler<"Half">> = HalfLive) =>
  Layer.provideMerge(Outer.toLayer(outer as (n: number) => Effect.Effect<unknown, never>), half)

const isOdd = (error: unknown, n: number): boolean => error instanceof Odd && error.n === n && error.at.getTime() === n

describe("failures of tasks that bodies elsewhere submit", () => {
  it.effect("F14: their typed errors arrive as instances, however the body waits for them", () => {
    const ways: ReadonlyArray<Effect.Effect<unknown, any, any>> = [
      Client.compute(Half(7)).pipe(Effect.catchTag("Odd", Effect.succeed)),
      Effect.scoped(Effect.flatMap(Client.submit(Half(7)), Future.join)).pipe(Effect.catchTag("Odd", Effect.succeed)),
      Effect.scoped(Effect.flatMap(Client.submitAll([Half(7), Half(2)]), Future.joinAll)).pipe(
        Effect.catchTag("Odd", Effect.succeed)
      ),
      Effect.map(
        Client.compute([Half(7)], { mode: "collect" }),
        ([exit]) => Exit.isFailure(exit) ? Cause.squash(exit.cause) : exit
      ),
      Client.compute(Task.map(Half(7), (n) => n)).pipe(
        Effect.catchTag("DependencyFailed", ({ error }) => Effect.succeed(error))
      ),
      Client.compute(Task.flatMap(Task.succeed(7), (n) => Half(n))).pipe(Effect.catchTag("Odd", Effect.succeed)),
      Client.compute(Task.make(Client.compute(Half(7)))).pipe(Effect.catchTag("Odd", Effect.succeed)),
      Client.forEach([7], (n) => Client.compute(Half(n))).pipe(Effect.catchTag("Odd", Effect.succeed)),
      Client.compute(Task.exit(Half(7))).pipe(
        Effect.map((exit) => Exit.isFailure(exit) ? Cause.squash(exit.cause) : exit)
      )
    ]
    const found: Array<unknown> = []
    const live = handlers(() =>
      Effect.forEach(ways, (way) => Effect.map(way, (error) => found.push(error))) as ReturnType<Body>
    )
    return Effect.gen(function*() {
      yield* Client.compute(Outer(0))
      assert.deepStrictEqual(found.map((error) => isOdd(error, 7)), ways.map(() => true), String(found))
    }).pipe(Effect.provide(elsewhere(both, live)))
  })

  it.effect("F14: a body fails with the failure of a dependency, whose first error stays typed", () => {
    const Deep = Portable.make("Deep", {
      payload: Schema.Number,
      success: Schema.Number,
      error: Schema.Union([ErrorSchema.DependencyFailed(Odd), ErrorSchema.SubmitError, ErrorSchema.SkeinError])
    })
    const DeepLive = Deep.toLayer((n) => Client.compute(Task.map(Half(n), (half) => half)))
    const Over = Portable.make("Over", { success: Schema.Unknown })
    const OverLive = Over.toLayer(() =>
      Client.compute(Deep(5)).pipe(
        Effect.catchTag("DependencyFailed", ({ error }) => Effect.succeed(isOdd(error, 5))),
        Effect.orDie
      )
    )
    const live = OverLive.pipe(Layer.provideMerge(DeepLive), Layer.provideMerge(HalfLive))
    return Effect.gen(function*() {
      const error = yield* Effect.flip(Client.compute(Deep(7)))
      assert.instanceOf(error, DependencyFailed)
      assert.isTrue(isOdd((error as DependencyFailed<unknown>).error, 7), String(error))
      assert.isTrue(yield* Client.compute(Over()))
    }).pipe(Effect.provide(elsewhere([Deep, Half, Over], live)))
  })

  it.effect("F14: errors of the functions of a module arrive as instances too", () => {
    interface Work {
      readonly half: (n: number) => Effect.Effect<number, Odd>
      readonly tell: () => Effect.Effect<boolean, never, Client.Client>
    }
    const work = Portable.module<Work>()(new URL("memory:odd"), { errors: [Odd] })
    const implementations = implementationsOf("memory:odd", {
      half: (n: number) => new Odd({ n, at: new Date(n) }),
      tell: () =>
        Client.compute(Task.map(work.tasks.half(3), (half) => half)).pipe(
          Effect.as(false),
          Effect.catchTag("DependencyFailed", ({ error }) => Effect.succeed(isOdd(error, 3))),
          Effect.orDie
        )
    })
    return Effect.gen(function*() {
      assert.isTrue(yield* Client.compute(work.tasks.tell()))
    }).pipe(Effect.provide(elsewhere([work], Layer.empty, { implementations })))
  })

  it.effect("F14: a cause keeps all its reasons through a function, a named task and another body", () => {
    const fails = Effect.failCause(Cause.combine(
      Cause.fail(new Odd({ n: 1, at: new Date(1) })),
      Cause.combine(Cause.die(new RangeError("beside")), Cause.fail(new Odd({ n: 2, at: new Date(2) })))
    ))
    const live = handlers(
      () => Client.compute(Task.make(Client.compute(Half(7)))),
      Half.toLayer(() => fails)
    )
    return Effect.gen(function*() {
      const exit = yield* Effect.exit(Client.compute(Outer(0)))
      const { reasons } = (exit as Exit.Failure<unknown, unknown>).cause
      assert.deepStrictEqual(reasons.map(({ _tag }) => _tag), ["Fail", "Die", "Fail"])
      assert.isTrue(Cause.isFailReason(reasons[2]!) && isOdd(reasons[2].error, 2))
      assert.match(Cause.pretty((exit as Exit.Failure<unknown, unknown>).cause), /RangeError: beside/)
    }).pipe(Effect.provide(elsewhere(both, live)))
  })

  const levels = 3

  /** Bodies one in another: each submits a function, which submits the next named task; the last one waits. */
  const descending = (log: Array<string>, begun: Deferred.Deferred<void>): Body => (n) => {
    const noted = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>) =>
      Effect.onInterrupt(effect, () => Effect.sync(() => log.push(`${what} ${n}`)))
    const next: Effect.Effect<unknown, any, any> = n === levels
      ? Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
      : Client.compute(Outer(n + 1))
    return noted("body", Client.compute(Task.make(noted("function", next)))) as ReturnType<Body>
  }

  const innermostFirst = Array.from({ length: levels }, (_, i) => [`function ${levels - i}`, `body ${levels - i}`])
    .flat()

  it.effect("C1: an interruption from above reaches all levels, the innermost first", () => {
    const log: Array<string> = []
    const begun = Deferred.makeUnsafe<void>()
    return Effect.gen(function*() {
      const future = yield* Client.submit(Outer(1))
      yield* Deferred.await(begun)
      yield* Future.cancel(future)
      assert.deepStrictEqual(log, innermostFirst)
    }).pipe(Effect.scoped, Effect.provide(elsewhere(both, handlers(descending(log, begun)))))
  })

  const midst: Record<string, (begun: Deferred.Deferred<void>) => Effect.Effect<unknown, any, any>> = {
    "in a race": (begun) => Effect.raceFirst(Client.compute(Outer(1)), Effect.as(Deferred.await(begun), "over")),
    "by a cancel": (begun) =>
      Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(Outer(1))
        yield* Deferred.await(begun)
        yield* Future.cancel(future)
        return "over"
      })),
    "in a function": (begun) =>
      Client.compute(
        Task.make(Effect.raceFirst(Client.compute(Outer(1)), Effect.as(Deferred.await(begun), "over")))
      )
  }

  for (const [where, way] of Object.entries(midst)) {
    it.effect(`C1: an interruption ${where} reaches what is below, and the body above goes on`, () => {
      const log: Array<string> = []
      const begun = Deferred.makeUnsafe<void>()
      const down = descending(log, begun)
      const live = handlers((n) => n === 0 ? way(begun) as ReturnType<Body> : down(n))
      return Effect.gen(function*() {
        assert.strictEqual(yield* Client.compute(Outer(0)), "over")
        assert.deepStrictEqual(log, innermostFirst)
      }).pipe(Effect.provide(elsewhere(both, live)))
    })
  }

  it.effect("N6: a cycle through bodies of both kinds fails with Starved", () => {
    const Even = Portable.make("Even", { payload: Schema.Number, success: Schema.String })
    const Uneven = Portable.make("Uneven", { payload: Schema.Number, success: Schema.String })
    const after = (other: Task.Task<string, any, any>) =>
      Client.compute(Task.make(Client.compute(other))).pipe(
        Effect.catchReason("SkeinError", "Starved", ({ message }) => Effect.succeed(message)),
        Effect.orDie
      ) as Effect.Effect<string>
    const EvenLive = Even.toLayer((n) => after(Uneven(n, { pure: true })))
    const UnevenLive = Uneven.toLayer((n) => after(Even(n, { pure: true })))
    return Effect.gen(function*() {
      const told = yield* Client.compute(Even(1, { pure: true }))
      assert.match(told, /Even\(1\).*Uneven\(1\)|Uneven\(1\).*Even\(1\)/)
    }).pipe(Effect.provide(elsewhere([Even, Uneven], Layer.merge(EvenLive, UnevenLive))))
  })

  it.effect("W20: logs of what outlives its body go to the loggers of the layer", () => {
    const heard: Array<unknown> = []
    const logger = Logger.layer([Logger.make(({ message }) => void heard.push(message))])
    const live = handlers(() =>
      Effect.as(
        Client.fireAndForget(Task.make(Effect.andThen(turns, Effect.log("later")))),
        1
      )
    )
    return Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Outer(0)), 1)
      yield* turns
      yield* turns
      yield* turns
      assert.deepStrictEqual(heard, [["later"]])
    }).pipe(Effect.provide(elsewhere(both, live, { here: Layer.provideMerge(Skein.layer(), logger) })))
  })
})
