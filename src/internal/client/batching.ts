/**
 * Several items of a stream as one task: their bodies run one after the other, and each has an exit of its own.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { CurrentAnnotations } from "../bodies/annotations.ts"
import { bodyOf, strayResult, valueOf } from "../bodies/bodies.ts"
import type { Named } from "../portable/named.ts"
import { isTask, noHandles, noOptions, TaskImpl } from "../tasks/task.ts"
import type { Handle, TaskOptions } from "../tasks/task.ts"

/** Options that hold for a batch as for each of its items. All others ask for a task for each item. */
const shared: ReadonlySet<string> = new Set(["label", "priority", "workers", "labels", "allowOthers"])

const areShared = (options: TaskOptions): boolean =>
  options === noOptions ||
  Object.entries(options).every(([name, value]) => value === undefined || shared.has(name))

/** Whether a task may run in a batch: it waits for nothing, and its options and its payload are fit for it. */
export const mayJoin = (task: Handle): task is TaskImpl => {
  if (!isTask(task) || task.handles.length > 0 || task.misplaced !== undefined || !areShared(task.options)) return false
  return task.kind === "map" ||
    (task.kind === "effect" && (task.named === undefined || task.named.codec.payload.check(task.inputs) === undefined))
}

/** Whether two tasks may run in one batch. */
const areAlike = (a: TaskImpl, b: TaskImpl): boolean => a.named === b.named && a.options === b.options

/** Whether the region of this fiber has an option that asks for a task for each item. */
export const asksForEach = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(CurrentAnnotations).retry !== undefined

/** Neighbours that may run in one task, as many as `size`. */
export const grouped = <I extends { readonly task: Handle }>(
  items: ReadonlyArray<I>,
  size: number
): ReadonlyArray<ReadonlyArray<I>> => {
  const groups: Array<ReadonlyArray<I>> = []
  /** The last group and its first task, if others may join it. */
  let last: { readonly group: Array<I>; readonly first: TaskImpl } | undefined
  for (const item of items) {
    const { task } = item
    const isOpen = mayJoin(task)
    if (isOpen && last !== undefined && last.group.length < size && areAlike(last.first, task)) last.group.push(item)
    else {
      const group = [item]
      last = isOpen ? { group, first: task } : undefined
      groups.push(group)
    }
  }
  return groups
}

/** One task for several, which gives their exits. */
export const together = (tasks: ReadonlyArray<TaskImpl>): TaskImpl => {
  const { body, named, options } = tasks[0]!
  const make = (run: (values: unknown) => Effect.Effect<unknown>, inputs: unknown, as?: Named): TaskImpl =>
    new TaskImpl({ _tag: "effect", run, ...as && { named: as } }, inputs, "none", noHandles, options, undefined)
  if (named === undefined || body._tag !== "effect") return make(() => exitsOf(tasks, bodyIn), undefined)
  const payloads = tasks.map(({ inputs }) => inputs)
  return make(
    (values) => exitsOf(values as typeof payloads, body.run as (payload: unknown) => Effect.Effect<unknown>),
    payloads,
    named.batchOf(named)
  )
}

/** Runs bodies one after the other. Each has a scope, which the next one takes over if nothing was acquired in it. */
const exitsOf = <A>(
  all: ReadonlyArray<A>,
  run: (each: A) => Effect.Effect<unknown, unknown>
): Effect.Effect<ReadonlyArray<Exit.Exit<unknown, unknown>>> => {
  const exits: Array<Exit.Exit<unknown, unknown>> = []
  const untilAcquired = Effect.suspend(() => {
    const scope = Scope.makeUnsafe()
    const loop = Effect.whileLoop({
      while: () => exits.length < all.length && scope.state._tag === "Empty",
      body: () => Effect.exit(run(all[exits.length]!)),
      step: (exit) => exits.push(exit)
    })
    const closing = (exit: Exit.Exit<unknown>): Effect.Effect<void> => Scope.close(scope, exits.at(-1) ?? exit)
    return Effect.onExit(Effect.provideService(loop, Scope.Scope, scope), closing)
  })
  const goOn: Effect.Effect<typeof exits> = Effect.flatMap(
    Effect.exit(untilAcquired),
    (closed) => {
      // A finalizer that dies is the failure of its item.
      if (Exit.isFailure(closed)) exits.push(Exit.asVoidAll([exits.pop() ?? Exit.void, closed]))
      return exits.length < all.length ? goOn : Effect.succeed(exits)
    }
  )
  return goOn
}

const keyOf = ({ options: { label } }: TaskImpl): string => label ?? "an item"

/** The body of one item, with its result checked. */
const bodyIn = (task: TaskImpl): Effect.Effect<unknown, unknown> => {
  const { inputs, plain } = task
  if (plain !== undefined) return Effect.sync(() => valueOf(plain, inputs, keyOf, task, 0))
  return Effect.flatMap(bodyOf(task, undefined, keyOf, task, 0), (value) => {
    const stray = strayResult(task, value, () => inputs, keyOf, task, 0)
    return stray === undefined ? Effect.succeed(value) : Effect.die(stray)
  })
}

/**
 * The size of the next batch, by the smoothed time of batches of the present size: short ones grow to a fifth of a second, long ones
 * shrink to that. The rule is joblib's.
 */
export class BatchSize {
  private seconds: number | undefined
  size = 1

  /** A batch took so long. It counts if it has the present size, which is at most `most`. */
  took(size: number, millis: number, most: number): void {
    if (size !== Math.min(this.size, most)) return
    const last = millis / 1000
    const smoothed = this.seconds === undefined ? last : 0.8 * this.seconds + 0.2 * last
    const ideal = Math.floor(target * size / smoothed)
    const next = smoothed < target
      ? Math.max(1, Math.min(2 * size, 2 * ideal, most))
      : smoothed > tooLong && size >= 2
      ? Math.max(1, 2 * ideal)
      : size
    this.seconds = next === size ? smoothed : undefined
    this.size = next
  }
}

/** In seconds. */
const target = 0.2
const tooLong = 2
