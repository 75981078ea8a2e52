import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Client, Future, Scheduler, Skein, SkeinError, Task, Worker } from "skein"
import { Chance } from "./chance.ts"
import { errorOf, explanationOf, mistakeOf, nothingIsLeft } from "./support.ts"

const api = { tags: ["api"] }

const rated = (starts: number, per: string, options: Skein.Options = {}) =>
  Skein.layer({ tags: { api: { rate: { starts, per: per as "1 second" } } }, ...options })

/** Runs something that sleeps. */
const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.join(fiber)
  })

/** Tasks that give the times of their starts. */
const clocks = (count: number, options: Task.Options = api) =>
  Array.from({ length: count }, () => Task.make(Clock.currentTimeMillis, options))

describe("rates", () => {
  it.effect("W22: tasks with a tag start no faster than its rate, and others start at once", () =>
    Effect.gen(function*() {
      const [limited, others] = yield* inTime(Client.compute([clocks(5), clocks(3, {})] as const))
      assert.deepStrictEqual(limited, [0, 0, 1000, 1000, 2000])
      assert.deepStrictEqual(others, [0, 0, 0])
      yield* nothingIsLeft
    }).pipe(Effect.provide(rated(2, "1 second", { concurrency: 2 }))))

  it.effect("W22: tasks that wait for a rate hold no slot and no fiber, and explain says when the next may start", () =>
    Effect.gen(function*() {
      yield* Client.submitAll(clocks(2, { ...api, label: "call" }))
      const waiting = yield* Client.submit(Task.make(Effect.void, { ...api, key: "waiting" }))
      yield* Effect.yieldNow
      const { tags, workers } = yield* Scheduler.stats
      assert.strictEqual(workers[0]!.running, 0)
      const rate = { starts: 2, perMillis: 1000 }
      assert.deepStrictEqual(tags, { api: { used: 0, rate: { ...rate, left: 0, nextAt: 1000 } } })
      const explained = (yield* explanationOf("waiting"))!
      assert.deepStrictEqual(explained.because, { _tag: "RateLimited", tag: "api", rate, until: 1000, ahead: 0 })
      assert.strictEqual(
        Scheduler.explainText(explained),
        "Task \"waiting\" waits for the rate of the tag \"api\": 2 starts in 1000 ms, and the next may be at " +
          "1970-01-01T00:00:01.000Z."
      )
      yield* TestClock.adjust("1 second")
      yield* Future.join(waiting)
    }).pipe(Effect.scoped, Effect.provide(rated(2, "1 second"))))

  it.effect("W22: each retry counts", () =>
    Effect.gen(function*() {
      const times: Array<number> = []
      const flaky = Task.make(
        Effect.flatMap(Clock.currentTimeMillis, (now) => times.push(now) < 3 ? Effect.fail("no") : Effect.succeed(now)),
        { ...api, retry: { times: 5 } }
      )
      assert.strictEqual(yield* inTime(Client.compute(flaky)), 2000)
      assert.deepStrictEqual(times, [0, 1000, 2000])
    }).pipe(Effect.provide(rated(1, "1 second"))))

  it.effect("W22: the rate of the layer counts all starts, and each key of a pattern has its own", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* inTime(Client.compute(clocks(4, {}))), [0, 0, 0, 1000])
      yield* TestClock.adjust("1 second")
      const hosts = ["a", "a", "b"].map((host) => Task.make(Clock.currentTimeMillis, { tags: [`host:${host}`] }))
      const [first, second, other] = yield* inTime(Client.compute(hosts))
      assert.strictEqual(second! - first!, 5000)
      assert.strictEqual(other, first)
    }).pipe(
      Effect.provide(
        Skein.layer({
          rate: { starts: 3, per: "1 second" },
          tags: { "host:*": { rate: { starts: 1, per: "5 seconds" } } }
        })
      )
    ))

  it.effect("W22: limitTag changes a rate and keeps what it has counted; a pattern takes no limit", () =>
    Effect.gen(function*() {
      yield* Client.submitAll(clocks(2))
      yield* Scheduler.limitTag("api", { rate: { starts: 2, per: "2 seconds" } })
      const next = yield* Client.submit(clocks(1)[0]!)
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(yield* Future.status(next), "ready")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Future.join(next), 2000)
      assert.include((yield* mistakeOf(Scheduler.limitTag("host:*", 3))).message, "a rate alone")
      assert.include((yield* mistakeOf(Scheduler.limitTag("api", {}))).message, "a limit, a rate or both")
    }).pipe(Effect.scoped, Effect.provide(rated(2, "1 second"))))
})

