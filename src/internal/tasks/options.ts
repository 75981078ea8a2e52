/**
 * Options of users, prepared for the compiler.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { strangest } from "../values/strangers.ts"
import {
  amounts,
  callback,
  checkOf,
  countOrNoneOrInfinity,
  duration,
  durationAboveZero,
  flag,
  holdsValues,
  invalidIn,
  isNames,
  name,
  names,
  recordOf,
  said,
  text
} from "./checks.ts"
import type { Check, Checks } from "./checks.ts"
import { isLeaf, listedIn } from "./dependency.ts"
import type { Listed } from "./dependency.ts"
import { millisIn } from "./durations.ts"
import { localityOf } from "./locality.ts"
import { noOptions } from "./task.ts"
import type { Invalid, TaskOptions } from "./task.ts"
import type { Annotations, AnyOptions, Options, RetryOptions, WorkerRestriction } from "./taskOptions.ts"

/** Whether a key looks like an automatic one, which events and stories would confuse. */
const isAutomatic = (key: string): boolean => /#\d+$/.test(key)

export const key: Check = (option, value) =>
  name(option, value) ??
    (isAutomatic(value as string)
      ? { option, value, expected: "one that does not end as automatic keys do, in # and a number" }
      : undefined)

const ordered = (of: "after" | "follow"): Check => (option, value) =>
  listed(value).every(isLeaf)
    ? listedIn(of, listed(value)).invalid[0]
    : {
      option,
      value: strangest(listed(value), value),
      expected: "a task, a future, a Dependency, or an array of them"
    }

/** Both forms of `workers`. */
const restrictionOf = (workers: unknown): { readonly ids?: unknown; readonly labels?: unknown } =>
  Array.isArray(workers) ? { ids: workers } : workers ?? {}

const restrictionExpected =
  "a non-empty array of ids of workers, or such arrays by name, as in { ids: [\"a\"], labels: [\"gpu\"] }"

const checksOfRestrictions: Checks<WorkerRestriction> = { ids: names, labels: names }

const restriction: Check = (option, value) => {
  const { ids, labels } = restrictionOf(value)
  const isOne = typeof value === "object" && value !== null && [ids, labels].some(isNames) &&
    [ids, labels].every((each) => each === undefined || isNames(each))
  // A typo beside a valid field would run the task on the wrong worker.
  const strange = isOne && !Array.isArray(value) ? invalidIn(value, checksOfRestrictions)[0] : undefined
  if (strange !== undefined) return { ...strange, option: `${option}.${strange.option}` }
  return isOne ? undefined : { option, value, expected: restrictionExpected }
}

const schedule = checkOf("a Schedule, such as Schedule.recurs(3)", Schedule.isSchedule)

const retryExpected = "a Schedule, such as Schedule.recurs(3), or options as in { times: 3 }"

const retryOptions = recordOf<RetryOptions>({
  times: countOrNoneOrInfinity,
  while: callback,
  until: callback,
  schedule
})

const retrying: Check = (option, value) => {
  if (Schedule.isSchedule(value)) return undefined
  return holdsValues(value) ? retryOptions(option, value) : { option, value, expected: retryExpected }
}

const checks: Checks<Options> = {
  key,
  label: text,
  priority: checkOf("a finite number", Number.isFinite),
  pure: flag,
  after: ordered("after"),
  follow: ordered("follow"),
  timeout: durationAboveZero,
  deadline: durationAboveZero,
  dependencyTimeout: durationAboveZero,
  grace: durationAboveZero,
  retry: retrying,
  idempotent: flag,
  workers: restriction,
  allowOthers: flag,
  locality: checkOf("a function from a worker to a number", (rate) => typeof rate === "function"),
  resources: amounts,
  keepResources: flag,
  tags: names,
  inline: flag,
  waitForWorkers: duration
}

/** The names of all options. */
export const checkedOptions: ReadonlyArray<string> = Object.keys(checks)

/** A wrapped function may also have its name. */
const checksOfCalls: Checks<Options & { readonly name: string }> = { ...checks, name: text }

/** The names of the options of a region. */
export const checksOfRegions: Checks<Annotations> = {
  label: checks.label,
  priority: checks.priority,
  share: name,
  namespace: name,
  retry: checks.retry,
  grace: checks.grace,
  idempotent: checks.idempotent
}

/** The options of a task or of a region. */
type Given = AnyOptions & Pick<Annotations, "namespace" | "share"> & { readonly name?: string | undefined }

