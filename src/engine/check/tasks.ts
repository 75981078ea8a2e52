/**
 * Checks of single tasks: phases (S1), what they wait for (S2), and their ends (S7).
 *
 * @since 0.1.0
 */
import { outcomeOfEnd } from "../life/groups.ts"
import type { TaskId } from "../protocol/ids.ts"
import { phaseAfter } from "../protocol/Outcome.ts"
import type { PhaseName } from "../protocol/Phase.ts"
import { Flag, hasEnded, Phase, phaseNames } from "../protocol/Phase.ts"
import type { EndKind, Group } from "../protocol/policies.ts"
import { decide } from "../protocol/policies.ts"
import type { Reason } from "../protocol/Reason.ts"
import type { Announced } from "../state/Announced.ts"
import { dependencyRows } from "../state/dependencies.ts"
import { isGivenValue, phaseOf, settingsOf } from "../state/lookups.ts"
import { allAliases, allExtras, extrasOf } from "../state/rare.ts"
import { isOver } from "../state/State.ts"
import type { State } from "../state/State.ts"
import { isLegal } from "../state/transitions.ts"
import { Use } from "../state/Use.ts"
import { usesNow } from "../state/uses.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"
import type { Facts, Rule } from "./facts.ts"
import { has, isLive, isOpen } from "./facts.ts"

/** S1: phases are exclusive, rows are used or free, and only legal transitions are on the log. */
export const phases: Rule = function*(state, { live, name }) {
  const { tasks } = state
  const free = new Set(tasks.free.subarray(0, tasks.freed))
  const ahead = new Set(Array.from(state.announced.values(), rowsOf).flat())
  if (free.size !== tasks.freed) yield "S1: a row is free twice"
  for (const task of free) {
    if (tasks.phase[task] !== Phase.free) yield `S1: the free row ${task} has a phase`
    if (tasks.submission[task] !== undefined || tasks.waits[task] !== undefined) yield `S1: the free row ${task} keeps`
  }
  for (let task = 0; task < tasks.used; task++) {
    const isWhole = phaseOf(state, task) !== Phase.free && tasks.submission[task] !== undefined
    if (!free.has(task) && !isWhole && !ahead.has(task)) yield `S1: row ${task} is lost`
  }
  for (const task of live) {
    if (tasks.submission[task]!.ids[tasks.index[task]!] !== task) {
      yield `S1: the submission of ${name(task)} does not know it`
    }
  }
  for (const { from, key, to } of state.step.log ?? []) {
    if (!isLegalEntry(from, to)) yield `S1: ${key} went from ${from ?? "nothing"} to ${to}`
  }
}

const rowsOf = ({ filled, submission: { ids } }: Announced): ReadonlyArray<TaskId> => [...ids.subarray(0, filled)]

/** S16: the rows of announced plans are filled, counted, and not live. */
export const announcements: Rule = function*({ announced, next, tasks }) {
  const seen = new Set(tasks.free.subarray(0, tasks.freed))
  let found = 0
  for (const [number, { block, filled, submission }] of announced) {
    const { dependentOffsets, ids, plan: { offsets } } = submission
    const claimed = new Map<TaskId, number>()
    for (const claim of block?.claims ?? []) {
      if (claim === undefined || claim.state !== "live" || claim.id >= next.claim) {
        yield `S16: a claim of ${number} ended`
      } else claimed.set(claim.task, (claimed.get(claim.task) ?? 0) + 1)
    }
    if (block !== undefined && block.size > 0 && filled < submission.plan.size) yield `S16: ${number} claims too early`
    for (let index = 0; index < filled; index++) {
      const task = ids[index]!
      found++
      if (seen.has(task)) yield `S16: the row ${task} of ${number} is another's too`
      seen.add(task)
      if (tasks.phase[task] !== Phase.free) yield `S16: the row ${task} of ${number} has a phase`
      const users = dependentOffsets[index + 1]! - dependentOffsets[index]! + (claimed.get(task) ?? 0)
      const isFilled = tasks.submission[task] === submission && tasks.index[task] === index &&
        tasks.waiting[task] === offsets[index + 1]! - offsets[index]! && tasks.refs[task] === users
      if (!isFilled) yield `S16: the row ${task} of ${number} is not what it was`
    }
  }
  if (found !== tasks.announced) yield `S16: ${tasks.announced} rows are announced of ${found}`
}

