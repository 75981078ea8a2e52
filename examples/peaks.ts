/** What a program asked of its slots, from the events of the scheduler. */
import * as Effect from "effect/Effect"
import * as Scheduler from "skein/Scheduler"

/** How many tasks there were, and how many ran, and waited without a slot, at the peak. */
export interface Peaks {
  readonly tasks: number
  /** Tasks whose body had a slot. */
  readonly running: number
  /** Tasks whose body had given its slot away. */
  readonly seceded: number
}

/** Runs an effect and gives its value with the peaks of the scheduler meanwhile. */
export const withPeaks = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<readonly [A, Peaks], E, R | Scheduler.Scheduler> =>
  Effect.scoped(Effect.gen(function*() {
    const counter = makeCounter()
    yield* Scheduler.listen(counter.count)
    return [yield* effect, counter.peaks()] as const
  }))

const makeCounter = () => {
  let [tasks, running, seceded, runningMax, secededMax] = [0, 0, 0, 0, 0]
  const change = ({ from, to }: Scheduler.TaskEvent, phase: string) => Number(to === phase) - Number(from === phase)
  return {
    count: (event: Scheduler.TaskEvent): void => {
      tasks += Number(event.from === undefined)
      runningMax = Math.max(runningMax, running += change(event, "running"))
      secededMax = Math.max(secededMax, seceded += change(event, "seceded"))
    },
    peaks: (): Peaks => ({ tasks, running: runningMax, seceded: secededMax })
  }
}
