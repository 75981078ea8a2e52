/** A function whose body submits tasks. */
import { Effect } from "effect"
import { threadId } from "node:worker_threads"
import { Client, Portable, Task } from "../../../src/index.ts"
import type * as functions from "./work.ts"

const work = Portable.module<typeof functions>()(new URL("./work.ts", import.meta.url))

/** Waits for a function of its own thread, and for a named task of any. */
export const nested = (
  n: number
): Effect.Effect<{ readonly isHere: boolean; readonly twice: number }, never, Client.Client> =>
  Client.compute([Task.sync(() => threadId), work.tasks.double(n)]).pipe(
    Effect.map(([where, twice]) => ({ isHere: where === threadId, twice })),
    Effect.orDie
  )

/** Waits for a function with a time limit. */
export const limited = (): Effect.Effect<string, never, Client.Client> =>
  Client.compute(Task.make(Effect.never, { timeout: "1 minute" })).pipe(
    Effect.catchTag("TaskTimeout", () => Effect.succeed("late")),
    Effect.orDie
  )
