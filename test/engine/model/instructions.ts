/** Whether an instruction is right. */
import type { Event } from "../../../src/engine/protocol/Event.ts"
import { atHome } from "../../../src/engine/protocol/home.ts"
import type { Instruction } from "../../../src/engine/protocol/Instruction.ts"
import type { State } from "../../../src/engine/state/State.ts"
import { judgeTakeBack } from "./ahead.ts"
import { hasEnded, holderOf, inAttempt, isOpen, mayHold } from "./facts.ts"
import type { Facts, Standee } from "./facts.ts"
import { lookAgain } from "./lacks.ts"
import { someRowless } from "./loss.ts"
import { isWanted } from "./owners.ts"
import { discardedCopy, droppedIn } from "./results.ts"
import { judgeBegin, judgeStart, judgeWaitEnded } from "./starts.ts"
import { isOverFor } from "./waits.ts"
import { dismissIdle, judgeStartWorker } from "./workers.ts"

export const judgeOnce = (
  model: Facts,
  state: State,
  event: Event,
  instruction: Instruction,
  out: ReadonlyArray<Instruction>
): void => {
  if (model.judged.has(instruction)) return
  model.judged.add(instruction)
  judge(model, state, event, instruction, out)
}

const judge = (
  model: Facts,
  state: State,
  event: Event,
  instruction: Instruction,
  out: ReadonlyArray<Instruction>
): void => {
  switch (instruction._tag) {
    case "Start":
      return judgeStart(model, instruction, state, out)
    case "Begin":
      return judgeBegin(model, instruction, state, out)
    case "TakeBack":
      return judgeTakeBack(model, instruction)
    case "Stop": {
      const task = model.byRow.get(instruction.task)
      // A worker may have retired in this step, and some task could use no other.
      if (task?.status !== "stopping") lookAgain(model)
      // Two workers were lost at once: it stopped for the one, and was over with the other.
      if (task !== undefined && hasEnded(task) && model.silent.has(instruction.worker)) return
      if (task?.status !== "stopping" || task.attempt !== instruction.attempt || task.stopTold) {
        return model.complain(`${task?.name} should not stop`)
      }
      if (task.timedOut !== instruction.timedOut && task.timedOut) {
        model.complain(`${task.name} stops for another reason`)
      }
      task.stopTold = true
      return
    }
    case "Overdue": {
      const task = model.byRow.get(instruction.task)
      if (task === undefined || !model.overdue.delete(task) || task.attempt !== instruction.attempt) {
        model.complain(`${task?.name} is not overdue`)
      }
      return
    }
    case "Finalize": {
      const task = model.byRow.get(instruction.task)
      const isRight = task?.status === "releasing" && !task.finalizeTold && task.attempt === instruction.attempt
      if (!isRight || task.worker !== instruction.worker) {
        return model.complain(`M7: ${task?.name} should not be finalized`)
      }
      task.finalizeTold = true
      return
    }
    case "Adopt": {
      const task = model.byRow.get(instruction.task)
      if (task?.adopted !== true || task.alias !== model.byRow.get(instruction.from)) {
        return model.complain(`${task?.name} adopts the wrong result`)
      }
      if (holderOf(task.alias!) !== instruction.worker) model.complain(`${task.name} adopts from the wrong worker`)
      if (instruction.worker >= 0) task.worker = instruction.worker
      task.adopted = false
      return
    }
    case "Copy": {
      const { copy, from, to } = instruction
      const task = model.byRow.get(instruction.task)
      if (task?.status !== "succeeded" || task.retains || task.isResource) {
        return model.complain(`M9: ${task?.name} has no result to copy`)
      }
      if (!state.copying.has(copy)) model.complain(`M9: copy ${copy} of ${task.name} was called off in its step`)
      const isThere = to === task.worker || task.copies.has(to) ||
        [...model.copying.values()].some((other) => other.task === task && other.to === to)
      if (isThere || from !== task.worker) model.complain(`M9: ${task.name} is copied from ${from} to ${to}`)
      // One that has reached its age at the same moment was open when another one was taken for lost.
      const isAging = event._tag === "TimeCame" && model.workers[to]?.phase === "draining"
      if (model.workers[to]?.phase !== "open" && !isAging) {
        model.complain(`M9: ${task.name} is copied to a worker that takes nothing`)
      }
      model.copying.set(copy, { task, from, to, isMove: state.copying.get(copy)?.isMove === true })
      return
    }
    case "Hold": {
      const present = model.byRow.get(instruction.task)
      // Its row may have gone to another within the step.
      const task = present?.unheld === true ? present : model.displaced.get(instruction.task)
      if (task?.unheld !== true) return model.complain(`${task?.name} was not settled`)
      const isLost = model.workers[instruction.worker]?.phase === "lost" && !model.silent.has(instruction.worker)
      if (isLost) model.complain(`${task.name} is held by a lost worker`)
      task.unheld = false
      // Its row may be gone by now.
      const place = (task === present ? state.tasks.worker[instruction.task] : undefined) ?? atHome(0)
      task.worker = instruction.worker < 0 ? place : instruction.worker
      const isRight = instruction.worker < 0
        ? model.workers.some((each) => each.handsOver && (mayHold(each) || model.silent.has(each.row)))
        : !model.workers[instruction.worker]!.handsOver
      if (!isRight) model.complain(`W21: ${task.name} is at the wrong place`)
      return
    }
    case "Forget": {
      const displaced = model.displaced.get(instruction.task)
      model.displaced.delete(instruction.task)
      const task = displaced ?? model.byRow.get(instruction.task) ?? someRowless(model)
      // It may have followed to a worker that retired in this step.
      if (task !== undefined && (isOpen(task) || isWanted(model, task))) lookAgain(model)
      if (task === undefined || isOpen(task) || isWanted(model, task)) {
        return model.complain(`${task?.name ?? instruction.task} (${task?.status}) is forgotten too early`)
      }
      const holder = task.status === "succeeded" || task.finalized ? holderOf(task) : -1
      if (holder !== instruction.holder) model.complain(`${task.name} is not held by worker ${instruction.holder}`)
      if (task.copies.size > 0) model.complain(`M9: copies of ${task.name} are left`)
      task.forgotten = true
      if (displaced === undefined) model.byRow.delete(task.row)
      model.rowless.delete(task)
      return
    }
    case "Discard":
      if (discardedCopy(model, instruction)) return
      if (model.discarded.delete(droppedIn(model, instruction.task)!)) return
      if (event._tag !== "TaskEnded" || event.ending._tag !== "Succeeded" || event.task !== instruction.task) {
        model.complain("something is discarded that never came")
      }
      return
    case "ForgetFailure":
      if (!model.failures.delete(instruction.failure)) {
        model.complain(`failure ${instruction.failure} is forgotten twice`)
      }
      return
    case "WaitEnded":
      return judgeWaitEnded(model, instruction, state, out)
    case "ClaimEnded": {
      const { claim, wait } = instruction
      const standing = model.standing.get(wait)
      const isMeant = (each: Standee): boolean => each.interest === model.interests.get(claim)
      if (standing?.standees.some((each) => isMeant(each) && !isOverFor(each)) === true) lookAgain(model)
      const at = standing?.standees.findIndex((each) => isMeant(each) && isOverFor(each)) ?? -1
      if (at < 0) return model.complain(`standing wait ${wait} reports claim ${claim} twice, or too early`)
      standing!.standees.splice(at, 1)
      standing!.changes++
      return
    }
    case "WorkerJoined":
      return
    case "StartWorker":
      return judgeStartWorker(model, instruction, state)
    case "WorkerExpired":
      if (instruction.why === "missing") {
        if (!model.distrusted.delete(instruction.worker)) model.complain(`worker ${instruction.worker} lacks nothing`)
      } else if (!model.silent.delete(instruction.worker)) model.complain(`worker ${instruction.worker} was heard`)
      return
    case "WorkerLeft": {
      const worker = model.workers[instruction.worker]!
      dismissIdle(model, worker)
      if (worker.phase !== "draining") model.complain(`worker ${instruction.worker} left`)
      for (const task of model.tasks) {
        const isMovable = task.status === "succeeded" && !task.forgotten && !task.isResource && !task.retains
        if (isMovable && task.worker === instruction.worker && model.workers.some(({ phase }) => phase === "open")) {
          model.complain(`M9: ${task.name} was left behind`)
        }
      }
      worker.phase = "gone"
      model.crewMoved = true
      for (const task of model.tasks) {
        if (inAttempt(task) && task.worker === instruction.worker) model.complain(`${task.name} lost its worker`)
      }
      return
    }
    case "Rejected": {
      const isRight = event._tag === "TaskSettled" ?
        !model.isSettling :
        event._tag === "GraphSubmitted" ?
        model.owners.get(event.owner)?.isOpen !== true :
        event._tag === "ClaimShared" ?
        model.owners.get(event.owner)?.isOpen !== true || model.interests.get(event.claim)?.state !== "live" :
        ["WorkerDrained", "WorkerLost", "WorkerStarted", "WorkerBeat", "CopiesRequested"].includes(event._tag)
      if (!isRight) model.complain(`${event._tag} was rejected: ${instruction.reason._tag}`)
      return
    }
    case "Submitted":
    case "WakeAt":
      return
  }
}
