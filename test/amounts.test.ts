import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Client, Future, Scheduler, Skein, Task, Worker } from "skein"
import { causeOf, explanationOf, mistakeOf, nothingIsLeft, onlyError } from "./support.ts"

type Amounts = Readonly<Record<string, number>>

/** One worker with slots enough, and these. */
const having = (resources: Amounts, options: Skein.Options = {}) =>
  Skein.layer({ workers: [{ id: "w", concurrency: 8, resources }], ...options })

/** Counts those who are inside at once. */
class Room {
  inside = 0
  most = 0
  readonly visit = Effect.ensuring(
    Effect.andThen(Effect.sync(() => this.most = Math.max(this.most, ++this.inside)), Effect.sleep(10)),
    Effect.sync(() => this.inside--)
  )
}

/** Runs something that sleeps. */
const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust(100_000)
    return yield* Fiber.join(fiber)
  })

const usedOf = Effect.map(
  Scheduler.stats,
  ({ workers }) =>
    Object.fromEntries(Object.entries(workers[0]!.resources ?? {}).map(([name, { used }]) => [name, used]))
)

describe("resources", () => {
  it.effect("W5: of many tasks that need the only unit never two run at once", () =>
    Effect.gen(function*() {
      const [gpu, free] = [new Room(), new Room()]
      const tasks = Array.from({ length: 20 }, (_, i) =>
        i % 2 === 0 ? Task.make(gpu.visit, { resources: { gpu: 1 } }) : Task.make(free.visit))
      yield* inTime(Client.compute(tasks))
      assert.deepStrictEqual([gpu.most, free.most], [1, 7])
      assert.deepStrictEqual(yield* usedOf, { gpu: 0 })
    }).pipe(Effect.provide(having({ gpu: 1 }))))

  it.effect("W5: what a task uses is free again when it has failed, and when it was cancelled and has really ended", () =>
    Effect.gen(function*() {
      const resources = { gpu: 1 }
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Client.compute(Task.make(Effect.fail("no"), { resources })))))
      const started = yield* Deferred.make<void>()
      const slow = Task.make(
        Effect.andThen(Deferred.succeed(started, undefined), Effect.onInterrupt(Effect.never, () => Effect.sleep(50))),
        { resources }
      )
      const future = yield* Client.submit(slow)
      yield* Deferred.await(started)
      const next = yield* Client.submit(Task.make(Effect.succeed("next"), { resources }))
      const cancel = yield* Effect.forkChild(Future.cancel(future))
      yield* TestClock.adjust(49)
      assert.strictEqual(yield* Future.status(next), "ready")
      yield* TestClock.adjust(1)
      yield* Fiber.join(cancel)
      assert.strictEqual(yield* Future.join(next), "next")
    }).pipe(Effect.scoped, Effect.provide(having({ gpu: 1 }))))

  it.effect("W5: a task goes where there is room for it, and to a worker that is added with room", () =>
    Effect.gen(function*() {
      const where = Effect.map(Worker.current, ({ id }) => id)
      assert.strictEqual(yield* Client.compute(Task.make(where, { resources: { memory: 8 } })), "large")
      const future = yield* Client.submit(Task.make(where, { resources: { gpu: 1 }, waitForWorkers: "1 second" }))
      yield* Scheduler.addWorker({ id: "gpu", concurrency: 1, resources: { gpu: 1 } })
      assert.strictEqual(yield* Future.join(future), "gpu")
    }).pipe(
      Effect.scoped,
      Effect.provide(Skein.layer({
        workers: [
          { id: "small", concurrency: 4, resources: { memory: 4 } },
          { id: "large", concurrency: 1, resources: { memory: 16 } }
        ]
      }))
    ))

  it.effect("W5: it is said how much of what is used by whom", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(
        Client.compute(Task.make(Effect.sleep(5), { key: "a", resources: { memory: 0.3 }, tags: ["db"] }))
      )
      yield* TestClock.adjust(1)
      const dump = yield* Scheduler.dump
      assert.deepStrictEqual(dump.workers[0]!.resources, { memory: { total: 1.5, used: 0.3 } })
      assert.deepStrictEqual(dump.tags, { db: { limit: 2, used: 1 } })
      const { tags, workers } = yield* Scheduler.stats
      assert.deepStrictEqual([tags, workers[0]!.resources], [dump.tags, dump.workers[0]!.resources])
      const second = yield* Effect.forkChild(
        Client.compute(Task.make(Effect.void, { key: "b", resources: { memory: 1.5 } }))
      )
      yield* TestClock.adjust(1)
      assert.deepStrictEqual((yield* explanationOf("b"))?.because, {
        _tag: "LacksResources",
        ahead: 0,
        lacks: [{ of: "resource", name: "memory", worker: "w", needed: 1.5, free: 1.2, heldBy: ["a"] }]
      })
      yield* TestClock.adjust(5)
      yield* Fiber.joinAll([fiber, second])
      yield* nothingIsLeft
    }).pipe(Effect.provide(having({ memory: 1.5 }, { tags: { db: 2 } }))))

  const wrong: ReadonlyArray<readonly [Task.Options, string]> = [
    [{ resources: { gpu: 0 } }, "resources.gpu"],
    [{ resources: { gpu: -1 } }, "resources.gpu"],
    [{ resources: { gpu: Infinity } }, "resources.gpu"],
    [{ resources: { gpu: NaN } }, "resources.gpu"],
    [{ resources: { gpu: 0.0001 } }, "resources.gpu"],
    [{ resources: { gpu: "1" as never } }, "resources.gpu"],
    [{ resources: ["gpu"] as never }, "resources"],
    [{ tags: [] }, "tags"],
    [{ tags: "db" as never }, "tags"],
    [{ keepResources: 1 as never }, "keepResources"],
    [{ keepResources: true }, "keepResources"],
    [{ keepResources: true, tags: ["db"] }, "keepResources"]
  ]
  for (const [options, option] of wrong) {
    it.effect(`Bad input: ${JSON.stringify(options)} is refused before anything starts`, () =>
      Effect.gen(function*() {
        const { reason } = yield* mistakeOf(Client.compute(Task.make(Effect.void, options)))
        assert.deepInclude(reason, { _tag: "InvalidOption", option })
      }).pipe(Effect.provide(having({ gpu: 1 }))))
  }

  it.effect("N9: keepResources may come before the resources that it keeps, and false is no contradiction", () =>
    Effect.gen(function*() {
      const early = Task.make(Effect.succeed(1), { keepResources: true })
      assert.include(
        (yield* mistakeOf(Client.compute(early))).message,
        "expected no value without resources"
      )
      assert.strictEqual(yield* Client.compute(Task.withOptions(early, { resources: { gpu: 1 } })), 1)
      assert.strictEqual(yield* Client.compute(Task.make(Effect.succeed(2), { keepResources: false })), 2)
    }).pipe(Effect.provide(having({ gpu: 1 }))))
})

