/** Workers that are not here, over a link in memory: bodies are found by name, and all that passes is cloned. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import * as Worker from "skein/Worker"
import { unchecked, type Way } from "../src/internal/portable/named.ts"
import { wayOf } from "../src/internal/portable/ways.ts"
import { Verb } from "../src/internal/remote/messages.ts"
import { Outgoing } from "../src/internal/remote/outgoing.ts"
import { Seats } from "../src/internal/remote/seats.ts"
import type { RemotePosting } from "../src/internal/workers/port.ts"
import type { Sharing } from "../src/internal/workers/sharing.ts"
import { coreOf, leftovers } from "../src/testing/internal/leftovers.ts"
import { addRemote, restarts } from "./testing/addRemote.ts"
import { type Maker, type MemoryOptions, memoryTransport, named, type Wire } from "./testing/memoryLink.ts"

interface Options extends MemoryOptions {
  readonly id?: string
  readonly slots?: number
  readonly ahead?: number
  readonly terms?: RemotePosting["terms"]
  /** Called with the link of each replacement. */
  readonly also?: (wire: Wire) => void
}

class SubmitErrorLike extends Schema.TaggedError<SubmitErrorLike>()("SubmitErrorLike", { why: Schema.String }) {}

const failureOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined

const quietly = Effect.provideService(References.MinimumLogLevel, "None")

/** Logs into an array. */
const logged = (log: Array<unknown>) =>
  Effect.provideService(
    Logger.CurrentLoggers,
    new Set([
      Logger.make(({ fiber, logLevel, message }) => {
        const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
        const noted = annotations.map(([name, value]) => `${name}=${String(value)}`)
        log.push([logLevel, ...noted, ...[message].flat(2)].slice(0, 3).join(" "))
      })
    ])
  )

/** Adds a remote worker to the scheduler of the context, until the scope closes. Returns what passes. */
const addWired = (
  makers: ReadonlyArray<Maker>,
  { ahead, also, id, slots, terms, ...options }: Options = {}
) =>
  Effect.gen(function*() {
    const wires: Array<Wire> = []
    const transport = memoryTransport(makers, {
      ...options,
      opened: (wire) => {
        if (wires.length > 0) also?.(wire)
        wires.push(wire)
      }
    })
    yield* addRemote(transport, { ahead, id, slots, terms })
    return wires
  })

const none = Skein.layer({ workers: [], waitForWorkers: "1 minute", grace: "1 second" })

/** Lets everything happen that needs no time. */
const calm = Effect.repeat(Effect.yieldNow, { times: 200 })

const ups = (wires: ReadonlyArray<Wire>) => wires.flatMap(({ ups }) => ups)
const downs = (wires: ReadonlyArray<Wire>) => wires.flatMap(({ downs }) => downs)
const messages = (wires: ReadonlyArray<Wire>): number => ups(wires).length + downs(wires).length

/** With and without memory that both sides share. */
const memories = [["with shared words", true], ["with messages alone", false]] as const

