/** How failures travel. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Schema from "effect/Schema"
import { batchOf } from "../../src/internal/portable/batches.ts"
import { decodeCause, encodeCause } from "../../src/internal/portable/causes.ts"
import { decodeDefect, encodeDefect } from "../../src/internal/portable/defects.ts"
import { makeNamed, unchecked } from "../../src/internal/portable/named.ts"
import { wayOf } from "../../src/internal/portable/ways.ts"
import {
  Closed,
  DependenciesLost,
  DependencyFailed,
  NoSuitableWorker,
  SubmitError,
  TaskRescheduled,
  TaskSkipped,
  TaskUnmet
} from "../../src/SkeinError.ts"
import { hostile } from "../hostile.ts"

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Int, at: Schema.Date }) {}

const named = makeNamed(
  "Find",
  { payload: unchecked, success: unchecked, error: wayOf(NotFound) },
  () => "here",
  batchOf
)

const travelled = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  decodeCause(named, structuredClone(encodeCause(named, cause)))

const errorsIn = ({ reasons }: Cause.Cause<unknown>): ReadonlyArray<unknown> =>
  reasons.map((reason) =>
    Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : reason.fiberId
  )

const travelledDefect = (defect: unknown): unknown => decodeDefect(structuredClone(encodeDefect(defect)))

describe("failures that travel", () => {
  it("F14: a typed error arrives as an instance of its class, and a cause keeps all its reasons in order", () => {
    const error = new NotFound({ id: 1, at: new Date(7) })
    const cause = Cause.fromReasons<unknown>([
      Cause.makeFailReason(error),
      Cause.makeDieReason(new RangeError("too far")),
      Cause.makeInterruptReason(3)
    ])
    const found = travelled(cause)
    assert.deepStrictEqual(found.reasons.map(({ _tag }) => _tag), ["Fail", "Die", "Interrupt"])
    const [first, second, third] = errorsIn(found)
    assert.instanceOf(first, NotFound)
    assert.strictEqual(first.id, 1)
    assert.deepStrictEqual(first.at, new Date(7))
    assert.strictEqual((second as Error).name, "RangeError")
    assert.strictEqual(third, 3)
  })

  it("F14: signals of a body arrive, as instances of their classes", () => {
    const signals = [
      new TaskRescheduled(),
      new TaskUnmet({ why: "no GPU" }),
      new TaskSkipped({ key: "a", root: "b" }),
      new DependenciesLost({ dependencies: ["a", {}] })
    ]
    const found = errorsIn(travelled(Cause.fromReasons(signals.map((each) => Cause.makeFailReason(each)))))
    for (const [i, signal] of signals.entries()) {
      assert.strictEqual((found[i] as object).constructor, signal.constructor)
    }
    assert.strictEqual((found[1] as TaskUnmet).why, "no GPU")
    assert.strictEqual((found[2] as TaskSkipped).root, "b")
    assert.deepStrictEqual((found[3] as DependenciesLost).dependencies, ["a"])
  })

  it("F14: errors of Skein arrive, also those of a dependency with the typed error of its root", () => {
    const root = new NotFound({ id: 1, at: new Date(7) })
    const info = { key: "b", root: "a", path: ["a", "b"], error: root, cause: Cause.fail(root) }
    const closed = new SubmitError({ reason: new Closed({ what: "scope" }) })
    const [failed, refused, lacking] = errorsIn(travelled(Cause.fromReasons<unknown>([
      Cause.makeFailReason(new DependencyFailed(info)),
      Cause.makeFailReason(closed),
      Cause.makeFailReason(new NoSuitableWorker({ key: "c", restriction: { workers: ["gpu"] }, millis: 0 }))
    ]))) as readonly [DependencyFailed<unknown>, SubmitError, NoSuitableWorker]
    assert.instanceOf(failed, DependencyFailed)
    assert.instanceOf(failed.error, NotFound)
    assert.deepStrictEqual(failed.path, ["a", "b"])
    assert.strictEqual(refused.message, closed.message)
    assert.instanceOf(refused.reason, Closed)
    assert.instanceOf(lacking, NoSuitableWorker)
    assert.deepStrictEqual(lacking.restriction.workers, ["gpu"])
    // Without the codec of a task, errors of users are told in words.
    const [told, other] = errorsIn(decodeCause(
      undefined,
      structuredClone(encodeCause(
        undefined,
        Cause.fromReasons<unknown>([
          Cause.makeFailReason(new DependencyFailed(info)),
          Cause.makeFailReason(root)
        ])
      ))
    )) as readonly [DependencyFailed<unknown>, Error]
    assert.strictEqual((told.error as Error).name, "NotFound")
    assert.match(other.message, /^An error does not travel: it has no schema: NotFound/)
  })

  it("F14: an error that is not in the schema is a defect that says so, with the error as its cause", () => {
    const found = travelled(Cause.fail(new NotFound({ id: 0.5, at: new Date(7) }, { disableChecks: true })))
    const [defect] = errorsIn(found) as ReadonlyArray<Error>
    assert.deepStrictEqual(found.reasons.map(({ _tag }) => _tag), ["Die"])
    assert.match(defect!.message, /^The error of "Find" does not travel: at \.id: Expected an integer\.$/)
    assert.strictEqual((defect!.cause as Error).name, "NotFound")
  })

  it("F14: an error that does not decode is a defect that says so", () => {
    const [defect] = errorsIn(
      decodeCause(named, [{ _tag: "Fail", error: { _tag: "Own", error: { _tag: "Other" } } }])
    ) as ReadonlyArray<Error>
    assert.match(defect!.message, /^The error of "Find" does not travel: at \._tag: /)
  })

  it("F14: a defect keeps name, message, stack, plain fields and causes", () => {
    const defect = Object.assign(new TypeError("no such file", { cause: new Error("disk", { cause: "wet" }) }), {
      code: "ENOENT",
      path: Symbol("p"),
      handle: { open: true }
    })
    const found = travelledDefect(defect) as Error & { readonly code: string }
    assert.instanceOf(found, Error)
    assert.strictEqual(found.name, "TypeError")
    assert.strictEqual(found.message, "no such file")
    assert.strictEqual(found.stack, defect.stack)
    assert.deepStrictEqual(Object.entries(found), [["code", "ENOENT"]])
    assert.strictEqual((found.cause as Error).message, "disk")
    assert.strictEqual((found.cause as Error).cause, "wet")
    assert.deepStrictEqual(travelledDefect({ a: new Map([[1, 2n]]) }), { a: new Map([[1, 2n]]) })
    assert.isUndefined(travelledDefect(undefined))
  })

  for (const [name, make] of Object.entries(hostile)) {
    it(`F14: ${name} travels as an error and as a defect, in words if need be`, () => {
      const value = make()
      const [failure, defect] = errorsIn(
        travelled(Cause.fromReasons<unknown>([Cause.makeFailReason(value), Cause.makeDieReason(value)]))
      )
      assert.strictEqual((failure as Error).name, "TypeError")
      assert.doesNotThrow(() => String((defect as Error | undefined)?.message))
    })
  }
})
