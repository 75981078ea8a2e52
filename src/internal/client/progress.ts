/**
 * Counts tasks by label and phase, from the events of a scheduler.
 *
 * @internal
 */
import type { Counts, Group } from "../../Progress.ts"
import type { TaskEvent } from "../../Scheduler.ts"

type Kind = Exclude<keyof Counts, "total">

const kinds: Readonly<Record<NonNullable<TaskEvent["from"]>, Kind>> = {
  waiting: "waiting",
  ready: "waiting",
  assigned: "waiting",
  running: "running",
  seceded: "running",
  rejoining: "running",
  stopping: "running",
  // Of one that was asked to stop: a result that is released has been counted.
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
  /** Serials of tasks that were counted and have not ended: one that is met in the middle of its life is counted then. */
  private readonly live = new Set<number>()

  /** Counts one event; says whether that made a difference. */
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
