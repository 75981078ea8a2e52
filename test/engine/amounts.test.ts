import { assert, describe, it } from "@effect/vitest"
import { interrupted } from "../../src/engine/protocol/Event.ts"
import type { Demand, Settings } from "../../src/engine/protocol/Plan.ts"
import { explain } from "../../src/engine/views/explain.ts"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

/** What tasks ask for, by name. */
const asking = (demands: Readonly<Record<string, Demand & Pick<Settings, "priority">>>) => ({
  settings: Object.fromEntries(
    Object.entries(demands).map(([key, { priority, ...demand }]) => [key, { key, priority, demand }])
  )
})

const amounts = (amounts: Readonly<Record<string, number>>): Demand => ({ amounts })

const used = (rig: Rig, worker = 0) =>
  Object.fromEntries(
    Object.entries(snapshot(rig.state).workers[worker]?.resources ?? {}).map(([name, { used }]) => [name, used])
  )

const because = (rig: Rig, name: string) => explain(rig.state, name)?.because

const phases = (rig: Rig, ...names: ReadonlyArray<string>) => names.map((name) => rig.phase(name))

/** One worker with three slots, and amounts. */
const worker = (amounts: Readonly<Record<string, number>>, slots = 3) => new Rig({ w1: { slots, amounts } })

describe("amounts", () => {
  it("W5: a task starts when all that it asks for is free on one worker beside a slot", () => {
    const rig = new Rig({ w1: { slots: 2, amounts: { gpu: 1 } }, w2: { slots: 2, amounts: { memory: 8 } } })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [], d: [] }, {
      ...asking({ a: amounts({ gpu: 1 }), b: amounts({ gpu: 1 }), c: amounts({ memory: 8 }), d: {} })
    })
    assert.deepStrictEqual(phases(rig, "a", "b", "c", "d"), ["running", "ready", "running", "running"])
    assert.deepStrictEqual([used(rig, 0), used(rig, 1)], [{ gpu: 1 }, { memory: 8 }])
    rig.end("a")
    assert.strictEqual(rig.phase("b"), "running")
  })

  it("W5: amounts add up exactly: three tenths fit into 0.3, whatever came before", () => {
    const rig = worker({ share: 0.3 })
    const main = rig.open()
    const third = amounts({ share: 0.1 })
    for (let round = 0; round < 50; round++) {
      rig.submit(main, { a: [], b: [], c: [] }, asking({ a: third, b: third, c: third }))
      assert.deepStrictEqual([phases(rig, "a", "b", "c"), used(rig)], [["running", "running", "running"], {
        share: 0.3
      }])
      for (const name of ["b", "a", "c"]) rig.end(name)
      for (const name of ["a", "b", "c"]) rig.release(main, name)
      assert.deepStrictEqual(used(rig), { share: 0 })
    }
  })

  const ends: Readonly<Record<string, (rig: Rig, main: number) => void>> = {
    success: (rig) => void rig.end("a"),
    failure: (rig) => void rig.fail("a"),
    "another attempt": (rig) => void rig.end("a", { _tag: "Retried", delayMillis: 5 }),
    reschedule: (rig) => void rig.end("a", { _tag: "Rescheduled" }),
    expansion: (rig) => rig.expand("a", { inner: [] }, "inner"),
    secede: (rig) => void rig.wait(50, [], "a", "never"),
    loss: (rig) => {
      rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1, amounts: { gpu: 1 } })
      rig.lose("w1")
    }
  }
  for (const [way, end] of Object.entries(ends)) {
    it(`W5: amounts are given back in the step of ${way}`, () => {
      const rig = worker({ gpu: 1 })
      const main = rig.open()
      rig.submit(main, { a: [] }, asking({ a: { amounts: { gpu: 1 }, tags: ["t"] } }))
      rig.submit(main, { b: [] }, asking({ b: { ...amounts({ gpu: 1 }), tags: ["t"] } }))
      const first = way === "reschedule" || way === "loss" ? "a" : "b"
      assert.strictEqual(rig.phase("b"), "ready")
      end(rig, main)
      assert.include(["running", "ready"], rig.phase("b"))
      const running = ["a", "b"].filter((name) => rig.phase(name) === "running")
      assert.lengthOf(running, 1)
      if (way !== "loss") assert.strictEqual(running[0], way === "reschedule" ? "b" : first)
    })
  }

  it("W5, C7: what is cancelled holds its amounts until it has really ended", () => {
    const rig = worker({ gpu: 1 })
    const main = rig.open()
    const gpu = amounts({ gpu: 1 })
    rig.submit(main, { a: [] }, asking({ a: gpu }))
    const other = rig.open("other")
    rig.submit(other, { b: [] }, asking({ b: gpu }))
    rig.cancel(main, "a", 1)
    assert.deepStrictEqual([...phases(rig, "a", "b"), used(rig)], ["stopping", "ready", { gpu: 1 }])
    rig.end("a", { _tag: "Interrupted" })
    assert.deepStrictEqual([rig.phase("b"), used(rig)], ["running", { gpu: 1 }])
    rig.end("b")
    rig.close(other, 2)
    rig.close(main, 3)
    assertNothingIsLeft(rig)
  })

  it("W5: a task that asks for more than any worker has waits, and starts where a worker joins that has it", () => {
    const rig = worker({ gpu: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] }, asking({ a: amounts({ gpu: 2 }), b: amounts({ gpu: 1 }) }))
    assert.deepStrictEqual(phases(rig, "a", "b"), ["ready", "running"])
    assert.strictEqual(because(rig, "a")?._tag, "NoSuitableWorker")
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1, amounts: { gpu: 2 } })
    assert.strictEqual(rig.phase("a"), "running")
  })

  it("V11: explain says what is missing where, and who holds it", () => {
    const rig = worker({ gpu: 2, memory: 4 })
    rig.send({ _tag: "TagLimited", tag: "db", limit: 1 })
    const main = rig.open()
    rig.submit(
      main,
      { a: [], b: [], c: [] },
      asking({
        a: { amounts: { gpu: 1, memory: 4 }, tags: ["db"] },
        b: amounts({ gpu: 2, memory: 1 }),
        c: { tags: ["db"] }
      })
    )
    assert.deepStrictEqual(because(rig, "b"), {
      _tag: "LacksResources",
      ahead: 0,
      lacks: [
        { of: "resource", name: "gpu", worker: "w1", needed: 2, free: 1, heldBy: ["a"] },
        { of: "resource", name: "memory", worker: "w1", needed: 1, free: 0, heldBy: ["a"] }
      ]
    })
    assert.deepStrictEqual(because(rig, "c"), {
      _tag: "LacksResources",
      ahead: 1,
      lacks: [{ of: "tag", name: "db", needed: 1, free: 0, heldBy: ["a"] }]
    })
    const { tags, tasks, workers } = snapshot(rig.state)
    assert.deepStrictEqual(tags, { db: { limit: 1, used: 1 } })
    assert.deepStrictEqual(workers[0]!.resources, { gpu: { total: 2, used: 1 }, memory: { total: 4, used: 4 } })
    assert.deepStrictEqual(tasks[0]!.holds, { resources: { gpu: 1, memory: 4 }, tags: ["db"] })
  })
})

