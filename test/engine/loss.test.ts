import { assert, describe, it } from "@effect/vitest"
import { extrasOf } from "../../src/engine/state/rare.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

const once = (key: string) => ({ [key]: { key, idempotent: false } })

const startsOf = (rig: Rig, key: string): number =>
  rig.transitions.filter((each) => each.key === key && each.to === "running" && each.from === "assigned").length

describe("a worker that does not have a result that it reported", () => {
  it("M3: is lost, with what runs there; what had not begun counts no death", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { x: [], other: [] }, { targets: ["x", "other"] })
    rig.end("x")
    rig.submit(main, { y: [] })
    rig.lack("w1", "x", [])
    assert.deepStrictEqual(rig.told, ["w1 cannot be relied on"])
    assert.deepStrictEqual(rig.state.workers.map(({ phase }) => phase), ["lost", "open"])
    assert.deepStrictEqual([rig.phase("x"), rig.phase("y")], ["ready", "ready"])
    assert.deepStrictEqual(extrasOf(rig.state, rig.id("x"))?.history?.map(({ fate }) => fate), ["lost"])
    assert.isUndefined(extrasOf(rig.state, rig.id("y"))?.history)
  })

  it("M3: is lost for its own results alone, and only as long as they are counted on there", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { x: [], y: [] }, { targets: ["x", "y"] })
    rig.end("x")
    rig.end("y")
    const former = rig.attempt("x")
    rig.lack("w2", "x")
    assert.deepStrictEqual(rig.told, [])
    rig.lose("w1")
    const again = { _tag: "ResultMissing", task: rig.id("x"), attempt: former } as const
    for (const worker of [0, 1, 2]) rig.send({ ...again, worker })
    rig.end("x")
    for (const worker of [0, 1, 2]) rig.send({ ...again, worker })
    assert.deepStrictEqual(rig.told, [])
    assert.deepStrictEqual([rig.phase("x"), rig.phase("y")], ["succeeded", "succeeded"])
    rig.lack("w2", "x")
    assert.deepStrictEqual(rig.told, ["w2 cannot be relied on"])
  })
})

