/**
 * Copies of results: the value that one worker holds is sent to another.
 *
 * @internal
 */
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { Event } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { Phase } from "../../engine/protocol/Phase.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { copiesOf, holdersOf } from "../../engine/views/tasks.ts"
import { workersOf } from "../../engine/views/workers.ts"
import type { Time } from "../platform/time.ts"
import type { FutureImpl } from "../tasks/task.ts"
import { Away } from "./away.ts"
import type { Found } from "./away.ts"
import type { WorkerPort } from "./port.ts"

interface Desk {
  readonly fetchFor: (task: TaskId, from: Away, answered: (found: Found | undefined) => void) => void
}

interface Mailbox {
  readonly ask: (event: Event) => unknown
  /** Tells the engine of all that has ended. */
  readonly catchUp: () => void
}

export class Copies {
  private readonly mailbox: Mailbox
  private readonly state: Engine
  private readonly workers: ReadonlyArray<WorkerPort>
  private readonly desk: Desk
  private readonly time: Time

  constructor(mailbox: Mailbox, state: Engine, workers: ReadonlyArray<WorkerPort>, desk: Desk, time: Time) {
    this.mailbox = mailbox
    this.state = state
    this.workers = workers
    this.desk = desk
    this.time = time
  }

  make(copy: number): void {
    const { state, workers } = this
    // Tasks that have ended may have dropped it.
    this.mailbox.catchUp()
    // It was called off, or did not wait for its turn.
    const copying = copiesOf(state).get(copy)
    if (copying === undefined) return
    const { task, to } = copying
    const value = workers[columnsOf(state).worker[task]!]!.peek(task)
    if (!(value instanceof Away)) return workers[to]!.copy(copy, task, value)
    this.desk.fetchFor(task, value, (found) => {
      if (found !== undefined && copiesOf(state).has(copy)) workers[to]!.copy(copy, task, found.value)
    })
  }

  /** For requests of copies, which need not wait for the pump. */
  private makeNow(task?: TaskId): void {
    for (const [copy, { task: its }] of Array.from(copiesOf(this.state))) {
      if (task === undefined || its === task) this.make(copy)
    }
  }

  /** Spreads results evenly over the workers. */
  rebalance(): void {
    this.mailbox.ask({ _tag: "RebalanceRequested", now: this.time.now() })
    this.makeNow()
  }

  /** Lets up to `copies` workers hold the result of a settled future. Returns the names of the holders. */
  replicate(
    { claim: { state: of, task } }: FutureImpl,
    copies: number,
    workers: ReadonlyArray<string> | undefined
  ): ReadonlyArray<string> {
    const { state } = this
    if (of !== "live") return []
    this.mailbox.ask({ _tag: "CopiesRequested", now: this.time.now(), task, copies, workers })
    this.makeNow(task)
    if (columnsOf(state).phase[task] !== Phase.succeeded) return []
    return Array.from(holdersOf(state, task)).flatMap((index) => index < 0 ? [] : [workersOf(state)[index]!.name])
  }
}
