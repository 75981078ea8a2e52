/**
 * The mailbox of a scheduler: the engine, and the queue of its instructions.
 *
 * ```text
 * [fibers, workers, timers] -- ask(event) --> [engine] -- instructions --> [queue] -- pump --> [workers, waiters, clock]
 * ```
 *
 * An event is applied when it comes, one at a time, and its sender reads the answer; no body runs meanwhile. Its instructions
 * wait in the queue, which a microtask drains. So a completion never runs its waiter on its own stack, and a chain of a million
 * synchronous tasks is as flat as one of two.
 *
 * @internal
 */
import * as Result from "effect/Result"
import type * as FiberScheduler from "effect/Scheduler"
import { advance, isUndecided } from "../../engine/Engine.ts"
import type { Engine } from "../../engine/protocol/Engine.ts"
import { succeeded } from "../../engine/protocol/Event.ts"
import type { Ending, Event, TaskEnded } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Out } from "../../engine/protocol/Instruction.ts"
import type { Log } from "../../engine/protocol/Transition.ts"
import { Fifo } from "../../engine/structures/fifo.ts"
import type { Time } from "../platform/time.ts"
import type { SizeOf } from "../settings/fairness.ts"
import { turn } from "../settings/turn.ts"
import { isSealed } from "../workers/sealed.ts"
import type { Sharing } from "../workers/sharing.ts"
import type { Wire } from "../workers/wire.ts"
import type { AsyncScopes } from "./asyncScopes.ts"
import type { Life } from "./life.ts"
import type { Observers } from "./observers.ts"
import { nothing } from "./outbox.ts"
import type { Answer, Carrier, Outbox } from "./outbox.ts"
import type { Tape } from "./tape.ts"

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

export class Mailbox {
  private readonly state: Engine
  private readonly log: Mutable<Log>
  private readonly outbox: Outbox
  private readonly carrier: Carrier
  private readonly observers: Observers
  private readonly life: Life
  private readonly time: Time
  private readonly scopes: AsyncScopes
  private readonly dispatcher: FiberScheduler.SchedulerDispatcher
  private readonly wire: Wire
  private readonly tape: Tape | undefined
  /** Where the engine puts its instructions: the outbox, behind the tape if there is one. */
  private readonly out: Out
  private readonly sizeOf: SizeOf | undefined
  private readonly sharing: Sharing
  /** Task and attempt of ended plain functions that were not reported to the engine yet; see {@link endedAtOnce}. */
  private readonly ends = new Fifo<number>()
  private readonly taskEnded: Mutable<TaskEnded> = {
    _tag: "TaskEnded",
    now: 0,
    task: 0,
    attempt: 0,
    ending: succeeded,
    micros: undefined,
    more: false
  }
  /** Whether the present end is followed by others that came with it. */
  private hasMore = false
  private isAwake = false
  /** When the pump began, and how many instructions it has carried out since. */
  private began = 0
  private carried = 0
  /** Whether it goes on in another async context. */
  private isMoving = false
  /** How often the pump was woken since timers and I/O last had a turn, and when that was. */
  private wakes = 0
  private turnBegan = 0

  constructor(
    state: Engine,
    log: Mutable<Log>,
    outbox: Outbox,
    carrier: Carrier,
    observers: Observers,
    life: Life,
    time: Time,
    scopes: AsyncScopes,
    dispatcher: FiberScheduler.SchedulerDispatcher,
    wire: Wire,
    tape: Tape | undefined,
    sizeOf: SizeOf | undefined,
    sharing: Sharing
  ) {
    this.state = state
    this.log = log
    this.outbox = outbox
    this.carrier = carrier
    this.observers = observers
    this.life = life
    this.time = time
    this.scopes = scopes
    this.dispatcher = dispatcher
    this.wire = wire
    this.tape = tape
    this.out = tape?.through(state, outbox) ?? outbox
    this.sizeOf = sizeOf
    this.sharing = sharing
  }

  /** Applies an event and returns what it submitted, or its refusal. The pump carries out the instructions later. */
  ask(event: Event): Answer {
    const result = Result.try(() => {
      this.catchUp()
      return this.apply(event)
    })
    if (Result.isSuccess(result)) return result.success
    // The step was interrupted halfway: the state can no longer be trusted.
    this.life.fail(result.failure)
    throw result.failure
  }

  /** Applies an event that begins this wait. Returns whether it is over already: then no instruction says so. */
  isOverAtOnce(wait: number, event: Event): boolean {
    this.outbox.asked = wait
    this.ask(event)
    const isOver = this.outbox.asked < 0
    this.outbox.asked = -1
    return isOver
  }

  /** The only call of the engine, for all events. */
  apply(event: Event): Answer {
    const { log, observers, outbox, state } = this
    if (this.life.failure !== undefined) return nothing
    log.tasks = observers.wanted
    outbox.answer = nothing
    if (this.tape === undefined) advance(state, event, outbox, log)
    else this.advanceOnTape(this.tape, event)
    const { answer } = outbox
    if (log.tasks !== undefined) observers.tell()
    outbox.flush()
    this.wire.applied?.()
    if (this.sharing.hasIdle) this.sharing.sweepSoon()
    if (!this.isAwake && outbox.size > 0) this.wake()
    return answer
  }

