/**
 * A client for plain code, around the client of a scheduler.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "../../Client.ts"
import * as Future from "../../Future.ts"
import type { Home } from "../../internal/bodies/home.ts"
import { warnUnseen } from "../../internal/driver/scopeOwners.ts"
import { cancelRequest } from "../../internal/tasks/cancelling.ts"
import { callback, optionsFault, valueFault } from "../../internal/tasks/checks.ts"
import { implOf, isTask } from "../../internal/tasks/task.ts"
import type { FutureImpl } from "../../internal/tasks/task.ts"
import * as Scheduler from "../../Scheduler.ts"
import type { Task } from "../../Task.ts"
import { bodyHere, called } from "./bodies.ts"
import { allThrownIn, byClient, isCancelledFor, settledItemOf, settledOf, thrownIn } from "./errors.ts"
import { PromisedFuture } from "./futures.ts"
import { looped } from "./loop.ts"
import { ofMap, ofRun, ofStream, ofStreamEach, ofSubmit } from "./options.ts"
import type { MapOptions, StreamEachOptions, StreamOptions, Submitted } from "./options.ts"
import { callIn, optionsOf, taskOf } from "./tasks.ts"
import type { Called, TaskOptions } from "./tasks.ts"

/** A future of the scheduler, without the future that the user has: what is left when that is collected. */
type Abandoned = Future.Future<unknown, unknown>

/** Releases the result of an abandoned future once its task has ended. Warns if the task failed and no future observed the failure. */
const abandoned = (future: Abandoned): Effect.Effect<void> => {
  const { claim, home } = implOf(future)
  const told = Effect.suspend(() => {
    const unseen = claim.state === "live" ? (home as Home).view.unseenAt(claim.task) : undefined
    return unseen === undefined ? Effect.void : warnUnseen([unseen])
  })
  return Effect.andThen(ended(future), Effect.ensuring(told, Future.release(future)))
}

/** Waits without looking at the end. */
const ended = (future: Abandoned): Effect.Effect<void> => Effect.ignore(Stream.runDrain(Client.asCompleted([future])))

/** Cancels what one call wanted: other calls in the same place are callers of their own, as in a queue of promises. */
const cancelled = (future: Abandoned, why: string | undefined): Effect.Effect<void> => {
  const impl = implOf(future)
  return impl.home.owners.cancel(impl, { ...cancelRequest({ why }), alone: true })
}

/** Why a task is cancelled whose signal was aborted. */
const bySignal = "its signal was aborted"

