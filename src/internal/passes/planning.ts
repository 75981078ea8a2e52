/**
 * The arrays of a plan: written row by row, and culled to what is needed.
 *
 * @internal
 */
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Reference, Settings } from "../../engine/protocol/Plan.ts"
import { reversedInPieces } from "../../engine/structures/edges.ts"
import type { InPieces } from "../../engine/structures/pieces.ts"
import type { SubmitReason } from "../../SkeinError.ts"
import { refusalOf } from "../tasks/mistake.ts"
import type { Mistake, Refused } from "../tasks/mistake.ts"
import type { TaskImpl } from "../tasks/task.ts"
import { flatForm, noSettings, positionsInPieces, positionsOf, smallForm } from "./forms.ts"
import type { Form } from "./forms.ts"

/** The nodes of a plan before they have an order. Row `i` of `edges` begins at `offsets[i]`. */
export interface Draft<N = TaskImpl> {
  readonly nodes: ReadonlyArray<N>
  readonly targets: ReadonlyArray<Reference>
  readonly offsets: Int32Array
  readonly edges: Int32Array
  readonly settings: ReadonlyMap<number, Settings>
  /** Whether each row is known to name nodes of the plan alone, and none twice. */
  readonly isSimple: boolean
  /** The form that has these edges, if plans share it. */
  readonly form?: Form | undefined
}

/** Rows up to this length are compared entry by entry; of longer ones nothing is known. */
const longestCompared = 8

/** A draft, written row by row, or its fault. */
export abstract class Drafting<N> {
  protected readonly nodes: Array<N> = []
  protected readonly offsets: Array<number> = [0]
  protected readonly edges: Array<Reference> = []
  /** What was in the two lists before, in a large draft: a list of millions grows by copies that take 20 ms. */
  private spilledOffsets: Array<Int32Array> | undefined
  private spilledEdges: Array<Int32Array> | undefined
  /** How many edges that is. */
  private spilled = 0
  protected settings = noSettings as Map<number, Settings>
  /** Whether nothing needs some nodes: a pure call turned out to run already after its dependencies had been given places. */
  protected hasOrphans = false
  private isSimple = true
  /** The first fault. */
  protected fault: SubmitReason | Mistake | undefined

  protected refuse(fault: SubmitReason | Mistake): undefined {
    this.fault ??= fault
  }

  /** A plan index for a node, whose edges have been written. */
  protected push(node: N, settings: Settings | undefined): number {
    const index = this.nodes.push(node) - 1
    if (this.isSimple) this.isSimple = this.isSimpleFrom(this.rowStart())
    this.offsets.push(this.spilled + this.edges.length)
    if (settings === undefined) return index
    if (this.settings === noSettings) this.settings = new Map()
    this.settings.set(index, settings)
    return index
  }

  private isSimpleFrom(start: number): boolean {
    const { edges } = this
    if (edges.length - start > longestCompared) return false
    for (let i = start; i < edges.length; i++) {
      const target = edges[i]!
      if (target < 0) return false
      for (let j = start; j < i; j++) if (edges[j] === target) return false
    }
    return true
  }

  /** Where the edges of the last node begin in the list. */
  private rowStart(): number {
    const { offsets, spilled } = this
    return offsets.length === 0 ? 0 : offsets[offsets.length - 1]! - spilled
  }

  /** Moves the lists aside, if they have more than so many entries. */
  protected spill(most: number): void {
    const { edges, offsets } = this
    if (offsets.length <= most && edges.length <= most) return
    this.spilledOffsets ??= []
    this.spilledEdges ??= []
    this.spilledOffsets.push(new Int32Array(offsets))
    this.spilledEdges.push(new Int32Array(edges))
    this.spilled += edges.length
    offsets.length = 0
    edges.length = 0
  }

  protected drafted(targets: ReadonlyArray<Reference>): Draft<N> | Refused {
    const { fault, isSimple, nodes, settings } = this
    if (fault !== undefined) return refusalOf(fault)
    const form = this.hasOrphans ? undefined : smallForm(this.offsets, this.edges)
    if (form !== undefined) {
      return { nodes, targets, offsets: form.offsets, edges: form.targets, settings, isSimple, form }
    }
    const draft = {
      nodes,
      targets,
      offsets: new Int32Array(this.offsets),
      edges: new Int32Array(this.edges),
      settings,
      isSimple,
      form
    }
    return this.hasOrphans ? cull(draft).draft : draft
  }

