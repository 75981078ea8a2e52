/**
 * Options of the client for plain code: what there are, and their checks.
 *
 * @internal
 */
import * as Struct from "effect/Struct"
import type { Conflict, Mode } from "../../Client.ts"
import type { SubmitOptions } from "../../internal/client/computing.ts"
import { ofStream as ofItemStream } from "../../internal/client/streamOptions.ts"
import type { StreamOptions as ItemOptions } from "../../internal/client/streamOptions.ts"
import {
  anything,
  callback,
  checkOf,
  conflict,
  countOrNoneOrInfinity,
  duration,
  mode,
  recordOf,
  slots
} from "../../internal/tasks/checks.ts"
import type { Check, Checks } from "../../internal/tasks/checks.ts"
import { checkedOptions } from "../../internal/tasks/options.ts"
import type { RetryOptions, TaskOptions } from "./tasks.ts"

/** What a submission takes beside the options of its task. */
export interface Submitted {
  readonly signal?: AbortSignal | undefined
  readonly conflict?: Conflict | undefined
}

export interface MapOptions extends Omit<TaskOptions, "key">, Submitted {
  readonly mode?: Mode | undefined
  readonly concurrency?: number | "unbounded" | undefined
}

/** Options of a stream of tasks. */
export interface StreamOptions extends Submitted, Omit<ItemOptions, keyof SubmitOptions> {}

/** Options of a stream of items. */
export interface StreamEachOptions extends Omit<TaskOptions, "key">, StreamOptions {}

const ofRetry = recordOf<RetryOptions>({
  times: countOrNoneOrInfinity,
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

export const ofStream: Checks<StreamOptions> = { ...Struct.omit(ofItemStream, ["cache", "passes", "task"]), ...ofRun }

export const ofStreamEach: Checks<StreamEachOptions> = { ...ofStream, ...ofEach }
