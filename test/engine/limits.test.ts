import { assert, describe, it } from "@effect/vitest"
import { plan } from "./plans.ts"
import { Rig, type Settings } from "./rig.ts"

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

  // f -> g -> left, right, each of which submits deeper than it may; f -> other
  const twoDeep = (
    settings: Settings
  ): { readonly rig: Rig; readonly launch: (name: string, inside: string) => void } => {
    const rig = new Rig({ w1: 8 }, settings)
    rig.submit(rig.open(), { f: [] })
    const launch = (name: string, inside: string): void => {
      rig.submit(rig.open(`${inside}'s own`), { [name]: [] }, { inside })
    }
    launch("g", "f")
    launch("left", "g")
    launch("right", "g")
    return { rig, launch }
  }

  it("N7: a recursion that has come to a limit too often launches nothing more, and others do", () => {
    const { launch, rig } = twoDeep({ limits: { nesting: 2, refusals: 1 } })
    launch("deeper", "right")
    assert.deepStrictEqual(rig.told, ["rejected: more than 2 nesting"])
    for (const inside of ["left", "g", "right"]) {
      launch("more", inside)
      assert.deepStrictEqual(rig.told, ["rejected: more than 2 nesting, 1 times before"])
    }
    const expand = { _tag: "TaskExpanded", task: rig.id("g"), attempt: rig.attempt("g") } as const
    rig.send({ ...expand, plan: plan({ x: [] }), target: 0 })
    assert.deepStrictEqual(rig.told, ["rejected: more than 2 nesting, 1 times before"])
    // f came from outside: what it launches next is another recursion, with a count of its own.
    launch("other", "f")
    launch("its own", "other")
    assert.strictEqual(rig.phase("its own"), "running")
  })

  it("N7: up to that many refusals each counts, and a refusal for another reason does not", () => {
    const { launch, rig } = twoDeep({ limits: { nesting: 2, refusals: 3, tasks: 1 } })
    for (let i = 0; i < 5; i++) rig.submit(rig.open("left's own"), { a: [], b: [] }, { inside: "left" })
    assert.deepStrictEqual(rig.told, ["rejected: 2 of 1 tasks"])
    for (const inside of ["left", "left", "right"]) launch("deeper", inside)
    assert.deepStrictEqual(rig.told, ["rejected: more than 2 nesting"])
    launch("deeper", "left")
    assert.deepStrictEqual(rig.told, ["rejected: more than 2 nesting, 3 times before"])
  })

  it("N7: bodies that wait count, and no body is refused for good by what others hold", () => {
    const { launch, rig } = twoDeep({ limits: { seceded: 1, refusals: 1 } })
    rig.submit(rig.open("left's own"), { a: [] }, { inside: "left", wait: 1 })
    launch("b", "right")
    assert.deepStrictEqual(rig.told, ["rejected: more than 1 seceded"])
    rig.end("a")
    launch("b", "right")
    assert.deepStrictEqual(rig.told, ["rejected: more than 1 seceded, 1 times before"])
    launch("other", "f")
    assert.strictEqual(rig.phase("other"), "running")
  })

  it("N7: flatMap tasks that return too deep count, those of one graph together", () => {
    const rig = new Rig({ w1: 8 }, { limits: { unfolding: 2, refusals: 1 } })
    rig.submit(rig.open(), { f: [], other: [] })
    rig.expand("f", { left: [], right: [], all: ["left", "right"] }, "all")
    rig.expand("left", { deeper: [] }, "deeper")
    const expand = (name: string): void => {
      rig.send({
        _tag: "TaskExpanded",
        task: rig.id(name),
        attempt: rig.attempt(name),
        plan: plan({ x: [] }),
        target: 0
      })
    }
    expand("deeper")
    assert.deepStrictEqual(rig.told, ["rejected: more than 2 unfolding"])
    expand("right")
    assert.deepStrictEqual(rig.told, ["rejected: more than 2 unfolding, 1 times before"])
    expand("other")
    assert.notInclude(rig.told.join(), "rejected")
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
