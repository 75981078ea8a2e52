/** What follows from what has ended: refusals, cancellations of what nobody wants, releases. */
import { atHome } from "../../../src/engine/protocol/home.ts"
import { extrasOf } from "../../../src/engine/state/rare.ts"
import { finish, stop } from "./ends.ts"
import { hasEnded, isOpen, isToComeAgain, owns } from "./facts.ts"
import type { Ended, Facts, Task } from "./facts.ts"
import { isWanted } from "./owners.ts"
import { groupsOf, inGroup, isDefault, isIn, isReady, outsideGroups, verdictOf } from "./policies.ts"
import { noteEnd } from "./waits.ts"

/** The engine says which dependencies it drops, since that depends on which ended first. It must have a reason for each. */
export const believeDropped = (model: Facts, isLate = false): boolean => {
  let changed = false
  for (const task of model.tasks) {
    if (task.settings.policies === undefined || task.forgotten || hasEnded(task)) continue
    const { submission, index } = model.state!.tasks
    const place = submission[task.row]
    if (place === undefined || place.sequence + index[task.row]! !== task.serial) continue
    const dropped = extrasOf(model.state!, task.row)?.needs?.dropped ?? droppedAtLast(model, task)
    if (dropped === undefined) continue
    const before = task.dropped
    const added = [...dropped].filter((place) => !before.has(place))
    if (added.length === 0 && before.size === dropped.size) continue
    // After a loss, other tasks must hear of the loss first. Dependencies that have ended are never dropped.
    const mayWait = added.some((place) => {
      const group = groupsOf(task).find((each) => isIn(each, place))
      return group !== undefined && (verdictOf(task, group) !== "run" || hasEnded(task.deps[place]!))
    })
    if (task.status === "pending" && !isLate && mayWait) continue
    changed = true
    task.dropped = new Set(dropped)
    for (const place of added) {
      const group = groupsOf(task).find((each) => isIn(each, place))
      const mayLose = group?.policy._tag === "AtLeast" && group.policy.losers === "cancel"
      if (!mayLose) model.complain(`${task.name} drops ${task.deps[place]!.name}`)
      else model.toJudge.add([task, group])
      model.verdicts.dropped++
    }
  }
  return changed
}

/**
 * The losers that a task dropped in the step in which it became impossible. The engine has no list of them any more. They ended
 * later in that step and never began: otherwise they would count where the task looked for workers.
 */
const droppedAtLast = (model: Facts, task: Task): ReadonlySet<number> | undefined => {
  if (task.status !== "pending" || extrasOf(model.state!, task.row)?.outcome?.reason._tag !== "Impossible") {
    return undefined
  }
  const isLost = (place: number): boolean => {
    const group = groupsOf(task).find((each) => each.of === "follow" && isIn(each, place))
    const mayLose = group?.policy._tag === "AtLeast" && group.policy.losers === "cancel"
    return mayLose && verdictOf(task, group) === "run" && task.deps[place]!.endedAt === model.clock &&
      !task.deps[place]!.begun
  }
  const places = task.deps.flatMap((_, place) => isLost(place) ? [place] : [])
  return places.length === 0 ? undefined : new Set([...task.dropped, ...places])
}

export const follow = (model: Facts, reason = "Cancelled:nobody"): void => {
  for (let changed = true; changed;) {
    changed = believeDropped(model)
    for (const task of model.tasks) {
      const hears = !model.isDeaf && !model.returning.has(task)
      if (task.status === "pending" && hears && resolve(model, task)) changed = true
      if (task.refused && task.endedAt === model.clock) {
        const before = task.why.size
        for (const dependency of task.deps) for (const why of dependency.why) task.why.add(why)
        if (task.why.size > before) changed = true
      }
    }
    if (changed) continue
    for (const task of model.tasks) {
      if (isWanted(model, task)) {
        // One that was settled keeps its key, so it may be wanted again while it stops.
        if (task.fixed?.[0] === "succeeded" || isToComeAgain(task)) task.unwanted = false
        continue
      }
      if (task.status === "succeeded" && task.isResource) {
        noteEnd(model, task)
        task.status = "releasing"
        // It has ended, for what starts after it too.
        for (const each of model.tasks) each.formers = each.formers.filter((former) => former !== task)
        if (model.workers[task.worker]!.phase === "lost") {
          task.finalizeTold = true
          task.finalized = true
          changed = true
          continue
        }
        task.unwanted = true
        continue
      }
      if (!isOpen(task) || task.unwanted) continue
      task.unwanted = true
      if (isToComeAgain(task)) continue
      const why = reason === "Cancelled:nobody" ? `Cancelled:${task.name}` : reason
      changed = true
      if (task.status === "pending") {
        finish(model, task, "cancelled", why)
      } else {
        stop(model, task, "cancelled", why)
      }
    }
  }
}

