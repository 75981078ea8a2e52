/** What bodies submit on workers that are not here: functions run there, named tasks anywhere. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Portable from "skein/Portable"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { implementationsOf } from "../src/internal/portable/modules.ts"
import { elsewhere } from "./testing/elsewhere.ts"
import type { Wire } from "./testing/memoryLink.ts"

const Double = Portable.make("Double", { payload: Schema.Number, success: Schema.Number })
const Open = Portable.make("Open")
const DoubleLive = Double.toLayer((x) => 2 * x)

describe("work that bodies submit elsewhere", () => {
  const Sum = Portable.make("Sum", { payload: Schema.Number, success: Schema.Number })

  it.effect("N1: functions run in the worker of their submitter", () => {
    const SumLive = Sum.toLayer((n) =>
      Effect.gen(function*() {
        const { id } = yield* Worker.current
        const parts = Array.from({ length: n }, (_, i) => Task.make(Effect.succeed(i)))
        const values = yield* Client.compute(parts)
        assert.match(id, /^far-/)
        return values.reduce((a, b) => a + b, 0)
      }).pipe(Effect.orDie)
    )
    return Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Sum(10)), 45)
    }).pipe(Effect.provide(elsewhere([Sum], SumLive)))
  })

  it.effect("N1: named tasks run on any worker, as children of the body, whose slot is free meanwhile", () => {
    const SumLive = Sum.toLayer((n) =>
      Effect.gen(function*() {
        const values = yield* Client.compute(Array.from({ length: n }, (_, i) => Double(i)))
        return values.reduce((a, b) => a + b, 0)
      }).pipe(Effect.orDie)
    )
    return Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Sum(10)), 90)
    }).pipe(Effect.provide(elsewhere([Sum, Double], Layer.provideMerge(SumLive, DoubleLive), { workers: 1 })))
  })

  const Fib = Portable.make("Fib", { payload: Schema.Number, success: Schema.Number })
  const FibLive = Fib.toLayer((n) =>
    n < 2
      ? Effect.succeed(n)
      : Effect.map(Client.compute([Fib(n - 1), Fib(n - 2)]), ([a, b]) => a + b).pipe(Effect.orDie)
  )

  it.effect("N1: recursion by named tasks needs no more than one slot", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Fib(10)), 55)
    }).pipe(Effect.provide(elsewhere([Fib], FibLive, { workers: 1 }))))

  it.effect("N1, C4: a body that waits for the end of a group that another body has fired gives its slot away", () => {
    const Firer = Portable.make("Firer")
    const Waiter = Portable.make("Waiter")
    const [running, hasCancelled] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
    const FirerLive = Firer.toLayer(() =>
      Effect.gen(function*() {
        yield* Client.fireAndForget(Task.make(Client.compute(Open())), { group: "g" })
        yield* Worker.seceded(Deferred.await(hasCancelled))
        yield* Client.cancelGroup("g", { wait: false })
        yield* Client.awaitGroup("g")
      }).pipe(Effect.orDie)
    )
    // It has the slot again when what was fired has been cancelled, and that needs the slot before it can end.
    const WaiterLive = Waiter.toLayer(() =>
      Effect.andThen(
        Worker.seceded(Deferred.await(running)),
        Effect.andThen(Deferred.succeed(hasCancelled, undefined), Effect.orDie(Client.awaitGroup("g")))
      )
    )
    const OpenLive = Open.toLayer(() =>
      Effect.ensuring(
        Worker.seceded(Effect.andThen(Deferred.succeed(running, undefined), Effect.never)),
        Effect.promise(() => new Promise((done) => setImmediate(done)))
      )
    )
    const handlers = Layer.provideMerge(Layer.merge(FirerLive, WaiterLive), OpenLive)
    return Effect.gen(function*() {
      yield* Client.compute([Firer(), Waiter()])
    }).pipe(Effect.provide(elsewhere([Firer, Waiter, Open], handlers, { workers: 1 })))
  })

  it.effect("F8, C4: a function that waits for a named task ends with its worker, and the layer closes", () => {
    const wires: Array<Wire> = []
    const begun = Deferred.makeUnsafe<void>()
    let runs = 0
    const SumLive = Sum.toLayer((n) => {
      const whole = Client.compute(Task.make(Client.compute(Open())))
      return Effect.as(Effect.orDie(Effect.timeout(whole, "1 hour")), n)
    })
    const OpenLive = Open.toLayer(() =>
      ++runs === 1 ? Effect.andThen(Deferred.succeed(begun, undefined), Effect.never) : Effect.void
    )
    const layer = elsewhere([Sum, Open], Layer.provideMerge(SumLive, OpenLive), {
      workers: 1,
      terms: { restart: { times: 1, withinMillis: 60_000, minRunMillis: 0 } },
      opened: (wire) => wires.push(wire)
    })
    return Effect.gen(function*() {
      const sum = yield* Effect.forkChild(Client.compute(Sum(3)))
      yield* Deferred.await(begun)
      wires[0]!.die("it died")
      assert.strictEqual(yield* Fiber.join(sum), 3)
      assert.strictEqual(runs, 2)
    }).pipe(Effect.provide(layer), Effect.provideService(References.MinimumLogLevel, "None"))
  })

  it.effect("F14: a typed error of a nested task reaches the body that submitted it", () => {
    class Odd extends Schema.TaggedError<Odd>()("Odd", { n: Schema.Number }) {}
    const Half = Portable.make("Half", { payload: Schema.Number, success: Schema.Number, error: Odd })
    const HalfLive = Half.toLayer((n) => n % 2 === 1 ? new Odd({ n }) : Effect.succeed(n / 2))
    const SumLive = Sum.toLayer((n) =>
      Client.compute(Half(n)).pipe(
        Effect.catchTag("Odd", (error) => Effect.succeed(error instanceof Odd ? -error.n : 0)),
        Effect.orDie
      )
    )
    return Effect.gen(function*() {
      assert.deepStrictEqual(yield* Client.compute([Sum(8), Sum(7)]), [4, -7])
    }).pipe(Effect.provide(elsewhere([Sum, Half], Layer.provideMerge(SumLive, HalfLive))))
  })

  it.effect("F14: what does not travel ends its task alone, also in a body that has submitted something", () => {
    interface Work {
      readonly bad: () => Effect.Effect<unknown, never, Client.Client>
      readonly id: (x: unknown) => unknown
      readonly ask: () => Effect.Effect<string, never, Client.Client>
    }
    const work = Portable.module<Work>()(new URL("memory:bad"))
    const { ask, bad, id } = work.tasks as unknown as Record<string, (...args: Array<unknown>) => Task.Task<unknown>>
    const implementations = implementationsOf("memory:bad", {
      bad: () => Effect.as(Effect.orDie(Client.compute(id!(1))), { f: () => 1 }),
      id: (x: unknown) => x,
      ask: () =>
        Client.compute(id!(() => 1)).pipe(
          Effect.as("no fault"),
          Effect.catchCause((cause) => Effect.succeed(Cause.pretty(cause)))
        )
    })
    return Effect.gen(function*() {
      const exit = yield* Effect.exit(Client.compute(bad!()))
      assert.match(String(exit), /bad[^]*could not be cloned|does not travel/)
      assert.match(String(yield* Client.compute(ask!())), /could not be cloned/)
      assert.strictEqual(yield* Client.compute(id!(7)), 7)
    }).pipe(Effect.provide(elsewhere([work], Layer.empty, { implementations })))
  })

  it.effect("C1: a cancelled body takes the named tasks with it that it has submitted", () => {
    const begun = Deferred.makeUnsafe<void>()
    const ended: Array<string> = []
    const Wait = Portable.make("Wait")
    const WaitLive = Wait.toLayer(() =>
      Deferred.succeed(begun, undefined).pipe(
        Effect.andThen(Effect.never),
        Effect.onInterrupt(() => Effect.sync(() => ended.push("child")))
      )
    )
    const SumLive = Sum.toLayer(() =>
      Client.compute(Wait()).pipe(
        Effect.as(1),
        Effect.onInterrupt(() => Effect.sync(() => ended.push("parent"))),
        Effect.orDie
      )
    )
    return Effect.gen(function*() {
      const future = yield* Client.submit(Sum(1))
      yield* Deferred.await(begun)
      yield* Future.cancel(future)
      assert.deepStrictEqual(ended, ["child", "parent"])
    }).pipe(Effect.scoped, Effect.provide(elsewhere([Sum, Wait], Layer.provideMerge(SumLive, WaitLive))))
  })

  it.effect("N5: a body that keeps the only slot and waits for a named task fails with Starved", () => {
    const SumLive = Sum.toLayer((n) =>
      Worker.keepSlot(Client.compute(Double(n))).pipe(
        Effect.catchReason("SkeinError", "Starved", () => Effect.succeed(-1)),
        Effect.orDie
      )
    )
    return Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Sum(3)), -1)
    }).pipe(
      Effect.provide(
        elsewhere([Sum, Double], Layer.provideMerge(SumLive, DoubleLive), {
          workers: 1,
          here: Skein.layer({ workers: [], waitForWorkers: "1 minute" })
        })
      )
    )
  })

  it.effect("C1: the end of the scheduler ends nested work", () => {
    const begun = Deferred.makeUnsafe<void>()
    const ended: Array<string> = []
    const SumLive = Sum.toLayer(() =>
      Client.compute(Task.make(
        Deferred.succeed(begun, undefined).pipe(
          Effect.andThen(Effect.never),
          Effect.onInterrupt(() => Effect.sync(() => ended.push("closure")))
        )
      )).pipe(Effect.orDie)
    )
    return Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(
        Client.compute(Sum(1)).pipe(Effect.provide(elsewhere([Sum], SumLive)))
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(ended, ["closure"])
    })
  })

  it.effect("K4: functions of one worker run one at a time on its one slot, and named tasks that they submit leave it", () => {
    let running = 0
    let most = 0
    const SumLive = Sum.toLayer((n) =>
      Client.compute(Array.from({ length: n }, (_, i) =>
        Task.make(Effect.gen(function*() {
          most = Math.max(most, ++running)
          yield* Effect.yieldNow
          running--
          return yield* Client.compute(Double(i))
        })))).pipe(Effect.map((values) => values.reduce((a, b) => a + b, 0)), Effect.orDie)
    )
    return Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Sum(5)), 20)
      assert.strictEqual(most, 1)
    }).pipe(Effect.provide(elsewhere([Sum, Double], Layer.provideMerge(SumLive, DoubleLive), { workers: 1 })))
  })

  it.effect("N2: other tasks take the slot of a body that waits for functions of its own", () => {
    const door = Deferred.makeUnsafe<void>()
    const SumLive = Sum.toLayer((n) => Client.compute(Task.make(Effect.as(Deferred.await(door), n))).pipe(Effect.orDie))
    const OpenLive = Open.toLayer(() => Deferred.succeed(door, undefined))
    return Effect.gen(function*() {
      assert.deepStrictEqual(yield* Client.compute([Sum(5), Open()]), [5, undefined])
    }).pipe(Effect.provide(elsewhere([Sum, Open], Layer.merge(SumLive, OpenLive), { workers: 1 })))
  })

  it.effect("N1: functions of a module submit functions of their module", () => {
    interface Work {
      readonly next: (n: number) => number
      readonly sum: (n: number) => Effect.Effect<number, never, Client.Client>
    }
    const work = Portable.module<Work>()(new URL("memory:work"))
    const implementations = implementationsOf("memory:work", {
      next: (n: number) => n + 1,
      sum: (n: number) =>
        Client.compute(Array.from({ length: n }, (_, i) => work.tasks.next(i))).pipe(
          Effect.map((values) => values.reduce((a, b) => a + b, 0)),
          Effect.orDie
        )
    })
    return Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(work.tasks.sum(4)), 10)
    }).pipe(Effect.provide(elsewhere([work], Layer.empty, { implementations })))
  })

  it.effect("N1: what outlives its body submits functions, but no named tasks", () => {
    const told = Deferred.makeUnsafe<string>()
    const late = Effect.andThen(Effect.yieldNow, Client.compute([Task.succeed(1), Double(1)])).pipe(
      Effect.catchCause((cause) => Deferred.succeed(told, Cause.pretty(cause)))
    )
    const SumLive = Sum.toLayer(() =>
      Effect.as(Client.fireAndForget(Task.make(Effect.asVoid(late))), 1).pipe(Effect.orDie)
    )
    return Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Sum(1)), 1)
      assert.match(yield* Deferred.await(told), /The body of task "Sum#\d+" has ended: nothing can be asked for it/)
    }).pipe(Effect.provide(elsewhere([Sum, Double], Layer.provideMerge(SumLive, DoubleLive))))
  })

  it.effect("N1: logs of functions that a body submits reach the loggers of its submitter", () => {
    const SumLive = Sum.toLayer((n) => Effect.orDie(Client.compute(Task.make(Effect.as(Effect.log("from within"), n)))))
    const heard: Array<unknown> = []
    const logger = Logger.layer([Logger.make(({ message }) => void heard.push(message))])
    return Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Sum(5)), 5)
      assert.deepStrictEqual(heard, [["from within"]])
    }).pipe(Effect.provide(Layer.merge(elsewhere([Sum], SumLive), logger)))
  })
})
