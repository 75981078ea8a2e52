/** Tasks from tasks, the first idiom: the body returns a graph. Nothing of it waits inside a body. */
import type { DependencyFailed, SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Words from "./words.ts"

/** Counts the words of a text: short ones in one go, long ones as the sum of their halves. */
export const count = (text: string): Task.Task<Words.Counts, SubmitError | DependencyFailed<SubmitError>> =>
  Task.flatMap(text, (text) => {
    const halves = Words.halves(text)
    if (halves === undefined) return Task.succeed(Words.count(text))
    const [left, right] = halves
    return Task.map([count(left), count(right)], ([left, right]) => Words.add(left, right), { label: "add" })
  }, { label: "count" })
