/**
 * Edges of a graph, as arrays of numbers.
 *
 * @since 0.1.0
 */

/**
 * Edges in compressed rows: the dependencies of task i are `targets[offsets[i]]` up to `targets[offsets[i + 1]]`
 * (exclusive). No duplicates, no cycle.
 */
export interface Edges {
  readonly offsets: Int32Array
  readonly targets: Int32Array
}
