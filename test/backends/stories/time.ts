/** Retries, time limits and the clock of the submitter. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Task from "skein/Task"
import { causeOf, causeOfExit, errorOf, exitNow } from "../../support.ts"
import { work } from "../backends.ts"
import { heard, lines, pass } from "../stage.ts"
import { one } from "../story.ts"
import type { Stories } from "../story.ts"
import { Refused } from "../work.ts"

const { add, deaf, endless, failsAtFirst, now, place, waits } = work.tasks

export const time: Stories = {
  "T4: a body sleeps by the clock of its submitter": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(waits("a", 1000))
      yield* heard("a waits")
      yield* pass(999)
      assert.isUndefined(yield* exitNow(future))
      yield* pass(1)
      assert.strictEqual(yield* Future.join(future), "a")
    }),

  "T4: a body reads the clock of its submitter": () =>
    Effect.gen(function*() {
      const before = yield* Client.compute(now())
      yield* pass(5000)
      assert.strictEqual((yield* Client.compute(now())) - before, 5000)
    }),

  "F5: an attempt that failed is tried again, as its options say, and dependencies are not": () =>
    Effect.gen(function*() {
      const first = failsAtFirst("first", 0)
      const task = Task.withOptions(failsAtFirst("it", 2), { retry: { times: 3 }, after: first })
      assert.strictEqual(yield* Client.compute(task), 3)
      assert.deepStrictEqual(yield* lines, ["first 1", "it 1", "it 2", "it 3"])
    }),

  "F5: when no attempt is left, the last error is that of the task": () =>
    Effect.gen(function*() {
      const error = yield* errorOf(Client.compute(Task.withOptions(failsAtFirst("it", 9), { retry: { times: 2 } })))
      assert.instanceOf(error, Refused)
      assert.propertyVal(error, "own", 3)
    }),

  "F5: a schedule with a delay lets time pass between attempts": () =>
    Effect.gen(function*() {
      const retry = { times: 1, schedule: Schedule.spaced("1 second") }
      const future = yield* Client.submit(Task.withOptions(failsAtFirst("it", 1), { retry }))
      yield* heard("it 1")
      yield* pass(999)
      assert.deepStrictEqual(yield* lines, ["it 1"])
      yield* pass(1)
      assert.strictEqual(yield* Future.join(future), 2)
    }),

  "F6: a retry goes to a worker on which the task has not failed": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.withOptions(failsAtFirst("it", 1), { retry: { times: 1 } }))
      yield* Future.join(future)
      const { attempts } = yield* Future.metadata(future)
      assert.strictEqual(new Set(attempts.map(({ worker }) => worker)).size, 2)
    }),

  "C9: an attempt that takes too long is interrupted": () =>
    Effect.gen(function*() {
      const running = yield* Effect.forkChild(causeOf(
        Client.compute(Task.withOptions(endless("it"), { timeout: "1 second" }))
      ))
      yield* heard("it begins")
      yield* pass(1000)
      assert.include(Cause.pretty(yield* Fiber.join(running)), "TaskTimeout")
      assert.deepStrictEqual(yield* lines, ["it begins", "it: Failure"])
    }),

  "C9: the time of an attempt counts from its start, not from its submission": () =>
    Effect.gen(function*() {
      const first = yield* Client.submit(Task.withOptions(waits("first", 5000), one))
      const timed = yield* Client.submit(Task.withOptions(waits("timed", 500), { ...one, timeout: "1 second" }))
      yield* heard("first waits")
      yield* pass(5000)
      yield* Future.join(first)
      yield* heard("timed waits")
      yield* pass(500)
      assert.strictEqual(yield* Future.join(timed), "timed")
    }),

  "C9, F5: a timeout is a failure that a schedule sees": () =>
    Effect.gen(function*() {
      const task = Task.withOptions(endless("it"), { timeout: "1 second", retry: { times: 1 } })
      const running = yield* Effect.forkChild(causeOf(Client.compute(task)))
      yield* heard("it begins")
      yield* pass(1000)
      yield* heard("it begins", 2)
      yield* pass(1000)
      assert.include(Cause.pretty(yield* Fiber.join(running)), "TaskTimeout")
      assert.deepStrictEqual(yield* lines, ["it begins", "it: Failure", "it begins", "it: Failure"])
    }),

  "C9: a deadline counts from the submission, over all attempts": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.withOptions(endless("it"), { deadline: "2 seconds" }))
      yield* heard("it begins")
      yield* pass(2000)
      assert.include(Cause.pretty(causeOfExit(yield* Future.await(future))), "TaskTimeout")
    }),

  "D6: dependencyTimeout bounds the wait for the first start": () =>
    Effect.gen(function*() {
      const first = endless("first")
      const future = yield* Client.submit(first)
      const late = yield* Client.submit(add(Task.withOptions(first, {}), 1))
      const bounded = yield* Client.submit(
        Task.withOptions(add(1, 1), { after: future, dependencyTimeout: "1 second" })
      )
      yield* heard("first begins")
      yield* pass(1000)
      assert.include(Cause.pretty(causeOfExit(yield* Future.await(bounded))), "DependencyTimeout")
      yield* Future.cancel(late)
      yield* Future.cancel(future)
    }),

  "C7: a part that cannot be interrupted keeps its slot until it has ended, and then the timeout counts": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.withOptions(deaf("it", 3000), { ...one, timeout: "1 second" }))
      const next = yield* Client.submit(Task.withOptions(place(), one))
      yield* heard("it waits")
      yield* pass(1000)
      assert.isUndefined(yield* exitNow(next))
      yield* pass(2000)
      assert.include(Cause.pretty(causeOfExit(yield* Future.await(future))), "TaskTimeout")
      assert.strictEqual((yield* Future.join(next)).id, "pool-1")
    })
}
