/** Futures, keys, and what can be seen of a run. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { errorOf } from "../../support.ts"
import { work } from "../backends.ts"
import { heard, lines, pass } from "../stage.ts"
import type { Stories } from "../story.ts"
import { Refused } from "../work.ts"

const { add, endless, failsAtFirst, notes, place, refuses, surroundings, tells, waits } = work.tasks

export const views: Stories = {
  "A1: a future has a key, a status, a result and metadata": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.withOptions(waits("it", 1000), { key: "mine" }))
      yield* heard("it waits")
      assert.strictEqual(Future.key(future), "mine")
      assert.strictEqual(yield* Future.status(future), "running")
      yield* pass(1000)
      assert.strictEqual(yield* Future.join(future), "it")
      assert.strictEqual(yield* Future.status(future), "succeeded")
      const { attempts, worker } = yield* Future.metadata(future)
      assert.lengthOf(attempts, 1)
      assert.match(worker!, /^pool-/)
    }),

  "A3, A4: waits for several futures": () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll([waits("slow", 1000), add(1, 2)])
      assert.deepStrictEqual((yield* Future.awaitFirst(futures)).ended, [futures[1]])
      yield* heard("slow waits")
      yield* pass(1000)
      assert.deepStrictEqual(yield* Future.joinAll({ a: futures[0], b: [futures[1]] }), { a: "slow", b: [3] })
      const failing = yield* Client.submitAll([refuses(1), endless("other")])
      assert.deepStrictEqual((yield* Future.awaitFirstFailure(failing)).ended, [failing[0]])
      yield* Future.cancel(failing[1])
    }),

  "A5: futures come in the order in which they end": () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll([waits("slow", 2000), waits("fast", 1000)])
      yield* heard("slow waits")
      yield* heard("fast waits")
      yield* pass(1000)
      const order: Array<string> = []
      yield* Future.join(futures[1])
      order.push(yield* Future.status(futures[0]))
      yield* pass(1000)
      order.push(yield* Future.join(futures[0]))
      assert.deepStrictEqual(order, ["running", "slow"])
    }),

  "A6: targets of one request share what they have in common": () =>
    Effect.gen(function*() {
      const common = notes("common")
      yield* Client.compute([Task.map(common, (name) => name), Task.map(common, (name) => `${name}!`), common])
      assert.deepStrictEqual(yield* lines, ["common begins", "common ends"])
    }),

  "A11: a task that is fired runs, and its group waits for it": () =>
    Effect.gen(function*() {
      yield* Client.fireAndForget(notes("fired"))
      yield* Client.awaitGroup()
      assert.deepStrictEqual(yield* lines, ["fired begins", "fired ends"])
      yield* Client.fireAndForget(endless("other"), { group: "g" })
      yield* heard("other begins")
      yield* Client.cancelGroup("g")
      yield* Client.awaitGroup("g")
      yield* heard("other: Failure")
    }),

  "M1, M2: a result is held while a scope claims it, and dropped when it is released": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(add(20, 1))
      assert.strictEqual(yield* Future.join(future), 21)
      assert.strictEqual(yield* Client.compute(add(future, 21)), 42)
      yield* Future.release(future)
      assert.strictEqual(yield* Future.status(future), "released")
    }),

  "M3: a result that was released is computed again when it is needed again": () =>
    Effect.gen(function*() {
      const task = notes("it")
      yield* Client.compute(task)
      yield* Client.compute(Task.map(task, (name) => name))
      assert.deepStrictEqual(yield* lines, ["it begins", "it ends", "it begins", "it ends"])
    }),

  "G10: another task under a live key is refused, and the same one joins the run": () =>
    Effect.gen(function*() {
      const task = Task.withOptions(waits("it", 1000), { key: "k" })
      const [first, second] = [yield* Client.submit(task), yield* Client.submit(task)]
      yield* heard("it waits")
      yield* pass(1000)
      assert.deepStrictEqual([yield* Future.join(first), yield* Future.join(second)], ["it", "it"])
      assert.deepStrictEqual(yield* lines, ["it waits", "it: Success"])
      const others = [add(1, 1), add(2, 2)].map((each) => Task.withOptions(each, { key: "same" }))
      assert.include(String(yield* errorOf(Client.compute(others))), "same")
    }),

  "G9: equal pure calls share one run": () =>
    Effect.gen(function*() {
      const calls = ["a", "b"].map(() => Task.withOptions(notes("pure"), { key: "p", pure: true }))
      assert.deepStrictEqual(yield* Client.compute([calls[0]!, calls[0]!]), ["pure", "pure"])
      assert.deepStrictEqual(yield* lines, ["pure begins", "pure ends"])
    }),

  "F11: a failed task runs again, with exactly what failed before it": () =>
    Effect.gen(function*() {
      const good = yield* Client.submit(notes("good"))
      const bad = Task.withOptions(failsAtFirst("bad", 1), { after: good })
      const future = yield* Client.submit(add(bad, 1))
      yield* Future.await(future)
      const again = yield* Client.retry(future)
      yield* Future.await(again)
      const said = yield* lines
      assert.lengthOf(said.filter((line) => line === "good begins"), 1)
      assert.lengthOf(said.filter((line) => line === "bad 1"), 2)
    }),

  "F13: a failed body runs again in the calling fiber with the same inputs": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(refuses(add(3, 4)))
      yield* Future.await(future)
      const error = yield* Effect.flip(Future.rerunInline(future))
      assert.propertyVal(error, "own", 7)
      assert.instanceOf(error, Refused)
    }),

  "W20: a body sees its worker, its attempt and its key": () =>
    Effect.gen(function*() {
      const { labels, ...seen } = yield* Client.compute(Task.withOptions(place(), { key: "mine", workers: ["pool-2"] }))
      assert.include(labels, "pool")
      assert.deepStrictEqual(seen, { id: "pool-2", attempt: 1, key: "mine" })
    }),

  "W20: logs of bodies reach the loggers of their submitter, with annotations and at their levels": () =>
    Effect.gen(function*() {
      yield* Effect.annotateLogs(Client.compute(tells()), "request", 7)
      assert.deepStrictEqual(yield* lines, ["Warn first {\"n\":1} request=7", "second request=7 own=yes"])
    }),

  "W20: log annotations, log spans, the log level and the span of the submitter reach the body": () =>
    Effect.gen(function*() {
      const [seen, span] = yield* Effect.gen(function*() {
        const { spanId, traceId } = yield* Effect.currentSpan
        return [yield* Client.compute(surroundings()), `${traceId} ${spanId}`] as const
      }).pipe(
        Effect.withSpan("request"),
        Effect.withLogSpan("outer"),
        Effect.annotateLogs("user", "ada"),
        Effect.provideService(References.MinimumLogLevel, "Debug")
      )
      assert.deepStrictEqual(seen.annotations, { user: "ada" })
      assert.deepStrictEqual(seen.spans, ["outer"])
      assert.strictEqual(seen.level, "Debug")
      assert.strictEqual(seen.trace?.split(" ")[0], span.split(" ")[0])
    }),

  "G16: a region gives options to the tasks that are submitted in it": () =>
    Effect.gen(function*() {
      const computed = Client.compute(failsAtFirst("it", 1))
      assert.strictEqual(yield* Client.annotate(computed, { retry: { times: 1 } }), 2)
    }),

  "V4: events and metadata of a task tell its attempts": () =>
    Effect.gen(function*() {
      const states: Array<string> = []
      yield* Scheduler.listen(({ key, to }) => {
        if (key === "it") states.push(to)
      })
      const future = yield* Client.submit(Task.withOptions(failsAtFirst("it", 1), { key: "it", retry: { times: 1 } }))
      yield* Future.join(future)
      const ends = states.filter((to) => to === "running" || to === "succeeded")
      assert.deepStrictEqual(ends, ["running", "running", "succeeded"])
      assert.lengthOf((yield* Future.metadata(future)).attempts, 2)
    }),

  "V11: it can be asked why a task does not run now": () =>
    Effect.gen(function*() {
      const busy = yield* Client.submitAll([endless("a"), endless("b")])
      yield* heard("a begins")
      yield* heard("b begins")
      const next = yield* Client.submit(add(1, 1))
      assert.propertyVal(yield* Scheduler.explain(Future.key(next)), "_tag", "Some")
      yield* Future.cancel(busy[0])
      assert.strictEqual(yield* Future.join(next), 2)
      yield* Future.cancel(busy[1])
    }),

  "K5: a layer goes on after a computation that failed": () =>
    Effect.gen(function*() {
      yield* Effect.exit(Client.compute([refuses(1), add(1, 1)]))
      assert.strictEqual(yield* Client.compute(add(1, 1)), 2)
    })
}
