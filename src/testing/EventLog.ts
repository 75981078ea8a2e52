/**
 * Event logs: what the engines of schedulers were told and what they asked for, as lines of JSON. An engine has no clock, no
 * chance and no effects, so a log gives the same instructions again: in another process, on another day.
 *
 * **Example** (The same instructions again)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task } from "skein"
 * import { EventLog } from "skein/testing"
 *
 * const program = Client.compute(Task.make(Effect.succeed(1))).pipe(Effect.provide(Skein.layer()))
 * Effect.gen(function*() {
 *   const { logs: [log] } = yield* EventLog.record(program)
 *   const instructions = yield* EventLog.replay(log!.events)
 *   return instructions.join() === log!.instructions.join()
 * }) // => true
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { make, step } from "../engine/Engine.ts"
import type { Engine } from "../engine/protocol/Engine.ts"
import type { Event } from "../engine/protocol/Event.ts"
import type { Forget, Instruction, Out, Start } from "../engine/protocol/Instruction.ts"
import type { SchedulerSettings } from "../engine/protocol/Settings.ts"
import { Recorder } from "../engine/views/recorder.ts"
import { Taping } from "../internal/driver/tape.ts"
import type { Tape } from "../internal/driver/tape.ts"
import { Reader, Writer } from "./internal/eventText.ts"

/**
 * What one scheduler did.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface EventLog {
  /** A line with the settings of the scheduler, then a line for each event, in order. */
  readonly events: ReadonlyArray<string>
  /** For each event a line with the list of its instructions. */
  readonly instructions: ReadonlyArray<string>
}

/**
 * What an effect did and how it ended.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Recorded<A, E> {
  readonly exit: Exit.Exit<A, E>
  /** One for each scheduler that began meanwhile, in that order. */
  readonly logs: ReadonlyArray<EventLog>
}

/**
 * Something in a run cannot be written down: a `locality` or a placement scheme that is a function.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Unwritable extends Data.TaggedError("Unwritable")<{ readonly what: string }> {
  override get message(): string {
    return `An event log cannot hold ${this.what}. Record without it, or name a scheme in place of a function.`
  }
}

/**
 * A line of a log is not what {@link record} writes.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Unreadable extends Data.TaggedError("Unreadable")<{
  /** From 1. */
  readonly line: number
  readonly cause: Cause.Cause<unknown>
}> {
  override get message(): string {
    return `Line ${this.line} of the event log cannot be read, or cannot happen where it stands:\n${
      Cause.pretty(this.cause)
    }`
  }
}

const version = 1

/** Writes down one engine. */
class Recording implements Tape {
  readonly events: Array<string> = []
  readonly instructions: Array<string> = []
  private readonly writer = new Writer()
  private recorder: Recorder | undefined

  constructor(settings: SchedulerSettings) {
    this.events.push(this.writer.line({ skein: "events", version, settings }))
  }

  get refused(): string | undefined {
    return this.writer.refused
  }

  through(state: Engine, out: Out): Out {
    this.recorder = new Recorder(state)
    return new Both(this.recorder, out)
  }

  event(event: Event): void {
    this.events.push(this.writer.event(event))
  }

  applied(): void {
    this.instructions.push(this.writer.line(this.recorder!.instructions))
    this.recorder!.instructions.length = 0
  }
}

/** Instructions go to the first, then to the second. */
class Both implements Out {
  private readonly first: Out
  private readonly second: Out

  constructor(first: Out, second: Out) {
    this.first = first
    this.second = second
  }

  push(instruction: Exclude<Instruction, Start | Forget>): void {
    this.first.push(instruction)
    this.second.push(instruction)
  }

  start(task: number, attempt: number): void {
    this.first.start(task, attempt)
    this.second.start(task, attempt)
  }

  forget(task: number, holder: number): void {
    this.first.forget(task, holder)
    this.second.forget(task, holder)
  }
}

