/**
 * Pictures of what a scheduler does, from a dump. The tasks of streams are one node for each name of a stream: a stream may have
 * thousands.
 *
 * @internal
 */
import type { StreamCounts } from "../bodies/streamCounts.ts"
import type { Dependency, Node } from "../graphs/graphNodes.ts"
import * as pictures from "../graphs/graphPictures.ts"
import type { PlainNode } from "../graphs/graphPictures.ts"
import { streamText } from "../text/text.ts"
import type { Snapshot } from "./scheduler.ts"
import { nothing, sum } from "./streamProgress.ts"

type Task = Snapshot["tasks"][number]

interface Drawn extends Node {
  readonly dependencies: Array<Dependency>
}

export const toMermaid = (dump: Snapshot): string => {
  const { nodes, ...style } = new Picture(dump)
  return pictures.toMermaid(nodes, { ...style, direction: "TD" })
}

export const toGraphViz = (dump: Snapshot): string => {
  const { nodes, ...style } = new Picture(dump)
  return pictures.toGraphViz(nodes, { ...style, graphName: "skein" })
}

class Picture {
  readonly nodes: Array<Drawn> = []
  readonly states = new Map<string, string>()
  readonly nodeLabel = (node: PlainNode): string => this.streams.get(node.key) ?? pictures.words(node)
  /** The texts of streams, by the key of their node. */
  private readonly streams = new Map<string, string>()
  /** Places of nodes, by key. */
  private readonly places = new Map<string, number>()
  private readonly byKey: ReadonlyMap<string, ReadonlyArray<Task>>

  constructor({ streams = [], tasks, waits }: Snapshot) {
    this.byKey = Map.groupBy(tasks, ({ key }) => key)
    for (const [name, own] of Map.groupBy(streams, ({ name }) => name)) {
      this.addStream(name, placesIn(own.reduce<StreamCounts>(sum, nothing)))
    }
    for (const task of tasks) this.add(task)
    for (const task of tasks) {
      for (const name of task.waitsOn ?? []) this.connect(this.named(name, task), task, "")
    }
    for (const { waiter, waitsOn } of waits) {
      const task = waiter === undefined ? undefined : this.named(waiter)
      for (const name of task === undefined ? [] : waitsOn) this.connect(this.named(name, task), task, "in its body")
    }
  }

  private addStream(name: string, words: ReadonlyArray<string>): void {
    const key = keyOfStream(name)
    this.streams.set(key, [streamText(name), ...words].join("\n"))
    this.addNode(key, undefined, "flatMap")
  }

  private add(task: Task): void {
    const { label, state, stream } = task
    const key = this.keyOf(task)
    if (stream === undefined) {
      this.addNode(key, label, "effect")
      this.states.set(key, state)
    } else if (!this.streams.has(key)) this.addStream(stream, ["closing"])
  }

  private addNode(key: string, label: string | undefined, kind: Node["kind"]): void {
    this.places.set(key, this.nodes.length)
    this.nodes.push({ key, label, kind, position: undefined, dependencies: [], policies: [] })
  }

  private keyOf({ graph, key, stream }: Task): string {
    if (stream !== undefined) return keyOfStream(stream)
    return this.byKey.get(key)!.length > 1 ? `${key} (graph ${graph})` : key
  }

  /** The task that has this name in a list about another one, which is of the same graph unless the name says which. */
  private named(name: string, beside?: Task): Task | undefined {
    const own = this.byKey.get(name)
    if (own !== undefined) return own.find(({ graph }) => graph === beside?.graph) ?? own.at(-1)
    const [, key, graph] = /^(.*) \(graph (\d+)\)$/s.exec(name) ?? []
    return this.byKey.get(key ?? "")?.find((task) => task.graph === Number(graph))
  }

  private connect(from: Task | undefined, to: Task | undefined, policy: string): void {
    if (from === undefined || to === undefined) return
    const node = this.places.get(this.keyOf(from))!
    const place = this.places.get(this.keyOf(to))!
    const { dependencies } = this.nodes[place]!
    if (node === place || dependencies.some((other) => other.node === node)) return
    dependencies.push({ node, kind: "data", policy })
  }
}

/** No key of a task looks like this. */
const keyOfStream = (name: string): string => JSON.stringify({ stream: name })

const placesIn = (counts: StreamCounts): ReadonlyArray<string> => {
  const { consumed, dropped, failed, paused, rateLimited, running, taken, total, unread, waiting } = counts
  const places = [
    [running, "running"],
    [waiting - rateLimited - paused, "waiting"],
    [rateLimited, "waiting for a rate"],
    [paused, "paused"],
    [unread, "unread"],
    [failed, "failed"],
    [dropped, "dropped"]
  ] as const
  const words = places.flatMap(([count, word]) => count > 0 ? [`${count} ${word}`] : []).join(", ")
  return [`${consumed + failed} of ${total ?? `${taken}+`}`, ...(words === "" ? [] : [words])]
}
