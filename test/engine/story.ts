/**
 * Events and instructions as lines of a dialogue: `>` for what happens, `=` for where tasks stand then, `<` for what the
 * engine asks.
 */
import type { Ending, Event, PauseTarget, TagLimit } from "../../src/engine/protocol/Event.ts"
import type { ClaimId, TaskId } from "../../src/engine/protocol/ids.ts"
import type { Instruction, Refusal } from "../../src/engine/protocol/Instruction.ts"
import type { Plan, Reference } from "../../src/engine/protocol/Plan.ts"
import type { Transition } from "../../src/engine/protocol/Transition.ts"
import { findClaim } from "../../src/engine/state/claims.ts"
import { keyOf } from "../../src/engine/state/lookups.ts"
import type { Claim } from "../../src/engine/state/Owner.ts"
import type { State } from "../../src/engine/state/State.ts"

/** Phases that instructions make plain. */
const plain: ReadonlySet<string> = new Set([
  "waiting",
  "ready",
  "assigned",
  "running",
  "stopping",
  "releasing",
  "released"
])

const limitText = ({ limit, rate, tag }: TagLimit): string =>
  `tag ${tag} is ${limit === undefined ? "not limited" : `limited to ${limit}`}${
    rate === undefined ? "" : `, and to ${rate.starts} starts in ${rate.perMillis} ms`
  }`

const targetText = ({ group, tag }: PauseTarget): string =>
  tag !== undefined ? `tag ${tag}` : group !== undefined ? `group ${group}` : "everything"

/** Remembers what to call the rows, waits and workers of a state. */
export class Narrator {
  readonly lines: Array<string> = []
  private readonly names = new Map<TaskId, string>()
  private readonly owners = new Map<number, string>()
  private readonly claims = new Map<ClaimId, Claim>()
  private sequence = 1
  private readonly state: State

  constructor(state: State) {
    this.state = state
  }

  /** Call after the step. */
  tell(event: Event, out: ReadonlyArray<Instruction>, transitions: ReadonlyArray<Transition> = []): void {
    const submitted = out.find((instruction) => instruction._tag === "Submitted")
    for (const claim of submitted?.claims ?? []) this.claims.set(claim, findClaim(this.state, claim)!)
    if (event._tag === "OwnerOpened") this.owners.set(event.owner, event.name)
    if (event._tag === "GraphSubmitted" && event.opens !== undefined) this.owners.set(event.owner, event.opens)
    const line = this.event(event, submitted !== undefined)
    if ("plan" in event && submitted !== undefined) this.learn(event.plan, submitted.ids)
    const isRenewed = event._tag === "TaskEnded" && event.ending._tag === "DependenciesLost"
    if (isRenewed || this.state.workers.some(({ phase }) => phase === "lost")) this.learnAgain()
    this.lines.push(`> ${line}`)
    for (const { key, to } of transitions) if (!plain.has(to)) this.lines.push(`= ${key} is ${to}`)
    for (const instruction of out) {
      const told = this.instruction(instruction)
      if (told !== undefined) this.lines.push(`< ${told}`)
    }
  }

  /** Tasks that had been forgotten have rows again. */
  private learnAgain(): void {
    const { submission, used } = this.state.tasks
    for (let task = 0; task < used; task++) {
      if (submission[task] !== undefined) this.names.set(task, keyOf(this.state, task))
    }
  }

  private claimed(claim: ClaimId): string {
    return this.name(this.claims.get(claim)!.task)
  }

  name(task: TaskId): string {
    return this.names.get(task) ?? `row ${task}`
  }

  private learn(plan: Plan, ids: Int32Array): void {
    ids.forEach((id, i) => this.names.set(id, this.keyIn(plan, i)))
    this.sequence += plan.size
  }

  private keyIn(plan: Plan, i: number): string {
    const settings = plan.settings.get(i)
    return settings?.key ?? `${settings?.label ?? "task"}#${this.sequence + i}`
  }

  private reference(plan: Plan, reference: Reference): string {
    return reference >= 0 ? this.keyIn(plan, reference) : this.name(~reference)
  }

  private graph(plan: Plan): string {
    const tasks = Array.from({ length: plan.size }, (_, i) => {
      const deps = Array.from(
        plan.targets.subarray(plan.offsets[i], plan.offsets[i + 1]),
        (target) => this.reference(plan, target)
      )
      const kind = Math.sign(plan.portable?.[i] ?? 0)
      const name = `${kind === 0 ? "" : kind > 0 ? "portable " : "remote "}${this.keyIn(plan, i)}`
      return deps.length === 0 ? name : `${name} after ${deps.join(" and ")}`
    })
    return tasks.length === 0 ? "nothing new" : tasks.join(", ")
  }

  private owner(owner: number): string {
    return this.owners.get(owner) ?? `owner ${owner}`
  }

