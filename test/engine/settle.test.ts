import { assert, describe, it } from "@effect/vitest"
import { step } from "../../src/engine/Engine.ts"
import type { Plan } from "../../src/engine/protocol/Plan.ts"
import { Rig } from "./rig.ts"

/** Too large for the checker: submits, fails the first task, and leaves the last one refused. */
const submitUnchecked = ({ state }: Rig, owner: number, plan: Plan): void => {
  step(state, { _tag: "GraphSubmitted", now: 0, plan, owner, targets: [plan.size - 1], parent: -1, attempt: 0 })
  step(state, { _tag: "TaskEnded", now: 0, task: 0, attempt: 1, ending: { _tag: "Failed", failure: 1, defect: false } })
}

describe("settle", () => {
  it("F2: a refused dependent never starts, and its path runs from the root to itself", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["b"], d: ["c"] }, { targets: ["d"] })
    rig.fail("a", 9)
    assert.deepStrictEqual(rig.outcome("d"), ["Failed", "a", "b", "c", "d"])
    assert.notInclude(rig.told.join(), "start")
  })

  it("M4: after a failure the intermediates of the failed branch are freed, and the error stays while claimed", () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    rig.submit(main, { left: [], right: [], both: ["left", "right"] })
    rig.end("left")
    rig.fail("right", 4)
    assert.deepStrictEqual(rig.told, ["forget left and its result", "forget right"])
    assert.strictEqual(rig.state.failures.get(4), 1)
    rig.close(main, 1)
    assert.deepStrictEqual(rig.told, ["forget failure 4", "forget both", "wait 1 is over"])
  })

  it("M1: a result goes in the step in which its last dependent ended", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["a"] })
    rig.end("a")
    rig.end("b")
    assert.deepStrictEqual(rig.told, [])
    rig.fail("c")
    assert.deepStrictEqual(rig.told, ["forget a and its result"])
  })

  it("M1: a retry keeps the inputs until it has ended", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    rig.end("a")
    rig.end("b", { _tag: "Retried", delayMillis: 0 })
    assert.deepStrictEqual(rig.told, ["start b with a on w1 (attempt 3, its 2.)"])
    rig.end("b")
    assert.deepStrictEqual(rig.told, ["forget a and its result"])
  })

  it("D14: an absorbing task starts whatever happened to its dependencies", () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [], all: ["a", "b", "c"], next: ["all"] }, {
      settings: { all: { key: "all", absorbs: true } }
    })
    rig.fail("a", 1)
    rig.end("b", { _tag: "Interrupted" })
    rig.end("c")
    assert.strictEqual(rig.phase("all"), "running")
    rig.end("all")
    assert.include(rig.told, "forget failure 1")
    assert.strictEqual(rig.phase("next"), "running")
  })

  const ends = {
    "a failure": (rig: Rig) => rig.fail("a"),
    "a defect": (rig: Rig) => rig.end("a", { _tag: "Failed", failure: 1, defect: true }),
    "an interruption": (rig: Rig) => rig.end("a", { _tag: "Interrupted" }),
    "its deadline": (rig: Rig) => {
      rig.at(50)
      rig.end("a", { _tag: "Interrupted" })
    },
    "a forced cancellation": (rig: Rig) => {
      rig.cancel(100, "a", 1, { force: true })
      rig.end("a")
    }
  }
  for (const [name, end] of Object.entries(ends)) {
    it(`trap 10: a dependency that ends by ${name} ends every dependent`, () => {
      const rig = new Rig({ w1: 2 })
      const main = rig.open()
      rig.submit(main, { a: [], b: ["a"], c: ["a", "b"], d: ["c"] }, {
        targets: ["a", "d"],
        settings: { a: { key: "a", deadlineMillis: 50 } }
      })
      end(rig)
      const phase = rig.phase("a")
      assert.include(["failed", "cancelled"], phase)
      assert.strictEqual(rig.phase("d"), phase === "failed" ? "upstreamFailed" : phase)
      assert.deepStrictEqual(rig.outcome("d")?.slice(1), ["a", "c", "d"])
    })
  }

  it("flatMap: the alias ends with the inner task's own error, and dependents see it", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { outer: [], user: ["outer"] }, { targets: ["outer", "user"] })
    rig.expand("outer", { x: [], y: ["x"] }, "y")
    rig.fail("x", 3)
    assert.deepStrictEqual(rig.outcome("outer"), ["Failed", "x", "y", "outer"])
    assert.deepStrictEqual(rig.outcome("user"), ["Failed", "x", "y", "outer", "user"])
  })

  it("flatMap: a body may return a live task, ended or not", () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    rig.submit(main, { live: [], ended: [], f: [], g: [] })
    rig.end("ended")
    rig.expand("f", {}, rig.ref("ended"))
    assert.deepStrictEqual(rig.told[0], "the result of ended is that of f too")
    assert.strictEqual(rig.phase("f"), "succeeded")
    rig.expand("g", {}, rig.ref("live"))
    assert.strictEqual(rig.phase("g"), "waiting")
    rig.end("live")
    assert.strictEqual(rig.phase("g"), "succeeded")
  })

  it("N6: a body that returns a graph which depends on its own task is starved", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { f: [] })
    rig.expand("f", { x: [rig.ref("f")] }, "x")
    assert.deepStrictEqual(rig.outcome("f"), ["Starved", "f"])
    assert.strictEqual(rig.state.tasks.size, 1)
  })

  it("G15: a chain of 100 000 settles without a stack overflow", () => {
    const rig = new Rig()
    const main = rig.open()
    const size = 100_000
    const chain = {
      size,
      offsets: Int32Array.from({ length: size + 1 }, (_, i) => Math.max(0, i - 1)),
      targets: Int32Array.from({ length: size - 1 }, (_, i) => i),
      positions: Int32Array.from({ length: size }, (_, i) => i),
      settings: new Map()
    }
    submitUnchecked(rig, main, chain)
    assert.strictEqual(rig.state.tasks.size, 1)
  })
})
