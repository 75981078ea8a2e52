/**
 * Tests the invariants of {@link State} from first principles: everything that the engine counts is counted again, and
 * everything that it keeps in two places is compared. Slow, and meant for tests and for bug reports.
 *
 * @since 0.1.0
 */
import { unitsOf } from "./amounts.ts"
import { followedBy } from "./follow.ts"
import { lackOf } from "./lack.ts"
import { graceOf, holdsDependencies } from "./lookups.ts"
import { outcomeOfEnd } from "./needs.ts"
import { unwanted } from "./Owner.ts"
import type { Wait } from "./Owner.ts"
import { claimsOf } from "./owners.ts"
import { Flag, hasEnded, Phase, phaseNames } from "./Phase.ts"
import type { Phase as PhaseOf, PhaseName } from "./Phase.ts"
import { demandOf, hasRoom, maySuit, suits } from "./placement.ts"
import { decide } from "./policies.ts"
import type { Group, Outcome } from "./policies.ts"
import type { Lane } from "./Queue.ts"
import { kindOf, nameOfKind } from "./ready.ts"
import { awaitedDependenciesOf, compareReady, dependenciesOf, membersOf } from "./snapshot.ts"
import type { State } from "./State.ts"
import { keyAt, priorityAt, shareAt } from "./Submission.ts"
import type { Submission } from "./Submission.ts"
import type { TaskId } from "./TaskTable.ts"
import { mostTimers } from "./timers.ts"
import type { Timer } from "./timers.ts"
import { isLegal } from "./transitions.ts"
import type { WorkerRecord } from "./WorkerRecord.ts"

/** What is wrong with a state, each sentence with the number of the invariant first; empty when all is well. */
export const check = (state: State): ReadonlyArray<string> => {
  const facts = factsOf(state)
  return rules.flatMap((rule) => [...rule(state, facts)])
}

/** What several rules need to know. */
interface Facts {
  /** The rows in use. */
  readonly live: ReadonlyArray<TaskId>
  /** The dependencies of each live task that still holds them, but for aliases. */
  readonly needs: ReadonlyMap<TaskId, ReadonlyArray<TaskId>>
  readonly name: (task: TaskId) => string
}

type Rule = (state: State, facts: Facts) => Iterable<string>

const factsOf = (state: State): Facts => {
  const { tasks } = state
  const free = new Set(freeRows(state))
  const live: Array<TaskId> = []
  for (let task = 0; task < tasks.used; task++) if (!free.has(task)) live.push(task)
  const needs = new Map<TaskId, ReadonlyArray<TaskId>>()
  for (const task of live) {
    const holds = tasks.submission[task] !== undefined && holdsDependencies(state, task)
    if (holds && !state.aliases.has(task)) needs.set(task, dependenciesOf(state, task))
  }
  const name = (task: TaskId) => {
    const submission = tasks.submission[task]
    const key = submission === undefined ? "nothing" : keyAt(submission, tasks.index[task]!)
    return `${key} (row ${task}, ${phaseNames[phaseOf(state, task)]})`
  }
  return { live, needs, name }
}

const freeRows = ({ tasks }: State): Int32Array => tasks.free.subarray(0, tasks.freed)

const phaseOf = (state: State, task: TaskId): PhaseOf => state.tasks.phase[task] as PhaseOf

const has = (state: State, task: TaskId, flag: number): boolean => (state.tasks.flags[task]! & flag) !== 0

const isLive = (state: State, task: TaskId): boolean =>
  task >= 0 && task < state.tasks.used && phaseOf(state, task) !== Phase.free

/** S1: phases are exclusive, rows are used or free, and only legal transitions are on the log. */
function* phases(state: State, { live, name }: Facts): Iterable<string> {
  const { tasks } = state
  const free = freeRows(state)
  if (new Set(free).size !== free.length) yield "S1: a row is free twice"
  for (const task of free) {
    if (tasks.phase[task] !== Phase.free) yield `S1: the free row ${task} has a phase`
    if (tasks.submission[task] !== undefined || tasks.waits[task] !== undefined) yield `S1: the free row ${task} keeps`
  }
  for (const task of live) {
    const submission = tasks.submission[task]
    if (phaseOf(state, task) === Phase.free || submission === undefined) yield `S1: row ${task} is lost`
    else if (submission.ids[tasks.index[task]!] !== task) yield `S1: the submission of ${name(task)} does not know it`
  }
  for (const { from, key, to } of state.log ?? []) {
    if (!isLegalEntry(from, to)) yield `S1: ${key} went from ${from ?? "nothing"} to ${to}`
  }
  if (state.agenda.size > 0 || state.lone >= 0 || state.cancelling !== unwanted) yield "S1: the step is not finished"
}

const isLegalEntry = (from: PhaseName | undefined, to: PhaseName | "released"): boolean => {
  if (from === undefined) return to === "waiting"
  const phase = phaseNames.indexOf(from) as PhaseOf
  return to === "released"
    ? hasEnded(phase) || phase === Phase.releasing
    : isLegal(phase, phaseNames.indexOf(to) as PhaseOf)
}

