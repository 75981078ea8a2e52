/**
 * The portable tasks of a plan: where what has their names can run, and why one cannot start.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import type { SubmitReason } from "../../SkeinError.ts"
import type { Ambient } from "../bodies/livePlan.ts"
import { shown } from "../portable/named.ts"
import type { Named, Place } from "../portable/named.ts"
import { nameOf } from "../tasks/keys.ts"
import type { TaskImpl } from "../tasks/task.ts"
import { untravelled } from "../tasks/travelling.ts"
import { CannotTravel, InvalidPayload, UnknownFunction } from "../text/reasons.ts"

/** Looks up where tasks of a name can run: once for tasks of one name in a row, which most are. */
export type Placing = (named: Named, context: Context.Context<never>) => Place

export const placing = (): Placing => {
  let last: Named | undefined
  let within: Context.Context<never> | undefined
  let place: Place = "here"
  return (named, context) => {
    if (named === last && context === within) return place
    place = named.placeIn(context)
    last = named
    within = context
    return place
  }
}

/** The entries of a plan that say which tasks are portable, if any is. */
export const portableIn = (
  nodes: ReadonlyArray<TaskImpl>,
  ambientOf: (index: number) => Ambient
): Int32Array | undefined => nodes.some(({ isPortable }) => isPortable) ? entriesOf(nodes, ambientOf) : undefined

/** A loop: `Int32Array.from` goes through an iterator, and costs as much as all the rest of a task's compilation. */
const entriesOf = (nodes: ReadonlyArray<TaskImpl>, ambientOf: (index: number) => Ambient): Int32Array => {
  const placeOf = placing()
  const entries = new Int32Array(nodes.length)
  for (let index = 0; index < nodes.length; index++) {
    const { named } = nodes[index]!
    if (named !== undefined) entries[index] = entryOf(named, placeOf(named, ambientOf(index).context))
  }
  return entries
}

/** The number of a name; below 0 if no handler is here. */
export const entryOf = ({ number }: Named, place: Place): number => place === "elsewhere" ? -number : number

/** Why a portable task cannot start: nothing runs what has its name, or its payload, known as a whole, is none. */
export const portableFault = (task: TaskImpl, { codec, name }: Named, place: Place): SubmitReason | undefined => {
  if (typeof place === "object") {
    return new UnknownFunction({ key: nameOf(task), name: shown(name), known: place.known.map(shown) })
  }
  const stays = place === "asked" ? untravelled(task.options) : undefined
  if (stays !== undefined) return new CannotTravel({ key: nameOf(task), ...stays })
  if (task.shape !== "none") return undefined
  const why = codec.payload.check(task.inputs)
  return why === undefined ? undefined : new InvalidPayload({ key: nameOf(task), name: shown(name), why })
}
