/**
 * The workers of a scheduler inside a process, with their hooks: their rows in the engine's table, their beats, and the
 * consequences when the engine starts, drains or loses one.
 *
 * What the engine says about a worker is recorded at once, because the row of the worker may belong to another one in the next
 * step. The consequences run code of users, and wait for the pump.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { Event, Restart } from "../../engine/protocol/Event.ts"
import type { TaskId, WorkerId } from "../../engine/protocol/ids.ts"
import type { StartWorker, WorkerExpired } from "../../engine/protocol/Instruction.ts"
import type { Log, WorkerTransition } from "../../engine/protocol/Transition.ts"
import { Fifo } from "../../engine/structures/fifo.ts"
import { attemptsOn, takersOf, workersOf } from "../../engine/views/workers.ts"
import { SubmitError } from "../../SkeinError.ts"
import { attemptOf } from "../bodies/attempt.ts"
import type { Host } from "../bodies/attempt.ts"
import type { Home } from "../bodies/home.ts"
import type { Time } from "../platform/time.ts"
import type { SizeOf } from "../settings/fairness.ts"
import type { PoolPosting, Posting } from "../settings/terms.ts"
import { closed } from "../tasks/closed.ts"
import { DuplicateWorker, WorkerFailed } from "../text/reasons.ts"
import { quote } from "../text/text.ts"
import { warning } from "../text/warnings.ts"
import type { Fetching } from "./away.ts"
import { keptIn } from "./kept.ts"
import { numbered } from "./numbered.ts"
import { isRemote } from "./port.ts"
import type { Setup, Traits, WorkerPort, WorkerReports } from "./port.ts"
import type { Sharing } from "./sharing.ts"
import type { Wire } from "./wire.ts"

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/** What a crew uses of the scheduler whose workers it has. */
interface Employer {
  readonly home: Home
  readonly time: Time
  readonly wire: Wire
  readonly log: Mutable<Log>
  readonly state: Engine
  readonly context: Context.Context<never>
  readonly workers: Array<WorkerPort>
  readonly mailbox: { readonly ask: (event: Event) => unknown }
  readonly reports: WorkerReports
  readonly desk: Fetching & { readonly lost: (worker: WorkerPort) => void }
  readonly sizeOf: SizeOf | undefined
  readonly retrying: { readonly lose: (worker: WorkerPort) => void }
  readonly inputs: { haveBeenLost: boolean }
  readonly carrying: {
    readonly gathering: {
      readonly isBusy: boolean
      readonly withInputs: (attempts: ReadonlyArray<number>) => ReadonlyArray<number>
    }
  }
  readonly sharing: Sharing
  readonly life: { readonly isClosed: boolean; readonly guard: (f: () => void) => void }
  readonly owners: {
    readonly ofHost: (host: Host) => ReadonlyArray<number>
    readonly dismiss: (owner: number, by: string, reason: string) => void
  }
  readonly warn: (...line: ReadonlyArray<unknown>) => void
}

const traitsOf = ({ ahead, handsOver, kind }: Traits): Traits => ({ kind, ahead, handsOver })

/** A post with successive workers: each replaces the one before. */
export interface Post {
  readonly posting: Posting
  present: WorkerPort
}

/** The data of one worker beside its attempts. */
interface Member {
  readonly post: Post
  /** The scope of `onStart`. */
  readonly hooks: Scope.Closeable
  /** Done when it takes tasks, or never will. */
  readonly started: Deferred.Deferred<void, unknown>
  /** Done when it has left or is lost, and its hooks have been closed. */
  readonly over: Deferred.Deferred<void>
  starting: Fiber.Fiber<void, unknown> | undefined
  beats: Fiber.Fiber<void> | undefined
  /** Whether a test has silenced it, while it runs on. */
  isSilenced: boolean
}

interface Listener {
  readonly hear: (transition: WorkerTransition) => void
  readonly end: () => void
}

const isPool = (posting: Posting): posting is PoolPosting => "max" in posting

const notReplaced = (name: string, { minRunMillis, times, withinMillis }: Restart): string => {
  const young = minRunMillis === 0 ? "" : `, and none of a worker that ran for less than ${minRunMillis} ms`
  return `Worker ${
    quote(name)
  } is not replaced: its option restart allows at most ${times} within ${withinMillis} ms${young}`
}

