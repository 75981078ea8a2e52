import { assert, describe, it } from "@effect/vitest"
import { allExtras, extrasOf } from "../../src/engine/state/rare.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

const once = (key: string) => ({ [key]: { key, idempotent: false } })

const startsOf = (rig: Rig, key: string): number =>
  rig.transitions.filter((each) => each.key === key && each.to === "running" && each.from === "assigned").length

/** After a report that b has no input, a runs again and then b, and no attempt is charged. */
const assertRunsAgain = (report: (rig: Rig) => void): void => {
  const rig = new Rig()
  const main = rig.open()
  rig.submit(main, { a: [], b: ["a"] })
  rig.end("a")
  report(rig)
  assert.deepStrictEqual(rig.told, ["discard what a brought", "start a on w1 (attempt 3, its 1.)"])
  assert.strictEqual(rig.phase("b"), "waiting")
  rig.end("a")
  assert.deepStrictEqual(rig.told, ["start b with a on w1 (attempt 4, its 1.)"])
  rig.end("b")
  rig.close(main, 1)
  assertNothingIsLeft(rig)
}

describe("dependencies that a body reports as lost", () => {
  it("F7: run again, then the task does, and no attempt is charged", () => {
    assertRunsAgain((rig) => rig.miss("b", "a"))
  })

  //  a
  //  | \
  //  b  c
  //   \ |
  //     d
  it("F7: what they need and was released runs again too, each once, in a diamond", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["a"], d: ["b", "c"] })
    for (const each of ["a", "b", "c"]) rig.end(each)
    rig.miss("d", "b", "c")
    assert.deepStrictEqual(rig.told, [
      "discard what b brought",
      "discard what c brought",
      "start a on w1 (attempt 5, its 1.)"
    ])
    for (const each of ["a", "b", "c"]) rig.end(each)
    assert.strictEqual(rig.phase("d"), "running")
    assert.deepStrictEqual(["a", "b", "c", "d"].map((key) => startsOf(rig, key)), [2, 2, 2, 2])
    rig.end("d")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("F7: a chain is made again as far back as it was released, and no further", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["b"], d: ["c"] }, { targets: ["b", "d"] })
    for (const each of ["a", "b", "c"]) rig.end(each)
    rig.miss("d", "c")
    for (const each of ["c", "d"]) rig.end(each)
    assert.deepStrictEqual(["a", "b", "c", "d"].map((key) => startsOf(rig, key)), [1, 1, 2, 2])
  })

  it("F7, M3: of several that report one dependency the first has it run, once; the others wait", () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["a"], d: ["a"] })
    rig.end("a")
    rig.miss("b", "a")
    rig.miss("c", "a")
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b"), rig.phase("c")], ["running", "waiting", "waiting"])
    rig.end("a")
    // This attempt started before: what it misses is there by now.
    rig.miss("d", "a")
    assert.deepStrictEqual(["b", "c", "d"].map((key) => rig.phase(key)), ["running", "running", "running"])
    assert.deepStrictEqual(["a", "b", "c", "d"].map((key) => startsOf(rig, key)), [2, 2, 2, 2])
    assert.deepStrictEqual([...allExtras(rig.state, "reports").values()], [1])
  })

  it("F7: dependents that run go on, and those that are queued wait", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["a"], d: ["a"] })
    rig.end("a")
    assert.deepStrictEqual(["b", "c", "d"].map((key) => rig.phase(key)), ["running", "running", "ready"])
    rig.miss("b", "a")
    assert.deepStrictEqual(["a", "b", "c", "d"].map((key) => rig.phase(key)), [
      "running",
      "waiting",
      "running",
      "waiting"
    ])
    rig.end("c")
    rig.end("a")
    assert.deepStrictEqual(["b", "d"].map((key) => rig.phase(key)), ["running", "running"])
  })

  it("F7: dependents of other submissions wait too", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.end("a")
    rig.submit(main, { b: [rig.ref("a")] })
    rig.submit(main, { c: [rig.ref("a")] })
    assert.deepStrictEqual(["b", "c"].map((key) => rig.phase(key)), ["running", "ready"])
    rig.miss("b", "a")
    assert.deepStrictEqual(["a", "b", "c"].map((key) => rig.phase(key)), ["running", "waiting", "waiting"])
    rig.end("a")
    rig.end("b")
    rig.end("c")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("F7: its exit is as good as a task: what it is the exit of runs again", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], exit: ["a"], b: ["exit"] }, {
      targets: ["a", "b"],
      settings: { exit: { key: "exit", absorbs: true } }
    })
    rig.end("a")
    rig.end("exit")
    rig.miss("b", "exit")
    assert.deepStrictEqual(["a", "exit", "b"].map((key) => rig.phase(key)), ["running", "waiting", "waiting"])
  })

  it("F7: a task that stands for another runs its own body again", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { f: [], b: ["f"] })
    rig.expand("f", { inner: [] }, "inner")
    rig.end("inner")
    rig.miss("b", "f")
    assert.deepStrictEqual([rig.phase("f"), rig.phase("b")], ["running", "waiting"])
    rig.expand("f", { inner2: [] }, "inner2")
    rig.end("inner2")
    assert.strictEqual(rig.phase("b"), "running")
    rig.close(main, 1)
    rig.end("b", { _tag: "Interrupted" })
    assertNothingIsLeft(rig)
  })

  it("F7, M7: a resource is finalized, acquired anew, and only then the task runs again", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { pool: [], b: ["pool"] }, { settings: { pool: { key: "pool", resource: true } } })
    rig.end("pool")
    rig.miss("b", "pool")
    assert.deepStrictEqual(rig.told, ["finalize the resource of pool (attempt 1)"])
    assert.strictEqual(rig.phase("b"), "waiting")
    rig.finalize("pool")
    assert.deepStrictEqual(rig.told, ["discard what pool brought", "start pool on w1 (attempt 3, its 1.)"])
    rig.end("pool")
    rig.end("b")
    assert.deepStrictEqual(rig.told, ["finalize the resource of pool (attempt 3)"])
    rig.finalize("pool")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  const renewed = (): readonly [Rig, number] => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { pool: [], b: ["pool"] }, {
      targets: ["pool", "b"],
      settings: { pool: { key: "pool", resource: true } }
    })
    rig.end("pool")
    rig.miss("b", "pool")
    return [rig, main]
  }

  it("F7, C9: a cancellation for everybody of what is finalized and made anew counts, and waits for the finalizers", () => {
    const [rig, main] = renewed()
    rig.cancel(main, "pool", 1, { force: true })
    assert.deepStrictEqual(rig.told, ["discard what pool brought"])
    rig.finalize("pool")
    assert.deepStrictEqual(rig.told, ["wait 1 is over"])
    assert.deepStrictEqual([rig.phase("pool"), rig.phase("b")], ["cancelled", "cancelled"])
    assert.strictEqual(startsOf(rig, "pool"), 1)
    rig.close(main, 2)
    assertNothingIsLeft(rig)
  })

  it("F7, M7: what lets go last of what is finalized and made anew waits for that, and frees its key", () => {
    const [rig, main] = renewed()
    rig.cancel(main, "pool", 1)
    assert.deepStrictEqual(rig.told, ["forget b"])
    rig.submit(main, { pool: [] }, { settings: { pool: { key: "pool" } } })
    assert.deepStrictEqual(rig.told, ["start pool on w1 (attempt 3, its 1.)"])
    rig.close(main, 2)
    rig.end("pool", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.told, ["forget pool"])
  })

  it("F7, F9: what is finalized and made anew may be settled meanwhile, with a value or a failure", () => {
    const [rig, main] = renewed()
    rig.settle("pool")
    assert.deepStrictEqual(rig.told, ["discard what pool brought"])
    rig.finalize("pool")
    assert.deepStrictEqual(rig.told, [
      "the value given for pool is its result, on w1",
      "start b with pool on w1 (attempt 3, its 1.)"
    ])
    rig.end("b")
    rig.close(main, 1)
    assertNothingIsLeft(rig)

    const [other, owner] = renewed()
    other.settle("pool", { _tag: "Failed", failure: 1, defect: false })
    other.finalize("pool")
    assert.deepStrictEqual([other.outcome("pool"), other.outcome("b")], [["Failed", "pool"], ["Failed", "pool", "b"]])
    other.close(owner, 1)
    assertNothingIsLeft(other)
  })

  it("F7, M7: who waits for what is finalized and made anew waits for the new result", () => {
    const [rig, main] = renewed()
    rig.wait(1, [rig.claim(main, "pool"), rig.claim(main, "b")], undefined, "firstFailure")
    rig.wait(2, [rig.claim(main, "pool")])
    rig.finalize("pool")
    assert.deepStrictEqual(rig.told, ["discard what pool brought", "start pool on w1 (attempt 3, its 1.)"])
    rig.end("pool")
    assert.include(rig.told, "wait 2 is over")
    rig.fail("b")
    assert.deepStrictEqual(rig.told, ["wait 1 is over"])
  })

  it("F7: at the twentieth report the task ends, and its dependents with it", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["b"] }, { targets: ["b", "c"] })
    for (let report = 1; report <= 20; report++) {
      rig.end("a")
      rig.miss("b", "a")
    }
    assert.deepStrictEqual(rig.outcome("c"), ["DependenciesGone", "b", "c"])
    assert.deepStrictEqual(extrasOf(rig.state, rig.id("b"))!.outcome!.reason, {
      _tag: "DependenciesGone",
      keys: ["a"],
      reports: 20,
      reason: "limit"
    })
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("F7: limits say how many reports are too many; one that names nothing counts", () => {
    const rig = new Rig({ w1: 1 }, { limits: { dependenciesLost: 2 } })
    const main = rig.open()
    rig.submit(main, { b: [] })
    rig.miss("b")
    assert.strictEqual(rig.phase("b"), "running")
    rig.miss("b")
    assert.deepStrictEqual(rig.outcome("b"), ["DependenciesGone", "b"])
  })

  it("F7, F18: what must not run twice does not: the task ends, and the result stays for others", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["a"] }, { targets: ["a", "b", "c"], settings: once("a") })
    rig.end("a")
    rig.miss("b", "a")
    assert.deepStrictEqual(rig.outcome("b"), ["DependenciesGone", "b"])
    assert.deepStrictEqual(["a", "c"].map((key) => rig.phase(key)), ["succeeded", "running"])
    assert.strictEqual(startsOf(rig, "a"), 1)
  })

  it("F7, F18: nor does it where it was released, and would be needed to make a dependency again", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { root: [], a: ["root"], b: ["a"] }, { settings: once("root") })
    rig.end("root")
    rig.end("a")
    rig.miss("b", "a")
    assert.deepStrictEqual(extrasOf(rig.state, rig.id("b"))!.outcome!.reason, {
      _tag: "DependenciesGone",
      keys: ["root"],
      reports: 1,
      reason: "idempotent"
    })
    assert.strictEqual(startsOf(rig, "root"), 1)
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("F7: a body that was asked to stop stops, and nothing runs again", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] }, { targets: ["a", "b"] })
    rig.end("a")
    rig.cancel(main, "b", 1)
    rig.miss("b", "a")
    assert.deepStrictEqual(rig.told, ["forget b", "wait 1 is over"])
    assert.strictEqual(rig.phase("a"), "succeeded")
  })

  it("F7: the worker of what runs again may be lost meanwhile", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    rig.end("a")
    rig.miss("b", "a")
    rig.lose("w1")
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["running", "waiting"])
    rig.end("a")
    rig.end("b")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })
})

