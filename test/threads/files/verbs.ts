/** A body that uses each verb, with a function and with a named task, and tells what became of it. */
import { Cause, Effect, Exit, Fiber, Option, Schema, Scope, Stream } from "effect"
import { Client, Future, Portable, Task, TaskGraph, Worker } from "../../../src/index.ts"
import type * as functions from "./work.ts"

const { double, wait } = Portable.module<typeof functions>()(new URL("./work.ts", import.meta.url)).tasks

class Odd extends Schema.TaggedError<Odd>()("Odd", {}) {}

const is = (found: unknown, expected: unknown): void => {
  const [a, b] = [found, expected].map((value) => JSON.stringify(value))
  if (a !== b) throw new Error(`found ${a}, not ${b}`)
}

/** One of a function and one of a named task, which give 4 and 8. */
const both = (): [Task.Task<number>, Task.Task<number, any, any>] => [
  Task.make(Effect.as(Effect.yieldNow, 4)),
  double(4) as Task.Task<number, any, any>
]

const endless = (): ReadonlyArray<Task.Task<unknown, any, any>> => [Task.make(Effect.never), wait(1e9)]

const scoped = Effect.scoped

type Check = Effect.Effect<unknown, any, any>

const ofClient: Readonly<Record<string, Check>> = {
  submit: scoped(Effect.forEach(both(), (task) => Effect.flatMap(Client.submit(task), Future.join))).pipe(
    Effect.map((values) => is(values, [4, 8]))
  ),
  submitAll: scoped(Effect.flatMap(Client.submitAll(both()), Future.joinAll)).pipe(
    Effect.map((values) => is(values, [4, 8]))
  ),
  compute: Effect.map(Client.compute([...both(), { both: both() }]), (values) => is(values, [4, 8, { both: [4, 8] }])),
  forEach: Effect.map(
    Client.forEach([1, 2, 3], (n) => Effect.map(Client.compute(double(n)), (twice) => twice + n), { concurrency: 2 }),
    (values) => is(values, [3, 6, 9])
  ),
  stream: Effect.map(
    Stream.runCollect(Client.stream([1, 2, 3], (n) => Client.compute(double(n)))),
    (values) => is([...values].sort(), [2, 4, 6])
  ),
  retry: scoped(Effect.gen(function*() {
    let runs = 0
    const flaky = Task.make(
      Effect.suspend(() => ++runs === 1 ? Effect.die("once") : Effect.orDie(Client.compute(double(runs))))
    )
    const first = yield* Client.submit(flaky)
    yield* Future.await(first)
    is(yield* Future.join(yield* Client.retry(first)), 4)
  })),
  retryAll: scoped(Effect.gen(function*() {
    const waits = yield* Client.submitAll(endless())
    yield* Effect.forEach(waits, (future) => Future.cancel(future))
    const again = yield* Client.retryAll(waits)
    is(yield* Effect.forEach(again, Future.status).pipe(Effect.map((all) => all.includes("cancelled"))), false)
    yield* Effect.forEach(again, (future) => Future.cancel(future))
  })),
  asCompleted: scoped(Effect.gen(function*() {
    const ended = yield* Stream.runCollect(Client.asCompleted(yield* Client.submitAll(both())))
    is([...ended].length, 2)
  })),
  completions: scoped(Effect.gen(function*() {
    const all = yield* Client.completions(yield* Client.submitAll(both()))
    yield* all.add(...(yield* Client.submitAll(both())))
    is([...(yield* Stream.runCollect(all.stream))].length, 4)
  })),
  annotate: Effect.map(
    Client.annotate(Client.compute(Task.make(Worker.current)), { label: "mine" }),
    ({ key }) => is(key.startsWith("mine#"), true)
  ),
  fireAndForget: Effect.gen(function*() {
    yield* Client.fireAndForget(Task.make(Client.compute(double(1))), { group: "fired" })
    yield* Client.fireAndForget(double(1) as Task.Task<unknown, any, any>, { group: "fired" })
    yield* Client.awaitGroup("fired")
  }),
  scatter: scoped(Effect.gen(function*() {
    const table = yield* Client.scatter([1, 2, 3], { pure: true })
    is(yield* Future.join(table), [1, 2, 3])
    is((yield* Client.scatter([1, 2, 3], { pure: true })).key, table.key)
  })),
  published: Effect.map(scoped(Client.published("nothing")), (found) => is(Option.isNone(found), true)),
  unpublish: Effect.map(Client.unpublish("nothing"), (was) => is(was, false)),
  awaitGroup: Client.awaitGroup("nobody"),
  cancelGroup: Effect.gen(function*() {
    yield* Effect.forEach(endless(), (task) => Client.fireAndForget(task, { group: "endless" }))
    yield* Client.cancelGroup("endless")
    yield* Client.awaitGroup("endless")
  })
}

