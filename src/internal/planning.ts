/**
 * The arrays of a plan: culled to what is needed, and in static order.
 *
 * @internal
 */
import { order } from "../engine/order.ts"
import type { Reference, Settings } from "../engine/Plan.ts"
import type { TaskImpl } from "./task.ts"

/** The nodes of a plan before they have an order. Row `i` of `edges` begins at `offsets[i]`. */
export interface Draft<N = TaskImpl> {
  readonly nodes: ReadonlyArray<N>
  readonly targets: ReadonlyArray<Reference>
  readonly offsets: Int32Array
  readonly edges: Int32Array
  readonly settings: ReadonlyMap<number, Settings>
}

/** Drops the nodes that no target needs. */
export const cull = <N>({ edges, nodes, offsets, settings, targets }: Draft<N>): Draft<N> => {
  const needed = new Set(targets.filter((target) => target >= 0))
  for (const node of needed) {
    for (let j = offsets[node]!; j < offsets[node + 1]!; j++) if (edges[j]! >= 0) needed.add(edges[j]!)
  }
  const kept = [...needed].sort((a, b) => a - b)
  const place = new Map(kept.map((node, index) => [node, index]))
  const moved = (reference: Reference): Reference => reference < 0 ? reference : place.get(reference)!
  const rows = kept.map((node) => Array.from(edges.subarray(offsets[node], offsets[node + 1]), moved))
  const starts = [0]
  for (const row of rows) starts.push(starts.at(-1)! + row.length)
  return {
    nodes: kept.map((node) => nodes[node]!),
    targets: targets.map(moved),
    offsets: Int32Array.from(starts),
    edges: Int32Array.from(rows.flat()),
    settings: new Map(kept.flatMap((node, index) => settings.has(node) ? [[index, settings.get(node)!] as const] : []))
  }
}

const onlyPosition = new Int32Array(1)

/** The static position of each node. */
export const positionsOf = (size: number, offsets: Int32Array, targets: Int32Array): Int32Array =>
  size === 1
    ? onlyPosition
    : order(isPlain(size, offsets, targets) ? { offsets, targets } : plain(size, offsets, targets))

/** Whether all edges lie inside the plan and none is there twice. */
const isPlain = (size: number, offsets: Int32Array, targets: Int32Array): boolean => {
  const lastUser = new Int32Array(size)
  for (let i = 0; i < size; i++) {
    for (let j = offsets[i]!; j < offsets[i + 1]!; j++) {
      const target = targets[j]!
      if (target < 0 || lastUser[target] === i + 1) return false
      lastUser[target] = i + 1
    }
  }
  return true
}

/** The edges inside the plan, each once. */
const plain = (size: number, offsets: Int32Array, targets: Int32Array) => {
  const own: Array<number> = []
  const starts = new Int32Array(size + 1)
  for (let i = 0; i < size; i++) {
    const dependencies = new Set(targets.subarray(offsets[i], offsets[i + 1]))
    for (const dependency of dependencies) if (dependency >= 0) own.push(dependency)
    starts[i + 1] = own.length
  }
  return { offsets: starts, targets: Int32Array.from(own) }
}
