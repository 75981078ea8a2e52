/**
 * Tasks at run time: made by `Task`, and read by the compiler.
 *
 * @internal
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Pipeable from "effect/Pipeable"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { WaitMode } from "../../engine/protocol/Event.ts"
import type { ClaimId, TaskId } from "../../engine/protocol/ids.ts"
import type { Outcome } from "../../engine/protocol/Outcome.ts"
import type { Locality } from "../../engine/protocol/Plan.ts"
import type { Group } from "../../engine/protocol/policies.ts"
import { keyAt } from "../../engine/protocol/Registered.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import { keepSpecimen } from "../../engine/structures/specimens.ts"
import type { Claim } from "../../engine/views/claims.ts"
import type { SkeinError } from "../../SkeinError.ts"
import type { Named } from "../portable/named.ts"
import { briefResult } from "../text/brief.ts"
import type { Status } from "../text/reasons.ts"
import { inLine, quote } from "../text/text.ts"
import { byReference } from "../values/identity.ts"
import { foreignText, isMeant, isSteps, isThenable, keepOneCopy } from "../values/strangers.ts"
import { FutureTypeId, TaskTypeId, thisCopy } from "../values/typeIds.ts"
import type { Metadata } from "./futures.ts"
import type { Future } from "./handles.ts"

/** A rewrite of a plan that changes only its cost; see `passes.ts`. */
export type Pass = "fuse" | "inline"

/** The function of a `map` body. */
export type Plain = (values: unknown) => unknown

/** The body of a task, which runs when its inputs are there. */
export type Body =
  | {
    readonly _tag: "effect"
    readonly run: (values: unknown) => Effect.Effect<unknown, unknown, unknown>
    /** The result of `run` if it is constant: `run` may throw, and is called only in the fiber of the attempt. */
    readonly constant?: Effect.Effect<unknown, unknown, unknown> | undefined
    /** Its name and codec if it may run in another process too. */
    readonly named?: Named
    /** What `run` only calls in this context, if that is so: it throws, or returns an exit or what is left to run in a fiber. */
    readonly here?: (
      context: Context.Context<never>
    ) => ((values: unknown) => Effect.Effect<unknown, unknown>) | undefined
  }
  /** A plain function: no service, no scope, no failure but a defect. */
  | { readonly _tag: "map"; readonly run: Plain }
  | { readonly _tag: "flatMap"; readonly run: (values: unknown) => TaskImpl }
  /** Ends with the exit of its one dependency. */
  | { readonly _tag: "exit" }
  | PlainValue

/** A given value. */
export interface PlainValue {
  readonly _tag: "value"
  readonly value: unknown
}

/** The options of a task, durations in milliseconds. */
export interface TaskOptions {
  readonly key?: string | undefined
  readonly label?: string | undefined
  readonly priority?: number | undefined
  readonly pure?: boolean | undefined
  readonly after?: ReadonlyArray<Handle> | undefined
  readonly follow?: ReadonlyArray<Handle> | undefined
  /** The dependencies with policies among the inputs, `after` and `follow`, by index. */
  readonly inputGroups?: ReadonlyArray<Group> | undefined
  readonly afterGroups?: ReadonlyArray<Group> | undefined
  readonly followGroups?: ReadonlyArray<Group> | undefined
  readonly timeoutMillis?: number | undefined
  readonly deadlineMillis?: number | undefined
  readonly dependencyTimeoutMillis?: number | undefined
  readonly graceMillis?: number | undefined
  readonly idempotent?: boolean | undefined
  readonly workers?: ReadonlyArray<string> | undefined
  readonly labels?: ReadonlyArray<string> | undefined
  readonly allowOthers?: boolean | undefined
  /** Amounts of its worker's resources. */
  readonly resources?: Readonly<Record<string, number>> | undefined
  readonly keepResources?: boolean | undefined
  readonly tags?: ReadonlyArray<string> | undefined
  /** Set by regions alone. */
  readonly share?: string | undefined
  /** Set by regions alone: the namespace in which keys name tasks for all graphs. */
  readonly namespace?: string | undefined
  readonly locality?: Locality | undefined
  readonly waitForWorkersMillis?: number | undefined
  readonly retry?: Schedule.Schedule<unknown, unknown, unknown, unknown> | undefined
  /** Whether it is cheap enough to compute inside each task that needs it. */
  readonly inline?: boolean | undefined
  /** Whether the scope of the body is that of the result. */
  readonly resource?: boolean | undefined
  /** The prefix of a pure key. */
  readonly name?: string | undefined
  /** The number of the function of a pure call. */
  readonly code?: string | undefined
  /** The fault in the options, reported when the task is submitted. */
  readonly invalid?: ReadonlyArray<Invalid>
}