  private event(event: Event, accepted: boolean): string {
    switch (event._tag) {
      case "WorkerAdded":
        return `${event.kind === "remote" ? "remote " : ""}worker ${event.name} joins with ${event.slots} slot${
          event.slots === 1 ? "" : "s"
        }${Object.entries(event.amounts ?? {}).map(([name, amount]) => ` and ${amount} ${name}`).join("")}${
          labels(event.labels)
        }${event.ahead === undefined ? "" : `, and ${event.ahead} ahead`}`
      case "GraphAnnounced":
        return `a graph of ${event.plan.size} is announced`
      case "RowsFilled":
        return `${event.rows} rows are filled`
      case "GraphRecalled":
        return "the announced graph is recalled"
      case "WorkerStarted":
        return `worker ${this.worker(event.worker)} has started`
      case "WorkerBeat":
        return `worker ${this.worker(event.worker)} is alive`
      case "PoolOpened":
        return `the pool ${event.name} has from ${event.min} to ${event.max} workers`
      case "TagLimited":
        return limitText(event)
      case "StartsPaused":
        return `${targetText(event.of)} is paused${event.forMillis === undefined ? "" : ` for ${event.forMillis} ms`}`
      case "StartsResumed":
        return `${targetText(event.of)} is resumed`
      case "WorkerDrained":
        return `worker ${this.worker(event.worker)} drains`
      case "WorkerLost":
        return `worker ${this.worker(event.worker)} is lost${
          event.begun === undefined ? "" : `; begun were ${event.begun.join(" and ") || "none"}`
        }`
      case "ResultMissing":
        return `worker ${this.worker(event.worker)} does not have what attempt ${event.attempt} of ${
          this.name(event.task)
        } has made`
      case "OwnerOpened":
        return `${event.name} opens${event.group === undefined ? "" : ` in group ${event.group}`}${
          event.limits === undefined ? "" : `, ${limitText(event.limits)}`
        }`
      case "GraphSubmitted": {
        if (!accepted) return `${this.owner(event.owner)} submits`
        const from = event.parent < 0 ? "" : ` from inside ${this.name(event.parent)}`
        const wants = event.targets.map((target) => this.reference(event.plan, target)).join(" and ")
        const wishes = event.wishes === undefined ? "" : ", whatever fails"
        const slot = event.keepsSlot === true ? ", its slot kept" : ""
        const standing = event.standing === undefined ? "" : ` in standing wait ${event.standing}`
        const waits = event.wait === undefined ? standing : ` and waits (${event.wait}${slot})`
        return `${this.owner(event.owner)} submits ${this.graph(event.plan)}${from}; wants ${wants}${wishes}${waits}`
      }
      case "TaskExpanded": {
        if (!accepted) return `${this.name(event.task)} returns a graph in attempt ${event.attempt}`
        const target = this.reference(event.plan, event.target)
        return `${this.name(event.task)} returns ${this.graph(event.plan)}; stands for ${target}`
      }
      case "TaskStarted":
        return `attempt ${event.attempt} of ${this.name(event.task)} begins`
      case "TaskEnded":
        return `attempt ${event.attempt} of ${this.name(event.task)} ${endings(event.ending)}`
      case "TaskSettled":
        return `somebody says that ${this.name(event.task)} ${endings(event.ending)}`
      case "TaskCopied":
        return `copy ${event.copy} has arrived`
      case "CopiesRequested":
        return `somebody wants ${event.copies} copies of ${this.name(event.task)}`
      case "RebalanceRequested":
        return "somebody wants results evenly spread"
      case "TaskFinalized":
        return `the resource of ${this.name(event.task)} is finalized`
      case "WaitBegan": {
        const claims = event.claims.map((claim) => this.claimed(claim)).join(" and ")
        if (event.mode === "each") return `standing wait ${event.wait} is for ${claims || "nothing"} too`
        const who = event.waiter < 0 ? "somebody" : this.name(event.waiter)
        const slot = event.keepsSlot === true ? " and keeps its slot" : ""
        const awaited = event.standing === undefined ? claims || "nothing" : `standing wait ${event.standing}`
        return `${who} waits for ${awaited}${slot} (${event.wait}, ${event.mode})`
      }
      case "SlotWanted":
        return `${this.name(event.task)} goes on and wants its slot again (${event.wait})`
      case "WaitAbandoned":
        return `wait ${event.wait} is given up`
      case "CancelRequested": {
        const owner = this.claims.get(event.claim)!.owner.name
        const whom = event.force ? "everybody" : event.alone === true ? `this claim of ${owner}` : owner
        return `${event.by} cancels ${this.claimed(event.claim)} for ${whom} and waits (${event.wait})`
      }
      case "ClaimsReleased":
        return event.claims
          .map((claim) => `${this.claims.get(claim)!.owner.name} lets go of ${this.claimed(claim)}`).join(", ")
      case "ClaimShared":
        return `${this.owner(event.owner)} claims ${this.claimed(event.claim)} too`
      case "OwnerClosed":
        return `${this.owner(event.owner)} closes and waits (${event.wait})`
      case "TimeCame":
        return `it is ${event.now} ms`
    }
  }

