import { assert, describe, it } from "@effect/vitest"
import { Rig } from "./rig.ts"

describe("owners", () => {
  it("M2: a claim keeps the result until its owner closes", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] })
    const claim = rig.claim(main, "a")
    rig.end("a")
    assert.strictEqual(rig.phase("a"), "succeeded")
    rig.close(main, 1)
    assert.deepStrictEqual(rig.told, ["forget a and its result", "wait 1 is over"])
    assert.strictEqual(claim.state, "released")
  })

  it("M2: a claim that is let go of frees what nobody else needs, and only that", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: [] }, { targets: ["a", "b", "c"] })
    rig.end("a")
    rig.release(main, "a")
    assert.deepStrictEqual(rig.told, [])
    rig.end("b")
    assert.deepStrictEqual(rig.told, ["forget a and its result"])
    rig.release(main, "c")
    assert.deepStrictEqual(rig.told, ["stop c (attempt 2)"])
  })

  it("M2: a shared claim outlives the first owner", () => {
    const rig = new Rig()
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { a: [] })
    rig.share(second, rig.claim(first, "a"))
    rig.close(first, 1)
    assert.strictEqual(rig.phase("a"), "running")
    rig.end("a")
    assert.strictEqual(rig.phase("a"), "succeeded")
    rig.close(second, 2)
    assert.strictEqual(rig.state.tasks.size, 0)
  })

  it("An owner that closes twice has nothing left to wait for", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.close(main, 1)
    rig.close(main, 2)
    assert.deepStrictEqual(rig.told, ["wait 2 is over"])
  })

  it("A claim that is gone cannot be shared", () => {
    const rig = new Rig()
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { a: [] })
    const claim = rig.claim(first, "a")
    rig.close(first, 1)
    rig.send({ _tag: "ClaimShared", claim: claim.id, owner: second })
    assert.deepStrictEqual(rig.told, ["rejected: the claim is gone"])
  })

  it("M2: each time an owner asks it has one more claim, and gives back one at a time", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] })
    const first = rig.claim(main, "a")
    const second = rig.share(main, first)
    rig.submit(main, {}, { targets: [rig.ref("a"), rig.ref("a")] })
    assert.strictEqual(rig.state.tasks.refs[rig.id("a")], 4)
    rig.wait(1, [first])
    rig.wait(2, [second])
    rig.send({ _tag: "ClaimReleased", claim: first.id })
    assert.deepStrictEqual(rig.told, ["wait 1 is over"])
    rig.send({ _tag: "ClaimReleased", claim: first.id })
    assert.deepStrictEqual([rig.state.tasks.refs[rig.id("a")], first.state, second.state], [3, "released", "live"])
    rig.end("a")
    assert.deepStrictEqual(rig.told, ["wait 2 is over"])
    rig.close(main, 3)
    assert.deepStrictEqual(rig.told, ["forget a and its result", "wait 3 is over"])
  })

  it("M2: the last claim of an owner that is given back stops what nobody else wants", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [] })
    const first = rig.claim(main, "a")
    const second = rig.share(main, first)
    rig.send({ _tag: "ClaimReleased", claim: second.id })
    assert.deepStrictEqual(rig.told, [])
    rig.send({ _tag: "ClaimReleased", claim: first.id })
    assert.deepStrictEqual(rig.told, ["stop a (attempt 1)"])
  })

  it("C3: cancelling through one claim withdraws all that its owner has on the task", () => {
    const rig = new Rig()
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { a: [] })
    const own = [rig.claim(first, "a"), rig.share(first, rig.claim(first, "a"))]
    const other = rig.share(second, own[0]!)
    rig.cancel(first, "a", 1)
    assert.deepStrictEqual([...own, other].map(({ state }) => state), ["cancelled", "cancelled", "live"])
    assert.strictEqual(rig.phase("a"), "running")
    assert.strictEqual(rig.state.tasks.refs[rig.id("a")], 1)
  })

  it("F3: fail-fast waits for the first target that ends without success", () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], inner: [], c: ["inner"] }, { wait: 1 })
    rig.end("a")
    assert.deepStrictEqual(rig.told, [])
    rig.fail("inner")
    assert.include(rig.told, "wait 1 is over")
    assert.strictEqual(rig.phase("b"), "running")
  })

  it("F3: an absorbed failure is no failure of the computation", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] }, { wait: 1, settings: { b: { key: "b", absorbs: true } } })
    rig.fail("a")
    assert.notInclude(rig.told, "wait 1 is over")
    rig.end("b")
    assert.include(rig.told, "wait 1 is over")
  })

  it("F3: closing withdraws the wishes that are left", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: ["a", "b"] }, { wait: 1, wishes: ["a", "b", "c"] })
    rig.fail("a")
    rig.close(main, 2)
    assert.strictEqual(rig.phase("b"), "stopping")
    rig.end("b", { _tag: "Interrupted" })
    assert.strictEqual(rig.state.tasks.size + rig.state.failures.size, 0)
  })

  it("Law 4: whoever closes last waits for what stops on behalf of an owner that has closed before", () => {
    const rig = new Rig({ w1: 3 })
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { slow: [] })
    rig.submit(second, { bad: [], below: ["bad", rig.ref("slow")] }, { targets: ["bad", "below"] })
    rig.close(first, 1)
    rig.fail("bad")
    assert.deepStrictEqual(rig.told, ["stop slow (attempt 1)"])
    rig.close(second, 2)
    assert.notInclude(rig.told, "wait 2 is over")
    rig.end("slow", { _tag: "Interrupted" })
    assert.deepStrictEqual(rig.told, ["forget slow", "wait 2 is over"])
  })

  it("M5: one computation after the other leaves nothing and takes the same rows", () => {
    const rig = new Rig()
    for (let i = 0; i < 200; i++) {
      const owner = rig.open()
      rig.submit(owner, { a: [], b: ["a"], c: ["a", "b"] }, { wait: i })
      rig.end("a")
      if (i % 3 === 0) rig.fail("b", i)
      else if (i % 3 === 1) rig.end("b")
      rig.close(owner, 1000 + i)
      if (i % 3 > 0) rig.end(i % 3 === 1 ? "c" : "b", { _tag: "Interrupted" })
    }
    assert.strictEqual(rig.state.tasks.size, 0)
    assert.isAtMost(rig.state.tasks.used, 3)
  })
})
