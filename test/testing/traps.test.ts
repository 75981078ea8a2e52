/** Bugs of other schedulers, by their numbers in docs/features.md: in thousands of orders of things none of them shows here. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { SkeinError } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Faults, Gate, InterruptSweep, Leftovers, Simulation, World } from "skein/testing"
import * as Worker from "skein/Worker"
import { longOr } from "../long.ts"
import { errorsIn } from "../support.ts"

/** Runs the program in many worlds without faults; in each it must succeed and leave nothing. */
const inAllOrders = <A, E>(
  program: () => Effect.Effect<A, E, any>,
  options: Simulation.Options = {}
): Effect.Effect<Simulation.Report, Simulation.Counterexample> =>
  Simulation.run(program, { seeds: longOr(300, 20), faults: Faults.none, abandon: 0, ...options }) as never

const tagsOf = (exit: Exit.Exit<unknown, unknown>): ReadonlyArray<unknown> =>
  Exit.isSuccess(exit) ?
    ["Success"] :
    errorsIn(exit.cause).map((error) =>
      (error instanceof SkeinError ? error.reason : error as { readonly _tag?: string })._tag
    )

/** Held messages, with time that goes on by itself. */
const held = <A, E>(
  program: Effect.Effect<A, E, Client.Client | Scheduler.Scheduler>,
  gate: Gate.Gate,
  which: (message: Gate.Message) => boolean,
  concurrency = 2
) =>
  Effect.andThen(program, Leftovers.assertNone).pipe(
    Effect.provide(Skein.layer({ concurrency }), { local: true }),
    Gate.holdMessages(gate, which),
    (self) => World.withSeed(self, 1, { shuffle: 0 })
  )

