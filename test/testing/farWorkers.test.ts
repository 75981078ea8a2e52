/** Workers that keep their results, and workers to which attempts are sent ahead: who fetches what, and what a loss then means. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { Faults } from "skein/testing"
import type { Begin, TakeBack } from "../../src/engine/protocol/Instruction.ts"
import { FiberWorker } from "../../src/internal/workers/fiberWorker.ts"
import type { Setup, WorkerPort } from "../../src/internal/workers/port.ts"
import { direct, Wiring } from "../../src/internal/workers/wire.ts"
import type { Carrier } from "../../src/testing/internal/carriedPort.ts"
import { PortAround } from "../../src/testing/internal/portAround.ts"
import { gate, inScheduler, type Log, note, turns } from "../harness.ts"
import { exitNow } from "../support.ts"
import { CloningPort, type Far } from "./cloningPort.ts"

/** Messages arrive in order, each in a microtask of its own. */
const carrier: Carrier = {
  carry: (_, deliver) => queueMicrotask(deliver),
  isStopping: () => false,
  below: () => 0
}

/** Logs what it is asked for; fetches may be held back. */
class Watched extends CloningPort {
  private readonly log: Log
  private readonly fetches: Array<() => void> | undefined

  constructor(setup: Setup, far: Far, log: Log, fetches: Array<() => void> | undefined) {
    super(setup, (inner) => new FiberWorker(inner), carrier, "by reference", far)
    this.log = log
    this.fetches = fetches
  }

  override fetch(request: number, result: number): void {
    this.log.push(`fetch from ${this.name}`)
    if (this.fetches === undefined) super.fetch(request, result)
    else this.fetches.push(() => super.fetch(request, result))
  }

  override begin(order: Begin): void {
    this.log.push(`begin on ${this.name}`)
    super.begin(order)
  }

  override takeBack(order: TakeBack): void {
    this.log.push(`take back from ${this.name}`)
    super.takeBack(order)
  }
}

class Around extends PortAround {
  protected readonly inner: WorkerPort

  constructor(inner: WorkerPort) {
    super()
    this.inner = inner
  }
}

/** A scheduler whose workers are far if their names say so. */
const withFar = (
  far: Far | ((name: string) => Far),
  log: Log,
  workers: ReadonlyArray<string>,
  held?: Array<() => void>,
  options: Skein.Options = {}
) =>
<A, E, R>(program: Effect.Effect<A, E, R>) => {
  const worker = (setup: Setup): WorkerPort =>
    setup.name.startsWith("far")
      ? new Around(new Watched(setup, typeof far === "function" ? far(setup.name) : far, log, held))
      : new FiberWorker(setup)
  const scheduled = inScheduler({ ...options, workers: workers.map((id) => ({ id, concurrency: 1 })) })
  return scheduled(program).pipe(
    Effect.provideService(Wiring, () => ({ ...direct, worker, afterMessages: (f) => queueMicrotask(f) }))
  )
}

const keeps: Far = { keeps: true, ahead: 0 }

const on = (worker: string, log?: Log) => ({
  make: (name: string) => Task.make(note(log ?? [], name), { label: name, workers: [worker] }),
  map: <A>(of: Task.Task<A, any, any>, f: (value: A) => string) =>
    Task.withOptions(Task.map(of, f), { workers: [worker] })
})

/** Lets messages and fibers pass. */
const calm = Effect.andThen(Effect.promise(() => new Promise<void>((done) => setImmediate(done))), turns())

