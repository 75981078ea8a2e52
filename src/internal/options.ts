/**
 * Options as users give them, made ready for the compiler.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { isAmount } from "../engine/amounts.ts"
import type { Options } from "../Task.ts"
import { isLeaf, listedIn } from "./dependency.ts"
import type { Listed } from "./dependency.ts"
import { localityOf } from "./locality.ts"
import { noOptions } from "./task.ts"
import type { Invalid, TaskOptions } from "./task.ts"

/** The names of all options, which the compiler holds against their type. */
export type Names<O> = Readonly<Record<keyof Required<O>, true>>

/** An option that is none of these: a typo must not pass in silence. */
export const unknownIn = (options: object, names: Readonly<Record<string, true>>): Invalid | undefined => {
  for (const [option, value] of Object.entries(options)) {
    if (value !== undefined && !Object.hasOwn(names, option)) {
      return { option, value, expected: `one of the options ${Object.keys(names).join(", ")}` }
    }
  }
  return undefined
}

const names: Names<Options> = {
  key: true,
  label: true,
  priority: true,
  pure: true,
  after: true,
  follow: true,
  timeout: true,
  deadline: true,
  dependencyTimeout: true,
  grace: true,
  retry: true,
  idempotent: true,
  workers: true,
  allowOthers: true,
  locality: true,
  resources: true,
  keepResources: true,
  tags: true,
  inline: true,
  waitForWorkers: true
}

/** Those of a wrapped function may have its name. */
const namesOfCalls: Names<Options & { readonly name: string }> = { ...names, name: true }

/** The options of a task or of a region. */
type Given = Options & { readonly name?: string | undefined; readonly share?: string | undefined }

/** Options with durations in milliseconds, and with what is wrong with them. Those of regions have names of their own. */
export const normalize = (options: Given | undefined, known?: Readonly<Record<string, true>>): TaskOptions => {
  if (options === undefined || Object.values(options).every((value) => value === undefined)) return noOptions
  const { after, deadline, dependencyTimeout, follow, grace, key, name, resources, retry, tags, timeout, workers } =
    options
  const { allowOthers, idempotent, inline, keepResources, label, locality, priority, pure, share } = options
  const { waitForWorkers } = options
  const { ids, labels } = restrictionOf(workers)
  return {
    key: typeof key === "string" ? key : undefined,
    label,
    priority,
    pure,
    ...(after !== undefined && ordered(listedIn("after", listed(after)))),
    ...(follow !== undefined && followed(listedIn("follow", listed(follow)))),
    retry,
    name,
    timeoutMillis: millis(timeout),
    deadlineMillis: millis(deadline),
    dependencyTimeoutMillis: millis(dependencyTimeout),
    graceMillis: millis(grace),
    idempotent,
    inline,
    workers: isNames(ids) ? ids : undefined,
    labels: isNames(labels) ? labels : undefined,
    allowOthers,
    resources: isAmounts(resources) ? { ...resources } : undefined,
    keepResources,
    tags: isNames(tags) ? [...new Set(tags)] : undefined,
    locality: typeof locality === "function" ? localityOf(locality) : undefined,
    waitForWorkersMillis: millis(waitForWorkers),
    share,
    invalid: invalid(options, known ?? (options.pure === true ? namesOfCalls : names))
  }
}

/** What is no duration counts as none, and is refused. */
const millis = (input: Duration.Input | undefined): number | undefined =>
  input === undefined
    ? undefined
    : Option.match(Duration.fromInput(input), { onNone: () => 0, onSome: Duration.toMillis })

/** What {@link Options.after} lists. Plain values (`Task.succeed`) are there already. */
const listed = (after: unknown): ReadonlyArray<unknown> => Array.isArray(after) ? after : [after]

const ordered = ({ groups, handles }: Listed) => ({ after: handles, afterGroups: groups })

const followed = ({ groups, handles }: Listed) => ({ follow: handles, followGroups: groups })

/** Whether these are names of anything, at least one. */
export const isNames = (names: unknown): names is ReadonlyArray<string> =>
  Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string" && name !== "")

const isAmounts = (resources: unknown): resources is Readonly<Record<string, number>> =>
  resources !== undefined && amountsFault(resources) === undefined &&
  Object.keys(resources as {}).length > 0

/** What is wrong with amounts by name; `of` says whose they are. */
export const amountsFault = (resources: unknown, of = ""): Invalid | undefined => {
  if (typeof resources !== "object" || resources === null || Array.isArray(resources)) {
    return { option: `resources${of}`, value: resources, expected: "amounts by name, such as { gpu: 1 }" }
  }
  for (const [name, amount] of Object.entries(resources)) {
    if (isAmount(amount)) continue
    const expected = "a number above zero with at most three decimals"
    return { option: `resources.${name}${of}`, value: amount, expected }
  }
  return undefined
}

/** Both ways to say on which workers a task may run. */
const restrictionOf = (workers: Options["workers"]): { readonly ids?: unknown; readonly labels?: unknown } =>
  isArray(workers) ? { ids: workers } : workers ?? {}

const isArray = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)

