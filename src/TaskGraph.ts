/**
 * Tasks under keys: graphs as values, which can be built key by key, imported, picked from, drawn and computed.
 *
 * `Client.compute(graph)` runs a graph and returns a record of all values. {@link compute} runs what some keys need. Functions that
 * draw or order a graph also accept a task or any shape of tasks.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type { Client as ClientService, ComputeOptions, Failure, Mode, Result } from "./Client.ts"
import * as Client from "./Client.ts"
import * as internal from "./internal/graphs/graph.ts"
import { settled } from "./internal/graphs/graphImport.ts"
import type { TaskGraph, Untyped } from "./internal/graphs/typed.ts"
import { checkOf, holdsValues, invalidOption, valueFault } from "./internal/tasks/checks.ts"
import { makeTask } from "./internal/tasks/makeTask.ts"
import { normalize } from "./internal/tasks/options.ts"
import type { Ran, RanError, RanServices, RanSuccess } from "./internal/tasks/ran.ts"
import type { Lifted, Needs, Own, Services, Upstream } from "./internal/tasks/shapes.ts"
import { isRecord, noOptions, toEffect } from "./internal/tasks/task.ts"
import type { IsAny } from "./internal/values/isAny.ts"
import { SubmitError, UnknownKey } from "./SkeinError.ts"
import type { NoOptions, OptionErrors, Options, OptionServices, OptionsFor, Task } from "./Task.ts"

export type { TaskGraph, Untyped } from "./internal/graphs/typed.ts"

type KeyOf<T> = keyof T & string

type Simplify<T> = { readonly [K in keyof T]: T[K] } & {}

/**
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Added<T, K extends string, N> = Simplify<Omit<T, K> & { readonly [P in K]: N }>

/** A key that the graph does not have, as far as the types know both. */
type Free<T, K extends string> = string extends K ? unknown
  : string extends keyof T ? unknown
  : K extends keyof T ? { readonly "this key is taken": K }
  : unknown

type Dependencies<T, D extends ReadonlyArray<string>> = { readonly [P in D[number]]: P extends keyof T ? T[P] : never }

type ValuesAt<T, D extends ReadonlyArray<string>> = {
  readonly [P in D[number]]: P extends keyof T ? T[P] extends Task<infer A, any, any> | undefined ? A : never : never
}

type ErrorsOf<T, D extends ReadonlyArray<string>, E, O> = Own<E> | Upstream<Dependencies<T, D>> | OptionErrors<O>

type ServicesOf<T, D extends ReadonlyArray<string>, R, O> =
  | Needs<R>
  | Services<Dependencies<T, D>>
  | OptionServices<O>

const impl = (graph: unknown): internal.GraphImpl => graph as internal.GraphImpl

