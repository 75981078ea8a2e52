/**
 * The size of an elastic pool. It grows while tasks are ready and no slot is free, and shrinks by workers that were idle for a
 * while. The delay is hysteresis: a bursty load does not cycle workers.
 *
 * @since 0.1.0
 */
import * as brakes from "../dispatch/brakes.ts"
import { isHeldBack, isPaused } from "../dispatch/delays.ts"
import { mayRun, maySuitNew, siteOf } from "../dispatch/placement.ts"
import * as ready from "../dispatch/ready.ts"
import type { PoolOpened } from "../protocol/Event.ts"
import type { Out } from "../protocol/Instruction.ts"
import type { WorkerKind } from "../protocol/Plan.ts"
import type { Pool } from "../state/Extras.ts"
import { kindOf } from "../state/lookups.ts"
import type { Queue } from "../state/Queue.ts"
import type { State } from "../state/State.ts"
import { Use } from "../state/Use.ts"
import { use } from "../state/uses.ts"
import { takesTasks } from "../state/WorkerRecord.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import { recentOf } from "../workers/restart.ts"
import * as workers from "../workers/workers.ts"

/** The inputs to the size of a pool. */
export interface Load {
  readonly min: number
  readonly max: number
  /** Its workers that take tasks, or will. */
  readonly size: number
  /** Those among them that are starting. */
  readonly starting: number
  /** Those that were idle for long enough. */
  readonly idle: number
  /** Whether tasks are ready and no slot is free. */
  readonly isShort: boolean
}

/** The wanted number of workers. Grows by one at a time: the next is requested when the last has started and tasks still wait. */
export const desired = ({ idle, isShort, max, min, size, starting }: Load): number => {
  const wanted = isShort ? size + (starting === 0 ? 1 : 0) : size - idle
  return Math.min(max, Math.max(min, wanted))
}

/** Handles {@link PoolOpened}. A second one changes the existing pool. */
export const open = (state: State, opened: PoolOpened): void => {
  const { ahead = 0, handsOver = false, idleMillis, kind = "local", max, min, name, slots, terms } = opened
  const { count, lost } = state.crew.pool ?? { count: 0, lost: [] }
  use(state, Use.watching)
  const each = { name, kind, slots, terms, ahead, handsOver }
  state.crew.pool = { ...each, min, max, idleMillis, count, lost, reviewAt: Infinity }
}

/** Starts or drains workers of the pool until it has its size. */
export const adapt = (state: State, pool: Pool, out: Out): void => {
  const members = membersOf(state)
  for (const worker of members) noteIdle(state, worker)
  const isIdle = ({ idleSince }: WorkerRecord): boolean => state.now - idleSince >= pool.idleMillis
  const idle = members.filter(isIdle).sort((a, b) => a.idleSince - b.idleSince || b.index - a.index)
  const { max, min } = pool
  const starting = members.filter(({ phase }) => phase === "starting").length
  const size = desired({ min, max, size: members.length, starting, idle: idle.length, isShort: isShort(state, pool) })
  const leaving = idle.slice(0, Math.max(0, members.length - size))
  for (const worker of leaving) workers.dismiss(state, worker)
  // Tasks that could not run on any of those wait for a fresh worker.
  if (leaving.length > 0 && isShort(state, pool)) return adapt(state, pool, out)
  for (let i = members.length; i < size && mayStart(state, pool); i++) {
    const name = nextName(state, pool)
    const newcomer = {
      name,
      kind: pool.kind,
      info: { id: name, labels: [] },
      mark: Infinity,
      ahead: pool.ahead,
      handsOver: pool.handsOver,
      slots: pool.slots,
      amounts: undefined,
      terms: pool.terms,
      restarts: [],
      isPooled: true
    }
    workers.start(state, newcomer, -1, out)
  }
  pool.reviewAt = nextReview(state, pool, members.length < size)
}

