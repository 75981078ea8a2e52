/** Tasks that launch tasks: slots that are given away or kept, and what can never end. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import type * as Skein from "skein/Skein"
import { Starved } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { gate, inQuietScheduler, inScheduler, type Log, note, turns } from "./harness.ts"
import { longOr } from "./long.ts"
import { explanationOf, reasonIn } from "./support.ts"

type Fib = Task.Task<number, any, Client.Client>

const leaf = (n: number): Fib => Task.make(Effect.succeed(n))

/** fib(n) by recursive tasks, in the three ways in which a task launches tasks. */
const idioms: Readonly<Record<string, (n: number) => Fib>> = {
  flatMap: (n) =>
    n < 2 ?
      leaf(n) :
      Task.flatMap(
        [],
        () => Task.map([idioms["flatMap"]!(n - 1), idioms["flatMap"]!(n - 2)], ([a, b]) => a + b)
      ) as Fib,
  "compute in a body": (n) =>
    n < 2 ? leaf(n) : Task.make(Effect.suspend(() =>
      Effect.map(
        Client.compute([idioms["compute in a body"]!(n - 1), idioms["compute in a body"]!(n - 2)]),
        ([a, b]) => a + b
      )
    )),
  "submit and join": (n) =>
    n < 2 ? leaf(n) : Task.make(Effect.gen(function*() {
      const [a, b] = yield* Client.submitAll([idioms["submit and join"]!(n - 1), idioms["submit and join"]!(n - 2)])
      return (yield* Future.join(a)) + (yield* Future.join(b))
    })) as Fib
}

