import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Client, Scheduler, Task } from "skein"
import { Faults } from "skein/testing"
import { inQuietScheduler, inScheduler } from "./harness.ts"
import { causeOf, defectsIn, errorsIn } from "./support.ts"

setFlagsFromString("--expose-gc")
const gc = runInNewContext("gc") as () => void

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

/** Counts what is taken, and the calls of `return`. */
const counted = (count: number) => {
  const seen = { taken: 0, returned: 0 }
  const iterable: Iterable<number> = {
    [Symbol.iterator]: () => ({
      next: () => seen.taken < count ? { done: false, value: seen.taken++ } : { done: true, value: undefined },
      return: () => {
        seen.returned++
        return { done: true, value: undefined }
      }
    })
  }
  const asynchronous: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => {
      const iterator = iterable[Symbol.iterator]()
      return {
        next: () => Promise.resolve(iterator.next()),
        return: () => Promise.resolve(iterator.return!())
      }
    }
  }
  return { seen, iterable, asynchronous }
}

const kinds = ["iterable", "async iterable", "stream"] as const
const sourceOf = (kind: typeof kinds[number], { asynchronous, iterable }: ReturnType<typeof counted>) =>
  kind === "iterable"
    ? iterable
    : kind === "async iterable"
    ? asynchronous
    : Stream.fromIterable(iterable, { chunkSize: 3 })

