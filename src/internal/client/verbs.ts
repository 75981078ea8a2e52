/**
 * The verbs of a client that submit tasks and leave them running, and those of groups.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { SkeinError, SubmitError } from "../../SkeinError.ts"
import type { Home } from "../bodies/home.ts"
import type { Conflict } from "../bodies/livePlan.ts"
import { cancelRequest, ofCancel } from "../tasks/cancelling.ts"
import type { CancelOptions } from "../tasks/cancelling.ts"
import { conflict, name as isNamed, optionsFault, text, valueFault } from "../tasks/checks.ts"
import type { Checks } from "../tasks/checks.ts"
import type { Future, Task } from "../tasks/handles.ts"
import type { Needs, Services, WithoutSignals } from "../tasks/shapes.ts"
import * as internal from "../tasks/task.ts"
import { ofSubmit, strayFault } from "./computing.ts"
import type { SubmitOptions } from "./computing.ts"

/** The futures of tasks. */
export type Futures<T extends ReadonlyArray<Task<any, any, any>>> = {
  -readonly [K in keyof T]: T[K] extends Task<infer A, infer E, any> ? Future<A, WithoutSignals<E>> : never
}

/** What the submission of tasks gives. */
export type SubmittedAll<T extends ReadonlyArray<Task<any, any, any>>> = Effect.Effect<
  Futures<T>,
  SubmitError,
  Needs<Services<T>> | Scope.Scope
>

/** A loop, as there may be a million. */
const strangerIn = (tasks: ReadonlyArray<unknown>): number => {
  for (let i = 0; i < tasks.length; i++) if (!internal.isEither(tasks[i])) return i
  return -1
}

export const submitAll = (
  home: Home,
  tasks: ReadonlyArray<internal.TaskImpl>,
  options: SubmitOptions = {}
): Effect.Effect<ReadonlyArray<internal.FutureImpl>, SubmitError, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    const fault = optionsFault(options, ofSubmit)
    if (fault !== undefined) return Effect.die(fault)
    if (!Array.isArray(tasks)) return Effect.die(strayFault(tasks, "array, record, set or graph of tasks"))
    const stranger = strangerIn(tasks)
    if (stranger >= 0) return Effect.die(strayFault(tasks[stranger], "task"))
    const scope = Context.getUnsafe(fiber.context, Scope.Scope)
    return home.submissions.submit(tasks, scope, fiber, options)
  })

export const retryAll = (
  home: Home,
  futures: ReadonlyArray<Future<any, any>>
): Effect.Effect<ReadonlyArray<internal.FutureImpl>, SubmitError, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    if (!Array.isArray(futures)) return Effect.die(strayFault(futures, "array of futures"))
    const stranger = futures.findIndex((future) => !internal.isFuture(future))
    if (stranger >= 0) return Effect.die(strayFault(futures[stranger], "future"))
    const scope = Context.getUnsafe(fiber.context, Scope.Scope)
    return home.submissions.retry(futures.map(internal.implOf), scope, fiber)
  })

/** Releases futures, which may be of several schedulers. */
export const releaseAll = (futures: ReadonlyArray<internal.FutureImpl>): Effect.Effect<void> => {
  const homes = Map.groupBy(futures, ({ home }) => home)
  return Effect.forEach(homes, ([{ owners }, own]) => owners.release(own), { discard: true })
}

const nameFault = (name: string): Error | undefined => valueFault(isNamed, "name", name)

export const published = (
  home: Home,
  name: string
): Effect.Effect<Option.Option<Future<unknown, unknown>>, never, Scope.Scope> => {
  const fault = nameFault(name)
  return fault === undefined
    ? Effect.flatMap(Effect.scope, (scope) => home.published.pick(name, scope)) as Effect.Effect<
      any,
      never,
      Scope.Scope
    >
    : Effect.die(fault)
}

export const unpublish = (home: Home, name: string): Effect.Effect<boolean> => {
  const fault = nameFault(name)
  return fault === undefined ? home.published.withdraw(name) : Effect.die(fault)
}

/**
 * The group of tasks that {@link fireAndForget} starts without a group.
 *
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const defaultGroup = "default"

/**
 * Options of {@link fireAndForget}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface FireOptions {
  /** The group of the task. Defaults to {@link defaultGroup}. */
  readonly group?: string | undefined
  /** What becomes of the task if a live one has its key; see `SubmitOptions`. */
  readonly conflict?: Conflict | undefined
}

const ofFire: Checks<FireOptions> = { group: text, conflict }

export const fireAndForget = (
  home: Home,
  task: unknown,
  options: FireOptions | undefined
): Effect.Effect<void, SubmitError> =>
  Effect.withFiber((fiber) => {
    if (!internal.isTask(task)) return Effect.die(strayFault(task, "task"))
    const unknown = optionsFault(options, ofFire)
    if (unknown !== undefined) return Effect.die(unknown)
    return home.detached.fire(task, options?.group ?? defaultGroup, fiber, { conflict: options?.conflict })
  })

const groupFault = (group: string): Error | undefined => valueFault(text, "group", group)

export const awaitGroup = (home: Home, group: string = defaultGroup): Effect.Effect<void, SkeinError> => {
  const fault = groupFault(group)
  return fault === undefined ? home.detached.await(group) : Effect.die(fault)
}

export const cancelGroup = (
  home: Home,
  group: string = defaultGroup,
  options: CancelOptions = {}
): Effect.Effect<void> => {
  const fault = groupFault(group) ?? optionsFault(options, ofCancel)
  return fault === undefined ? home.detached.cancel(group, cancelRequest(options)) : Effect.die(fault)
}
