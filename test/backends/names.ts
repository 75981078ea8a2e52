/** Named tasks of the suite that runs on every backend, with their handlers: classes, services of a layer, and bodies that submit. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Portable from "skein/Portable"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { endless, Refused } from "./work.ts"

/** A class that only a schema keeps. */
export class Bill extends Schema.Class<Bill>("Bill")({
  total: Schema.Number,
  due: Schema.Option(Schema.Date)
}) {
  get isPaid(): boolean {
    return this.total === 0
  }
}

export const MakeBill = Portable.make("MakeBill", { payload: { total: Schema.Number }, success: Bill })

export const Pay = Portable.make("Pay", { payload: { bill: Bill }, success: Schema.Boolean })

export const Half = Portable.make("Half", { payload: Schema.Number, success: Schema.Number, error: Refused })

export const Fib = Portable.make("Fib", { payload: Schema.Number, success: Schema.Number })

/** The sum of halves that its body submits, or what failed. */
export const Halves = Portable.make("Halves", { payload: Schema.Array(Schema.Number), success: Schema.String })

/** Waits on the slot that it keeps. */
export const Stubborn = Portable.make("Stubborn", { payload: Schema.Number, success: Schema.String })

/** Waits for a child that never ends. */
export const Parent = Portable.make("Parent", { payload: Schema.String })

export const Child = Portable.make("Child", { payload: Schema.String })

/** A function that submits a named task. */
export const Mixed = Portable.make("Mixed", { payload: Schema.Number, success: Schema.Number })

/** Submits, joins and releases futures of functions and of named tasks. */
export const Futures = Portable.make("Futures", { payload: Schema.Number, success: Schema.Array(Schema.Number) })

/** Returns what does not fit its schema. */
export const Wrong = Portable.make("Wrong", { success: Schema.Int })

/** How often a service was asked since its layer was built. */
export const Asked = Portable.make("Asked", { success: Schema.Number })

class Counter extends Context.Service<Counter, { readonly next: Effect.Effect<number> }>()("test/Counter") {}

const CounterLive = Layer.sync(Counter, () => {
  let count = 0
  return { next: Effect.sync(() => ++count) }
})

const half = (n: number): Effect.Effect<number, Refused> =>
  n % 2 === 0 ? Effect.succeed(n / 2) : Effect.fail(new Refused({ own: n }))

/** Bodies that submit nothing. */
const Leaves = Layer.mergeAll(
  MakeBill.toLayer(({ total }) => new Bill({ total, due: Option.some(new Date(total)) })),
  Pay.toLayer(({ bill }) => bill instanceof Bill && !bill.isPaid),
  Half.toLayer(half),
  Child.toLayer((name) => endless(name)),
  Wrong.toLayer(() => 0.5),
  Layer.provide(Asked.toLayer(Effect.map(Counter, ({ next }) => () => next)), CounterLive)
)

/** Bodies that submit tasks. */
const Parents = Layer.mergeAll(
  Fib.toLayer((n) =>
    n < 2
      ? Effect.succeed(n)
      : Effect.map(Client.compute([Fib(n - 1), Fib(n - 2)]), ([a, b]) => a + b).pipe(Effect.orDie)
  ),
  Halves.toLayer((numbers) =>
    Client.compute(numbers.map((n) => Half(n))).pipe(
      Effect.map((halves) => `${halves.reduce((a, b) => a + b, 0)}`),
      Effect.catchTag(
        "Refused",
        (error) => Effect.succeed(error instanceof Refused ? `refused ${error.own}` : "another class")
      ),
      Effect.orDie
    )
  ),
  Stubborn.toLayer((n) =>
    Worker.keepSlot(Client.compute(Half(n))).pipe(
      Effect.map(String),
      Effect.catchReason("SkeinError", "Starved", () => Effect.succeed("starved")),
      Effect.orDie
    )
  ),
  Parent.toLayer((name) =>
    Client.compute(Child(`${name}'s child`)).pipe(
      Effect.onExit(({ _tag }) => Effect.log(`${name}: ${_tag}`)),
      Effect.orDie
    )
  ),
  Mixed.toLayer((n) =>
    Effect.orDie(
      Client.compute(Task.make(Effect.map(Client.compute([Half(n), Task.succeed(1)]), ([a, b]) => a + b)))
    )
  ),
  Futures.toLayer((n) =>
    Effect.scoped(Effect.gen(function*() {
      const futures = yield* Client.submitAll([Half(n), Task.succeed(7)])
      const values = yield* Future.joinAll(futures)
      yield* Future.release(futures[0])
      return [...values, (yield* Future.status(futures[0])) === "released" ? 1 : 0]
    })).pipe(Effect.orDie)
  )
)

/** All that one process serves. */
export const Handlers = Layer.provideMerge(Parents, Leaves)

export const makers = [
  MakeBill,
  Pay,
  Half,
  Fib,
  Halves,
  Stubborn,
  Parent,
  Child,
  Mixed,
  Futures,
  Wrong,
  Asked
] as const
