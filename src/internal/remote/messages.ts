/**
 * What a scheduler and a worker that is not here say to each other: plain data that a structured clone keeps.
 *
 * Both sides send batches. A batch is read as a whole: first what has come to be known (starts, contexts), then orders, and only
 * then bodies begin. Messages arrive in the order in which they were sent.
 *
 * A *seat* is a small number for an attempt on one worker. It is used again after its `End` has arrived.
 *
 * @internal
 */

import type { WireCause } from "../portable/causes.ts"
import type { RegionData } from "./regions.ts"
import type { SealedPart } from "./sealedInputs.ts"

/** Both sides must speak the same version. */
export const version = 1

/** The numbers of one start in `Batch.starts`. */
export const startWidth = 5

/** `flags` of a start. */
export const Flags = {
  /** It has no slot yet: it begins after an order to begin, or in the place of a body that has ended there. */
  ahead: 1,
  /** The beginning of its body is reported at once. */
  told: 2,
  /** Its payload is an array of payloads: it is several calls. */
  batch: 4
} as const

/** The verbs of `Batch.orders`. */
export const Verb = {
  /** An attempt that was sent ahead has a slot. */
  begin: 0,
  /** Give the attempt back, unless its body has begun. */
  takeBack: 1,
  /** Interrupt the attempt. */
  stop: 2,
  /** Say what keeps the attempt from ending. */
  inquire: 3
} as const

/** How an attempt ended: the second number of each pair in `Ends.heads`. */
export const End = {
  succeeded: 0,
  failed: 1,
  /** The body will not begin: the attempt was taken back, or stopped before. */
  unbegun: 2,
  /** Its result does not travel; the value says why. */
  stranded: 3,
  /** It has succeeded; the value is its sealed result. */
  sealed: 4
} as const

/** What the bodies of a submission see of the context of their submitter. */
export interface ContextData {
  readonly annotations: Readonly<Record<string, unknown>> | undefined
  readonly logSpans: ReadonlyArray<readonly [label: string, timestamp: number]> | undefined
  readonly minimumLogLevel: string | undefined
  readonly logLevel: string | undefined
  readonly region: RegionData | undefined
  readonly span: { readonly spanId: string; readonly traceId: string; readonly sampled: boolean } | undefined
  /** Present if the clock of the submitter is not the live one: that of the scheduler, or the reading of another. */
  readonly clock: "scheduler" | ClockData | undefined
  /** Present if the random numbers of the submitter are not the usual ones: of this its bodies make seeds of their own. */
  readonly seed: number | undefined
}

/** The reading of a clock. */
export interface ClockData {
  readonly millis: number
  readonly nanos: bigint
  readonly monotonicNanos: bigint
}

/** The exit of an ask. */
export type ExitData =
  | { readonly _tag: "Success"; readonly value: unknown }
  | { readonly _tag: "Failure"; readonly cause: WireCause }

export type Down =
  /** The first message. */
  | {
    readonly _tag: "Open"
    readonly version: number
    readonly worker: string
    readonly labels: ReadonlyArray<string>
    readonly slots: number
    /** Present if the clock of the scheduler is not the live one. */
    readonly clock?: ClockData | undefined
  }
  | Batch
  /** Nothing comes any more: close what the worker holds, and answer `Closed`. */
  | { readonly _tag: "Close" }

/** Columns by position. What is absent is empty. */
export interface Batch {
  readonly _tag: "Batch"
  /** How many ends the scheduler has heard of: their slots are given by it alone. */
  readonly heard: number
  /** Of each start: seat, number of the name, which start of the task, number of the task, flags. */
  readonly starts: Int32Array | ReadonlyArray<number>
  readonly payloads: ReadonlyArray<unknown>
  /** The keys of tasks that have one of their own, by position. */
  readonly keys?: ReadonlyArray<string | undefined>
  /** The number of the context in `contexts` of each start, from 1; 0 for none. */
  readonly places?: ReadonlyArray<number>
  readonly contexts?: ReadonlyArray<ContextData>
  /** The sealed parts of payloads, and the positions of their starts. */
  readonly sealed?: ReadonlyArray<readonly [position: number, part: SealedPart]>
  /** Pairs of verb and seat. */
  readonly orders?: ReadonlyArray<number>
  readonly answers?: ReadonlyArray<Answer>
  /** Readings of the clocks of former contexts, which are not live. */
  readonly clock?: ClockData
}

export interface Answer {
  readonly ask: number
  readonly exit: ExitData
}

export type Up =
  /** The answer to `Open`: the names of its handlers. Messages have their numbers, which are places in this table. */
  | { readonly _tag: "Up"; readonly version: number; readonly names: ReadonlyArray<string> }
  /** It cannot serve: its layer has failed, or the versions differ. */
  | { readonly _tag: "Refused"; readonly why: string }
  | Report
  | { readonly _tag: "Closed" }

export interface Report {
  readonly _tag: "Report"
  /** Pairs of seat and `End`. */
  readonly ends: ReadonlyArray<number>
  /** What passed the codec of the task, by position: a value or a `WireCause`. */
  readonly values: ReadonlyArray<unknown>
  /** The microseconds of each body, by position. */
  readonly times: ReadonlyArray<number>
  /** Seats whose bodies have begun and not ended. */
  readonly begun?: ReadonlyArray<number>
  /** Answers to orders to stop. */
  readonly stopping?: ReadonlyArray<HearingData>
  /** Answers to inquiries. */
  readonly obstacles?: ReadonlyArray<{ readonly seat: number; readonly obstacle: string }>
  readonly asks?: ReadonlyArray<Ask>
  /** Asks whose answers nobody waits for any more. The answer comes all the same, when the ask has ended. */
  readonly dropped?: ReadonlyArray<number>
  readonly logs?: ReadonlyArray<LogData>
}

export interface HearingData {
  readonly seat: number
  readonly isShielded: boolean
  readonly isDeaf: boolean
  readonly mayWait: boolean
  readonly isAwayDeaf: boolean | undefined
}

/** What a body asks of its scheduler, or the worker itself if `seat` is -1. */
export interface Ask {
  readonly ask: number
  readonly seat: number
  readonly verb: string
  readonly data: unknown
  /** Whether the body waits for it where it cannot be interrupted. */
  readonly isDeaf: boolean
}

/** A log entry of a body, or of the worker itself if `seat` is -1. */
export interface LogData {
  readonly seat: number
  readonly level: string
  readonly message: unknown
  readonly cause: WireCause | undefined
  readonly annotations: Readonly<Record<string, unknown>>
  readonly spans: ReadonlyArray<readonly [label: string, timestamp: number]>
}
