/**
 * What bodies elsewhere ask of their scheduler. Each ask runs here, in a fiber whose `Worker` is the attempt of its body: what it
 * submits, awaits and gives up belongs to that attempt, as if the body ran here.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { Attempt, contextIn } from "../bodies/attempt.ts"
import { ambientOf } from "../bodies/livePlan.ts"
import type { LivePlan } from "../bodies/livePlan.ts"
import { encodeCause } from "../portable/causes.ts"
import { keptIn } from "../workers/kept.ts"
import type { Setup, WorkerPort } from "../workers/port.ts"
import type { Answer, Ask } from "./messages.ts"
import type { Seats } from "./seats.ts"

/** What an ask does here. What it gives travels as it is; a failure as a cause without codec. */
export type Answering = (attempt: Attempt, data: unknown) => Effect.Effect<unknown, unknown, never>

/** What bodies may ask, by verb. */
export type Verbs = Readonly<Record<string, Answering>>

/** What every body may ask. */
export const basicVerbs: Verbs = {
  sleep: (attempt, millis) =>
    Effect.withFiber((fiber) => fiber.getRef(Clock.Clock).sleep(Duration.millis(millis as number))),
  secede: (attempt) => attempt.home.waits.secede(attempt),
  rejoin: (attempt) => attempt.home.waits.rejoin(attempt),
  away: (attempt) => attempt.home.waits.away(attempt),
  abandon: (attempt, wait) => attempt.home.waits.abandon(wait as number)
}

/** What a worker may ask for itself. */
const ownVerbs: Verbs = { sleep: basicVerbs["sleep"]! }

/** An attempt whose body has asked for something, with the asks that have not ended. The worker itself is none. */
interface Asker {
  readonly attempt: Attempt | undefined
  readonly context: Context.Context<never>
  readonly scope: Scope.Closeable
  readonly open: Map<number, Fiber.Fiber<unknown, unknown>>
}

export class Asking {
  private readonly setup: Setup
  private readonly port: WorkerPort
  private readonly seats: Seats
  private readonly verbs: Verbs
  /** Of the scheduler. */
  readonly context: () => Context.Context<never>
  private readonly answer: (answer: Answer) => void
  private readonly askers = new Map<number, Asker>()
  /** The worker itself, if it has asked. */
  private own: Asker | undefined
  /** The seats of open asks of bodies. */
  private readonly seatOf = new Map<number, number>()
  /** Ends of attempts that are not complete. */
  readonly closing = new Set<Fiber.Fiber<unknown, unknown>>()

  constructor(
    setup: Setup,
    port: WorkerPort,
    seats: Seats,
    verbs: Verbs,
    context: () => Context.Context<never>,
    answer: (answer: Answer) => void
  ) {
    this.context = context
    this.setup = setup
    this.port = port
    this.seats = seats
    this.verbs = verbs
    this.answer = answer
  }

  /** Whether no body has asked for anything: the way of most tasks. */
  get isIdle(): boolean {
    return this.askers.size === 0
  }

  has(seat: number): boolean {
    return this.askers.has(seat)
  }

  ask({ ask, data, isDeaf, seat, verb }: Ask): void {
    const verbs = seat < 0 ? ownVerbs : this.verbs
    const answering = Object.hasOwn(verbs, verb) ? verbs[verb]! : unknown(verb)
    const asker = seat < 0 ? this.own ??= this.admitWorker() : this.askers.get(seat) ?? this.admit(seat)
    if (seat >= 0) this.seatOf.set(ask, seat)
    const effect = Effect.suspend(() => answering(asker.attempt!, data))
    const fiber = Effect.runForkWith(asker.context)(effect, { uninterruptible: isDeaf })
    asker.open.set(ask, fiber)
    fiber.addObserver((exit) => {
      asker.open.delete(ask)
      this.seatOf.delete(ask)
      if (this.port.isLost) return
      this.answer({
        ask,
        exit: Exit.isSuccess(exit)
          ? { _tag: "Success", value: exit.value }
          : { _tag: "Failure", cause: encodeCause(undefined, exit.cause) }
      })
    })
  }

  private admitWorker(): Asker {
    return { attempt: undefined, context: this.context(), scope: Scope.makeUnsafe(), open: new Map() }
  }

  private admit(seat: number): Asker {
    const { attempt: attempts, index: indices, number: numbers, submission: submissions, task: tasks } = this.seats
    const submission = submissions[seat]!
    const index = indices[seat]!
    const scope = Scope.makeUnsafe()
    const { home } = this.setup
    const attempt = new Attempt(
      home,
      this.port.host,
      tasks[seat]!,
      attempts[seat]!,
      numbers[seat]!,
      scope,
      submission,
      index
    )
    const context = contextIn(ambientOf(submission.plan as LivePlan, index).context, attempt, scope)
    const asker: Asker = { attempt, context, scope, open: new Map() }
    this.askers.set(seat, asker)
    return asker
  }

  /** A body does not wait for an answer any more. The answer comes when the ask has ended. */
  drop(ask: number): void {
    const seat = this.seatOf.get(ask)
    const asker = seat === undefined ? this.own : this.askers.get(seat)
    asker?.open.get(ask)?.interruptUnsafe()
  }

  /** Ends all that an attempt has asked for, and then calls `ended`, unless the worker was lost meanwhile. */
  end(seat: number, exit: Exit.Exit<unknown, unknown>, ended: (exit: Exit.Exit<unknown, unknown>) => void): void {
    const asker = this.askers.get(seat)!
    this.askers.delete(seat)
    this.close(asker, exit, ended)
  }

  private close(
    { context, open, scope }: Asker,
    exit: Exit.Exit<unknown, unknown>,
    ended: (exit: Exit.Exit<unknown, unknown>) => void
  ): void {
    const fibers = [...open.values()]
    for (const fiber of fibers) fiber.interruptUnsafe()
    const close = Effect.andThen(Fiber.awaitAll(fibers), Effect.exit(Scope.close(scope, exit)))
    const closing = keptIn(this.closing, context, close)
    closing.addObserver((closed) => {
      if (this.port.isLost) return
      const failed = Exit.isSuccess(closed) && Exit.isFailure(closed.value)
        ? Exit.asVoidAll([exit, closed.value])
        : exit
      this.setup.guard(() => ended(Exit.isFailure(failed) ? failed : exit))
    })
  }

  /** The worker is lost: what its bodies have asked for ends, without an answer. */
  abort(): void {
    for (const [seat] of Array.from(this.askers)) this.end(seat, Exit.interrupt(), () => {})
    const { own } = this
    this.own = undefined
    if (own !== undefined) this.close(own, Exit.interrupt(), () => {})
  }
}

const unknown = (verb: string): Answering => () =>
  Effect.die(new Error(`A worker asked for "${verb}", which is not known here`))
