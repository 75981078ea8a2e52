import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import type { SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { inScheduler } from "./harness.ts"
import { explanationOf, mistakeOf } from "./support.ts"

/** Tells how many bodies are between their begin and their end, and how many were at most. */
class Count {
  now = 0
  most = 0

  /** A body that takes a second. */
  readonly body = Effect.suspend(() => {
    this.most = Math.max(this.most, ++this.now)
    return Effect.ensuring(Effect.sleep("1 second"), Effect.sync(() => this.now--))
  })
}

/** Runs a program while time goes on. */
const inTime = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.raceFirst(program, Effect.forever(TestClock.adjust("100 millis")))

const because = (key: string) => Effect.map(explanationOf(key), (explanation) => explanation?.because)

describe("source throttle", () => {
  for (const [sourceSaturation, most] of [[undefined, 4], [1, 4], [0.5, 2], [0.01, 1]] as const) {
    it.effect(`O8: at most ${most} sources run on 4 slots with a saturation of ${sourceSaturation}`, () =>
      Effect.gen(function*() {
        const sources = new Count()
        const all = Array.from({ length: 10 }, () => Task.make(sources.body))
        yield* Client.compute(Task.all(all))
        assert.strictEqual(sources.most, most)
      }).pipe(inTime, inScheduler({ concurrency: 4, sourceSaturation })))
  }

  it.effect("O8: what depends on something, or comes from a body, starts on the slots that sources leave", () =>
    Effect.gen(function*() {
      const sources = new Count()
      const others = new Count()
      const child = Task.make(others.body)
      const chains = Array.from(
        { length: 4 },
        () => Task.make([Task.make(sources.body)], () => Effect.andThen(others.body, Client.compute(child)))
      )
      yield* Client.compute(Task.all(chains))
      assert.deepStrictEqual([sources.most, others.most], [1, 2])
    }).pipe(inTime, inScheduler({ concurrency: 3, sourceSaturation: 0.3 })))

  it.effect("O8: sources that wait for sources end, with their slot given away or kept", () =>
    Effect.gen(function*() {
      let future: Future.Future<number, never> = yield* Client.submit(Task.make(Effect.succeed(1)))
      const all: Array<typeof future> = []
      for (let i = 0; i < 6; i++) {
        const next = future
        const join = i % 2 === 1 ? Worker.keepSlot(Future.join(next)) : Future.join(next)
        const body = Effect.map(Effect.orDie(join), (n) => n + 1)
        future = yield* Client.submit(Task.make(body, { priority: i }))
        all.push(future)
      }
      assert.deepStrictEqual(yield* Future.joinAll(all), [2, 3, 4, 5, 6, 7])
    }).pipe(inScheduler({ concurrency: 8, sourceSaturation: 0.01 })))

  it.effect("O8: a queued source is told apart by explain", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      yield* Client.submitAll(["first", "second"].map((key) => Task.make(Deferred.await(gate), { key })))
      assert.deepStrictEqual(yield* because("second"), { _tag: "SourcesThrottled", running: ["first"] })
      yield* Deferred.succeed(gate, undefined)
    }).pipe(inScheduler({ concurrency: 2, sourceSaturation: 0.5 })))
})