/** S2: a task waits for exactly the dependencies that have not been met, for its alias, or for its retry. */
function* waiting(state: State, { name, needs }: Facts): Iterable<string> {
  const { tasks } = state
  for (const [task, dependencies] of needs) {
    const phase = phaseOf(state, task)
    const open = dependencies.filter((dependency) =>
      !isLive(state, dependency) || !hasEnded(phaseOf(state, dependency))
    )
    if (dependencies.some((dependency) => !isLive(state, dependency))) yield `S2: ${name(task)} lost a dependency`
    const isNew = (dependency: TaskId) => phase < Phase.assigned || !has(state, dependency, Flag.recomputed)
    const settings = settingsOf(state, task)
    if (settings?.policies !== undefined) {
      yield* grouped(state, task, settings.policies, name)
      continue
    }
    const early = phase > Phase.waiting ? open.filter(isNew) : []
    if (early.length > 0) yield `S2: ${name(task)} did not wait for ${early.map(name).join()}`
    if (phase === Phase.waiting) {
      const expected = open.length + (isArmed(state, task, "retry", tasks.attempt[task]!) ? 1 : 0)
      if (tasks.waiting[task] !== expected) yield `S2: ${name(task)} counts ${tasks.waiting[task]} of ${expected}`
      if (expected === 0) yield `S2: nothing will wake ${name(task)}`
    }
    const absorbs = settings?.absorbs === true
    const refused = dependencies.filter((dependency) =>
      phaseOf(state, dependency) > Phase.succeeded && isNew(dependency)
    )
    if (!absorbs && refused.length > 0) yield `S2: ${name(task)} outlives the refusal by ${refused.map(name).join()}`
  }
  for (const [task, target] of state.aliases) {
    if (phaseOf(state, task) === Phase.succeeded && has(state, task, Flag.retains) && isLive(state, target)) continue
    if (phaseOf(state, task) !== Phase.waiting) yield `S2: the alias ${name(task)} does not wait`
    if (!isLive(state, target) || hasEnded(phaseOf(state, target))) {
      yield `S2: the alias ${name(task)} should have ended`
    }
  }
}

/** S2: a task with policies waits for each set that is not met, and for the others one by one; what decides it has ended it. */
function* grouped(
  state: State,
  task: TaskId,
  groups: ReadonlyArray<Group>,
  name: (task: TaskId) => string
): Iterable<string> {
  const needs = state.needs.get(task)
  if (needs === undefined) return yield `S2: nobody counts for ${name(task)}`
  const phase = phaseOf(state, task)
  if (phase > Phase.ready) return
  const { ids, plan: { offsets, targets } } = state.tasks.submission[task]!
  const from = offsets[state.tasks.index[task]!]!
  const size = offsets[state.tasks.index[task]! + 1]! - from
  const endOf = (place: number): Outcome | "open" => {
    const target = targets[from + place]!
    const dependency = target >= 0 ? ids[target]! : ~target
    return hasEnded(phaseOf(state, dependency)) ? outcomeOfEnd(state, dependency) : "open"
  }
  const places = Array.from({ length: size }, (_, place) => place).filter((place) => !needs.dropped.has(place))
  const alone = places.filter((place) => !groups.some((group) => place >= group.from && place < group.to)).map(endOf)
  let left = alone.filter((end) => end === "open").length
  if (alone.some((end) => end !== "open" && end !== "success")) yield `S2: ${name(task)} outlives a refusal`
  for (const [i, group] of groups.entries()) {
    const ends = places.filter((place) => place >= group.from && place < group.to).map(endOf)
    const count = (outcome: Outcome) => ends.filter((end) => end === outcome).length
    const tally = {
      success: count("success"),
      failed: count("failed"),
      upstreamFailed: count("upstreamFailed"),
      skipped: count("skipped")
    }
    const verdict = decide(group.policy, ends.length, tally)
    if (verdict === undefined) left++
    else if (verdict !== "run") yield `S2: ${name(task)} outlives its group ${i}`
    if (needs.met[i] !== (verdict === "run")) yield `S2: group ${i} of ${name(task)} is ${verdict ?? "open"}`
  }
  if (phase === Phase.ready && left > 0) yield `S2: ${name(task)} did not wait for ${left} more`
  if (phase !== Phase.waiting) return
  const expected = left + (isArmed(state, task, "retry", state.tasks.attempt[task]!) ? 1 : 0)
  if (needs.left !== left) yield `S2: ${name(task)} has ${needs.left} of ${left} left`
  if (state.tasks.waiting[task] !== expected) {
    yield `S2: ${name(task)} counts ${state.tasks.waiting[task]} of ${expected}`
  }
  if (expected === 0) yield `S2: nothing will wake ${name(task)}`
}

const settingsOf = (state: State, task: TaskId) =>
  state.tasks.submission[task]?.plan.settings.get(state.tasks.index[task]!)

const isFollower = (state: State, task: TaskId): boolean =>
  settingsOf(state, task)?.policies?.some(({ of }) => of === "follow") === true

const isArmed = (state: State, task: TaskId, kind: Timer["kind"], serial: number): boolean =>
  state.timers.some((timer) => timer.task === task && timer.kind === kind && timer.serial === serial)

/** S3: the users of a task are its claims, bulk targets, wishes, aliases and dependents. */
function* users(state: State, { live, name, needs }: Facts): Iterable<string> {
  const { tasks } = state
  const refs = new Map<TaskId, number>()
  const add = (task: TaskId) => refs.set(task, (refs.get(task) ?? 0) + 1)
  for (const owner of state.owners.values()) {
    for (const { task } of claimsOf(owner)) add(task)
    for (const task of owner.targets) add(task)
  }
  for (const target of state.aliases.values()) add(target)
  for (const dependencies of needs.values()) for (const dependency of dependencies) add(dependency)
  for (const task of live) {
    if (has(state, task, Flag.wished)) add(task)
    const counted = refs.get(task) ?? 0
    const phase = phaseOf(state, task)
    if (tasks.refs[task] !== counted) yield `S3: ${name(task)} says ${tasks.refs[task]} users of ${counted}`
    if (counted === 0 && phase !== Phase.stopping && phase !== Phase.releasing) {
      yield hasEnded(phase) ? `S8: ${name(task)} is held for nobody` : `S3: ${name(task)} goes on for nobody`
    }
  }
  for (const task of refs.keys()) if (!isLive(state, task)) yield `S3: the free row ${task} has users`
}

