/**
 * What a body elsewhere asks for when it submits a named task.
 *
 * @internal
 */
import type { RegionData } from "../remote/regions.ts"
import type { Travelling } from "../tasks/travelling.ts"

export interface Wanted {
  readonly name: string
  /** As the codec of the name has encoded it. */
  readonly payload: unknown
  /** The body keeps its slot meanwhile. */
  readonly keepsSlot: boolean
  readonly options: Travelling | undefined
  /** The options of the region in which it was submitted, if that is not the region of the body. */
  readonly region: RegionData | undefined
}
