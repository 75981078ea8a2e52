/**
 * What makes a task the same as another: its key, given or made of a call, and who may join whose run.
 *
 * @internal
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import type { GraphReason } from "../SkeinError.ts"
import { encode } from "./canonical.ts"
import type { Encoded } from "./canonical.ts"
import { isDependency } from "./dependency.ts"
import { Given } from "./inputs.ts"
import { isFuture, isTask, noHandles, TaskImpl } from "./task.ts"

/** The explicit key of a task, the one that its name and arguments make, or why they make none. */
export const keyFor = (
  task: TaskImpl,
  home: object,
  keyOf: (argument: TaskImpl) => string | undefined
): string | undefined | GraphReason => {
  const { key, name, pure } = task.options
  if (key !== undefined || pure !== true) return key
  if (name === undefined || name === "") {
    const expected = "a key, or a function with a name, beside it"
    return { _tag: "InvalidOption", key: givenName(task), option: "pure", value: true, expected }
  }
  const encoded = encode(task.inputs, (value) => encodeHandle(value, home, keyOf), "arguments")
  if ("text" in encoded) return keyOfCall(name, encoded.text)
  return { _tag: "InvalidArgument", key: name, path: encoded.path, why: encoded.why }
}

const encodeHandle = (
  value: unknown,
  home: object,
  keyOf: (argument: TaskImpl) => string | undefined
): Encoded | { readonly value: unknown } | undefined => {
  if (value instanceof Given) return value
  // A record of one could be taken for a policy, but that has a call for a key.
  if (isDependency(value)) return { value: ["Dependency", value.policy, value.shaped(value.handles)] }
  if (isFuture(value)) {
    // The scheduler's name only where it is another, which is refused: names must not depend on what else the process runs.
    const elsewhere = value.core === home ? "" : `${value.core.name}/`
    return { text: `future(${elsewhere}${value.submission.sequence + value.index})` }
  }
  if (!isTask(value)) return undefined
  if (value.body._tag === "value") return value.body
  const key = keyOf(value)
  if (key === undefined) return { path: "", why: "it is a task without a key" }
  return { text: `task(${JSON.stringify(key)})` }
}

/** Runs in place of the task that it stands for, under its key. */
export abstract class StandIn extends TaskImpl {
  abstract readonly origin: TaskImpl
}

/** Stands for a task whose result was in the cache. */
export class CachedTask extends StandIn {
  readonly origin: TaskImpl

  constructor(origin: TaskImpl, value: unknown) {
    const { key, label, priority } = origin.options
    super({ _tag: "value", value }, undefined, "none", noHandles, { key, label, priority }, undefined)
    this.origin = origin
  }
}

const originOf = (task: TaskImpl): TaskImpl => task instanceof StandIn ? originOf(task.origin) : task

/** Keys longer than this are shortened to 128 bits of their SHA-256. */
const maxKeyLength = 120

const keyOfCall = (name: string, args: string): string => {
  const text = `${name}(${args.startsWith("[") ? args.slice(1, -1) : args})`
  return text.length <= maxKeyLength ? text : `${name}(${bytesToHex(sha256(utf8ToBytes(text)).subarray(0, 16))})`
}

/** Whether submitting `b` may join the run of `a`. */
export const areSame = (a: TaskImpl, b: TaskImpl): boolean => {
  const first = originOf(a)
  const second = originOf(b)
  return first === second || (first.options.pure === true && second.options.pure === true)
}

/** What a task is called in what it was given. */
export const givenName = ({ options }: TaskImpl): string | undefined =>
  options.key || options.label || options.name || undefined

export const nameOf = (task: TaskImpl): string => givenName(task) ?? "task"