/** S3: claims know their owners, keys their tasks, and tasks of later submissions the tasks that they depend on. */
function* links(state: State, { live, name, needs }: Facts): Iterable<string> {
  for (const owner of state.owners.values()) {
    for (const [task, claims] of owner.claims) {
      if (claims instanceof Set && claims.size === 0) yield `S3: ${owner.name} keeps an empty set of claims`
      for (const claim of claims instanceof Set ? claims : [claims]) {
        if (claim.task !== task || claim.owner !== owner) yield `S3: a claim of ${owner.name} is misplaced`
        if (claim.state !== "live") yield `S3: the ${claim.state} claim of ${owner.name} on ${name(task)} is kept`
      }
    }
  }
  for (const [key, task] of state.keys) {
    if (!isLive(state, task) || settingsOf(state, task)?.key !== key) yield `S3: the key ${key} names ${name(task)}`
  }
  for (const task of live) {
    const key = settingsOf(state, task)?.key
    // Cancelled, replaced when it had failed, or released. That of a task that was forgotten is free, though its result is made
    // anew.
    const isFree = state.outcomes.has(task) || phaseOf(state, task) === Phase.releasing ||
      has(state, task, Flag.recomputed)
    if (key !== undefined && !isFree && state.keys.get(key) !== task) yield `S3: ${name(task)} lost its key`
  }
  const expected = new Map<TaskId, Set<TaskId>>()
  const expect = (dependency: TaskId, task: TaskId) => {
    if (hasEnded(phaseOf(state, dependency))) return
    const tasks = expected.get(dependency)
    if (tasks === undefined) expected.set(dependency, new Set([task]))
    else tasks.add(task)
  }
  for (const [task, dependencies] of needs) {
    const submission = state.tasks.submission[task]!
    for (const dependency of dependencies) if (!submission.ids.includes(dependency)) expect(dependency, task)
  }
  for (const [task, target] of state.aliases) expect(target, task)
  for (const [dependency, tasks] of expected) {
    for (const task of tasks) {
      if (state.later.get(dependency)?.has(task) !== true) yield `S3: ${name(dependency)} does not know ${name(task)}`
    }
  }
  for (const [dependency, tasks] of state.later) {
    if (tasks.size === 0) yield `S3: ${name(dependency)} keeps an empty set of later dependents`
    for (const task of tasks.keys()) {
      if (expected.get(dependency)?.has(task) !== true) yield `S3: ${name(dependency)} keeps ${name(task)}`
    }
  }
}

/** S4, S6: slots are counted right, never exceeded, and never idle while somebody could use them. */
function* slots(state: State, { live, name }: Facts): Iterable<string> {
  const holders = state.workers.map(() => 0)
  const attempts = state.workers.map(() => 0)
  for (const task of live) {
    const phase = phaseOf(state, task)
    const inAttempt = phase >= Phase.assigned && phase <= Phase.stopping
    const holds = has(state, task, Flag.holdsSlot)
    const worker = state.tasks.worker[task]!
    if ((phase === Phase.succeeded || phase === Phase.releasing) && state.workers[worker]!.phase === "lost") {
      yield `S8: the result of ${name(task)} was lost`
    }
    if (inAttempt) attempts[worker]!++
    if (holds) holders[worker]!++
    if ((phase === Phase.running) !== holds && phase !== Phase.stopping) {
      yield `S4: ${name(task)} ${holds ? "holds a" : "has no"} slot`
    }
    if (phase === Phase.rejoining && !state.workers[worker]!.rejoining.has(task)) {
      yield `S6: ${name(task)} is not queued`
    }
  }
  const draining = state.workers.filter(({ phase }) => phase === "draining").length
  if (draining !== state.draining) yield `S4: ${state.draining} of ${draining} draining workers are counted`
  const owning = live.filter((task) => has(state, task, Flag.resource)).length
  if (owning !== state.resources) yield `S8: ${state.resources} of ${owning} tasks with resources are counted`
  const firsts = [state.lanes, ...[...state.queues.values()].map(({ lanes }) => lanes)].map(firstOf)
  const holdsBack = brakesOf(state, live)
  for (const worker of state.workers) {
    const where = `on ${worker.name}`
    if (worker.running !== holders[worker.index]) {
      yield `S4: ${worker.running} of ${holders[worker.index]} slots ${where}`
    }
    if (worker.attempts !== attempts[worker.index]) yield `S4: ${worker.attempts} attempts ${where} are miscounted`
    if (worker.running > worker.slots) yield `S4: ${worker.running} attempts ${where} hold ${worker.slots} slots`
    const isBusy = worker.attempts > 0 ||
      [...state.copying.values()].some(({ from, isMove }) => isMove && from === worker.index)
    if (worker.phase !== "open" && isBusy !== (worker.phase === "draining")) {
      yield `S4: ${worker.name} is ${worker.phase} with ${worker.attempts} attempts`
    }
    const isFree = hasRoom(state, worker)
    const rejoiners = [...worker.rejoining.keys()].filter((task) => asksForNothing(state, task))
    if (worker.phase === "starting" && worker.attempts > 0) yield `S4: ${worker.name} is not there yet`
    if (worker.running < worker.slots && rejoiners.length > 0) yield `S6: a slot is free ${where} and a rejoiner waits`
    for (const first of isFree ? firsts : []) {
      if (first === undefined || !suits(state, worker, demandOf(state, first))) continue
      if (!asksForNothing(state, first)) continue
      if (holdsBack(worker, first)) continue
      yield `S6: a slot is free ${where} and ${name(first)} is ready`
    }
    for (const task of worker.rejoining.keys()) {
      if (
        !isLive(state, task) || phaseOf(state, task) !== Phase.rejoining || state.tasks.worker[task] !== worker.index
      ) {
        yield `S6: ${name(task)} is queued ${where}`
      }
    }
  }
}

