/**
 * Tasks that run in other threads and processes too. No code travels: a task has a name, and each process that runs it has the
 * function of that name.
 *
 * **When to use**
 *
 * For bodies that compute, which in a fiber would hold up all others. {@link module} makes tasks of the functions that a module
 * exports, by their types alone. {@link make} names one task and gives it schemas: for classes of your own, for values that are
 * checked at both ends, and for handlers with services.
 *
 * **Details**
 *
 * Such a task is used as any other: its arguments may be tasks and futures, and it has options, a key and dependents. Where its
 * handler is here, it runs on fibers; in threads it runs where `Threads.layer` has its name.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Client } from "./Client.ts"
import { batchOf } from "./internal/portable/batches.ts"
import { keyOf, placing, ran, runHere } from "./internal/portable/handlers.ts"
import type { Running } from "./internal/portable/handlers.ts"
import { PortableTypeId } from "./internal/portable/items.ts"
import type { Item } from "./internal/portable/items.ts"
import { PortableModule } from "./internal/portable/modules.ts"
import { give } from "./internal/portable/moved.ts"
import { makeNamed } from "./internal/portable/named.ts"
import type { Named } from "./internal/portable/named.ts"
import { wayOf } from "./internal/portable/ways.ts"
import { isName } from "./internal/tasks/checks.ts"
import type { Exported } from "./internal/tasks/exported.ts"
import type { Task } from "./internal/tasks/handles.ts"
import { makeTask } from "./internal/tasks/makeTask.ts"
import { normalize, withInvalid } from "./internal/tasks/options.ts"
import type { RanServices } from "./internal/tasks/ran.ts"
import type { Lifted, Needs, Own, Services, Upstream } from "./internal/tasks/shapes.ts"
import { noOptions } from "./internal/tasks/task.ts"
import type * as internal from "./internal/tasks/task.ts"
import type { AnyOptions, NoOptions, OptionErrors, OptionServices, OptionsFor } from "./internal/tasks/taskOptions.ts"
import type { DependenciesLost, TaskRescheduled } from "./SkeinError.ts"

export type { Call, Refused } from "./internal/tasks/exported.ts"

/**
 * That something runs the tasks of this name: a requirement of each of them. A layer of {@link Portable} meets it here, and
 * `Threads.layer` with threads that serve the name.
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export interface Handler<in out Name extends string> {
  readonly "~skein/Portable/Handler": (name: Name) => Name
}

/**
 * A schema without services of its own, as those of payloads, successes and errors are.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type AnySchema = Schema.ConstraintCodec<unknown, unknown>

/**
 * The fields of a struct of such schemas.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export interface AnyFields {
  readonly [name: PropertyKey]: AnySchema
}

/**
 * Something that threads can run: a {@link Portable} or a {@link Module}.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Any {
  readonly [PortableTypeId]: object
}

/**
 * The handlers that a task or a module needs.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Handlers<T> = T extends Portable<infer Name, any, any, any> ? Handler<Name> : never

/** What a handler may return. */
type Handled<A, E> = A | Effect.Effect<A, E, any> | Generator<Effect.Effect<any, E, any>, A, never>

/** The errors of a handler, and signals that are in no type of a task. */
type Fails<E> = E | TaskRescheduled | DependenciesLost

/** A payload that may be absent is an argument that may be absent. */
type Arguments<P, I, O> = [undefined] extends [P] ? [payload?: I, options?: O] : [payload: I, options?: O]

/**
 * A name with its schemas, which makes tasks.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Portable<
  in out Name extends string,
  Payload extends Schema.Constraint,
  Success extends Schema.Constraint,
  Error extends Schema.Constraint
> extends Any {
  /**
   * Makes a task with this payload, which may hold tasks and futures in any places. The options are those of `Task.make`.
   */
  <
    const I extends Lifted<Payload["Type"]> = Payload["Type"],
    const O extends OptionsFor<O, Error["Type"]> = NoOptions<Error["Type"]>
  >(
    ...args: Arguments<Payload["Type"], I, O>
  ): Task<
    Success["Type"],
    Own<Error["Type"]> | Upstream<I> | OptionErrors<O>,
    Handler<Name> | Services<I> | OptionServices<O>
  >
  readonly name: Name
  readonly payload: Payload
  readonly success: Success
  readonly error: Error
  /**
   * A layer with what runs the tasks of this name: a function of the payload, or an effect that makes one. The function returns a
   * value or an effect, or is a generator function, which runs as in `Effect.gen`.
   *
   * Where this layer is, the tasks can run: in the process of the scheduler, or in a thread that serves it. Its own name is no
   * requirement of the layer, so a handler may submit tasks of that name.
   */
  readonly toLayer: <X extends Handled<Success["Type"], Fails<Error["Type"]>>, EX = never, RX = never>(
    handler:
      | ((payload: Payload["Type"]) => X)
      | Effect.Effect<(payload: Payload["Type"]) => X, EX, RX>
  ) => Layer.Layer<Handler<Name>, EX, Exclude<RX, Scope.Scope> | Exclude<Needs<RanServices<X>>, Client | Handler<Name>>>
}

