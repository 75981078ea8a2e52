/** Bodies, and whoever waits, see the `AsyncLocalStorage` context of the request that they belong to. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { AsyncLocalStorage } from "node:async_hooks"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"

const storage = new AsyncLocalStorage<string>()
const here = (): string => storage.getStore() ?? "none"
const look = Effect.sync(here)

/** Runs each program as a request of its own, all at once in one scheduler that the first of them opens. */
const serve = async <A, E>(
  programs: Readonly<Record<string, Effect.Effect<A, E, Client.Client>>>,
  options: Skein.Options = { concurrency: 2 }
): Promise<Record<string, A>> => {
  const runtime = ManagedRuntime.make(Skein.layer(options))
  const names = Object.keys(programs)
  const answers = await Promise.all(
    names.map((name) => storage.run(name, () => runtime.runPromise(programs[name]!)))
  )
  await runtime.dispose()
  return Object.fromEntries(names.map((name, i) => [name, answers[i]!]))
}

/** The same program for three requests; what it sees must be the request that it was. */
const each = async (program: Effect.Effect<ReadonlyArray<string>, unknown, Client.Client>, options?: Skein.Options) => {
  const answers = await serve({ ada: program, bob: program, cleo: program }, options)
  for (const [name, seen] of Object.entries(answers)) {
    assert.isNotEmpty(seen)
    assert.deepStrictEqual(seen, seen.map(() => name))
  }
}

const tick = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

describe("several requests in one scheduler", () => {
  it("G16: the items of a stream see the context of its first pull, wherever the next ones come from", async () => {
    const runtime = ManagedRuntime.make(Skein.layer({ concurrency: 2 }))
    const context = await runtime.context()
    const stream = Client.stream([0, 1, 2, 3, 4, 5], () => look, { outstanding: 1 })
    const iterator = Stream.toAsyncIterableWith(stream, context)[Symbol.asyncIterator]()
    const seen: Array<unknown> = []
    for (const name of ["ada", "bob", "cleo", "ada"]) {
      seen.push((await storage.run(name, () => iterator.next())).value)
    }
    await iterator.return!()
    assert.deepStrictEqual(seen, ["ada", "ada", "ada", "ada"])
    await runtime.dispose()
  })

  it("G16: each body sees its own: plain functions, effects before and after an await, flatMap and what it returns", () =>
    each(Effect.gen(function*() {
      const plain = Task.sync(here)
      const effect = Task.make([plain], ([first]) =>
        Effect.gen(function*() {
          const before = yield* look
          yield* tick
          const after = yield* look
          yield* Effect.yieldNow
          yield* Effect.sleep(1)
          return [first, before, after, yield* look]
        }))
      const flat = Task.flatMap(effect, (seen) => Task.map([Task.sync(here)], ([inner]) => [...seen, inner, here()]))
      const seen = yield* Client.compute(flat)
      return [...seen, yield* look]
    })))

  it("G16: bodies that start in one go see each its own, however requests alternate", async () => {
    const seen: Array<string> = []
    const noted = Effect.sync(() => void seen.push(here()))
    const runtime = ManagedRuntime.make(Skein.layer({ concurrency: 9 }))
    const gate = await runtime.runPromise(Deferred.make<void>())
    // All wait for one task, so they start in one turn of the scheduler, in the order of their submissions.
    const first = Task.make(Deferred.await(gate), { key: "first" })
    const submitted = ["ada", "bob", "ada", "ada", "cleo", "bob"]
    const runs = submitted.map((name) =>
      storage.run(name, () => runtime.runPromise(Client.compute(Task.make([first], () => noted))))
    )
    await runtime.runPromise(Deferred.succeed(gate, undefined))
    await Promise.all(runs)
    assert.deepStrictEqual(seen, submitted)
    await runtime.dispose()
  })

  it("G16: finalizers see it, of bodies that are stopped and of results that own a resource", () =>
    each(Effect.gen(function*() {
      const seen: Array<string> = []
      const note = Effect.sync(() => void seen.push(here()))
      yield* Effect.scoped(Effect.gen(function*() {
        const stopped = yield* Client.submit(Task.make(Effect.ensuring(Effect.never, note)))
        yield* tick
        yield* Future.cancel(stopped)
        const held = yield* Client.submit(Task.resource(Effect.acquireRelease(look, () => note)))
        seen.push(yield* Future.join(held))
      }))
      const late = Task.make(Effect.ensuring(Effect.never, note), { timeout: 5 })
      yield* Effect.exit(Client.compute(late))
      assert.lengthOf(seen, 4)
      return seen
    })))

  it("G16: retries, children and whoever waits for them see it", () =>
    each(Effect.gen(function*() {
      const seen: Array<string> = []
      let attempts = 0
      const failing = Effect.suspend(() => {
        seen.push(here())
        return ++attempts < 3 ? Effect.fail("no") : Effect.succeed(attempts)
      })
      yield* Client.compute(Task.make(failing, { retry: Schedule.spaced(1) }))
      const parent = Task.make(Effect.gen(function*() {
        const child = yield* Client.submit(Task.make(Effect.andThen(tick, look)))
        const joined = yield* Future.join(child)
        return [joined, yield* look]
      }))
      return [...seen, ...(yield* Client.compute(parent)), yield* look]
    })))

  it("G16: callbacks of a compute see it", () =>
    each(Effect.gen(function*() {
      const seen: Array<string> = []
      const note = (): void => void seen.push(here())
      const callbacks = { start: note, beforeTask: note, afterTask: note, onExit: note }
      yield* Client.compute(Task.make(tick), { callbacks })
      return seen
    })))

  it("G16: what two requests join is run in the context of the one that submitted it first", async () => {
    const gate = Deferred.makeUnsafe<void>()
    const shared = Task.make(Effect.andThen(Deferred.await(gate), look), { key: "shared" })
    const second = Effect.gen(function*() {
      const future = yield* Client.submit(shared)
      yield* Deferred.succeed(gate, undefined)
      return [yield* Future.join(future), yield* look]
    }).pipe(Effect.scoped)
    const first = Effect.map(Client.compute(shared), (seen) => [seen, here()])
    const answers = await serve({ first, second })
    assert.deepStrictEqual(answers, { first: ["first", "first"], second: ["first", "second"] })
  })

  it("G16: hooks of workers see that in which the layer was opened", async () => {
    const seen: Array<string> = []
    const onStart = Effect.sync(() => void seen.push(here()))
    const program = Client.compute(Array.from({ length: 4 }, () => Task.make(Effect.as(tick, 1))))
    const elastic = { min: 0, max: 2, concurrency: 1, onStart }
    const runtime = ManagedRuntime.make(Skein.layer({ elastic }))
    await storage.run("layer", () => runtime.context())
    await storage.run("request", () => runtime.runPromise(program))
    await runtime.dispose()
    assert.isNotEmpty(seen)
    assert.deepStrictEqual(seen, seen.map(() => "layer"))
  })
})
