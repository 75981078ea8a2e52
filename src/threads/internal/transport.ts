/**
 * A link to a thread or a process: its handshake, how it is kept alive, and its end.
 *
 * The other side keeps this process alive only while there is something to wait for: that it starts, an attempt there, or its
 * close. A program that forgets to close its scheduler ends all the same.
 *
 * @internal
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { LinkFailed } from "../../internal/remote/link.ts"
import type { Hears, Link, Transfer, Transport } from "../../internal/remote/link.ts"
import { startWidth } from "../../internal/remote/messages.ts"
import type { Down, Up } from "../../internal/remote/messages.ts"
import { packedDown, unpackedUp } from "../../internal/remote/packed.ts"
import type { PackedUp } from "../../internal/remote/packed.ts"
import { describeError } from "../../internal/text/rendering.ts"
import { sleep, within } from "./live.ts"
import type { Side, Start, Told } from "./side.ts"

export interface TransportOptions {
  readonly start: Start
  /** Why the other side, which serves these names, cannot be a worker here. */
  readonly lack: (names: ReadonlyArray<string>) => string | undefined
  /** How long the other side may take to close what it holds. */
  readonly closeMillis: number
  /** After how long without a turn of its event loop it is told about, while there are attempts. */
  readonly stuckMillis?: number | undefined
  readonly told?: ((worker: string, millis: number, stack: string | undefined) => void) | undefined
}

/** The other side, from its start to its end. */
class Party {
  private readonly options: TransportOptions
  private readonly side: Side
  /** Done when it has loaded what it serves. */
  readonly loaded = Deferred.makeUnsafe<void, LinkFailed>()
  readonly gone = Deferred.makeUnsafe<void>()
  private why: string | undefined
  private isExpected = false
  private hears: Hears | undefined
  /** Things to wait for: attempts, and the answers to `Open` and `Close`. */
  private waits = 0
  private isHeld = true
  private pings = 0
  private pong = 0
  private name = ""
  /** Why it was ended though it was in use. */
  private fault: string | undefined
  private isWatched = false
  private watching: Fiber.Fiber<void> | undefined
  private isTold = false
  private closing: Fiber.Fiber<void> | undefined

  constructor(options: TransportOptions) {
    this.options = options
    this.side = options.start({ message: (data) => this.hear(data), gone: (why) => this.end(why) })
  }

  get isGone(): boolean {
    return this.why !== undefined
  }

  private hear(data: unknown): void {
    if (typeof data === "number") {
      this.pong = data
      return
    }
    const message = unpackedUp(data as PackedUp) as Told | Up
    switch (message._tag) {
      case "Loaded":
        Deferred.doneUnsafe(this.loaded, Exit.void)
        if (this.hears === undefined) this.hold(false)
        return
      case "Left":
        return
      case "Failed":
        return this.fail(message.why)
      case "Up":
        this.wait(-1)
        return this.hears?.received(this.compared(message))
      case "Refused":
        this.wait(-1)
        return this.hears?.received(message)
      case "Closed":
        this.isExpected = true
        return this.hears?.received(message)
      case "Report":
        if (message.ends.length > 0) this.wait(-message.ends.length / 2)
        return this.hears?.received(message)
    }
  }

  /** It cannot serve: it has nothing to close, and unless it is in use already nobody will hear of its end. */
  private fail(why: string): void {
    Deferred.doneUnsafe(this.loaded, Exit.fail(new LinkFailed({ why })))
    if (this.hears === undefined) this.isExpected = true
    else this.fault = why
    this.side.kill()
  }

  private compared(up: Extract<Up, { readonly _tag: "Up" }>): Up {
    const why = this.options.lack(up.names)
    return why === undefined ? up : { _tag: "Refused", why }
  }

  private end(why: string): void {
    this.why = why
    this.watching?.interruptUnsafe()
    this.closing?.interruptUnsafe()
    Deferred.doneUnsafe(this.loaded, Exit.fail(new LinkFailed({ why })))
    Deferred.doneUnsafe(this.gone, Exit.void)
    if (!this.isExpected) this.hears?.lost({ why: this.fault ?? why })
  }

  // ---- as a link

  link(hears: Hears): Link {
    this.hears = hears
    const { control, sealer, stack } = this.side
    return {
      send: (down, transfer) => this.send(down, transfer),
      control,
      sealer,
      kill: this.kill,
      ping: () => this.ping(),
      answered: () => this.answered,
      stack
    }
  }

