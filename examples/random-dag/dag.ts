/** A random graph whose tasks wait for random times, and what its run must look like. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Task from "skein/Task"

/** `predecessors[i]` are the nodes before node `i`, all with smaller numbers. */
export interface Dag {
  readonly predecessors: ReadonlyArray<ReadonlyArray<number>>
  readonly waitMillis: ReadonlyArray<number>
}

export interface Size {
  readonly nodes: number
  readonly edges: number
  /** The longest wait of a task, in milliseconds; the shortest is a quarter of it, so that a picture can tell starts apart. */
  readonly longestWait: number
}

/** The most edges that a graph without cycles can have. */
export const mostEdges = (nodes: number): number => nodes * (nodes - 1) / 2

/** A graph drawn at random; one seed, one graph. */
export const randomDag = Effect.fnUntraced(function*({ edges, longestWait, nodes }: Size) {
  const pairs = Array.from({ length: nodes }, (_, to) => Array.from({ length: to }, (_, from) => ({ from, to }))).flat()
  const chosen = (yield* Random.shuffle(pairs)).slice(0, edges)
  const predecessors = Array.from(
    { length: nodes },
    (_, node) => chosen.filter(({ to }) => to === node).map(({ from }) => from).sort((a, b) => a - b)
  )
  const waitMillis: Array<number> = []
  for (let i = 0; i < nodes; i++) waitMillis.push(yield* Random.nextIntBetween(Math.ceil(longestWait / 4), longestWait))
  return { predecessors, waitMillis } satisfies Dag
})

/** A task for each node: it starts when all before it have ended, and waits. */
export const tasksOf = ({ predecessors, waitMillis }: Dag): ReadonlyArray<Task.Task<number>> => {
  const tasks: Array<Task.Task<number>> = []
  for (const [node, before] of predecessors.entries()) {
    const after = before.map((other) => tasks[other]!)
    tasks.push(Task.make(Effect.as(Effect.sleep(waitMillis[node]!), node), { key: `n${node}`, after }))
  }
  return tasks
}

/** Runs the graph and gives what is known of each task, in the order of the nodes. */
export const run = (dag: Dag) =>
  Effect.scoped(Effect.gen(function*() {
    const futures = yield* Client.submitAll(tasksOf(dag))
    yield* Future.joinAll(futures)
    return yield* Effect.forEach(futures, (future) => Future.metadata(future))
  }))

/** Every edge whose later task started before the earlier one had ended: there must be none. */
export const violations = (tasks: ReadonlyArray<Future.Metadata>): ReadonlyArray<string> => {
  const byKey = new Map(tasks.map((task) => [task.key, task]))
  return tasks.flatMap(({ dependencies, key, started }) =>
    dependencies
      .filter((before) => !(started! >= byKey.get(before)!.completed!))
      .map((before) => `${key} started at ${started}, and ${before} ended at ${byKey.get(before)!.completed}`)
  )
}
