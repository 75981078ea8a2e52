/**
 * The deterministic core: events in, instructions out. No clock, no chance, no effects: the same events give the same
 * instructions, so a run can be printed, compared and replayed.
 *
 * @since 0.1.0
 */
import * as ahead from "./dispatch/ahead.ts"
import { wakesAt as startsAt } from "./dispatch/delays.ts"
import * as slots from "./dispatch/slots.ts"
import * as announcements from "./events/announced.ts"
import * as attempts from "./events/attempts.ts"
import * as delays from "./events/delays.ts"
import * as elastic from "./events/elastic.ts"
import * as loss from "./events/loss.ts"
import * as settled from "./events/settled.ts"
import { submit } from "./events/submit.ts"
import { propagate } from "./life/agenda.ts"
import * as follow from "./life/follow.ts"
import * as lack from "./life/lack.ts"
import * as owners from "./life/owners.ts"
import * as starvation from "./life/starvation.ts"
import * as stranded from "./life/stranded.ts"
import * as waits from "./life/waits.ts"
import type { Engine } from "./protocol/Engine.ts"
import type { Event } from "./protocol/Event.ts"
import type { TaskId } from "./protocol/ids.ts"
import type { Instruction, Out } from "./protocol/Instruction.ts"
import type { SchedulerSettings } from "./protocol/Settings.ts"
import type { Log } from "./protocol/Transition.ts"
import * as states from "./state/State.ts"
import { open } from "./state/State.ts"
import type { State } from "./state/State.ts"
import * as timers from "./state/timers.ts"
import { Look, Use } from "./state/Use.ts"
import { isUsed, use, usesNow } from "./state/uses.ts"
import { Recorder } from "./views/recorder.ts"
import * as copies from "./workers/copies.ts"
import * as workers from "./workers/workers.ts"

/** Makes an engine. Settings that are absent have their defaults. */
export const make = (settings?: Partial<SchedulerSettings>): Engine => states.make(settings)

/** Applies one event and returns what must now be done, in order. */
export const step = (engine: Engine, event: Event, log?: Log): ReadonlyArray<Instruction> => {
  const out = new Recorder(engine)
  advance(engine, event, out, log)
  return out.instructions
}

const noLog: Log = { tasks: undefined, workers: undefined }

/**
 * Like {@link step}, with the instructions added to `out`, and transitions to the lists of `log`. The only function that changes
 * a {@link State}.
 */
export const advance = (engine: Engine, event: Event, out: Out, log: Log = noLog): void => {
  const state = open(engine)
  state.step.log = log.tasks
  state.step.workerLog = log.workers
  if (log.tasks !== undefined) use(state, Use.log)
  state.now = event.now
  state.step.cause = event._tag
  const hasMore = event._tag === "TaskEnded" && event.more === true
  state.step.isUndecided = hasMore
  apply(state, event, out)
  propagate(state, out)
  if (hasMore) return
  if (isUsed(state, Look.dispatch)) dispatch(state, out)
  else slots.fillPlain(state, out)
  if (isUsed(state, Look.conclude)) conclude(state, out)
  state.tasks.shrink()
}

/** Starts what can start where more than the rank and a free slot decides. */
const dispatch = (state: State, out: Out): void => {
  if (!isUsed(state, Look.dispatchHere) && ahead.isAllHere(state)) return slots.fillHere(state, out)
  if (state.step.hasMoved) follow.rebindAll(state)
  if (isAnyUnplaced(state)) lack.endHomeless(state, out)
  // Tasks of a kind without workers end before others start, which that may cancel.
  const isAnyThere = state.crew.takers + state.crew.remoteTakers > 0
  if (state.step.stranded.length > 0 && isAnyThere && !elastic.mayHelp(state)) {
    stranded.endStranded(state, out)
  }
  if (state.step.endingWaits.length > 0) owners.endWaits(state, out)
  ahead.dispatch(state, out)
}

