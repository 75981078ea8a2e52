/**
 * How errors of this library show themselves, and those of users that ended a task: what `SkeinError` is made of.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import { NodeInspectSymbol } from "effect/Inspectable"
import type { DependencyFailed } from "../SkeinError.ts"
import type { Place } from "./rendering.ts"
import {
  causedBy,
  describeError,
  errorChain,
  errorOf,
  isFailure,
  join,
  named,
  placeText,
  TaskFrame
} from "./rendering.ts"

const made = Symbol("~skein/Fact")

/**
 * Errors of the scheduler are made in its own code, far from the user's: their stack is what they have to say, written when
 * somebody asks, and no frames are taken down.
 */
export const Fact: typeof Data.TaggedError = (tag: string): any =>
  class Fact extends Data.TaggedError(tag)<any> {
    constructor(args: any) {
      const limit = Error.stackTraceLimit
      // Where `Error` is frozen the frames are taken down, and not shown.
      Reflect.set(Error, "stackTraceLimit", 0)
      super(args)
      Reflect.set(Error, "stackTraceLimit", limit)
      Object.defineProperty(this, "stack", written)
    }

    get [made](): true {
      return true
    }

    override toJSON(): object {
      return Object.assign({}, { _tag: tag, message: this.message }, this)
    }

    /** What `console.log` shows. */
    override [NodeInspectSymbol](): string {
      return prettyCause(Cause.fail(this))
    }
  }

const written: PropertyDescriptor = {
  configurable: true,
  get(this: Error): string {
    return `${this.name}: ${this.message}${isDependencyFailed(this) ? detailsOf(this) : ""}`
  },
  set(this: Error, value: unknown): void {
    Object.defineProperty(this, "stack", { configurable: true, writable: true, value })
  }
}

/** Whether it is an error of this library, whose message says all. */
const isFact = (error: unknown): error is Error & { readonly _tag: string } => error instanceof Error && made in error

const isDependencyFailed = (error: unknown): error is DependencyFailed<unknown> =>
  isFact(error) && error._tag === "DependencyFailed"

const detailsOf = ({ cause, path }: DependencyFailed<unknown>): string => {
  const info = infoOf(cause)
  return `\n    path: ${join(path)}${info === undefined ? "" : `\n    where: ${placeText(info)}`}`
}

/** What `TaskInfo` says of a failure. */
export interface Info extends Place {
  readonly root: string
  readonly path: ReadonlyArray<string>
}

export const infoKey = "skein/SkeinError/TaskInfo"

/** Where what a cause tells of happened, if a task failed with it. */
export const infoOf = (cause: Cause.Cause<unknown>): Info | undefined => Cause.annotations(cause).mapUnsafe.get(infoKey)

/** See `SkeinError.pretty`. */
export const prettyCause = (cause: Cause.Cause<unknown>): string => {
  const reasons = cause.reasons.filter(isFailure)
  return reasons.length === 0 ? Cause.pretty(cause) : reasons.map(prettyReason).join("\n")
}

const prettyReason = (reason: Cause.Fail<unknown> | Cause.Die): string => {
  const error = errorOf(reason)
  if (isDependencyFailed(error)) return `${error.stack}${causesOf(error.cause)}`
  const info = reason.annotations.get(infoKey) as Info | undefined
  const chain = errorChain(error, reason.annotations)
  if (info === undefined) return `${chain[0]!.stack}${causedBy(chain.slice(1))}`
  const frame = reason.annotations.get(Cause.StackTrace.key)
  const place = frame instanceof TaskFrame ? frame.place : info
  const path = info.path.length === 1 ? "" : `\n    path: ${join(info.path)}`
  const where = `${path}\n    where: ${placeText(place)}`
  return isFact(error)
    ? `${error.stack}${where}`
    : `${headOf(info, place, Cause.isFailReason(reason), describeError(error))}${where}${causedBy(chain)}`
}

const causesOf = ({ reasons }: Cause.Cause<unknown>): string =>
  reasons.filter(isFailure).map((reason) => causedBy(errorChain(errorOf(reason), reason.annotations))).join("")

const headOf = (info: Info, place: Place, isTyped: boolean, error: string): string => {
  const task = named(info.key, info.label)
  if (info.path.length === 1) return `Task ${task} ${isTyped ? "failed" : "failed with a defect"}: ${error}`
  const verb = info.attempt === 0 ? "did not start" : "failed"
  const of = named(place.key, place.label)
  return `Task ${task} ${verb}, because ${of} failed${isTyped ? "" : " with a defect"}: ${error}`
}
