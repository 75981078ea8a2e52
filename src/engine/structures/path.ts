/**
 * The way of a failure, as the keys of the tasks that it ended. Tasks in a row share one list: each adds its own key.
 *
 * @since 0.1.0
 */

/** A key, and the number of the graph in which it names a task, if that is known. */
export interface Named {
  readonly key: string
  readonly graph: number | undefined
}

/** The keys of a list, with the numbers of graphs for those that name several tasks in it, or what stands `beside` it. */
export const namesOf = (list: ReadonlyArray<Named>, beside?: Named): ReadonlyArray<string> => {
  const graphs = new Map<string, number>()
  const shared = new Set<string>()
  for (const { graph, key } of beside === undefined ? list : [...list, beside]) {
    if (graph === undefined) continue
    if ((graphs.get(key) ?? graph) !== graph) shared.add(key)
    graphs.set(key, graph)
  }
  return list.map(({ graph, key }) => shared.has(key) && graph !== undefined ? `${key} (graph ${graph})` : key)
}

/** A list of keys that knows its last one and what lies before that. An array of them is made when somebody reads it. */
export class Path {
  /** Private, so that whoever compares two lists does not descend a way of any length. */
  readonly #before: Path | undefined
  /** The last key. */
  readonly key: string
  readonly graph: number | undefined
  /** The first key. */
  readonly root: string
  readonly rootGraph: number | undefined
  readonly length: number

  constructor(before: Path | undefined, key: string, graph: number | undefined) {
    this.#before = before
    this.key = key
    this.graph = graph
    this.root = before === undefined ? key : before.root
    this.rootGraph = before === undefined ? graph : before.rootGraph
    this.length = before === undefined ? 1 : before.length + 1
  }

  /** All keys, the first one first. Takes as many steps as there are keys. */
  toArray(): ReadonlyArray<string> {
    const steps: Array<Path> = [this]
    for (let at = this.#before; at !== undefined; at = at.#before) steps.push(at)
    return namesOf(steps.reverse())
  }
}

/** The list of these keys, of one graph if it is known, added to what lies before. */
export const listOf = (keys: Iterable<string>, before?: Path, graph?: number): Path | undefined => {
  let path = before
  for (const key of keys) path = new Path(path, key, graph)
  return path
}
