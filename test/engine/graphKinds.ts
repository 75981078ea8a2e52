/** Small graphs of many kinds, each by a seed. A graph is a list of rows: for each task, those it depends on. */
import { numbersFrom } from "../chance.ts"

export type Rows = ReadonlyArray<ReadonlyArray<number>>

type Next = () => number

const between = (next: Next, min: number, max: number): number => min + Math.floor(next() * (max - min + 1))

const range = (size: number): ReadonlyArray<number> => Array.from({ length: size }, (_, i) => i)

/** Tasks of which each reads some that come before it. */
const sparse = (next: Next, size: number, edges: number): Rows => {
  const rows = range(size).map(() => new Set<number>())
  for (let k = 0; k < edges; k++) {
    const task = between(next, 1, size - 1)
    rows[task]!.add(between(next, 0, task - 1))
  }
  return rows.map((row) => [...row])
}

const layers = (next: Next, depth: number, width: number, fan: number): Rows =>
  range(depth * width).map((i) => {
    const below = width * (Math.floor(i / width) - 1)
    return below < 0 ? [] : [...new Set(range(fan).map(() => below + between(next, 0, width - 1)))]
  })

const grid = (width: number, height: number): Rows =>
  range(width * height).map((i) => [...(i % width > 0 ? [i - 1] : []), ...(i >= width ? [i - width] : [])])

/** A grid in which each task reads three neighbours in the row before. */
const stencil = (width: number, height: number): Rows =>
  range(width * height).map((i) => {
    const column = i % width
    return i < width
      ? []
      : [-1, 0, 1].filter((by) => column + by >= 0 && column + by < width).map((by) => i - width + by)
  })

const butterfly = (depth: number): Rows =>
  range((depth + 1) << depth).map((i) => {
    const level = i >> depth
    return level === 0 ? [] : [i - (1 << depth), (i - (1 << depth)) ^ (1 << (level - 1))]
  })

const reduction = (leaves: number): Rows =>
  range(2 * leaves - 1).map((i) => i < leaves ? [] : [2 * (i - leaves), 2 * (i - leaves) + 1])

const spread = (size: number, by: number): Rows => range(size).map((i) => i === 0 ? [] : [Math.floor((i - 1) / by)])

/** Maps, a split of each for each reduce, and reduces that read one split of every map. */
const shuffle = (maps: number, reduces: number): Rows => [
  ...range(maps).map(() => []),
  ...range(maps * reduces).map((i) => [Math.floor(i / reduces)]),
  ...range(reduces).map((r) => range(maps).map((m) => maps + m * reduces + r))
]

const windows = (size: number, width: number): Rows => [
  ...range(size).map(() => []),
  ...range(size - width + 1).map((i) => range(width).map((by) => i + by))
]

/** Values, their mean, and the difference of each from it. */
const anomalies = (
  size: number
): Rows => [...range(size).map(() => []), range(size), ...range(size).map((i) => [i, size])]

const fans = (next: Next, count: number, width: number): Rows => {
  const rows: Array<ReadonlyArray<number>> = []
  const ends: Array<number> = []
  for (let fan = 0; fan < count; fan++) {
    const source = rows.push([]) - 1
    const middle = range(width).map(() => rows.push([source]) - 1)
    if (next() < 0.5) ends.push(...middle)
    else ends.push(rows.push(middle) - 1)
  }
  return [...rows, ends]
}

const beside = (...graphs: ReadonlyArray<Rows>): Rows => {
  const all: Array<ReadonlyArray<number>> = []
  for (const rows of graphs) {
    const first = all.length
    all.push(...rows.map((row) => row.map((task) => task + first)))
  }
  return all
}

const sinksOf = (rows: Rows): ReadonlyArray<number> => {
  const used = new Set(rows.flat())
  return range(rows.length).filter((task) => !used.has(task))
}

/** Both graphs, and some sources of the second read sinks of the first. */
const joined = (next: Next, first: Rows, second: Rows): Rows => {
  const sinks = sinksOf(first)
  const rows = beside(first, second).map((row) => new Set(row))
  const sources = range(rows.length).filter((task) => task >= first.length && rows[task]!.size === 0)
  for (let k = between(next, 1, 3); k > 0; k--) {
    rows[sources[between(next, 0, sources.length - 1)]!]!.add(sinks[between(next, 0, sinks.length - 1)]!)
  }
  return rows.map((row) => [...row])
}

