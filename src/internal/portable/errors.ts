/**
 * Typed errors as plain data: those of Skein by their schemas, and those of users by the schemas of their tasks.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as ErrorSchema from "../../ErrorSchema.ts"
import * as Errors from "../../SkeinError.ts"
import { describeError } from "../text/rendering.ts"
import { isA } from "../values/looks.ts"
import { decodeDefect, encodeDefect } from "./defects.ts"
import type { WireDefect } from "./defects.ts"
import type { Way } from "./named.ts"
import { wayOf } from "./ways.ts"

const classes = [
  Errors.SubmitError,
  Errors.SkeinError,
  Errors.DependencyFailed,
  Errors.TaskTimeout,
  Errors.DependencyTimeout,
  Errors.ImpossibleDependency,
  Errors.NoSuitableWorker
]

/** An error that travels: one of Skein, or one that the schema of a task takes. */
type WireError =
  | { readonly _tag: "Skein"; readonly error: unknown }
  | { readonly _tag: "Own"; readonly error: unknown }

/** How errors travel of which `own` says how the user's do; without it those are told in words alone. */
export const errorWay = (own: Way | undefined): Way => {
  const skein = wayOf(
    Schema.Union([
      ErrorSchema.SubmitError,
      ErrorSchema.SkeinError,
      ErrorSchema.TaskTimeout,
      ErrorSchema.DependencyTimeout,
      ErrorSchema.ImpossibleDependency,
      ErrorSchema.NoSuitableWorker,
      ErrorSchema.DependencyFailed(rootError(own))
    ])
  )
  const wayFor = (error: unknown): Way | undefined => {
    const isSkein = classes.some((each) => isA<unknown>(error, each))
    return isSkein && !(own !== undefined && isOwn(own, error)) ? skein : own
  }
  return {
    asIs: false,
    check: (error) => {
      const way = wayFor(error)
      return way === undefined ? undeclared(error) : way.check(error)
    },
    encode: (error) => {
      const way = wayFor(error)
      return way === undefined
        ? Result.fail(undeclared(error))
        : Result.map(way.encode(error), (wire): WireError => ({ _tag: way === skein ? "Skein" : "Own", error: wire }))
    },
    decode: (wire) => {
      const { _tag, error } = wire as WireError
      const way = _tag === "Skein" ? skein : own
      return way === undefined ? Result.fail("it has no schema") : way.decode(error)
    }
  }
}

/** Whether a schema of the user takes the failure of a dependency whose first error has no other. */
const isOwn = (own: Way, error: unknown): boolean =>
  isA(error, Errors.DependencyFailed) && !own.asIs && own.check(error.error) !== undefined &&
  own.check(error) === undefined

const undeclared = (error: unknown): string => `it has no schema: ${describeError(error)}`

type WireRoot = { readonly _tag: "Own"; readonly error: unknown } | {
  readonly _tag: "Told"
  readonly error: WireDefect
}

/** The error of the task that failed first, which may be any error. */
const rootError = (own: Way | undefined): Schema.Codec<unknown, any> =>
  Schema.Any.pipe(Schema.decodeTo(
    Schema.Any,
    SchemaTransformation.transformEffect<unknown, WireRoot>({
      decode: ({ _tag, error }) =>
        Effect.succeed(
          _tag === "Told"
            ? decodeDefect(error)
            : Result.getOrElse(own!.decode(error), (fault) => new TypeError(`An error did not travel: ${fault}.`))
        ),
      encode: (error) =>
        Effect.succeed(
          Result.match(own === undefined ? Result.fail("") : own.encode(error), {
            onFailure: (): WireRoot => ({ _tag: "Told", error: encodeDefect(error) }),
            onSuccess: (wire): WireRoot => ({ _tag: "Own", error: wire })
          })
        )
    })
  ))
