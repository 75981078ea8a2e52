/** Programs written only from the habits of Effect: they show that names, pipes and types are where one expects them. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Data, Effect, Exit, Layer, Option, Ref, Result, Schedule } from "effect"
import { Client, Future, Skein, Task, Worker } from "skein"

// ---- 1: a service, errors by tag, a schedule, and layers

class HttpError extends Data.TaggedError("HttpError")<{ readonly status: number }> {}
class ParseError extends Data.TaggedError("ParseError")<{ readonly text: string }> {}

class Http extends Context.Service<Http, {
  readonly get: (path: string) => Effect.Effect<string, HttpError>
}>()("habits/Http") {
  static readonly layer = Layer.effect(
    Http,
    Effect.map(Ref.make(0), (calls) => ({
      get: (path: string) =>
        Effect.flatMap(Ref.updateAndGet(calls, (n) => n + 1), (call) =>
          path === "/gone" || call === 1
            ? Effect.fail(new HttpError({ status: path === "/gone" ? 404 : 503 }))
            : Effect.succeed("3,4,5"))
    }))
  )
}

const fetched = (path: string) =>
  Task.make(Effect.flatMap(Http, (http) => http.get(path)), { retry: Schedule.recurs(1), label: path })

const parse = (text: string) =>
  Effect.forEach(
    text.split(","),
    (each) => Number.isNaN(Number(each)) ? Effect.fail(new ParseError({ text: each })) : Effect.succeed(Number(each))
  )

const numbers = (path: string) =>
  fetched(path).pipe(
    Task.catchTag("HttpError", ({ status }) => Effect.succeed(`${status}`)),
    Task.make(parse),
    Task.tap((all) => Effect.logDebug(`${path} has ${all.length}`)),
    Task.map((all) => all.reduce((a, b) => a + b, 0)),
    Task.mapError((error) => `${path}: ${error._tag}`)
  )

const totals = Client.compute({ prices: numbers("/prices"), gone: numbers("/gone") }).pipe(
  Effect.provide([Skein.layer({ concurrency: 2 }), Http.layer])
)

// ---- 2: generators, named functions, futures and scopes

const load = Task.fn("load")(function*(id: number) {
  if (id < 0) return yield* Effect.fail(new HttpError({ status: 404 }))
  yield* Effect.yieldNow
  return { id, friends: [id + 1, id + 2] }
})

const name = Task.fn("name")(function*(user: { readonly id: number }) {
  const { key } = yield* Worker.current
  return `user ${user.id} by ${key.split("#")[0]}`
})

const friends = Effect.gen(function*() {
  const user = yield* Client.submit(load(1))
  const { friends } = yield* Future.join(user)
  const futures = yield* Effect.forEach(friends, (id) => Client.submit(name(load(id))))
  const names = yield* Effect.forEach(futures, Future.join)
  const nobody = yield* load(-1).pipe(Client.submit, Effect.flatMap(Future.await))
  const together = Task.make({ first: names[0]!, user }, function*({ first, user }) {
    yield* Effect.logDebug(first)
    return `${first}, friend of ${user.id}`
  })
  const told = yield* Client.compute(together)
  return { names, told, isGone: Exit.isFailure(nobody) }
}).pipe(Effect.scoped, Effect.provide(Skein.layer()))

// ---- 3: values in place of failures, a resource, another task as fallback

const opened: Array<string> = []

const pool = Task.resource(
  Effect.acquireRelease(
    Effect.sync(() => opened.push("open")),
    () => Effect.sync(() => opened.push("close"))
  )
)

const query = (sql: string) =>
  pool.pipe(
    Task.make((pool) =>
      sql.startsWith("select") ? Effect.succeed(`${sql} on ${pool}`) : Effect.fail("bad sql" as const)
    ),
    Task.withOptions({ label: sql })
  )

const mirror = Task.succeed("from the mirror").pipe(Task.map((text) => text.toUpperCase()))

const queries = Effect.gen(function*() {
  const good = query("select 1")
  const bad = query("drop")
  const [result, option, none] = yield* Client.compute([Task.result(good), Task.option(good), Task.option(bad)])
  const text = yield* bad.pipe(Task.orElse(() => mirror), Client.compute)
  const safe = yield* bad.pipe(Task.catch((error) => Effect.succeed(String(error))), Client.compute)
  const exits = yield* Client.compute([good, bad].map(Task.exit))
  return {
    values: [Result.getOrThrow(result), Option.getOrNull(option), Option.isNone(none), text, safe],
    exits: exits.map(Exit.isSuccess),
    nothing: yield* bad.pipe(Task.asVoid, Task.orElseSucceed(() => null), Client.compute)
  }
}).pipe(Effect.provide(Skein.layer({ concurrency: 2 })))

describe("programs from the habits of Effect", () => {
  it.effect("G20: with a service, errors by tag, a schedule and layers", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* totals, { prices: 12, gone: 404 })
    }))

  it.effect("G20: with generators, named functions, futures and scopes", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* friends, {
        names: ["user 2 by name", "user 3 by name"],
        told: "user 2 by name, friend of 1",
        isGone: true
      })
    }))

  it.effect("G20: with values in place of failures, a resource, and another task as fallback", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* queries, {
        values: ["select 1 on 1", "select 1 on 1", true, "FROM THE MIRROR", "bad sql"],
        exits: [true, false],
        nothing: null
      })
      assert.strictEqual(opened.filter((each) => each === "open").length, opened.length / 2)
    }))
})