describe("amounts while a body waits", () => {
  /** A parent that asks for the only unit, and its child that asks for it too. */
  const parentAndChild = (demand: Demand = amounts({ a: 1 })) => {
    const rig = worker({ a: 1 })
    const main = rig.open()
    rig.submit(main, { parent: [] }, asking({ parent: demand }))
    const own = rig.open("own")
    rig.submit(own, { child: [] }, { inside: "parent", ...asking({ child: amounts({ a: 1 }) }) })
    return { rig, main, own }
  }

  it("N9, trap 6: a parent that waits gives its amounts to its child, and takes them again before it goes on", () => {
    const { main, own, rig } = parentAndChild()
    assert.strictEqual(rig.phase("child"), "ready")
    rig.wait(1, [rig.claim(own, "child")], "parent")
    assert.deepStrictEqual(phases(rig, "parent", "child"), ["seceded", "running"])
    rig.submit(main, { other: [] }, asking({ other: amounts({ a: 1 }) }))
    rig.end("child")
    assert.deepStrictEqual([rig.told, ...phases(rig, "parent", "other")], [["wait 1 is over"], "running", "ready"])
  })

  it("trap 6: the amounts of a body that ends or is cancelled while it waits are free once, not twice", () => {
    for (const way of ["fail", "cancel"] as const) {
      const { main, own, rig } = parentAndChild()
      rig.wait(1, [rig.claim(own, "child")], "parent")
      if (way === "fail") rig.fail("parent")
      else {
        rig.cancel(main, "parent", 2)
        rig.end("parent", { _tag: "Interrupted" })
      }
      assert.deepStrictEqual([rig.phase("child"), used(rig)], ["running", { a: 1 }])
      rig.end("child")
      assert.deepStrictEqual(used(rig), { a: 0 })
      rig.submit(main, { next: [] }, asking({ next: amounts({ a: 1 }) }))
      assert.strictEqual(rig.phase("next"), "running")
    }
  })

  it("N9: a rejoiner waits for its slot and its amounts in one step, and blocks no slot meanwhile", () => {
    const rig = worker({ a: 1 }, 2)
    const main = rig.open()
    rig.submit(main, { p: [] }, asking({ p: amounts({ a: 1 }) }))
    rig.submit(main, { q: [] })
    rig.wait(1, [], "p", "never")
    rig.wait(2, [], "q", "never")
    rig.submit(main, { holder: [] }, asking({ holder: amounts({ a: 1 }) }))
    rig.submit(main, { plain: [] })
    rig.abandon(1)
    rig.abandon(2)
    assert.deepStrictEqual(phases(rig, "p", "q", "holder", "plain"), ["rejoining", "rejoining", "running", "running"])
    assert.deepStrictEqual(because(rig, "p"), { _tag: "WaitsForSlot", worker: "w1", ahead: 0 })
    rig.end("plain")
    assert.deepStrictEqual(rig.told, ["wait 2 is over"])
    rig.end("q")
    assert.deepStrictEqual(because(rig, "p"), {
      _tag: "LacksResources",
      ahead: 0,
      lacks: [{ of: "resource", name: "a", worker: "w1", needed: 1, free: 0, heldBy: ["holder"] }]
    })
    rig.submit(main, { more: [], last: [] }, asking({ last: amounts({ a: 1 }) }))
    assert.strictEqual(rig.phase("more"), "running")
    // No slot, now the amount.
    rig.end("holder")
    assert.deepStrictEqual([rig.told, ...phases(rig, "p", "last")], [["wait 1 is over"], "running", "ready"])
  })

  it("N9: narrow newcomers do not take what a wide rejoiner waits for", () => {
    const rig = worker({ a: 2 }, 4)
    const main = rig.open()
    rig.submit(main, { wide: [] }, asking({ wide: amounts({ a: 2 }) }))
    rig.wait(1, [], "wide", "never")
    const narrow = amounts({ a: 1 })
    rig.submit(main, { n1: [], n2: [] }, asking({ n1: narrow, n2: narrow }))
    rig.abandon(1)
    rig.submit(main, { n3: [] }, asking({ n3: { ...narrow, priority: 9 } }))
    rig.end("n1")
    assert.deepStrictEqual(phases(rig, "wide", "n3"), ["rejoining", "ready"])
    assert.deepStrictEqual(because(rig, "n3"), { _tag: "LacksResources", ahead: 0, lacks: [] })
    rig.end("n2")
    assert.deepStrictEqual(phases(rig, "wide", "n3"), ["running", "ready"])
  })

  it("N9: what must not be handed over is kept while the body waits", () => {
    const rig = worker({ a: 2 })
    const main = rig.open()
    rig.submit(main, { p: [] }, asking({ p: { amounts: { a: 1 }, keepsAmounts: true, tags: ["t"] } }))
    rig.wait(1, [], "p", "never")
    rig.submit(main, { q: [] }, asking({ q: { amounts: { a: 2 }, tags: ["t"] } }))
    assert.deepStrictEqual([rig.phase("q"), used(rig)], ["ready", { a: 1 }])
    rig.abandon(1)
    assert.deepStrictEqual([...phases(rig, "p", "q"), used(rig)], ["running", "ready", { a: 1 }])
    rig.end("p")
    assert.deepStrictEqual([rig.phase("q"), used(rig)], ["running", { a: 2 }])
  })

  it("N6, N9: a wait that keeps amounts which its child needs is starved, and the body goes on", () => {
    const { main, own, rig } = parentAndChild({ amounts: { a: 1 }, keepsAmounts: true })
    rig.wait(1, [rig.claim(own, "child")], "parent")
    assert.deepStrictEqual(rig.told, [
      "wait 1 is over: parent waits for child, child waits for the resources of parent"
    ])
    assert.strictEqual(rig.phase("parent"), "running")
    rig.close(own, 2, "parent")
    rig.end("parent")
    rig.close(main, 3)
    assertNothingIsLeft(rig)
  })

  it("N6, N9: a starved body hears of it when it has its slot again", () => {
    const rig = worker({ a: 1 }, 1)
    const main = rig.open()
    rig.submit(main, { parent: [] }, asking({ parent: { amounts: { a: 1 }, keepsAmounts: true } }))
    const own = rig.open("own")
    rig.submit(own, { child: [] }, { inside: "parent", ...asking({ child: amounts({ a: 1 }) }) })
    rig.submit(main, { other: [] })
    rig.wait(1, [rig.claim(own, "child")], "parent")
    assert.deepStrictEqual([rig.told, ...phases(rig, "parent", "other")], [
      ["start other on w1 (attempt 2, its 1.)"],
      "rejoining",
      "running"
    ])
    rig.end("other")
    assert.deepStrictEqual(rig.told, [
      "wait 1 is over: parent waits for child, child waits for the resources of parent"
    ])
  })

  it("N6, N9: once a body has its slot again, its other wait that keeps it is starved too if it is stuck", () => {
    const { own, rig } = parentAndChild({ amounts: { a: 1 }, keepsAmounts: true })
    const child = rig.claim(own, "child")
    rig.wait(1, [], "parent", "never")
    rig.keep(2, [child], "parent")
    assert.match(rig.told.join(), /^wait 2 is over: parent waits for child/)
    // Two fibers, one of which keeps the slot that the body has given away for the other.
    rig.wait(3, [child], "parent")
    assert.match(rig.told.join(), /^wait 3 is over: parent waits for child/)
    rig.abandon(1)
    assert.strictEqual(rig.phase("parent"), "running")
  })

  it("N6: a wait that keeps its slot keeps amounts and tags as well, and is starved of them", () => {
    const { own, rig } = parentAndChild()
    rig.keep(1, [rig.claim(own, "child")], "parent")
    assert.deepStrictEqual(rig.told, [
      "wait 1 is over: parent waits for child, child waits for the resources of parent"
    ])
    rig.send({ _tag: "TagLimited", tag: "t", limit: 1 })
    const main = rig.open()
    rig.submit(main, { p: [] }, asking({ p: { tags: ["t"] } }))
    rig.submit(main, { q: [] }, asking({ q: { tags: ["t"] } }))
    rig.keep(2, [rig.claim(main, "q")], "p")
    assert.deepStrictEqual(rig.told, ["wait 2 is over: p waits for q, q waits for the tag of p"])
  })

  it("N6: a wait is not starved while the holder of what is missing can get on", () => {
    const rig = worker({ a: 2 }, 4)
    const main = rig.open()
    rig.submit(main, { parent: [], holder: [] }, asking({ parent: amounts({ a: 1 }), holder: amounts({ a: 1 }) }))
    rig.submit(main, { child: [] }, asking({ child: amounts({ a: 1 }) }))
    rig.keep(1, [rig.claim(main, "child")], "parent")
    assert.deepStrictEqual(rig.told, [])
    rig.submit(main, { last: [] }, asking({ last: amounts({ a: 2 }) }))
    rig.keep(2, [rig.claim(main, "last")], "holder")
    assert.deepStrictEqual(rig.told, [
      "wait 2 is over: holder waits for last, last waits for the resources of parent, " +
      "last waits for the resources of holder, parent waits for child"
    ])
    rig.end("holder")
    assert.strictEqual(rig.phase("child"), "running")
  })

  it("N6, N9: a close that waits for a child gives kept amounts away rather than wait for ever", () => {
    const { own, rig } = parentAndChild({ amounts: { a: 1 }, keepsAmounts: true })
    const inner = rig.open("inner")
    rig.submit(own, { other: [] }, { inside: "parent" })
    rig.submit(inner, { last: [] }, asking({ last: amounts({ a: 1 }) }))
    // The child runs its finalizers, and these wait for one that needs what the parent keeps.
    rig.close(own, 1, "parent")
    assert.deepStrictEqual(phases(rig, "parent", "other"), ["seceded", "stopping"])
    assert.deepStrictEqual(used(rig), { a: 1 })
    rig.wait(2, [rig.claim(inner, "last")], "other")
    assert.deepStrictEqual([rig.phase("last"), used(rig)], ["running", { a: 1 }])
    rig.end("last")
    rig.end("other", { _tag: "Interrupted" })
    assert.deepStrictEqual([rig.phase("parent"), used(rig)], ["running", { a: 1 }])
  })
})

