/** A wire whose workers are behind cloning ports: messages arrive some microtasks later, in order for each worker and direction. */
import { FiberWorker } from "../../src/internal/workers/fiberWorker.ts"
import type { WorkerPort } from "../../src/internal/workers/port.ts"
import { direct, type Wire } from "../../src/internal/workers/wire.ts"
import type { Carried, Carrier } from "../../src/testing/internal/carriedPort.ts"
import { hash } from "../../src/testing/internal/hash.ts"
import { Chance } from "../chance.ts"
import { CloningPort, type Far, type Mode } from "./cloningPort.ts"

class Lanes implements Carrier {
  private readonly down = new Map<WorkerPort, Array<() => void>>()
  private readonly up = new Map<WorkerPort, Array<() => void>>()
  /** Draws for each worker from a seed of its own, so that a test alone sees the delays that it sees among others. */
  private readonly chances = new WeakMap<WorkerPort, Chance>()
  private readonly seed: number
  private readonly chance: Chance

  constructor(seed: number) {
    this.seed = seed
    this.chance = new Chance(seed)
  }

  below(below: number): number {
    return this.chance.below(below)
  }

  readonly isStopping = (): boolean => false

  private hops(worker: WorkerPort): number {
    let chance = this.chances.get(worker)
    if (chance === undefined) this.chances.set(worker, chance = new Chance(hash(worker.name, this.seed)))
    return 1 + chance.below(4)
  }

  carry({ _tag, worker }: Carried, deliver: () => void): void {
    const lanes = _tag === "Ended" || _tag === "Finalized" ? this.up : this.down
    const lane = lanes.get(worker)
    if (lane !== undefined) {
      lane.push(deliver)
      return
    }
    const queue = [deliver]
    lanes.set(worker, queue)
    const next = (): void => {
      const first = queue.shift()
      if (first === undefined) {
        lanes.delete(worker)
        return
      }
      first()
      later(this.hops(worker), next)
    }
    later(this.hops(worker), next)
  }

  afterMessages(f: () => void): void {
    let ahead = this.down.size
    if (ahead === 0) return f()
    for (const lane of this.down.values()) {
      lane.push(() => {
        if (--ahead === 0) f()
      })
    }
  }
}

const later = (hops: number, f: () => void): void => queueMicrotask(hops <= 1 ? f : () => later(hops - 1, f))

export const clonedWire = (
  mode: Mode,
  seed: number,
  farOf: (worker: string) => Far | undefined = () => undefined
): Omit<Wire, "instructions"> => {
  const lanes = new Lanes(seed)
  return {
    // Not `instructions`, which is read anew each time.
    opened: direct.opened,
    defer: direct.defer,
    worker: (setup) => new CloningPort(setup, (far) => new FiberWorker(far), lanes, mode, farOf(setup.name)),
    traitsOfPool: (name) => {
      const { ahead = 0, handsOver = false, kind = "local" } = farOf(name) ?? {}
      return { kind, ahead, handsOver }
    },
    afterMessages: (f) => lanes.afterMessages(f)
  }
}
