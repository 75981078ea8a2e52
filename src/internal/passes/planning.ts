/**
 * The arrays of a plan: written row by row, culled to what is needed, and in static order.
 *
 * @internal
 */
import { order } from "../../engine/order/order.ts"
import type { Reference, Settings } from "../../engine/protocol/Plan.ts"
import type { SubmitReason } from "../../SkeinError.ts"
import { refusalOf } from "../tasks/mistake.ts"
import type { Mistake, Refused } from "../tasks/mistake.ts"
import type { TaskImpl } from "../tasks/task.ts"

/** The nodes of a plan before they have an order. Row `i` of `edges` begins at `offsets[i]`. */
export interface Draft<N = TaskImpl> {
  readonly nodes: ReadonlyArray<N>
  readonly targets: ReadonlyArray<Reference>
  readonly offsets: Int32Array
  readonly edges: Int32Array
  readonly settings: ReadonlyMap<number, Settings>
}

/** A draft, written row by row, or its fault. */
export abstract class Drafting<N> {
  protected readonly nodes: Array<N> = []
  protected readonly offsets: Array<number> = [0]
  protected readonly edges: Array<Reference> = []
  protected readonly settings = new Map<number, Settings>()
  /** A pure call turned out to run already after its dependencies had been given places. */
  protected hasJoinedLate = false
  /** The first fault. */
  protected fault: SubmitReason | Mistake | undefined

  protected refuse(fault: SubmitReason | Mistake): undefined {
    this.fault ??= fault
  }

  /** A plan index for a node, whose edges have been written. */
  protected push(node: N, settings: Settings | undefined): number {
    const index = this.nodes.push(node) - 1
    this.offsets.push(this.edges.length)
    if (settings !== undefined) this.settings.set(index, settings)
    return index
  }

  protected drafted(targets: ReadonlyArray<Reference>): Draft<N> | Refused {
    const { fault, nodes, settings } = this
    if (fault !== undefined) return refusalOf(fault)
    const offsets = Int32Array.from(this.offsets)
    const draft = { nodes, targets, offsets, edges: Int32Array.from(this.edges), settings }
    return this.hasJoinedLate ? cull(draft) : draft
  }
}

/** Drops the nodes that no target needs. */
const cull = <N>({ edges, nodes, offsets, settings, targets }: Draft<N>): Draft<N> => {
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
