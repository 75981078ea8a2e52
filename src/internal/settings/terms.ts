/**
 * Options of workers, checked and prepared for the engine.
 *
 * @internal
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Restart, Terms } from "../../engine/protocol/Event.ts"
import {
  amounts,
  checkOf,
  count,
  countOrInfinity,
  duration,
  durationAboveZero,
  effect,
  highWaterMark,
  holdsValues,
  invalidOption,
  isCount,
  isName,
  isNames,
  name,
  optionsFault,
  recordOf,
  said,
  slots,
  valueFault
} from "../tasks/checks.ts"
import type { Check, Checks } from "../tasks/checks.ts"
import { millisIn, millisOf } from "../tasks/durations.ts"
import type { Mistake } from "../tasks/mistake.ts"
import { quote } from "../text/text.ts"
import type { ElasticOptions, RestartOptions, WorkerOptions, WorkerTerms } from "./layerOptions.ts"

/** Terms with any `onStart`. */
export type AnyTerms = WorkerTerms<unknown, any>

type AnyWorker = WorkerOptions<unknown, any>

const restart: Checks<RestartOptions> = {
  times: countOrInfinity,
  within: durationAboveZero,
  minRunTime: duration
}

export const checksOfTerms: Checks<WorkerTerms> = {
  ttl: durationAboveZero,
  // Without a window no loss would ever count.
  restart: recordOf(restart, ["times", "within"]),
  maxTasks: count,
  maxAge: durationAboveZero,
  onStart: effect
}

const checksOfWorkers: Checks<WorkerOptions> = {
  ...checksOfTerms,
  id: name,
  concurrency: slots,
  resources: amounts,
  labels: checkOf("an array of words", (labels) => isNames(labels) || (Array.isArray(labels) && labels.length === 0)),
  highWaterMark
}

const fewest = "a whole number from 0 to elastic.max"

const checksOfPools: Checks<ElasticOptions> = {
  ...checksOfTerms,
  min: checkOf(fewest, (value) => Number.isInteger(value) && (value as number) >= 0),
  max: count,
  concurrency: checkOf("a positive whole number (with unbounded workers a pool never grows)", isCount),
  idle: durationAboveZero,
  id: checkOf("a non-empty string, with which the names of its workers begin", isName)
}

const pool = recordOf(checksOfPools, ["min", "max", "concurrency"])

/** The option `elastic` of a layer. */
export const elastic: Check = (option, value) => {
  const invalid = pool(option, value)
  if (invalid !== undefined) return invalid
  const { max, min } = value as ElasticOptions
  return min <= max ? undefined : { option: `${option}.min`, value: min, expected: fewest }
}

/** A worker as the scheduler gets it. */
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

const restartOf = ({ minRunTime, times, within }: RestartOptions): Restart => ({
  times,
  withinMillis: millisOf(within),
  minRunMillis: millisIn(minRunTime) ?? 0
})

const termsOf = ({ maxAge, maxTasks, restart, ttl }: AnyTerms): Terms => ({
  ttlMillis: millisIn(ttl),
  maxTasks,
  maxAgeMillis: millisIn(maxAge),
  restart: restart === undefined ? undefined : restartOf(restart)
})

/** More slots than there can be tasks, and few enough for exact products with counts of tasks. */
export const unboundedSlots = 2 ** 30

/** The terms of a layer, as far as its workers need them. */
export type LayerTerms = AnyTerms & { readonly elastic?: ElasticOptions<unknown, any> | undefined }

const slotsOf = (concurrency: number | "unbounded"): number =>
  concurrency === "unbounded" ? unboundedSlots : concurrency

/** Options of a worker, completed by those of the layer. */
const within = <A extends AnyTerms>(layer: AnyTerms, own: A): AnyTerms & A => ({
  ...layer,
  ...said(own) as A
})

const sample = "{ id: \"a\", concurrency: 1 }"

/** The option `workers` of a layer, of which each is checked by itself. */
export const workers = checkOf(`an array of workers, such as [${sample}]`, Array.isArray)

const bounded = checkOf("a positive whole number beside elastic, for a pool grows only while no slot is free", isCount)

/** The refusal of a worker, if any; `at` is its location in a list. */
const workerFault = (worker: AnyWorker, { elastic }: LayerTerms, at: string | undefined): Mistake | undefined => {
  if (!holdsValues(worker)) return invalidOption(at ?? "worker", worker, `a worker, such as ${sample}`)
  const { concurrency, id } = worker
  const nameless = valueFault(name, at === undefined ? "id" : `${at}.id`, id)
  if (nameless !== undefined) return nameless
  const of = ` of worker ${quote(id)}`
  const besidePool = concurrency === "unbounded" && elastic !== undefined ? bounded : slots
  return optionsFault(worker, checksOfWorkers, of) ?? valueFault(besidePool, `concurrency${of}`, concurrency)
}

/** Terms whose `onStart` has its services, and takes only its scope from where it runs: a replacement starts elsewhere. */
export const provided = <A extends AnyTerms>(terms: A, services: Context.Context<never>): A =>
  terms.onStart === undefined
    ? terms
    : { ...terms, onStart: Effect.provideContext(terms.onStart, Context.omit(Scope.Scope)(services)) }

/** A worker with its own options and the defaults of its layer, which have their services. */
export const postingOf = (
  worker: AnyWorker,
  layer: LayerTerms,
  services: Context.Context<never>,
  at?: string
): Posting | Mistake => {
  const fault = workerFault(worker, layer, at)
  if (fault !== undefined) return fault
  const own = provided(worker, services)
  const { concurrency, highWaterMark, id, labels = [], onStart, resources, ...terms } = within(layer, own)
  // A mark of 0 is no limit.
  const mark = highWaterMark === 0 ? undefined : highWaterMark
  return { id, slots: slotsOf(concurrency), resources, labels: [...labels], mark, terms: termsOf(terms), onStart }
}

const defaultIdle = 10_000
const defaultRestart: Restart = { times: 3, withinMillis: 60_000, minRunMillis: 0 }

/** The pool of a layer. */
export const poolOf = (
  elastic: ElasticOptions<unknown, any>,
  layer: AnyTerms,
  services: Context.Context<never>
): PoolPosting => {
  const { concurrency, id = "elastic", idle, max, min, onStart, ...terms } = within(layer, provided(elastic, services))
  const { restart = defaultRestart, ...rest } = termsOf(terms)
  const idleMillis = millisIn(idle) ?? defaultIdle
  return { id, slots: concurrency, labels: [], min, max, idleMillis, terms: { ...rest, restart }, onStart }
}