export class Face {
  readonly context: Context.Context<Client.Client | Scheduler.Scheduler>
  readonly #scope: Scope.Closeable
  /** The context of calls outside of bodies. */
  readonly #outside: Context.Context<never>
  /** A result is held as long as its future, as a promise holds its value. What nobody holds runs to its end all the same. */
  readonly #held = new FinalizationRegistry<Abandoned>((future) => {
    Effect.runForkWith(this.#outside)(abandoned(future))
  })
  #closed: Promise<void> | undefined

  constructor(context: Context.Context<Client.Client | Scheduler.Scheduler>, scope: Scope.Closeable) {
    this.context = context
    this.#scope = scope
    this.#outside = Context.add(context, Scope.Scope, scope) as Context.Context<never>
  }

  /** The context of a call: in a body, what is submitted belongs to its task, and waits give its slot away. */
  get #here(): Context.Context<never> {
    const body = bodyHere()
    return body === undefined ? this.#outside : Context.merge(body.context, this.context) as Context.Context<never>
  }

  #settled<A>(
    effect: Effect.Effect<A, unknown, Client.Client | Scheduler.Scheduler>,
    signal: AbortSignal | undefined,
    errorOf: (cause: Cause.Cause<unknown>) => unknown = thrownIn
  ): Promise<A> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    return Effect.runPromiseExitWith(this.#here)(effect as Effect.Effect<A>, { signal }).then((exit) => {
      if (Exit.isSuccess(exit)) return exit.value
      throw signal?.aborted === true ? signal.reason : errorOf(exit.cause)
    })
  }

  /** Submits, which takes no time. What is refused throws. */
  readonly submit = (...given: ReadonlyArray<unknown>): PromisedFuture<unknown> => {
    if (isTask(given[0])) {
      const fault = optionsFault(given[1], ofRun)
      if (fault !== undefined) throw fault
      return this.#submitted(given[0] as never, given[1] as Submitted | undefined)
    }
    const call = callIn<TaskOptions & Submitted>(given)
    const fault = optionsFault(call.options, ofSubmit)
    if (fault !== undefined) throw fault
    const { conflict, signal, ...options } = call.options ?? {}
    return this.#submitted(taskOf({ ...call, options }), { conflict, signal })
  }

  #submitted(task: Task<unknown, unknown, any>, { conflict, signal }: Submitted = {}): PromisedFuture<unknown> {
    const submit = Client.submit(task, { conflict }) as Effect.Effect<Abandoned, unknown>
    const fiber = Effect.runForkWith(this.#here)(submit)
    // The future is returned at once, also where the graph is submitted in turns.
    if (fiber.pollUnsafe() === undefined) fiber.currentDispatcher.flush()
    const exit = fiber.pollUnsafe()!
    if (Exit.isFailure(exit)) throw thrownIn(exit.cause)
    const future = new PromisedFuture(this, exit.value as unknown as FutureImpl, signal)
    this.#held.register(future, exit.value)
    if (signal !== undefined) this.#stopBy(signal, exit.value)
    return future
  }

  #stopBy(signal: AbortSignal, future: Abandoned): void {
    const fork = Effect.runForkWith(this.#outside)
    const stop = () => void fork(cancelled(future, bySignal))
    if (signal.aborted) return stop()
    signal.addEventListener("abort", stop)
    fork(Effect.andThen(ended(future), Effect.sync(() => signal.removeEventListener("abort", stop))))
  }

  wait<A>(future: PromisedFuture<A>): Promise<A> {
    const { signal } = future
    const joined = Future.join(future as unknown as Future.Future<A, unknown>)
    return this.#settled(joined, undefined, (cause) => {
      const error = thrownIn(cause)
      return signal?.aborted === true && isCancelledFor(bySignal, error) ? signal.reason : byClient(error)
    })
  }

  cancel(future: PromisedFuture<unknown>, reason: string | undefined): Promise<void> {
    return this.#settled(cancelled(future as never, reason), undefined)
  }

  readonly map = (items: Iterable<unknown>, f: Called, options: MapOptions = {}): Promise<unknown> => {
    const fault = optionsFault(options, ofMap) ?? valueFault(callback, "function", f)
    if (fault !== undefined) return Promise.reject(fault)
    const { concurrency, conflict, mode, signal, ...task } = options
    const each = (item: unknown, index: number) => called((signal) => f(item, { index, signal }))
    const all = Client.forEach(items, each, { concurrency, conflict, mode, task: optionsOf(f, task) as {} })
    const ends = mode === "collect"
      ? Effect.map(all, (exits) => (exits as Array<Exit.Exit<unknown>>).map(settledOf))
      : all
    return this.#settled(ends, signal, mode === "continue" ? allThrownIn : thrownIn)
  }

  readonly stream = (
    source: never,
    first?: Called | StreamOptions,
    second?: StreamEachOptions
  ): AsyncIterable<unknown> => {
    const [f, options = {}]: [Called | undefined, StreamEachOptions | undefined] = typeof first === "function"
      ? [first, second]
      : [undefined, first]
    const fault = optionsFault(options, f === undefined ? ofStream : ofStreamEach)
    if (fault !== undefined) return Stream.toAsyncIterable(Stream.die(fault))
    const { batch, conflict, maxFailures, mode, name, outstanding, signal, total, unordered, withInput, ...task } =
      options
    const own = { batch, conflict, maxFailures, mode, name, outstanding, total, unordered, withInput }
    const each = (item: unknown, index: number) => called((signal) => f!(item, { index, signal }))
    const all: Stream.Stream<any, unknown, Client.Client> = f === undefined
      ? Client.stream(source, { ...own, ...task } as {}) as never
      : Client.stream(source, each, { ...own, task: optionsOf(f, task) as {} })
    const ends = mode === "collect"
      ? Stream.map(all, (end) => withInput === true ? settledItemOf(end) : settledOf(end))
      : all
    const thrown = Stream.catchCause(ends, (cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Stream.failCause(cause)
        : Stream.fail(mode === "continue" ? allThrownIn(cause) : thrownIn(cause)))
    return looped(Stream.toAsyncIterableWith(thrown, this.#here as Context.Context<any>), signal)
  }

  readonly run = (targets: unknown, options: Submitted = {}): Promise<unknown> => {
    const fault = optionsFault(options, ofRun)
    if (fault !== undefined) return Promise.reject(fault)
    const { conflict, signal } = options
    return this.#settled(Client.compute(targets as never, { conflict }), signal)
  }

  readonly pause = (options?: Scheduler.PauseOptions): Promise<void> =>
    this.#settled(Scheduler.pause(options), undefined)

  readonly resume = (of?: Scheduler.PauseOf): Promise<boolean> => this.#settled(Scheduler.resume(of), undefined)

  readonly close = (): Promise<void> => {
    return this.#closed ??= Effect.runPromise(Scope.close(this.#scope, Exit.void))
  };

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
