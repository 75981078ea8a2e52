/**
 * Streams own what they start: each submits under an owner of its own, and hears of ends by a standing wait.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Given } from "../bodies/home.ts"
import { compile } from "../plans/compile.ts"
import type { Live } from "../plans/compile.ts"
import type { Time } from "../platform/time.ts"
import { isRefused } from "../tasks/mistake.ts"
import type { Refused } from "../tasks/mistake.ts"
import type { FutureImpl, Handle } from "../tasks/task.ts"
import type { Life } from "./life.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Owners } from "./ownership.ts"
import { refused } from "./submissions.ts"
import type { Submissions } from "./submissions.ts"

export class Streams {
  private readonly submissions: Submissions
  private readonly owners: Owners
  private readonly mailbox: Mailbox
  private readonly life: Life
  private readonly live: Live
  private readonly time: Time

  constructor(submissions: Submissions, owners: Owners, mailbox: Mailbox, life: Life, live: Live, time: Time) {
    this.submissions = submissions
    this.owners = owners
    this.mailbox = mailbox
    this.life = life
    this.live = live
    this.time = time
  }

  open(): number {
    return this.owners.open("stream")
  }

  /** Submits tasks as one graph, whose claims join a standing wait. */
  submit(
    tasks: ReadonlyArray<Handle>,
    owner: number,
    standing: number,
    caller: Fiber.Fiber<unknown, unknown>,
    given: Given
  ): ReadonlyArray<FutureImpl> | Refused {
    const refusal = this.life.refusal(caller)
    if (refusal !== undefined) return refusal
    const compiled = compile(tasks, this.live, this.submissions.ambientIn(caller, given))
    if (isRefused(compiled)) return compiled
    const answer = this.submissions.submitPlan(compiled, owner, caller, { standing })
    if (answer._tag === "Rejected") return refused(answer)
    return answer.claims.map((claim) => this.owners.futureOf(claim))
  }

  /** Releases futures of one stream: tasks that have not ended are cancelled. */
  release(futures: ReadonlyArray<FutureImpl>): void {
    if (futures.length === 0) return
    const claims = futures.map(({ claim }) => claim.id)
    this.mailbox.ask({ _tag: "ClaimsReleased", now: this.time.now(), claims })
  }

  /** Ends all that a stream has started, and returns when none of it is running. */
  close(owner: number): Effect.Effect<void> {
    return this.owners.close(owner, "stream")
  }
}