/** Whether a task needs nothing but a slot; what else may be withheld from it, the simulation's model tests. */
const asksForNothing = (state: State, task: TaskId): boolean => {
  const { amounts, tags } = settingsOf(state, task)?.demand ?? {}
  return amounts === undefined && tags === undefined
}

/** S4, S5: amounts and tags are held by attempts that hold a slot, or keep them, and are counted right. */
function* amounts(state: State, { live, name }: Facts): Iterable<string> {
  const used = state.workers.map(() => new Map<string, number>())
  const tagged = new Map<string, number>()
  for (const task of live) {
    const demand = settingsOf(state, task)?.demand
    const held = state.holding.get(task)
    const holds = has(state, task, Flag.holdsSlot)
    if (holds && !asksForNothing(state, task) && held !== demand) {
      yield `S4: ${name(task)} does not hold what it asks for`
    }
    if (held === undefined) continue
    const phase = phaseOf(state, task)
    const keeps = !holds && demand?.keepsAmounts === true && phase >= Phase.seceded && phase <= Phase.stopping
    if (!holds && !keeps) yield `S5: ${name(task)} holds amounts or tags`
    if (keeps !== state.keepingAmounts.has(task)) yield `S5: ${name(task)} does not keep amounts rightly`
    if (keeps && (held.tags !== undefined || held.amounts !== demand.amounts)) {
      yield `S5: ${name(task)} keeps the wrong things`
    }
    const counts = used[state.tasks.worker[task]!]!
    for (const [what, amount] of Object.entries(held.amounts ?? {})) {
      counts.set(what, (counts.get(what) ?? 0) + unitsOf(amount))
    }
    for (const tag of held.tags ?? []) tagged.set(tag, (tagged.get(tag) ?? 0) + 1)
  }
  for (const task of [...state.holding.keys(), ...state.keepingAmounts]) {
    if (!isLive(state, task)) yield `S5: the free row ${task} holds amounts`
  }
  for (const worker of state.workers) {
    const counts = used[worker.index]!
    for (const [what, { total, used }] of worker.amounts ?? []) {
      if (used !== (counts.get(what) ?? 0)) {
        yield `S4: ${used} of ${counts.get(what)} ${what} are counted on ${worker.name}`
      }
      if (used > total || used < 0) yield `S4: ${used} of ${total} ${what} are held on ${worker.name}`
      counts.delete(what)
    }
    for (const what of counts.keys()) yield `S4: ${worker.name} has no ${what}`
  }
  for (const [tag, { used }] of state.tags) {
    if (used !== (tagged.get(tag) ?? 0)) yield `S4: ${used} of ${tagged.get(tag)} holders of the tag ${tag} are counted`
  }
  for (const queue of state.overtaken.keys()) {
    if (!state.queues.has(queue)) yield `S6: nobody waits in the queue ${queue}`
  }
  for (const wait of state.starved.keys()) {
    if (!state.workers.some(({ rejoining }) => [...rejoining.values()].includes(wait))) {
      yield `S10: nobody will hear that wait ${wait} is starved`
    }
  }
}

/** Whether the layer holds a task back from a worker, counted anew: at work is who holds a slot and does not wait for tasks. */
const brakesOf = (state: State, live: ReadonlyArray<TaskId>) => {
  const { fairness: { budget, sourceSaturation } } = state
  const atWork = live.filter((task) => has(state, task, Flag.holdsSlot) && !state.keeping.has(task))
  const isSource = (task: TaskId): boolean =>
    state.tasks.submission[task]!.parent === undefined && dependenciesOf(state, task).length === 0
  let held = 0
  for (const size of state.sizes.values()) held += size
  return (worker: WorkerRecord, task: TaskId): boolean => {
    if (budget !== undefined && atWork.length > 0) {
      if (held > budget.pause || (held > budget.target && isSource(task))) return true
    }
    if (sourceSaturation >= 1 || !isSource(task)) return false
    const there = atWork.filter((other) => isSource(other) && state.tasks.worker[other] === worker.index)
    return there.length >= Math.max(1, Math.ceil(sourceSaturation * worker.slots))
  }
}

/** S8: what the budget counts are the results that are held; S4: the sources that are counted hold a slot. */
function* counts(state: State, { live, name }: Facts): Iterable<string> {
  const { fairness: { budget, sourceSaturation } } = state
  let sum = 0
  for (const [task, size] of state.sizes) {
    sum += size
    if (!isLive(state, task)) yield `S8: the free row ${task} counts towards the budget`
  }
  if (sum !== state.heldSize) yield `S8: ${state.heldSize} of ${sum} is counted`
  for (const task of live) {
    const phase = phaseOf(state, task)
    const isHeld = phase === Phase.succeeded ||
      (phase === Phase.releasing && !state.outcomes.has(task) && !state.settled.has(task))
    if (state.sizes.has(task) !== (budget !== undefined && isHeld)) yield `S8: the size of ${name(task)} is miscounted`
    const isSource = sourceSaturation < 1 && has(state, task, Flag.holdsSlot) &&
      state.tasks.submission[task]!.parent === undefined && dependenciesOf(state, task).length === 0
    if (state.sources.has(task) !== isSource) yield `S4: ${name(task)} is ${isSource ? "not " : ""}counted as a source`
  }
  for (const task of state.sources) if (!isLive(state, task)) yield `S4: the free row ${task} is counted as a source`
}