export class Crew {
  private readonly scheduler: Employer
  private readonly members = new Map<WorkerPort, Member>()
  /** Lost workers, as long as something runs there. */
  private readonly resting = new Set<WorkerPort>()
  /** Closings of hooks that have not ended. */
  private readonly closings = new Set<Fiber.Fiber<unknown, unknown>>()
  private readonly listeners = new Set<Listener>()
  private pool: Posting | undefined
  private joining: WorkerPort | undefined
  /** Workers named by instructions that are still queued, oldest first. */
  private readonly coming = new Fifo<WorkerPort>()
  private readonly leaving = new Fifo<WorkerPort>()
  private readonly expired = new Fifo<{ readonly worker: WorkerPort; readonly why: WorkerExpired["why"] }>()

  constructor(scheduler: Employer) {
    this.scheduler = scheduler
  }

  // ---- what the engine says, within its step

  /** Sets the number of the worker that is being added. */
  joined(serial: WorkerId): void {
    this.place(this.joining!, serial)
  }

  prepare({ name, replaces, worker: serial }: StartWorker): void {
    const former = replaces < 0 ? undefined : this.members.get(numbered(this.scheduler.workers, replaces)!)!.post
    const worker = this.make(name, former?.posting ?? this.pool!)
    if (former === undefined) this.enlist(worker, { posting: { ...this.pool!, id: name }, present: worker })
    else {
      former.present = worker
      this.enlist(worker, former)
    }
    this.place(worker, serial)
    this.coming.push(worker)
  }

  left(serial: WorkerId): void {
    this.leaving.push(numbered(this.scheduler.workers, serial)!)
  }

  /** From now on reports of the worker do not count. */
  expire({ why, worker: serial }: WorkerExpired): void {
    const worker = numbered(this.scheduler.workers, serial)!
    this.disown(worker)
    this.expired.push({ worker, why })
  }

  private make(name: string, posting: Posting): WorkerPort {
    const { desk, home, life, reports, sharing, sizeOf, wire } = this.scheduler
    const { labels } = posting
    const lost = (why: string, isEnded?: boolean): void => life.guard(() => this.loseFor(worker, why, isEnded))
    const guard = (f: () => void): void => life.guard(f)
    const defer = (f: () => void): void => wire.defer(f)
    const setup: Setup = { name, labels, home, reports, desk, sharing, sizeOf, guard, defer, lost }
    const worker = isRemote(posting) ? posting.port(setup) : wire.worker(setup)
    return worker
  }

  /** The table of ports has the rows of the engine's table, and each port is as the engine believes. */
  private place(worker: WorkerPort, serial: WorkerId): void {
    worker.serial = serial
    const { state, workers } = this.scheduler
    const record = workersOf(state).find((each) => each.serial === serial)!
    const [is, ought] = [traitsOf(worker), traitsOf(record)].map((traits) => JSON.stringify(traits))
    if (is !== ought) throw new Error(`The port of worker ${quote(worker.name)} is ${is}, not ${ought}`)
    workers[record.index] = worker
  }

  private enlist(worker: WorkerPort, post: Post): Member {
    const member: Member = {
      post,
      hooks: Scope.makeUnsafe(),
      started: Deferred.makeUnsafe(),
      over: Deferred.makeUnsafe(),
      starting: undefined,
      beats: undefined,
      isSilenced: false
    }
    this.members.set(worker, member)
    return member
  }

  // ---- what follows, in its turn

  /** Starts the worker for which the engine asked. */
  start(): void {
    this.tell()
    const worker = this.coming.shift()!
    const member = this.members.get(worker)
    // It left before it came.
    if (member === undefined || this.scheduler.life.isClosed) return
    if (member.post.posting.onStart === undefined && worker.open === undefined) return this.begin(worker, member)
    const opening = Effect.withFiber<void, unknown>((fiber) => {
      member.starting = fiber as Fiber.Fiber<void, unknown>
      return this.open(worker, member)
    })
    Effect.runForkWith(this.scheduler.context)(opening).addObserver((exit) => {
      member.starting = undefined
      if (!this.members.has(worker) || this.scheduler.life.isClosed) return
      this.scheduler.life.guard(() => {
        if (Exit.isSuccess(exit)) this.begin(worker, member)
        else this.giveUp(worker, member, exit.cause)
      })
    })
  }

