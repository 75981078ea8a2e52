/**
 * Functions that a module exports, as implementations. A name is the URL of the module and the name of an export; the URL comes from
 * the options of a layer or of a definition, never from a message.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { describeError } from "../text/rendering.ts"
import { quote } from "../text/text.ts"
import { looked } from "../values/looks.ts"
import { batchOf } from "./batches.ts"
import { called, finding, isElsewhere, ran } from "./handlers.ts"
import type { Running } from "./handlers.ts"
import { makeNamed, unchecked } from "./named.ts"
import type { Codec, Implementation, Named, Place, Way } from "./named.ts"
import { wayOf } from "./ways.ts"

/** The classes of errors that both sides know: schemas with an identifier. */
export type ErrorClasses = ReadonlyArray<Schema.Constraint & { readonly identifier: string }>

/** What a module exports. */
export type Namespace = Readonly<Record<string, unknown>>

/** Everything is sent as a clone; the types have refused what a clone does not keep. */
const codecOf = (classes: ErrorClasses): Codec => ({
  payload: unchecked,
  success: unchecked,
  error: classErrors(classes)
})

const nameOf = (url: string, name: string): string => `${url}#${name}`

/** The functions of a module that was imported, as what a process implements. */
export const implementationsOf = (url: string, namespace: Namespace): ReadonlyArray<Implementation> => {
  // Errors are encoded by their own classes: only who decodes them needs a list.
  const codec = codecOf([])
  return functionsIn(namespace).map((name) => implementationOf({ name: nameOf(url, name), codec }, namespace, name))
}

const functionsIn = (namespace: Namespace): ReadonlyArray<string> =>
  Object.keys(namespace).filter((name) => name !== "then" && typeof namespace[name] === "function")

const implementationOf = (
  named: Implementation["named"],
  namespace: Namespace,
  name: string
): Implementation => ({
  named,
  label: name,
  run: (args) => {
    const f = namespace[name] as (...args: ReadonlyArray<unknown>) => unknown
    return ran(f(...args as ReadonlyArray<unknown>))
  },
  context: Context.empty()
})

/** A module, as those who submit its functions know it. */
export class PortableModule {
  readonly url: string
  private readonly codec: Codec
  /** The handler of all its functions. */
  private readonly findAll: ReturnType<typeof finding>
  private readonly byName = new Map<string, Named>()
  /** The names of its functions, after one process has told them. */
  private exports: ReadonlyArray<string> | undefined
  private namespace: Namespace | undefined

  constructor(url: string, classes: ErrorClasses) {
    this.url = url
    this.codec = codecOf(classes)
    this.findAll = finding(url)
  }

  /** The name of an export. Whether there is one may be known only later. */
  named(name: string): Named {
    let named = this.byName.get(name)
    if (named === undefined) {
      const whole = nameOf(this.url, name)
      this.byName.set(name, named = makeNamed(whole, this.codec, this.placing(name, whole), batchOf, name))
    }
    return named
  }

  private placing(name: string, whole: string): Named["placeIn"] {
    const find = finding(whole)
    return (context): Place => {
      if (this.exports?.includes(name) === false) return { known: this.exports }
      if (find(context)?.ask !== undefined) return "asked"
      return isElsewhere(this.findAll(context)) ? "elsewhere" : "here"
    }
  }

  /** A process has told the names of all that it implements. */
  learn(names: Iterable<string>): void {
    const start = nameOf(this.url, "")
    const own = Array.from(names).filter((name) => name.startsWith(start)).map((name) => name.slice(start.length))
    if (own.length > 0) this.exports = own
  }

  /** Runs one of its functions in this process, which imports it for that; in a worker elsewhere, asks for it. */
  runHere(name: string): Running {
    const named = this.named(name)
    const find = finding(named.name)
    let known: Running["run"] | undefined
    return {
      run: (args) =>
        Effect.contextWith((context: Context.Context<never>) => {
          const asked = find(context)?.ask?.(named, args)
          if (asked !== undefined) return asked
          if (known !== undefined) return known(args)
          return Effect.flatMap(this.implementation(name), (implementation) => {
            known = (args) => called(implementation, args)
            return known(args)
          })
        }),
      here: (context) => known !== undefined && find(context)?.ask === undefined ? known : undefined
    }
  }

