/**
 * The arrays of a plan: written row by row, and culled to what is needed.
 *
 * @internal
 */
import type { Reference, Settings } from "../../engine/protocol/Plan.ts"
import type { SubmitReason } from "../../SkeinError.ts"
import { refusalOf } from "../tasks/mistake.ts"
import type { Mistake, Refused } from "../tasks/mistake.ts"
import type { TaskImpl } from "../tasks/task.ts"
import { noSettings, positionsOf, smallForm } from "./forms.ts"
import type { Form } from "./forms.ts"

/** The nodes of a plan before they have an order. Row `i` of `edges` begins at `offsets[i]`. */
export interface Draft<N = TaskImpl> {
  readonly nodes: ReadonlyArray<N>
  readonly targets: ReadonlyArray<Reference>
  readonly offsets: Int32Array
  readonly edges: Int32Array
  readonly settings: ReadonlyMap<number, Settings>
  /** The form that has these edges, if plans share it. */
  readonly form?: Form | undefined
}

/** A draft, written row by row, or its fault. */
export abstract class Drafting<N> {
  protected readonly nodes: Array<N> = []
  protected readonly offsets: Array<number> = [0]
  protected readonly edges: Array<Reference> = []
  protected settings = noSettings as Map<number, Settings>
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
    if (settings === undefined) return index
    if (this.settings === noSettings) this.settings = new Map()
    this.settings.set(index, settings)
    return index
  }

  protected drafted(targets: ReadonlyArray<Reference>): Draft<N> | Refused {
    const { fault, nodes, settings } = this
    if (fault !== undefined) return refusalOf(fault)
    const form = this.hasJoinedLate ? undefined : smallForm(this.offsets, this.edges)
    if (form !== undefined) return { nodes, targets, offsets: form.offsets, edges: form.targets, settings, form }
    const draft = {
      nodes,
      targets,
      offsets: Int32Array.from(this.offsets),
      edges: Int32Array.from(this.edges),
      settings,
      form
    }
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

/** The form of a draft, with the static position of each node. */
export const formOf = <N>({ edges, form, nodes, offsets }: Draft<N>): Form => {
  const size = nodes.length
  return form ?? { size, offsets, targets: edges, positions: positionsOf(size, offsets, edges), reversed: undefined }
}
