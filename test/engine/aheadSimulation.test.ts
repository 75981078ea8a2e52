/** Workers that begin attempts by themselves, with messages and reports under way: each has no more bodies at work than slots. */
import { assert, describe, it } from "@effect/vitest"
import type { Ending } from "../../src/engine/protocol/Event.ts"
import type { Instruction } from "../../src/engine/protocol/Instruction.ts"
import { keyOf } from "../../src/engine/state/lookups.ts"
import { Chance } from "../chance.ts"
import { longOr } from "../long.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

type Report = Parameters<Rig["send"]>[0]

type Message = Extract<Instruction, { readonly _tag: "Start" | "Begin" | "TakeBack" | "Stop" | "WaitEnded" }>

interface Attempt {
  readonly task: number
  readonly attempt: number
  /** The wait of its body; 0 while the body is at work. */
  wait: number
}

/** A worker far away. Messages and reports keep their order. */
class Far {
  readonly messages: Array<Message> = []
  readonly reports: Array<Report> = []
  /** Attempts that were sent ahead, oldest first. */
  readonly line: Array<Attempt> = []
  readonly begun = new Map<number, Attempt>()
  readonly slots: number
  private readonly chance: Chance

  constructor(slots: number, chance: Chance) {
    this.slots = slots
    this.chance = chance
  }

  hear(message: Message): void {
    if (message._tag === "WaitEnded") {
      const waiting = [...this.begun.values()].find(({ wait }) => wait === message.wait)
      if (waiting === undefined) return
      waiting.wait = 0
      return this.count()
    }
    const { attempt, task } = message
    const place = this.line.findIndex((each) => each.attempt === attempt)
    if (message._tag === "Start" && message.ahead === true) this.line.push({ task, attempt, wait: 0 })
    else if (message._tag === "Start") this.begin({ task, attempt, wait: 0 })
    else if (message._tag === "Stop" && this.begun.has(attempt)) {
      this.end(this.begun.get(attempt)!, { _tag: "Interrupted" })
    } else if (place >= 0) {
      const [first] = this.line.splice(place, 1)
      if (message._tag === "Begin") this.begin(first!)
      else this.reports.push({ _tag: "TaskEnded", task, attempt, ending: { _tag: "Unbegun" } })
    }
  }

  private begin(attempt: Attempt): void {
    this.begun.set(attempt.attempt, attempt)
    this.count()
    if (this.chance.with(0.75)) this.reports.push({ _tag: "TaskStarted", task: attempt.task, attempt: attempt.attempt })
  }

  private count(): void {
    const atWork = [...this.begun.values()].filter(({ wait }) => wait === 0)
    assert.isAtMost(atWork.length, this.slots, "bodies at work")
  }

  /** The end of a body that did not wait makes room for the next one, without a word. */
  end({ attempt, task, wait }: Attempt, ending: Ending): void {
    this.begun.delete(attempt)
    this.reports.push({ _tag: "TaskEnded", task, attempt, ending })
    if (wait === 0 && this.line.length > 0 && this.chance.with(0.7)) this.begin(this.line.shift()!)
  }
}

const isMessage = (instruction: Instruction): instruction is Message =>
  ["Start", "Begin", "TakeBack", "Stop", "WaitEnded"].includes(instruction._tag)

/**
 * One life from a seed; how many attempts were sent ahead, how many of them were asked back, how many went to remote workers, and how
 * many times ends came together.
 */
