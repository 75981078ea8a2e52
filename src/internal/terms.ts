/**
 * What users say of workers, checked and made ready for the engine.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Restart, Terms } from "../engine/Event.ts"
import type { ElasticOptions, RestartOptions, WorkerOptions, WorkerTerms } from "../Skein.ts"
import type { GraphError } from "../SkeinError.ts"
import { countFault, invalidOption, isObject, nameFault, recordFault, unknownOption, workerFault } from "./checks.ts"
import type { Names } from "./options.ts"

export const namesOfTerms: Names<WorkerTerms> = {
  ttl: true,
  restart: true,
  maxTasks: true,
  maxAge: true,
  onStart: true
}

const namesOfWorkers: Names<WorkerOptions> = {
  ...namesOfTerms,
  id: true,
  concurrency: true,
  resources: true,
  labels: true,
  highWaterMark: true
}

const namesOfPools: Names<ElasticOptions> = {
  ...namesOfTerms,
  min: true,
  max: true,
  concurrency: true,
  idle: true,
  id: true
}

const namesOfRestart: Names<RestartOptions> = { times: true, within: true, minRunTime: true }

/** A worker as the scheduler is told of it. */
export interface Posting {
  readonly id: string
  readonly slots: number
  readonly resources?: Readonly<Record<string, number>> | undefined
  readonly labels: ReadonlyArray<string>
  readonly mark?: number | undefined
  readonly terms: Terms
  readonly onStart: Effect.Effect<unknown, unknown, Scope.Scope> | undefined
}

/** An elastic pool; its workers have the name of the posting and a number. */
export interface PoolPosting extends Posting {
  readonly min: number
  readonly max: number
  readonly idleMillis: number
}

export const millisOf = (input: Duration.Input | undefined): number | undefined =>
  input === undefined
    ? undefined
    : Option.match(Duration.fromInput(input), { onNone: () => NaN, onSome: Duration.toMillis })

/** A duration that is refused unless it is above zero. */
const durationFault = (option: string, input: Duration.Input | undefined): GraphError | undefined => {
  const millis = millisOf(input)
  return millis === undefined || millis > 0 ? undefined : invalidOption(option, input, aboveZero)
}

const aboveZero = "a duration above zero, such as \"5 seconds\""

/** A duration that may be zero, or without end. */
export const waitFault = (option: string, input: Duration.Input | undefined): GraphError | undefined => {
  const millis = millisOf(input)
  return millis === undefined || millis >= 0
    ? undefined
    : invalidOption(option, input, "a duration, such as \"5 seconds\"")
}

const countFaultOf = (option: string, value: number | undefined): GraphError | undefined =>
  value === undefined ? undefined : countFault(option, value)

const restartFault = (of: string, restart: RestartOptions | undefined): GraphError | undefined =>
  restart === undefined
    ? undefined
    : recordFault("restart", restart, namesOfRestart, of) ??
      (restart.times === Infinity ? undefined : countFault(`restart.times${of}`, restart.times)) ??
      // Without a window no loss would ever count.
      (restart.within === undefined
        ? invalidOption(`restart.within${of}`, undefined, aboveZero)
        : durationFault(`restart.within${of}`, restart.within)) ??
      waitFault(`restart.minRunTime${of}`, restart.minRunTime)

/** Why these terms are none; `of` says whose they are. */
export const termsFault = (
  { maxAge, maxTasks, onStart, restart, ttl }: WorkerTerms,
  of = ""
): GraphError | undefined =>
  (onStart === undefined || Effect.isEffect(onStart)
    ? undefined
    : invalidOption(`onStart${of}`, onStart, "an effect, such as Effect.acquireRelease(open, close)")) ??
    durationFault(`ttl${of}`, ttl) ?? countFaultOf(`maxTasks${of}`, maxTasks) ?? durationFault(`maxAge${of}`, maxAge) ??
    restartFault(of, restart)

const restartOf = ({ minRunTime, times, within }: RestartOptions): Restart => ({
  times,
  withinMillis: millisOf(within)!,
  minRunMillis: millisOf(minRunTime) ?? 0
})

const termsOf = ({ maxAge, maxTasks, restart, ttl }: WorkerTerms): Terms => ({
  ttlMillis: millisOf(ttl),
  maxTasks,
  maxAgeMillis: millisOf(maxAge),
  restart: restart === undefined ? undefined : restartOf(restart)
})

const given = <A extends object>(options: A): Partial<A> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<A>

/** Why these are no options of a worker that has a name, whatever their values; `at` is where they are in a list. */
export const shapeFault = (worker: WorkerOptions, at?: string): GraphError | undefined =>
  isObject(worker)
    ? nameFault(at === undefined ? "id" : `${at}.id`, worker.id) ??
      unknownOption(worker, namesOfWorkers, ` of worker ${JSON.stringify(worker.id)}`)
    : invalidOption(at ?? "worker", worker, `a worker, such as ${sample}`)

const sample = "{ id: \"a\", concurrency: 1 }"

/** The same for the list of a layer. */
export const listFault = (workers: ReadonlyArray<WorkerOptions>): GraphError | undefined => {
  if (!Array.isArray(workers)) return invalidOption("workers", workers, `an array of workers, such as [${sample}]`)
  for (const [i, worker] of workers.entries()) {
    const fault = shapeFault(worker, `workers[${i}]`)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** A worker with what it says itself, and what its layer says for all. */
export const postingOf = (worker: WorkerOptions, layer: WorkerTerms): Posting | GraphError => {
  const stranger = shapeFault(worker)
  if (stranger !== undefined) return stranger
  const { concurrency, highWaterMark, id, labels = [], resources } = worker
  const terms: WorkerTerms = { ...layer, ...given(worker) }
  const of = ` of worker ${JSON.stringify(id)}`
  const fault = workerFault(worker) ?? termsFault(terms, of)
  if (fault !== undefined) return fault
  // A mark of 0 is no limit.
  const mark = highWaterMark === 0 ? undefined : highWaterMark
  return { id, slots: concurrency, resources, labels: [...labels], mark, terms: termsOf(terms), onStart: terms.onStart }
}

const defaultIdle = 10_000
const defaultRestart: Restart = { times: 3, withinMillis: 60_000, minRunMillis: 0 }

/** The pool of a layer. */
export const poolOf = (elastic: ElasticOptions, layer: WorkerTerms): PoolPosting | GraphError => {
  const stranger = recordFault("elastic", elastic, namesOfPools)
  if (stranger !== undefined) return stranger
  const { concurrency, id = "elastic", idle, max, min } = elastic
  const terms: WorkerTerms = { ...layer, ...given(elastic) }
  const fault = countFault("elastic.max", max) ??
    countFault("elastic.concurrency", concurrency) ??
    (Number.isInteger(min) && min >= 0 && min <= max
      ? undefined
      : invalidOption("elastic.min", min, "a whole number from 0 to elastic.max")) ??
    (typeof id === "string" && id !== ""
      ? undefined
      : invalidOption("elastic.id", id, "a non-empty string, with which the names of its workers begin")) ??
    durationFault("elastic.idle", idle) ?? termsFault(terms, " of elastic")
  if (fault !== undefined) return fault
  const { restart = defaultRestart, ...rest } = termsOf(terms)
  const idleMillis = millisOf(idle) ?? defaultIdle
  return {
    id,
    slots: concurrency,
    labels: [],
    min,
    max,
    idleMillis,
    terms: { ...rest, restart },
    onStart: terms.onStart
  }
}
