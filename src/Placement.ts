/**
 * Placement schemes choose among several workers that could start a task.
 *
 * A layer has one scheme. Options of the task take precedence: the scheme chooses among the workers with a free slot on which the
 * task may run and which its `locality` prefers most. The ideas, and the names except `steady`, are those of IPython parallel.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type { Candidate, Scheme as EngineScheme } from "./engine/protocol/Settings.ts"

/**
 * A placement scheme.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Scheme = EngineScheme

export type {
  /**
   * A worker that could start the task now, as a scheme of your own sees it: `running` attempts hold a slot; `attempts` have not
   * ended, including those that wait inside their bodies.
   *
   * @stability unstable
   * @category models
   * @since 0.1.0
   */
  Candidate
}

/**
 * The worker with the greatest share of free slots; of equals the first. This is the default: while workers are idle, a chain
 * stays where its results are.
 *
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const steady: Scheme = "steady"

/**
 * The worker with the greatest share of free slots; of equals the one that was used less recently. Spreads tasks over idle
 * workers, even if they come one by one.
 *
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const leastLoad: Scheme = "leastLoad"

/**
 * The least recently used worker, whatever its load.
 *
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const lru: Scheme = "lru"

/**
 * Any worker, with equal probability.
 *
 * **Details**
 *
 * The seed is drawn from the `Random` in the context of the layer when it opens, so a seed there fixes the sequence.
 *
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const plainRandom: Scheme = "plainRandom"

/**
 * Of two workers drawn with equal probability, the one that was used less recently. Its seed is that of {@link plainRandom}.
 *
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const twoBin: Scheme = "twoBin"

/**
 * Of two workers drawn in proportion to their free slots, the one with the greater share of free slots. Its seed is that of
 * {@link plainRandom}.
 *
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const weighted: Scheme = "weighted"

/**
 * A scheme of your own: a function that returns the index of one of the workers, of which there are at least two.
 *
 * **Details**
 *
 * `random` returns numbers from 0 to below 1. With them, and not with those of `Math`, a seed fixes the sequence. If the function
 * throws or returns no index, {@link steady} decides, and the log has one warning for each layer.
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
 * const where = Task.make(Effect.map(Worker.current, ({ id }) => id))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "long", concurrency: 1 }]
 * Client.compute(where).pipe(Effect.provide(Skein.layer({ workers, placement: longest }))) // => "long"
 * ```
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = (choose: (workers: ReadonlyArray<Candidate>, random: () => number) => number): Scheme => choose
