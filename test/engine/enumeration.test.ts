import { assert, describe, it } from "@effect/vitest"
import type { Ending } from "../../src/engine/protocol/Event.ts"
import { Phase, phaseNames } from "../../src/engine/protocol/Phase.ts"
import type { PhaseName } from "../../src/engine/protocol/Phase.ts"
import { isLegal, transitions } from "../../src/engine/state/transitions.ts"
import { plan } from "./plans.ts"
import { Rig } from "./rig.ts"

/** Ways to bring the task `x`, claimed by the first owner, to each phase that lasts longer than a step. */
const ways: Readonly<Record<string, (rig: Rig, owner: number) => void>> = {
  waiting: (rig, owner) => void rig.submit(owner, { up: [], x: ["up"] }, submission),
  ready: (rig, owner) => {
    rig.submit(owner, { blocker: [] })
    rig.submit(owner, { x: [] }, submission)
  },
  assigned: (rig, owner) => {
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, ahead: 1 })
    rig.submit(owner, { x: [] }, submission)
  },
  "assigned, without a slot": (rig, owner) => {
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, ahead: 1 })
    rig.submit(owner, { blocker: [] })
    // A task with a timeout is not sent ahead.
    rig.submit(owner, { x: [] }, withoutTimeout)
  },
  running: (rig, owner) => void rig.submit(owner, { x: [] }, submission),
  seceded: (rig, owner) => {
    rig.submit(owner, { x: [] }, submission)
    rig.wait(50, [], "x", "never")
  },
  "running, in a wait that keeps its slot": (rig, owner) => {
    rig.submit(owner, { x: [] }, submission)
    const inner = rig.open("inner")
    rig.send({ _tag: "WorkerAdded", name: "w0", slots: 1 })
    rig.submit(inner, { blocker: [] }, { inside: "x" })
    rig.keep(50, [rig.claim(inner, "blocker")], "x")
  },
  rejoining: (rig, owner) => {
    rig.submit(owner, { x: [] }, submission)
    rig.wait(50, [], "x", "never")
    rig.submit(owner, { blocker: [] })
    rig.abandon(50)
  },
  stopping: (rig, owner) => {
    rig.submit(owner, { x: [] }, submission)
    rig.at(10)
  },
  releasing: (rig, owner) => {
    rig.submit(owner, { x: [] }, owning)
    rig.at(10)
    rig.end("x")
  },
  succeeded: (rig, owner) => {
    rig.submit(owner, { x: [] }, submission)
    rig.end("x")
  },
  failed: (rig, owner) => {
    rig.submit(owner, { x: [] }, submission)
    rig.fail("x", 60)
  },
  upstreamFailed: (rig, owner) => {
    rig.submit(owner, { up: [], x: ["up"] }, { ...submission, targets: ["up", "x"] })
    rig.fail("up", 61)
  },
  cancelled: (rig, owner) => {
    rig.submit(owner, { x: [] }, submission)
    rig.end("x", { _tag: "Interrupted" })
  },
  skipped: (rig, owner) => {
    rig.submit(owner, { x: [] }, submission)
    rig.end("x", { _tag: "Skipped" })
  }
}

/** And to the one phase to which there are two ways that differ afterwards. */
const reaches: ReadonlyArray<readonly [string, (rig: Rig, owner: number) => void]> = [
  ...Object.entries(ways),
  ["releasing", (rig, owner) => {
    rig.submit(owner, { x: [] }, owning)
    rig.end("x")
    rig.release(owner, "x")
  }]
]

const submission = {
  settings: { x: { key: "x", timeoutMillis: 10, deadlineMillis: 20, graceMillis: 5, waitForWorkersMillis: 5 } }
}

const withoutTimeout = { settings: { x: { key: "x", deadlineMillis: 20, graceMillis: 5, waitForWorkersMillis: 5 } } }

const owning = { settings: { x: { ...submission.settings.x, resource: true } } }

