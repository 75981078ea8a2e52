import { assert, describe, it } from "@effect/vitest"
import { allExtras } from "../../src/engine/state/rare.ts"
import { explain } from "../../src/engine/views/explain.ts"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { owning } from "./plans.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

describe("resources", () => {
  // r -> a
  it("M7: the last dependent has it finalized, and its record goes when that is done", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { r: [], a: ["r"] }, owning("r"))
    rig.end("r")
    assert.strictEqual(rig.phase("r"), "succeeded")
    const attempt = rig.attempt("r")
    assert.deepInclude(rig.end("a"), { _tag: "Finalize", task: rig.id("r"), attempt, worker: 0 })
    assert.deepStrictEqual([rig.phase("r"), rig.state.workers[0]!.running], ["releasing", 0])
    assert.deepStrictEqual(explain(rig.state, "r")?.because, { _tag: "Releasing", reason: undefined })
    assert.deepStrictEqual(snapshot(rig.state).tasks.map(({ held, key, state }) => [key, state, held]), [
      ["r", "releasing", undefined],
      ["a", "succeeded", true]
    ])
    rig.finalize("r", 99)
    assert.strictEqual(rig.phase("r"), "releasing")
    assert.deepStrictEqual(rig.finalize("r"), [{ _tag: "Forget", task: rig.id("r"), holder: 0 }])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("M7: its key is free as soon as it is released", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { r: [] }, owning("r"))
    rig.end("r")
    rig.release(main, "r")
    assert.strictEqual(rig.state.keys.size, 0)
    const old = rig.id("r")
    rig.submit(main, { r: [] }, owning("r"))
    assert.notStrictEqual(rig.id("r"), old)
    assert.strictEqual(rig.state.keys.get("r"), rig.id("r"))
  })

  it("M7: the owner's close is over when it is finalized", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { r: [] }, owning("r"))
    rig.end("r")
    rig.close(main, 1)
    assert.deepStrictEqual(rig.told, ["finalize the resource of r (attempt 1)"])
    rig.finalize("r")
    assert.deepStrictEqual(rig.told, ["forget r and its result", "wait 1 is over"])
    assertNothingIsLeft(rig)
  })

  // r -> a (running)
  it("M7: a close goes on to wait for what its last user lets go when it stops", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { r: [], a: ["r"] }, owning("r"))
    rig.end("r")
    rig.close(main, 1)
    assert.deepStrictEqual(rig.told, ["stop a (attempt 2)"])
    rig.end("a", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.told, ["finalize the resource of r (attempt 1)", "forget a"])
    rig.finalize("r")
    assert.deepStrictEqual(rig.told, ["forget r and its result", "wait 1 is over"])
    assertNothingIsLeft(rig)
  })

  // pool -> connection -> a
  it("M7: one that is made of another holds it until it is finalized", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { pool: [], connection: ["pool"], a: ["connection"] }, owning("pool", "connection"))
    rig.end("pool")
    rig.end("connection")
    rig.end("a")
    assert.deepStrictEqual([rig.phase("pool"), rig.phase("connection")], ["succeeded", "releasing"])
    rig.close(main, 1)
    rig.finalize("connection")
    assert.deepStrictEqual(rig.told, ["forget connection and its result", "finalize the resource of pool (attempt 1)"])
    rig.finalize("pool")
    assert.include(rig.told, "wait 1 is over")
    assertNothingIsLeft(rig)
  })

  it("M7: a task that stands for it holds it as long as its own result is held", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { outer: [] })
    rig.expand("outer", { r: [] }, "r", owning("r"))
    rig.end("r")
    assert.deepStrictEqual([rig.phase("outer"), rig.phase("r")], ["succeeded", "succeeded"])
    rig.close(main, 1)
    assert.strictEqual(rig.phase("r"), "releasing")
    rig.finalize("r")
    assertNothingIsLeft(rig)
  })

  it("M7: a task that succeeds late has its result finalized before it has ended", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { r: [], next: [] }, owning("r"))
    rig.cancel(main, "r", 1)
    rig.end("r")
    // The slot is free meanwhile.
    assert.deepStrictEqual(rig.told, [
      "discard what r brought",
      "finalize the resource of r (attempt 1)",
      "start next on w1 (attempt 2, its 1.)"
    ])
    assert.deepStrictEqual(explain(rig.state, "r")?.because, { _tag: "Releasing", reason: "Cancelled" })
    rig.finalize("r")
    assert.deepStrictEqual(rig.told, ["forget r", "wait 1 is over"])
    rig.close(main, 2)
    rig.end("next")
    assertNothingIsLeft(rig)
  })

  it("M7: cancelling its last dependent is over when it is finalized, whatever else is being released", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { r: [], a: ["r"], other: [] }, owning("r", "other"))
    rig.end("r")
    rig.end("other")
    rig.release(main, "other")
    rig.cancel(main, "a", 1)
    rig.end("a", { _tag: "Interrupted" })
    rig.finalize("r")
    assert.include(rig.told, "wait 1 is over")
    assert.strictEqual(rig.phase("other"), "releasing")
  })

  it("M7: cancelling a dependent that has not started is over when what it lets go is finalized", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { r: [], blocker: [], a: ["r"] }, owning("r"))
    rig.end("r")
    assert.strictEqual(rig.phase("a"), "ready")
    rig.cancel(main, "a", 1)
    assert.deepStrictEqual(rig.told, ["finalize the resource of r (attempt 1)", "forget a"])
    rig.finalize("r")
    assert.include(rig.told, "wait 1 is over")
  })

  it("M7, N6: a finalizer that waits for its own release is told so", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { r: [] }, owning("r"))
    rig.end("r")
    rig.close(main, 1)
    const other = rig.open("other")
    rig.close(other, 2, "r")
    assert.deepStrictEqual(rig.told, ["wait 2 is over"])
    const third = rig.open("third")
    rig.submit(third, { t: [] })
    rig.wait(3, [rig.claim(third, "t")], "r")
    assert.strictEqual(rig.phase("r"), "releasing")
    rig.finalize("r")
    assert.include(rig.told, "wait 3 is over")
  })
})

