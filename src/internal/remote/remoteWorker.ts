/**
 * The worker that is not here: a thread, a process or a machine, behind a link. What the scheduler says to it goes out as one batch
 * in a microtask after the first word, so at the end of a turn of the pump; the ends of its attempts come in batches too.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Begin, Overdue, Stop, TakeBack } from "../../engine/protocol/Instruction.ts"
import { keyAt } from "../../engine/protocol/Registered.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import { DependenciesLost, SubmitError, TaskUnmet } from "../../SkeinError.ts"
import type { SkeinError } from "../../SkeinError.ts"
import type { Host } from "../bodies/attempt.ts"
import { assembled } from "../bodies/bodies.ts"
import { ambientOf } from "../bodies/livePlan.ts"
import type { Ambient, LivePlan } from "../bodies/livePlan.ts"
import { replaceLarge, viewOf, withCopies } from "../portable/buffers.ts"
import { encodeCause } from "../portable/causes.ts"
import { givenIn } from "../portable/moved.ts"
import type { Named } from "../portable/named.ts"
import type { TaskImpl } from "../tasks/task.ts"
import { WorkerFailed } from "../text/reasons.ts"
import { describeError } from "../text/rendering.ts"
import { quote } from "../text/text.ts"
import { keptIn } from "../workers/kept.ts"
import type { Setup, WorkerPort, WorkerReports } from "../workers/port.ts"
import { isAnyOfSealed, openAll } from "../workers/sealed.ts"
import type { Lent } from "../workers/sharing.ts"
import { Asking, basicVerbs } from "./asking.ts"
import type { Verbs } from "./asking.ts"
import { clockOf, dataOf, readingOf } from "./contexts.ts"
import { Control } from "./control.ts"
import { Incoming } from "./incoming.ts"
import { LinkFailed } from "./link.ts"
import type { Link, Transport } from "./link.ts"
import { Flags, Verb, version } from "./messages.ts"
import type { Up } from "./messages.ts"
import { Names } from "./names.ts"
import { Outgoing, partsOf, transferOf } from "./outgoing.ts"
import type { Large, Parcel } from "./outgoing.ts"
import { Pulse } from "./pulse.ts"
import { part } from "./sealedInputs.ts"
import type { Parted, SealedPart } from "./sealedInputs.ts"
import { Seats, Stage } from "./seats.ts"

/** What differs between backends. */
export interface RemoteOptions {
  readonly slots: number
  /** The most attempts that are sent there beyond the slots. */
  readonly ahead?: number | undefined
  /** What its bodies may ask beside the basic verbs. */
  readonly verbs?: Verbs | undefined
}

/** How long the answer to an order to stop may be on its way when its grace is over, if no memory is shared. */
const late = "50 millis"

const isWatched = ({ options: { timeoutMillis } }: TaskImpl): boolean => timeoutMillis !== undefined

const isGone = ({ detached }: ArrayBuffer): boolean => detached

const wasMoved = "a buffer that Portable.move gave to a former attempt is gone"

const nothingSealed: ReadonlyArray<SealedPart> = []

export class RemoteWorker implements WorkerPort {
  readonly host: Host = this
  serial = -1
  readonly name: string
  readonly labels: ReadonlyArray<string>
  readonly kind = "remote"
  isLost = false
  readonly keepsResults = false
  readonly handsOver = true
  readonly held = 0
  readonly ahead: number
  private readonly slots: number
  private readonly setup: Setup
  private readonly reports: WorkerReports
  private readonly transport: Transport
  private readonly seats: Seats
  private readonly outgoing = new Outgoing()
  private readonly large: Array<Large> = []
  private readonly asking: Asking
  private readonly incoming: Incoming
  private link: Link | undefined
  private pulse: Pulse | undefined
  private control: Control | undefined
  private readonly names = new Names()
  /** The context of the last start, and its number in the present batch; 0 for one of which nothing travels. */
  private lastAmbient: Ambient | undefined
  private lastPlace = 0
  private context: Context.Context<never> = Context.empty()
  /** The clock of the scheduler and of bodies, if that is not the live one. */
  private clock: Clock.Clock | undefined
  private ownClock: Clock.Clock | undefined
  private isFlushing = false
  private readonly opened = Deferred.makeUnsafe<void, LinkFailed>()
  private readonly closed = Deferred.makeUnsafe<void>()
  private killing: Fiber.Fiber<void> | undefined

