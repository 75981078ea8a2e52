import { assert, describe, it } from "@effect/vitest"
import { extrasOf } from "../../src/engine/state/rare.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

describe("cancel", () => {
  it("C1: a queued task that is cancelled never starts", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    assert.deepStrictEqual(rig.cancel(main, "b", 1), [
      { _tag: "Forget", task: rig.id("b"), holder: -1 },
      { _tag: "WaitEnded", wait: 1, starved: undefined }
    ])
    rig.end("a")
    assert.deepStrictEqual(rig.told, [])
  })

  it("C1: cancelling what has ended has no effect", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.end("a")
    rig.cancel(main, "a", 1)
    assert.deepStrictEqual([rig.told, rig.phase("a")], [["wait 1 is over"], "succeeded"])
  })

  it("C2: what is downstream of a cancelled task is cancelled, with the reason and by whom", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["b"], other: [] }, { targets: ["a", "c", "other"] })
    const claim = rig.claim(main, "c")
    rig.cancel(main, "a", 1)
    assert.strictEqual(claim.state, "cancelled")
    assert.deepStrictEqual(claim.outcome?.reason, { _tag: "Cancelled", task: "a", by: "main", reason: "told so" })
    assert.strictEqual(rig.claim(main, "other").state, "live")
  })

  it("C3: cancel drops the caller's claim only; with force it stops the task for all", () => {
    const rig = new Rig()
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { k: [], below: ["k"] }, { targets: ["k", "below"] })
    rig.share(second, rig.claim(first, "k"))
    rig.cancel(first, "k", 1)
    assert.strictEqual(rig.phase("k"), "running")
    rig.cancel(second, "k", 2, { force: true })
    assert.strictEqual(rig.phase("k"), "stopping")
    rig.end("k", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 2 is over")
    assert.strictEqual(rig.claim(second, "k").state, "live")
    assert.deepStrictEqual(rig.outcome("k"), ["Cancelled", "k"])
  })

  it("C3: a cancellation of one claim alone leaves all else that its owner wants, and waits for what nobody wants", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { k: [], below: ["k"] }, { targets: ["k", "below"] })
    const claim = rig.claim(main, "k")
    rig.cancel(main, "k", 1, { alone: true })
    assert.deepStrictEqual(claim.outcome?.reason, { _tag: "Cancelled", task: "k", by: "main", reason: "told so" })
    assert.deepStrictEqual([rig.phase("k"), rig.claim(main, "below").state], ["running", "live"])
    assert.include(rig.told, "wait 1 is over")
    rig.cancel(main, "below", 2, { alone: true })
    assert.strictEqual(rig.phase("k"), "stopping")
    assert.notInclude(rig.told, "wait 2 is over")
    rig.end("k", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 2 is over")
    rig.close(main, 3)
    assertNothingIsLeft(rig)
  })

  it("C2, G10: a cancellation waits for nothing of another task of its owner that has the same key", () => {
    for (const force of [false, true]) {
      const rig = new Rig({ w1: 3 })
      const main = rig.open()
      rig.submit(main, { a: [] }, { settings: { a: { key: "k", identity: "a" } } })
      rig.submit(main, { b: [], c: [] }, { settings: { b: { key: "k", identity: "b" } } })
      rig.cancel(main, "a", 1, { force })
      rig.cancel(main, "b", 2, { force })
      // Again: each waits for what the first request of its own task stops.
      rig.cancel(main, "a", 3, { force })
      rig.cancel(main, "b", 4, { force })
      rig.end("a", { _tag: "Interrupted" })
      assert.sameMembers(rig.told.filter((line) => line.startsWith("wait")), ["wait 1 is over", "wait 3 is over"])
      rig.end("b", { _tag: "Interrupted" })
      assert.sameMembers(rig.told.filter((line) => line.startsWith("wait")), ["wait 2 is over", "wait 4 is over"])
    }
  })

  it("C3: a forced cancellation ends dependents that others claim", () => {
    const rig = new Rig()
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { k: [] })
    rig.submit(second, { below: [rig.ref("k")] })
    rig.cancel(first, "k", 1, { force: true })
    rig.end("k", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.outcome("below"), ["Cancelled", "k", "below"])
  })

  it("C3: with force a future that was cancelled or released before stops the task that others kept", () => {
    for (const before of ["cancel", "release", "close"] as const) {
      const rig = new Rig()
      const [first, second] = [rig.open("first"), rig.open("second")]
      rig.submit(first, { k: [] })
      rig.share(second, rig.claim(first, "k"))
      if (before === "cancel") rig.cancel(first, "k", 1)
      else if (before === "release") rig.release(first, "k")
      else rig.close(first, 1)
      assert.strictEqual(rig.phase("k"), "running")
      rig.cancel(first, "k", 2, { force: true })
      assert.deepStrictEqual([rig.phase("k"), rig.told], ["stopping", ["stop k (attempt 1)"]])
      rig.end("k", { _tag: "Interrupted" })
      assert.include(rig.told, "wait 2 is over")
      assert.deepStrictEqual(rig.outcome("k"), ["Cancelled", "k"])
    }
  })

  it("C3: with force a future of a task that is gone stops no other in the same row", () => {
    const rig = new Rig()
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { k: [] })
    rig.end("k")
    rig.release(first, "k")
    rig.submit(second, { other: [] })
    assert.strictEqual(rig.id("other"), rig.id("k"))
    rig.cancel(first, "k", 1, { force: true })
    assert.deepStrictEqual([rig.phase("other"), rig.told], ["running", ["wait 1 is over"]])
  })

  it("C3: what is upstream is kept while somebody downstream needs it", () => {
    const rig = new Rig({ w1: 2 })
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { k: [] })
    rig.submit(second, { below: [rig.ref("k")] })
    rig.cancel(first, "k", 1)
    assert.strictEqual(rig.phase("k"), "running")
    rig.cancel(second, "below", 2)
    assert.strictEqual(rig.phase("k"), "stopping")
    rig.end("k")
    assert.include(rig.told, "wait 2 is over")
  })

  it("C5: cancel in the same tick as submit leaves no trace", () => {
    const rig = new Rig({})
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] }, { targets: ["a", "b"] })
    rig.cancel(main, "a", 1)
    assert.strictEqual(rig.state.tasks.size, 0)
    assert.deepStrictEqual(rig.told.at(-1), "wait 1 is over")
  })

  it("C7: a late success of a cancelled attempt is discarded, a late failure forgotten", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.cancel(main, "a", 1)
    rig.cancel(main, "b", 2)
    rig.end("a")
    assert.deepStrictEqual(rig.told, ["discard what a brought", "forget a", "wait 1 is over"])
    rig.fail("b", 5)
    assert.deepStrictEqual(rig.told, ["forget failure 5", "forget b", "wait 2 is over"])
  })

  it("C7, C9: a forced cancel of a task that stops because of its deadline waits, and the outcome stays", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] }, { targets: ["a", "b"], settings: { a: { key: "a", deadlineMillis: 5 } } })
    rig.at(5)
    rig.cancel(main, "a", 1, { force: true })
    assert.deepStrictEqual(rig.told, [])
    rig.end("a", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 1 is over")
    assert.deepStrictEqual([rig.outcome("a"), rig.outcome("b")], [["TimedOut", "a"], ["TimedOut", "a", "b"]])
  })

  it("C7: of two forced cancels of a running task the first gives the reason", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { outer: [], a: [] })
    rig.cancel(main, "a", 1, { force: true })
    rig.cancel(main, "a", 2, { force: true, inside: "outer" })
    rig.end("a", { _tag: "Interrupted" })
    assert.includeMembers([...rig.told], ["wait 1 is over", "wait 2 is over"])
    const { reason } = extrasOf(rig.state, rig.id("a"))!.outcome!
    assert.deepStrictEqual(reason, { _tag: "Cancelled", task: "a", by: "main", reason: "told so" })
  })

  it("C7, C9: an attempt that stops because of its timeout ends as a later cancellation says", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", timeoutMillis: 5 } } })
    rig.at(5)
    rig.cancel(main, "a", 1, { force: true })
    rig.end("a", { _tag: "Retried", delayMillis: 0 })
    assert.deepStrictEqual(rig.outcome("a"), ["Cancelled", "a"])
  })

  it("C7: a cancelled attempt is not tried again", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.cancel(main, "a", 1)
    rig.end("a", { _tag: "Retried", delayMillis: 0 })
    assert.deepStrictEqual(rig.told, ["forget a", "wait 1 is over"])
  })

  it("A cancellation waits for what it stopped, not for what another one stopped", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { slow: [], fast: [] })
    rig.cancel(main, "slow", 1)
    rig.cancel(main, "fast", 2)
    rig.end("fast", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.told, ["forget fast", "wait 2 is over"])
  })

  it("A second cancellation waits like the first", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.cancel(main, "a", 1)
    rig.cancel(main, "a", 2)
    assert.deepStrictEqual(rig.told, [])
    rig.end("a", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.told, ["forget a", "wait 1 is over", "wait 2 is over"])
  })

  it("A task may cancel itself: its own wait ends with its body", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.cancel(main, "a", 1, { inside: "a" })
    assert.deepStrictEqual(rig.told, ["stop a (attempt 1)", "wait 1 is over: a waits for a"])
    rig.end("a", { _tag: "Interrupted" })
    assert.strictEqual(rig.state.tasks.size, 0)
  })

  it("A child may cancel its parent, which stops the child", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { parent: [] })
    const inner = rig.open("inner")
    rig.submit(inner, { child: [] }, { inside: "parent" })
    rig.cancel(main, "parent", 1, { inside: "child" })
    assert.strictEqual(rig.phase("parent"), "stopping")
    rig.close(inner, 2, "parent")
    assert.deepStrictEqual(rig.told, ["stop child (attempt 2)", "wait 1 is over"])
    rig.end("child", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 2 is over")
    rig.end("parent", { _tag: "Interrupted" })
    assert.strictEqual(rig.state.tasks.size, 0)
  })

  it("N10: a parent waits for a child whose finalizers wait for the parent, and their wait ends instead", () => {
    for (const way of ["cancel", "wait"]) {
      const rig = new Rig({ w1: 3 })
      const main = rig.open()
      rig.submit(main, { parent: [] })
      const inner = rig.open("inner")
      rig.submit(inner, { child: [], other: [] }, { inside: "parent" })
      rig.cancel(inner, "child", 1)
      if (way === "cancel") rig.cancel(main, "parent", 2, { inside: "child" })
      else rig.wait(2, [rig.claim(main, "parent")], "child")
      rig.close(inner, 3, "parent")
      assert.include(rig.told, "wait 2 is over: child waits for parent, parent waits for child")
      rig.end("other", { _tag: "Interrupted" })
      assert.notInclude(rig.told, "wait 3 is over")
      rig.end("child", { _tag: "Interrupted" })
      assert.include(rig.told, "wait 3 is over")
      rig.end("parent", { _tag: "Interrupted" })
      rig.close(main, 4)
      assert.strictEqual(rig.state.tasks.size, 0)
    }
  })

  it("N10: so does a parent whose grandchild waits for it, and no close on the way ends early", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    rig.submit(main, { parent: [], beside: [] })
    const [inner, innermost] = [rig.open("inner"), rig.open("innermost")]
    rig.submit(inner, { child: [] }, { inside: "parent" })
    rig.submit(innermost, { grandchild: [] }, { inside: "child" })
    rig.cancel(innermost, "grandchild", 1)
    rig.cancel(inner, "child", 2)
    rig.close(innermost, 3, "child")
    // What waits for several goes on with the others.
    rig.close(main, 4, "grandchild")
    rig.close(inner, 5, "parent")
    assert.deepStrictEqual(rig.told, [])
    rig.end("beside", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 4 is over")
    rig.end("grandchild", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 3 is over")
    rig.end("child", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 5 is over")
    rig.end("parent", { _tag: "Interrupted" })
    assert.strictEqual(rig.state.tasks.size, 0)
  })

  it("A finalizer that cancels a task of the same owner does not wait for itself", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { x: [], y: [] })
    rig.cancel(main, "x", 1)
    rig.cancel(main, "y", 2, { inside: "x" })
    rig.end("y", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.told, ["forget y", "wait 2 is over"])
  })

  it("trap 2: submit, cancel, submit in one tick: the old attempt's end does not touch the new one's slot", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { k: [] })
    const [task, attempt] = [rig.id("k"), rig.attempt("k")]
    rig.wait(1, [], "k", "never")
    rig.cancel(main, "k", 2)
    rig.submit(main, { k: [] })
    rig.send({ _tag: "TaskEnded", task, attempt, ending: { _tag: "Interrupted" } })
    assert.strictEqual(rig.state.workers[0]!.running, 1)
    // Everything about the former attempt that is still under way changes nothing.
    rig.send({ _tag: "TaskEnded", task, attempt, ending: { _tag: "Succeeded" } })
    rig.send({ _tag: "TaskExpanded", task, attempt, plan: emptyPlan, target: ~rig.id("k") })
    rig.send({ _tag: "WaitAbandoned", wait: 1 })
    rig.send({ _tag: "WaitBegan", wait: 9, claims: [], mode: "never", waiter: task, attempt })
    assert.deepStrictEqual([rig.state.workers[0]!.running, rig.phase("k")], [1, "running"])
  })
})

const emptyPlan = {
  size: 0,
  offsets: new Int32Array(1),
  targets: new Int32Array(0),
  positions: new Int32Array(0),
  settings: new Map()
}
