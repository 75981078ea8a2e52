/**
 * Edges of a graph, as arrays of numbers.
 *
 * @since 0.1.0
 */
import { atOnce, everything, pieces, summed } from "./pieces.ts"
import type { InPieces } from "./pieces.ts"

/**
 * Edges in compressed rows: the dependencies of task i are `targets[offsets[i]]` up to `targets[offsets[i + 1]]`
 * (exclusive). No duplicates, no cycle.
 */
export interface Edges {
  readonly offsets: Int32Array
  readonly targets: Int32Array
}

const noEdges = new Int32Array(0)

/** The edges in reverse: row `i` has the dependents of task `i`, in ascending order. Negative targets are left out. */
export const reversedOf = (edges: Edges): Edges => atOnce(reversedInPieces(edges, everything))

/** The same, in pieces of so many rows. */
export function* reversedInPieces({ offsets, targets }: Edges, rows: number): InPieces<Edges> {
  // Without edges all rows are empty, in either direction.
  if (targets.length === 0) return { offsets, targets: noEdges }
  const size = offsets.length - 1
  const starts = new Int32Array(size + 1)
  yield* pieces(targets.length, rows, (from, to) => {
    for (let e = from; e < to; e++) if (targets[e]! >= 0) starts[targets[e]! + 1]!++
  })
  yield* summed(starts, rows)
  const sources = new Int32Array(starts[size]!)
  const next = starts.slice(0, size)
  yield* pieces(size, rows, (from, to) => {
    for (let i = from; i < to; i++) {
      for (let e = offsets[i]!; e < offsets[i + 1]!; e++) {
        const target = targets[e]!
        if (target >= 0) sources[next[target]!++] = i
      }
    }
  })
  return { offsets: starts, targets: sources }
}