describe("recursion", () => {
  for (const [name, fib] of Object.entries(idioms)) {
    const [n, fibN] = longOr([20, 6765], [14, 377])
    for (const concurrency of [1, 2, 8]) {
      // Who runs is counted at every event, and afterwards nothing may be left in any table.
      it.effect(
        `N5, trap 14: fib(${n}) by recursive tasks is right by ${name} on ${concurrency} slots`,
        () =>
          Effect.gen(function*() {
            assert.strictEqual(yield* Client.compute(fib(n)), fibN)
            const { tasks, workers } = yield* Scheduler.stats
            assert.deepStrictEqual([tasks.running, tasks.seceded, workers[0]!.running], [0, 0, 0])
          }).pipe(inScheduler({ concurrency }))
      )
    }

    it.effect(`O7, N14: by ${name}, what a waiting task asked for takes its slot before any queued neighbour`, () =>
      Effect.gen(function*() {
        const started: Array<string> = []
        yield* Scheduler.listen(({ key, to }) => {
          if (to === "running") started.push(key)
        })
        const child = (key: string) => Task.make(Effect.succeed(key), { key })
        const parent: Task.Task<unknown, any, Client.Client> = name === "flatMap"
          ? Task.flatMap([], () => child("child"), { key: "parent" })
          : Task.make(
            name === "submit and join"
              ? Effect.flatMap(Client.submit(child("child")), Future.join)
              : Client.compute(child("child")),
            { key: "parent" }
          ) as Task.Task<unknown, any, Client.Client>
        yield* Client.compute([parent, child("neighbour")])
        assert.deepStrictEqual(started.slice(0, 2), ["parent", "child"])
        assert.strictEqual(started.at(-1), "neighbour")
      }).pipe(inScheduler({ concurrency: 1 })))
  }

  it.effect("N12: children of a seceded task spread over all workers, that of their parent included", () =>
    Effect.gen(function*() {
      const door = gate()
      const used = new Set<string>()
      const child = Task.make(Effect.gen(function*() {
        used.add((yield* Worker.current).id)
        yield* door.pass
      }))
      const children = Array.from({ length: 4 }, (_, i) => Task.withOptions(child, { label: `child${i}` }))
      const fiber = yield* Effect.forkChild(Client.compute(Task.make(Client.compute(children))))
      yield* door.arrived(4)
      assert.sameMembers([...used], ["a", "b", "c"])
      yield* door.open
      yield* Fiber.join(fiber)
    }).pipe(inScheduler({
      workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 2 }, { id: "c", concurrency: 1 }]
    })))

  it.effect("N8: tasks that have seceded count in no figure of load, which is never negative and ends at zero", () =>
    Effect.gen(function*() {
      const running = Effect.map(Scheduler.stats, ({ tasks, workers }) => {
        const load = workers.map((worker) => worker.running)
        assert.strictEqual(load.reduce((a, b) => a + b, 0), tasks.running)
        for (const each of load) assert.isAtLeast(each, 0)
        return tasks.running
      })
      const door = gate()
      const away = Task.make(Effect.andThen(Worker.secede, door.pass))
      const futures = yield* Client.submitAll(
        Array.from({ length: 10 }, (_, i) => Task.withOptions(away, { label: `${i}` }))
      )
      yield* door.arrived(10)
      assert.deepStrictEqual([yield* running, (yield* Scheduler.stats).tasks.seceded], [0, 10])
      const seen: Array<number> = []
      const look = Effect.map(running, (count) => seen.push(count))
      const busy = Effect.andThen(look, Effect.andThen(Worker.seceded(look), look))
      yield* Client.forEach(Array.from({ length: 100 }, (_, i) => i), () => busy)
      // Alone on its worker a body counts itself; while it is away, it does not.
      assert.isAtMost(Math.max(...seen), 2)
      assert.isAtLeast(Math.min(...seen), 0)
      yield* door.open
      yield* Future.joinAll(futures)
      assert.strictEqual(yield* running, 0)
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })))

  it.effect("C10, N3: a body that gives up waiting for an endless child on a full worker goes on when that has its end", () =>
    Effect.gen(function*() {
      const log: Log = []
      let endless: Future.Future<never, any> | undefined
      const parent = yield* Client.submit(Task.make(Effect.gen(function*() {
        endless = yield* Client.submit(Task.make(Effect.never))
        yield* Effect.timeoutOption(Future.join(endless), "1 second")
        log.push("goes on")
      })))
      yield* turns()
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual([log, yield* Future.status(parent)], [[], "rejoining"])
      yield* Future.cancel(endless!)
      yield* Future.join(parent)
      assert.deepStrictEqual(log, ["goes on"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N8, trap 6: a slot is free again when its holder is cancelled, and when it fails after it has seceded", () =>
    Effect.gen(function*() {
      const holder = yield* Client.submit(Task.make(Effect.never))
      yield* turns()
      assert.strictEqual((yield* Scheduler.stats).workers[0]!.running, 1)
      yield* Future.cancel(holder)
      assert.strictEqual((yield* Scheduler.stats).workers[0]!.running, 0)
      const failing = Task.make(Effect.andThen(Worker.secede, Effect.fail("no")))
      yield* Effect.exit(Client.compute(failing))
      assert.strictEqual((yield* Scheduler.stats).workers[0]!.running, 0)
      const parent = Task.make(Effect.andThen(Client.compute(Task.make(Effect.succeed(1))), Effect.fail("no")))
      yield* Effect.exit(Client.compute(parent))
      assert.strictEqual((yield* Scheduler.stats).workers[0]!.running, 0)
      assert.strictEqual(yield* Client.compute(Task.make(Effect.succeed(2))), 2)
    }).pipe(inScheduler({ concurrency: 1 })))
})

describe("stopping a body that goes on", () => {
  it.effect("C8: the abort signal of Effect.promise and Effect.tryPromise is aborted at the request to stop", () =>
    Effect.gen(function*() {
      const aborted: Array<string> = []
      const begun = gate()
      const listening = (name: string) => (signal: AbortSignal): Promise<never> =>
        new Promise(() => signal.addEventListener("abort", () => aborted.push(name)))
      const bodies = [
        Effect.promise(listening("promise")),
        Effect.tryPromise(listening("tryPromise"))
      ]
      yield* begun.open
      const futures = yield* Client.submitAll(bodies.map((body) => Task.make(Effect.andThen(begun.pass, body))))
      yield* begun.arrived(2)
      yield* turns()
      assert.deepStrictEqual(aborted, [])
      yield* Future.cancel(futures[0]!)
      assert.deepStrictEqual(aborted, ["promise"])
      yield* Future.cancel(futures[1]!)
      assert.deepStrictEqual(aborted, ["promise", "tryPromise"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("C8: a body that cannot be interrupted keeps its slot until it ends, and what is queued waits for that", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const stubborn = yield* Client.submit(
        Task.make(Effect.uninterruptible(Effect.andThen(door.pass, note(log, "end"))))
      )
      const queued = yield* Client.submit(Task.make(note(log, "queued")))
      yield* door.arrived(1)
      yield* Future.cancel(stubborn, { wait: false })
      yield* turns()
      assert.deepStrictEqual([yield* Future.status(stubborn), yield* Future.status(queued)], ["cancelled", "ready"])
      assert.strictEqual((yield* Scheduler.stats).workers[0]!.running, 1)
      yield* door.open
      yield* Future.join(queued)
      assert.deepStrictEqual(log, ["end", "queued"])
      assert.isTrue(Exit.isFailure(yield* Future.await(stubborn)))
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C8: a body that computes without a pause keeps its slot until it ends; a cancellation comes too late", () =>
    Effect.gen(function*() {
      let running = -1
      const future = yield* Client.submit(Task.make(
        Effect.flatMap(Scheduler.stats, ({ workers }) =>
          Effect.sync(() => {
            running = workers[0]!.running
            let sum = 0
            for (let i = 0; i < 100_000; i++) sum += i
            return sum
          }))
      ))
      const fiber = yield* Effect.forkChild(Future.cancel(future))
      assert.strictEqual(yield* Future.join(future), 4_999_950_000)
      yield* Fiber.join(fiber)
      assert.strictEqual(running, 1)
    }).pipe(inScheduler({ concurrency: 1 })))
})

const starvedBy = (exit: Exit.Exit<unknown, unknown>): Starved => {
  const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : undefined
  const reason = reasonIn(error?._tag === "Some" ? error.value : exit)
  assert.instanceOf(reason, Starved)
  return reason
}

const child = (key: string) => Task.make(Effect.as(Effect.yieldNow, key), { key })

type Body = Effect.Effect<unknown, any, any>

/** Every verb that waits, for children of the body that calls it. */
const waiting: Readonly<Record<string, Body>> = {
  "Future.join": Effect.flatMap(Client.submit(child("c")), Future.join),
  "Future.await": Effect.flatten(Effect.flatMap(Client.submit(child("c")), Future.await)),
  "Future.joinAll": Effect.flatMap(Client.submitAll([child("c"), child("d")]), Future.joinAll),
  "Future.awaitAll": Effect.flatMap(Client.submitAll([child("c"), child("d")]), Future.awaitAll),
  "Future.awaitFirst": Effect.flatMap(Client.submitAll([child("c")]), Future.awaitFirst),
  "Client.compute": Client.compute([child("c"), child("d")]),
  "Client.compute, continuing": Client.compute(child("c"), { mode: "continue" }),
  "Client.forEach": Client.forEach([1, 2], (n) => Effect.succeed(n)),
  "Client.awaitGroup": Effect.andThen(Client.fireAndForget(child("c")), Client.awaitGroup())
}

const verbs: Readonly<Record<string, (keepSlot: boolean) => Body>> = Object.fromEntries(
  Object.entries(waiting).map(([name, body]) => [name, (keepSlot: boolean) => keepSlot ? Worker.keepSlot(body) : body])
)

const inBody = (body: Body, options: Skein.Options) =>
  Effect.gen(function*() {
    const phases: Array<string> = []
    yield* Scheduler.listen(({ key, to }) => {
      if (key === "parent") phases.push(to)
    })
    const exit = yield* Effect.exit(
      Client.compute(Task.make(body, { key: "parent" })) as Effect.Effect<unknown, unknown, Client.Client>
    )
    // What was fired may still run: nobody waits for it.
    yield* Client.awaitGroup()
    return { exit, hasSeceded: phases.includes("seceded") }
  }).pipe(inScheduler(options))

describe("waits that keep their slot", () => {
  for (const [name, body] of Object.entries(verbs)) {
    it.effect(`N6: ${name} with keepSlot ends Starved on one slot, and keeps its slot where there are two`, () =>
      Effect.gen(function*() {
        const alone = yield* inBody(body(true), { concurrency: 1 })
        assert.deepStrictEqual(starvedBy(alone.exit).waits[0]?.[0], "parent")
        assert.isFalse(alone.hasSeceded)
        const together = yield* inBody(body(true), { concurrency: 2 })
        assert.isTrue(Exit.isSuccess(together.exit))
        assert.isFalse(together.hasSeceded)
        const without = yield* inBody(body(false), { concurrency: 1 })
        assert.isTrue(Exit.isSuccess(without.exit))
        assert.isTrue(without.hasSeceded)
      }))

    it.effect(`N6: outside a task keepSlot has no effect on ${name}`, () =>
      Effect.gen(function*() {
        assert.isTrue(Exit.isSuccess(yield* Effect.exit(body(true) as Effect.Effect<unknown, any, Client.Client>)))
      }).pipe(inScheduler({ concurrency: 1 })))
  }

  it.effect("N6: the region of a body is none of the bodies of its children, and one of its fibers", () =>
    Effect.gen(function*() {
      const seceded: Array<string> = []
      yield* Scheduler.listen(({ key, to }) => {
        if (to === "seceded") seceded.push(key)
      })
      const inner = Task.make(Client.compute(child("grandchild")), { key: "inner" })
      const outer = Task.make(
        Worker.keepSlot(Effect.scoped(Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(Client.compute(inner))
          return yield* Fiber.join(fiber)
        }))),
        { key: "outer" }
      )
      assert.strictEqual(yield* Client.compute(outer), "grandchild")
      assert.deepStrictEqual(seceded, ["inner"])
      yield* Client.compute(
        Task.make(Effect.andThen(Worker.keepSlot(Effect.void), Client.compute(child("x"))), { key: "left" })
      )
      assert.deepStrictEqual(seceded, ["inner", "left"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("N6: Starved says who waits for whom, and for whose slot", () =>
    Effect.gen(function*() {
      const { exit } = yield* inBody(verbs["Future.join"]!(true), { concurrency: 1 })
      const { message, waits } = starvedBy(exit)
      assert.deepStrictEqual(waits, [["parent", "c"], ["c", "parent", "slot"]])
      assert.strictEqual(
        message,
        "This wait keeps its slot and could never end: \"parent\" waits for \"c\", " +
          "\"c\" waits for the slot that \"parent\" keeps. Wait without Worker.keepSlot, or allow more slots."
      )
    }))

  it.effect("N6: a body that catches Starved may wait again and give its slot away", () =>
    Effect.gen(function*() {
      const parent = Task.make(Effect.gen(function*() {
        const future = yield* Client.submit(child("c"))
        return yield* Effect.catchReason(
          Worker.keepSlot(Future.join(future)),
          "SkeinError",
          "Starved",
          () => Future.join(future)
        )
      }))
      assert.strictEqual(yield* Client.compute(parent), "c")
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N6: two bodies that wait for each other are told so, whether they keep their slots or not", () =>
    Effect.gen(function*() {
      const futures: Record<string, Future.Future<any, any>> = {}
      const ready = gate()
      const waitFor = (key: string, keepSlot: boolean): Body =>
        Effect.andThen(
          ready.pass,
          Effect.suspend(() => keepSlot ? Worker.keepSlot(Future.join(futures[key]!)) : Future.join(futures[key]!))
        )
      futures["a"] = yield* Client.submit(Task.make(waitFor("b", true), { key: "a" }) as Fib)
      futures["b"] = yield* Client.submit(Task.make(waitFor("a", false), { key: "b" }) as Fib)
      yield* ready.arrived(2)
      yield* ready.open
      const exits = [yield* Future.await(futures["a"]), yield* Future.await(futures["b"])]
      assert.deepStrictEqual(starvedBy(exits[1]!).waits, [["b", "a"], ["a", "b"]])
      assert.isTrue(Exit.isFailure(exits[0]!))
    }).pipe(inScheduler({ concurrency: 4 })))

  for (const slots of [1, 2, 5]) {
    it.effect(`N6: of ${slots} parents that keep all slots one is starved, and the others end`, () =>
      Effect.gen(function*() {
        const parents = Array.from(
          { length: slots },
          (_, i) => Task.make(Worker.keepSlot(Client.compute(child(`child${i}`))), { key: `parent${i}` })
        )
        const exits = yield* Client.compute(parents, { mode: "collect" })
        const failed = exits.filter(Exit.isFailure)
        assert.lengthOf(failed, 1)
        const { waits } = starvedBy(failed[0]!)
        assert.lengthOf(waits.filter(([, , of]) => of === "slot"), slots)
      }).pipe(inScheduler({ concurrency: slots })))
  }

  it.effect("N6: bodies that give their slots away are no hindrance to one that keeps its own", () =>
    Effect.gen(function*() {
      const inner = Task.make(Client.compute([child("x"), child("y")]), { key: "inner" })
      const keeper = Task.make(Worker.keepSlot(Client.compute(inner)), { key: "keeper" })
      const others = ["o1", "o2", "o3"].map((key) => Task.make(Client.compute(child(`${key}'s`)), { key }))
      assert.deepStrictEqual(yield* Client.compute([keeper, ...others]), [["x", "y"], "o1's", "o2's", "o3's"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("N6: what waits to take its slot again on the worker of a keeper is not helped by a free worker", () =>
    Effect.gen(function*() {
      const away = gate()
      const busy = gate()
      const rejoiner = yield* Client.submit(
        Task.make(Effect.as(Worker.seceded(away.pass), "back"), { key: "rejoiner" })
      )
      yield* away.arrived(1)
      const keeper = yield* Client.submit(Task.make(Worker.keepSlot(Future.join(rejoiner)), { key: "keeper" }))
      const other = yield* Client.submit(Task.make(busy.pass, { key: "other" }))
      yield* busy.arrived(1)
      const workers = yield* Effect.forEach([rejoiner, keeper, other], Future.metadata)
      assert.deepStrictEqual(workers.map(({ worker }) => worker), ["a", "a", "b"])
      yield* busy.open
      yield* Future.join(other)
      yield* away.open
      assert.deepStrictEqual(starvedBy(yield* Future.await(keeper)).waits, [
        ["keeper", "rejoiner"],
        ["rejoiner", "keeper", "slot"]
      ])
      assert.strictEqual(yield* Future.join(rejoiner), "back")
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })))

  it.effect("N6: a time limit is no progress: Starved comes at once", () =>
    Effect.gen(function*() {
      const body = Effect.flatMap(
        Client.submit(child("c")),
        (future) => Effect.timeout(Worker.keepSlot(Future.join(future)), "1 hour")
      )
      const before = yield* Clock.currentTimeMillis
      const exit = yield* Effect.exit(
        Client.compute(Task.make(body, { timeout: "1 day", key: "parent" })) as Effect.Effect<
          unknown,
          unknown,
          Client.Client
        >
      )
      assert.lengthOf(starvedBy(exit).waits, 2)
      assert.strictEqual(yield* Clock.currentTimeMillis, before)
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("N6, C10: a wait that keeps its slot may be given up, and its body goes on in that slot", () =>
    Effect.gen(function*() {
      const door = gate()
      const body = Effect.gen(function*() {
        const future = yield* Client.submit(Task.make(door.pass, { key: "c" }))
        const waiting = yield* Effect.forkChild(Worker.keepSlot(Future.join(future)), { startImmediately: true })
        yield* door.arrived(1)
        assert.strictEqual((yield* Scheduler.stats).workers[0]!.running, 2)
        yield* Fiber.interrupt(waiting)
        yield* door.open
        yield* Worker.keepSlot(Future.join(future))
        return (yield* Scheduler.stats).workers[0]!.running
      })
      assert.strictEqual(yield* Client.compute(Task.make(body)), 1)
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("N6: a computation that fails gives the slot away while what it stops ends", () =>
    Effect.gen(function*() {
      const statuses: Array<string> = []
      const door = gate()
      const slow = Task.make(Effect.onInterrupt(Effect.andThen(door.pass, Effect.never), () => turns()))
      const failing = Task.make(Effect.andThen(door.arrived(1), Effect.fail("no")))
      yield* Scheduler.listen(({ key, to }) => {
        if (key === "parent") statuses.push(to)
      })
      const parent = Task.make(Effect.exit(Worker.keepSlot(Client.compute([slow, failing]))), { key: "parent" })
      yield* Client.compute(parent)
      assert.deepStrictEqual(statuses.slice(3), ["running", "seceded", "rejoining", "running", "succeeded", "released"])
    }).pipe(inScheduler({ concurrency: 3 })))

  it.effect("V11: explain tells a body that keeps its slot in a wait, and a dump shows it", () =>
    Effect.gen(function*() {
      const door = gate()
      const future = yield* Client.submit(Task.make(door.pass, { key: "c" }))
      const parent = yield* Client.submit(Task.make(Worker.keepSlot(Future.join(future)), { key: "parent" }))
      yield* door.arrived(1)
      yield* turns()
      assert.deepStrictEqual((yield* explanationOf("parent"))?.because, {
        _tag: "KeepsSlot",
        worker: "local",
        waitsFor: ["c"]
      })
      const { waits } = yield* Scheduler.dump
      assert.isTrue(waits.some(({ keepsSlot, waiter }) => keepsSlot === true && waiter === "parent"))
      yield* door.open
      yield* Future.join(parent)
    }).pipe(inScheduler({ concurrency: 2 })))
})

type Endless = Task.Task<unknown, any, Client.Client>

/** Ways in which a body without a base case launches two of its kind. */
const endlessly: Readonly<Record<string, (next: () => Endless) => Body>> = {
  "submit, submit, join the first": (next) =>
    Effect.gen(function*() {
      const first = yield* Client.submit(next())
      yield* Client.submit(next())
      yield* Future.join(first)
    }),
  "submit, submit, join the second": (next) =>
    Effect.gen(function*() {
      yield* Client.submit(next())
      yield* Future.join(yield* Client.submit(next()))
    }),
  "submitAll and awaitAll": (next) =>
    Effect.flatMap(Client.submitAll([next(), next()]), (futures) => Future.awaitAll(futures)),
  compute: (next) => Client.compute([next(), next()]),
  "compute and collect": (next) => Client.compute([next(), next()], { mode: "collect" }),
  "compute and catch, twice": (next) =>
    Effect.andThen(Effect.exit(Client.compute(next())), Effect.exit(Client.compute(next()))),
  "map and collect": (next) => Client.forEach([1, 2], () => Client.compute(next()) as Body, { mode: "collect" }),
  "fire and fire": (next) => Effect.andThen(Client.fireAndForget(next()), Client.fireAndForget(next()))
}

describe("a recursion without a base case", () => {
  const nesting = 100
  const inSmallScheduler = (concurrency: number) => <A, E, R>(program: Effect.Effect<A, E, R>) =>
    Effect.provideService(program, References.MinimumLogLevel, "None").pipe(
      inQuietScheduler({ concurrency, limits: { nesting, unfolding: nesting, refusals: 20 } })
    )

  /**
   * For each of the two calls of the first body, which count separately: a chain down to the limit for each slot with a sibling
   * at each level, and some for the refusals.
   */
  const enoughFor = (concurrency: number): number => 2 * (2 + 2 * concurrency) * nesting

  for (const concurrency of [1, 2, 8]) {
    const enough = enoughFor(concurrency)

    for (const [name, launch] of Object.entries(endlessly)) {
      it.effect(`N7: by ${name} on ${concurrency} slots it ends after some tasks for each level`, () =>
        Effect.gen(function*() {
          let runs = 0
          // It ends in any case, so that the test does.
          const next = (): Endless => Task.make(Effect.suspend(() => ++runs > 2 * enough ? Effect.void : launch(next)))
          yield* Effect.exit(Client.compute(next()))
          yield* turns(enough)
          // Each run of "map" goes two levels deeper.
          assert.isAtLeast(runs, nesting / 2)
          assert.isAtMost(runs, enough)
        }).pipe(inSmallScheduler(concurrency)))
    }

    it.effect(`N7: by flatMap tasks of which the exits are taken, on ${concurrency} slots, it ends likewise`, () =>
      Effect.gen(function*() {
        let runs = 0
        const next = (): Task.Task<number, any> =>
          Task.flatMap([], () =>
            ++runs > 2 * enough
              ? Task.succeed(0)
              : Task.map([Task.exit(next()), Task.exit(next())], (exits) => exits.length))
        yield* Client.compute(next())
        assert.isAtLeast(runs, nesting)
        assert.isAtMost(runs, enough)
      }).pipe(inSmallScheduler(concurrency)))
  }

  it.effect("N7: it tells its limit and how often it came to that, and an unrelated request of its parent goes on", () =>
    Effect.gen(function*() {
      const next = (): Endless => Task.make(Effect.suspend(() => endlessly["submit, submit, join the first"]!(next)))
      const server = Task.make(Effect.gen(function*() {
        const before = yield* Client.submit(idioms["submit and join"]!(8))
        const error = yield* Effect.flip(Effect.flatMap(Client.submit(next()), Future.join))
        const after = yield* Client.submit(idioms["compute in a body"]!(8))
        return [error.message, yield* Future.join(before), yield* Future.join(after)] as const
      }))
      const [message, before, after] = yield* Client.compute(server)
      assert.strictEqual(
        message,
        "Bodies submit tasks from inside bodies too deep (limit 100), 20 times in one recursion, which launches nothing " +
          "more. Check that the recursion ends, or raise limits.nesting of the layer."
      )
      assert.deepStrictEqual([before, after], [21, 21])
    }).pipe(inSmallScheduler(2)))
})
