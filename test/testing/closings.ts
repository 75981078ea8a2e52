/** Random programs whose owners end while members of sets that were met without them are at work: nothing runs on after that. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import type * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { type Chance, Faults } from "skein/testing"
import * as Worker from "skein/Worker"

type Made = Task.Task<unknown, any, any>

/** Who is at work for each owner, its finalizers included. */
class Alive {
  readonly names = new Set<string>()
  private next = 1

  body<A, E, R>(effect: Effect.Effect<A, E, R>, finalizer: Effect.Effect<void>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const name = `body ${this.next++}`
      return Effect.acquireUseRelease(
        Effect.sync(() => this.names.add(name)),
        () => effect,
        () => Effect.andThen(finalizer, Effect.sync(() => this.names.delete(name)))
      )
    })
  }

  /** What still ran when it had to be over. Whoever waits may look at no cause, so it is kept until the end. */
  private readonly found: Array<string> = []

  readonly assertNone = Effect.suspend(() => {
    if (this.names.size > 0) this.found.push(`${[...this.names].join()} still runs`)
    return this.found.length === 0 ? Effect.void : Effect.die(this.found.join("; "))
  })
}

const pauseOf = (chance: Chance.Chance): Effect.Effect<void> =>
  chance.pick<Effect.Effect<void>>([Effect.void, Effect.yieldNow, Effect.sleep(0.75), Effect.sleep(2.5)])

/** A task that starts while some of what it depends on is at work. */
const grow = (chance: Chance.Chance, alive: Alive, depth: number): Made => {
  const finalizer = pauseOf(chance)
  const work = alive.body(
    Effect.andThen(pauseOf(chance), chance.with(0.7) ? Effect.never : Effect.sleep(3)),
    finalizer
  )
  if (depth === 0) return Task.make(work)
  const quick = Task.make(pauseOf(chance))
  const below = Array.from({ length: chance.between(1, 2) }, () => grow(chance, alive, depth - 1))
  const members = [quick, ...below]
  const some = chance.pick<Dependency.Dependency<any, any, any, any>>([
    Dependency.any(members),
    Dependency.any(members, { losers: "cancel" }),
    Dependency.atLeast(1, members, { on: "completion" }),
    Dependency.rule("oneSuccess", members)
  ])
  const child = grow(chance, alive, depth - 1)
  let misses = chance.with(0.3) ? 1 : 0
  const body = Effect.suspend((): Effect.Effect<unknown, any, any> =>
    misses-- > 0 ? Effect.andThen(Effect.sleep(1), Worker.dependenciesLost(quick)) : work
  )
  return chance.pick<() => Made>([
    () => Task.make({ some }, () => body),
    () => Task.make(work, { after: some }),
    () => Task.make(work, { follow: some }),
    () => Task.make(Effect.andThen(Client.submit(child), work), { after: some }),
    () => Task.make({ some }, () => work, { timeout: 3.5 }),
    () => Task.flatMap({ some }, () => child)
  ])()
}

/** Closed in any case, also if the program is interrupted before it closes it itself. */
const scopeOfItsOwn = Effect.acquireRelease(Scope.make(), Scope.close)

type Way = (
  tasks: ReadonlyArray<Made>,
  alive: Alive
) => Effect.Effect<unknown, unknown, Client.Client | Scheduler.Scheduler>

const waysOf = (chance: Chance.Chance): ReadonlyArray<Way> => {
  const millis = chance.between(0, 6) + 0.5
  const bad = Task.make(Effect.andThen(Effect.sleep(millis), Effect.fail("bad")))
  const wait = chance.with(0.5)
  const dependentOn = chance.pick<(future: Future.Future<unknown, any>) => Made>([
    (future) => Task.make({ future }, () => Effect.void),
    (future) => Task.make({ future }, () => Effect.void, { deadline: millis }),
    (future) => Task.make({ future, bad }, () => Effect.void),
    (future) => Task.make({ future }, () => Effect.void, { after: bad })
  ])
  const letGo = chance.pick<
    (future: Future.Future<unknown, any>) => Effect.Effect<unknown, never, Client.Client | Scheduler.Scheduler>
  >([
    Future.release,
    (future) => Future.cancel(future, { wait: false }),
    (future) => Future.settle(future, Exit.fail("settled")),
    (future) => Future.settle(future, Exit.succeed("settled")),
    Future.await,
    () => Effect.void
  ])
  return [
    (tasks) => Effect.timeoutOption(Client.compute(tasks), millis),
    (tasks) => Client.compute([...tasks, bad]),
    (tasks) => Effect.scoped(Effect.andThen(Client.submitAll(tasks), Effect.sleep(millis))),
    (tasks) => Client.compute(Task.make(Effect.andThen(Client.submitAll(tasks), Effect.sleep(millis)))),
    // Losers of a set that stopped before are awaited by the close alone.
    (tasks) =>
      Effect.scoped(Effect.gen(function*() {
        const futures = yield* Client.submitAll(tasks)
        yield* Effect.sleep(millis)
        yield* Effect.forEach(futures, (future) => Future.cancel(future), { concurrency: "unbounded" })
      })),
    // Another owner stops some of it by force while the first one closes.
    (tasks, alive) =>
      Effect.scoped(Effect.gen(function*() {
        const scope = yield* scopeOfItsOwn
        const futures = yield* Client.submitAll(tasks).pipe(Scope.provide(scope))
        const kept = yield* Effect.forEach(futures.slice(0, 1), (future) => Future.keep(future))
        yield* Effect.sleep(millis)
        yield* Effect.forEach(kept, (future) => Future.cancel(future, { force: true, wait }))
        yield* Scope.close(scope, Exit.void)
        yield* alive.assertNone
      })),
    // Dependents of another scope keep the tasks until after the scope of the tasks has closed.
    (tasks, alive) =>
      Effect.scoped(Effect.gen(function*() {
        const [first, second] = [yield* scopeOfItsOwn, yield* scopeOfItsOwn]
        const futures = yield* Client.submitAll(tasks).pipe(Scope.provide(first))
        const above = futures.map((future) => dependentOn(future))
        const dependents = yield* Client.submitAll(above).pipe(Scope.provide(second))
        yield* Scope.close(first, Exit.void)
        yield* Effect.sleep(wait ? 1 : millis + 0.25)
        yield* Effect.forEach(dependents, letGo, { concurrency: "unbounded" })
        yield* Scope.close(second, Exit.void)
        yield* alive.assertNone
      }))
  ]
}

/** No worker vanishes: nobody but the layer waits for what a lost body had submitted. */
export const closingFaults: Faults.Faults = { ...Faults.usual, vanish: 0 }

/** A program of some owners, one after the other, which dies if anything still runs when one of them is over. */
export const randomClosings = (
  chance: Chance.Chance
): Effect.Effect<void, never, Client.Client | Scheduler.Scheduler> => {
  const rounds = Array.from({ length: chance.between(1, 3) }, () => {
    const alive = new Alive()
    const tasks = Array.from({ length: chance.between(1, 2) }, () => grow(chance, alive, chance.between(0, 3)))
    const way = chance.pick(waysOf(chance) as [Way, ...Array<Way>])
    return Effect.andThen(Effect.timeoutOption(Effect.exit(way(tasks, alive)), 200), alive.assertNone)
  })
  return Effect.asVoid(Effect.forEach(rounds, (round) => round, { discard: true })) as never
}
