/**
 * A walk through a graph that is no deeper on the stack for a chain of a million than for one of two.
 *
 * @internal
 */

/**
 * Visits everything reachable from `roots`, each once, after what it depends on. Returns the first cycle met, from a node
 * to itself; the edge that closes it is passed over.
 */
export const depthFirst = <N>(
  roots: Iterable<N>,
  dependenciesOf: (node: N) => ReadonlyArray<N>,
  visit: (node: N) => void
): ReadonlyArray<N> | undefined => {
  const done = new Map<N, boolean>()
  const path: Array<Step<N>> = []
  let cycle: ReadonlyArray<N> | undefined
  const enter = (node: N): void => {
    done.set(node, false)
    path.push({ node, dependencies: dependenciesOf(node), next: 0 })
  }
  for (const root of roots) {
    if (!done.has(root)) enter(root)
    while (path.length > 0) {
      const step = path.at(-1)!
      if (step.next === step.dependencies.length) {
        path.pop()
        done.set(step.node, true)
        visit(step.node)
        continue
      }
      const dependency = step.dependencies[step.next++]!
      const isDone = done.get(dependency)
      if (isDone === undefined) enter(dependency)
      else if (!isDone) cycle ??= cycleTo(dependency, path)
    }
  }
  return cycle
}

interface Step<N> {
  readonly node: N
  readonly dependencies: ReadonlyArray<N>
  next: number
}

const cycleTo = <N>(node: N, path: ReadonlyArray<Step<N>>): ReadonlyArray<N> => {
  const nodes = path.map((step) => step.node)
  return [...nodes.slice(nodes.indexOf(node)), node]
}
