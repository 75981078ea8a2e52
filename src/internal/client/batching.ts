/**
 * Several items of a stream as one task: their bodies run one after the other, and each has an exit of its own.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { CurrentAnnotations } from "../bodies/annotations.ts"
import { calledBody, strayResult } from "../bodies/bodies.ts"
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
  if (named === undefined || body._tag !== "effect") return make(() => exitsOf(tasks, begun, checked), undefined)
  const payloads = tasks.map(({ inputs }) => inputs)
  return make(
    (values) => exitsOf(values as typeof payloads, body.run as (payload: unknown) => Effect.Effect<unknown>, asItIs),
    payloads,
    named.batchOf(named)
  )
}

/** How many bodies run between two yields, at most: they may take a few operations of the fiber, or none. */
const row = 256

/**
 * Runs bodies one after the other. `begin` calls a body, and `ended` has the last word on its exit. A body that has not ended with its
 * call has a scope, which the next one takes over if nothing was acquired in it.
 */
const exitsOf = <A>(
  all: ReadonlyArray<A>,
  begin: (each: A) => Effect.Effect<unknown, unknown>,
  ended: (each: A, exit: Exit.Exit<unknown, unknown>) => Exit.Exit<unknown, unknown>
): Effect.Effect<ReadonlyArray<Exit.Exit<unknown, unknown>>> => {
  const exits: Array<Exit.Exit<unknown, unknown>> = []
  const note = (exit: Exit.Exit<unknown, unknown>): void => void exits.push(ended(all[exits.length]!, exit))
  const beginNext = (): Effect.Effect<unknown, unknown> => begin(all[exits.length]!)
  /** How many have ended when it yields next. */
  let end = row
  /** Calls bodies until one has not ended with its call, or it yields: the rest of that body, if any. */
  const callOn = (): Effect.Effect<unknown, unknown> | undefined => {
    while (exits.length < all.length && exits.length < end) {
      const begun = Result.try(beginNext)
      if (Result.isFailure(begun)) note(Exit.die(begun.failure))
      else if (Exit.isExit(begun.success)) note(begun.success)
      else return begun.success
    }
    return undefined
  }
  const untilAcquired = (first: Effect.Effect<unknown, unknown>): Effect.Effect<void> => {
    const scope = Scope.makeUnsafe()
    let rest: Effect.Effect<unknown, unknown> | undefined = first
    const loop = Effect.whileLoop({
      while: () => rest !== undefined,
      body: () => Effect.exit(rest!),
      step: (exit) => {
        note(exit)
        rest = scope.state._tag === "Empty" ? callOn() : undefined
      }
    })
    const closing = (exit: Exit.Exit<unknown>): Effect.Effect<void> => Scope.close(scope, exits.at(-1) ?? exit)
    return Effect.onExit(Effect.provideService(loop, Scope.Scope, scope), closing)
  }
  const goOn: Effect.Effect<typeof exits> = Effect.suspend(() => {
    if (exits.length === all.length) return Effect.succeed(exits)
    if (exits.length >= end) {
      end = exits.length + row
      return Effect.andThen(Effect.yieldNow, goOn)
    }
    const rest = callOn()
    if (rest === undefined) return goOn
    return Effect.flatMap(Effect.exit(untilAcquired(rest)), (closed) => {
      // A finalizer that dies is the failure of its item.
      if (Exit.isFailure(closed)) exits.push(Exit.asVoidAll([exits.pop() ?? Exit.void, closed]))
      return goOn
    })
  })
  return goOn
}

const keyOf = ({ options: { label } }: TaskImpl): string => label ?? "an item"

const begun = (task: TaskImpl): Effect.Effect<unknown, unknown> => calledBody(task, keyOf, task, 0)

/** The exit of an item whose result is checked. */
const checked = (task: TaskImpl, exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> => {
  if (Exit.isFailure(exit)) return exit
  const stray = strayResult(task, exit.value, () => task.inputs, keyOf, task, 0)
  return stray === undefined ? exit : Exit.die(stray)
}

const asItIs = (_: unknown, exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> => exit

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
