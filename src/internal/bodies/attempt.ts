/**
 * The attempt that a fiber belongs to: what `Worker` is inside a body.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { keyAt } from "../../engine/protocol/Registered.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import { keepSpecimen } from "../../engine/structures/specimens.ts"
import { SlotKeeper, Worker } from "../tasks/worker.ts"
import type { Info } from "../tasks/worker.ts"
import { byReference } from "../values/identity.ts"
import type { Home, Seat } from "./home.ts"
import type { Ambient } from "./livePlan.ts"

/** The worker of an attempt, as far as the attempt needs it. */
export interface Host {
  readonly name: string
  /** Its labels. Without labels, it meets every requirement. */
  readonly labels?: ReadonlyArray<string>
  /** Whether it is lost: its running bodies no longer count. */
  readonly isLost: boolean
}

export class Attempt implements Seat {
  static {
    Object.defineProperties(this.prototype, byReference)
  }

  readonly home: Home
  readonly task: TaskId
  readonly serial: number
  /** The scope for what the body acquires and submits without another scope. */
  readonly scope: Scope.Scope | undefined
  away = -1
  awayIn: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** The number of open sections that a stop does not interrupt. */
  shields = 0
  /** The context of its body, and the submitter's context from which that was made. */
  context: Context.Context<never> | undefined = undefined
  base: Context.Context<never> | undefined = undefined
  /** The ambient of its task, if its body runs in the context of that. */
  ambient: Ambient | undefined = undefined
  readonly host: Host
  /** Which start of the task it is, from 1. */
  readonly number: number
  /** Where the task was registered: its row may belong to another task when a fiber that outlived the body asks. */
  readonly submission: Registered
  readonly index: number

  constructor(
    home: Home,
    host: Host,
    task: TaskId,
    serial: number,
    number: number,
    scope: Scope.Scope | undefined,
    submission: Registered,
    index: number
  ) {
    this.home = home
    this.scope = scope
    this.host = host
    this.task = task
    this.serial = serial
    this.number = number
    this.submission = submission
    this.index = index
  }

  get key(): string {
    return keyAt(this.submission, this.index)
  }

  /** Whether its worker was lost while it ran: another attempt has replaced it. */
  get isLost(): boolean {
    return this.host.isLost
  }

  /** Whether it was asked to stop, if its body can see that while it computes. */
  get isStopping(): boolean {
    return false
  }

  get info(): Info {
    return { id: this.host.name, labels: this.host.labels ?? [], attempt: this.number, key: this.key }
  }
}

keepSpecimen(new Attempt({} as Home, {} as Host, 0, 0, 0, undefined, {} as Registered, 0))

/** The attempt as one part of a fused task sees it. */
export class PartAttempt extends Attempt {
  private readonly own: string

  constructor(whole: Attempt, key: string, number: number, scope: Scope.Scope | undefined) {
    super(whole.home, whole.host, whole.task, whole.serial, number, scope, whole.submission, whole.index)
    this.own = key
  }

  override get key(): string {
    return this.own
  }
}

/** The context of the body of an attempt, with the ambient of its submitter. */
export const contextIn = (
  base: Context.Context<never>,
  attempt: Attempt,
  scope: Scope.Scope
): Context.Context<never> => {
  const context = Context.add(Context.add(base, Worker, attempt), Scope.Scope, scope) as Context.Context<never>
  attempt.context = context
  attempt.base = base
  return context
}

/** The labels that the worker of the current body lacks. */
export const missingLabels = (worker: Worker["Service"], labels: ReadonlyArray<string>): ReadonlyArray<string> => {
  const has = (worker as Attempt).host.labels
  return has === undefined ? [] : labels.filter((label) => !has.includes(label))
}

/** The attempt of the scheduler `home` in whose body this fiber runs, if any; attempts of other schedulers do not count. */
export const attemptOf = (home: Home, fiber: Fiber.Fiber<unknown, unknown>): Attempt | undefined => {
  const attempt = Context.getOrUndefined(fiber.context, Worker)
  return attempt instanceof Attempt && attempt.home === home ? attempt : undefined
}

/** The attempt in whose body this fiber runs, of any scheduler. */
export const attemptAt = (fiber: Fiber.Fiber<unknown, unknown>): Attempt | undefined => {
  const attempt = Context.getOrUndefined(fiber.context, Worker)
  return attempt instanceof Attempt ? attempt : undefined
}

/** Whether a wait of this fiber, in the body of an attempt, keeps the attempt's slot. */
export const keepsSlotIn = (attempt: Attempt, { context }: Fiber.Fiber<unknown, unknown>): true | undefined =>
  context !== attempt.context && Context.get(context, SlotKeeper) === attempt ? true : undefined

/**
 * The attempt of another scheduler that gives its slot away while this fiber waits in `home`: that of a body whose scheduler is in
 * another process, for whatever the body waits for here.
 */
export const lenderOf = (home: Home, fiber: Fiber.Fiber<unknown, unknown>): Attempt | undefined => {
  const attempt = Context.getOrUndefined(fiber.context, Worker)
  return attempt instanceof Attempt && attempt.home.lends === true && attempt.home !== home &&
      Context.get(fiber.context, SlotKeeper) !== attempt
    ? attempt
    : undefined
}

/** Gives the slot of an attempt away while an effect runs. Each call has its own wait: of several fibers the last one takes it. */
export const secededIn = <A, E, R>(attempt: Attempt, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const { home: { waits } } = attempt
  return waits.counted(() => Effect.acquireUseRelease(waits.away(attempt), () => effect, (wait) => waits.abandon(wait)))
}

/** The key of the task in whose body this fiber runs, in any scheduler. */
export const keyOfBody = (fiber: Fiber.Fiber<unknown, unknown>): string | undefined => {
  const attempt = Context.getOrUndefined(fiber.context, Worker)
  return attempt instanceof Attempt ? attempt.key : undefined
}
/** What keeps a stopping attempt from ending. */

export type Obstacle = "shielded" | "body" | "ending"
