/**
 * Shrinks a failing case: less graph, fewer faults, fewer changes of order.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { Tape } from "../Chance.ts"
import type { Case, Run } from "./simulation.ts"

type RunCase = (candidate: Case) => Effect.Effect<Run, never, any>

class Shrinking {
  best: Case
  run: Run
  private left: number
  private readonly runCase: RunCase

  constructor(runCase: RunCase, first: Case, run: Run, left: number) {
    this.runCase = runCase
    this.best = first
    this.run = run
    this.left = left
  }

  /** Whether the candidate fails as the first case did. If so, it is the best from now on. */
  accepts(candidate: Case): Effect.Effect<boolean, never, any> {
    return Effect.suspend(() => {
      if (this.left-- <= 0) return Effect.succeed(false)
      return Effect.map(this.runCase(candidate), (run) => {
        const isBad = run.problems.some(({ kind }) => kind === this.run.problems[0]!.kind)
        if (isBad) {
          this.best = candidate
          this.run = run
        }
        return isBad
      })
    })
  }

  /** The same case in other orders of events, because a smaller graph rarely fails in the old one. */
  acceptsInSomeOrder(candidate: Case): Effect.Effect<boolean, never, any> {
    const { schedule: _, ...rest } = candidate
    const others = Array.from({ length: 8 }, (_, order) => ({ ...rest, order }))
    return this.firstOf([candidate, ...others])
  }

  private firstOf(candidates: ReadonlyArray<Case>): Effect.Effect<boolean, never, any> {
    return Effect.suspend(() => {
      const [first, ...rest] = candidates
      if (first === undefined) return Effect.succeed(false)
      return Effect.flatMap(this.accepts(first), (isBad) => isBad ? Effect.succeed(true) : this.firstOf(rest))
    })
  }
}

/** The smallest failing case within the budget. */
export const smaller = (runCase: RunCase, first: Case, run: Run, budget = 400): Effect.Effect<Case, never, any> =>
  Effect.gen(function*() {
    const shrinking = new Shrinking(runCase, first, run, budget)
    yield* shrinkGraph(shrinking)
    yield* shrinkTarget(shrinking)
    yield* shrinkFaults(shrinking)
    yield* shrinkSchedule(shrinking)
    return shrinking.best
  })

const shrinkGraph = (shrinking: Shrinking) =>
  Effect.suspend(() =>
    shrinking.run.drawn.graph.length === 0 ? Effect.void : shrinkTape(
      () => shrinking.run.drawn.graph,
      (graph) => shrinking.acceptsInSomeOrder({ ...shrinking.best, graph })
    )
  )

/** One task of the graph alone: the first that fails, as each comes after what it depends on. */
const shrinkTarget = (shrinking: Shrinking) =>
  Effect.gen(function*() {
    for (let target = 0; target < Math.min(12, shrinking.run.size - 1); target++) {
      if (yield* shrinking.acceptsInSomeOrder({ ...shrinking.best, target })) return
    }
  })

const shrinkFaults = (shrinking: Shrinking) =>
  Effect.gen(function*() {
    if (yield* shrinking.accepts({ ...shrinking.best, faults: [] })) return
    for (const { site } of shrinking.run.faults) {
      const faults = shrinking.run.faults.map((fault) => fault.site).filter((each) => each !== site)
      yield* shrinking.accepts({ ...shrinking.best, faults })
    }
  })

const shrinkSchedule = (shrinking: Shrinking) =>
  shrinkTape(
    () => shrinking.run.drawn.schedule,
    (schedule) => shrinking.accepts({ ...shrinking.best, schedule })
  )

/** Cuts the tape, drops parts of it, and sets parts of it to 0, in halves, quarters and so on. */
const shrinkTape = (
  present: () => Tape,
  accepts: (tape: Tape) => Effect.Effect<boolean, never, any>
) =>
  Effect.gen(function*() {
    if (yield* accepts([])) return
    for (let size = present().length >> 1; size > 0; size >>= 1) {
      for (let at = 0; at < present().length; at += size) {
        const tape = present()
        if (tape.slice(at, at + size).every((value) => value === 0)) continue
        const zeroed = trimmed([
          ...tape.slice(0, at),
          ...new Array<number>(Math.min(size, tape.length - at)).fill(0),
          ...tape.slice(at + size)
        ])
        const dropped = trimmed([...tape.slice(0, at), ...tape.slice(at + size)])
        if (yield* accepts(zeroed)) continue
        yield* accepts(dropped)
      }
    }
  })

/** Zeros at the end are what an ended tape gives anyway. */
const trimmed = (tape: Tape): Tape => {
  let length = tape.length
  while (length > 0 && tape[length - 1] === 0) length--
  return tape.slice(0, length)
}
