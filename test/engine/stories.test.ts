import { assert, describe, it } from "@effect/vitest"
import { expect } from "vitest"
import { assertNothingIsLeft, Rig } from "./rig.ts"

/** The dialogue is kept as text and reviewed like prose; afterwards nothing may be left. */
const tells = async (name: string, rig: Rig): Promise<void> => {
  await expect(rig.story).toMatchFileSnapshot(`./stories/${name}.txt`)
}

describe("stories", () => {
  // f -- submits --> left, right, each of which submits two more and waits for the first, with no end
  it("N7: a recursion that does not end comes to its limit once, and then launches nothing more", async () => {
    const rig = new Rig({ w1: 1 }, { limits: { nesting: 3, refusals: 1 } })
    const main = rig.open()
    rig.submit(main, { f: [] }, { wait: 1 })
    let waits = 2
    const runs = (name: string): void => {
      const own = rig.open(`${name}'s own`)
      const left = `${name}.left`
      rig.submit(own, { [left]: [] }, { inside: name })
      if (rig.told.some((line) => line.startsWith("rejected"))) {
        rig.close(own, waits++, name)
        rig.fail(name)
        return
      }
      rig.submit(own, { [`${name}.right`]: [] }, { inside: name })
      rig.wait(waits++, [rig.claim(own, left)], name)
      runs(`${name}.right`)
      runs(left)
      rig.close(own, waits++, name)
      rig.fail(name)
    }
    runs("f")
    rig.close(main, waits)
    assertNothingIsLeft(rig)
    await tells("endless-recursion", rig)
  })

  it("C6, trap 13: a cancelled key that is submitted again runs anew, and old reports never reach it", async () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { k: [] })
    const [row, attempt] = [rig.id("k"), rig.attempt("k")]
    rig.cancel(main, "k", 1)
    rig.submit(main, { k: [] })
    rig.send({ _tag: "TaskEnded", task: row, attempt, ending: { _tag: "Failed", failure: 1, defect: false } })
    assert.strictEqual(rig.phase("k"), "running")
    rig.end("k")
    assert.strictEqual(rig.phase("k"), "succeeded")
    rig.close(main, 2)
    assertNothingIsLeft(rig)
    await tells("cancel-and-resubmit", rig)
  })

  // bad -> below     good -> late     sum after below and late
  it("F3, F4: keep-going runs all that is not downstream and reports every root", async () => {
    const rig = new Rig()
    const main = rig.open()
    const names = ["bad", "below", "good", "late", "sum"]
    rig.submit(
      main,
      { bad: [], below: ["bad"], good: [], late: ["good"], sum: ["below", "late"] },
      { targets: ["sum"], wishes: names, wait: 1 }
    )
    rig.fail("bad", 1)
    rig.end("good")
    rig.fail("late", 2)
    const { roots } = rig.state.owners.get(main)!
    assert.deepStrictEqual(roots.map(({ outcome }) => outcome.trail.task), ["bad", "late"])
    rig.close(main, 2)
    assertNothingIsLeft(rig)
    await tells("keep-going", rig)
  })

  it("C9, F5: an attempt that runs out of time is tried again, and the timeout runs anew", async () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", timeoutMillis: 10 } } })
    rig.at(10)
    rig.end("a", { _tag: "Retried", delayMillis: 5 })
    rig.at(15)
    rig.at(25)
    rig.end("a", { _tag: "Interrupted" })
    assert.strictEqual(rig.phase("a"), "failed")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
    await tells("retry-after-timeout", rig)
  })

  it("flatMap: a task whose body returns a graph stands for its target and holds no slot", async () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { input: [], outer: ["input"], user: ["outer"] })
    rig.end("input")
    rig.expand("outer", { x: [], y: ["x"] }, "y")
    rig.end("x")
    rig.end("y")
    rig.end("user")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
    await tells("flatmap", rig)
  })

  it("N6: two tasks that would wait for each other are told so", async () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.wait(1, [rig.claim(main, "b")], "a")
    rig.wait(2, [rig.claim(main, "a")], "b")
    assert.strictEqual(rig.phase("b"), "running")
    rig.end("b")
    rig.end("a")
    rig.close(main, 3)
    assertNothingIsLeft(rig)
    await tells("wait-cycle", rig)
  })

  it("C9, D6: deadlines run from submission, dependency timeouts until the first start", async () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { long: [], patient: ["long"], hasty: ["long"] }, {
      targets: ["long", "patient", "hasty"],
      settings: {
        long: { key: "long", deadlineMillis: 30, dependencyTimeoutMillis: 5 },
        patient: { key: "patient", deadlineMillis: 20 },
        hasty: { key: "hasty", dependencyTimeoutMillis: 10 }
      }
    })
    rig.at(10)
    assert.deepStrictEqual(["long", "patient", "hasty"].map((name) => rig.phase(name)), [
      "running",
      "waiting",
      "failed"
    ])
    rig.at(20)
    assert.strictEqual(rig.phase("patient"), "failed")
    rig.at(30)
    assert.strictEqual(rig.phase("long"), "stopping")
    rig.end("long")
    assert.strictEqual(rig.phase("long"), "failed")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
    await tells("deadlines", rig)
  })

  it("C4: a closing owner waits until nothing of its own is running", async () => {
    const rig = new Rig({ w1: 2 })
    const [main, other] = [rig.open(), rig.open("other")]
    rig.submit(main, { a: [], b: [], queued: [], shared: [] })
    rig.share(other, rig.claim(main, "shared"))
    rig.close(main, 1)
    rig.end("b", { _tag: "Interrupted" })
    assert.notInclude(rig.told, "wait 1 is over")
    rig.end("a", { _tag: "Failed", failure: 1, defect: true })
    assert.include(rig.told, "wait 1 is over")
    rig.end("shared")
    rig.close(other, 2)
    assertNothingIsLeft(rig)
    await tells("owner-close", rig)
  })

  // g -> h1, h2     only w1 holds g
  it("trap 12: the worker that holds an input dies while one dependent runs and another is queued", async () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { g: [] })
    rig.end("g")
    rig.submit(main, { other: [] })
    rig.submit(main, { h1: [rig.ref("g")], h2: [rig.ref("g")] })
    rig.lose("w1")
    for (const name of ["h1", "g", "other", "h2"]) rig.end(name)
    rig.close(main, 1)
    assertNothingIsLeft(rig)
    await tells("worker-loss", rig)
  })

  // a -> b -> c     a and b were forgotten when c had run
  it("M3: a lost result is made anew from what it was made of", async () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["b"] })
    for (const name of ["a", "b", "c"]) rig.end(name)
    rig.lose("w1")
    for (const name of ["a", "b", "c"]) rig.end(name)
    rig.close(main, 1)
    assertNothingIsLeft(rig)
    await tells("result-loss", rig)
  })

  it("F8, trap 11: a task on which four workers died ends; what is reported of its former attempts changes nothing", async () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { deadly: [], after: ["deadly"] }, { targets: ["deadly", "after"] })
    const first = rig.attempt("deadly")
    for (let death = 1; death <= 4; death++) {
      rig.send({ _tag: "WorkerAdded", name: `w${death + 1}`, slots: 1 })
      rig.lose(`w${death}`)
      rig.end("deadly", { _tag: "Succeeded" }, first)
    }
    assert.deepStrictEqual(rig.outcome("after"), ["Killed", "deadly", "after"])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
    await tells("worker-deaths", rig)
  })

  // pool -> connection -> query
  it("M7: resources are finalized when nothing uses them, one that is made of another first", async () => {
    const rig = new Rig()
    const main = rig.open()
    const settings = Object.fromEntries(["pool", "connection"].map((key) => [key, { key, resource: true }]))
    rig.submit(main, { pool: [], connection: ["pool"], query: ["connection"] }, { settings, wait: 1 })
    rig.end("pool")
    rig.end("connection")
    rig.end("query")
    rig.close(main, 2)
    rig.finalize("connection")
    rig.finalize("pool")
    assertNothingIsLeft(rig)
    await tells("resources", rig)
  })

  it("F10: a body that gives its place up lets the others go first", async () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { polite: [], other: [] }, { wait: 1 })
    rig.end("polite", { _tag: "Rescheduled" })
    rig.submit(main, { later: [] })
    rig.end("other")
    rig.end("polite")
    rig.end("later")
    rig.close(main, 2)
    assertNothingIsLeft(rig)
    await tells("give-way", rig)
  })

  it("F7: what a body misses is made again, with what that was made of", async () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { raw: [], clean: ["raw"], count: ["clean"], mean: ["clean"] }, { wait: 1 })
    rig.end("raw")
    rig.end("clean")
    rig.miss("count", "clean")
    rig.end("raw")
    rig.miss("mean", "clean")
    rig.end("clean")
    rig.end("count")
    rig.end("mean")
    rig.close(main, 2)
    assertNothingIsLeft(rig)
    await tells("dependencies-lost", rig)
  })

  // fast, slow -> body, which needs one of them
  it("C4, D13: a close waits for a member of a set that stops only when the body has ended", async () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    const policy = { _tag: "AtLeast", count: 1, on: "success" } as const
    rig.submit(main, { fast: [], slow: [], body: ["fast", "slow"] }, {
      settings: { body: { key: "body", policies: [{ of: "inputs", from: 0, to: 2, policy }] } }
    })
    rig.end("fast")
    rig.close(main, 1)
    rig.end("body", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.told.slice(-1), ["stop slow (attempt 2)"])
    rig.end("slow", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 1 is over")
    assertNothingIsLeft(rig)
    await tells("close-to-any-depth", rig)
  })

  // dependency -> missing, other
  it("C4, F7: a close waits for what runs again, though the body of another dependent holds it", async () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    rig.submit(main, { dependency: [], missing: ["dependency"], other: ["dependency"] })
    rig.end("dependency")
    rig.miss("missing", "dependency")
    rig.close(main, 1)
    rig.end("other", { _tag: "Interrupted" })
    assert.notInclude(rig.told, "wait 1 is over")
    rig.end("dependency", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 1 is over")
    assertNothingIsLeft(rig)
    await tells("close-while-running-again", rig)
  })

  it("C4: a close waits for what another owner stops by force meanwhile", async () => {
    const rig = new Rig({ w1: 2 })
    const [main, other] = [rig.open(), rig.open("other")]
    rig.submit(main, { beside: [], shared: [] })
    rig.share(other, rig.claim(main, "shared"))
    rig.close(main, 1)
    rig.cancel(other, "shared", 2, { force: true })
    rig.end("beside", { _tag: "Interrupted" })
    assert.notInclude(rig.told, "wait 1 is over")
    rig.end("shared", { _tag: "Interrupted" })
    assert.includeMembers([...rig.told], ["wait 1 is over", "wait 2 is over"])
    rig.close(other, 3)
    assertNothingIsLeft(rig)
    await tells("force-while-closing", rig)
  })

  // parent -> dependent; first submits parent and closes; second wants dependent; the body of parent submits child
  it("N10: a parent ends after its child, though the scope of its submission has closed", async () => {
    const rig = new Rig({ w1: 2 })
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { parent: [] })
    rig.submit(second, { dependent: [rig.ref("parent")] })
    const own = rig.open("parent's own")
    rig.submit(own, { child: [] }, { inside: "parent" })
    rig.close(first, 1)
    rig.release(second, "dependent")
    assert.strictEqual(rig.phase("parent"), "stopping")
    rig.close(second, 2)
    rig.close(own, 3, "parent")
    assert.deepStrictEqual(rig.told, ["stop child (attempt 2)"])
    rig.end("child", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 3 is over")
    assert.notInclude(rig.told, "wait 2 is over")
    rig.end("parent", { _tag: "Interrupted" })
    assert.include(rig.told, "wait 2 is over")
    assertNothingIsLeft(rig)
    await tells("parent-of-a-closed-scope", rig)
  })
})