  private advanceOnTape(tape: Tape, event: Event): void {
    tape.event(event)
    advance(this.state, event, this.out, this.log)
    tape.applied()
  }

  // ---- what has become of attempts

  /** The finalizers of a resource have run. */
  finalized(task: TaskId, attempt: number): void {
    this.ask({ _tag: "TaskFinalized", now: this.time.now(), task, attempt })
  }

  /** An attempt has ended. */
  ended(task: TaskId, attempt: number, ending: Ending): void {
    const now = this.time.now()
    if (this.ends.size > 0) this.tellEnds(now)
    this.tellEnd(now, task, attempt, ending)
  }

  /** One event object serves all ends: the engine keeps none. */
  private tellEnd(now: number, task: TaskId, attempt: number, ending: Ending): void {
    const event = this.taskEnded
    event.now = now
    event.task = task
    event.attempt = attempt
    event.ending = ending
    this.apply(event)
  }

  /**
   * A plain function has ended within the call that started it. If another start comes next, its end waits for that one's:
   * bodies in a row, then the engine in a row, each with its code in the processor's caches. It saves up to a fifth.
   */
  endedAtOnce(task: TaskId, attempt: number, result: unknown): void {
    if (this.sizeOf !== undefined) return this.succeeded(task, attempt, result)
    if (this.outbox.startsNext) {
      this.ends.push(task)
      this.ends.push(attempt)
    } else this.ended(task, attempt, succeeded)
  }

  /** A worker has the result of an attempt. */
  succeeded(task: TaskId, attempt: number, result: unknown): void {
    const { sizeOf } = this
    this.ended(task, attempt, sizeOf === undefined ? succeeded : { _tag: "Succeeded", size: sizeOf(result) })
  }

  /** A worker has handed the result of an attempt over, whose body took so long. */
  handedOver(task: TaskId, attempt: number, result: unknown, micros: number | undefined): void {
    this.catchUp()
    this.taskEnded.micros = micros
    this.taskEnded.more = this.hasMore
    if (isSealed(result)) this.kept(task, attempt, this.sizeOf && result.size)
    else this.succeeded(task, attempt, result)
    this.taskEnded.micros = undefined
    this.taskEnded.more = false
  }

  /** Reports ends that came together. What can start is decided once, after the last. */
  together(count: number, report: (i: number) => void): void {
    for (let i = 0; i < count; i++) {
      this.hasMore = i < count - 1
      report(i)
    }
    // The last was no end, or one of an attempt that does not count.
    if (isUndecided(this.state)) this.ask({ _tag: "TimeCame", now: this.time.now() })
  }

  /** A worker has the result of an attempt, and keeps it. */
  kept(task: TaskId, attempt: number, size: number | undefined): void {
    this.ended(task, attempt, size === undefined ? succeeded : { _tag: "Succeeded", size })
  }

  /** Reports all pending ends to the engine. */
  catchUp(): void {
    if (this.ends.size > 0) this.tellEnds(this.time.now())
  }

  /** In the order in which the bodies ran. */
  private tellEnds(now: number): void {
    const { ends } = this
    for (let task = ends.shift(); task !== undefined; task = ends.shift()) {
      this.tellEnd(now, task, ends.shift()!, succeeded)
    }
  }

  // ---- the pump

  /** Whether all instructions have been carried out. */
  get isAtRest(): boolean {
    return !this.isAwake
  }

  /** Bodies that wait for nothing but promises end in microtasks, one after the other: those of all pumps make one turn. */
  private wake(): void {
    this.isAwake = true
    const wakes = ++this.wakes
    const isOver = (wakes & 15) === 0 &&
      (wakes >= turn.instructions || this.time.now() - this.turnBegan >= turn.millis)
    if (isOver) this.endTurn()
    else this.wire.defer(this.enter)
  }

  /** Timers and I/O go first. */
  private endTurn(): void {
    this.dispatcher.scheduleTask(this.enterTurn, 0)
  }

  private readonly enterTurn = (): void => {
    this.wakes = 0
    this.turnBegan = this.time.now()
    this.enter()
  }

  /** Once for each run of starts of one async context. */
  private readonly enter = (): void => {
    this.began = this.time.now()
    this.carried = 0
    do {
      this.isMoving = false
      this.scopes.enter(this.outbox.nextStart, this.pump)
    } while (this.isMoving)
  }

  /** Carries instructions out until none is left or the turn is over; then timers and I/O go first. */
  private readonly pump = (): void => this.life.guard(this.carryAll)

  private readonly carryAll = (): void => {
    const { outbox } = this
    if (this.life.failure !== undefined) return
    const most = this.wire.instructions
    while (this.carried < most) {
      const { nextStart } = outbox
      if (nextStart >= 0 && !this.scopes.isIn(nextStart)) {
        this.isMoving = true
        return
      }
      if (!outbox.next(this.carrier)) {
        this.isAwake = false
        return
      }
      if ((++this.carried & 15) === 0 && this.time.now() - this.began >= turn.millis) break
    }
    this.catchUp()
    this.endTurn()
  }
}