  private begin(worker: WorkerPort, member: Member): void {
    this.scheduler.mailbox.ask({ _tag: "WorkerStarted", now: this.scheduler.time.now(), worker: worker.serial })
    this.tell()
    this.beat(worker, member)
    Deferred.doneUnsafe(member.started, Exit.void)
  }

  private giveUp(worker: WorkerPort, member: Member, cause: Cause.Cause<unknown>): void {
    this.scheduler.warn(`Worker ${quote(worker.name)} could not be started anew`, cause)
    this.scheduler.mailbox.ask({ _tag: "WorkerLost", now: this.scheduler.time.now(), worker: worker.serial })
    this.tell()
    Deferred.doneUnsafe(member.started, Exit.failCause(cause))
    this.dismiss(worker, Exit.failCause(cause))
  }

  /** A worker has ended its last attempt. */
  depart(): void {
    this.tell()
    this.dismiss(this.leaving.shift()!, Exit.void)
  }

  /** The engine counts a worker as lost. */
  bury(): void {
    const { why, worker } = this.expired.shift()!
    const { ttlMillis } = this.members.get(worker)?.post.posting.terms ?? {}
    const what = why === "silent"
      ? `was not heard for ${ttlMillis} ms, its ttl, and counts as lost`
      : "was lost: it does not have a result that it reported"
    if (!this.scheduler.life.isClosed) this.scheduler.warn(`Worker ${quote(worker.name)} ${what}`)
    this.remove(worker)
  }

  /** A worker does not have the result that an attempt there has made. */
  distrust(serial: WorkerId, task: TaskId, attempt: number): void {
    const { life, mailbox, time, workers } = this.scheduler
    const worker = numbered(workers, serial)
    if (worker === undefined || worker.isLost || life.isClosed) return
    const begun = this.begunOn(worker)
    mailbox.ask({ _tag: "ResultMissing", now: time.now(), worker: serial, task, attempt, begun })
  }

  /**
   * Declares a worker lost, with its attempts and its results. Its attempts are interrupted, and `rest` of the worker returns
   * when they have ended; but no owner has to wait for that, and their reports do not count. A loss may be reported twice.
   */
  lose(worker: WorkerPort, isEnded?: boolean): void {
    if (worker.isLost) return
    const { serial } = worker
    const begun = this.begunOn(worker)
    this.disown(worker)
    this.scheduler.mailbox.ask({ _tag: "WorkerLost", now: this.scheduler.time.now(), worker: serial, begun, isEnded })
    this.remove(worker)
  }

  /** The attempts whose bodies may have begun. Those whose inputs are still on their way never came to their worker. */
  private begunOn(worker: WorkerPort): ReadonlyArray<number> | undefined {
    const { carrying: { gathering }, state } = this.scheduler
    if (worker.begun !== undefined || !gathering.isBusy) return worker.begun
    return gathering.withInputs(attemptsOn(state, worker.serial))
  }

  /**
   * The same, with the reason for people. A worker that has not joined yet, or was lost before, has nothing that others must know of.
   */
  loseFor(worker: WorkerPort, why: string, isEnded?: boolean): void {
    if (worker.isLost || !this.members.has(worker)) return
    if (worker.serial < 0) return worker.lose()
    const { scheduler } = this
    if (scheduler.life.isClosed) return this.lose(worker, isEnded)
    scheduler.warn(`Worker ${quote(worker.name)} was lost: ${why}`)
    const { posting } = this.members.get(worker)!.post
    this.lose(worker, isEnded)
    // An elastic pool starts workers of other names.
    const isReplaced = isPool(posting) || takersOf(scheduler.state).some(({ name }) => name === worker.name)
    if (posting.terms.restart !== undefined && !isReplaced) {
      scheduler.warn(notReplaced(worker.name, posting.terms.restart))
    }
  }

  /** From now on nothing that comes from this worker counts. */
  private disown(worker: WorkerPort): void {
    this.scheduler.inputs.haveBeenLost = true
    worker.lose()
  }

