/**
 * What lies between a scheduler and its workers. Inside a process nothing does: workers are fiber workers, and messages arrive
 * in the call that sends them. A simulation puts itself there: it wraps the port of each worker, and chooses when the pump
 * runs, when a message arrives and what a body does.
 *
 * @internal
 */
import * as Context from "effect/Context"
import { turn } from "../settings/turn.ts"
import { FiberWorker } from "./fiberWorker.ts"
import type { Setup, Traits, WorkerPort } from "./port.ts"

export interface Wire {
  /** How many instructions the pump carries out before others have a turn. */
  readonly instructions: number
  /** Makes the port of a worker that joins. */
  readonly worker: (setup: Setup) => WorkerPort
  /** The traits of the workers of a pool, by its name. Defaults to those of fiber workers. */
  readonly traitsOfPool?: (name: string) => Traits
  /** All parts of the scheduler are there. */
  readonly opened: () => void
  /** An event has been applied, and its transitions were delivered. */
  readonly applied?: () => void
  /** Runs the pump soon. */
  readonly defer: (pump: () => void) => void
  /** Does what must not overtake messages that were sent before: a body that stops must not go on after its wait. */
  readonly afterMessages: (f: () => void) => void
}

const nothing = (): void => {}

export const direct: Wire = {
  get instructions() {
    return turn.instructions
  },
  worker: (setup) => new FiberWorker(setup),
  opened: nothing,
  // At the end of the present turn.
  defer: (pump) => queueMicrotask(pump),
  afterMessages: (f) => f()
}

/** Gives each scheduler its wire. */
export type Wiring<Scheduler = any> = (scheduler: Scheduler) => Wire

export const Wiring = Context.Reference<Wiring>("skein/internal/Wiring", { defaultValue: () => () => direct })