  constructor(setup: Setup, transport: Transport, { ahead = 64, slots, verbs }: RemoteOptions) {
    this.setup = setup
    this.name = setup.name
    this.labels = setup.labels
    this.reports = setup.reports
    this.transport = transport
    this.seats = new Seats(setup.sharing)
    this.slots = slots
    this.ahead = ahead
    const all = verbs === undefined ? basicVerbs : { ...basicVerbs, ...verbs }
    this.asking = new Asking(setup, this, this.seats, all, () => this.context, (answer) => {
      this.outgoing.answer(answer)
      this.flushSoon()
    })
    this.incoming = new Incoming(this, this.reports, this.seats, this.asking)
  }

  get parts(): ReadonlyArray<object> {
    const { asking, incoming, outgoing, pulse } = this
    return [asking, incoming, outgoing, ...pulse === undefined ? [] : [pulse]]
  }

  // ---- its life

  readonly open: Effect.Effect<void, unknown, Scope.Scope> = Effect.suspend(() => {
    const start = Effect.gen({ self: this }, function*() {
      const link = yield* this.transport({
        received: (up) => this.setup.guard(() => this.receive(up)),
        lost: ({ why }) => this.fail(why)
      })
      yield* Effect.addFinalizer(() => this.close(link))
      this.link = link
      this.incoming.sealer = link.sealer
      this.pulse = new Pulse(link, this.seats)
      this.control = link.control && new Control(link.control)
      this.context = yield* Effect.context<never>()
      const own = clockOf(this.context)
      this.clock = this.ownClock = own
      const clock = own && readingOf(own)
      link.send({ _tag: "Open", version, worker: this.name, labels: this.labels, slots: this.slots, clock })
      yield* Deferred.await(this.opened)
    })
    return Effect.catchCause(start, (cause): Effect.Effect<void, unknown> =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.failCause(cause)
        : Effect.fail(new SubmitError({ reason: new WorkerFailed({ worker: this.name, cause }) })))
  })

  /** Asks the far side to close, and waits until it has. */
  private close(link: Link): Effect.Effect<void> {
    if (this.isLost) return this.rest
    const ask = Effect.sync(() => {
      this.flush()
      link.send({ _tag: "Close" })
    })
    // The far side may have died before it gave all seats back.
    const end = Effect.sync(() => {
      this.asking.abort()
      this.seats.clear()
    })
    return Effect.andThen(Effect.andThen(ask, Deferred.await(this.closed)), end)
  }

  /** The far side is gone. */
  private fail(why: string, isEnded?: boolean): void {
    Deferred.doneUnsafe(this.opened, Exit.fail(new LinkFailed({ why })))
    if (Deferred.doneUnsafe(this.closed, Exit.void)) this.setup.lost(why, isEnded)
  }

  private refuse(why: string): void {
    Deferred.doneUnsafe(this.opened, Exit.fail(new LinkFailed({ why })))
  }

  private receive(up: Up): void {
    switch (up._tag) {
      case "Up":
        if (up.version !== version) return this.refuse(`it speaks version ${up.version}, and this side ${version}`)
        this.names.set(up.names)
        Deferred.doneUnsafe(this.opened, Exit.void)
        return
      case "Refused":
        return this.refuse(up.why)
      case "Report":
        if (!this.isLost) this.incoming.hear(up)
        return
      case "Closed":
        Deferred.doneUnsafe(this.closed, Exit.void)
    }
  }

  // ---- down

