/**
 * Runs 100,000 tasks of which 30 % fail and 10 % are cancelled, a fifth of them fired and forgotten, some of them tried again
 * by a schedule, and measures what is left:
 * `node --conditions=source --expose-gc scripts/leaks.ts [tasks, 100000]`. Exits with 1 if a table is not empty, or if the
 * heap has not come back within 5 MB of where it was after a first round, which fills caches of the runtime.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import process from "node:process"
import * as Client from "../src/Client.ts"
import * as Future from "../src/Future.ts"
import * as Skein from "../src/Skein.ts"
import * as Task from "../src/Task.ts"
import { Leftovers } from "../src/testing/index.ts"
import * as Worker from "../src/Worker.ts"

const tasks = Number(process.argv[2] ?? 100_000)
const batch = 1000
const megabyte = 2 ** 20

/** A task that fails the first time, and then ends as the others of its place do. */
const retried = (body: Effect.Effect<number, string>) =>
  Task.make(
    Effect.flatMap(Worker.current, ({ attempt }) => attempt === 1 ? Effect.fail("the first time") : body),
    { label: "retried", timeout: "1 minute", retry: Schedule.recurs(1) }
  )

/**
 * Three tenths fail, one tenth is cancelled while it runs or waits, the rest succeed; half of all depend on another one. A
 * fifth of all is fired and forgotten, and a tenth is tried again.
 */
const round = Effect.scoped(Effect.gen(function*() {
  const futures = []
  let before = Task.make(Effect.succeed(0)) as Task.Task<number, unknown>
  for (let i = 0; i < batch; i++) {
    const place = i % 10
    const body = place < 3 ? Effect.fail(`no ${i}`) : place === 3 ? Effect.never : Effect.succeed(i)
    const inputs = i % 2 === 0 && place > 3 ? [before] : []
    const task: Task.Task<number, unknown> = Task.make(inputs, () => body, { label: `t${place}` })
    if (place > 3) before = task
    if (i % 50 < 10) {
      yield* Client.fireAndForget(i % 50 < 5 ? retried(body) : task, { group: place === 3 ? "endless" : "others" })
      continue
    }
    const future = yield* Client.submit(i % 50 > 44 ? retried(body) : task)
    if (place === 3) yield* Future.cancel(future, { wait: i % 20 === 3 })
    else futures.push(future)
  }
  // They hold slots that the others need.
  yield* Client.cancelGroup("endless")
  yield* Future.awaitAll(futures)
})).pipe(Effect.provideService(References.MinimumLogLevel, "None"))

/** Megabytes in use when everything that can go is gone. */
const heap = Effect.promise(async () => {
  for (let i = 0; i < 5; i++) {
    globalThis.gc!()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed / megabyte
})

const program = Effect.gen(function*() {
  yield* Effect.repeat(round, { times: 9 })
  const before = yield* heap
  yield* Effect.repeat(round, { times: Math.ceil(tasks / batch) - 1 })
  yield* Leftovers.assertNone
  const after = yield* heap
  yield* Console.log(`${tasks} tasks: ${before.toFixed(2)} MB before, ${after.toFixed(2)} MB after, every table empty`)
  if (after - before > 5) return yield* Effect.fail(`${(after - before).toFixed(2)} MB are left`)
}).pipe(Effect.provide(Skein.layer({ concurrency: 8 })))

await Effect.runPromise(program)