const membersOf = ({ workers }: State): ReadonlyArray<WorkerRecord> =>
  workers.filter((worker) => worker.isPooled && takesTasks(worker))

/** Other workers may have any name. */
const nextName = (state: State, pool: Pool): string => {
  const name = `${pool.name}-${++pool.count}`
  const isTaken = state.workers.some((worker) =>
    worker.name === name && worker.phase !== "gone" && worker.phase !== "lost"
  )
  return isTaken ? nextName(state, pool) : name
}

const noteIdle = (state: State, worker: WorkerRecord): void => {
  if (worker.attempts > 0 || worker.phase === "starting") worker.idleSince = Infinity
  else if (worker.idleSince === Infinity) worker.idleSince = state.now
}

/** Whether a task is ready that would start on a new worker of the pool, and no slot is free. */
const isShort = (state: State, pool: Pool): boolean => {
  const isFree = (of: WorkerKind): boolean =>
    state.workers.some(({ kind, phase, running, slots }) => kind === of && phase === "open" && running < slots)
  const free = { local: isFree("local"), remote: isFree("remote") }
  const isWaiting = ({ kind }: Pick<Queue, "kind">): boolean =>
    mayRun(pool, { kind }) && siteOf(kind, free) === undefined
  if (!isPaused(state) && ready.lanesOf(state).some(isWaiting)) return true
  const sent = state.workers.flatMap((worker) => worker.sent.keys())
  if (sent.some((task) => isWaiting({ kind: kindOf(state, task) }))) return true
  const brake = brakes.isAnyAtWork(state) ? brakes.brakeOf(state) : "none"
  for (const crowd of state.awake) {
    if (isHeldBack(state, crowd)) continue
    if (crowd.heads.some((queue) => isWaiting(queue) && wouldHelp(state, queue, brake))) return true
  }
  return false
}

/** Whether a task of a queue could start on a new worker of the pool. Tasks that a budget holds back need no slot. */
const wouldHelp = (state: State, queue: Queue, brake: ReturnType<typeof brakes.brakeOf>): boolean => {
  const { demand, isSource } = queue
  if (brake === "all" || (brake === "sources" && isSource)) return false
  if (demand === undefined) return true
  const isFree = (tag: string): boolean => {
    const limit = state.tags.get(tag)
    return limit === undefined || limit.used < limit.total
  }
  return maySuitNew(state, queue) && (demand.tags ?? []).every(isFree)
}

/** Whether lost workers may be replaced. Without a bound, a task that kills workers would do so for ever. */
const mayStart = (state: State, pool: Pool): boolean => {
  const rule = pool.terms?.restart
  if (rule === undefined) return true
  pool.lost = recentOf(rule, pool.lost, state.now)
  return pool.lost.length <= rule.times
}

/** Whether the pool may start a worker of the kind of which none takes tasks. */
export const mayHelp = (state: State): boolean => {
  const { pool, takers } = state.crew
  return pool?.kind === (takers === 0 ? "local" : "remote") && mayStart(state, pool)
}

/** A worker of the pool is about to be lost. */
export const noteLoss = ({ crew: { pool }, now }: State, { isPooled }: WorkerRecord): void => {
  if (isPooled && pool !== undefined) pool.lost = [...pool.lost, now]
}

/** The next time at which the size may change without another event. */
const nextReview = (state: State, pool: Pool, lacks: boolean): number => {
  const rule = pool.terms?.restart
  if (lacks && rule !== undefined && pool.lost.length > rule.times) {
    return pool.lost[pool.lost.length - 1 - rule.times]! + rule.withinMillis
  }
  const members = membersOf(state)
  const first = members.length > pool.min ? Math.min(...members.map(({ idleSince }) => idleSince)) : Infinity
  // A superfluous check is harmless; setting the alarm again for each task costs more.
  return pool.reviewAt > state.now ? Math.min(pool.reviewAt, first + pool.idleMillis) : first + pool.idleMillis
}
