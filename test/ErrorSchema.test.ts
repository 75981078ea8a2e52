/** Errors across a wire: each encodes to JSON and decodes to an error of its class, with the same facts. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Activity from "effect/workflow/Activity"
import * as fc from "fast-check"
import * as Client from "skein/Client"
import * as ErrorSchema from "skein/ErrorSchema"
import * as Errors from "skein/SkeinError"
import * as Task from "skein/Task"
import { phaseNames } from "../src/engine/protocol/Phase.ts"
import { rules } from "../src/engine/protocol/policies.ts"
import { inScheduler } from "./harness.ts"
import { causeOf, defectsIn, infoOf, onlyError } from "./support.ts"

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Int }) {}

/** There and back, as JSON text. */
const sent = <S extends Schema.Constraint>(schema: S, value: S["Type"]): S["Type"] => {
  const wire = Schema.fromJsonString(Schema.toCodecJson(schema as never)) as unknown as Schema.Codec<S["Type"], string>
  return Schema.decodeSync(wire)(Schema.encodeSync(wire)(value))
}

// ---- all errors

const text = fc.oneof(fc.string(), fc.constantFrom("a\nb", "\u001b[31m", "__proto__", "\u{202e}x", "toString", ""))
const texts = fc.array(text, { maxLength: 3 })
const count = fc.oneof(fc.nat(), fc.constant(Infinity))
const maybe = <A>(of: fc.Arbitrary<A>) => fc.option(of, { nil: undefined })
const made = <A extends object, B>(fields: { [K in keyof A]: fc.Arbitrary<A[K]> }, make: new(args: A) => B) =>
  fc.record(fields as never).map((args) => new make(args as A))

const on = fc.constantFrom("success", "failure", "completion")

const noSuitableWorker = made({
  key: maybe(text),
  restriction: fc.record({
    kind: fc.constant("local"),
    workers: texts,
    labels: texts,
    resources: fc.dictionary(fc.constantFrom("gpu", "cpu"), fc.double({ min: 0.001, max: 9, noNaN: true }))
  }, { requiredKeys: [] }),
  millis: count
}, Errors.NoSuitableWorker as never)

const impossible = fc.oneof(
  made({ on: fc.array(fc.record({ worker: text, why: text }), { minLength: 1 }) }, Errors.Unmet as never),
  made({ workers: texts, fault: maybe(text) }, Errors.Locality as never),
  made({ workers: texts }, Errors.Apart as never),
  made({ workers: texts }, Errors.Away as never),
  made({
    of: fc.constantFrom("inputs", "after", "follow"),
    policy: fc.oneof(
      fc.record({ _tag: fc.constant("All"), on }),
      fc.record({ _tag: fc.constant("AtLeast"), count: fc.nat(), on }),
      fc.record({ _tag: fc.constant("Rule"), rule: fc.constantFrom(...rules) })
    ),
    size: fc.nat(),
    ended: fc.record({ success: fc.nat(), failed: fc.nat(), upstreamFailed: fc.nat(), skipped: fc.nat() }),
    refusedBy: texts
  }, Errors.Unreachable as never)
)

const ofRuntime = fc.oneof(
  made({
    key: text,
    by: text,
    why: text,
    replacement: maybe(fc.record({ key: text, graph: fc.nat() }))
  }, Errors.TaskCancelled as never),
  made(
    { key: text, deaths: fc.nat(), why: fc.constantFrom("deaths", "lost", "forgotten") },
    Errors.WorkerKilled as never
  ),
  noSuitableWorker,
  made(
    { key: text, keys: texts, reports: fc.nat(), why: fc.constantFrom("limit", "idempotent", "forgotten") },
    Errors.DependenciesGone as never
  ),
  made({
    waits: fc.array(fc.oneof(
      fc.tuple(text, text),
      fc.tuple(text, text, fc.constantFrom("slot", "resources", "tag"))
    ))
  }, Errors.Starved as never),
  made({ key: text, owner: text, by: maybe(text), body: maybe(text) }, Errors.Released as never),
  made({ key: text, why: text }, Errors.Unreadable as never)
)