describe("loss of what runs", () => {
  it("F8: a running task starts elsewhere in the same step, and its attempt is not charged", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { x: [] })
    const attempt = rig.attempt("x")
    rig.lose("w1")
    assert.deepStrictEqual(rig.told, ["start x on w2 (attempt 2, its 1.)"])
    rig.end("x", { _tag: "Succeeded" }, attempt)
    assert.strictEqual(rig.phase("x"), "running")
    rig.end("x")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("F8: with no worker left tasks wait, and the next worker takes them", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { x: [], y: [] })
    rig.lose("w1")
    assert.deepStrictEqual([rig.phase("x"), rig.phase("y")], ["ready", "ready"])
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 2 })
    assert.deepStrictEqual([rig.phase("x"), rig.phase("y")], ["running", "running"])
  })

  for (const phase of ["running", "seceded", "rejoining"] as const) {
    it(`F8: a task that is ${phase} is lost with its waits`, () => {
      const rig = new Rig({ w1: 1, w2: 1 })
      const main = rig.open()
      rig.submit(main, { x: [], other: [] })
      if (phase !== "running") rig.wait(50, [], "x", "never")
      if (phase === "rejoining") {
        rig.submit(main, { blocker: [] })
        rig.abandon(50)
      }
      assert.strictEqual(rig.phase("x"), phase)
      rig.lose("w1")
      assert.deepStrictEqual(rig.told, phase === "running" ? [] : ["wait 50 is over"])
      assert.strictEqual(rig.phase("x"), "ready")
      rig.end("other")
      assert.strictEqual(rig.phase("x"), "running")
    })
  }

  it("F8: an attempt that was stopping ends as was fixed at the request", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { x: [] })
    rig.cancel(main, "x", 1)
    assert.strictEqual(rig.phase("x"), "stopping")
    rig.lose("w1")
    assert.deepStrictEqual(rig.told, ["forget x", "wait 1 is over"])
    rig.close(main, 2)
    assertNothingIsLeft(rig)
  })

  it("F8: at the fourth death the task ends, and its dependents with it; one that only waited is not to blame", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { x: [], y: ["x"], idle: [] }, { targets: ["x", "y", "idle"] })
    for (let death = 1; death <= 4; death++) {
      assert.deepStrictEqual([rig.phase("x"), rig.phase("y"), rig.phase("idle")], ["running", "waiting", "ready"])
      rig.lose(`w${death}`)
      rig.send({ _tag: "WorkerAdded", name: `w${death + 1}`, slots: 1 })
    }
    assert.deepStrictEqual(rig.outcome("x"), ["Killed", "x"])
    assert.deepStrictEqual(rig.outcome("y"), ["Killed", "x", "y"])
    assert.deepStrictEqual(extrasOf(rig.state, rig.id("x"))!.outcome!.reason, {
      _tag: "Killed",
      deaths: 4,
      reason: "deaths"
    })
    assert.strictEqual(rig.phase("idle"), "running")
  })

  it("F8: limits say how many deaths are too many", () => {
    const rig = new Rig({ w1: 1 }, { limits: { deaths: 1 } })
    rig.submit(rig.open(), { x: [] })
    rig.lose("w1")
    assert.deepStrictEqual(rig.outcome("x"), ["Killed", "x"])
  })

  it("F18: a task that must not run twice fails once it may have started", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    rig.submit(rig.open(), { x: [], y: [] }, { settings: { ...once("x"), ...once("y") } })
    rig.lose("w1")
    assert.deepStrictEqual(rig.outcome("x"), ["Killed", "x"])
    assert.deepStrictEqual(extrasOf(rig.state, rig.id("x"))!.outcome!.reason, {
      _tag: "Killed",
      deaths: 1,
      reason: "lost"
    })
    assert.strictEqual(rig.phase("y"), "running")
  })

  it("F18: a task that must not run twice and has not started waits for the next worker", () => {
    const rig = new Rig({ w1: 1 })
    rig.submit(rig.open(), { a: [], x: [] }, { settings: once("x") })
    rig.lose("w1")
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 2 })
    assert.strictEqual(rig.phase("x"), "running")
  })

  it("F8: what ran before counts on: a retry after a loss is the next attempt", () => {
    const rig = new Rig({ w1: 1 })
    rig.submit(rig.open(), { x: [] })
    rig.end("x", { _tag: "Retried", delayMillis: 0 })
    rig.lose("w1")
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    assert.deepStrictEqual(rig.told, ["start x on w2 (attempt 3, its 2.)"])
    const fates = extrasOf(rig.state, rig.id("x"))!.history!.map(({ fate, number }) => [number, fate])
    assert.deepStrictEqual(fates, [[1, "failed"], [2, "died"]])
  })

  it("D6: the dependency timeout of a task that has been started once is over", () => {
    const rig = new Rig({ w1: 1 })
    const timed = { key: "x", dependencyTimeoutMillis: 5, deadlineMillis: 20 }
    rig.submit(rig.open(), { x: [] }, { settings: { x: timed } })
    rig.lose("w1")
    rig.at(10)
    assert.strictEqual(rig.phase("x"), "ready")
    rig.at(20)
    assert.strictEqual(rig.phase("x"), "failed")
  })
})

