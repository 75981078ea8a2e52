import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import { pipe } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { Leftovers } from "skein/testing"
import { causeOf, defectsIn } from "./support.ts"

const task = Task.succeed("real")

type Service = Client.Client["Service"]

/** A client that writes down which verb is called, over one of a scheduler of its own. */
const recording = (calls: Array<string>) => {
  const around = (client: Service): Service => ({
    ...client,
    submitAll: (tasks, options) => {
      calls.push(`submitAll ${tasks.length}`)
      return client.submitAll(tasks, options)
    },
    retryAll: (futures) => {
      calls.push(`retryAll ${futures.length}`)
      return client.retryAll(futures)
    },
    compute: (targets, options) => {
      calls.push(`compute ${options?.mode}`)
      return client.compute(targets, options)
    },
    forEach: (items, f, options) => {
      calls.push("forEach")
      return client.forEach(items, f, options)
    },
    stream: ((source: never, ...rest: [never, never]) => {
      calls.push("stream")
      return client.stream(source, ...rest)
    }) as Service["stream"],
    fireAndForget: (fired, options) => {
      calls.push(`fireAndForget ${options?.group}`)
      return client.fireAndForget(fired, options)
    },
    published: (name) => {
      calls.push(`published ${name}`)
      return client.published(name)
    },
    unpublish: (name) => {
      calls.push(`unpublish ${name}`)
      return client.unpublish(name)
    },
    awaitGroup: (group) => {
      calls.push(`awaitGroup ${group}`)
      return client.awaitGroup(group)
    },
    cancelGroup: (group, options) => {
      calls.push(`cancelGroup ${group}`)
      return client.cancelGroup(group, options)
    }
  })
  return Layer.effect(Client.Client, Effect.map(Client.Client, around)).pipe(Layer.provide(Skein.layer()))
}

describe("the service of a client", () => {
  it.effect("A17: a test stubs a client, and what it does not stub is a defect", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(task), "stub")
      assert.deepStrictEqual(yield* Effect.forEach([task, task], Client.compute), ["stub", "stub"])
      assert.include(String(defectsIn(yield* causeOf(Client.fireAndForget(task)))[0]), "fireAndForget")
    }).pipe(
      Effect.provide(Layer.mock(Client.Client)({ compute: () => Effect.succeed("stub" as never) }))
    ))

  it.effect("A17: each verb of the service can be stubbed, and one that is not is a defect that names it", () => {
    const stub = {
      submitAll: () => Effect.succeed([] as never),
      retryAll: () => Effect.succeed([] as never),
      compute: () => Effect.succeed("computed" as never),
      forEach: () => Effect.succeed(["each"] as never),
      stream: () => Stream.make("streamed" as never),
      fireAndForget: () => Effect.void,
      published: () => Effect.succeedNone,
      unpublish: () => Effect.succeed(false),
      awaitGroup: () => Effect.void,
      cancelGroup: () => Effect.void
    } satisfies Service
    const uses: { readonly [K in keyof Service]: Effect.Effect<unknown, unknown, Client.Client> } = {
      submitAll: Effect.scoped(Client.submitAll([task])),
      retryAll: Effect.scoped(Client.retryAll([])),
      compute: Client.compute(task),
      forEach: Client.forEach([1], Effect.succeed),
      stream: Stream.runCollect(Client.stream([task])),
      fireAndForget: Client.fireAndForget(task),
      published: Effect.scoped(Client.published("a")),
      unpublish: Client.unpublish("a"),
      awaitGroup: Client.awaitGroup("a"),
      cancelGroup: Client.cancelGroup("a")
    }
    return Effect.gen(function*() {
      const client = yield* Client.Client
      assert.sameMembers(Object.keys(uses), Object.keys(client))
      for (const [verb, use] of Object.entries(uses)) {
        yield* Effect.provide(use, Layer.mock(Client.Client)(stub))
        const { [verb]: _, ...rest } = stub as Readonly<Record<string, unknown>>
        const cause = yield* causeOf(Effect.provide(use, Layer.mock(Client.Client)(rest)))
        assert.include(String(defectsIn(cause)[0]), verb)
      }
    }).pipe(Effect.provide(Skein.layer()))
  })

  it.effect("A17: a client that wraps another sees each verb, also of bodies", () => {
    const calls: Array<string> = []
    const seen = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(effect, () => calls.splice(0))
    return Effect.gen(function*() {
      const failed = yield* Client.submit(Task.make(Effect.fail("no")))
      yield* Effect.exit(Future.join(failed))
      assert.deepStrictEqual(calls.splice(0), ["submitAll 1"])
      assert.deepStrictEqual(yield* seen(Client.submitAll([task, task])), ["submitAll 2"])
      assert.deepStrictEqual(yield* seen(Effect.forEach([task, task], Client.submit)), ["submitAll 1", "submitAll 1"])
      assert.deepStrictEqual(yield* seen(Client.retry(failed)), ["retryAll 1"])
      assert.deepStrictEqual(yield* seen(Client.retryAll([failed, failed])), ["retryAll 2"])
      assert.deepStrictEqual(yield* seen(Client.compute([task], { mode: "collect" })), ["compute collect"])
      assert.deepStrictEqual(yield* seen(Client.forEach([1, 2], Effect.succeed)), ["forEach"])
      assert.deepStrictEqual(yield* seen(Stream.runDrain(Client.stream([1, 2], Effect.succeed))), ["stream"])
      assert.deepStrictEqual(yield* seen(Stream.runDrain(pipe([task], Client.stream({ outstanding: 2 })))), ["stream"])
      assert.deepStrictEqual(yield* seen(Client.fireAndForget(task, { group: "mail" })), ["fireAndForget mail"])
      assert.deepStrictEqual(yield* seen(Client.scatter(1)), ["submitAll 1"])
      assert.deepStrictEqual(yield* seen(Client.published("model")), ["published model"])
      assert.deepStrictEqual(yield* seen(Client.unpublish("model")), ["unpublish model"])
      assert.deepStrictEqual(yield* seen(Client.awaitGroup("mail")), ["awaitGroup mail"])
      assert.deepStrictEqual(yield* seen(Client.cancelGroup()), ["cancelGroup default"])
      const nested = Task.make(Effect.scoped(Effect.flatMap(Client.submit(task), Future.join)))
      assert.deepStrictEqual(yield* seen(Client.compute(nested)), ["compute undefined", "submitAll 1"])
    }).pipe(
      Effect.scoped,
      Effect.andThen(Leftovers.assertNone),
      Effect.provide(recording(calls))
    )
  })

  it.effect("A17: a copy of a client is compared without a walk through its scheduler", () =>
    Effect.gen(function*() {
      const client = yield* Client.Client
      assert.isTrue(Equal.equals({ ...client }, { ...client }))
      assert.isFalse(Equal.equals({ ...client }, client))
    }).pipe(Effect.provide(Skein.layer())))
})
