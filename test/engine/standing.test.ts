import { assert, describe, it } from "@effect/vitest"
import type { ClaimId } from "../../src/engine/protocol/ids.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

/** The claims that a step reports, by name. */
const reportedIn = (rig: Rig): ReadonlyArray<string> =>
  rig.told.flatMap((line) => line.match(/^standing wait \d+ reports (.*)$/)?.[1] ?? [])

const stand = (rig: Rig, owner: number, ...names: ReadonlyArray<string>): void => {
  const claims = names.map((name) => rig.claim(owner, name).id)
  rig.send({ _tag: "WaitBegan", wait: 9, claims, mode: "each", waiter: -1, attempt: 0 })
}

/** Waits for the next report, in the body of a task if it is given. */
const take = (rig: Rig, wait: number, inside?: string, keepsSlot?: true): void => {
  const from = inside === undefined
    ? { waiter: -1, attempt: 0 }
    : { waiter: rig.id(inside), attempt: rig.attempt(inside) }
  rig.send({ _tag: "WaitBegan", wait, claims: [], standing: 9, mode: "firstCompleted", keepsSlot, ...from })
}

describe("standing waits", () => {
  it("A5: the claims of a submission join a standing wait, which reports each end once, in order", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] }, { standing: 9 })
    const ends = ["b", "a", "c"].map((name) => {
      if (name === "a") rig.fail(name)
      else rig.end(name)
      return reportedIn(rig)
    })
    assert.deepStrictEqual(ends, [["b"], ["a"], ["c"]])
    assert.strictEqual(rig.state.waits.size, 0)
  })

  it("A5: what has ended before it joins is reported at once, in the order given, and what has two claims twice", () => {
    const rig = new Rig({ w1: 3 })
    const [first, second] = [rig.open("first"), rig.open("second")]
    rig.submit(first, { a: [], b: [], c: [] })
    rig.share(second, rig.claim(first, "c"))
    rig.end("b")
    rig.end("a")
    stand(rig, first, "c", "b", "a")
    assert.deepStrictEqual(reportedIn(rig), ["b", "a"])
    stand(rig, second, "c")
    rig.end("c")
    assert.deepStrictEqual(reportedIn(rig), ["c", "c"])
  })

  it("A5: a claim that is cancelled, released or gone is reported, once", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [], d: [] }, { standing: 9 })
    rig.cancel(main, "b", 1)
    assert.deepStrictEqual(reportedIn(rig), ["b"])
    rig.release(main, "c")
    assert.deepStrictEqual(reportedIn(rig), ["c"])
    rig.close(main, 2)
    assert.deepStrictEqual(reportedIn(rig), ["a", "d"])
    stand(rig, main, "a")
    assert.deepStrictEqual(reportedIn(rig), ["a"])
    rig.end("a", { _tag: "Interrupted" })
    assert.deepStrictEqual(reportedIn(rig), [])
    assertNothingIsLeft(rig)
  })

  it("M3: an end is reported once after a loss, and again only if the claim joins again", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, { standing: 9 })
    const [first, second] = rig.state.tasks.worker[rig.id("a")] === 0 ? ["w1", "w2"] as const : ["w2", "w1"] as const
    // Lost while it runs: it has not ended.
    rig.lose(first)
    assert.deepStrictEqual(reportedIn(rig), [])
    rig.send({ _tag: "WorkerAdded", name: "w3", slots: 1 })
    rig.end("a")
    assert.deepStrictEqual(reportedIn(rig), ["a"])
    // Lost when it has ended: it runs again for its claim, and its second end is no news.
    rig.end("b")
    rig.lose("w3")
    assert.strictEqual(rig.phase("a"), "running")
    rig.end("a")
    assert.deepStrictEqual(reportedIn(rig), [])
    rig.send({ _tag: "WorkerAdded", name: "w4", slots: 1 })
    rig.lose(second)
    stand(rig, main, "a")
    assert.deepStrictEqual(reportedIn(rig), [])
    for (const name of ["a", "b"]) if (rig.phase(name) === "running") rig.end(name)
    for (const name of ["a", "b"]) if (rig.phase(name) === "running") rig.end(name)
    assert.include(rig.story, "standing wait 9 reports a")
    assert.strictEqual(rig.story.split("standing wait 9 reports a").length - 1, 2)
  })

  it("N2: a body that waits for the next report gives its slot away until it comes", () => {
    const rig = new Rig({ w1: 1 })
    const [main, own] = [rig.open(), rig.open("own")]
    rig.submit(main, { body: [] })
    rig.submit(own, { a: [], b: [] }, { inside: "body", standing: 9 })
    take(rig, 1, "body")
    assert.deepStrictEqual([rig.phase("body"), rig.phase("a"), rig.phase("b")], ["seceded", "running", "ready"])
    rig.end("a")
    assert.deepStrictEqual(rig.told.filter((line) => line.includes("wait 1")), ["wait 1 is over"])
    assert.deepStrictEqual([rig.phase("body"), rig.phase("b")], ["running", "ready"])
    take(rig, 2, "body")
    rig.end("b")
    assert.include(rig.told, "wait 2 is over")
    // Nothing is open any more.
    take(rig, 3, "body")
    assert.deepStrictEqual([rig.told, rig.phase("body")], [["wait 3 is over"], "running"])
  })

  it("N6: a wait for a report that only its own waiter could bring about is starved", () => {
    const rig = new Rig({ w1: 1 })
    const [main, own] = [rig.open(), rig.open("own")]
    rig.submit(main, { body: [] })
    stand(rig, main, "body")
    take(rig, 1, "body")
    assert.deepStrictEqual(rig.told, ["wait 1 is over: body waits for body"])
    // The slot is kept, and no other is left for the child.
    rig.submit(own, { child: [] }, { inside: "body", standing: 9 })
    rig.abandon(9)
    stand(rig, own, "child")
    take(rig, 2, "body", true)
    assert.include(rig.told.join(), "wait 2 is over: body waits for child")
  })

  it("N6: a task that joins while a body waits for the next report ends that wait, which begins anew", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { body: [], other: [] })
    stand(rig, main, "other")
    take(rig, 1, "body")
    stand(rig, main, "body")
    assert.deepStrictEqual([rig.told, rig.phase("body")], [["wait 1 is over"], "running"])
    take(rig, 2, "body")
    assert.deepStrictEqual(rig.told, ["wait 2 is over: body waits for body"])
  })

  it("A5: a wait for a report that is on its way is over at once", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, { standing: 9 })
    rig.end("a")
    const from = { waiter: -1, attempt: 0, mode: "firstCompleted", claims: [], standing: 9 } as const
    rig.send({ _tag: "WaitBegan", wait: 1, open: 2, ...from })
    assert.deepStrictEqual(rig.told, ["wait 1 is over"])
    rig.send({ _tag: "WaitBegan", wait: 2, open: 1, ...from })
    assert.deepStrictEqual(rig.told, [])
  })

  it("C10: a standing wait that is given up reports nothing, and its waiter goes on", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { body: [], a: [] })
    stand(rig, main, "a")
    take(rig, 1, "body")
    take(rig, 2)
    rig.abandon(9)
    assert.sameMembers([...rig.told], ["wait 1 is over", "wait 2 is over"])
    rig.end("a")
    assert.deepStrictEqual(rig.told, [])
    assert.strictEqual(rig.state.waits.size, 0)
  })

  it("C7: a body that is asked to stop waits for no report any more", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { body: [], a: [] })
    stand(rig, main, "a")
    take(rig, 1, "body")
    rig.cancel(main, "body", 2)
    assert.include(rig.told, "wait 1 is over")
    rig.end("body", { _tag: "Interrupted" })
    rig.end("a")
    assert.deepStrictEqual(reportedIn(rig), ["a"])
  })

  it("M6: one event releases several claims of an owner", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, { standing: 9 })
    rig.end("a")
    rig.end("b")
    const claims: ReadonlyArray<ClaimId> = ["a", "b"].map((name) => rig.claim(main, name).id)
    rig.send({ _tag: "ClaimsReleased", claims })
    assert.deepStrictEqual(rig.told, ["forget a and its result", "forget b and its result"])
  })
})