describe("inputs that their holder does not have", () => {
  it("F7: run again, and the attempt is not charged", () => {
    assertRunsAgain((rig) => rig.loseInputs("b", ["a", "w1"]))
  })

  it("M9: come from another holder from then on, if there is one", () => {
    for (const struck of ["w1", "w2"]) {
      const rig = new Rig({ w1: 1, w2: 1 })
      const main = rig.open()
      rig.submit(main, { a: [] })
      rig.end("a")
      rig.send({ _tag: "CopiesRequested", task: rig.id("a"), copies: 2 })
      rig.arrive()
      rig.submit(main, { b: [rig.ref("a")] })
      rig.loseInputs("b", ["a", struck])
      assert.deepStrictEqual(rig.told, ["discard what a brought", "start b with a on w1 (attempt 3, its 1.)"])
      assert.deepStrictEqual([rig.state.tasks.worker[rig.id("a")], allExtras(rig.state, "copies").size], [
        struck === "w1" ? 1 : 0,
        0
      ])
      // A holder that was struck has nothing to lose.
      rig.loseInputs("b", ["a", struck])
      assert.deepStrictEqual(rig.told, ["start b with a on w1 (attempt 4, its 1.)"])
      rig.end("b")
      rig.close(main, 1)
      assertNothingIsLeft(rig)
    }
  })

  it("F7: reports that name nothing that could be lost end the task at the limit", () => {
    for (const holder of [[], [["a", "w2"]], [["a", "nobody"]]] as ReadonlyArray<ReadonlyArray<[string, string]>>) {
      const rig = new Rig({ w1: 1, w2: 1 })
      const main = rig.open()
      rig.submit(main, { a: [], b: ["a"] })
      rig.end("a")
      let reports = 0
      for (; rig.phase("b") === "running" && reports < 1000; reports++) rig.loseInputs("b", ...holder)
      assert.deepStrictEqual([reports, rig.outcome("b")], [20, ["DependenciesGone", "b"]])
      assert.strictEqual(startsOf(rig, "a"), 1)
      rig.close(main, 1)
      assertNothingIsLeft(rig)
    }
  })

  it("F7: reports of a result that is lost each time it is made end the task at the limit, too", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    let runs = 0
    for (; rig.outcome("b") === undefined && runs < 1000; runs++) {
      rig.end("a")
      rig.loseInputs("b", ["a", "w1"])
    }
    assert.deepStrictEqual([runs, rig.outcome("b")], [20, ["DependenciesGone", "b"]])
  })

  it("F7: what others have reported before runs once, and reports of it are not counted", () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["a"], d: ["a"] })
    rig.end("a")
    for (const each of ["b", "c", "d"]) rig.loseInputs(each, ["a", "w1"])
    assert.deepStrictEqual(["a", "b", "c", "d"].map((key) => startsOf(rig, key)), [2, 1, 1, 1])
    assert.deepStrictEqual([...allExtras(rig.state, "reports").values()], [1])
    rig.end("a")
    assert.deepStrictEqual(["b", "c", "d"].map((key) => rig.phase(key)), ["running", "running", "running"])
  })

  it("F7, M7: a resource is finalized first, and acquired anew when that is done", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] }, { settings: { a: { key: "a", resource: true } } })
    rig.end("a")
    rig.loseInputs("b", ["a", "w1"])
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["releasing", "waiting"])
    rig.finalize("a")
    rig.end("a")
    assert.strictEqual(rig.phase("b"), "running")
  })
})
