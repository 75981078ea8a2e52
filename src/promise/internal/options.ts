/**
 * Options of the client for plain code: what there are, and their checks.
 *
 * @internal
 */
import type { Conflict, Mode } from "../../Client.ts"
import {
  anything,
  callback,
  checkOf,
  conflict,
  count,
  countOrNone,
  duration,
  flag,
  mode,
  name,
  recordOf,
  slots
} from "../../internal/tasks/checks.ts"
import type { Check, Checks } from "../../internal/tasks/checks.ts"
import { checkedOptions } from "../../internal/tasks/options.ts"
import type { RetryOptions, TaskOptions } from "./tasks.ts"

export type Signalled = { readonly signal?: AbortSignal | undefined }

/** What a submission takes beside the options of its task. */
export interface Submitted extends Signalled {
  readonly conflict?: Conflict | undefined
}

export interface MapOptions extends Omit<TaskOptions, "key">, Submitted {
  readonly mode?: Mode | undefined
  readonly concurrency?: number | "unbounded" | undefined
}

/** Options of a stream of tasks. */
export interface StreamOptions extends Submitted {
  readonly mode?: Mode | undefined
  readonly outstanding?: number | undefined
  readonly ordered?: boolean | undefined
  readonly withInput?: boolean | undefined
  readonly batch?: number | "auto" | undefined
  readonly maxFailures?: number | undefined
  readonly name?: string | undefined
  readonly total?: number | undefined
}

/** Options of a stream of items. */
export interface StreamEachOptions extends Omit<TaskOptions, "key">, StreamOptions {}

const ofRetry = recordOf<RetryOptions>({
  times: checkOf(
    "a whole number from 0, or Infinity",
    (value) => value === Infinity || Number.isInteger(value) && (value as number) >= 0
  ),
  delay: duration,
  factor: checkOf("a number above zero", (value) => typeof value === "number" && value > 0),
  while: callback
})

/** The number of attempts is checked with the task. */
const retry: Check = (option, value) => typeof value === "object" ? ofRetry(option, value) : undefined

const names = checkedOptions.filter((name) => name !== "pure" && name !== "inline")

/** Values of other options are checked with the task. */
export const ofTask: Checks<TaskOptions> = {
  ...Object.fromEntries(names.map((name) => [name, anything])) as unknown as Checks<TaskOptions>,
  retry
}

const { key: _, ...ofEach } = ofTask

/** What a task may be submitted with, and tasks run with. */
export const ofRun: Checks<Submitted> = {
  conflict,
  signal: checkOf(
    "an AbortSignal",
    (value) =>
      typeof value === "object" && value !== null && "aborted" in value &&
      typeof (value as Partial<AbortSignal>).addEventListener === "function"
  )
}

export const ofSubmit: Checks<TaskOptions & Submitted> = { ...ofTask, ...ofRun }

export const ofMap: Checks<MapOptions> = { mode, concurrency: slots, ...ofRun, ...ofEach }

export const ofStream: Checks<StreamOptions> = {
  mode,
  outstanding: count,
  ordered: flag,
  withInput: flag,
  // Checked with the stream.
  batch: anything,
  maxFailures: count,
  name,
  total: countOrNone,
  ...ofRun
}

export const ofStreamEach: Checks<StreamEachOptions> = { ...ofStream, ...ofEach }
