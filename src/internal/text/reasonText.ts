/**
 * Reasons in words: on which workers a task may run, and how a result was released.
 *
 * @internal
 */
import type { Restriction } from "../../engine/protocol/Plan.ts"
import { cutList, inLine, quote } from "./text.ts"

const amountsText = (resources: Readonly<Record<string, number>>): string =>
  cutList(Object.entries(resources), ([name, amount]) => `${amount} ${inLine(name)}`, " and ")

/** The workers on which a task may run, after "a worker that"; empty if any may. */
export const restrictionText = ({ kind, labels, resources, workers }: Restriction): string => {
  const place = kind === undefined ? [] : [kind === "local" ? "is in this process" : "is not in this process"]
  const ids = workers === undefined ? [] : [`is ${cutList(workers, quote, " or ")}`]
  const labelled = labels === undefined
    ? []
    : [`has ${labels.length === 1 ? "the label" : "the labels"} ${cutList(labels, quote, " and ")}`]
  const having = resources === undefined ? [] : [`has ${amountsText(resources)}`]
  return [...ids, ...labelled, ...having, ...place].join(" and ")
}

/** How a result was released, after "it". */
export const releaseText = ({ body, by, owner }: Release): string => {
  if (by !== undefined) {
    return `was released with Future.release by ${by === "program" ? "the program" : `task ${quote(by)}`}`
  }
  if (body === undefined) return `was released when its ${inLine(owner)} closed`
  return owner === "body"
    ? `was released when the body of task ${quote(body)} ended`
    : `was released when its ${inLine(owner)} in the body of task ${quote(body)} closed`
}

/** The same for the message of `Released`. */
export interface Release {
  readonly owner: string
  readonly by?: string | undefined
  readonly body?: string | undefined
}
