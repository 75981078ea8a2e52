/**
 * The ports of a scheduler by the numbers of their workers.
 *
 * @internal
 */
import type { WorkerId } from "../../engine/protocol/ids.ts"
import type { WorkerPort } from "./port.ts"

/** The port of the worker with this number. A worker whose row belongs to another is lost, or has left: it is told nothing. */
export const numbered = (workers: ReadonlyArray<WorkerPort>, serial: WorkerId): WorkerPort | undefined =>
  workers.find((worker) => worker.serial === serial)