describe("results that are handed over", () => {
  const hands: Far = { keeps: false, handsOver: true, ahead: 0 }

  it.effect("W21: are at hand when their worker is lost or has left, and name it all the same", () => {
    const bodies: Log = []
    return Effect.gen(function*() {
      const made = Task.make(note(bodies, "made"), { workers: ["far1"] })
      const nothing = Task.make(Effect.void, { workers: ["far2"] })
      const futures = yield* Client.submitAll([made, nothing, Task.flatMap(made, () => nothing)])
      yield* Future.awaitAll(futures)
      yield* Faults.loseWorker("far1")
      yield* Scheduler.retire("far2")
      assert.deepStrictEqual(yield* Future.joinAll(futures), ["made", undefined, undefined])
      const user = Task.withOptions(Task.map(futures[0], (name) => `${name} here`), { workers: ["here"] })
      assert.strictEqual(yield* Client.compute(user), "made here")
      assert.deepStrictEqual(bodies, ["made"])
      const { attempts, worker } = yield* Future.metadata(futures[0])
      assert.deepStrictEqual([worker, attempts.map((each) => each.worker)], ["far1", ["far1"]])
      const holders = yield* Future.replicate(futures[0], { copies: 2 })
      assert.deepStrictEqual(holders, [])
    }).pipe(Effect.scoped, withFar(hands, [], ["far1", "far2", "here"]))
  })

  it.effect("W21, M7: go with their futures; resources stay with the worker and are closed there", () => {
    const log: Log = []
    return Effect.gen(function*() {
      const opened = Task.resource(Effect.acquireRelease(Effect.succeed("open"), () => note(log, "closed")))
      const future = yield* Client.submit(Task.map(opened, (state) => [state, Task.exit] as const))
      assert.strictEqual((yield* Future.join(future))[0], "open")
      yield* Future.release(future)
      yield* calm
      assert.deepStrictEqual(log, ["closed"])
      assert.strictEqual((yield* Scheduler.stats).held, 0)
    }).pipe(Effect.scoped, withFar(hands, log, ["far"]))
  })

  it.effect("W21, F9: a value from outside and one of a cache are at home too", () =>
    Effect.gen(function*() {
      const cache = new Map<string, unknown>()
      const never = yield* Client.submit(Task.make(Effect.never as Effect.Effect<string>))
      yield* calm
      yield* Future.settle(never, Exit.succeed("given"))
      yield* Client.compute(Task.make(Effect.succeed(1), { key: "one" }), { cache })
      yield* Faults.loseWorker("far")
      assert.deepStrictEqual([yield* Future.join(never), Array.from(cache)], ["given", [["one", 1]]])
    }).pipe(Effect.scoped, withFar(hands, [], ["far"])))
})

