/**
 * Calls of what users wrote, and what they must not give.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { briefResult } from "./brief.ts"
import { assemble } from "./inputs.ts"
import type { Plain, TaskImpl } from "./task.ts"

/** With such a name a frame ends what Effect's printers show of a stack: what is above it is the user's own code. */
const runBody = "~effect/Effect/task"

const bodies = {
  [runBody]<A>(run: (values: unknown) => A, values: unknown): A {
    return run(values)
  }
}

export const callBody = <A>(run: (values: unknown) => A, values: unknown): A => bodies[runBody](run, values)

/** Whoever knows the keys of tasks by number. */
interface Names {
  readonly keyOf: (id: number) => string
}

/** What a plain function gave, which must not be work that nobody waits for. What it was given it may pass on. */
export const valueOf = (f: Plain, values: unknown, inputs: unknown, names: Names, id: number): unknown => {
  const value = callBody(f, values)
  if (typeof value !== "object" || !(value instanceof Promise) || value === inputs) return value
  // Its failure would be an unhandled rejection, which ends the process.
  value.catch(() => {})
  const key = JSON.stringify(names.keyOf(id))
  throw new TypeError(
    `The function of task ${key} returned a Promise: use Task.make, and Effect.tryPromise around it.`
  )
}

/** What the body of the task with this key returned, which in untyped code may be anything. */
export const effectOf = (returned: unknown, keyOf: () => string): Effect.Effect<unknown, unknown> => {
  if (Effect.isEffect(returned)) return returned as Effect.Effect<unknown, unknown>
  const key = JSON.stringify(keyOf())
  const found = briefResult(returned)
  const hint = returned instanceof Promise ? "wrap it with Effect.tryPromise" : "use Task.map for a plain value"
  return Effect.die(new TypeError(`The function of task ${key} returned ${found} instead of an Effect: ${hint}.`))
}

/** What untyped code gave where an effect belongs; `what` says where that is. */
export const givenEffect = <A, E, R>(what: string, given: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  if (Effect.isEffect(given)) return given
  // Now, not when it runs: the failure of a promise may not go unseen until then.
  const found = briefResult(given)
  const way = isPromise(given) ? "tryPromise" : typeof given === "function" ? "sync" : "succeed"
  return Effect.die(new TypeError(`${what} is ${found} instead of an Effect: wrap it with Effect.${way}.`))
}

const isPromise = (value: unknown): boolean => value instanceof Promise

/** What a body is given: its inputs as they were given, with tasks replaced by their results. */
export const assembled = (task: TaskImpl, inputs: Array<unknown> | undefined): unknown =>
  inputs === undefined ? task.inputs : assemble(task, inputs)
