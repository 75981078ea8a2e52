import { assert, describe, it } from "@effect/vitest"
import { extrasOf } from "../../src/engine/state/rare.ts"
import { explain } from "../../src/engine/views/explain.ts"
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
    assert.deepStrictEqual(extrasOf(rig.state, rig.id("a"))?.outcome?.reason, {
      _tag: "TimedOut",
      of: "attempt",
      millis: 10
    })
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
    assert.deepStrictEqual(extrasOf(rig.state, rig.id("a"))?.outcome?.reason, {
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

  it("C14: an attempt that goes on beyond its grace is reported once, and keeps its slot until it ends", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], next: [] }, { settings: { a: { key: "a", graceMillis: 10 } } })
    rig.now = 5
    rig.cancel(main, "a", 1)
    assert.deepStrictEqual(rig.told, ["stop a (attempt 1)", "wake me at 15 ms"])
    rig.at(14)
    assert.deepStrictEqual(rig.told, ["wake me at 15 ms"])
    assert.deepInclude(explain(rig.state, "a")?.because, { _tag: "Stopping", since: 5, overdue: false })
    rig.at(15)
    assert.deepStrictEqual(rig.told, ["a does not stop (attempt 1)"])
    assert.deepInclude(explain(rig.state, "a")?.because, { _tag: "Stopping", since: 5, overdue: true })
    rig.at(100)
    assert.deepStrictEqual(rig.told, [])
    assert.strictEqual(rig.phase("next"), "ready")
    rig.end("a", { _tag: "Interrupted" })
    assert.deepStrictEqual([rig.phase("next"), rig.state.timers.heap.length], ["running", 0])
  })

  it("C14: what ends within its grace is not reported, and a further attempt has a grace of its own", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", timeoutMillis: 10, graceMillis: 10 } } })
    rig.at(10)
    assert.deepStrictEqual(rig.told, ["stop a (attempt 1, timed out)", "wake me at 20 ms"])
    rig.now = 19
    rig.end("a", { _tag: "Retried", delayMillis: 0 })
    rig.at(20)
    assert.deepStrictEqual(rig.told, ["wake me at 29 ms"])
    rig.at(29)
    assert.deepStrictEqual(rig.told, ["stop a (attempt 2, timed out)", "wake me at 39 ms"])
    rig.at(39)
    assert.deepStrictEqual(rig.told, ["a does not stop (attempt 2)"])
    // Cancelled on top: its grace does not begin again.
    rig.cancel(main, "a", 1)
    assert.deepStrictEqual(rig.told, [])
    rig.end("a", { _tag: "Interrupted" })
    assert.strictEqual(rig.state.timers.heap.length, 0)
  })

  it("C14: the state has a grace for tasks that name none; Infinity is none", () => {
    const rig = new Rig({ w1: 2 }, { graceMillis: 10 })
    const { state } = rig
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, { settings: { b: { key: "b", graceMillis: Infinity } } })
    rig.close(main, 1)
    assert.strictEqual(state.timers.heap.length, 1)
    rig.at(10)
    assert.lengthOf(rig.told, 1)
    for (const name of ["a", "b"]) rig.end(name, { _tag: "Interrupted" })
    assert.strictEqual(state.tasks.size, 0)
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
    assert.strictEqual(rig.state.timers.heap.length, 3)
    rig.at(20)
    assert.deepStrictEqual([rig.phase("b"), rig.phase("near")], ["ready", "stopping"])
    assert.strictEqual(rig.state.timers.heap.length, 0)
  })

  it("M5: timers that mean nothing any more are dropped as soon as they come first", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", deadlineMillis: 10, timeoutMillis: 20 } } })
    rig.end("a")
    assert.strictEqual(rig.state.timers.heap.length, 0)
  })

  it("M5: timers of tasks that have ended do not pile up behind one that lives on", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    const other = rig.open()
    rig.submit(main, { long: [] }, { settings: { long: { key: "long", deadlineMillis: 1 } } })
    let most = 0
    for (let i = 0; i < 500; i++) {
      rig.submit(other, { short: [] }, { settings: { short: { key: `short${i}`, timeoutMillis: 10 } } })
      rig.end("short")
      rig.release(other, "short")
      most = Math.max(most, rig.state.timers.heap.length)
    }
    assert.strictEqual(most, 64)
    assert.strictEqual(rig.state.tasks.size, 1)
    rig.at(1)
    assert.deepStrictEqual(rig.told, ["stop long (attempt 1)"])
    assert.strictEqual(rig.state.timers.heap.length, 0)
  })

  it("M5: live timers stay in order when the ended ones between them are dropped", () => {
    const rig = new Rig()
    const main = rig.open()
    const other = rig.open()
    const [kept, dropped] = [names("kept", 100), names("dropped", 100)]
    const deadlines = (own: ReadonlyArray<string>) =>
      Object.fromEntries(own.map((name, i) => [name, { key: name, deadlineMillis: 1 + (i * 37) % 100 }]))
    const alone = (own: ReadonlyArray<string>) => Object.fromEntries(own.map((name) => [name, []]))
    rig.submit(main, { first: [] })
    rig.submit(other, alone(dropped), { settings: deadlines(dropped) })
    rig.submit(main, alone(kept), { settings: deadlines(kept) })
    rig.close(other, 1)
    // Only the one that is due first has been dropped so far.
    assert.strictEqual(rig.state.timers.heap.length, 199)
    const more = names("more", 201)
    rig.submit(main, alone(more), { settings: deadlines(more) })
    assert.strictEqual(rig.state.timers.heap.length, 301)
    for (let now = 1; now <= 100; now++) {
      rig.at(now)
      const due = kept.filter((_, i) => (i * 37) % 100 < now)
      assert.deepStrictEqual(kept.filter((name) => rig.phase(name) === "failed"), due)
    }
    assert.strictEqual(rig.state.timers.heap.length, 0)
  })
})

const names = (prefix: string, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`)
