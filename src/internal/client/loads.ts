/**
 * What each worker does and how busy it is, from the events of a scheduler.
 *
 * @internal
 */
import type { TaskEvent } from "../views/events.ts"
import type { Stats } from "./scheduler.ts"

/**
 * What a worker has done since the subscription, and what it does now.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface WorkerLoad {
  readonly id: string
  /** How many bodies may run there at once. */
  readonly slots: number
  /** The tasks whose bodies hold its slots, in the order in which they took them. */
  readonly running: ReadonlyArray<{ readonly key: string; readonly label: string | undefined }>
  /** How many tasks have ended there. */
  readonly ended: number
  /** The time in which its slots were taken, added up over the slots. A slot whose body is only waiting for a timer is taken too. */
  readonly busyMillis: number
}

interface Load {
  ended: number
  busyMillis: number
  /** The number of slots that are taken, and the time since which it is that. */
  taken: number
  since: number
}

/** A body that has begun. */
interface Body {
  readonly key: string
  readonly label: string | undefined
  readonly load: Load
  /** It gives its slot away while it waits for other tasks. */
  holdsSlot: boolean
}

export class Loads {
  private readonly now: () => number
  private readonly loads = new Map<string, Load>()
  /** The bodies that have begun and not ended, by the serial of their task. */
  private readonly bodies = new Map<number, Body>()

  constructor(now: () => number) {
    this.now = now
  }

  /** Takes note of one event. */
  add({ from, key, label, serial, to, worker }: TaskEvent): void {
    if (to === "running") {
      let body = this.bodies.get(serial)
      if (body === undefined) {
        this.bodies.set(serial, body = { key, label, load: this.loadOf(worker!), holdsSlot: false })
      }
      return this.hold(body, true)
    }
    // Finalizers hold the slot of their body.
    if (to === "rejoining" || to === "stopping" || !hasBegun(from)) return
    const body = this.bodies.get(serial)
    if (body === undefined) return
    this.hold(body, false)
    if (to === "seceded") return
    this.bodies.delete(serial)
    if (to !== "waiting") body.load.ended++
  }

  /** The loads of these workers, by id. The loads of workers that have left are dropped. */
  read(workers: Stats["workers"]): ReadonlyArray<WorkerLoad> {
    const now = this.now()
    const ids = new Set(workers.map(({ id }) => id))
    for (const id of this.loads.keys()) if (!ids.has(id)) this.loads.delete(id)
    const holders = Array.from(this.bodies.values()).filter(({ holdsSlot }) => holdsSlot)
    const bodies = Map.groupBy(holders, ({ load }) => load)
    return workers.toSorted((a, b) => order.compare(a.id, b.id)).map(({ id, slots }) => {
      const load = this.loadOf(id)
      settle(load, now)
      const running = (bodies.get(load) ?? []).map(({ key, label }) => ({ key, label }))
      return { id, slots, running, ended: load.ended, busyMillis: load.busyMillis }
    })
  }

  private hold(body: Body, holdsSlot: boolean): void {
    if (body.holdsSlot === holdsSlot) return
    body.holdsSlot = holdsSlot
    settle(body.load, this.now())
    body.load.taken += holdsSlot ? 1 : -1
  }

  private loadOf(worker: string): Load {
    let load = this.loads.get(worker)
    if (load === undefined) this.loads.set(worker, load = { ended: 0, busyMillis: 0, taken: 0, since: 0 })
    return load
  }
}

/** `core-2` before `core-10`: workers are listed in the order in which they have started. */
const order = new Intl.Collator("en", { numeric: true })

const hasBegun = (from: TaskEvent["from"]): boolean =>
  from === "running" || from === "seceded" || from === "rejoining" || from === "stopping"

const settle = (load: Load, now: number): void => {
  load.busyMillis += load.taken * (now - load.since)
  load.since = now
}
