/** What leaves: it stops, or is released. Who waits for it follows from how everything stood before the step (S14, C4). */
import type { Event } from "../../../src/engine/protocol/Event.ts"
import type { Instruction } from "../../../src/engine/protocol/Instruction.ts"
import { dependsOn, finalizingTask, heldBy, isLeaving, openOf, presentTask } from "./facts.ts"
import type { Before, Behalf, Facts, Owner, Task, Waiting } from "./facts.ts"
import { holdsInputs } from "./owners.ts"
import { beginWait, isOver, reaches, waitsInside } from "./waits.ts"

export const causedBy = (model: Facts, behalf: Behalf): void => {
  model.cause = { must: [behalf], may: [behalf] }
}

export const lookBefore = (model: Facts): Before => {
  const users = new Map<Task, Array<Task>>()
  const claimers = new Map<Task, Array<Owner>>()
  const leaving = new Map<Task, Pick<Task, "must" | "may">>()
  const statuses = new Map<Task, Task["status"]>()
  const add = <A>(map: Map<Task, Array<A>>, task: Task, user: A): void => {
    const present = map.get(task)
    if (present === undefined) map.set(task, [user])
    else if (!present.includes(user)) present.push(user)
  }
  for (const task of model.tasks) {
    statuses.set(task, task.status)
    if (isLeaving(task)) leaving.set(task, { must: task.must, may: task.may })
    if (task.wished) add(claimers, task, task.owner)
    if (!holdsInputs(model, task)) continue
    const held = task.alias === undefined ? heldBy(task).map(([, each]) => each) : [task.alias]
    for (const each of held) add(users, each, task)
  }
  for (const owner of model.owners.values()) {
    if (!owner.isOpen) continue
    for (const { task } of owner.claims) add(claimers, task, owner)
    for (const task of owner.bulk) add(claimers, task, owner)
  }
  const open = new Set([...model.owners.values()].filter(({ isOpen }) => isOpen))
  return { leaving, users, claimers, statuses, open }
}

/** Notes on whose behalf what leaves since this step does so, and who has lost interest since in what leaves already. */
export const noteLeaving = (model: Facts): void => {
  const before = model.before!
  const { cause } = model
  const isMoved = (task: Task): boolean => before.statuses.get(task) !== task.status
  const moved = [...model.tasks].filter(isMoved)
  const all = moved.some((task) => !before.open.has(task.owner)) ? [...before.open] : []
  const involved = [...moved.map(({ owner }) => owner), ...all].map(ownedBy)
  const may = distinct([...cause.may, ...cause.must, ...involved, ...moved.flatMap((task) => task.may)])
  for (const task of model.tasks) {
    if (!isLeaving(task)) {
      task.must = []
      task.may = []
      continue
    }
    if (before.leaving.has(task)) {
      const claimers = before.claimers.get(task) ?? []
      const left = cause.must.filter(({ owner }) => claimers.includes(owner) && !stillClaims(owner, task))
      task.must = distinct([...task.must, ...left])
      task.may = distinct([...task.may, ...task.must, ...may])
    } else {
      task.must = distinct([ownedBy(task.owner), ...cause.must, ...certainFor(model, task)])
      task.may = distinct([...task.must, ...may])
    }
  }
}

const stillClaims = (owner: Owner, task: Task): boolean =>
  owner.bulk.includes(task) || [...owner.claims].some((interest) => interest.task === task)

/** On whose behalf a task leaves beside its own owner and whoever acts: those of its last user, and who alone wanted it. */
const certainFor = (model: Facts, task: Task): ReadonlyArray<Behalf> => {
  const { claimers, leaving, open, users } = model.before!
  const found: Array<Behalf> = []
  const [user, ...others] = users.get(task) ?? []
  const isAlone = user !== undefined && others.length === 0 && (claimers.get(task) ?? []).length === 0
  // One that leaves by itself is needed still.
  const isLetGo = user !== undefined && !(dependsOn(user, task) && holdsInputs(model, user))
  if (isAlone && isLetGo) found.push(ownedBy(user.owner), ...(leaving.get(user)?.must ?? []))
  if (open.has(task.owner)) return found
  const heirs = new Set<Owner>()
  const seen = new Set([task])
  for (const each of seen) {
    for (const owner of claimers.get(each) ?? []) heirs.add(owner)
    for (const dependent of users.get(each) ?? []) {
      if (open.has(dependent.owner)) heirs.add(dependent.owner)
      seen.add(dependent)
    }
  }
  const [heir] = heirs
  return heirs.size === 1 ? [...found, ownedBy(heir!)] : found
}

