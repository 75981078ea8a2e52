/** What sets of dependencies come to, in the model's own words: how they end when all members have, and when that is certain. */
import type { EndKind, Policy, Rule, Tally, Verdict } from "../../src/engine/protocol/policies.ts"

const outcomes: ReadonlyArray<EndKind> = ["success", "failed", "upstreamFailed", "skipped"]

const sum = (tally: Tally): number => outcomes.reduce((total, outcome) => total + tally[outcome], 0)

/** The verdict of each rule on a set whose members have all ended. */
const ruling: Readonly<Record<Rule, (tally: Tally, failures: number) => Verdict>> = {
  allSuccess: ({ skipped }, failures) => failures > 0 ? "upstreamFailed" : skipped > 0 ? "skip" : "run",
  allFailed: ({ skipped, success }) => success + skipped > 0 ? "skip" : "run",
  allDone: () => "run",
  oneSuccess: ({ success }, failures) => success > 0 ? "run" : failures > 0 ? "upstreamFailed" : "skip",
  oneFailed: (_, failures) => failures > 0 ? "run" : "skip",
  oneDone: ({ failed, success }) => success + failed > 0 ? "run" : "skip",
  noneFailed: (_, failures) => failures > 0 ? "upstreamFailed" : "run",
  noneFailedOneSuccess: ({ success }, failures) => failures > 0 ? "upstreamFailed" : success > 0 ? "run" : "skip",
  noneSkipped: ({ skipped }) => skipped > 0 ? "skip" : "run",
  always: () => "run"
}

/** How many members a quorum needs. */
const quorumOf = (policy: Exclude<Policy, { readonly _tag: "Rule" }>, size: number): number =>
  policy._tag === "All" ? size : Math.min(policy.count, size)

const atLast = (policy: Policy, size: number, tally: Tally): Verdict => {
  const failures = tally.failed + tally.upstreamFailed
  if (policy._tag === "Rule") return size === 0 ? "run" : ruling[policy.rule](tally, failures)
  const counted = policy.on === "success" ? tally.success : policy.on === "failure" ? failures : sum(tally)
  return counted >= quorumOf(policy, size) ? "run" : "upstreamFailed"
}

/** How many members must have ended, however they did; `undefined` where it matters how. */
const endsNeeded = (policy: Policy, size: number): number | undefined => {
  if (policy._tag === "Rule") return policy.rule === "allDone" ? size : undefined
  return policy.on === "completion" ? quorumOf(policy, size) : undefined
}

/** The verdict on a set of which so many have ended, once no end of the others could change it. */
export const verdictOn = (policy: Policy, size: number, tally: Tally): Verdict | undefined => {
  const needed = endsNeeded(policy, size)
  if (needed !== undefined) return sum(tally) >= needed ? "run" : undefined
  const open = size - sum(tally)
  const [first, ...others] = outcomes.map((end) => atLast(policy, size, { ...tally, [end]: tally[end] + open }))
  return others.every((other) => other === first) ? first : undefined
}