/** S11: the table of workers does not grow as long as one of its rows is named by nothing. S12: nothing waits without end. */
function* workers(state: State, { live, name }: Facts): Iterable<string> {
  for (const [row, { index, name }] of state.workers.entries()) if (row !== index) yield `S11: ${name} is in row ${row}`
  const serials = state.workers.map(({ serial }) => serial)
  if (new Set(serials).size < serials.length || Math.max(0, ...serials) >= state.nextWorker) {
    yield "S11: two workers have one number"
  }
  const isGone = ({ phase }: WorkerRecord) => phase === "gone" || phase === "lost"
  const named = new Set([...state.history.values()].flatMap((attempts) => attempts.map(({ worker }) => worker)))
  for (const task of live) named.add(state.tasks.worker[task]!)
  for (const row of named) if (row >= state.workers.length) yield `S11: there is no worker ${row}`
  const last = state.workers.at(-1)
  // Whoever has just taken a new row found no other. A task that starts there may have freed one since.
  const isNew = state.cause === "WorkerAdded" && last?.serial === state.nextWorker - 1 && last.attempts === 0
  const unused = isNew ? state.workers.filter((worker) => isGone(worker) && !named.has(worker.index)) : []
  for (const worker of unused) yield `S11: the row of ${worker.name} is not used again`
  const takers = state.workers.filter(({ phase }) => phase === "open" || phase === "starting").length
  if (takers !== state.takers) yield `S12: ${state.takers} of ${takers} workers take tasks`
  if (state.stranded.length > 0) yield "S12: the step is not finished"
  if (takers > 0) return
  for (const task of live) {
    const limit = settingsOf(state, task)?.waitForWorkersMillis ?? state.waitForWorkersMillis
    if (phaseOf(state, task) !== Phase.ready || limit === Infinity || state.lacking.has(task)) continue
    const serial = state.tasks.submission[task]!.sequence + state.tasks.index[task]!
    if (!isArmed(state, task, "stranded", serial)) yield `S12: ${name(task)} waits for a worker without end`
  }
}

/** The best task of a heap of lanes. */
const firstOf = (lanes: ReadonlyArray<Lane>): TaskId | undefined => lanes[0] && membersOf(lanes[0])[0]

/** S8: results are held by several workers, or on their way to another, only where there are results. */
function* copies(state: State, { name }: Facts): Iterable<string> {
  for (const [task, others] of state.copies) {
    if (!isLive(state, task) || phaseOf(state, task) !== Phase.succeeded) yield `S8: copies of ${name(task)} are kept`
    if (others.size === 0) yield `S8: an empty set of copies of ${name(task)} is kept`
    if (others.has(state.tasks.worker[task]!)) yield `S8: ${name(task)} is a copy of itself`
    for (const index of others) {
      const { phase } = state.workers[index]!
      if (phase !== "open" && phase !== "draining") yield `S8: a copy of ${name(task)} is at a worker that is ${phase}`
    }
  }
  for (const task of state.makers.keys()) {
    if (!isLive(state, task) || phaseOf(state, task) !== Phase.succeeded) yield `S8: who made ${name(task)} is kept`
  }
  for (const [number, { from, task, to }] of state.copying) {
    const isThere = isLive(state, task) && phaseOf(state, task) === Phase.succeeded
    if (!isThere || state.tasks.worker[task] !== from) yield `S8: copy ${number} is that of another result`
    const { phase } = state.workers[to]!
    if (phase !== "open" && phase !== "draining") yield `S8: copy ${number} goes to a worker that is ${phase}`
    if (to === from || state.copies.get(task)?.has(to) === true) yield `S8: copy ${number} is there already`
  }
}

/** S6: the ready tasks are those in the lanes, each in its queue, and the lanes of a queue are a heap. */
function* queue(state: State, { live, name }: Facts): Iterable<string> {
  const places = new Map<TaskId, Lane>()
  for (const lanes of [state.lanes, ...[...state.queues.values()].map((each) => each.lanes)]) {
    if (lanes !== state.lanes && lanes.length === 0) yield "S6: an empty queue is kept"
    for (const [place, lane] of lanes.entries()) {
      const members = membersOf(lane)
      if (lane.heapIndex !== place) yield `S6: lane ${place} believes to be ${lane.heapIndex}`
      if (members.length === 0 || members.length !== lane.members.count) {
        yield `S6: lane ${place} counts its members wrong`
      }
      for (const task of members) {
        places.set(task, lane)
        if (state.queueOf.get(task)?.lanes !== (lanes === state.lanes ? undefined : lanes)) {
          yield `S6: ${name(task)} is in the wrong queue`
        }
      }
      const parent = lanes[(place - 1) >> 1]
      if (parent !== undefined && compareLanes(state, lane, parent) < 0) {
        yield `S6: lane ${place} ranks before its parent`
      }
    }
  }
  for (const { lanes, name, since } of state.queues.values()) {
    const members = lanes.flatMap(membersOf)
    const ages = [...since.values()]
    if (state.fairness.aging < Infinity && since.size !== members.length) yield `S6: queue ${name} forgot an age`
    if ([...since.keys()].some((task) => !members.includes(task))) yield `S6: queue ${name} keeps an age`
    if (ages.some((age, i) => i > 0 && age < ages[i - 1]!)) yield `S6: the ages of queue ${name} are out of order`
  }
  for (const [place, { headIndex, lanes, name }] of state.heads.entries()) {
    const parent = state.heads[(place - 1) >> 1]
    if (headIndex !== place) yield `S6: queue ${name} believes to be ${headIndex}`
    if (parent !== undefined && compareLanes(state, lanes[0]!, parent.lanes[0]!) < 0) {
      yield `S6: queue ${name} ranks before its parent`
    }
  }
  const inOrder = new Set(state.heads)
  if (inOrder.size !== state.queues.size || [...state.queues.values()].some((each) => !inOrder.has(each))) {
    yield "S6: the queues are not those in order"
  }
  if (state.queues.size === 0 && (state.turns.size > 0 || state.lastTurn > 0)) yield "S6: turns are kept for nobody"
  const demanding = (state.fairness.queues === "none" ? 0 : 1) +
    live.filter((task) =>
      demandOf(state, task) !== undefined || shareOf(state, task) !== undefined || isFollower(state, task)
    ).length
  if (demanding !== state.demanding) yield `S6: ${state.demanding} of ${demanding} tasks that ask for more are counted`
  for (const task of live) {
    const isReady = phaseOf(state, task) === Phase.ready
    const lane = places.get(task)
    if (isReady !== (lane !== undefined)) yield `S6: ${name(task)} is ${isReady ? "not " : ""}queued`
    const submission = state.tasks.submission[task]!
    const priority = priorityAt(submission, state.tasks.index[task]!)
    if (lane !== undefined && (lane.priority !== priority || lane.submission !== submission.number)) {
      yield `S6: ${name(task)} is in the lane of others`
    }
    const kind = kindOf(state, task)
    const own = state.queueOf.get(task)
    if (isReady && own?.name !== (kind && nameOfKind(state, kind))) yield `S6: ${name(task)} is in the queue of others`
    const common = laneOf(submission, priority)
    const expected = own === undefined ? common : own.parts.get(common)
    if (lane !== undefined && state.rescheduled.has(task) !== (lane !== expected)) {
      yield `S6: ${name(task)} is in the wrong lane`
    }
    places.delete(task)
  }
  for (const task of state.rescheduled.keys()) {
    if (!isLive(state, task) || phaseOf(state, task) !== Phase.ready) {
      yield `S6: ${name(task)} did not give its place up`
    }
  }
  for (const task of places.keys()) yield `S6: the free row ${task} is queued`
}

