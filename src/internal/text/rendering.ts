/**
 * Rendering of failures: short first lines, paths that fit on a screen, and stacks with the user's own frames only.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type { StackFrame } from "effect/References"
import type { Path } from "../../engine/structures/path.ts"
import { isA, looked, unreadableAs } from "../values/looks.ts"
import { brief } from "./brief.ts"
import { inLine, inLines, isCut, quote } from "./text.ts"

/** Where a failure happened. */
export interface Place {
  readonly key: string
  readonly label: string | undefined
  readonly attempt: number
  readonly worker: string | undefined
  readonly submitter: string
}

/** How many keys of a long path are shown at each end. */
const shownKeys = 4

/** A path, without its middle if it is long. */
const shortened = (keys: ReadonlyArray<string>): ReadonlyArray<string> =>
  keys.length <= 2 * shownKeys + 1 ? keys : [
    ...keys.slice(0, shownKeys),
    `… ${keys.length - 2 * shownKeys} more …`,
    ...keys.slice(-shownKeys)
  ]

export const join = (keys: ReadonlyArray<string>): string => shortened(keys).map((key) => inLine(key)).join(" -> ")

/** A task's key, with its label if that adds something. */
export const named = (key: string, label: string | undefined): string =>
  label === undefined || key === label || key.startsWith(`${label}#`) ? quote(key) : `${quote(key)} (${inLine(label)})`

/** Where a task failed. */
export const placeText = (place: Place): string => textOf(place, ` of ${quote(place.key)}`)

const textOf = ({ attempt, submitter, worker }: Place, of: string): string => {
  const by = `submitted by ${submitter === "program" ? "the program" : quote(submitter)}`
  if (attempt === 0) return `no attempt${of}, ${by}`
  return `attempt ${attempt}${of}${worker === undefined ? "" : ` on worker ${quote(worker)}`}, ${by}`
}

/** The first line of a text, cut if it is long. */
const firstLine = (text: string): string => {
  const end = text.indexOf("\n")
  const line = inLine(end < 0 ? text : text.slice(0, end))
  return end < 0 || isCut(line) ? line : `${line} …`
}

/** Any error in one line. */
export const describeError = (error: unknown): string => looked(() => lineOf(error), unreadableAs(error))

const lineOf = (error: unknown): string => {
  if (!(error instanceof Error)) return firstLine(typeof error === "string" ? error : brief(error))
  const tag = "_tag" in error && typeof error._tag === "string" ? error._tag : error.name
  return firstLine(error.message === "" ? tag : `${tag}: ${error.message}`)
}

// ---- stacks

/** Where the files of this library are. */
const home = new URL("../..", import.meta.url).pathname

/** In a bundle all files are one, the user's own among them. */
const isBundled = !/\/internal\/text\/rendering\.[jt]s$/.test(new URL(import.meta.url).pathname)

const isFrame = (line: string): boolean => /^\s+at /.test(line)

const isOfPlatform = (line: string): boolean => /node_modules\/(?:effect|@effect)\/|node:|<anonymous>\)?$/.test(line)

/** A stack without frames of Effect, of Node and of this library. */
const ownFrames = (stack: string): string => {
  const lines = stack.split("\n").filter((line) => !isFrame(line) || !isOfPlatform(line))
  const own = isBundled ? lines : lines.filter((line) => !isFrame(line) || !line.includes(home))
  return inLines(own.join("\n"))
}

/** Whether a reason is a failure of its own, typed or not. */
export const isFailure = (reason: Cause.Reason<unknown>): reason is Cause.Fail<unknown> | Cause.Die =>
  !Cause.isInterruptReason(reason)

/** The error of a reason, typed or not. */
export const errorOf = (reason: Cause.Fail<unknown> | Cause.Die): unknown =>
  Cause.isFailReason(reason) ? reason.error : reason.defect

/** How many errors of a chain of causes are shown. */
const shownCauses = 8

/** Any error, with the user's own frames of its stack, followed by its causes. */
export const errorChain = (error: unknown, annotations: ReadonlyMap<string, unknown>): ReadonlyArray<Error> => {
  const chain: Array<Error> = []
  const own = withoutTasks(annotations)
  const whole = isPrintable(error) ? looked(() => prettyError(error, own), undefined) : undefined
  const first = whole ?? prettyError(copyOf(error, shownCauses), own)
  for (let at: unknown = first; at instanceof Error && chain.length < shownCauses; at = at.cause) {
    const head = `${at.name}: ${at.message}`
    const stack = at.stack ?? head
    at.stack = ownFrames(at.message === "" && stack.startsWith(head) ? at.name + stack.slice(head.length) : stack)
    chain.push(at)
  }
  return chain
}

const prettyError = (error: unknown, annotations: ReadonlyMap<string, unknown>): Error => {
  const reason = Object.assign(Cause.makeFailReason(error), { annotations })
  return Cause.prettyErrors(Cause.fromReasons([reason]))[0]!
}