  start(
    task: TaskId,
    attempt: number,
    number: number,
    submission: Registered,
    index: number,
    inputs: ReadonlyArray<unknown> | undefined,
    ahead: boolean
  ): void {
    if (this.isLost) return
    const plan = submission.plan as LivePlan
    const node = plan.nodes[index]!
    const named = node.named!
    const name = this.names.numberOf(named)
    if (name < 0) return this.refuseTask(task, attempt, named)
    const { asIs, encode } = named.codec.payload
    let values = inputs
    let sealed = nothingSealed
    if (inputs !== undefined && isAnyOfSealed(inputs)) {
      const parted = this.parted(node, inputs, asIs)
      if (Exit.isFailure(parted)) return this.failUnread(task, attempt, parted.cause)
      values = parted.value.inputs
      sealed = parted.value.parts
    }
    let payload = assembled(node, values)
    if (!asIs) {
      const encoded = encode(payload)
      if (Result.isFailure(encoded)) return this.incoming.strand(task, attempt, named, "payload", encoded.failure)
      payload = encoded.success
    }
    const moved = givenIn(payload)
    if (moved.some(isGone)) return this.refuseMoved(task, attempt, node, values)
    // Starts of a batch go before its orders.
    if (!this.outgoing.hasOrders) this.seats.recycle()
    const seat = this.seats.take(task, attempt, number, named, submission, index)
    this.control?.reset(seat)
    const { outgoing } = this
    const flags = (ahead ? Flags.ahead : 0) | (isWatched(node) ? Flags.told : 0) |
      (named.isBatch === true ? Flags.batch : 0)
    outgoing.start(seat, name, number, submission.sequence + index, flags, payload)
    if (moved.length > 0) {
      outgoing.move(moved)
      this.seats.moves[seat] = true
    }
    for (const part of sealed) outgoing.seal(part)
    if (plan.settings.size > 0 || plan.defaults !== undefined) outgoing.key(keyAt(submission, index))
    const ambient = ambientOf(plan, index)
    if (ambient !== this.lastAmbient) this.placeAt(ambient)
    if (this.lastPlace > 0) outgoing.place(this.lastPlace)
    this.flushSoon()
  }

  /** Sealed inputs go as they are to a far side that can open them, if the payload needs no encoding. */
  private parted(node: TaskImpl, inputs: ReadonlyArray<unknown>, asIs: boolean): Exit.Exit<Parted, SkeinError> {
    if (asIs && this.link!.sealer !== undefined) return part(node, inputs)
    return Exit.map(openAll(inputs), (opened) => ({ inputs: opened, parts: nothingSealed }))
  }

  /** Another attempt has what was given away. Tasks that have made it make it again. */
  private refuseMoved(task: TaskId, attempt: number, node: TaskImpl, inputs: ReadonlyArray<unknown> = []): void {
    const dependencies = node.handles.filter((_, i) => givenIn(inputs[i]).some(isGone))
    if (dependencies.length === 0) return this.incoming.strand(task, attempt, node.named!, "payload", wasMoved)
    this.reports.attemptEnded(attempt)
    this.reports.failed(task, attempt, Cause.fail(new DependenciesLost({ dependencies })))
  }

  private failUnread(task: TaskId, attempt: number, cause: Cause.Cause<SkeinError>): void {
    this.reports.attemptEnded(attempt)
    this.reports.failed(task, attempt, cause)
  }

  /** The starts that follow have this context. */
  private placeAt(ambient: Ambient): void {
    this.lastAmbient = ambient
    const data = dataOf(ambient.context, this.ownClock)
    if (typeof data?.clock === "object") this.clock = clockOf(ambient.context)
    this.lastPlace = data === undefined ? 0 : this.outgoing.context(data)
  }

  private refuseTask(task: TaskId, attempt: number, { name }: Named): void {
    this.reports.failed(task, attempt, Cause.fail(new TaskUnmet({ why: `it has no handler of ${quote(name)}` })))
  }

  begin({ attempt, task }: Begin): void {
    const seat = this.seats.find(task, attempt)
    if (seat < 0 || this.mayTell(seat)?.hasBegun(seat) === true) return
    this.order(Verb.begin, seat)
  }

