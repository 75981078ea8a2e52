/**
 * Locality functions of users, made safe for the engine, and called once for each worker.
 *
 * @internal
 */
import * as Result from "effect/Result"
import type { Locality, WorkerInfo } from "../../engine/protocol/Plan.ts"
import { briefResult } from "../text/brief.ts"
import { describeError } from "../text/rendering.ts"
import { quote } from "../text/text.ts"

type Rate = (worker: WorkerInfo) => number

const known = new WeakMap<Rate, Locality>()

/** The same for the same function, so that tasks with one function share a queue. */
export const localityOf = (rate: Rate): Locality => {
  const present = known.get(rate)
  if (present !== undefined) return present
  const ratings = new WeakMap<WorkerInfo, number | string>()
  const locality: Locality = (worker) => {
    const rating = ratings.get(worker) ?? asked(rate, worker)
    ratings.set(worker, rating)
    return rating
  }
  known.set(rate, locality)
  return locality
}

/** The answer of a function for a worker, or its fault. */
const asked = (rate: Rate, worker: WorkerInfo): number | string => {
  const about = `for worker ${quote(worker.id)}`
  const result = Result.try((): unknown => rate(worker))
  if (Result.isFailure(result)) return `threw ${describeError(result.failure)} ${about}`
  const rating = result.success
  return typeof rating === "number" && !Number.isNaN(rating) ? rating : `gave ${briefResult(rating)} ${about}`
}