describe("resources while a body waits", () => {
  const resources = { a: 1 }

  it.effect("N9, trap 6: a parent that has the only unit waits for a child that needs it", () =>
    Effect.gen(function*() {
      const room = new Room()
      const child = Task.make(Effect.as(room.visit, 42), { resources })
      const parent = Task.make(
        Effect.gen(function*() {
          const value = yield* Client.compute(child)
          yield* room.visit
          return value
        }),
        { resources }
      )
      assert.deepStrictEqual(yield* inTime(Client.compute([parent, parent, Task.make(room.visit, { resources })])), [
        42,
        42,
        undefined
      ])
      assert.deepStrictEqual([room.most, yield* usedOf], [1, { a: 0 }])
    }).pipe(Effect.provide(having(resources))))

  it.effect("trap 6: a body that fails or is cancelled after it gave its unit away leaves it free", () =>
    Effect.gen(function*() {
      const fails = Task.make(Effect.andThen(Worker.secede, Effect.fail("no")), { resources })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Client.compute(fails))))
      const future = yield* Client.submit(Task.make(Effect.andThen(Worker.secede, Effect.never), { resources }))
      yield* TestClock.adjust(1)
      const holder = yield* Client.submit(Task.make(Effect.sleep(10), { resources }))
      yield* TestClock.adjust(1)
      yield* Future.cancel(future)
      assert.deepStrictEqual(yield* usedOf, { a: 1 })
      yield* TestClock.adjust(10)
      yield* Future.join(holder)
      assert.deepStrictEqual(yield* usedOf, { a: 0 })
      assert.strictEqual(yield* Client.compute(Task.make(Effect.succeed(1), { resources })), 1)
    }).pipe(Effect.scoped, Effect.provide(having(resources))))

  it.effect("N9: with keepResources nobody else has them meanwhile", () =>
    Effect.gen(function*() {
      const room = new Room()
      const parent = Task.make(
        Effect.gen(function*() {
          room.most = ++room.inside
          yield* Client.compute(Task.make(Effect.sleep(50)))
          room.inside--
        }),
        { resources, keepResources: true }
      )
      yield* inTime(Client.compute([parent, Task.make(room.visit, { resources })]))
      assert.strictEqual(room.most, 1)
    }).pipe(Effect.provide(having(resources))))

  it.effect("N6, N9: with keepResources a wait for a child that needs them fails with Starved, and the body may go on", () =>
    Effect.gen(function*() {
      const child = Task.make(Effect.succeed(1), { key: "child", resources })
      const body = Client.compute(child)
      const parent = Task.make(body, { key: "parent", resources, keepResources: true })
      const error = onlyError(yield* causeOf(Client.compute(parent)))
      assert.strictEqual(
        (error as Error).message,
        "This wait keeps what it holds and could never end: \"parent\" waits for \"child\", \"child\" waits for the resources " +
          "that \"parent\" keeps. Wait without Worker.keepSlot or keepResources, or allow more resources."
      )
      const saved = Task.make(Effect.catchReason(body, "SkeinError", "Starved", () => Effect.succeed(2)), {
        resources,
        keepResources: true
      })
      assert.strictEqual(yield* Client.compute(saved), 2)
      yield* nothingIsLeft
    }).pipe(Effect.provide(having(resources))))
})

