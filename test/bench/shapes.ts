/**
 * The graphs that every contestant runs, as arrays, with the answer that a contestant must come to.
 *
 * A task is its index; dependencies have smaller indices, so index order is one topological order. A task's value is
 * computed from the values of its dependencies, in order; the answer is made of the values of all sinks, and every task
 * is upstream of a sink: a contestant that skips, repeats or misorders a task gets another answer.
 */

export type ShapeName = "independent" | "chain" | "tree" | "random" | "shuffle"

export const shapeNames: ReadonlyArray<ShapeName> = ["independent", "chain", "tree", "random", "shuffle"]

/** What runs in a task: a computation that ends at once, or a promise that is already resolved. */
export type Body = "sync" | "promise"

/** Compressed rows: what belongs to `i` is `values[offsets[i]]` up to, not including, `values[offsets[i + 1]]`. */
export interface Rows {
  readonly offsets: Int32Array
  readonly values: Int32Array
}

export interface Graph {
  readonly shape: ShapeName
  /** The number of tasks, which a shape may round. */
  readonly size: number
  readonly dependencies: Rows
  readonly dependents: Rows
  /** The tasks that nothing depends on, in index order. */
  readonly sinks: Int32Array
  readonly answer: number
}

/** One step of the value of a task: its own index first, then the value of each dependency. */
export const mix = (seed: number, value: number): number => (Math.imul(seed, 31) + value) | 0

/** The value of task `index` from the values of its dependencies. */
export const combine = (index: number, values: ReadonlyArray<number>): number => {
  let value = index
  for (let i = 0; i < values.length; i++) value = mix(value, values[i]!)
  return value
}

/** The same for contestants that keep the values of all tasks in one array. */
export const combineAt = (dependencies: Rows, index: number, values: ArrayLike<number>): number => {
  const end = dependencies.offsets[index + 1]!
  let value = index
  for (let e = dependencies.offsets[index]!; e < end; e++) value = mix(value, values[dependencies.values[e]!]!)
  return value
}

/** The answer from the values of the sinks, in their order. */
export const fold = (values: ArrayLike<number>): number => {
  let answer = 17
  for (let i = 0; i < values.length; i++) answer = mix(answer, values[i]!)
  return answer
}

/** The answer from the values of all tasks. */
export const foldSinks = (graph: Graph, values: ArrayLike<number>): number => {
  let answer = 17
  for (let i = 0; i < graph.sinks.length; i++) answer = mix(answer, values[graph.sinks[i]!]!)
  return answer
}

/** A graph of about `size` tasks. The same arguments give the same graph. */
export const make = (shape: ShapeName, size: number): Graph => {
  switch (shape) {
    case "independent":
      return complete(shape, { offsets: new Int32Array(size + 1), values: new Int32Array(0) })
    case "chain":
      return complete(
        shape,
        fill(size, size - 1, (i, add) => {
          if (i > 0) add(i - 1)
        })
      )
    case "tree": {
      const leaves = Math.max(1, size >>> 1)
      return complete(
        shape,
        fill(2 * leaves - 1, 2 * leaves - 2, (i, add) => {
          if (i < leaves) return
          add(2 * (i - leaves))
          add(2 * (i - leaves) + 1)
        })
      )
    }
    case "random": {
      const random = xorshift(0x5eed)
      return complete(
        shape,
        fill(size, 4 * size, (i, add) => {
          const chosen = new Set<number>()
          while (chosen.size < Math.min(4, i)) chosen.add(random() % i)
          chosen.forEach(add)
        })
      )
    }
    case "shuffle": {
      // k maps, then the k splits of each map, then k reduces that each take one split of every map.
      const k = Math.max(1, Math.round(Math.sqrt(size + 1)) - 1)
      return complete(
        shape,
        fill(k + k * k + k, 2 * k * k, (i, add) => {
          if (i < k) return
          if (i < k + k * k) add(Math.floor((i - k) / k))
          else for (let m = 0; m < k; m++) add(k + m * k + (i - k - k * k))
        })
      )
    }
  }
}

const fill = (size: number, edges: number, each: (index: number, add: (dependency: number) => void) => void): Rows => {
  const offsets = new Int32Array(size + 1)
  const values = new Int32Array(edges)
  let end = 0
  const add = (dependency: number) => {
    values[end++] = dependency
  }
  for (let i = 0; i < size; i++) {
    each(i, add)
    offsets[i + 1] = end
  }
  return { offsets, values: values.subarray(0, end) }
}

const complete = (shape: ShapeName, dependencies: Rows): Graph => {
  const size = dependencies.offsets.length - 1
  const dependents = transpose(dependencies)
  const sinks: Array<number> = []
  for (let i = 0; i < size; i++) if (dependents.offsets[i] === dependents.offsets[i + 1]) sinks.push(i)
  const values = new Int32Array(size)
  for (let i = 0; i < size; i++) values[i] = combineAt(dependencies, i, values)
  const graph = { shape, size, dependencies, dependents, sinks: Int32Array.from(sinks), answer: 0 }
  return { ...graph, answer: foldSinks(graph, values) }
}

const transpose = ({ offsets, values }: Rows): Rows => {
  const size = offsets.length - 1
  const starts = new Int32Array(size + 1)
  for (let e = 0; e < values.length; e++) starts[values[e]! + 1]!++
  for (let i = 0; i < size; i++) starts[i + 1]! += starts[i]!
  const next = starts.slice()
  const back = new Int32Array(values.length)
  for (let i = 0; i < size; i++) {
    for (let e = offsets[i]!; e < offsets[i + 1]!; e++) back[next[values[e]!]!++] = i
  }
  return { offsets: starts, values: back }
}

/** Non-negative 31-bit numbers from a fixed seed. */
const xorshift = (seed: number) => (): number => {
  seed ^= seed << 13
  seed ^= seed >>> 17
  seed ^= seed << 5
  return seed >>> 1
}
