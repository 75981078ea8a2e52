import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Client, Future, Scheduler, Skein, Task } from "skein"
import { inScheduler, turns } from "./harness.ts"

const after = (millis: number, value: string): Task.Task<string> => Task.make(Effect.as(Effect.sleep(millis), value))

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

describe("asCompleted", () => {
  it.effect("A5: futures come in the order in which they end, those that have ended first, as often as they are given", () =>
    Effect.gen(function*() {
      const [slow, fast, there, failed] = yield* Client.submitAll([
        after(20, "slow"),
        after(10, "fast"),
        Task.make(Effect.succeed("there")),
        Task.make(Effect.fail("no"))
      ])
      yield* Future.await(there)
      yield* Future.await(failed)
      const fiber = yield* Effect.forkChild(
        Client.asCompleted([slow, fast, failed, there, fast]).pipe(Stream.mapEffect(Future.await), Stream.runCollect)
      )
      yield* TestClock.adjust(30)
      assert.deepStrictEqual(
        (yield* Fiber.join(fiber)).map(Exit.match({ onFailure: () => "failed", onSuccess: String })),
        [
          "failed",
          "there",
          "fast",
          "fast",
          "slow"
        ]
      )
    }).pipe(Effect.scoped, inScheduler({ concurrency: 4 })))

  it.effect("A5: what is cancelled or released has ended, and a stream that ends early stops no task", () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll([Task.make(Effect.never), Task.make(Effect.never), after(5, "a")])
      const fiber = yield* Effect.forkChild(Stream.runCollect(Stream.take(Client.asCompleted(futures), 2)))
      yield* Effect.yieldNow
      yield* Future.cancel(futures[1])
      yield* Future.release(futures[0])
      const ended = yield* Fiber.join(fiber)
      assert.deepStrictEqual(ended.map((future) => futures.indexOf(future)), [1, 0])
      assert.strictEqual(yield* Future.status(futures[2]), "running")
      assert.strictEqual((yield* Effect.flatMap(Scheduler.Scheduler, ({ stats }) => stats)).waits, 0)
    }).pipe(Effect.scoped, inScheduler({ concurrency: 4 })))

  it.effect("A5: futures of several schedulers may be mixed", () =>
    Effect.gen(function*() {
      const first = yield* Client.submitAll([after(1, "a"), after(4, "d")])
      const second = yield* Layer.build(Layer.fresh(Skein.layer()))
      const other = yield* Client.submitAll([after(2, "b"), after(3, "c")]).pipe(Effect.provideContext(second))
      const fiber = yield* Effect.forkChild(
        Client.asCompleted([...first, ...other]).pipe(Stream.mapEffect(Future.join), Stream.runCollect)
      )
      for (const _ of numbers(4)) yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["a", "b", "c", "d"])
    }).pipe(Effect.scoped, inScheduler({ concurrency: 4 })))

  it.effect("N2: in a body the slot is free meanwhile: children end on one slot", () =>
    Effect.gen(function*() {
      const parent = Task.make(Effect.gen(function*() {
        const futures = yield* Client.submitAll(numbers(5).map((i) => Task.make(Effect.succeed(i))))
        return yield* Client.asCompleted(futures).pipe(Stream.mapEffect(Future.join), Stream.runCollect)
      }))
      assert.deepStrictEqual((yield* Client.compute(parent)).toSorted(), numbers(5))
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N6: a pull in a body that waits for its own task is starved", () =>
    Effect.gen(function*() {
      const cell: { own?: Future.Future<unknown, unknown> } = {}
      const own = yield* Client.submit(Task.make(Effect.gen(function*() {
        yield* Effect.yieldNow
        return yield* Effect.flip(Stream.runDrain(Client.asCompleted([cell.own!])))
      })))
      cell.own = own
      assert.strictEqual((yield* Future.join(own)).reason._tag, "Starved")
    }).pipe(Effect.scoped, inScheduler({ concurrency: 1 })))

  it.effect("M6: with release, a future is released when the next ones are pulled", () =>
    Effect.gen(function*() {
      const { stats } = yield* Scheduler.Scheduler
      const futures = yield* Client.submitAll(numbers(4).map((i) => after(i + 1, "")))
      const held: Array<number> = []
      const fiber = yield* Client.asCompleted(futures, { release: true }).pipe(
        Stream.runForEach(() => Effect.map(stats, (each) => void held.push(each.held))),
        Effect.forkChild
      )
      for (const _ of numbers(4)) yield* TestClock.adjust(1)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(held, [1, 1, 1, 1])
      assert.deepStrictEqual(yield* Effect.forEach(futures, Future.status), numbers(4).map(() => "released"))
    }).pipe(Effect.scoped, inScheduler({ concurrency: 4 })))

  it.effect("What is no future, or cannot be iterated over, is a defect", () =>
    Effect.gen(function*() {
      const exits = yield* Effect.forEach(
        [[Task.succeed(1)], 5],
        (wrong) =>
          Effect.exit(Stream.runDrain(Client.asCompleted(wrong as unknown as ReadonlyArray<Future.Future<never>>, {})))
      )
      assert.deepStrictEqual(exits.map((exit) => Exit.isFailure(exit) && Cause.hasDies(exit.cause)), [true, true])
    }).pipe(inScheduler({ concurrency: 1 })))
})

