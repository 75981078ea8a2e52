/** What the loop of `main.ts` knows of those it times. */
import type { Body, Graph } from "./shapes.ts"

export interface Outcome {
  /** `fold` of the values of the sinks. */
  readonly answer: number
  /** Milliseconds of each phase, in the contestant's own words; their sum is what it is charged. */
  readonly millis: Readonly<Record<string, number>>
}

export interface Contestant {
  readonly name: string
  /** What a reader of the table must know: what is counted, how results travel. */
  readonly note: string
  /** Why this graph is not run, if it is not: quadratic, too slow, or known to end the process. */
  readonly refuses?: (graph: Graph, body: Body) => string | undefined
  readonly run: (graph: Graph, body: Body) => Promise<Outcome>
}

export const slots = 8

export const total = (outcome: Outcome): number =>
  Object.values(outcome.millis).reduce((sum, millis) => sum + millis, 0)
