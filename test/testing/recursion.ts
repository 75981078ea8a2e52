/** Random recursive programs: bodies that launch bodies in every way there is, and cancellations in the midst of it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { type Chance, Faults, Leftovers } from "skein/testing"
import * as Worker from "skein/Worker"
import { expectValue, Turnstile } from "./programs.ts"

interface Known {
  readonly task: Task.Task<number, any, Client.Client>
  /** What it gives if it gives anything. */
  readonly value: number
}

/** A number that tells apart what a body was given. */
const sum = (values: ReadonlyArray<number>): number =>
  values.reduce((total, value) => (total * 31 + value) % 1_000_003, 7)

/** Whom a body has launched, and from which body a task came, for those who cancel; and who is at work. */
class Family {
  readonly futures = new Map<string, Future.Future<number, any>>()
  readonly parents = new Map<string, string>()
  readonly turnstile = new Turnstile()
  /** The bodies that were asked to stop, and how often one that cannot be interrupted worked on after that. */
  readonly stopped = new Set<string>()
  worksOn = 0

  /** Work that takes a slot, also after a request to stop. */
  work(pause: Effect.Effect<void>): Effect.Effect<void, never, Worker.Worker> {
    const noted = Effect.map(Worker.current, ({ key }) => {
      if (this.stopped.has(key)) this.worksOn++
    })
    return Effect.andThen(noted, this.turnstile.during(pause))
  }
}

type Body<A> = Effect.Effect<A, any, Client.Client | Worker.Worker | Scope.Scope>

/** How a body gets the values of its children. */
type Launch = (children: ReadonlyArray<Known["task"]>, family: Family) => Body<ReadonlyArray<number>>

const submit = (
  children: ReadonlyArray<Known["task"]>,
  family: Family
): Body<ReadonlyArray<Future.Future<number, any>>> =>
  Effect.tap(Client.submitAll(children), (futures) =>
    Effect.map(Worker.current, ({ key }) => {
      for (const future of futures) {
        family.futures.set(future.key, future)
        family.parents.set(future.key, key)
      }
    }))

/** Waits and keeps the slot; where that starves, waits once more and gives it away. */
const keeping = <A, E, R>(wait: (keepSlot: boolean) => Effect.Effect<A, E, R>): Effect.Effect<A, any, R> =>
  Effect.catchIf(
    wait(true) as Effect.Effect<A, any, R>,
    (error) => error?.reason?._tag === "Starved",
    () => wait(false)
  )

/** All that end, then their values: which failure is seen does not depend on who is first. */
const together = (waits: ReadonlyArray<Effect.Effect<number, any>>): Effect.Effect<ReadonlyArray<number>, any> =>
  Effect.flatMap(
    Effect.forEach(waits, (wait) => Effect.exit(wait), { concurrency: "unbounded" }),
    (exits) => Effect.forEach(exits, (exit: Exit.Exit<number, any>) => exit)
  )

const launches: Readonly<Record<string, Launch>> = {
  "submit, join": (children, family) =>
    Effect.flatMap(submit(children, family), (futures) => Effect.forEach(futures, (future) => Future.join(future))),
  compute: (children) => Client.compute(children),
  "submit, joinAll": (children, family) =>
    Effect.flatMap(submit(children, family), (futures) => Future.joinAll(futures as Array<Future.Future<number>>)),
  "one after the other": (children, family) =>
    Effect.forEach(children, (child) => Effect.flatMap(submit([child], family), ([future]) => Future.join(future!))),
  "several fibers at once": (children, family) =>
    Effect.flatMap(submit(children, family), (futures) => together(futures.map((future) => Future.join(future)))),
  "secede by hand": (children, family) =>
    Effect.gen(function*() {
      const futures = yield* submit(children, family)
      yield* Worker.secede
      yield* Effect.sleep(0.75)
      const values = yield* Effect.forEach(futures, (future) => Future.join(future))
      yield* Worker.rejoin
      return values
    }),
  "seceded computation": (children) => Worker.seceded(Effect.andThen(Effect.yieldNow, Client.compute(children))),
  "join, slot kept": (children, family) =>
    Effect.flatMap(
      submit(children, family),
      (futures) =>
        Effect.forEach(futures, (future) =>
          keeping((keepSlot) => keepSlot ? Worker.keepSlot(Future.join(future)) : Future.join(future)))
    ),
  "computation, slot kept": (children) =>
    keeping((keepSlot) => keepSlot ? Worker.keepSlot(Client.compute(children)) : Client.compute(children)),
  "several fibers, some of which keep the slot": (children, family) =>
    Effect.flatMap(submit(children, family), (futures) =>
      together(futures.map((future, i) =>
        i % 2 === 0
          ? Future.join(future)
          : keeping((keepSlot) => keepSlot ? Worker.keepSlot(Future.join(future)) : Future.join(future))
      )))
}

