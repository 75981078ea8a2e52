import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Portable from "skein/Portable"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { InterruptSweep, Leftovers } from "skein/testing"
import * as Worker from "skein/Worker"
import type { SchedulerCore } from "../../src/internal/driver/schedulerCore.ts"
import { Pieces } from "../../src/internal/settings/turn.ts"
import { leftovers } from "../../src/testing/internal/leftovers.ts"
import { eachStep } from "../../src/testing/internal/rails.ts"
import { longOr } from "../long.ts"
import { elsewhere } from "./elsewhere.ts"

const brief = (n: number) => Effect.as(Effect.yieldNow, n)
const lasting = (n: number) => Effect.as(Effect.sleep(5), n)
const one = (n: number) => Task.make(brief(n))
const slow = (n: number) => Task.make(lasting(n))
const reluctant = () => Task.make(Effect.ensuring(Effect.never, Effect.andThen(Effect.yieldNow, Effect.sleep(3))))
const failing = () => Task.make(Effect.andThen(Effect.yieldNow, Effect.fail("no" as const)))

/** a -> b, c -> all */
const diamond = () => {
  const a = one(1)
  const b = Task.map({ a }, ({ a }) => a + 1)
  const c = Task.make({ a }, ({ a }) => Effect.as(Effect.yieldNow, a + 2))
  return Task.all([b, c])
}

const submitted = <A, E, R, B, E2, R2>(
  task: Task.Task<A, E, R>,
  f: (future: Future.Future<A, E>) => Effect.Effect<B, E2, R2>
) => Effect.scoped(Effect.flatMap(Client.submit(task), f))

const inTask = <A, E, R>(body: Effect.Effect<A, E, R>) => Client.compute(Task.make(body))

/** The first submission for a scope, at the first event of which a listener does this. */
const heard = (act: (scope: Scope.Closeable) => Effect.Effect<unknown, unknown, Client.Client | Scope.Scope>) =>
  Effect.scoped(Effect.gen(function*() {
    const scope = yield* Effect.acquireRelease(Scope.make(), Scope.close)
    const run = Effect.runForkWith(Context.add(yield* Effect.context<Client.Client>(), Scope.Scope, scope))
    let isFirst = true
    yield* Scheduler.listen(() => {
      if (!isFirst) return
      isFirst = false
      run(act(scope))
    })
    return yield* Scope.provide(Client.submit(slow(1)), scope)
  }))