/** The readable part of an error that throws when it is read, or that has more causes than the stack allows. */
const copyOf = (error: unknown, causes: number): Error => {
  const read = (field: "cause" | "message" | "name" | "stack"): unknown =>
    looked(() => (error as Record<string, unknown>)[field], undefined)
  const text = (field: "message" | "name" | "stack"): string | undefined => {
    const found = read(field)
    return typeof found === "string" ? found : undefined
  }
  const inner = causes > 1 ? read("cause") : undefined
  const copy = new Error(
    text("message") ?? unreadableAs(error),
    inner === undefined ? {} : { cause: copyOf(inner, causes - 1) }
  )
  copy.name = text("name") ?? "Error"
  copy.stack = text("stack") ?? `${copy.name}: ${copy.message}`
  return copy
}

/** The causes below a line that describes an error. A value that is no error, and is in that line as a whole, adds nothing. */
export const causesBelow = (error: unknown, annotations: ReadonlyMap<string, unknown>): string => {
  const chain = errorChain(error, annotations)
  const isTold = chain.length === 1 && !isA(error, Error) && !chain[0]!.stack!.includes("\n    at ") &&
    !isCut(describeError(error))
  return isTold ? "" : causedBy(chain)
}

/** `Caused by` for each error of a chain. */
export const causedBy = (chain: ReadonlyArray<Error>): string =>
  chain.map(({ stack }) => `\n  Caused by ${stack!.split("\n").join("\n  ")}`).join("")

// ---- tasks in stacks

/**
 * Tasks as frames of a stack, which Effect's printers add to the error's: the task that failed first, then those that its failure
 * passed through. Built only when it is printed.
 */
export class TaskFrame implements StackFrame {
  readonly place: Place
  private readonly path: Path
  private readonly outer: StackFrame | undefined

  constructor(place: Place, path: Path, outer: StackFrame | undefined) {
    this.place = place
    this.path = path
    this.outer = outer
  }

  get name(): string {
    return `task ${named(this.place.key, this.place.label)}, ${textOf(this.place, "")}`
  }

  get parent(): StackFrame | undefined {
    const rest = this.path.toArray().slice(1)
    const shown = rest.length <= 4 ? rest : [rest[0]!, "", ...rest.slice(-2)]
    return shown.reduceRight<StackFrame | undefined>((parent, key) => ({
      name: key === "" ? `… ${rest.length - 3} more tasks` : `task ${quote(key)}`,
      stack: noStack,
      parent
    }), this.outer)
  }

  stack(): undefined {
    return undefined
  }

  /** The rest of the stack. */
  get beyond(): StackFrame | undefined {
    return this.outer
  }
}

const noStack = (): undefined => undefined

/** Annotations with the user's own frames only. */
const withoutTasks = (annotations: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> => {
  const frame = annotations.get(Cause.StackTrace.key)
  if (!(frame instanceof TaskFrame)) return annotations
  const others = new Map(annotations)
  if (frame.beyond === undefined) others.delete(Cause.StackTrace.key)
  else others.set(Cause.StackTrace.key, frame.beyond)
  return others
}

// ---- causes as errors

const { constructor: _, ...causeMethods } = Object.getOwnPropertyDescriptors(
  Object.getPrototypeOf(Cause.empty) as object
)

/**
 * A cause that prints as an error under `error.cause`: it has the name, the message and the user's frames of its error. To Effect
 * it is a cause like any other.
 */
const errorLikeCause: object = Object.create(Error.prototype, {
  ...causeMethods,
  name: { configurable: true, get: (): string => "Error" }
})

/** The cause of an error, as far as printers can follow it. */
const causeIn = (error: unknown): unknown => {
  const inner = looked(() => (error as { readonly cause?: unknown } | null | undefined)?.cause, undefined)
  return isPrintable(inner) ? inner : copyOf(inner, shownCauses)
}

/** Printers follow causes to the end, or until the stack overflows. */
const isPrintable = (error: unknown): boolean =>
  looked(() => {
    let at = error
    for (let i = 0; i < 100; i++) {
      if (typeof at !== "object" || at === null) return true
      // Read as printers do.
      if (at instanceof Error) void [at.name, at.message, at.stack]
      at = (at as { readonly cause?: unknown }).cause
    }
    return false
  }, false)

export const asError = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> => {
  if (Object.getPrototypeOf(cause) === errorLikeCause) return cause
  const hidden = (value: unknown): PropertyDescriptor => ({ configurable: true, value })
  const first = cause.reasons.find(isFailure)
  const error = first === undefined ? undefined : errorOf(first)
  const own = (): Error => errorChain(error, first?.annotations ?? new Map())[0]!
  const hasCause = looked(() => (error as { readonly cause?: unknown } | undefined)?.cause !== undefined, false)
  return Object.create(errorLikeCause, {
    [Cause.TypeId]: hidden(Cause.TypeId),
    reasons: hidden(cause.reasons),
    name: { configurable: true, get: () => own().name },
    message: { configurable: true, get: () => own().message },
    stack: { configurable: true, get: () => own().stack },
    ...(hasCause && { cause: { configurable: true, get: () => causeIn(error) } })
  }) as Cause.Cause<unknown>
}
