/**
 * Policies in words.
 *
 * @internal
 */
import type { Group, On, Policy } from "../../engine/protocol/policies.ts"

const ends: Readonly<Record<On, string>> = { success: "to succeed", failure: "to fail", completion: "to end" }

const sets: Readonly<Record<Group["of"], (size: number) => string>> = {
  inputs: (size) => size === 1 ? "its one input" : `its ${size} inputs`,
  after: (size) => size === 1 ? "the task that comes before it" : `the ${size} tasks that come before it`,
  follow: (size) => size === 1 ? "the task that it follows" : `the ${size} tasks that it follows`
}

/** The policy of a set, after "it needs". */
export const needText = (of: Group["of"], policy: Policy, size: number): string => {
  const members = sets[of](size)
  switch (policy._tag) {
    case "All":
      return `${size === 1 ? "" : "all of "}${members} ${ends[policy.on]}`
    case "AtLeast": {
      const many = policy.count === 1 ? "one of " : `at least ${policy.count} of `
      return `${size === 1 ? "" : many}${members} ${ends[policy.on]}`
    }
    case "Rule":
      return `the rule ${policy.rule} to hold for ${members}`
  }
}

/** A policy in a word or two, for an edge in a picture; nothing for the default. */
export const shortText = (policy: Policy): string => {
  if (policy._tag === "Rule") return policy.rule
  const count = policy._tag === "All" ? "all" : policy.count === 1 ? "any" : `at least ${policy.count}`
  return policy.on === "success" ? (policy._tag === "All" ? "" : count) : `${count}: ${policy.on}`
}
