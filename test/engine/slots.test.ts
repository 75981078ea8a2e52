import { assert, describe, it } from "@effect/vitest"
import { Rig } from "./rig.ts"

const names = (count: number): Record<string, ReadonlyArray<string>> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, []]))

describe("slots", () => {
  it("W1: running tasks never exceed the slots of a worker", () => {
    const rig = new Rig({ w1: 2, w2: 1 })
    const main = rig.open()
    rig.submit(main, names(6))
    assert.deepStrictEqual(rig.state.workers.map(({ running }) => running), [2, 1])
    rig.end("t0")
    assert.deepStrictEqual(rig.state.workers.map(({ running }) => running), [2, 1])
  })

  it("W1: the worker with the greatest share of free slots gets the next task", () => {
    const rig = new Rig({ w1: 1, w2: 4 })
    const main = rig.open()
    rig.submit(main, names(4))
    const workers = ["t0", "t1", "t2", "t3"].map((name) => rig.state.tasks.worker[rig.id(name)])
    assert.deepStrictEqual(workers, [0, 1, 1, 1])
  })

  it("F6: another attempt goes to a worker it has not failed on while one has a slot, else to any", () => {
    const rig = new Rig({ w1: 4, w2: 1, w3: 1 })
    const main = rig.open()
    const workers: Array<number> = []
    rig.submit(main, { a: [] })
    for (let i = 0; i < 5; i++) {
      workers.push(rig.state.tasks.worker[rig.id("a")]!)
      rig.end("a", { _tag: "Retried", delayMillis: 0 })
    }
    assert.deepStrictEqual(workers, [0, 1, 2, 0, 0])
  })

  it("N2, trap 1: a seceded task frees its slot and the next ready task starts in the same step, five deep", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, names(6))
    for (let i = 0; i < 5; i++) {
      rig.wait(i, [], `t${i}`, "never")
      assert.deepStrictEqual(rig.told, [`start t${i + 1} on w1 (attempt ${i + 2}, its 1.)`])
    }
    assert.deepStrictEqual(rig.state.workers[0]!.running, 1)
  })

  it("N2: several fibers of one task that wait secede once, and the last to come back rejoins", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.wait(1, [rig.claim(main, "b")], "a")
    rig.wait(2, [], "a", "never")
    rig.end("b")
    assert.deepStrictEqual([rig.told, rig.phase("a")], [["wait 1 is over"], "seceded"])
    rig.abandon(2)
    assert.deepStrictEqual([rig.told, rig.phase("a")], [["wait 2 is over"], "running"])
  })

  it("N3: a rejoiner waits for a slot, ahead of every ready task", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [], urgent: [] }, { settings: { urgent: { key: "urgent", priority: -1 } } })
    rig.wait(1, [], "a", "never")
    rig.abandon(1)
    assert.deepStrictEqual([rig.told, rig.phase("a")], [[], "rejoining"])
    rig.end("b")
    assert.deepStrictEqual([rig.told, rig.phase("urgent")], [["wait 1 is over"], "ready"])
  })

  it("N3: rejoiners come back in the order in which their waits ended", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] })
    rig.wait(1, [], "a", "never")
    rig.wait(2, [], "b", "never")
    rig.abandon(2)
    rig.abandon(1)
    rig.end("c")
    assert.deepStrictEqual(rig.told, ["wait 2 is over"])
    rig.end("b")
    assert.deepStrictEqual(rig.told, ["wait 1 is over"])
  })

  it("N3: a rejoiner whose other fiber waits again goes on uncounted", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.wait(1, [], "a", "never")
    rig.abandon(1)
    assert.strictEqual(rig.phase("a"), "rejoining")
    rig.wait(2, [rig.claim(main, "b")], "a")
    assert.deepStrictEqual([rig.told, rig.phase("a")], [["wait 1 is over"], "seceded"])
    rig.end("b")
    assert.deepStrictEqual([rig.told, rig.phase("a")], [["wait 2 is over"], "running"])
  })

  it("An attempt that stops never rejoins: its finalizers run uncounted", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.wait(1, [], "a", "never")
    rig.cancel(main, "a", 2)
    assert.deepStrictEqual(rig.told, ["stop a (attempt 1)", "wait 1 is over"])
    rig.wait(3, [rig.claim(main, "b")], "a")
    rig.end("b")
    assert.deepStrictEqual([rig.told, rig.state.workers[0]!.running], [["wait 3 is over"], 0])
    rig.end("a", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 2 is over")
  })

  it("A finalizer that waits gives its slot away for good", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] })
    rig.cancel(main, "a", 1)
    rig.wait(2, [rig.claim(main, "c")], "a")
    assert.strictEqual(rig.phase("b"), "running")
    rig.end("b")
    rig.end("c")
    assert.strictEqual(rig.state.workers[0]!.running, 0)
    rig.end("a", { _tag: "Interrupted" })
    assert.strictEqual(rig.state.workers[0]!.attempts, 0)
  })

  it("trap 3: one endless seceded task and a thousand short ones: the load ends at zero", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { endless: [] })
    rig.wait(1, [], "endless", "never")
    const used = new Set<number>()
    for (let i = 0; i < 300; i++) {
      const owner = rig.open()
      rig.submit(owner, { t: [], u: [] })
      used.add(rig.state.tasks.worker[rig.id("t")]!).add(rig.state.tasks.worker[rig.id("u")]!)
      rig.wait(10 + i, [], "t", "never")
      rig.abandon(10 + i)
      rig.end("t")
      rig.end("u")
      rig.close(owner, 1000 + i)
    }
    assert.deepStrictEqual([...used].sort((a, b) => a - b), [0, 1])
    assert.deepStrictEqual(rig.state.workers.map(({ running }) => running), [0, 0])
  })

  it("trap 9: a task that always fails is tried as often as it asks, however few workers there are", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [] })
    for (let i = 0; i < 3; i++) rig.end("a", { _tag: "Retried", delayMillis: 0 })
    assert.deepStrictEqual(rig.told, ["start a on w1 (attempt 4, its 4.)"])
    rig.fail("a")
    assert.strictEqual(rig.phase("a"), "failed")
  })

  it("W7: a worker that joins gets ready tasks at once", () => {
    const rig = new Rig({})
    const main = rig.open()
    rig.submit(main, { a: [] })
    assert.strictEqual(rig.phase("a"), "ready")
    rig.send({ _tag: "WorkerAdded", name: "w1", slots: 1 })
    assert.deepStrictEqual(rig.told, ["start a on w1 (attempt 1, its 1.)"])
  })

  it("W7: a draining worker takes nothing new, lets its own rejoin, and leaves with its last attempt", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.wait(1, [rig.claim(main, "b")], "a")
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    rig.end("b")
    assert.deepStrictEqual(rig.told, ["wait 1 is over"])
    rig.submit(main, { c: [] })
    assert.strictEqual(rig.phase("c"), "ready")
    rig.end("a")
    assert.deepStrictEqual(rig.told, ["w1 leaves"])
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    assert.deepStrictEqual(rig.told, ["rejected: the worker is gone"])
  })

  it("Start says who holds each input when others than its worker do", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: ["a", "b"] })
    rig.end("a")
    const start = rig.end("b").find((instruction) => instruction._tag === "Start")
    assert.deepStrictEqual(start?.holders, [0, 1])
  })
})
