/** How far back it is remembered what results were made of. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import { DependenciesGone, SubmitError, WorkerKilled } from "skein/SkeinError"
import * as Task from "skein/Task"
import { Faults } from "skein/testing"
import * as Worker from "skein/Worker"
import type { Engine } from "../src/engine/protocol/Engine.ts"
import { open } from "../src/engine/state/State.ts"
import { implOf, isFuture, isTask } from "../src/internal/tasks/task.ts"
import { inScheduler } from "./harness.ts"
import { reasonOf } from "./support.ts"

const lineage = 3

/** Two workers that remember little. */
const forgetful = inScheduler({
  workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }],
  limits: { lineage }
})

/** x0 -> x1 -> ... each submitted when the one before has ended, which is released then. */
const chain = (length: number) =>
  Effect.gen(function*() {
    let last = yield* Client.submit(Task.make(Effect.succeed(0), { key: "x0" }))
    yield* Future.join(last)
    const former = [last]
    for (let i = 1; i < length; i++) {
      const next: typeof last = yield* Client.submit(Task.map(last, (n) => n + 1, { key: `x${i}` }))
      yield* Future.join(next)
      yield* Future.release(last)
      last = next
      former.push(next)
    }
    return { former, last }
  })

/** How many objects can be reached from a value that are instances of `type`. */
const reachable = (from: unknown, isMeant: (value: unknown) => boolean): number => {
  const seen = new Set<unknown>()
  const stack: Array<unknown> = [from]
  let found = 0
  while (stack.length > 0) {
    const value = open(stack.pop() as Engine) as unknown
    if (typeof value !== "object" || value === null || seen.has(value)) continue
    seen.add(value)
    if (isMeant(value)) found++
    if (ArrayBuffer.isView(value)) continue
    if (value instanceof Map) stack.push(...value.keys(), ...value.values())
    else if (value instanceof Set) stack.push(...value)
    else stack.push(...Object.values(value))
  }
  return found
}

describe("lineage", () => {
  it.effect("M3: a chain of submissions that goes on for ever keeps no more of them than twice `limits.lineage` and one", () =>
    forgetful(Effect.gen(function*() {
      const { last } = yield* chain(100)
      assert.strictEqual(yield* Future.join(last), 99)
      const { submission } = implOf(last)
      assert.isAtMost(reachable(submission, isTask), 2 * lineage + 1)
      // Each task has the future of the one before.
      assert.isAtMost(reachable(submission, isFuture), 2 * lineage + 1)
    })))

  it.effect("M3: a result that is made of something further back is lost for good, and says what to do", () =>
    forgetful(Effect.gen(function*() {
      const { last } = yield* chain(lineage + 2)
      yield* Faults.loseWorker("a")
      const error = yield* reasonOf(Future.join(last))
      assert.instanceOf(error, WorkerKilled)
      assert.deepInclude(error, { key: "x0", why: "forgotten" })
      assert.strictEqual(
        error.message,
        "A result was lost with its worker that was made of what task \"x0\" had made, which is released and further back than " +
          "Skein.layer's limits.lineage submissions. Allow more, keep what is made often, and submit it anew."
      )
    })))

  it.effect("M3: as far back as that it is made anew", () =>
    forgetful(Effect.gen(function*() {
      const { last } = yield* chain(lineage + 1)
      yield* Faults.loseWorker("a")
      assert.strictEqual(yield* Future.join(last), lineage)
    })))

  it.effect("M3: that is counted from the newest that goes back to it, also for an early one that is held", () =>
    forgetful(Effect.gen(function*() {
      const first = yield* Client.submit(Task.make(Effect.succeed(0), { key: "x0" }))
      yield* Future.join(first)
      const early = yield* Client.submit(Task.map(first, (n) => n + 1, { key: "early" }))
      let last = yield* Client.submit(Task.map(first, (n) => n + 1, { key: "x1" }))
      yield* Future.join(early)
      yield* Future.release(first)
      for (let i = 2; i < 4 * lineage; i++) {
        const next: typeof last = yield* Client.submit(Task.map(last, (n) => n + 1, { key: `x${i}` }))
        yield* Future.join(next)
        yield* Future.release(last)
        last = next
      }
      yield* Faults.loseWorker("a")
      const error = yield* reasonOf(Future.join(early))
      assert.instanceOf(error, WorkerKilled)
      assert.deepInclude(error, { key: "x0", why: "forgotten" })
    })))

  it.effect("F7, M3: what a body misses and is made of something further back is not made anew", () =>
    forgetful(Effect.gen(function*() {
      const { last } = yield* chain(lineage + 1)
      const reader = yield* Client.submit(Task.make([last], () => Worker.dependenciesLost(last), { key: "reader" }))
      const error = yield* reasonOf(Future.join(reader))
      assert.instanceOf(error, DependenciesGone)
      assert.deepInclude(error, { keys: ["x0"], why: "forgotten" })
    })))

  it.effect("F11, M3: a retry that needs something further back is refused", () =>
    forgetful(Effect.gen(function*() {
      const { last } = yield* chain(2 * lineage)
      const failed = yield* Client.submit(Task.make([last], () => Effect.fail("no"), { key: "failed" }))
      yield* Future.await(failed)
      yield* Future.release(last)
      const refused = yield* Effect.flip(Client.retry(failed))
      assert.instanceOf(refused, SubmitError)
      assert.match(
        refused.message,
        /^The request cannot use task "x\d": it was released and is further back than limits.lineage submissions; submit/
      )
    })))

  it.effect("F13, M3: a body that failed further back is not run in the calling fiber", () =>
    forgetful(Effect.gen(function*() {
      let last: Future.Future<number, unknown> = yield* Client.submit(Task.make(Effect.fail("no"), { key: "x0" }))
      yield* Future.await(last)
      for (let i = 1; i < 4 * lineage; i++) {
        const next: typeof last = yield* Client.submit(Task.map(last, (n) => n + 1, { key: `x${i}` }))
        yield* Future.await(next)
        yield* Future.release(last)
        last = next
      }
      const refused = yield* Effect.flip(Future.rerunInline(last))
      assert.instanceOf(refused, SubmitError)
      assert.match(
        refused.message,
        /^The request cannot use task "x0": it was released and is further back than limits.lineage submissions; submit/
      )
    })))

  it.effect("V4, M3: the future of a task that is further back still tells its key, and which dependencies are known", () =>
    forgetful(Effect.gen(function*() {
      const { former } = yield* chain(4 * lineage)
      const { dependencies, key, status } = yield* Future.metadata(former[4]!)
      assert.deepStrictEqual([key, status, dependencies], ["x4", "released", []])
      assert.deepStrictEqual((yield* Future.metadata(former.at(-1)!)).dependencies, [former.at(-2)!.key])
    })))
})