describe("completions", () => {
  it.effect("A5: futures are added meanwhile, and take ends when nothing is left", () =>
    Effect.gen(function*() {
      const ends = yield* Client.completions<Future.Future<string>>()
      assert.strictEqual((yield* Effect.exit(ends.take))._tag, "Failure")
      yield* ends.add(yield* Client.submit(after(10, "a")))
      const fiber = yield* Effect.forkChild(ends.take)
      yield* Effect.yieldNow
      yield* ends.add(yield* Client.submit(after(5, "b")), yield* Client.submit(after(10, "c")))
      assert.deepStrictEqual(yield* ends.size, { ended: 0, open: 3 })
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* Effect.forEach(yield* Fiber.join(fiber), Future.join), ["b"])
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* ends.size, { ended: 2, open: 0 })
      assert.strictEqual((yield* Stream.runCollect(ends.stream)).length, 2)
    }).pipe(Effect.scoped, inScheduler({ concurrency: 4 })))

  it.effect("A5: cleared, it waits for nothing, and the tasks go on", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(after(10, "a"))
      const ends = yield* Client.completions([future, future])
      const fiber = yield* Effect.forkChild(Effect.exit(ends.take))
      yield* Effect.yieldNow
      yield* ends.clear
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Failure")
      assert.deepStrictEqual(yield* ends.size, { ended: 0, open: 0 })
      yield* ends.add(future)
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(yield* Effect.forEach(yield* ends.take, Future.join), ["a"])
    }).pipe(Effect.scoped, inScheduler({ concurrency: 4 })))

  it.effect("A5: no end is missed that comes while the last ones are used", () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll(
        numbers(50).map((i) => Task.make(i < 40 ? Effect.succeed(i) : Effect.never))
      )
      const ended = yield* Client.asCompleted(futures).pipe(Stream.take(40), Stream.runCollect)
      assert.strictEqual(ended.length, 40)
    }).pipe(Effect.scoped, inScheduler({ concurrency: 4 })))

  it.effect("A5: a take that waits hears of futures of other schedulers, which are added meanwhile", () =>
    Effect.gen(function*() {
      const endless = yield* Client.submit(Task.make(Effect.never))
      const second = yield* Layer.build(Layer.fresh(Skein.layer()))
      const ends = yield* Client.completions<Future.Future<unknown>>([endless])
      for (const value of ["a scheduler of its own", "the same again"]) {
        const fiber = yield* Effect.forkChild(ends.take)
        yield* TestClock.adjust(1)
        yield* ends.add(yield* Client.submit(after(10, value)).pipe(Effect.provideContext(second)))
        yield* TestClock.adjust(9)
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust(1)
        const exit = fiber.pollUnsafe()
        assert.isTrue(exit !== undefined && Exit.isSuccess(exit))
        assert.deepStrictEqual(yield* Effect.forEach(yield* Fiber.join(fiber), Future.join), [value])
      }
    }).pipe(Effect.scoped, inScheduler({ concurrency: 4 })))

  it.effect("A5, N2: in a body, too, and the slot is free meanwhile", () =>
    Effect.gen(function*() {
      const second = yield* Layer.build(Layer.fresh(Skein.layer()))
      const endless = yield* Client.submit(Task.make(Effect.never)).pipe(Effect.provideContext(second))
      const parent = Task.make(
        Effect.gen(function*() {
          const ends = yield* Client.completions<Future.Future<unknown>>([endless])
          yield* Effect.forkChild(Effect.andThen(
            Effect.sleep(1),
            Effect.flatMap(Client.submit(Task.make(Effect.succeed("child"))), (future) => ends.add(future))
          ))
          return yield* Effect.forEach(yield* ends.take, Future.join)
        }).pipe(Effect.scoped)
      )
      const future = yield* Client.submit(parent)
      yield* TestClock.adjust(2)
      assert.strictEqual(yield* Future.status(future), "succeeded")
      assert.deepStrictEqual(yield* Future.join(future), ["child"])
    }).pipe(Effect.scoped, inScheduler({ concurrency: 1 })))

  it.effect("C10: an interrupted take loses nothing", () =>
    Effect.gen(function*() {
      const ends = yield* Client.completions([yield* Client.submit(after(10, "a"))])
      const fiber = yield* Effect.forkChild(ends.take)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust(10)
      assert.strictEqual((yield* ends.take).length, 1)
    }).pipe(Effect.scoped, inScheduler({ concurrency: 4 })))
})

describe("many futures", () => {
  it.effect("C1: cancelAll asks all tasks of a shape to stop before it waits for the first", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const body = (name: string) =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.andThen(
            Effect.sync(() => log.push(`${name} stops`)),
            Effect.andThen(turns(5), Effect.sync(() => log.push(`${name} has stopped`)))
          ))
      const [a, b, c] = yield* Client.submitAll([Task.make(body("a")), Task.make(body("b")), Task.make(body("c"))])
      yield* Effect.yieldNow
      yield* Future.cancelAll({ a, others: [b] })
      assert.deepStrictEqual(log, ["a stops", "b stops", "a has stopped", "b has stopped"])
      yield* Future.releaseAll([a, { b, c }])
      assert.deepStrictEqual(yield* Effect.forEach([a, b, c], Future.status), ["cancelled", "cancelled", "released"])
    }).pipe(Effect.scoped, inScheduler({ concurrency: 4 })))

  it.effect("F3: a task in place of a future is a mistake, and an empty shape is nothing", () =>
    Effect.gen(function*() {
      yield* Future.cancelAll([])
      yield* Future.releaseAll({})
      for (const verb of [Future.cancelAll, Future.releaseAll]) {
        const exit = yield* Effect.exit(verb([Task.sync(() => 1)]) as Effect.Effect<void>)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
    }).pipe(Effect.scoped, inScheduler({ concurrency: 1 })))
})