const verbs: Readonly<Record<string, Effect.Effect<unknown, unknown, Client.Client | Scheduler.Scheduler>>> = {
  "submit": submitted(diamond(), () => Effect.void),
  "submitAll": Effect.scoped(Client.submitAll([diamond(), slow(1), failing()])),
  "submit while a listener submits for the scope": heard(() => Client.submit(reluctant())),
  "submit while a listener closes the scope": heard((scope) => Scope.close(scope, Exit.void)),
  "compute": Client.compute(diamond()),
  "compute, failing": Client.compute([diamond(), failing()]),
  "compute, continuing": Client.compute([diamond(), failing(), failing()], { mode: "continue" }),
  "compute, collecting": Client.compute([diamond(), failing()], { mode: "collect" }),
  "compute of a flatMap": Client.compute(Task.flatMap([one(1)], ([n]) => one(n + 1))),
  "compute with a retry": Client.compute(Task.withOptions(slow(1), { timeout: 2, deadline: 50 })),
  "forEach of some at once": Client.forEach([one(1), 2, slow(3)], (n) => Effect.as(Effect.sleep(1), n), {
    concurrency: 2
  }),
  "forEach of some at once, discarding, failing": Client.forEach(
    [1, 2, 3],
    (n) => n === 2 ? Effect.fail("no" as const) : Effect.sleep(n),
    { concurrency: 1, discard: true, mode: "continue" }
  ),
  "forEach of one at once inside a task": inTask(
    Client.forEach([1, 2], (n) => Client.forEach([n, n], () => Effect.yieldNow, { concurrency: 1 }), { concurrency: 1 })
  ),
  "stream": Stream.runDrain(Client.stream([1, 2, 3], brief, { outstanding: 2 })),
  "stream, unordered, of tasks": Stream.runDrain(
    Client.stream([diamond(), slow(1), failing()], { outstanding: 2, unordered: true, mode: "collect" })
  ),
  "stream, in batches, of a source that comes later": Stream.runDrain(
    Client.stream(Stream.fromEffectRepeat(Effect.as(Effect.sleep(1), 1)).pipe(Stream.take(3)), brief, { batch: 2 })
  ),
  "stream that is closed early": Stream.runDrain(Stream.take(Client.stream([1, 2, 3, 4], lasting), 2)),
  "stream inside a task": inTask(Stream.runDrain(Client.stream([1, 2, 3], lasting, { outstanding: 2 }))),
  "stream of a source that comes later, inside a task": inTask(
    Stream.runDrain(Client.stream(Stream.tap(Stream.make(1, 2), () => Effect.sleep(1)), lasting, { outstanding: 1 }))
  ),
  "join": submitted(diamond(), Future.join),
  "await of a failure": submitted(failing(), Future.await),
  "joinAll": Effect.scoped(Effect.flatMap(Client.submitAll([one(1), slow(2)]), Future.joinAll)),
  "joinAll, failing": Effect.scoped(Effect.flatMap(Client.submitAll([slow(1), failing()]), Future.joinAll)),
  "wait for the first": Effect.scoped(
    Effect.flatMap(Client.submitAll([slow(1), one(2)]), (futures) => Future.awaitFirst(futures))
  ),
  "cancel": submitted(reluctant(), (future) => Future.cancel(future)),
  "cancel without waiting": submitted(reluctant(), (future) => Future.cancel(future, { wait: false })),
  "cancel by force": submitted(diamond(), (future) => Future.cancel(future, { force: true })),
  "replace": submitted(
    Task.withOptions(reluctant(), { key: "k" }),
    () => Client.compute(Task.withOptions(slow(1), { key: "k" }), { conflict: "replace" })
  ),
  "replace a replacement": submitted(
    Task.withOptions(reluctant(), { key: "k" }),
    () =>
      Effect.scoped(Effect.andThen(
        Client.submit(Task.withOptions(reluctant(), { key: "k" }), { conflict: "replace" }),
        Client.compute(Task.withOptions(one(1), { key: "k" }), { conflict: "replace" })
      ))
  ),
  "compute under a rate": Effect.andThen(
    Scheduler.limitTag("sweep", { rate: { starts: 1, per: 3 } }),
    Client.compute([1, 2, 3].map(() => Task.withOptions(one(1), { tags: ["sweep"] })))
  ),
  "compute in a pause": Effect.andThen(Scheduler.pause({ for: 3 }), Client.compute(diamond())),
  "a body that pauses and resumes": inTask(
    Effect.andThen(
      Scheduler.pause(),
      Effect.andThen(Effect.sleep(1), Effect.andThen(Scheduler.resume(), Client.compute(one(1))))
    )
  ),
  "release": submitted(reluctant(), Future.release),
  "keep": Effect.scoped(submitted(one(1), (future) => Effect.flatMap(Future.keep(future), Future.join))),
  "retry": submitted(
    Task.all([diamond(), failing()]),
    (old) => Effect.andThen(Future.await(old), Effect.flatMap(Client.retry(old), Future.await))
  ),
  "retry of a task that is cancelled": submitted(
    Task.map(reluctant(), () => 1),
    (old) => Effect.andThen(Future.cancel(old, { wait: false }), Effect.andThen(Client.retry(old), Effect.sleep(1)))
  ),
  "rerunInline": submitted(
    Task.make(diamond(), () => Effect.andThen(Effect.sleep(1), Effect.fail("no" as const))),
    (old) => Effect.andThen(Future.await(old), Effect.exit(Future.rerunInline(old)))
  ),
  "scope close": Effect.scoped(Effect.andThen(Client.submit(reluctant()), Effect.yieldNow)),
  "scope close of a diamond": Effect.scoped(Effect.andThen(Client.submit(diamond()), Effect.sleep(1))),
  "addWorker": Effect.scoped(
    Effect.andThen(Scheduler.addWorker({ id: "more", concurrency: 1 }), Client.compute([slow(1), slow(2), slow(3)]))
  ),
  "compute inside a task": inTask(Client.compute([one(1), one(2), one(3)])),
  "submit and join inside a task": inTask(Effect.flatMap(Client.submit(slow(1)), Future.join)),
  "a join that is given up inside a task": inTask(
    Effect.flatMap(Client.submit(slow(1)), (future) => Effect.timeoutOption(Future.join(future), 2))
  ),
  "two joins at once inside a task": inTask(
    Effect.flatMap(
      Client.submitAll([slow(1), one(2)]),
      (futures) => Effect.all(futures.map(Future.join), { concurrency: 2 })
    )
  ),
  "cancel inside a task": inTask(Effect.flatMap(Client.submit(reluctant()), (future) => Future.cancel(future))),
  "retry inside a task": inTask(
    submitted(
      Task.all([slow(1), failing()]),
      (old) => Effect.andThen(Future.await(old), Effect.flatMap(Client.retry(old), Future.await))
    )
  ),
  "rerunInline inside a task": inTask(
    submitted(
      Task.make(slow(1), () => Worker.seceded(Effect.andThen(Effect.yieldNow, Effect.fail("no" as const)))),
      (old) => Effect.andThen(Future.await(old), Effect.exit(Future.rerunInline(old)))
    )
  ),
  "secede": inTask(Worker.seceded(Effect.sleep(2))),
  "secede and rejoin by hand": inTask(Effect.andThen(Worker.secede, Effect.andThen(Effect.yieldNow, Worker.rejoin)))
}

