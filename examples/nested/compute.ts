/** Tasks from tasks, the second idiom: the body computes a graph, waits for its values, and goes on with them. */
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import type { SkeinError, SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Words from "./words.ts"

/** Counts the words of a text: short ones in one go, long ones as the sum of their halves. */
export const count = (text: string): Task.Task<Words.Counts, SubmitError | SkeinError, Client.Client> =>
  Task.make(
    Effect.gen(function*() {
      const halves = Words.halves(text)
      if (halves === undefined) return Words.count(text)
      const [left, right] = halves
      const counts = yield* Client.compute([count(left), count(right)])
      return Words.add(...counts)
    }),
    { label: "count" }
  )