  private remove(worker: WorkerPort): void {
    this.tell()
    // Before anything starts elsewhere, because the children of lost bodies would hold their keys.
    for (const owner of this.scheduler.owners.ofHost(worker.host)) {
      this.scheduler.owners.dismiss(owner, "scheduler", "the worker was lost that ran its body")
    }
    this.resting.add(worker)
    this.scheduler.retrying.lose(worker)
    this.scheduler.desk.lost(worker)
    worker.interrupt()
    this.dismiss(worker, Exit.void, Effect.andThen(worker.rest, Effect.sync(() => this.resting.delete(worker))))
  }

  /** Closes the scope of `onStart`, after `rest`. */
  private dismiss(
    worker: WorkerPort,
    exit: Exit.Exit<unknown, unknown>,
    rest: Effect.Effect<unknown> = Effect.void
  ): void {
    const member = this.members.get(worker)
    this.members.delete(worker)
    const { beats, hooks, over, started, starting } = member ?? {}
    beats?.interruptUnsafe()
    starting?.interruptUnsafe()
    if (started !== undefined) {
      Deferred.doneUnsafe(started, Exit.die(new Error(`Worker ${quote(worker.name)} was lost before it had started`)))
    }
    // The interrupted `onStart` has finalizers of its own.
    const still = starting === undefined ? rest : Effect.andThen(rest, Fiber.await(starting))
    const text = `A finalizer of what onStart of worker ${quote(worker.name)} acquired failed`
    const close = hooks === undefined
      ? still
      : Effect.andThen(still, Effect.catchCause(Scope.close(hooks, exit), (cause) => warning(text, cause)))
    keptIn(this.closings, this.scheduler.context, Effect.exit(close)).addObserver(() => {
      if (over !== undefined) Deferred.doneUnsafe(over, Exit.void)
    })
  }

  // ---- what the program says