/** The graph, and short chains that begin at some of its tasks. */
const branched = (next: Next, rows: Rows, branches: number): Rows => {
  const all = [...rows]
  for (let k = 0; k < branches; k++) {
    let at = between(next, 0, rows.length - 1)
    for (let length = between(next, 1, 3); length > 0; length--) at = all.push([at]) - 1
  }
  return all
}

/** The graph, and a reduction in front of some of its tasks. */
const fed = (next: Next, rows: Rows): Rows => {
  let all = rows
  for (let task = 0; task < rows.length; task++) {
    if (next() >= 0.3) continue
    all = beside(all, reduction(between(next, 2, 4)))
    const last = all.length - 1
    all = all.map((row, i) => i === task ? [...row, last] : row)
  }
  return all
}

/** Parts one after the other or side by side, at random. */
const serial = (next: Next, size: number): Rows => {
  if (size <= 1) return [[]]
  const isSerial = next() < 0.5
  const cut = between(next, 1, size - 1)
  const first = serial(next, cut)
  const second = serial(next, size - cut)
  if (!isSerial) return beside(first, second)
  const sinks = sinksOf(first)
  return [...first, ...second.map((row) => row.length === 0 ? sinks : row.map((task) => task + first.length))]
}

const part = (next: Next): Rows => {
  switch (between(next, 0, 9)) {
    case 0:
      return reduction(between(next, 2, 5))
    case 1:
      return spread(between(next, 3, 9), between(next, 2, 3))
    case 2:
      return grid(between(next, 2, 3), between(next, 2, 4))
    case 3:
      return stencil(between(next, 3, 4), between(next, 2, 3))
    case 4:
      return butterfly(2)
    case 5:
      return shuffle(2, between(next, 2, 3))
    case 6:
      return windows(between(next, 4, 6), between(next, 2, 3))
    case 7:
      return anomalies(between(next, 2, 4))
    case 8:
      return spread(between(next, 2, 6), 1)
    default:
      return sparse(next, between(next, 6, 10), between(next, 6, 18))
  }
}

const kinds = {
  "sparse, 8 to 14 tasks": (next) => sparse(next, between(next, 8, 14), between(next, 10, 26)),
  "sparse, 16 to 22 tasks": (next) => sparse(next, between(next, 16, 22), between(next, 20, 40)),
  "sparse, 24 to 30 tasks": (next) => sparse(next, between(next, 24, 30), between(next, 30, 60)),
  "layers": (next) => layers(next, between(next, 3, 6), between(next, 4, 6), between(next, 2, 3)),
  "deep layers": (next) => layers(next, between(next, 6, 9), between(next, 5, 7), 2),
  "side by side": (next) => beside(part(next), part(next), part(next)),
  "two parts": (next) => joined(next, part(next), part(next)),
  "three parts": (next) => joined(next, joined(next, part(next), part(next)), part(next)),
  "grids with reductions before tasks": (next) => fed(next, grid(between(next, 2, 3), between(next, 2, 3))),
  "butterflies with branches": (next) => branched(next, butterfly(between(next, 2, 3)), between(next, 1, 3)),
  "shuffles with branches": (next) =>
    branched(next, shuffle(between(next, 2, 4), between(next, 2, 4)), between(next, 1, 4)),
  "fans with branches": (next) =>
    branched(next, fans(next, between(next, 2, 4), between(next, 2, 4)), between(next, 0, 3)),
  "serial and parallel": (next) => serial(next, between(next, 10, 30)),
  "windows with branches": (next) =>
    branched(next, windows(between(next, 6, 11), between(next, 2, 4)), between(next, 1, 4)),
  "stencils with branches": (next) =>
    branched(next, stencil(between(next, 3, 6), between(next, 3, 5)), between(next, 0, 3)),
  "anomalies of reductions": (next) => joined(next, reduction(between(next, 3, 6)), anomalies(between(next, 3, 6)))
} satisfies Record<string, (next: Next) => Rows>

export type Kind = keyof typeof kinds

/** One graph of a kind. The same seed gives the same graph. */
export const graphOf = (kind: Kind, seed: number): Rows => kinds[kind](numbersFrom(7919 * seed + 1))
