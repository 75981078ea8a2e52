/**
 * Policies: when the ends of its dependencies let a task start, and when they never will. Pure tables over counts of ends.
 *
 * All and any are those of IPython's `Dependency`, check and unreachable; the rules are ten of Airflow's trigger rules. A verdict
 * comes as soon as no open dependency could change it, so it does not depend on the order of ends. Policies about any end wait
 * for all of them.
 *
 * @since 0.1.0
 */

/** How a dependency ended: `failed` by itself, `upstreamFailed` because of what it depended on. */
export type EndKind = "success" | "failed" | "upstreamFailed" | "skipped"

/** How many dependencies ended in each way. */
export type Tally = Readonly<Record<EndKind, number>>

/** The ends that a quorum counts: `failure` is `failed` or `upstreamFailed`, `completion` any. */
export type On = "success" | "failure" | "completion"

/** Trigger rules, in the order of the documentation. */
export const rules = [
  "allSuccess",
  "allFailed",
  "allDone",
  "oneSuccess",
  "oneFailed",
  "oneDone",
  "noneFailed",
  "noneFailedOneSuccess",
  "noneSkipped",
  "always"
] as const

export type Rule = typeof rules[number]

/** The policy of a set of dependencies. */
export type Policy =
  | { readonly _tag: "All"; readonly on: On }
  /** Of a smaller set, all. With `losers`, the task drops the other members as soon as enough have ended. */
  | { readonly _tag: "AtLeast"; readonly count: number; readonly on: On; readonly losers?: "cancel" | undefined }
  | { readonly _tag: "Rule"; readonly rule: Rule }

/** `run`: the set is met. `skip`: the rule skips the task. `upstreamFailed`: it can never be met. */
export type Verdict = "run" | "skip" | "upstreamFailed"

/** The dependencies `from .. to - 1` of a task, and their policy. */
export interface Group {
  readonly of: "inputs" | "after" | "follow"
  readonly from: number
  readonly to: number
  readonly policy: Policy
}

/** Whether this is the policy of plain dependencies: the first that ends without success ends the task likewise. */
export const isDefault = ({ of, policy }: Group): boolean =>
  policy._tag === "All" && policy.on === "success" && of !== "follow"

/** The verdict on a set of `size` dependencies with these ends; `undefined` while it is open. */
export const decide = (policy: Policy, size: number, tally: Tally): Verdict | undefined =>
  policy._tag === "Rule" ? ruled(policy.rule, size, tally) : counted(policy, size, tally)

/** Whether the set is met: the task may start, as far as this set goes. */
export const isMet = (policy: Policy, size: number, tally: Tally): boolean => decide(policy, size, tally) === "run"

/** Whether the set can never be met. */
export const isUnreachable = (policy: Policy, size: number, tally: Tally): boolean => {
  const verdict = decide(policy, size, tally)
  return verdict !== undefined && verdict !== "run"
}

/** Whether a set can still be met after one of its members has ended this way. */
export const survives = (policy: Policy, size: number, outcome: EndKind): boolean =>
  (["success", "failed"] as const).some((rest) => {
    const tally = { success: 0, failed: 0, upstreamFailed: 0, skipped: 0 }
    tally[outcome]++
    tally[rest] += size - 1
    return isMet(policy, size, tally)
  })

const endedOf = ({ failed, skipped, success, upstreamFailed }: Tally): number =>
  success + failed + upstreamFailed + skipped

/** The ends that a quorum counts. */
export const countedEnds: Readonly<Record<On, ReadonlyArray<EndKind>>> = {
  success: ["success"],
  failure: ["failed", "upstreamFailed"],
  completion: ["success", "failed", "upstreamFailed", "skipped"]
}

const accepted = (on: On, tally: Tally): number => countedEnds[on].reduce((sum, end) => sum + tally[end], 0)

/** How many members must end in the way that counts. */
export const needOf = (policy: Exclude<Policy, { readonly _tag: "Rule" }>, size: number): number =>
  policy._tag === "All" ? size : Math.min(policy.count, size)

const counted = (
  policy: Exclude<Policy, { readonly _tag: "Rule" }>,
  size: number,
  tally: Tally
): Verdict | undefined => {
  const need = needOf(policy, size)
  const good = accepted(policy.on, tally)
  if (good >= need) return "run"
  return size - (endedOf(tally) - good) < need ? "upstreamFailed" : undefined
}

const ruled = (rule: Rule, size: number, tally: Tally): Verdict | undefined => {
  const { failed, skipped, success, upstreamFailed } = tally
  const bad = failed + upstreamFailed
  const isOpen = endedOf(tally) < size
  if (size === 0) return "run"
  switch (rule) {
    case "allSuccess":
      return bad > 0 ? "upstreamFailed" : isOpen ? undefined : skipped > 0 ? "skip" : "run"
    case "allFailed":
      return success + skipped > 0 ? "skip" : isOpen ? undefined : "run"
    case "allDone":
      return isOpen ? undefined : "run"
    case "oneSuccess":
      return success > 0 ? "run" : isOpen ? undefined : skipped === size ? "skip" : "upstreamFailed"
    case "oneFailed":
      return bad > 0 ? "run" : isOpen ? undefined : "skip"
    case "oneDone":
      return success + failed > 0 ? "run" : isOpen ? undefined : "skip"
    case "noneFailed":
      return bad > 0 ? "upstreamFailed" : isOpen ? undefined : "run"
    case "noneFailedOneSuccess":
      return bad > 0 ? "upstreamFailed" : isOpen ? undefined : success > 0 ? "run" : "skip"
    case "noneSkipped":
      return skipped > 0 ? "skip" : isOpen ? undefined : "run"
    case "always":
      return "run"
  }
}
