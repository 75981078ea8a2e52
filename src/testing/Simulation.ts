/**
 * Simulation: a graph or a program runs in many worlds, each with an order of events and with faults chosen by a seed.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Client from "../Client.ts"
import { dieOfOptions } from "../internal/tasks/checks.ts"
import type { Needs, Services } from "../internal/tasks/shapes.ts"
import { inLine } from "../internal/text/text.ts"
import type { Scheduler } from "../Scheduler.ts"
import type { Chance } from "./Chance.ts"
import type { Kind } from "./internal/faults.ts"
import { smaller } from "./internal/shrink.ts"
import { ofSimulation, runCase } from "./internal/simulation.ts"
import type { Case, Options, Run } from "./internal/simulation.ts"

export type { Problem } from "./internal/rails.ts"
export type { Case, Options, Run } from "./internal/simulation.ts"

/**
 * The report of a simulation without a failure.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Report {
  readonly schedules: number
  /** The number of runs that differ in their events or the order of these. */
  readonly interleavings: number
  /** Events that schedulers were sent. */
  readonly events: number
  /** The number of times each fault has happened. */
  readonly faults: { readonly [K in Kind]: number }
  /** How often the program was interrupted. */
  readonly abandoned: number
}

/**
 * A failing run of a simulation, shrunk as far as possible: less graph, fewer faults, fewer changes of order. The message has the
 * whole run, and how to repeat it.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class Counterexample extends Data.TaggedError("Counterexample")<{
  /** The shrunk case, for {@link replay}. */
  readonly case: Case
  /** The seed with which it was found. */
  readonly seed: number
  readonly run: Run
}> {
  override get message(): string {
    const { faults, graph, problems, story } = this.run
    const part = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
      lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)]
    return [
      `Seed ${this.seed} fails:`,
      ...problems.map(({ kind, text }) => `  ${kind}: ${text}`),
      ...part("Graph:", graph),
      ...part(
        "Faults:",
        faults.map(({ key, kind, site }) =>
          `${kind} at ${inLine(key === undefined ? site : `${key}${site.slice(site.lastIndexOf("@"))}`)}`
        )
      ),
      ...part("Story:", story),
      "",
      "To run it again, with the same graph and options:",
      `  Simulation.replay(subject, ${JSON.stringify(this.case)}, options)`
    ].join("\n")
  }
}

/**
 * A graph (a task, or arrays and records of tasks), a program, or a function that makes a new one for each run.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Subject<I> = I | ((chance: Chance) => I)

/** The services of a subject that a simulation does not provide. */
type Requirements<I> = I extends Effect.Effect<any, any, infer R> ? Exclude<R, Client.Client | Scheduler | Scope.Scope>
  : Exclude<Needs<Services<I>>, Client.Client>

/**
 * Runs a graph or a program once for each seed, in a world of its own, and fails with the first {@link Counterexample}.
 *
 * **When to use**
 *
 * To find errors that show only in some orders of events, or only after failures: lost updates, forgotten dependencies, cleanup
 * that is skipped when a task is interrupted.
 *
 * **Details**
 *
 * In each world a seed chooses which fiber runs next, where fibers yield, when messages arrive, the number of workers and slots,
 * and the faults of attempts. Time is virtual: it advances when nothing else can run. A run fails if a result is not what {@link
 * interpret} says of the same graph with the same faults; if a program fails; if an invariant of the scheduler is broken; if it
 * stalls; or if anything is left at the end. Give a function where tasks share state, so that each run has its own.
 *
 * **Gotchas**
 *
 * A run can be repeated only as far as it stays inside Effect: not with promises, timers or I/O of your own, nor with
 * `Math.random`. A deadline, or a timeout of a body that waits for others, may end a task in one order and not in another; that
 * counts as right.
 *
 * **Example** (A lost update)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 * import { Faults, Simulation } from "skein/testing"
 *
 * const deposits = () => {
 *   let balance = 0
 *   const deposit = Task.make(Effect.gen(function*() {
 *     const before = balance
 *     yield* Effect.yieldNow
 *     balance = before + 1
 *   }))
 *   const other = Task.withOptions(deposit, { label: "other" })
 *   return Task.map({ deposit, other }, () => balance)
 * }
 * const found = Simulation.run(deposits, { faults: Faults.none }).pipe(Effect.flip)
 * found.pipe(Effect.map(({ run }) => run.problems[0]?.kind)) // => "mismatch"
 * ```
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const run = <const I>(
  subject: Subject<I>,
  options: Options = {}
): Effect.Effect<Report, Counterexample, Requirements<I>> =>
  Effect.gen(function*() {
    yield* dieOfOptions(options, ofSimulation)
    const { from = 1, seeds = 100 } = options
    const prints = new Set<number>()
    const faults = { fail: 0, die: 0, interrupt: 0, hang: 0, slow: 0, stubborn: 0, vanish: 0, hostile: 0 }
    let events = 0
    let abandoned = 0
    for (let seed = from; seed < from + seeds; seed++) {
      const run = yield* runCase(subject, { seed }, options)
      if (run.problems.length > 0) return yield* counterexample(subject, seed, run, options)
      prints.add(run.print)
      events += run.events
      if (run.isAbandoned) abandoned++
      for (const { kind } of run.faults) faults[kind]++
      if (seed % 20 === 0) yield* Effect.yieldNow
    }
    return { schedules: seeds, interleavings: prints.size, events, faults, abandoned }
  }) as any

const counterexample = (
  subject: unknown,
  seed: number,
  run: Run,
  options: Options
): Effect.Effect<never, Counterexample, any> =>
  Effect.gen(function*() {
    const small = yield* smaller((each) => runCase(subject, each, options), { seed }, run, options.shrink)
    const told = yield* runCase(subject, small, options, { tells: true })
    return yield* new Counterexample({ case: small, seed, run: told })
  })

/**
 * Runs one case again: a seed, or the shrunk case of a {@link Counterexample}. Returns what happened, whether it failed or not.
 *
 * @stability unstable
 * @category running
 * @since 0.1.0
 */
export const replay = <const I>(
  subject: Subject<I>,
  seed: number | Case,
  options: Options = {}
): Effect.Effect<Run, never, Requirements<I>> =>
  Effect.andThen(
    dieOfOptions(options, ofSimulation),
    runCase(subject, typeof seed === "number" ? { seed } : seed, options, { logs: true, tells: true })
  ) as any
