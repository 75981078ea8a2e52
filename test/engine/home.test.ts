import { assert, describe, it } from "@effect/vitest"
import { columnsOf } from "../../src/engine/views/columns.ts"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

/** Workers that hand their results over, beside others with a slot each. */
const home = (handing: ReadonlyArray<string> = ["far"], others: ReadonlyArray<string> = [], settings = {}): Rig => {
  const rig = new Rig({}, settings)
  for (const name of handing) rig.send({ _tag: "WorkerAdded", name, slots: 1, handsOver: true })
  for (const name of others) rig.send({ _tag: "WorkerAdded", name, slots: 1 })
  return rig
}

const drain = (rig: Rig, name: string): void =>
  void rig.send({ _tag: "WorkerDrained", worker: rig.state.workers.find((worker) => worker.name === name)!.serial })

const on = (worker: string) => ({ demand: { workers: [worker] } })

/** The worker that the table of tasks has for a task. */
const entryOf = (rig: Rig, name: string): number => columnsOf(rig.state).worker[rig.id(name)]!

const workerIn = (rig: Rig, name: string): string | undefined =>
  snapshot(rig.state).tasks.find(({ key }) => key.startsWith(name))?.worker

describe("results at home", () => {
  it("W21, F7: the loss of a worker that hands its results over loses none of them", () => {
    const rig = home(["far"], ["near"])
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] }, { targets: ["a", "b"], settings: { a: on("far"), b: on("near") } })
    rig.end("a")
    assert.deepStrictEqual(rig.told, ["start b with a on near (attempt 2, its 1.)"])
    rig.lose("far")
    assert.deepStrictEqual(rig.told, [])
    assert.strictEqual(rig.phase("a"), "succeeded")
    rig.end("b")
    // The worker is named as that which ran it, and its row is kept for that.
    assert.strictEqual(workerIn(rig, "a"), "far")
    rig.send({ _tag: "WorkerAdded", name: "next", slots: 1 })
    assert.strictEqual(workerIn(rig, "a"), "far")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W21: an attempt that its worker was lost with runs elsewhere, as any other", () => {
    const rig = home(["far"])
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    rig.end("a")
    rig.lose("far")
    rig.send({ _tag: "WorkerAdded", name: "near", slots: 1 })
    assert.deepStrictEqual(rig.told, ["start b with a on near (attempt 3, its 1.)"])
    rig.end("b")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W21, W7: a worker that leaves has nothing to hand over at the end", () => {
    const rig = home(["far"], ["near"])
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: on("far") } })
    rig.end("a")
    drain(rig, "far")
    assert.deepStrictEqual(rig.told, ["far leaves"])
    rig.close(main, 1)
    assert.deepStrictEqual(rig.told, ["forget a", "wait 1 is over"])
    assertNothingIsLeft(rig)
  })

  it("W21, M9: they are not copied, and count for no worker when results are spread", () => {
    const rig = home(["far"], ["near", "other"])
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] }, { settings: { a: on("far"), b: on("near"), c: on("near") } })
    rig.end("a")
    rig.send({ _tag: "CopiesRequested", task: rig.id("a"), copies: 2 })
    assert.deepStrictEqual(rig.told, ["rejected: the task is gone"])
    rig.end("b")
    rig.end("c")
    rig.send({ _tag: "RebalanceRequested" })
    assert.lengthOf(rig.told, 1)
    rig.arrive()
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W21: a result that owns a resource stays with its worker, which finalizes it", () => {
    const rig = home(["far"])
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { resource: true } } })
    rig.end("a")
    assert.strictEqual(entryOf(rig, "a"), 0)
    rig.close(main, 1)
    assert.deepStrictEqual(rig.told, ["finalize the resource of a (attempt 1)"])
    rig.finalize("a")
    assertNothingIsLeft(rig)
  })

  it("W21: a task that stands for another takes its result at home over", () => {
    const rig = home(["far"])
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.expand("a", { inner: [] }, "inner")
    rig.end("inner")
    assert.deepStrictEqual(rig.told, ["the result of inner is that of a too", "forget inner"])
    rig.lose("far")
    assert.deepStrictEqual([rig.phase("a"), workerIn(rig, "a")], ["succeeded", "far"])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W21, F9: a value from outside goes home if its worker hands over, else it is held", () => {
    const rig = home(["far"], ["near"])
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, { settings: { a: on("far"), b: on("near") } })
    rig.settle("a")
    rig.end("a", { _tag: "Interrupted" })
    rig.settle("b")
    rig.end("b", { _tag: "Interrupted" })
    rig.lose("far")
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["succeeded", "succeeded"])
    assert.deepStrictEqual([entryOf(rig, "a") < 0, entryOf(rig, "b")], [true, 1])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W21, F7: a body that misses one has it made anew", () => {
    const rig = home(["far"])
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    rig.end("a")
    rig.miss("b", "a")
    assert.deepStrictEqual(rig.told, ["discard what a brought", "start a on far (attempt 3, its 1.)"])
    rig.end("a")
    rig.end("b")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W21: a result that comes after its attempt was asked to stop is dropped", () => {
    const rig = home(["far"])
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.cancel(main, "a", 1)
    rig.end("a")
    assert.deepStrictEqual(rig.told, ["discard what a brought", "forget a", "wait 1 is over"])
    rig.close(main, 2)
    assertNothingIsLeft(rig)
  })

  it("W21, D8: what follows goes to the worker that made it, and anywhere once that takes no more tasks", () => {
    const rig = home(["far", "other"])
    const main = rig.open()
    const policies = [{ of: "follow", from: 0, to: 1, policy: { _tag: "All", on: "success" } }] as const
    const graph = { a: [], x: [], y: [], b: ["a"] }
    const settings = { a: on("other"), x: on("other"), y: on("far"), b: { policies } }
    rig.submit(main, graph, { targets: ["a", "b", "x", "y"], settings })
    rig.end("a")
    assert.strictEqual(rig.phase("b"), "ready")
    rig.lose("other")
    // Neither it nor what it followed is lost.
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["succeeded", "ready"])
    rig.end("y")
    assert.deepStrictEqual(rig.told, ["start b with a on far (attempt 4, its 1.)"])
    rig.close(main, 1)
  })

  it("W21: the size of a result at home counts towards the budget, and its release ends that", () => {
    const rig = home(["far"], [], { fairness: { budget: { target: 5, pause: 5 } } })
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.end("a", { _tag: "Succeeded", size: 3 })
    assert.strictEqual(rig.state.balance.heldSize, 3)
    rig.close(main, 1)
    assert.strictEqual(rig.state.balance.heldSize, 0)
    assertNothingIsLeft(rig)
  })

  it("W21: workers of a pool hand theirs over if the pool says so", () => {
    const rig = new Rig({})
    const pool = { name: "p", min: 1, max: 1, slots: 1, idleMillis: 10, ahead: 2, handsOver: true }
    rig.send({ _tag: "PoolOpened", ...pool })
    rig.send({ _tag: "WorkerStarted", worker: 0 })
    assert.deepStrictEqual([rig.state.workers[0]!.ahead, rig.state.workers[0]!.handsOver], [2, true])
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] })
    rig.end("a")
    assert.strictEqual(entryOf(rig, "a"), -2)
    rig.lose("p-1")
    assert.strictEqual(rig.phase("a"), "succeeded")
  })
})
