/**
 * Fired tasks, which run without a future. Each has an owner of its own, which closes when its task has ended; they are found
 * again by group.
 *
 * ```text
 * [caller] -- fire --> [owner of one task] -- the task has ended --> a log line if it failed, close, nothing left
 *                         ^ cancelGroup, close of the layer
 * ```
 *
 * No fiber waits for the end: the engine's wait resumes a callback.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { SkeinError, SubmitError } from "../../SkeinError.ts"
import { withoutAttempt } from "../bodies/ambient.ts"
import { attemptOf } from "../bodies/attempt.ts"
import type { Given, Home } from "../bodies/home.ts"
import type { Compiled } from "../bodies/livePlan.ts"
import { isWalking } from "../plans/compile.ts"
import type { Walking } from "../plans/compile.ts"
import type { Time } from "../platform/time.ts"
import { refuse } from "../tasks/mistake.ts"
import type { Refused } from "../tasks/mistake.ts"
import type { CancelRequest, FutureImpl, TaskImpl } from "../tasks/task.ts"
import { looked } from "../values/looks.ts"
import type { View } from "../views/view.ts"
import type { Life } from "./life.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Owners } from "./ownership.ts"
import { warnUnseen } from "./scopeOwners.ts"
import type { Submissions } from "./submissions.ts"
import type { Waits } from "./waiters.ts"

/** A fired task. */
interface Fired {
  readonly future: FutureImpl
  /** Warns of unobserved failures and closes the owner, unless that was done before. */
  readonly close: () => void
}

/** Fired tasks by their owner, until their finalizers have run. */
type Group = Map<number, Fired>

export class Detached {
  private readonly groups = new Map<string, Group>()
  private readonly home: Home
  private readonly life: Life
  private readonly mailbox: Mailbox
  private readonly submissions: Submissions
  private readonly owners: Owners
  private readonly waits: Waits
  private readonly view: View
  private readonly time: Time

  constructor(
    home: Home,
    life: Life,
    mailbox: Mailbox,
    submissions: Submissions,
    owners: Owners,
    waits: Waits,
    view: View,
    time: Time
  ) {
    this.home = home
    this.life = life
    this.mailbox = mailbox
    this.submissions = submissions
    this.owners = owners
    this.waits = waits
    this.view = view
    this.time = time
  }

  /** Every owner of a fired task whose finalizers have not all run. */
  *openOwners(): Iterable<number> {
    for (const group of this.groups.values()) yield* group.keys()
  }

  /** Submits a task for an owner of its own. A body that fires counts as its submitter, and not as its owner. */
  fire(
    task: TaskImpl,
    name: string,
    fiber: Fiber.Fiber<unknown, unknown>,
    given: Given
  ): Effect.Effect<void, SubmitError> {
    const refusal = this.life.refusal(fiber)
    if (refusal !== undefined) return refuse(refusal)
    return this.fireWalked(this.submissions.compile([task], fiber, given), name, fiber)
  }

  private fireWalked(
    compiled: Compiled | Refused | Walking,
    name: string,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<void, SubmitError> {
    return isWalking(compiled)
      ? this.submissions.inTurns(compiled, fiber, (settle) => this.fireWalked(settle(), name, fiber))
      : this.fireCompiled(compiled, name, fiber)
  }

  /** Apart, because closures of one function share what they capture: what is fired must not hold the fiber, and so its result. */
  private fireCompiled(
    compiled: Compiled | Refused,
    name: string,
    fiber: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<void, SubmitError> {
    const fired = this.submissions.submitAlone(compiled, name, fiber)
    if (!("owner" in fired)) return refuse(fired)
    const { future, owner } = fired
    const fork = Effect.runForkWith(withoutAttempt(fiber.context, attemptOf(this.home, fiber)))
    let isOpen = true
    const close = (): void => {
      if (!isOpen) return
      isOpen = false
      const unseen = looked(() => this.view.unseenOf(owner), [])
      this.close(name, owner)
      if (unseen.length > 0) fork(warnUnseen(unseen))
    }
    const group = this.groups.get(name)
    if (group === undefined) this.groups.set(name, new Map([[owner, { future, close }]]))
    else group.set(owner, { future, close })
    this.waits.notify((wait) => {
      const now = this.time.now()
      this.mailbox.ask({ _tag: "WaitBegan", now, wait, claims: [future.claim.id], mode: "all", waiter: -1, attempt: 0 })
    }, close)
    return Effect.void
  }

  /** Tasks that only it needs are stopped, and the entry is removed when their finalizers have run. */
  private close(name: string, owner: number): void {
    this.waits.notify(
      (wait) => this.owners.closeAlone(owner, `group ${name}`, wait),
      () => {
        const group = this.groups.get(name)!
        group.delete(owner)
        if (group.size === 0) this.groups.delete(name)
      }
    )
  }

  /** Returns when all tasks of the group have ended, including finalizers and tasks fired meanwhile. */
  await(name: string): Effect.Effect<void, SkeinError> {
    return Effect.suspend(() => {
      const group = this.groups.get(name)
      if (group === undefined) return Effect.void
      const { view, waits } = this
      const open = Array.from(group.values(), ({ future }) => future).filter(({ claim }) => !view.hasEnded(claim))
      const ended = open.length > 0 ? waits.forFutures(open, "all") : this.closed(name, group)
      return Effect.andThen(ended, this.await(name))
    })
  }

  /** Returns when the finalizers of what has ended have run. */
  private closed(name: string, group: Group): Effect.Effect<void, SkeinError> {
    return Effect.forEach([...group], ([owner, { close }]) => {
      close()
      const over = this.waits.begin((wait, origin) => {
        const by = `group ${name}`
        this.mailbox.ask({ _tag: "OwnerClosed", owner, by, reason: "its owner closed", wait, ...origin })
      })
      // What another body of this worker has fired may need the slot that a body elsewhere would keep.
      return this.waits.counted(() => over)
    }, { concurrency: "unbounded", discard: true })
  }

  /** Cancels all at once, so that an interruption of the wait leaves none of them running; then waits for their finalizers. */
  cancel(name: string, request: CancelRequest): Effect.Effect<void> {
    return Effect.uninterruptibleMask((restore) => {
      const futures = Array.from(this.groups.get(name)?.values() ?? [], ({ future }) => future)
      const cancel = (wait: boolean) => (future: FutureImpl) => this.owners.cancel(future, { ...request, wait })
      const requests = Effect.forEach(futures, cancel(false), { discard: true })
      if (!request.wait) return requests
      const waits = Effect.forEach(futures, cancel(true), { concurrency: "unbounded", discard: true })
      return Effect.andThen(requests, restore(waits))
    })
  }
}
