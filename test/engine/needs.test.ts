import { assert, describe, it } from "@effect/vitest"
import type { Group, Policy } from "../../src/engine/protocol/policies.ts"
import { timesOf } from "../../src/engine/state/later.ts"
import { extrasOf } from "../../src/engine/state/rare.ts"
import { explain } from "../../src/engine/views/explain.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

const anyOf: Policy = { _tag: "AtLeast", count: 1, on: "success" }
const allEnded: Policy = { _tag: "All", on: "completion" }

/** Settings of a task whose `size` dependencies are one group. */
const one = (key: string, size: number, policy: Policy, of: Group["of"] = "inputs") => ({
  [key]: { key, policies: [{ of, from: 0, to: size, policy }] }
})

/** Three tasks at work under one with a policy; all are claimed. */
const three = (policy: Policy, of: Group["of"] = "inputs") => {
  const rig = new Rig({ w1: 4 })
  const main = rig.open()
  rig.submit(main, { a: [], b: [], c: [], x: ["a", "b", "c"] }, {
    settings: one("x", 3, policy, of),
    targets: ["a", "b", "c", "x"]
  })
  return { rig, main }
}

const whyOf = (rig: Rig, name: string) => {
  const reason = extrasOf(rig.state, rig.id(name))?.outcome?.reason
  return reason?._tag === "Impossible" ? reason.why : undefined
}

