/**
 * Sealed results among the inputs of a task that goes elsewhere: their bytes travel beside the payload, and are opened where the
 * body runs.
 *
 * @internal
 */
import * as Exit from "effect/Exit"
import type { SkeinError } from "../../SkeinError.ts"
import { pathsOf } from "../tasks/inputs.ts"
import type { Path } from "../tasks/inputs.ts"
import type { TaskImpl } from "../tasks/task.ts"
import { exitOfResult, isSealed, openWith } from "../workers/sealed.ts"
import type { SealedData, Sealer } from "../workers/sealed.ts"

/** A sealed part of a payload. */
export interface SealedPart extends SealedData {
  /** Its place in the payload; empty if it is the whole. */
  readonly path: Path
}

/** Inputs without those that travel beside the payload. */
export interface Parted {
  readonly inputs: ReadonlyArray<unknown>
  readonly parts: ReadonlyArray<SealedPart>
}

/** Takes sealed inputs out, and opens those that have no place of their own in the payload. */
export const part = (task: TaskImpl, inputs: ReadonlyArray<unknown>): Exit.Exit<Parted, SkeinError> => {
  const paths = pathsOf(task)
  const parts: Array<SealedPart> = []
  const others = inputs.slice()
  for (const [i, input] of inputs.entries()) {
    // What it only runs after is no part of the payload.
    if (!isSealed(input) || i >= paths.length) continue
    const path = paths[i]
    const exit = path === undefined ? exitOfResult(input) : Exit.succeed(undefined)
    if (Exit.isFailure(exit)) return Exit.failCause(exit.cause)
    if (path !== undefined) parts.push({ path, ...input.data })
    others[i] = exit.value
  }
  return Exit.succeed({ inputs: others, parts })
}

/** The payload with its sealed parts opened, each in its place. */
export const joined = (
  payload: unknown,
  parts: ReadonlyArray<SealedPart>,
  sealer: Sealer
): Exit.Exit<unknown, SkeinError> => {
  let whole = payload
  for (const { path, ...data } of parts) {
    const exit = openWith(sealer, data)
    if (Exit.isFailure(exit)) return exit
    if (path.length === 0) whole = exit.value
    else {
      const holder = path.slice(0, -1).reduce<any>((at, key) => at[key], payload)
      holder[path.at(-1)!] = exit.value
    }
  }
  return Exit.succeed(whole)
}
