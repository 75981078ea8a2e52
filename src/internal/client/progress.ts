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
 * The tasks of one label. Tasks without a label have the name of the stream that submitted them, or else "task".
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Group extends Counts {
  readonly name: string
  /** The name of the streams that submitted all of these tasks, if they have one name. */
  readonly stream: string | undefined
  /** Whether a stream may add tasks, so that the total grows. */
  readonly isOpen: boolean
}

export type Kind = Exclude<keyof Counts, "total">

export const kinds: Readonly<Record<NonNullable<TaskEvent["from"]>, Kind>> = {
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

interface Members {
  readonly counts: Mutable
  /** The names of the streams that have submitted some, and `undefined` if others have too. */
  readonly streams: Set<string | undefined>
}

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
  private readonly groups = new Map<string, Members>()
  /** Serials of counted tasks that have not ended. A task is counted at its first event. */
  private readonly live = new Set<number>()

  /** Counts one event. Returns whether that changed the counts. */
  add({ from, label, serial, stream, to }: TaskEvent): boolean {
    if (to === "released" || (to === "releasing" && from === "succeeded")) return false
    const kind = kinds[to]
    const before = from !== undefined && this.live.has(serial) ? kinds[from] : undefined
    if (before === kind) return false
    if (hasEnded(kind)) this.live.delete(serial)
    else if (before === undefined) this.live.add(serial)
    move(this.all, before, kind)
    const { counts, streams } = this.groupOf(label ?? stream ?? "task")
    move(counts, before, kind)
    if (before === undefined) streams.add(stream)
    return true
  }

  /** Streams of these names may add tasks. */
  read(open: ReadonlySet<string>): Counts & { readonly groups: ReadonlyArray<Group> } {
    const groups = Array.from(this.groups, ([name, { counts, streams }]): Group => ({
      name,
      ...counts,
      stream: streams.size === 1 ? streams.values().next().value : undefined,
      isOpen: [...streams].some((stream) => stream !== undefined && open.has(stream))
    }))
    return { groups, ...this.all }
  }

  private groupOf(name: string): Members {
    let group = this.groups.get(name)
    if (group === undefined) this.groups.set(name, group = { counts: zero(), streams: new Set() })
    return group
  }
}

const move = (counts: Mutable, from: Kind | undefined, to: Kind): void => {
  if (from === undefined) counts.total++
  else counts[from]--
  counts[to]++
}
