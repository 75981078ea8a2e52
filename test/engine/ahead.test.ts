import { assert, describe, it } from "@effect/vitest"
import { Phase } from "../../src/engine/protocol/Phase.ts"
import { extrasOf } from "../../src/engine/state/rare.ts"
import { explain } from "../../src/engine/views/explain.ts"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

/** One worker with these slots, to which so many attempts are sent ahead. */
const far = (slots = 1, ahead = 2, terms = {}): Rig => {
  const rig = new Rig({}, terms)
  rig.send({ _tag: "WorkerAdded", name: "far", slots, ahead })
  return rig
}

/** A body on the only slot has submitted a child, which was sent ahead. */
const nested = () => {
  const rig = far(1, 1)
  const main = rig.open()
  rig.submit(main, { parent: [] })
  rig.begin("parent")
  const inner = rig.open("inner")
  rig.submit(inner, { child: [] }, { inside: "parent" })
  return { rig, main, inner }
}

const phases = (rig: Rig, ...names: ReadonlyArray<string>) => names.map((name) => rig.phase(name))

const historyOf = (rig: Rig, name: string): number => extrasOf(rig.state, rig.id(name))?.history?.length ?? 0

describe("attempts that are sent ahead", () => {
  it("W19: go to a worker beyond its slots, up to its bound, and begin in order when slots are free", () => {
    const rig = far()
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [], d: [] })
    assert.deepStrictEqual(rig.told, [
      "start a on far (attempt 1, its 1.)",
      "start b on far (attempt 2, its 1., ahead)",
      "start c on far (attempt 3, its 1., ahead)"
    ])
    assert.deepStrictEqual(phases(rig, "a", "b", "c", "d"), ["assigned", "assigned", "assigned", "ready"])
    rig.begin("a")
    rig.end("a")
    assert.deepStrictEqual(rig.told, ["begin b (attempt 2)", "start d on far (attempt 4, its 1., ahead)"])
    // A worker need not wait for the word, nor report what has ended by then.
    rig.begin("b")
    rig.end("b")
    rig.end("c")
    assert.deepStrictEqual(phases(rig, "a", "b", "c", "d"), ["succeeded", "succeeded", "succeeded", "assigned"])
    rig.end("d")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W19: show both moments, and metadata counts from the second", () => {
    const rig = far()
    rig.submit(rig.open(), { a: [] })
    rig.now = 5
    rig.begin("a")
    rig.begin("a")
    const steps = rig.transitions.map(({ at, from, to }) => `${at} ${from} ${to}`)
    assert.deepStrictEqual(steps, ["0 undefined waiting", "0 waiting ready", "0 ready assigned", "5 assigned running"])
    assert.strictEqual(rig.state.tasks.startedAt[rig.id("a")], 5)
  })

  it("W19: are what they were on a worker without a bound: assigned and running in one step", () => {
    const rig = new Rig({ w1: 1 })
    rig.submit(rig.open(), { a: [], b: [] })
    assert.deepStrictEqual(phases(rig, "a", "b"), ["running", "ready"])
    assert.deepStrictEqual(rig.told, ["start a on w1 (attempt 1, its 1.)"])
  })

  it("C3, W19: have their time from the start of the body", () => {
    const rig = far()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, { settings: { b: { timeoutMillis: 10 } } })
    rig.at(100)
    rig.end("a")
    rig.at(200)
    assert.strictEqual(rig.phase("b"), "assigned")
    rig.begin("b")
    rig.at(209)
    assert.strictEqual(rig.phase("b"), "running")
    rig.at(210)
    assert.strictEqual(rig.phase("b"), "stopping")
  })

  it("C1, W19: are asked to stop like others, and say at once that they never began", () => {
    const rig = far()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.cancel(main, "b", 1)
    assert.deepStrictEqual(rig.told, ["stop b (attempt 2)"])
    rig.end("b", { _tag: "Unbegun" }, 2)
    assert.deepStrictEqual(rig.told, ["forget b", "wait 1 is over"])
    rig.end("a")
    rig.close(main, 2)
    assertNothingIsLeft(rig)
  })

  it("W12, W19: are taken back for a worker with a free slot, the newest first, and nothing is charged", () => {
    const rig = far(1, 3)
    const main = rig.open()
    rig.state.paces.set(1, 1)
    rig.submit(main, { a: [], b: [], c: [], d: [], e: [], f: [] }, { portable: ["a", "b", "c", "d", "e", "f"] })
    for (const each of ["e", "f"]) rig.cancel(main, each, 1)
    rig.send({ _tag: "WorkerAdded", name: "w1", slots: 2 })
    assert.deepStrictEqual(rig.told, ["take d back (attempt 4)", "take c back (attempt 3)"])
    // The slot that comes free here goes to the oldest, in whatever order the answers come.
    rig.end("a")
    assert.deepStrictEqual(rig.told, ["begin b (attempt 2)"])
    rig.end("d", { _tag: "Unbegun" })
    assert.deepStrictEqual(rig.told, ["start d on w1 (attempt 5, its 1.)"])
    // One that has begun by then stays.
    rig.end("b")
    assert.deepStrictEqual(rig.told, ["begin c (attempt 3)"])
    rig.begin("c")
    assert.deepStrictEqual(phases(rig, "b", "c", "d"), ["succeeded", "running", "running"])
    assert.strictEqual(historyOf(rig, "d"), 0)
  })

  it("W12, W19: are taken back by halves, so that a worker that was idle has a line too", () => {
    const rig = far(1, 8)
    rig.state.paces.set(1, 1)
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"]
    const main = rig.open()
    rig.submit(main, Object.fromEntries(names.map((name) => [name, []])), { portable: names })
    for (const name of names) if (rig.phase(name) === "ready") rig.cancel(main, name, 1)
    const { size } = rig.state.workers[0]!.sent
    assert.isAtLeast(size, 3)
    rig.send({ _tag: "WorkerAdded", name: "w1", slots: 1, ahead: 8 })
    assert.lengthOf(rig.told.filter((each) => each.startsWith("take ")), Math.ceil(size / 2))
  })

  it("N2, W19: begin when a body there waits, before it takes its slot again", () => {
    const { inner, main, rig } = nested()
    assert.deepStrictEqual(rig.told, ["start child on far (attempt 2, its 1., ahead)"])
    rig.wait(1, [rig.claim(inner, "child")], "parent")
    assert.deepStrictEqual(rig.told, ["begin child (attempt 2)"])
    rig.submit(main, { other: [] })
    rig.end("child")
    // Sent before the wait was over, so it comes first.
    assert.deepStrictEqual(rig.told, ["begin other (attempt 3)"])
    assert.strictEqual(rig.phase("parent"), "rejoining")
    rig.submit(main, { late: [] })
    assert.deepStrictEqual(rig.told, [])
    rig.end("other")
    assert.deepStrictEqual(rig.told, ["wait 1 is over", "start late on far (attempt 4, its 1., ahead)"])
  })

  it("N6, W19: a wait that keeps the only slot for what was sent ahead is told that it starves", () => {
    const { inner, rig } = nested()
    rig.keep(1, [rig.claim(inner, "child")], "parent")
    assert.deepStrictEqual(rig.told, ["wait 1 is over: parent waits for child, child waits for the slot of parent"])
  })

  it("F8, W19: die with their worker only if their bodies had begun", () => {
    const rig = far(2, 2)
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] }, { settings: { b: { key: "b", idempotent: false } } })
    rig.begin("a")
    rig.send({ _tag: "WorkerLost", worker: 0, begun: [rig.attempt("a")] })
    assert.deepStrictEqual(phases(rig, "a", "b", "c"), ["ready", "ready", "ready"])
    assert.deepStrictEqual(["a", "b", "c"].map((name) => historyOf(rig, name)), [1, 0, 0])
    // Without word of it, all of them may have begun.
    rig.send({ _tag: "WorkerAdded", name: "next", slots: 2, ahead: 2 })
    rig.send({ _tag: "WorkerLost", worker: 1 })
    assert.deepStrictEqual(phases(rig, "a", "b", "c"), ["ready", "failed", "ready"])
    assert.strictEqual(historyOf(rig, "a"), 2)
  })

  it("W10, F8, W19: may all have begun on a worker that was silent", () => {
    const rig = new Rig({})
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, ahead: 1, terms: { ttlMillis: 10 } })
    rig.submit(rig.open(), { b: [], a: [] }, { settings: { b: { key: "b", idempotent: false } } })
    rig.at(10)
    assert.deepStrictEqual(phases(rig, "a", "b"), ["ready", "failed"])
    assert.strictEqual(historyOf(rig, "a"), 1)
  })

  it("F8, W19: can be lost for ever without a death", () => {
    const rig = far(1, 0)
    const main = rig.open()
    rig.submit(main, { a: [] })
    for (let i = 0; i < 100; i++) {
      rig.send({ _tag: "WorkerAdded", name: `w${i}`, slots: 1, ahead: 1 })
      rig.lose(i === 0 ? "far" : `w${i - 1}`)
    }
    assert.strictEqual(rig.outcome("a")?.[0], "Killed")
    const other = far(1, 1)
    other.submit(other.open(), { a: [] })
    for (let i = 0; i < 100; i++) {
      other.send({ _tag: "WorkerAdded", name: `w${i}`, slots: 1, ahead: 1 })
      other.send({ _tag: "WorkerLost", worker: other.state.tasks.worker[other.id("a")]!, begun: [] })
    }
    assert.strictEqual(other.phase("a"), "assigned")
  })

  it("W6, W19: tasks with demands are not sent ahead, and nothing is sent where they may run while they are ready", () => {
    const rig = far(1, 2)
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] }, { settings: { b: { demand: { workers: ["far"] } } } })
    assert.deepStrictEqual(phases(rig, "a", "b", "c"), ["assigned", "ready", "ready"])
    rig.end("a")
    assert.deepStrictEqual(rig.told, [
      "start b on far (attempt 2, its 1.)",
      "start c on far (attempt 3, its 1., ahead)"
    ])
  })

  it("W6, W19: a ready task with demands keeps from others only the workers on which it may run", () => {
    const rig = far(1, 2)
    rig.send({ _tag: "WorkerAdded", name: "other", slots: 1, ahead: 2 })
    const settings = { next: { demand: { workers: ["far"] } } }
    rig.submit(rig.open(), { a: [], b: [], next: [], c: [], d: [], e: [] }, { settings })
    assert.deepStrictEqual(rig.told, [
      "start a on far (attempt 1, its 1.)",
      "start b on other (attempt 2, its 1.)",
      "start c on other (attempt 3, its 1., ahead)",
      "start d on other (attempt 4, its 1., ahead)"
    ])
    assert.deepStrictEqual(phases(rig, "next", "e"), ["ready", "ready"])
  })

  it("V3, W19: explanations and dumps know them", () => {
    const rig = far(1, 2)
    rig.submit(rig.open(), { a: [], b: [], c: [] })
    assert.deepStrictEqual(explain(rig.state, "c")?.because, { _tag: "SentAhead", worker: "far", ahead: 1 })
    assert.deepStrictEqual(snapshot(rig.state).workers[0]!.sent, ["b", "c"])
  })

  it("F7, W19: end before they begin if an input is gone that must not be made again, or too often", () => {
    const rig = far()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] }, { settings: { a: { idempotent: false } } })
    rig.end("a")
    assert.strictEqual(rig.phase("b"), "assigned")
    const b = rig.id("b")
    rig.loseInputs("b", ["a", "far"])
    assert.deepStrictEqual(rig.outcome("b"), ["DependenciesGone", "b"])
    assert.strictEqual(rig.state.tasks.phase[b], Phase.failed)
    rig.submit(main, { c: [], d: ["c"] })
    rig.end("c")
    let reports = 0
    for (; rig.phase("d") === "assigned"; reports++) rig.loseInputs("d", ["c", "nobody"])
    assert.deepStrictEqual([reports, rig.phase("d")], [20, "failed"])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("V11, W19: hold the slots that a ready task lacks, begun or not", () => {
    const rig = far(2, 0)
    rig.send({ _tag: "WorkerAdded", name: "near", slots: 1, ahead: 1 })
    rig.submit(rig.open(), { a: [], b: [], c: [], d: [], e: [] })
    assert.deepStrictEqual(phases(rig, "a", "b", "c", "d", "e"), [
      "running",
      "assigned",
      "running",
      "assigned",
      "ready"
    ])
    const because = { _tag: "NoFreeSlot", ahead: 0, running: ["a", "b", "c"] } as const
    assert.deepStrictEqual(explain(rig.state, "e")?.because, because)
  })
})