describe("pauses", () => {
  it.effect("W23: a body that is told to wait pauses its tag for all, and the others start when that is over", () =>
    Effect.gen(function*() {
      let isFirst = true
      const call = Task.make(
        Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          if (!isFirst) return now
          isFirst = false
          yield* Scheduler.pause({ tag: "api", for: "30 seconds" })
          return yield* Worker.reschedule
        }),
        api
      )
      const result = yield* inTime(Client.compute([call, clocks(2, {}), clocks(2)] as const))
      assert.deepStrictEqual(result, [30_000, [0, 0], [30_000, 30_000]])
    }).pipe(Effect.provide(Skein.layer({ concurrency: 1, tags: { api: 4 } }))))

  it.effect("W23: between pause and resume nothing starts, what runs goes on, and a wait takes its slot again", () =>
    Effect.gen(function*() {
      const go = yield* Deferred.make<void>()
      const inner = Task.make(Deferred.await(go), { key: "inner" })
      const outer = yield* Client.submit(Task.make(Effect.as(Client.compute(inner), "done"), { key: "outer" }))
      yield* Effect.yieldNow
      yield* Scheduler.pause()
      yield* Scheduler.pause()
      const next = yield* Client.submit(Task.make(Effect.succeed("next"), { key: "next" }))
      yield* Deferred.succeed(go, undefined)
      assert.strictEqual(yield* Future.join(outer), "done")
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* Future.status(next), "ready")
      const explained = (yield* explanationOf("next"))!
      assert.deepStrictEqual(explained.because, { _tag: "Paused", of: {}, until: undefined })
      assert.strictEqual(
        Scheduler.explainText(explained),
        "Task \"next\" is paused, as everything is, until that is resumed."
      )
      assert.deepStrictEqual((yield* Scheduler.dump).paused, {})
      assert.deepStrictEqual([yield* Scheduler.resume(), yield* Scheduler.resume()], [true, false])
      assert.strictEqual(yield* Future.join(next), "next")
      assert.isUndefined((yield* Scheduler.dump).paused)
    }).pipe(Effect.scoped, Effect.provide(Skein.layer({ concurrency: 1 }))))

  it.effect("W23: a group of fired tasks can be paused; nothing else is", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const note = (text: string) => Task.make(Effect.sync(() => void log.push(text)))
      const hold = yield* Deferred.make<void>()
      yield* Client.fireAndForget(Task.make(Deferred.await(hold)), { group: "mails" })
      yield* Effect.yieldNow
      yield* Scheduler.pause({ group: "mails", for: "1 minute" })
      yield* Client.fireAndForget(note("mail"), { group: "mails" })
      yield* Client.compute(note("other"))
      assert.deepStrictEqual(log, ["other"])
      assert.deepStrictEqual((yield* Scheduler.stats).groups, { mails: { until: 60_000 } })
      yield* TestClock.adjust("1 minute")
      yield* Deferred.succeed(hold, undefined)
      yield* Client.awaitGroup("mails")
      assert.deepStrictEqual(log, ["other", "mail"])
      yield* nothingIsLeft
    }).pipe(Effect.provide(Skein.layer({ concurrency: 2 }))))

  it.effect("W23: a name that nothing has is a typed error with the known ones; a tag and a group at once are a mistake", () =>
    Effect.gen(function*() {
      const error = yield* errorOf(Scheduler.pause({ tag: "apii" }))
      assert.instanceOf(error, SkeinError.UnknownTarget)
      assert.deepInclude(error, { of: "tag", name: "apii", known: ["api", "host:*"] })
      assert.strictEqual(
        error.message,
        "There is no tag \"apii\" to pause. Known: \"api\", \"host:*\". Name it in the option tags of the layer, or give it to " +
          "a task first."
      )
      assert.deepInclude(yield* errorOf(Scheduler.pause({ group: "mails" })), { of: "group", name: "mails", known: [] })
      yield* Scheduler.pause({ tag: "host:x" })
      yield* Scheduler.pause({ tag: "host:*" })
      const both: Scheduler.PauseOptions = { tag: "api", group: "g" }
      assert.include((yield* mistakeOf(Scheduler.pause(both))).message, "no value beside tag")
      assert.isFalse(yield* Scheduler.resume({ tag: "strange" }))
    }).pipe(
      Effect.provide(Skein.layer({ tags: { api: 1, "host:*": { rate: { starts: 1, per: 1 } } } }))
    ))

  it.effect("W23, C1, C4: in a pause what waits can be cancelled, workers drain, and the layer closes", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const program = Effect.gen(function*() {
        const running = Task.make(Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
        yield* Client.submit(running)
        yield* Deferred.await(started)
        yield* Scheduler.pause()
        const waiting = yield* Client.submit(Task.make(Effect.void))
        yield* Client.submit(Task.make(Effect.void))
        yield* Future.cancel(waiting)
        assert.strictEqual(yield* Future.status(waiting), "cancelled")
        yield* Effect.scoped(Scheduler.addWorker({ id: "extra", concurrency: 1 }))
        yield* Scheduler.retire("extra")
      })
      yield* program.pipe(Effect.scoped, Effect.provide(Skein.layer({ concurrency: 1 })))
    }))
})