/** Bodies that count as at work until their finalizers, which take time, have run. */
class Alive {
  readonly names = new Set<string>()
  private readonly waiting = new Set<() => void>()

  body(name: string): Effect.Effect<never> {
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        this.names.add(name)
        for (const look of this.waiting) look()
      }),
      () => Effect.never,
      () => Effect.andThen(Effect.sleep(3), Effect.sync(() => this.names.delete(name)))
    )
  }

  /** Returns when these are at work. Nothing polls: on ports, messages come when nothing else can run. */
  started(...names: ReadonlyArray<string>): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const look = (): void => {
        if (names.every((name) => this.names.has(name))) resume(Effect.void)
      }
      this.waiting.add(look)
      look()
      return Effect.sync(() => this.waiting.delete(look))
    })
  }
}

type Closing = (alive: Alive) => Effect.Effect<unknown, unknown, Client.Client | Scheduler.Scheduler>

/** Dies if a body still runs when the effect is over. */
const watched = (verb: Closing) =>
  Effect.suspend(() => {
    const alive = new Alive()
    return Effect.onExit(verb(alive), () =>
      Effect.suspend(() =>
        alive.names.size === 0 ? Effect.void : Effect.die(`${[...alive.names].join()} still runs`)
      ))
  })

/** A set that is met while a member is at work. */
const sets = (alive: Alive) => {
  const members = [one(1), Task.make(alive.body("slow"))] as const
  return {
    any: Dependency.any(members),
    atLeast: Dependency.atLeast(2, [one(2), ...members]),
    rule: Dependency.rule("oneSuccess", members)
  }
}