describe("stream", () => {
  for (const kind of kinds) {
    for (const unordered of [false, true]) {
      it.effect(`A7, A8: of ${kind} no more than outstanding are taken and not consumed, unordered: ${unordered}`, () =>
        Effect.gen(function*() {
          for (const outstanding of [1, 2, 5, 16]) {
            const source = counted(40)
            let consumed = 0
            let began = 0
            const most: Array<number> = []
            const results = yield* Client.stream(
              sourceOf(kind, source),
              (n) => {
                began++
                return Effect.as(Effect.yieldNow, n)
              },
              { outstanding, unordered }
            ).pipe(
              Stream.tap(() =>
                Effect.sync(() => {
                  most.push((kind === "stream" ? began : source.seen.taken) - consumed)
                  consumed++
                })
              ),
              Stream.runCollect
            )
            assert.deepStrictEqual(unordered ? results.toSorted((a, b) => a - b) : results, numbers(40))
            assert.isAtMost(Math.max(...most), outstanding)
            assert.strictEqual(source.seen.returned, 0)
          }
        }).pipe(inScheduler({ concurrency: 4 })))
    }

    it.effect(`C11: a stream of ${kind} that is closed early takes no more, and calls return once`, () =>
      Effect.gen(function*() {
        for (const take of [0, 1, 3, 7]) {
          const source = counted(1000)
          const finalized: Array<number> = []
          const work = (n: number) =>
            n < take ? Effect.succeed(n) : Effect.onInterrupt(Effect.never, () => Effect.sync(() => finalized.push(n)))
          const results = yield* Client.stream(sourceOf(kind, source), work, { outstanding: 8 }).pipe(
            Stream.take(take),
            Stream.runCollect
          )
          assert.deepStrictEqual(results, numbers(take))
          const { taken } = source.seen
          assert.isAtMost(taken, take + 10)
          assert.isAtMost(finalized.length, taken - take)
          if (kind !== "stream") assert.strictEqual(source.seen.returned, take === 0 ? source.seen.returned : 1)
          yield* Effect.yieldNow
          assert.strictEqual(source.seen.taken, taken)
        }
      }).pipe(inScheduler({ concurrency: 4 })))
  }

  it.effect("A9: unordered results come as tasks end, ordered ones in the order of their items", () =>
    Effect.gen(function*() {
      for (const unordered of [false, true]) {
        const fiber = yield* Client.stream([30, 10, 20], (n) => Effect.as(Effect.sleep(n), n), { unordered }).pipe(
          Stream.runCollect,
          Effect.forkChild
        )
        yield* TestClock.adjust(30)
        assert.deepStrictEqual(yield* Fiber.join(fiber), unordered ? [10, 20, 30] : [30, 10, 20])
      }
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("F3: a failure comes in its place, no item is taken from then on, and what comes after it is cancelled", () =>
    Effect.gen(function*() {
      const source = counted(100)
      const interrupted: Array<number> = []
      const seen: Array<number> = []
      const gate = yield* Deferred.make<void>()
      const fiber = yield* Client.stream(source.iterable, (n) =>
        n === 2
          ? Effect.fail("no" as const)
          : n < 2
          ? Effect.as(Deferred.await(gate), n)
          : Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted.push(n))), { outstanding: 5 }).pipe(
          Stream.runForEach((n) => Effect.sync(() => seen.push(n))),
          Effect.exit,
          Effect.forkChild
        )
      for (const _ of numbers(20)) yield* Effect.yieldNow
      // Before anything is given, what comes after the failure has stopped.
      assert.deepStrictEqual([interrupted, seen, source.seen], [[3, 4], [], { taken: 5, returned: 0 }])
      yield* Deferred.succeed(gate, undefined)
      const exit = yield* Fiber.join(fiber)
      assert.deepStrictEqual([seen, source.seen], [[0, 1], { taken: 5, returned: 1 }])
      assert.isTrue(Exit.isFailure(exit) && errorsIn(exit.cause).includes("no"))
    }).pipe(inScheduler({ concurrency: 8 })))

  it.effect("F4, C12: continue passes failures over and fails with all of them; collect gives exits; results are paired", () =>
    Effect.gen(function*() {
      const work = (n: number) => n % 2 === 0 ? Effect.succeed(n) : Effect.fail(`no ${n}`)
      const seen: Array<number> = []
      const exit = yield* Client.stream(numbers(5), work, { mode: "continue", outstanding: 2 }).pipe(
        Stream.runForEach((n) => Effect.sync(() => seen.push(n))),
        Effect.exit
      )
      assert.deepStrictEqual(seen, [0, 2, 4])
      assert.strictEqual(Exit.isFailure(exit) && errorsIn(exit.cause).length, 2)
      const exits = yield* Stream.runCollect(Client.stream(numbers(3), work, { mode: "collect", withInput: true }))
      assert.deepStrictEqual(
        exits.map(({ exit, index, input }) => [input, index, Exit.isSuccess(exit)]),
        [[0, 0, true], [1, 1, false], [2, 2, true]]
      )
      const pairs = yield* Stream.runCollect(Client.stream(["a"], (s) => Effect.succeed(s.length), { withInput: true }))
      assert.deepStrictEqual(pairs, [{ input: "a", index: 0, value: 1 }])
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("A9: tasks that a source makes lazily run with options of their own, and the verb stands in a pipe", () =>
    Effect.gen(function*() {
      const lazily = function*() {
        for (const n of numbers(4)) yield Task.make(Effect.succeed(n), { label: `number ${n}` })
      }
      assert.deepStrictEqual(yield* Stream.runCollect(Client.stream(lazily(), { outstanding: 2 })), numbers(4))
      const piped = Stream.fromIterable(["a", "bb"]).pipe(Client.stream((text: string) => Effect.succeed(text.length)))
      assert.deepStrictEqual(yield* Stream.runCollect(piped), [1, 2])
      // Of options alone it is a function, and what can be iterated over is a source, whatever else it has.
      const made = Stream.fromIterable(lazily()).pipe(Client.stream({ outstanding: 2, unordered: true }))
      assert.deepStrictEqual((yield* Stream.runCollect(made)).toSorted(), numbers(4))
      assert.deepStrictEqual(yield* Stream.runCollect(Client.stream({})(lazily())), numbers(4))
      const own = { outstanding: 2, [Symbol.iterator]: lazily }
      assert.deepStrictEqual(yield* Stream.runCollect(Client.stream(own)), numbers(4))
      const typo = Client.stream({ concurrency: 2 } as object)(lazily())
      assert.match(String(defectsIn(yield* causeOf(Stream.runCollect(typo)))[0]), /There is no option "?concurrency/)
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("F15: a failure of the source comes after the results of all items before it", () =>
    Effect.gen(function*() {
      const broken = function*() {
        yield 1
        yield 2
        throw new Error("broken")
      }
      const asynchronous = async function*() {
        yield* await Promise.resolve(broken())
      }
      for (
        const source of [
          broken(),
          asynchronous(),
          Stream.concat(Stream.make(1, 2), Stream.fail("broken" as const))
        ] as const
      ) {
        const seen: Array<number> = []
        const exit = yield* Client.stream(source as Iterable<number>, (n) => Effect.as(Effect.yieldNow, n)).pipe(
          Stream.runForEach((n) => Effect.sync(() => seen.push(n))),
          Effect.exit
        )
        assert.deepStrictEqual(seen, [1, 2])
        assert.isTrue(Exit.isFailure(exit) && !Cause.hasInterrupts(exit.cause))
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F15, F4: in the mode continue a failure of the source comes after those of the items", () =>
    Effect.gen(function*() {
      const broken = function*() {
        yield* [1, 2, 3]
        throw "broken"
      }
      const optionsOf = (n: number) => {
        if (n === 4) throw "broken"
        return {}
      }
      const work = (n: number) => n === 2 ? Effect.fail("no 2") : Effect.as(Effect.yieldNow, n)
      const streams = [
        Client.stream(broken(), work, { mode: "continue" }),
        Client.stream(Stream.concat(Stream.make(1, 2, 3), Stream.fail("broken")), work, { mode: "continue" }),
        Client.stream([1, 2, 3, 4], work, { mode: "continue", task: optionsOf })
      ] as const
      for (const stream of streams) {
        const seen: Array<number> = []
        const exit = yield* Effect.exit(Stream.runForEach(stream, (n) => Effect.sync(() => seen.push(n))))
        assert.deepStrictEqual(seen, [1, 3])
        const reasons = Exit.isFailure(exit) ? exit.cause.reasons : []
        assert.deepStrictEqual(
          reasons.map((reason) =>
            Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) && reason.defect
          ),
          ["no 2", "broken"]
        )
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F15: an item whose task is refused, or whose options throw, ends the stream after the results before it", () =>
    Effect.gen(function*() {
      const work = (n: number) => Effect.as(Effect.yieldNow, n)
      const optionsOf = (n: number) => {
        if (n === 3) throw new Error("broken")
        return { label: `number ${n}` }
      }
      const refused = [Task.succeed(0), Task.succeed(1), Task.succeed(2), "no task" as unknown as Task.Task<number>]
      for (const stream of [Client.stream(numbers(9), work, { task: optionsOf }), Client.stream(refused)]) {
        const seen: Array<number> = []
        const exit = yield* Effect.exit(Stream.runForEach(stream, (n) => Effect.sync(() => seen.push(n))))
        assert.deepStrictEqual(seen, [0, 1, 2])
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F15: the refusal of an item comes before what the source throws after it", () =>
    Effect.gen(function*() {
      const source = function*() {
        yield Task.succeed(0)
        yield "no task" as unknown as Task.Task<number>
        throw new Error("broken source")
      }
      const seen: Array<number> = []
      const exit = yield* Effect.exit(
        Stream.runForEach(Client.stream(source()), (n) => Effect.sync(() => seen.push(n)))
      )
      assert.deepStrictEqual(seen, [0])
      assert.match(Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "", /task/)
      assert.notMatch(Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "", /broken/)
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("A7: a text is a source of its characters", () =>
    Effect.gen(function*() {
      const letters = yield* Stream.runCollect(Client.stream("abc", (letter) => Effect.succeed(letter.toUpperCase())))
      assert.deepStrictEqual(letters, ["A", "B", "C"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("A16: nothing is read before the first pull, and two runs of a stream share nothing", () =>
    Effect.gen(function*() {
      const source = counted(3)
      const stream = Client.stream(numbers(20), (n) => Effect.as(Effect.yieldNow, n), { outstanding: 4 })
      const unread = Client.stream(source.iterable, (n) => Effect.succeed(n))
      assert.deepStrictEqual([Stream.isStream(unread), source.seen.taken], [true, 0])
      const runs = yield* Effect.all([Stream.runCollect(stream), Stream.runCollect(stream)], { concurrency: 2 })
      assert.deepStrictEqual(runs, [numbers(20), numbers(20)])
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("M3: a result that was lost before it was given is made anew, and comes once, in its place", () =>
    Effect.gen(function*() {
      for (const unordered of [false, true]) {
        for (const batch of [1, 2]) {
          const runs: Array<number> = []
          const work = (n: number) =>
            Effect.sync(() => runs.push(n)).pipe(Effect.andThen(n === 0 ? Effect.sleep(5) : Effect.void), Effect.as(n))
          const seen: Array<number> = []
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Scheduler.addWorker({ id: "w", concurrency: 2 })
            const fiber = yield* Client.stream(numbers(4), work, { outstanding: 4, unordered, batch }).pipe(
              Stream.runForEach((n) => Effect.andThen(Effect.sleep(1), Effect.sync(() => seen.push(n)))),
              Effect.forkChild
            )
            yield* TestClock.adjust(1.5)
            yield* Faults.loseWorker("w")
            yield* TestClock.adjust(20)
            yield* Fiber.join(fiber)
          }))
          assert.deepStrictEqual(seen.toSorted(), numbers(4))
          if (!unordered) assert.deepStrictEqual(seen, numbers(4))
        }
      }
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C11: closed after any number of results, nothing is left, and return was called once", () =>
    Effect.gen(function*() {
      for (const kind of ["iterable", "async iterable"] as const) {
        for (const unordered of [false, true]) {
          for (const batch of [1, 3]) {
            for (const take of numbers(9)) {
              const source = counted(8)
              const stream = Client.stream(sourceOf(kind, source), (n) => Effect.as(Effect.yieldNow, n), {
                outstanding: 5,
                unordered,
                batch
              })
              const results = yield* Stream.runCollect(Stream.take(stream, take))
              assert.lengthOf(results, take)
              const hasEnded = source.seen.taken === 8
              assert.isAtMost(source.seen.returned, 1)
              if (!hasEnded && take > 0) assert.strictEqual(source.seen.returned, 1)
              const { tasks, waits } = yield* Scheduler.stats
              assert.deepStrictEqual([Object.values(tasks).reduce((a, b) => a + b, 0), waits], [0, 0])
            }
          }
        }
      }
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("A8: what is taken of a chunk is copied once", () =>
    Effect.gen(function*() {
      let copied = 0
      class Chunk extends Array<number> {
        override slice(start?: number, end?: number): Array<number> {
          const part = super.slice(start, end)
          copied += part.length
          return part
        }
      }
      const chunk = Chunk.from(numbers(400))
      let pulls = 0
      const pull = Effect.suspend(() =>
        pulls++ === 0 ? Effect.succeed(chunk as unknown as readonly [number, ...Array<number>]) : Cause.done()
      )
      const results = yield* Stream.runCollect(
        Client.stream(Stream.fromPull(Effect.succeed(pull)), Effect.succeed, { outstanding: 4 })
      )
      assert.deepStrictEqual([results, copied], [numbers(400), 400])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("M6: the heap does not grow with the items, also while another task is live", () =>
    Effect.gen(function*() {
      yield* Client.submit(Task.make(Effect.never))
      const after: Array<number> = []
      const lazily = function*() {
        for (let n = 0; n < 16_000; n++) {
          if (n % 4000 === 3999) {
            gc()
            after.push(process.memoryUsage().heapUsed / 2 ** 20)
          }
          yield n
        }
      }
      yield* Stream.runDrain(Client.stream(lazily(), (n) => Effect.succeed(n), { outstanding: 64 }))
      assert.isBelow(Math.max(...after.slice(1)) - after[1]!, 2)
    }).pipe(Effect.scoped, inQuietScheduler({ concurrency: 8 })))

  for (const concurrency of [1, 4]) {
    it.effect(`N2: a stream in a body ends on ${concurrency} slots, whatever its source`, () =>
      Effect.gen(function*() {
        const parent = Task.make(Effect.gen(function*() {
          const all: Array<ReadonlyArray<number>> = []
          for (const kind of kinds) {
            all.push(
              yield* Stream.runCollect(
                Client.stream(sourceOf(kind, counted(20)), (n) => Effect.as(Effect.yieldNow, n), { outstanding: 4 })
              )
            )
          }
          return all
        }))
        assert.deepStrictEqual(yield* Client.compute(parent), [numbers(20), numbers(20), numbers(20)])
      }).pipe(inScheduler({ concurrency })))
  }

  it.effect("M6: a result is held until the next pull, and nothing is left", () =>
    Effect.gen(function*() {
      const { stats } = yield* Scheduler.Scheduler
      const held: Array<number> = []
      yield* Client.stream(numbers(30), (n) => Effect.succeed(n), { outstanding: 4 }).pipe(
        Stream.runForEach(() => Effect.map(stats, (each) => void held.push(each.held)))
      )
      assert.isAtMost(Math.max(...held), 4)
    }).pipe(inScheduler({ concurrency: 2 })))
})