const shareOf = ({ tasks: { index, submission } }: State, task: TaskId): string | undefined =>
  shareAt(submission[task]!, index[task]!)

const laneOf = ({ lane, otherLanes }: Submission, priority: number): Lane => otherLanes?.get(priority) ?? lane

/** Orders two lanes by their best members, as design.md says under Selection. */
const compareLanes = (state: State, a: Lane, b: Lane): number =>
  compareReady(state, { lane: a, task: membersOf(a)[0]! }, { lane: b, task: membersOf(b)[0]! })

/** S7: a task that has ended without success, or will, has one outcome; each failure is kept as long as one names it. */
function* outcomes(state: State, { live, name }: Facts): Iterable<string> {
  const failures = new Map<number, number>()
  const add = ({ reason }: { readonly reason: { readonly _tag: string; readonly failure?: number } }) => {
    if (reason._tag === "Failed") failures.set(reason.failure!, (failures.get(reason.failure!) ?? 0) + 1)
  }
  for (const outcome of state.outcomes.values()) add(outcome)
  for (const owner of state.owners.values()) for (const root of owner.roots) add(root.outcome)
  for (const failure of new Set([...failures.keys(), ...state.failures.keys()])) {
    const [kept, named] = [state.failures.get(failure) ?? 0, failures.get(failure) ?? 0]
    if (kept !== named) yield `S7: failure ${failure} is kept ${kept} times and named ${named} times`
  }
  const attempts = new Set<number>()
  for (const task of live) {
    const phase = phaseOf(state, task)
    const attempt = state.tasks.attempt[task]!
    const outcome = state.outcomes.get(task)
    const isSettled = has(state, task, Flag.settled)
    const mayBeHeld = phase === Phase.succeeded || (phase === Phase.releasing && isSettled)
    const isFixed = !mayBeHeld && phase >= Phase.stopping && !state.settled.has(task)
    if ((outcome !== undefined) !== isFixed) {
      yield `S7: ${name(task)} has ${outcome === undefined ? "no" : "an"} outcome`
    }
    if (outcome !== undefined && phase > Phase.succeeded) {
      const expected = phase === Phase.cancelled ? "Cancelled" : phase === Phase.skipped ? "Skipped" : undefined
      const isOther = outcome.reason._tag !== "Cancelled" && outcome.reason._tag !== "Skipped"
      if (expected === undefined ? !isOther : outcome.reason._tag !== expected) {
        yield `S7: ${name(task)} ended by ${outcome.reason._tag}`
      }
    }
    if (isSettled !== (hasEnded(phase) || mayBeHeld)) yield `S7: ${name(task)} is not settled rightly`
    if ((phase === Phase.stopping) !== state.stopping.has(task)) yield `S7: ${name(task)} is not stopping rightly`
    if ((phase === Phase.releasing) !== state.releasing.has(task)) yield `S8: ${name(task)} is not releasing rightly`
    if (phase === Phase.releasing && !has(state, task, Flag.resource)) yield `S8: ${name(task)} owns nothing`
    const starts = state.tasks.starts[task]!
    if (starts === 0 ? attempt !== 0 : attempt === 0 && !has(state, task, Flag.begun)) {
      yield `S7: ${name(task)} miscounts its starts`
    }
    if (attempt !== 0 && attempts.has(attempt)) yield `S7: ${name(task)} shares its attempt`
    attempts.add(attempt)
    if (has(state, task, Flag.timedOut) && !hasEnded(phase) && phase !== Phase.stopping) {
      yield `S7: ${name(task)} has not run out of time in this attempt`
    }
    if (has(state, task, Flag.wished) && hasEnded(phase)) yield `S7: ${name(task)} is wished for and has ended`
  }
  for (const task of state.settled) {
    const phase = phaseOf(state, task)
    if (phase !== Phase.stopping && phase !== Phase.releasing) yield `S7: ${name(task)} was settled and has not ended`
  }
  const tables = [
    state.outcomes,
    state.stopping,
    state.releasing,
    state.history,
    state.reports,
    state.barred,
    state.lacking,
    state.aliases,
    state.needs,
    state.later,
    state.waitsOf,
    state.keeping
  ]
  for (const map of tables) {
    for (const task of map.keys()) if (!isLive(state, task)) yield `S7: something is kept for the free row ${task}`
  }
}