/** Operations that end while what they stop keeps other tasks at work. */
const closing: Readonly<Record<string, Closing>> = {
  "a compute that runs out of time, with any as input": (alive) =>
    Effect.timeoutOption(Client.compute(Task.make({ some: sets(alive).any }, () => alive.body("body"))), 4),
  "a scope, with atLeast in after": (alive) =>
    Effect.scoped(Effect.andThen(
      Client.submit(Task.make(alive.body("body"), { after: sets(alive).atLeast })),
      alive.started("slow", "body")
    )),
  "a cancel, with a rule to follow": (alive) =>
    submitted(
      Task.make(alive.body("body"), { follow: sets(alive).rule }),
      (future) =>
        Effect.andThen(
          alive.started("slow", "body"),
          Effect.andThen(Future.cancel(future), Effect.sync(() => assert.strictEqual(alive.names.size, 0)))
        )
    ),
  "a compute in a body, with a set of a set": (alive) => {
    const inner = Task.exit(Task.make({ some: sets(alive).any }, () => alive.body("inner")))
    const outer = Task.make({ some: Dependency.any([one(3), inner]) }, () => alive.body("outer"))
    return inTask(Effect.timeoutOption(Client.compute(outer), 4))
  },
  "a scope of which another owner stops something by force": (alive) =>
    Effect.scoped(Effect.gen(function*() {
      const scope = yield* Effect.acquireRelease(Scope.make(), Scope.close)
      const tasks = [Task.make(alive.body("shared")), Task.make(alive.body("beside"))] as const
      const [shared] = yield* Client.submitAll(tasks).pipe(Scope.provide(scope))
      const kept = yield* Future.keep(shared)
      yield* alive.started("shared", "beside")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* Future.cancel(kept, { force: true, wait: false })
      yield* Fiber.join(closing)
      assert.strictEqual(alive.names.size, 0)
    })),
  "a compute in which a dependency runs again": (alive) => {
    let runs = 0
    const dependency = Task.make(Effect.suspend(() => runs++ === 0 ? Effect.succeed(1) : alive.body("again")))
    const missing = Task.make(
      { dependency },
      () => Effect.andThen(alive.started("other"), Worker.dependenciesLost(dependency))
    )
    const other = Task.make({ dependency }, () => alive.body("other"))
    return Effect.timeoutOption(Client.compute([missing, other]), 6)
  }
}

