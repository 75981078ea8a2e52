import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as LayerMap from "effect/LayerMap"
import * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { endless, gate, inScheduler, type Log, note, turns } from "./harness.ts"
import { errorOf, submitErrorOf } from "./support.ts"

describe("an inner layer", () => {
  it.effect("N1: an inner layer inside a body does not secede the outer task, and leaves the outer scheduler alone", () =>
    Effect.gen(function*() {
      const outerEvents: Array<string> = []
      yield* Scheduler.listen(({ key, to }) => void outerEvents.push(`${key} ${to}`))
      const inner = Effect.gen(function*() {
        const future = yield* Client.submit(Task.make(Effect.as(turns(3), 20)))
        const nested = Task.make(
          Effect.flatMap(Client.compute(Task.make(Effect.succeed(1))), (n) => Effect.succeed(n + 1))
        )
        const result = (yield* Future.join(future)) + (yield* Client.compute(nested))
        return result
      })
      const body = inner.pipe(inScheduler({ concurrency: 1 }))
      assert.strictEqual(yield* Client.compute(Task.make(body, { key: "outer" })), 22)
      assert.deepStrictEqual(outerEvents, [
        "outer waiting",
        "outer ready",
        "outer assigned",
        "outer running",
        "outer succeeded",
        "outer released"
      ])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C4: an inner layer is stopped with the body that holds it, its tasks first", () =>
    Effect.gen(function*() {
      const log: Log = []
      const inner = Client.compute(Task.make(endless(log, "inner"))).pipe(
        Effect.onExit(() => note(log, "compute ends"))
      )
      const body = inner.pipe(
        Effect.provide(Skein.layer(), { local: true }),
        Effect.onExit(() => note(log, "body ends"))
      )
      const future = yield* Client.submit(Task.make(body))
      yield* turns(20)
      yield* Future.cancel(future)
      assert.deepStrictEqual(log, ["inner starts", "inner is finalized", "compute ends", "body ends"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N1: a future of the outer scheduler is joined inside it by its own scheduler, and is no input there", () =>
    Effect.gen(function*() {
      const door = gate()
      const outer = yield* Client.submit(Task.make(Effect.as(door.pass, "outer")))
      yield* Effect.gen(function*() {
        const inner = yield* Client.submit(Task.make(Effect.as(turns(3), "inner")))
        const refused = yield* submitErrorOf(Client.submit(Task.map(outer, (s) => s)))
        assert.strictEqual(refused.reason._tag, "InvalidDependency")
        const both = yield* Effect.forkChild(Future.joinAll([outer, inner]), { startImmediately: true })
        const reversed = yield* Effect.forkChild(Future.joinAll([inner, outer]), { startImmediately: true })
        const all = yield* Effect.forkChild(Future.awaitAll([inner, outer]), { startImmediately: true })
        const first = yield* Future.awaitFirst([outer, inner])
        assert.deepStrictEqual([first.ended, first.open], [[inner], [outer]])
        yield* turns()
        for (const fiber of [both, reversed, all]) assert.isUndefined(fiber.pollUnsafe())
        yield* door.open
        assert.deepStrictEqual(yield* Fiber.join(both), ["outer", "inner"])
        assert.deepStrictEqual(yield* Fiber.join(reversed), ["inner", "outer"])
        assert.lengthOf(yield* Fiber.join(all), 2)
        yield* Future.cancel(outer)
      }).pipe(inScheduler())
    }).pipe(inScheduler()))

  it.effect("A3: a failure in either scheduler ends a joinAll over both", () =>
    Effect.gen(function*() {
      const outer = yield* Client.submit(Task.make(Effect.never))
      yield* Effect.gen(function*() {
        const good = yield* Client.submit(Task.make(Effect.succeed(1)))
        const bad = yield* Client.submit(Task.make(Effect.andThen(turns(3), Effect.fail("bad"))))
        assert.strictEqual(yield* errorOf(Future.joinAll([outer, good, bad])), "bad")
        assert.lengthOf((yield* Future.awaitFirstFailure([good, outer, bad])).ended, 2)
      }).pipe(inScheduler())
      yield* Future.cancel(outer)
    }).pipe(inScheduler()))
})

describe("several workers", () => {
  it.effect("W7: a worker that joins gets waiting work at once", () =>
    Effect.gen(function*() {
      const door = gate()
      const futures = yield* Client.submitAll(
        Array.from({ length: 5 }, () => Task.make(Effect.andThen(door.pass, Worker.current)))
      )
      yield* door.arrived(2)
      yield* turns()
      assert.strictEqual(door.count(), 2)
      yield* Scheduler.addWorker({ id: "late", concurrency: 3 })
      yield* door.arrived(5)
      yield* door.open
      const infos = yield* Future.joinAll(futures)
      assert.sameMembers(infos.map(({ id }) => id), ["a", "b", "late", "late", "late"])
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })))

  it.effect("W7: a worker whose scope closes takes nothing new; its tasks end, and its results stay readable", () =>
    Effect.gen(function*() {
      const door = gate()
      const scope = yield* Scope.make()
      yield* Scheduler.addWorker({ id: "passing", concurrency: 1 }).pipe(Scope.provide(scope))
      const held = yield* Client.submitAll([
        Task.make(Effect.as(turns(2), "one"), { key: "one" }),
        Task.make(Effect.as(turns(2), "two"), { key: "two" })
      ])
      yield* Future.awaitAll(held)
      const workers = yield* Effect.forEach(held, Future.metadata)
      assert.sameMembers(workers.map(({ worker }) => worker), ["local", "passing"])
      const body = Effect.gen(function*() {
        yield* door.pass
        const child = yield* Client.compute(Task.make(Worker.current))
        return [child.id, (yield* Worker.current).id]
      })
      const running = yield* Client.submitAll([Task.make(body), Task.make(body)])
      yield* door.arrived(2)
      yield* Scope.close(scope, Exit.void)
      yield* door.open
      assert.sameDeepMembers(yield* Future.joinAll(running), [["local", "local"], ["local", "passing"]])
      yield* turns()
      assert.deepStrictEqual((yield* Scheduler.dump).workers.map(({ id }) => id), ["local"])
      assert.deepStrictEqual(yield* Client.compute(Task.all([...held])), ["one", "two"])
      assert.deepStrictEqual(yield* Future.joinAll(held), ["one", "two"])
      yield* Client.forEach(
        [1, 2, 3],
        () => Effect.map(Worker.current, ({ id }) => assert.strictEqual(id, "local"))
      )
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("W7: a worker that has left may come back under its id; while it is there nobody else has it", () =>
    Effect.gen(function*() {
      for (let i = 0; i < 3; i++) {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Scheduler.addWorker({ id: "again", concurrency: 1 })
          const refused = yield* submitErrorOf(Effect.scoped(Scheduler.addWorker({ id: "again", concurrency: 1 })))
          assert.strictEqual(refused.reason._tag, "DuplicateWorker")
          const used = yield* Client.forEach([1, 2], () => Effect.andThen(turns(2), Worker.current))
          assert.sameMembers(used.map(({ id }) => id), ["local", "again"])
        }))
        yield* turns()
      }
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("W7: inputs come from whichever worker holds them", () =>
    Effect.gen(function*() {
      const parts = Array.from({ length: 6 }, (_, i) => Task.make(Effect.as(turns(2), i)))
      const sums = Array.from({ length: 3 }, () =>
        Task.make(parts, (ns) => Effect.as(turns(2), ns.reduce((a, b) => a + b, 0))))
      const chained = Task.flatMap(sums, (ns) =>
        Task.map([
          ...parts,
          ...ns.map((n) =>
            Task.make(Effect.succeed(n))
          )
        ], (all) => all.length))
      assert.deepStrictEqual(yield* Client.compute({ sums, chained }), { sums: [15, 15, 15], chained: 9 })
    }).pipe(
      inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 2 }, { id: "c", concurrency: 1 }] })
    ))

  it.effect("K2: two layers are two schedulers: the same keys live side by side", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(note(log, "ran"), { key: "k" })
      const one = yield* Client.submit(task)
      yield* Effect.gen(function*() {
        yield* Future.join(yield* Client.submit(task))
      }).pipe(inScheduler())
      yield* Future.join(one)
      assert.deepStrictEqual(log, ["ran", "ran"])
    }).pipe(inScheduler()))

  class Slow extends Context.Service<Slow, Client.Client["Service"]>()("test/Slow") {
    static readonly layer = Layer.effect(
      this,
      Effect.map(Skein.make({ workers: [{ id: "slow", concurrency: 1 }] }), ({ client }) => client)
    )
  }

  const where = Task.make(Effect.map(Worker.current, ({ id }) => id))

  it.effect("K2: two schedulers in one program have services of their own, made by Skein.make", () =>
    Effect.gen(function*() {
      const onSlow = Effect.provideServiceEffect(Client.Client, Slow)
      const both = yield* Effect.all([Client.compute(where), onSlow(Client.compute(where))])
      assert.deepStrictEqual(both, ["local", "slow"])
      // A body belongs to the scheduler that runs it, and so does what it submits.
      const nested = Task.make(Effect.all([Client.compute(where), onSlow(Client.compute(where))]))
      assert.deepStrictEqual(yield* Client.compute(nested), ["local", "slow"])
      assert.deepStrictEqual(yield* onSlow(Client.compute(Task.make(Client.compute(where)))), "slow")
    }).pipe(Effect.provide([Skein.layer(), Slow.layer])))

  it.effect("K2, C4: a scheduler of Skein.make closes with its scope, and its bodies with it", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      const { client, scheduler } = yield* Skein.make().pipe(Scope.provide(scope))
      yield* Client.submit(Task.make(endless(log, "body"))).pipe(
        Effect.provideService(Client.Client, client),
        Scope.provide(scope)
      )
      yield* turns(5)
      assert.strictEqual((yield* scheduler.stats).tasks.running, 1)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(log, ["body starts", "body is finalized"])
    }))

  it.effect("K2: a LayerMap keeps a scheduler for each key while it is in use", () =>
    Effect.gen(function*() {
      const tenants = yield* LayerMap.make(
        (tenant: string) => Skein.layer({ workers: [{ id: `of ${tenant}`, concurrency: 1 }] }),
        { idleTimeToLive: "1 minute" }
      )
      const runs: Log = []
      const task = Task.make(Effect.tap(Effect.map(Worker.current, ({ id }) => id), (at) => note(runs, at)), {
        key: "k"
      })
      const at = (tenant: string) =>
        Effect.provide(Effect.flatMap(Client.submit(task), Future.join), tenants.get(tenant))
      assert.deepStrictEqual(yield* Effect.all([at("a"), at("b"), at("a")]), ["of a", "of b", "of a"])
      assert.deepStrictEqual(runs, ["of a", "of b"])
    }).pipe(Effect.scoped))

  it.effect("K5: a layer is whole and of use again after a computation that failed in every way", () =>
    Effect.gen(function*() {
      const bad = [Effect.fail("typed"), Effect.die("bug"), Effect.interrupt, Effect.never]
      for (const body of bad) {
        const tasks = [
          Task.make(body as Effect.Effect<never>),
          ...[1, 2, 3].map((n) => Task.make(Effect.as(turns(n), n)))
        ]
        const fiber = yield* Effect.forkChild(Client.compute(tasks), { startImmediately: true })
        yield* turns(4)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* Client.compute(tasks.slice(1)), [1, 2, 3])
      }
    }).pipe(inScheduler({ concurrency: 2 })))
})
