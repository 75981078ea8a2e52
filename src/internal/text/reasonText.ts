/**
 * Reasons in words: why a graph was refused, why a task can never start, and on which workers it may run.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import type { Restriction } from "../../engine/protocol/Plan.ts"
import { looked } from "../values/looks.ts"
import { foreignText, keepOneCopy } from "../values/strangers.ts"
import { brief } from "./brief.ts"
import { needText } from "./policyText.ts"
import type { ImpossibleReason, SubmitReason } from "./reasons.ts"
import { describeError, join } from "./rendering.ts"
import { cutList, inLine, quote } from "./text.ts"

const limitWords = {
  tasks: "The number of tasks of this graph is",
  depth: "The number of tasks on the longest way through this graph is",
  live: "With this graph the number of live tasks would be"
} as const

/** Reasons are sentences of this library, with keys in them. */
const longestReason = 1000

const nestingWords = {
  nesting: "Bodies submit tasks from inside bodies too deep",
  unfolding: "flatMap tasks return flatMap tasks too deep",
  seceded: "Too many tasks wait inside their bodies at once"
} as const

/** A wrong value, and what to do about it. */
const refusedText = (value: unknown, expected: string): string => {
  const foreign = looked(() => foreignText(value), undefined)
  return foreign === undefined ? `${brief(value)}: expected ${expected}` : `${foreign}: ${keepOneCopy}`
}

/** Why a graph was refused, and how to fix it. */
export const submitText = (reason: SubmitReason): string => {
  switch (reason._tag) {
    case "Cycle":
      return `The graph has a cycle: ${join(reason.path)}. Remove one of these edges.`
    case "MissingDependency":
      return `Nothing defines ${quote(reason.key)}, on which ${cutList(reason.dependents, quote)} ${
        reason.dependents.length === 1 ? "depends" : "depend"
      }. Add a task with that key, or put its value in the cache.`
    case "UnknownKey":
      return `There is no task ${quote(reason.key)} in this graph. Known keys: ${known(reason.known)}.`
    case "KeyConflict":
      return `The key ${quote(reason.key)} is taken: ${inLine(reason.why, longestReason)}. ` +
        (reason.pure === true
          ? "Make the function once, outside of what calls it, and pass what it closes over as an argument; or give it " +
            "another name."
          : "Submit the same Task object, or choose another key.")
    case "InvalidDependency":
      return reason.key === undefined
        ? `The request cannot use ${inLine(reason.dependency)}: ${inLine(reason.why, longestReason)}.`
        : `Task ${quote(reason.key)} cannot depend on ${inLine(reason.dependency)}: ${
          inLine(reason.why, longestReason)
        }.`
    case "InvalidOption":
      return `The option ${optionText(reason)} cannot be ${refusedText(reason.value, reason.expected)}.`
    case "UnknownOption":
      return `There is no option ${optionText(reason)}. Known options: ${reason.known.join(", ")}.`
    case "InvalidArgument":
      return `Task ${quote(reason.key)} is pure, but its ${inLine(reason.path)} has no canonical encoding: ${
        inLine(reason.why, longestReason)
      }. ` +
        "Pass plain data or a keyed task, or give the task a key of its own."
    case "NestingLimit":
      return `${nestingWords[reason.of]} (limit ${reason.max})${againText(reason.refusals)}. ` +
        `Check that the recursion ends, or raise limits.${reason.of} of the layer.`
    case "LimitExceeded":
      return `${limitWords[reason.limit]} ${reason.value}, and the layer's limits.${reason.limit} is ${reason.max}. ` +
        "Split the work, or raise the limit."
    case "NotRetriable":
      return `Task ${quote(reason.key)} cannot be run again: ${reason.why}.`
    case "WorkerFailed":
      return `Worker ${quote(reason.worker)} was not started, because its onStart failed: ${
        describeError(Cause.squash(reason.cause))
      }`
    case "Closed":
      if (reason.what === "worker") return "The worker that ran this body was lost, so the body submits nothing more."
      return `The ${reason.what} has closed and takes no more tasks. ` +
        (reason.what === "scheduler" ? "Submit while its layer is open." : "Submit in a scope that is open.")
  }
}