describe("tags", () => {
  it("W17: no more tasks than the limit hold a tag, on all workers together", () => {
    const rig = new Rig({ w1: 2, w2: 2 })
    rig.send({ _tag: "TagLimited", tag: "db", limit: 2 })
    const main = rig.open()
    const db = { tags: ["db"] }
    rig.submit(main, { a: [], b: [], c: [], d: [] }, asking({ a: db, b: db, c: db }))
    assert.deepStrictEqual(phases(rig, "a", "b", "c", "d"), ["running", "running", "ready", "running"])
    rig.end("b")
    assert.strictEqual(rig.phase("c"), "running")
  })

  it("W17, trap 14: a tag is taken only when the dependencies are there", () => {
    const rig = new Rig({ w1: 2 })
    rig.send({ _tag: "TagLimited", tag: "t", limit: 1 })
    const main = rig.open()
    const tagged = { tags: ["t"] }
    rig.submit(main, { second: [], first: ["second"] }, asking({ first: tagged, second: tagged }))
    rig.end("second")
    assert.strictEqual(rig.phase("first"), "running")
    rig.end("first")
    assert.strictEqual(rig.phase("first"), "succeeded")
  })

  it("W17: a tag is given back while its holder waits", () => {
    const rig = new Rig({ w1: 1 })
    rig.send({ _tag: "TagLimited", tag: "t", limit: 1 })
    const main = rig.open()
    const tagged = { tags: ["t"] }
    rig.submit(main, { parent: [] }, asking({ parent: tagged }))
    const own = rig.open("own")
    rig.submit(own, { child: [] }, { inside: "parent", ...asking({ child: tagged }) })
    rig.wait(1, [rig.claim(own, "child")], "parent")
    rig.end("child")
    assert.deepStrictEqual([rig.told, rig.phase("parent")], [["wait 1 is over"], "running"])
  })

  it("W17: a limit may change while tasks hold the tag", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    const tagged = { tags: ["t"] }
    rig.submit(main, { a: [], b: [] }, asking({ a: tagged, b: tagged }))
    assert.deepStrictEqual(snapshot(rig.state).tags, { t: { used: 2 } })
    rig.send({ _tag: "TagLimited", tag: "t", limit: 1 })
    rig.submit(main, { c: [], d: [] }, asking({ c: tagged, d: tagged }))
    rig.end("a")
    assert.deepStrictEqual(phases(rig, "b", "c", "d"), ["running", "ready", "ready"])
    rig.send({ _tag: "TagLimited", tag: "t", limit: 2 })
    assert.deepStrictEqual(phases(rig, "b", "c", "d"), ["running", "running", "ready"])
    rig.send({ _tag: "TagLimited", tag: "t", limit: undefined })
    assert.strictEqual(rig.phase("d"), "running")
  })

  it("A2, W17: the tag of an owner is limited until the owner closes, and its tasks then stop", () => {
    const rig = new Rig({ w1: 4 })
    const call = rig.open("call", { tag: "call#1", limit: 2 })
    const tagged = { tags: ["call#1"] }
    rig.submit(call, { a: [], b: [], c: [], other: [] }, asking({ a: tagged, b: tagged, c: tagged }))
    assert.deepStrictEqual(phases(rig, "a", "b", "c", "other"), ["running", "running", "ready", "running"])
    rig.end("a")
    assert.deepStrictEqual(phases(rig, "b", "c"), ["running", "running"])
    assert.deepStrictEqual(snapshot(rig.state).tags, { "call#1": { limit: 2, used: 2 } })
    rig.close(call, 1)
    assert.deepStrictEqual(phases(rig, "b", "c"), ["stopping", "stopping"])
    rig.end("b", interrupted)
    rig.end("c", interrupted)
    rig.end("other", interrupted)
    assert.isUndefined(snapshot(rig.state).tags)
    assert.strictEqual(rig.state.tags.size, 0)
  })

  it("A2, W17: what others want goes on without the limit when the owner of the tag closes", () => {
    const rig = new Rig({ w1: 4 })
    const call = rig.open("call", { tag: "call#1", limit: 1 })
    const tagged = { tags: ["call#1"] }
    rig.submit(call, { a: [], b: [] }, asking({ a: tagged, b: tagged }))
    const main = rig.open()
    rig.share(main, rig.claim(call, "a"))
    rig.share(main, rig.claim(call, "b"))
    assert.deepStrictEqual(phases(rig, "a", "b"), ["running", "ready"])
    rig.close(call, 1)
    assert.deepStrictEqual(phases(rig, "a", "b"), ["running", "running"])
    assert.strictEqual(rig.state.tags.size, 0)
  })

  it("W17: of rejoiners on several workers the one that began to wait first has its tag first", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    rig.send({ _tag: "TagLimited", tag: "t", limit: 2 })
    const main = rig.open()
    const tagged = { tags: ["t"] }
    rig.submit(main, { a: [], b: [] }, asking({ a: tagged, b: tagged }))
    rig.wait(1, [], "b", "never")
    rig.wait(2, [], "a", "never")
    rig.send({ _tag: "TagLimited", tag: "t", limit: 1 })
    rig.send({ _tag: "WorkerAdded", name: "w3", slots: 1 })
    rig.submit(main, { c: [] }, asking({ c: tagged }))
    rig.abandon(2)
    rig.abandon(1)
    rig.end("c")
    assert.deepStrictEqual(rig.told, ["wait 1 is over"])
  })
})

