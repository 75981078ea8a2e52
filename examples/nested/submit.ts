/** Tasks from tasks, the third idiom: the body submits children, does its own share meanwhile, and joins them later. */
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import type { SkeinError, SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Words from "./words.ts"

/** Counts the words of a text: hands one half after the other to children until the rest is short, and counts that itself. */
export const count = (text: string): Task.Task<Words.Counts, SubmitError | SkeinError, Client.Client> =>
  Task.make(
    Effect.gen(function*() {
      const children: Array<Future.Future<Words.Counts, SubmitError | SkeinError>> = []
      let rest = text
      for (let halves = Words.halves(rest); halves !== undefined; halves = Words.halves(rest)) {
        children.push(yield* Client.submit(count(halves[0])))
        rest = halves[1]
      }
      let counts = Words.count(rest)
      for (const child of children) counts = Words.add(counts, yield* Future.join(child))
      return counts
    }),
    { label: "count" }
  )