/** Options with durations in milliseconds, and with their fault if any. Options of regions have checks of their own. */
export const normalize = (options: Given | undefined, regional?: typeof checksOfRegions): TaskOptions => {
  const invalid = invalidIn(options, regional ?? (options?.pure === true ? checksOfCalls : checks))
  if (!holdsValues(options) || Object.values(options).every((value) => value === undefined)) {
    return invalid.length === 0 ? noOptions : { invalid }
  }
  const { after, deadline, dependencyTimeout, follow, grace, key, name, resources, retry, tags, timeout, workers } =
    options
  const { allowOthers, idempotent, inline, keepResources, label, locality, namespace, priority, pure, share } = options
  const { waitForWorkers } = options
  const { ids, labels } = restrictionOf(workers)
  return {
    key: typeof key === "string" ? key : undefined,
    label: typeof label === "string" ? label : undefined,
    priority,
    pure,
    ...(after !== undefined && afterOf(listedIn("after", listed(after)))),
    ...(follow !== undefined && followOf(listedIn("follow", listed(follow)))),
    retry: retry !== undefined && retrying("retry", retry) === undefined ? scheduleOf(retry) : undefined,
    name: typeof name === "string" ? name : undefined,
    timeoutMillis: millisIn(timeout),
    deadlineMillis: millisIn(deadline),
    dependencyTimeoutMillis: millisIn(dependencyTimeout),
    graceMillis: millisIn(grace),
    idempotent,
    inline,
    workers: isNames(ids) ? ids : undefined,
    labels: isNames(labels) ? labels : undefined,
    allowOthers,
    resources: isAmounts(resources) ? { ...resources } : undefined,
    keepResources,
    tags: isNames(tags) ? [...new Set(tags)] : undefined,
    locality: typeof locality === "function" ? localityOf(locality) : undefined,
    waitForWorkersMillis: millisIn(waitForWorkers),
    share,
    namespace: typeof namespace === "string" ? namespace : undefined,
    invalid
  }
}

const forever = Schedule.passthrough(Schedule.forever)

/** The schedules that are nothing but a number of attempts. */
const counted = new WeakMap<object, number>()

/** How many attempts a schedule allows after the first one, if it says nothing else. */
export const timesOf = (retry: NonNullable<TaskOptions["retry"]>): number | undefined => counted.get(retry)

/** The schedule that options of `Effect.retry` stand for. Effect does not export its own way there. */
export const scheduleOf = (retry: NonNullable<AnyOptions["retry"]>): NonNullable<TaskOptions["retry"]> => {
  if (Schedule.isSchedule(retry)) return retry
  const { schedule, times, until, while: holds } = retry
  let built: Schedule.Schedule<unknown, any, any, any> = schedule === undefined
    ? forever
    : Schedule.passthrough(schedule)
  if (holds !== undefined) built = Schedule.while(built, ({ input }) => answered(holds(input)))
  if (until !== undefined) {
    built = Schedule.while(built, ({ input }) => Effect.map(answered(until(input)), (isOver) => !isOver))
  }
  if (times === undefined) return built
  const limited = Schedule.while(built, ({ attempt }) => Effect.succeed(attempt <= times))
  if ((schedule ?? holds ?? until) === undefined) counted.set(limited, times)
  return limited
}

const answered = <E, R>(answer: boolean | Effect.Effect<boolean, E, R>): Effect.Effect<boolean, E, R> =>
  Effect.isEffect(answer) ? answer : Effect.succeed(answer)

/** The tasks of {@link Options.after}, without literals. */
const listed = (after: unknown): ReadonlyArray<unknown> => Array.isArray(after) ? after : [after]

const afterOf = ({ groups, handles }: Listed) => ({ after: handles, afterGroups: groups })

const followOf = ({ groups, handles }: Listed) => ({ follow: handles, followGroups: groups })

const isAmounts = (resources: unknown): resources is Readonly<Record<string, number>> =>
  resources !== undefined && amounts("resources", resources) === undefined &&
  Object.keys(resources as {}).length > 0

/** Contradictions among options, in any order. */
export const contradiction = (
  { allowOthers, idempotent, keepResources, labels, resources, retry, workers }: Omit<TaskOptions, "retry"> & {
    readonly retry?: unknown
  }
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

/** The same options with one more fault. */
export const withInvalid = (options: TaskOptions, wrong: Invalid): TaskOptions => ({
  ...options,
  invalid: [wrong, ...options.invalid ?? []]
})

/** The same options with others added or replaced. */
export const replaced = (options: TaskOptions, by: Given, regional?: typeof checksOfRegions): TaskOptions => {
  const given = normalize(by, regional)
  const isReplaced = (option: string): boolean => holdsValues(by) && by[option as keyof Given] !== undefined
  const still = (options.invalid ?? []).filter(({ option, within = option }) => !isReplaced(within))
  return {
    ...options,
    ...said(given),
    // One option, though it is kept as two.
    ...(isReplaced("workers") && { workers: given.workers, labels: given.labels }),
    // An empty list is stored as no option.
    ...(isReplaced("resources") && { resources: given.resources }),
    invalid: [...still, ...given.invalid ?? []]
  }
}
