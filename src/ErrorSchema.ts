/**
 * Schemas of Skein's errors, for what crosses a wire or is stored: `Rpc.make`, `Activity.make`, `HttpApiEndpoint`, exits in a
 * message.
 *
 * **When to use**
 *
 * Where errors leave the process. This module is not in the index of the package, because it loads `effect/Schema`, which other
 * modules do without: `import * as ErrorSchema from "skein/ErrorSchema"`.
 *
 * **Details**
 *
 * A schema has the name of its error. What is decoded is an instance of the same class, with the same message. `DependencyFailed`
 * takes the schema of the error of the task that failed first, and {@link Cause} keeps where a failure happened, its `TaskInfo`.
 *
 * **Example** (A task behind an Rpc)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import * as ErrorSchema from "skein/ErrorSchema"
 *
 * class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Int }) {}
 *
 * const Report = Rpc.make("Report", {
 *   payload: { id: Schema.Int },
 *   success: Schema.String,
 *   error: Schema.Union([ErrorSchema.DependencyFailed(NotFound), ErrorSchema.Unexpected])
 * })
 * Report._tag // => "Report"
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Cause_ from "effect/Cause"
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { phaseNames } from "./engine/protocol/Phase.ts"
import { rules } from "./engine/protocol/policies.ts"
import { describeError, errorOf } from "./internal/text/rendering.ts"
import { looked } from "./internal/values/looks.ts"
import * as Errors from "./SkeinError.ts"

const Keys = Schema.Array(Schema.String)

/** The schema of an error class by its fields. */
const codec = <Self, const Tag extends string, Fields extends Schema.Struct.Fields>(
  constructor: new(args: any) => Self,
  tag: Tag,
  fields: Fields
): Schema.decodeTo<Schema.instanceOf<Self>, Schema.TaggedStruct<Tag, Fields>> =>
  Schema.TaggedStruct(tag, fields).pipe(
    Schema.decodeTo(
      Schema.instanceOf(constructor, { identifier: tag }),
      SchemaTransformation.transform({
        decode: ({ _tag, ...args }: any) => new constructor(args),
        // The fields are read from the error itself.
        encode: (error: any) => error
      }) as any
    )
  ) as any

// ---- causes

/**
 * Where a failure happened: the value of `SkeinError.TaskInfo`.
 *
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const TaskInfo = Schema.Struct({
  key: Schema.String,
  graph: Schema.Number,
  label: Schema.UndefinedOr(Schema.String),
  attempt: Schema.Number,
  worker: Schema.UndefinedOr(Schema.String),
  submitter: Schema.String,
  root: Schema.String,
  path: Keys
})

/**
 * A `Cause` with its `TaskInfo`. Typed errors have the schema `error`; one that does not fit it, and a defect, cross as any error
 * does in `Schema.Defect`.
 *
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Cause = <E extends Schema.Constraint>(error: E) => {
  const cause = Schema.Cause(Schema.Union([error, Schema.Defect()]), Schema.Defect())
  return Schema.Struct({ cause, info: Schema.optional(TaskInfo) }).pipe(
    Schema.decodeTo(
      Schema.declare<Cause_.Cause<E["Type"]>>(Cause_.isCause as never, { identifier: "Cause" }),
      SchemaTransformation.transform({
        decode: ({ cause, info }: any) =>
          info === undefined ? cause : Cause_.annotate(cause, Context.make(Errors.TaskInfo, { ...absent, ...info })),
        encode: (cause: Cause_.Cause<E["Type"]>) => {
          const info = Context.getOrUndefined(
            Cause_.annotations(cause) as Context.Context<Errors.TaskInfo>,
            Errors.TaskInfo
          )
          const own = Cause_.fromReasons(cause.reasons.map(readable))
          return info === undefined ? { cause: own } : { cause: own, info }
        }
      }) as any
    )
  )
}

const absent = { label: undefined, worker: undefined }

const encodeDefect = Schema.encodeUnknownSync(Schema.Defect())

/** A reason that can be encoded: values that throw when they are read are described. */
const readable = <E>(reason: Cause_.Reason<E>): Cause_.Reason<E | Error> => {
  if (Cause_.isInterruptReason(reason)) return reason
  const value: unknown = errorOf(reason)
  const isReadable = Cause_.isFailReason(reason)
    ? looked(() => typeof value !== "object" || Object.getPrototypeOf(value) !== undefined, false)
    : looked(() => encodeDefect(value) !== undefined, false)
  if (isReadable) return reason
  const described = new Error(describeError(value))
  return Cause_.isFailReason(reason) ? Cause_.makeFailReason(described) : Cause_.makeDieReason(described)
}

