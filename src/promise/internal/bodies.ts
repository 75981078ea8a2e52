/**
 * Plain functions as bodies of tasks, and what code finds that runs inside of one.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { AsyncLocalStorage } from "node:async_hooks"

/** The body in which plain code runs. */
interface Body {
  /** The context of the body's fiber, by which verbs that are called in it know the task. */
  readonly context: Context.Context<never>
  readonly signal: AbortSignal
}

const bodies = new AsyncLocalStorage<Body>()

/** The body in which this is called, if any. */
export const bodyHere = (): Body | undefined => bodies.getStore()

/**
 * Calls a function that may return a promise. What it throws is the error, as it is. An interruption aborts the signal, and is over
 * when the promise has settled: until then the function runs, and so does what it does in `finally`.
 */
export const called = <A>(f: (signal: AbortSignal) => A | PromiseLike<A>): Effect.Effect<A, unknown> =>
  Effect.withFiber(({ context }) =>
    Effect.callback((resume, signal) => {
      const promise = bodies.run({ context, signal }, () => new Promise<A>((resolve) => resolve(f(signal))))
      promise.then((value) => resume(Effect.succeed(value)), (error) => resume(Effect.fail(error)))
      return Effect.callback<void>((resume) => {
        const end = () => resume(Effect.void)
        promise.then(end, end)
      })
    })
  )
