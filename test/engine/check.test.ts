import { assert, describe, it } from "@effect/vitest"
import { check } from "../../src/engine/check.ts"
import { Flag, Phase } from "../../src/engine/Phase.ts"
import type { State } from "../../src/engine/State.ts"
import { Rig } from "./rig.ts"

/** done -> waiting, two tasks at work on one slot (one away, one running), one ready, one open wait, one deadline. */
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

describe("check", () => {
  it("A whole state has no faults", () => {
    assert.deepStrictEqual(check(busy().state), [])
  })

  // Each rule must be able to fail: a fault is planted, and the invariant it breaks is named.
  const faults: ReadonlyArray<readonly [string, string, (state: State, rig: Rig) => void]> = [
    ["S1", "a phase without a table entry", ({ tasks }, rig) => void (tasks.phase[rig.id("next")] = Phase.free)],
    ["S1", "an illegal transition on the log", (state) => {
      const base = {
        at: 0,
        key: "x",
        label: undefined,
        worker: undefined,
        attempt: 0,
        cause: "",
        computation: 1,
        owner: 1,
        serial: 1
      }
      state.log!.push({ ...base, from: "waiting", to: "running" })
    }],
    ["S2", "a wrong count of open dependencies", ({ tasks }, rig) => void tasks.waiting[rig.id("last")]!++],
    ["S2", "a wait that counts wrong", (state) => void state.waits.get(1)!.remaining++],
    ["S2", "a deadline that is not armed", (state) => void (state.timers.length = 0)],
    ["S3", "a user too many", ({ tasks }, rig) => void tasks.refs[rig.id("run")]!++],
    ["S3", "a key that names the wrong task", (state, rig) => void state.keys.set("next", rig.id("run"))],
    ["S3", "a task nobody wants", (state, rig) => {
      state.owners.forEach((owner) => owner.claims.delete(rig.id("next")))
      state.tasks.refs[rig.id("next")] = 0
    }],
    ["S4", "a slot that nobody counts", (state) => void state.workers[0]!.running--],
    ["S4", "an attempt that nobody counts", (state) => void state.workers[0]!.attempts--],
    ["S4", "a running task without a slot", ({ tasks }, rig) => void (tasks.flags[rig.id("run")]! &= ~Flag.holdsSlot)],
    [
      "S6",
      "an idle slot",
      (state) => void state.workers.push({ ...state.workers[0]!, index: 1, running: 0, attempts: 0 })
    ],
    ["S6", "a ready task outside the queue", (state) => void state.lanes.pop()],
    ["S6", "a task that is away and waits for nothing", (state, rig) => void state.waitsOf.delete(rig.id("away"))],
    ["S7", "a success with an outcome", (state, rig) => {
      const reason = { _tag: "TimedOut", of: "attempt", millis: 1 } as const
      state.outcomes.set(rig.id("done"), { reason, trail: { task: "done", from: undefined } })
    }],
    ["S7", "a failure that nobody names", (state) => void state.failures.set(3, 1)],
    ["S8", "a result held for nobody", ({ tasks }, rig) => {
      tasks.submission[rig.id("last")]!.plan.targets[0] = rig.id("run")
      tasks.refs[rig.id("done")] = 0
    }],
    ["S8", "a resource that nobody counts", (state) => void state.resources++],
    ["S8", "a result that is released without a resource", ({ tasks }, rig) => {
      tasks.phase[rig.id("done")] = Phase.releasing
    }],
    ["S6", "a task that gave its place up and is not ready", (state, rig) => {
      state.rescheduled.set(rig.id("run"), state.lanes[0]!)
    }],
    ["S9", "tasks without owners", (state) => state.owners.clear()]
  ]
  for (const [invariant, fault, plant] of faults) {
    it(`${invariant}: ${fault} is found`, () => {
      const rig = busy()
      plant(rig.state, rig)
      const found = check(rig.state).map((problem) => problem.slice(0, 2))
      assert.include(found, invariant)
    })
  }

  /** One result held, one source at work on two slots, another one held back. */
  const braked = (): Rig => {
    const rules = { sourceSaturation: 0.5, budget: { target: 5, pause: 5 }, aging: 3 }
    const rig = new Rig({ w1: 2 }, { fairness: rules })
    rig.submit(rig.open(), { done: [], run: [], next: [] }, { share: "a" })
    rig.end("done")
    return rig
  }

  const unfair: typeof faults = [
    ["S8", "a size that is counted wrong", (state) => void state.heldSize++],
    ["S8", "a result that the budget forgot", (state) => {
      state.sizes.clear()
      state.heldSize = 0
    }],
    ["S4", "a source that is not counted", (state) => state.sources.clear()],
    ["S6", "an age that is forgotten", (state) => state.queues.forEach(({ since }) => since.clear())],
    ["S6", "a share that is not counted", (state) => void state.demanding--],
    ["S6", "a queue that has no place among the others", (state) => void state.heads.pop()],
    ["S6", "turns that are kept for nobody", (state) => state.queues.clear()],
    ["S6", "a source that no brake holds back", ({ keeping }, rig) => void keeping.set(rig.id("run"), [])]
  ]
  for (const [invariant, fault, plant] of unfair) {
    it(`O8, O10, O11, M8: ${fault} is found`, () => {
      const rig = braked()
      assert.deepStrictEqual([check(rig.state), rig.phase("next")], [[], "ready"])
      plant(rig.state, rig)
      assert.include(check(rig.state).map((problem) => problem.slice(0, 2)), invariant)
    })
  }
})