describe("loss of what is held", () => {
  //  a -> b -> c      b is claimed and only there
  it("M3: a claimed result is made anew, and what it was made of, each once", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["b"] })
    for (const name of ["a", "b", "c"]) rig.end(name)
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    rig.lose("w1")
    assert.deepStrictEqual(rig.told, ["start a on w2 (attempt 4, its 1.)"])
    assert.strictEqual(rig.phase("c"), "waiting")
    rig.end("a")
    rig.end("b")
    rig.end("c")
    assert.deepStrictEqual(["a", "b", "c"].map((key) => startsOf(rig, key)), [2, 2, 2])
    assert.strictEqual(rig.state.tasks.size, 1)
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  //  g -> h1, h2     h1 runs elsewhere, h2 is queued
  it("trap 12: the worker that holds g dies while h1 runs and h2 is queued: both finish", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { g: [], block: [] })
    rig.end("g")
    rig.submit(main, { busy: [] })
    rig.submit(main, { h1: [rig.ref("g")], h2: [rig.ref("g")] })
    rig.end("block")
    assert.deepStrictEqual(["h1", "h2"].map((name) => rig.phase(name)), ["running", "ready"])
    rig.lose("w1")
    assert.deepStrictEqual(["g", "h1", "h2", "busy"].map((name) => rig.phase(name)), [
      "ready",
      "running",
      "waiting",
      "ready"
    ])
    for (const name of ["h1", "g", "busy", "h2"]) rig.end(name)
    assert.deepStrictEqual(["g", "h1", "h2"].map((name) => rig.phase(name)), ["succeeded", "succeeded", "succeeded"])
  })

  it("F8: of an input that nobody claims and whose dependents all ended nothing is made anew", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    rig.end("a")
    rig.end("b")
    rig.lose("w2")
    assert.deepStrictEqual([rig.told, rig.phase("b")], [[], "succeeded"])
  })

  it("F8: a dependent that runs elsewhere goes on; if it is tried again it waits for the input", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], block: [] })
    rig.end("a")
    rig.submit(main, { filler: [] })
    rig.end("block")
    rig.submit(main, { b: [rig.ref("a")] })
    rig.lose("w1")
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["ready", "running"])
    rig.end("b", { _tag: "Retried", delayMillis: 0 })
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["running", "waiting"])
    rig.end("a")
    rig.end("filler")
    assert.strictEqual(rig.phase("b"), "running")
  })

  it("F8: a dependent between two attempts waits for its delay and for the input, in either order", () => {
    for (const isDelayFirst of [true, false]) {
      const rig = new Rig({ w1: 1 })
      const main = rig.open()
      rig.submit(main, { a: [] })
      rig.end("a")
      rig.submit(main, { b: [rig.ref("a")] })
      rig.end("b", { _tag: "Retried", delayMillis: 10 })
      rig.lose("w1")
      rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
      if (isDelayFirst) rig.at(10)
      assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["running", "waiting"])
      rig.end("a")
      if (!isDelayFirst) rig.at(10)
      assert.strictEqual(rig.phase("b"), "running")
    }
  })

  it("F8: a dependent that never began for want of an input waits for it, and its attempt is not charged", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], block: [] })
    rig.end("a")
    rig.submit(main, { filler: [] })
    rig.end("block")
    rig.submit(main, { b: [rig.ref("a")] }, { settings: once("b") })
    rig.lose("w1")
    rig.loseInputs("b", ["a", ""])
    assert.strictEqual(rig.phase("b"), "waiting")
    rig.end("a")
    rig.end("filler")
    assert.include(rig.told.join(), "start b with a on w2 (attempt 7, its 1.)")
  })

  it("F8: an input of an earlier submission is known though its row belongs to another task by now", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.end("a")
    const row = rig.id("a")
    rig.submit(main, { b: [rig.ref("a")] })
    rig.release(main, "a")
    rig.end("b")
    rig.submit(main, { newcomer: [] })
    assert.strictEqual(rig.id("newcomer"), row)
    rig.lose("w1")
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    assert.deepStrictEqual(rig.told, ["start a on w2 (attempt 4, its 1.)"])
    rig.end("a")
    assert.include(rig.told.join(), "start b with a")
  })

  it("F8: the key of a forgotten task is free, also while its result is made anew", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    rig.end("a")
    rig.end("b")
    rig.lose("w1")
    rig.submit(main, { a: [] })
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 3 })
    assert.strictEqual(startsOf(rig, "a"), 3)
    assert.strictEqual(rig.state.keys.get("a"), rig.id("a"))
  })

  it("F8: a flatMap task runs its body again", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { f: [] })
    rig.expand("f", { inner: [] }, "inner")
    rig.end("inner")
    assert.strictEqual(rig.phase("f"), "succeeded")
    rig.lose("w1")
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    assert.strictEqual(rig.phase("f"), "running")
    rig.expand("f", { inner: [] }, "inner")
    rig.end("inner")
    assert.strictEqual(rig.phase("f"), "succeeded")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("D14, F8: an exit is found again by running what it absorbed", () => {
    const rig = new Rig({ w1: 1 })
    rig.submit(rig.open(), { a: [], e: ["a"] }, { settings: { e: { key: "e", absorbs: true } } })
    rig.fail("a", 7)
    rig.end("e")
    rig.lose("w1")
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    rig.fail("a", 8)
    assert.strictEqual(rig.phase("e"), "running")
  })

  it("F18: a lost result that must not be made twice ends those that need it; one that absorbs starts", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], block: [] }, { settings: once("a") })
    rig.end("a")
    rig.submit(main, { filler: [] })
    rig.submit(main, { b: [rig.ref("a")], c: [rig.ref("a")] }, { settings: { c: { key: "c", absorbs: true } } })
    rig.lose("w1")
    assert.deepStrictEqual(extrasOf(rig.state, rig.id("a"))!.outcome!.reason, {
      _tag: "Killed",
      deaths: 0,
      reason: "lost"
    })
    assert.deepStrictEqual(rig.outcome("b"), ["Killed", "a", "b"])
    assert.strictEqual(rig.phase("c"), "ready")
  })

  it("F18: a result made of what must not run twice cannot be made anew either", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] }, { settings: once("a") })
    rig.end("a")
    rig.end("b")
    rig.lose("w1")
    assert.deepStrictEqual(rig.outcome("b"), ["Killed", "a", "b"])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("F8: the results of a worker that has left are lost with it too", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { x: [] })
    rig.end("x")
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    rig.lose("w1")
    assert.strictEqual(rig.phase("x"), "running")
    rig.lose("w1")
    assert.deepStrictEqual(rig.told, ["rejected: the worker is gone"])
  })

  it("C9: what ended in time is in time: its deadline is over when its result is made anew", () => {
    const rig = new Rig({ w1: 1 })
    rig.submit(rig.open(), { x: [] }, { settings: { x: { key: "x", deadlineMillis: 20 } } })
    rig.end("x")
    rig.lose("w1")
    rig.at(30)
    assert.strictEqual(rig.phase("x"), "ready")
  })

  //  y -> x -> g      y, run again, waits for g
  it("N6: a cycle that a loss closes ends with Starved", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { y: [] })
    rig.end("y")
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    rig.submit(main, { filler: [] })
    rig.submit(main, { x: [rig.ref("y")] })
    rig.end("x")
    assert.strictEqual(rig.state.tasks.worker[rig.id("x")], 1)
    rig.submit(main, { busy: [] })
    // y runs again on w3, and waits for g, which waits for a slot.
    rig.lose("w1")
    rig.send({ _tag: "WorkerAdded", name: "w3", slots: 1 })
    assert.deepStrictEqual(rig.told, ["start y on w3 (attempt 5, its 1.)"])
    rig.submit(main, { g: [rig.ref("x")] })
    rig.wait(9, [rig.claim(main, "g")], "y")
    assert.deepStrictEqual(["y", "filler", "g"].map((name) => rig.phase(name)), ["seceded", "running", "ready"])
    rig.lose("w2")
    assert.deepStrictEqual(rig.outcome("x"), ["Starved", "x"])
    assert.deepStrictEqual(rig.outcome("g"), ["Starved", "x", "g"])
    rig.end("filler")
    assert.strictEqual(rig.phase("y"), "running")
  })
})