/** The wait for all that leaves on this behalf: as the engine says, within what must and may be awaited. */
export const awaitLeaving = (
  model: Facts,
  { attempt, wait, waiter: row }: Event & { readonly _tag: "CancelRequested" | "OwnerClosed" },
  behalf: Behalf | undefined,
  isClosing: boolean,
  out: ReadonlyArray<Instruction>
): void => {
  noteLeaving(model)
  const waiter = row < 0 ? undefined : presentTask(model, row, attempt) ?? finalizingTask(model, row, attempt)
  const awaited = behalf === undefined ? [] : leavingFor(model, { id: wait, waiter, closing: isClosing }, behalf)
  beginWait(model, wait, "all", awaited, row, attempt, isClosing, false, behalf)
  if (awaited.length > 0 || behalf === undefined) return
  const made = model.waits.get(wait)!
  made.complete = true
  // All that leaves waits for the waiter.
  const ways = (kind: "must" | "may"): ReadonlyArray<Task> =>
    [...model.tasks].filter((task) => isLeaving(task) && task[kind].some((each) => isPartOf(each, behalf)))
  made.starved = out.some((each) => each._tag === "WaitEnded" && each.wait === wait && each.starved !== undefined)
  const isRight = made.starved
    ? waiter !== undefined && ways("may").some((task) => reaches(model, [task], waiter))
    : ways("must").length === 0
  if (!isRight) model.complain(`S14: wait ${wait} is ${made.starved ? "" : "not "}starved`)
}

const leavingFor = (
  model: Facts,
  { closing, id, waiter }: Pick<Waiting, "id" | "waiter" | "closing">,
  behalf: Behalf
): ReadonlyArray<Task> => {
  const isMeant = (each: Behalf): boolean => isPartOf(each, behalf)
  const awaited = (model.state!.waits.get(id)?.tasks ?? []).map((each) => model.byRow.get(each)!)
  if (closing && waiter !== undefined) {
    const must = [...model.tasks].filter((task) => isLeaving(task) && task.must.some(isMeant))
    outrank(model, waiter, [...awaited, ...must])
  }
  for (const task of model.tasks) {
    if (!isLeaving(task) || awaited.includes(task) || !task.must.some(isMeant)) continue
    if (waiter !== undefined && reaches(model, [task], waiter)) continue
    model.complain(`S14: wait ${id} does not wait for ${task.name}`)
  }
  for (const task of awaited) {
    if (!task.may.some(isMeant)) model.complain(`S14: wait ${id} has nothing to do with ${task.name}`)
  }
  return awaited
}

/** Children for which a closing waiter waits, and theirs, wait no longer for what leads back to the waiter. */
const outrank = (model: Facts, waiter: Task, tasks: ReadonlyArray<Task>): void => {
  const depthOf = ({ place }: Task): number => place.depth
  const inner = new Set(tasks.filter((task) => depthOf(task) > depthOf(waiter)))
  for (const task of inner) {
    for (const wait of waitsInside(task)) {
      if (!wait.closing) continue
      for (const each of openOf(wait)) if (depthOf(each) > depthOf(task)) inner.add(each)
    }
  }
  for (const task of inner) {
    for (const wait of waitsInside(task)) {
      const isInVain = (each: Task): boolean => !inner.has(each) && reaches(model, [each], waiter, inner)
      const rest = openOf(wait).filter((each) => !isInVain(each))
      if (rest.length === openOf(wait).length) continue
      if (wait.behalf !== undefined && rest.length > 0) wait.awaited = rest
      else {
        wait.starved = true
        task.open.delete(wait)
      }
    }
  }
}

/** A wait for all that leaves on behalf of an owner goes on as long as anything does. */
export const extendWait = (model: Facts, wait: Waiting): void => {
  if (wait.behalf === undefined || wait.abandoned || wait.complete || !isOver(wait)) return
  const more = leavingFor(model, wait, wait.behalf)
  if (more.length === 0) wait.complete = true
  for (const task of more) wait.ended.delete(task)
  wait.awaited = [...wait.awaited, ...more]
}

const distinct = (behalves: ReadonlyArray<Behalf>): ReadonlyArray<Behalf> => [
  ...new Map(behalves.map((behalf) => [`${behalf.owner.id} ${behalf.cancelled?.serial}`, behalf])).values()
]

/** Whether who waits on the second behalf waits for what leaves on the first. */
const isPartOf = (each: Behalf, { cancelled, owner }: Behalf): boolean =>
  each.owner === owner && (cancelled === undefined || each.cancelled === cancelled)

const ownedBy = (owner: Owner): Behalf => ({ owner, cancelled: undefined })
