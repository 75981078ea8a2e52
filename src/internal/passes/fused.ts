/**
 * Fused tasks: several tasks that run one after the other in one fiber. To all but the scheduler, each part is the task that it
 * was: it has its own key, label, attempts and scope, and fails as itself.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { keyAt } from "../../engine/protocol/Registered.ts"
import type { Place, Registered } from "../../engine/protocol/Registered.ts"
import { DependenciesLost } from "../../SkeinError.ts"
import { PartAttempt } from "../bodies/attempt.ts"
import type { Attempt } from "../bodies/attempt.ts"
import { assembled, bodyOf, strayResult, valueOf } from "../bodies/bodies.ts"
import { ambientAt, isFor } from "../bodies/livePlan.ts"
import type { Cache } from "../bodies/livePlan.ts"
import { retryOf } from "../bodies/retries.ts"
import { endingOf, missedIn, withoutSignals } from "../bodies/signals.ts"
import { TaskImpl } from "../tasks/task.ts"
import type { Handle } from "../tasks/task.ts"
import { Worker } from "../tasks/worker.ts"
import { FailedPart } from "./failedPart.ts"

/** One of the tasks that run. */
export interface Part {
  readonly task: TaskImpl
  readonly key: string | undefined
  /** For each of its handles an index among the inputs of the whole, or `~part`. */
  readonly sources: ReadonlyArray<number>
  /** Whether it runs in other tasks too. */
  readonly isInlined: boolean
}

export class FusedTask extends TaskImpl {
  private readonly recipe: Recipe

  constructor(parts: ReadonlyArray<Part>, handles: ReadonlyArray<Handle>, cache: Cache | undefined) {
    const { task } = parts.at(-1)!
    const recipe: Recipe = { parts, ...usesOf(parts), cache, pauses: new WeakMap(), skipped: new WeakMap() }
    super(
      { _tag: "effect", run: (values) => new Course(recipe, values as ReadonlyArray<unknown> | undefined).run },
      handles,
      handles.length === 0 ? "none" : "array",
      handles,
      task.options.after === undefined ? task.options : { ...task.options, after: undefined },
      undefined
    )
    this.recipe = recipe
  }

  /** The part that ended the whole as skipped, for which no cause is kept. */
  skippedAt({ index, submission }: Place): FailedPart["Service"] | undefined {
    return this.recipe.skipped.get(submission)?.get(index)
  }

  /** The tasks that end with a failure that came over this edge, in the order in which they need each other; not the last. */
  refusedBy(place: Place, edge: number): ReadonlyArray<Named> {
    return wayFrom(this.recipe, place, this.recipe.parts.findIndex(({ sources }) => sources.includes(edge)))
  }
}

interface Recipe {
  readonly parts: ReadonlyArray<Part>
  /** The first and the last part that use the value of each. */
  readonly firstUses: ReadonlyArray<number>
  readonly lastUses: ReadonlyArray<number>
  readonly cache: Cache | undefined
  /** The progress of attempts that are followed by another, by plan index. */
  readonly pauses: WeakMap<Registered, Map<number, Pause>>
  /** The parts that were skipped, and all after them with these, by plan index. */
  readonly skipped: WeakMap<Registered, Map<number, FailedPart["Service"]>>
}

/** The progress of an attempt, from which the next one goes on. */
interface Pause {
  readonly attempt: Attempt
  readonly at: number
  readonly values: ReadonlyArray<unknown>
  readonly first: number
  readonly again: Again | undefined
}

/** Parts that run again before the part that reported their results as lost. */
interface Again {
  readonly parts: ReadonlySet<number>
  readonly until: number
}

/** In place of a value that is no longer needed. */
const dropped = Symbol("dropped")

const usesOf = (parts: ReadonlyArray<Part>): Pick<Recipe, "firstUses" | "lastUses"> => {
  const firstUses = new Array<number>(parts.length)
  const lastUses = new Array<number>(parts.length)
  for (const [part, { sources }] of parts.entries()) {
    for (const source of sources) {
      if (source >= 0) continue
      firstUses[~source] ??= part
      lastUses[~source] = part
    }
  }
  return { firstUses, lastUses }
}

/** The name of a task. */
export interface Named {
  readonly key: string
  readonly label: string | undefined
}

