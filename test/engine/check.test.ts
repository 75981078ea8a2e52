import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { check } from "../../src/engine/check/check.ts"
import { heldNow } from "../../src/engine/life/spent.ts"
import { Flag, Phase } from "../../src/engine/protocol/Phase.ts"
import type { Demand } from "../../src/engine/protocol/Plan.ts"
import type { Group } from "../../src/engine/protocol/policies.ts"
import type { Reason } from "../../src/engine/protocol/Reason.ts"
import type { Crowd, Queue } from "../../src/engine/state/Queue.ts"
import { allExtras, dropExtra, extrasFor, extrasOf, setAlias } from "../../src/engine/state/rare.ts"
import type { State } from "../../src/engine/state/State.ts"
import type { Extras } from "../../src/engine/state/TaskExtras.ts"
import { Use } from "../../src/engine/state/Use.ts"
import type { WorkerRecord } from "../../src/engine/state/WorkerRecord.ts"
import { Line } from "../../src/engine/structures/line.ts"
import { WordPositions } from "../../src/engine/structures/positions.ts"
import { plan } from "./plans.ts"
import { Rig } from "./rig.ts"

/** Changes what nothing changes. */
const force = <A extends object>(of: A, to: { [K in keyof A]?: unknown }): A => Object.assign(of, to)

/** One more worker, like the first and idle. */
const addWorker = ({ workers }: State, to: Partial<WorkerRecord> = {}): WorkerRecord => {
  const worker = {
    ...workers[0]!,
    index: workers.length,
    running: 0,
    attempts: 0,
    rejoining: new Map(),
    sent: new Line(),
    line: 0,
    askedBack: new Set<number>(),
    ...to
  }
  workers.push(worker)
  return worker
}

/** run holds the slot of a worker, and next was sent there ahead. */
const ahead = (): Rig => {
  const rig = new Rig({})
  rig.send({ _tag: "WorkerAdded", name: "w1", slots: 1, ahead: 1 })
  rig.submit(rig.open(), { run: [], next: [] })
  return rig
}

/** x and y are announced, and their claims too. */
const announced = (): Rig => {
  const rig = new Rig({ w1: 2 })
  const owner = rig.open()
  const of = plan({ x: [], y: [] }, { anonymous: true })
  rig.send({ _tag: "GraphAnnounced", announced: 1, plan: of, owner, targets: [0, 1] })
  rig.send({ _tag: "RowsFilled", announced: 1, rows: 4 })
  return rig
}

/** They are submitted. */
const submitted = (): Rig => {
  const rig = announced()
  const { owner: { id: owner }, plan: of } = rig.state.announced.get(1)!.submission
  const asked = { plan: of, owner, targets: [0, 1], parent: -1, attempt: 0, announced: 1 }
  rig.send({ _tag: "GraphSubmitted", ...asked })
  return rig
}

const queueOf = ({ queues }: State): Queue => [...queues.values()][0]!

const crowdOf = ({ crowds }: State): Crowd => [...crowds.values()][0]!

const setPhase = ({ tasks }: State, task: number, phase: Phase): void => void (tasks.phase[task] = phase)

/** Takes one rare fact away from all tasks. */
const clear = (state: State, name: keyof Extras): void => {
  for (const task of allExtras(state, name).keys()) dropExtra(state, task, name)
}

const endAs = (state: State, task: number, reason: Reason, phase: Phase = Phase.failed): void => {
  setPhase(state, task, phase)
  extrasFor(state, task).outcome = { reason, trail: { task: "x", from: undefined } }
}

const timedOut: Reason = { _tag: "TimedOut", of: "attempt", millis: 1 }
const stop = { since: 0, overdue: false }

/** done -> last, run -> last; two at work on one slot (one away, one running), one ready, one open wait, one deadline. */
const busy = (): Rig => {
  const rig = new Rig()
  const main = rig.open()
  const settings = { last: { key: "last", deadlineMillis: 100 } }
  rig.submit(main, { done: [], away: [], run: [], next: [], last: ["done", "run"] }, {
    settings,
    targets: ["away", "run", "next", "last"]
  })
  rig.end("done")
  rig.wait(1, [rig.claim(main, "run")], "away")
  return rig
}

/** One result held, one source at work on two slots, others held back, all of them with an age. */
const braked = (): Rig => {
  const rules = { sourceSaturation: 0.5, budget: { target: 5, pause: 5 }, aging: 3 }
  const rig = new Rig({ w1: 2 }, { fairness: rules })
  rig.submit(rig.open(), { done: [], run: [], next: [], more: [] }, { share: "a" })
  rig.end("done")
  return rig
}