const endings: ReadonlyArray<Ending> = [
  { _tag: "Succeeded" },
  { _tag: "Failed", failure: 1, defect: false },
  { _tag: "Failed", failure: 2, defect: true },
  { _tag: "Interrupted" },
  { _tag: "Retried", delayMillis: 0 },
  { _tag: "Retried", delayMillis: 5 },
  { _tag: "InputsLost", inputs: [] },
  { _tag: "Rescheduled" },
  { _tag: "DependenciesLost", places: [] },
  { _tag: "Skipped" },
  { _tag: "Unmet", reason: "no" },
  { _tag: "Unbegun" }
]

/** Every kind of event, aimed at `x`. */
const events: Readonly<Record<string, (rig: Rig, owner: number) => void>> = {
  ...Object.fromEntries(endings.map((ending) => [
    `TaskEnded ${JSON.stringify(ending)}`,
    (rig: Rig) => void rig.end("x", ending)
  ])),
  TaskStarted: (rig) => void rig.begin("x"),
  "TaskStarted of a former attempt": (rig) => void rig.begin("x", rig.attempt("x") + 1000),
  "TaskEnded of a former attempt": (rig) => void rig.end("x", { _tag: "Succeeded" }, rig.attempt("x") + 1000),
  "TaskSettled with a value": (rig) => void rig.settle("x"),
  "TaskSettled with a failure": (rig) => void rig.settle("x", { _tag: "Failed", failure: 9, defect: false }),
  "TaskSettled as interrupted": (rig) => void rig.settle("x", { _tag: "Interrupted" }),
  "TaskSettled as skipped": (rig) => void rig.settle("x", { _tag: "Skipped" }),
  CopiesRequested: (rig) => void rig.send({ _tag: "CopiesRequested", task: rig.id("x"), copies: 2 }),
  RebalanceRequested: (rig) => void rig.send({ _tag: "RebalanceRequested" }),
  TaskCopied: (rig) => {
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    rig.send({ _tag: "CopiesRequested", task: rig.id("x"), copies: 2 })
    rig.send({ _tag: "TaskCopied", copy: 1 })
  },
  "TaskCopied for a worker that leaves": (rig) => {
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    rig.send({ _tag: "TaskCopied", copy: 1 })
  },
  TaskFinalized: (rig) => void rig.finalize("x"),
  "TaskFinalized of a former attempt": (rig) => void rig.finalize("x", rig.attempt("x") + 1000),
  TaskExpanded: (rig) =>
    void rig.send({
      _tag: "TaskExpanded",
      task: rig.id("x"),
      attempt: rig.attempt("x"),
      plan: plan({ inner: [] }),
      target: 0
    }),
  "WaitBegan inside": (rig, owner) => {
    rig.submit(owner, { awaited: [] })
    rig.wait(51, [rig.claim(owner, "awaited")], "x")
  },
  "WaitBegan inside, the slot kept": (rig, owner) => {
    rig.submit(owner, { awaited: [] })
    rig.keep(51, [rig.claim(owner, "awaited")], "x")
  },
  "WaitBegan for it": (rig, owner) => void rig.wait(51, [rig.claim(owner, "x")]),
  "WaitBegan for itself": (rig, owner) => void rig.wait(51, [rig.claim(owner, "x")], "x"),
  WaitAbandoned: (rig) => void rig.abandon(50),
  SlotWanted: (rig) => void rig.wantSlot(50, "x"),
  CancelRequested: (rig, owner) => void rig.cancel(owner, "x", 52),
  "CancelRequested by itself": (rig, owner) => void rig.cancel(owner, "x", 52, { inside: "x" }),
  "CancelRequested with force": (rig, owner) => void rig.cancel(owner, "x", 52, { force: true }),
  ClaimShared: (rig, owner) => void rig.share(rig.open("other"), rig.claim(owner, "x")),
  ClaimsReleased: (rig, owner) => void rig.release(owner, "x"),
  OwnerOpened: (rig) => void rig.open("new"),
  OwnerClosed: (rig, owner) => void rig.close(owner, 53),
  "OwnerClosed by itself": (rig, owner) => void rig.close(owner, 53, "x"),
  "GraphSubmitted on it": (rig, owner) => void rig.submit(owner, { y: [rig.ref("x")] }),
  "GraphSubmitted inside": (rig, owner) => void rig.submit(owner, { y: [] }, { inside: "x", wait: 54 }),
  "GraphSubmitted inside, the slot kept": (rig, owner) => {
    rig.submit(owner, { y: [] }, { inside: "x", wait: 54, keepsSlot: true })
  },
  WorkerAdded: (rig) => void rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 }),
  WorkerStarted: (rig) => void rig.send({ _tag: "WorkerStarted", worker: 0 }),
  WorkerBeat: (rig) => void rig.send({ _tag: "WorkerBeat", worker: 0 }),
  PoolOpened: (rig) => void rig.send({ _tag: "PoolOpened", name: "p", min: 1, max: 2, slots: 1, idleMillis: 5 }),
  WorkerDrained: (rig) => void rig.send({ _tag: "WorkerDrained", worker: 0 }),
  WorkerLost: (rig) => void rig.send({ _tag: "WorkerLost", worker: 0 }),
  ResultMissing: (rig) => {
    rig.send({ _tag: "ResultMissing", worker: 0, task: rig.id("x"), attempt: rig.attempt("x") })
  },
  "ResultMissing of a former attempt": (rig) => {
    rig.send({ _tag: "ResultMissing", worker: 0, task: rig.id("x"), attempt: rig.attempt("x") + 1000 })
  },
  "WorkerLost of all workers, before anything began": (rig) => {
    for (const { index, phase } of Array.from(rig.state.workers)) {
      if (phase !== "gone") rig.send({ _tag: "WorkerLost", worker: index, begun: [] })
    }
  },
  TagLimited: (rig) => void rig.send({ _tag: "TagLimited", tag: "t", limit: 1 }),
  "TimeCame for the timeout": (rig) => void rig.at(10),
  "TimeCame for the deadline": (rig) => void rig.at(20),
  "TimeCame for the grace": (rig) => void rig.at(15)
}

