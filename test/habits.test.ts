/** Programs written only from the habits of Effect: they show that names, pipes and types are where one expects them. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Data, Effect, Exit, Layer, Option, Ref, Result, Schedule, Schema, Stream } from "effect"
import { Rpc, RpcGroup, RpcTest } from "effect/rpc"
import { Client, Future, Portable, Scheduler, Skein, SkeinError, Task, Worker } from "skein"
import * as ErrorSchema from "skein/ErrorSchema"
import { Threads } from "skein/threads"
import { Greet } from "./threads/files/names.ts"

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

// ---- 4: streams of items and of tasks, futures as they end, a pause

const page = Task.fn("page")(function*(url: string) {
  if (url.endsWith("broken")) return yield* new HttpError({ status: 503 })
  yield* Effect.yieldNow
  return { url, words: [url, "lorem", "ipsum"] }
})

const words = (url: string) =>
  page(url).pipe(
    Task.withOptions({ retry: { times: 2 }, timeout: "10 seconds", tags: ["web"] }),
    Task.catchTag("HttpError", ({ status }) => Effect.succeed({ url, words: [`${status}`] })),
    Task.map(({ words }) => words.length)
  )

const urls = Stream.fromIterable(["/a", "/b", "/broken", "/c"])

const counts = Effect.gen(function*() {
  const each = yield* urls.pipe(Stream.map(words), Client.stream({ outstanding: 2 }), Stream.runCollect)
  const total = yield* urls.pipe(
    Client.stream((url) => Effect.succeed(url.length), { outstanding: 2, unordered: true }),
    Stream.runFold(() => 0, (sum, n) => sum + n)
  )
  yield* Scheduler.pause({ tag: "web", for: "10 millis" })
  const futures = yield* Effect.forEach(["/x", "/y"].map(words), Client.submit)
  const ended = yield* Client.asCompleted(futures).pipe(Stream.mapEffect(Future.join), Stream.runCollect)
  yield* Future.publish(futures[0]!, "x")
  const found = yield* Client.published("x").pipe(Effect.flatMap(Effect.fromOption), Effect.flatMap(Future.join))
  const nobody = yield* Client.published("y")
  yield* Effect.forEach(futures, Future.release, { discard: true })
  return { each, total, ended, found, isNobody: Option.isNone(nobody), left: yield* Future.status(futures[1]!) }
}).pipe(Effect.scoped, Effect.provide(Skein.layer({ tags: { web: { rate: { starts: 100, per: "1 second" } } } })))

// ---- 5: named tasks with schemas, handlers as layers, and a thread

class Empty extends Schema.TaggedError<Empty>()("Empty", { line: Schema.Int }) {}

const Tokens = Portable.make("Tokens", {
  payload: { text: Schema.String, line: Schema.Int },
  success: Schema.Array(Schema.String),
  error: Empty
})

const TokensLive = Tokens.toLayer(Effect.gen(function*() {
  const separator = yield* Effect.succeed(" ")
  return Effect.fn("Tokens")(function*({ line, text }) {
    if (text === "") return yield* new Empty({ line })
    return text.split(separator)
  })
}))

const ThreadsLive = Threads.layer({
  size: 1,
  entry: new URL("./threads/files/entry.ts", import.meta.url),
  tasks: [Greet]
}).pipe(Layer.provideMerge(Skein.layer({ concurrency: 2 })))

const greetings = Effect.gen(function*() {
  const tokens = Tokens({ text: "ann bob", line: 1 }, { label: "names", timeout: "5 seconds" })
  const names = tokens.pipe(Task.map((names) => names.join(" and ")))
  const hello = Greet({ name: names }).pipe(Task.withOptions({ retry: { times: 1 } }))
  const exits = yield* Client.forEach([hello, Task.make(Effect.fail("no" as const))], Effect.succeed, {
    mode: "collect"
  })
  const empty = yield* Tokens({ text: "", line: 7 }).pipe(
    Task.catchTag("Empty", ({ line }) => Effect.succeed(line)),
    Client.compute
  )
  return { exits: exits.map(Exit.getSuccess).map(Option.getOrNull), empty }
}).pipe(Effect.provide(TokensLive), Effect.provide(ThreadsLive, { local: true }))

// ---- 6: errors of the scheduler behind an Rpc, by reason, and a client that is a stub

const Nightly = Rpc.make("Nightly", {
  payload: { day: Schema.Int },
  success: Schema.Int,
  error: Schema.Union([ErrorSchema.DependencyFailed(Empty), ErrorSchema.Unexpected])
})

class Jobs extends RpcGroup.make(Nightly) {}

const rows = (day: number) => Task.make(day > 0 ? Effect.succeed([day]) : new Empty({ line: day }), { key: "rows" })

const JobsLive = Jobs.toLayer(Jobs.of({
  Nightly: ({ day }) =>
    day > 99
      ? Effect.scoped(Effect.gen(function*() {
        const endless = yield* Client.submit(Task.make(Effect.never))
        yield* Future.cancel(endless, { why: "too late" })
        return yield* Future.join(endless)
      }))
      : rows(day).pipe(Task.map((rows) => rows.length), Client.compute)
}))

const nightly = Effect.gen(function*() {
  const jobs = yield* RpcTest.makeClient(Jobs)
  const good = yield* jobs.Nightly({ day: 1 })
  const empty = yield* jobs.Nightly({ day: -3 }).pipe(
    Effect.catchTag("DependencyFailed", ({ error, root }) => Effect.succeed([root, error.line] as const))
  )
  const late = yield* jobs.Nightly({ day: 100 }).pipe(
    Effect.catchReasons("SkeinError", {
      TaskCancelled: ({ why }) => Effect.succeed(why),
      WorkerKilled: (reason) => Effect.fail(reason)
    }),
    Effect.catchTags({ SubmitError: Effect.die, SkeinError: (error) => Effect.die(SkeinError.root(error)) })
  )
  return { good, empty, late }
}).pipe(Effect.scoped, Effect.provide(JobsLive))

const stubbed = rows(5).pipe(
  Client.compute,
  Effect.provide(Layer.mock(Client.Client)({ compute: () => Effect.succeed([7] as never) }))
)

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

  it.live("G20, A9: with streams, futures as they end, a pause, and a published result", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* counts, {
        each: [3, 3, 1, 3],
        total: 13,
        ended: [3, 3],
        found: 3,
        isNobody: true,
        left: "released"
      })
    }))

  it.live("G20, K3: with named tasks, handlers as layers, and a thread", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* greetings, { exits: ["Hello, ann and bob", null], empty: 7 })
    }))

  it.effect("G20, F12: with errors behind an Rpc, by tag and by reason, and with a stub for a client", () =>
    Effect.gen(function*() {
      const found = yield* nightly.pipe(Effect.provide(Skein.layer()))
      assert.deepStrictEqual(found, { good: 1, empty: ["rows", -3], late: "too late" })
      assert.deepStrictEqual(yield* stubbed, [7])
    }))
})