const isRestriction = (workers: unknown): boolean => {
  if (typeof workers !== "object" || workers === null) return false
  const { ids, labels } = restrictionOf(workers)
  return (ids !== undefined || labels !== undefined) &&
    [ids, labels].every((each) => each === undefined || isNames(each))
}

/** Whether a key is like those that tasks without one are given: two tasks in events and stories must not look the same. */
const isAutomatic = (key: string): boolean => /#\d+$/.test(key)

const invalid = (options: Given, known: Readonly<Record<string, true>>): ReadonlyArray<Invalid> => {
  const { allowOthers, deadline, dependencyTimeout, grace, idempotent, inline, key } = options
  const { locality, priority, retry, timeout, waitForWorkers, workers } = options
  const { keepResources, resources, tags } = options
  const found: Array<Invalid> = []
  const unknown = unknownIn(options, known)
  if (unknown !== undefined) found.push(unknown)
  if (key !== undefined && (typeof key !== "string" || key === "")) {
    found.push({ option: "key", value: key, expected: "a non-empty string" })
  }
  if (typeof key === "string" && isAutomatic(key)) {
    found.push({ option: "key", value: key, expected: "one that does not end as automatic keys do, in # and a number" })
  }
  for (const option of ["after", "follow"] as const) {
    const value = options[option]
    if (value === undefined) continue
    if (!listed(value).every(isLeaf)) {
      found.push({ option, value, expected: "a task, a future, a Dependency, or an array of them" })
    }
    found.push(...listedIn(option, listed(value)).invalid)
  }
  if (retry !== undefined && !Schedule.isSchedule(retry)) {
    found.push({ option: "retry", value: retry, expected: "a Schedule, such as Schedule.recurs(3)" })
  }
  if (options.share !== undefined && (typeof options.share !== "string" || options.share === "")) {
    found.push({ option: "share", value: options.share, expected: "a non-empty string" })
  }
  for (const [option, value] of Object.entries({ allowOthers, idempotent, inline, keepResources })) {
    if (value !== undefined && typeof value !== "boolean") found.push({ option, value, expected: "true or false" })
  }
  if (workers !== undefined && !isRestriction(workers)) {
    const expected =
      "a non-empty array of ids of workers, or such arrays by name, as in { ids: [\"a\"], labels: [\"gpu\"] }"
    found.push({ option: "workers", value: workers, expected })
  }
  if (locality !== undefined && typeof locality !== "function") {
    found.push({ option: "locality", value: locality, expected: "a function from a worker to a number" })
  }
  if (waitForWorkers !== undefined && !isLength(waitForWorkers)) {
    found.push({ option: "waitForWorkers", value: waitForWorkers, expected: "a duration, such as \"5 seconds\"" })
  }
  if (tags !== undefined && !isNames(tags)) {
    found.push({ option: "tags", value: tags, expected: "a non-empty array of names" })
  }
  const wrong = resources === undefined ? undefined : amountsFault(resources)
  if (wrong !== undefined) found.push(wrong)
  if (priority !== undefined && !Number.isFinite(priority)) {
    found.push({ option: "priority", value: priority, expected: "a finite number" })
  }
  for (const [option, value] of Object.entries({ timeout, deadline, dependencyTimeout, grace })) {
    const length = millis(value)
    if (length !== undefined && length <= 0) {
      found.push({ option, value, expected: "a duration above zero, such as \"5 seconds\"" })
    }
  }
  return found.length === 0 ? nothing : found
}

/** Whether it is a duration, or none at all. */
export const isLength = (input: Duration.Input): boolean =>
  Option.exists(Duration.fromInput(input), (duration) => Duration.toMillis(duration) >= 0)

const nothing: ReadonlyArray<Invalid> = []

/** What contradicts what, whichever was told first. */
export const contradiction = (
  { allowOthers, idempotent, keepResources, labels, resources, retry, workers }: TaskOptions
): Invalid | undefined => {
  if (idempotent === false && retry !== undefined) {
    const expected = "no value beside retry, which starts the task again: leave one of the two out"
    return { option: "idempotent", value: false, expected }
  }
  if (allowOthers === true && (workers ?? labels) === undefined) {
    return { option: "allowOthers", value: true, expected: "no value without the option workers, which it widens" }
  }
  if (keepResources === true && resources === undefined) {
    return {
      option: "keepResources",
      value: true,
      expected: "no value without resources, of which there are none to keep"
    }
  }
  return undefined
}

/** The same options with one more thing that is wrong. */
export const withInvalid = (options: TaskOptions, wrong: Invalid): TaskOptions => ({
  ...options,
  invalid: [wrong, ...options.invalid ?? nothing]
})

/** The same options with others added or replaced. */
export const replaced = (options: TaskOptions, by: Given, known?: Readonly<Record<string, true>>): TaskOptions => {
  const given = normalize(by, known)
  const still = (options.invalid ?? nothing).filter(({ option }) => by[option as keyof Given] === undefined)
  const told = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  // One option, though it is kept as two.
  const restriction = by.workers === undefined ? {} : { workers: given.workers, labels: given.labels }
  return { ...options, ...told, ...restriction, invalid: [...still, ...given.invalid ?? nothing] }
}
