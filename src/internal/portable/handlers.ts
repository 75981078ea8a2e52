/**
 * Handlers: what runs the tasks of a name, as services of a program. A handler is here, with its function, or elsewhere: then workers
 * in other processes have it.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { quote } from "../text/text.ts"
import { isSteps, isThenable } from "../values/strangers.ts"
import { stranded, strandedError } from "./causes.ts"
import { nothing, shown } from "./named.ts"
import type { Implementation, Named, Place } from "./named.ts"

/** The service of a name. */
export interface Handler {
  readonly name: string
  /** Absent if only other processes have it. */
  readonly here: Implementation | undefined
  /** In a worker elsewhere: has the scheduler of the worker run it. */
  readonly ask?: Ask
}

/** Has a task of a name run elsewhere. */
export type Ask = (named: Pick<Named, "codec" | "name">, payload: unknown) => Effect.Effect<unknown, unknown>

const prefix = "skein/Portable/Handler/"

export const keyOf = (name: string): Context.Key<never, Handler> => Context.Service<never, Handler>(prefix + name)

const handlersIn = ({ mapUnsafe }: Context.Context<never>): ReadonlyArray<Handler> =>
  Array.from(mapUnsafe).flatMap(([key, value]) => key.startsWith(prefix) ? [value as Handler] : [])

/** All that is implemented in a context: what a process serves. */
export const implementationsIn = (context: Context.Context<never>): ReadonlyArray<Implementation> =>
  handlersIn(context).flatMap(({ here }) => here ?? [])

/** A context in which these names are elsewhere, and those that were here stay here too. */
export const elsewhere = (names: Iterable<string>, context: Context.Context<never>): Context.Context<never> =>
  Array.from(names).reduce<Context.Context<never>>(
    (made, name) => Context.add(made, keyOf(name), { name, here: finding(name)(context)?.here }),
    Context.empty()
  )

/** The handler of this name in a context. The key is put together once, not for each task. */
export const finding = (name: string): (context: Context.Context<never>) => Handler | undefined => {
  const key = keyOf(name)
  return (context) => Context.getOrUndefined(context, key)
}

/** Whether a handler is in other processes alone. */
export const isElsewhere = (handler: Handler | undefined): boolean =>
  handler !== undefined && handler.ask === undefined && handler.here === undefined

/** Where a task of this name can run, by the context in which it is submitted. */
export const placing = (name: string): (context: Context.Context<never>) => Place => {
  const find = finding(name)
  return (context) => {
    const handler = find(context)
    if (handler === undefined) return { known: handlersIn(context).map(({ name }) => name) }
    if (handler.ask !== undefined) return "asked"
    return isElsewhere(handler) ? "elsewhere" : "here"
  }
}

/** The handlers of a worker elsewhere, for what its bodies submit. */
export const asking = (names: Iterable<string>, ask: Ask): Context.Context<never> =>
  Array.from(names).reduce<Context.Context<never>>(
    (made, name) => Context.add(made, keyOf(name), { name, here: undefined, ask }),
    Context.empty()
  )

/** How tasks of a name run in this process. */
export interface Running {
  readonly run: (payload: unknown) => Effect.Effect<unknown, unknown>
  /** What `run` only calls in this context, if that is so: see {@link called}. */
  readonly here: (context: Context.Context<never>) => Running["run"] | undefined
}

/** Runs a task here, if its handler is in the context of its body; in a worker elsewhere, asks for it. */
export const runHere = (named: Pick<Named, "codec" | "name">): Running => {
  const find = finding(named.name)
  return {
    run: (payload) =>
      Effect.contextWith((context: Context.Context<never>) => {
        const handler = find(context)
        const asked = handler?.ask?.(named, payload)
        if (asked !== undefined) return asked
        return handler?.here === undefined
          ? Effect.die(new TypeError(`There is no handler of ${quote(shown(named.name))} in this process.`))
          : called(handler.here, payload)
      }),
    here: (context) => {
      const handler = find(context)
      if (handler === undefined || handler.ask !== undefined || handler.here === undefined) return undefined
      const { here } = handler
      return (payload) => called(here, payload)
    }
  }
}

/**
 * Calls an implementation: the exit of a plain function, or what is left to run in the context of an attempt. What would not travel
 * is a defect here too, so that a task ends alike wherever it runs. It throws what the function throws.
 */
export const called = ({ context, named, run }: Implementation, payload: unknown): Effect.Effect<unknown, unknown> => {
  const fault = named.codec.payload.check(payload)
  if (fault !== undefined) return Exit.die(stranded(named.name, "payload", fault))
  const returned = run(payload)
  const effect = effectIn(returned)
  if (effect === undefined) return succeeded(named, returned)
  return Effect.contextWith((around: Context.Context<never>) =>
    effect.pipe(
      Effect.flatMap((value) => succeeded(named, value)),
      Effect.catchCause((cause) => Effect.failCause(checked(named, cause))),
      Effect.provideContext(contextFor(context, around))
    )
  )
}

const succeeded = ({ codec: { success }, name }: Implementation["named"], value: unknown): Exit.Exit<unknown> => {
  const fault = success.check(value)
  if (fault !== undefined) return Exit.die(stranded(name, "result", fault))
  return Exit.succeed(success === nothing ? undefined : value)
}

/** A cause in which errors that would not travel are defects. */
const checked = (named: Implementation["named"], cause: Cause.Cause<unknown>): Cause.Cause<unknown> => {
  const faults = cause.reasons.map((each) => Cause.isFailReason(each) ? strandedError(named, each.error) : undefined)
  return faults.every((fault) => fault === undefined)
    ? cause
    : Cause.fromReasons(cause.reasons.map((each, i) => faults[i] === undefined ? each : Cause.makeDieReason(faults[i])))
}

/** A generator runs as in `Effect.gen`; anything else is returned. */
export const ran = (returned: unknown): unknown => isSteps(returned) ? Effect.gen(() => returned) : returned

/** The effect that an implementation returned, or a promise as one; `undefined` for a value. */
export const effectIn = (returned: unknown): Effect.Effect<unknown, unknown> | undefined => {
  if (typeof returned !== "object" || returned === null) return undefined
  // An error of Effect is one that fails.
  if (Effect.isEffect(returned)) return returned as Effect.Effect<unknown, unknown>
  return isThenable(returned) ? Effect.promise(() => Promise.resolve(returned)) : undefined
}

/** What bodies have of their submitter and of their attempt: scope, worker, client, clock, logs and spans. */
const ofAttempt = /^effect\/(?:Clock|Console|Logger|Metric|Random|References|Scheduler|Scope|Tracer)\b/

/** The context of a body: that of its attempt, and the services of its handler. */
export const contextFor = (
  handler: Context.Context<never>,
  attempt: Context.Context<never>
): Context.Context<never> => {
  const merged = new Map<string, unknown>(attempt.mapUnsafe)
  for (const [key, value] of handler.mapUnsafe) {
    const isOfHandler = key.startsWith("effect/") ? !ofAttempt.test(key) : !key.startsWith("skein/") || !merged.has(key)
    if (isOfHandler) merged.set(key, value)
  }
  return Context.makeUnsafe(merged)
}
