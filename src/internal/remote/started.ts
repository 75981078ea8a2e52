/**
 * The attempts that the far side has.
 *
 * @internal
 */
import type { FarAttempt } from "./farAttempt.ts"
import type { ContextData } from "./messages.ts"
import type { SealedPart } from "./sealedInputs.ts"

/** How far an attempt has come. */
export const Stage = { free: 0, inLine: 1, running: 2 } as const

/** What an attempt is, from its start on. */
export interface Started {
  readonly seat: number
  readonly name: number
  readonly number: number
  readonly serial: number
  readonly flags: number
  readonly payload: unknown
  /** The sealed parts of the payload. */
  sealed: Array<SealedPart> | undefined
  readonly key: string | undefined
  readonly context: ContextData | undefined
  stage: number
  began: number
  attempt: FarAttempt | undefined
}

/** The attempts by seat. */
export type StartedAt = Array<Started | undefined>