/** The futures of a function and of a named task. */
const withFutures = (
  check: (future: Future.Future<number, any>) => Effect.Effect<unknown, any, any>
): Check => scoped(Effect.flatMap(Client.submitAll(both()), Effect.forEach(check)))

const ofFuture: Readonly<Record<string, Check>> = {
  isFuture: withFutures((future) => Effect.sync(() => is(Future.isFuture(future), true))),
  join: withFutures((future) => Effect.map(Future.join(future), (value) => is(value % 4, 0))),
  await: withFutures((future) => Effect.map(Future.await(future), (exit) => is(Exit.isSuccess(exit), true))),
  poll: withFutures((future) =>
    Effect.andThen(Future.join(future), Effect.map(Future.poll(future), (exit) => is(Option.isSome(exit), true)))
  ),
  status: withFutures((future) =>
    Effect.andThen(Future.join(future), Effect.map(Future.status(future), (status) => is(status, "succeeded")))
  ),
  key: withFutures((future) => Effect.sync(() => is(/#\d+$/.test(Future.key(future)), true))),
  metadata: withFutures((future) =>
    Effect.andThen(Future.join(future), Effect.map(Future.metadata(future), ({ attempts }) => is(attempts.length, 1)))
  ),
  joinAll: scoped(
    Effect.flatMap(
      Client.submitAll(both()),
      (all) => Effect.map(Future.joinAll({ all }), (values) => is(values, { all: [4, 8] }))
    )
  ),
  awaitAll: scoped(
    Effect.flatMap(
      Client.submitAll(both()),
      (all) => Effect.map(Future.awaitAll(all), (exits) => is(exits.every(Exit.isSuccess), true))
    )
  ),
  publish: withFutures((future) =>
    scoped(Effect.gen(function*() {
      is(yield* Future.publish(future, future.key), true)
      const found = Option.getOrThrow(yield* Client.published(future.key))
      is(yield* Future.join(found), yield* Future.join(future))
    }))
  ),
  awaitFirst: scoped(Effect.flatMap(Client.submitAll([...both(), ...endless()]), Future.awaitFirst)),
  awaitFirstFailure: scoped(
    Effect.flatMap(Client.submitAll([Task.fail(new Odd()), ...endless()]), (all) => Future.awaitFirstFailure(all))
  ),
  cancel: scoped(Effect.gen(function*() {
    for (const future of yield* Client.submitAll(endless())) {
      yield* Future.cancel(future)
      is(yield* Future.status(future), "cancelled")
    }
  })),
  cancelAll: scoped(Effect.gen(function*() {
    const futures = yield* Client.submitAll(endless())
    yield* Future.cancelAll(futures)
    for (const future of futures) is(yield* Future.status(future), "cancelled")
  })),
  releaseAll: withFutures((future) =>
    Effect.andThen(
      Effect.andThen(Future.join(future), Future.releaseAll([future])),
      Effect.map(Future.status(future), (status) => is(status, "released"))
    )
  ),
  release: withFutures((future) =>
    Effect.andThen(
      Effect.andThen(Future.join(future), Future.release(future)),
      Effect.map(Future.status(future), (status) => is(status, "released"))
    )
  ),
  keep: Effect.gen(function*() {
    const outer = yield* Scope.make()
    const kept = yield* scoped(
      Effect.flatMap(
        Client.submitAll(both()),
        Effect.forEach((future) => Effect.provideService(Future.keep(future), Scope.Scope, outer))
      )
    )
    is(yield* Future.joinAll(kept), [4, 8])
    yield* Scope.close(outer, Exit.void)
  }),
  replicate: withFutures((future) => Future.replicate(future, { copies: 1 })),
  rerunInline: scoped(Effect.gen(function*() {
    let runs = 0
    const flaky = Task.map(Task.make(Client.compute(double(2))), (n) => {
      if (++runs === 1) throw new Error("once")
      return n
    })
    const future = yield* Client.submit(flaky)
    yield* Future.await(future)
    is(yield* Future.rerunInline(future), 4)
  })),
  settle: scoped(Effect.gen(function*() {
    for (const future of yield* Client.submitAll(endless())) {
      is(yield* Future.settle(future, Exit.succeed(7)), true)
      is(yield* Future.join(future), 7)
    }
  }))
}

const once = (signal: Effect.Effect<unknown, any, any>): Check => {
  let runs = 0
  const body = Effect.suspend(() => ++runs === 1 ? signal : Effect.succeed(runs))
  return Effect.map(Client.compute(Task.make(body as Effect.Effect<unknown>)), (value) => is(value, 2))
}

const ofWorker: Readonly<Record<string, Check>> = {
  current: Effect.map(Worker.current, ({ attempt, key }) => is([attempt, key.includes("#")], [1, true])),
  isStopping: Effect.sync(() => is(Worker.isStopping(), false)),
  secede: Effect.andThen(Worker.secede, Worker.rejoin),
  rejoin: Effect.andThen(Effect.andThen(Worker.secede, Client.compute(both())), Worker.rejoin),
  seceded: Effect.map(Worker.seceded(Client.compute(both())), (values) => is(values, [4, 8])),
  shielded: Effect.map(Worker.shielded(Client.compute(both())), (values) => is(values, [4, 8])),
  // Its slot is kept, and there is no other: only what needs none of the program's goes on.
  keepSlot: Effect.gen(function*() {
    const named = yield* Effect.flip(Worker.keepSlot(Client.compute(double(4))))
    is((named as { readonly reason?: { readonly _tag: string } }).reason?._tag, "Starved")
    is(yield* Worker.keepSlot(Client.compute(both()[0])), 4)
  }),
  reschedule: once(Worker.reschedule),
  unmet: once(Worker.unmet("not now", { retrySame: true })),
  skip: Effect.map(
    Effect.exit(Client.compute(Task.make(Worker.skip))),
    (exit) => is(Exit.isFailure(exit), true)
  ),
  requireLabels: Worker.requireLabels(),
  requireThat: Worker.requireThat(Effect.void, Effect.succeed(true)),
  dependenciesLost: Effect.suspend(() => {
    let runs = 0
    const input = Task.make(Effect.sync(() => ++runs), { key: "input" })
    const body = Task.make(
      { input },
      ({ input }) => input === 1 ? Worker.dependenciesLost("input") : Effect.succeed(input)
    )
    return Effect.map(Client.compute(body), (value) => is(value, 2))
  })
}

const ofGraph: Readonly<Record<string, Check>> = {
  compute: Effect.map(
    TaskGraph.compute(TaskGraph.make({ here: both()[0], there: both()[1] }), { here: "here", there: "there" }),
    (values) => is(values, { here: 4, there: 8 })
  )
}

const told = (check: Check): Effect.Effect<string> =>
  Effect.match(
    Effect.sandbox(check as Effect.Effect<unknown, unknown>),
    { onFailure: (cause) => Cause.pretty(cause), onSuccess: () => "works" }
  )

const tables = { Client: ofClient, Future: ofFuture, Worker: ofWorker, TaskGraph: ofGraph }

/** What became of each verb. */
export const walk = (): Effect.Effect<Record<string, string>, never, Client.Client | Scope.Scope | Worker.Worker> =>
  Effect.gen(function*() {
    const results: Record<string, string> = {}
    for (const [module, table] of Object.entries(tables)) {
      for (const [verb, check] of Object.entries(table)) {
        const running = yield* Effect.forkChild(told(check))
        results[`${module}.${verb}`] = yield* Fiber.join(running).pipe(
          Effect.timeoutOrElse({ duration: "10 seconds", orElse: () => Effect.succeed("hangs") })
        )
      }
    }
    return results
  })

export const verbs = Object.fromEntries(
  Object.entries(tables).map(([module, table]) => [module, Object.keys(table)])
)
