import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import { DependenciesGone, DependenciesLost, TaskCancelled } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Faults, Leftovers, Simulation } from "skein/testing"
import * as Worker from "skein/Worker"
import { inScheduler, type Log, note, turns } from "./harness.ts"
import { causeOf, defectsIn, errorOf, reasonOf } from "./support.ts"

/** Runs `body` the first `times` times, then succeeds with `value`. */
const atFirst = (times: number) => {
  let left = times
  return <E, R, A>(body: Effect.Effect<never, E, R>, value: A): Effect.Effect<A, E, R> =>
    Effect.suspend((): Effect.Effect<A, E, R> => left-- > 0 ? body : Effect.succeed(value))
}

for (const isAway of [false, true]) {
  const leave = isAway ? Worker.secede : Effect.void

  describe(isAway ? "a body that has seceded and misses an input" : "a body that misses an input", () => {
    it.effect("F7: its dependency runs again, then it does, with the new value, and no attempt is charged", () =>
      Effect.gen(function*() {
        const log: Log = []
        const numbers: Array<number> = []
        const up = Task.make(Effect.sync(() => log.push("up")))
        const misses = atFirst(1)
        const down = Task.make(up, (n) =>
          Effect.gen(function*() {
            yield* leave
            numbers.push((yield* Worker.current).attempt)
            return yield* misses(Worker.dependenciesLost(up), n)
          }), { retry: Schedule.recurs(1) })
        const future = yield* Client.submit(down)
        assert.strictEqual(yield* Future.join(future), 2)
        assert.deepStrictEqual([log, numbers], [["up", "up"], [1, 1]])
      }).pipe(inScheduler({ concurrency: 1 })))

    it.effect("F7, D8: what a met set has let go of before it does not make another one run again in its place", () =>
      Effect.gen(function*() {
        const log: Log = []
        const loser = Task.make(Effect.never, { key: "loser" })
        const quick = Task.make(note(log, "quick"), { key: "quick" })
        const other = Task.make(note(log, "other"), { key: "other" })
        const misses = atFirst(1)
        const down = Task.make(
          { any: Dependency.any([loser, quick], { losers: "cancel" }), other },
          () => Effect.andThen(leave, misses(Worker.dependenciesLost("other"), "done"))
        )
        assert.strictEqual(yield* Client.compute(down), "done")
        assert.deepStrictEqual(log.toSorted(), ["other", "other", "quick"])
      }).pipe(inScheduler({ concurrency: 3 })))

    it.effect("F7: names are tasks, futures, keys, automatic ones included, and what it runs after", () =>
      Effect.gen(function*() {
        const log: Log = []
        const own = Task.make(note(log, "own"), { label: "own" })
        const keyed = Task.make(note(log, "keyed"), { key: "keyed" })
        const first = Task.make(note(log, "first"), { key: "first" })
        const future = yield* Client.submit(Task.make(note(log, "future")))
        const automatic = yield* Client.submit(Task.make(note(log, "automatic"), { label: "up" }))
        const misses = atFirst(1)
        const report = Worker.dependenciesLost(own, future, "keyed", first, automatic.key)
        const down = Task.make(
          { own, list: [keyed, future], automatic },
          () => Effect.andThen(leave, misses(report, "done")),
          { after: [first] }
        )
        assert.strictEqual(yield* Client.compute(down), "done")
        const names = ["own", "keyed", "first", "future", "automatic"]
        for (const name of names) assert.deepStrictEqual(log.filter((each) => each === name).length, 2, name)
      }).pipe(Effect.scoped, inScheduler()))
  })
}

