/**
 * Passes rewrite a plan with fewer tasks, and change only its cost.
 *
 * They work on plans, not on graphs as values: only at submission are the targets, the live tasks and the region known.
 *
 * @internal
 */
import type { Reference, Settings } from "../../engine/protocol/Plan.ts"
import type { Cache } from "../bodies/livePlan.ts"
import { policiesOf } from "../tasks/dependency.ts"
import { isLiteral, noOptions } from "../tasks/task.ts"
import type { Handle, Pass, TaskImpl, TaskOptions } from "../tasks/task.ts"
import type { Form } from "./forms.ts"
import { FusedTask } from "./fused.ts"
import type { Part } from "./fused.ts"
import type { Draft } from "./planning.ts"

/** A plan with its static order. */
export interface Ordered {
  readonly draft: Draft
  readonly form: Form
}

/** The same plan with fewer tasks. The remaining tasks keep their order, so it never holds more results than before. */
export const apply = (plan: Ordered, passes: ReadonlyArray<Pass>, cache: Cache | undefined): Ordered => {
  const work = new Work(plan)
  if (passes.includes("inline")) work.inline()
  if (passes.includes("fuse")) work.fuse()
  return work.isChanged ? work.written(cache) : plan
}

class Work {
  isChanged = false
  private readonly draft: Draft
  /** The nodes computed in place of a node, itself last, if more than one. */
  private readonly parts = new Map<number, ReadonlyArray<number>>()
  /** The node before each in its chain. */
  private readonly before: Int32Array
  /** The nodes that run only in place of others. */
  private readonly gone: Uint8Array
  private readonly inlined = new Set<number>()
  private readonly wanted: ReadonlySet<Reference>
  /** The static position at which each runs. */
  private readonly at: Int32Array

  constructor({ draft, form: { positions } }: Ordered) {
    this.draft = draft
    this.wanted = new Set(draft.targets)
    this.at = positions.slice()
    this.before = new Int32Array(draft.nodes.length).fill(-1)
    this.gone = new Uint8Array(draft.nodes.length)
  }

  /** Inlines nodes that are cheap enough to compute several times. */
  inline(): void {
    const { nodes } = this.draft
    const cheap = new Set([...nodes.keys()].filter((node) => isCheap(nodes[node]!) && !this.wanted.has(node)))
    if (cheap.size === 0) return
    const dependents = this.dependentsOf(cheap)
    for (const node of cheap) {
      // With two or more inputs, these would be held in place of its one result.
      if (this.needs(node).size > 1) continue
      const all = dependents.get(node)!
      const hosts = all.filter((each) => isHost(nodes[each]!))
      for (const host of hosts) this.parts.set(host, union(this.partsOf(node), this.partsOf(host)))
      if (hosts.length === all.length) this.gone[node] = 1
      if (hosts.length === 0) continue
      this.inlined.add(node)
      this.isChanged = true
    }
  }

  /** Makes one task of each chain of tasks with the same demands, whose inner results nothing else needs. */
  fuse(): void {
    const { nodes } = this.draft
    const { only, uses } = this.links()
    for (let node = 0; node < nodes.length; node++) {
      const before = only[node]!
      if (before < 0 || uses[before] !== 1 || this.wanted.has(before)) continue
      const [first, second] = [nodes[before]!, nodes[node]!]
      if (!isLink(first) || !isLast(second) || !asksAlike(first, second)) continue
      this.isChanged = true
      this.before[node] = before
      this.gone[before] = 1
      // The whole runs at the position of the first: from there on a chain holds one result.
      this.at[node] = this.at[before]!
    }
  }

  /** For each node the only node that it needs, or -1; and the number of nodes that need it. */
  private links(): { readonly only: Int32Array; readonly uses: Int32Array } {
    const { nodes } = this.draft
    const only = new Int32Array(nodes.length).fill(-1)
    const uses = new Int32Array(nodes.length)
    const lastUser = new Int32Array(nodes.length).fill(-1)
    for (let node = 0; node < nodes.length; node++) {
      if (this.gone[node] === 1) continue
      let count = 0
      for (const needed of this.parts.has(node) ? this.needs(node) : this.edgesOf(node)) {
        if (needed >= 0 && lastUser[needed] === node) continue
        count++
        if (needed < 0) continue
        lastUser[needed] = node
        uses[needed]!++
        only[node] = needed
      }
      if (count !== 1) only[node] = -1
    }
    return { only, uses }
  }

  private partsOf(node: number): ReadonlyArray<number> {
    return this.parts.get(node) ?? [node]
  }

  private edgesOf(node: number): Int32Array {
    const { edges, offsets } = this.draft
    return edges.subarray(offsets[node], offsets[node + 1])
  }

  /** The outer dependencies of all that is computed in place of a node. */
  private needs(node: number): ReadonlySet<Reference> {
    const parts = this.partsOf(node)
    const needed = new Set(parts.flatMap((part) => [...this.edgesOf(part)]))
    for (const part of parts) needed.delete(part)
    return needed
  }

  /** The nodes that need each of some. */
  private dependentsOf(some: ReadonlySet<number>): ReadonlyMap<number, ReadonlyArray<number>> {
    const found = new Map(Array.from(some, (node) => [node, new Array<number>()]))
    for (const node of this.draft.nodes.keys()) {
      for (const needed of new Set(this.edgesOf(node))) found.get(needed)?.push(node)
    }
    return found
  }

