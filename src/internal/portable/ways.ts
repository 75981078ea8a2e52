/**
 * How the values of a schema travel.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { describeError } from "../text/rendering.ts"
import { inLine } from "../text/text.ts"
import { looked, unreadable } from "../values/looks.ts"
import { isKept, toClonable } from "./kept.ts"
import { nothing } from "./named.ts"
import type { Way } from "./named.ts"

/** Runs a parser of a schema; `undefined` stands for no fault. */
type Parser = (value: unknown) => Exit.Exit<unknown, SchemaIssue.Issue>

/** How values of a schema travel. Codecs are made when they are first needed. */
export const wayOf = (schema: Schema.Constraint): Way => {
  if (schema.ast._tag === "Void") return nothing
  const type = Schema.make<Schema.Constraint>(SchemaAST.toType(schema.ast))
  const is = SchemaParser.is(type)
  const parse = later(() => SchemaParser.decodeUnknownExit(type as never) as Parser)
  const check = (value: unknown): string | undefined =>
    looked(() => is(value), false) ? undefined : faultOf(attempt(parse, value))
  if (isKept(schema.ast)) {
    return {
      asIs: true,
      check,
      encode: Result.succeed,
      decode: (wire) => {
        const fault = check(wire)
        return fault === undefined ? Result.succeed(wire) : Result.fail(fault)
      }
    }
  }
  const codec = later(() => toClonable(schema) as never)
  const encoder = later(() => SchemaParser.encodeUnknownExit(codec()) as Parser)
  const decoder = later(() => SchemaParser.decodeUnknownExit(codec()) as Parser)
  return {
    asIs: false,
    check,
    encode: (value) => resultOf(attempt(encoder, value)),
    decode: (wire) => resultOf(attempt(decoder, wire))
  }
}

/** The result of `make`, which is called at most once. */
const later = <A>(make: () => A): () => A => {
  let made: { readonly value: A } | undefined
  return () => (made ??= { value: make() }).value
}

/** A schema that cannot be a codec throws when its codec is made, and a hostile value when it is looked at. */
const attempt = (parser: () => Parser, value: unknown): Exit.Exit<unknown, SchemaIssue.Issue> => {
  const done = Result.try(() => parser()(value))
  return Result.isSuccess(done) ? done.success : Exit.die(done.failure)
}

const resultOf = (exit: Exit.Exit<unknown, SchemaIssue.Issue>): Result.Result<unknown, string> =>
  Exit.isSuccess(exit) ? Result.succeed(exit.value) : Result.fail(faultOf(exit)!)

const format = SchemaIssue.makeFormatterStandardSchemaV1()

/** The fault in one line, with the path of the value. */
const faultOf = (exit: Exit.Exit<unknown, SchemaIssue.Issue>): string | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const reason = exit.cause.reasons[0]
  if (reason === undefined || !Cause.isFailReason(reason)) return defectText(exit.cause)
  return looked(() => issueText(reason.error), unreadable)
}

const issueText = (issue: SchemaIssue.Issue): string => {
  const { message, path = [] } = format(issue).issues[0]!
  const at = path.map((segment) => stepText(typeof segment === "object" ? segment.key : segment)).join("")
  return inLine(at === "" ? message : `at ${at}: ${message}`, 1000)
}

/** A step of a path as code would write it. */
const stepText = (key: PropertyKey): string =>
  typeof key === "number" || typeof key === "symbol"
    ? `[${String(key)}]`
    : /^[A-Za-z_$][\w$]*$/.test(key)
    ? `.${key}`
    : `[${JSON.stringify(key)}]`

const defectText = (cause: Cause.Cause<unknown>): string => {
  const defect = Cause.squash(cause)
  return defect instanceof Error && defect.name === "AsyncFiberError"
    ? "its schema is not synchronous"
    : describeError(defect)
}
