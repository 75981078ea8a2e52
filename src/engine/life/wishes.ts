/**
 * Wishes: a computation that goes on after failures wants everything to run that is not downstream of a failure, at any depth,
 * and reports the root failures.
 *
 * @since 0.1.0
 */
import type { Wishes } from "../protocol/Event.ts"
import type { TaskId } from "../protocol/ids.ts"
import type { Out } from "../protocol/Instruction.ts"
import type { Outcome } from "../protocol/Outcome.ts"
import { Flag, Phase } from "../protocol/Phase.ts"
import type { Plan, Reference } from "../protocol/Plan.ts"
import { isDefault, survives } from "../protocol/policies.ts"
import type { Group } from "../protocol/policies.ts"
import { liveOf } from "../protocol/Registered.ts"
import { keepFailure } from "../state/outcomes.ts"
import type { Owner, Wishing } from "../state/Owner.ts"
import { aliasOf, extrasOf } from "../state/rare.ts"
import type { State } from "../state/State.ts"
import type { Submission } from "../state/Submission.ts"
import { unref } from "./release.ts"

/** The ends of a task to report, as bits: those that pass unchanged along some path to a target. 0 for none. */
export const Told = { failure: 1, skip: 2, all: 3 } as const

/** The wishes for these targets. */
export const exposed = (
  { offsets, settings, targets: edges }: Plan,
  targets: Iterable<Reference>,
  told: number
): Wishes => {
  const found = new Map<Reference, number>()
  const changed: Array<Reference> = []
  const add = (reference: Reference, more: number): void => {
    const before = found.get(reference)
    if (before !== undefined && (before | more) === before) return
    found.set(reference, (before ?? 0) | more)
    if (reference >= 0) changed.push(reference)
  }
  for (const target of targets) add(target, told)
  for (let task = changed.pop(); task !== undefined; task = changed.pop()) {
    const said = settings.get(task)
    if (said?.absorbs === true) continue
    const own = found.get(task)!
    const from = offsets[task]!
    let place = 0
    for (const group of said?.policies ?? noGroups) {
      for (; place < group.from; place++) add(edges[from + place]!, own)
      const passed = toldBy(group, own)
      for (; place < group.to; place++) if (passed !== undefined) add(edges[from + place]!, passed)
    }
    for (; from + place < offsets[task + 1]!; place++) add(edges[from + place]!, own)
  }
  return found
}

const noGroups: ReadonlyArray<Group> = []

/**
 * The ends of a group's members to report; none if the group accepts failures. Otherwise the dependent is impossible or skipped,
 * and reports itself; under a rule it may be skipped as a member was.
 */
const toldBy = (group: Group, told: number): number | undefined => {
  if (isDefault(group)) return told
  const { from, policy, to } = group
  const endsBy = (outcome: "failed" | "skipped") => !survives(policy, to - from, outcome)
  if (policy._tag === "Rule" && endsBy("skipped")) return told & Told.skip
  return endsBy("failed") ? 0 : undefined
}

/** Adds the wishes for tasks of a submission that is not linked yet. Returns those to wait for. */
export const wish = (
  state: State,
  owner: Owner,
  submission: Submission,
  wishing: Omit<Wishing, "open">
): ReadonlyArray<TaskId> => {
  const awaited: Array<TaskId> = []
  let open = 0
  for (const [reference, told] of wishing.wishes) {
    const task = liveOf(submission, reference)
    if (reference >= 0) {
      open++
      state.tasks.flags[task]! |= Flag.wished
    } // A live task is claimed, and reported like a target.
    else if ((told & Told.failure) !== 0) owner.targets.push(task)
    else continue
    state.tasks.refs[task]!++
    awaited.push(task)
  }
  if (open > 0) (owner.wishing ??= new Map()).set(submission, { ...wishing, open })
  return awaited
}

/** A wished task now stands for one of another plan: the needs of that one are wished for too. Returns those to wait for. */
export const extend = (
  state: State,
  task: TaskId,
  inner: Submission,
  target: Reference
): { readonly wait: number; readonly tasks: ReadonlyArray<TaskId> } => {
  const { index, submission } = state.tasks
  const { owner, plan } = submission[task]!
  const outer = owner.wishing!.get(submission[task]!)!
  const { wait } = outer
  // The position in a plan of one task is meaningless, so a loop of such tasks keeps none.
  const within = plan.size === 1 ? outer.within : { position: plan.positions[index[task]!]!, within: outer.within }
  const wishes = exposed(inner.plan, [target], outer.wishes.get(index[task]!)!)
  return { wait, tasks: wish(state, owner, inner, { wishes, wait, within }) }
}

/** A task ends by itself, and not as the one that it stands for: the wishes for that one's graph are withdrawn. */
export const withdraw = (state: State, task: TaskId, out: Out): void => {
  const { attempt, flags, index, phase, submission } = state.tasks
  const alias = aliasOf(state, task)
  // A value from outside has no attempt.
  const endsAsAlias = phase[task] === Phase.succeeded
    ? attempt[task] !== 0
    : extrasOf(state, task)?.outcome?.trail.isAlias
  if (alias === undefined || endsAsAlias === true) return
  const inner = submission[alias]!
  if (inner.parent?.number !== submission[task]!.sequence + index[task]!) return
  if (inner.owner.wishing?.delete(inner) !== true) return
  for (const each of inner.ids) {
    if (each < 0 || (flags[each]! & Flag.wished) === 0) continue
    flags[each]! &= ~Flag.wished
    unref(state, each, out, task)
  }
}

/** A wish asks for the end of a task, not for its result; a failure goes on the owner's report. */
export const fulfil = (state: State, task: TaskId, submission: Submission): void => {
  const { flags, index, refs } = state.tasks
  flags[task]! &= ~Flag.wished
  refs[task]!--
  const { owner, plan } = submission
  const wishing = owner.wishing!.get(submission)!
  if (--wishing.open === 0) owner.wishing!.delete(submission)
  const outcome = extrasOf(state, task)?.outcome
  // The end of another task is reported there: a task that another stands for is wished for as well.
  if (outcome === undefined || outcome.trail.from !== undefined) return
  if ((wishing.wishes.get(index[task]!)! & kindOf(outcome)) === 0) return
  keepFailure(state, outcome)
  owner.roots.push({ position: plan.positions[index[task]!]!, within: wishing.within, outcome })
}

const kindOf = ({ reason }: Outcome): number => reason._tag === "Skipped" ? Told.skip : Told.failure