  /** The same, in pieces. */
  protected *draftedInPieces(targets: ReadonlyArray<Reference>): InPieces<Draft<N> | Refused> {
    const { fault, isSimple, nodes, settings } = this
    if (fault !== undefined) return refusalOf(fault)
    this.spill(0)
    const offsets = yield* joined(this.spilledOffsets!)
    const edges = yield* joined(this.spilledEdges!)
    const draft = { nodes, targets, offsets, edges, settings, isSimple, form: undefined }
    return this.hasOrphans ? cull(draft).draft : draft
  }
}

function* joined(parts: ReadonlyArray<Int32Array>): InPieces<Int32Array> {
  const whole = new Int32Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
    yield
  }
  return whole
}

/** What takes the place of nodes that were found late: live tasks, or nodes without dependencies and their settings. */
export interface Known<N> {
  readonly joined: ReadonlyMap<number, TaskId>
  readonly ended: ReadonlyMap<number, readonly [node: N, settings: Settings | undefined]>
}

const nothing: Known<never> = { joined: new Map(), ended: new Map() }

/** The needed nodes of a draft, and their former indices, ascending. */
interface Culled<N> {
  readonly draft: Draft<N>
  readonly kept: Int32Array
}

/** Drops the nodes that no target needs. */
export const cull = <N>(
  { edges, nodes, offsets, settings, targets }: Draft<N>,
  { ended, joined }: Known<N> = nothing
): Culled<N> => {
  const size = nodes.length
  /** Where the row of a node ends. */
  const endOf = (node: number): number => ended.has(node) ? offsets[node]! : offsets[node + 1]!
  const isNeeded = new Uint8Array(size)
  const need = (reference: Reference): void => {
    if (reference >= 0 && !joined.has(reference)) isNeeded[reference] = 1
  }
  targets.forEach(need)
  // Dependencies have smaller indices than their dependents.
  for (let node = size - 1; node >= 0; node--) {
    if (isNeeded[node] === 1) { for (let j = offsets[node]!; j < endOf(node); j++) need(edges[j]!) }
  }
  const places = new Int32Array(size)
  let count = 0
  let edgeCount = 0
  for (let node = 0; node < size; node++) {
    places[node] = count
    if (isNeeded[node] === 0) continue
    count++
    edgeCount += endOf(node) - offsets[node]!
  }
  const moved = (reference: Reference): Reference => {
    const task = reference < 0 ? undefined : joined.get(reference)
    return task !== undefined ? ~task : reference < 0 ? reference : places[reference]!
  }
  const kept = new Int32Array(count)
  const starts = new Int32Array(count + 1)
  const rows = new Int32Array(edgeCount)
  let end = 0
  for (let node = 0; node < size; node++) {
    if (isNeeded[node] === 0) continue
    const place = places[node]!
    kept[place] = node
    for (let j = offsets[node]!; j < endOf(node); j++) rows[end++] = moved(edges[j]!)
    starts[place + 1] = end
  }
  const own = new Map<number, Settings>()
  for (const [node, each] of settings) {
    const now = ended.has(node) ? ended.get(node)![1] : each
    if (isNeeded[node] === 1 && now !== undefined) own.set(places[node]!, now)
  }
  const draft = {
    nodes: Array.from(kept, (node) => ended.get(node)?.[0] ?? nodes[node]!),
    targets: targets.map(moved),
    offsets: starts,
    edges: rows,
    settings: own,
    isSimple: false
  }
  return { draft, kept }
}

/** The form of what is left of a plan. The nodes keep their relative order. */
export const formWithin = <N>({ positions }: Form, { draft: { edges, offsets }, kept }: Culled<N>): Form => {
  const isKept = new Int32Array(positions.length).fill(-1)
  for (let place = 0; place < kept.length; place++) isKept[positions[kept[place]!]!] = place
  const own = new Int32Array(kept.length)
  let position = 0
  for (const place of isKept) if (place >= 0) own[place] = position++
  return { size: kept.length, offsets, targets: edges, positions: own, reversed: undefined }
}

/** The form of a draft, with the static position of each node. */
export const formOf = <N>({ edges, form, isSimple, nodes, offsets }: Draft<N>): Form => {
  if (form !== undefined) return form
  const size = nodes.length
  return { size, offsets, targets: edges, positions: positionsOf(size, offsets, edges, isSimple), reversed: undefined }
}

/** The same form as {@link formOf} gives, in pieces of so many rows. */
export function* formInPieces<N>({ edges, isSimple, nodes, offsets }: Draft<N>, rows: number): InPieces<Form> {
  const size = nodes.length
  if (edges.length === 0) return flatForm(size)
  const positions = yield* positionsInPieces(size, offsets, edges, isSimple, rows)
  const reversed = yield* reversedInPieces({ offsets, targets: edges }, rows)
  return { size, offsets, targets: edges, positions, reversed }
}