const isLegalEntry = (from: PhaseName | undefined, to: PhaseName | "released"): boolean => {
  if (from === undefined) return to === "waiting"
  const phase = phaseNames.indexOf(from) as Phase
  return to === "released"
    ? hasEnded(phase) || phase === Phase.releasing
    : isLegal(phase, phaseNames.indexOf(to) as Phase)
}

/** S1: no data of a forgotten task is kept. */
export const rows: Rule = function*(state, { live, name }) {
  const named = [...tables.map((table) => [table, state[table]] as const), ["sources", state.balance.sources] as const]
  for (const [table, tasks] of named) {
    for (const task of tasks.keys()) if (!isLive(state, task)) yield `S1: ${table} names the free row ${task}`
  }
  for (const task of live) {
    if (has(state, task, Flag.hasExtras) !== state.extras.has(task)) yield `S1: ${name(task)} has lost its extras`
    if (has(state, task, Flag.hasLater) !== state.later.has(task)) {
      yield `S1: ${name(task)} has lost its later dependents`
    }
  }
}

/** The data of a task beside its columns. */
const tables = [
  "extras",
  "holding",
  "keeping",
  "keepingAmounts",
  "later",
  "leaving",
  "stopping",
  "waitsOf"
] as const satisfies ReadonlyArray<keyof State>

/** S1: the data of one step is gone. */
export const betweenSteps: Rule = function*({ crew, demanding, step }) {
  if (!isOver(step)) yield "S1: the step is not finished"
  if (crew.hasChanged && demanding > 0) yield "S1: nobody was asked whether it lacks a worker"
}

/** S15: a bit is set for each rare feature with data, and for no other; some bits stay once they are set. */
export const uses: Rule = function*(state) {
  const { crew: { pool }, uses, workers } = state
  const now = usesNow(state)
  const isTimed = ({ terms: { maxAgeMillis, ttlMillis } }: WorkerRecord) => (ttlMillis ?? maxAgeMillis) !== undefined
  // A worker that left may have been the last of its kind.
  const kept = (workers.some(({ mark }) => mark < Infinity) || state.scheme !== "steady" ? Use.steering : 0) |
    (workers.some(({ ahead }) => ahead > 0) ? Use.ahead : 0) |
    (workers.some(({ kind }) => kind === "remote") ? Use.kinds : 0) |
    (workers.some(({ terms }) => terms.maxTasks !== undefined) ? Use.counting : 0) |
    (pool !== undefined || workers.some(isTimed) ? Use.watching : 0)
  for (const [name, bit] of Object.entries(Use)) {
    if ((uses & ~now & bit) !== 0) yield `S15: ${name} has a bit and no data`
    if (((now | kept) & ~uses & bit) !== 0) yield `S15: ${name} has data and no bit`
  }
  const { flags, index, submission } = state.tasks
  for (let task = 0; task < state.tasks.used; task++) {
    const { plan, share } = submission[task] ?? {}
    const hasSettings = share !== undefined || plan?.settings.has(index[task]!) === true
    if (isLive(state, task) && ((flags[task]! & Flag.hasSettings) !== 0) !== hasSettings) {
      yield `S15: row ${task} has ${hasSettings ? "settings and no bit" : "a bit and no settings"}`
    }
  }
}