describe("a body that misses an input", () => {
  it.effect("M3: a released result that is needed again is recomputed from what it was made of, each once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const root = Task.make(note(log, "root"), { key: "root" })
      const left = Task.make(root, () => note(log, "left"), { key: "left" })
      const right = Task.make(root, () => note(log, "right"), { key: "right" })
      const misses = atFirst(1)
      const sum = Task.make([left, right], () => misses(Worker.dependenciesLost("left", "right"), "sum"))
      assert.strictEqual(yield* Client.compute(sum), "sum")
      // The root had been released when left and right had ended.
      assert.deepStrictEqual(log, ["root", "left", "right", "root", "left", "right"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("M3: a released result that is needed again after the loss of a worker is recomputed once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const gate = yield* Deferred.make<void>()
      const root = Task.make(note(log, "root"))
      const made = yield* Client.submit(Task.make(root, () => note(log, "made")))
      yield* Future.join(made)
      const users = yield* Client.submitAll(
        ["x", "y"].map((name) => Task.make(made, () => Effect.andThen(Deferred.await(gate), note(log, name))))
      )
      yield* Faults.loseWorker("a")
      yield* Deferred.succeed(gate, undefined)
      yield* Future.joinAll(users)
      assert.deepStrictEqual(log.filter((each) => each === "root" || each === "made"), ["root", "made", "root", "made"])
    }).pipe(
      Effect.scoped,
      inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })
    ))

  it.effect("F7, M3: of several that miss the same one the first has it run, once", () =>
    Effect.gen(function*() {
      const log: Log = []
      const files = new Set<string>()
      const write = Task.make(
        Effect.sync(() => {
          log.push("write")
          files.add("it")
        }),
        { key: "write" }
      )
      const gate = yield* Deferred.make<void>()
      const read = (name: string) =>
        Task.make(write, () =>
          Effect.gen(function*() {
            if (!files.has("it")) return yield* Worker.dependenciesLost("write")
            yield* Deferred.await(gate)
            if (!files.has("it")) return yield* Worker.dependenciesLost("write")
            return name
          }))
      const fiber = yield* Effect.forkChild(Client.compute(["a", "b", "c", "d"].map(read)))
      yield* turns(20)
      files.clear()
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["a", "b", "c", "d"])
      assert.deepStrictEqual(log, ["write", "write"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F7: dependents that run go on with what they have", () =>
    Effect.gen(function*() {
      let made = 0
      const up = Task.make(Effect.sync(() => ++made))
      const gate = yield* Deferred.make<void>()
      const misses = atFirst(1)
      const calm = Task.make(up, (n) => Effect.as(Deferred.await(gate), n))
      const anxious = Task.make(up, (n) => Effect.andThen(turns(), misses(Worker.dependenciesLost(up), n)))
      const opening = Task.make(anxious, () => Deferred.succeed(gate, undefined))
      assert.deepStrictEqual(yield* Client.compute([calm, anxious, opening]), [1, 2, true])
    }).pipe(inScheduler({ concurrency: 3 })))

  it.effect("F7: its future is unsettled meanwhile, and joined anew", () =>
    Effect.gen(function*() {
      let made = 0
      const gate = yield* Deferred.make<void>()
      const up = yield* Client.submit(
        Task.make(Effect.suspend(() => ++made === 1 ? Effect.succeed(1) : Effect.as(Deferred.await(gate), 2)))
      )
      assert.strictEqual(yield* Future.join(up), 1)
      const misses = atFirst(1)
      const down = yield* Client.submit(Task.make(up, (n) => misses(Worker.dependenciesLost(up), n)))
      yield* turns(20)
      assert.strictEqual((yield* Future.metadata(up)).status, "running")
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual([yield* Future.join(up), yield* Future.join(down)], [2, 2])
      const { attempts } = yield* Future.metadata(up)
      assert.deepStrictEqual(attempts.map(({ attempt, lost }) => [attempt, lost]), [[1, true], [1, undefined]])
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("F7, M7: a resource is finalized and acquired anew", () =>
    Effect.gen(function*() {
      const log: Log = []
      const pool = Task.resource(Effect.acquireRelease(note(log, "open"), () => note(log, "close")))
      const misses = atFirst(1)
      const query = Task.make(pool, () => misses(Worker.dependenciesLost(pool), "rows"))
      assert.strictEqual(yield* Client.compute(query), "rows")
      assert.deepStrictEqual(log, ["open", "close", "open", "close"])
    }).pipe(inScheduler()))

  for (const isSettled of [true, false]) {
    it.effect(`F7, ${isSettled ? "F9" : "C9"}: a resource that is finalized for that can be ${isSettled ? "settled" : "cancelled for everybody"} meanwhile`, () =>
      Effect.gen(function*() {
        const log: Log = []
        const gate = yield* Deferred.make<void>()
        const close = () => Effect.andThen(Deferred.await(gate), note(log, "close"))
        const pool = Task.resource(Effect.acquireRelease(note(log, "open"), close), { key: "pool" })
        const misses = atFirst(1)
        const query = Task.make(pool, (name) => misses(Worker.dependenciesLost(pool), name))
        const [opened, down] = yield* Client.submitAll([pool, query])
        yield* turns(20)
        const request = isSettled
          ? Future.settle(opened, Exit.succeed("given"))
          : Effect.as(Future.cancel(opened, { force: true }), true)
        const asked = yield* Effect.forkChild(request)
        yield* turns(5)
        assert.strictEqual(asked.pollUnsafe() !== undefined, isSettled)
        yield* Deferred.succeed(gate, undefined)
        assert.isTrue(yield* Fiber.join(asked))
        assert.deepStrictEqual(log, ["open", "close"])
        if (isSettled) assert.strictEqual(yield* Future.join(down), "given")
        else assert.instanceOf(yield* reasonOf(Future.join(down)), TaskCancelled)
      }).pipe(Effect.scoped, inScheduler()))
  }

  it.effect("F7, G12: what lies behind barriers can be named, and runs again though its result is held", () =>
    Effect.gen(function*() {
      for (const isNested of [false, true]) {
        for (const isForgotten of [false, true]) {
          const log: Log = []
          const [first, second] = ["first", "second"].map((key) => Task.make(note(log, key), { key }))
          const held = yield* Client.submitAll(isForgotten ? [] : [first!, second!])
          const inner = Task.barrier([first!, second!], { key: "inner" })
          const barrier = isNested ? Task.barrier(inner) : inner
          const names = [first!, "first", ...held.slice(0, 1)]
          let misses = 0
          const down = Task.make(
            Effect.suspend(() => misses < names.length ? Worker.dependenciesLost(names[misses++]!) : note(log, "down")),
            { after: [barrier] }
          )
          // What holds the inner one by itself must not keep the outer one from waiting.
          const kept = yield* Client.submitAll(isNested && !isForgotten ? [inner] : [])
          yield* Client.compute(down)
          const count = (name: string) => log.filter((each) => each === name).length
          assert.deepStrictEqual([count("first"), log.at(-1)], [names.length + 1, "down"])
          if (!isForgotten) assert.strictEqual(count("second"), 1)
          yield* Effect.forEach([...held, ...kept], (each) => Future.release(each))
        }
      }
    }).pipe(Effect.scoped, inScheduler({ concurrency: 2 })))

  it.effect("F7: an exit stands for its task, and a flatMap task calls its function again", () =>
    Effect.gen(function*() {
      const log: Log = []
      const up = Task.make(note(log, "up"))
      const unfolding = Task.flatMap([], () => Task.make(note(log, "inner")))
      const misses = atFirst(1)
      const exit = Task.exit(up)
      const down = Task.make({ exit, unfolding }, () => misses(Worker.dependenciesLost(exit, unfolding), "done"))
      assert.strictEqual(yield* Client.compute(down), "done")
      assert.deepStrictEqual(log.toSorted(), ["inner", "inner", "up", "up"])
    }).pipe(inScheduler()))

  it.effect("F7: the twentieth report ends the task with DependenciesGone; limits say otherwise", () =>
    Effect.gen(function*() {
      for (const [limit, runs] of [[undefined, 20], [3, 3]] as const) {
        const log: Log = []
        const up = Task.make(note(log, "up"), { key: "up" })
        const down = Task.make(up, () => Worker.dependenciesLost(up), { key: "down" })
        const limits = limit === undefined ? {} : { dependenciesLost: limit }
        const error = yield* reasonOf(Task.run(down, { limits }))
        assert.instanceOf(error, DependenciesGone)
        assert.strictEqual(
          error.message,
          `Task "down" has reported ${runs} times that dependencies are lost, "up" the last time. Look for what removes ` +
            "what they make, or in its body for how it looks for that; Skein.layer's limits.dependenciesLost says how often " +
            "is too often."
        )
        assert.strictEqual(log.length, runs)
      }
    }))

  it.effect("F7, F18: what must not run twice is not started again, and the task ends with DependenciesGone", () =>
    Effect.gen(function*() {
      const log: Log = []
      const up = Task.make(note(log, "up"), { key: "up", idempotent: false })
      const error = yield* reasonOf(Client.compute(Task.make(up, () => Worker.dependenciesLost(up), { key: "down" })))
      assert.instanceOf(error, DependenciesGone)
      assert.deepStrictEqual([error.why, error.keys, log], ["idempotent", [
        "up"
      ], ["up"]])
      assert.include(error.message, "\"up\" would have to be started twice, in spite of idempotent: false.")
    }).pipe(inScheduler()))

  it.effect("F7: a name that is none of a direct dependency is a defect that says so", () =>
    Effect.gen(function*() {
      const far = Task.make(Effect.succeed(1), { key: "far" })
      const near = Task.map(far, (n) => n, { key: "near" })
      const names = [far, "far", Task.make(Effect.void)]
      for (const [i, shown] of ["a task (far)", "\"far\"", "a task (without a key)"].entries()) {
        const down = Task.make(near, () => Worker.dependenciesLost(names[i]!), { key: "down" })
        const [defect] = defectsIn(yield* causeOf(Client.compute(down)))
        assert.strictEqual(
          (defect as Error).message,
          `Task "down" named ${shown} in Worker.dependenciesLost, which is none of its direct dependencies: it has "near". ` +
            "Let the task that depends on it report it, or depend on it."
        )
      }
    }).pipe(inScheduler()))

  it.effect("F7: a failure or a defect beside the signal decides", () =>
    Effect.gen(function*() {
      const log: Log = []
      const up = Task.make(note(log, "up"))
      const both = Effect.failCause(Cause.combine(
        Cause.fail(new DependenciesLost({ dependencies: [up] })),
        Cause.fail("no" as const)
      ))
      const error = yield* errorOf(Client.compute(Task.make(up, () => both)))
      assert.deepStrictEqual([error, log], ["no", ["up"]])
    }).pipe(inScheduler()))

  it.effect("F7: the interpreter of simulations knows it", () =>
    Effect.gen(function*() {
      yield* Simulation.run(() => {
        const left = new Map<string, number>()
        const missing = (name: string, times: number, report: Effect.Effect<never, DependenciesLost, Worker.Worker>) =>
          Effect.suspend((): Effect.Effect<string, DependenciesLost, Worker.Worker> => {
            const seen = left.get(name) ?? 0
            left.set(name, seen + 1)
            return seen < times ? report : Effect.succeed(name)
          })
        const root = Task.make(Effect.succeed("root"), { key: "root" })
        const a = Task.make(root, (value) => Effect.succeed(`${value} a`), { key: "a" })
        const b = Task.make([root, a], () => missing("b", 1, Worker.dependenciesLost("a")), { key: "b" })
        const c = Task.make({ a, exit: Task.exit(b) }, () => missing("c", 2, Worker.dependenciesLost("a")), {
          key: "c"
        })
        const barrier = Task.barrier([Task.barrier([a, root])])
        const d = Task.make(missing("d", 2, Worker.dependenciesLost("a")), { after: barrier })
        return [
          d,
          Task.make([b, c], ([x, y]) => Effect.succeed(`${x} ${y}`)),
          Task.make(a, () => Worker.dependenciesLost(a))
        ]
      }, { seeds: 40, faults: { ...Faults.usual, fail: 0, die: 0, interrupt: 0, hang: 0 } })
    }))
})

it.effect("F7: reports leave nothing behind", () =>
  Effect.gen(function*() {
    const misses = atFirst(2)
    const up = Task.make(Effect.void)
    yield* Client.compute(Task.make(up, () => misses(Worker.dependenciesLost(up), "done")))
    yield* Leftovers.assertNone
  }).pipe(Effect.provide(Skein.layer())))