describe("giving way", () => {
  it("F10: the task is ready again in the same step, and the next one starts", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.end("a", { _tag: "Rescheduled" })
    assert.deepStrictEqual(rig.told, ["start b on w1 (attempt 2, its 1.)"])
    assert.strictEqual(rig.phase("a"), "ready")
    rig.end("b")
    assert.deepStrictEqual(rig.told, ["start a on w1 (attempt 3, its 1.)"])
    assert.strictEqual(allExtras(rig.state, "ownLane").size, 0)
    // Other than a task that is tried again.
    rig.end("a", { _tag: "Retried", delayMillis: 0 })
    assert.deepStrictEqual(rig.told, ["start a on w1 (attempt 4, its 2.)"])
  })

  it("F10, O5: it ranks behind what is ready of its priority, before what comes later, and where it was once it has run", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.submit(main, { c: [], low: [] }, { settings: { low: { key: "low", priority: -1 } } })
    rig.end("a", { _tag: "Rescheduled" })
    rig.submit(main, { later: [], high: [] }, { settings: { high: { key: "high", priority: 1 } } })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["high", "c", "a", "later", "low"])
    rig.end("b", { _tag: "Rescheduled" })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["c", "a", "later", "b", "low"])
    for (const name of ["high", "c"]) rig.end(name)
    rig.end("a", { _tag: "Retried", delayMillis: 5 })
    rig.at(5)
    assert.deepStrictEqual(snapshot(rig.state).queue, ["a", "b", "low"])
  })

  it("F10: one that has given way and is cancelled never starts again", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.end("a", { _tag: "Rescheduled" })
    rig.cancel(main, "a", 1)
    assert.deepStrictEqual(rig.told, ["forget a", "wait 1 is over"])
    assert.strictEqual(allExtras(rig.state, "ownLane").size, 0)
    rig.end("b")
    rig.close(main, 2)
    assert.strictEqual(rig.state.tasks.size, 0)
  })

  it("F10, C7: an attempt that was asked to stop ends as was fixed then", () => {
    for (const stop of ["cancel", "deadline"]) {
      const rig = new Rig()
      const main = rig.open()
      rig.submit(main, { a: [] }, { settings: { a: { key: "a", timeoutMillis: 10 } } })
      if (stop === "cancel") rig.cancel(main, "a", 1)
      else rig.at(10)
      rig.end("a", { _tag: "Rescheduled" })
      if (stop === "deadline") assert.strictEqual(rig.phase("a"), "failed")
      rig.close(main, 2)
      assert.strictEqual(rig.state.tasks.size, 0)
    }
  })

  it("F10, D6: its first start was its first start", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, { settings: { a: { key: "a", dependencyTimeoutMillis: 5 } } })
    rig.end("a", { _tag: "Rescheduled" })
    rig.at(10)
    assert.strictEqual(rig.phase("a"), "ready")
  })
})