describe("budget of held results", () => {
  for (const [target, most] of [[undefined, 24], [3, 7]] as const) {
    it.effect(`M8: sources run ahead of what needs their results by ${most} at most with a target of ${target}`, () =>
      Effect.gen(function*() {
        let held = 0
        let most = 0
        const sums = Array.from({ length: 12 }, () => {
          const parts = [0, 1].map(() => Task.sync(() => void (most = Math.max(most, ++held))))
          const body = Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => void (held -= 2)))
          return Task.make(parts, () => body, { workers: ["slow"] })
        })
        yield* Effect.forEach(
          yield* Client.submitAll(sums),
          (sum) => Effect.andThen(Future.join(sum), Future.release(sum))
        )
        return most
      }).pipe(
        inTime,
        inScheduler({
          workers: [{ id: "slow", concurrency: 1 }, { id: "fast", concurrency: 3 }],
          ...(target !== undefined && { budget: { target } })
        }),
        Effect.map((reached) => {
          assert.isAtMost(reached, most)
          assert.isAbove(reached, most / 2)
        })
      ))
  }

  it.effect("M8: above `pause` one task goes on after the other, and below it all slots are used again", () =>
    Effect.gen(function*() {
      const big = yield* Client.submit(Task.sync(() => "x".repeat(100)))
      yield* Future.join(big)
      const count = new Count()
      const all = Array.from({ length: 6 }, (_, i) => Task.make(Effect.as(count.body, ""), { key: `small${i}` }))
      const before = yield* Client.submitAll(all.slice(0, 3))
      assert.deepStrictEqual(yield* because("small1"), { _tag: "OverBudget", held: 100, most: 50 })
      yield* Future.joinAll(before)
      assert.strictEqual(count.most, 1)
      yield* Future.release(big)
      yield* Future.joinAll(yield* Client.submitAll(all.slice(3)))
      assert.strictEqual(count.most, 3)
    }).pipe(
      inTime,
      inScheduler({ concurrency: 3, budget: { pause: 50, sizeOf: (result) => String(result).length } })
    ))

  it.effect("M8: every computation ends, however little it may hold: diamonds, recursion, resources, retries", () =>
    Effect.gen(function*() {
      const fib = (n: number): Task.Task<number, SubmitError, Client.Client> =>
        n < 2
          ? Task.sync(() => n)
          : Task.make(
            Effect.gen(function*() {
              const both = [Client.compute(fib(n - 1)), Client.compute(fib(n - 2))] as const
              const [a, b] = yield* Effect.orDie(Effect.all(both, { concurrency: 2 }))
              return a + b
            })
          )
      let failures = 0
      const flaky = Task.make(Effect.suspend(() => ++failures < 3 ? Effect.fail("again") : Effect.succeed(3)), {
        retry: Schedule.spaced("1 second")
      })
      const pool = Task.resource(Effect.acquireRelease(Effect.succeed(5), () => Effect.sleep("1 second")))
      const numbers = Array.from({ length: 20 }, (_, i) => Task.sync(() => i))
      const pairs = numbers.map((one, i) => Task.map([one, numbers[(i * 7) % 20]!, pool], ([a, b, c]) => a + b + c))
      const total = Task.map([fib(7), flaky, Task.map(pairs, (all) => all.reduce((a, b) => a + b))], ([a, b, c]) => [
        a,
        b,
        c
      ])
      assert.deepStrictEqual(yield* Client.compute(total), [13, 3, 480])
    }).pipe(inTime, inScheduler({ concurrency: 3, budget: { target: 0, pause: 0 }, sourceSaturation: 0.1, aging: 2 })))

  it.effect("M8: a size that is none counts as 1, and is logged once", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ message }) => void lines.push(message))
    const sizes: Array<() => number> = [() => NaN, () => -1, () => Infinity, () => JSON.parse("}")]
    return Effect.gen(function*() {
      const futures = yield* Client.submitAll(sizes.map((size) => Task.sync(() => size)))
      yield* Future.joinAll(futures)
      yield* Client.submitAll([1, 2].map((n) => Task.make(Effect.never, { key: `last${n}` })))
      assert.deepStrictEqual(yield* because("last2"), { _tag: "OverBudget", held: 4, most: 3 })
      assert.strictEqual(lines.length, 1)
    }).pipe(
      inScheduler({ concurrency: 4, budget: { pause: 3, sizeOf: (result) => (result as () => number)() } }),
      Effect.provide(Logger.layer([logger]))
    )
  })

  it.effect("M8: without `sizeOf` each result counts as one", () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll([1, 2, 3].map((n) => Task.sync(() => n)))
      yield* Future.joinAll(futures)
      yield* Client.submitAll([1, 2].map((n) => Task.make(Effect.never, { key: `last${n}` })))
      assert.deepStrictEqual(yield* because("last2"), { _tag: "OverBudget", held: 3, most: 2 })
    }).pipe(inScheduler({ concurrency: 4, budget: { target: 2 } })))
})