  takeBack({ attempt, task }: TakeBack): void {
    const seat = this.seats.find(task, attempt)
    // What was moved there cannot be sent to another: the attempt stays in line.
    if (seat < 0 || this.seats.moves[seat] === true) return
    const control = this.mayTell(seat)
    if (control === undefined) return this.order(Verb.takeBack, seat)
    if (control.takeBack(seat)) this.settleUnbegun(seat)
  }

  stop(stop: Stop): void {
    const seat = this.seats.find(stop.task, stop.attempt)
    if (seat < 0) return
    const control = this.mayTell(seat)
    if (control?.takeBack(seat) === true) return this.settleUnbegun(seat)
    control?.askToStop(seat)
    this.pulse?.stop(seat)
    this.order(Verb.stop, seat)
  }

  /** The shared words, if they have some for this seat. */
  private mayTell(seat: number): Control | undefined {
    return this.control?.covers(seat) === true ? this.control : undefined
  }

  /** The body of an attempt will not begin. The far side gives the seat back when the attempt reaches the head of its line. */
  private settleUnbegun(seat: number): void {
    const { attempt, stage, task } = this.seats
    stage[seat] = Stage.settled
    this.reports.attemptEnded(attempt[seat]!)
    this.reports.unbegun(task[seat]!, attempt[seat]!)
  }

  inquire(order: Overdue): void {
    const seat = this.seats.find(order.task, order.attempt)
    if (seat < 0) return this.reports.overdue(order, "ending")
    if (this.pulse!.hasTurned(seat)) return this.order(Verb.inquire, seat)
    const { stack = Effect.undefined } = this.link!
    // Without shared memory its answer may be on its way, or wait to be read here.
    const wait = this.control === undefined ? Effect.delay(stack, late) : stack
    keptIn(
      this.asking.closing,
      Context.empty(),
      Effect.flatMap(wait, (at) => Effect.sync(() => this.killStuck(order, at)))
    )
  }

  /** Code that never lets its event loop turn hears nothing: only the end of the whole worker ends it. */
  private killStuck(order: Overdue, at: string | undefined): void {
    const seat = this.seats.find(order.task, order.attempt)
    if (seat < 0 || this.isLost) return
    if (this.pulse!.hasTurned(seat)) return this.order(Verb.inquire, seat)
    const key = quote(keyAt(this.seats.submission[seat]!, this.seats.index[seat]!))
    const where = at === undefined ? "" : `; it was at:\n${at}`
    const why = `its event loop has not turned since task ${key} was asked to stop, and its grace is over${where}`
    this.fail(why, true)
  }

  /** Whether its event loop has turned since the last call. */
  heard(): boolean {
    return this.pulse?.heard() ?? true
  }

  private order(verb: number, seat: number): void {
    this.outgoing.order(verb, seat)
    this.flushSoon()
  }

  /** Results of tasks elsewhere own no resources. */
  finalize(): void {}

  private flushSoon(): void {
    if (this.isFlushing) return
    this.isFlushing = true
    if (this.control !== undefined) this.setup.sharing.expect(this.note)
    this.setup.defer(this.flush)
  }

  private readonly flush = (): void => {
    this.isFlushing = false
    if (this.isLost) return this.forgetUnsent()
    if (this.link === undefined || this.outgoing.isEmpty) return
    if (this.clock !== undefined) this.outgoing.clock = readingOf(this.clock)
    this.lastAmbient = undefined
    // Both sides share memory.
    if (this.control !== undefined) this.lighten()
    this.send(this.outgoing.take(this.incoming.heard))
    this.pulse!.sent()
  }

  /** The port of a lost worker is known until another has its place. */
  private forgetUnsent(): void {
    this.outgoing.take(0)
    if (this.pulse !== undefined) this.pulse.asked.length = 0
    this.setup.sharing.expectNoMore(this.note)
  }

