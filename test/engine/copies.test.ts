import { assert, describe, it } from "@effect/vitest"
import { extrasOf } from "../../src/engine/state/rare.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

/** Has so many workers hold the result of a task, or these. */
const replicate = (rig: Rig, name: string, copies: number, workers?: ReadonlyArray<string>): void =>
  void rig.send({ _tag: "CopiesRequested", task: rig.id(name), copies, workers })

/** The names of the workers that hold the result of a task, the first holder first. */
const holders = (rig: Rig, name: string): ReadonlyArray<string> => {
  const { tasks: { worker }, workers } = rig.state
  const task = rig.id(name)
  return [worker[task]!, ...extrasOf(rig.state, task)?.copies ?? []].map((index) => workers[index]!.name)
}

const add = (rig: Rig, name: string): void => void rig.send({ _tag: "WorkerAdded", name, slots: 1 })

const drain = (rig: Rig, name: string): void =>
  void rig.send({ _tag: "WorkerDrained", worker: rig.state.workers.findLast((worker) => worker.name === name)!.serial })

const copied = (rig: Rig, copy: number): void => void rig.send({ _tag: "TaskCopied", copy })

/** The result of x on w1, beside workers that hold nothing. */
const made = (...others: ReadonlyArray<string>): { readonly rig: Rig; readonly main: number } => {
  const rig = new Rig({ w1: 1 })
  const main = rig.open()
  rig.submit(main, { x: [] })
  rig.end("x")
  for (const other of others) add(rig, other)
  return { rig, main }
}

