/**
 * The path of a failure: the keys of the tasks that it ended. Successive tasks share one list: each adds its own key.
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

/** A linked list of keys. The array is made when it is read. */
export class Path {
  /** Private, so that a deep comparison of two lists does not follow a path of any length. */
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

  /** All keys, from the first. Linear in the number of keys. */
  toArray(): ReadonlyArray<string> {
    const steps: Array<Path> = [this]
    for (let at = this.#before; at !== undefined; at = at.#before) steps.push(at)
    return namesOf(steps.reverse())
  }
}

/** The list of these keys, of one graph if it is known, appended to the list before. */
export const listOf = (keys: Iterable<string>, before?: Path, graph?: number): Path | undefined => {
  let path = before
  for (const key of keys) path = new Path(path, key, graph)
  return path
}