/**
 * Runs an effect and writes down what the schedulers that begin in it do. Put it around their layers.
 *
 * **Gotchas**
 *
 * A log holds keys, labels and reasons, but no values, causes or bodies: it shows what was decided, not what was computed.
 * A function that the engine asks cannot be written down, so a run with a `locality`, or with a placement scheme that is a
 * function, fails with {@link Unwritable} when it is over.
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const record = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<Recorded<A, E>, Unwritable, R> =>
  Effect.suspend(() => {
    const logs: Array<Recording> = []
    const taping = (settings: SchedulerSettings): Tape => {
      const log = new Recording(settings)
      logs.push(log)
      return log
    }
    return Effect.flatMap(Effect.exit(Effect.provideService(self, Taping, taping)), (exit) => {
      const what = logs.find(({ refused }) => refused !== undefined)?.refused
      return what === undefined ? Effect.succeed({ exit, logs }) : Effect.fail(new Unwritable({ what }))
    })
  })

/**
 * Gives the events of a log to a new engine, and the lines of {@link EventLog} `instructions` that it answers with.
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const replay = (events: Iterable<string>): Effect.Effect<ReadonlyArray<string>, Unreadable> =>
  Effect.suspend(() => {
    const reader = new Reader()
    const writer = new Writer()
    const instructions: Array<string> = []
    let engine: Engine | undefined
    let line = 0
    let now = -Infinity
    const read = (): void => {
      for (const text of events) {
        line++
        const value = reader.line(text)
        if (engine === undefined) engine = make(settingsOf(value))
        else {
          const event = eventOf(value, now)
          now = event.now
          instructions.push(writer.line(step(engine, event)))
        }
      }
    }
    return Effect.try({ try: read, catch: (error) => new Unreadable({ line, cause: Cause.fail(error) }) }).pipe(
      Effect.as(instructions)
    )
  })

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const settingsOf = (head: unknown): SchedulerSettings => {
  if (!isRecord(head) || head["skein"] !== "events" || head["version"] !== version) {
    throw new TypeError(`expected an event log of version ${version}`)
  }
  const { settings } = head
  if (!isRecord(settings) || !isRecord(settings["limits"]) || !isRecord(settings["fairness"])) {
    throw new TypeError("expected the settings of a scheduler")
  }
  return settings as unknown as SchedulerSettings
}

/**
 * The event of a line, checked: `step` ignores an event with an unknown tag or without a time. The clock counts whole milliseconds,
 * but a delay may end within a millisecond, and the next event may then have an earlier time, by less than a millisecond.
 */
const eventOf = (value: unknown, after: number): Event => {
  if (!isRecord(value) || !Object.hasOwn(tags, String(value["_tag"]))) throw new TypeError("expected an event")
  const { now } = value
  if (typeof now !== "number" || !(now > after - 1)) {
    throw new TypeError(
      `expected an event with a time${after === -Infinity ? "" : `, at most a millisecond before ${after}`}`
    )
  }
  return value as unknown as Event
}

const tags: Readonly<Record<Event["_tag"], true>> = {
  OwnerOpened: true,
  GraphSubmitted: true,
  GraphAnnounced: true,
  RowsFilled: true,
  GraphRecalled: true,
  WaitBegan: true,
  WaitAbandoned: true,
  SlotWanted: true,
  ClaimShared: true,
  ClaimsReleased: true,
  CancelRequested: true,
  OwnerClosed: true,
  TaskSettled: true,
  CopiesRequested: true,
  RebalanceRequested: true,
  WorkerAdded: true,
  WorkerDrained: true,
  PoolOpened: true,
  TagLimited: true,
  StartsPaused: true,
  StartsResumed: true,
  WorkerStarted: true,
  WorkerBeat: true,
  WorkerLost: true,
  ResultMissing: true,
  TaskStarted: true,
  TaskEnded: true,
  TaskExpanded: true,
  TaskCopied: true,
  TaskFinalized: true,
  TimeCame: true
}
