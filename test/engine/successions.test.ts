import { assert, describe, it } from "@effect/vitest"
import { explain } from "../../src/engine/views/explain.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

/** Submits a task that starts when these have ended. */
const after = (rig: Rig, owner: number, name: string, formers: ReadonlyArray<string>, more: object = {}) =>
  rig.submit(owner, { [name]: [] }, {
    successions: [{ index: 0, formers: formers.map((former) => rig.id(former)) }],
    ...more
  })

describe("successions", () => {
  it("G21: a task starts when those that it replaces have ended, however they end", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    after(rig, main, "c", ["a", "b"])
    assert.strictEqual(rig.phase("c"), "waiting")
    assert.deepStrictEqual(explain(rig.state, "c")?.because, { _tag: "WaitsForDependencies", keys: ["a", "b"] })
    rig.fail("a")
    assert.strictEqual(rig.phase("c"), "waiting")
    rig.cancel(main, "b", 50)
    assert.strictEqual(rig.phase("c"), "waiting")
    rig.end("b", { _tag: "Interrupted" })
    assert.strictEqual(rig.phase("c"), "running")
    rig.end("c")
    rig.close(main, 51)
    assertNothingIsLeft(rig)
    assert.strictEqual(rig.state.successors.size, 0)
  })

  it("G21: it also waits for its dependencies, and for finalizers of what it replaces", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", resource: true } } })
    rig.submit(main, { d: [] })
    rig.submit(main, { c: [rig.ref("d")] }, { successions: [{ index: 0, formers: [rig.id("a")] }] })
    rig.cancel(main, "a", 50)
    rig.end("d")
    assert.strictEqual(rig.phase("c"), "waiting")
    rig.end("a")
    assert.strictEqual(rig.phase("c"), "waiting")
    rig.finalize("a")
    assert.strictEqual(rig.phase("c"), "running")
  })

  it("G21: one that is cancelled meanwhile leaves nothing, and its row may go to another", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    const other = rig.open("other")
    rig.submit(main, { a: [] })
    after(rig, other, "c", ["a"])
    rig.close(other, 50)
    rig.submit(main, { d: [] })
    rig.end("a")
    assert.strictEqual(rig.phase("d"), "running")
    rig.end("d")
    rig.close(main, 51)
    assertNothingIsLeft(rig)
  })

  it("G21, N6: a wait of a former task for the one that replaces it ends at once as starved", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [] })
    after(rig, main, "c", ["a"], { inside: "a" })
    const [ended] = rig.wait(50, [rig.claim(main, "c")], "a").filter(({ _tag }) => _tag === "WaitEnded")
    assert.deepInclude(ended, { wait: 50, starved: [["a", "c"], ["c", "a"]] })
  })
})
