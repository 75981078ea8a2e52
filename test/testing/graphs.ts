/** Random graphs with everything that a task can be, each made of a chance. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Task from "skein/Task"
import { type Chance, Faults } from "skein/testing"
import * as Worker from "skein/Worker"

/** The usual ones, and failures that throw when they are looked at. */
export const allFaults: Faults.Faults = { ...Faults.usual, hostile: 0.03 }

type Any = Task.Task<number, unknown, Client.Client>

/** Sums up, whatever came in: a number that tells apart what a task was given. */
const sum = (values: ReadonlyArray<unknown>): number =>
  values.reduce<number>((total, value) => (total * 31 + (value as number)) % 1_000_003, 7)

interface Growing {
  readonly chance: Chance.Chance
  /** How many bodies deep. */
  readonly depth: number
  /** Tells graphs of one body apart: graphs of several bodies have the same keys. */
  readonly side: string
  /** Numbers labels. */
  count: number
}

/** A name that no other task of its graph has. */
const nameOf = ({ count, depth, side }: Growing): string => depth === 0 ? `k${count}` : `${side}${count % 100}`

/** Some work that takes a turn, or time, or nothing. */
const work = (chance: Chance.Chance): Effect.Effect<void> =>
  chance.pick<() => Effect.Effect<void>>([
    () => Effect.void,
    () => Effect.yieldNow,
    () => Effect.sleep(chance.between(1, 5)),
    () => Effect.ensuring(Effect.yieldNow, Effect.yieldNow)
  ])()

/** Options that do not depend on the order of things. */
const optionsOf = (growing: Growing): Task.Options => {
  const { chance, depth } = growing
  const number = ++growing.count
  const isRetried = chance.with(0.2)
  return {
    label: `t${number}`,
    ...(chance.with(depth === 0 ? 0.15 : 0.5) && { key: nameOf(growing) }),
    ...(chance.with(0.2) && { priority: chance.between(0, 3) }),
    ...(!isRetried && chance.with(0.05) && { idempotent: false }),
    ...(isRetried && {
      retry: chance.with(0.5)
        ? Schedule.recurs(2)
        : Schedule.max([Schedule.recurs(1), Schedule.spaced(chance.between(1, 9))])
    }),
    ...(chance.with(0.1) && { timeout: chance.between(20, 60) }),
    ...(chance.with(0.05) && { deadline: chance.between(50, 500) })
  }
}

const make = (growing: Growing, inputs: ReadonlyArray<Any>): Any => {
  const { chance, depth } = growing
  const options = optionsOf(growing)
  const own = growing.count
  const label = options.label!
  const name = nameOf(growing)
  const value = (values: ReadonlyArray<unknown>): number => sum([own, ...values])
  /** What the body submits is drawn now, so that all schedules submit the same. */
  const nested = (side = "a"): Any => graph({ chance, depth: depth + 1, side, count: own * 100 }, 4).at(-1)!
  /** Another function for each task, all of one name. */
  const pure = (): Any =>
    Task.fn((_: string) => Effect.as(Effect.sleep(3), own), { name: "f", pure: true })(name) as never
  const kinds: ReadonlyArray<() => Any> = [
    () => {
      const turn = work(chance)
      return Task.make(inputs, (values) => Effect.as(turn, value(values as never)), options) as never
    },
    () => Task.map(inputs, (values) => value(values as never), options) as never,
    () =>
      Task.make(
        inputs,
        () => Effect.andThen(Effect.yieldNow, Effect.fail({ _tag: "Refused", label })),
        options
      ) as never,
    () =>
      Task.map(Task.exit(Task.all(inputs)), (exit) => Exit.isSuccess(exit) ? value(exit.value as never) : own, {
        label
      }) as never,
    () =>
      Task.make(
        inputs,
        (values) => Effect.ensuring(Effect.sync(() => value(values as never)), Effect.yieldNow),
        options
      ) as never,
    () => Task.make(inputs, () => Effect.die(`${label} died`), { label }) as never,
    pure,
    () => {
      const rule = chance.pick(["allSuccess", "noneFailed", "noneFailedOneSuccess", "allDone"] as const)
      return Task.map(
        Dependency.rule(rule, inputs),
        (exits) => sum(exits.flatMap((exit) => Exit.isSuccess(exit) ? [exit.value] : [])) as never,
        { label }
      ) as never
    }
  ]
  const deep: ReadonlyArray<() => Any> = depth > 1 ? [] : [
    () => {
      const inner = graph({ chance, depth: depth + 1, side: "a", count: own * 100 }, 4)
      return Task.flatMap(
        inputs,
        (values) => Task.map({ inner }, ({ inner }) => sum([...inner, ...(values as Array<never>)])),
        options
      ) as never
    },
    () => {
      const [a, b] = [nested(), nested("b")]
      return Task.make(
        inputs,
        (values) => Effect.map(Client.compute([a, b]), (found) => sum([...found, ...(values as Array<never>)])),
        options
      ) as never
    },
    () => {
      const [a, b] = [nested(), nested("b")]
      return Task.make(inputs, (values) =>
        Effect.gen(function*() {
          const first = yield* Client.submit(a)
          const second = yield* Client.submit(b)
          yield* Effect.yieldNow
          return sum([yield* Future.join(second), yield* Future.join(first), ...(values as Array<never>)])
        }), options) as never
    },
    () => {
      const [a, b] = [nested(), nested("b")]
      return Task.make(inputs, (values) =>
        Effect.gen(function*() {
          const futures = yield* Client.submitAll([a, b])
          const exits = yield* Future.awaitAll(futures)
          return sum([...exits.map((exit) => Exit.isSuccess(exit) ? exit.value : own), ...(values as Array<never>)])
        }), options) as never
    },
    () =>
      Task.make(
        inputs,
        (values) => Effect.as(Worker.seceded(Effect.sleep(3)), value(values as never)),
        options
      ) as never
  ]
  // The plain ones first, and more often.
  const all = [...kinds, ...kinds.slice(0, 2), ...(depth > 0 ? [pure, pure] : []), ...deep]
  return chance.pick(all as [() => Any, ...Array<() => Any>])()
}

const graph = (growing: Growing, most: number): ReadonlyArray<Any> => {
  const tasks: Array<Any> = []
  const size = growing.chance.between(1, most)
  for (let i = 0; i < size; i++) {
    const near = tasks.slice(-5)
    const inputs = growing.chance.some(near, 0.4)
    tasks.push(make(growing, inputs))
  }
  return tasks
}

/** A graph of up to a dozen tasks, with all of them as targets, or the last. */
export const randomGraph = (chance: Chance.Chance): ReadonlyArray<Any> => {
  const tasks = graph({ chance, depth: 0, side: "", count: 0 }, 12)
  return chance.with(0.5) ? tasks : tasks.slice(-1)
}
