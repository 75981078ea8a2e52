import { assert, describe, it } from "@effect/vitest"
import type { Submission } from "../../src/engine/state/Submission.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

const lineage = 3

/** x0 -> x1 -> ... each submitted when the one before has ended, which is released then. */
const chain = (rig: Rig, owner: number, length: number, from = 0): void => {
  for (let i = from; i < length; i++) {
    rig.submit(owner, { [`x${i}`]: i === 0 ? [] : [rig.ref(`x${i - 1}`)] })
    rig.end(`x${i}`)
    if (i > 0) rig.release(owner, `x${i - 1}`)
  }
}

/** The submissions that those of this task keep, all with what their driver keeps there. */
const remembered = (rig: Rig, name: string): ReadonlySet<Submission> => {
  const found = new Set([rig.state.tasks.submission[rig.id(name)]!])
  for (const { origins } of found) {
    for (const { submission } of origins?.values() ?? []) if (submission.reach >= 0) found.add(submission)
  }
  return found
}

const startsOf = (rig: Rig): Readonly<Record<string, number>> => {
  const starts: Record<string, number> = {}
  for (const { from, key, to } of rig.transitions) {
    if (from === "assigned" && to === "running") starts[key] = (starts[key] ?? 0) + 1
  }
  return starts
}

describe("how far back submissions are remembered", () => {
  it("M3: of a chain of submissions that goes on for ever at least `lineage` are, and at most twice as many and one", () => {
    const rig = new Rig({ w1: 1 }, { limits: { lineage } })
    const main = rig.open()
    for (let length = 1; length < 40; length++) {
      chain(rig, main, length, length - 1)
      const { size } = remembered(rig, `x${length - 1}`)
      assert.isAtLeast(size, Math.min(length, lineage + 1))
      assert.isAtMost(size, 2 * lineage + 1)
    }
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("M3: what a driver keeps in the plan of one that is too far back is let go", () => {
    const rig = new Rig({ w1: 1 }, { limits: { lineage: 1 } })
    const main = rig.open()
    chain(rig, main, 1)
    const first = rig.state.tasks.submission[rig.id("x0")]!
    Object.assign(first.plan, { nodes: ["a body"] })
    chain(rig, main, 3, 1)
    assert.notProperty(first.plan, "nodes")
    assert.strictEqual(first.plan.settings.get(0)?.key, "x0")
  })

  it("M3: a lost result is made anew as far back as that, in order", () => {
    const rig = new Rig({ w1: 1, w2: 1 }, { limits: { lineage } })
    const main = rig.open()
    chain(rig, main, lineage + 1)
    rig.lose("w1")
    for (let i = 0; i <= lineage; i++) rig.end(`x${i}`)
    assert.deepStrictEqual(startsOf(rig), { x0: 2, x1: 2, x2: 2, x3: 2 })
    assert.strictEqual(rig.phase("x3"), "succeeded")
  })

  it("M3, F8: one that needs what is further back ends as lost for good, and runs nothing", () => {
    const rig = new Rig({ w1: 1, w2: 1 }, { limits: { lineage } })
    const main = rig.open()
    chain(rig, main, lineage + 2)
    rig.lose("w1")
    assert.isFalse(rig.told.some((line) => line.startsWith("start")))
    assert.deepStrictEqual(rig.outcome("x4"), ["Killed", "x0", "x1", "x2", "x3", "x4"])
    assert.deepStrictEqual(startsOf(rig), { x0: 1, x1: 1, x2: 1, x3: 1, x4: 1 })
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("M3, F8: what was forgotten stays so when a later submission is nearer to it", () => {
    const rig = new Rig({ w1: 1, w2: 1 }, { limits: { lineage } })
    const main = rig.open()
    chain(rig, main, 6)
    // x5 is held, while the chain goes on until x4 is too far back.
    rig.submit(main, { x6: [rig.ref("x5")] })
    rig.end("x6")
    chain(rig, main, 12, 7)
    rig.submit(main, { near: [rig.ref("x5"), rig.ref("x11")] })
    rig.end("near")
    rig.lose("w1")
    assert.deepStrictEqual(rig.outcome("x5"), ["Killed", "x4", "x5"])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("F7: what a body reports as lost and is made of something further back is not made anew, and stays for others", () => {
    const rig = new Rig({ w1: 1 }, { limits: { lineage } })
    const main = rig.open()
    chain(rig, main, lineage + 1)
    rig.submit(main, { y: [rig.ref("x3")] })
    rig.miss("y", "x3")
    assert.deepStrictEqual(rig.outcome("y"), ["DependenciesGone", "y"])
    assert.strictEqual(rig.phase("x3"), "succeeded")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  //  x0 -> x1 -> x2 -> ... -> x9
  //                           ^
  //  b -> c ------------------+
  it("M3: what is near by another way is remembered, however long the longest way is", () => {
    const rig = new Rig({ w1: 1, w2: 1 }, { limits: { lineage } })
    const main = rig.open()
    rig.submit(main, { b: [] })
    rig.end("b")
    rig.submit(main, { c: [rig.ref("b")] })
    rig.end("c")
    rig.release(main, "b")
    chain(rig, main, 9)
    rig.submit(main, { x9: [rig.ref("x8"), rig.ref("c")] })
    rig.release(main, "c")
    const before = remembered(rig, "x9").size
    rig.end("x9")
    rig.submit(main, { y: [rig.ref("x9")] })
    assert.isAtLeast(before, lineage + 3)
    const keys = [...remembered(rig, "y")].map(({ plan }) => plan.settings.get(0)?.key)
    assert.includeMembers(keys, ["y", "x9", "x8", "c", "b"])
  })

  it("M3: a result that is claimed further back stays, and what is behind it is let go", () => {
    const rig = new Rig({ w1: 1 }, { limits: { lineage } })
    const main = rig.open()
    chain(rig, main, 8)
    rig.share(rig.open("other"), rig.claim(main, "x7"))
    chain(rig, main, 30, 8)
    assert.strictEqual(rig.phase("x7"), "succeeded")
    assert.isAtMost(remembered(rig, "x7").size, 2 * lineage + 1)
    assert.isAtMost(remembered(rig, "x29").size, 2 * lineage + 1)
  })

  it("M3: without a limit all of it is remembered", () => {
    const rig = new Rig({ w1: 1 }, { limits: { lineage: Infinity } })
    const main = rig.open()
    chain(rig, main, 40)
    assert.strictEqual(remembered(rig, "x39").size, 40)
  })
})
