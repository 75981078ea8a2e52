/**
 * The explanations of `Scheduler.explain` in words.
 *
 * @internal
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { PauseTarget } from "../../engine/protocol/Event.ts"
import type { Because, Explanation, Lack } from "../../engine/views/explain.ts"
import { brief } from "./brief.ts"
import { cutList, quote } from "./text.ts"

/** The first few of some names. */
const listed = (names: ReadonlyArray<string>): string => names.length === 0 ? "none" : cutList(names, quote)

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

const before = (ahead: number): string => ahead === 0 ? "" : `; ${counted(ahead, "ready task")} ranked before it`

const lackText = ({ free, heldBy, name, needed, of, worker }: Lack): string =>
  `${needed} of the ${of} ${quote(name)}${worker === undefined ? "" : ` on ${quote(worker)}`}, where ${free} is free` +
  (heldBy.length === 0 ? "" : ` (held by ${listed(heldBy)})`)

const instant = (millis: number): string =>
  Option.match(DateTime.make(millis), {
    onNone: () => `${millis} ms`,
    onSome: DateTime.formatIso
  })

const until = (millis: number | undefined): string =>
  millis === undefined ? "" : `; it ends at ${instant(millis)} without one`

const targetText = ({ group, tag }: PauseTarget): string =>
  tag !== undefined
    ? `all tasks with the tag ${quote(tag)} are`
    : group !== undefined
    ? `the group ${quote(group)} is`
    : "everything is"

const textOf = (because: Because): string => {
  switch (because._tag) {
    case "WaitsForDependencies":
      return `waits for ${counted(because.keys.length, "dependency").replace("dependencys", "dependencies")}: ${
        listed(because.keys)
      }`
    case "WaitsForRetry":
      return `waits for its next attempt, which may start at ${instant(because.at)}: the last one failed`
    case "StandsFor":
      return `stands for ${quote(because.key)}, which its body returned, and ends as that does`
    case "NoWorker":
      return `waits for a worker: none takes tasks${until(because.until)}`
    case "NoSuitableWorker":
      return because.restriction.kind === undefined
        ? `waits for a worker that could run it: none that takes tasks could${until(because.until)}`
        : `waits for a worker ${
          because.restriction.kind === "local" ? "in" : "outside"
        } this process: only those could run it, and none takes tasks${until(because.until)}`
    case "NoFreeSlot":
      return `waits for a slot${because.on === undefined ? "" : ` on ${listed(because.on)}`}: all are held, by ${
        listed(because.running)
      }${before(because.ahead)}`
    case "LacksResources":
      return because.lacks.length === 0
        ? `waits, for what it asks for is kept for tasks that come first${before(because.ahead)}`
        : `lacks ${because.lacks.map(lackText).join(", and ")}${before(because.ahead)}`
    case "Paused":
      return `is paused, as ${targetText(because.of)}${
        because.until === undefined ? ", until that is resumed" : `, until ${instant(because.until)}`
      }`
    case "RateLimited":
      return `waits for the rate of ${because.tag === undefined ? "the layer" : `the tag ${quote(because.tag)}`}: ` +
        `${counted(because.rate.starts, "start")} in ${because.rate.perMillis} ms, and the next may be at ${
          instant(because.until)
        }${before(because.ahead)}`
    case "OverBudget":
      return `waits until less is held in results: ${because.held}, and at most ${because.most} are allowed for it to start`
    case "SourcesThrottled":
      return `waits as a source: all slots that sources may have are held by ${listed(because.running)}`
    case "SentAhead":
      return `was sent ahead to ${quote(because.worker)}, and begins when a slot is free there; ${because.ahead} ` +
        `${because.ahead === 1 ? "task comes" : "tasks come"} first`
    case "Running":
      return `runs on ${quote(because.worker)}`
    case "KeepsSlot":
      return `keeps its slot on ${quote(because.worker)} while its body waits for ${listed(because.waitsFor)}`
    case "GaveSlotAway":
      return because.waitsFor.length === 0
        ? "waits inside its body, and gave its slot away meanwhile"
        : `waits inside its body for ${listed(because.waitsFor)}, and gave its slot away meanwhile`
    case "WaitsForSlot":
      return `has waited inside its body, and takes a slot on ${
        quote(because.worker)
      } again when one is free; ${because.ahead} ` +
        "before it"
    case "Stopping":
      return `was asked to stop at ${instant(because.since)} (${because.reason}) and goes on${
        because.overdue ? ", longer than its grace" : ""
      }`
    case "Releasing":
      return `is finalizing its result${because.reason === undefined ? "" : ` (${because.reason})`}`
    case "Ended":
      return because.reason === undefined ? "has succeeded" : `has ended: ${because.reason}`
  }
}

/** Untyped code may give anything, such as the `Option` of {@link Scheduler.explain}: an error says so. */
export const explainText = (explanation: Explanation): string => {
  if (!Predicate.hasProperty(explanation, "because")) {
    throw new TypeError(
      `Expected an Explanation, found ${
        brief(explanation)
      }. Scheduler.explain gives an Option, which is none for a task that is not live.`
    )
  }
  const { because, key, stream } = explanation
  return `Task ${quote(key)}${stream === undefined ? "" : ` of the stream ${quote(stream)}`} ${textOf(because)}.`
}