/** Any of a and b -> x, and c -> x. */
const choosing = (): Rig => {
  const rig = new Rig({ w1: 4 })
  const group: Group = { of: "inputs", from: 0, to: 2, policy: { _tag: "AtLeast", count: 1, on: "success" } }
  rig.submit(rig.open(), { a: [], b: [], c: [], x: ["a", "b", "c"] }, {
    settings: { x: { key: "x", policies: [group] } }
  })
  return rig
}

/** One that holds an amount and a tag, one that wants them, and one that keeps an amount while it waits. */
const holding = (): Rig => {
  const rig = new Rig({ w1: { slots: 2, amounts: { gpu: 2 } } })
  rig.send({ _tag: "TagLimited", tag: "db", limit: 1 })
  const main = rig.open()
  const demand: Demand = { amounts: { gpu: 1 }, tags: ["db"] }
  rig.submit(main, { keep: [], take: [], want: [] }, {
    settings: {
      keep: { key: "keep", demand: { amounts: { gpu: 1 }, keepsAmounts: true } },
      take: { key: "take", demand },
      want: { key: "want", demand }
    }
  })
  rig.wait(1, [rig.claim(main, "take")], "keep")
  return rig
}

/** Two that wait for the rates of their tags. */
const rated = (): Rig => {
  const rig = new Rig({ w1: 2 })
  for (const tag of ["api", "db"]) {
    rig.send({ _tag: "TagLimited", tag, limit: undefined, rate: { starts: 1, perMillis: tag === "api" ? 10 : 20 } })
  }
  const of = (key: string, tag: string) => ({ key, demand: { tags: [tag] } })
  const main = rig.open()
  rig.submit(main, { a: [], b: [] }, { settings: { a: of("a", "api"), b: of("b", "api") } })
  rig.submit(main, { c: [], d: [] }, { settings: { c: of("c", "db"), d: of("d", "db") } })
  rig.end("a")
  return rig
}

/** One that replaces another. */
const succeeding = (): Rig => {
  const rig = new Rig({ w1: 2 })
  const main = rig.open()
  rig.submit(main, { a: [], b: [] })
  rig.submit(main, { c: [] }, { successions: [{ index: 0, formers: [rig.id("a")] }] })
  return rig
}

/** A parent that keeps its slot while it waits for its child. */
const keeping = (): Rig => {
  const rig = new Rig({ w1: 2 })
  const main = rig.open()
  rig.submit(main, { parent: [], child: [] })
  rig.keep(1, [rig.claim(main, "child")], "parent")
  return rig
}

/** x -> y, in two submissions; two lanes, two queues and two timers. */
const twice = (): Rig => {
  const rig = new Rig()
  const main = rig.open()
  rig.submit(main, { x: [], a: [] }, { settings: { x: { key: "x", timeoutMillis: 9 } } })
  rig.submit(main, { y: [rig.ref("x")], b: [] }, { settings: { y: { key: "y", deadlineMillis: 99 } } })
  rig.submit(main, { c: [] }, { share: "c" })
  rig.submit(main, { d: [] }, { share: "d" })
  return rig
}

/** A standing wait for two tasks of a call that limits itself to one at a time, and a wait for its next report. */
const standing = (): Rig => {
  const rig = new Rig({ w1: 2 })
  const main = rig.open("main", { tag: "call", limit: 1 })
  const demand: Demand = { tags: ["call"] }
  const settings = { run: { key: "run", demand }, next: { key: "next", demand } }
  rig.submit(main, { run: [], next: [] }, { settings, standing: 9 })
  const from = { waiter: -1, attempt: 0 }
  rig.send({ _tag: "WaitBegan", wait: 10, claims: [], standing: 9, mode: "firstCompleted", ...from })
  return rig
}

const stopping = (): Rig => {
  const rig = new Rig({ w1: 1 }, { graceMillis: 10 })
  const main = rig.open()
  rig.submit(main, { run: [] })
  rig.cancel(main, "run", 1)
  return rig
}

/** An attempt that stops and holds a member of a set that is still at work. */
const losing = (): Rig => {
  const rig = new Rig({ w1: 2 })
  const main = rig.open()
  const group: Group = { of: "inputs", from: 0, to: 2, policy: { _tag: "AtLeast", count: 1, on: "success" } }
  rig.submit(main, { a: [], b: [], x: ["a", "b"] }, { settings: { x: { key: "x", policies: [group] } } })
  rig.end("a")
  rig.cancel(main, "x", 1)
  return rig
}

/** Nobody takes what is ready, nor what asks for a certain worker. */
const alone = (...workers: ReadonlyArray<string>): Rig => {
  const rig = new Rig(Object.fromEntries(workers.map((name) => [name, 1])), { waitForWorkersMillis: 50 })
  rig.submit(rig.open(), { any: [], w9: [] }, { settings: { w9: { key: "w9", demand: { workers: ["w9"] } } } })
  return rig
}