describe("results that stay with their worker", () => {
  it.effect("M6: are fetched when somebody reads them, and once", () => {
    const log: Log = []
    return Effect.gen(function*() {
      const chain = Task.map(Task.map(Task.make(Effect.succeed(1)), (x) => x + 1), (x) => x * 10)
      const future = yield* Client.submit(chain)
      yield* Future.awaitFirst([future])
      // Inputs at the same worker cross no border, and a wait reads nothing.
      assert.deepStrictEqual(log, [])
      assert.strictEqual((yield* Scheduler.stats).held, 1)
      assert.strictEqual(yield* Future.join(future), 20)
      assert.deepStrictEqual(yield* exitNow(future), Exit.succeed(20))
      assert.deepStrictEqual(log, ["fetch from far"])
    }).pipe(Effect.scoped, withFar(keeps, log, ["far"]))
  })

  it.effect("M6: poll, joinAll and compute bring them too, and so does a Task.exit", () => {
    const log: Log = []
    return Effect.gen(function*() {
      const one = yield* Client.submit(Task.make(Effect.succeed(1)))
      const two = yield* Client.submit(Task.make(Effect.succeed(2)))
      yield* Future.awaitFirstFailure([one, two])
      assert.deepStrictEqual(yield* exitNow(one), Exit.succeed(1))
      assert.deepStrictEqual(yield* Future.joinAll([one, two]), [1, 2])
      const made = Task.make(Effect.succeed(3))
      assert.deepStrictEqual(yield* Client.compute([made, Task.exit(made)]), [3, Exit.succeed(3)])
      assert.lengthOf(log, 3)
    }).pipe(Effect.scoped, withFar(keeps, log, ["far"]))
  })

  it.effect("M6: go to the body of another worker, of either kind, and into a cache", () => {
    const log: Log = []
    return Effect.gen(function*() {
      const made = Task.make(Effect.succeed("a"), { key: "made", workers: ["far1"] })
      const there = on("far2").map(made, (a) => `${a}b`)
      const here = on("here").map(there, (ab) => `${ab}c`)
      const both = Task.withOptions(
        Task.map({ all: Dependency.rule("allDone", [there, made]) }, ({ all }) => all.map(Exit.isSuccess)),
        { workers: ["far1"] }
      )
      const cache = new Map<string, unknown>()
      assert.deepStrictEqual(yield* Client.compute([here, both], { cache }), ["abc", [true, true]])
      yield* calm
      assert.deepStrictEqual(Array.from(cache), [["made", "a"]])
    }).pipe(Effect.scoped, withFar(keeps, log, ["far1", "far2", "here"]))
  })

  it.effect("M3: a reader waits on if the holder is lost and never answers, and gets what is computed again", () => {
    const log: Log = []
    const bodies: Log = []
    const held: Array<() => void> = []
    return Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(note(bodies, "made")))
      const reading = yield* Effect.forkChild(Future.join(future))
      yield* calm
      assert.lengthOf(held, 1)
      yield* Faults.loseWorker("far1")
      held.shift()
      yield* calm
      held.shift()?.()
      assert.deepStrictEqual([yield* Fiber.join(reading), bodies], ["made", ["made", "made"]])
    }).pipe(Effect.scoped, withFar(keeps, log, ["far1", "far2"], held))
  })

  it.effect("F8: an attempt whose input is lost on its way starts again, and is not charged", () => {
    const bodies: Log = []
    const held: Array<() => void> = []
    return Effect.gen(function*() {
      const made = Task.make(note(bodies, "made"), { workers: ["far1", "far2"] })
      const future = yield* Client.submit(on("here").map(made, (name) => `${name} here`))
      yield* calm
      assert.lengthOf(held, 1)
      yield* Faults.loseWorker(bodies.length === 1 ? "far1" : "far2")
      yield* calm
      for (const goOn of held.splice(0)) goOn()
      assert.strictEqual(yield* Future.join(future), "made here")
      assert.deepStrictEqual(bodies, ["made", "made"])
      assert.strictEqual((yield* Future.metadata(future)).attempts.length, 1)
    }).pipe(Effect.scoped, withFar(keeps, [], ["far1", "far2", "here"], held))
  })

  it.effect("F8: an attempt whose worker is lost while its input is on its way had not begun, and starts elsewhere", () => {
    const bodies: Log = []
    const held: Array<() => void> = []
    return Effect.gen(function*() {
      const made = Task.make(note(bodies, "made"), { workers: ["far1"] })
      const user = Task.map(made, (name) => `${name} here`)
      const once = Task.withOptions(user, { workers: ["here1", "here2"], idempotent: false })
      const future = yield* Client.submit(once)
      yield* calm
      assert.lengthOf(held, 1)
      yield* Faults.loseWorker((yield* Future.metadata(future)).worker!)
      yield* calm
      for (const goOn of held.splice(0)) goOn()
      assert.strictEqual(yield* Future.join(future), "made here")
      assert.strictEqual((yield* Future.metadata(future)).attempts.length, 1)
    }).pipe(Effect.scoped, withFar(keeps, [], ["far1", "here1", "here2"], held))
  })

  it.effect("C1: an attempt that waits for its input is cancelled at once, and its body never runs", () => {
    const bodies: Log = []
    const held: Array<() => void> = []
    return Effect.gen(function*() {
      const made = Task.make(note(bodies, "made"), { workers: ["far1"] })
      const user = Task.withOptions(Task.flatMap(made, () => Task.make(note(bodies, "never"))), { workers: ["here"] })
      const future = yield* Client.submit(user)
      yield* calm
      assert.lengthOf(held, 1)
      yield* Future.cancel(future)
      assert.strictEqual(yield* Future.status(future), "cancelled")
      for (const goOn of held.splice(0)) goOn()
      yield* calm
      assert.deepStrictEqual(bodies, ["made"])
    }).pipe(Effect.scoped, withFar(keeps, [], ["far1", "here"], held))
  })

  it.effect("F7: a holder that forgets is struck for an input, and the reports are counted", () => {
    let forgotten = 0
    const far: Far = { ...keeps, forgets: () => forgotten++ < 2 }
    const bodies: Log = []
    return Effect.gen(function*() {
      const made = Task.make(note(bodies, "made"))
      const future = yield* Client.submit(Task.map(made, (name) => `${name} well`))
      yield* Future.awaitFirst([future])
      assert.deepStrictEqual(bodies, ["made", "made", "made"])
      assert.strictEqual(yield* Future.join(future), "made well")
    }).pipe(Effect.scoped, withFar(far, [], ["far"]))
  })

  it.effect("F7: a holder that always forgets ends the task that needs its result, and does so soon", () => {
    const bodies: Log = []
    return Effect.gen(function*() {
      const made = Task.make(note(bodies, "made"))
      const exit = yield* Effect.exit(Client.compute(Task.map(made, (name) => `${name} well`)))
      assert.isTrue(Exit.isFailure(exit))
      assert.isAtMost(bodies.length, 20)
    }).pipe(Effect.scoped, withFar({ ...keeps, forgets: () => true }, [], ["far"]))
  })

  it.effect("M3: a holder that does not have what is read counts as lost, with a warning", () => {
    let forgotten = 0
    const far: Far = { ...keeps, forgets: () => forgotten++ < 1 }
    const bodies: Log = []
    const lines: Array<string> = []
    const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
    return Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Task.make(note(bodies, "made"))), "made")
      assert.deepStrictEqual(bodies, ["made", "made"])
      assert.deepStrictEqual((yield* Scheduler.stats).workers.map(({ id }) => id), ["far2"])
      assert.include(lines.join(), "Worker \"far1\" was lost: it does not have a result that it reported")
    }).pipe(Effect.scoped, withFar(far, [], ["far1", "far2"]), Effect.provide(logger))
  })

  it.effect("M9: are copied, and handed on by a worker that leaves", () => {
    const log: Log = []
    return Effect.gen(function*() {
      const future = yield* Client.submit(on("far1").make("made"))
      yield* Future.awaitFirst([future])
      yield* Scheduler.retire("far1")
      assert.strictEqual(yield* Future.join(future), "made")
      assert.deepStrictEqual(log, ["fetch from far1"])
    }).pipe(Effect.scoped, withFar(keeps, log, ["far1", "far2"]))
  })

  it.effect("F3, M6: are not fetched for a joinAll or a compute that fails fast", () => {
    const log: Log = []
    return Effect.gen(function*() {
      const made = yield* Client.submit(Task.make(Effect.succeed(1)))
      yield* Future.awaitFirst([made])
      const failed = yield* Client.submit(Task.make(Effect.fail("no")))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Future.joinAll([made, failed]))))
      const targets = [Task.make(Effect.succeed(2)), Task.make(Effect.fail("no"))]
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Client.compute(targets))))
      assert.deepStrictEqual(log, [])
    }).pipe(Effect.scoped, withFar(keeps, log, ["far"]))
  })

  it.effect("M6, M1: a reader that is interrupted stops no other, and a release does not reach what is on its way", () => {
    const log: Log = []
    const held: Array<() => void> = []
    return Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(Effect.succeed(1)))
      const [first, second] = yield* Effect.forEach([0, 1], () => Effect.forkChild(Effect.exit(Future.join(future))))
      yield* calm
      assert.lengthOf(held, 2)
      yield* Fiber.interrupt(first!)
      for (const goOn of held.splice(0)) goOn()
      assert.deepStrictEqual(yield* Fiber.join(second!), Exit.succeed(1))
      const other = yield* Client.submit(Task.make(Effect.succeed(2)))
      const third = yield* Effect.forkChild(Effect.exit(Future.join(other)))
      yield* calm
      yield* Future.release(other)
      for (const goOn of held.splice(0)) goOn()
      // The release came first: the reader is told, and the holder does not count as lost.
      assert.isTrue(Exit.isFailure(yield* Fiber.join(third)))
      assert.lengthOf((yield* Scheduler.stats).workers, 1)
    }).pipe(Effect.scoped, withFar(keeps, log, ["far"], held))
  })

  it.effect("C4: a reader whose result is on its way is told when the scheduler closes", () => {
    const held: Array<() => void> = []
    const worker = (setup: Setup): WorkerPort => new Watched(setup, keeps, [], held)
    const wire = Layer.succeed(Wiring, () => ({ ...direct, worker, afterMessages: (f) => queueMicrotask(f) }))
    return Effect.gen(function*() {
      const reading = yield* Effect.gen(function*() {
        const future = yield* Client.submit(Task.make(Effect.succeed(1)))
        const reading = yield* Effect.forkDetach(Effect.exit(Future.join(future)))
        yield* calm
        assert.lengthOf(held, 1)
        return reading
      }).pipe(Effect.scoped, Effect.provide(Layer.provide(Skein.layer(), wire)))
      assert.isTrue(Exit.isFailure(yield* Fiber.join(reading)))
    })
  })

  it.effect("M6: a result that comes late for a task that has run again is not taken for the new one", () => {
    const held: Array<() => void> = []
    let runs = 0
    return Effect.gen(function*() {
      const made = Task.make(Effect.sync(() => ++runs))
      const future = yield* Client.submit(made)
      const reading = yield* Effect.forkChild(Future.join(future))
      yield* calm
      // The answer to the first request comes from the former holder, and after that of the second.
      yield* Faults.loseWorker("far1")
      yield* calm
      for (const goOn of held.splice(0).reverse()) goOn()
      assert.strictEqual(yield* Fiber.join(reading), 2)
    }).pipe(Effect.scoped, withFar(keeps, [], ["far1", "far2"], held))
  })
})

