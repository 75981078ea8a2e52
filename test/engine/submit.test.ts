import { assert, describe, it } from "@effect/vitest"
import { step } from "../../src/engine/Engine.ts"
import { claimsOf } from "../../src/engine/state/claims.ts"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { plan } from "./plans.ts"
import { Rig } from "./rig.ts"

describe("submit", () => {
  it("G1: tasks without dependencies start, the others wait", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    const out = rig.send({
      _tag: "GraphSubmitted",
      plan: plan({ a: [], b: ["a"] }),
      owner: main,
      targets: [1],
      parent: -1,
      attempt: 0
    })
    const [claim] = claimsOf(rig.state, rig.state.owners.get(main)!)
    assert.deepStrictEqual(out, [
      { _tag: "Submitted", ids: Int32Array.of(0, 1), claims: [claim!.id] },
      { _tag: "Start", task: 0, attempt: 1, number: 1, worker: 0, inputs: [], holders: undefined }
    ])
  })

  it("M1: an end gives its result to the next and is forgotten with it", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    assert.deepStrictEqual(rig.end("a"), [
      { _tag: "Start", task: 1, attempt: 2, number: 1, worker: 0, inputs: [0], holders: undefined }
    ])
    assert.deepStrictEqual(rig.end("b"), [{ _tag: "Forget", task: 0, holder: 0 }])
  })

  it("A submission for an owner that has closed is rejected and changes nothing", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.close(main, 1)
    rig.submit(main, { a: [] })
    assert.deepStrictEqual(rig.told, ["rejected: the owner is gone"])
    assert.strictEqual(rig.state.tasks.size, 0)
  })

  it("G14: a task may depend on live tasks of earlier submissions in any phase", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { done: [], running: [], ready: [] })
    rig.end("done")
    rig.submit(main, { x: [rig.ref("done"), rig.ref("running"), rig.ref("ready")] })
    assert.strictEqual(rig.phase("x"), "waiting")
    rig.end("running")
    rig.end("ready")
    assert.deepStrictEqual(rig.told, ["start x with done and running and ready on w1 (attempt 4, its 1.)"])
  })

  it("G14: a live task that stands in the inputs twice is waited for once, whatever becomes of it", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { good: [], bad: [] })
    rig.submit(main, { x: [rig.ref("good"), rig.ref("good")], y: [rig.ref("bad"), rig.ref("bad"), rig.ref("good")] })
    rig.end("good")
    assert.strictEqual(rig.phase("x"), "running")
    rig.fail("bad")
    assert.strictEqual(rig.phase("y"), "upstreamFailed")
    rig.end("x")
    rig.close(main, 1)
  })

  it("G16: what a plan says of all its tasks holds for those that say nothing", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { busy: [] })
    const own = plan({ a: [], b: [] }, { anonymous: true, settings: { a: { label: undefined }, b: { priority: 5 } } })
    const annotated = { ...own, defaults: { label: "nightly", priority: 2 } }
    const targets = [0, 1]
    rig.send({ _tag: "GraphSubmitted", plan: annotated, owner: main, targets, parent: -1, attempt: 0 })
    rig.submit(main, { usual: [] })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["b#3", "nightly#2", "usual"])
  })

  it("F11: a new run takes the key of a task that ended without success, and keeps it when the old record goes", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [] })
    const old = rig.id("a")
    const claim = rig.claim(main, "a")
    rig.fail("a")
    assert.strictEqual(rig.state.keys.get("a"), old)
    rig.submit(main, { a: [] })
    assert.strictEqual(rig.state.keys.get("a"), rig.id("a"))
    assert.notStrictEqual(rig.id("a"), old)
    rig.send({ _tag: "ClaimsReleased", claims: [claim.id] })
    assert.strictEqual(rig.state.keys.get("a"), rig.id("a"))
    rig.end("a")
    rig.close(main, 1)
    assert.strictEqual(rig.state.keys.size, 0)
  })

  it("D9: dependencies that ended before the submission count at once, either way", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { good: [], bad: [] })
    rig.end("good")
    rig.fail("bad")
    rig.submit(main, { x: [rig.ref("good")], y: [rig.ref("bad"), rig.ref("good")], z: ["y"] }, {
      targets: ["x", "y", "z"]
    })
    assert.deepStrictEqual(["x", "y", "z"].map((name) => rig.phase(name)), [
      "running",
      "upstreamFailed",
      "upstreamFailed"
    ])
    assert.deepStrictEqual(rig.outcome("z"), ["Failed", "bad", "y", "z"])
  })

  it("D9: an absorbing dependent of a task that failed before starts with its exit", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { bad: [] })
    rig.fail("bad")
    rig.submit(main, { x: [rig.ref("bad")] }, { settings: { x: { key: "x", absorbs: true } } })
    assert.deepStrictEqual(rig.told, ["start x with bad on w1 (attempt 2, its 1.)"])
  })

  it("When no task is left, rows are given in their order again, whatever the order in which they came back", () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    assert.deepStrictEqual([...rig.submit(main, { a: [], b: [], c: [] })], [0, 1, 2])
    for (const name of ["b", "a", "c"]) rig.end(name)
    rig.close(main, 1)
    const again = rig.open("again")
    assert.deepStrictEqual([...rig.submit(again, { d: [], e: [], f: [] })], [0, 1, 2])
  })

  it("An instruction stays as it was told, also when a task is forgotten in the step that registers it", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { bad: [] })
    rig.fail("bad")
    const ids = rig.submit(main, { x: [rig.ref("bad")], y: ["x"] }, { targets: ["y"] })
    assert.deepStrictEqual([...ids], [1, 2])
    assert.strictEqual(rig.state.tasks.size, 2)
  })

  it("A body that outlived its task's record submits as if from outside", () => {
    const rig = new Rig()
    const [main, inner] = [rig.open(), rig.open("inner")]
    rig.submit(main, { a: [] })
    const stale = { parent: rig.id("a"), attempt: rig.attempt("a") }
    rig.end("a")
    rig.close(main, 1)
    rig.send({ _tag: "GraphSubmitted", plan: plan({ b: [] }), owner: inner, targets: [0], ...stale })
    assert.deepStrictEqual(rig.told, ["start b on w1 (attempt 2, its 1.)"])
    assert.strictEqual(rig.state.tasks.submission[0]!.depth, 0)
  })

  it("T2: the same events give the same instructions", () => {
    const run = () => {
      const rig = new Rig({ w1: 2, w2: 1 })
      const main = rig.open()
      rig.submit(main, { a: [], b: [], c: ["a", "b"], d: ["c"] })
      rig.end("b")
      rig.end("a")
      rig.end("c")
      return rig.story
    }
    assert.strictEqual(run(), run())
  })

  it("M5: after a burst nothing is left, and the table works again", () => {
    const rig = new Rig()
    const main = rig.open()
    const size = 70_000
    const big = {
      size,
      offsets: new Int32Array(size + 1),
      targets: new Int32Array(0),
      positions: Int32Array.from({ length: size }, (_, i) => i),
      settings: new Map()
    }
    const { state } = rig
    rig.log = undefined
    const targets = Array.from({ length: size }, (_, i) => i)
    step(state, { _tag: "GraphSubmitted", now: 0, plan: big, owner: main, targets, parent: -1, attempt: 0 })
    step(state, {
      _tag: "OwnerClosed",
      now: 0,
      owner: main,
      by: "main",
      reason: "closed",
      wait: 1,
      waiter: -1,
      attempt: 0
    })
    step(state, { _tag: "TaskEnded", now: 0, task: 0, attempt: 1, ending: { _tag: "Interrupted" } })
    assert.strictEqual(state.tasks.size, 0)
    assert.strictEqual(state.tasks.capacity, 0)
    rig.log = []
    const again = rig.open("again")
    rig.submit(again, { a: [], b: ["a"] })
    rig.end("a")
    rig.end("b")
    rig.close(again, 2)
    assert.strictEqual(state.tasks.size, 0)
  })
})