  private implementation(name: string): Effect.Effect<Implementation> {
    return Effect.flatMap(this.load, (namespace) => {
      if (Object.hasOwn(namespace, name) && typeof namespace[name] === "function") {
        return Effect.succeed(implementationOf(this.named(name), namespace, name))
      }
      const known = functionsIn(namespace).map((each) => quote(each)).join(", ")
      return Effect.die(new TypeError(`The module ${this.url} exports no function ${quote(name)}. It has ${known}.`))
    })
  }

  private get load(): Effect.Effect<Namespace> {
    if (this.namespace !== undefined) return Effect.succeed(this.namespace)
    return Effect.map(importModule(this.url), (namespace) => {
      this.exports = functionsIn(namespace)
      return this.namespace = namespace
    })
  }
}

/** Imports a module by its URL, which dies of what the module throws. */
export const importModule = (url: string): Effect.Effect<Namespace> =>
  Effect.promise((): Promise<Namespace> => import(/* @vite-ignore */ /* webpackIgnore: true */ url))

// ---- errors

/** An error of a listed class, or plain data. */
interface WireClassError {
  /** The identifier of its class; absent for plain data. */
  readonly type?: string
  readonly error: unknown
}

const ways = new WeakMap<object, Way>()

const wayOfClass = (type: Schema.Constraint): Way => {
  let way = ways.get(type)
  if (way === undefined) ways.set(type, way = wayOf(type))
  return way
}

/** Errors by the schemas of their own classes, and plain data by a clone. `classes` are those that can be decoded. */
const classErrors = (classes: ErrorClasses): Way => {
  const known = new Map(classes.map((each) => [each.identifier, each]))
  const encode = (error: unknown): Result.Result<WireClassError, string> => {
    const type = looked(() => classOf(error), undefined)
    if (type !== undefined) {
      return Result.map(wayOfClass(type).encode(error), (wire) => ({ type: type.identifier, error: wire }))
    }
    const clone = Result.try(() => structuredClone(error))
    return Result.isSuccess(clone) && looked(() => isPlain(error, clone.success), false)
      ? Result.succeed({ error: clone.success })
      : Result.fail(`it is an instance of a class that is no Schema.TaggedError: ${describeError(error)}`)
  }
  return {
    asIs: false,
    check: (error) =>
      Result.match(Result.flatMap(encode(error), ({ type }) => listed(known, type)), {
        onFailure: (fault) => fault,
        onSuccess: () => undefined
      }),
    encode,
    decode: (wire) => {
      const { error, type } = wire as WireClassError
      return Result.flatMap(
        listed(known, type),
        (each) => each === undefined ? Result.succeed(error) : wayOfClass(each).decode(error)
      )
    }
  }
}

const listed = (
  known: ReadonlyMap<string, Schema.Constraint>,
  type: string | undefined
): Result.Result<Schema.Constraint | undefined, string> => {
  if (type === undefined) return Result.succeed(undefined)
  const found = known.get(type)
  return found === undefined
    ? Result.fail(`it is a ${type}, a class that is not in the errors of its module`)
    : Result.succeed(found)
}

/** The class of an error if that is a schema. */
const classOf = (error: unknown): ErrorClasses[number] | undefined => {
  if (typeof error !== "object" || error === null) return undefined
  const { constructor } = error
  return Schema.isSchema(constructor) && "identifier" in constructor ? constructor as never : undefined
}

/** Whether a clone is of the same class. */
const isPlain = (value: unknown, clone: unknown): boolean =>
  typeof value !== "object" || value === null ||
  [null, Object.getPrototypeOf(clone)].includes(Object.getPrototypeOf(value))