  private ping(): number {
    this.side.post(++this.pings)
    return this.pings
  }

  private get answered(): number {
    return this.side.answered?.() ?? this.pong
  }

  /** Tells, once each time, that the event loop does not turn; ends when there is nothing to wait for. */
  private readonly watch: Effect.Effect<void> = Effect.suspend(() => {
    const { stuckMillis, told } = this.options
    const ping = this.ping()
    return Effect.flatMap(sleep(stuckMillis!), () => {
      if (this.isGone || this.waits === 0) {
        this.isWatched = false
        return Effect.void
      }
      if (this.answered >= ping) {
        this.isTold = false
        return this.watch
      }
      if (this.isTold) return this.watch
      this.isTold = true
      const tell = Effect.map(this.side.stack, (stack) => told?.(this.name, stuckMillis!, stack))
      // The event loop may turn again while the stack is being found: that it did not is told all the same.
      return Effect.andThen(Effect.uninterruptible(tell), this.watch)
    })
  })

  private send(down: Down, transfer: Transfer | undefined): void {
    this.side.post(packedDown(down), transfer)
    switch (down._tag) {
      case "Batch":
        if (down.starts.length > 0) this.wait(down.starts.length / startWidth)
        return
      case "Open":
        this.name = down.worker
        return this.wait(1)
      case "Close": {
        this.wait(1)
        const late = Effect.andThen(sleep(this.options.closeMillis), Effect.sync(() => this.side.kill()))
        this.closing = this.isGone ? undefined : Effect.runFork(late)
      }
    }
  }

  private wait(count: number): void {
    this.waits += count
    this.hold(this.waits > 0)
    if (this.waits === 0) {
      this.watching?.interruptUnsafe()
      this.isWatched = false
    }
    if (this.waits === 0 || this.isWatched || this.options.stuckMillis === undefined) return
    this.isWatched = true
    this.watching = Effect.runFork(this.watch)
  }

  private hold(alive: boolean): void {
    if (alive === this.isHeld) return
    this.isHeld = alive
    if (!this.isGone) this.side.hold(alive)
  }

  /** Ends the other side; returns when its exit was seen. */
  readonly kill: Effect.Effect<void> = Effect.suspend(() => {
    if (this.isGone) return Effect.void
    this.isExpected = true
    this.hold(true)
    this.side.kill()
    return Deferred.await(this.gone)
  })

  /** Ends the other side, which leaves by itself after `Closed`. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.closing?.interruptUnsafe()
    this.closing = undefined
    if (!this.isExpected || this.isGone) return this.kill
    return Effect.andThen(within(Deferred.await(this.gone), patience), this.kill)
  })
}

/** How long handlers of the exit may run after the close, in milliseconds. */
const patience = 1000

export interface PartiesOptions extends TransportOptions {
  /** How many are started first: each later one replaces another. */
  readonly size: number
  /** Whether one is kept in reserve from the start. Else the first replacement is followed by one: this program does lose some. */
  readonly spare: boolean
}

/** Starts other sides for the workers of a layer, with one in reserve. */
export class Parties {
  private readonly options: PartiesOptions
  private spare: Party | undefined
  private isClosed = false
  private taken = 0

  constructor(options: PartiesOptions) {
    this.options = options
  }

  readonly transport: Transport = (hears) =>
    Effect.gen({ self: this }, function*() {
      const party = yield* Effect.acquireRelease(this.take, (party) => party.close)
      yield* Deferred.await(party.loaded)
      const { size, spare } = this.options
      if (this.taken > size || (spare && this.taken === size)) this.reserve()
      return party.link(hears)
    })

  private readonly take: Effect.Effect<Party, LinkFailed> = Effect.suspend(() => {
    this.taken++
    const { spare } = this
    this.spare = undefined
    return spare?.isGone === false ? Effect.succeed(spare) : this.start
  })

  private readonly start: Effect.Effect<Party, LinkFailed> = Effect.try({
    try: () => new Party(this.options),
    catch: (error) => new LinkFailed({ why: describeError(error) })
  })

  private reserve(): void {
    if (this.isClosed || this.spare?.isGone === false) return
    // What prevents its start is reported when one is needed.
    this.spare = Option.getOrUndefined(Effect.runSync(Effect.option(this.start)))
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    return this.spare?.kill ?? Effect.void
  })
}