export interface Invalid {
  readonly option: string
  readonly value: unknown
  /** The expected value; for an unknown option or key, the known ones. */
  readonly expected: string | ReadonlyArray<string> | { readonly known: ReadonlyArray<string> }
  /** The surrounding option, if any. */
  readonly within?: string | undefined
}

/** The shape of the inputs; common shapes are filled without a walk. */
export type Shape = "none" | "single" | "array" | "record" | "nested"

/** Misplaced tasks or futures: not reached by a walk, or not replaceable. */
export interface Misplaced {
  readonly what: string
  readonly why: string
}

export type Handle = TaskImpl | FutureImpl

export const noOptions: TaskOptions = {}
export const noHandles: ReadonlyArray<Handle> = []

/**
 * A task. `inputs` are the scanned inputs at its making. `handles` has the dependencies found in them, in the order of a walk,
 * then those of `after`, then those of `follow`. `stamp` and `index` belong to the compiler: a mark on the object is ten times
 * cheaper than a map of a million tasks.
 */
export class TaskImpl extends Pipeable.Class {
  static {
    Object.defineProperties(this.prototype, byReference)
  }

  readonly [TaskTypeId] = thisCopy
  /** The function of a `map` body, which needs no object of its own. */
  readonly plain: Plain | undefined
  /** Any other body. */
  private readonly other: Body | undefined
  readonly inputs: unknown
  readonly shape: Shape
  readonly handles: ReadonlyArray<Handle>
  readonly options: TaskOptions
  readonly misplaced: Misplaced | undefined
  stamp = 0
  index = 0

  constructor(
    body: Body,
    inputs: unknown,
    shape: Shape,
    handles: ReadonlyArray<Handle>,
    options: TaskOptions,
    misplaced: Misplaced | undefined
  ) {
    super()
    this.plain = body._tag === "map" ? body.run : undefined
    this.other = body._tag === "map" ? undefined : body
    this.inputs = inputs
    this.shape = shape
    this.handles = handles
    this.options = options
    this.misplaced = misplaced
  }

  /** Its body. The body of a plain function is made when it is read. */
  get kind(): Body["_tag"] {
    return this.plain === undefined ? this.other!._tag : "map"
  }

  /** The name and the codec of its body, if it has them. */
  get named(): Named | undefined {
    const { other } = this
    return other?._tag === "effect" ? other.named : undefined
  }

  /** Whether workers of either kind may run it. */
  get isPortable(): boolean {
    return this.named !== undefined
  }

  get body(): Body {
    return this.other ?? { _tag: "map", run: this.plain! }
  }

  toJSON(): unknown {
    const { key, label } = this.options
    return { _id: "Task", body: this.kind, key, label, dependencies: this.handles.length }
  }

  override toString(): string {
    const { key, label } = this.options
    return key !== undefined ? `Task(${quote(key)})` : label !== undefined ? `Task(${inLine(label)})` : "Task"
  }

