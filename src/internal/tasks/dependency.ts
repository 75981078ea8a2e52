/**
 * Dependencies with a policy at run time.
 *
 * @internal
 */
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Pipeable from "effect/Pipeable"
import { rules } from "../../engine/protocol/policies.ts"
import type { Group, On, Policy } from "../../engine/protocol/policies.ts"
import { shortText } from "../text/policyText.ts"
import { quote } from "../text/text.ts"
import { byReference } from "../values/identity.ts"
import { strangest } from "../values/strangers.ts"
import { DependencyTypeId, thisCopy } from "../values/typeIds.ts"
import { checkOf } from "./checks.ts"
import { isEither, isHandle, isRecord } from "./task.ts"
import type { Handle, Invalid, TaskImpl } from "./task.ts"

/** Tasks and futures, and their policy. */
export class DependencyImpl extends Pipeable.Class {
  static {
    Object.defineProperties(this.prototype, byReference)
  }

  readonly [DependencyTypeId] = thisCopy
  readonly policy: Policy
  readonly handles: ReadonlyArray<Handle>
  /** The names of the members of a record. */
  readonly names: ReadonlyArray<string> | undefined
  readonly invalid: Invalid | undefined

  constructor(
    policy: Policy,
    handles: ReadonlyArray<Handle>,
    names: ReadonlyArray<string> | undefined,
    invalid: Invalid | undefined
  ) {
    super()
    this.policy = policy
    this.handles = handles
    this.names = names
    this.invalid = invalid
  }

  /** The same policy for other members. */
  over(handles: ReadonlyArray<Handle>): DependencyImpl {
    return new DependencyImpl(this.policy, handles, this.names, this.invalid)
  }

  /** Values in the shape of the members. */
  shaped(values: ReadonlyArray<unknown>): unknown {
    return this.names === undefined ? values : Object.fromEntries(this.names.map((name, i) => [name, values[i]]))
  }

  toJSON(): unknown {
    return { _id: "Dependency", policy: shortText(this.policy) || "all", dependencies: this.handles.length }
  }

  override toString(): string {
    return `Dependency(${JSON.stringify(this.toJSON())})`
  }

  [NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

export const isDependency = (u: unknown): u is DependencyImpl => u instanceof DependencyImpl

/** Whether a value is replaced among inputs: a task, a future, or a set of them with a policy. */
export const isLeaf = (value: unknown): value is Handle | DependencyImpl => isEither(value) || isDependency(value)

const membersExpected = "an array or a record of tasks and futures"

/** A dependency from a user's arguments, with its fault if any; `ofOptions` is the first faulty option. */
export const makeDependency = (
  name: string,
  policy: Policy,
  members: unknown,
  ofOptions?: Invalid
): DependencyImpl => {
  const names = typeof members === "object" && members !== null && isRecord(members) ? Object.keys(members) : undefined
  const listed: ReadonlyArray<unknown> = Array.isArray(members)
    ? members
    : names === undefined
    ? []
    : Object.values(members as object)
  const isWhole = (Array.isArray(members) || names !== undefined) && listed.every(isEither)
  const handles = isWhole ? listed as ReadonlyArray<Handle> : []
  const option = `Dependency.${name}`
  const invalid = isWhole
    ? ofOptions === undefined
      ? invalidPolicy(option, policy, handles.length)
      : { ...ofOptions, option: `${ofOptions.option} of ${option}` }
    : { option, value: strangest(listed, members), expected: membersExpected }
  return new DependencyImpl(policy, handles, names, invalid)
}

const ons: ReadonlyArray<unknown> = ["success", "failure", "completion"] satisfies ReadonlyArray<On>

const oneOf = (words: ReadonlyArray<unknown>): string => words.map((word) => quote(String(word))).join(", ")

/** The ends that count. */
export const on = checkOf(`one of ${oneOf(ons)}`, (value) => ons.includes(value))

/** The treatment of the others. */
export const losers = checkOf("\"cancel\", or nothing to keep them", (value) => value === "cancel")

const invalidPolicy = (option: string, policy: Policy, size: number): Invalid | undefined => {
  if (policy._tag === "Rule") {
    return rules.includes(policy.rule) ? undefined : { option, value: policy.rule, expected: `one of ${oneOf(rules)}` }
  }
  if (policy._tag === "All") return undefined
  const { count } = policy
  // Any of no members is met.
  const isAny = option === "Dependency.any"
  return isAny || (Number.isInteger(count) && count >= 1 && count <= size)
    ? undefined
    : {
      option: `count of ${option}`,
      value: count,
      expected: `a whole number from 1 to ${size}, the number of its members`
    }
}

/** What {@link TaskOptions.after} or `follow` lists, one after the other. */
export interface Listed {
  readonly handles: ReadonlyArray<Handle>
  readonly groups: ReadonlyArray<Group>
  readonly invalid: ReadonlyArray<Invalid>
}

/** Splits the list of an option. Followed tasks form a group even without a policy. */
export const listedIn = (of: "after" | "follow", list: ReadonlyArray<unknown>): Listed => {
  const handles: Array<Handle> = list.filter(isHandle)
  const groups: Array<Group> = []
  if (of === "follow" && handles.length > 0) {
    groups.push({ of, from: 0, to: handles.length, policy: { _tag: "All", on: "success" } })
  }
  const invalid: Array<Invalid> = []
  for (const each of list) {
    if (!isDependency(each)) continue
    groups.push({ of, from: handles.length, to: handles.length + each.handles.length, policy: each.policy })
    handles.push(...each.handles)
    if (each.invalid !== undefined) invalid.push({ ...each.invalid, within: of })
  }
  return { handles, groups, invalid }
}

const none: ReadonlyArray<Handle> = []

/** The dependencies without values, in their order behind the inputs. */
export const orderOnly = ({ after = none, follow = none }: TaskImpl["options"]): ReadonlyArray<Handle> =>
  after === none ? follow : follow === none ? after : [...after, ...follow]

/** The groups among the dependencies of a task. */
export const policiesOf = ({ handles, options }: TaskImpl): ReadonlyArray<Group> | undefined => {
  const { after = none, afterGroups, follow = none, followGroups, inputGroups } = options
  if (inputGroups === undefined && afterGroups === undefined && followGroups === undefined) return undefined
  const firstFollow = handles.length - follow.length
  const moved = (groups: ReadonlyArray<Group> | undefined, by: number): ReadonlyArray<Group> =>
    (groups ?? []).map(({ from, of, policy, to }) => ({ of, from: from + by, to: to + by, policy }))
  const all = [
    ...moved(inputGroups, 0),
    ...moved(afterGroups, firstFollow - after.length),
    ...moved(followGroups, firstFollow)
  ]
  return all.length === 0 ? undefined : all
}