describe("a worker that is not here", () => {
  it.effect("W20: runs portable tasks, and their results come back", () =>
    Effect.gen(function*() {
      const double = named("double", (x: number) => 2 * x)
      yield* addWired([double])
      const tasks = [1, 2, 3].map((x) => double.task(x))
      assert.deepStrictEqual(yield* Client.compute(tasks), [2, 4, 6])
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("W20: runs functions, promises, generators and Effects, with the results of tasks as payloads", () =>
    Effect.gen(function*() {
      const plain = named("plain", (x: number) => x + 1)
      const promise = named("promise", (x: number) => Promise.resolve(x + 1))
      const effect = named("effect", (x: number) => Effect.as(Effect.yieldNow, x + 1))
      yield* addWired([plain, promise, effect])
      assert.strictEqual(yield* Client.compute(effect.task(promise.task(plain.task(0)))), 3)
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("B1, W19: starts and ends go in batches", () =>
    Effect.gen(function*() {
      const next = named("next", (x: number) => x + 1)
      const wires = yield* addWired([next], { ahead: 256 })
      const tasks = Array.from({ length: 1000 }, (_, i) => next.task(i))
      assert.strictEqual((yield* Client.compute(tasks)).reduce((a, b) => a + b, 0), 500_500)
      assert.isAtMost(messages(wires), 250)
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.live("B1, W19: a task alone takes one message each way, and waits for no turn of the event loop", () =>
    Effect.gen(function*() {
      const double = named("double", (x: number) => 2 * x)
      const wires = yield* addWired([double])
      yield* Client.compute([double.task(0)])
      const sent = downs(wires).length
      // While the machine is slow, the beginnings of bodies are reported too.
      const ended = () => ups(wires).filter((up) => up._tag === "Report" && up.values.length > 0).length
      const before = ended()
      let turns = 0
      let isOver = false
      const turn = (): void => {
        turns++
        if (!isOver) setImmediate(turn)
      }
      setImmediate(turn)
      for (let x = 0; x < 100; x++) assert.deepStrictEqual(yield* Client.compute([double.task(x)]), [2 * x])
      isOver = true
      assert.deepStrictEqual([downs(wires).length - sent, ended() - before], [100, 100])
      // Those of the fiber of this test, which yields now and then.
      assert.isAtMost(turns, 20)
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.live("B1, W19: 10,000 tiny tasks on two workers take at most 200 messages", () =>
    Effect.gen(function*() {
      const next = named("next", (x: number) => x + 1)
      const wires = [
        ...yield* addWired([next], { ahead: 4096 }),
        ...yield* addWired([next], { ahead: 4096, id: "b" })
      ]
      const tasks = Array.from({ length: 10_000 }, (_, i) => next.task(i))
      assert.strictEqual((yield* Client.compute(tasks)).reduce((a, b) => a + b, 0), 50_005_000)
      assert.isAtMost(messages(wires), 200)
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("F1, W20: failures, defects and interruptions of bodies come back", () =>
    Effect.gen(function*() {
      const fails = named("fails", () => Effect.fail(new SubmitErrorLike({ why: "no" })), {
        error: wayOf(SubmitErrorLike)
      })
      const throws = named("throws", () => {
        throw new RangeError("out of range")
      })
      const stops = named("stops", () => Effect.interrupt)
      yield* addWired([fails, throws, stops])
      const [failed, died, stopped] = yield* Client.compute([fails, throws, stops].map((each) => each.task(0)), {
        mode: "collect"
      })
      const error = failureOf(failed!)
      assert.instanceOf(error, SubmitErrorLike)
      assert.strictEqual(error.why, "no")
      assert.match(Cause.pretty((died as Exit.Failure<never, never>).cause), /RangeError: out of range/)
      assert.match(String(failureOf(stopped!)), /interrupted itself/)
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("B4, F14: a payload that does not travel fails its task alone", () =>
    Effect.gen(function*() {
      const size = named("size", (values: ReadonlyArray<unknown>) => values.length)
      const wires = yield* addWired([size], { ahead: 8 })
      const payloads = [[1], [() => 1], [1, 2], [Symbol("no")], [1, 2, 3]]
      const exits = yield* Client.compute(payloads.map((each) => size.task(each)), { mode: "collect" })
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true, false, true])
      assert.match(Cause.pretty((exits[1] as Exit.Failure<never, never>).cause), /payload of "size" does not travel/)
      assert.isAtMost(messages(wires), 20)
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("B4, F14: a result that does not travel fails its task alone", () =>
    Effect.gen(function*() {
      const make = named("make", (x: number) => x === 2 ? () => x : x)
      yield* addWired([make], { ahead: 8 })
      const exits = yield* Client.compute([1, 2, 3].map((x) => make.task(x)), { mode: "collect" })
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true])
      assert.match(Cause.pretty((exits[1] as Exit.Failure<never, never>).cause), /result of "make" does not travel/)
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("X2: a payload that does not decode fails its task, whose body never runs", () => {
    const seen: Array<unknown> = []
    return Effect.gen(function*() {
      const payload: Way = { ...unchecked, check: (value) => typeof value === "number" ? undefined : "it is no number" }
      const note = named("note", (x: unknown) => seen.push(x), { payload })
      const text = named("text", () => "a")
      yield* addWired([note, text])
      const exits = yield* Client.compute([note.task(text.task(0)), note.task(1)], { mode: "collect" })
      assert.match(Cause.pretty((exits[0] as Exit.Failure<never, never>).cause), /payload .*it is no number/)
      assert.deepStrictEqual(seen, [1])
    }).pipe(Effect.scoped, Effect.provide(none))
  })

  it.effect("X1: a task whose name a worker does not have goes to another", () =>
    Effect.gen(function*() {
      const one = named("one", () => 1)
      const two = named("two", () => 2)
      yield* addWired([one], { id: "first" })
      yield* addWired([one, two], { id: "second" })
      const tasks = Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? one : two).task(i))
      assert.deepStrictEqual(yield* Client.compute(tasks), [1, 2, 1, 2, 1, 2])
    }).pipe(Effect.scoped, Effect.provide(none)))

  for (const [memory, shares] of memories) {
    it.effect(`C1: a body is interrupted, and has ended when the cancel returns, ${memory}`, () => {
      const log: Array<string> = []
      return Effect.gen(function*() {
        const waits = named(
          "waits",
          () =>
            Effect.never.pipe(
              Effect.onInterrupt(() => Effect.andThen(Effect.yieldNow, Effect.sync(() => log.push("finalized"))))
            )
        )
        yield* addWired([waits], { shares })
        const future = yield* Client.submit(waits.task(0))
        yield* calm
        assert.strictEqual(yield* Future.status(future), "running")
        yield* Future.cancel(future)
        assert.deepStrictEqual(log, ["finalized"])
        assert.strictEqual(yield* Future.status(future), "cancelled")
      }).pipe(Effect.scoped, Effect.provide(none))
    })

    it.effect(`C1, W19: a body that has not begun never does after a cancel, ${memory}`, () => {
      const log: Array<number> = []
      return Effect.gen(function*() {
        const waits = named("waits", () => Effect.never)
        const notes = named("notes", (x: number) => log.push(x))
        const wires = yield* addWired([waits, notes], { shares, ahead: 4 })
        const first = yield* Client.submit(waits.task(0))
        const second = yield* Client.submit(notes.task(1))
        const third = yield* Client.submit(notes.task(2))
        yield* calm
        const before = messages(wires)
        yield* Future.cancel(second)
        // With shared words nothing need be said.
        if (shares) assert.strictEqual(messages(wires), before)
        yield* Future.cancel(first)
        yield* Future.join(third)
        assert.deepStrictEqual(log, [2])
      }).pipe(Effect.scoped, Effect.provide(none))
    })

    it.effect(`W12, W19: what has not begun is taken back for a worker that is free, ${memory}`, () =>
      Effect.gen(function*() {
        const waits = named("waits", () => Effect.never)
        const where = named("where", () => Effect.map(Worker.current, ({ id }) => id))
        yield* addWired([waits, where], { shares, ahead: 4 })
        const first = yield* Client.submit(waits.task(0))
        const others = yield* Effect.forEach([1, 2], (x) => Client.submit(where.task(x)))
        yield* calm
        yield* addWired([waits, where], { id: "b", shares, ahead: 4 })
        assert.deepStrictEqual(yield* Future.joinAll(others), ["b", "b"])
        yield* Future.cancel(first)
      }).pipe(Effect.scoped, Effect.provide(none)))

    it.effect(`F8, W13: what ran when a worker is lost runs again on its replacement, ${memory}`, () => {
      let runs = 0
      const wires: Array<Wire> = []
      return Effect.gen(function*() {
        const body = named("body", (x: number) => {
          if (++runs === 5) wires[0]!.die("it exited with code 3")
          return x
        })
        wires.push(
          ...yield* addWired([body], {
            shares,
            ahead: 2,
            terms: { restart: { times: 2, withinMillis: 60_000, minRunMillis: 0 } },
            also: (wire) => wires.push(wire)
          })
        )
        const tasks = Array.from({ length: 10 }, (_, x) => body.task(x))
        assert.deepStrictEqual(yield* Client.compute(tasks), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        assert.isAbove(runs, 10)
      }).pipe(Effect.scoped, Effect.provide(none), quietly)
    })

    it.effect(`N2: a body that secedes gives its slot to the next, and takes it again, ${memory}`, () => {
      const log: Array<string> = []
      return Effect.gen(function*() {
        const parent = named("parent", () =>
          Effect.gen(function*() {
            yield* Worker.seceded(Effect.andThen(Effect.sync(() => log.push("away")), Effect.sleep("1 second")))
            log.push("back")
            yield* Worker.secede
            yield* Effect.sleep("1 second")
            yield* Worker.rejoin
            log.push("back again")
          }))
        const child = named(
          "child",
          (x: number) => Effect.andThen(Effect.sync(() => log.push(`child ${x}`)), Effect.never)
        )
        yield* addWired([parent, child], { shares, ahead: 4 })
        const whole = yield* Client.submit(parent.task(0))
        const [first, second] = yield* Effect.forEach([1, 2], (x) => Client.submit(child.task(x)))
        yield* calm
        assert.deepStrictEqual(log, ["away", "child 1"])
        yield* TestClock.adjust("1 second")
        yield* calm
        assert.deepStrictEqual(log, ["away", "child 1"])
        yield* Future.cancel(first!)
        yield* Future.cancel(second!)
        yield* calm
        assert.include(log, "back")
        yield* TestClock.adjust("1 second")
        yield* Future.join(whole)
        assert.deepStrictEqual(log.filter((each) => !each.startsWith("child")), ["away", "back", "back again"])
      }).pipe(Effect.scoped, Effect.provide(none))
    })
  }

  it.effect("C3: a timeout runs from the beginning of the body, and is told in time", () =>
    Effect.gen(function*() {
      const waits = named("waits", () => Effect.never)
      yield* addWired([waits], { ahead: 4 })
      const future = yield* Client.submit(waits.task(0, { timeoutMillis: 1000 }))
      yield* calm
      yield* TestClock.adjust("999 millis")
      assert.strictEqual(yield* Future.status(future), "running")
      yield* TestClock.adjust("1 millis")
      assert.match(String(failureOf(yield* Future.await(future))), /1000|1 second|timed out/i)
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("C8: a worker whose event loop has not turned when the grace is over is replaced, and other tasks go on", () => {
    const log: Array<unknown> = []
    return Effect.gen(function*() {
      const end = Deferred.makeUnsafe<void>()
      let isHeld = false
      // Like code that holds its event loop: no message arrives, and no interruption.
      const spins = named("spins", () =>
        Effect.uninterruptible(Effect.suspend(() => {
          isHeld = true
          return Deferred.await(end)
        })))
      const next = named("next", (x: number) => x + 1)
      yield* addWired([spins, next], {
        answers: () => !isHeld,
        ahead: 4,
        terms: restarts,
        carry: (to, deliver) => queueMicrotask(() => to === "near" || !isHeld ? deliver() : undefined),
        also: () => {
          isHeld = false
        }
      })
      const future = yield* Client.submit(spins.task(0))
      const other = yield* Client.submit(next.task(1))
      yield* calm
      const cancelling = yield* Effect.forkChild(Future.cancel(future))
      yield* calm
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(cancelling)
      assert.strictEqual(yield* Future.join(other), 2)
      yield* Deferred.succeed(end, undefined)
      assert.match(log.join(), /was lost: its event loop has not turned since task "task#1" was asked to stop/)
    }).pipe(Effect.scoped, Effect.provide(none), logged(log))
  })

  it.effect("W20: bodies see the worker, the attempt and the key, and log to the loggers of their submitter", () => {
    const log: Array<unknown> = []
    return Effect.gen(function*() {
      const tells = named("tells", () =>
        Effect.gen(function*() {
          yield* Effect.logWarning("hello", { from: "far" })
          yield* Effect.logDebug("not told")
          return yield* Worker.current
        }))
      yield* addWired([tells])
      const future = yield* Effect.annotateLogs(Client.submit(tells.task(0, { key: "mine" })), "request", 7)
      assert.deepStrictEqual(yield* Future.join(future), { id: "far", labels: [], attempt: 1, key: "mine" })
      assert.deepStrictEqual(log, ["Warn request=7 hello"])
    }).pipe(Effect.scoped, Effect.provide(none), logged(log))
  })

  it.effect("C1: code that computes can ask whether it is to stop", () => {
    const log: Array<boolean> = []
    let stop = (): void => {}
    return Effect.gen(function*() {
      const asks = named("asks", () => {
        log.push(Worker.isStopping())
        // As if the scheduler had said so meanwhile, which only another thread can.
        stop()
        log.push(Worker.isStopping())
      })
      const core = coreOf(Context.get(yield* Effect.context<Client.Client>(), Client.Client))
      yield* addWired([asks])
      const future = yield* Client.submit(asks.task(0))
      const { claim } = future as unknown as { readonly claim: { readonly task: number } }
      stop = () => core.workers[0]!.stop({ _tag: "Stop", task: claim.task, attempt: 1, worker: 0, timedOut: false })
      yield* Future.join(future)
      assert.deepStrictEqual(log, [false, true])
      assert.isFalse(Worker.isStopping())
    }).pipe(Effect.scoped, Effect.provide(none))
  })

  it.effect("C4: a scheduler that closes interrupts bodies, and waits for the far side", () => {
    const log: Array<string> = []
    return Effect.gen(function*() {
      const waits = named("waits", () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => log.push("body"))))
      const build = Effect.acquireRelease(Effect.void, () => Effect.sync(() => log.push("layer")))
      const wires = yield* Effect.gen(function*() {
        const wires = yield* addWired([waits], { build })
        yield* Client.submit(waits.task(0))
        yield* calm
        return wires
      }).pipe(Effect.scoped, Effect.provide(none))
      assert.deepStrictEqual(log, ["body", "layer"])
      assert.strictEqual(ups(wires).at(-1)!._tag, "Closed")
    })
  })

  it.effect("T7: what a body elsewhere has asked for is left until it ends", () =>
    Effect.gen(function*() {
      const core = coreOf(Context.get(yield* Effect.context<Client.Client>(), Client.Client))
      yield* addWired([named("away", () => Worker.seceded(Effect.sleep(10)))])
      const future = yield* Client.submit(named("away", () => {}).task(0))
      yield* calm
      assert.includeMembers([...leftovers(core)], ["1 left in askers of far"])
      yield* TestClock.adjust(10)
      yield* calm
      yield* Future.await(future)
      assert.deepStrictEqual(leftovers(core).filter((text) => text.endsWith("of far")), [])
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("C4: what a far side has not given back when it dies in its close is let go", () =>
    Effect.gen(function*() {
      const held: Array<() => void> = []
      let isHolding = false
      const carry = (to: "far" | "near", deliver: () => void): void => {
        if (!isHolding) return queueMicrotask(deliver)
        if (to === "near") return wires[0]!.die("it died")
        held.push(deliver)
        if (wires[0]!.downs.at(-1)!._tag === "Close") { for (const each of held.splice(0)) queueMicrotask(each) }
      }
      const wires: Array<Wire> = []
      const work = named("work", () => Effect.void)
      const core = coreOf(Context.get(yield* Effect.context<Client.Client>(), Client.Client))
      yield* Effect.scoped(Effect.gen(function*() {
        wires.push(...yield* addWired([work], { carry }))
        isHolding = true
        const future = yield* Client.submit(work.task(0))
        yield* calm
        yield* Future.cancel(future)
      }))
      yield* calm
      assert.isTrue(downs(wires).some((down) => down._tag === "Batch" && down.payloads.length === 1))
      assert.deepStrictEqual(leftovers(core), [])
    }).pipe(Effect.provide(none)))

  it.effect("W15: a far side that cannot start is told", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(addWired([], { build: Effect.fail("no database") }))
      assert.match(Cause.pretty((exit as Exit.Failure<never, never>).cause), /no database/)
    }).pipe(Effect.scoped, Effect.provide(none)))

  it.effect("W1, N2: a body that gave its slot away does not pass it on when it ends", () =>
    Effect.gen(function*() {
      const doors = { first: Deferred.makeUnsafe<void>(), second: Deferred.makeUnsafe<void>() }
      const log: Array<string> = []
      const leaves = named("leaves", () =>
        Effect.gen(function*() {
          yield* Worker.secede
          log.push("left")
          yield* Deferred.await(doors.first)
          log.push("ends without a slot")
        }))
      const keeps = named("keeps", (name: string) =>
        Effect.gen(function*() {
          log.push(`${name} begins`)
          if (name === "b") yield* Deferred.await(doors.second)
        }))
      yield* addWired([leaves, keeps], { ahead: 4 })
      const futures = yield* Client.submitAll([leaves.task("a"), keeps.task("b"), keeps.task("c")])
      const turns = Effect.repeat(Effect.yieldNow, { times: 50 })
      yield* turns
      assert.deepStrictEqual(log, ["left", "b begins"])
      yield* Deferred.succeed(doors.first, undefined)
      yield* turns
      assert.deepStrictEqual(log, ["left", "b begins", "ends without a slot"])
      yield* Deferred.succeed(doors.second, undefined)
      yield* Future.joinAll(futures)
      assert.deepStrictEqual(log.slice(3), ["c begins"])
    }).pipe(Effect.scoped, Effect.provide(none)))

  for (const [memory, shares] of memories) {
    /** Bodies on one slot: one that leaves it and comes back, and others that wait for their doors. */
    const oneSlot = (options: Options = {}) =>
      Effect.gen(function*() {
        const log: Array<string> = []
        const doors = new Map<string, Deferred.Deferred<void>>()
        const door = (name: string) => doors.get(name) ?? doors.set(name, Deferred.makeUnsafe<void>()).get(name)!
        const open = (name: string) => Effect.andThen(Deferred.succeed(door(name), undefined), calm)
        const leaves = named("leaves", () =>
          Effect.gen(function*() {
            yield* Worker.seceded(Deferred.await(door("way back")))
            log.push("back")
            yield* Deferred.await(door("end"))
            log.push("end")
          }))
        const stays = named("stays", (name: string) =>
          Effect.gen(function*() {
            log.push(`${name} begins`)
            yield* Deferred.await(door(name))
          }))
        yield* addWired([leaves, stays], { shares, ahead: 4, ...options })
        yield* Client.submit(leaves.task(0))
        yield* calm
        yield* Client.submit(stays.task("a"))
        yield* calm
        assert.deepStrictEqual(log, ["a begins"])
        return { log, open, stays }
      })

    it.effect(`W1, N2: a body that comes back has the slot of one that has ended, and the next in line waits, ${memory}`, () =>
      Effect.gen(function*() {
        const { log, open, stays } = yield* oneSlot()
        yield* open("way back")
        assert.deepStrictEqual(log, ["a begins"])
        yield* open("a")
        assert.deepStrictEqual(log, ["a begins", "back"])
        yield* Client.submit(stays.task("b"))
        yield* calm
        assert.deepStrictEqual(log, ["a begins", "back"])
        yield* open("end")
        assert.deepStrictEqual(log, ["a begins", "back", "end", "b begins"])
      }).pipe(Effect.scoped, Effect.provide(none)))

    for (const order of [["a", "way back"], ["way back", "a"]] as const) {
      it.effect(`W1, N2: a body comes back while an end is under way, ${order.join(" before ")}, ${memory}`, () => {
        const held: Array<() => void> = []
        let isHeld = false
        const carry: MemoryOptions["carry"] = (to, deliver) => {
          if (to === "near" && isHeld) held.push(deliver)
          else queueMicrotask(deliver)
        }
        return Effect.gen(function*() {
          const { log, open, stays } = yield* oneSlot({ carry })
          isHeld = true
          for (const name of order) yield* open(name)
          yield* Client.submit(stays.task("b"))
          yield* calm
          log.push("heard")
          isHeld = false
          for (const deliver of held) deliver()
          yield* calm
          assert.deepStrictEqual(log, ["a begins", "b begins", "heard"])
          yield* open("b")
          assert.strictEqual(log.at(-1), "back")
          yield* open("end")
          assert.strictEqual(log.at(-1), "end")
        }).pipe(Effect.scoped, Effect.provide(none))
      })
    }
  }

  it("W1, W19: no attempt takes the place of another to which an order may be under way", () => {
    const seats = new Seats({ isUsed: false } as Sharing)
    const outgoing = new Outgoing()
    const take = (task: number) => {
      if (!outgoing.hasOrders) seats.recycle()
      return seats.take(task, task, 1, {} as never, {} as never, 0)
    }
    assert.deepStrictEqual([take(1), take(2)], [0, 1])
    outgoing.order(Verb.begin, 1)
    seats.release(1)
    assert.strictEqual(take(3), 2)
    outgoing.take(1)
    assert.strictEqual(take(4), 1)
    assert.strictEqual(seats.size, 3)
  })
})
