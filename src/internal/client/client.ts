/**
 * The service behind the functions of `Client`.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { SkeinError, SubmitError } from "../../SkeinError.ts"
import type { CancelOptions } from "../tasks/cancelling.ts"
import type { Mode } from "../tasks/checks.ts"
import type { Future, Task } from "../tasks/handles.ts"
import type { Needs } from "../tasks/shapes.ts"
import { keepOneCopy } from "../values/strangers.ts"
import { thisCopy } from "../values/typeIds.ts"
import type { Computable, Computed, ComputeOptions, ShapeOfTasks, SubmitOptions } from "./computing.ts"
import type { ForEach } from "./mapping.ts"
import type { StreamOf } from "./streaming.ts"
import type { FireOptions, SubmittedAll } from "./verbs.ts"

/**
 * A client of one scheduler. The functions of this module find it in the context and call it, so a service that wraps or replaces
 * it sees all of them.
 *
 * **Details**
 *
 * It has the fewest verbs that the functions need. `submit` and `retry` are `submitAll` and `retryAll` of one, and `Task.run` and
 * `TaskGraph.compute` are `compute`. In a test, `Layer.mock(Client.Client)({ ... })` stubs some of them. Bodies run with the client
 * of their submitter, so a wrapped client also sees what they submit.
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export class Client extends Context.Service<Client, {
  /** Submits tasks as one graph. */
  readonly submitAll: <const T extends ReadonlyArray<Task<any, any, any>>>(
    tasks: T,
    options?: SubmitOptions
  ) => SubmittedAll<T>
  /** Runs again what ended without success. */
  readonly retryAll: <const F extends ReadonlyArray<Future<any, any>>>(
    futures: F
  ) => Effect.Effect<{ -readonly [K in keyof F]: F[K] }, SubmitError, Scope.Scope>
  /** Runs targets and gives their values. */
  readonly compute: <const I, const M extends Mode = "failFast">(
    targets: I & (Computable<I> | ShapeOfTasks),
    options?: ComputeOptions<M>
  ) => Computed<I, M>
  /** Runs a function for each item, in a task of its own. */
  readonly forEach: ForEach<never>
  /** Runs what a source gives, as the results are used. */
  readonly stream: StreamOf<never>
  /** Submits a task that runs without a future. */
  readonly fireAndForget: <A, E, R>(
    task: Task<A, E, R>,
    options?: FireOptions
  ) => Effect.Effect<void, SubmitError, Needs<R>>
  /** The future that was published under a name. */
  readonly published: (name: string) => Effect.Effect<Option.Option<Future<unknown, unknown>>, never, Scope.Scope>
  /** Ends a name. */
  readonly unpublish: (name: string) => Effect.Effect<boolean>
  /** Waits for the tasks of a group. */
  readonly awaitGroup: (group?: string) => Effect.Effect<void, SkeinError>
  /** Cancels the tasks of a group. */
  readonly cancelGroup: (group?: string, options?: CancelOptions) => Effect.Effect<void>
}>()("skein/Client") {}

/** In clients that Skein made, and in their copies. A stub has none. */
export const Copy: unique symbol = Symbol.for("skein/Client/copy")

/** What a client of the context does. A client of another copy of Skein would take no task of this one. */
export const withClient = <A, E, R>(
  f: (client: Client["Service"]) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | Client> =>
  Client.use((client) => {
    if ((client as { readonly [Copy]?: unknown })[Copy] !== thisCopy && Object.hasOwn(client, Copy)) {
      throw new TypeError(`The layer is one of another copy of Skein: ${keepOneCopy}.`)
    }
    return f(client)
  })