describe("tags", () => {
  it.effect("W17: on all workers together no more tasks with a tag run than its limit", () =>
    Effect.gen(function*() {
      const [db, web, both] = [new Room(), new Room(), new Room()]
      const tasks = Array.from({ length: 24 }, (_, i) =>
        i % 3 === 0 ?
          Task.make(db.visit, { tags: ["db"] }) :
          i % 3 === 1 ?
          Task.make(web.visit, { tags: ["web"] }) :
          Task.make(Effect.all([db.visit, both.visit], { concurrency: 2 }), { tags: ["db", "web", "db"] }))
      yield* inTime(Client.compute(tasks))
      assert.deepStrictEqual([db.most, web.most > 2, both.most <= 2], [2, true, true])
    }).pipe(
      Effect.provide(Skein.layer({
        workers: [{ id: "a", concurrency: 4 }, { id: "b", concurrency: 4 }],
        tags: { db: 2 }
      }))
    ))

  it.effect("W17, trap 14: with one place under a tag a task and its dependency both have their turn", () =>
    Effect.gen(function*() {
      const tags = ["t"]
      const first = Task.make(Effect.succeed(1), { tags })
      const second = Task.make({ first }, ({ first }) => Effect.succeed(first + 1), { tags })
      const parent = Task.make(Effect.map(Client.compute(second), (n) => n + 1), { tags })
      assert.strictEqual(yield* Client.compute(parent), 3)
    }).pipe(Effect.provide(Skein.layer({ tags: { t: 1 } }))))

  it.effect("W17: a limit can be set, changed and taken away while tasks run", () =>
    Effect.gen(function*() {
      const room = new Room()
      const tasks = Array.from({ length: 6 }, () => Task.make(room.visit, { tags: ["t"] }))
      yield* inTime(Client.compute(tasks))
      const unlimited = room.most
      room.most = 0
      yield* Scheduler.limitTag("t", 1)
      const fiber = yield* Effect.forkChild(Client.compute(tasks))
      yield* TestClock.adjust(20)
      const limited = room.most
      yield* Scheduler.limitTag("t", undefined)
      yield* TestClock.adjust(10)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual([unlimited, limited, room.most], [6, 1, 4])
    }).pipe(Effect.provide(Skein.layer())))
})

describe("wide requests", () => {
  it.effect("O11, trap 5: a task that needs all of it runs in spite of any number of narrow ones that rank before it", () =>
    Effect.gen(function*() {
      let started = 0
      let ranAfter = Infinity
      const narrow = Task.make(Effect.andThen(Effect.sync(() => started++), Effect.sleep(10)), {
        priority: 1,
        resources: { a: 1 }
      })
      const first = yield* Client.submit(narrow)
      const wide = yield* Client.submit(Task.make(Effect.sync(() => ranAfter = started), { resources: { a: 2 } }))
      yield* TestClock.adjust(5)
      // A new one starts when one of two that overlap has five milliseconds left.
      for (let round = 0; round < 1000; round++) {
        yield* Client.submit(narrow)
        yield* TestClock.adjust(5)
      }
      yield* Future.join(wide)
      yield* Future.join(first)
      assert.strictEqual(ranAfter, 1 + 100)
    }).pipe(Effect.scoped, Effect.provide(having({ a: 2 }))))
})
