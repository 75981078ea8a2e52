/**
 * Streams own what they start: each submits under an owner of its own, and hears of ends by a standing wait. Those that run can be
 * looked at, by the number of their owner.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { ClaimId } from "../../engine/protocol/ids.ts"
import type { Given, StreamRun } from "../bodies/home.ts"
import type { Ambient } from "../bodies/livePlan.ts"
import type { OpenStream, StreamCounts, StreamListener } from "../bodies/streamCounts.ts"
import { compile } from "../plans/compile.ts"
import type { Live } from "../plans/compile.ts"
import type { Time } from "../platform/time.ts"
import { isRefused } from "../tasks/mistake.ts"
import type { Refused } from "../tasks/mistake.ts"
import type { FutureImpl, Handle } from "../tasks/task.ts"
import { streamText } from "../text/text.ts"
import type { Life } from "./life.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Owners } from "./ownership.ts"
import { refused } from "./submissions.ts"
import type { Submissions } from "./submissions.ts"
import type { Waits } from "./waiters.ts"

export class Streams {
  /** The streams that have not closed, by owner. */
  readonly running = new Map<number, OpenStream>()
  private readonly listeners = new Set<StreamListener>()
  private readonly submissions: Submissions
  private readonly owners: Owners
  private readonly waits: Waits
  private readonly mailbox: Mailbox
  private readonly life: Life
  private readonly live: Live
  private readonly time: Time

  constructor(
    submissions: Submissions,
    owners: Owners,
    waits: Waits,
    mailbox: Mailbox,
    life: Life,
    live: Live,
    time: Time
  ) {
    this.submissions = submissions
    this.owners = owners
    this.waits = waits
    this.mailbox = mailbox
    this.life = life
    this.live = live
    this.time = time
  }

  open(stream: OpenStream, given: Given, report: (claim: ClaimId) => void): StreamRun {
    const { name } = stream
    const owner = this.owners.open(streamText(name), undefined, undefined, name)
    this.running.set(owner, stream)
    for (const hear of this.listeners) hear(stream, undefined)
    return { owner, standing: this.waits.stand(report), given, last: undefined }
  }

  /** Calls `f` when a stream begins or closes, until the result is called. */
  listen(f: StreamListener): () => void {
    this.listeners.add(f)
    return () => void this.listeners.delete(f)
  }

  /** Submits tasks as one graph, whose claims join the standing wait of the stream. */
  submit(
    tasks: ReadonlyArray<Handle>,
    run: StreamRun,
    caller: Fiber.Fiber<unknown, unknown>
  ): ReadonlyArray<FutureImpl> | Refused {
    const refusal = this.life.refusal(caller)
    if (refusal !== undefined) return refusal
    this.submissions.passAdviceOn()
    const compiled = compile(tasks, this.live, this.ambientOf(run, caller))
    if (isRefused(compiled)) return compiled
    const answer = this.submissions.submitPlan(compiled, run.owner, caller, { standing: run.standing })
    if (answer._tag === "Rejected") return refused(answer)
    return answer.claims.map((claim) => this.owners.futureOf(claim))
  }

  /** One ambient serves all submissions from one context. All are made in the async context of the first. */
  private ambientOf(run: StreamRun, caller: Fiber.Fiber<unknown, unknown>): Ambient {
    const { last } = run
    const { context } = caller
    if (last?.context === context) return last.ambient
    const ambient = this.submissions.ambientIn(caller, run.given, last?.ambient.asyncScope)
    run.last = { context, ambient }
    return ambient
  }

  /** Releases claims of one stream: tasks that have not ended are cancelled. */
  release(claims: ReadonlyArray<ClaimId>): void {
    if (claims.length > 0) this.mailbox.ask({ _tag: "ClaimsReleased", now: this.time.now(), claims })
  }

  /** Ends all that a stream has started, and returns when none of it is running. From now on it is not seen any more. */
  close({ owner, standing }: StreamRun, last: StreamCounts): Effect.Effect<void> {
    const stream = this.running.get(owner)!
    this.running.delete(owner)
    for (const hear of this.listeners) hear(stream, last)
    this.waits.endStanding(standing)
    return this.owners.close(owner, "stream")
  }
}