/**
 * Whether a value is a `TaskGraph`.
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isTaskGraph = (u: unknown): u is TaskGraph<Readonly<Record<string, Task<unknown, unknown, unknown>>>> =>
  internal.isAnyGraph(u)

/**
 * The graph without tasks.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const empty: TaskGraph = internal.fromEntries(new Map()) as any

/**
 * A graph of the tasks of a record.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = <const T extends { readonly [K in keyof T]: Task<any, any, any> }>(
  tasks: T
): TaskGraph<Simplify<T>> =>
  internal.fromEntries(
    new Map(Object.entries(tasks).map(([key, task]) => [key, { task: internal.toTask(task), label: key }]))
  ) as any

/**
 * Adds a task, or an effect of the values of tasks that the graph has, under a new key.
 *
 * **Details**
 *
 * The key is the task's key and, unless it has one, its label. A key that is taken does not compile; where the types cannot
 * know, it is a `SubmitError` at submission.
 *
 * **Example** (A graph key by key)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, TaskGraph } from "skein"
 *
 * const graph = TaskGraph.empty.pipe(
 *   TaskGraph.add("x", Task.succeed(1)),
 *   TaskGraph.add("y", ["x"], ({ x }) => Effect.succeed(x + 1)),
 *   TaskGraph.add("z", ["x", "y"], ({ x, y }) => Effect.succeed(x + y))
 * )
 * const program = Client.compute(graph).pipe(Effect.provide(Skein.layer()))
 * program // => { x: 1, y: 2, z: 3 }
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const add: {
  <const K extends string, N extends Task<any, any, any>>(
    key: K,
    task: N
  ): <T>(self: TaskGraph<T> & Free<T, K>) => TaskGraph<Added<T, K, N>>
  <
    T,
    const K extends string,
    const D extends ReadonlyArray<string>,
    A,
    E,
    R,
    const O extends OptionsFor<O, E> = NoOptions<E>
  >(
    key: K,
    dependencies: D & ReadonlyArray<KeyOf<T>>,
    run: (values: ValuesAt<T, D>) => Effect.Effect<A, E, R>,
    options?: O
  ): (self: TaskGraph<T> & Free<T, K>) => TaskGraph<Added<T, K, Task<A, ErrorsOf<T, D, E, O>, ServicesOf<T, D, R, O>>>>
  <T, const K extends string, N extends Task<any, any, any>>(
    self: TaskGraph<T> & Free<T, K>,
    key: K,
    task: N
  ): TaskGraph<Added<T, K, N>>
  <
    T,
    const K extends string,
    const D extends ReadonlyArray<string>,
    A,
    E,
    R,
    const O extends OptionsFor<O, E> = NoOptions<E>
  >(
    self: TaskGraph<T> & Free<T, K>,
    key: K,
    dependencies: D & ReadonlyArray<KeyOf<T>>,
    run: (values: ValuesAt<T, D>) => Effect.Effect<A, E, R>,
    options?: O
  ): TaskGraph<Added<T, K, Task<A, ErrorsOf<T, D, E, O>, ServicesOf<T, D, R, O>>>>
  // TypeScript 7 reports the errors of the last overload with as many arguments.
  <T, const K extends string, const D extends ReadonlyArray<string>, A, E, R>(
    key: K,
    dependencies: D & ReadonlyArray<KeyOf<T>>,
    run: (values: ValuesAt<T, D>) => Effect.Effect<A, E, R>
  ): (
    self: TaskGraph<T> & Free<T, K>
  ) => TaskGraph<Added<T, K, Task<A, ErrorsOf<T, D, E, NoOptions>, ServicesOf<T, D, R, NoOptions>>>>
} = dual(
  (args) => internal.isAnyGraph(args[0]),
  (self: internal.GraphImpl, key: string, what: unknown, run?: (values: any) => any, options?: Options): any =>
    internal.add(self, key, {
      task: run === undefined ? internal.toTask(what) : dependent(what as ReadonlyArray<string>, run, options),
      label: key
    })
)

const dependent = (keys: ReadonlyArray<string>, run: (values: any) => any, options: Options | undefined) =>
  makeTask({ _tag: "effect", run }, Object.fromEntries(keys.map((key) => [key, internal.ref(key)])), normalize(options))

/**
 * A reference to the value of another task of the same graph, in {@link fromRecord} and in {@link call}. Plain strings are never
 * references. Outside of a graph with that key it is a `SubmitError`.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const ref = (key: string): Task<any> => internal.ref(key) as any

/** To the types, an untyped function returns a plain value, and so does one that throws. */
type Called<Return, I> = IsAny<Return> extends true ? Task<any, Upstream<I>, Services<I>>
  : [Return] extends [never] ? Task<never, Upstream<I>, Services<I>>
  : Return extends Ran
    ? Task<RanSuccess<Return>, Own<RanError<Return>> | Upstream<I>, Needs<RanServices<Return>> | Services<I>>
  : Task<Return, Upstream<I>, Services<I>>

/**
 * A call of a function, with {@link ref}s and other calls anywhere in its arguments. The function returns an `Effect` or a
 * plain value; its name is the task's label.
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const call = <P extends ReadonlyArray<any>, Return, const I extends { readonly [K in keyof P]: Lifted<P[K]> }>(
  f: (...args: P) => Return,
  ...args: I
): Called<Return, I> =>
  makeTask(
    { _tag: "effect", run: (values) => toEffect(f(...values as any)) },
    args,
    f.name === "" ? noOptions : { label: f.name }
  ) as any

/**
 * A graph from a dictionary, as in Dask. Each value is a literal, a {@link call} or another task, or a {@link ref}, which makes
 * an alias. Literals may contain refs.
 *
 * **Details**
 *
 * A cycle fails with its path, and a missing key with its dependents, before anything starts. Keys in `cache` get their results
 * from there, falsy ones too. The idea is Dask's.
 *
 * **Example** (A dictionary)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Skein, TaskGraph } from "skein"
 *
 * const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => a + b, 0)
 * const program = Effect.gen(function*() {
 *   const graph = yield* TaskGraph.fromRecord({
 *     x: 1,
 *     y: TaskGraph.call((x: number) => x + 1, TaskGraph.ref("x")),
 *     z: TaskGraph.call(sum, [TaskGraph.ref("x"), TaskGraph.ref("y"), 10])
 *   })
 *   return yield* TaskGraph.compute(graph, ["z", ["x", "y"]])
 * }).pipe(Effect.provide(Skein.layer()))
 * program // => [13, [1, 2]]
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fromRecord = <const I extends Readonly<Record<string, unknown>>>(
  record: I,
  options?: { readonly cache?: Cache | undefined }
): Effect.Effect<Untyped<unknown, Services<I>>, SubmitError> =>
  Effect.suspend(() => {
    const fault = valueFault(tasksByKey, "record of TaskGraph.fromRecord", record)
    return fault === undefined ? settled(internal.fromRecord(record, options?.cache)) : Effect.die(fault)
  }) as any

const tasksByKey = checkOf("a record of literals, calls and references", holdsValues)

/**
 * Results by key, such as a `Map`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Cache extends internal.Cached {}

/**
 * Keys in any nesting of arrays and records.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type KeyShape<K extends string> = K | ReadonlyArray<KeyShape<K>> | { readonly [name: string]: KeyShape<K> }

/** The keys in a shape. */
type KeysIn<S> = S extends string ? S
  : S extends ReadonlyArray<infer X> ? KeysIn<X>
  : S extends object ? KeysIn<S[keyof S]>
  : never

