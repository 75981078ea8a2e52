/** Losses of workers. These stories are the last: replacements of threads and processes take their time. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Task from "skein/Task"
import { Faults } from "skein/testing"
import { causeOfExit } from "../../support.ts"
import { work } from "../backends.ts"
import { heard, pass } from "../stage.ts"
import type { Stories } from "../story.ts"

const { endless, waits } = work.tasks

export const losses: Stories = {
  "F8, W13: what a lost worker ran runs again on another": () =>
    Effect.gen(function*() {
      const options = { workers: ["pool-1", "pool-2"], locality: ({ id }: { id: string }) => id === "pool-1" ? 2 : 1 }
      const future = yield* Client.submit(Task.withOptions(waits("it", 1000), options))
      yield* heard("it waits")
      yield* Faults.loseWorker("pool-1")
      yield* heard("it waits", 2)
      yield* pass(1000)
      assert.strictEqual(yield* Future.join(future), "it")
      const { attempts } = yield* Future.metadata(future)
      assert.deepStrictEqual(attempts.map(({ worker }) => worker), ["pool-1", "pool-2"])
    }),

  "F18: what must not run twice ends with the loss of its worker": () =>
    Effect.gen(function*() {
      const options = { workers: ["pool-2"], idempotent: false }
      const future = yield* Client.submit(Task.withOptions(endless("it"), options))
      yield* heard("it begins")
      yield* Faults.loseWorker("pool-2")
      assert.include(Cause.pretty(causeOfExit(yield* Future.await(future))), "The worker was lost")
    })
}