describe("traps", () => {
  it.live("trap 1: on one slot five tasks wait, secede and wait, and all come to be seceded at once", () =>
    inAllOrders(() => {
      let away = 0
      let most = 0
      const body = Worker.seceded(Effect.gen(function*() {
        most = Math.max(most, ++away)
        yield* Effect.sleep(10)
        away--
      }))
      const tasks = Array.from({ length: 5 }, () => Task.make(Effect.andThen(Effect.yieldNow, body)))
      return Effect.map(Client.compute(tasks), () => assert.strictEqual(most, 5))
    }, { concurrency: 1 }))

  it.live("trap 2: the end of a former attempt that comes late changes no slot of the new one", () =>
    Effect.suspend(() => {
      const gate = Gate.makeUnsafe()
      let isFirst = true
      const program = Effect.scoped(Effect.gen(function*() {
        const slots = Effect.map(Scheduler.stats, ({ workers }) => workers[0]!.running)
        const first = yield* Client.submit(Task.make(Worker.seceded(Effect.sleep(1)), { key: "x" }))
        yield* Gate.arrived(gate)
        yield* Future.cancel(first, { wait: false })
        isFirst = false
        const second = yield* Client.submit(Task.make(Effect.as(Effect.sleep(50), 2), { key: "x" }))
        yield* Effect.sleep(5)
        assert.strictEqual(yield* slots, 2)
        yield* Gate.open(gate)
        yield* Effect.sleep(5)
        assert.strictEqual(yield* slots, 1)
        assert.deepStrictEqual(tagsOf(yield* Future.await(first)), ["TaskCancelled"])
        assert.strictEqual(yield* Future.join(second), 2)
        assert.strictEqual(yield* slots, 0)
      }))
      return held(program, gate, ({ _tag, key }) => isFirst && _tag === "Ended" && key === "x")
    }))

  it.live("trap 3: an endless task that is away and a hundred short ones: the load is never negative, and ends at zero", () =>
    inAllOrders(() => {
      const short = Task.make(Worker.seceded(Effect.yieldNow))
      return Effect.gen(function*() {
        const loads: Array<number> = []
        const names = new Set<string>()
        yield* Scheduler.listen(({ worker }) => {
          if (worker !== undefined) names.add(worker)
        })
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Client.submit(Task.make(Worker.seceded(Effect.never)))
          const all = yield* Effect.forkChild(
            Client.compute(Array.from({ length: 100 }, () => Task.withOptions(short, { label: "short" })))
          )
          for (let i = 0; i < 30; i++) {
            yield* Effect.yieldNow
            for (const { running } of (yield* Scheduler.stats).workers) loads.push(running)
          }
          yield* Fiber.join(all)
        }))
        for (const { running } of (yield* Scheduler.stats).workers) assert.strictEqual(running, 0)
        assert.isAtLeast(Math.min(...loads), 0)
        assert.strictEqual(names.size, (yield* Scheduler.stats).workers.length)
      })
    }, { seeds: longOr(100, 20) }))

  const bodies: ReadonlyArray<
    readonly [string, Effect.Effect<unknown, unknown, Client.Client | Scope.Scope | Worker.Worker>]
  > = [
    ["seceded", Worker.seceded(Effect.sleep(2))],
    [
      "seceded twice at once",
      Effect.all([Worker.seceded(Effect.sleep(2)), Worker.seceded(Effect.sleep(1))], { concurrency: 2 })
    ],
    ["secede and rejoin", Effect.andThen(Worker.secede, Effect.andThen(Effect.sleep(1), Worker.rejoin))],
    ["a wait for a child", Effect.flatMap(Client.submit(Task.make(Effect.sleep(2))), Future.join)]
  ]
  for (const [name, body] of bodies) {
    it.live(`trap 4: ${name} gives each slot back once, wherever it is interrupted`, () =>
      Effect.asVoid(InterruptSweep.run(Client.compute([Task.make(body), Task.make(body)]), {
        layer: Skein.layer({ concurrency: 1 }),
        check: () => Leftovers.assertNone
      })))
  }

  it.live("trap 8: in a diamond where one side fails each task ends once, and the other side goes on", () =>
    inAllOrders(() => {
      const a = Task.make(Effect.andThen(Effect.yieldNow, Effect.fail("no")), { key: "a" })
      const other = Task.make(Effect.as(Effect.sleep(1), 1), { key: "other" })
      const b = Task.map({ a, other }, () => 1, { key: "b" })
      const c = Task.map({ a, b, other }, () => 1, { key: "c" })
      return Effect.gen(function*() {
        const ends: Array<string> = []
        yield* Scheduler.listen(({ key, to }) => {
          if (to === "failed" || to === "upstreamFailed" || to === "succeeded") ends.push(`${key} ${to}`)
        })
        const exits = yield* Client.compute([b, c, other], { mode: "collect" })
        assert.deepStrictEqual(exits.map(tagsOf), [["DependencyFailed"], ["DependencyFailed"], ["Success"]])
        assert.deepStrictEqual(ends.sort(), ["a failed", "b upstreamFailed", "c upstreamFailed", "other succeeded"])
      })
    }))

  it.live("trap 10: however many dependencies die, hang or are interrupted, every dependent has an end", () => {
    const chains = () => {
      const links = Array.from({ length: 4 }, (_, i) => Task.make(Effect.yieldNow, { label: `first${i}` }))
      const second = links.map((link, i) =>
        Task.make([link], () => Effect.yieldNow, { label: `second${i}`, timeout: "1 day" })
      )
      return [...second.map((task) => Task.exit(task)), Task.all(second)]
    }
    const faults = { fail: 0.1, die: 0.15, interrupt: 0.15, hang: 0.15, stubborn: 0.2 }
    return Effect.map(Simulation.run(chains, { seeds: longOr(500, 100), faults }), ({ faults }) => {
      for (const kind of ["die", "interrupt", "hang"] as const) assert.isAbove(faults[kind], longOr(100, 20))
    })
  })

  it.live("trap 11: a success that comes when the time was up has no effect, on the task nor on what depends on it", () =>
    Effect.suspend(() => {
      const gate = Gate.makeUnsafe()
      let dependents = 0
      const program = Effect.gen(function*() {
        const x = Task.make(Effect.succeed(1), { key: "x", timeout: 10 })
        const y = Task.map({ x }, () => ++dependents)
        const computing = yield* Effect.forkChild(Client.compute([x, y], { mode: "collect" }))
        yield* Gate.arrived(gate)
        yield* Effect.sleep(20)
        yield* Gate.open(gate)
        const exits = yield* Fiber.join(computing)
        assert.deepStrictEqual(exits.map(tagsOf), [["TaskTimeout"], ["DependencyFailed"]])
        assert.strictEqual(dependents, 0)
      })
      return held(program, gate, ({ _tag, key }) => _tag === "Ended" && key === "x")
    }))

  it.live("trap 12: the input of a queued task is released while another that needs it runs: both finish", () =>
    inAllOrders(() => {
      const g = Task.make(Effect.as(Effect.yieldNow, { big: 1 }), { key: "g" })
      return Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(g)
        yield* Future.join(future)
        const h1 = yield* Client.submit(Task.make({ future }, ({ future }) => Effect.as(Effect.sleep(5), future.big)))
        const h2 = yield* Client.submit(Task.map({ future }, ({ future }) => future.big + 1))
        yield* Future.release(future)
        assert.deepStrictEqual(yield* Future.joinAll([h1, h2]), [1, 2])
        assert.deepStrictEqual(tagsOf(yield* Future.await(future)), ["Released"])
      }))
    }, { concurrency: 1 }))

  it.live("trap 13: keys that are released and submitted again at once run anew, in every order", () =>
    inAllOrders(() => {
      let round = 0
      const batch = () => {
        const value = ++round
        return ["a", "b", "c"].map((key) => Task.make(Effect.as(Effect.sleep(3), `${key}${value}`), { key }))
      }
      return Effect.gen(function*() {
        yield* Effect.scoped(Effect.andThen(Client.submitAll(batch()), Effect.sleep(2)))
        yield* Effect.scoped(Effect.gen(function*() {
          const first = yield* Client.submitAll(batch())
          yield* Effect.yieldNow
          for (const future of first) yield* Future.cancel(future, { wait: false })
          const second = yield* Client.submitAll(batch())
          assert.deepStrictEqual(yield* Future.joinAll(second), ["a3", "b3", "c3"])
          for (const future of first) assert.deepStrictEqual(tagsOf(yield* Future.await(future)), ["TaskCancelled"])
        }))
      })
    }))

  it.live("trap 16: when a computation has failed, nothing of it is running", () =>
    inAllOrders(() => {
      let running = 0
      const body = Effect.acquireUseRelease(
        Effect.sync(() => running++),
        () => Effect.sleep(20),
        () => Effect.andThen(Effect.sleep(1), Effect.sync(() => running--))
      )
      const failing = Task.make(Effect.andThen(Effect.sleep(2), Effect.fail("no")))
      return Effect.gen(function*() {
        const exit = yield* Effect.exit(Client.compute([Task.make(body), Task.make(body), failing]))
        assert.strictEqual(running, 0)
        assert.isTrue(Exit.isFailure(exit) && Cause.findErrorOption(exit.cause)._tag === "Some")
      })
    }))

  it.live("trap 16: a timeout counts from the start of the attempt, however long the task has queued", () =>
    inAllOrders(() => {
      const quick = Array.from({ length: 4 }, () => Task.make(Effect.as(Effect.sleep(20), "in time"), { timeout: 30 }))
      const slow = Task.make(Effect.sleep(40), { timeout: 30 })
      return Effect.gen(function*() {
        const exits = yield* Client.compute([...quick, slow], { mode: "collect" })
        assert.deepStrictEqual(exits.flatMap(tagsOf), ["Success", "Success", "Success", "Success", "TaskTimeout"])
      })
    }, { concurrency: 1 }))

  it.live("trap 18: futures of a batch that is cancelled and submitted again at once: only the old ones are cancelled", () =>
    inAllOrders(() => {
      let round = 0
      const batch = () => {
        const value = ++round
        return ["a", "b"].map((key) => Task.make(Effect.as(Effect.sleep(3), `${key}${value}`), { key }))
      }
      const closingOver = (futures: ReadonlyArray<Future.Future<string>>) => Task.make(Future.awaitAll(futures))
      return Effect.scoped(Effect.gen(function*() {
        const first = yield* Client.submitAll(batch())
        const old = yield* Client.submit(closingOver(first))
        yield* Effect.yieldNow
        for (const future of first) yield* Future.cancel(future, { wait: false })
        const second = yield* Client.submitAll(batch())
        const young = yield* Client.submit(closingOver(second))
        const below = yield* Client.submit(Task.all(second))
        assert.deepStrictEqual(yield* Future.join(below), ["a2", "b2"])
        assert.deepStrictEqual((yield* Future.join(young)).map((exit) => tagsOf(exit)), [["Success"], ["Success"]])
        assert.deepStrictEqual((yield* Future.join(old)).map((exit) => tagsOf(exit)), [
          ["TaskCancelled"],
          ["TaskCancelled"]
        ])
      }))
    }))

  it.live("trap 18: of two futures of one key, one released and one kept, only the released one is gone, in every order", () =>
    inAllOrders(() => {
      const task = Task.make(Effect.as(Effect.sleep(2), 1), { key: "k" })
      return Effect.scoped(Effect.gen(function*() {
        const [first, second] = yield* Client.submitAll([task, task])
        const reader = yield* Client.submit(Task.make(Future.join(second)))
        yield* Effect.forkChild(Future.release(first))
        yield* Effect.yieldNow
        assert.deepStrictEqual([yield* Future.join(reader), yield* Future.join(second)], [1, 1])
        assert.deepStrictEqual(tagsOf(yield* Future.await(first)), ["Released"])
      }))
    }))

  it.live("trap 18: a body that joins a future which its submitter has released is told so, and nothing else", () =>
    inAllOrders(() => {
      return Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(Task.make(Effect.as(Effect.yieldNow, 1), { key: "input" }))
        const user = yield* Client.submit(Task.make(Effect.andThen(Effect.sleep(5), Future.await(future))))
        const early = yield* Client.submit(Task.make({ future }, ({ future }) => Effect.as(Effect.sleep(5), future)))
        yield* Future.join(future)
        yield* Future.release(future)
        assert.deepStrictEqual(tagsOf(yield* Future.join(user)), ["Released"])
        assert.strictEqual(yield* Future.join(early), 1)
        // A failed future can be awaited as often as one likes.
        const failed = yield* Client.submit(Task.make(Effect.fail("no")))
        const twice = [yield* Future.await(failed), yield* Future.await(failed)]
        assert.strictEqual(twice.filter(Exit.isFailure).length, 2)
      }))
    }))
})