type Wanted<T, S> = T[KeysIn<S> & keyof T]

/**
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Filled<T, S, M extends Mode> = S extends KeyOf<T> ? Result<T[S], M>
  : S extends string ? never
  : { -readonly [P in keyof S]: Filled<T, S[P], M> }

/**
 * Runs what the keys in `shape` need, and returns their values in the same shape.
 *
 * **Details**
 *
 * Each task runs once, however often its key occurs. A shape without keys is returned as it is, and runs nothing. A key that the
 * graph does not have is a `SubmitError` before anything starts.
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const compute: {
  <T, const S, const M extends Mode = "failFast">(
    self: TaskGraph<T>,
    shape: S & KeyShape<KeyOf<T>>,
    options?: ComputeOptions<M>
  ): Effect.Effect<
    Filled<T, S, M>,
    Failure<Wanted<T, S>, M> | SubmitError,
    Needs<Services<Wanted<T, S>>> | ClientService
  >
  <T, const S, const M extends Mode = "failFast">(
    shape: S & KeyShape<KeyOf<T>>,
    options?: ComputeOptions<M>
  ): (self: TaskGraph<T>) => Effect.Effect<
    Filled<T, S, M>,
    Failure<Wanted<T, S>, M> | SubmitError,
    Needs<Services<Wanted<T, S>>> | ClientService
  >
} = dual(
  (args) => internal.isAnyGraph(args[0]),
  (self: internal.GraphImpl, shape: unknown, options?: ComputeOptions): any =>
    Effect.suspend(() => {
      if (!internal.isTaskGraph(self)) return Effect.die(invalidOption("graph of TaskGraph.compute", self, "a graph"))
      const { tasks } = self
      const places = new Map<string, number>()
      const stranger = strangerIn(shape)
      if (stranger !== undefined) return Effect.die(stranger)
      mapKeys(shape, (key) => places.has(key) ? undefined : places.set(key, places.size))
      for (const key of places.keys()) {
        if (!Object.hasOwn(tasks, key)) return unknownKey(key, Object.keys(tasks))
      }
      if (places.size === 0) return Effect.succeed(shape)
      const wanted = Array.from(places.keys(), (key) => tasks[key] as unknown as Task<unknown>)
      return Effect.map(Client.compute(wanted, options), (results) =>
        mapKeys(shape, (key) => (results as ReadonlyArray<unknown>)[places.get(key)!]))
    })
) as any

const unknownKey = (key: string, known: ReadonlyArray<string>): Effect.Effect<never, SubmitError> =>
  Effect.fail(new SubmitError({ reason: new UnknownKey({ key, known }) }))

/** The first member of a shape of keys that is no key. */
const strangerIn = (shape: unknown): Error | undefined => {
  if (typeof shape === "string") return undefined
  if (typeof shape === "object" && shape !== null && (Array.isArray(shape) || isRecord(shape))) {
    for (const item of Object.values(shape)) {
      const found = strangerIn(item)
      if (found !== undefined) return found
    }
    return undefined
  }
  return invalidOption("shape of TaskGraph.compute", shape, "keys in arrays and records")
}

const mapKeys = (shape: unknown, f: (key: string) => unknown): unknown => {
  if (typeof shape === "string") return f(shape)
  if (Array.isArray(shape)) return shape.map((item) => mapKeys(item, f))
  return Object.fromEntries(Object.entries(shape as object).map(([name, item]) => [name, mapKeys(item, f)]))
}

/**
 * @internal
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Picked<T, K> = Simplify<
  & { readonly [P in keyof T as P extends K ? P : never]: T[P] }
  & {
    readonly [P in keyof T as P extends K ? never : P]?: T[P]
  }
>

/**
 * The graph of some tasks and those that they depend on.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const pick: {
  <T, const K extends string>(keys: ReadonlyArray<K & KeyOf<T>>): (self: TaskGraph<T>) => TaskGraph<Picked<T, K>>
  <T, const K extends string>(self: TaskGraph<T>, keys: ReadonlyArray<K & KeyOf<T>>): TaskGraph<Picked<T, K>>
} = dual(2, (self: internal.GraphImpl, keys: ReadonlyArray<string>): any => internal.pick(self, keys))

/**
 * The keys of a graph.
 *
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const keys = <T>(self: TaskGraph<T>): ReadonlyArray<KeyOf<T>> => Object.keys(impl(self).tasks) as any

export {
  dependencies,
  fromGraph,
  fromJson,
  order,
  states,
  toGraph,
  toGraphViz,
  toJson,
  toMermaid
} from "./internal/graphs/graphViews.ts"

export type {
  FromGraphOptions,
  GraphNode,
  GraphVizOptions,
  Json,
  JsonTask,
  MermaidOptions,
  PictureOptions,
  Shape
} from "./internal/graphs/graphViews.ts"