const againText = (refusals: number | undefined): string =>
  refusals === undefined ? "" : `, ${refusals} times in one recursion, which launches nothing more`

const optionText = ({ key, option }: Extract<SubmitReason, { readonly option: string }>): string =>
  key === undefined ? inLine(option) : `${inLine(option)} of task ${quote(key)}`

const known = (keys: ReadonlyArray<string>): string => keys.length === 0 ? "none" : cutList(keys, quote)

/** Why a task can never start, after its key. */
export const impossibleText = (reason: ImpossibleReason): string => {
  switch (reason._tag) {
    case "Unmet": {
      const said = cutList(
        reason.on.map(({ reason, worker }) => `${quote(worker)} (${inLine(reason)})`),
        (said) => said
      )
      return `its body said that it cannot run on ${said}, and no other worker on which it may run takes tasks. ` +
        "Add one that it can run on, or let it wait for one with waitForWorkers."
    }
    case "Locality":
      return reason.fault === undefined
        ? `its locality is below 0 for every worker on which it may run: ${cutList(reason.workers, quote)}. ` +
          "Give 0 for those where it may run."
        : `its locality ${reason.fault}. Give a number for every worker.`
    case "Apart":
      return `what it follows ran on ${cutList(reason.workers, quote, " and ")}, and on none of them enough of it. ` +
        "Let what it follows run in one place (workers, locality), or follow any of it."
    case "Away":
      return `what it follows ran on ${cutList(reason.workers, quote, " and ")}, and no worker there takes tasks and ` +
        "may run it. Use after where the place does not matter."
    case "Unreachable":
      return unreachableText(reason)
  }
}

const unreachableText = (
  { ended, of, policy, refusedBy, size }: Extract<ImpossibleReason, { readonly _tag: "Unreachable" }>
): string => {
  const refused = cutList(refusedBy, quote)
  const open = size - ended.success - ended.failed - ended.upstreamFailed - ended.skipped
  const counts = [
    [ended.success, "succeeded"],
    [ended.failed, "failed"],
    [ended.upstreamFailed, "upstream failed"],
    [ended.skipped, "skipped"],
    [open, "open"]
  ] as const
  const told = counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`).join(", ")
  return `it needs ${needText(of, policy, size)} (${told}). Look at ${refused}, or choose a policy that allows it.`
}

const amountsText = (resources: Readonly<Record<string, number>>): string =>
  cutList(Object.entries(resources), ([name, amount]) => `${amount} ${inLine(name)}`, " and ")

/** The workers on which a task may run, after "a worker that"; empty if any may. */
export const restrictionText = ({ kind, labels, resources, workers }: Restriction): string => {
  const local = kind === undefined ? [] : ["is in this process"]
  const ids = workers === undefined ? [] : [`is ${cutList(workers, quote, " or ")}`]
  const labelled = labels === undefined
    ? []
    : [`has ${labels.length === 1 ? "the label" : "the labels"} ${cutList(labels, quote, " and ")}`]
  const having = resources === undefined ? [] : [`has ${amountsText(resources)}`]
  return [...ids, ...labelled, ...having, ...local].join(" and ")
}

/** How a result was released, after "it". */
export const releaseText = ({ body, by, owner }: Release): string => {
  if (by !== undefined) {
    return `was released with Future.release by ${by === "program" ? "the program" : `task ${quote(by)}`}`
  }
  return `was released when its ${inLine(owner)}${
    body === undefined ? "" : ` in the body of task ${quote(body)}`
  } closed`
}

/** The same for the message of `Released`. */
export interface Release {
  readonly owner: string
  readonly by?: string | undefined
  readonly body?: string | undefined
}
