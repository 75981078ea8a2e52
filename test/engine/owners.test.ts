import { assert, describe, it } from "@effect/vitest"
import { step } from "../../src/engine/Engine.ts"
import { isSpent } from "../../src/engine/life/spent.ts"
import { owning } from "./plans.ts"
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
    rig.send({ _tag: "ClaimsReleased", claims: [first.id] })
    assert.deepStrictEqual(rig.told, ["wait 1 is over"])
    rig.send({ _tag: "ClaimsReleased", claims: [first.id] })
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
    rig.send({ _tag: "ClaimsReleased", claims: [second.id] })
    assert.deepStrictEqual(rig.told, [])
    rig.send({ _tag: "ClaimsReleased", claims: [first.id] })
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

  it("C4: who wants a task whose owner has closed is found in one walk over its dependents and one over the owners", () => {
    const rig = new Rig({ w1: 1 })
    const gone = rig.open("gone")
    const chain = Array.from({ length: 100 }, (_, i) => `c${i}`)
    rig.submit(gone, Object.fromEntries(chain.map((name, i) => [name, i === 0 ? [] : [chain[i - 1]!]])), {
      settings: { c0: { key: "c0", timeoutMillis: 5 } }
    })
    const kept = rig.open("kept")
    rig.share(kept, rig.claim(gone, "c99"))
    rig.close(gone, 1)
    let looks = 0
    const counted = <A>(found: A): A => {
      looks++
      return found
    }
    for (let i = 0; i < 100; i++) {
      const other = rig.open(`other ${i}`)
      rig.submit(other, { [`o${i}`]: [] })
      const { claims } = rig.state.owners.get(other)!
      const { has, keys } = claims
      Object.assign(claims, {
        has: (task: number) => counted(has.call(claims, task)),
        keys: () => counted(keys.call(claims))
      })
    }
    looks = 0
    // The step alone: the check of a state counts everything.
    step(rig.state, { _tag: "TimeCame", now: 5 })
    assert.strictEqual(rig.phase("c0"), "stopping")
    assert.sameMembers(rig.state.leaving.get(rig.id("c0"))!.map(({ owner }) => owner), [gone, kept])
    assert.isAtMost(looks, 100)
  })

  it("C6: what is spent is counted once, and not for each submission", () => {
    const rig = new Rig({ w1: 50 })
    const main = rig.open()
    rig.submit(main, { shared: [] }, { settings: { shared: { key: "shared", identity: "shared" } } })
    rig.end("shared")
    const users = Array.from({ length: 50 }, (_, i) => `u${i}`)
    for (const name of users) rig.submit(main, { [name]: [rig.ref("shared")] })
    for (const [i, name] of users.slice(0, 40).entries()) rig.cancel(main, name, i)
    const shared = rig.id("shared")
    assert.isFalse(isSpent(rig.state, shared))
    let walks = 0
    const { leaving } = rig.state
    const keys = leaving.keys.bind(leaving)
    leaving.keys = () => {
      walks++
      return keys()
    }
    // The check of each step walks, too.
    const ask = () => {
      walks = 0
      return [isSpent(rig.state, shared), walks]
    }
    for (const name of users.slice(0, 20)) {
      rig.end(name, { _tag: "Interrupted" })
      rig.submit(main, { [`${name} again`]: [] })
      assert.deepStrictEqual(ask(), [false, 0])
    }
    for (const [i, name] of users.slice(40).entries()) rig.cancel(main, name, 100 + i)
    assert.deepStrictEqual(ask(), [false, 0])
    rig.release(main, "shared")
    assert.deepStrictEqual(ask(), [true, 0])
  })

  // r -> a, r -> b
  it("C6, M3: what ending tasks hold is counted anew when a result among that is lost", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { r: [] }, owning("r"))
    rig.end("r")
    rig.submit(main, { b: [rig.ref("r")] })
    rig.submit(main, { a: [rig.ref("r")] })
    rig.cancel(main, "a", 1)
    assert.isFalse(isSpent(rig.state, rig.id("r")))
    // The check of each step compares the counts.
    rig.lose("w1")
    assert.deepStrictEqual(["r", "a", "b"].map((name) => rig.phase(name)), ["ready", "stopping", "waiting"])
    rig.cancel(main, "b", 2)
    assert.isFalse(isSpent(rig.state, rig.id("r")))
    rig.release(main, "r")
    assert.isTrue(isSpent(rig.state, rig.id("r")))
  })
})