const launchNames = Object.keys(launches) as [string, ...Array<string>]

interface Growing {
  readonly chance: Chance.Chance
  readonly family: Family
  /** How many tasks may still be made. */
  left: number
  /** Numbers tasks. */
  count: number
}

const grow = (growing: Growing, depth: number): Known => {
  const { chance, family } = growing
  const own = ++growing.count
  const children: Array<Known> = []
  for (let i = depth < 5 ? chance.between(0, 3) : 0; i > 0 && growing.left > 0; i--) {
    growing.left--
    children.push(grow(growing, depth + 1))
  }
  const tasks = children.map(({ task }) => task)
  const value = sum([own, ...children.map(({ value }) => value)])
  const pause = chance.pick<() => Effect.Effect<void>>([
    () => Effect.void,
    () => Effect.yieldNow,
    () => Effect.sleep(0.75)
  ])()
  const options = { label: `t${own}`, ...(chance.with(0.1) && { priority: chance.between(0, 2) }) }
  const launch = launches[chance.pick(launchNames)]!
  const keep = chance.pick<(body: Body<number>) => Body<number>>([
    (body) => body,
    (body) => body,
    (body) => body,
    Effect.uninterruptible,
    Worker.shielded
  ])
  const body = keep(Effect.gen(function*() {
    yield* family.work(pause)
    const values = yield* launch(tasks, family)
    yield* family.work(pause)
    return sum([own, ...values])
  }))
  if (tasks.length === 0) return { task: Task.make(Effect.as(family.work(pause), value), options), value }
  const task = chance.with(0.15)
    ? Task.flatMap([], () => Task.map(tasks, (values) => sum([own, ...values])), options)
    : Task.make(body, options)
  return { task, value }
}

const forest = (chance: Chance.Chance, family: Family): ReadonlyArray<Known> => {
  const growing: Growing = { chance, family, left: 16, count: 0 }
  return Array.from({ length: chance.between(1, 3) }, () => grow(growing, 0))
}

/** Trees of tasks that launch tasks: they give what the interpreter says, whatever their slots. */
export const randomRecursion = (chance: Chance.Chance): ReadonlyArray<Known["task"]> =>
  forest(chance, new Family()).map(({ task }) => task)

/** What a task is doing at the moment of a cancellation. */
export const moments = ["secedes", "waits to rejoin", "rejoins"] as const

type Moment = typeof moments[number]

/** The task that is cancelled then. */
export const victims = ["itself", "its parent", "a child"] as const

interface Strike {
  readonly moment: Moment
  /** The position of the moment among those of its kind in the program, from 1. */
  readonly nth: number
  readonly victim: typeof victims[number]
  readonly force: boolean
}

const momentOf = ({ from, to }: { readonly from: string | undefined; readonly to: string }): Moment | undefined => {
  if (to === "seceded") return "secedes"
  if (to === "rejoining") return "waits to rejoin"
  return from === "rejoining" && to === "running" ? "rejoins" : undefined
}

/** How often which strike has hit: a record of `moment, victim`; and how often a body worked on that was asked to stop. */
export type Hits = Record<string, number>

/** No worker vanishes: no cancel waits for what a lost body had submitted, which these programs would take for a leftover. */
export const strikeFaults: Faults.Faults = { ...Faults.usual, vanish: 0 }

/**
 * A program that runs such trees and, at moments chosen beforehand, cancels a task within the very step in which a task
 * secedes, waits to rejoin or rejoins. It dies if a task gives a wrong value, or if more run or are at work than there are slots.
 */
