/** How values travel: encoded, cloned as between threads, and decoded. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import type { Way } from "../../src/internal/portable/named.ts"
import { wayOf } from "../../src/internal/portable/ways.ts"
import { hostile } from "../hostile.ts"

class User extends Schema.Class<User>("User")({
  name: Schema.String,
  born: Schema.DateFromString,
  photo: Schema.Uint8Array
}) {}

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Int, at: Schema.Date }) {}

interface Tree {
  readonly value: User | number
  readonly children: ReadonlyArray<Tree>
}
const Tree: Schema.Codec<Tree, unknown> = Schema.Struct({
  value: Schema.Union([Schema.Number, User]),
  children: Schema.Array(Schema.suspend((): Schema.Codec<Tree, unknown> => Tree))
}) as never

interface List {
  readonly head: Date
  readonly tail: List | null
}
const List: Schema.Codec<List> = Schema.Struct({
  head: Schema.Date,
  tail: Schema.NullOr(Schema.suspend((): Schema.Codec<List> => List))
})

/** There and back. */
const travelled = (way: Way, value: unknown): Result.Result<unknown, string> =>
  Result.flatMap(way.encode(value), (wire) => way.decode(structuredClone(wire)))

const keys = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "then", "toString", "\ud800"))
const date = fc.date({ noInvalidDate: true })
const bytes = fc.uint8Array({ maxLength: 9 }).map((bytes) => new Uint8Array(bytes))
const number = fc.oneof(fc.double(), fc.constantFrom(-0, NaN, Infinity, -Infinity))
const record = <A>(value: fc.Arbitrary<A>) => fc.array(fc.tuple(keys, value), { maxLength: 4 }).map(Object.fromEntries)
const user = fc.record({ name: fc.string(), born: date, photo: bytes }).map((fields) => new User(fields))
const { list } = fc.letrec<{ list: List }>((tie) => ({
  list: fc.record({ head: date, tail: fc.option(tie("list"), { maxDepth: 4 }) })
}))
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    value: fc.oneof(number, user),
    children: fc.array(tie("tree"), { maxLength: 2 })
  })
}))

/** Schemas with their values, and whether a clone keeps those. */
const samples: Readonly<Record<string, readonly [Schema.Constraint, fc.Arbitrary<unknown>, asIs: boolean]>> = {
  strings: [Schema.String, fc.string({ unit: "binary" }), true],
  numbers: [Schema.Number, number, true],
  bigints: [Schema.BigInt, fc.bigInt(), true],
  literals: [Schema.Literals(["a", 1, true]), fc.constantFrom("a", 1, true), true],
  templates: [Schema.TemplateLiteral(["id-", Schema.Int]), fc.integer().map((n) => `id-${n}`), true],
  dates: [Schema.Date, date, true],
  "dates whose encoding is text": [Schema.DateFromString, date, true],
  bytes: [Schema.Uint8Array, bytes, true],
  "typed arrays": [Schema.instanceOf(Float64Array), fc.float64Array({ maxLength: 5 }), true],
  structs: [
    Schema.Struct({ a: Schema.UndefinedOr(Schema.Number), b: Schema.optionalKey(Schema.Boolean) }),
    fc.record({ a: fc.option(number, { nil: undefined }), b: fc.boolean() }, { requiredKeys: ["a"] }),
    true
  ],
  records: [Schema.Record(Schema.String, Schema.Number), record(number), true],
  tuples: [Schema.Tuple([Schema.Date, Schema.Array(Schema.Int)]), fc.tuple(date, fc.array(fc.integer())), true],
  maps: [
    Schema.ReadonlyMap(Schema.String, Schema.Date),
    fc.array(fc.tuple(keys, date)).map((all) => new Map(all)),
    true
  ],
  sets: [Schema.ReadonlySet(Schema.String), fc.array(keys).map((all) => new Set(all)), true],
  "recursive data": [List, list, true],
  classes: [User, user, false],
  errors: [
    NotFound,
    fc.record({ id: fc.integer(), at: date }).map((fields) => new NotFound(fields)),
    false
  ],
  "recursive data with classes": [Tree, tree, false],
  "records of classes": [Schema.Record(Schema.String, User), record(user), false],
  "maps of classes": [
    Schema.ReadonlyMap(Schema.String, User),
    fc.array(fc.tuple(keys, user)).map((all) => new Map(all)),
    false
  ],
  "classes or bytes": [Schema.Union([Schema.Uint8Array, User]), fc.oneof(bytes, user), false],
  options: [Schema.Option(Schema.Uint8Array), fc.option(bytes).map(Option.fromNullOr), false],
  durations: [Schema.Duration, fc.nat().map(Duration.millis), false],
  symbols: [Schema.Symbol, keys.map((key) => Symbol.for(key)), false],
  urls: [Schema.URL, fc.webUrl().map((url) => new URL(url)), false]
}