/** S2: a task waits for exactly the dependencies that have not been met, for its alias, or for its retry. */
export const waiting: Rule = function*(state, facts) {
  const { name, needs } = facts
  for (const [task, dependencies] of needs) {
    if (!dependencies.every((dependency) => isLive(state, dependency))) yield `S2: ${name(task)} lost a dependency`
    const settings = settingsOf(state, task)
    yield* settings?.policies === undefined
      ? single(state, facts, task, dependencies, settings?.absorbs === true)
      : grouped(state, facts, task, settings.policies)
  }
  for (const [task, formers] of allExtras(state, "formers")) {
    if (!hasEnded(phaseOf(state, task)) && phaseOf(state, task) !== Phase.waiting) {
      yield `S2: ${name(task)} did not wait for those that it replaces`
    }
    for (const former of formers) {
      if (!isLive(state, former) || !isOpen(state, former)) yield `S2: ${name(task)} waits for one that has ended`
      else if (state.successors.get(former)?.includes(task) !== true) yield `S2: nobody tells ${name(task)} of an end`
    }
  }
  for (const [task, target] of allAliases(state)) {
    if (phaseOf(state, task) === Phase.succeeded && has(state, task, Flag.retains) && isLive(state, target)) continue
    if (phaseOf(state, task) !== Phase.waiting) yield `S2: the alias ${name(task)} does not wait`
    if (!isOpen(state, target)) yield `S2: the alias ${name(task)} should have ended`
  }
}

/** Without policies: each dependency, once for each index. */
function* single(
  state: State,
  facts: Facts,
  task: TaskId,
  dependencies: ReadonlyArray<TaskId>,
  absorbs: boolean
): Iterable<string> {
  const { name } = facts
  const phase = phaseOf(state, task)
  const open = dependencies.filter((dependency) => !hasEnded(phaseOf(state, dependency)))
  // A dependency that runs again for others does not stop a task that has started with it.
  const isNew = (dependency: TaskId) => phase < Phase.assigned || !has(state, dependency, Flag.recomputed)
  const early = phase > Phase.waiting ? open.filter(isNew) : []
  if (early.length > 0) yield `S2: ${name(task)} did not wait for ${early.map(name).join()}`
  if (phase === Phase.waiting) yield* counted(state, facts, task, open.length)
  const refused = dependencies.filter((dependency) => phaseOf(state, dependency) > Phase.succeeded && isNew(dependency))
  if (!absorbs && refused.length > 0) yield `S2: ${name(task)} outlives the refusal by ${refused.map(name).join()}`
}

/** With policies: each group that is not met, and each dependency without a group. A final verdict has ended the task. */
function* grouped(state: State, facts: Facts, task: TaskId, groups: ReadonlyArray<Group>): Iterable<string> {
  const { name } = facts
  const needs = extrasOf(state, task)?.needs
  if (needs === undefined) return yield `S2: nobody counts for ${name(task)}`
  const phase = phaseOf(state, task)
  if (phase > Phase.ready) return
  const ends = dependencyRows(state, task).map((dependency): EndKind | "open" | "dropped" => {
    if (dependency < 0) return "dropped"
    return hasEnded(phaseOf(state, dependency)) ? outcomeOfEnd(state, dependency) : "open"
  })
  const alone = ends.filter((end, place) =>
    end !== "dropped" && !groups.some(({ from, to }) => place >= from && place < to)
  )
  if (alone.some((end) => end !== "open" && end !== "success")) yield `S2: ${name(task)} outlives a refusal`
  let left = alone.filter((end) => end === "open").length
  for (const [i, { from, policy, to }] of groups.entries()) {
    const members = ends.slice(from, to).filter((end) => end !== "dropped")
    const count = (outcome: EndKind) => members.filter((end) => end === outcome).length
    const verdict = decide(policy, members.length, {
      success: count("success"),
      failed: count("failed"),
      upstreamFailed: count("upstreamFailed"),
      skipped: count("skipped")
    })
    if (verdict === undefined) left++
    else if (verdict !== "run") yield `S2: ${name(task)} outlives its group ${i}`
    if (needs.met[i] !== (verdict === "run")) yield `S2: group ${i} of ${name(task)} is ${verdict ?? "open"}`
  }
  if (phase === Phase.ready && left > 0) yield `S2: ${name(task)} did not wait for ${left} more`
  if (phase !== Phase.waiting) return
  if (needs.left !== left) yield `S2: ${name(task)} has ${needs.left} of ${left} left`
  yield* counted(state, facts, task, left)
}

