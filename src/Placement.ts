/**
 * Placement schemes: which of several workers gets a task that could start on any of them.
 *
 * A layer has one scheme. What a task asks for goes before it: the scheme chooses among the workers with a free slot on which the
 * task may run, and which its `locality` prefers most. The ideas, and the names but for `steady`, are those of IPython parallel.
 *
 * @since 0.1.0
 */
import type { Candidate, Scheme as EngineScheme } from "./engine/protocol/Settings.ts"

/**
 * A placement scheme.
 *
 * @category models
 * @since 0.1.0
 */
export type Scheme = EngineScheme

export type {
  /**
   * A worker that could start the task now, as a scheme of your own is told of it: `running` attempts hold a slot, `attempts`
   * have not ended, those that wait inside their bodies included.
   *
   * @category models
   * @since 0.1.0
   */
  Candidate
}

/**
 * The worker with the greatest share of free slots; of equals the first one. The scheme of layers that name none: while workers
 * are idle a chain stays where its results are.
 *
 * @category schemes
 * @since 0.1.0
 */
export const steady: Scheme = "steady"

/**
 * The worker with the greatest share of free slots; of equals the one that was given something less recently. Spreads work over
 * idle workers, also what comes one by one.
 *
 * @category schemes
 * @since 0.1.0
 */
export const leastLoad: Scheme = "leastLoad"

/**
 * The worker that was given something least recently, however loaded it is.
 *
 * @category schemes
 * @since 0.1.0
 */
export const lru: Scheme = "lru"

/**
 * Any worker, all alike.
 *
 * **Details**
 *
 * Chance comes from the `Random` in the context of the layer, once, when it opens: a seed there fixes the sequence.
 *
 * @category schemes
 * @since 0.1.0
 */
export const plainRandom: Scheme = "plainRandom"

/**
 * Of two workers, drawn all alike, the one that was given something less recently. Chance is that of {@link plainRandom}.
 *
 * @category schemes
 * @since 0.1.0
 */
export const twoBin: Scheme = "twoBin"

/**
 * Of two workers, drawn in proportion to their free slots, the one with the greater share of free slots. Chance is that of
 * {@link plainRandom}.
 *
 * @category schemes
 * @since 0.1.0
 */
export const weighted: Scheme = "weighted"

/**
 * A scheme of your own: a function that gives the index of one of the workers, at least two.
 *
 * **Details**
 *
 * `random` gives numbers from 0 to below 1; with them, rather than with those of `Math`, a seed fixes the sequence. When the
 * function throws or gives no index, {@link steady} decides, and the log has one warning a layer.
 *
 * **Example** (The worker with the longest name)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Placement, Skein, Task, Worker } from "skein"
 *
 * const longest = Placement.make((workers) => {
 *   const lengths = workers.map(({ id }) => id.length)
 *   return lengths.indexOf(Math.max(...lengths))
 * })
 * const where = Task.make(Effect.map(Worker.current, ({ worker }) => worker))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "long", concurrency: 1 }]
 * Client.compute(where).pipe(Effect.provide(Skein.layer({ workers, placement: longest }))) // => "long"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (choose: (workers: ReadonlyArray<Candidate>, random: () => number) => number): Scheme => choose