describe("what travels", () => {
  for (const [name, [schema, values, asIs]] of Object.entries(samples)) {
    it(`K9: ${name} arrive as they were${asIs ? ", without being encoded" : ""}`, () => {
      const way = wayOf(schema)
      assert.strictEqual(way.asIs, asIs)
      fc.assert(
        fc.property(values, (value) => {
          assert.isUndefined(way.check(value))
          const wire = Result.getOrThrow(way.encode(value))
          if (asIs) assert.isTrue(Object.is(wire, value))
          const found = Result.getOrThrow(travelled(way, value))
          assert.deepStrictEqual(found, value)
          if (value instanceof User || value instanceof NotFound) {
            assert.strictEqual(Object.getPrototypeOf(found), Object.getPrototypeOf(value))
          }
        }),
        { numRuns: 50, seed: 7 }
      )
    })
  }

  it("K9: bytes inside of what is encoded stay buffers", () => {
    const photo = new Uint8Array(1000)
    const wire = Result.getOrThrow(
      wayOf(Schema.Option(User)).encode(Option.some(new User({ name: "a", born: new Date(0), photo })))
    )
    assert.strictEqual((wire as { readonly value: User }).value.photo, photo)
  })

  it("K9: a success without a value takes anything, and sends nothing", () => {
    const way = wayOf(Schema.Void)
    assert.deepStrictEqual(way.encode(() => 1), Result.succeed(undefined))
    assert.deepStrictEqual(way.decode("?"), Result.succeed(undefined))
  })

  const faults: ReadonlyArray<readonly [name: string, schema: Schema.Constraint, value: unknown, fault: string]> = [
    ["a wrong primitive", Schema.String, 1, "Expected string"],
    [
      "a wrong value deep inside",
      Schema.Struct({ rows: Schema.Array(Schema.Struct({ "born at": Schema.Date })) }),
      { rows: [{ "born at": "yesterday" }] },
      "at .rows[0][\"born at\"]: Expected a valid Date"
    ],
    ["a plain object in place of an instance", Schema.Array(User), [{ name: "a" }], "at [0]: Expected User"],
    ["an invalid date", Schema.Date, new Date(NaN), "Expected a valid Date"]
  ]
  for (const [name, schema, value, fault] of faults) {
    it(`F14: ${name} is a fault that says where it is`, () => {
      const way = wayOf(schema)
      assert.strictEqual(way.check(value), fault)
      const found = travelled(way, value)
      assert.deepStrictEqual(found, Result.fail(fault))
    })
  }

  it("F14: what has no codec fails, whatever the value", () => {
    class Plain {
      readonly x = 1
    }
    const plain = wayOf(Schema.instanceOf(Plain))
    assert.deepStrictEqual(travelled(plain, new Plain()), Result.fail("Expected <Declaration>"))
    const keyed = wayOf(Schema.Struct({ [Symbol.for("k")]: Schema.String }))
    assert.isTrue(Result.isFailure(keyed.encode({ [Symbol.for("k")]: "a" })))
    assert.isTrue(Result.isFailure(wayOf(Schema.Symbol).encode(Symbol("local"))))
  })

  for (const [name, make] of Object.entries(hostile)) {
    it(`F14: ${name} never throws in a codec`, () => {
      for (
        const schema of [User, Schema.Struct({ a: Schema.Number }), Schema.Array(Schema.Date), Schema.Option(User)]
      ) {
        const way = wayOf(schema)
        way.check(make())
        way.decode(make())
        const encoded = way.encode(make())
        if (Result.isSuccess(encoded)) way.decode(encoded.success)
      }
    })
  }
})