/**
 * Whether a value is a {@link Portable} or a {@link Module}.
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isPortable = (u: unknown): u is Any => hasProperty(u, PortableTypeId)

/**
 * A named task with schemas. Calls make tasks, which run where the name has a handler.
 *
 * **Details**
 *
 * A task requires `Handler` of its name, so a program that has no handler does not compile. The payload, the success and the error
 * are checked wherever the task runs, also in this process. A payload without tasks in it is checked when it is submitted: a
 * wrong one is a `SubmitError`. What does not match its schema later is a defect of the task.
 *
 * What a structured clone keeps is sent as it is: primitives, dates, bytes, arrays, structs, maps and sets. Other parts are encoded
 * by their schemas, so instances of `Schema.Class` and `Schema.TaggedError` arrive as instances of their classes. Bytes are never
 * written as text.
 *
 * The name is the label of the tasks. With `pure`, equal payloads of one name run once.
 *
 * **Example** (A task, what runs it, and a use)
 *
 * ```ts import.meta.vitest
 * import { Effect, Schema } from "effect"
 * import { Portable, Task } from "skein"
 *
 * class Empty extends Schema.TaggedError<Empty>()("Empty", { line: Schema.Int }) {}
 *
 * const Tokenize = Portable.make("Tokenize", {
 *   payload: { text: Schema.String, line: Schema.Int },
 *   success: Schema.Array(Schema.String),
 *   error: Empty
 * })
 *
 * const TokenizeLive = Tokenize.toLayer(({ line, text }) => text === "" ? new Empty({ line }) : text.split(" "))
 *
 * const text = Task.succeed("a bundle of fibers")
 * const words = Tokenize({ text, line: 1 }, { timeout: "5 seconds" })
 * const program = Task.run(words).pipe(Effect.provide(TokenizeLive))
 * program // => ["a", "bundle", "of", "fibers"]
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  const Name extends string,
  Payload extends AnySchema | AnyFields = Schema.Void,
  Success extends AnySchema = Schema.Void,
  Error extends AnySchema = Schema.Never
>(
  name: Name,
  schemas: {
    /** A schema, or the fields of a struct. Defaults to none. */
    readonly payload?: Payload | undefined
    /** Defaults to none: whatever the handler returns is dropped. */
    readonly success?: Success | undefined
    /** Defaults to `Schema.Never`. */
    readonly error?: Error | undefined
  } = {}
): Portable<
  Name,
  Payload extends AnyFields ? Schema.Struct<Payload> : Payload,
  Success,
  Error
> => {
  const given = schemas.payload ?? Schema.Void
  const payload = Schema.isSchema(given) ? given : Schema.Struct(given as AnyFields)
  const { error = Schema.Never, success = Schema.Void } = schemas
  const codec = { payload: wayOf(payload), success: wayOf(success), error: wayOf(error) }
  const named = makeNamed(name, codec, placing(name), batchOf, name)
  const maker = makerOf(named, name, runHere(named))
  const call = (given: unknown, options?: AnyOptions) => maker.make(given, options)
  Object.defineProperty(call, "name", { value: name })
  const item: Item = { _tag: "Name", name, named, make: (given, options) => maker.prepared(given, options) }
  const toLayer = (handler: unknown) =>
    Layer.effect(
      keyOf(name),
      Effect.contextWith((context: Context.Context<never>) =>
        Effect.map(
          Effect.isEffect(handler) ? handler as Effect.Effect<unknown> : Effect.succeed(handler),
          (run) => ({
            name,
            here: {
              named,
              label: name,
              run: (payload: unknown) => ran((run as (payload: unknown) => unknown)(payload)),
              context
            }
          })
        )
      )
    )
  return Object.assign(call, { [PortableTypeId]: item, payload, success, error, toLayer }) as never
}

/** Makes tasks of one name, which is their label if the options of a call have none. */
const makerOf = (named: Named, label: string, running: Running) => {
  const body: internal.Body = { _tag: "effect", ...running, named }
  const usual = isName(label)
    ? noOptions
    : withInvalid(noOptions, { option: "name of Portable.make", value: label, expected: "a non-empty string" })
  const prepared = (payload: unknown, options: object = usual) => makeTask(body, payload, options)
  const make = (payload: unknown, options: AnyOptions | undefined) =>
    prepared(payload, options && optionsOf(named, label, options))
  return { make, prepared }
}

