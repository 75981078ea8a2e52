/**
 * Counts tasks by label and phase, from the events of a scheduler.
 *
 * @internal
 */
import type { TaskEvent } from "../views/events.ts"

/**
 * The number of tasks in each state. Each task is counted once; `total` is the sum of the other fields.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Counts {
  /** Not started: tasks that wait for dependencies, for a slot or for another attempt. */
  readonly waiting: number
  /** Started and not ended, those that wait in their bodies included. */
  readonly running: number
  readonly succeeded: number
  /** Failed by themselves. */
  readonly failed: number
  /** Never started, because of a task upstream that failed. */
  readonly upstreamFailed: number
  readonly cancelled: number
  /** Skipped by their body, by a rule, or because a dependency was skipped. */
  readonly skipped: number
  readonly total: number
}

/**
 * The tasks of one label.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Group extends Counts {
  readonly name: string
}

type Kind = Exclude<keyof Counts, "total">

const kinds: Readonly<Record<NonNullable<TaskEvent["from"]>, Kind>> = {
  waiting: "waiting",
  ready: "waiting",
  assigned: "waiting",
  running: "running",
  seceded: "running",
  rejoining: "running",
  stopping: "running",
  // Of a task that was asked to stop: a released result has already been counted.
  releasing: "running",
  succeeded: "succeeded",
  failed: "failed",
  upstreamFailed: "upstreamFailed",
  cancelled: "cancelled",
  skipped: "skipped"
}

type Mutable = { -readonly [K in keyof Counts]: number }

const zero = (): Mutable => ({
  waiting: 0,
  running: 0,
  succeeded: 0,
  failed: 0,
  upstreamFailed: 0,
  cancelled: 0,
  skipped: 0,
  total: 0
})

const hasEnded = (kind: Kind): boolean => kind !== "waiting" && kind !== "running"

export class Counter {
  private readonly all = zero()
  private readonly groups = new Map<string, Mutable>()
  /** Serials of counted tasks that have not ended. A task is counted at its first event. */
  private readonly live = new Set<number>()

  /** Counts one event. Returns whether that changed the counts. */
  add({ from, label = "task", serial, to }: TaskEvent): boolean {
    if (to === "released" || (to === "releasing" && from === "succeeded")) return false
    const kind = kinds[to]
    const before = from !== undefined && this.live.has(serial) ? kinds[from] : undefined
    if (before === kind) return false
    if (hasEnded(kind)) this.live.delete(serial)
    else if (before === undefined) this.live.add(serial)
    move(this.all, before, kind)
    move(this.groupOf(label), before, kind)
    return true
  }

  read(): Counts & { readonly groups: ReadonlyArray<Group> } {
    return { groups: Array.from(this.groups, ([name, counts]) => ({ name, ...counts })), ...this.all }
  }

  private groupOf(label: string): Mutable {
    let group = this.groups.get(label)
    if (group === undefined) this.groups.set(label, group = zero())
    return group
  }
}

const move = (counts: Mutable, from: Kind | undefined, to: Kind): void => {
  if (from === undefined) counts.total++
  else counts[from]--
  counts[to]++
}