describe("copies", () => {
  it("M9: a result is copied to the workers that hold least, and is held there from the moment in which it arrives", () => {
    const { main, rig } = made("w2", "w3")
    rig.submit(main, { y: [], z: [] }, { settings: { z: { demand: { workers: ["w2"] } } } })
    rig.end("y")
    rig.end("z")
    replicate(rig, "x", 2)
    assert.deepStrictEqual(rig.told, ["copy x from w1 to w3 (copy 1)"])
    assert.deepStrictEqual(holders(rig, "x"), ["w1"])
    replicate(rig, "x", 2)
    assert.deepStrictEqual(rig.told, [])
    copied(rig, 1)
    assert.deepStrictEqual(holders(rig, "x"), ["w1", "w3"])
    replicate(rig, "x", 9)
    assert.deepStrictEqual(rig.told, ["copy x from w1 to w2 (copy 2)"])
    copied(rig, 2)
    assert.deepStrictEqual(holders(rig, "x"), ["w1", "w3", "w2"])
  })

  it("M9: named workers hold it beside the others", () => {
    const { rig } = made("w2", "w3")
    replicate(rig, "x", Infinity, ["w1", "w3", "nobody"])
    assert.deepStrictEqual(rig.told, ["copy x from w1 to w3 (copy 1)"])
  })

  it("M9: a release reaches all that hold a result, and calls off what is on its way", () => {
    const { main, rig } = made("w2", "w3")
    replicate(rig, "x", 2)
    rig.arrive()
    replicate(rig, "x", 3)
    rig.close(main, 1)
    assert.deepStrictEqual(rig.told, ["discard what x brought", "forget x and its result", "wait 1 is over"])
    copied(rig, 2)
    assert.deepStrictEqual(rig.told, [])
    assertNothingIsLeft(rig)
  })

  it("M9, F8: the loss of one holder makes nothing anew, whichever it is", () => {
    for (const lost of ["w1", "w2"]) {
      const { main, rig } = made("w2")
      replicate(rig, "x", 2)
      rig.arrive()
      rig.lose(lost)
      assert.deepStrictEqual([rig.told, rig.phase("x")], [[], "succeeded"])
      assert.deepStrictEqual(holders(rig, "x"), [lost === "w1" ? "w2" : "w1"])
      // Dependents get it from whoever holds it, and its last holder is the last.
      rig.submit(main, { y: [rig.ref("x")] })
      assert.deepStrictEqual(rig.phase("y"), "running")
      add(rig, "w3")
      rig.lose(lost === "w1" ? "w2" : "w1")
      assert.strictEqual(rig.phase("x"), "running")
    }
  })

  it("M9: a copy that is on its way when a worker is lost comes from another holder, or not at all", () => {
    const { rig } = made("w2", "w3")
    replicate(rig, "x", 2)
    rig.arrive()
    replicate(rig, "x", 3)
    rig.lose("w1")
    assert.deepStrictEqual(rig.told, ["copy x from w2 to w3 (copy 3)"])
    copied(rig, 2)
    assert.deepStrictEqual(holders(rig, "x"), ["w2"])
    rig.lose("w2")
    assert.deepStrictEqual(rig.told, ["start x on w3 (attempt 2, its 1.)"])
    copied(rig, 3)
    assert.strictEqual(rig.phase("x"), "running")
  })

  it("M9: a result that two holders turn out not to have at once is made anew, and no copy is asked for that this calls off", () => {
    const { main, rig } = made("w2", "w3")
    rig.submit(main, { y: [rig.ref("x")] })
    replicate(rig, "x", 3)
    copied(rig, 1)
    rig.loseInputs("y", ["x", "w1"], ["x", "w2"])
    assert.deepStrictEqual(rig.told, [
      "discard what x brought",
      "discard what x brought",
      "start x on w1 (attempt 3, its 1.)"
    ])
    assert.strictEqual(rig.state.copying.size, 0)
    rig.end("x")
    rig.end("y")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("M9: a pending copy comes from the holder that is left when others turn out not to have it, and is asked for once", () => {
    const { main, rig } = made("w2", "w3", "w4")
    rig.submit(main, { y: [rig.ref("x")] })
    replicate(rig, "x", 3)
    rig.arrive()
    replicate(rig, "x", 4)
    rig.loseInputs("y", ["x", "w1"], ["x", "w2"])
    assert.deepStrictEqual(rig.told, [
      "discard what x brought",
      "discard what x brought",
      "start y with x on w1 (attempt 3, its 1.)",
      "copy x from w3 to w4 (copy 5)"
    ])
  })

  it("M9, W10: no copy is asked for from a worker that is silent as well", () => {
    const { rig } = made()
    for (const name of ["w2", "w3"]) rig.send({ _tag: "WorkerAdded", name, slots: 1, terms: { ttlMillis: 5 } })
    add(rig, "w4")
    replicate(rig, "x", 3, ["w2", "w3"])
    rig.arrive()
    rig.lose("w1")
    replicate(rig, "x", 3)
    rig.now = 5
    rig.send({ _tag: "TimeCame" })
    assert.deepStrictEqual(rig.told, [
      "w2 was silent for too long",
      "w3 was silent for too long",
      "start x on w4 (attempt 2, its 1.)"
    ])
  })

  it("M9: what owns a resource stays where that is, and so does what lives on it; a task without a result has no copies", () => {
    const rig = new Rig({ w1: 1, w2: 2 })
    const main = rig.open()
    rig.submit(main, { x: [], end: ["x"], bad: [] }, {
      settings: { x: { resource: true }, end: { absorbs: true } },
      targets: ["x", "end", "bad"]
    })
    for (const name of ["x", "end"]) rig.end(name)
    rig.fail("bad")
    for (const name of ["x", "end", "bad"]) {
      replicate(rig, name, 2)
      assert.deepStrictEqual(rig.told, ["rejected: the task is gone"], name)
    }
  })

  it("M9: rebalance moves results until loads differ by one at most, and leaves copies where they are", () => {
    const { main, rig } = made()
    rig.submit(main, { a: [], b: [], c: [] })
    for (const name of ["a", "b", "c"]) rig.end(name)
    add(rig, "w2")
    replicate(rig, "x", 2)
    rig.arrive()
    rig.send({ _tag: "RebalanceRequested" })
    assert.deepStrictEqual(rig.told, ["copy a from w1 to w2 (copy 2)"])
    rig.send({ _tag: "RebalanceRequested" })
    assert.deepStrictEqual(rig.told, [])
    copied(rig, 2)
    assert.deepStrictEqual(rig.told, ["discard what a brought"])
    assert.deepStrictEqual(["x", "a", "b", "c"].map((name) => holders(rig, name).join()), ["w1,w2", "w2", "w1", "w1"])
  })
})

describe("handing on", () => {
  it("W7: a worker leaves when those that stay hold its results; then nothing names its row, and its loss costs nothing", () => {
    const { rig } = made("w2")
    drain(rig, "w1")
    assert.deepStrictEqual(rig.told, ["copy x from w1 to w2 (copy 1)"])
    rig.arrive()
    assert.deepStrictEqual(rig.told, ["discard what x brought", "w1 leaves"])
    assert.deepStrictEqual(holders(rig, "x"), ["w2"])
    add(rig, "w3")
    assert.deepStrictEqual(rig.state.workers.map(({ name }) => name), ["w3", "w2"])
    rig.lose("w3")
    assert.deepStrictEqual([rig.told, rig.phase("x")], [[], "succeeded"])
  })

  it("W7: it hands on nothing before its last task has ended, and then that one's result too", () => {
    const { main, rig } = made()
    rig.submit(main, { y: [] })
    add(rig, "w2")
    drain(rig, "w1")
    assert.deepStrictEqual(rig.told, [])
    rig.end("y")
    assert.deepStrictEqual(rig.told, ["copy x from w1 to w2 (copy 1)", "copy y from w1 to w2 (copy 2)"])
    copied(rig, 2)
    assert.deepStrictEqual(rig.told, ["discard what y brought"])
    copied(rig, 1)
    assert.deepStrictEqual(rig.told, ["discard what x brought", "w1 leaves"])
  })

  it("W7: without a worker that stays, or with a resource, results stay readable where they are", () => {
    const { rig } = made()
    drain(rig, "w1")
    assert.deepStrictEqual([rig.told, rig.phase("x")], [["w1 leaves"], "succeeded"])
    const other = new Rig({ w1: 1, w2: 1 })
    other.submit(other.open(), { x: [] }, { settings: { x: { resource: true } } })
    other.end("x")
    drain(other, "w1")
    assert.deepStrictEqual([other.told, other.phase("x")], [["w1 leaves"], "succeeded"])
  })

  it("W7, M9: what others hold too is not copied again", () => {
    const { rig } = made("w2", "w3")
    replicate(rig, "x", 2)
    rig.arrive()
    drain(rig, "w1")
    assert.deepStrictEqual(rig.told, ["discard what x brought", "w1 leaves"])
    assert.deepStrictEqual(holders(rig, "x"), ["w2"])
    // A copy that is on its way to another one will do.
    replicate(rig, "x", 2)
    drain(rig, "w2")
    assert.deepStrictEqual(rig.told, [])
    rig.arrive()
    assert.deepStrictEqual(rig.told, ["discard what x brought", "w2 leaves"])
  })

  it("W7: when the taker leaves or is lost meanwhile, the next one takes over; when none is left, the worker goes", () => {
    const { rig } = made("w2", "w3")
    drain(rig, "w1")
    drain(rig, "w2")
    assert.deepStrictEqual(rig.told, ["w2 leaves", "copy x from w1 to w3 (copy 2)"])
    copied(rig, 1)
    assert.deepStrictEqual(holders(rig, "x"), ["w1"])
    rig.lose("w3")
    assert.deepStrictEqual([rig.told, rig.phase("x")], [["w1 leaves"], "succeeded"])
  })

  it("W7, F8: a worker that is lost while it hands on was a holder like any other", () => {
    const { rig } = made("w2")
    drain(rig, "w1")
    rig.lose("w1")
    assert.deepStrictEqual(rig.told, ["start x on w2 (attempt 2, its 1.)"])
    copied(rig, 1)
    assert.strictEqual(rig.phase("x"), "running")
  })
})
