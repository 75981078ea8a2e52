/**
 * What travels: a body has a name, and its values have a codec. Where the task runs, a registry finds the function by the name. No
 * code travels.
 *
 * ```text
 * [near side] -- name, encoded payload ---------> [far side: Registry.find(name), run]
 *             <-- encoded success, or error --
 * ```
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Result from "effect/Result"

/** The name and the codec in the body of a portable task. Each maker of tasks has one, compared by identity. */
export interface Named {
  /** Unique among the tasks of a program: `Tokenize`, or `file:///app/work.ts#primes` for an export of a module. */
  readonly name: string
  /** From 1, in the order of the definitions in this process. */
  readonly number: number
  readonly codec: Codec
  /** It stands for several calls of its name: see `batches.ts`. */
  readonly isBatch?: true
  /** The name of several of its calls. It stands here so that programs without named tasks load no schemas for their ends. */
  readonly batchOf: (one: Named) => Named
  /** What can run a task that is submitted in this context. */
  readonly placeIn: (context: Context.Context<never>) => Place
}

/**
 * What can run the tasks of one name: workers of either kind, those of other processes alone, or none. "asked": this is a worker
 * elsewhere, whose scheduler is asked to run them.
 */
export type Place = "here" | "elsewhere" | "asked" | { readonly known: ReadonlyArray<string> }

/** Labels for people, by the numbers of names. */
const known: Array<string | undefined> = [undefined]

export const labels: ReadonlyArray<string | undefined> = known

/** With a label, that is the label of tasks of this name which have none of their own. */
export const makeNamed = (
  name: string,
  codec: Codec,
  placeIn: Named["placeIn"],
  batchOf: Named["batchOf"],
  label?: string
): Named => ({ name, number: known.push(label) - 1, codec, placeIn, batchOf })

/** A name for people: the path of a module is cut. */
export const shown = (name: string): string => name.includes("://") ? name.slice(name.lastIndexOf("/") + 1) : name

/** How the values of one name travel. All functions are synchronous and never throw. */
export interface Codec {
  readonly payload: Way
  readonly success: Way
  /** Of one typed error. */
  readonly error: Way
}

/** How values of one kind travel. Each fault is text for people, with the path of the value. */
export interface Way {
  /** A structured clone keeps every value of this kind: `encode` returns its argument, and a sender need not call it. */
  readonly asIs: boolean
  /** The fault in a value at the side where it was made, if any. */
  readonly check: (value: unknown) => string | undefined
  /** What `structuredClone` keeps of the value. */
  readonly encode: (value: unknown) => Result.Result<unknown, string>
  /** The value again, checked. With `asIs` it is the argument. */
  readonly decode: (wire: unknown) => Result.Result<unknown, string>
}

/** What runs the tasks of one name in this process. */
export interface Implementation {
  readonly named: Pick<Named, "name" | "codec">
  /** The label of tasks of this name which have none of their own. */
  readonly label: string | undefined
  /** Returns a value, a promise or an Effect; it may throw. A value that is no object needs no fiber. */
  readonly run: (payload: unknown) => unknown
  /** The services of its Effect, beside those that every body has. */
  readonly context: Context.Context<never>
}

/** All that a process implements. Names come from here alone, never from a message: a message has numbers of this list. */
export interface Registry {
  readonly names: ReadonlyArray<string>
  readonly find: (name: string) => Implementation | undefined
}

/** Everything that a structured clone takes, unchecked: a sender hears of the rest by a `DataCloneError`. */
export const unchecked: Way = {
  asIs: true,
  check: () => undefined,
  encode: Result.succeed,
  decode: Result.succeed
}

/** A result without a value: whatever a function returned, nothing is sent. */
export const nothing: Way = {
  asIs: false,
  check: () => undefined,
  encode: () => Result.succeed(undefined),
  decode: () => Result.succeed(undefined)
}

/** The registry of these implementations; of two with one name, the last. */
export const registryOf = (implementations: Iterable<Implementation>): Registry => {
  const byName = new Map<string, Implementation>()
  for (const each of implementations) byName.set(each.named.name, each)
  return { names: [...byName.keys()], find: (name) => byName.get(name) }
}
