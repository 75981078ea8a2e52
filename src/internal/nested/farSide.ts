/**
 * Nested work in a worker elsewhere: what its bodies submit. Tasks of functions run in a scheduler of the worker's own, which
 * begins with the first of them; named tasks are asked for outside, as children of the attempt in whose body they were submitted.
 *
 * ```text
 * [body] -- Client --> [scheduler of this worker] -- a function --> runs here
 *                                                 -- a named task: ask --> [scheduler of the program] --> any worker
 * ```
 *
 * While a body waits, its slot of the program is free. A worker elsewhere has one event loop, so its scheduler takes no core that
 * is not the worker's.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { annotationsIn } from "../bodies/annotations.ts"
import { attemptAt, secededIn } from "../bodies/attempt.ts"
import { taskAt } from "../bodies/livePlan.ts"
import { Client } from "../client/client.ts"
import type * as clientLayer from "../client/layer.ts"
import { decodeCause, stranded } from "../portable/causes.ts"
import { asking } from "../portable/handlers.ts"
import type { Ask } from "../portable/handlers.ts"
import type { Surroundings } from "../remote/far.ts"
import { Border } from "../remote/farAttempt.ts"
import type { ExitData } from "../remote/messages.ts"
import { regionIn } from "../remote/regions.ts"
import { travellingOf } from "../tasks/travelling.ts"
import { SlotKeeper } from "../tasks/worker.ts"
import type { Wanted } from "./wanted.ts"

/** The context of bodies: a client of the worker's own scheduler, and handlers that ask for all that the worker serves. */
export const surroundingsFrom = (load: Effect.Effect<typeof clientLayer>): Surroundings => (registry, slots, clock) =>
  Effect.gen(function*() {
    const context = yield* Effect.context<Scope.Scope>()
    const start = Effect.flatMap(load, ({ make }) => make<never, never>({ concurrency: slots }))
    // It begins within a body, and outlives it. Its time limits go by the clock of the program.
    const made = Effect.suspend(() => {
      const own = clock()
      const around = own === undefined ? context : Context.add(context, Clock.Clock, own)
      return Effect.map(Effect.provideContext(start, around), ({ client }) => client)
    })
    const client = clientOf(yield* Effect.cached(Effect.uninterruptible(made)))
    return Context.add(Context.merge(context, asking(registry.names, ask)), Client, client)
  })

/** The scheduler is loaded when a body first uses it. */
export const surroundings = surroundingsFrom(Effect.promise(() => import("../client/layer.ts")))

type Verb = (...args: Array<any>) => Effect.Effect<any, any, any>
type Verbs = { readonly [K in Exclude<keyof Client["Service"], "stream">]: Verb }

/** A client that is made when it is used. */
const clientOf = (made: Effect.Effect<Client["Service"]>): Client["Service"] => {
  const verb = (name: keyof Verbs): Verb => (...args) =>
    Effect.flatMap(made, (client) => (client as unknown as Verbs)[name](...args))
  const verbs: Verbs = {
    submitAll: verb("submitAll"),
    retryAll: verb("retryAll"),
    compute: verb("compute"),
    forEach: verb("forEach"),
    fireAndForget: verb("fireAndForget"),
    published: verb("published"),
    unpublish: verb("unpublish"),
    awaitGroup: verb("awaitGroup"),
    cancelGroup: verb("cancelGroup")
  }
  const stream = (...args: ReadonlyArray<any>): Stream.Stream<any, any, any> =>
    Stream.unwrap(
      Effect.map(made, (client) => (client.stream as (...all: typeof args) => Stream.Stream<any, any>)(...args))
    )
  return { ...verbs, stream } as unknown as Client["Service"]
}

/** Asks for a named task, and waits for its exit. Its own slot here is free meanwhile. */
const ask: Ask = (named, payload) =>
  Effect.withFiber((fiber) => {
    const border = fiber.getRef(Border)
    const { codec, name } = named
    if (border === undefined) {
      return Effect.die(new TypeError(`Nothing can run ${name}: no body of this worker has submitted it.`))
    }
    const encoded = codec.payload.encode(payload)
    if (Result.isFailure(encoded)) return Effect.die(stranded(name, "payload", encoded.failure))
    const keepsSlot = Context.get(fiber.context, SlotKeeper) === border
    const own = attemptAt(fiber)
    const options = own === undefined || own === border ? undefined : travellingOf(taskAt(own).options)
    const region = annotationsIn(fiber.context) === annotationsIn(border.context!) ? undefined : regionIn(fiber.context)
    const wanted: Wanted = { name, payload: encoded.success, keepsSlot, options, region }
    const exit = Effect.orDie(border.ask("run", wanted)) as Effect.Effect<ExitData>
    return Effect.flatMap(own === undefined || own === border ? exit : secededIn(own, exit), (exit) => {
      if (exit._tag === "Failure") return Effect.failCause(decodeCause(named, exit.cause))
      const decoded = codec.success.decode(exit.value)
      return Result.isSuccess(decoded)
        ? Effect.succeed(decoded.success)
        : Effect.die(stranded(name, "result", decoded.failure))
    })
  })
