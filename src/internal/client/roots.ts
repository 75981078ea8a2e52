/**
 * Root failures of a stream, of which one may have ended many items.
 *
 * @internal
 */
import type * as Cause from "effect/Cause"
import type { Rooted } from "../tasks/task.ts"

/** The most root failures of one stream that are kept. */
const most = 1000

export class Roots {
  /** By origin: the first item that each of them ended. */
  private readonly byOrigin = new Map<object, { readonly index: number; readonly cause: Cause.Cause<unknown> }>()

  get isEmpty(): boolean {
    return this.byOrigin.size === 0
  }

  add([origin, cause]: Rooted, index: number): void {
    if (this.byOrigin.size === most) return
    const former = this.byOrigin.get(origin)
    if (former === undefined || former.index > index) this.byOrigin.set(origin, { index, cause })
  }

  /** The reasons of all, in the order of the items. */
  get reasons(): ReadonlyArray<Cause.Reason<unknown>> {
    const roots = Array.from(this.byOrigin.values()).toSorted((a, b) => a.index - b.index)
    return roots.flatMap(({ cause }) => cause.reasons)
  }
}
