/**
 * What a body says it misses: which of its dependencies are meant.
 *
 * @internal
 */
import { keyAt } from "../engine/Submission.ts"
import type { Place } from "../engine/Submission.ts"
import { brief } from "./brief.ts"
import { isKnownAt, taskAt } from "./livePlan.ts"
import { isFuture, isTask } from "./task.ts"
import type { Handle } from "./task.ts"
import { cutList, quote } from "./text.ts"

/** The places among the dependencies of a task that are meant, or why there is none. */
export const placesOf = (
  missed: ReadonlyArray<unknown>,
  handles: ReadonlyArray<Handle>,
  key: string,
  dependencies: ReadonlyArray<Place | undefined>
): ReadonlyArray<number> | TypeError => {
  // A key names all that have it: dependencies from other graphs may have that of one of the own graph.
  const places = missed.map((each) =>
    dependencies.flatMap((place, i) => handles[i] === each || (place !== undefined && isMeant(each, place)) ? [i] : [])
  )
  const stranger = places.findIndex((found) => found.length === 0)
  if (stranger < 0) return eachOnce(places.flat(), dependencies)
  const own = new Set(
    dependencies.flatMap((place) => place === undefined ? [] : [quote(keyAt(place.submission, place.index))])
  )
  const known = own.size === 0 ? "it has none" : `it has ${cutList([...own], (key) => key)}`
  return new TypeError(
    `Task ${quote(key)} named ${nameOf(missed[stranger])} in Task.dependenciesLost, which is none of its direct ` +
      `dependencies: ${known}. Let the task that depends on it report it, or depend on it.`
  )
}

/** One place for each task: it may stand in the inputs twice. */
const eachOnce = (
  places: ReadonlyArray<number>,
  dependencies: ReadonlyArray<Place | undefined>
): ReadonlyArray<number> => {
  const byTask = new Map<number, number>()
  for (const place of places) {
    const at = dependencies[place]
    // Numbers of tasks begin at 1.
    const task = at === undefined ? -place : at.submission.sequence + at.index
    if (!byTask.has(task)) byTask.set(task, place)
  }
  return [...byTask.values()]
}

/** Whether this is the task at that place, a future of it, or its key. */
const isMeant = (named: unknown, place: Place): boolean => {
  const { index, submission } = place
  if (isFuture(named)) return named.submission === submission && named.index === index
  return isTask(named) ? isKnownAt(place) && taskAt(place) === named : keyAt(submission, index) === named
}

const nameOf = (named: unknown): string =>
  isFuture(named)
    ? quote(named.key)
    : isTask(named)
    ? `a task (${named.options.key ?? "without a key"})`
    : brief(named)
