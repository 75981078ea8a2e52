/**
 * Checks of users: they are counted, and they and the task reference each other (S3); and of the behalves of leaving tasks (S14).
 *
 * @since 0.1.0
 */
import { heldNow, isSpentBy } from "../life/spent.ts"
import type { TaskId } from "../protocol/ids.ts"
import { Flag, hasEnded, Phase } from "../protocol/Phase.ts"
import { claimsOf, claimsOn, findClaim } from "../state/claims.ts"
import { entriesOf, timesOf } from "../state/later.ts"
import { isGivenValue, phaseOf, settingsOf } from "../state/lookups.ts"
import { allAliases, extrasOf } from "../state/rare.ts"
import { runsNow } from "../state/runs.ts"
import { has, isLive } from "./facts.ts"
import type { Rule } from "./facts.ts"

/** S3: the users of a task are its claims, bulk targets, wishes, aliases and dependents. */
export const users: Rule = function*(state, { live, name, needs }) {
  const { tasks } = state
  const refs = new Map<TaskId, number>()
  const add = (task: TaskId) => refs.set(task, (refs.get(task) ?? 0) + 1)
  for (const owner of state.owners.values()) {
    for (const { task } of claimsOf(state, owner)) add(task)
    for (const task of owner.targets) add(task)
  }
  for (const [, target] of allAliases(state)) add(target)
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

/** S3: claims and submissions reference their owners, numbers their claims, and keys their tasks. */
export const claims: Rule = function*(state, { live, name }) {
  let found = 0
  for (const owner of state.owners.values()) {
    for (const [task, claims] of owner.claims) {
      if (claims instanceof Set && claims.size === 0) yield `S3: ${owner.name} keeps an empty set of claims`
      for (const claim of claims instanceof Set ? claims : [claims]) {
        found++
        if (findClaim(state, claim.id) !== claim) yield `S3: the claim ${claim.id} of ${owner.name} is not known`
        if (claim.task !== task || claim.owner !== owner) yield `S3: a claim of ${owner.name} is misplaced`
        if (claim.state !== "live") yield `S3: the ${claim.state} claim of ${owner.name} on ${name(task)} is kept`
      }
    }
  }
  if (found !== state.claims.size) yield `S3: ${state.claims.size} claims are known of ${found}`
  for (const block of state.claimBlocks) {
    const { claims, first, owner, size } = block
    const live = claims.filter((claim) => claim !== undefined)
    if (state.owners.get(owner.id) !== owner) yield `S3: ${owner.name} has closed and keeps claims`
    if (live.length !== size || size === 0) yield `S3: ${live.length} claims of ${owner.name} are ${size}`
    for (const claim of live) {
      if (claim.owner !== owner || claims[claim.id - first] !== claim) yield `S3: a claim of ${owner.name} is misplaced`
      if (!claimsOn(state, owner, claim.task).includes(claim)) yield `S3: ${name(claim.task)} lost a claim`
      if (claim.state !== "live") yield `S3: the ${claim.state} claim of ${owner.name} on ${name(claim.task)} is kept`
    }
  }
  for (const task of live) {
    const { owner } = state.tasks.submission[task]!
    const present = state.owners.get(owner.id)
    if (present !== undefined && present !== owner) {
      yield `S3: the owner of ${name(task)} has given its number to another`
    }
  }
  for (const [identity, task] of state.keys) {
    if (!isLive(state, task) || settingsOf(state, task)?.identity !== identity) {
      const key = typeof identity === "string" ? identity : "of an object"
      yield `S3: the identity ${key} names ${name(task)}`
    }
  }
  if (state.runs !== undefined) {
    const runs = runsNow(state)
    for (const key of new Set([...runs.keys(), ...state.runs.keys()])) {
      const [kept, found] = [state.runs.get(key), runs.get(key)]
      const isKnown = kept?.size === found?.size && [...found ?? []].every((task) => kept!.has(task))
      if (!isKnown) yield `S3: the live tasks of ${key} are not known`
    }
  }
  const held = heldNow(state)
  for (const task of live) {
    const identity = settingsOf(state, task)?.identity
    // The key is free if the task was cancelled, replaced after a failure, or released. The key of a forgotten task stays free
    // when it runs again; so does the key of a spent result that is needed again.
    const phase = phaseOf(state, task)
    // A spent task that is settled with a value, and loses its last user, does not get it back.
    const isLeft = isGivenValue(state, task) && state.tasks.refs[task] === 0
    const isFree = isSpentBy(state, held, task) || phase === Phase.succeeded ||
      extrasOf(state, task)?.outcome !== undefined ||
      phase === Phase.releasing || isLeft ||
      has(state, task, Flag.recomputed)
    if (identity !== undefined && !isFree && state.keys.get(identity) !== task) yield `S3: ${name(task)} lost its key`
  }
}

/** S14: each leaving task has its behalves, the owner of its submission included. */
export const leaving: Rule = function*(state, { live, name }) {
  for (const task of live) {
    const phase = phaseOf(state, task)
    const behalves = state.leaving.get(task)
    if ((phase === Phase.stopping || phase === Phase.releasing) !== (behalves !== undefined)) {
      yield `S14: ${name(task)} is not leaving rightly`
    }
    const { id } = state.tasks.submission[task]!.owner
    if (behalves?.every(({ owner }) => owner !== id) === true) yield `S14: ${name(task)} leaves without its owner`
  }
}

/** S14: the holds of ending tasks are counted correctly. */
export const held: Rule = function*(state, { name }) {
  if (state.held === undefined) return
  const { deep, ending, uses } = heldNow(state)
  for (const task of new Set([...ending.keys(), ...state.held.ending.keys()])) {
    if (ending.has(task) !== state.held.ending.has(task)) yield `S14: ${name(task)} is not ending rightly`
  }
  for (const task of new Set([...uses.keys(), ...state.held.uses.keys()])) {
    if (uses.get(task) !== state.held.uses.get(task)) yield `S14: the users of ${name(task)} that end are miscounted`
    if (deep.has(task) && !state.held.deep.has(task)) yield `S14: what ${name(task)} holds is not seen`
  }
}

/** S3: a task that has not ended references its dependents of later submissions. */
export const dependents: Rule = function*(state, { name, needs }) {
  const expected = new Map<TaskId, Map<TaskId, number>>()
  const expect = (dependency: TaskId, task: TaskId) => {
    if (hasEnded(phaseOf(state, dependency))) return
    const tasks = expected.get(dependency) ?? new Map<TaskId, number>()
    expected.set(dependency, tasks.set(task, (tasks.get(task) ?? 0) + 1))
  }
  const { submission } = state.tasks
  for (const [task, dependencies] of needs) {
    for (const dependency of dependencies) if (submission[dependency] !== submission[task]) expect(dependency, task)
  }
  for (const [task, target] of allAliases(state)) expect(target, task)
  for (const [dependency, tasks] of expected) {
    for (const [task, times] of tasks) {
      if (timesOf(state.later.get(dependency), task) !== times) {
        yield `S3: ${name(dependency)} does not know ${name(task)}`
      }
    }
  }
  for (const [dependency, tasks] of state.later) {
    if (typeof tasks !== "number" && tasks.size === 0) {
      yield `S3: ${name(dependency)} keeps an empty set of later dependents`
    }
    for (const [task] of entriesOf(tasks)) {
      if (expected.get(dependency)?.has(task) !== true) yield `S3: ${name(dependency)} keeps ${name(task)}`
    }
  }
}