type Fault = readonly [sentence: string, plant: (state: State, rig: Rig, id: (name: string) => number) => unknown]

/** Each fault in its situation, with the sentence that names it. */
const faults: ReadonlyArray<readonly [situation: () => Rig, ReadonlyArray<Fault>]> = [
  [busy, [
    // ---- phases and rows
    ["S1: a row is free twice", ({ tasks }) => {
      tasks.free.fill(3)
      tasks.freed = 2
    }],
    ["S1: the free row 3 has a phase", ({ tasks }, _, id) => void (tasks.free[tasks.freed++] = id("next"))],
    ["S1: the free row 3 keeps", ({ tasks }, _, id) => void (tasks.free[tasks.freed++] = id("next"))],
    ["S1: row 3 is lost", (state, _, id) => setPhase(state, id("next"), Phase.free)],
    [
      "S1: the submission of next (row 3, ready) does not know it",
      ({ tasks }, _, id) => void (tasks.submission[id("next")]!.ids[3] = 99)
    ],
    ["S1: x went from waiting to running", (state) =>
      state.step.log!.push({
        at: 0,
        key: "x",
        graph: 1,
        label: undefined,
        from: "waiting",
        to: "running",
        worker: undefined,
        attempt: 0,
        cause: "",
        computation: 1,
        owner: 1,
        stream: undefined,
        serial: 1
      })],
    ["S1: extras names the free row 99", (state) => extrasFor(state, 99)],
    ["S1: run (row 2, running) has lost its extras", ({ tasks }, _, id) => tasks.flags[id("run")]! |= Flag.hasExtras],
    [
      "S1: run (row 2, running) has lost its later dependents",
      ({ tasks }, _, id) => tasks.flags[id("run")]! |= Flag.hasLater
    ],
    ["S1: the step is not finished", (state) => state.step.unplaced.push(0)],
    ["S1: nobody was asked whether it lacks a worker", (state) => {
      state.crew.hasChanged = true
      state.demanding = 1
    }],
    ["S15: demands has a bit and no data", (state) => void (state.uses |= Use.demands)],
    ["S15: ahead has data and no bit", (state) => addWorker(state, { ahead: 1 })],
    ["S15: row 2 has settings and no bit", ({ tasks }, _, id) => tasks.flags[id("run")]! &= ~Flag.hasSettings],
    // ---- what tasks wait for
    ["S2: last (row 4, waiting) lost a dependency", (state, _, id) => setPhase(state, id("done"), Phase.free)],
    ["S2: last (row 4, waiting) counts 2 of 1", ({ tasks }, _, id) => tasks.waiting[id("last")]!++],
    ["S2: nothing will wake last (row 4, waiting)", (state, _, id) => setPhase(state, id("run"), Phase.succeeded)],
    [
      "S2: last (row 4, ready) did not wait for run (row 2, running)",
      (state, _, id) => setPhase(state, id("last"), Phase.ready)
    ],
    [
      "S2: last (row 4, waiting) outlives the refusal by done (row 0, failed)",
      (state, _, id) => endAs(state, id("done"), timedOut)
    ],
    [
      "S2: the alias run (row 2, running) does not wait",
      (state, _, id) => setAlias(state, id("run"), id("next"))
    ],
    [
      "S2: the alias last (row 4, waiting) should have ended",
      (state, _, id) => setAlias(state, id("last"), id("done"))
    ],
    // ---- how tasks end
    ["S7: failure 3 is kept 1 times and named 0 times", (state) => state.failures.set(3, 1)],
    [
      "S7: done (row 0, succeeded) has an outcome",
      (state, _, id) => endAs(state, id("done"), timedOut, Phase.succeeded)
    ],
    [
      "S7: done (row 0, cancelled) ended by TimedOut",
      (state, _, id) => endAs(state, id("done"), timedOut, Phase.cancelled)
    ],
    ["S7: run (row 2, running) is not settled rightly", ({ tasks }, _, id) => tasks.flags[id("run")]! |= Flag.told],
    [
      "S7: done (row 0, succeeded) is wished for and has ended",
      ({ tasks }, _, id) => tasks.flags[id("done")]! |= Flag.wished
    ],
    [
      "S7: run (row 2, running) was settled and has not ended",
      (state, _, id) => void (extrasFor(state, id("run")).isGiven = true)
    ],
    ["S7: run (row 2, running) is not stopping rightly", (state, _, id) => state.stopping.set(id("run"), stop)],
    ["S7: run (row 2, running) miscounts its starts", ({ tasks }, _, id) => tasks.starts[id("run")] = 0],
    [
      "S7: run (row 2, running) shares its attempt",
      ({ tasks: { attempt } }, _, id) => attempt[id("away")] = attempt[id("run")]!
    ],
    [
      "S7: run (row 2, running) has not run out of time in this attempt",
      ({ tasks }, _, id) => tasks.flags[id("run")]! |= Flag.timedOut
    ],
    // ---- who wants tasks
    ["S3: run (row 2, running) says 3 users of 2", ({ tasks }, _, id) => tasks.refs[id("run")]!++],
    ["S3: next (row 3, ready) goes on for nobody", ({ claims, owners, tasks }, rig, id) => {
      owners.forEach((owner) => owner.claims.delete(id("next")))
      claims.delete(rig.claim(100, "next").id)
      tasks.refs[id("next")] = 0
    }],
    ["S8: done (row 0, succeeded) is held for nobody", ({ tasks }, _, id) => {
      tasks.submission[id("last")]!.plan.targets[0] = id("run")
      tasks.refs[id("done")] = 0
    }],
    ["S3: the free row 99 has users", (state, _, id) => setAlias(state, id("last"), 99)],
    [
      "S3: main keeps an empty set of claims",
      ({ owners }, _, id) => owners.forEach(({ claims }) => claims.set(id("done"), new Set()))
    ],
    [
      "S3: a claim of main is misplaced",
      ({ owners }, _, id) => owners.forEach(({ claims }) => claims.set(id("done"), claims.get(id("run"))!))
    ],
    [
      "S3: the released claim of main on run (row 2, running) is kept",
      (_, rig) => void (rig.claim(100, "run").state = "released")
    ],
    ["S3: the claim 2 of main is not known", ({ claims }) => claims.delete(2)],
    ["S3: 5 claims are known of 4", ({ claims }, rig) => claims.set(99, rig.claim(100, "run"))],
    [
      "S3: the owner of run (row 2, running) has given its number to another",
      ({ owners }) => owners.forEach((owner, id) => owners.set(id, { ...owner }))
    ],
    ["S3: the identity next names run (row 2, running)", (state, _, id) => state.keys.set("next", id("run"))],
    ["S3: the live tasks of last are not known", (state) => void (state.runs = new Map())],
    ["S3: next (row 3, ready) lost its key", (state) => state.keys.delete("next")],
    [
      "S3: run (row 2, running) keeps next (row 3, ready)",
      (state, _, id) => state.later.set(id("run"), new Map([[id("next"), 1]]))
    ],
    [
      "S3: run (row 2, running) keeps an empty set of later dependents",
      (state, _, id) => state.later.set(id("run"), new Map())
    ],
    // ---- waits
    ["S2: wait 1 waits for run (row 2, succeeded)", (state, _, id) => setPhase(state, id("run"), Phase.succeeded)],
    ["S2: wait 1 is over and still watches run (row 2, running)", (state) => state.waits.delete(1)],
    ["S2: wait 1 never asked for run (row 2, running)", (state) => void (state.waits.get(1)!.tasks = [])],
    ["S2: wait 1 counts 2 of 1", (state) => state.waits.get(1)!.remaining++],
    ["S2: wait 1 should be over", ({ tasks }, _, id) => void (tasks.waits[id("run")] = undefined)],
    ["S6: away (row 1, seceded) waits for nothing", (state, _, id) => state.waitsOf.delete(id("away"))],
    [
      "S6: away (row 1, rejoining) waits and is not away",
      (state, _, id) => setPhase(state, id("away"), Phase.rejoining)
    ],
    ["S6: away (row 1, seceded) does not know that it waits", (state, _, id) => state.waitsOf.delete(id("away"))],
    ["S6: away (row 1, seceded) keeps an empty list of waits", (state, _, id) => state.waitsOf.set(id("away"), [])],
    [
      "S6: away (row 1, ready) waits and is not in an attempt",
      (state, _, id) => setPhase(state, id("away"), Phase.ready)
    ],
    ["S6: run (row 2, running) keeps wait 1", ({ waitsOf }, _, id) => waitsOf.set(id("run"), waitsOf.get(id("away"))!)],
    ["S10: nobody will hear that wait 5 is starved", (state) => state.starved.set(5, [])],
    // ---- slots
    ["S4: run (row 2, running) has no slot", ({ tasks }, _, id) => tasks.flags[id("run")]! &= ~Flag.holdsSlot],
    ["S4: 1 of 0 draining workers are counted", (state) => state.crew.draining++],
    ["S4: 0 of 1 slots on w1 are counted", ({ workers }) => workers[0]!.running--],
    ["S4: 1 of 2 attempts on w1 are counted", ({ workers }) => workers[0]!.attempts--],
    ["S4: 1 attempts on w1 hold 0 slots", ({ workers }) => force(workers[0]!, { slots: 0 })],
    ["S4: w2 is draining with 0 attempts", (state) => addWorker(state, { name: "w2", phase: "draining" })],
    ["S4: w2 is starting with 1 attempts", (state) => addWorker(state, { name: "w2", phase: "starting", attempts: 1 })],
    [
      "S6: run (row 2, rejoining) does not wait for its slot",
      (state, _, id) => setPhase(state, id("run"), Phase.rejoining)
    ],
    [
      "S6: run (row 2, running) waits for a slot on w1",
      ({ workers }, _, id) => workers[0]!.rejoining.set(id("run"), 1)
    ],
    ["S6: a slot is free on w1 and away (row 1, rejoining) waits for one", (state, _, id) => {
      setPhase(state, id("away"), Phase.rejoining)
      force(state.workers[0]!, { running: 0 }).rejoining.set(id("away"), 1)
    }],
    ["S6: a slot is free on w2 and next (row 3, ready) is ready", (state) => addWorker(state, { name: "w2" })],
    // ---- lanes
    ["S6: next (row 3, ready) is in no lane", (state) => state.lanes.pop()],
    ["S6: next (row 3, running) is in a lane", (state, _, id) => setPhase(state, id("next"), Phase.running)],
    ["S6: the free row 3 is ready", (state, _, id) => setPhase(state, id("next"), Phase.free)],
    ["S6: next (row 3, ready) is in the lane of others", ({ lanes }) => force(lanes[0]!, { priority: 5 })],
    [
      "S6: next (row 3, ready) is in the wrong lane",
      (state, _, id) => extrasFor(state, id("next")).ownLane = state.lanes[0]!
    ],
    [
      "S6: run (row 2, running) is not ready and gave its place up",
      (state, _, id) => extrasFor(state, id("run")).ownLane = state.lanes[0]!
    ],
    ["S6: lane 0 believes to be 3", ({ lanes }) => lanes[0]!.heapIndex = 3],
    ["S6: lane 0 counts its members wrong", ({ lanes }) => lanes[0]!.members.delete(3)],
    ["S6: nobody waits in the queue x", (state) => state.balance.overtaken.set("x", { count: 1, since: 0 })],
    ["S6: shares are kept for nobody", (state) => state.balance.shares.set("x", { at: 0, last: 0, starts: 0 })],
    ["S6: 1 of 0 tasks that ask for more are counted", (state) => state.demanding++],
    // ---- what leaves
    ["S14: run (row 2, running) is not leaving rightly", (state, _, id) => state.leaving.set(id("run"), [])],
    ["S14: run (row 2, running) leaves without its owner", (state, _, id) => state.leaving.set(id("run"), [])],
    // ---- results
    ["S8: the result of done (row 0, succeeded) was lost", ({ workers }) => void (workers[0]!.phase = "lost")],
    ["S8: done (row 0, releasing) owns nothing", (state, _, id) => setPhase(state, id("done"), Phase.releasing)],
    ["S8: 1 of 0 tasks with resources are counted", (state) => state.resources++],
    [
      "S8: copies of run (row 2, running) are kept",
      (state, _, id) => extrasFor(state, id("run")).copies = new Set([0])
    ],
    [
      "S8: an empty set of copies of done (row 0, succeeded) is kept",
      (state, _, id) => extrasFor(state, id("done")).copies = new Set()
    ],
    [
      "S8: done (row 0, succeeded) is a copy of itself",
      (state, _, id) => extrasFor(state, id("done")).copies = new Set([0])
    ],
    [
      "S8: a copy of done (row 0, succeeded) is at a worker that is lost",
      (state, _, id) => extrasFor(state, id("done")).copies = new Set([addWorker(state, { phase: "lost" }).index])
    ],
    ["S8: who made run (row 2, running) is kept", (state, _, id) => extrasFor(state, id("run")).maker = "w1"],
    [
      "S8: copy 1 is that of another result",
      (state, _, id) => state.copying.set(1, { task: id("run"), from: 0, to: addWorker(state).index, isMove: false })
    ],
    [
      "S8: copy 1 goes to a worker that is gone",
      (state, _, id) =>
        state.copying.set(1, {
          task: id("done"),
          from: 0,
          to: addWorker(state, { phase: "gone" }).index,
          isMove: false
        })
    ],
    [
      "S8: copy 1 is there already",
      (state, _, id) => state.copying.set(1, { task: id("done"), from: 0, to: 0, isMove: false })
    ],
    // ---- what is left, workers, timers
    ["S9: 5 left in tasks", (state) => state.owners.clear()],
    ["S11: w2 is in row 1", (state) => addWorker(state, { name: "w2", index: 0 })],
    ["S11: two workers have one number", (state) => addWorker(state)],
    [
      "S11: there is no worker 7",
      (state, _, id) => {
        extrasFor(state, id("run")).history = [{ number: 1, worker: 7, startedAt: 0, endedAt: 0, fate: "failed" }]
      }
    ],
    ["S11: the row of w2 is not used again", (state) => {
      addWorker(state, { name: "w2", phase: "gone", serial: state.next.worker++ })
      addWorker(state, { serial: state.next.worker++ })
      state.step.cause = "WorkerAdded"
    }],
    ["S12: 2 of 1 workers take tasks", (state) => state.crew.takers++],
    ["S12: 1 of 0 remote workers take tasks", (state) => state.crew.remoteTakers++],
    ["S6: a remote worker finds no portable tasks", (state) => addWorker(state, { name: "w2", kind: "remote" })],
    [
      "S13: last (row 4, waiting) is bound too early",
      (state, _, id) => extrasFor(state, id("last")).barred = { followed: { on: new Set(), workers: [] } }
    ],
    [
      "S13: next (row 3, ready) is bound to 1, not to undefined",
      (state, _, id) => extrasFor(state, id("next")).barred = { followed: { on: new Set([1]), workers: ["w1"] } }
    ],
    ["S13: next (row 3, ready) has its worker", (state, _, id) => extrasFor(state, id("next")).lacking = -1],
    ["S2: nobody will wake the engine", (state) => void (state.timers.wakeAt = 7)],
    ["S2: the deadline of last (row 4, waiting) is not armed", (state) => void (state.timers.heap.length = 0)],
    [
      "S2: 66 timers are kept",
      ({ timers: { heap: timers } }) => timers.push(...Array.from({ length: 65 }, () => timers[0]!))
    ]
  ]],
  [choosing, [
    ["S2: nobody counts for x (row 3, waiting)", (state) => clear(state, "needs")],
    ["S2: x (row 3, waiting) outlives a refusal", (state, _, id) => endAs(state, id("c"), timedOut)],
    [
      "S2: x (row 3, waiting) outlives its group 0",
      (state, _, id) => ["a", "b"].forEach((name) => endAs(state, id(name), timedOut))
    ],
    [
      "S2: group 0 of x (row 3, waiting) is open",
      (state, _, id) => void (extrasOf(state, id("x"))!.needs!.met[0] = true)
    ],
    ["S2: x (row 3, ready) did not wait for 2 more", (state, _, id) => setPhase(state, id("x"), Phase.ready)],
    ["S2: x (row 3, waiting) has 3 of 2 left", (state, _, id) => extrasOf(state, id("x"))!.needs!.left++]
  ]],
  [twice, [
    ["S3: x (row 0, running) does not know y (row 2, waiting)", (state) => state.later.clear()],
    ["S10: x (row 0, running) does not count as awaited by y (row 2, waiting)", (state) => state.later.clear()],
    ["S6: lane 1 ranks before its parent", ({ lanes }) => lanes.reverse().forEach((lane, i) => lane.heapIndex = i)],
    [
      "S6: queue [false,\"c\",null] ranks before its parent",
      (state) => crowdOf(state).heads.reverse().forEach((queue, i) => queue.heapIndex = i)
    ],
    ["S2: timer 1 comes before its parent", ({ timers: { heap: timers } }) => timers.reverse()]
  ]],
  [ahead, [
    ["S4: next (row 1, assigned) was not sent ahead", ({ workers }, _, id) => workers[0]!.sent.delete(id("next"))],
    ["S4: the line of w1 is 1 and not 4000", ({ workers }) => workers[0]!.line = 1],
    ["S4: 1 of 0 remote tasks sent to w1 are counted", ({ workers }) => workers[0]!.sentOf.remote = 1],
    ["S4: run (row 0, assigned) was asked back", ({ workers }, _, id) => workers[0]!.askedBack.add(id("run"))],
    ["S4: run (row 0, assigned) was sent ahead", ({ workers }, _, id) => workers[0]!.sent.push(id("run"), 0)],
    ["S4: run (row 0, assigned) has not begun", ({ workers }) => force(workers[0]!, { ahead: 0 })],
    ["S4: 1 attempts were sent to w1 ahead, not 0", ({ workers }) => force(workers[0]!, { ahead: 0 })],
    ["S6: a slot is free on w1 and an attempt was sent ahead", ({ workers }) => force(workers[0]!, { slots: 2 })]
  ]],
  [succeeding, [
    [
      "S2: c (row 2, running) did not wait for those that it replaces",
      (state, _, id) => void (state.tasks.phase[id("c")] = Phase.running)
    ],
    ["S2: c (row 2, waiting) waits for one that has ended", (state, _, id) => endAs(state, id("a"), timedOut)],
    ["S2: nobody tells c (row 2, waiting) of an end", (state) => state.successors.clear()]
  ]],
  [rated, [
    ["S2: the moment of the next delayed start is too late", (state) => void (state.delays.held.length = 0)],
    ["S6: crowd [false,\"\",[],[\"api\"],null] does not wait", (state) => state.delays.held[0]!.heapIndex = 1],
    [
      "S6: crowd [false,\"\",[],[\"api\"],null] may start, and no dispatch looks at it",
      (state) => state.delays.held[0]!.heldUntil = state.now
    ],
    ["S6: crowd [false,\"\",[],[\"api\"],null] waits for too long", (state) => state.delays.held[0]!.heldUntil = 11],
    [
      "S6: crowd [false,\"\",[],[\"db\"],null] may start before its parent",
      (state) => state.delays.held[1]!.heldUntil = 5
    ],
    ["S6: no dispatch looks at some crowd", (state) => state.delays.held.pop()]
  ]],
  [braked, [
    ["S4: run (row 1, running) is not counted as a source", (state) => state.balance.sources.clear()],
    ["S4: next (row 2, ready) is counted as a source", (state, _, id) => state.balance.sources.add(id("next"))],
    ["S6: a slot is free on w1 and next (row 2, ready) is ready", ({ keeping }, _, id) => keeping.set(id("run"), [])],
    ["S6: next (row 2, ready) is in the wrong queue", (state, _, id) => dropExtra(state, id("next"), "queue")],
    ["S6: next (row 2, ready) is in the queue of others", (state) => force(queueOf(state), { name: "x" })],
    [
      "S6: run (row 1, running) is in the queue of others",
      (state, _, id) => extrasFor(state, id("run")).queue = queueOf(state)
    ],
    ["S6: an empty queue is kept", (state) => state.queues.set("x", { ...queueOf(state), lanes: [] })],
    ["S6: queue [true,\"a\",null] believes to be 3", (state) => queueOf(state).heapIndex = 3],
    ["S6: the queues are not those in order", (state) => crowdOf(state).heads.pop()],
    [
      "S6: queue [true,\"a\",null] is in the crowd of others",
      (state) => queueOf(state).crowd = { ...crowdOf(state), heads: [] }
    ],
    [
      "S6: queue [true,\"a\",null] waits for the wrong workers",
      (state) => force(crowdOf(state), { workers: [] })
    ],
    ["S6: queue [true,\"a\",null] forgot an age", (state) => queueOf(state).since.clear()],
    ["S6: queue [true,\"a\",null] keeps an age", (state, _, id) => queueOf(state).since.set(id("run"), 9)],
    [
      "S6: the ages of queue [true,\"a\",null] are out of order",
      (state, _, id) => queueOf(state).since.set(id("next"), 9)
    ],
    ["S6: shares are kept for nobody", (state) => state.queues.clear()],
    ["S6: 4 of 5 tasks that ask for more are counted", (state) => state.demanding--],
    ["S8: the size of done (row 0, succeeded) is miscounted", (state) => clear(state, "size")],
    ["S8: 2 of 1 is counted", (state) => state.balance.heldSize++]
  ]],
  [holding, [
    ["S4: take (row 1, running) does not hold what it asks for", (state) => state.holding.clear()],
    ["S4: 3000 of 2000 gpu are counted on w1", ({ workers }) => workers[0]!.amounts!.get("gpu")!.used = 3000],
    ["S4: 3000 of 2000 gpu are held on w1", ({ workers }) => workers[0]!.amounts!.get("gpu")!.used = 3000],
    ["S4: w1 has no cpu", (state, _, id) => state.holding.set(id("take"), { amounts: { cpu: 1 } })],
    ["S4: 2 of 1 holders of the tag db are counted", ({ tags }) => tags.get("db")!.used++],
    ["S5: want (row 2, ready) holds amounts or tags", (state, _, id) => {
      state.tasks.worker[id("want")] = 0
      state.holding.set(id("want"), { tags: ["db"] })
    }],
    ["S5: take (row 1, running) does not keep amounts rightly", (state, _, id) => state.keepingAmounts.add(id("take"))],
    [
      "S5: keep (row 0, seceded) keeps the wrong things",
      (state, _, id) => state.holding.set(id("keep"), { amounts: { gpu: 1 }, tags: ["db"] })
    ]
  ]],
  [keeping, [
    ["S10: parent (row 0, running) keeps its slot in wait 1 for ever", (state, _, id) => {
      setPhase(state, id("child"), Phase.ready)
      force(state.workers[0]!, { slots: 1 })
    }]
  ]],
  [standing, [
    ["S4: the tag call of main is not limited", ({ tags }) => tags.delete("call")],
    ["S4: 1 of 0 hold the tag call of main", ({ tags }) => force(tags.get("call")!, { total: 0 })],
    ["S2: wait 10 is for a report that never comes", ({ waits }) => waits.get(9)!.standing!.open.clear()],
    ["S2: standing wait 9 has 0 claims, not 2", ({ waits }) => waits.get(9)!.standing!.open.clear()],
    ["S2: standing wait 9 has a claim that is gone", ({ claims }, rig) => claims.delete(rig.claim(100, "next").id)],
    ["S2: wait 10 is over and still takes", ({ waits }) => waits.delete(10)]
  ]],
  [stopping, [
    ["S2: nobody will report that run (row 0, stopping) does not stop", (state) => void (state.timers.heap.length = 0)]
  ]],
  [losing, [
    [
      "S14: x (row 2, stopping) is not ending rightly",
      (state) => void (state.held = { ...heldNow(state), ending: new Map() })
    ],
    [
      "S14: the users of b (row 1, running) that end are miscounted",
      (state) => void (state.held = { ...heldNow(state), uses: new Map() })
    ],
    [
      "S14: what b (row 1, running) holds is not seen",
      (state) => void (state.held = { ...heldNow(state), deep: new Set() })
    ]
  ]],
  [() => alone(), [
    ["S12: any (row 0, ready) waits for a worker without end", (state) => void (state.timers.heap.length = 0)]
  ]],
  [announced, [
    ["S16: the row 1 of 1 has a phase", ({ announced: plans, tasks }) => {
      force(plans.get(1)!.submission, { lane: { members: new WordPositions() } })
      tasks.phase[1] = Phase.waiting
    }],
    ["S16: the row 0 of 1 is another's too", ({ announced: plans }) => void (plans.get(1)!.submission.ids[1] = 0)],
    ["S16: the row 1 of 1 is not what it was", ({ tasks }) => void (tasks.refs[1] = 7)],
    ["S16: 3 rows are announced of 2", ({ tasks }) => void (tasks.announced = 3)],
    ["S16: 1 claims too early", ({ announced: plans }) => void (plans.get(1)!.filled = 1)],
    ["S16: a claim of 1 ended", ({ announced: plans }) => void (plans.get(1)!.block!.claims[0]!.state = "released")]
  ]],
  [submitted, [
    ["S3: 1 claims of main are 2", ({ claimBlocks: [block] }) => void (block!.claims[0] = undefined)],
    ["S3: main has closed and keeps claims", ({ owners }) => owners.clear()],
    ["S3: y#2 (row 1, running) lost a claim", ({ claimBlocks: [block] }) => void (block!.last[1] = 0)]
  ]],
  [() => alone("w1"), [
    ["S13: w9 (row 1, ready) lacks a worker", (state) => clear(state, "lacking")],
    [
      "S13: the wait of w9 (row 1, ready) for a worker has the wrong limit",
      (state, _, id) => extrasFor(state, id("w9")).lacking = -1
    ]
  ]]
]

