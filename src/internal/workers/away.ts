/**
 * Results that stay with their workers, as the side of the scheduler knows them.
 *
 * @internal
 */
import type { WorkerId } from "../../engine/protocol/ids.ts"

/** A worker, as far as others fetch results from it. */
export interface Holder {
  readonly serial: WorkerId
  readonly isLost: boolean
  /** Asks for a result. The answer is the report `fetched` or `missing`; none comes from a worker that is lost first. */
  fetch(request: number, result: number): void
}

/** Stands for a result that only its holder has. */
export class Away {
  readonly holder: Holder
  /** The number of the result at its holder. It is never used again, so an old result is never taken for a new one. */
  readonly result: number

  constructor(holder: Holder, result: number) {
    this.holder = holder
    this.result = result
  }
}

/** A result that was fetched. */
export interface Found {
  readonly value: unknown
}

/** Where results are fetched. `answered` gets none if the holder is lost, or does not have the result. */
export interface Fetching {
  readonly fetch: (from: Away, answered: (found: Found | undefined) => void) => void
}
