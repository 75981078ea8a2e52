import { assert, describe, it } from "@effect/vitest"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { longOr } from "../long.ts"
import { Rig } from "./rig.ts"
import { Simulation } from "./simulation.ts"

describe("snapshot", () => {
  it("V10: a dump shows every key, its state, what it waits on, and who holds what", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: ["a", "b"], flat: [] }, {
      targets: ["c", "flat"],
      settings: { b: { key: "b", label: "load", priority: -1, deadlineMillis: 50 }, c: { key: "c", priority: -1 } }
    })
    rig.wait(1, [rig.claim(main, "c")], undefined, "firstCompleted")
    rig.end("a")
    rig.expand("flat", { inner: [] }, "inner")
    rig.wait(2, [], "inner", "never")
    assert.deepStrictEqual(snapshot(rig.state), {
      now: 0,
      wakeAt: 50,
      workers: [{ id: "w1", state: "open", slots: 1, running: ["b"], rejoining: [], attempts: 2 }],
      owners: [{ owner: 100, name: "main", claims: ["c", "flat"] }],
      tasks: [
        {
          key: "a",
          graph: 1,
          state: "succeeded",
          users: 1,
          dependents: 1,
          owners: [],
          worker: "w1",
          attempt: 1,
          held: true
        },
        {
          key: "b",
          graph: 1,
          label: "load",
          state: "running",
          users: 1,
          dependents: 1,
          owners: [],
          worker: "w1",
          attempt: 1,
          holdsSlot: true
        },
        { key: "c", graph: 1, state: "waiting", waitsOn: ["b"], users: 1, dependents: 0, owners: ["main"] },
        {
          key: "flat",
          graph: 1,
          state: "waiting",
          waitsOn: ["inner"],
          standsFor: "inner",
          users: 1,
          dependents: 0,
          owners: ["main"],
          worker: "w1",
          attempt: 1
        },
        { key: "inner", graph: 2, state: "seceded", users: 1, dependents: 1, owners: [], worker: "w1", attempt: 1 }
      ],
      queue: [],
      waits: [
        { wait: 1, mode: "firstCompleted", waitsOn: ["c"] },
        { wait: 2, mode: "never", waiter: "inner", waitsOn: [] }
      ]
    })
  })

  it("V10: a failure shows its reason and its path", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    rig.fail("a")
    assert.deepStrictEqual(snapshot(rig.state).tasks, [{
      key: "b",
      graph: 1,
      state: "upstreamFailed",
      users: 1,
      dependents: 0,
      owners: ["main"],
      outcome: { reason: "Failed", path: ["a", "b"] }
    }])
  })

  it("T1: a picture prints as JSON, shares nothing with the state, and is the same for the same events", () => {
    for (let seed = 1; seed <= longOr(10, 2); seed++) {
      const pictures = [1, 2].map(() => {
        const simulation = new Simulation(seed)
        simulation.begin(150)
        const picture = snapshot(simulation.state)
        const text = JSON.stringify(picture)
        assert.deepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify(picture)))
        simulation.finish()
        assert.strictEqual(JSON.stringify(picture), text)
        return text
      })
      assert.strictEqual(pictures[0], pictures[1])
    }
  })
})