describe("reservation", () => {
  const narrow = amounts({ a: 1 })
  const wide = amounts({ a: 2 })

  /** Rounds of narrow tasks that overlap, so that never both units are free; says after how many the wide one started. */
  const overlap = (rig: Rig, main: number, priority: number): number => {
    for (let round = 1; round <= 1000; round++) {
      const name = `n${round}`
      rig.submit(main, { [name]: [] }, asking({ [name]: { ...narrow, priority } }))
      const last = `n${round - 1}`
      if (rig.phase(last) === "running") {
        rig.end(last)
        rig.release(main, last)
      }
      if (rig.phase("wide") === "running") return round
    }
    return Infinity
  }

  it("O11, trap 5: a wide task does not wait for narrow ones that come after it", () => {
    const rig = worker({ a: 2 })
    const main = rig.open()
    rig.submit(main, { n0: [] }, asking({ n0: narrow }))
    rig.submit(main, { wide: [] }, asking({ wide }))
    rig.submit(main, { n1: [] }, asking({ n1: narrow }))
    assert.deepStrictEqual(phases(rig, "n0", "n1"), ["running", "ready"])
    assert.deepStrictEqual(because(rig, "n1"), { _tag: "LacksResources", ahead: 1, lacks: [] })
    rig.end("n0")
    assert.deepStrictEqual(phases(rig, "wide", "n1"), ["running", "ready"])
  })

  it("O11, trap 5: nor for ever for narrow ones that rank before it: after `overtakes` starts it goes first", () => {
    const rig = new Rig({ w1: { slots: 3, amounts: { a: 2 } } }, { limits: { overtakes: 20 } })
    const main = rig.open()
    rig.submit(main, { n0: [] }, asking({ n0: { ...narrow, priority: 1 } }))
    rig.submit(main, { wide: [] }, asking({ wide }))
    assert.strictEqual(overlap(rig, main, 1), 21)
  })

  it("O11: without such a limit a wide task waits as long as others rank before it", () => {
    const rig = new Rig({ w1: { slots: 3, amounts: { a: 2 } } }, { limits: { overtakes: Infinity } })
    const main = rig.open()
    rig.submit(main, { n0: [] }, asking({ n0: { ...narrow, priority: 1 } }))
    rig.submit(main, { wide: [] }, asking({ wide }))
    assert.strictEqual(overlap(rig, main, 1), Infinity)
  })

  it("O11: it reserves on the one worker that lacks least for it, and the others go on", () => {
    const rig = new Rig({ w1: { slots: 9, amounts: { a: 4 } }, w2: { slots: 9, amounts: { a: 4 } } })
    const main = rig.open()
    rig.submit(main, { x: [], y: [] }, asking({ x: amounts({ a: 3 }), y: amounts({ a: 2 }) }))
    rig.submit(main, { wide: [] }, asking({ wide: amounts({ a: 4 }) }))
    rig.submit(main, { n1: [], n2: [] }, asking({ n1: narrow, n2: narrow }))
    assert.deepStrictEqual(phases(rig, "n1", "n2"), ["running", "ready"])
    assert.deepStrictEqual([used(rig, 0), used(rig, 1)], [{ a: 4 }, { a: 2 }])
    rig.end("y")
    assert.deepStrictEqual(phases(rig, "wide", "n2"), ["running", "ready"])
  })

  it("O11: tags are gathered before amounts, which lie idle for no tag", () => {
    const rig = worker({ a: 1 })
    rig.send({ _tag: "TagLimited", tag: "t", limit: 1 })
    const main = rig.open()
    rig.submit(main, { holder: [] }, asking({ holder: { tags: ["t"] } }))
    rig.submit(main, { both: [] }, asking({ both: { ...narrow, tags: ["t"] } }))
    rig.submit(main, { n1: [], t2: [] }, asking({ n1: narrow, t2: { tags: ["t"] } }))
    assert.strictEqual(rig.phase("n1"), "running")
    rig.end("holder")
    assert.deepStrictEqual(phases(rig, "both", "t2"), ["ready", "ready"])
    rig.end("n1")
    assert.deepStrictEqual(phases(rig, "both", "t2"), ["running", "ready"])
  })

  it("O11: two wide tasks that want the same two things run one after the other", () => {
    const rig = worker({ a: 1, b: 1 })
    const main = rig.open()
    const both = amounts({ a: 1, b: 1 })
    rig.submit(main, { x: [], y: [] }, asking({ x: amounts({ a: 1 }), y: amounts({ b: 1 }) }))
    rig.submit(main, { p: [], q: [] }, asking({ p: both, q: { amounts: { b: 1, a: 1 } } }))
    rig.end("y")
    assert.deepStrictEqual(phases(rig, "p", "q"), ["ready", "ready"])
    rig.end("x")
    assert.deepStrictEqual(phases(rig, "p", "q"), ["running", "ready"])
    rig.end("p")
    assert.strictEqual(rig.phase("q"), "running")
  })

  it("O11: what is withheld for a task that is cancelled, or on a worker that leaves or is lost, is free at once", () => {
    for (const way of ["cancel", "drain", "lose"] as const) {
      const rig = new Rig({ w1: { slots: 9, amounts: { a: 2 } }, w2: { slots: 9, amounts: { a: 1 } } })
      const main = rig.open()
      rig.submit(main, { x: [], y: [] }, asking({ x: narrow, y: amounts({ a: 1 }) }))
      rig.submit(main, { wide: [] }, asking({ wide }))
      rig.submit(main, { n1: [] }, asking({ n1: narrow }))
      assert.strictEqual(rig.phase("n1"), "ready")
      if (way === "cancel") rig.cancel(main, "wide", 1)
      else if (way === "drain") rig.send({ _tag: "WorkerDrained", worker: 0 })
      else rig.lose("w1")
      if (way !== "cancel") rig.end("y")
      if (way === "lose") rig.end("x")
      assert.strictEqual(rig.phase("n1"), "running", way)
    }
  })

  it("O11, N6: nothing is withheld that cannot come by itself, for whoever keeps it may wait for what would be withheld", () => {
    const rig = worker({ a: 1, b: 1 })
    const main = rig.open()
    rig.submit(main, { keeper: [] }, asking({ keeper: { amounts: { a: 1 }, keepsAmounts: true } }))
    rig.submit(main, { wide: [] }, asking({ wide: amounts({ a: 1, b: 1 }) }))
    const own = rig.open("own")
    rig.submit(own, { child: [] }, { inside: "keeper", ...asking({ child: amounts({ b: 1 }) }) })
    // The deeper one goes first; so let it be another's.
    rig.end("child")
    rig.submit(main, { late: [] }, asking({ late: amounts({ b: 1 }) }))
    assert.strictEqual(rig.phase("late"), "ready")
    rig.wait(1, [rig.claim(main, "late")], "keeper")
    assert.deepStrictEqual(phases(rig, "keeper", "late", "wide"), ["seceded", "running", "ready"])
    rig.end("late")
    rig.end("keeper")
    assert.strictEqual(rig.phase("wide"), "running")
  })
})
