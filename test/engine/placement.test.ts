import { assert, describe, it } from "@effect/vitest"
import { explain } from "../../src/engine/explain.ts"
import { snapshot } from "../../src/engine/snapshot.ts"
import { Rig } from "./rig.ts"

/** Says that tasks may run on these workers alone. */
const on = (workers: ReadonlyArray<string>, allowOthers = false) => ({ demand: { workers, allowOthers } })

const because = (rig: Rig, name: string) => explain(rig.state, name)?.because

describe("placement", () => {
  it("W6: a task waits for the workers that it names, and holds up nothing that ranks behind it", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [], d: [] }, {
      settings: { a: { key: "a", ...on(["w1"]) }, b: { key: "b", ...on(["w1"]) } }
    })
    assert.deepStrictEqual(rig.told.filter((line) => line.startsWith("start")), [
      "start a on w1 (attempt 1, its 1.)",
      "start c on w2 (attempt 2, its 1.)"
    ])
    assert.deepStrictEqual(snapshot(rig.state).queue, ["b", "d"])
    assert.deepStrictEqual(because(rig, "b"), { _tag: "NoFreeSlot", ahead: 0, running: ["a"] })
    rig.end("c")
    assert.deepStrictEqual(rig.phase("d"), "running")
    rig.end("a")
    assert.deepStrictEqual(rig.phase("b"), "running")
  })

  it("W6: among all that may start somewhere the best ranked starts first, whatever it asks for", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { busy: [] })
    rig.submit(main, { a: [], b: [], c: [] }, { settings: { b: { key: "b", ...on(["w1", "w2"]) } } })
    rig.submit(main, { d: [], urgent: [] }, {
      settings: { d: { key: "d", ...on(["w1"]) }, urgent: { key: "urgent", priority: 1, ...on(["w1"]) } }
    })
    const started: Array<string> = []
    for (let name = "busy"; name !== ""; name = rig.told[0]?.split(" ")[1] ?? "") {
      rig.end(name)
      started.push(name)
    }
    assert.deepStrictEqual(started, ["busy", "urgent", "a", "b", "c", "d"])
  })

  it("W6: with `allowOthers` it runs anywhere as long as no worker that it names takes tasks", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { busy: [], strict: [], loose: [] }, {
      settings: {
        busy: { key: "busy", ...on(["w1"]) },
        strict: { key: "strict", ...on(["w1"]) },
        loose: { key: "loose", ...on(["w1"], true) }
      }
    })
    assert.deepStrictEqual(rig.phase("loose"), "ready")
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    assert.deepStrictEqual(rig.phase("loose"), "running")
    assert.deepStrictEqual(because(rig, "strict"), { _tag: "NoSuitableWorker", workers: ["w1"] })
    rig.send({ _tag: "WorkerAdded", name: "w1", slots: 1 })
    assert.deepStrictEqual(rig.phase("strict"), "running")
  })

  it("W6: a task that is cancelled while it waits for a worker leaves nothing behind", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { busy: [], a: [] }, {
      settings: { busy: { key: "busy", ...on(["w1"]) }, a: { key: "a", ...on(["w1"]) } }
    })
    rig.send({ _tag: "OwnerClosed", owner: main, by: "main", reason: "closed", wait: 1, waiter: -1, attempt: 0 })
    assert.deepStrictEqual(rig.state.queues.size, 0)
    assert.deepStrictEqual(rig.state.demanding, 1)
    rig.end("busy")
    assert.deepStrictEqual(rig.state.demanding, 0)
  })

  it("W6: a task that gives its place up waits behind others in its own queue", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] }, {
      settings: { a: { key: "a", ...on(["w1"]) }, b: { key: "b", ...on(["w1"]) } }
    })
    rig.end("a", { _tag: "Rescheduled" })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["c", "a"])
    rig.end("b")
    rig.end("c")
    assert.deepStrictEqual(rig.phase("a"), "running")
  })
})