const ofSubmission = fc.oneof(
  made({ path: texts }, Errors.Cycle as never),
  made({ key: text, dependents: texts }, Errors.MissingDependency as never),
  made({ key: text, known: texts }, Errors.UnknownKey as never),
  made({ key: text, name: text, known: texts }, Errors.UnknownFunction as never),
  made({ key: text, why: text, pure: maybe(fc.constant(true)), graph: maybe(fc.nat()) }, Errors.KeyConflict as never),
  made({ key: maybe(text), dependency: text, why: text }, Errors.InvalidDependency as never),
  made({ key: text, path: text, why: text }, Errors.InvalidArgument as never),
  made({ key: text, name: text, why: text }, Errors.InvalidPayload as never),
  made({ key: text, option: text, why: text }, Errors.CannotTravel as never),
  made(
    { of: fc.constantFrom("nesting", "unfolding", "seceded"), max: count, refusals: maybe(fc.nat()) },
    Errors.NestingLimit as never
  ),
  made({ limit: fc.constantFrom("tasks", "depth", "live"), value: count, max: count }, Errors.LimitExceeded as never),
  made({ key: text, status: fc.constantFrom(...phaseNames, "released"), why: text }, Errors.NotRetriable as never),
  made({ worker: text }, Errors.DuplicateWorker as never),
  made({ worker: text, cause: text.map((why) => Cause.fail(new Error(why))) }, Errors.WorkerFailed as never),
  made({ what: fc.constantFrom("scheduler", "worker", "scope") }, Errors.Closed as never)
)

const all: ReadonlyArray<readonly [string, Schema.Constraint, fc.Arbitrary<unknown>]> = [
  [
    "TaskTimeout",
    ErrorSchema.TaskTimeout,
    made({ key: text, of: fc.constantFrom("attempt", "deadline"), millis: count }, Errors.TaskTimeout as never)
  ],
  [
    "DependencyTimeout",
    ErrorSchema.DependencyTimeout,
    made({ key: text, millis: count }, Errors.DependencyTimeout as never)
  ],
  ["TaskSkipped", ErrorSchema.TaskSkipped, made({ key: text, root: text }, Errors.TaskSkipped as never)],
  ["NoSuitableWorker", ErrorSchema.NoSuitableWorker, noSuitableWorker],
  [
    "ImpossibleDependency",
    ErrorSchema.ImpossibleDependency,
    made({ key: text, reason: impossible }, Errors.ImpossibleDependency as never)
  ],
  [
    "UnknownTarget",
    ErrorSchema.UnknownTarget,
    made({ of: fc.constantFrom("tag", "group"), name: text, known: texts }, Errors.UnknownTarget as never)
  ],
  ["SkeinError", ErrorSchema.SkeinError, made({ reason: ofRuntime }, Errors.SkeinError as never)],
  ["SubmitError", ErrorSchema.SubmitError, made({ reason: ofSubmission }, Errors.SubmitError as never)]
]

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** Signals of bodies, which are in no outcome. */
const signals = ["DependenciesLost", "TaskRescheduled", "TaskUnmet"]

/** The schemas of the module; those that take the schema of an error with that of `NotFound`. */
const exported = Object.entries(ErrorSchema).map(([name, schema]) =>
  [name, Schema.isSchema(schema) ? schema as Schema.Constraint : schema(NotFound)] as const
)