/** The count of a waiting task: these, and the delay before its next attempt. */
function* counted(state: State, { isArmed, name }: Facts, task: TaskId, left: number): Iterable<string> {
  const expected = left + (isArmed(task, "retry", state.tasks.attempt[task]!) ? 1 : 0)
  const said = state.tasks.waiting[task]
  if (said !== expected) yield `S2: ${name(task)} counts ${said} of ${expected}`
  const formers = extrasOf(state, task)?.formers
  if (expected === 0 && formers === undefined) yield `S2: nothing will wake ${name(task)}`
}

/**
 * S7: a task that has ended without success, or will, has one outcome; each failure is kept as long as an outcome references it.
 */
export const outcomes: Rule = function*(state, { live, name }) {
  const failures = new Map<number, number>()
  const add = (reason: Reason) => {
    if (reason._tag === "Failed") failures.set(reason.failure, (failures.get(reason.failure) ?? 0) + 1)
  }
  for (const { reason } of allExtras(state, "outcome").values()) add(reason)
  for (const { roots } of state.owners.values()) for (const { outcome } of roots) add(outcome.reason)
  for (const failure of new Set([...failures.keys(), ...state.failures.keys()])) {
    const [kept, named] = [state.failures.get(failure) ?? 0, failures.get(failure) ?? 0]
    if (kept !== named) yield `S7: failure ${failure} is kept ${kept} times and named ${named} times`
  }
  for (const task of live) {
    const phase = phaseOf(state, task)
    const outcome = extrasOf(state, task)?.outcome
    const isTold = has(state, task, Flag.told)
    const mayBeHeld = phase === Phase.succeeded || (phase === Phase.releasing && isTold)
    const isFixed = !mayBeHeld && phase >= Phase.stopping && !isGivenValue(state, task)
    if ((outcome !== undefined) !== isFixed) {
      yield `S7: ${name(task)} has ${outcome === undefined ? "no" : "an"} outcome`
    }
    if (outcome !== undefined && phase > Phase.succeeded && phaseAfter(outcome) !== phase) {
      yield `S7: ${name(task)} ended by ${outcome.reason._tag}`
    }
    if (isTold !== (hasEnded(phase) || mayBeHeld)) yield `S7: ${name(task)} is not settled rightly`
    if (has(state, task, Flag.wished) && hasEnded(phase)) yield `S7: ${name(task)} is wished for and has ended`
  }
  for (const task of allExtras(state, "isGiven").keys()) {
    const phase = phaseOf(state, task)
    if (phase !== Phase.stopping && phase !== Phase.releasing) yield `S7: ${name(task)} was settled and has not ended`
  }
}

/** S7: attempts have different numbers, and the data of an attempt is its own. */
export const attempts: Rule = function*(state, { live, name }) {
  const { attempt, starts } = state.tasks
  const known = new Set<number>()
  for (const task of live) {
    const phase = phaseOf(state, task)
    if ((phase === Phase.stopping) !== state.stopping.has(task)) yield `S7: ${name(task)} is not stopping rightly`
    if (starts[task] === 0 ? attempt[task] !== 0 : attempt[task] === 0 && !has(state, task, Flag.begun)) {
      yield `S7: ${name(task)} miscounts its starts`
    }
    if (attempt[task] !== 0 && known.has(attempt[task]!)) yield `S7: ${name(task)} shares its attempt`
    known.add(attempt[task]!)
    if (has(state, task, Flag.timedOut) && !hasEnded(phase) && phase !== Phase.stopping) {
      yield `S7: ${name(task)} has not run out of time in this attempt`
    }
  }
}
