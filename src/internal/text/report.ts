/**
 * Reports of computations with `mode: "collect"`: values, root failures, and the tasks that these held up.
 *
 * @internal
 */
import type * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { infoOf, isFirst, isTaskSkipped, pathBehind, prettyCause } from "./fact.ts"
import { errorOf, isFailure } from "./rendering.ts"
import { cutList, quote } from "./text.ts"

/** See `SkeinError.Failure`. */
export interface Failure<E> {
  readonly root: string
  readonly name: string | undefined
  readonly cause: Cause.Cause<E>
  readonly heldUp: ReadonlyArray<string>
}

export interface Report {
  readonly exits: ReadonlyArray<readonly [name: string, exit: Exit.Exit<unknown, unknown>]>
  readonly values: unknown
  readonly failures: ReadonlyArray<Failure<unknown>>
  readonly skipped: ReadonlyArray<string>
}

type Exits = Readonly<Record<string, Exit.Exit<unknown, unknown>>> | ReadonlyArray<Exit.Exit<unknown, unknown>>

export const report = (exits: Exits): Report => {
  const entries = Object.entries(exits)
  const skipped: Array<string> = []
  const found = new Map<string, Found>()
  for (const [name, exit] of entries) {
    if (Exit.isSuccess(exit)) continue
    const { cause } = exit
    if (isSkip(cause)) {
      skipped.push(name)
      continue
    }
    const info = infoOf(cause)
    const root = info?.root ?? name
    // Two graphs may have tasks of one key.
    const identity = `${(info && pathBehind(info))?.rootGraph ?? ""} ${root}`
    const present = found.get(identity)
    const failure = present ?? { root, own: undefined, first: { name, cause }, heldUp: [] }
    if (present === undefined) found.set(identity, failure)
    // A task that failed by itself has no path behind it.
    if (info === undefined || isFirst(info)) failure.own ??= { name, cause }
    else failure.heldUp.push(name)
  }
  return {
    exits: entries,
    values: Array.isArray(exits)
      ? exits.map((exit: Exit.Exit<unknown, unknown>) => Exit.isSuccess(exit) ? exit.value : undefined)
      : Object.fromEntries(entries.flatMap(([name, exit]) => Exit.isSuccess(exit) ? [[name, exit.value]] : [])),
    failures: Array.from(found.values(), ({ first, heldUp, own, root }) => ({
      root,
      name: own?.name,
      cause: (own ?? first).cause,
      heldUp
    })),
    skipped
  }
}

interface Found {
  readonly root: string
  own: Named | undefined
  readonly first: Named
  readonly heldUp: Array<string>
}

interface Named {
  readonly name: string
  readonly cause: Cause.Cause<unknown>
}

const isSkip = ({ reasons }: Cause.Cause<unknown>): boolean => {
  const failures = reasons.filter(isFailure).map(errorOf)
  return failures.length > 0 && failures.every(isTaskSkipped)
}

/** See `SkeinError.prettyReport`. */
export const prettyReport = ({ exits, failures, skipped }: Report): string => {
  const heldUp = failures.reduce((sum, { heldUp }) => sum + heldUp.length, 0)
  const failed = failures.filter(({ name }) => name !== undefined).length
  const succeeded = exits.length - failed - heldUp - skipped.length
  const counts = [
    [succeeded, "succeeded"],
    [failed, "failed"],
    [heldUp, "upstream failed"],
    [skipped.length, "skipped"]
  ] as const
  const head = counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`).join(", ")
  return [head === "" ? "nothing was asked for" : head, ...failures.map(failureText)].join("\n\n")
}

const failureText = ({ cause, heldUp }: Failure<unknown>): string =>
  heldUp.length === 0
    ? prettyCause(cause)
    : `${prettyCause(cause)}\n    held up: ${cutList(heldUp, quote)}`
