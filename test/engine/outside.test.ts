import { assert, describe, it } from "@effect/vitest"
import { isSpent } from "../../src/engine/life/spent.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

const owning = { settings: { pool: { key: "pool", resource: true } } }

describe("ends from outside", () => {
  it("F9: a task that waits or is ready ends in the same step, and a worker holds the value", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { one: [], two: [] })
    rig.submit(main, { a: [], b: ["a"], c: ["b"] })
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["ready", "waiting"])
    rig.settle("b")
    assert.deepStrictEqual(rig.told, ["the value given for b is its result, on w1", "forget a"])
    assert.deepStrictEqual([rig.phase("b"), rig.phase("c")], ["succeeded", "ready"])
    rig.end("one")
    assert.deepStrictEqual(rig.told, ["start c with b on w1 (attempt 3, its 1.)"])
    rig.settle("two", { _tag: "Failed", failure: 7, defect: false })
    rig.close(main, 1)
    rig.end("two", { _tag: "Interrupted" })
    rig.end("c", { _tag: "Interrupted" })
    assertNothingIsLeft(rig)
  })

  it("F9: one that runs ends when its attempt has, and keeps its slot until then", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    rig.settle("a")
    assert.deepStrictEqual(rig.told, ["stop a (attempt 1)"])
    assert.deepStrictEqual([rig.phase("a"), rig.state.workers[0]!.running], ["stopping", 1])
    // Too late.
    rig.settle("a", { _tag: "Failed", failure: 7, defect: false })
    assert.deepStrictEqual(rig.told, ["forget failure 7", "rejected: the task is gone"])
    rig.end("a")
    assert.deepStrictEqual(rig.told, [
      "discard what a brought",
      "the value given for a is its result, on w1",
      "start b with a on w1 (attempt 2, its 1.)"
    ])
  })

  it("F9: what else wants it to stop meanwhile changes nothing, and waits for its end", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { x: [] })
    rig.settle("x")
    const other = rig.open("other")
    const claim = rig.share(other, rig.claim(main, "x"))
    rig.cancel(main, "x", 1, { force: true })
    assert.deepStrictEqual(rig.told, [])
    rig.end("x", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.told, ["the value given for x is its result, on w1", "wait 1 is over"])
    assert.strictEqual(claim.state, "live")
  })

  it("F9, C7: a forced cancel of a task that stops because it was settled without a value waits, and the end stays", () => {
    const endings = [
      [{ _tag: "Failed", failure: 7, defect: false }, ["Failed", "x", "y"]],
      [{ _tag: "Skipped" }, ["Skipped", "x", "y"]]
    ] as const
    for (const [ending, outcome] of endings) {
      const rig = new Rig()
      const main = rig.open()
      rig.submit(main, { x: [], y: ["x"] }, { targets: ["x", "y"], settings: { x: { key: "x", graceMillis: 5 } } })
      rig.settle("x", ending)
      rig.cancel(main, "x", 1, { force: true })
      assert.deepStrictEqual(rig.told, [])
      // Its grace counts from the first request.
      rig.at(5)
      assert.deepStrictEqual(rig.told, ["x does not stop (attempt 1)"])
      rig.end("x", { _tag: "Interrupted" })
      assert.include(rig.told, "wait 1 is over")
      assert.deepStrictEqual([rig.outcome("x")?.[0], rig.outcome("y")], [outcome[0], outcome])
      rig.close(main, 2)
      assertNothingIsLeft(rig)
    }
  })

  it("F9, C6: the key of one that was settled without a value is free when nobody wants it any more, and so are those of its inputs", () => {
    const rig = new Rig()
    const main = rig.open()
    const settings = { a: { key: "a", identity: "a" }, x: { key: "x", identity: "x" } }
    rig.submit(main, { a: [], x: ["a"] }, { settings })
    rig.end("a")
    rig.settle("x", { _tag: "Failed", failure: 7, defect: false })
    assert.deepStrictEqual([[...rig.state.keys.keys()], isSpent(rig.state, rig.id("a"))], [["a", "x"], false])
    rig.cancel(main, "x", 1)
    assert.deepStrictEqual([...rig.state.keys.keys()], ["a"])
    assert.isTrue(isSpent(rig.state, rig.id("a")))
    rig.end("x", { _tag: "Interrupted" })
    rig.close(main, 2)
    assertNothingIsLeft(rig)
  })

  // k, quick -> u
  it("F9, C6: the key of a spent task stays that of the new run, though the task is settled with a value and loses its last user", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    const named = { key: "k", identity: "k" }
    const policies = [{ of: "after", from: 0, to: 2, policy: { _tag: "AtLeast", count: 1, on: "success" } }] as const
    rig.submit(main, { k: [], quick: [], u: ["k", "quick"] }, { settings: { k: named, u: { policies } } })
    rig.end("quick")
    assert.deepStrictEqual(["k", "u"].map((name) => rig.phase(name)), ["running", "running"])
    rig.cancel(main, "u", 1)
    const [old, attempt] = [rig.id("k"), rig.attempt("k")]
    assert.isTrue(isSpent(rig.state, old))
    rig.submit(main, { k: [] }, { settings: { k: named } })
    rig.send({ _tag: "TaskSettled", task: old, ending: { _tag: "Succeeded" } })
    rig.end("u", { _tag: "Interrupted" })
    assert.strictEqual(rig.state.keys.get("k"), rig.id("k"))
    rig.send({ _tag: "TaskEnded", task: old, attempt, ending: { _tag: "Interrupted" } })
    rig.close(main, 2)
    rig.end("k", { _tag: "Interrupted" })
    assertNothingIsLeft(rig)
  })

  it("F9: a failure and an interruption are outcomes as from its body", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: [], d: ["c"] })
    rig.settle("a", { _tag: "Failed", failure: 7, defect: false })
    rig.settle("c", { _tag: "Interrupted" })
    rig.end("a", { _tag: "Interrupted" })
    rig.end("c", { _tag: "Interrupted" })
    assert.deepStrictEqual([rig.outcome("b"), rig.outcome("d")], [["Failed", "a", "b"], ["Cancelled", "c", "d"]])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("F9, G19: one that is settled as skipped is, ready or running, and so is what depends on it", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: [], d: ["c"] }, { targets: ["a", "b", "c", "d"] })
    assert.deepStrictEqual([rig.phase("a"), rig.phase("c")], ["running", "ready"])
    for (const each of ["a", "c"]) rig.settle(each, { _tag: "Skipped" })
    assert.deepStrictEqual(["a", "c", "d"].map((each) => rig.phase(each)), ["stopping", "skipped", "skipped"])
    rig.end("a")
    assert.deepStrictEqual(["a", "b"].map((each) => rig.phase(each)), ["skipped", "skipped"])
    assert.deepStrictEqual([rig.outcome("b"), rig.outcome("d")], [["Skipped", "a", "b"], ["Skipped", "c", "d"]])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("F9, M7: what an attempt acquired in vain is finalized before the value counts, which owns nothing", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { pool: [], user: ["pool"] }, owning)
    rig.settle("pool")
    rig.end("pool")
    assert.deepStrictEqual(rig.told, ["discard what pool brought", "finalize the resource of pool (attempt 1)"])
    rig.finalize("pool")
    assert.deepStrictEqual(rig.told.slice(0, 1), ["the value given for pool is its result, on w1"])
    assert.strictEqual(rig.state.resources, 0)
    rig.end("user")
    assert.include(rig.told, "forget pool and its result")
  })

  // a -> pool
  it("F9, C6, M7: one that is wanted again while what it acquired in vain is finalized holds its inputs for itself", () => {
    const rig = new Rig()
    const main = rig.open()
    const named = (key: string) => ({ key, identity: key })
    rig.submit(main, { a: [], pool: ["a"] }, {
      settings: { a: named("a"), pool: { ...named("pool"), resource: true } }
    })
    rig.end("a")
    rig.settle("pool")
    rig.end("pool")
    rig.release(main, "pool")
    assert.strictEqual(rig.phase("pool"), "releasing")
    assert.isFalse(isSpent(rig.state, rig.id("a")))
    rig.submit(main, { next: [rig.ref("pool")] })
    assert.isFalse(isSpent(rig.state, rig.id("a")))
    rig.finalize("pool")
    assert.strictEqual(rig.phase("next"), "running")
    rig.end("next")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("F9, F8: the value is lost with its worker, and made by the body then", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { one: [], two: [] })
    rig.submit(main, { pool: [] }, owning)
    rig.settle("pool")
    rig.lose("w1")
    rig.end("two")
    rig.end("one")
    assert.deepStrictEqual([rig.phase("pool"), rig.state.resources], ["running", 1])
    rig.end("pool")
    rig.close(main, 1)
    rig.finalize("pool")
    assertNothingIsLeft(rig)
  })

  it("F9: with no worker left a value is refused, a failure is not", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.lose("w1")
    rig.settle("a")
    assert.deepStrictEqual(rig.told, ["rejected: the worker is gone"])
    rig.settle("b", { _tag: "Failed", failure: 7, defect: false })
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["ready", "failed"])
  })

  it("F9: a value that no worker is left to hold is dropped, and the body runs", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.settle("a")
    rig.lose("w1")
    assert.deepStrictEqual([rig.told, rig.phase("a")], [["discard what a brought"], "ready"])
  })

  it("F9, W13: no worker that is being started holds a value", () => {
    const rig = new Rig({}, { waitForWorkersMillis: Infinity })
    const main = rig.open()
    rig.send({ _tag: "PoolOpened", name: "p", min: 1, max: 1, slots: 1, idleMillis: 10 })
    rig.submit(main, { a: [] })
    rig.settle("a")
    assert.deepStrictEqual([rig.told, rig.phase("a")], [["rejected: the worker is gone"], "ready"])
  })

  it("F9, W13: nor does one that has left, once another is started in its row", () => {
    for (const times of [0, 1]) {
      const rig = new Rig({ w1: 1 })
      const terms = { restart: { times, withinMillis: 100, minRunMillis: 0 } }
      rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1, terms })
      const main = rig.open()
      rig.submit(main, { a: [] }, { settings: { a: { demand: { workers: ["w2"] } } } })
      rig.send({ _tag: "WorkerDrained", worker: rig.state.workers[0]!.serial })
      rig.settle("a")
      rig.lose("w2")
      assert.deepStrictEqual(
        rig.told,
        times === 0
          ? ["the value given for a is its result, on w1"]
          : ["start worker w2 in the place of w2", "discard what a brought"]
      )
      assert.strictEqual(rig.state.workers[0]!.name, times === 0 ? "w1" : "w2")
    }
  })

  it("F9, C9: its deadline is met, though its body has to run after all", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, { settings: { a: { deadlineMillis: 10 }, b: { deadlineMillis: 9 } } })
    rig.settle("a")
    rig.at(9)
    rig.lose("w1")
    rig.at(20)
    assert.strictEqual(rig.phase("a"), "ready")
  })
})