/** Ends a pending task that a dependency refuses, or whose alias has ended. */
export const resolve = (model: Facts, task: Task): boolean => {
  if (task.alias !== undefined) {
    if (!hasEnded(task.alias)) return false
    task.wished = false
    finish(model, task, task.alias.status as Ended, undefined, true)
    if (!task.why.has("either")) task.why = task.alias.why
    task.upstream = task.alias.upstream
    task.adopted = task.status as Ended === "succeeded"
    // Where its attempt ran is nothing to its result.
    if (task.adopted) task.worker = task.alias.worker < 0 ? atHome(task.worker) : task.alias.worker
    task.size = task.alias.size
    task.retains = owns(task.alias)
    return true
  }
  if (task.settings.absorbs === true) return false
  if (task.settings.policies !== undefined) return resolveGroups(model, task) || endLiteral(model, task)
  const refusals = task.deps.filter((dependency) => hasEnded(dependency) && dependency.status !== "succeeded")
  if (refusals.length === 0) return endLiteral(model, task)
  task.refused = true
  const isFailure = refusals.some((dependency) => dependency.status === "failed")
  const statuses = new Set(refusals.map(({ status }) => status as Ended))
  task.upstream = true
  // Several refusals at once: the engine may take any.
  const chosen = statuses.size > 1 ? chosenOf(model, task, statuses) : undefined
  finish(model, task, chosen ?? (isFailure ? "failed" : refusals[0]!.status as Ended))
  if (statuses.size > 1 && chosen === undefined) task.why.add("either")
  return true
}

/** Ends a literal that has all it waits for: no worker makes it or holds it. */
const endLiteral = (model: Facts, task: Task): boolean => {
  if (task.settings.literal !== true || !isReady(task)) return false
  task.worker = -1
  task.size = 0
  finish(model, task, "succeeded")
  return true
}

/** How a task ended in this step, as the engine says. */
const chosenOf = (model: Facts, { serial }: Task, statuses: ReadonlySet<Ended>): Ended | undefined => {
  const entries = model.state!.step.log!.filter((entry) => entry.serial === serial)
  return [...statuses].find((status) => entries.some(({ to }) => (to === "upstreamFailed" ? "failed" : to) === status))
}

/** Ends a pending task that one of its groups, or what is outside of them, keeps from starting. */
const resolveGroups = (model: Facts, task: Task): boolean => {
  const ways: Array<readonly [Ended, why: string | undefined]> = []
  const refuse = (by: ReadonlyArray<Task>): void => {
    for (const each of by) ways.push([each.status as Ended, undefined])
  }
  refuse(outsideGroups(task).filter((each) => hasEnded(each) && each.status !== "succeeded"))
  for (const group of groupsOf(task)) {
    const verdict = verdictOf(task, group)
    const members = inGroup(task, group).filter(hasEnded)
    if (verdict === "skip") {
      const skipped = members.filter(({ status }) => status === "skipped")
      refuse(skipped)
      if (members.length > skipped.length) ways.push(["skipped", `Skipped:${task.name}`])
    } else if (verdict === "upstreamFailed") {
      if (isDefault(group)) refuse(members.filter(({ status }) => status !== "succeeded"))
      else ways.push(["failed", `Impossible:${task.name}`])
    }
  }
  if (ways.length === 0) return false
  const statuses = new Set(ways.map(([status]) => status))
  const chosen = statuses.size > 1 ? chosenOf(model, task, statuses) : ways[0]![0]
  const isOwn = isOwnEnd(model, task, ways)
  if (isOwn && ways[0]![0] === "failed") model.verdicts.impossible++
  if (isOwn && ways[0]![0] === "skipped") model.verdicts.ruledOut++
  task.upstream = true
  task.refused = !isOwn
  finish(model, task, chosen ?? ways[0]![0])
  for (const [, why] of ways) if (why !== undefined) task.why.add(why)
  if (ways.some(([, why]) => why === undefined)) {
    for (const each of task.deps) for (const why of each.why) task.why.add(why)
  }
  if (chosen === undefined) task.why.add("either")
  return true
}

/** Whether a task ended by itself rather than as a dependency did. */
const isOwnEnd = (model: Facts, task: Task, ways: ReadonlyArray<readonly [Ended, string | undefined]>): boolean => {
  const owns = new Set(ways.map(([, why]) => why !== undefined))
  if (owns.size === 1) return owns.has(true)
  const outcome = extrasOf(model.state!, task.row)?.outcome
  const roots = model.state!.owners.get(task.owner.id)?.roots ?? []
  return outcome?.trail.task === task.name
    ? outcome.trail.from === undefined
    : roots.some(({ outcome: { trail } }) => trail.task === task.name)
}