/** S13: who has not started and lacks a worker is known, and so is how long it waits. */
function* lacks(state: State, { live, name }: Facts): Iterable<string> {
  if (state.unplaced.length > 0) yield "S13: the step is not finished"
  for (const task of live) {
    const phase = phaseOf(state, task)
    const isOpen = (phase === Phase.waiting || phase === Phase.ready) && !state.aliases.has(task)
    const bound = state.barred.get(task)?.followed
    if (isOpen && phase === Phase.waiting && bound !== undefined) yield `S13: ${name(task)} is bound too early`
    if (phase === Phase.ready) {
      const [is, ought] = [bound, followedBy(state, task)].map((each) =>
        each && [...each.on].toSorted((a, b) => a - b).join()
      )
      if (is !== ought) yield `S13: ${name(task)} is bound to ${is}, not to ${ought}`
    }
    const isLacking = isOpen && lackOf(state, task) !== undefined
    const serial = state.lacking.get(task)
    if (isLacking !== (serial !== undefined)) yield `S13: ${name(task)} ${isLacking ? "lacks a" : "has its"} worker`
    if (serial === undefined) continue
    const millis = settingsOf(state, task)?.waitForWorkersMillis ?? state.waitForWorkersMillis
    const isLimited = serial >= 0 && isArmed(state, task, "workers", serial)
    if (isLimited !== (millis !== Infinity)) yield `S13: the wait of ${name(task)} for a worker has the wrong limit`
  }
}

/** S2, S6: waits are registered with what they wait for and with who waits, and with nobody else. */
function* waits(state: State, { live, name }: Facts): Iterable<string> {
  const watched = new Map<Wait, number>()
  for (const task of live) {
    for (const wait of [state.tasks.waits[task] ?? []].flat()) {
      watched.set(wait, (watched.get(wait) ?? 0) + 1)
      if (hasEnded(phaseOf(state, task))) yield `S2: wait ${wait.id} waits for ${name(task)}`
      if (state.waits.get(wait.id) !== wait) yield `S2: wait ${wait.id} is over and still watches ${name(task)}`
      if (!wait.tasks.includes(task)) yield `S2: wait ${wait.id} never asked for ${name(task)}`
    }
    const isAway = phaseOf(state, task) === Phase.seceded
    const isWaiting = (state.waitsOf.get(task)?.length ?? 0) > 0
    if (isAway && !isWaiting) yield `S6: ${name(task)} waits for nothing`
    if (isWaiting && !isAway && phaseOf(state, task) < Phase.stopping) yield `S6: ${name(task)} waits and is not away`
  }
  for (const wait of state.waits.values()) {
    const remaining = watched.get(wait) ?? 0
    if (wait.remaining !== remaining) yield `S2: wait ${wait.id} counts ${wait.remaining} of ${remaining}`
    if (remaining === 0 && wait.mode !== "never") yield `S2: wait ${wait.id} should be over`
    const table = wait.keepsSlot ? state.keeping : state.waitsOf
    if (wait.waiter >= 0 && table.get(wait.waiter)?.includes(wait) !== true) {
      yield `S6: ${name(wait.waiter)} does not know that it waits`
    }
  }
  for (const [task, open] of [...state.waitsOf, ...state.keeping]) {
    const phase = phaseOf(state, task)
    if (open.length === 0) yield `S6: ${name(task)} keeps an empty list of waits`
    if (phase < Phase.running || phase > Phase.releasing) yield `S6: ${name(task)} waits and is not in an attempt`
    for (const wait of open) {
      if (wait.waiter !== task || state.waits.get(wait.id) !== wait) yield `S6: ${name(task)} keeps wait ${wait.id}`
    }
  }
}

/** S10: what can get on, found from below: first what is at work, then what waits for one that can, until no more is found. */
function* starvation(state: State, { live, name, needs }: Facts): Iterable<string> {
  if (state.keeping.size + state.keepingAmounts.size === 0) return
  const able = new Set<TaskId>()
  const waitsOf = (task: TaskId) => [...state.waits.values()].filter(({ waiter }) => waiter === task)
  const canEnd = (wait: Wait) => live.some((task) => able.has(task) && [state.tasks.waits[task]].flat().includes(wait))
  const isAtWork = (task: TaskId) =>
    phaseOf(state, task) !== Phase.rejoining && waitsOf(task).every(({ mode }) => mode === "never")
  // What those hold who are not at work, as long as nobody knows that they can get on.
  const idle = live.filter((task) => (has(state, task, Flag.holdsSlot) || state.holding.has(task)) && !isAtWork(task))
  const hasPlace = (task: TaskId, { amounts, index, slots }: WorkerRecord): boolean => {
    const there = idle.filter((other) => state.tasks.worker[other] === index)
    const demand = settingsOf(state, task)?.demand
    const lacksAmounts = !state.holding.has(task)
    const needsThere = [
      {
        total: slots,
        needed: 1,
        shares: there.map((other) => [other, has(state, other, Flag.holdsSlot) ? 1 : 0] as const)
      },
      ...Object.entries((lacksAmounts ? demand?.amounts : undefined) ?? {}).map(([what, amount]) => ({
        total: amounts!.get(what)!.total,
        needed: unitsOf(amount),
        shares: there.map((other) => [other, unitsOf(state.holding.get(other)?.amounts?.[what] ?? 0)] as const)
      })),
      ...(demand?.tags ?? []).flatMap((tag) => {
        const limit = state.tags.get(tag)
        if (limit === undefined) return []
        const shares = idle.map((other) =>
          [other, state.holding.get(other)?.tags?.includes(tag) === true ? 1 : 0] as const
        )
        return [{ total: limit.total, needed: 1, shares }]
      })
    ]
    const kept = needsThere.filter(({ needed, shares, total }) =>
      shares.reduce((left, [, share]) => left - share, total) < needed
    )
    return kept.length === 0 || kept.some(({ shares }) => shares.some(([other, share]) => share > 0 && able.has(other)))
  }
  const canRun = (task: TaskId): boolean =>
    phaseOf(state, task) === Phase.rejoining
      ? hasPlace(task, state.workers[state.tasks.worker[task]!]!)
      : state.workers.some((worker) => maySuit(state, worker, demandOf(state, task)) && hasPlace(task, worker))
  const canGetOn = (task: TaskId): boolean => {
    const phase = phaseOf(state, task)
    if (hasEnded(phase)) return false
    const alias = state.aliases.get(task)
    if (alias !== undefined) return able.has(alias)
    const open = needs.has(task) ? awaitedDependenciesOf(state, task) : []
    if (phase === Phase.waiting && open.length > 0) return open.some((need) => able.has(need))
    if (phase < Phase.assigned) return canRun(task)
    const inside = waitsOf(task)
    if (phase === Phase.rejoining && canRun(task)) return true
    if (inside.some(canEnd)) return true
    return phase !== Phase.rejoining && inside.every(({ mode }) => mode === "never")
  }
  for (let found = -1; found < able.size;) {
    found = able.size
    for (const task of live) if (canGetOn(task)) able.add(task)
  }
  for (const [task, open] of [...state.keeping, ...state.waitsOf]) {
    const what = has(state, task, Flag.holdsSlot) ? "slot" : "resources"
    if (what === "resources" && !state.keepingAmounts.has(task)) continue
    for (const wait of open) {
      if (wait.mode !== "never" && !canEnd(wait)) {
        yield `S10: ${name(task)} keeps its ${what} in wait ${wait.id} for ever`
      }
    }
  }
}

