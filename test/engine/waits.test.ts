import { assert, describe, it } from "@effect/vitest"
import type { WaitMode } from "../../src/engine/protocol/Event.ts"
import { Rig } from "./rig.ts"

describe("waits", () => {
  const modes: ReadonlyArray<readonly [WaitMode, ReadonlyArray<string>, number]> = [
    ["all", ["ok", "ok"], 2],
    ["all", ["no", "ok"], 2],
    ["firstCompleted", ["ok", "ok"], 1],
    ["firstCompleted", ["no", "ok"], 1],
    ["firstFailure", ["ok", "ok"], 2],
    ["firstFailure", ["ok", "no"], 2],
    ["firstFailure", ["no", "ok"], 1],
    ["never", ["ok", "no"], 3]
  ]
  for (const [mode, ends, after] of modes) {
    it(`A4: a wait for ${mode} of two that end ${ends.join(", ")} is over after ${after > 2 ? "none" : after}`, () => {
      const rig = new Rig({ w1: 2 })
      const main = rig.open()
      rig.submit(main, { a: [], b: [] })
      rig.wait(1, mode === "never" ? [] : [rig.claim(main, "a"), rig.claim(main, "b")], undefined, mode)
      const over: Array<boolean> = []
      for (const [i, name] of ["a", "b"].entries()) {
        if (ends[i] === "ok") rig.end(name)
        else rig.fail(name, i)
        over.push(rig.told.includes("wait 1 is over"))
      }
      assert.strictEqual(over.indexOf(true) < 0 ? 3 : over.indexOf(true) + 1, after)
    })
  }

  it("A wait for what has ended is over at once, and the waiter keeps its slot", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.end("a")
    rig.wait(1, [rig.claim(main, "a")], "b")
    assert.deepStrictEqual([rig.told, rig.phase("b")], [["wait 1 is over"], "running"])
  })

  it("N13: a former attempt that secedes by hand waits for nothing", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [] })
    const [task, attempt] = [rig.id("a"), rig.attempt("a")]
    rig.send({ _tag: "WorkerLost", worker: 0 })
    rig.send({ _tag: "WaitBegan", wait: 1, claims: [], mode: "never", waiter: task, attempt })
    assert.deepStrictEqual([rig.told, rig.state.waits.size], [["wait 1 is over"], 0])
  })

  it("C7: asked to stop, an attempt keeps its slot where it secedes by hand, and gives it away where it waits for tasks", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.cancel(main, "a", 1)
    rig.wait(2, [], "a", "never")
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b"), rig.state.workers[0]!.running], ["stopping", "ready", 1])
    rig.abandon(2)
    assert.deepStrictEqual(rig.told, ["wait 2 is over"])
    rig.wait(3, [], "a", "never")
    rig.wait(4, [rig.claim(main, "b")], "a")
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b"), rig.state.workers[0]!.running], ["stopping", "running", 1])
  })

  it("C7: asked to stop, an attempt that gave its slot away and goes on takes one again, ahead of every ready task", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] })
    rig.wait(1, [], "a", "never")
    rig.cancel(main, "a", 2)
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["stopping", "running"])
    assert.include(rig.told, "wait 1 is over")
    rig.wantSlot(3, "a")
    assert.deepStrictEqual(rig.told, [])
    rig.end("b")
    assert.deepStrictEqual([rig.phase("a"), rig.phase("c"), rig.state.workers[0]!.running], ["stopping", "ready", 1])
    assert.include(rig.told, "wait 3 is over")
    // It has a slot, and gets no other.
    rig.wantSlot(4, "a")
    assert.deepStrictEqual(rig.told, ["wait 4 is over"])
    rig.end("a", { _tag: "Interrupted" })
    assert.strictEqual(rig.phase("c"), "running")
  })

  it("C7, N2: of several fibers that go on the last one takes the slot, and a wait of another for a task gives it away", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] })
    rig.wait(1, [], "a", "never")
    rig.cancel(main, "a", 2)
    rig.wantSlot(3, "a")
    rig.wantSlot(4, "a")
    assert.deepStrictEqual(rig.told, ["wait 3 is over"])
    rig.wait(5, [rig.claim(main, "c")], "a")
    assert.deepStrictEqual(rig.told, ["wait 4 is over"])
    rig.end("b")
    rig.wantSlot(6, "a")
    assert.deepStrictEqual([rig.phase("c"), rig.told], ["running", ["wait 6 is over"]])
    rig.end("c")
    rig.wantSlot(7, "a")
    assert.deepStrictEqual([rig.told, rig.state.workers[0]!.running], [["wait 7 is over"], 1])
  })

  it("C10: giving up a wait ends the wait, not the task", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.wait(1, [rig.claim(main, "a")])
    rig.abandon(1)
    assert.deepStrictEqual([rig.told, rig.phase("a")], [["wait 1 is over"], "running"])
    rig.abandon(1)
    assert.deepStrictEqual(rig.told, [])
  })

  it("C3: a wait through claims of several owners ends for each claim that is withdrawn", () => {
    const rig = new Rig({ w1: 2 })
    const [first, second, third] = [rig.open("first"), rig.open("second"), rig.open("third")]
    rig.submit(first, { a: [] })
    rig.submit(second, { b: [] })
    rig.share(third, rig.claim(second, "b"))
    rig.wait(1, [rig.claim(first, "a"), rig.claim(second, "b")])
    rig.wait(2, [rig.claim(first, "a"), rig.claim(second, "b")], undefined, "firstCompleted")
    // b runs on for the third owner, but the second's future has ended.
    rig.cancel(second, "b", 3)
    assert.deepStrictEqual(rig.told, ["wait 2 is over", "wait 3 is over"])
    rig.end("a")
    assert.deepStrictEqual(rig.told, ["wait 1 is over"])
    assert.strictEqual(rig.phase("b"), "running")
  })

  it("C3: two owners' claims on one task count one by one", () => {
    const rig = new Rig()
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { k: [] })
    rig.share(second, rig.claim(first, "k"))
    rig.wait(1, [rig.claim(first, "k"), rig.claim(second, "k")])
    rig.cancel(first, "k", 2)
    assert.deepStrictEqual(rig.told, ["wait 2 is over"])
    rig.end("k")
    assert.deepStrictEqual(rig.told, ["wait 1 is over"])
  })

  it("A withdrawn claim counts as ended without success for a wait that begins later", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    const [a, b] = [rig.claim(main, "a"), rig.claim(main, "b")]
    rig.cancel(main, "a", 1)
    rig.wait(2, [a, b], undefined, "firstFailure")
    assert.deepStrictEqual(rig.told, ["wait 2 is over"])
    rig.wait(3, [a, b])
    assert.deepStrictEqual(rig.told, [])
    rig.end("b")
    assert.deepStrictEqual(rig.told, ["wait 3 is over"])
  })

  it("N6: a task that waits for itself is starved", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] })
    assert.deepStrictEqual(rig.wait(1, [rig.claim(main, "a")], "a"), [
      { _tag: "WaitEnded", wait: 1, starved: [["a", "a"]] }
    ])
  })

  it("N6: the cycle may go through dependencies, aliases and waits", () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    rig.submit(main, { a: [], flat: [], b: [], c: ["flat"] }, { targets: ["a", "flat", "b", "c"] })
    rig.wait(1, [rig.claim(main, "c")], "b")
    rig.submit(main, { inner: [rig.ref("a")] })
    rig.expand("flat", {}, rig.ref("inner"))
    const told = rig.wait(2, [rig.claim(main, "b")], "a")[0]
    assert.deepStrictEqual(told, {
      _tag: "WaitEnded",
      wait: 2,
      starved: [["a", "b"], ["b", "c"], ["c", "flat"], ["flat", "inner"], ["inner", "a"]]
    })
  })

  it("Law 4: a request to stop does not end the wait for what the attempt must not outlive", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { parent: [] })
    const inner = rig.open("inner")
    rig.submit(inner, { child: [] }, { inside: "parent" })
    rig.close(inner, 1, "parent")
    assert.strictEqual(rig.phase("child"), "stopping")
    rig.cancel(main, "parent", 2)
    assert.deepStrictEqual(rig.told, ["stop parent (attempt 1)"])
    rig.end("child", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.told, ["forget child", "wait 1 is over"])
    rig.end("parent", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.told, ["forget parent", "wait 2 is over"])
  })

  it("F3, N6: a body does not wait for what waits for it, though a task that it wished for stands for that", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { body: [], blocked: ["body"] }, { targets: ["body", "blocked"] })
    const own = rig.open("own")
    rig.submit(own, { f: [] }, { inside: "body", wishes: ["f"], wait: 1 })
    rig.expand("f", { g: [rig.ref("blocked")] }, "g")
    assert.include(rig.told, "wait 1 is over")
  })

  it("N6: finalizers that would wait for each other are told so", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    const [a, b] = [rig.share(rig.open("x"), rig.claim(main, "a")), rig.share(rig.open("y"), rig.claim(main, "b"))]
    rig.cancel(main, "a", 1, { force: true })
    rig.cancel(main, "b", 2, { force: true })
    rig.wait(3, [b], "a")
    rig.wait(4, [a], "b")
    assert.deepStrictEqual(rig.told, ["wait 4 is over: b waits for a, a waits for b"])
  })
})
