/**
 * Placement schemes choose among several workers that could start a task now. Random numbers come from a generator in the state,
 * so a seed fixes the sequence.
 *
 * @since 0.1.0
 */
import type { Candidate } from "../protocol/Settings.ts"
import type { State } from "../state/State.ts"
import type { WorkerRecord } from "../state/WorkerRecord.ts"

/** One of these workers, each of which could start a task now; `undefined` if there is none. */
export const pick = (state: State, workers: ReadonlyArray<WorkerRecord>): WorkerRecord | undefined => {
  if (workers.length < 2) return workers[0]
  const { scheme } = state
  switch (scheme) {
    case "steady":
      return first(workers, hasLess)
    case "leastLoad":
      return first(workers, isLess)
    case "lru":
      return first(workers, isOlder)
    case "plainRandom":
      return workers[drawIndex(state, workers.length)]
    case "twoBin":
      return first(drawTwo(state, workers, () => 1), isOlder)
    case "weighted":
      return first(drawTwo(state, workers, ({ running, slots }) => slots - running), isLess)
    default:
      return workers[scheme(workers.map(candidateOf), () => draw(state))] ?? first(workers, hasLess)
  }
}

type IsBefore = (a: WorkerRecord, b: WorkerRecord) => boolean

const first = (workers: ReadonlyArray<WorkerRecord>, isBefore: IsBefore): WorkerRecord =>
  workers.reduce((best, worker) => isBefore(worker, best) ? worker : best)

/** Whether `a` has the greater share of free slots; of equals, whether it was used less recently. */
const isLess: IsBefore = (a, b) => {
  const difference = loadBy(a, b)
  return difference < 0 || (difference === 0 && isOlder(a, b))
}

const hasLess: IsBefore = (a, b) => loadBy(a, b) < 0

/** Below 0 if `a` has the greater share of free slots. */
const loadBy = (a: WorkerRecord, b: WorkerRecord): number => a.running * b.slots - b.running * a.slots

/** Whether `a` was used less recently. Compares the difference, because numbers of attempts may wrap. */
const isOlder: IsBefore = (a, b) => ((a.usedAt - b.usedAt) | 0) < 0

const candidateOf = ({ attempts, info, running, slots }: WorkerRecord): Candidate => ({
  id: info.id,
  labels: info.labels,
  slots,
  running,
  attempts
})

/** Two different workers, each drawn in proportion to its weight. */
const drawTwo = (
  state: State,
  workers: ReadonlyArray<WorkerRecord>,
  weightOf: (worker: WorkerRecord) => number
): ReadonlyArray<WorkerRecord> => {
  const one = drawOne(state, workers, weightOf)
  return [one, drawOne(state, workers.filter((worker) => worker !== one), weightOf)]
}

const drawOne = (
  state: State,
  workers: ReadonlyArray<WorkerRecord>,
  weightOf: (worker: WorkerRecord) => number
): WorkerRecord => {
  let rest = draw(state) * workers.reduce((sum, worker) => sum + weightOf(worker), 0)
  for (const worker of workers) {
    rest -= weightOf(worker)
    if (rest < 0) return worker
  }
  return workers.at(-1)!
}

const drawIndex = (state: State, count: number): number => Math.floor(draw(state) * count)

/** A number from 0 to below 1: the generator "mulberry32". */
const draw = (state: State): number => {
  state.chance = (state.chance + 0x6d2b79f5) | 0
  let mixed = Math.imul(state.chance ^ (state.chance >>> 15), 1 | state.chance)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
}