/** Ends whatever is at work, and closes everybody. */
const finish = (rig: Rig): void => {
  const { state } = rig
  if (state.workers.every(({ phase }) => phase !== "open")) rig.send({ _tag: "WorkerAdded", name: "spare", slots: 1 })
  for (const owner of Array.from(state.owners.keys())) rig.close(owner, 1000 + owner)
  for (let task = 0; task < state.tasks.used; task++) {
    const attempt = state.tasks.attempt[task]!
    if (state.tasks.phase[task] === Phase.releasing) rig.send({ _tag: "TaskFinalized", task, attempt })
    if (state.tasks.phase[task] !== Phase.stopping) continue
    rig.send({ _tag: "TaskEnded", task, attempt, ending: { _tag: "Interrupted" } })
  }
}

describe("enumerations", () => {
  for (const [phase, reach] of reaches) {
    const isReleased = phase === "releasing" && reach !== ways.releasing
    for (const [name, happen] of Object.entries(events)) {
      // Nobody can depend on what nobody has a claim on any more.
      if (isReleased && name === "GraphSubmitted on it") continue
      it(`S1 to S9: a task that is ${phase}${isReleased ? " for good" : ""} takes ${name}`, () => {
        const rig = new Rig()
        const owner = rig.open()
        reach(rig, owner)
        assert.strictEqual(rig.phase("x"), phase.split(",")[0])
        happen(rig, owner)
        finish(rig)
        assert.deepStrictEqual([rig.state.tasks.size, rig.state.waits.size, rig.state.failures.size], [0, 0, 0])
      })
    }
  }

  it("S1: every legal transition happens in some story, and no other does", () => {
    const seen = new Set<string>()
    const note = (rig: Rig): void => {
      for (const { from, to } of rig.transitions) if (from !== undefined) seen.add(`${from} ${to}`)
    }
    for (const [, reach] of reaches) {
      for (const happen of Object.values(events)) {
        const rig = new Rig()
        const owner = rig.open()
        reach(rig, owner)
        happen(rig, owner)
        finish(rig)
        note(rig)
      }
    }
    // The rest needs more than one event.
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { skipping: [], skipped: ["skipping"] })
    rig.end("skipping", { _tag: "Skipped" })
    rig.submit(main, { up: [], x: ["up"], f: [], g: [] })
    rig.expand("f", {}, rig.ref("up"))
    rig.expand("g", {}, rig.ref("x"))
    rig.end("up")
    rig.fail("x")
    finish(rig)
    note(rig)
    const losing = new Rig({ w1: 1, w2: 1 })
    const other = losing.open()
    losing.submit(other, { a: [], once: [] }, { settings: { once: { key: "once", idempotent: false } } })
    losing.end("a")
    losing.end("once")
    losing.submit(other, { b: [], c: [], d: [losing.ref("a")] })
    losing.lose("w1")
    losing.lose("w2")
    note(losing)
    // A ready task loses an input that must not be made again.
    const refusing = new Rig({ w1: 1, w2: 1 })
    const refused = refusing.open()
    refusing.submit(refused, { a: [], block: [] }, { settings: { a: { key: "a", idempotent: false } } })
    refusing.end("a")
    refusing.submit(refused, { filler: [] })
    refusing.submit(refused, { b: [refusing.ref("a")] })
    refusing.lose("w1")
    note(refusing)
    const unbegun = new Rig({})
    unbegun.send({ _tag: "WorkerAdded", name: "far", slots: 1, ahead: 1 })
    unbegun.submit(unbegun.open(), { a: [], b: ["a"] }, { settings: { a: { key: "a", idempotent: false } } })
    unbegun.end("a")
    unbegun.loseInputs("b", ["a", "far"])
    note(unbegun)
    // What is being finalized on w2 is needed again for what was held on w1.
    const anew = new Rig({ w1: 1, w2: 1 })
    const user = anew.open()
    anew.submit(user, { filler: [], x: [] }, owning)
    anew.end("x")
    anew.end("filler")
    anew.submit(user, { a: [anew.ref("x")] })
    anew.send({ _tag: "ClaimsReleased", claims: [anew.claim(user, "x").id] })
    anew.end("a")
    anew.lose("w1")
    anew.finalize("x")
    note(anew)
    // A resource that came too late is finalized before the value from outside counts.
    const told = new Rig()
    told.submit(told.open(), { x: [] }, owning)
    told.settle("x")
    told.end("x")
    told.finalize("x")
    note(told)
    const late = new Rig()
    const canceller = late.open()
    late.submit(canceller, { x: [] }, owning)
    late.cancel(canceller, "x", 1)
    late.end("x")
    late.finalize("x")
    note(late)
    const skipping = new Rig({ w1: 2 })
    skipping.submit(skipping.open(), { x: [], y: [] }, owning)
    for (const each of ["x", "y"]) skipping.settle(each, { _tag: "Skipped" })
    for (const each of ["x", "y"]) skipping.end(each)
    skipping.finalize("x")
    note(skipping)
    const missing = transitions.map(([from, to]) => `${from} ${to}`).filter((each) => !seen.has(each))
    assert.deepStrictEqual(missing, [])
    for (const each of seen) {
      const [from, to] = each.split(" ") as [PhaseName, PhaseName | "released"]
      if (to === "released") continue
      assert.isTrue(isLegal(phaseNames.indexOf(from) as never, phaseNames.indexOf(to) as never), each)
    }
  })

  //   a        each of a and b ends in each way, in both orders;
  //  / \       c may absorb
  // b   |
  //  \ /
  //   c
  type Way = "success" | "failure" | "defect" | "interruption" | "cancellation" | "skip"
  const outcomes: ReadonlyArray<Way> = ["success", "failure", "defect", "interruption", "cancellation", "skip"]
  const happen = (rig: Rig, owner: number, name: string, way: Way): void => {
    if (way === "success") return void rig.end(name)
    if (way === "failure") return void rig.fail(name, 70)
    if (way === "defect") return void rig.end(name, { _tag: "Failed", failure: 71, defect: true })
    if (way === "skip") return void rig.end(name, { _tag: "Skipped" })
    if (way === "interruption") return void rig.end(name, { _tag: "Interrupted" })
    rig.cancel(owner, name, 72, { force: true })
    rig.end(name, { _tag: "Interrupted" })
  }
  const endOf = (way: Way): PhaseName =>
    way === "skip"
      ? "skipped"
      : way === "success"
      ? "succeeded"
      : way === "failure" || way === "defect"
      ? "failed"
      : "cancelled"

  const endBelow = (phase: PhaseName): PhaseName => phase === "failed" ? "upstreamFailed" : phase

  for (const a of outcomes) {
    for (const b of outcomes) {
      for (const absorbs of [false, true]) {
        it(`D4, trap 8: a diamond where a ends by ${a} and b by ${b}${absorbs ? ", absorbed by c" : ""}`, () => {
          const rig = new Rig({ w1: 2 })
          const main = rig.open()
          rig.submit(main, { a: [], b: ["a"], c: ["a", "b"] }, {
            targets: ["a", "b", "c"],
            settings: { c: { key: "c", absorbs } }
          })
          happen(rig, main, "a", a)
          if (a === "success") happen(rig, main, "b", b)
          const expectedB = a === "success" ? endOf(b) : endBelow(endOf(a))
          assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], [endOf(a), expectedB])
          assert.strictEqual(rig.phase("c"), absorbs || expectedB === "succeeded" ? "running" : endBelow(expectedB))
          if (rig.phase("c") === "running") rig.end("c")
          else assert.deepStrictEqual(rig.outcome("c")?.slice(1), a === "success" ? ["b", "c"] : ["a", "c"])
          const ends = rig.transitions.filter(({ key, to }) => key === "c" && to !== "waiting" && to !== "released")
            .filter(({ to }) => ["succeeded", "failed", "upstreamFailed", "cancelled", "skipped"].includes(to))
          assert.strictEqual(ends.length, 1)
          finish(rig)
          assert.strictEqual(rig.state.tasks.size, 0)
        })
      }
    }
  }

  // Three tasks side by side under one dependent: the first refusal decides.
  for (const first of outcomes) {
    for (const second of outcomes) {
      for (const third of outcomes) {
        it(`D3: of three dependencies that end by ${first}, ${second} and ${third} the first refusal decides`, () => {
          const rig = new Rig({ w1: 3 })
          const main = rig.open()
          rig.submit(main, { a: [], b: [], c: [], sum: ["c", "b", "a"] }, { targets: ["a", "b", "c", "sum"] })
          const all = { a: first, b: second, c: third }
          for (const [name, way] of Object.entries(all)) happen(rig, main, name, way)
          const refusal = Object.entries(all).find(([, way]) => way !== "success")
          assert.strictEqual(rig.phase("sum"), refusal === undefined ? "running" : endBelow(endOf(refusal[1])))
          if (refusal !== undefined) assert.deepStrictEqual(rig.outcome("sum")?.slice(1), [refusal[0], "sum"])
          if (refusal === undefined) rig.end("sum")
          finish(rig)
          assert.strictEqual(rig.state.tasks.size, 0)
        })
      }
    }
  }

  it("Every kind of event is in the enumeration", () => {
    const kinds = [
      "WorkerAdded WorkerDrained WorkerLost OwnerOpened GraphSubmitted TaskExpanded TaskEnded TaskSettled TaskFinalized",
      "WorkerStarted WorkerBeat PoolOpened WaitBegan WaitAbandoned SlotWanted TagLimited",
      "CopiesRequested RebalanceRequested TaskCopied ResultMissing",
      "CancelRequested ClaimShared ClaimsReleased OwnerClosed TimeCame"
    ].flatMap((line) => line.split(" "))
    for (const kind of kinds) assert.isTrue(Object.keys(events).some((name) => name.startsWith(kind)), kind)
  })
})