const live = (seed: number): Record<"sent" | "back" | "remote" | "groups", number> => {
  const chance = new Chance(seed)
  const rig = new Rig({})
  const workers = new Map<number, Far>()
  const waiting = new Map<number, Far>()
  let sent = 0
  let back = 0
  let remote = 0
  let groups = 0
  let waits = 1000
  const apply = rig.send.bind(rig)
  const recordOf = (worker: number) => rig.state.workers.find(({ serial }) => serial === worker)!
  let portable: ReadonlyArray<string> = []
  let far: ReadonlyArray<string> = []
  rig.send = (event) => {
    const out = apply(event)
    for (const each of out) {
      if (each._tag === "WorkerJoined") workers.set(each.worker, new Far(recordOf(each.worker).slots, chance))
      if (!isMessage(each)) continue
      if (each._tag === "Start") {
        const isRemote = recordOf(each.worker).kind === "remote"
        const key = keyOf(rig.state, each.task)
        if (!portable.includes(key)) {
          assert.strictEqual(isRemote, far.includes(key), `${key} on a worker of the wrong kind`)
        }
        if (isRemote) remote++
      }
      if (each._tag === "Start" && each.ahead === true) sent++
      if (each._tag === "TakeBack") back++
      const to = each._tag === "WaitEnded" ? waiting.get(each.wait) : workers.get(each.worker)
      to?.messages.push(each)
    }
    return out
  }
  /** Ends that came together. */
  const together = (reports: Array<Report>): void => {
    const last = reports.findIndex(({ _tag }) => _tag !== "TaskEnded")
    const ends = reports.splice(0, last < 0 ? reports.length : last)
    for (const [i, end] of ends.entries()) rig.send({ ...end, more: i < ends.length - 1 } as Report)
    if (ends.length > 1) groups++
  }
  const join = (): void => {
    const name = `w${rig.state.next.worker}`
    // Without a worker of their kind tasks would never end.
    const isLocal = rig.state.crew.takers === 0 || (rig.state.crew.remoteTakers > 0 && chance.with(0.5))
    const kind = isLocal ? "local" : "remote"
    rig.send({ _tag: "WorkerAdded", name, kind, slots: 1 + chance.below(2), ahead: chance.below(4) })
  }
  for (let left = 2 + chance.below(3); left > 0; left--) join()
  const owner = rig.open()
  const names = Array.from({ length: 4 + chance.below(16) }, (_, i) => `t${i}`)
  const before = (i: number): ReadonlyArray<string> =>
    i > 2 && chance.with(0.5) ? [...new Set([names[chance.below(i)]!, names[chance.below(i)]!])] : []
  portable = names.filter(() => chance.with(0.4))
  far = names.filter((name) => !portable.includes(name) && chance.with(0.3))
  const kinds = { portable, remote: far }
  rig.submit(owner, Object.fromEntries(names.map((name, i) => [name, before(i)])), { targets: names, ...kinds })
  const endings: ReadonlyArray<Ending> = [{ _tag: "Retried", delayMillis: 0 }, { _tag: "Rescheduled" }]
  let isClosed = false
  for (let turn = 0; turn < 5000; turn++) {
    const acts: Array<() => unknown> = []
    for (const [row, far] of workers) {
      const { begun, messages, reports } = far
      if (messages.length > 0) acts.push(() => far.hear(messages.shift()!))
      if (reports.length > 1 && chance.with(0.5)) acts.push(() => together(reports))
      else if (reports.length > 0) acts.push(() => rig.send(reports.shift()!))
      for (const each of begun.values()) {
        if (each.wait !== 0) {
          acts.push(() => reports.push({ _tag: "WaitAbandoned", wait: each.wait }))
          continue
        }
        acts.push(() => far.end(each, chance.with(0.1) ? chance.pick(endings)! : { _tag: "Succeeded" }))
        if (chance.with(0.9)) continue
        acts.push(() => {
          each.wait = waits++
          waiting.set(each.wait, far)
          const { attempt, task, wait } = each
          reports.push({ _tag: "TaskStarted", task, attempt })
          reports.push({ _tag: "WaitBegan", wait, claims: [], mode: "never", waiter: task, attempt })
        })
      }
      if (chance.with(0.99)) continue
      acts.push(() => {
        workers.delete(row)
        rig.send({ _tag: "WorkerLost", worker: row, begun: [...begun.keys()] })
        join()
      })
    }
    if (!isClosed && chance.with(0.003)) {
      acts.push(() => {
        isClosed = true
        rig.close(owner, 1)
      })
    }
    if (acts.length === 0) break
    chance.pick(acts)!()
  }
  const open = names.filter((name) => !isClosed && !["succeeded", "failed"].includes(rig.phase(name)))
  assert.deepStrictEqual(open, [], rig.story)
  if (!isClosed) rig.close(owner, 1)
  assertNothingIsLeft(rig)
  return { sent, back, remote, groups }
}

describe("attempts that are sent ahead, in random lives", () => {
  const lives = longOr(1000, 40)
  it(`S4, W19, W20: ${lives} lives of workers that go on by themselves end, with no more bodies at work than slots`, () => {
    let sent = 0
    let back = 0
    let remote = 0
    let groups = 0
    for (let seed = 1; seed <= lives; seed++) {
      try {
        const life = live(seed)
        sent += life.sent
        back += life.back
        remote += life.remote
        groups += life.groups
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error })
      }
    }
    assert.isAbove(sent, lives)
    assert.isAbove(back, lives / 20)
    assert.isAbove(remote, lives)
    assert.isAbove(groups, lives / 4)
  })
})
