/**
 * Queries about a live task, by its row.
 *
 * @since 0.1.0
 */
import { isSent } from "../dispatch/ahead.ts"
import * as groups from "../life/groups.ts"
import * as spent from "../life/spent.ts"
import type { Engine } from "../protocol/Engine.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Outcome, Where } from "../protocol/Outcome.ts"
import { Phase } from "../protocol/Phase.ts"
import type { Identity, Settings } from "../protocol/Plan.ts"
import type { Group } from "../protocol/policies.ts"
import type { Reason } from "../protocol/Reason.ts"
import type { Place } from "../protocol/Registered.ts"
import * as dependencies from "../state/dependencies.ts"
import type { FormerAttempt } from "../state/Extras.ts"
import * as lookups from "../state/lookups.ts"
import { extrasOf } from "../state/rare.ts"
import { runsOf } from "../state/runs.ts"
import { open } from "../state/State.ts"
import { Use } from "../state/Use.ts"
import { isUsed } from "../state/uses.ts"
import * as copies from "../workers/copies.ts"

/** The key of a live task. */
export const keyOf = (engine: Engine, task: TaskId): string => lookups.keyOf(open(engine), task)

/** The label of a live task. */
export const labelOf = (engine: Engine, task: TaskId): string | undefined => lookups.labelOf(open(engine), task)

/** The number of a live task among all tasks of this engine, which distinguishes it from others in the same row. */
export const sequenceOf = (engine: Engine, task: TaskId): number => lookups.sequenceOf(open(engine), task)

/** The settings of a live task, if it has any beyond the default. */
export const settingsOf = (engine: Engine, task: TaskId): Settings | undefined => lookups.settingsOf(open(engine), task)

/** Where a live task was registered. */
export const placeOf = (engine: Engine, task: TaskId): Place => lookups.placeOf(open(engine), task)

/** Where a live task ran. */
export const whereOf = (engine: Engine, task: TaskId): Where => lookups.whereOf(open(engine), task)

/** The live task with this identity, or -1. */
export const taskWith = (engine: Engine, identity: Identity): TaskId => open(engine).keys.get(identity) ?? -1

/** A live task with a key that has not ended without success. */
export interface KeyedTask {
  readonly id: TaskId
  readonly identity: Identity
  readonly graph: number
  readonly phase: Phase
}

/** The live tasks of a key that have not ended without success. */
export const keyedTasks = (engine: Engine, key: string): ReadonlyArray<KeyedTask> => {
  const state = open(engine)
  const { phase, submission } = state.tasks
  return Array.from(runsOf(state, key)).filter((id) => phase[id]! <= Phase.succeeded).map((id) => ({
    id,
    identity: lookups.settingsOf(state, id)!.identity!,
    graph: submission[id]!.number,
    phase: phase[id] as Phase
  }))
}

/** Whether a task is held only by tasks that are ending. */
export const isSpent = (engine: Engine, task: TaskId): boolean => spent.isSpent(open(engine), task)

/** Whether the attempt of a task was sent ahead, and has no slot yet. */
export const isSentAhead = (engine: Engine, task: TaskId): boolean => isSent(open(engine), task)

/** Whether any attempt stops. */
export const isAnyStopping = (engine: Engine): boolean => open(engine).stopping.size > 0

/** When an attempt that stops was asked to. */
export const stoppingSince = (engine: Engine, task: TaskId): number => open(engine).stopping.get(task)!.since

// ---- what it depends on

/** The live tasks that a task depends on, without dropped ones. */
export const dependenciesOf = (engine: Engine, task: TaskId): ReadonlyArray<TaskId> =>
  dependencies.dependenciesOf(open(engine), task)

/** The dependencies in the order in which the plan lists them; -1 for one that the task has dropped. */
export const dependencyRows = (engine: Engine, task: TaskId): ReadonlyArray<TaskId> =>
  dependencies.dependencyRows(open(engine), task)

/** Whether all that a task with policies needs to start is there now. */
export const areInputsThere = (engine: Engine, task: TaskId): boolean => groups.areInputsThere(open(engine), task)

const none: ReadonlyArray<Group> = []

/** The policies of a task, as long as it holds what it depends on. Asked at each start. */
export const groupsOf = (engine: Engine, task: TaskId): ReadonlyArray<Group> => {
  return extrasOf(open(engine), task)?.needs?.groups ?? none
}

// ---- how it ended

/** How a task ended without success, or for one that is stopping, how it will. */
export const outcomeOf = (engine: Engine, task: TaskId): Outcome | undefined => extrasOf(open(engine), task)?.outcome

/** Whether a policy of a dependent took a failure for this reason as an end it waits for. */
export const isTaken = (engine: Engine, reason: Reason): boolean => open(engine).taken.has(reason)

const noAttempts: ReadonlyArray<FormerAttempt> = []

/** The attempts of a task before its present one. */
export const formerAttemptsOf = (engine: Engine, task: TaskId): ReadonlyArray<FormerAttempt> =>
  extrasOf(open(engine), task)?.history ?? noAttempts

/** The name of the worker that made a result of which another one is the first holder now. */
export const makerOf = (engine: Engine, task: TaskId): string | undefined => extrasOf(open(engine), task)?.maker

// ---- where its result is held

/** Whether workers hold all results: no literal was ever submitted, and no worker hands its results over. */
export const areAllHeld = (engine: Engine): boolean => !open(engine).hasLiterals && !isUsed(open(engine), Use.home)

/** The workers that hold a result, or soon will. */
export const holdersOf = (engine: Engine, task: TaskId): ReadonlySet<number> => copies.holdersOf(open(engine), task)

/** A copy of a result that is on its way. */
export interface Copying {
  readonly task: TaskId
  readonly to: number
}

/** The copies that are on their way, by number. */
export const copiesOf = (engine: Engine): ReadonlyMap<number, Copying> => open(engine).copying