  private worker(worker: number): string {
    return this.state.workers.find(({ serial }) => serial === worker)?.name ?? `worker ${worker}`
  }

  private instruction(instruction: Instruction): string | undefined {
    switch (instruction._tag) {
      case "Start": {
        const inputs = instruction.inputs.length === 0
          ? ""
          : ` with ${instruction.inputs.map((i) => this.name(i)).join(" and ")}`
        return `start ${this.name(instruction.task)}${inputs} on ${
          this.worker(instruction.worker)
        } (attempt ${instruction.attempt}, its ${instruction.number}.${instruction.ahead === true ? ", ahead" : ""})`
      }
      case "Begin":
        return `begin ${this.name(instruction.task)} (attempt ${instruction.attempt})`
      case "TakeBack":
        return `take ${this.name(instruction.task)} back (attempt ${instruction.attempt})`
      case "Stop":
        return `stop ${this.name(instruction.task)} (attempt ${instruction.attempt}${
          instruction.timedOut ? ", timed out" : ""
        })`
      case "Overdue":
        return `${this.name(instruction.task)} does not stop (attempt ${instruction.attempt})`
      case "Finalize":
        return `finalize the resource of ${this.name(instruction.task)} (attempt ${instruction.attempt})`
      case "Submitted":
        return undefined
      case "Adopt":
        return `the result of ${this.name(instruction.from)} is that of ${this.name(instruction.task)} too`
      case "Hold":
        return `the value given for ${this.name(instruction.task)} is its result, on ${this.worker(instruction.worker)}`
      case "Copy": {
        const [from, to] = [this.worker(instruction.from), this.worker(instruction.to)]
        return `copy ${this.name(instruction.task)} from ${from} to ${to} (copy ${instruction.copy})`
      }
      case "Forget":
        return `forget ${this.name(instruction.task)}${instruction.holder < 0 ? "" : ` and its result`}`
      case "Discard":
        return `discard what ${this.name(instruction.task)} brought`
      case "ForgetFailure":
        return `forget failure ${instruction.failure}`
      case "WaitEnded":
        return `wait ${instruction.wait} is over${
          instruction.starved === undefined
            ? ""
            : `: ${
              instruction.starved.map(([from, to, of]) =>
                `${from} waits for ${of === undefined ? to : `the ${of} of ${to}`}`
              )
                .join(", ")
            }`
        }`
      case "ClaimEnded":
        return `standing wait ${instruction.wait} reports ${this.claimed(instruction.claim)}`
      case "WakeAt":
        return `wake me at ${instruction.at} ms`
      case "WorkerJoined":
        return undefined
      case "StartWorker": {
        const place = instruction.replaces < 0 ? "" : ` in the place of ${this.worker(instruction.replaces)}`
        return `start worker ${instruction.name}${place}`
      }
      case "WorkerExpired":
        return `${this.worker(instruction.worker)} ${
          instruction.why === "silent" ? "was silent for too long" : "cannot be relied on"
        }`
      case "WorkerLeft":
        return `${this.worker(instruction.worker)} leaves`
      case "Rejected":
        return `rejected: ${refusal(instruction.reason)}`
    }
  }
}

const refusal = (reason: Refusal): string => {
  switch (reason._tag) {
    case "Gone":
      return `the ${reason.what} is gone`
    case "NestingLimit":
      return `more than ${reason.max} ${reason.of}` +
        (reason.refusals === undefined ? "" : `, ${reason.refusals} times before`)
    case "LimitExceeded":
      return `${reason.value} of ${reason.max} ${reason.limit}`
  }
}

const labels = (labels: ReadonlyArray<string> = []): string => labels.length === 0 ? "" : `, ${labels.join(" and ")}`

const endings = (ending: Ending): string => {
  switch (ending._tag) {
    case "Succeeded":
      return "succeeds"
    case "Failed":
      return `${ending.defect ? "dies" : "fails"} (failure ${ending.failure})`
    case "Interrupted":
      return "is interrupted"
    case "InputsLost":
      return `never began: inputs were lost${
        ending.inputs.map(({ holder, place }) => ` (${place + 1}. at worker ${holder})`).join("")
      }`
    case "Unbegun":
      return "never began"
    case "Rescheduled":
      return "gives its place up"
    case "DependenciesLost":
      return `misses what it was given${ending.places.map((place) => ` (${place + 1}.)`).join("")}`
    case "Skipped":
      return "is skipped"
    case "Unmet":
      return `cannot run here: ${ending.reason}`
    case "Retried":
      return `fails and asks for another${ending.delayMillis === 0 ? "" : ` in ${ending.delayMillis} ms`}`
  }
}
