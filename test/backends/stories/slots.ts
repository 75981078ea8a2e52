/** Which body starts when and where, limits, and slots that are given away. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { exitNow } from "../../support.ts"
import { work } from "../backends.ts"
import { heard, lines, pass } from "../stage.ts"
import { one } from "../story.ts"
import type { Stories } from "../story.ts"

const { add, endless, notes, place, seceded, secedes, waits } = work.tasks

export const slots: Stories = {
  "O5: on one slot the priority decides, then the order of submission": () =>
    Effect.gen(function*() {
      const busy = yield* Client.submit(Task.withOptions(waits("busy", 10), one))
      yield* heard("busy waits")
      const tasks = ([["a", 0], ["b", 2], ["c", 1], ["d", 2]] as const).map(([name, priority]) =>
        Task.withOptions(notes(name), { ...one, priority })
      )
      const futures = yield* Client.submitAll(tasks)
      yield* pass(10)
      yield* Future.joinAll([busy, ...futures])
      const order = (yield* lines).filter((line) => line.endsWith(" begins")).map((line) => line[0])
      assert.deepStrictEqual(order, ["b", "d", "c", "a"])
    }),

  "O2: on one slot a body ends before the next begins, and dependencies come first": () =>
    Effect.gen(function*() {
      const a = Task.withOptions(notes("a"), one)
      const b = Task.withOptions(notes("b"), { ...one, after: a })
      const c = Task.withOptions(notes("c"), { ...one, after: b })
      yield* Client.compute([c, b, a])
      assert.deepStrictEqual(yield* lines, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"])
    }),

  "W1, W4: each worker runs as many bodies as it has slots": () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll(["a", "b", "c"].map((name) => waits(name, 1000)))
      yield* heard("a waits")
      yield* heard("b waits")
      assert.lengthOf(yield* lines, 2)
      yield* pass(1000)
      yield* heard("c waits")
      yield* pass(1000)
      assert.deepStrictEqual(yield* Future.joinAll(futures), ["a", "b", "c"])
    }),

  "W6: a task runs on the worker, or with the labels, that it names": () =>
    Effect.gen(function*() {
      const named = ["pool-1", "pool-2", "pool-1"].map((id) => Task.withOptions(place(), { workers: [id] }))
      const labelled = Task.withOptions(place(), { workers: { labels: ["pool"] } })
      const places = yield* Client.compute([...named, labelled])
      assert.deepStrictEqual(places.slice(0, 3).map(({ id }) => id), ["pool-1", "pool-2", "pool-1"])
      assert.match(places[3]!.id, /^pool-/)
      assert.include(places[3]!.labels, "pool")
    }),

  "W2: a task goes to the worker that it rates highest": () =>
    Effect.gen(function*() {
      const rated = Task.withOptions(place(), { locality: ({ id }) => id === "pool-2" ? 2 : 1 })
      assert.strictEqual((yield* Client.compute(rated)).id, "pool-2")
    }),

  "W17: no more bodies with a tag run at once than its limit, on all workers together": () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll(
        ["a", "b"].map((name) => Task.withOptions(waits(name, 1000), { tags: ["db"] }))
      )
      const free = yield* Client.submit(waits("free", 1000))
      yield* heard("a waits")
      yield* heard("free waits")
      assert.notInclude([...yield* lines], "b waits")
      yield* pass(1000)
      yield* heard("b waits")
      yield* pass(1000)
      yield* Future.joinAll([...futures, free])
    }),

  "A2: items of a forEach may be tasks of any worker": () =>
    Effect.gen(function*() {
      const values = yield* Client.forEach([add(1, 1), add(2, 2)], (value) => Effect.succeed(value * 10), {
        concurrency: 1
      })
      assert.deepStrictEqual(values, [20, 40])
    }),

  "D8: a task runs where the task ran that it follows": () =>
    Effect.gen(function*() {
      const first = Task.withOptions(place(), { workers: ["pool-2"] })
      const follower = Task.withOptions(place(), { follow: first })
      const [a, b] = yield* Client.compute([first, follower])
      assert.deepStrictEqual([a.id, b.id], ["pool-2", "pool-2"])
    }),

  "N2, N3: a body gives its slot away, and waits for one to come back": () =>
    Effect.gen(function*() {
      const away = yield* Client.submit(Task.withOptions(secedes("away", 1000), one))
      yield* heard("away waits")
      const next = yield* Client.submit(Task.withOptions(waits("next", 2000), one))
      yield* heard("next waits")
      assert.strictEqual(yield* Future.status(away), "seceded")
      yield* pass(1000)
      assert.isUndefined(yield* exitNow(away))
      yield* pass(1000)
      assert.strictEqual(yield* Future.join(away), "away")
      assert.deepStrictEqual((yield* lines).slice(0, 3), ["away waits", "next waits", "next: Success"])
      yield* Future.join(next)
    }),

  "N4: a section without a slot comes back on every kind of exit": () =>
    Effect.gen(function*() {
      const away = yield* Client.submit(Task.withOptions(seceded("away", 1000), one))
      yield* heard("away waits")
      assert.strictEqual((yield* Client.compute(Task.withOptions(place(), one))).id, "pool-1")
      yield* pass(1000)
      assert.strictEqual(yield* Future.join(away), "away")
      const again = yield* Client.submit(Task.withOptions(seceded("again", 1000), one))
      yield* heard("again waits")
      yield* Future.cancel(again)
      const [worker] = (yield* Scheduler.stats).workers.filter(({ id }) => id === "pool-1")
      assert.strictEqual(worker!.running, 0)
    }),

  "G11: a task starts after those that it names, without their values": () =>
    Effect.gen(function*() {
      const first = notes("first")
      yield* Client.compute(Task.withOptions(notes("second"), { after: first }))
      assert.deepStrictEqual(yield* lines, ["first begins", "first ends", "second begins", "second ends"])
    }),

  "W12: what has begun stays where it is, and what waits goes to a worker that is free": () =>
    Effect.gen(function*() {
      const [a, b] = yield* Client.submitAll([endless("a"), waits("b", 10)])
      yield* heard("a begins")
      yield* heard("b waits")
      const rest = yield* Client.submitAll(Array.from({ length: 20 }, (_, i) => add(i, 1)))
      yield* pass(10)
      assert.lengthOf(yield* Future.joinAll(rest), 20)
      assert.strictEqual(yield* Future.status(a), "running")
      yield* Future.cancel(a)
      yield* Future.join(b)
    })
}
