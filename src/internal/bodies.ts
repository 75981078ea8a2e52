/**
 * Calls of what users wrote, and what they must not give.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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

const callBody = <A>(run: (values: unknown) => A, values: unknown): A => bodies[runBody](run, values)

/** Whoever knows the keys of tasks by number. */
interface Names {
  readonly keyOf: (id: number) => string
}

/** What a plain function gave, which must not be work that nobody waits for. What it was given it may pass on. */
export const valueOf = (f: Plain, values: unknown, names: Names, id: number): unknown => {
  const value = callBody(f, values)
  if (typeof value !== "object" || !isWork(value) || isPartOf(values, value)) return value
  const key = JSON.stringify(names.keyOf(id))
  if (!isPromise(value)) {
    throw new TypeError(
      `The function of task ${key} returned an Effect, which nothing runs: use Task.make, or wrap it in a record to hand it on.`
    )
  }
  // Its failure would be an unhandled rejection, which ends the process.
  value.catch(() => {})
  throw new TypeError(
    `The function of task ${key} returned a Promise: use Task.make, and Effect.tryPromise around it.`
  )
}

/** An `Exit` is an Effect too, and so are errors of Effect's making: values, both. */
const isWork = (value: unknown): boolean =>
  isPromise(value) || (Effect.isEffect(value) && !Exit.isExit(value) && !(value instanceof Error))

const isPartOf = (values: unknown, value: unknown): boolean =>
  value === values || (typeof values === "object" && values !== null && Object.values(values).includes(value))

/** What a body returned, which in untyped code may be anything. */
const effectOf = (returned: unknown, names: Names, id: number): Effect.Effect<unknown, unknown> => {
  if (Effect.isEffect(returned)) return returned as Effect.Effect<unknown, unknown>
  const key = JSON.stringify(names.keyOf(id))
  const found = briefResult(returned)
  const hint = isPromise(returned) ? "wrap it with Effect.tryPromise" : "use Task.map for a plain value"
  return Effect.die(new TypeError(`The function of task ${key} returned ${found} instead of an Effect: ${hint}.`))
}

/** The body of a task with the results that it is given; for one that gives the exit of another that exit alone. */
export const bodyOf = (
  task: TaskImpl,
  inputs: ReadonlyArray<unknown> | undefined,
  names: Names,
  id: number
): Effect.Effect<unknown, unknown> => {
  const { body } = task
  switch (body._tag) {
    case "effect":
      if (body.constant !== undefined) return body.constant as Effect.Effect<unknown>
      return Effect.suspend(() => effectOf(callBody(body.run, assembled(task, inputs)), names, id))
    case "flatMap":
      return Effect.sync(() => callBody(body.run, assembled(task, inputs)))
    case "map":
      return Effect.sync(() => valueOf(body.run, assembled(task, inputs), names, id))
    case "exit":
      return Effect.succeed(inputs![0])
    case "value":
      return Effect.succeed(body.value)
  }
}

/** What untyped code gave where an effect belongs; `what` says where that is. */
export const givenEffect = <A, E, R>(what: string, given: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  if (Effect.isEffect(given)) return given
  // Now, not when it runs: the failure of a promise may not go unseen until then.
  const found = briefResult(given)
  const way = isPromise(given) ? "tryPromise" : typeof given === "function" ? "sync" : "succeed"
  return Effect.die(new TypeError(`${what} is ${found} instead of an Effect: wrap it with Effect.${way}.`))
}

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise

/** What a body is given: its inputs as they were given, with tasks replaced by their results. */
export const assembled = (task: TaskImpl, inputs: ReadonlyArray<unknown> | undefined): unknown =>
  inputs === undefined ? task.inputs : assemble(task, inputs)