  /** Adds a worker once its `onStart` has succeeded, until the scope closes; then it is drained. */
  add(posting: Posting): Effect.Effect<string, unknown, Scope.Scope> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.gen({ self: this }, function*() {
        if (this.isTaken(posting.id)) {
          return yield* new SubmitError({ reason: new DuplicateWorker({ worker: posting.id }) })
        }
        const scope = yield* Effect.scope
        const worker = this.make(posting.id, posting)
        const post: Post = { posting, present: worker }
        const member = this.enlist(worker, post)
        const dismissed = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
          Effect.sync(() => this.dismiss(worker, exit))
        yield* Effect.onError(restore(this.open(worker, member)), (cause) => dismissed(Exit.failCause(cause)))
        if (this.scheduler.life.isClosed) return yield* closed("scheduler")
        this.joining = worker
        const { id: name, labels, mark, resources: amounts, slots, terms } = posting
        this.scheduler.mailbox.ask({
          _tag: "WorkerAdded",
          now: this.scheduler.time.now(),
          name,
          ...traitsOf(worker),
          slots,
          amounts,
          labels,
          mark,
          terms
        })
        this.joining = undefined
        this.tell()
        this.beat(worker, member)
        yield* Scope.addFinalizer(scope, Effect.sync(() => this.drain(post.present)))
        return name
      })
    )
  }

  private isTaken(id: string): boolean {
    return Array.from(this.members.keys()).some(({ name }) => name === id)
  }

  /** Opens the pool, and waits for the first of its workers. */
  openPool(posting: PoolPosting): Effect.Effect<void, unknown> {
    return Effect.suspend(() => {
      const { id: name, idleMillis, max, min, slots, terms } = posting
      this.pool = posting
      const others = new Set(this.members.values())
      this.scheduler.mailbox.ask({
        _tag: "PoolOpened",
        now: this.scheduler.time.now(),
        name,
        min,
        max,
        slots,
        idleMillis,
        ...(isRemote(posting) ? traitsOf(posting) : this.scheduler.wire.traitsOfPool?.(name)),
        terms
      })
      const first = Array.from(this.members.values()).filter((member) => !others.has(member))
      return Effect.forEach(first, ({ started }) => Deferred.await(started), {
        concurrency: "unbounded",
        discard: true
      })
    })
  }

  private open(
    worker: WorkerPort,
    { hooks, post: { posting: { id, onStart } } }: Member
  ): Effect.Effect<void, unknown> {
    const { open } = worker
    const started = onStart === undefined ? Effect.void : Effect.asVoid(onStart)
    if (open === undefined) return Effect.provideService(started, Scope.Scope, hooks)
    const there = Effect.suspend(() => {
      if (!worker.isLost) return Effect.void
      const cause = Cause.die(new Error(`Worker ${quote(worker.name)} was lost before it had started`))
      return Effect.fail(new SubmitError({ reason: new WorkerFailed({ worker: id, cause }) }))
    })
    return Effect.provideService(Effect.andThen(Effect.andThen(open, started), there), Scope.Scope, hooks)
  }

  /** Drains a worker: a clean stop without a replacement. */
  drain(worker: WorkerPort): void {
    if (this.scheduler.life.isClosed || !this.members.has(worker)) return
    this.scheduler.mailbox.ask({ _tag: "WorkerDrained", now: this.scheduler.time.now(), worker: worker.serial })
    this.tell()
  }

  /** Drains a worker, and waits until it has left. */
  retire(worker: WorkerPort): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      const member = this.members.get(worker)
      this.drain(worker)
      // A body that runs there would wait for its own end.
      const isThere = attemptOf(this.scheduler.home, fiber)?.host === worker.host
      return member === undefined || isThere ? Effect.void : Deferred.await(member.over)
    })
  }

  /** Silences a worker. */
  silence(worker: WorkerPort): void {
    const member = this.members.get(worker)
    if (member !== undefined) member.isSilenced = true
  }

  /** Sends three beats in the time to live, so that one may be late. */
  private beat(worker: WorkerPort, member: Member): void {
    const { ttlMillis } = member.post.posting.terms
    if (ttlMillis === undefined) return
    const beat = Effect.sync(() => {
      if (member.isSilenced || !this.members.has(worker) || worker.heard?.() === false) return
      this.scheduler.mailbox.ask({ _tag: "WorkerBeat", now: this.scheduler.time.now(), worker: worker.serial })
    })
    const beats = Effect.forever(Effect.andThen(this.scheduler.time.sleep(ttlMillis / 3), beat), { disableYield: true })
    member.beats = Effect.runForkWith(this.scheduler.context)(beats)
  }

  // ---- watching

  /** All workers on which something may run. */
  everyone(): ReadonlyArray<WorkerPort> {
    return [...new Set([...this.scheduler.workers, ...this.members.keys(), ...this.resting])]
  }

  /** Follows the lives of workers until the result is called; calls `end` if the scheduler closes before. */
  listen(hear: Listener["hear"], end: Listener["end"] = () => {}): () => void {
    if (this.scheduler.life.isClosed) {
      end()
      return () => {}
    }
    // Former transitions are for former listeners.
    this.tell()
    const listener: Listener = { hear, end }
    this.listeners.add(listener)
    this.scheduler.log.workers ??= []
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) this.scheduler.log.workers = undefined
    }
  }

  private tell(): void {
    const log = this.scheduler.log.workers
    if (log === undefined || log.length === 0) return
    for (const transition of log.splice(0)) {
      const told = { ...transition, at: this.scheduler.time.instantOf(transition.at) }
      for (const { hear } of this.listeners) hear(told)
    }
  }

  /** The scheduler has failed: ends all waits for workers to come or leave. */
  abort(cause: Cause.Cause<never>): void {
    for (const { beats, over, started, starting } of this.members.values()) {
      beats?.interruptUnsafe()
      starting?.interruptUnsafe()
      Deferred.doneUnsafe(started, Exit.failCause(cause))
      Deferred.doneUnsafe(over, Exit.failCause(cause))
    }
  }

  /** Closes the scopes of all hooks, after all attempts have ended. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    for (const worker of Array.from(this.members.keys())) this.dismiss(worker, Exit.void)
    const open = [...this.closings]
    return Effect.andThen(
      Fiber.awaitAll(open),
      Effect.sync(() => {
        for (const { end } of this.listeners) end()
        this.listeners.clear()
      })
    )
  })
}