export const randomStrikes =
  (hits: Hits) =>
  (chance: Chance.Chance): Effect.Effect<void, never, Client.Client | Scheduler.Scheduler | Scope.Scope> => {
    const family = new Family()
    const known = forest(chance, family)
    const strikes = Array.from({ length: chance.between(0, 4) }, (): Strike => ({
      moment: chance.pick([...moments]),
      nth: chance.between(1, 6),
      victim: chance.pick([...victims]),
      force: chance.with(0.3)
    }))
    return Effect.gen(function*() {
      const run = Effect.runForkWith(yield* Effect.context<Client.Client>())
      const running = new Map<string, number>()
      const slots = new Map((yield* Scheduler.stats).workers.map(({ id, slots }) => [id, slots]))
      const seen = new Map<Moment, number>()
      yield* family.turnstile.look
      let overrun: string | undefined
      const strikeAt = (key: string, moment: Moment): void => {
        const nth = (seen.get(moment) ?? 0) + 1
        seen.set(moment, nth)
        for (const { force, victim } of strikes.filter((each) => each.moment === moment && each.nth === nth)) {
          const name = victim === "itself"
            ? key
            : victim === "its parent"
            ? family.parents.get(key)
            : [...family.parents.keys()].findLast((child) => family.parents.get(child) === key)
          const future = family.futures.get(name ?? "")
          if (future === undefined) continue
          hits[`${moment}, ${victim}`] = (hits[`${moment}, ${victim}`] ?? 0) + 1
          run(Future.cancel(future, { force, wait: false }))
        }
      }
      yield* Scheduler.listen((event) => {
        const { from, key, to, worker } = event
        if (from === "running" || to === "running") {
          const count = (running.get(worker!) ?? 0) + (to === "running" ? 1 : -1)
          running.set(worker!, count)
          if (count < 0 || count > slots.get(worker!)!) overrun = `${key} makes it ${count} on ${worker}`
        }
        if (to === "stopping") family.stopped.add(key)
        const moment = momentOf(event)
        if (moment !== undefined) strikeAt(key, moment)
      })
      yield* Effect.scoped(Effect.gen(function*() {
        const futures = yield* Effect.orDie(Client.submitAll(known.map(({ task }) => task)))
        for (const future of futures) family.futures.set(future.key, future)
        for (const [i, future] of futures.entries()) yield* expectValue(yield* Future.await(future), known[i]!.value)
      }))
      hits["works on"] = (hits["works on"] ?? 0) + family.worksOn
      overrun ??= family.turnstile.overrun
      if (overrun !== undefined) return yield* Effect.die(overrun)
      const { tasks, workers } = yield* Scheduler.stats
      const left = tasks.running + tasks.seceded + tasks.rejoining + tasks.stopping
      if (left > 0 || workers.some(({ running }) => running !== 0)) return yield* Effect.die(`${left} tasks are left`)
    })
  }

const nesting = 10
const refusals = 4

/** A recursion without a base case that explores all of its levels has more bodies than this; one that is stopped, far less. */
const tooMany = 200

/** A task whose body launches two of the next level, in a way that a seed chooses for each level, and so on for ever. */
const withoutEnd = (chance: Chance.Chance, family: Family, counts: { runs: number }): Known["task"] => {
  const levels = Array.from({ length: nesting + 1 }, () => ({
    launch: launches[chance.pick(launchNames)]!,
    isCaught: chance.with(0.7),
    isUnfolding: chance.with(0.15),
    pause: chance.with(0.2) ? Effect.sleep(0.75) : chance.with(0.5) ? Effect.yieldNow : Effect.void
  }))
  const at = (depth: number): Known["task"] => {
    const { isCaught, isUnfolding, launch, pause } = levels[Math.min(depth, nesting)]!
    const children = (): ReadonlyArray<Known["task"]> =>
      ++counts.runs > 2 * tooMany ? [] : [at(depth + 1), at(depth + 1)]
    if (isUnfolding) {
      return Task.flatMap([], () => Task.map(children().map((child) => Task.exit(child)), ({ length }) => length))
    }
    return Task.make(Effect.gen(function*() {
      yield* pause
      const values = launch(children(), family)
      if (isCaught) return Number(Exit.isSuccess(yield* Effect.exit(values)))
      return sum(yield* values)
    }))
  }
  return at(0)
}

/**
 * A body that launches a recursion without a base case and, at the same time, trees that end. It dies if the recursion
 * takes too many tasks, or if a tree gives what it should not.
 */
export const randomWithoutEnd = (most: { runs: number }) => (chance: Chance.Chance): Effect.Effect<void> => {
  const family = new Family()
  const counts = { runs: 0 }
  const endless = withoutEnd(chance, family, counts)
  const known = forest(chance, family)
  const top = Task.make(Effect.gen(function*() {
    const future = yield* Client.submit(endless)
    const trees = yield* Effect.forEach(known, ({ task }) => Client.submit(task))
    yield* Future.await(future)
    return yield* Effect.forEach(trees, (tree) => Future.await(tree))
  }))
  const program = Effect.gen(function*() {
    const exit = yield* Effect.exit(Client.compute(top))
    most.runs = Math.max(most.runs, counts.runs)
    if (counts.runs > tooMany) return yield* Effect.die(`the recursion took ${counts.runs} tasks`)
    const trees = Exit.isSuccess(exit) ? exit.value : []
    for (const [i, tree] of trees.entries()) yield* expectValue(tree, known[i]!.value)
    yield* Leftovers.assertNone
  })
  const layer = Skein.layer({ concurrency: chance.between(1, 3), limits: { nesting, refusals, unfolding: nesting } })
  return Effect.orDie(Effect.provide(program, layer, { local: true }))
}
