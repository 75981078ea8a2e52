/**
 * Calls of users' functions, and checks of their results.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { assemble } from "../tasks/inputs.ts"
import { isTask } from "../tasks/task.ts"
import type { Plain, TaskImpl } from "../tasks/task.ts"
import { briefResult } from "../text/brief.ts"
import { quote } from "../text/text.ts"
import { hush, isGenerator, isGeneratorFunction, isMeant, isSteps, isThenable, workIn } from "../values/strangers.ts"
import type { Work } from "../values/strangers.ts"

/** A frame of this name ends the stack in Effect's printers: frames above it are the user's own code. */
const runBody = "~effect/Effect/task"

const bodies = {
  [runBody]<A>(run: (values: unknown) => A, values: unknown): A {
    return run(values)
  }
}

const callBody = <A>(run: (values: unknown) => A, values: unknown): A => bodies[runBody](run, values)

/** The key of a task, which is looked up only for an error. */
type KeyOf<W> = (where: W, id: number) => string

/** The checked result of a plain function, which must not be work that nothing waits for. It may be one of its inputs. */
export const valueOf = <W>(f: Plain, values: unknown, keyOf: KeyOf<W>, where: W, id: number): unknown => {
  const value = callBody(f, values)
  if (typeof value !== "object" || value === null) return value
  const work = workIn(value)
  if (work === undefined || isMeant(value) || isPartOf(values, value)) return value
  hush(value)
  throw new TypeError(`The function of task ${quote(keyOf(where, id))} returned ${work}${ofFunctions[work]}.`)
}

const handOn = "Task.value to hand it on as it is"

const asGenerator = "give the generator function to Task.make or Task.fn"

const ofFunctions: Readonly<Record<Work, string>> = {
  "an Effect": `, which nothing runs: use Task.make, or ${handOn}`,
  "an Exit": `, as Effect.succeed and Effect.fail do: use Task.make, or ${handOn}`,
  "a Task": `, which nothing runs: use Task.flatMap, or ${handOn}`,
  "a Future": `, for which nothing waits: make it an input, or use ${handOn}`,
  "a Promise": ": use Task.make, and Effect.tryPromise around it",
  "a thenable": `, such as a query: use Task.make, and Effect.tryPromise around it, or ${handOn}`,
  "a generator": `, which nothing runs: ${asGenerator}, or use ${handOn}`
}

const ofEffects: Readonly<Record<Exclude<Work, "an Exit">, string>> = {
  "an Effect": `, which nothing runs: use Effect.flatMap in place of Effect.map, or ${handOn}`,
  "a Task": `, which nothing runs: use Task.flatMap, or ${handOn}`,
  "a Future": `, for which nothing waits: join it with Future.join, or use ${handOn}`,
  "a Promise": `, for which nothing waits: use Effect.tryPromise, or ${handOn}`,
  "a thenable": `, such as a query, which nothing runs: use Effect.tryPromise, or ${handOn}`,
  "a generator": `, which nothing runs: put Effect.gen around the generator function, or use ${handOn}`
}

/**
 * The fault in the result `value` of a task's effect, if any. An `Exit` is allowed, as `Effect.exit` gives one. So is anything in
 * `inputs`.
 */
export const strayResult = <W>(
  task: TaskImpl,
  value: unknown,
  inputs: () => unknown,
  keyOf: KeyOf<W>,
  where: W,
  id: number
): TypeError | undefined => {
  if (typeof value !== "object" || value === null || task.kind !== "effect") return undefined
  // A proxy may throw at any access.
  const work = Result.getOrUndefined(Result.try(() => workIn(value)))
  if (work === undefined || work === "an Exit" || isMeant(value) || isPartOf(inputs(), value)) return undefined
  hush(value)
  return new TypeError(`The effect of task ${quote(keyOf(where, id))} gave ${work}${ofEffects[work]}.`)
}

const isPartOf = (values: unknown, value: unknown): boolean =>
  value === values || (typeof values === "object" && values !== null && Object.values(values).includes(value))

