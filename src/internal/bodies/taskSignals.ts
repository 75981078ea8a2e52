/**
 * What a body fails with to tell the scheduler something; how that is read is in `signals.ts`.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { DependenciesLost, Reschedule, TaskSkipped, Unmet } from "../../SkeinError.ts"
import type { Future, Task } from "../tasks/handles.ts"
import { Worker } from "../tasks/worker.ts"
import { cutList, quote } from "../text/text.ts"
import { keyOfBody, missingLabels } from "./attempt.ts"
import { givenEffect } from "./bodies.ts"

/**
 * What a body fails with to give its place up: the task goes back to the queue and runs again.
 *
 * **When to use**
 *
 * When a body finds that it cannot go on yet, or that others should go first, and waiting would only take a slot from them.
 *
 * **Details**
 *
 * The slot is free in the same step. The task ranks behind all ready tasks of its priority, as if it had just been submitted as a
 * computation of its own. It is no attempt: `Worker.current` and `retry` count on as if the body had not run, and dependencies
 * keep their results. `timeout` starts anew, `deadline` goes on. What the body submitted or acquired ends with it. A body that
 * also fails or dies does just that, and one that was asked to stop stops. The idea is dask.distributed's `Reschedule`.
 *
 * **Gotchas**
 *
 * A body that is the only one ready runs again at once. To wait for something, wait for it.
 *
 * **Example** (Let the others go first)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const log: Array<string> = []
 * const polite = Task.make(Effect.suspend(() => log.push("polite") === 1 ? Task.reschedule : Effect.succeed(log)))
 * const other = Task.sync(() => log.push("other"))
 * Task.run(Task.map([polite, other], ([log]) => log), { concurrency: 1 }) // => ["polite", "other", "polite"]
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const reschedule: Effect.Effect<never, Reschedule> = Effect.suspend(() => Effect.fail(new Reschedule()))

/**
 * What a body fails with when it finds that what dependencies of its task made is not there any more: they run again, then it
 * does.
 *
 * **When to use**
 *
 * When results stand for something outside the program that may go away: a file, a row, a session.
 *
 * **Details**
 *
 * Names direct dependencies, those of `after` and what lies behind barriers included: the tasks or futures themselves, or their
 * keys. What they need runs again
 * as far as it was released. It is no attempt: `Worker.current` and `retry` count on as if the body had not run. Of several tasks
 * that miss the same dependency the first has it run, once; a body that had started before that just runs again. Dependents that
 * run go on with what they have; those that have not started wait. A `Task.exit` stands for the task that it is the exit of, a
 * resource is finalized before it is acquired anew, and a `flatMap` task calls its function again.
 *
 * A body that reports for the 20th time (`limits.dependenciesLost` of the layer), or that misses what must not run twice
 * (`idempotent: false`), ends its task with `DependenciesGone`. A name that is none of a direct dependency is a defect.
 *
 * **Gotchas**
 *
 * Futures of what runs again are unsettled meanwhile. What came from a `cache` comes from it again.
 *
 * **Example** (Write a file again that somebody has removed)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const files = new Map<string, number>()
 * const log: Array<string> = []
 * const write = Task.sync(() => {
 *   log.push("write")
 *   files.set("squares", 49)
 *   // Somebody removes it at once, the first time.
 *   if (log.length === 1) files.delete("squares")
 *   return "squares"
 * }, { key: "write" })
 * const read = Task.make(write, (name) => files.has(name) ? Effect.succeed(files.get(name)) : Task.dependenciesLost(write))
 * Effect.map(Task.run(read), (value) => [value, log]) // => [49, ["write", "write"]]
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const dependenciesLost = (
  ...dependencies: readonly [Named, ...ReadonlyArray<Named>]
): Effect.Effect<never, DependenciesLost> => Effect.suspend(() => Effect.fail(new DependenciesLost({ dependencies })))

/** A dependency as its dependent may name it. */
type Named = Task<any, any, any> | Future<any, any> | string

