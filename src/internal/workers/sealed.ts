/**
 * Sealed results: large graphs of objects as bytes, which only those open who read them.
 *
 * ```text
 * [worker elsewhere] -- seal --> [home: bytes] -- as they are --> [worker elsewhere: opens them for its body]
 *                                             -- a reader: open, once --> [value]
 * ```
 *
 * @internal
 */
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { SkeinError, Unreadable } from "../../SkeinError.ts"
import { describeError } from "../text/rendering.ts"
import { isA } from "../values/looks.ts"

/** Makes bytes of values. A transport has one if its far side runs the same code. */
export interface Sealer {
  /** Whether a value is so large that bytes are cheaper for those who only pass it on. */
  readonly isWorth: (value: unknown) => boolean
  /** Throws if the value does not travel as bytes. */
  readonly seal: (value: unknown) => Uint8Array
  /** Throws if the bytes are not those of a value. */
  readonly open: (bytes: Uint8Array) => unknown
}

/** A sealed result as it travels. */
export interface SealedData {
  /** The key of the task whose result it is. */
  readonly key: string
  readonly bytes: Uint8Array
}

/** Whether anything was ever sealed, so that other programs do not pay for it. */
let isAnySealed = false

/** A sealed result at home. */
export class Sealed {
  readonly data: SealedData
  private readonly sealer: Sealer
  private opened: Exit.Exit<unknown, SkeinError> | undefined

  constructor({ bytes, key }: SealedData, sealer: Sealer) {
    isAnySealed = true
    // Shared, the bytes go to any number of threads without a copy.
    this.data = { key, bytes: isA(bytes.buffer, SharedArrayBuffer) ? bytes : shared(bytes) }
    this.sealer = sealer
  }

  get size(): number {
    return this.data.bytes.byteLength
  }

  /** The value. Opened when it is first asked for. */
  get exit(): Exit.Exit<unknown, SkeinError> {
    return this.opened ??= openWith(this.sealer, this.data)
  }
}

/** Opens a result, or says why that is not possible. */
export const openWith = ({ open }: Sealer, { bytes, key }: SealedData): Exit.Exit<unknown, SkeinError> => {
  const opened = Result.try(() => open(bytes))
  return Result.isSuccess(opened)
    ? Exit.succeed(opened.success)
    : Exit.fail(new SkeinError({ reason: new Unreadable({ key, why: describeError(opened.failure) }) }))
}

/** A copy in memory that threads share. */
export const shared = (bytes: Uint8Array): Uint8Array => {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
  copy.set(bytes)
  return copy
}

export const isSealed = (value: unknown): value is Sealed => isAnySealed && value instanceof Sealed

/** Whether some of these values are sealed. */
export const isAnyOfSealed = (values: ReadonlyArray<unknown>): boolean => isAnySealed && values.some(isSealed)

/** The exit of a task that has succeeded with this result. */
export const exitOfResult = (result: unknown): Exit.Exit<unknown, SkeinError> =>
  isSealed(result) ? result.exit : Exit.succeed(result)

/** Values with those opened that are sealed, or the failure of the first that does not open. */
export const openAll = (values: ReadonlyArray<unknown>): Exit.Exit<ReadonlyArray<unknown>, SkeinError> => {
  const opened: Array<unknown> = []
  for (const value of values) {
    const exit = exitOfResult(value)
    if (Exit.isFailure(exit)) return Exit.failCause(exit.cause)
    opened.push(exit.value)
  }
  return Exit.succeed(opened)
}

/** Whether an exit says that a result did not open. Its task has succeeded all the same. */
export const isUnread = (exit: Exit.Exit<unknown, unknown>): exit is Exit.Failure<never, SkeinError> =>
  isAnySealed && Exit.isFailure(exit) &&
  exit.cause.reasons.some((reason) =>
    reason._tag === "Fail" && isA(reason.error, SkeinError) && reason.error.reason._tag === "Unreadable"
  )