// ---- errors of tasks

/**
 * The schema of `DependencyFailed`. `error` is the schema of the error of the task that failed first.
 *
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const DependencyFailed = <E extends Schema.Constraint>(error: E) =>
  codec(
    Errors.DependencyFailed as new(args: any) => Errors.DependencyFailed<E["Type"]>,
    "DependencyFailed",
    {
      key: Schema.String,
      label: Schema.optional(Schema.String),
      root: Schema.String,
      error,
      path: Keys,
      cause: Cause(error)
    }
  )

/**
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const TaskTimeout = codec(Errors.TaskTimeout, "TaskTimeout", {
  key: Schema.String,
  of: Schema.Literals(["attempt", "deadline"]),
  millis: Schema.Number
})

/**
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const DependencyTimeout = codec(Errors.DependencyTimeout, "DependencyTimeout", {
  key: Schema.String,
  millis: Schema.Number
})

/**
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const TaskSkipped = codec(Errors.TaskSkipped, "TaskSkipped", { key: Schema.String, root: Schema.String })

/**
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const NoSuitableWorker = codec(Errors.NoSuitableWorker, "NoSuitableWorker", {
  key: Schema.UndefinedOr(Schema.String),
  restriction: Schema.Struct({
    kind: Schema.optional(Schema.Literal("local")),
    workers: Schema.optional(Keys),
    labels: Schema.optional(Keys),
    resources: Schema.optional(Schema.Record(Schema.String, Schema.Number))
  }),
  millis: Schema.Number
})

const On = Schema.Literals(["success", "failure", "completion"])

/**
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const ImpossibleDependency = codec(Errors.ImpossibleDependency, "ImpossibleDependency", {
  key: Schema.String,
  reason: Schema.Union([
    codec(Errors.Unmet, "Unmet", { on: Schema.Array(Schema.Struct({ worker: Schema.String, why: Schema.String })) }),
    codec(Errors.Locality, "Locality", { workers: Keys, fault: Schema.UndefinedOr(Schema.String) }),
    codec(Errors.Apart, "Apart", { workers: Keys }),
    codec(Errors.Away, "Away", { workers: Keys }),
    codec(Errors.Unreachable, "Unreachable", {
      of: Schema.Literals(["inputs", "after", "follow"]),
      policy: Schema.Union([
        Schema.TaggedStruct("All", { on: On }),
        Schema.TaggedStruct("AtLeast", {
          count: Schema.Number,
          on: On,
          losers: Schema.optional(Schema.Literal("cancel"))
        }),
        Schema.TaggedStruct("Rule", { rule: Schema.Literals(rules) })
      ]),
      size: Schema.Number,
      ended: Schema.Struct({
        success: Schema.Number,
        failed: Schema.Number,
        upstreamFailed: Schema.Number,
        skipped: Schema.Number
      }),
      refusedBy: Keys
    })
  ])
})

/**
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const UnknownTarget = codec(Errors.UnknownTarget, "UnknownTarget", {
  of: Schema.Literals(["tag", "group"]),
  name: Schema.String,
  known: Keys
})

// ---- what may end any task, and any submission

/**
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const SkeinError = codec(Errors.SkeinError, "SkeinError", {
  reason: Schema.Union([
    codec(Errors.TaskCancelled, "TaskCancelled", {
      key: Schema.String,
      by: Schema.String,
      why: Schema.String,
      replacement: Schema.optional(Schema.Struct({ key: Schema.String, graph: Schema.Number }))
    }),
    codec(Errors.WorkerKilled, "WorkerKilled", {
      key: Schema.String,
      deaths: Schema.Number,
      why: Schema.Literals(["deaths", "lost", "forgotten"])
    }),
    NoSuitableWorker,
    codec(Errors.DependenciesGone, "DependenciesGone", {
      key: Schema.String,
      keys: Keys,
      reports: Schema.Number,
      why: Schema.Literals(["limit", "idempotent", "forgotten"])
    }),
    codec(Errors.Starved, "Starved", {
      waits: Schema.Array(Schema.Union([
        Schema.Tuple([Schema.String, Schema.String]),
        Schema.Tuple([Schema.String, Schema.String, Schema.Literals(["slot", "resources", "tag"])])
      ]))
    }),
    codec(Errors.Released, "Released", {
      key: Schema.String,
      owner: Schema.String,
      by: Schema.optional(Schema.String),
      body: Schema.optional(Schema.String)
    }),
    codec(Errors.Unreadable, "Unreadable", { key: Schema.String, why: Schema.String })
  ])
})

/**
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const SubmitError = codec(Errors.SubmitError, "SubmitError", {
  reason: Schema.Union([
    codec(Errors.Cycle, "Cycle", { path: Keys }),
    codec(Errors.MissingDependency, "MissingDependency", { key: Schema.String, dependents: Keys }),
    codec(Errors.UnknownKey, "UnknownKey", { key: Schema.String, known: Keys }),
    codec(Errors.UnknownFunction, "UnknownFunction", { key: Schema.String, name: Schema.String, known: Keys }),
    codec(Errors.KeyConflict, "KeyConflict", {
      key: Schema.String,
      why: Schema.String,
      pure: Schema.optional(Schema.Literal(true)),
      graph: Schema.optional(Schema.Number)
    }),
    codec(Errors.InvalidDependency, "InvalidDependency", {
      key: Schema.UndefinedOr(Schema.String),
      dependency: Schema.String,
      why: Schema.String
    }),
    codec(Errors.InvalidArgument, "InvalidArgument", { key: Schema.String, path: Schema.String, why: Schema.String }),
    codec(Errors.InvalidPayload, "InvalidPayload", { key: Schema.String, name: Schema.String, why: Schema.String }),
    codec(Errors.CannotTravel, "CannotTravel", { key: Schema.String, option: Schema.String, why: Schema.String }),
    codec(Errors.NestingLimit, "NestingLimit", {
      of: Schema.Literals(["nesting", "unfolding", "seceded"]),
      max: Schema.Number,
      refusals: Schema.optional(Schema.Number)
    }),
    codec(Errors.LimitExceeded, "LimitExceeded", {
      limit: Schema.Literals(["tasks", "depth", "live"]),
      value: Schema.Number,
      max: Schema.Number
    }),
    codec(Errors.NotRetriable, "NotRetriable", {
      key: Schema.String,
      status: Schema.Literals([...phaseNames, "released"]),
      why: Schema.String
    }),
    codec(Errors.DuplicateWorker, "DuplicateWorker", { worker: Schema.String }),
    codec(Errors.WorkerFailed, "WorkerFailed", { worker: Schema.String, cause: Cause(Schema.Defect()) }),
    codec(Errors.Closed, "Closed", { what: Schema.Literals(["scheduler", "worker", "scope"]) })
  ])
})

/**
 * The errors of a computation beside those of its tasks: `SkeinError.Unexpected`.
 *
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Unexpected = Schema.Union([SubmitError, SkeinError])
