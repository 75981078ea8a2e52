import { assert, describe, it } from "@effect/vitest"
import { Rig } from "./rig.ts"

describe("timers", () => {
  it("C9: a timeout runs from the start of each attempt, not from submission", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { first: [], a: [] }, { settings: { a: { key: "a", timeoutMillis: 10 } } })
    rig.now = 50
    rig.end("first")
    assert.deepStrictEqual(rig.told, ["start a on w1 (attempt 2, its 1.)", "wake me at 60 ms"])
    rig.at(60)
    assert.deepStrictEqual(rig.told, ["stop a (attempt 2, timed out)"])
    rig.end("a", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.state.outcomes.get(rig.id("a"))?.reason, { _tag: "TimedOut", of: "attempt", millis: 10 })
  })

  it("C9: a deadline holds beyond an attempt that ran out of its own time", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", timeoutMillis: 10, deadlineMillis: 25 } } })
    rig.at(10)
    rig.end("a", { _tag: "Retried", delayMillis: 0 })
    rig.at(20)
    rig.at(25)
    rig.end("a", { _tag: "Retried", delayMillis: 0 })
    assert.strictEqual(rig.phase("a"), "failed")
    assert.deepStrictEqual(rig.state.outcomes.get(rig.id("a"))?.reason, {
      _tag: "TimedOut",
      of: "deadline",
      millis: 25
    })
  })

  it("C9: a deadline covers retry delays and what a flatMap task stands for", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    const settings = { a: { key: "a", deadlineMillis: 20 }, f: { key: "f", deadlineMillis: 20 } }
    rig.submit(main, { a: [], f: [] }, { settings })
    rig.end("a", { _tag: "Retried", delayMillis: 100 })
    rig.expand("f", { x: [] }, "x")
    rig.at(20)
    assert.deepStrictEqual([rig.phase("a"), rig.phase("f"), rig.phase("x")], ["failed", "failed", "stopping"])
  })

  it("D6: a dependency timeout has no effect once the task has started", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", dependencyTimeoutMillis: 5 } } })
    rig.end("a", { _tag: "Retried", delayMillis: 50 })
    rig.at(10)
    assert.strictEqual(rig.phase("a"), "waiting")
  })

  it("D6: a task that is ready but finds no slot runs out of time too", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, { settings: { b: { key: "b", dependencyTimeoutMillis: 5 } } })
    rig.at(5)
    assert.deepStrictEqual(rig.outcome("b"), ["TimedOut", "b"])
    rig.end("a")
    assert.deepStrictEqual(rig.told, [])
  })

  it("A clock that rings early is asked to ring again", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", deadlineMillis: 10 } } })
    rig.at(9)
    assert.deepStrictEqual(rig.told, ["wake me at 10 ms"])
    rig.at(10)
    assert.deepStrictEqual(rig.told, ["stop a (attempt 1)"])
  })

  it("What falls due in the millisecond in which the clock rang is not lost", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", deadlineMillis: 10 } } })
    rig.at(10)
    rig.submit(main, { b: [] }, { settings: { b: { key: "b", deadlineMillis: 0 } } })
    assert.deepStrictEqual(rig.told, ["wake me at 10 ms"])
  })

  it("Timers of a task that is gone never hit the next task in its row", () => {
    const rig = new Rig()
    const main = rig.open()
    const settings = {
      a: { key: "a", deadlineMillis: 10, timeoutMillis: 10 },
      near: { key: "near", deadlineMillis: 5 }
    }
    rig.submit(main, { a: [], near: [] }, { settings })
    const row = rig.id("a")
    rig.cancel(main, "a", 1)
    rig.end("a")
    rig.submit(main, { b: [] })
    assert.strictEqual(rig.id("b"), row)
    assert.strictEqual(rig.state.timers.length, 3)
    rig.at(20)
    assert.deepStrictEqual([rig.phase("b"), rig.phase("near")], ["ready", "stopping"])
    assert.strictEqual(rig.state.timers.length, 0)
  })

  it("M5: timers that mean nothing any more are dropped as soon as they come first", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", deadlineMillis: 10, timeoutMillis: 20 } } })
    rig.end("a")
    assert.strictEqual(rig.state.timers.length, 0)
  })
})