  written(cache: Cache | undefined): Ordered {
    const { draft, gone } = this
    const kept = [...draft.nodes.keys()].filter((node) => gone[node] === 0)
    const places = new Int32Array(draft.nodes.length)
    for (const [place, node] of kept.entries()) places[node] = place
    const moved = (reference: Reference): Reference => reference < 0 ? reference : places[reference]!
    const rows = kept.map((node) => this.row(node, cache))
    const offsets = new Int32Array(kept.length + 1)
    for (const [place, { edges }] of rows.entries()) offsets[place + 1] = offsets[place]! + edges.length
    const positions = new Int32Array(kept.length)
    for (const [position, node] of kept.toSorted((a, b) => this.at[a]! - this.at[b]!).entries()) {
      positions[places[node]!] = position
    }
    const settings = new Map<number, Settings>()
    for (const [node, each] of draft.settings) if (gone[node] === 0) settings.set(places[node]!, each)
    const edges = Int32Array.from(rows.flatMap(({ edges }) => Array.from(edges, moved)))
    return {
      draft: {
        nodes: rows.map(({ task }) => task),
        targets: draft.targets.map(moved),
        offsets,
        edges,
        settings,
        isSimple: false
      },
      form: { size: kept.length, offsets, targets: edges, positions, reversed: undefined }
    }
  }

  /** All that runs in place of a node: itself, the nodes before it in its chain, and nodes inlined in these. */
  private chain(node: number): ReadonlyArray<number> {
    const chain: Array<number> = []
    for (let at = node; at >= 0; at = this.before[at]!) chain.push(at)
    chain.reverse()
    return this.parts.size > 0 && chain.some((each) => this.parts.has(each))
      ? union(...chain.map((each) => this.partsOf(each)))
      : chain
  }

  private row(node: number, cache: Cache | undefined): Row {
    const { nodes, settings } = this.draft
    const parts = this.chain(node)
    if (parts.length === 1) return { task: nodes[node]!, edges: this.edgesOf(node) }
    const places = new Map<number, number>()
    for (let place = 0; place < parts.length; place++) places.set(parts[place]!, place)
    const edges: Array<Reference> = []
    const handles: Array<Handle> = []
    const own = parts.map((part): Part => {
      const task = nodes[part]!
      const sources = Array.from(this.edgesOf(part), (reference, i) => {
        const place = places.get(reference)
        if (place !== undefined) return ~place
        handles.push(task.handles[i]!)
        return edges.push(reference) - 1
      })
      return { task, key: settings.get(part)?.key, sources, isInlined: part !== node && this.inlined.has(part) }
    })
    return { task: new FusedTask(own, handles, cache), edges }
  }
}

/** A rewritten node; its edges are those of the old plan. */
interface Row {
  readonly task: TaskImpl
  readonly edges: Iterable<Reference> & { readonly length: number }
}

/** Nodes are numbered so that what a node needs comes before it. */
const union = (...nodes: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> =>
  [...new Set(nodes.flat())].sort((a, b) => a - b)

/** Options that an inlined or fused task may have. */
const free: ReadonlySet<string> = new Set(["key", "label", "inline", "after", "invalid"])
/** Options that must be equal in the whole chain. */
const shared = ["priority", "workers", "allowOthers", "graceMillis"] as const satisfies ReadonlyArray<keyof TaskOptions>

const saysOnly = (options: TaskOptions, also: ReadonlySet<string>): boolean => {
  if (options === noOptions) return true
  return Object.entries(options).every(([name, value]) =>
    value === undefined || free.has(name) || also.has(name) || isEmpty(value)
  )
}

/** Such as an empty list of policies of `after`. */
const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/** Whether a task may run together with others. A portable one may run in another process. */
const isWork = ({ isPortable, kind }: TaskImpl): boolean => (kind === "map" || kind === "effect") && !isPortable

const ofCheap: ReadonlySet<string> = new Set(["priority"])
const ofLinks: ReadonlySet<string> = new Set(shared)
const ofLasts: ReadonlySet<string> = new Set([...shared, "pure", "name", "code"])

/** Whether a node is a constant or marked as cheap, without demands of its own. */
const isCheap = (task: TaskImpl): boolean =>
  (isLiteral(task) || (task.options.inline === true && isWork(task))) && saysOnly(task.options, ofCheap)

/** Whether others may be inlined in a task. Policies count its dependencies, so all of these must stay. */
const isHost = (task: TaskImpl): boolean =>
  isWork(task) && task.options.resource !== true && policiesOf(task) === undefined

/** Whether a task may be fused with the one after it. Runs of pure tasks are shared, so they must remain findable. */
const isLink = (task: TaskImpl): boolean => (isWork(task) || isLiteral(task)) && saysOnly(task.options, ofLinks)

const isLast = (task: TaskImpl): boolean => isWork(task) && saysOnly(task.options, ofLasts)

const asksAlike = ({ options: a }: TaskImpl, { options: b }: TaskImpl): boolean =>
  a === b || shared.every((name) => a[name] === b[name] || JSON.stringify(a[name]) === JSON.stringify(b[name]))
