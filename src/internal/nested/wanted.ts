/**
 * What a body elsewhere asks for when it submits a named task.
 *
 * @internal
 */
export interface Wanted {
  readonly name: string
  /** As the codec of the name has encoded it. */
  readonly payload: unknown
  /** The body keeps its slot meanwhile. */
  readonly keepsSlot: boolean
}
