import { assert, describe, it } from "@effect/vitest"
import { plan } from "./plans.ts"
import { Rig } from "./rig.ts"

describe("limits", () => {
  it("X4: a graph with too many tasks is rejected and changes nothing", () => {
    const rig = new Rig({ w1: 1 }, { limits: { tasks: 2 } })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] })
    assert.deepStrictEqual([rig.told, rig.state.tasks.size], [["rejected: 3 of 2 tasks"], 0])
    rig.submit(main, { a: [], b: [] })
    assert.strictEqual(rig.state.tasks.size, 2)
  })

  it("X4: depth is counted along the graph, in whatever order its tasks are listed", () => {
    const rig = new Rig({ w1: 1 }, { limits: { depth: 2 } })
    const main = rig.open()
    const positions = { c: 2, b: 1, a: 0 }
    rig.submit(main, { c: ["b"], b: ["a"], a: [] }, { positions })
    assert.deepStrictEqual(rig.told, ["rejected: 3 of 2 depth"])
    rig.submit(main, { c: ["a"], b: ["a"], a: [] }, { positions })
    assert.strictEqual(rig.state.tasks.size, 3)
  })

  it("X4: tasks that are live at once are counted, those that have ended and are claimed included", () => {
    const rig = new Rig({ w1: 1 }, { limits: { live: 2 } })
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.end("a")
    rig.submit(main, { b: [], c: [] })
    assert.deepStrictEqual(rig.told, ["rejected: 3 of 2 live"])
    rig.close(main, 1)
    const again = rig.open()
    rig.submit(again, { b: [], c: [] })
    assert.strictEqual(rig.state.tasks.size, 2)
  })

  it("N7: a recursion that does not end is rejected where it is too deep", () => {
    const rig = new Rig({ w1: 1 }, { limits: { nesting: 2 } })
    const main = rig.open()
    rig.submit(main, { a: [] }, { wait: 1 })
    rig.submit(rig.open("a's own"), { b: [] }, { inside: "a", wait: 2 })
    rig.submit(rig.open("b's own"), { c: [] }, { inside: "b", wait: 3 })
    rig.submit(rig.open("c's own"), { d: [] }, { inside: "c", wait: 4 })
    assert.deepStrictEqual([rig.told, rig.phase("c")], [["rejected: more than 2 nesting"], "running"])
  })

  it("N7: a body that returns too large a graph goes on, for its worker to end it", () => {
    const rig = new Rig({ w1: 1 }, { limits: { tasks: 1 } })
    const main = rig.open()
    rig.submit(main, { f: [] })
    const out = rig.send({
      _tag: "TaskExpanded",
      task: rig.id("f"),
      attempt: rig.attempt("f"),
      plan: plan({ x: [], y: ["x"] }),
      target: 1
    })
    assert.deepStrictEqual([out.length, rig.phase("f")], [1, "running"])
    rig.fail("f")
    assert.strictEqual(rig.phase("f"), "failed")
  })
})