describe("schemas of errors", () => {
  for (const [name, schema, arbitrary] of all) {
    it(`F12: a ${name} comes back as it was, whatever is in it`, () => {
      fc.assert(fc.property(arbitrary, (error) => {
        const back = sent(schema, error as never) as Errors.SkeinError
        const given = error as Errors.SkeinError
        assert.strictEqual(Object.getPrototypeOf(back), Object.getPrototypeOf(given))
        assert.strictEqual(back.message, given.message)
        assert.deepStrictEqual(plain(back), plain(given))
        if ("reason" in given) {
          assert.strictEqual(Object.getPrototypeOf(back.reason), Object.getPrototypeOf(given.reason))
          assert.strictEqual(back.reason.message, given.reason.message)
        }
      }))
    })
  }

  it("F12: a DependencyFailed comes back with the error, the path and the cause of the task that failed first", () => {
    const arbitrary = fc.record({
      key: text,
      label: maybe(text),
      root: text,
      path: texts,
      error: fc.integer().map((id) => new NotFound({ id }))
    })
    fc.assert(fc.property(arbitrary, (args) => {
      const info = {
        key: "k",
        graph: 1,
        label: undefined,
        attempt: 2,
        worker: "w",
        submitter: "program",
        root: "r",
        path: ["r"]
      }
      const cause = Cause.annotate(Cause.fail(args.error), Context.make(Errors.TaskInfo, info))
      const error = new Errors.DependencyFailed({ ...args, cause })
      const back = sent(ErrorSchema.DependencyFailed(NotFound), error)
      assert.instanceOf(back, Errors.DependencyFailed)
      assert.instanceOf(back.error, NotFound)
      assert.deepStrictEqual([back.message, back.error.id, back.path], [error.message, args.error.id, args.path])
      assert.deepStrictEqual(plain(back), plain(error))
      assert.deepStrictEqual({ ...infoOf(back.cause) }, info)
      assert.instanceOf(onlyError(back.cause), NotFound)
      assert.strictEqual(
        Errors.pretty(Cause.fail(back)).split("\n")[0],
        Errors.pretty(Cause.fail(error)).split("\n")[0]
      )
    }))
  })

  it.effect("F12: failures of a real graph cross with the place where they happened", () =>
    Effect.gen(function*() {
      const load = Task.make(Effect.fail(new NotFound({ id: 7 })), { key: "load", label: "download" })
      const clean = Task.map(load, (n) => n, { key: "clean" })
      const chart = Task.map(clean, (n) => n, { key: "chart" })
      const error = Schema.Union([ErrorSchema.DependencyFailed(NotFound), ErrorSchema.Unexpected])
      const cause = yield* causeOf(Client.compute(chart))
      const back = sent(ErrorSchema.Cause(error), cause)
      assert.deepStrictEqual(infoOf(back)?.path, ["load", "clean", "chart"])
      const failed = onlyError(back) as Errors.DependencyFailed<NotFound>
      assert.deepStrictEqual([failed.root, failed.error.id, failed.path], ["load", 7, ["load", "clean", "chart"]])
      assert.strictEqual(infoOf(failed.cause)?.label, "download")
      const exit = sent(Schema.Exit(Schema.Void, error, Schema.Defect()), Exit.failCause(cause))
      assert.isTrue(Exit.isFailure(exit))
    }).pipe(inScheduler()))

  it("F12: a cause keeps defects and interruptions, and an error that does not fit the schema is still an error", () => {
    const boom = new Error("boom")
    const cause = Cause.combine(Cause.combine(Cause.die(boom), Cause.interrupt(5)), Cause.fail(boom as never))
    const back = sent(ErrorSchema.Cause(NotFound), cause)
    assert.deepStrictEqual(back.reasons.map(({ _tag }) => _tag), ["Die", "Interrupt", "Fail"])
    assert.strictEqual((defectsIn(back)[0] as Error).message, "boom")
  })

  it("F12: hostile values as defects do not stop a failure from crossing", () => {
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    const cyclic: Record<string, unknown> = {}
    cyclic["self"] = cyclic
    const throwing = {
      get message(): string {
        throw new Error("no")
      }
    }
    for (const hostile of [revoked.proxy, cyclic, throwing, Symbol("s"), () => 1, 5n, undefined]) {
      const back = sent(ErrorSchema.Cause(NotFound), Cause.die(hostile))
      assert.deepStrictEqual(back.reasons.map(({ _tag }) => _tag), ["Die"])
    }
  })

  it("F12: no error is without a schema that these tests send", () => {
    const errors = Object.entries(Errors).flatMap(([name, value]) =>
      typeof value === "function" && value.prototype instanceof Error && !signals.includes(name) ? [name] : []
    )
    const made = (of: fc.Arbitrary<unknown>) =>
      new Set(fc.sample(of, { numRuns: 1_000, seed: 1 }).map((error) => (error as { readonly _tag: string })._tag))
    const reasons = [ofRuntime, ofSubmission, impossible].flatMap((of) => [...made(of)])
    const own = all.map(([name]) => name)
    assert.sameMembers([...new Set([...own, ...reasons, "DependencyFailed"])], errors)
    assert.includeMembers(exported.map(([name]) => name), errors.filter((name) => !reasons.includes(name)))
  })

  it("F12: Rpc, Activity and HttpApi take the schemas as they are", () => {
    for (const [, error] of exported) {
      assert.isDefined(Rpc.make("Run", { error: error as typeof ErrorSchema.TaskTimeout }))
      assert.isDefined(
        Activity.make({ name: "Run", error: error as typeof ErrorSchema.TaskTimeout, execute: Effect.void })
      )
      assert.isDefined(HttpApiEndpoint.get("run", "/run", { error: error as typeof ErrorSchema.TaskTimeout }))
    }
    const rpc = Rpc.make("Run", { error: ErrorSchema.TaskTimeout })
    const activity = Activity.make({ name: "Run", error: ErrorSchema.SkeinError, execute: Effect.void })
    const endpoint = HttpApiEndpoint.get("run", "/run", { error: ErrorSchema.SubmitError })
    assert.deepStrictEqual([rpc._tag, activity.name, endpoint.path], ["Run", "Run", "/run"])
  })

  it("F12: what is none of its errors is refused", () => {
    class Stranger extends Data.TaggedError("TaskTimeout")<{ readonly key: string }> {}
    assert.throws(() => sent(ErrorSchema.TaskTimeout, new Stranger({ key: "k" }) as never))
    assert.throws(() =>
      Schema.decodeUnknownSync(ErrorSchema.SkeinError)({ _tag: "SkeinError", reason: { _tag: "No" } })
    )
  })
})
