import { assert, describe, it } from "@effect/vitest"
import { Chunk, Deferred, Effect, Exit, Fiber, Option, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Client, Progress, Scheduler, Task, Worker } from "skein"
import { Faults } from "skein/testing"
import { inScheduler, turns } from "./harness.ts"

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

/** Where the items of a stream are: taken = waiting + running + unread + consumed + failed + dropped, of the total. */
const places = (counts: Scheduler.StreamCounts): string => {
  const { consumed, dropped, failed, running, taken, total, unread, waiting } = counts
  const all = [waiting, running, unread, consumed, failed, dropped]
  assert.strictEqual(all.reduce((a, b) => a + b), taken)
  return `${taken} = ${all.join(" + ")} of ${total}`
}

const now = Effect.map(
  Scheduler.stats,
  ({ streams = [] }) => streams.map((stream) => `${stream.name}: ${places(stream)}`)
)

/** Runs an effect and keeps the last report, of which there is one each second. */
const reported = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const seen: Array<Progress.Progress> = []
    const report = (progress: Progress.Progress) => void seen.push(progress)
    const fiber = yield* Effect.forkChild(Progress.withProgress(effect, report, { interval: "1 second" }))
    yield* Effect.yieldNow
    return { fiber, last: () => seen.at(-1)!, stream: () => seen.at(-1)!.streams[0]! }
  })

const endless = function*() {
  for (let n = 0;; n++) yield n
}

