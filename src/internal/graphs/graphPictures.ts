/**
 * Pictures of graphs, on Effect's own `Graph`.
 *
 * @internal
 */
import { identity } from "effect/Function"
import * as EffectGraph from "effect/Graph"
import { inLine } from "../text/text.ts"
import type { Dependency, Node } from "./graphNodes.ts"

/** The data of a node in Effect's graph. */
export interface PlainNode {
  readonly key: string
  readonly label: string | undefined
  readonly kind: Node["kind"]
}

export type Drawn = EffectGraph.DirectedGraph<PlainNode, Dependency["kind"]>

/** The nodes in the order given; edges lead from dependencies to dependents. */
export const toGraph = (nodes: ReadonlyArray<Node>): Drawn => graphOf(nodes, ({ kind }) => kind)

const graphOf = <E>(
  nodes: ReadonlyArray<Node>,
  edge: (dependency: Dependency) => E
): EffectGraph.DirectedGraph<PlainNode, E> =>
  EffectGraph.directed((graph) => {
    for (const { key, kind, label } of nodes) EffectGraph.addNode(graph, { key, label, kind })
    nodes.forEach(({ dependencies }, i) => {
      for (const dependency of dependencies) EffectGraph.addEdge(graph, dependency.node, i, edge(dependency))
    })
  })

/** States that pictures color; other words are drawn without a color. Borders are dark enough on light and dark pages. */
const colors: Readonly<Record<string, readonly [fill: string, border: string]>> = {
  waiting: ["#f4f4f5", "#71717a"],
  ready: ["#fef9c3", "#a16207"],
  assigned: ["#fef3c7", "#b45309"],
  running: ["#dbeafe", "#1d4ed8"],
  seceded: ["#e0e7ff", "#4338ca"],
  rejoining: ["#ede9fe", "#6d28d9"],
  stopping: ["#ffedd5", "#c2410c"],
  releasing: ["#ccfbf1", "#0f766e"],
  succeeded: ["#dcfce7", "#15803d"],
  failed: ["#fee2e2", "#b91c1c"],
  upstreamFailed: ["#fff7ed", "#ea580c"],
  cancelled: ["#e5e7eb", "#374151"],
  skipped: ["#fafafa", "#a1a1aa"]
}

const text = "#111827"

const shapes: Readonly<Record<Node["kind"], EffectGraph.MermaidNodeShape>> = {
  effect: "rectangle",
  map: "rounded",
  flatMap: "subroutine",
  exit: "hexagon",
  value: "stadium",
  future: "circle"
}

/** The label, unless the key contains it. */
export const words = ({ key, label }: PlainNode): string =>
  label === undefined || label === key || key.startsWith(`${label}#`) ? inLine(key) : `${inLine(key)}\n${inLine(label)}`

const wordsOfEdge = ({ kind, policy }: Dependency): string =>
  [kind === "data" ? "" : kind, policy].filter((word) => word !== "").join(" ")

/** The nodes of each state that occurs, known states first, in the order of a task's life. */
const byState = (
  nodes: ReadonlyArray<Node>,
  states: ReadonlyMap<string, string> | undefined
): ReadonlyArray<readonly [state: string, nodes: ReadonlyArray<number>]> => {
  const groups = new Map<string, Array<number>>(Object.keys(colors).map((state) => [state, []]))
  nodes.forEach(({ key }, i) => {
    const state = states?.get(key)
    if (state === undefined) return
    if (!groups.has(state)) groups.set(state, [])
    groups.get(state)!.push(i)
  })
  return Array.from(groups).filter(([, members]) => members.length > 0)
}

interface Style {
  readonly states?: ReadonlyMap<string, string> | undefined
  readonly nodeLabel?: ((node: PlainNode) => string) | undefined
}

/** A text of the user, line by line. */
const labelBy = (nodeLabel: Style["nodeLabel"]) => (node: PlainNode): string =>
  nodeLabel === undefined ? words(node) : nodeLabel(node).split("\n").map((line) => inLine(line)).join("\n")

export const toMermaid = (
  nodes: ReadonlyArray<Node>,
  { direction, nodeLabel, states }: Style & { readonly direction: EffectGraph.MermaidDirection }
): string => {
  const drawn = EffectGraph.toMermaid(graphOf(nodes, wordsOfEdge), {
    nodeLabel: labelBy(nodeLabel),
    edgeLabel: identity,
    nodeShape: ({ kind }) => shapes[kind],
    direction
    // A label that begins with a backtick would be Markdown, which Mermaid parses.
  }).replaceAll("`", "#96;")
  const groups = byState(nodes, states)
  if (groups.length === 0) return drawn
  const entries = groups.map(([state, members], i) => `    legend${i}["${plainWord(state)} (${members.length})"]`)
  const legend = ["  subgraph legend", "    direction LR", ...entries, "  end"]
  const classes = groups.flatMap(([state, members], i) => {
    const color = colors[state]
    if (color === undefined) return []
    const style = `fill:${color[0]},stroke:${color[1]},color:${text}`
    return [`  classDef state${i} ${style}`, `  class ${[...members, `legend${i}`].join(",")} state${i}`]
  })
  return [drawn, ...legend, ...classes].join("\n")
}

const plainWord = (state: string): string =>
  state === "upstreamFailed" ? "upstream failed" : state.replaceAll(/[^\p{L}\p{N} _-]/gu, "_")

export const toGraphViz = (
  nodes: ReadonlyArray<Node>,
  { graphName, nodeLabel, states }: Style & { readonly graphName: string }
): string => {
  const drawn = EffectGraph.toGraphViz(graphOf(nodes, wordsOfEdge), {
    nodeLabel: labelBy(nodeLabel),
    edgeLabel: identity,
    graphName: inLine(graphName)
  })
  const groups = byState(nodes, states)
  if (groups.length === 0) return drawn
  const paint = (state: string): string => {
    const color = colors[state]
    return color === undefined ? "" : `style=filled, fillcolor="${color[0]}", color="${color[1]}", fontcolor="${text}"`
  }
  const painted = groups.flatMap(([state, members]) =>
    paint(state) === "" ? [] : members.map((i) => `  "${i}" [${paint(state)}];`)
  )
  const entries = groups.map(([state, members], i) => {
    const label = `label="${plainWord(state)} (${members.length})"`
    return `    "legend${i}" [${[label, paint(state)].filter((part) => part !== "").join(", ")}];`
  })
  const legend = [`  subgraph "cluster_legend" {`, `    label="legend";`, ...entries, "  }"]
  return [drawn.slice(0, drawn.lastIndexOf("}")).trimEnd(), ...painted, ...legend, "}"].join("\n")
}