describe("attempts that are sent ahead", () => {
  const ahead: Far = { keeps: false, ahead: 2 }

  it.effect("W19: begin in order, and are running from then on", () => {
    const log: Log = []
    const bodies: Log = []
    const door = gate()
    return Effect.gen(function*() {
      const first = yield* Client.submit(Task.make(Effect.andThen(door.pass, note(bodies, "first"))))
      const others = yield* Effect.forEach(
        ["second", "third", "fourth"],
        (name) => Client.submit(Task.make(note(bodies, name)))
      )
      yield* door.arrived(1)
      yield* calm
      const status = yield* Effect.forEach([first, ...others], Future.status)
      assert.deepStrictEqual(status, ["running", "assigned", "assigned", "ready"])
      yield* door.open
      yield* Future.joinAll(others)
      assert.deepStrictEqual(bodies, ["first", "second", "third", "fourth"])
      assert.deepStrictEqual(log, ["begin on far", "begin on far", "begin on far"])
    }).pipe(Effect.scoped, withFar(ahead, log, ["far"]))
  })

  it.effect("C3, B2: a task with a timeout is not sent ahead, and has its time from the moment in which the body begins", () => {
    const door = gate()
    return Effect.gen(function*() {
      yield* Client.submit(Task.make(door.pass))
      const late = yield* Client.submit(Task.make(Effect.never, { timeout: "1 second" }))
      yield* door.arrived(1)
      yield* TestClock.adjust("1 minute")
      yield* calm
      assert.strictEqual(yield* Future.status(late), "ready")
      yield* door.open
      yield* calm
      yield* TestClock.adjust("999 millis")
      yield* calm
      assert.strictEqual(yield* Future.status(late), "running")
      yield* TestClock.adjust("1 millis")
      assert.isTrue(Exit.isFailure(yield* Future.await(late)))
    }).pipe(Effect.scoped, withFar(ahead, [], ["far"]))
  })

  it.effect("W12, W19: are taken back for a worker that is free", () => {
    const log: Log = []
    const door = gate()
    return Effect.gen(function*() {
      yield* Client.submit(Task.make(door.pass))
      const second = yield* Client.submit(Task.make(Effect.succeed(2)))
      yield* door.arrived(1)
      yield* Scheduler.addWorker({ id: "here", concurrency: 1 })
      assert.strictEqual(yield* Future.join(second), 2)
      assert.strictEqual((yield* Future.metadata(second)).worker, "here")
      assert.deepStrictEqual(log, ["take back from far"])
      yield* door.open
    }).pipe(Effect.scoped, withFar(ahead, log, ["far"]))
  })

  it.effect("W12, W19, M6: are taken back while their inputs are on their way", () => {
    const log: Log = []
    const held: Array<() => void> = []
    const door = gate()
    return Effect.gen(function*() {
      const made = on("far1").make("made")
      const first = yield* Client.submit(made)
      yield* Future.awaitFirst([first])
      yield* Client.submit(Task.make(door.pass))
      yield* Client.submit(Task.make(door.pass))
      yield* door.arrived(2)
      const user = yield* Client.submit(Task.map(first, (name) => `${name} well`))
      yield* calm
      assert.deepStrictEqual(log, ["fetch from far1"])
      yield* Scheduler.addWorker({ id: "here", concurrency: 1 })
      yield* calm
      for (const goOn of held.splice(0)) goOn()
      assert.strictEqual(yield* Future.join(user), "made well")
      assert.strictEqual((yield* Future.metadata(user)).worker, "here")
      yield* door.open
    }).pipe(
      Effect.scoped,
      withFar((name) => name === "far1" ? keeps : { ...ahead, ahead: 1 }, log, ["far1", "far2"], held)
    )
  })

  it.effect("F18, W19: one that has not begun when its worker is lost may run elsewhere, also if it must not run twice", () => {
    const door = gate()
    return Effect.gen(function*() {
      const once = { idempotent: false, workers: undefined }
      const first = yield* Client.submit(Task.make(door.pass, once))
      const second = yield* Client.submit(Task.make(Effect.succeed(2), once))
      yield* door.arrived(1)
      yield* Faults.loseWorker("far")
      yield* Scheduler.addWorker({ id: "here", concurrency: 1 })
      assert.strictEqual(yield* Future.join(second), 2)
      assert.strictEqual(yield* Future.status(first), "failed")
    }).pipe(Effect.scoped, withFar(ahead, [], ["far"], undefined, { waitForWorkers: "1 minute" }))
  })

  it.effect("C1, W19: are cancelled before they begin, and their bodies never run", () => {
    const bodies: Log = []
    const door = gate()
    return Effect.gen(function*() {
      yield* Client.submit(Task.make(door.pass))
      const second = yield* Client.submit(Task.make(note(bodies, "never")))
      yield* door.arrived(1)
      yield* Future.cancel(second)
      assert.strictEqual(yield* Future.status(second), "cancelled")
      yield* door.open
      yield* calm
      assert.deepStrictEqual(bodies, [])
    }).pipe(Effect.scoped, withFar(ahead, [], ["far"]))
  })
})
