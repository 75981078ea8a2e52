/**
 * The interpreter's records of tasks: their dependencies and their ends.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { outcomeIn, phaseAfter } from "../../engine/protocol/Outcome.ts"
import type { Outcome, Where } from "../../engine/protocol/Outcome.ts"
import { phaseNames } from "../../engine/protocol/Phase.ts"
import { decide, isDefault } from "../../engine/protocol/policies.ts"
import type { Group, Tally, Verdict } from "../../engine/protocol/policies.ts"
import type { Reason } from "../../engine/protocol/Reason.ts"
import { keyAt, labelAt, mayRepeatAt, nameAt, submitterOf } from "../../engine/protocol/Registered.ts"
import type { Place, Registered } from "../../engine/protocol/Registered.ts"
import type { Claim } from "../../engine/views/claims.ts"
import type { Status } from "../../Future.ts"
import type { Ambient, Compiled, LivePlan } from "../../internal/bodies/livePlan.ts"
import { policiesOf } from "../../internal/tasks/dependency.ts"
import { namedBy } from "../../internal/tasks/keys.ts"
import type { Named } from "../../internal/tasks/keys.ts"
import type { FutureImpl, TaskImpl } from "../../internal/tasks/task.ts"
import { exitOf, rootCause } from "../../internal/views/causes.ts"

/** One task, and how it ended. */
export interface Row {
  readonly submission: Registered
  readonly index: number
  readonly ambient: Ambient
  ended: Ended | undefined
  /** The task for which it stands. */
  inner: TaskId | undefined
}

/** The end of a task; without success, with every failure that could have been the first. */
export interface Ended {
  readonly value?: unknown
  readonly outcome: Outcome | undefined
  readonly possible: ReadonlyArray<Outcome>
  readonly starts: number
  /** Whether a time limit may have passed before this end, depending on the order of events. */
  readonly isOpen: boolean
}

export class Rows {
  readonly name: string
  private readonly rows: Array<Row> = []
  private readonly causes = new Map<number, Cause.Cause<unknown>>()

  constructor(name: string) {
    this.name = name
  }

  at(id: TaskId): Row {
    return this.rows[id]!
  }

  /** Registers a compiled plan, and returns the rows of its targets. */
  add({ plan, targets }: Compiled, ambient: Ambient, place: Place | undefined): ReadonlyArray<TaskId> {
    const parent = place && nameAt(place.submission, place.index)
    const first = this.rows.length
    const ids = Int32Array.from({ length: plan.size }, (_, index) => first + index)
    const submission = { number: first + 1, plan, ids, sequence: first + 1, parent } as unknown as Registered
    for (let index = 0; index < plan.size; index++) {
      this.rows.push({ submission, index, ambient, ended: undefined, inner: undefined })
    }
    return targets.map((target) => target >= 0 ? first + target : ~target)
  }

  namedOf(id: TaskId): Named | undefined {
    const { index, submission } = this.rows[id]!
    return namedBy(submission.plan.settings.get(index))
  }

  keyOf(id: TaskId): string {
    const { index, submission } = this.rows[id]!
    return keyAt(submission, index)
  }

  taskOf(id: TaskId): TaskImpl {
    const { index, submission } = this.rows[id]!
    return (submission.plan as LivePlan).nodes[index]!
  }

  mayRepeat(id: TaskId): boolean {
    const { index, submission } = this.rows[id]!
    return mayRepeatAt(submission, index)
  }

  dependenciesOf(id: TaskId): ReadonlyArray<TaskId> {
    const { index, submission: { ids, plan: { offsets, targets } } } = this.rows[id]!
    const own = targets.subarray(offsets[index], offsets[index + 1])
    return Array.from(own, (target) => target >= 0 ? ids[target]! : ~target)
  }

  /** These tasks, and the tasks whose exits they are. */
  throughExits(ids: ReadonlyArray<TaskId>): ReadonlySet<TaskId> {
    const found = new Set(ids)
    for (const id of found) {
      if (this.taskOf(id).body._tag === "exit") { for (const each of this.dependenciesOf(id)) found.add(each) }
    }
    return found
  }

