/**
 * Resolves the dependencies that a body reports as lost.
 *
 * @internal
 */
import { keyAt } from "../../engine/protocol/Registered.ts"
import type { Place } from "../../engine/protocol/Registered.ts"
import { isBarrier, isFuture, isTask } from "../tasks/task.ts"
import type { Handle } from "../tasks/task.ts"
import { brief } from "../text/brief.ts"
import { cutList, quote } from "../text/text.ts"
import { isKnownAt, taskAt } from "./livePlan.ts"

/** The reported dependencies: indices among the dependencies of the task, and paths to tasks behind barriers. */
interface Missed {
  readonly places: ReadonlyArray<number>
  readonly behind: ReadonlyArray<ReadonlyArray<number>> | undefined
}

/** The reported tasks among the dependencies and behind barriers, or why there is none. */
export const missedBy = (
  missed: ReadonlyArray<unknown>,
  handles: ReadonlyArray<Handle>,
  key: string,
  dependencies: ReadonlyArray<Place | undefined>,
  before: (place: Place) => ReadonlyArray<Place>
): Missed | TypeError => {
  // A key means all dependencies that have it, because dependencies from other graphs may have the same key.
  const places = missed.map((each) =>
    dependencies.flatMap((place, i) => handles[i] === each || (place !== undefined && isMeant(each, place)) ? [i] : [])
  )
  const ways = missed.map((each, i) => places[i]!.length > 0 ? [] : waysTo(each, dependencies, before))
  const stranger = places.findIndex((found, i) => found.length === 0 && ways[i]!.length === 0)
  if (stranger < 0) {
    const behind = ways.flat()
    // The barriers wait for the tasks that run again, and so does the task.
    const all = eachOnce([...places.flat(), ...behind.map(([first]) => first!)], dependencies)
    return { places: all, behind: behind.length === 0 ? undefined : behind }
  }
  const own = new Set(
    dependencies.flatMap((place) => place === undefined ? [] : [quote(keyAt(place.submission, place.index))])
  )
  const known = own.size === 0 ? "it has none" : `it has ${cutList([...own], (key) => key)}`
  return new TypeError(
    `Task ${quote(key)} named ${nameOf(missed[stranger])} in Worker.dependenciesLost, which is none of its direct ` +
      `dependencies: ${known}. Let the task that depends on it report it, or depend on it.`
  )
}

/** The paths through barriers to the named tasks, and to the barriers on them. */
const waysTo = (
  named: unknown,
  dependencies: ReadonlyArray<Place | undefined>,
  before: (place: Place) => ReadonlyArray<Place>
): ReadonlyArray<ReadonlyArray<number>> => {
  const found: Array<ReadonlyArray<number>> = []
  const seen = new Set<string>()
  const open = dependencies.flatMap((place, i) => place === undefined ? [] : [{ place, way: [i] }])
  // Those that are added on the way are looked at in their turn.
  for (const { place, way } of open) {
    const name = `${place.submission.number} ${place.index}`
    if (seen.has(name) || !isKnownAt(place) || !isBarrier(taskAt(place))) continue
    seen.add(name)
    for (const [i, behind] of before(place).entries()) {
      open.push({ place: behind, way: [...way, i] })
      if (isMeant(named, behind)) {
        for (let length = 2; length <= way.length + 1; length++) found.push([...way, i].slice(0, length))
      }
    }
  }
  return found
}

/** One index for each task, which may be among the inputs twice. */
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

/** Whether this names the task there: the task, a future of it, or its key. */
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
