/** What an event means. */
import type { Event } from "../../../src/engine/protocol/Event.ts"
import type { Instruction } from "../../../src/engine/protocol/Instruction.ts"
import type { Reference } from "../../../src/engine/protocol/Plan.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { beginBody } from "./ahead.ts"
import { attemptEnded, settleFromOutside } from "./attempts.ts"
import { endPauses, pause, resume, setRate } from "./delays.ts"
import { finish, finishFixed, finishStopped, leaveAttempt, stop } from "./ends.ts"
import { hasEnded, isDownstream, presentTask, takesTasks, thousandths } from "./facts.ts"
import type { Facts, Owner, Task } from "./facts.ts"
import { follow, resolve } from "./follow.ts"
import { awaitLeaving, causedBy } from "./leaving.ts"
import { distrust, endFinalizing, lookAtWorkers, workerLost } from "./loss.ts"
import { addClaim, addWish, isWanted } from "./owners.ts"
import { awaitedBy, exposedBy } from "./policies.ts"
import { believeCycle } from "./starvation.ts"
import { register } from "./submissions.ts"
import { timeCame } from "./timers.ts"
import { beginWait, reaches, stand, standingOf, wantSlot } from "./waits.ts"
import { enterWorker, makeWorker } from "./workers.ts"

export const happen = (model: Facts, event: Event, out: ReadonlyArray<Instruction>, state: State): void => {
  switch (event._tag) {
    case "WorkerAdded": {
      const row = out.find((instruction) => instruction._tag === "WorkerJoined")?.worker
      if (row === undefined) return model.complain("a worker got no row")
      const worker = makeWorker(model, row, event.name, event.slots, event.terms ?? {})
      const { ahead = 0, handsOver = false, kind = "local", labels = [], mark = Infinity } = event
      const amounts = thousandths(event.amounts)
      return enterWorker(model, { ...worker, kind, labels, mark, ahead, handsOver, amounts })
    }
    case "WorkerStarted": {
      const worker = model.workers[event.worker]
      if (worker?.phase !== "starting") return
      worker.phase = "open"
      worker.since = worker.heardAt = model.now
      return
    }
    case "WorkerBeat": {
      const worker = model.workers[event.worker]
      if (worker?.phase === "open" || worker?.phase === "draining") worker.heardAt = model.now
      return
    }
    case "PoolOpened":
      model.pool = event
      return
    case "TagLimited":
      if (event.limit === undefined) model.limits.delete(event.tag)
      else model.limits.set(event.tag, event.limit)
      return setRate(model, event.tag, event.rate)
    case "StartsPaused":
      return pause(model, event)
    case "StartsResumed":
      return resume(model, event.of)
    case "WorkerDrained": {
      const worker = model.workers[event.worker]
      if (worker !== undefined && takesTasks(worker)) worker.phase = "draining"
      return
    }
    case "WorkerLost":
      return workerLost(model, event.worker, state, event.begun, event.isEnded)
    case "ResultMissing":
      return distrust(model, event, state)
    case "OwnerOpened":
      if (event.limits?.limit !== undefined) model.limits.set(event.limits.tag, event.limits.limit)
      return open(model, event.owner, event.limits?.tag, event.group)
    case "GraphSubmitted": {
      const answer = out.find((instruction) => instruction._tag === "Submitted")
      if (event.opens !== undefined && answer !== undefined) open(model, event.owner)
      const owner = model.owners.get(event.owner)
      if (owner?.isOpen !== true) return
      if (answer === undefined) return model.complain("a submission got no answer")
      const parent = model.byRow.get(event.parent)
      const made = register(
        model,
        event.plan,
        owner,
        answer.ids,
        parent?.attempt === event.attempt ? parent : undefined
      )
      for (const { formers, index } of event.successions ?? []) {
        made[index]!.formers = formers.map((row) => model.byRow.get(row)!).filter((each) => !hasEnded(each))
      }
      const live = (reference: Reference) => reference >= 0 ? made[reference]! : model.byRow.get(~reference)!
      const targets = event.targets.map(live)
      if (event.wait === undefined) {
        targets.forEach((task, i) => addClaim(model, owner, task, answer.claims[i]!))
        if (event.standing !== undefined) {
          stand(model, event.standing, answer.claims.map((claim) => model.interests.get(claim)!))
        }
        return
      }
      owner.bulk.push(...targets)
      owner.wait = event.wait
      const wishes = Array.from(event.wishes ?? []).flatMap(([wish, told]) =>
        addWish(
          owner,
          live(wish),
          wish >= 0,
          (["failure", "skip"] as const).filter((_, bit) => (told & 1 << bit) > 0)
        )
      )
      const mode = event.wishes === undefined ? "firstFailure" : "all"
      const awaited = event.wishes === undefined ? targets : wishes
      return beginWait(model, event.wait, mode, awaited, event.parent, event.attempt, false, event.keepsSlot)
    }
    case "TaskExpanded": {
      const task = presentTask(model, event.task, event.attempt)
      if (task === undefined) return
      if (task.status === "stopping") {
        model.cause = { must: task.must, may: task.may }
        return finishStopped(model, task)
      }
      leaveAttempt(task)
      const answer = out.find((instruction) => instruction._tag === "Submitted")
      if (answer === undefined) return model.complain("an expansion got no answer")
      const made = register(model, event.plan, task.owner, answer.ids, task)
      const inner = event.target >= 0 ? made[event.target]! : model.byRow.get(~event.target)!
      // What ended before refuses at once and breaks a cycle; what follows from that comes too late.
      // Tasks with policies first, one after the other.
      for (const each of made) {
        if (each.settings.policies !== undefined && each.deps.some(hasEnded)) resolve(model, each)
      }
      // These hear of the ends of others in their plan only later.
      for (const each of made) if (each.settings.policies !== undefined) model.unaware.set(each, awaitedBy(each))
      const refuses = (other: Task) => !made.includes(other) && hasEnded(other) && other.status !== "succeeded"
      for (const each of made) {
        if (each.status === "pending" && each.settings.policies === undefined && each.deps.some(refuses)) {
          resolve(model, each)
        }
      }
      const isStarved = reaches(model, [inner], task)
      model.unaware.clear()
      for (let changed = true; changed;) {
        changed = made.some((each) => each.status === "pending" && resolve(model, each))
      }
      task.status = "pending"
      task.alias = inner
      task.inner = made
      if (task.wished) {
        const wait = model.waits.get(task.owner.wait)
        const wishes = exposedBy(inner, new Set(made), task.told)
        const more = Array.from(wishes).flatMap(([each, told]) => addWish(task.owner, each, made.includes(each), told))
        // What waits for the waiter itself is not awaited.
        const inside = wait?.waiter
        const open = inside === undefined ? more : more.filter((each) => !reaches(model, [each], inside))
        if (wait !== undefined && !wait.abandoned) wait.awaited = [...wait.awaited, ...open]
      }
      if (!isStarved) return
      return finish(model, task, "failed", `Starved:${task.name}`)
    }
    case "TaskStarted": {
      const task = presentTask(model, event.task, event.attempt)
      if (task?.isAssigned !== true || !task.holds) return
      if (task.status === "active") beginBody(model, task)
      task.isAssigned = false
      return
    }
    case "TaskEnded":
      return attemptEnded(model, event, state)
    case "TaskFinalized": {
      const task = model.byRow.get(event.task)
      if (task?.status !== "releasing" || task.attempt !== event.attempt) return
      leaveAttempt(task)
      model.cause = { must: task.must, may: task.may }
      if (task.fixed !== undefined) return finishFixed(model, task)
      endFinalizing(model, task)
      return believeCycle(model, task, state)
    }
    case "CopiesRequested":
    case "RebalanceRequested":
      return
    case "TaskCopied": {
      const copying = model.copying.get(event.copy)
      model.copying.delete(event.copy)
      if (copying === undefined) return
      const { isMove, task, to } = copying
      if (!isMove) return void task.copies.add(to)
      model.discarded.add(task)
      task.worker = to
      return
    }
    case "TaskSettled":
      return settleFromOutside(model, event)
    case "WaitBegan": {
      if (event.mode === "each") {
        return stand(model, event.wait, event.claims.map((claim) => model.interests.get(claim)!))
      }
      if (event.standing !== undefined) {
        const of = standingOf(model, event.standing)
        // A report is on its way.
        const isLate = of.standees.length < (event.open ?? 0)
        const next = { of, after: isLate ? -1 : of.changes }
        const open = of.standees.map(({ interest }) => interest)
        const { attempt, keepsSlot, mode, wait, waiter } = event
        return beginWait(model, wait, mode, open, waiter, attempt, false, keepsSlot, undefined, next)
      }
      const awaited = [...new Set(event.claims)].map((claim) => model.interests.get(claim)!)
      return beginWait(model, event.wait, event.mode, awaited, event.waiter, event.attempt, false, event.keepsSlot)
    }
    case "WaitAbandoned": {
      const standing = model.standing.get(event.wait)
      if (standing !== undefined) standing.standees = []
      const wait = model.waits.get(event.wait)
      // Whoever is about to take the slot does so.
      if (wait !== undefined && wait.mode !== "slot") wait.abandoned = true
      return
    }
    case "SlotWanted":
      return wantSlot(model, event)
    case "CancelRequested": {
      const interest = model.interests.get(event.claim)!
      const { owner, task } = interest
      const isLive = interest.state === "live"
      const isThere = model.tasks.has(task) && (isLive || event.force)
      const isMeant = isThere && !hasEnded(task) && isWanted(model, task)
      const root = isThere && (isMeant || interest.cancelledFor === undefined) ? task : interest.cancelledFor
      if (isMeant) causedBy(model, { owner, cancelled: task })
      if (isMeant && event.force) {
        if (task.status === "pending") {
          finish(model, task, "cancelled", `Cancelled:${task.name}`)
        } else {
          stop(model, task, "cancelled", `Cancelled:${task.name}`)
        }
        follow(model, `Cancelled:${task.name}`)
      } else if (isMeant) {
        for (const each of interest.owner.claims) {
          const isAsked = event.alone === true ? each === interest : each.task === task || isDownstream(each.task, task)
          if (!isAsked) continue
          interest.owner.claims.delete(each)
          each.state = "cancelled"
          each.cancelledFor = task
        }
        follow(model, `Cancelled:${task.name}`)
      }
      return awaitLeaving(model, event, root === undefined ? undefined : { owner, cancelled: root }, false, out)
    }
    case "ClaimShared": {
      const owner = model.owners.get(event.owner)
      const interest = model.interests.get(event.claim)!
      const answer = out.find((instruction) => instruction._tag === "Submitted")
      if (owner?.isOpen !== true || interest.state !== "live") return
      if (answer === undefined) return model.complain("a shared claim got no answer")
      return addClaim(model, owner, interest.task, answer.claims[0]!)
    }
    case "ClaimsReleased":
      for (const claim of event.claims) {
        const interest = model.interests.get(claim)!
        if (interest.state !== "live") continue
        interest.state = "released"
        interest.owner.claims.delete(interest)
        causedBy(model, { owner: interest.owner, cancelled: undefined })
      }
      return
    case "OwnerClosed": {
      const owner = model.owners.get(event.owner)
      if (owner?.isOpen === true) closeOwner(model, owner, event.by)
      return awaitLeaving(model, event, owner === undefined ? undefined : { owner, cancelled: undefined }, true, out)
    }
    case "TimeCame":
      endPauses(model)
      lookAtWorkers(model, state, out)
      return timeCame(model)
  }
}

const open = (model: Facts, id: number, tag?: string, group?: string): void => {
  model.owners.set(id, { id, isOpen: true, tag, group, claims: new Set(), bulk: [], roots: [], wait: -1 })
}

const closeOwner = (model: Facts, owner: Owner, by: string): void => {
  causedBy(model, { owner, cancelled: undefined })
  for (const interest of owner.claims) interest.state = "released"
  owner.claims.clear()
  owner.bulk.length = 0
  owner.roots.length = 0
  for (const task of model.tasks) if (task.owner === owner) task.wished = false
  follow(model, `Cancelled:${by}`)
  if (owner.tag !== undefined) model.limits.delete(owner.tag)
  owner.isOpen = false
}