  /** Of large buffers, views of memory go that threads share, or copies that are given away. All of this turn are noted first. */
  private lighten(): void {
    this.setup.sharing.noteAll()
    this.note()
    if (this.large.length === 0) return
    for (const { payload, position } of this.large.splice(0)) {
      const { moved, value } = withCopies(replaceLarge(payload, this.shared))
      this.outgoing.replace(position, value, moved)
    }
  }

  private readonly note = (): void => {
    // Its seats are released.
    if (this.isLost) return
    for (const large of this.outgoing.large()) {
      this.large.push(large)
      this.lend(large.seat, large.payload)
    }
  }

  private lend(seat: number, payload: unknown): void {
    const { submission, task } = this.seats
    const lent: Array<Lent> = []
    replaceLarge(payload, (buffer) => {
      if (ArrayBuffer.isView(buffer)) lent.push(this.setup.sharing.take(buffer, task[seat]!, submission[seat]!))
      return buffer
    })
    this.seats.lend(seat, lent)
  }

  private readonly shared = (buffer: ArrayBuffer | ArrayBufferView): ArrayBuffer | ArrayBufferView => {
    const memory = ArrayBuffer.isView(buffer) ? this.setup.sharing.memoryOf(buffer) : undefined
    return memory === undefined ? buffer : viewOf(buffer as ArrayBufferView, memory)
  }

  private send(parcel: Parcel): void {
    const link = this.link!
    const sent = Result.try(() => link.send(parcel.batch, transferOf(parcel)))
    if (Result.isSuccess(sent)) return
    const { answers = [], payloads, starts } = parcel.batch
    if (payloads.length + answers.length > 1) return partsOf(parcel).forEach((part) => this.send(part))
    if (payloads.length === 1) return this.setup.guard(() => this.refuseSeat(starts[0]!, sent.failure))
    const [answer] = answers
    if (answer === undefined) throw sent.failure
    const fault = new TypeError(`What a body asked for does not travel: ${describeError(sent.failure)}.`)
    const cause = encodeCause(undefined, Cause.die(fault))
    link.send({ ...parcel.batch, answers: [{ ask: answer.ask, exit: { _tag: "Failure", cause } }] })
  }

  private refuseSeat(seat: number, fault: unknown): void {
    const { attempt: attempts, named: names, stage, task: tasks } = this.seats
    const task = tasks[seat]!
    const attempt = attempts[seat]!
    const named = names[seat]!
    const isSettled = stage[seat] !== Stage.sent
    this.seats.release(seat)
    if (!isSettled) this.incoming.strand(task, attempt, named, "payload", describeError(fault))
  }

  // ---- results, which are at home

  hold(): void {}

  adopt(): void {}

  copy(copy: number): void {
    this.reports.copied(copy)
  }

  drop(): void {}

  peek(): undefined {}

  fetch(request: number): void {
    this.reports.missing(request)
  }

  // ---- its end

  get begun(): ReadonlyArray<number> | undefined {
    const { control, seats: { attempt, stage } } = this
    if (control === undefined) return undefined
    return this.seats.used().flatMap((seat) => {
      const mayHave = stage[seat] !== Stage.settled && (!control.covers(seat) || control.hasBegun(seat))
      return mayHave ? [attempt[seat]!] : []
    })
  }

  lose(): void {
    this.isLost = true
    for (const seat of this.seats.used()) this.reports.attemptEnded(this.seats.attempt[seat]!)
  }

  interrupt(): void {
    this.asking.abort()
    this.seats.clear()
    Deferred.doneUnsafe(this.closed, Exit.void)
    if (this.link !== undefined) this.killing ??= keptIn(this.asking.closing, Context.empty(), this.link.kill)
  }

  abort(): void {
    this.isLost = true
    this.interrupt()
  }

  readonly rest: Effect.Effect<void> = Effect.suspend(() => {
    const closing = [...this.asking.closing]
    return closing.length === 0 ? Effect.void : Effect.andThen(Fiber.awaitAll(closing), this.rest)
  })
}