/**
 * What a body fails with to end its task as skipped: it chose not to do its work, and nothing went wrong.
 *
 * **When to use**
 *
 * For branches: the tasks of a branch that is not chosen never run, and those where branches meet take what there is.
 *
 * **Details**
 *
 * A task that depends on a skipped one is skipped too and never starts, at any distance. A `Dependency` with another policy
 * decides otherwise, and `Task.exit` gives the failure as a value. Whoever asks for the value of a skipped task gets the typed
 * failure `TaskSkipped`. A body that passes on the `TaskSkipped` of a task it joined is skipped too. A skip is never tried
 * again. A body that also fails or dies does just that. The idea is Airflow's.
 *
 * **Example** (A branch that is not taken)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Task } from "skein"
 *
 * const rows = Task.make(Effect.succeed([] as Array<string>))
 * const report = Task.make({ rows }, ({ rows }) => rows.length === 0 ? Task.skip : Effect.succeed(rows.join()))
 * const mail = Task.map({ report }, ({ report }) => `sent ${report}`, { key: "mail" })
 * Task.run(mail).pipe(Effect.catchTag("TaskSkipped", ({ key }) => Effect.succeed(`${key} was skipped`))) // => "mail was skipped"
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const skip: Effect.Effect<never, TaskSkipped> = Effect.withFiber((fiber) => {
  const key = keyOfBody(fiber) ?? "task"
  return Effect.fail(new TaskSkipped({ key, root: key }))
})

/**
 * What a body fails with when it cannot run on the present worker: its task goes to another one, and never to this one again.
 *
 * **When to use**
 *
 * When only the body can tell whether it can run where it is: a file that is not there, a device that does not answer. What is
 * known before has a label; see the option `workers`.
 *
 * **Details**
 *
 * The slot is free in the same step. It is no attempt: `Worker.current` and `retry` count on as if the body had not run, and
 * dependencies keep their results. Retries keep away from the worker too. When the body has said so of every worker on which it
 * may run, the task ends with `ImpossibleDependency`, which has all the reasons; with `waitForWorkers` it waits so long for a new
 * one. A worker that comes back under an old name is a new one. With `retrySame` the task only gives its place up, as with
 * {@link reschedule}: this worker is busy, and may do later. A body that also fails or dies does just that. The idea is
 * IPython's `UnmetDependency`.
 *
 * **Example** (A file that one worker has)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const disk = new Map([["b", "3,4,5"]])
 * const read = Task.make(Effect.gen(function*() {
 *   const { worker } = yield* Worker.current
 *   const file = disk.get(worker)
 *   return file === undefined ? yield* Task.unmet("the file is not here") : `${worker}: ${file}`
 * }))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }]
 * Client.compute(read).pipe(Effect.provide(Skein.layer({ workers }))) // => "b: 3,4,5"
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const unmet = <const O extends { readonly retrySame?: boolean | undefined } = {}>(
  reason: string,
  options?: O
): Effect.Effect<never, O extends { readonly retrySame: true } ? Reschedule : Unmet> =>
  Effect.suspend(() => Effect.fail(options?.retrySame === true ? new Reschedule() : new Unmet({ reason }))) as never

/**
 * Goes on if the present worker has these labels, all of them, and is {@link unmet} if not.
 *
 * **When to use**
 *
 * In a body whose need comes out as it runs. A task that needs the labels in any case says so with `workers`, and never starts
 * where they lack.
 *
 * **Example** (Large inputs need a large worker)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const sum = (rows: ReadonlyArray<number>) =>
 *   Task.make(Effect.gen(function*() {
 *     if (rows.length > 2) yield* Task.require("large")
 *     const { worker } = yield* Worker.current
 *     return `${worker}: ${rows.length}`
 *   }))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1, labels: ["large"] }]
 * Client.compute(sum([1, 2, 3])).pipe(Effect.provide(Skein.layer({ workers }))) // => "b: 3"
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const require = (...labels: ReadonlyArray<string>): Effect.Effect<void, Unmet, Worker> =>
  Effect.flatMap(Worker, (worker) => {
    const missing = missingLabels(worker, labels)
    if (missing.length === 0) return Effect.void
    const lacked = cutList(missing, quote)
    return unmet(`it lacks the ${missing.length === 1 ? "label" : "labels"} ${lacked}`)
  })

/**
 * A body that runs only where a condition holds: where the condition gives `false` the task is {@link unmet}.
 *
 * **Details**
 *
 * The condition runs on the worker, in the attempt, before the body. If it fails, so does the body. The idea is IPython's
 * `depend`.
 *
 * **Example** (Where the file is)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Client, Skein, Task, Worker } from "skein"
 *
 * const where = Effect.map(Worker.current, ({ worker }) => worker)
 * const isThere = Effect.map(where, (worker) => worker === "b")
 * const read = Task.make(where.pipe(Task.dependsOn(isThere)))
 * const workers = [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }]
 * Client.compute(read).pipe(Effect.provide(Skein.layer({ workers }))) // => "b"
 * ```
 *
 * @category signals
 * @since 0.1.0
 */
export const dependsOn: {
  <E2, R2>(
    condition: Effect.Effect<boolean, E2, R2>
  ): <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | E2 | Unmet, R | R2>
  <A, E, R, E2, R2>(
    body: Effect.Effect<A, E, R>,
    condition: Effect.Effect<boolean, E2, R2>
  ): Effect.Effect<A, E | E2 | Unmet, R | R2>
} = dual(
  2,
  <A, E, R, E2, R2>(body: Effect.Effect<A, E, R>, condition: Effect.Effect<boolean, E2, R2>) => {
    const guarded = givenEffect("The body of Task.dependsOn", body)
    return Effect.flatMap(
      givenEffect("The condition of Task.dependsOn", condition),
      (holds): Effect.Effect<A, E | Unmet, R> => holds ? guarded : unmet("its condition does not hold there")
    )
  }
)
