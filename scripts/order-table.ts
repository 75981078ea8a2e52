/**
 * Prints, as Markdown, the peak of held results of Skein's static order on each reference graph, beside Dask's, the
 * optimum and breadth first.
 */
import { readFileSync } from "node:fs"
import { held, order } from "../src/engine/order/order.ts"
import type { Edges } from "../src/engine/structures/edges.ts"

/** One graph of test/golden/order.json; the fields are explained beside it. */
export interface Reference {
  readonly name: string
  readonly best: number
  readonly optimum: number | null
  readonly breadthFirst: number
  readonly daskSums: readonly [number, number]
  readonly graph: ReadonlyArray<ReadonlyArray<number>>
}

export const references = (): ReadonlyArray<Reference> => {
  const file = new URL("../test/golden/order.json", import.meta.url)
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<Reference>
  } catch (cause) {
    throw new Error(`The reference graphs cannot be read from ${file.pathname}: restore test/golden/order.json`, {
      cause
    })
  }
}

/** The rows of a graph as the engine takes them. */
export const edgesOf = (rows: ReadonlyArray<ReadonlyArray<number>>): Edges => {
  const offsets = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => offsets[i + 1] = offsets[i]! + row.length)
  return { offsets, targets: Int32Array.from(rows.flat()) }
}

const lines = (rows: ReadonlyArray<Reference>): ReadonlyArray<string> => {
  const total = { peak: 0, best: 0, optimum: 0, known: 0, breadthFirst: 0, sum: 0, daskSum: 0 }
  const table = rows.map((row) => {
    const edges = edgesOf(row.graph)
    const { peak, sum } = held(edges, order(edges))
    const daskSum = Math.min(...row.daskSums)
    total.peak += peak
    total.best += row.best
    total.breadthFirst += row.breadthFirst
    total.sum += sum
    total.daskSum += daskSum
    if (row.optimum !== null) {
      total.optimum += row.optimum
      total.known += peak
    }
    const peaks = `${peak} | ${row.best} | ${row.optimum ?? ""} | ${row.breadthFirst}`
    return `| ${row.name} | ${row.graph.length} | ${peaks} | ${sum} | ${daskSum} |`
  })
  const peaks = `${total.peak} | ${total.best} | ${total.optimum} (ours there ${total.known}) | ${total.breadthFirst}`
  return [
    "| graph | tasks | ours | Dask's best | optimum | breadth first | our sum | Dask's best sum |",
    "|---|--:|--:|--:|--:|--:|--:|--:|",
    ...table,
    `| **total** | | ${peaks} | ${total.sum} | ${total.daskSum} |`
  ]
}

if (import.meta.main) console.log(lines(references()).join("\n"))