/** The effect that a body returned, which in untyped code may be anything. */
const effectOf = <W>(returned: unknown, keyOf: KeyOf<W>, where: W, id: number): Effect.Effect<unknown, unknown> => {
  if (Effect.isEffect(returned)) return returned as Effect.Effect<unknown, unknown>
  if (isSteps(returned)) return Effect.gen(() => returned) as Effect.Effect<unknown, unknown>
  const key = quote(keyOf(where, id))
  const found = briefResult(returned)
  const hint = isThenable(returned)
    ? "wrap it with Effect.tryPromise"
    : isTask(returned)
    ? "use Task.flatMap for a task"
    : isGenerator(returned)
    ? "an async generator cannot be one"
    : "use Task.map for a plain value"
  return Effect.die(new TypeError(`The function of task ${key} returned ${found} instead of an Effect: ${hint}.`))
}

/** The body of a task applied to its inputs; for a `Task.exit`, to that exit alone. */
export const bodyOf = <W>(
  task: TaskImpl,
  inputs: ReadonlyArray<unknown> | undefined,
  keyOf: KeyOf<W>,
  where: W,
  id: number
): Effect.Effect<unknown, unknown> => {
  const { body } = task
  switch (body._tag) {
    case "effect":
      if (body.constant !== undefined) return body.constant as Effect.Effect<unknown>
      return Effect.suspend(() => effectOf(callBody(body.run, assembled(task, inputs)), keyOf, where, id))
    case "flatMap":
      return Effect.sync(() => callBody(body.run, assembled(task, inputs)))
    case "map":
      return Effect.sync(() => valueOf(body.run, assembled(task, inputs), keyOf, where, id))
    case "exit":
      return Effect.succeed(inputs![0])
    case "value":
      return Effect.succeed(body.value)
  }
}

/** The body of a task that can be called at once: an exit, or what is left to run in a fiber. */
export const calledOn = (
  run: (values: unknown) => Effect.Effect<unknown, unknown>,
  task: TaskImpl,
  inputs: ReadonlyArray<unknown> | undefined
): Effect.Effect<unknown, unknown> => {
  const begun = Result.try(() => callBody(run, assembled(task, inputs)))
  return Result.isSuccess(begun) ? begun.success : Exit.die(begun.failure)
}

/** Calls the body of a task without dependencies from inside a fiber: its exit, or the effect that gives it. It may throw. */
export const calledBody = <W>(
  task: TaskImpl,
  keyOf: KeyOf<W>,
  where: W,
  id: number
): Effect.Effect<unknown, unknown> => {
  const { body, inputs } = task
  switch (body._tag) {
    case "effect":
      return body.constant === undefined
        ? effectOf(callBody(body.run, inputs), keyOf, where, id)
        : body.constant as Effect.Effect<unknown>
    case "map":
      return Exit.succeed(valueOf(body.run, inputs, keyOf, where, id))
    default:
      return bodyOf(task, undefined, keyOf, where, id)
  }
}

/** The defect for a value in place of an effect; `what` says where. */
export const givenEffect = <A, E, R>(what: string, given: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  if (Effect.isEffect(given)) return given
  // Now, and not when it runs: until then the rejection of a promise would be unhandled.
  const found = briefResult(given)
  return Effect.die(new TypeError(`${what} is ${found} instead of an Effect: ${wayOf(given)}.`))
}

const wayOf = (given: unknown): string => {
  if (isGeneratorFunction(given)) return "wrap it with Effect.gen"
  if (isGenerator(given)) return "wrap the generator function with Effect.gen"
  if (typeof given !== "function") return `wrap it with Effect.${isThenable(given) ? "tryPromise" : "succeed"}`
  return Object.prototype.toString.call(given) === "[object AsyncFunction]"
    ? "wrap it with Effect.tryPromise"
    : "wrap it with Effect.sync, or with Effect.suspend if it gives an effect"
}

/** The inputs of a body, with tasks replaced by their results. */
export const assembled = (task: TaskImpl, inputs: ReadonlyArray<unknown> | undefined): unknown =>
  inputs === undefined ? task.inputs : assemble(task, inputs)
