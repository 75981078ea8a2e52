/** Tasks that are submitted. */
import type { Plan } from "../../../src/engine/protocol/Plan.ts"
import type { Submission as Known } from "../../../src/engine/state/Submission.ts"
import { armTimer } from "./facts.ts"
import type { Facts, Owner, Submission, Task } from "./facts.ts"
import { prioritiesIn } from "./order.ts"

/** Which computation a submission from outside belongs to. */
const computationOf = (model: Facts): number => {
  const begun = model.window
  if (begun !== undefined && begun.number === model.computations && model.now - begun.at <= model.windowMillis) {
    return begun.number
  }
  model.window = model.windowMillis > 0 ? { number: model.computations + 1, at: model.now } : undefined
  return ++model.computations
}

export const register = (
  model: Facts,
  plan: Plan,
  owner: Owner,
  rows: Int32Array,
  parent: Task | undefined
): ReadonlyArray<Task> => {
  const computation = parent === undefined ? computationOf(model) : parent.place.computation
  const priorities = prioritiesIn(plan, parent?.place.priority ?? 0)
  const submission = ++model.submissions
  const record: Submission = { users: new Set(), known: knownOf(model, rows) }
  const deps = Array.from(rows, (): Array<Task> => [])
  const made = Array.from(rows, (row, i): Task => {
    const settings = plan.settings.get(i) ?? {}
    const place = {
      priority: priorities[i]!,
      computation,
      ancestor: parent?.place.ancestor ?? plan.positions[i]!,
      depth: parent === undefined ? 0 : parent.place.depth + 1,
      submission,
      position: plan.positions[i]!
    }
    return {
      name: settings.key ?? `${settings.label ?? "task"}#${model.sequence + i}`,
      serial: model.sequence + i,
      row,
      deps: deps[i]!,
      settings,
      formers: [],
      owner,
      submission: record,
      place,
      rank: place,
      status: "pending",
      share: settings.share ?? plan.defaults?.share ?? parent?.share ?? "",
      isSource: parent === undefined && plan.offsets[i] === plan.offsets[i + 1],
      body: Math.abs(plan.portable?.[i] ?? 0),
      likely: 0,
      kind: (["remote", "local", "portable"] as const)[Math.sign(plan.portable?.[i] ?? 0) + 1]!,
      size: 0,
      since: undefined,
      retains: false,
      isResource: settings.resource === true,
      copies: new Set(),
      unheld: false,
      finalizeTold: false,
      finalized: false,
      forgotten: false,
      alias: undefined,
      adopted: false,
      wished: false,
      told: [],
      inner: [],
      retrying: false,
      timedOut: false,
      attempt: 0,
      starts: 0,
      begun: false,
      deaths: 0,
      reports: 0,
      unmet: new Set(),
      lack: undefined,
      recomputed: false,
      worker: -1,
      holds: false,
      isAssigned: false,
      askedBack: false,
      holdsAmounts: false,
      holdsTags: false,
      wanted: undefined,
      open: new Set(),
      fixed: undefined,
      must: [],
      may: [],
      stopTold: false,
      unwanted: false,
      refused: false,
      lacksSince: undefined,
      upstream: false,
      dropped: new Set(),
      endedAt: -1,
      why: new Set()
    }
  })
  model.sequence += plan.size
  for (const [i, task] of made.entries()) {
    for (let j = plan.offsets[i]!; j < plan.offsets[i + 1]!; j++) {
      const target = plan.targets[j]!
      const dependency = target >= 0 ? made[target] : model.byRow.get(~target)
      if (dependency === undefined) throw new Error(`the simulation depends on nothing: ${target}`)
      deps[i]!.push(dependency)
      if (target < 0) dependency.submission.users.add(record)
    }
    model.tasks.add(task)
  }
  for (const task of made) {
    if (model.byRow.has(task.row)) model.complain(`row ${task.row} is given twice`)
    model.byRow.set(task.row, task)
  }
  for (const i of plan.settings.keys()) {
    const { deadlineMillis, dependencyTimeoutMillis } = made[i]!.settings
    if (deadlineMillis !== undefined) armTimer(model, "deadline", made[i]!, deadlineMillis)
    if (dependencyTimeoutMillis !== undefined) armTimer(model, "dependencies", made[i]!, dependencyTimeoutMillis)
  }
  return made
}

/** What the engine has of new tasks; nothing if it has forgotten all of them in this step. */
const knownOf = (model: Facts, rows: Int32Array): Known | undefined => {
  const { submission } = model.state!.tasks
  return Array.from(rows, (row) => submission[row]).find((known) => known?.sequence === model.sequence)
}