  [NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

/** The options of a cancel. */
export interface CancelRequest {
  readonly by: string | undefined
  readonly reason: string
  readonly wait: boolean
  readonly force: boolean
  /** For this future alone, and not for the others of its owner. */
  readonly alone?: boolean
}

/** A root failure, and the object that identifies it, however equal failures look. */
export type Rooted = readonly [origin: object, cause: Cause.Cause<unknown>]

/** What is asked of the scheduler of a future. */
export interface FutureHome {
  readonly name: string
  readonly view: {
    readonly hasEnded: (claim: Claim) => boolean
    readonly hasSucceeded: (claim: Claim) => boolean
    readonly statusOf: (claim: Claim) => Status
    readonly metadataOf: (future: FutureImpl) => Metadata
    readonly exitOfClaim: (future: FutureImpl) => Exit.Exit<unknown, unknown>
    /** The exit of a part of a task as observers see it; `undefined` if the part must run in a task of its own. */
    readonly exitWithin: (
      future: FutureImpl,
      exit: Exit.Exit<unknown, unknown>
    ) => Exit.Exit<unknown, unknown> | undefined
    /** How long the last attempt of a task ran. */
    readonly millisOf: (future: FutureImpl) => number
    readonly firstFailed: (tasks: ReadonlyArray<TaskId>) => Exit.Exit<never, unknown> | undefined
    readonly rootOfClaim: (future: FutureImpl) => Rooted | undefined
    readonly outcomeOf: (claim: Claim) => Outcome | undefined
    readonly see: (claim: Claim) => void
  }
  readonly waits: {
    readonly forFutures: (
      futures: ReadonlyArray<FutureImpl>,
      mode: WaitMode
    ) => Effect.Effect<void, SkeinError>
    readonly stand: (report: (claim: ClaimId) => void) => number
    readonly addTo: (wait: number, claims: ReadonlyArray<ClaimId>) => void
    readonly untilReport: (
      wait: number,
      open: () => number,
      isOver: () => boolean
    ) => Effect.Effect<void, SkeinError>
    readonly endStanding: (wait: number) => void
  }
  readonly owners: {
    readonly cancel: (future: FutureImpl, request: CancelRequest) => Effect.Effect<void>
    readonly release: (futures: ReadonlyArray<FutureImpl>) => Effect.Effect<void>
    readonly keep: (future: FutureImpl, scope: Scope.Scope) => Effect.Effect<FutureImpl, SkeinError>
  }
  readonly desk: {
    /** Whether a result may have stayed with its worker. */
    readonly isUsed: boolean
    readonly bring: (futures: ReadonlyArray<FutureImpl>) => Effect.Effect<void> | undefined
  }
  readonly copies: {
    readonly replicate: (
      future: FutureImpl,
      copies: number,
      workers: ReadonlyArray<string> | undefined
    ) => ReadonlyArray<string>
  }
  readonly published: {
    readonly publish: (future: FutureImpl, name: string, scope: Scope.Scope) => Effect.Effect<boolean, SkeinError>
  }
  readonly settling: {
    readonly settle: (future: FutureImpl, exit: Exit.Exit<unknown, unknown>) => boolean
  }
}

/** A submitted task. */
export class FutureImpl extends Pipeable.Class {
  static {
    Object.defineProperties(this.prototype, byReference)
  }

  readonly [FutureTypeId] = thisCopy
  readonly home: FutureHome
  readonly claim: Claim
  /** Where the task was registered: what is known of it even when its row belongs to another. */
  readonly submission: Registered
  readonly index: number
  /** The scope that owns it, and the key of the task in whose body that is. */
  readonly within: { readonly body: string | undefined } | undefined

  constructor(
    home: FutureHome,
    claim: Claim,
    submission: Registered,
    index: number,
    within: { readonly body: string | undefined } | undefined
  ) {
    super()
    this.home = home
    this.claim = claim
    this.submission = submission
    this.index = index
    this.within = within
  }

  get key(): string {
    return keyAt(this.submission, this.index)
  }

  toJSON(): unknown {
    return { _id: "Future", key: this.key }
  }

  override toString(): string {
    return `Future(${quote(this.key)})`
  }

  [NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

export const isTask = (u: unknown): u is TaskImpl => u instanceof TaskImpl
export const isFuture = (u: unknown): u is FutureImpl => u instanceof FutureImpl

/** Whether `value` is what inputs are searched for, a `Task.succeed` included. */
export const isEither = (value: unknown): value is TaskImpl | FutureImpl => isTask(value) || isFuture(value)

/** A future behind its typed face. Untyped code may give anything: what is no future is a defect that says so. */
export const implOf = (future: Future<unknown, unknown>): FutureImpl => {
  if (!isFuture(future)) throw new TypeError(`Expected a Future, found ${strangerText(future)}.`)
  return future
}

const strangerText = (value: unknown): string => {
  if (isTask(value)) return "a Task: submit it with Client.submit, or run it with Client.compute"
  if (Effect.isEffect(value)) return "an Effect: yield it first, if it gives a Future"
  const foreign = foreignText(value)
  return foreign === undefined ? briefResult(value) : `${foreign}: ${keepOneCopy}`
}

/** An exit, in the same way. */
export const checkedExit = (exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> => {
  if (Exit.isExit(exit)) return exit
  const found = Effect.isEffect(exit) ? "an Effect: yield Effect.exit of it first" : briefResult(exit)
  throw new TypeError(`Expected an Exit, found ${found}.`)
}

/**
 * What a function gave, as an effect; a generator runs as in `Effect.gen`. A promise or a query stays one, for the worker to refuse,
 * unless it is meant.
 */
export const toEffect = (result: unknown): Effect.Effect<any, any, any> => {
  if (typeof result !== "object" || result === null || isMeant(result)) return Effect.succeed(result)
  if (Effect.isEffect(result) || isThenable(result)) return result as Effect.Effect<any>
  return isSteps(result) ? Effect.gen(() => result) : Effect.succeed(result)
}

/** Whether the value of `u` must be waited for. Plain values (`Task.succeed`) are there already. */
export const isHandle = (u: unknown): u is Handle => (isTask(u) && !isPlainValue(u)) || isFuture(u)

/** Whether the value of a task is there from the start. */
export const isLiteral = ({ kind }: TaskImpl): boolean => kind === "value"

/** What a barrier does. */
export const noValue = (): void => undefined

export const isBarrier = ({ plain }: TaskImpl): boolean => plain === noValue

/** A `Task.succeed` without options stands for its value wherever it is an input. */
export const isPlainValue = (task: TaskImpl): boolean => isLiteral(task) && task.options === noOptions

/** Whether an object is a plain record. */
export const isRecord = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

keepSpecimen(new TaskImpl({ _tag: "map", run: () => undefined }, [], "array", noHandles, noOptions, undefined))
keepSpecimen(new FutureImpl({} as FutureHome, {} as Claim, {} as Registered, 0, undefined))
