import { assert, describe, it } from "@effect/vitest"
import { expect } from "vitest"
import { Rig } from "./rig.ts"

/** The parent submits a child for an owner of its own, which is named after it. */
const submitChild = (rig: Rig, parent: string, child: string): number => {
  const owner = rig.open(`${parent}'s own`)
  rig.submit(owner, { [child]: [] }, { inside: parent })
  return owner
}

/** What the last step said of starved waits. */
const starvations = (rig: Rig): ReadonlyArray<string> => rig.told.filter((line) => line.includes(" is over: "))

describe("waits that keep their slot", () => {
  it("N6: a wait that keeps its slot leaves the task running, and ends like any other", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { parent: [], other: [] })
    const own = submitChild(rig, "parent", "child")
    rig.keep(1, [rig.claim(own, "child")], "parent")
    assert.deepStrictEqual([rig.phase("parent"), rig.state.workers[0]!.running], ["running", 2])
    rig.end("other")
    assert.strictEqual(rig.phase("child"), "running")
    rig.end("child")
    assert.deepStrictEqual([rig.told, rig.phase("parent")], [["wait 1 is over"], "running"])
  })

  it("N6: on one slot a parent that keeps it while it waits for its child is starved in the same step", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { parent: [] })
    const own = submitChild(rig, "parent", "child")
    assert.deepStrictEqual(rig.keep(1, [rig.claim(own, "child")], "parent"), [
      { _tag: "WaitEnded", wait: 1, starved: [["parent", "child"], ["child", "parent", "slot"]] }
    ])
    rig.wait(2, [rig.claim(own, "child")], "parent")
    assert.strictEqual(rig.phase("child"), "running")
    rig.end("child")
    assert.deepStrictEqual(rig.told, ["wait 2 is over"])
  })

  it("N6: the chain to the missing slot may go through dependencies, tasks that stand for others and waiting bodies", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { flat: [], away: [] })
    const own = rig.open("own")
    rig.submit(own, { up: [], down: ["up"] }, { targets: ["up", "down"] })
    rig.wait(1, [rig.claim(own, "down")], "away")
    rig.expand("flat", {}, rig.ref("away"))
    rig.submit(own, { user: [rig.ref("flat")], keeper: [] }, { targets: ["user", "keeper"] })
    rig.end("up", { _tag: "Retried", delayMillis: 5 })
    rig.submit(own, { other: [] })
    // One slot is free for the next attempt of `up`; then it is not.
    rig.keep(2, [rig.claim(own, "user")], "keeper")
    assert.deepStrictEqual(starvations(rig), [])
    submitChild(rig, "other", "last")
    rig.submit(own, { one: [], two: [], three: [] }, { inside: "other" })
    rig.keep(3, [rig.claim(own, "three")], "other")
    assert.deepStrictEqual(starvations(rig), [
      "wait 3 is over: other waits for three, three waits for the slot of keeper, three waits for the slot of other, " +
      "keeper waits for user"
    ])
    rig.fail("other")
    assert.deepStrictEqual(starvations(rig), [])
  })

  it("N6: of two parents that keep both slots the newer wait is starved, and the older one ends", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    const [inA, inB] = [submitChild(rig, "a", "childA"), submitChild(rig, "b", "childB")]
    rig.keep(1, [rig.claim(inA, "childA")], "a")
    assert.deepStrictEqual(rig.told, [])
    rig.keep(2, [rig.claim(inB, "childB")], "b")
    assert.deepStrictEqual(rig.told, [
      "wait 2 is over: b waits for childB, childB waits for the slot of a, childB waits for the slot of b, a waits for childA"
    ])
    rig.close(inB, 3, "b")
    rig.end("b")
    rig.end("childA")
    assert.deepStrictEqual(starvations(rig), [])
    assert.include(rig.told, "wait 1 is over")
  })

  it("N6: a body that gives its slot away for another wait, or by itself, starves nobody", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { keeper: [], away: [] })
    rig.wait(1, [], "away", "never")
    const own = submitChild(rig, "keeper", "child")
    rig.keep(2, [rig.claim(own, "child")], "keeper")
    // It waits for one that is away for reasons of its own, and may come back at any time.
    rig.keep(3, [rig.claim(main, "away")], "keeper")
    assert.deepStrictEqual(rig.told, [])
    rig.wait(4, [rig.claim(main, "away")], "child")
    assert.deepStrictEqual([rig.state.workers[0]!.running, starvations(rig)], [1, []])
  })

  it("N6: a body that has seceded by itself and then waits for a task is as far as that task is", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { away: [], keeper: [] })
    rig.wait(1, [], "away", "never")
    rig.keep(2, [rig.claim(main, "away")], "keeper")
    assert.deepStrictEqual(rig.told, [])
    const own = submitChild(rig, "away", "child")
    rig.wait(3, [rig.claim(own, "child")], "away")
    assert.deepStrictEqual(rig.told, [
      "wait 2 is over: keeper waits for away, away waits for child, child waits for the slot of keeper"
    ])
  })

  it("N6: a rejoiner that a keeper keeps out of its own worker does not count on another worker's slots", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { rejoiner: [], busy: [] })
    assert.strictEqual(rig.state.tasks.worker[rig.id("rejoiner")], 0)
    rig.wait(1, [], "rejoiner", "never")
    rig.submit(main, { keeper: [] })
    assert.strictEqual(rig.state.tasks.worker[rig.id("keeper")], 0)
    rig.keep(2, [rig.claim(main, "rejoiner")], "keeper")
    assert.deepStrictEqual(rig.told, [])
    rig.end("busy")
    rig.abandon(1)
    assert.deepStrictEqual(rig.told, [
      "wait 2 is over: keeper waits for rejoiner, rejoiner waits for the slot of keeper"
    ])
    rig.end("keeper")
    assert.include(rig.told, "wait 1 is over")
  })

  it("N6: a slot that turns somewhere is enough, however long it takes", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { parent: [], busy: [] })
    const own = rig.open("own")
    rig.submit(own, { one: [], two: [] }, { inside: "parent" })
    rig.keep(1, [rig.claim(own, "one"), rig.claim(own, "two")], "parent")
    rig.end("busy")
    rig.end("one")
    assert.deepStrictEqual(starvations(rig), [])
    rig.send({ _tag: "WorkerDrained", worker: 1 })
    rig.end("two")
    assert.include(rig.told, "wait 1 is over")
  })

  it("N6: when the last worker takes nothing new, a wait that keeps its slot for a queued task is starved", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { parent: [], busy: [] })
    const own = submitChild(rig, "parent", "child")
    rig.keep(1, [rig.claim(own, "child")], "parent")
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    assert.deepStrictEqual(starvations(rig), [])
    rig.send({ _tag: "WorkerDrained", worker: 1 })
    assert.deepStrictEqual(starvations(rig), ["wait 1 is over: parent waits for child"])
  })

  it("N6: a time limit is no progress: the wait is starved at once, not when the limit passes", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { parent: [] }, { settings: { parent: { key: "parent", timeoutMillis: 100 } } })
    const own = rig.open("own")
    rig.submit(own, { child: [] }, { inside: "parent", settings: { child: { key: "child", deadlineMillis: 10 } } })
    rig.keep(1, [rig.claim(own, "child")], "parent")
    assert.lengthOf(starvations(rig), 1)
  })

  it("N6: a finalizer that waits and keeps its slot is starved as well", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.cancel(main, "a", 1)
    rig.keep(2, [rig.claim(main, "b")], "a")
    assert.deepStrictEqual(rig.told, ["wait 2 is over: a waits for b, b waits for the slot of a"])
    rig.end("a", { _tag: "Interrupted" })
    assert.strictEqual(rig.phase("b"), "running")
  })

  it("N6: a wait that keeps its slot is seen when another would close a cycle with it", () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.keep(1, [rig.claim(main, "b")], "a")
    rig.wait(2, [rig.claim(main, "a")], "b")
    assert.deepStrictEqual(rig.told, ["wait 2 is over: b waits for a, a waits for b"])
    rig.keep(3, [rig.claim(main, "b")], "b")
    assert.deepStrictEqual(rig.told, ["wait 3 is over: b waits for b"])
  })

  it("C7, N6: a wait that keeps the slot for which an attempt waits that was asked to stop and goes on is refused", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    const other = rig.open("other")
    rig.submit(main, { a: [], b: [] })
    rig.share(other, rig.claim(main, "a"))
    rig.wait(1, [], "a", "never")
    rig.cancel(main, "a", 2, { force: true })
    rig.wantSlot(3, "a")
    rig.keep(4, [rig.claim(other, "a")], "b")
    assert.deepStrictEqual(rig.told, ["wait 4 is over: b waits for a, a waits for the slot of b"])
    rig.end("b")
    assert.deepStrictEqual([rig.phase("a"), rig.state.workers[0]!.running], ["stopping", 1])
  })

  it("C7: an attempt that is asked to stop ends its waits at once and keeps its slot until it has ended", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] })
    rig.keep(1, [rig.claim(main, "b")], "a")
    rig.cancel(main, "a", 2)
    assert.deepStrictEqual(rig.told, ["stop a (attempt 1)", "wait 1 is over"])
    assert.deepStrictEqual([rig.phase("c"), rig.state.workers[0]!.running], ["ready", 2])
    rig.end("a", { _tag: "Interrupted" })
    assert.strictEqual(rig.phase("c"), "running")
  })

  it("N13: a wait of a former attempt keeps no slot and starves nobody", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    const former = rig.attempt("a")
    rig.end("a", { _tag: "Retried", delayMillis: 0 })
    rig.send({
      _tag: "WaitBegan",
      wait: 1,
      claims: [rig.claim(main, "b").id],
      mode: "all",
      keepsSlot: true,
      waiter: rig.id("a"),
      attempt: former
    })
    assert.deepStrictEqual([starvations(rig), rig.state.keeping.size], [[], 0])
  })

  it("N6: the story of a parent that starves and does better", async () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { parent: [] })
    const own = rig.open("parent's own")
    rig.submit(own, { child: [] }, { inside: "parent", wait: 1, keepsSlot: true })
    rig.close(own, 2, "parent")
    const again = submitChild(rig, "parent", "again")
    rig.wait(3, [rig.claim(again, "again")], "parent")
    rig.end("again")
    rig.close(again, 4, "parent")
    rig.end("parent")
    rig.close(main, 5)
    assert.deepStrictEqual([rig.state.tasks.size, rig.state.waits.size], [0, 0])
    await expect(rig.story).toMatchFileSnapshot("./stories/starved-of-slots.txt")
  })
})
