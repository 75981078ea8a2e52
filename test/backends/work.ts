/**
 * The bodies of the suite that runs on every backend. A test shares no memory with a body: a body says by `Effect.log` what it does,
 * which reaches the loggers of its submitter from everywhere, and waits by the clock of its submitter.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import type { DependenciesLost, TaskRescheduled, TaskUnmet } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"

/** A typed error. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", { own: Schema.Number }) {}

// ---- results

export const add = (a: number, b: number): number => a + b

export const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

export interface Sample {
  readonly at: Date
  readonly bytes: Uint8Array
  readonly named: ReadonlyMap<string, number | undefined>
  readonly seen: ReadonlySet<bigint>
  readonly text: string | null
  readonly rows: ReadonlyArray<{ readonly x?: number }>
}

export const same = (sample: Sample): Sample => sample

export const nothing = (): void => {}

export const promised = (n: number): Promise<number> => Promise.resolve(n)

export const rejected = (text: string): Promise<number> => Promise.reject(new RangeError(text))

export function* steps(n: number): Generator<Effect.Effect<void>, number> {
  yield Effect.yieldNow
  return n
}

// ---- failures

export const refuses = (own: number): Effect.Effect<number, Refused> => Effect.fail(new Refused({ own }))

export const throws = (text: string): number => {
  throw new RangeError(text, { cause: new TypeError("deeper") })
}

/** Fails for two reasons. */
export const failsTwice = (own: number): Effect.Effect<number, Refused> =>
  Effect.failCause(
    Cause.fromReasons([Cause.makeFailReason(new Refused({ own })), Cause.makeDieReason(new RangeError("finalizer"))])
  )

export const interruptsItself = (): Effect.Effect<number> => Effect.interrupt

/** Fails at the first attempts. */
export const failsAtFirst = (name: string, times: number): Effect.Effect<number, Refused, Worker.Worker> =>
  Effect.gen(function*() {
    const { attempt } = yield* Worker.current
    yield* Effect.log(`${name} ${attempt}`)
    return attempt <= times ? yield* new Refused({ own: attempt }) : attempt
  })

export const skips = (): typeof Worker.skip => Worker.skip

/** Does not run on the worker of its first attempt. */
export const moves = (first: string): Effect.Effect<string, TaskUnmet, Worker.Worker> =>
  Effect.flatMap(Worker.current, ({ id }) => id === first ? Worker.unmet("not here") : Effect.succeed(id))

/** The keys of bodies that will run once more on this worker. */
const again = new Set<string>()

/** Says at first that an input is gone. */
export const loses = (input: string): Effect.Effect<string, DependenciesLost, Worker.Worker> =>
  Effect.gen(function*() {
    const seen = yield* Worker.current
    yield* Effect.log(`reads ${input}`)
    if (again.delete(seen.key)) return input
    again.add(seen.key)
    return yield* Worker.dependenciesLost("input")
  })

/** Goes back to the queue once. */
export const goesBack = (name: string): Effect.Effect<string, TaskRescheduled, Worker.Worker> =>
  Effect.gen(function*() {
    const { key } = yield* Worker.current
    yield* Effect.log(`${name} runs`)
    if (again.delete(key)) return name
    again.add(key)
    return yield* Worker.reschedule
  })

// ---- time, and the end from outside

/** Says that it waits when its clock knows of it. */
const wait = (name: string, millis: number): Effect.Effect<void> =>
  Effect.raceFirst(Effect.sleep(millis), Effect.andThen(Effect.log(`${name} waits`), Effect.never))

export const waits = (name: string, millis: number): Effect.Effect<string> =>
  Effect.onExit(Effect.as(wait(name, millis), name), ({ _tag }) => Effect.log(`${name}: ${_tag}`))

/** Waits for ever. */
export const endless = (name: string): Effect.Effect<never> =>
  Effect.onExit(
    Effect.andThen(Effect.log(`${name} begins`), Effect.never),
    ({ _tag }) => Effect.log(`${name}: ${_tag}`)
  )

/** Waits for ever, and takes some turns to give up. */
export const reluctant = (name: string): Effect.Effect<never> =>
  Effect.onExit(
    Effect.andThen(Effect.log(`${name} begins`), Effect.never),
    () => Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 20 }), Effect.log(`${name} gave up`))
  )

/** Waits where it cannot be interrupted. */
export const deaf = (name: string, millis: number): Effect.Effect<string> =>
  Effect.uninterruptible(Effect.as(wait(name, millis), name))