describe("random programs with rates and pauses", () => {
  interface Told {
    readonly starts: ReadonlyArray<readonly [at: number, tag: string]>
    readonly story: string
  }

  const rates = { a: { starts: 2, per: 30 }, b: { starts: 1, per: 11 } } as const

  /** Tasks that sleep, fail, are tried again and pause, under rates; all in the order of a seed. */
  const program = (seed: number) =>
    Effect.gen(function*() {
      const chance = new Chance(seed)
      const starts: Array<readonly [number, string]> = []
      const lines: Array<string> = []
      yield* Scheduler.listen(({ at, attempt, key, to }) => lines.push(`${at} ${key} ${to} ${attempt}`))
      const make = (i: number) => {
        const tag = chance.pick(["a", "b", "c"])!
        const sleep = chance.below(20)
        const failures = chance.below(3)
        const pauses = chance.with(0.1)
        let count = 0
        const body = Effect.gen(function*() {
          starts.push([yield* Clock.currentTimeMillis, tag])
          if (pauses) yield* Scheduler.pause({ for: 7 })
          yield* Effect.sleep(sleep)
          if (count++ < failures) return yield* Effect.fail("again")
        })
        return Task.make(body, { key: `${tag}${i}`, tags: [tag], retry: { times: 3 } })
      }
      const tasks = Array.from({ length: 3 + chance.below(8) }, (_, i) => make(i))
      const fiber = yield* Effect.forkChild(Client.compute(tasks))
      for (let i = 0; i < 200; i++) yield* TestClock.adjust(1 + chance.below(10))
      yield* TestClock.adjust(1000)
      yield* Fiber.join(fiber)
      return { starts, story: lines.join("\n") } satisfies Told
    }).pipe(
      Effect.scoped,
      Effect.provide(Skein.layer({ concurrency: 1 + seed % 4, tags: { a: { rate: rates.a }, b: { rate: rates.b } } }), {
        local: true
      }),
      Effect.provide(TestClock.layer(), { local: true })
    )

  it.effect(
    "W22, T1: no interval has more starts than its rate, and each program tells the same story twice",
    () =>
      Effect.gen(function*() {
        for (let seed = 1; seed <= 60; seed++) {
          const [first, second] = [yield* program(seed), yield* program(seed)]
          for (const [tag, { per, starts: most }] of Object.entries(rates)) {
            const times = first.starts.flatMap(([at, of]) => of === tag ? [at] : [])
            for (const from of times) {
              const count = times.filter((at) => at >= from && at < from + per).length
              assert.isAtMost(count, most, `seed ${seed}: ${tag} from ${from}`)
            }
          }
          assert.strictEqual(first.story, second.story, `seed ${seed}`)
        }
      }),
    60_000
  )
})
