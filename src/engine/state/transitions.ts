/**
 * The legal transitions of a task, as data: `transition` is the only way from one phase to another, `check` and the
 * tests hold every run against this table, and the diagram in docs/engine.md is printed from it.
 *
 * @since 0.1.0
 */
import type { TaskId } from "../protocol/ids.ts"
import { phaseNames } from "../protocol/Phase.ts"
import type { Phase, PhaseName } from "../protocol/Phase.ts"
import { keyNamed, nameAt } from "../protocol/Registered.ts"
import { nameOfWorker, phaseOf } from "./lookups.ts"
import type { State } from "./State.ts"

type Row = readonly [from: PhaseName, to: PhaseName, when: string]

/** The ends of an attempt that has started, whether it holds its slot or not. */
const endsOfAttempts = (from: PhaseName, meanwhile: string): ReadonlyArray<Row> => [
  [from, "stopping", "nobody wants it any more, a time limit passed, or it was settled from outside"],
  [
    from,
    "waiting",
    "another attempt is due, the body gave its place up, cannot run there or returned a graph, or the worker was lost"
  ],
  [from, "succeeded", `the body succeeded${meanwhile}`],
  [from, "failed", `the body failed or died${meanwhile}, or was lost with its worker for good`],
  [from, "cancelled", "the body interrupted itself"],
  [from, "skipped", `the body chose to be skipped${meanwhile}`]
]

/** In the order of a task's life. */
export const transitions: ReadonlyArray<Row> = [
  [
    "waiting",
    "ready",
    "the last dependency is met, the retry delay is over, or the body gave its place up or cannot run there"
  ],
  ["waiting", "succeeded", "the task it stands for succeeded, or it was settled from outside"],
  [
    "waiting",
    "failed",
    "a time limit passed, no worker could ever take it, what it stands for failed, or it was settled from outside"
  ],
  ["waiting", "upstreamFailed", "a dependency failed, a policy can never be met, or what it stands for never started"],
  ["waiting", "cancelled", "nobody wants it any more, a dependency was cancelled, or it was settled from outside"],
  [
    "waiting",
    "skipped",
    "a dependency was skipped, or what it stands for, a rule chose to, or it was settled from outside"
  ],
  ["ready", "assigned", "a worker has a free slot, or takes attempts ahead"],
  ["ready", "waiting", "an input was lost"],
  ["ready", "upstreamFailed", "an input was lost, and must not be made again"],
  ["ready", "succeeded", "it was settled from outside"],
  ["ready", "failed", "a time limit passed, no worker could ever take it, or it was settled from outside"],
  ["ready", "cancelled", "nobody wants it any more, or it was settled from outside"],
  ["ready", "skipped", "it was settled from outside"],
  ["assigned", "running", "the body begins"],
  ["assigned", "stopping", "nobody wants it any more, a time limit passed, or it was settled from outside"],
  ["assigned", "waiting", "the attempt was taken back, an input was not there, or the worker was lost"],
  ["assigned", "failed", "an input was not there, and must not be made again"],
  ["running", "seceded", "the body waits"],
  ...endsOfAttempts("running", ""),
  ["seceded", "rejoining", "the last wait is over"],
  ...endsOfAttempts("seceded", " while a fiber of its own still waited"),
  ["rejoining", "running", "a slot is free"],
  ["rejoining", "seceded", "another fiber of the body waits"],
  ...endsOfAttempts("rejoining", " while a fiber of its own still waited"),
  ["stopping", "waiting", "the attempt ran out of time and another one is due"],
  ["stopping", "succeeded", "the attempt has ended, and the task was settled from outside"],
  ["stopping", "failed", "the attempt has ended, and a time limit was the reason or the task was settled from outside"],
  ["stopping", "cancelled", "the attempt has ended"],
  ["stopping", "skipped", "the attempt has ended, and the task was settled from outside"],
  ["stopping", "releasing", "the attempt succeeded all the same, and its result owns a resource"],
  ["releasing", "succeeded", "the finalizers have run, and the task was settled from outside"],
  ["releasing", "waiting", "the finalizers have run, and what was made of it was lost"],
  [
    "releasing",
    "failed",
    "the finalizers have run, and a time limit was the reason, it was settled from outside, or it is needed again and must not run"
  ],
  ["releasing", "cancelled", "the finalizers have run"],
  ["releasing", "skipped", "the finalizers have run, and the task was settled from outside"],
  [
    "succeeded",
    "releasing",
    "its result owns a resource, and is neither claimed nor needed, or missed by the body of a dependent"
  ],
  ["succeeded", "waiting", "its result was lost with its worker, or is missed by the body of a dependent"],
  ["succeeded", "failed", "its result was lost, and it must not run again"]
]

const legal: ReadonlyArray<ReadonlySet<number>> = phaseNames.map((from) =>
  new Set(transitions.filter(([f]) => f === from).map(([, to]) => phaseNames.indexOf(to)))
)

/** Whether a task may go from one phase to another. */
export const isLegal = (from: Phase, to: Phase): boolean => legal[from]!.has(to)

/** Moves a task to another phase. */
export const transition = (state: State, task: TaskId, to: Phase): void => {
  const from = phaseOf(state, task)
  state.tasks.phase[task] = to
  if (state.step.log !== undefined) note(state, task, phaseNames[from] as PhaseName, phaseNames[to] as PhaseName)
}

/** Adds the first phase of a new task, or the end of its record, to the log. */
export const note = (
  state: State,
  task: TaskId,
  from: PhaseName | undefined,
  to: PhaseName | "released"
): void => {
  const { index, starts, submission, worker } = state.tasks
  const registered = submission[task]!
  const name = nameAt(registered, index[task]!)
  state.step.log!.push({
    at: state.now,
    key: keyNamed(name),
    graph: registered.number,
    label: name.label,
    from,
    to,
    worker: nameOfWorker(state, worker[task]!),
    attempt: starts[task]!,
    cause: state.step.cause,
    computation: registered.computation,
    owner: registered.owner.id,
    stream: registered.owner.stream,
    serial: name.number
  })
}

/** The table as a Mermaid state diagram. */
export const toMermaid = (): string => {
  const arrows = transitions.map(([from, to, when]) => `  ${from} --> ${to}: ${when}`)
  const ends = ["succeeded", "failed", "upstreamFailed", "cancelled", "skipped"].map((end) =>
    `  ${end} --> [*]: neither claimed nor needed`
  )
  const last = "  releasing --> [*]: the finalizers have run"
  return ["stateDiagram-v2", "  [*] --> waiting: submitted", ...arrows, ...ends, last].join("\n")
}
