/**
 * The identity of tasks: their keys, given or made from calls, their work, and which runs may be joined.
 *
 * A key names a task within its graph. Tasks of two graphs are one run if they do the same work: they are one object, or both
 * are pure, of one function, with equal arguments. In a namespace a key names a task for all graphs.
 *
 * @internal
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import * as Context from "effect/Context"
import type { Identity, Settings } from "../../engine/protocol/Plan.ts"
import { InvalidArgument, KeyConflict } from "../text/reasons.ts"
import { encode } from "./canonical.ts"
import type { Encoded } from "./canonical.ts"
import { isDependency } from "./dependency.ts"
import { Given } from "./inputs.ts"
import { Mistake } from "./mistake.ts"
import { isFuture, isTask, noHandles, TaskImpl } from "./task.ts"
import type { PlainValue } from "./task.ts"
import { Border } from "./worker.ts"

/** The name and the work of a task with a key: the work is equal for equal tasks of one key. */
export interface Named {
  readonly key: string
  readonly work: Identity
}

/** The name and the work of a dependency; nothing without a key. */
type NamedOf = (argument: TaskImpl) => Named | undefined

/** The name and the work of a task, `undefined` without a key; or why a pure call has no key. */
export const namedIn = (
  task: TaskImpl,
  home: object,
  namedOf: NamedOf
): Named | undefined | InvalidArgument | Mistake => {
  const { key, name, pure } = task.options
  if (pure !== true) return key === undefined ? undefined : { key, work: task }
  if (key === undefined && (name === undefined || name === "")) {
    const expected = "a key, or a function with a name, beside it"
    return new Mistake({ _tag: "InvalidOption", key: givenName(task), option: "pure", value: true, expected })
  }
  const works: Array<string> = []
  const encoded = encode(task.inputs, (value) => encodeHandle(value, home, namedOf, works), "arguments")
  // Without an encoding of its arguments it cannot be compared with another.
  if ("path" in encoded && key !== undefined) return { key, work: task }
  if ("path" in encoded) return new InvalidArgument({ key: name!, path: encoded.path, why: encoded.why })
  const code = codeOf(task)
  if (key !== undefined) return { key, work: shortened(`${code}[${works.join()}]${encoded.text}`) }
  const work = works.length === 0 ? code : shortened(`${code}[${works.join()}]`)
  return { key: keyOfCall(name!, encoded.text), work }
}

/** `works` collects the work of tasks among the arguments, which their keys do not contain. */
const encodeHandle = (
  value: object,
  home: object,
  namedOf: NamedOf,
  works: Array<string>
): Encoded | { readonly value: unknown } | undefined => {
  if (value instanceof Given) return value
  // A record with one field could be taken for a policy, but the key of a policy is a call.
  if (isDependency(value)) return { value: ["Dependency", value.policy, value.shaped(value.handles)] }
  if (isFuture(value)) {
    // The name of the scheduler only if it is another one, which is refused: names must not depend on other schedulers of the
    // process.
    const elsewhere = value.home === home ? "" : `${value.home.name}/`
    return { text: `future(${elsewhere}${value.submission.sequence + value.index})` }
  }
  if (!isTask(value)) return undefined
  if (value.kind === "value") return value.body as PlainValue
  const named = namedOf(value)
  if (named === undefined) return { path: "", why: "it is a task without a key" }
  works.push(typeof named.work === "string" ? named.work : `${numberOf(named.work)}`)
  return { text: `task(${JSON.stringify(named.key)})` }
}

/** The name and the work of a task with these settings. */
export const namedBy = (settings: Settings | undefined): Named | undefined =>
  settings?.key === undefined ? undefined : settings as Named

/** Where a task is submitted, as far as its identity is concerned. */
interface Region {
  readonly annotations: { readonly namespace?: string | undefined }
  readonly context: Context.Context<never>
}