describe("check", () => {
  for (const [situation, planted] of faults) {
    it(`A whole state has no faults${situation.name === "" ? "" : ` (${situation.name})`}`, () => {
      assert.deepStrictEqual(check(situation().state), [])
    })

    // Each check must be able to fail: a fault is planted, and it is named.
    for (const [sentence, plant] of planted) {
      it(`${sentence}: that is found`, () => {
        const rig = situation()
        plant(rig.state, rig, (name) => rig.id(name))
        assert.include(check(rig.state), sentence)
      })
    }
  }

  it("There is a fault above for every check", () => {
    const sentences = faults.flatMap(([, planted]) => planted.map(([sentence]) => sentence))
    const sources = globSync("src/engine/check/*.ts").map((path) => readFileSync(path, "utf8"))
    const templates = sources.flatMap((text) =>
      Array.from(
        text.matchAll(/`(S\d+: (?:\$\{[^}]*\}|[^`$])*)`|"(S\d+: [^"]*)"/g),
        ([, told, plain]) => told ?? plain!
      )
    )
    const patternOf = (template: string) =>
      new RegExp(`^${template.split(/\$\{[^}]*\}/).map((part) => part.replace(/[()]/g, "\\$&")).join(".*")}$`)
    const untested = templates.filter((template) => !sentences.some((sentence) => patternOf(template).test(sentence)))
    assert.isAbove(templates.length, 100)
    assert.deepStrictEqual(untested, [])
  })
})
