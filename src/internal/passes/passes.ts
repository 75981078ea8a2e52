/**
 * Passes: ways to write a plan anew, with fewer tasks, that change what it costs and nothing else.
 *
 * They work on plans, not on graphs as values: only where a graph is submitted is it known what is asked for, what is live
 * under its key, and what the region says.
 *
 * @internal
 */
import type { Reference, Settings } from "../../engine/protocol/Plan.ts"
import type { Cache } from "../bodies/livePlan.ts"
import { policiesOf } from "../tasks/dependency.ts"
import { isLiteral, noOptions } from "../tasks/task.ts"
import type { Handle, Pass, TaskImpl, TaskOptions } from "../tasks/task.ts"
import { FusedTask } from "./fused.ts"
import type { Part } from "./fused.ts"
import type { Draft } from "./planning.ts"

/** A plan with its static order. */
export interface Ordered {
  readonly draft: Draft
  readonly positions: Int32Array
}

/** The same plan with fewer tasks. Those that are left keep their order, so that it never holds more results than before. */
export const apply = (plan: Ordered, passes: ReadonlyArray<Pass>, cache: Cache | undefined): Ordered => {
  const work = new Work(plan)
  if (passes.includes("inline")) work.inline()
  if (passes.includes("fuse")) work.fuse()
  return work.isChanged ? work.written(cache) : plan
}

class Work {
  isChanged = false
  private readonly draft: Draft
  /** What is computed in the place of a node, itself last, where that is more than itself. */
  private readonly parts = new Map<number, ReadonlyArray<number>>()
  /** The node before each in its chain. */
  private readonly before: Int32Array
  /** The nodes that run in the places of others alone. */
  private readonly gone: Uint8Array
  private readonly inlined = new Set<number>()
  private readonly wanted: ReadonlySet<Reference>
  /** The static position at which each runs. */
  private readonly at: Int32Array

  constructor({ draft, positions }: Ordered) {
    this.draft = draft
    this.wanted = new Set(draft.targets)
    this.at = positions.slice()
    this.before = new Int32Array(draft.nodes.length).fill(-1)
    this.gone = new Uint8Array(draft.nodes.length)
  }

  /** Lets each task compute by itself what is cheap enough to be computed several times. */
  inline(): void {
    const { nodes } = this.draft
    const cheap = new Set([...nodes.keys()].filter((node) => isCheap(nodes[node]!) && !this.wanted.has(node)))
    if (cheap.size === 0) return
    const dependents = this.dependentsOf(cheap)
    for (const node of cheap) {
      // With two inputs or more it would be these that are held in place of its one result.
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

  /** Makes one task of each chain of tasks that nobody else needs and that ask for the same. */
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
      // All of it runs where the first would have: from there on a chain holds one result, whichever.
      this.at[node] = this.at[before]!
    }
  }

  /** The one node that each needs, or -1; and in the places of how many nodes each is needed. */
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

  /** What is needed by what is computed in the place of a node, and is not. */
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
    return {
      positions,
      draft: {
        nodes: rows.map(({ task }) => task),
        targets: draft.targets.map(moved),
        offsets,
        edges: Int32Array.from(rows.flatMap(({ edges }) => Array.from(edges, moved))),
        settings
      }
    }
  }

  /** All that runs in the place of a node: itself, those before it in its chain, and what is inlined in these. */
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

/** A node as it is written anew; its edges are those of the old plan. */
interface Row {
  readonly task: TaskImpl
  readonly edges: Iterable<Reference> & { readonly length: number }
}

/** Nodes are numbered so that what a node needs comes before it. */
const union = (...nodes: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> =>
  [...new Set(nodes.flat())].sort((a, b) => a - b)

/** What may stand in the options of a task that runs in the place of another one. */
const free: ReadonlySet<string> = new Set(["key", "label", "inline", "after", "invalid"])
/** What a task may ask for, if the whole chain asks for the same. */
const shared = ["priority", "workers", "allowOthers", "graceMillis"] as const satisfies ReadonlyArray<keyof TaskOptions>

const saysOnly = (options: TaskOptions, also: ReadonlySet<string>): boolean => {
  if (options === noOptions) return true
  return Object.entries(options).every(([name, value]) =>
    value === undefined || free.has(name) || also.has(name) || isEmpty(value)
  )
}

/** Such as the policies of an `after` that has none. */
const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0

const isWork = ({ kind }: TaskImpl): boolean => kind === "map" || kind === "effect"

const ofCheap: ReadonlySet<string> = new Set(["priority"])
const ofLinks: ReadonlySet<string> = new Set(shared)
const ofLasts: ReadonlySet<string> = new Set([...shared, "pure", "name", "code"])

/** A constant, or what its maker calls cheap. What asks for anything is a task of its own. */
const isCheap = (task: TaskImpl): boolean =>
  (isLiteral(task) || (task.options.inline === true && isWork(task))) && saysOnly(task.options, ofCheap)

/** Whether others may be computed in the place of a task. Policies count its dependencies, so all of them must stay. */
const isHost = (task: TaskImpl): boolean =>
  isWork(task) && task.options.resource !== true && policiesOf(task) === undefined

/** Whether a task may run in the place of the one after it. Runs of pure tasks are shared, so they stay where others find them. */
const isLink = (task: TaskImpl): boolean => (isWork(task) || isLiteral(task)) && saysOnly(task.options, ofLinks)

const isLast = (task: TaskImpl): boolean => isWork(task) && saysOnly(task.options, ofLasts)

const asksAlike = ({ options: a }: TaskImpl, { options: b }: TaskImpl): boolean =>
  a === b || shared.every((name) => a[name] === b[name] || JSON.stringify(a[name]) === JSON.stringify(b[name]))
