/**
 * Pauses of starts.
 *
 * @internal
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { PauseTarget } from "../../engine/protocol/Event.ts"
import { isPaused, knownGroups, knownTags } from "../../engine/views/snapshot.ts"
import { UnknownTarget } from "../../SkeinError.ts"
import type { SchedulerCore } from "../driver/schedulerCore.ts"
import { duration, invalidOption, name, optionsFault } from "../tasks/checks.ts"
import type { Checks } from "../tasks/checks.ts"
import { millisIn } from "../tasks/durations.ts"
import type { Mistake } from "../tasks/mistake.ts"

/**
 * Which tasks a pause stops from starting. Without fields, all of them.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface PauseOf {
  /** All tasks with this tag. A name that ends in `*` means each tag that begins like it. */
  readonly tag?: string | undefined
  /** All tasks of this group of `Client.fireAndForget`, and those of the graphs that they return. Not together with `tag`. */
  readonly group?: string | undefined
}

/**
 * Options of {@link pause}.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface PauseOptions extends PauseOf {
  /** After this time the pause ends by itself. Defaults to no end. */
  readonly for?: Duration.Input | undefined
}

/**
 * The error of a pause of a tag or a group that nothing has. A pause of everything has none.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type PauseError<O> = [Extract<keyof O, "tag" | "group">] extends [never] ? never : UnknownTarget

const ofPauses: Checks<PauseOptions> = { tag: name, group: name, for: duration }

const ofResumes: Checks<PauseOf> = { tag: ofPauses.tag, group: ofPauses.group }

const faultOf = (options: PauseOf, checks: Checks<PauseOf>): Mistake | undefined => {
  const fault = optionsFault(options, checks)
  if (fault !== undefined || options.tag === undefined || options.group === undefined) return fault
  return invalidOption("group", options.group, "no value beside tag: pause one after the other")
}

const targetOf = ({ group, tag }: PauseOf): PauseTarget =>
  tag !== undefined ? { tag } : group !== undefined ? { group } : {}

export const pause = (core: SchedulerCore, options: PauseOptions = {}): Effect.Effect<void, UnknownTarget> =>
  Effect.suspend(() => {
    const fault = faultOf(options, ofPauses)
    if (fault !== undefined) return Effect.die(fault)
    const unknown = unknownIn(core, options)
    if (unknown !== undefined) return Effect.fail(unknown)
    const forMillis = millisIn(options.for)
    core.mailbox.ask({ _tag: "StartsPaused", now: core.time.now(), of: targetOf(options), forMillis })
    return Effect.void
  })

const unknownIn = ({ state }: SchedulerCore, { group, tag }: PauseOf): UnknownTarget | undefined => {
  if (tag !== undefined) {
    const known = knownTags(state)
    const isKnown = known.has(tag) || [...known].some((each) => isLike(each, tag) || isLike(tag, each))
    return isKnown ? undefined : new UnknownTarget({ of: "tag", name: tag, known: [...known] })
  }
  if (group === undefined) return undefined
  const known = knownGroups(state)
  return known.has(group) ? undefined : new UnknownTarget({ of: "group", name: group, known: [...known] })
}

const isLike = (name: string, pattern: string): boolean =>
  pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1))

export const resume = (core: SchedulerCore, options: PauseOf = {}): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const fault = faultOf(options, ofResumes)
    if (fault !== undefined) return Effect.die(fault)
    const of = targetOf(options)
    const wasPaused = isPaused(core.state, of)
    core.mailbox.ask({ _tag: "StartsResumed", now: core.time.now(), of })
    return Effect.succeed(wasPaused)
  })
