import type * as ErrorSchema from "skein/ErrorSchema"
import type * as Errors from "skein/SkeinError"
import { describe, expect, it } from "tstyche"

/** What an error of this type is as data. */
type Data<E> = E extends { readonly _tag: string } ? Omit<E, Exclude<keyof Errors.Closed, "_tag" | "what">> : never

/** The names of its fields, by tag. */
type Fields<E extends { readonly _tag: string }> = { [X in E as X["_tag"]]: keyof Data<X> }

type Sent<K extends keyof typeof ErrorSchema> = (typeof ErrorSchema)[K] extends { readonly Encoded: infer E } ? E
  : never

describe("schemas of errors", () => {
  it("F12: have each reason that there is, with each of its fields", () => {
    expect<Fields<Sent<"SkeinError">["reason"]>>().type.toBe<Fields<Errors.SkeinReason>>()
    expect<Fields<Sent<"SubmitError">["reason"]>>().type.toBe<Fields<Errors.SubmitReason>>()
    expect<Fields<Sent<"ImpossibleDependency">["reason"]>>().type.toBe<Fields<Errors.ImpossibleReason>>()
  })

  it("F12: have each field of the errors of options", () => {
    type Own = Errors.TaskTimeout | Errors.DependencyTimeout | Errors.TaskSkipped | Errors.NoSuitableWorker
    expect<
      Fields<Sent<"TaskTimeout"> | Sent<"DependencyTimeout"> | Sent<"TaskSkipped"> | Sent<"NoSuitableWorker">>
    >().type.toBe<Fields<Own>>()
    expect<Fields<Sent<"UnknownTarget">>>().type.toBe<Fields<Errors.UnknownTarget>>()
  })

  it("F12: give errors of the classes", () => {
    expect<(typeof ErrorSchema.SkeinError)["Type"]>().type.toBe<Errors.SkeinError>()
    expect<(typeof ErrorSchema.SubmitError)["Type"]>().type.toBe<Errors.SubmitError>()
    expect<(typeof ErrorSchema.Unexpected)["Type"]>().type.toBe<Errors.Unexpected>()
  })
})
