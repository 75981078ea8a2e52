/**
 * The base of this library's errors, and how they print, together with users' errors that ended a task.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import { NodeInspectSymbol } from "effect/Inspectable"
import { listOf } from "../../engine/structures/path.ts"
import type { Path } from "../../engine/structures/path.ts"
import { isA, looked, unreadable } from "../values/looks.ts"
import type { Place } from "./rendering.ts"
import {
  causedBy,
  causesBelow,
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
 * Errors of the scheduler are made in its own code, far from the user's: their stack is their message, built when it is read, and
 * no frames are captured.
 */
export const Fact: typeof Data.TaggedError = (tag: string): any =>
  class Fact extends Data.TaggedError(tag)<any> {
    constructor(args: any) {
      const limit = Error.stackTraceLimit
      // If `Error` is frozen, the frames are captured, but not shown.
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

    /** The text for `console.log`. */
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

/** An error as JSON, or in words if it has no form in JSON. */
export const plainError = (error: unknown): unknown =>
  looked(() => {
    const plain = error instanceof Error && !("toJSON" in error) ? { name: error.name, message: error.message } : error
    JSON.stringify(plain)
    return plain
  }, describeError(error))

/** Whether it is an error of this library, whose message is complete. */
const isFact = (error: unknown): error is Error & { readonly _tag: string } =>
  isA(error, Error) && looked(() => made in error, false)

/** The message of `DependencyFailed`. */
interface Failed extends Error {
  readonly path: ReadonlyArray<string>
  readonly cause: Cause.Cause<unknown>
}

const isDependencyFailed = (error: unknown): error is Failed => isFact(error) && error._tag === "DependencyFailed"

export const isTaskSkipped = (error: unknown): boolean => isFact(error) && error._tag === "TaskSkipped"

const detailsOf = ({ cause, path }: Failed): string => {
  const info = infoOf(cause)
  return `\n    path: ${join(path)}${info === undefined ? "" : `\n    where: ${placeText(info)}`}`
}

/** The text of `TaskInfo` for a failure. */
export interface Info extends Place {
  readonly graph: number
  readonly root: string
  readonly path: ReadonlyArray<string>
}

/** The list behind the path of an error. */
const list = Symbol("~skein/Path")

/** Something with a path that may come from a list. */
interface Holder {
  readonly path: ReadonlyArray<string>
  readonly [list]?: Path
}

/** The arguments of an error whose path is built when it is read. */
export const withPath = <A extends object>(args: A, path: Path): A & Pick<Holder, "path"> =>
  ({ ...args, [list]: path }) as never

/** Adds the path of its arguments to an error. */
export const definePath = (error: object, args: Pick<Holder, "path">): void => {
  const path = (args as Holder)[list]
  if (path === undefined) return void Object.defineProperty(error, "path", { value: args.path })
  Object.defineProperty(error, list, { value: path })
  Object.defineProperty(error, "path", pathOfError)
}

/** Replaces the lazy path by the path that has been read. */
const keepPath = (holder: object, path: Path, enumerable: boolean): ReadonlyArray<string> => {
  const value = path.toArray()
  Object.defineProperty(holder, "path", { configurable: true, enumerable, value })
  return value
}

const pathOfError: PropertyDescriptor = {
  configurable: true,
  get(this: Required<Holder>): ReadonlyArray<string> {
    return keepPath(this, this[list], false)
  }
}

/** The `TaskInfo` of a failure, with a path that is built when it is read. */
export class Told implements Info {
  readonly #path: Path
  readonly key: string
  readonly graph: number
  readonly root: string
  readonly attempt: number
  readonly label: string | undefined
  readonly submitter: string
  readonly worker: string | undefined
  declare readonly path: ReadonlyArray<string>

  constructor(path: Path, { attempt, graph, label, submitter, worker }: Omit<Place, "key"> & Pick<Info, "graph">) {
    this.#path = path
    this.key = path.key
    this.graph = graph
    this.root = path.root
    this.attempt = attempt
    this.label = label
    this.submitter = submitter
    this.worker = worker
    Object.defineProperty(this, "path", Told.read)
  }

  private static readonly read: PropertyDescriptor = {
    configurable: true,
    enumerable: true,
    get(this: Told): ReadonlyArray<string> {
      return keepPath(this, this.#path, true)
    }
  }

  static listOf(holder: Pick<Holder, "path">): Path | undefined {
    return #path in holder ? holder.#path : undefined
  }
}

/** The list behind the path of an error or of a `TaskInfo`, from any copy of Skein. */
export const pathBehind = (holder: Pick<Holder, "path">): Path | undefined =>
  (holder as Holder)[list] ?? Told.listOf(holder) ?? listOf(holder.path)

export const infoKey = "skein/SkeinError/TaskInfo"

/** Where the failure of a cause happened, if a task failed with it. Test runners put other things in place of causes. */
export const infoOf = (cause: unknown): Info | undefined =>
  Cause.isCause(cause) ? Cause.annotations(cause).mapUnsafe.get(infoKey) : undefined

/** See `SkeinError.pretty`. */
export const prettyCause = (cause: Cause.Cause<unknown>): string => {
  const reasons = cause.reasons.filter(isFailure)
  if (reasons.length === 0) return Cause.pretty(cause)
  return reasons.map((reason) => looked(() => prettyReason(reason), unreadable)).join("\n")
}

const prettyReason = (reason: Cause.Fail<unknown> | Cause.Die): string => {
  const error = errorOf(reason)
  if (isDependencyFailed(error)) return `${error.stack}${causesOf(error.cause)}`
  const info = reason.annotations.get(infoKey) as Info | undefined
  if (info === undefined) {
    const chain = errorChain(error, reason.annotations)
    return `${chain[0]!.stack}${causedBy(chain.slice(1))}`
  }
  const frame = reason.annotations.get(Cause.StackTrace.key)
  const place = frame instanceof TaskFrame ? frame.place : info
  const path = isFirst(info) ? "" : `\n    path: ${join(info.path)}`
  const where = `${path}\n    where: ${placeText(place)}`
  return isFact(error)
    ? `${error.stack}${where}`
    : `${headOf(info, place, Cause.isFailReason(reason), describeError(error))}${where}${
      causesBelow(error, reason.annotations)
    }`
}

/** Whether the task failed by itself. */
export const isFirst = (info: Info): boolean => (pathBehind(info)?.length ?? 1) === 1

const causesOf = ({ reasons }: Cause.Cause<unknown>): string =>
  reasons.filter(isFailure).map((reason) => causesBelow(errorOf(reason), reason.annotations)).join("")

const headOf = (info: Info, place: Place, isTyped: boolean, error: string): string => {
  const task = named(info.key, info.label)
  if (isFirst(info)) return `Task ${task} ${isTyped ? "failed" : "failed with a defect"}: ${error}`
  const verb = info.attempt === 0 ? "did not start" : "failed"
  const of = named(place.key, place.label)
  return `Task ${task} ${verb}, because ${of} failed${isTyped ? "" : " with a defect"}: ${error}`
}