describe("groups of dependencies", () => {
  it("D1: any starts with the first success, in that step, while the others go on", () => {
    const { rig } = three(anyOf)
    rig.fail("b")
    assert.strictEqual(rig.phase("x"), "waiting")
    rig.end("c")
    assert.deepStrictEqual(["a", "x"].map((name) => rig.phase(name)), ["running", "running"])
  })

  it("D3: any is impossible with the last failure, in that step, and x never starts", () => {
    const { rig } = three(anyOf)
    rig.fail("a", 1)
    rig.fail("b", 2)
    assert.strictEqual(rig.phase("x"), "waiting")
    rig.fail("c", 3)
    assert.deepStrictEqual(rig.outcome("x"), ["Impossible", "x"])
    assert.deepStrictEqual(whyOf(rig, "x"), {
      _tag: "Unreachable",
      of: "inputs",
      policy: anyOf,
      size: 3,
      ended: { success: 0, failed: 3, upstreamFailed: 0, skipped: 0 },
      refusedBy: ["a", "b", "c"]
    })
    assert.notInclude(rig.story, "start x")
  })

  it("D3, D8: all successes of what it follows are impossible with the first failure", () => {
    const { rig } = three({ _tag: "All", on: "success" }, "follow")
    rig.end("a")
    rig.fail("b")
    assert.deepStrictEqual(rig.outcome("x"), ["Impossible", "x"])
    assert.strictEqual(rig.phase("c"), "running")
  })

  it("D3: all successes of a group of inputs end x as the first that refuses, like inputs without a policy", () => {
    const { rig } = three({ _tag: "All", on: "success" })
    rig.fail("b")
    assert.deepStrictEqual(rig.outcome("x"), ["Failed", "b", "x"])
  })

  it("D2: all failures and all ends", () => {
    const failures = three({ _tag: "All", on: "failure" })
    failures.rig.fail("a", 1)
    failures.rig.end("b", { _tag: "Interrupted" })
    assert.strictEqual(failures.rig.phase("x"), "waiting")
    failures.rig.end("c")
    assert.deepStrictEqual(failures.rig.outcome("x"), ["Impossible", "x"])
    const ends = three(allEnded)
    ends.rig.fail("a", 1)
    ends.rig.end("b", { _tag: "Skipped" })
    assert.strictEqual(ends.rig.phase("x"), "waiting")
    ends.rig.end("c")
    assert.strictEqual(ends.rig.phase("x"), "running")
  })

  //   0        The DAG of IPython's changeset: every task follows what stands above it.
  //  / \
  // 1   2
  // |\ /
  // 4 3
  const five = { t0: [], t1: ["t0"], t2: ["t0"], t3: ["t1", "t2"], t4: ["t1"] }
  const follows = Object.fromEntries(
    Object.entries(five).filter(([, row]) => row.length > 0).flatMap(([key, row]) =>
      Object.entries(one(key, row.length, { _tag: "All", on: "success" }, "follow"))
    )
  )
  const ends = {
    t0: { t1: "impossible", t2: "impossible", t3: "impossible", t4: "impossible" },
    t1: { t0: "done", t2: "done", t3: "impossible", t4: "impossible" },
    t2: { t0: "done", t1: "done", t3: "impossible", t4: "done" }
  }
  for (const [failing, expected] of Object.entries(ends)) {
    it(`D4: of five tasks ${failing} fails, and each of the others has one end: ${JSON.stringify(expected)}`, () => {
      const rig = new Rig({ w1: 1 })
      const main = rig.open()
      rig.submit(main, five, { settings: follows, targets: Object.keys(five) })
      for (const name of Object.keys(five)) {
        if (rig.phase(name) !== "running") continue
        if (name === failing) rig.fail(name)
        else rig.end(name)
      }
      const found = Object.keys(expected).map((name) => [
        name,
        rig.outcome(name)?.[0] === "Impossible" ? "impossible" : rig.phase(name) === "succeeded" ? "done" : "?"
      ])
      assert.deepStrictEqual(Object.fromEntries(found), expected)
      const ended = rig.transitions
        .filter(({ to }) => to === "failed" || to === "upstreamFailed" || to === "succeeded").map(({ key }) => key)
      assert.deepStrictEqual(ended.toSorted(), Object.keys(five))
      rig.close(main, 1)
      assertNothingIsLeft(rig)
    })
  }

  it("D4: what depends on an impossible task fails with it, and a policy below counts it as failed upstream", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], x: ["a"], y: ["x"], z: ["x"], first: ["x"] }, {
      settings: {
        ...one("x", 1, anyOf),
        ...one("z", 1, { _tag: "Rule", rule: "oneFailed" }),
        ...one("first", 1, { _tag: "Rule", rule: "oneDone" })
      },
      targets: ["y", "z", "first"]
    })
    rig.fail("a")
    assert.deepStrictEqual(rig.outcome("y"), ["Impossible", "x", "y"])
    assert.strictEqual(rig.phase("z"), "running")
    // It never ran, so none is done.
    assert.deepStrictEqual(rig.outcome("first"), ["Skipped", "first"])
  })

  it("Trap 8: in a diamond of policies a failure ends each task once", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["a", "b"] }, {
      settings: { ...one("b", 1, anyOf, "after"), ...one("c", 2, { _tag: "All", on: "success" }, "follow") },
      targets: ["b", "c"]
    })
    rig.fail("a")
    assert.deepStrictEqual([rig.outcome("b"), rig.outcome("c")], [["Impossible", "b"], ["Impossible", "c"]])
    assert.strictEqual(rig.transitions.filter(({ key, to }) => key === "c" && to === "upstreamFailed").length, 1)
  })

  it("D9: what ended before the submission counts at once, all together", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    rig.submit(main, { good: [], bad: [], skipped: [], open: [] })
    rig.end("good")
    rig.fail("bad")
    rig.end("skipped", { _tag: "Skipped" })
    const submit = (key: string, policy: Policy, names: ReadonlyArray<string>): string => {
      rig.submit(main, { [key]: names.map((name) => rig.ref(name)) }, { settings: one(key, names.length, policy) })
      return rig.phase(key) === "upstreamFailed" ? rig.outcome(key)![0] : rig.phase(key)
    }
    assert.strictEqual(submit("any", anyOf, ["bad", "good", "open"]), "running")
    assert.strictEqual(submit("both", { _tag: "AtLeast", count: 2, on: "success" }, ["bad", "good"]), "Impossible")
    assert.strictEqual(submit("ends", allEnded, ["bad", "good", "skipped"]), "running")
    assert.strictEqual(submit("none", { _tag: "Rule", rule: "noneSkipped" }, ["open", "skipped"]), "skipped")
    assert.strictEqual(submit("later", anyOf, ["bad", "open"]), "waiting")
    assert.strictEqual(submit("fails", { _tag: "All", on: "failure" }, ["bad"]), "running")
    rig.end("open")
    assert.strictEqual(rig.phase("later"), "running")
  })

  it("D12: a rule that skips ends x as skipped, as what was skipped if something was", () => {
    const all = three({ _tag: "Rule", rule: "allFailed" })
    all.rig.end("a")
    assert.deepStrictEqual([all.rig.phase("x"), all.rig.outcome("x")], ["skipped", ["Skipped", "x"]])
    const none = three({ _tag: "Rule", rule: "noneSkipped" })
    none.rig.end("a")
    none.rig.end("b", { _tag: "Skipped" })
    assert.deepStrictEqual([none.rig.phase("x"), none.rig.outcome("x")], ["skipped", ["Skipped", "b", "x"]])
  })

  it("D12: always starts at once, and holds what it depends on until it ends", () => {
    const { main, rig } = three({ _tag: "Rule", rule: "always" })
    assert.strictEqual(rig.phase("x"), "running")
    for (const name of ["a", "b", "c"]) rig.release(main, name)
    assert.strictEqual(rig.phase("a"), "running")
    rig.end("x")
    assert.deepStrictEqual(["a", "b", "c"].map((name) => rig.phase(name)), ["stopping", "stopping", "stopping"])
  })

  it("G19: what depends on a skipped task is skipped, at any distance, and never starts", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["b"], d: ["a"] }, {
      settings: { d: { key: "d", absorbs: true } },
      targets: ["c", "d"]
    })
    rig.end("a", { _tag: "Skipped" })
    assert.deepStrictEqual([rig.phase("c"), rig.outcome("c")], ["skipped", ["Skipped", "a", "b", "c"]])
    assert.strictEqual(rig.phase("d"), "running")
  })

  it("D13: two of three start x with the second success, and are impossible with the second failure", () => {
    const two: Policy = { _tag: "AtLeast", count: 2, on: "success" }
    const good = three(two).rig
    good.end("a")
    good.fail("b")
    assert.strictEqual(good.phase("x"), "waiting")
    good.end("c")
    assert.strictEqual(good.phase("x"), "running")
    const bad = three(two).rig
    bad.fail("a", 1)
    bad.end("b")
    bad.fail("c", 2)
    assert.deepStrictEqual(bad.outcome("x"), ["Impossible", "x"])
  })

  it("D13: losers that nobody else wants are cancelled in the step in which the others are enough", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [], x: ["a", "b", "c"] }, {
      settings: one("x", 3, { ...anyOf, losers: "cancel" }),
      targets: ["c", "x"]
    })
    rig.end("a")
    assert.deepStrictEqual(["b", "c"].map((name) => rig.phase(name)), ["stopping", "running"])
    assert.include(rig.told, "start x with a and row -1 and row -1 on w1 (attempt 4, its 1.)")
    // It is tried again with what it has.
    rig.end("x", { _tag: "Retried", delayMillis: 0 })
    assert.include(rig.told, "start x with a and row -1 and row -1 on w1 (attempt 5, its 2.)")
    rig.end("b", { _tag: "Interrupted" })
    rig.end("x")
    rig.end("c")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("D13: losers that are kept go when x has ended", () => {
    const { main, rig } = three(anyOf)
    for (const name of ["a", "b", "c"]) rig.release(main, name)
    rig.end("a")
    assert.deepStrictEqual(["b", "c"].map((name) => rig.phase(name)), ["running", "running"])
    rig.end("x")
    assert.deepStrictEqual(["b", "c"].map((name) => rig.phase(name)), ["stopping", "stopping"])
  })

  it("D13: to cancel what x let go of does not cancel x", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], x: ["a", "b"] }, {
      settings: one("x", 2, { ...anyOf, losers: "cancel" }),
      targets: ["b", "x"]
    })
    rig.end("a")
    rig.cancel(main, "b", 1)
    assert.strictEqual(rig.phase("x"), "running")
  })

  it("D13: a loser of an earlier submission that x also needs outside of that group is heard of for what is left", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, { targets: ["a", "b"] })
    const group: Group = { of: "inputs", from: 0, to: 2, policy: { ...anyOf, losers: "cancel" } }
    rig.submit(main, { x: [rig.ref("a"), rig.ref("b"), rig.ref("a")] }, {
      settings: { x: { key: "x", policies: [group] } }
    })
    rig.end("b")
    assert.strictEqual(timesOf(rig.state.later.get(rig.id("a")), rig.id("x")), 1)
    rig.end("a")
    assert.strictEqual(rig.phase("x"), "running")
    rig.end("x")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("Several groups and inputs without one must all be met; the first that cannot be ends x", () => {
    const rig = new Rig({ w1: 5 })
    const main = rig.open()
    const policies: ReadonlyArray<Group> = [
      { of: "inputs", from: 1, to: 3, policy: anyOf },
      { of: "after", from: 3, to: 5, policy: allEnded }
    ]
    const graph = { a: [], b: [], c: [], d: [], e: [], x: ["a", "b", "c", "d", "e"] }
    rig.submit(main, graph, { settings: { x: { key: "x", policies } } })
    rig.end("b")
    rig.fail("d")
    rig.end("e")
    assert.strictEqual(rig.phase("x"), "waiting")
    assert.deepStrictEqual(explain(rig.state, "x")?.because, { _tag: "WaitsForDependencies", keys: ["a"] })
    rig.end("a")
    assert.strictEqual(rig.phase("x"), "running")
  })

  it("V11: explain says what a policy still needs", () => {
    const two: Policy = { _tag: "AtLeast", count: 2, on: "success" }
    const { rig } = three(two, "after")
    rig.end("b")
    assert.deepStrictEqual(explain(rig.state, "x")?.because, {
      _tag: "WaitsForDependencies",
      keys: ["a", "c"],
      needs: [{
        of: "after",
        policy: two,
        size: 3,
        ended: { success: 1, failed: 0, upstreamFailed: 0, skipped: 0 },
        keys: ["a", "c"]
      }]
    })
  })

  it("F5: a retry delay holds x back, not what its policy can do without", () => {
    const { rig } = three(anyOf)
    rig.end("a")
    rig.end("x", { _tag: "Retried", delayMillis: 10 })
    assert.strictEqual(explain(rig.state, "x")?.because._tag, "WaitsForRetry")
    rig.at(10)
    assert.strictEqual(rig.phase("x"), "running")
  })

  it("F8: a success that was lost with its worker does not count any more, and x waits again", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], x: ["a", "b"] }, { settings: one("x", 2, anyOf), targets: ["x"] })
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    rig.send({ _tag: "WorkerDrained", worker: 1 })
    rig.end("a")
    assert.strictEqual(rig.phase("x"), "ready")
    rig.lose("w1")
    assert.strictEqual(rig.phase("x"), "waiting")
    rig.end("b")
    assert.strictEqual(rig.phase("x"), "ready")
    rig.send({ _tag: "WorkerAdded", name: "w3", slots: 2 })
    assert.deepStrictEqual(["a", "x"].map((name) => rig.phase(name)), ["running", "running"])
  })

  it("F8: a result that x was made of is made again alone; what it let go of stays gone", () => {
    const rig = new Rig({ w1: 1, w2: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], x: ["a", "b"] }, { settings: one("x", 2, { ...anyOf, losers: "cancel" }) })
    rig.end("a")
    rig.end("b", { _tag: "Interrupted" })
    const worker = rig.state.workers[rig.state.tasks.worker[rig.id("a")]!]!.name
    rig.lose(worker)
    assert.strictEqual(rig.phase("a"), "running")
    rig.end("a")
    assert.strictEqual(rig.phase("x"), "running")
    rig.end("x")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("N6: a body that waits for a task which needs any of that body and another one is refused while that is open", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], x: ["a", "b"] }, { settings: one("x", 2, anyOf), targets: ["a", "b", "x"] })
    rig.wait(7, [rig.claim(main, "x")], "a")
    assert.deepStrictEqual(rig.told, ["wait 7 is over: a waits for x, x waits for a"])
    rig.end("b")
    rig.wait(8, [rig.claim(main, "x")], "a")
    assert.strictEqual(rig.phase("a"), "seceded")
  })
})