describe("progress of streams", () => {
  it.effect("V12: a stream tells where its items are, how fast they are consumed, and how long the rest takes", () =>
    Effect.gen(function*() {
      const pages = Client.stream(numbers(20), (n) => Effect.as(Effect.sleep("1 second"), n), {
        name: "pages",
        outstanding: 4
      })
      const running = yield* Effect.forkChild(Stream.runDrain(pages))
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual(yield* now, ["pages: 6 = 2 + 2 + 0 + 2 + 0 + 0 of 20"])
      const { fiber, stream } = yield* reported(Fiber.join(running))
      for (const second of [1, 2, 3]) {
        yield* TestClock.adjust("1 second")
        assert.strictEqual(places(stream()), `${6 + 2 * second} = 2 + 2 + 0 + ${2 + 2 * second} + 0 + 0 of 20`)
        assert.closeTo(stream().perSecond, 2, 1e-9)
        assert.closeTo(stream().remainingMillis!, (18 - 2 * second) * 500, 1e-6)
        assert.deepStrictEqual([stream().streams, stream().isOpen], [1, true])
      }
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual(places(stream()), "20 = 0 + 0 + 0 + 20 + 0 + 0 of 20")
      assert.deepStrictEqual([stream().streams, stream().isOpen, stream().remainingMillis], [0, false, undefined])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("V12: the speed follows a change within half a minute, and the time between two streams counts for none", () =>
    Effect.gen(function*() {
      const every = (seconds: number, count: number) =>
        Stream.runDrain(
          Client.stream(numbers(count), () => Effect.sleep(`${seconds} seconds`), { name: "rows", outstanding: 1 })
        )
      const program = Effect.gen(function*() {
        yield* every(1, 60)
        yield* every(4, 30)
        yield* Effect.sleep("10 minutes")
        yield* every(1, 5)
      })
      const { fiber, stream } = yield* reported(program)
      yield* TestClock.adjust("60 seconds")
      assert.closeTo(stream().perSecond, 1, 1e-3)
      yield* TestClock.adjust("30 seconds")
      assert.closeTo(stream().perSecond, 0.25, 0.1)
      yield* TestClock.adjust("90 seconds")
      assert.closeTo(stream().perSecond, 0.25, 0.05)
      const before = stream().perSecond
      yield* TestClock.adjust("10 minutes")
      assert.closeTo(stream().perSecond, before, 0.05)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual(places(stream()), "95 = 0 + 0 + 0 + 95 + 0 + 0 of 95")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V12: what a closed stream has left undone is in no total, and in no time that is left, of others of its name", () =>
    Effect.gen(function*() {
      const items = (source: Iterable<number>) =>
        Client.stream(source, () => Effect.sleep("1 second"), { name: "items", outstanding: 1 })
      const program = Effect.gen(function*() {
        yield* Stream.runDrain(Stream.take(items(numbers(1000)), 5))
        yield* Stream.runDrain(Stream.take(items(endless()), 5))
        yield* Stream.runDrain(items(numbers(100)))
      })
      const { fiber, stream } = yield* reported(program)
      yield* TestClock.adjust("4500 millis")
      assert.deepStrictEqual([stream().streams, stream().consumed, stream().total], [1, 3, 1000])
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([stream().streams, stream().consumed, stream().total], [1, 8, undefined])
      yield* TestClock.adjust("50 seconds")
      const { consumed, failed, perSecond, remainingMillis, streams, total } = stream()
      assert.deepStrictEqual([streams, total], [1, 110])
      assert.closeTo(remainingMillis!, 1000 * (110 - consumed - failed) / perSecond, 1e-6)
      yield* TestClock.adjust("60 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual(places(stream()), "110 = 0 + 0 + 0 + 110 + 0 + 0 of 110")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V12: of streams at the same time too, the total is what it was before the last of them closed", () =>
    Effect.gen(function*() {
      const items = (count: number) =>
        Client.stream(numbers(count), () => Effect.sleep("1 second"), { name: "items", outstanding: 1 })
      const early = Stream.runDrain(Stream.take(items(1000), 5))
      const both = Effect.all([early, Stream.runDrain(items(20))], { concurrency: 2 })
      const { fiber, stream } = yield* reported(both)
      yield* TestClock.adjust("4500 millis")
      assert.deepStrictEqual([stream().streams, stream().total], [2, 1020])
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([stream().streams, stream().total], [1, 25])
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual([stream().streams, stream().consumed, stream().total], [0, 25, 25])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("V12: the total of a feed is open until the feed has ended; what was told is believed as long as it can be", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const totals = (source: any, options: { readonly total?: number; readonly outstanding?: number } = {}) =>
        Effect.gen(function*() {
          const stream = Client.stream(source, () => Deferred.await(gate), { outstanding: 3, ...options })
          const fiber = yield* Effect.forkChild(Stream.runDrain(stream as Stream.Stream<void>))
          yield* turns()
          const [found] = (yield* Scheduler.stats).streams!
          yield* Fiber.interrupt(fiber)
          return [found!.taken, found!.total, found!.isOpen]
        })
      assert.deepStrictEqual(yield* totals(endless()), [3, undefined, true])
      assert.deepStrictEqual(yield* totals(endless(), { total: 100 }), [3, 100, true])
      assert.deepStrictEqual(yield* totals(endless(), { total: 2 }), [3, undefined, true])
      assert.deepStrictEqual(yield* totals([1, 2, 3, 4]), [3, 4, true])
      assert.deepStrictEqual(yield* totals([1, 2]), [2, 2, false])
      assert.deepStrictEqual(yield* totals(new Set([1, 2, 3, 4])), [3, 4, true])
      assert.deepStrictEqual(yield* totals(new Map([[1, 2]])), [1, 1, false])
      assert.deepStrictEqual(yield* totals(Chunk.range(1, 5)), [3, 5, true])
      assert.deepStrictEqual(yield* totals(new Uint8Array(7)), [3, 7, true])
      assert.deepStrictEqual(yield* totals("text"), [3, undefined, true])
      assert.deepStrictEqual(
        yield* totals(
          (function*() {
            yield 1
          })(),
          { total: 100 }
        ),
        [1, 1, false]
      )
      assert.deepStrictEqual(yield* totals(Stream.make(1, 2)), [2, 2, false])
      assert.deepStrictEqual(yield* totals(Stream.never), [0, undefined, true])
      assert.deepStrictEqual(yield* totals(Stream.never, { total: 0 }), [0, 0, true])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("V12: a slow reader leaves results unread, and the stream waits for the reader; at the end the last are dropped", () =>
    Effect.gen(function*() {
      const read = yield* Queue.unbounded<number>()
      const stream = Client.stream(endless(), (n) => Effect.succeed(n), { outstanding: 4, task: { label: "row" } })
      const slow = Stream.runForEach(
        Stream.take(stream, 2),
        (n) => Effect.andThen(Effect.sleep("1 minute"), Queue.offer(read, n))
      )
      const { fiber, last, stream: found } = yield* reported(slow)
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* now, ["row: 4 = 0 + 0 + 4 + 0 + 0 + 0 of undefined"])
      const waitsFor = Effect.map(Scheduler.dump, ({ streams }) => streams![0]!.waitsFor)
      assert.strictEqual(yield* waitsFor, "reader")
      assert.strictEqual(last().isOpen, true)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* now, ["row: 5 = 0 + 0 + 4 + 1 + 0 + 0 of undefined"])
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      // Two were given; nobody knows how many there would have been.
      assert.strictEqual(places(found()), "5 = 0 + 0 + 0 + 2 + 0 + 3 of undefined")
      assert.strictEqual(last().isOpen, false)
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("V12: a stream that ends before its source has no total but what was told; after the source, what was taken", () =>
    Effect.gen(function*() {
      const odd = (n: number) => n === 1 ? Effect.fail("odd") : Effect.succeed(n)
      const three = function*() {
        yield* [0, 1, 2]
      }
      const total = (stream: Stream.Stream<unknown, unknown, Client.Client>) =>
        Effect.gen(function*() {
          const { fiber, stream: found } = yield* reported(Effect.exit(Stream.runDrain(stream)))
          yield* turns(20)
          yield* Fiber.interrupt(fiber)
          return found().total
        })
      const options = { outstanding: 4 }
      assert.strictEqual(yield* total(Client.stream(endless(), () => Effect.never, options)), undefined)
      assert.strictEqual(yield* total(Client.stream(endless(), odd, options)), undefined)
      assert.strictEqual(yield* total(Client.stream(numbers(9), odd, options)), 9)
      assert.strictEqual(yield* total(Client.stream(numbers(9), () => Effect.never, options)), 9)
      assert.strictEqual(yield* total(Client.stream(three(), odd, options)), 3)
      assert.strictEqual(yield* total(Client.stream(three(), () => Effect.never, options)), 3)
      assert.strictEqual(yield* total(Client.stream(Stream.make(1, 2), Effect.succeed, options)), 2)
      const torn = Stream.concat(Stream.make(1, 2), Stream.fail("torn"))
      assert.strictEqual(yield* total(Client.stream(torn, Effect.succeed, options)), undefined)
    }).pipe(inScheduler({ concurrency: 2 })))

  for (const mode of ["failFast", "continue", "collect"] as const) {
    it.effect(`V12: an item that ended without success counts as failed, read or not, in the mode ${mode}`, () =>
      Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        const body = (n: number) => n === 1 ? Effect.fail("odd") : n === 2 ? Effect.succeed(n) : Deferred.await(gate)
        const stream: Stream.Stream<unknown, unknown, Client.Client> = Client.stream(numbers(6), body, {
          mode,
          name: "items",
          outstanding: 4
        })
        const { fiber, stream: found } = yield* reported(Effect.exit(Stream.runDrain(stream)))
        yield* turns()
        // Of items in order, the failure drops those after it.
        assert.deepStrictEqual(
          yield* now,
          mode === "failFast"
            ? ["items: 4 = 0 + 1 + 0 + 0 + 1 + 2 of 6"]
            : ["items: 4 = 0 + 2 + 1 + 0 + 1 + 0 of 6"]
        )
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(fiber)
        assert.strictEqual(
          places(found()),
          mode === "failFast" ? "4 = 0 + 0 + 0 + 1 + 1 + 2 of 6" : "6 = 0 + 0 + 0 + 5 + 1 + 0 of 6"
        )
      }).pipe(inScheduler({ concurrency: 4 })))
  }

  it.effect("V12: items of a batch run together, and each has an end of its own", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const body = (n: number) => n === 1 ? Effect.fail("odd") : Effect.as(Deferred.await(gate), n)
      const stream = Client.stream(numbers(12), body, { batch: 4, mode: "collect", name: "batches", outstanding: 8 })
      const reading = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(Stream.runForEach(stream, () => Deferred.await(reading)))
      yield* turns()
      assert.deepStrictEqual(yield* now, ["batches: 8 = 4 + 4 + 0 + 0 + 0 + 0 of 12"])
      yield* Deferred.succeed(gate, undefined)
      yield* turns(20)
      assert.deepStrictEqual(yield* now, ["batches: 8 = 0 + 0 + 7 + 0 + 1 + 0 of 12"])
      yield* Deferred.succeed(reading, undefined)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* now, [])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V12, B4: an item of a batch that asks for another run waits", () =>
    Effect.gen(function*() {
      const reading = yield* Deferred.make<void>()
      let runs = 0
      const body = (n: number) => n === 3 && runs++ === 0 ? Worker.reschedule : Effect.succeed(n)
      const stream = Client.stream(numbers(4), body, { batch: 2, name: "batches", outstanding: 4 })
      const fiber = yield* Effect.forkChild(Stream.runForEach(stream, () => Deferred.await(reading)))
      yield* turns(20)
      assert.deepStrictEqual(yield* now, ["batches: 4 = 1 + 0 + 3 + 0 + 0 + 0 of 4"])
      yield* Deferred.succeed(reading, undefined)
      yield* Fiber.join(fiber)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V12, M3: a result that is lost before it was read is made anew, and counts as such", () =>
    Effect.gen(function*() {
      const reading = yield* Deferred.make<void>()
      const stream = Client.stream(numbers(2), (n) => Effect.as(Effect.sleep("1 second"), n), {
        name: "lost",
        outstanding: 2,
        task: { workers: ["a", "b"], locality: ({ id }) => id === "a" ? 1 : 0 }
      })
      const program = Stream.runForEach(stream, (n) => n === 0 ? Deferred.await(reading) : Effect.void)
      const fiber = yield* Effect.forkChild(program)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* now, ["lost: 2 = 0 + 0 + 2 + 0 + 0 + 0 of 2"])
      yield* Faults.loseWorker("a")
      yield* turns()
      // One is in the hand of the reader, who has read it already.
      assert.deepStrictEqual(yield* now, ["lost: 2 = 0 + 1 + 1 + 0 + 0 + 0 of 2"])
      yield* Deferred.succeed(reading, undefined)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* now, [])
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 2 }, { id: "b", concurrency: 2 }] })))

  it.effect("V12, V6: streams of one name are one line; tasks without a label are in the group of their stream", () =>
    Effect.gen(function*() {
      const level = (n: number) =>
        Stream.runDrain(Client.stream(numbers(n), () => Effect.sleep("1 second"), { name: "level" }))
      const labelled = Client.stream(numbers(3), () => Effect.sleep("1 second"), {
        task: { label: "row" },
        name: "feed"
      })
      const program = Effect.gen(function*() {
        yield* level(2)
        yield* Effect.all([level(1), level(3), Stream.runDrain(labelled)], { concurrency: "unbounded" })
        yield* Client.compute(Task.make(Effect.void))
      })
      const { fiber, last } = yield* reported(program)
      yield* TestClock.adjust("1500 millis")
      const lines = () => last().streams.map((stream) => `${stream.name} ${stream.streams}: ${places(stream)}`)
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(lines(), [
        "level 0: 6 = 0 + 0 + 0 + 6 + 0 + 0 of 6",
        "feed 0: 3 = 0 + 0 + 0 + 3 + 0 + 0 of 3"
      ])
      assert.deepStrictEqual(last().groups.map(({ isOpen, name, stream, total }) => [name, stream, total, isOpen]), [
        ["level", "level", 6, false],
        ["row", "feed", 3, false],
        ["task", undefined, 1, false]
      ])
    }).pipe(inScheduler({ concurrency: 8 })))

  it.effect("V12: a stream without a name has the label of its tasks, or else is called stream", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const body = () => Deferred.await(gate)
      const streams = [
        Client.stream([1], body),
        Client.stream([1], body, { task: { label: "row" } }),
        Client.stream([1], body, { task: () => ({ label: "row" }) }),
        Client.stream([Task.make(Deferred.await(gate), { label: "row" })])
      ]
      const fiber = yield* Effect.forkChild(Effect.forEach(streams, Stream.runDrain, { concurrency: "unbounded" }))
      yield* turns()
      assert.deepStrictEqual((yield* Scheduler.stats).streams!.map(({ name }) => name), [
        "stream",
        "row",
        "stream",
        "stream"
      ])
      const { owners } = yield* Scheduler.dump
      assert.deepStrictEqual(owners.map(({ name }) => name).filter((name) => name.startsWith("stream")), [
        "stream",
        "stream row",
        "stream",
        "stream"
      ])
      yield* Fiber.interrupt(fiber)
    }).pipe(inScheduler({ concurrency: 8 })))
})

describe("tasks that are held back", () => {
  it.effect("V12, W22, W23: progress counts tasks that wait for a rate or a pause, as explanations name them", () =>
    Effect.gen(function*() {
      const calls = Client.stream(numbers(9), () => Effect.sleep("1 second"), {
        name: "calls",
        outstanding: 6,
        task: { tags: ["api"] }
      })
      const others = Client.forEach(numbers(4), () => Effect.sleep("1 minute"))
      const { fiber, last, stream } = yield* reported(
        Effect.all([Stream.runDrain(calls), others], { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("2500 millis")
      const delayed = () => [last().rateLimited, last().paused, stream().rateLimited, stream().paused]
      assert.deepStrictEqual(delayed(), [6, 0, 6, 0])
      assert.strictEqual(places(stream()), "8 = 6 + 0 + 0 + 2 + 0 + 0 of 9")
      const explained = Effect.map(
        Scheduler.explainAll(),
        (all) => Array.from(Map.groupBy(all, ({ because }) => because._tag), ([tag, { length }]) => [tag, length])
      )
      assert.deepStrictEqual(Object.fromEntries(yield* explained), { RateLimited: 6, Running: 3, NoFreeSlot: 1 })
      yield* Scheduler.pause()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(delayed(), [0, 7, 0, 6])
      yield* Scheduler.resume()
      yield* Fiber.interrupt(fiber)
      assert.isUndefined((yield* Scheduler.stats).delayed)
    }).pipe(inScheduler({ concurrency: 3, tags: { api: { rate: { starts: 2, per: "10 seconds" } } } })))
})

describe("streams in dumps, events and explanations", () => {
  it.effect("V12, V10, V11: a dump has the stream, its owner and what it waits for; explanations and events name it", () =>
    Effect.gen(function*() {
      const events: Array<Scheduler.TaskEvent> = []
      yield* Scheduler.listen((event) => events.push(event))
      const gate = yield* Deferred.make<void>()
      const feed = yield* Queue.unbounded<number>()
      const stream = Client.stream(Stream.fromQueue(feed), (n) => Effect.as(Deferred.await(gate), n), {
        name: "feed",
        outstanding: 3,
        task: (n) => ({ key: `row ${n}` })
      })
      const fiber = yield* Effect.forkChild(Stream.runDrain(stream))
      yield* turns()
      const waitsFor = Effect.map(Scheduler.dump, ({ streams }) => streams![0]!.waitsFor)
      assert.strictEqual(yield* waitsFor, "source")
      yield* Queue.offerAll(feed, [1, 2])
      yield* turns()
      const { owners, streams } = yield* Scheduler.dump
      const [found] = streams!
      assert.deepStrictEqual(found, {
        name: "feed",
        owner: found!.owner,
        outstanding: 3,
        taken: 2,
        waiting: 1,
        rateLimited: 0,
        paused: 0,
        running: 1,
        unread: 0,
        consumed: 0,
        failed: 0,
        dropped: 0,
        total: undefined,
        isOpen: true,
        waitsFor: {
          key: "row 1",
          graph: (found!.waitsFor as Scheduler.Explanation).graph,
          stream: "feed",
          status: "running",
          because: { _tag: "Running", worker: "local" }
        }
      })
      assert.deepStrictEqual(owners.find(({ owner }) => owner === found!.owner)?.name, "stream feed")
      const explained = Option.getOrThrow(yield* Scheduler.explain("row 2"))
      assert.strictEqual(explained.stream, "feed")
      assert.strictEqual(
        Scheduler.explainText(explained),
        "Task \"row 2\" of the stream \"feed\" waits for a slot: all are held, by \"row 1\"."
      )
      assert.deepStrictEqual(
        new Set(events.map(({ owner, stream }) => `${owner} ${stream}`)),
        new Set([`${found!.owner} feed`])
      )
      yield* Client.compute(Task.succeed(1))
      yield* Deferred.succeed(gate, undefined)
      yield* turns()
      assert.strictEqual(yield* waitsFor, "source")
      yield* Fiber.interrupt(fiber)
      assert.isUndefined((yield* Scheduler.dump).streams)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V12, V8: in a picture of a dump a stream is one node with counts, beside the tasks and what they wait for", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const body = (n: number) => n === 1 ? Effect.fail("odd") : n === 0 ? Effect.succeed(n) : Deferred.await(gate)
      const rows = Client.stream(endless(), body, { mode: "collect", name: "rows", outstanding: 1000, unordered: true })
      const child = Task.make(Deferred.await(gate), { key: "child" })
      const parent = Task.make(Client.compute(child), { key: "parent", label: "above", priority: 1 })
      const fiber = yield* Effect.forkChild(
        Effect.all([
          Client.compute(Task.map([parent], () => 1, { key: "next" })),
          Stream.runForEach(rows, () => Deferred.await(gate)),
          // Not a stream.
          Client.compute(Task.make(Deferred.await(gate), { key: "stream rows", priority: 1 }))
        ], { concurrency: "unbounded" })
      )
      yield* turns(40)
      const dump = yield* Scheduler.dump
      const lines = Scheduler.toMermaid(dump).split("\n")
      assert.deepStrictEqual(lines.slice(0, 7), [
        "flowchart TD",
        "  0[[\"stream rows<br/>1 of 1000+<br/>1 running, 997 waiting, 1 unread, 1 failed\"]]",
        "  1[\"parent<br/>above\"]",
        "  2[\"next\"]",
        "  3[\"stream rows\"]",
        "  4[\"child\"]",
        "  4 -->|\"in its body\"| 1"
      ])
      assert.include(lines, "  1 --> 2")
      assert.include(Scheduler.toGraphViz(dump), "997 waiting")
      assert.isBelow(lines.length, 30)
      yield* Deferred.succeed(gate, undefined)
      yield* turns()
      yield* Fiber.interrupt(fiber)
    }).pipe(inScheduler({ concurrency: 3 })))

  it.effect("V12: changes report what is consumed, and the close of a stream", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const watching = yield* Effect.forkChild(
        Stream.runForEach(Progress.changes({ interval: "1 second" }), ({ streams }) =>
          Effect.sync(() =>
            void seen.push(streams.map((each) => `${each.streams}: ${places(each)}`).join())
          ))
      )
      yield* Effect.yieldNow
      const slow = Client.stream(numbers(2), (n) => Effect.succeed(n), { name: "slow" }).pipe(
        Stream.runForEach(() => Effect.sleep("10 seconds"))
      )
      const fiber = yield* Effect.forkChild(slow)
      yield* TestClock.adjust("30 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(Array.from(new Set(seen)), [
        "1: 2 = 0 + 0 + 2 + 0 + 0 + 0 of 2",
        "1: 2 = 0 + 0 + 1 + 1 + 0 + 0 of 2",
        "0: 2 = 0 + 0 + 0 + 2 + 0 + 0 of 2"
      ])
      yield* Fiber.interrupt(watching)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("a wrong name or total is a mistake that dies", () =>
    Effect.gen(function*() {
      for (const options of [{ name: "" }, { name: 1 }, { total: -1 }, { total: 1.5 }]) {
        const exit = yield* Effect.exit(Stream.runDrain(Client.stream([1], () => Effect.void, options as {})))
        assert.isTrue(Exit.hasDies(exit), JSON.stringify(options))
      }
    }).pipe(inScheduler()))
})