/** The identity by which the live run of a task is found, in a namespace or outside. */
export const identityIn = ({ annotations, context }: Region, key: string, work: Identity): Identity => {
  const border = Context.get(context, Border)
  const identity = identityOf(annotations.namespace, key, work)
  if (border === undefined) return identity
  // What a body elsewhere submits there ends with it, so another body must not join it.
  return `${numberOf(border)} ${typeof identity === "string" ? identity : `${numberOf(identity)}:${key}`}`
}

const identityOf = (namespace: string | undefined, key: string, work: Identity): Identity => {
  if (namespace !== undefined) return `${JSON.stringify(namespace)}${key}`
  return typeof work === "string" ? `${work}:${key}` : work
}

/** Whether the task of an identity is in a namespace, or outside of all; submitted by a body elsewhere or not. */
export const isInNamespace = (namespace: string | undefined, identity: Identity): boolean => {
  const within = typeof identity === "string" ? identity.replace(/^\d+ /, "") : ""
  return namespace === undefined ? !within.startsWith("\"") : within.startsWith(JSON.stringify(namespace))
}

/** Numbers of objects, for texts in which only their identity counts. */
const numbers = new WeakMap<object, number>()
let lastNumber = 0

export const numberOf = (object: object): number => {
  const known = numbers.get(object)
  if (known !== undefined) return known
  numbers.set(object, ++lastNumber)
  return lastNumber
}

/** The number of a wrapped function. It is part of the work of its calls, and of tasks that use their results. */
export const codeOfFunction = (f: object, tuple: number | undefined): string =>
  tuple === undefined ? `${numberOf(f)}` : `${numberOf(f)}/${tuple}`

/** The function or the effect of a pure task, and its kind. Calls of a wrapped function carry its number. */
const codeOf = (task: TaskImpl): string => {
  const { body, options } = task
  if (options.code !== undefined) return options.code
  if (body._tag === "value" || body._tag === "exit") return `${numberOf(task)}`
  const constant = body._tag === "effect" ? body.constant : undefined
  return `${body._tag} ${numberOf(constant ?? body.run)}`
}

/** Stands for a task whose result was in the cache. */
export class CachedTask extends TaskImpl {
  constructor({ options: { key, label, priority } }: TaskImpl, value: unknown) {
    super({ _tag: "value", value }, undefined, "none", noHandles, { key, label, priority }, undefined)
  }
}

/** Keys longer than this are shortened to 128 bits of their SHA-256. */
const maxKeyLength = 120

/** The same for the work of pure tasks, which is never shown. */
const maxWorkLength = 160

const digestOf = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)).subarray(0, 16))

const shortened = (work: string): string => work.length <= maxWorkLength ? work : digestOf(work)

const keyOfCall = (name: string, args: string): string => {
  const text = `${name}(${args.startsWith("[") ? args.slice(1, -1) : args})`
  return text.length <= maxKeyLength ? text : `${name}(${digestOf(text)})`
}

/** Why a task cannot have its key, which a task with this work has. */
export const conflict = (key: string, task: TaskImpl, other: Identity, where: string): KeyConflict => {
  const arePure = task.options.pure === true && typeof other === "string"
  const who = !arePure ? "another task" : task.options.key === undefined ? "a call of another function" : "other work"
  return new KeyConflict({ key, why: `${who} ${where} has it`, ...(arePure && { pure: true as const }) })
}

/** Why a submission is refused whose key a live task has. */
export const refusedConflict = (key: string, graph: number): KeyConflict =>
  new KeyConflict({ key, why: `a live task of graph ${graph} has it, and the submission refuses that`, graph })

export const inGraph = "of this graph"

export const inNamespace = (namespace: string): string => `in the namespace ${JSON.stringify(namespace)}`

/** The name of a task among arguments. */
export const givenName = ({ options }: TaskImpl): string | undefined =>
  options.key || options.label || options.name || undefined

export const nameOf = (task: TaskImpl): string => givenName(task) ?? "task"