/** Waits where requests to stop are held back, and then goes on for ever. */
export const shielded = (name: string, millis: number): Effect.Effect<never, never, Worker.Worker> =>
  Effect.onExit(
    Effect.andThen(Worker.shielded(Effect.andThen(wait(name, millis), Effect.log(`${name} has saved`))), Effect.never),
    ({ _tag }) => Effect.log(`${name}: ${_tag}`)
  )

export const now = (): Effect.Effect<number> => Effect.clockWith((clock) => clock.currentTimeMillis)

export const closes = (name: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.as(Effect.addFinalizer(({ _tag }) => Effect.log(`${name} is closed: ${_tag}`)), name)

/** Says that it runs, and when it has run. */
export const notes = (name: string): Effect.Effect<string> =>
  Effect.gen(function*() {
    yield* Effect.log(`${name} begins`)
    yield* Effect.yieldNow
    yield* Effect.log(`${name} ends`)
    return name
  })

// ---- where it runs, and for whom

export interface Place {
  readonly id: string
  readonly labels: ReadonlyArray<string>
  readonly attempt: number
  readonly key: string
}

export const place = (): Effect.Effect<Place, never, Worker.Worker> =>
  Effect.map(Worker.current, ({ attempt, id, key, labels }) => ({ id, labels: [...labels], attempt, key }))

/** The process and the thread. */
export const home = async (): Promise<string> => {
  const { threadId } = await import("node:worker_threads")
  return `${process.pid}:${threadId}`
}

export interface Surroundings {
  readonly annotations: Readonly<Record<string, unknown>>
  readonly spans: ReadonlyArray<string>
  readonly level: string
  readonly trace: string | undefined
}

export const surroundings = (): Effect.Effect<Surroundings> =>
  Effect.gen(function*() {
    return {
      annotations: yield* References.CurrentLogAnnotations,
      spans: (yield* References.CurrentLogSpans).map(([label]) => label),
      level: yield* References.MinimumLogLevel,
      trace: yield* Effect.match(Effect.currentParentSpan, {
        onFailure: () => undefined,
        onSuccess: ({ spanId, traceId }) => `${traceId} ${spanId}`
      })
    }
  })

export const tells = (): Effect.Effect<void> =>
  Effect.gen(function*() {
    yield* Effect.logWarning("first", { n: 1 })
    yield* Effect.logDebug("not told")
    yield* Effect.annotateLogs(Effect.logInfo("second"), "own", "yes")
  })

// ---- slots

/** Gives its slot away for a while. */
export const secedes = (name: string, millis: number): Effect.Effect<string, never, Worker.Worker> =>
  Effect.gen(function*() {
    yield* Worker.secede
    yield* wait(name, millis)
    yield* Worker.rejoin
    yield* Effect.log(`${name} is back`)
    return name
  })

/** The same around an effect. */
export const seceded = (name: string, millis: number): Effect.Effect<string, never, Worker.Worker> =>
  Effect.as(Effect.andThen(Worker.seceded(wait(name, millis)), Effect.log(`${name} is back`)), name)

// ---- tasks that launch tasks

/** Computes functions, which run in its own worker. */
export const launchesFunctions = (n: number): Effect.Effect<number, never, Client.Client> =>
  Client.compute(Array.from({ length: n }, (_, i) => Task.sync(() => i))).pipe(Effect.map(sum), Effect.orDie)

/** The first function fails. */
export const launchesFailure = (own: number): Effect.Effect<number, Refused, Client.Client> =>
  Client.compute(Task.make(Effect.fail(new Refused({ own })))).pipe(
    Effect.catchTags({ SubmitError: Effect.die, SkeinError: Effect.die })
  )

/** Submits a function, cancels it, and goes on. */
export const cancelsFunction = (name: string): Effect.Effect<string, never, Client.Client> =>
  Effect.scoped(Effect.gen(function*() {
    const future = yield* Client.submit(Task.make(endless(name)))
    yield* Effect.repeat(Effect.yieldNow, { times: 20 })
    yield* Future.cancel(future)
    return yield* Future.status(future)
  })).pipe(Effect.orDie)

/** Launches a function that never ends. */
export const launchesEndless = (name: string): Effect.Effect<number, never, Client.Client> =>
  Effect.onExit(
    Effect.orDie(Client.compute(Task.make(endless(`${name}'s child`)))),
    ({ _tag }) => Effect.log(`${name}: ${_tag}`)
  )