/** The parts from one to the last but one, each followed by the first that needs it. */
const wayFrom = (recipe: Recipe, place: Place, from: number): ReadonlyArray<Named> => {
  const { firstUses, parts } = recipe
  const way: Array<Named> = []
  for (let part = from; part < parts.length - 1; part = firstUses[part]!) way.push(nameOf(recipe, place, part))
  return way
}

/** A part without a key is named by its label and the number of the whole. */
const nameOf = ({ parts }: Recipe, { index, submission }: Place, part: number): Named => {
  const { key, task } = parts[part]!
  const label = task.options.label ?? submission.plan.defaults?.label
  if (part === parts.length - 1) return { key: keyAt(submission, index), label }
  return { key: key ?? `${label ?? "task"}#${submission.sequence + index}.${part + 1}`, label }
}

/** Whether the whole ends as skipped. */
const isSkip = (cause: Cause.Cause<unknown>): boolean =>
  withoutSignals(cause).reasons.length === 0 && endingOf(cause)._tag === "Skipped"

/** One attempt at all parts. */
class Course {
  private readonly recipe: Recipe
  private readonly inputs: ReadonlyArray<unknown>
  private attempt!: Attempt
  /** The part that runs. */
  private at = 0
  /** The results of parts before it, as long as they are needed. */
  private values: Array<unknown> = []
  /** The number of the first attempt at the running part. */
  private first = 1
  private again: Again | undefined

  constructor(recipe: Recipe, inputs: ReadonlyArray<unknown> | undefined) {
    this.recipe = recipe
    this.inputs = inputs ?? []
  }

  readonly run: Effect.Effect<unknown, unknown> = Effect.withFiber((fiber) => {
    this.attempt = Context.get(fiber.context as Context.Context<Worker>, Worker) as Attempt
    this.resume()
    return Effect.catchCause(Effect.suspend(() => this.rest()), (cause) => Effect.failCause(this.told(cause)))
  })

  private resume(): void {
    const { index, submission } = this.attempt
    const pauses = this.recipe.pauses.get(submission)
    const pause = pauses?.get(index)
    if (pause === undefined) return
    pauses!.delete(index)
    // The results are gone with their worker.
    if (pause.attempt.isLost) return
    this.at = pause.at
    this.values = [...pause.values]
    this.first = pause.first
    this.again = pause.again
  }

  /** Runs the remaining parts. */
  private rest(): Effect.Effect<unknown, unknown> {
    const { parts } = this.recipe
    while (this.at < parts.length) {
      if (this.again !== undefined && this.at < this.again.until && !this.again.parts.has(this.at)) {
        this.at++
        continue
      }
      const { sources, task } = parts[this.at]!
      const inputs = task.shape === "none"
        ? undefined
        : sources.map((source) => source < 0 ? this.values[~source] : this.inputs[source])
      if (task.plain !== undefined) {
        this.done(valueOf(task.plain, assembled(task, inputs), keyOfPart, this, this.at))
        continue
      }
      const { body } = task
      if (body._tag === "effect") return this.wait(bodyOf(task, inputs, keyOfPart, this, this.at), task, inputs)
      // Passes fuse no other tasks.
      this.done(body._tag === "value" ? body.value : undefined)
    }
    return Effect.succeed(this.values[parts.length - 1])
  }

  private wait(
    body: Effect.Effect<unknown, unknown>,
    task: TaskImpl,
    inputs: ReadonlyArray<unknown> | undefined
  ): Effect.Effect<unknown, unknown> {
    if (this.at < this.recipe.parts.length - 1) {
      return Effect.flatMap(this.inScope(body), (value) => {
        const wrong = strayResult(task, value, () => assembled(task, inputs), keyOfPart, this, this.at)
        if (wrong !== undefined) return Effect.die(wrong)
        this.done(value)
        return this.rest()
      })
    }
    // The last part has the scope and the end of the whole.
    const isNumbered = this.number === this.attempt.number
    return isNumbered ? body : Effect.provideService(body, Worker, this.attemptIn(this.attempt.scope))
  }

  /** A part before the last ends like a task: its scope is closed with its submissions, and its slot is taken again. */
  private inScope(body: Effect.Effect<unknown, unknown>): Effect.Effect<unknown, unknown> {
    return Effect.acquireUseRelease(
      Effect.sync(() => this.attemptIn(Scope.makeUnsafe())),
      (attempt) =>
        Effect.provideContext(body, Context.make(Worker, attempt).pipe(Context.add(Scope.Scope, attempt.scope!))),
      (attempt, exit) =>
        Effect.andThen(Scope.close(attempt.scope as Scope.Closeable, exit), attempt.home.waits.rejoin(attempt))
    )
  }

