/**
 * Settles tasks from outside.
 *
 * @internal
 */
import * as Exit from "effect/Exit"
import { maySettle } from "../../engine/Engine.ts"
import type { Engine } from "../../engine/protocol/Engine.ts"
import { succeeded } from "../../engine/protocol/Event.ts"
import { endingGiven, withoutInterrupts } from "../bodies/signals.ts"
import type { Time } from "../platform/time.ts"
import type { FutureImpl } from "../tasks/task.ts"
import type { Failures } from "./failures.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Outbox } from "./outbox.ts"

export class Settling {
  private readonly mailbox: Mailbox
  private readonly outbox: Outbox
  private readonly failures: Failures
  private readonly state: Engine
  private readonly time: Time

  constructor(mailbox: Mailbox, outbox: Outbox, failures: Failures, state: Engine, time: Time) {
    this.mailbox = mailbox
    this.outbox = outbox
    this.failures = failures
    this.state = state
    this.time = time
  }

  /** Settles the task of a future. Returns whether the task took this end. */
  settle({ claim }: FutureImpl, exit: Exit.Exit<unknown, unknown>): boolean {
    this.mailbox.catchUp()
    const { task } = claim
    if (claim.state !== "live" || !maySettle(this.state, task)) return false
    if (Exit.isSuccess(exit)) this.outbox.given.set(task, exit.value)
    const ending = Exit.isSuccess(exit)
      ? succeeded
      : endingGiven(withoutInterrupts(exit.cause), (cause) => this.failures.keep(cause))
    const isTaken = this.mailbox.ask({ _tag: "TaskSettled", now: this.time.now(), task, ending })._tag === "Submitted"
    if (!isTaken) this.outbox.given.delete(task)
    return isTaken
  }
}
