/**
 * Retries: whether and when the schedule of a task asks for another attempt.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { DependencyFailed, SkeinError, SubmitError, TaskSkipped } from "../../SkeinError.ts"
import type { Time } from "../platform/time.ts"
import { timesOf } from "../tasks/options.ts"
import type { TaskImpl } from "../tasks/task.ts"
import { isAsked } from "../tasks/travelling.ts"
import { isA, looked } from "../values/looks.ts"
import type { Ambient } from "./livePlan.ts"

export type RetrySchedule = Schedule.Schedule<unknown, unknown, unknown, unknown>

/** A retry schedule in progress. */
export type Step = (now: number, input: unknown) => Effect.Effect<[unknown, Duration.Duration], unknown, unknown>

/** Asks the schedule of a task, whose state continues from attempt to attempt. Fails as done when the schedule is exhausted. */
export const delayOf = (
  schedules: Map<TaskId, Step>,
  time: Time,
  task: TaskId,
  retry: RetrySchedule,
  error: unknown
): Effect.Effect<[unknown, Duration.Duration], unknown> =>
  Effect.suspend(() => {
    const present = schedules.get(task)
    const step = present === undefined
      ? Effect.map(Schedule.toStep(retry), (next) => {
        // Instants, for schedules by the calendar. The differences between them measure elapsed time, however the clock is set.
        const offset = time.offset()
        const step: Step = (now, error) => next(now + offset, error)
        schedules.set(task, step)
        return step
      })
      : Effect.succeed(present)
    return Effect.flatMap(step, (step) => step(time.now(), error))
  }) as Effect.Effect<[unknown, Duration.Duration], unknown>

/**
 * The schedule of a task, its own or its region's. A task that must not run twice has none, nor has one that another scheduler
 * tries again.
 */
export const retryOf = (task: TaskImpl, { annotations, context }: Ambient): TaskImpl["options"]["retry"] => {
  const { idempotent } = task.options
  const retry = idempotent === false ? undefined : task.options.retry ?? annotations.retry
  return retry !== undefined && isAsked(task, context) && timesOf(retry) !== undefined ? undefined : retry
}

/** Whether a schedule is exhausted. */
export const isDone = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && looked(() => Cause.isDone(reason.error), false))

/**
 * Whether a failure may be tried again: not one that the runtime caused to a task that the body joined, nor a skip, nor a refused
 * submission. Its own failures may, and so may those of time limits and options of a task that it joined.
 */
export const isRetriable = (error: unknown): boolean => !notRetried.some((type) => isA<unknown>(error, type))

const notRetried = [DependencyFailed, SkeinError, SubmitError, TaskSkipped]