/** Does what rare features do at the end of each step, and determines which of them are still in use (S15). */
const conclude = (state: State, out: Out): void => {
  if (state.crew.pool !== undefined) elastic.adapt(state, state.crew.pool, out)
  // A worker that just retired or left may have been the last one that some task could use. Ended waits go on.
  failHomeless(state, out)
  if (state.crew.draining > 0) copies.handOver(state, out)
  if (state.step.hasMoved) {
    follow.rebindAll(state)
    failHomeless(state, out)
  }
  if (state.step.copies.length > 0) copies.tell(state, out)
  if (state.keeping.size > 0 || state.keepingAmounts.size > 0) starvation.relieve(state, out)
  if (isUsed(state, Use.watching)) workers.watch(state)
  if (state.timers.heap.length > 0 || isUsed(state, Use.watching | Use.delays)) {
    timers.schedule(state, attempts.isStale, isUsed(state, Use.delays) ? startsAt(state) : Infinity, out)
  }
  state.uses &= usesNow(state)
}

/**
 * Fails every task that no worker can run, until a pass finds none. A dependent that absorbs such a failure may need a worker of
 * the pool.
 */
const failHomeless = (state: State, out: Out): void => {
  while (isAnyUnplaced(state) || state.step.stranded.length > 0) {
    if (state.step.hasMoved) follow.rebindAll(state)
    lack.endHomeless(state, out)
    stranded.endStranded(state, out)
    ahead.dispatch(state, out)
    if (state.crew.pool !== undefined) elastic.adapt(state, state.crew.pool, out)
  }
}

/** Whether the tasks that no worker could run must be determined again. */
const isAnyUnplaced = ({ crew, demanding, step }: State): boolean =>
  step.unplaced.length > 0 || (crew.hasChanged && demanding > 0)

const apply = (state: State, event: Event, out: Out): void => {
  switch (event._tag) {
    case "TaskStarted":
      return attempts.started(state, event)
    case "TaskEnded":
      return attempts.ended(state, event, out)
    case "TaskSettled":
      return settled.settleFromOutside(state, event, out)
    case "TaskCopied":
      return copies.copied(state, event, out)
    case "CopiesRequested":
      return copies.request(state, event, out)
    case "RebalanceRequested":
      return copies.rebalance(state, event)
    case "TaskFinalized":
      return attempts.finalized(state, event, out)
    case "TaskExpanded":
      return attempts.expanded(state, event, out)
    case "GraphSubmitted":
      return submit(state, event, out)
    case "GraphAnnounced":
      return announcements.announce(state, event)
    case "RowsFilled":
      return announcements.fill(state, event)
    case "GraphRecalled":
      return announcements.recall(state, event)
    case "WaitBegan":
      return waits.begin(state, event, out)
    case "WaitAbandoned":
      return waits.abandon(state, event, out)
    case "SlotWanted":
      return waits.comeBack(state, event, out)
    case "CancelRequested":
      return owners.request(state, event, out)
    case "ClaimShared":
      return owners.share(state, event, out)
    case "ClaimsReleased":
      return owners.release(state, event, out)
    case "OwnerOpened":
      return owners.open(state, event)
    case "OwnerClosed":
      return owners.close(state, event, out)
    case "WorkerAdded":
      return workers.add(state, event, out)
    case "WorkerStarted":
      return workers.started(state, event, out)
    case "WorkerBeat":
      return workers.beat(state, event, out)
    case "WorkerDrained":
      return workers.drain(state, event, out)
    case "WorkerLost":
      return loss.lose(state, event, out)
    case "ResultMissing":
      return loss.distrust(state, event, out)
    case "TagLimited":
      return delays.limit(state, event)
    case "StartsPaused":
      return delays.pause(state, event)
    case "StartsResumed":
      return delays.resume(state, event)
    case "PoolOpened":
      return elastic.open(state, event)
    case "TimeCame":
      delays.endPauses(state)
      loss.expire(state, out)
      if (isUsed(state, Use.watching)) workers.retireAged(state, out)
      return attempts.timeCame(state, out)
  }
}

/** The time of the last `WakeAt`. */
export const wakesAt = (engine: Engine): number => open(engine).timers.wakeAt

/** The time of the last event. */
export const timeOf = (engine: Engine): number => open(engine).now

/** The name of the last event. */
export const lastEvent = (engine: Engine): string => open(engine).step.cause

/** Whether more ends must follow before it is decided what can start. */
export const isUndecided = (engine: Engine): boolean => open(engine).step.isUndecided

/** Whether this attempt of the task has not ended. */
export const isCurrent = (engine: Engine, task: TaskId, attempt: number): boolean =>
  attempts.isCurrent(open(engine), task, attempt)

/** Whether a task has not ended, and its end is not fixed. */
export const maySettle = (engine: Engine, task: TaskId): boolean => settled.maySettle(open(engine), task)