/** S2: whatever is due some day is armed, and the engine has asked to be woken for the first of them. */
function* timers(state: State, { live, name }: Facts): Iterable<string> {
  const { tasks, timers: heap } = state
  for (const [place, timer] of heap.entries()) {
    const parent = heap[(place - 1) >> 1]
    if (parent !== undefined && place > 0 && (timer.at - parent.at || timer.sequence - parent.sequence) < 0) {
      yield `S2: timer ${place} comes before its parent`
    }
  }
  if (heap.length > mostTimers(state)) yield `S2: ${heap.length} timers are kept`
  const next = Math.min(heap[0]?.at ?? Infinity, state.watchAt)
  if (state.wakeAt !== next) yield "S2: nobody will wake the engine"
  for (const [task, { overdue }] of state.stopping) {
    const grace = graceOf(state, task)
    const isReported = grace === Infinity || overdue || isArmed(state, task, "grace", tasks.attempt[task]!)
    if (!isReported) yield `S2: nobody will report that ${name(task)} does not stop`
  }
  for (const task of live) {
    const phase = phaseOf(state, task)
    const settings = settingsOf(state, task)
    const isOpen = phase < Phase.releasing && (phase !== Phase.stopping || has(state, task, Flag.timedOut))
    if (settings === undefined || !isOpen) continue
    const serial = tasks.submission[task]!.sequence + tasks.index[task]!
    const isFirst = !has(state, task, Flag.recomputed)
    const isUnbegun = tasks.starts[task] === 0 && !has(state, task, Flag.begun)
    const expected: ReadonlyArray<readonly [Timer["kind"], number, boolean]> = [
      ["deadline", serial, settings.deadlineMillis !== undefined && isFirst],
      ["dependencies", serial, settings.dependencyTimeoutMillis !== undefined && isUnbegun && isFirst],
      [
        "timeout",
        tasks.attempt[task]!,
        settings.timeoutMillis !== undefined && phase >= Phase.assigned && phase <= Phase.rejoining
      ]
    ]
    for (const [kind, number, isExpected] of expected) {
      if (isExpected && !isArmed(state, task, kind, number)) yield `S2: the ${kind} of ${name(task)} is not armed`
    }
  }
}

/** S9: without owners, and once everything has stopped, nothing is left. */
function* emptiness(state: State): Iterable<string> {
  if (state.owners.size > 0 || state.stopping.size > 0 || state.releasing.size > 0) return
  const open = [...state.waits.values()].filter((wait) => wait.mode !== "never")
  const sizes = {
    tasks: state.tasks.size,
    keys: state.keys.size,
    waits: open.length,
    waitsOf: state.waitsOf.size,
    keeping: state.keeping.size,
    lanes: state.lanes.length,
    queues: state.queues.size,
    queueOf: state.queueOf.size,
    demanding: state.demanding - (state.fairness.queues === "none" ? 0 : 1),
    turns: state.turns.size,
    sources: state.sources.size,
    sizes: state.sizes.size,
    heldSize: state.heldSize,
    barred: state.barred.size,
    lacking: state.lacking.size,
    later: state.later.size,
    aliases: state.aliases.size,
    needs: state.needs.size,
    outcomes: state.outcomes.size,
    failures: state.failures.size,
    history: state.history.size,
    reports: state.reports.size,
    settled: state.settled.size,
    copies: state.copies.size,
    copying: state.copying.size,
    makers: state.makers.size,
    resources: state.resources,
    rescheduled: state.rescheduled.size,
    holding: state.holding.size,
    keepingAmounts: state.keepingAmounts.size,
    overtaken: state.overtaken.size,
    starved: state.starved.size,
    endingWaits: state.endingWaits.length,
    timers: state.timers.length,
    rejoining: state.workers.reduce((sum, worker) => sum + worker.rejoining.size, 0),
    attempts: state.workers.reduce((sum, worker) => sum + worker.attempts, 0)
  }
  for (const [table, size] of Object.entries(sizes)) if (size > 0) yield `S9: ${size} left in ${table}`
}

const rules: ReadonlyArray<Rule> = [
  phases,
  waiting,
  users,
  links,
  slots,
  amounts,
  counts,
  workers,
  copies,
  queue,
  outcomes,
  lacks,
  waits,
  starvation,
  timers,
  emptiness
]