describe("shares", () => {
  /** Tasks that note who starts, for one user. */
  const forUser = (log: Array<string>, share: string, count: number) =>
    Client.submitAll(Array.from({ length: count }, () => Task.sync(() => void log.push(share)))).pipe(
      Client.annotate({ share })
    )

  const blocked = <A, E, R>(program: Effect.Effect<A, E, R>) =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      yield* Client.submit(Task.make(Deferred.await(gate)))
      const given = yield* program
      yield* Deferred.succeed(gate, undefined)
      return given
    })

  it.effect("O10: the tasks of three users take turns, however many each has submitted before the others", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const futures = yield* blocked(Effect.gen(function*() {
        const a = yield* forUser(log, "ann", 9)
        const b = yield* forUser(log, "bob", 3)
        const c = yield* forUser(log, "eve", 3)
        return [...a, ...b, ...c]
      }))
      yield* Future.joinAll(futures)
      for (let from = 0; from + 3 <= 9; from++) {
        assert.strictEqual(new Set(log.slice(from, from + 3)).size, 3, log.join(" "))
      }
      assert.deepStrictEqual(log.slice(9), Array.from({ length: 6 }, () => "ann"))
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("O10: a share has its turn as often as its weight says", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const futures = yield* blocked(Effect.gen(function*() {
        return [...yield* forUser(log, "batch", 20), ...yield* forUser(log, "web", 20)]
      }))
      yield* Future.joinAll(futures)
      assert.strictEqual(log.slice(0, 20).filter((share) => share === "web").length, 16)
    }).pipe(inScheduler({ concurrency: 1, shares: { web: 4 } })))

  it.effect("O10: what bodies and flatMap tasks submit belongs to the share of the region, with all that this submits", () =>
    Effect.gen(function*() {
      const log: Array<string | undefined> = []
      yield* Scheduler.listen(({ from, label, to }) => {
        if (from === "assigned" && to === "running") log.push(label)
      })
      const leaves = (name: string) => Task.all([0, 1, 2].map((n) => Task.sync(() => `${name}${n}`)))
      const futures = yield* blocked(Effect.gen(function*() {
        const inner = Task.make(Client.compute(leaves("child")))
        const parent = Task.make(Client.compute(inner))
        const outer = Task.flatMap({}, () => Task.flatMap({}, () => leaves("inner")))
        const own = yield* Client.submitAll([parent, outer]).pipe(Client.annotate({ share: "ann", label: "ann" }))
        const bobs = yield* Client.annotate(forUser([], "bob", 9), { label: "bob" })
        return [...own, ...bobs]
      }))
      yield* Future.joinAll(futures)
      // The first one is that which blocks the slot.
      const turns = log.slice(1, 19)
      assert.deepStrictEqual(turns, Array.from({ length: 18 }, (_, i) => i % 2 === 0 ? "ann" : "bob"))
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("O10: a retry belongs to the share of the task that it runs again", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      let isBroken = true
      const body = Effect.suspend(() => isBroken ? Effect.fail("no") : Effect.sync(() => log.push("again")))
      const first = yield* Client.annotate(Client.submit(Task.make(body)), { share: "ann" })
      yield* Effect.exit(Future.join(first))
      isBroken = false
      const futures = yield* blocked(Effect.gen(function*() {
        const bobs = yield* forUser(log, "bob", 5)
        const others = yield* Client.submitAll([0, 1, 2].map(() => Task.sync(() => void log.push("none"))))
        return [...bobs, ...others, yield* Client.retry(first)]
      }))
      yield* Future.joinAll(futures)
      assert.strictEqual(log.slice(0, 3).join(" "), "bob none again")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("O10: regions nest, and those of other fibers are not touched", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const step = (name: string) => Client.submit(Task.sync(() => void log.push(name)))
      const futures = yield* blocked(Effect.gen(function*() {
        const plain = yield* Effect.forEach(["none", "none", "none"], step)
        const own = yield* Effect.gen(function*() {
          const outer = yield* Effect.forEach(["outer", "outer", "outer"], step)
          const inner = yield* Effect.forEach(["inner", "inner", "inner"], step).pipe(
            Client.annotate({ share: "inner" })
          )
          return [...outer, ...inner]
        }).pipe(Client.annotate({ share: "outer" }))
        return [...plain, ...own]
      }))
      yield* Future.joinAll(futures)
      assert.strictEqual(log.join(" "), "none outer inner none outer inner none outer inner")
    }).pipe(inScheduler({ concurrency: 1 })))
})

describe("aging", () => {
  it.effect("O11: a task that is overtaken again and again starts after as many as the layer says", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const urgent = (left: number): Effect.Effect<void, SubmitError, Client.Client> =>
        Effect.suspend(() => {
          log.push("urgent")
          if (left === 0) return Effect.void
          return Client.fireAndForget(Task.make(urgent(left - 1), { priority: 1 }))
        })
      yield* Client.fireAndForget(Task.make(urgent(20), { priority: 1 }))
      yield* Client.compute(Task.sync(() => void log.push("low")))
      yield* Client.awaitGroup("default")
      assert.strictEqual(log.indexOf("low"), 6)
      assert.strictEqual(log.length, 22)
    }).pipe(inScheduler({ concurrency: 1, aging: 5 })))
})

describe("what a layer is told", () => {
  const refused: ReadonlyArray<readonly [string, Skein.Options]> = [
    ["sourceSaturation", { sourceSaturation: 0 }],
    ["aging", { aging: 0.5 }],
    ["budget", { budget: {} }],
    ["budget.target", { budget: { target: -1 } }],
    ["budget.target", { budget: { target: 2, pause: 1 } }],
    ["budget.pause", { budget: { pause: NaN } }],
    ["shares.a", { shares: { a: 0 } }]
  ]
  for (const [option, options] of refused) {
    it.effect(`O8, O10, O11, M8: ${JSON.stringify(options)} is refused`, () =>
      Effect.gen(function*() {
        const { reason } = yield* mistakeOf(Effect.provide(Effect.void, Skein.layer(options)))
        assert.deepInclude(reason, { _tag: "InvalidOption", option })
      }))
  }

  it.effect("O10: a share without a name is refused", () =>
    Effect.gen(function*() {
      const { reason } = yield* mistakeOf(Client.annotate(Client.compute(Task.succeed(1)), { share: "" }))
      assert.deepInclude(reason, { _tag: "InvalidOption", option: "share" })
    }).pipe(inScheduler()))
})
