/**
 * Submissions of tasks in shapes: arrays, records, sets and iterators of tasks.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { isTaskGraph } from "../graphs/graph.ts"
import type { TaskGraph } from "../graphs/typed.ts"
import type { Dependency, Future, Task } from "../tasks/handles.ts"
import { listed } from "../tasks/inputs.ts"
import { maxDepth } from "../tasks/misplaced.ts"
import type { Listed, WithoutSignals } from "../tasks/shapes.ts"
import { isRecord, isTask } from "../tasks/task.ts"
import type { IsAny } from "../values/isAny.ts"

/**
 * The shape with each task replaced by its future.
 *
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type FuturesIn<I> = IsAny<I> extends true ? ReadonlyArray<Future<any, any>>
  : I extends Task<infer A, infer E, any> ? Future<A, WithoutSignals<E>>
  : I extends TaskGraph<infer Tasks> ? FuturesIn<Tasks>
  : Replaced<Listed<I>>

type Replaced<I> = { -readonly [K in keyof I]: FuturesIn<I[K]> }

/** In generic code the compiler may know of a shape only that it holds tasks. */
export type TasksIn =
  | TaskGraph<any>
  | ReadonlyArray<Task<any, any, any>>
  | { readonly [name: string]: Task<any, any, any> }

/** Refuses at compile time what is no shape of tasks alone. */
export type Submittable<I> = [Strangers<Listed<I>>] extends [never] ? unknown : Strangers<Listed<I>>

type Prev = [never, 0, 1, 2, 3, 4, 5]

/** What stands in the place of a task. */
type Strangers<I, D extends number = 5> = IsAny<I> extends true ? never
  : I extends Task<any, any, any> | TaskGraph<any> ? never
  : I extends Future<any, any> ? "A Future is submitted already."
  : I extends Stranger ? "Only tasks can be submitted, in arrays and records."
  : [D] extends [0] ? "Tasks are not looked for here: put it at most five levels down."
  : I extends ReadonlyArray<infer X> ? Strangers<X, Prev[D]>
  : Strangers<I[keyof I], Prev[D]>

type Stranger =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | ((...args: any) => any)
  | Dependency<any, any, any, any>
  | Effect.Effect<any, any, any>
  | PromiseLike<any>
  | ReadonlyMap<any, any>
  | ReadonlySet<any>

/** Submits the tasks of a shape as one graph. A member that is no task is refused there. */
export const submitShape = (
  shape: unknown,
  submit: (tasks: ReadonlyArray<never>) => Effect.Effect<ReadonlyArray<unknown>, unknown, unknown>
): Effect.Effect<unknown, unknown, unknown> =>
  Effect.suspend(() => {
    const whole = isTaskGraph(shape) ? shape.tasks : listed(shape)
    const tasks: Array<unknown> = []
    const isFlat = Array.isArray(whole) && !holdsBranch(whole)
    if (isFlat || !isBranch(whole, 0)) return submit(whole as never)
    walk(whole, (task) => void tasks.push(task))
    return Effect.map(submit(tasks as never), (futures) => {
      let place = 0
      return walk(whole, () => futures[place++])
    })
  })

const holdsBranch = (members: ReadonlyArray<unknown>): boolean => {
  for (let i = 0; i < members.length; i++) if (!isTask(members[i]) && isBranch(members[i], 1)) return true
  return false
}

/** Whether this has members, and is not too deep. */
const isBranch = (value: unknown, depth: number): value is object =>
  typeof value === "object" && value !== null && depth < maxDepth && (Array.isArray(value) || isRecord(value))

/** The shape with its leaves replaced. */
const walk = (shape: object, ofLeaf: (leaf: unknown) => unknown, depth = 0): unknown => {
  const member = (value: unknown): unknown =>
    isBranch(value, depth + 1) ? walk(value, ofLeaf, depth + 1) : ofLeaf(value)
  // Holes are members that are no tasks.
  return Array.isArray(shape)
    ? Array.from(shape, member)
    : Object.fromEntries(Object.entries(shape).map(([name, value]) => [name, member(value)]))
}