describe("interrupt sweeps", () => {
  for (const concurrency of longOr([1, 2], [2])) {
    for (const [name, effect] of Object.entries(verbs)) {
      it.live(`T5: ${name} on ${concurrency === 1 ? "one slot" : "two slots"} leaves everything whole wherever it is interrupted`, () =>
        Effect.gen(function*() {
          const { points } = yield* InterruptSweep.run(effect, {
            layer: Skein.layer({ concurrency }),
            check: () => Leftovers.assertNone,
            ...longOr({}, { budgets: [5] })
          })
          assert.isAbove(points, 5)
        }))
    }
  }

  for (const [name, verb] of Object.entries(closing)) {
    it.live(`T5, C4: when ${name} is over, nothing of it runs on, wherever it is interrupted`, () =>
      Effect.gen(function*() {
        const { points } = yield* InterruptSweep.run(watched(verb), {
          layer: Skein.layer({ concurrency: 4 }),
          check: (exit) =>
            Exit.isFailure(exit) && Cause.hasDies(exit.cause)
              ? Effect.fail(Cause.squash(exit.cause))
              : Leftovers.assertNone,
          budgets: [3, 7]
        })
        assert.isAbove(points, 5)
      }))
  }

  const Part = Portable.make("Part", { payload: Schema.Number, success: Schema.Number })
  const Whole = Portable.make("Whole", { payload: Schema.Number, success: Schema.Number })
  const parts = Layer.provideMerge(
    Whole.toLayer((n) =>
      Effect.gen(function*() {
        const [here, there, both] = yield* Client.compute([slow(n), Part(n), Task.make(Client.compute(Part(n + 1)))])
        return yield* Effect.map(brief(here + there), (sum) => sum + both)
      }).pipe(Effect.orDie)
    ),
    Part.toLayer((n) => Effect.ensuring(lasting(n), Effect.yieldNow))
  )

  for (
    const [memory, shares] of longOr(
      [["shared words", true], ["messages alone", false]] as const,
      [["messages alone", false]] as const
    )
  ) {
    it.live(`T5, N1: a body elsewhere that computes functions and named tasks leaves both sides whole, with ${memory}`, () => {
      const nested = new Set<SchedulerCore>()
      const layer = elsewhere([Whole, Part], parts, {
        here: Skein.layer({ concurrency: 1 }),
        workers: 1,
        isStepped: true,
        shares,
        nested: (scheduler) => nested.add(scheduler)
      })
      return Effect.gen(function*() {
        const { points } = yield* InterruptSweep.run(Client.compute(Whole(3)), {
          layer,
          check: () =>
            Effect.gen(function*() {
              // The slot is free, and nothing holds it.
              assert.strictEqual(yield* Client.compute(Part(1)), 1)
              yield* Leftovers.assertNone
              assert.deepStrictEqual([...nested].flatMap(leftovers), [])
              nested.clear()
            }),
          budgets: longOr([4], [7])
        })
        assert.isAbove(points, 50)
      })
    })
  }

  it.live("T5: a scheduler that is closed at any point leaves nothing running", () => {
    let running = 0
    const counted = Task.make(
      Effect.acquireUseRelease(Effect.sync(() => running++), () => Effect.sleep(3), () => Effect.sync(() => running--))
    )
    const program = Effect.provide(Client.compute([counted, counted, diamond()]), Skein.layer({ concurrency: 2 }), {
      local: true
    })
    return Effect.asVoid(InterruptSweep.run(program, {
      check: () => Effect.sync(() => assert.strictEqual(running, 0))
    }))
  })

  for (
    const [name, program] of Object.entries({
      "submitAll": Effect.scoped(Client.submitAll([diamond(), slow(1)])),
      "compute": Client.compute(diamond()),
      "fireAndForget": Effect.andThen(Client.fireAndForget(diamond()), Client.awaitGroup()),
      "compute inside a task": inTask(Client.compute(diamond()))
    })
  ) {
    it.live(`T5, G15: ${name} in turns is interrupted between any two of them, and leaves nothing`, () => {
      const shared = Task.withOptions(one(1), { key: "shared" })
      const beside = Effect.forkChild(Client.compute(Task.all([shared, one(2)])))
      return Effect.asVoid(InterruptSweep.run(Effect.andThen(beside, program), {
        layer: Layer.provide(Skein.layer({ concurrency: 1 }), Layer.succeed(Pieces, eachStep)),
        check: () => Effect.andThen(Client.awaitGroup(), Leftovers.assertNone),
        budgets: [3]
      }))
    })
  }

  it.live("T5: a program beside others is interrupted, and the others get what they asked for", () => {
    const shared = Task.withOptions(slow(1), { key: "shared" })
    const victim = Client.compute(Task.all([shared, slow(2)]))
    const both = Effect.gen(function*() {
      const other = yield* Effect.forkChild(Client.compute(shared))
      yield* Effect.onInterrupt(victim, () => Effect.map(Fiber.join(other), (n) => assert.strictEqual(n, 1)))
    })
    return Effect.asVoid(InterruptSweep.run(both, {
      layer: Skein.layer({ concurrency: 2 }),
      check: () => Leftovers.assertNone
    }))
  })

  it.live("T5: a sweep finds the one point at which something is lost, and names it", () =>
    Effect.gen(function*() {
      let open = 0
      const careless = Effect.andThen(
        Effect.sync(() => open++),
        Effect.andThen(Effect.yieldNow, Effect.ensuring(Effect.yieldNow, Effect.sync(() => open--)))
      )
      const failed = yield* Effect.flip(InterruptSweep.run(careless, {
        check: () => Effect.suspend(() => open === 0 ? Effect.void : Effect.fail("left open"))
      }))
      assert.include(failed.message, "left open")
      assert.isDefined(failed.point)
    }))

  it.live("T5: an effect that never ends once it is interrupted is found", () =>
    Effect.gen(function*() {
      const stuck = Effect.onInterrupt(Effect.sleep(1), () => Effect.never)
      const failed = yield* Effect.flip(InterruptSweep.run(stuck, { check: () => Effect.void }))
      assert.include(failed.message, "nothing can run")
    }))

  it.live("the check learns how the effect ended", () =>
    Effect.gen(function*() {
      const ends = new Set<string>()
      yield* InterruptSweep.run(Effect.as(Effect.yieldNow, 1), {
        check: (exit) => Effect.sync(() => ends.add(Exit.isSuccess(exit) ? `${exit.value}` : "interrupted"))
      })
      assert.deepStrictEqual([...ends].sort(), ["1", "interrupted"])
    }))
})