/** The makers of tasks of one export. */
interface Exporting {
  readonly prepared: (args: unknown, options?: object) => internal.TaskImpl
  readonly call: (...args: ReadonlyArray<unknown>) => internal.TaskImpl
}

const optionsOf = (named: Named, label: string, options: AnyOptions): internal.TaskOptions => {
  const own = normalize({ ...options, ...(options.pure === true && { name: label }) })
  // Other processes have the same function under this name.
  return own.pure === true ? { ...own, code: named.name } : own
}

/**
 * The functions that a module exports, as makers of tasks.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Module<M, Known = never> extends Any {
  readonly url: URL
  readonly tasks: {
    readonly [K in keyof M as M[K] extends (...args: any) => any ? K : never]: Exported<
      M[K],
      Known,
      Client,
      Handler<any>
    >
  }
}

/**
 * A class of errors that has a schema, such as a `Schema.TaggedError`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ErrorClass = AnySchema & { readonly identifier: string } & (abstract new(...args: any) => unknown)

/**
 * Makes a task of each function that a module exports, with the types of the module, which is named by its URL. Only its types are
 * used here: threads import it.
 *
 * **Details**
 *
 * A function may return a value, a promise or an Effect, or be a generator function, which runs as in `Effect.gen`. Arguments may
 * be tasks and futures. Options are given with `Task.withOptions`.
 *
 * Arguments and results travel by structured clone: plain data, dates, buffers, maps and sets, in any nesting. What a clone does not
 * keep is refused by the type, with the reason as text: functions, instances with methods, Effects with unmet services, and errors of
 * classes that are not listed in `errors`. An Effect may need `Scope`, `Worker` and `Client`.
 *
 * The tasks require nothing: a module is known by its URL, so it can always be found. Without threads that serve it, its functions
 * run in this process, which imports it then. A name that it does not export is a `SubmitError` as soon as a process has imported
 * it, and a defect of the task before.
 *
 * **Gotchas**
 *
 * Generics and overloads are lost: a type parameter becomes its bound, and of overloads the last counts. A default export has the
 * name `default`. An instance of a class without methods looks like plain data to the types; it arrives as plain data. The module
 * is imported once for each thread: its top level runs in each.
 *
 * **Example** (A module of functions)
 *
 * ```ts import.meta.vitest
 * import { Portable, Task } from "skein"
 *
 * // In a program: Portable.module<typeof import("./work.ts")>()(new URL("./work.ts", import.meta.url))
 * interface Work {
 *   readonly sum: (numbers: ReadonlyArray<number>) => number
 * }
 * const work = Portable.module<Work>()(
 *   new URL("data:text/javascript,export const sum = (numbers) => numbers.reduce((a, b) => a + b)")
 * )
 * const { sum } = work.tasks
 * Task.run(sum([Task.succeed(1), 2, sum([3, 4])])) // => 10
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const module = <M>() =>
<const Errors extends ReadonlyArray<ErrorClass> = []>(
  url: URL,
  options: {
    /** The classes of errors that its functions fail with. Instances arrive as instances. */
    readonly errors?: Errors | undefined
  } = {}
): Module<M, Errors[number]["Type"]> => {
  const found = new PortableModule(url.href, options.errors ?? [])
  const makers = new Map<string, Exporting>()
  const makerFor = (name: string): Exporting => {
    let maker = makers.get(name)
    if (maker === undefined) {
      const { prepared } = makerOf(found.named(name), name, found.runHere(name))
      makers.set(name, maker = { prepared, call: (...args) => prepared(args) })
    }
    return maker
  }
  const make = (name: string, args: unknown, options?: object) => makerFor(name).prepared(args, options)
  // Only its types know what it exports. `then` would make it a promise.
  const tasks = new Proxy(Object.create(null) as object, {
    get: (_, name) => typeof name === "string" && name !== "then" ? makerFor(name).call : undefined
  })
  const item: Item = { _tag: "Module", module: found, make }
  return { [PortableTypeId]: item, url, tasks } as never
}

/**
 * Marks a buffer as given away, and returns it: as an argument or a result it is moved to the other thread, not copied. Here it is
 * empty afterwards.
 *
 * **Details**
 *
 * A view of a part of its buffer is copied first, for a move would empty the whole buffer. Shared memory is shared in any case. A
 * task whose input was moved cannot start again from it, if its worker is lost.
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const move = <A extends ArrayBuffer | ArrayBufferView>(buffer: A): A => give(buffer)