  /** A task and its dependencies that have not run: dependencies first, and those of one plan in static order. */
  missing(id: TaskId): ReadonlyArray<TaskId> {
    const found = new Set<TaskId>()
    const stack = [id]
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (found.has(top) || this.rows[top]!.ended !== undefined) continue
      found.add(top)
      stack.push(...this.dependenciesOf(top))
    }
    const position = (row: TaskId): number => {
      const { index, submission } = this.rows[row]!
      return submission.plan.positions[index]!
    }
    const sequence = (row: TaskId): number => this.rows[row]!.submission.sequence
    return [...found].sort((a, b) => sequence(a) - sequence(b) || position(a) - position(b))
  }

  /** The verdict on a group whose members have all ended. */
  verdictOf({ policy }: Group, members: ReadonlyArray<TaskId>): Verdict | undefined {
    return decide(policy, members.length, this.tallyOf(members))
  }

  /** Why a task can never start. */
  impossible({ of, policy }: Group, members: ReadonlyArray<TaskId>): Reason {
    const size = members.length
    return {
      _tag: "Impossible",
      why: { _tag: "Unreachable", of, policy, size, ended: this.tallyOf(members), refusedBy: [] }
    }
  }

  private tallyOf(members: ReadonlyArray<TaskId>): Tally {
    const tally = { success: 0, failed: 0, upstreamFailed: 0, skipped: 0 }
    for (const member of members) {
      const outcome = this.rows[member]!.ended!.outcome
      tally[outcome === undefined ? "success" : outcomeIn(outcome)]++
    }
    return tally
  }

  /** A number for a cause. */
  keepCause(cause: Cause.Cause<unknown>): number {
    const failure = this.causes.size + 1
    this.causes.set(failure, cause)
    return failure
  }

  private readonly causeOf = (failure: number): Cause.Cause<unknown> => this.causes.get(failure)!

  whereOf(id: TaskId): Where {
    const { ended, index, submission } = this.rows[id]!
    const label = labelAt(submission, index)
    return {
      attempt: ended?.starts ?? 0,
      label,
      graph: submission.number,
      submitter: submitterOf(submission),
      worker: this.name
    }
  }

  exitOf(id: TaskId): Exit.Exit<unknown, unknown> {
    const { outcome, value } = this.rows[id]!.ended!
    return outcome === undefined ? Exit.succeed(value) : exitOf(outcome, this.causeOf, this.whereOf(id))
  }

  /** Whether another order of events may give another end. */
  isOpen(id: TaskId): boolean {
    return this.rows[id]!.ended!.isOpen
  }

  /** The causes of all failures that could have led to this one. */
  possible(id: TaskId): ReadonlyArray<Cause.Cause<unknown>> {
    return this.rows[id]!.ended!.possible.map((outcome) => rootCause(outcome, this.causeOf))
  }

  /** The failures that a computation that goes on reports, except those that another order of events could change. */
  roots(ids: ReadonlyArray<TaskId>): ReadonlyArray<Cause.Cause<unknown>> {
    const found = new Set(ids)
    for (const id of found) {
      const { inner } = this.rows[id]!
      if (inner !== undefined && !this.isOpen(id)) found.add(inner)
      const task = this.taskOf(id)
      if (task.body._tag === "exit") continue
      const groups = policiesOf(task)
      const groupAt = (place: number) => groups?.find(({ from, to }) => place >= from && place < to)
      for (const [place, each] of this.dependenciesOf(id).entries()) {
        const group = groupAt(place)
        if (group === undefined || isDefault(group)) found.add(each)
      }
    }
    return [...found].flatMap((id) => {
      const { isOpen, outcome, possible } = this.rows[id]!.ended!
      const isCertain = !isOpen && possible.length === 1
      return outcome !== undefined && isCertain && outcome.trail.from === undefined
        ? [rootCause(outcome, this.causeOf)]
        : []
    })
  }

  readonly view = {
    hasEnded: ({ task }: Claim): boolean => this.rows[task]!.ended !== undefined,
    hasSucceeded: ({ task }: Claim): boolean => {
      const { ended } = this.rows[task]!
      return ended !== undefined && ended.outcome === undefined
    },
    statusOf: ({ task }: Claim): Status => {
      const ended = this.rows[task]!.ended
      if (ended === undefined) return "waiting"
      return ended.outcome === undefined ? "succeeded" : phaseNames[phaseAfter(ended.outcome)] as Status
    },
    exitOfClaim: ({ claim }: FutureImpl) => this.exitOf(claim.task),
    exitOf: (id: TaskId) => this.exitOf(id),
    // The general way reads exits.
    valuesOf: () => undefined,
    firstFailed: (targets: ReadonlyArray<TaskId>) => {
      const failed = targets.find((id) => this.rows[id]!.ended!.outcome !== undefined)
      return failed === undefined ? undefined : this.exitOf(failed) as Exit.Exit<never, unknown>
    },
    rootsOf: (targets: ReadonlyArray<TaskId>) => {
      const outcomes = targets.flatMap((id) => this.rows[id]!.ended!.outcome ?? [])
      const byReason = new Map(outcomes.map((outcome) => [outcome.reason, rootCause(outcome, this.causeOf)]))
      return byReason.size === 0
        ? undefined
        : Cause.fromReasons([...byReason.values()].flatMap(({ reasons }) => reasons))
    },
    rootOfClaim: ({ claim: { task } }: FutureImpl): readonly [object, Cause.Cause<unknown>] | undefined => {
      const outcome = this.rows[task]!.ended?.outcome
      return outcome === undefined ? undefined : [outcome.reason, rootCause(outcome, this.causeOf)]
    }
  } as const
}
