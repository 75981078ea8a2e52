/** Whether engine and model agree after a step. */
import { Flag, Phase, phaseNames } from "../../../src/engine/protocol/Phase.ts"
import { extrasOf } from "../../../src/engine/state/rare.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { hasEnded, inAttempt, openOf, stateOf } from "./facts.ts"
import type { Facts, Task } from "./facts.ts"
import { isWanted } from "./owners.ts"
import { stuckWaits } from "./starvation.ts"
import { isOver, isOverFor, reaches } from "./waits.ts"

export const agree = (model: Facts, state: State): void => {
  for (const task of model.discarded) model.complain(`the former result of ${task.name} is not discarded`)
  for (const [task, row] of model.struck.splice(0)) model.complain(`M9: ${task.name} is still held by ${row}`)
  for (const task of model.rowless) model.complain(`${task.name} has no row`)
  for (const task of model.tasks) task.formers = task.formers.filter((each) => !hasEnded(each))
  for (const task of model.tasks) {
    if (task.forgotten) continue
    if (hasEnded(task) && !isWanted(model, task)) model.complain(`${task.name} is held for nobody`)
    if (task.status === "stopping" && !task.stopTold) model.complain(`${task.name} was not asked to stop`)
    if (task.finalized) model.complain(`M7: ${task.name} is finalized and not forgotten`)
    if (task.status === "releasing" && !task.finalizeTold) model.complain(`M7: ${task.name} is not finalized`)
    const isHeld = task.status === "succeeded" && !task.why.has("either")
    const others = [...extrasOf(state, task.row)?.copies ?? []]
    if (isHeld && task.worker !== state.tasks.worker[task.row]) model.complain(`M9: ${task.name} is held elsewhere`)
    if (others.toSorted().join() !== [...task.copies].toSorted().join()) {
      model.complain(`M9: ${task.name} is also held by ${others.join()}, not ${[...task.copies].join()}`)
    }
    if (task.unheld) model.complain(`nobody holds the value given for ${task.name}`)
    if (task.adopted) model.complain(`${task.name} did not adopt a result`)
    const phase = phaseNames[state.tasks.phase[task.row]!]!
    if (!phasesOf(task).includes(phase) && !task.why.has("either")) {
      model.complain(`${task.name} is ${phase} and should be ${task.status}`)
    }
    if (inAttempt(task) && task.holds !== ((state.tasks.flags[task.row]! & Flag.holdsSlot) !== 0)) {
      model.complain(`${task.name} should ${task.holds ? "" : "not "}hold a slot`)
    }
    const held = state.holding.get(task.row)
    if (task.holdsAmounts !== (held?.amounts !== undefined)) model.complain(`W5: ${task.name} holds the wrong amounts`)
    if (task.holdsTags !== (held?.tags !== undefined)) model.complain(`W17: ${task.name} holds the wrong tags`)
    const outcome = extrasOf(state, task.row)?.outcome
    if (hasEnded(task) && outcome !== undefined && !task.why.has("either")) {
      let root = outcome.trail
      while (root.from !== undefined) root = root.from
      const { reason } = outcome
      const why = reason._tag === "TimedOut" ? reason.of : reason._tag
      const name = reason._tag === "Cancelled" ? reason.task : root.task
      if (![...task.why].some((each) => each === `${why}:${name}` || each.startsWith(`${why}:owner`))) {
        model.complain(`${task.name} ended by ${why}:${name}, allowed: ${[...task.why].join()}`)
      }
    }
  }
  const limits = (found: Iterable<readonly [tag: string, limit: number]>) => Array.from(found, String).sort().join(" ")
  const found = limits(Array.from(state.tags, ([tag, { total }]) => [tag, total]))
  if (found !== limits(model.limits)) model.complain(`W17: the limits are ${found}, not ${limits(model.limits)}`)
  for (const task of model.overdue) model.complain(`nobody said that ${task.name} does not stop`)
  model.overdue.clear()
  if (state.tasks.size !== model.byRow.size) model.complain(`${state.tasks.size} rows for ${model.byRow.size} tasks`)
  for (const wait of model.waits.values()) {
    for (const each of wait.awaited) {
      const now = stateOf(each)
      if (now !== "open" && !wait.ended.has(each)) wait.ended.set(each, now)
    }
    if (!wait.abandoned && !wait.starved && !wait.starvedAway && !isOver(wait)) continue
    const task = wait.waiter
    const queued = task !== undefined && task.status === "active" &&
      state.tasks.phase[task.row] === Phase.rejoining &&
      state.workers[task.worker]!.rejoining.get(task.row) === wait.id
    if (!queued) model.complain(`wait ${wait.id} should be over`)
  }
  for (const [id, { standees }] of model.standing) {
    for (const each of standees) {
      if (isOverFor(each)) model.complain(`standing wait ${id} did not report the end of ${each.interest.task.name}`)
    }
  }
  for (const wait of stuckWaits(model)) model.complain(`N6: wait ${wait.id} of ${wait.waiter!.name} can never end`)
  for (const interest of model.interests.values()) {
    if (interest.claim.state !== interest.state) {
      model.complain(`a claim is ${interest.claim.state}, not ${interest.state}`)
    }
    if ((interest.claim.outcome !== undefined) !== (interest.state === "cancelled")) {
      model.complain("a claim has no outcome")
    }
  }
  for (const owner of model.owners.values()) {
    const roots = (state.owners.get(owner.id)?.roots ?? []).map(({ outcome }) => outcome.trail.task)
    if (owner.isOpen && roots.toSorted().join() !== owner.roots.toSorted().join()) {
      model.complain(`F4: the roots are ${roots.join()}, not ${owner.roots.join()}`)
    }
  }
  // A wait that can never end says so, whatever was lost meanwhile.
  for (const wait of model.waits.values()) {
    if (wait.waiter === undefined || wait.abandoned || wait.behalf !== undefined || isOver(wait)) continue
    if (reaches(model, openOf(wait), wait.waiter)) model.complain(`wait ${wait.id} is part of a cycle`)
  }
  for (const row of model.replaced) model.complain(`W13, W14: worker ${row} is not replaced`)
  for (const row of model.silent) model.complain(`W10: worker ${row} does not count as lost`)
  for (const row of model.distrusted) model.complain(`M3: worker ${row} does not count as lost`)
  model.replaced.clear()
  model.silent.clear()
  model.distrusted.clear()
  model.workers.forEach((worker, i) => {
    if (state.workers[i]?.phase !== worker.phase) model.complain(`worker ${i} should be ${worker.phase}`)
  })
}

const phasesOf = (task: Task): ReadonlyArray<string> =>
  task.status === "active" && task.isAssigned
    ? ["assigned"]
    : task.status === "failed" && task.upstream
    ? ["upstreamFailed"]
    : phasesOfStatus[task.status]

const phasesOfStatus: Readonly<Record<Task["status"], ReadonlyArray<string>>> = {
  pending: ["waiting", "ready"],
  active: ["running", "seceded", "rejoining"],
  stopping: ["stopping"],
  releasing: ["releasing"],
  succeeded: ["succeeded"],
  failed: ["failed"],
  cancelled: ["cancelled"],
  skipped: ["skipped"]
}