  private attemptIn(scope: Scope.Scope | undefined): PartAttempt {
    return new PartAttempt(this.attempt, this.keyOf(this.at), this.number, scope)
  }

  /** The number of this attempt at its part. */
  private get number(): number {
    return this.attempt.number - this.first + 1
  }

  private done(value: unknown): void {
    const { cache, lastUses, parts } = this.recipe
    const { at } = this
    const { isInlined, key, sources, task } = parts[at]!
    this.values[at] = value
    for (const source of sources) if (source < 0 && lastUses[~source] === at) this.values[~source] = dropped
    this.at++
    if (at === parts.length - 1 || isInlined) return
    // The worker knows of the last one only.
    if (cache !== undefined && key !== undefined && task.kind !== "value" && isFor(cache, task)) {
      cache.set(key, value)
    }
    // The attempts of the part that missed it go on.
    if (this.again !== undefined && at < this.again.until) return
    this.first = this.attempt.number
    const { home: { schedules }, isLost } = this.attempt
    if (!isLost && schedules.size > 0) schedules.delete(this.attempt.task)
  }

  /** Annotates a cause with the part that failed. */
  private told(given: Cause.Cause<unknown>): Cause.Cause<unknown> {
    const cause = this.withoutOwn(given)
    const { index, submission } = this.attempt
    const failed = { submission, index, path: wayFrom(this.recipe, this.attempt, this.at), attempt: this.number }
    if (isSkip(cause)) {
      const skipped = this.recipe.skipped.get(submission) ?? new Map<number, FailedPart["Service"]>()
      this.recipe.skipped.set(submission, skipped.set(index, failed))
    } else if (this.mayGoOn(cause)) {
      const pauses = this.recipe.pauses.get(submission) ?? new Map<number, Pause>()
      const { again, attempt, first, values } = this
      const at = again === undefined ? this.at : Math.min(this.at, ...again.parts)
      this.recipe.pauses.set(submission, pauses.set(index, { at, attempt, first, values, again }))
    }
    return Cause.annotate(cause, Context.make(FailedPart, failed), { overwrite: true })
  }

  /** Lost results of earlier parts are computed again in the next attempt; other lost dependencies are reported for the whole. */
  private withoutOwn(cause: Cause.Cause<unknown>): Cause.Cause<unknown> {
    const { parts } = this.recipe
    const isOwnFailure = withoutSignals(cause).reasons.some((reason) => !Cause.isInterruptReason(reason))
    const missed = isOwnFailure || isSkip(cause) ? undefined : missedIn(cause)
    const isMeant = (named: unknown, part: number): boolean => parts[part]!.task === named || this.keyOf(part) === named
    const needed = parts[this.at]!.sources.flatMap((source) => source < 0 ? [~source] : [])
    const own = needed.filter((part) => missed?.some((named) => isMeant(named, part)))
    // Parts that were still to run again are kept.
    const left = this.again === undefined ? [] : [...this.again.parts].filter((part) => part >= this.at)
    this.again = own.length === 0 && left.length === 0
      ? undefined
      : { parts: this.withNeeded([...own, ...left]), until: Math.max(this.at, this.again?.until ?? 0) }
    if (own.length === 0) return cause
    const dependencies = missed!.filter((named) => !own.some((part) => isMeant(named, part)))
    return Cause.fail(new DependenciesLost({ dependencies }))
  }

  /** These parts, with those that they need and whose values are gone. */
  private withNeeded(some: ReadonlyArray<number>): ReadonlySet<number> {
    const all = new Set(some)
    // Those that are added on the way are looked at in their turn.
    for (const part of all) {
      for (const source of this.recipe.parts[part]!.sources) {
        if (source < 0 && this.values[~source] === dropped) all.add(~source)
      }
    }
    return all
  }

  /** Whether another attempt may follow. */
  private mayGoOn(cause: Cause.Cause<unknown>): boolean {
    if (this.attempt.isLost) return false
    const { task } = this.recipe.parts.at(-1)!
    return retryOf(task, ambientAt(this.attempt)) !== undefined || withoutSignals(cause) !== cause
  }

  /** The key of a part. */
  keyOf(part: number): string {
    return nameOf(this.recipe, this.attempt, part).key
  }
}

const keyOfPart = (course: Course, part: number): string => course.keyOf(part)
