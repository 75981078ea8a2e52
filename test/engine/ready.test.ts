import { assert, describe, it } from "@effect/vitest"
import { vi } from "vitest"
import * as placement from "../../src/engine/dispatch/placement.ts"
import { Phase } from "../../src/engine/protocol/Phase.ts"
import type { Demand } from "../../src/engine/protocol/Plan.ts"
import { FewPositions, Positions, WordPositions } from "../../src/engine/structures/positions.ts"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { Chance } from "../chance.ts"
import { Rig } from "./rig.ts"
import type { Graph } from "./rig.ts"

/** Runs everything on the one slot and says in which order it started. */
const runAll = (rig: Rig): ReadonlyArray<string> => {
  const order: Array<string> = []
  for (;;) {
    const task = rig.state.tasks.phase.findIndex((phase) => phase === Phase.running)
    if (task < 0) return order
    const name = rig.told.find((line) => line.startsWith("start "))!.split(" ")[1]!
    order.push(name)
    rig.end(name)
  }
}

describe("ready", () => {
  it("O5: higher priority first, earlier computation next, static position last", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { busy: [] })
    rig.submit(main, { late: [], early: [], high: [], low: [] }, {
      positions: { late: 3, early: 0, high: 2, low: 1 },
      settings: { high: { key: "high", priority: 1 }, low: { key: "low", priority: -1 } }
    })
    rig.submit(main, { next: [], urgent: [] }, { settings: { urgent: { key: "urgent", priority: 1 } } })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["high", "urgent", "early", "late", "next", "low"])
  })

  it("O7: children outrank the queued siblings of their parent, deeper first, later submission first", () => {
    const rig = new Rig({ w1: 3 })
    const main = rig.open()
    rig.submit(main, { p0: [], p1: [], p2: [], sibling: [] })
    const own = rig.open("own")
    rig.submit(own, { p1a: [], p1b: [] }, { inside: "p1" })
    rig.submit(own, { p1c: [] }, { inside: "p1" })
    rig.submit(own, { p0a: [] }, { inside: "p0" })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["p0a", "p1c", "p1a", "p1b", "sibling"])
    rig.end("p2")
    // p0a runs now; what it submits is deeper than what p0 did.
    rig.submit(own, { p0aa: [] }, { inside: "p0a" })
    rig.submit(own, { p0b: [] }, { inside: "p0" })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["p0aa", "p0b", "p1c", "p1a", "p1b", "sibling"])
  })

  it("O7: children of a task with a priority inherit it, whatever their siblings ask for", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { parent: [], other: [] }, { settings: { parent: { key: "parent", priority: 5 } } })
    const own = rig.open("own")
    rig.submit(own, { plain: [], zero: [] }, { inside: "parent", settings: { zero: { key: "zero", priority: 0 } } })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["plain", "zero", "other"])
  })

  it("O9: what an urgent task needs, at any distance, is as urgent", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { busy: [] })
    rig.submit(main, { low: [], far: [], near: ["far", "low"], urgent: ["near"], plain: ["low"] }, {
      positions: { low: 3, far: 4, near: 1, urgent: 2, plain: 0 },
      settings: {
        low: { key: "low", priority: -5 },
        near: { key: "near", priority: 1 },
        urgent: { key: "urgent", priority: 2 }
      }
    })
    rig.submit(main, { next: [] }, { settings: { next: { key: "next", priority: 1 } } })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["low", "far", "next"])
    rig.end("busy")
    assert.deepStrictEqual(runAll(rig), ["low", "far", "near", "urgent", "next", "plain"])
  })

  it("O9: children of what an urgent task needs are as urgent", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { first: [], urgent: ["first"], other: [] }, {
      settings: { urgent: { key: "urgent", priority: 2 }, other: { key: "other", priority: 1 } }
    })
    rig.submit(rig.open("own"), { child: [] }, { inside: "first" })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["child", "other"])
  })

  it("O9: what is urgent does not raise what it does not need, nor what was submitted before", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { busy: [] })
    rig.submit(main, { before: [] })
    rig.submit(main, { urgent: [rig.ref("before")], after: ["urgent"], other: [] }, {
      settings: { urgent: { key: "urgent", priority: 2 }, other: { key: "other", priority: 1 } }
    })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["other", "before"])
  })

  /** Two layers of three tasks, each layer submitted by itself, 4 ms apart. */
  const layers = (window: number): ReadonlyArray<string> => {
    const rig = new Rig({ w1: 1 }, { windowMillis: window })
    const main = rig.open()
    rig.submit(main, { busy: [] })
    rig.at(4)
    rig.submit(main, { x0: [], x1: [], x2: [] })
    rig.at(8)
    rig.submit(main, { y0: [rig.ref("x0")], y1: [rig.ref("x1")], y2: [rig.ref("x2")] })
    rig.end("busy")
    return runAll(rig)
  }

  it("O6: what is submitted within the window is one computation, whose submissions interleave", () => {
    assert.deepStrictEqual(layers(0), ["x0", "x1", "x2", "y0", "y1", "y2"])
    assert.deepStrictEqual(layers(8), ["x0", "y0", "x1", "y1", "x2", "y2"])
  })

  it("O6: the window begins with the first submission, and ends", () => {
    // The second layer comes 8 ms after the first submission of all.
    assert.deepStrictEqual(layers(7), ["x0", "x1", "x2", "y0", "y1", "y2"])
  })

  it("O6: a task that gives its place up goes ahead of what comes, also within the window", () => {
    const rig = new Rig({ w1: 1 }, { windowMillis: 100 })
    const main = rig.open()
    rig.submit(main, { polite: [], waiting: [] })
    rig.end("polite", { _tag: "Rescheduled" })
    rig.submit(main, { later: [] })
    rig.submit(main, { last: [] })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["polite", "last", "later"])
  })

  it("O1: what a completion makes ready runs before what was ready long ago, if its static position says so", () => {
    const rig = new Rig()
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: [], d: ["c"] }, { positions: { a: 0, b: 1, c: 2, d: 3 } })
    assert.deepStrictEqual(runAll(rig), ["a", "b", "c", "d"])
  })

  it("O2: with one slot the run order is the static order", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const chance = new Chance(seed)
      const size = 20
      const names = Array.from({ length: size }, (_, i) => `t${i}`)
      const graph: Record<string, ReadonlyArray<string>> = {}
      for (let i = 0; i < size; i++) graph[`t${i}`] = names.slice(0, i).filter(() => chance.with(0.15))
      const rig = new Rig()
      const main = rig.open()
      const reversed: Graph = Object.fromEntries(Object.entries(graph).reverse())
      rig.submit(main, reversed, {
        targets: names,
        positions: Object.fromEntries(names.map((name, i) => [name, i]))
      })
      assert.deepStrictEqual(runAll(rig), names)
    }
  })

  it("The queue is the order in which tasks start, across random computations and priorities", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const chance = new Chance(seed)
      const rig = new Rig()
      const main = rig.open()
      rig.submit(main, { busy: [] })
      for (let i = 0; i < 5; i++) {
        const names = Array.from({ length: 1 + chance.below(6) }, (_, j) => `s${i}t${j}`)
        rig.submit(main, Object.fromEntries(names.map((name) => [name, []])), {
          inside: chance.with(0.5) ? "busy" : undefined,
          settings: Object.fromEntries(
            names.map((name) => [name, { key: name, priority: chance.pick([undefined, 0, 1, -1]) }])
          )
        } as never)
      }
      const expected = snapshot(rig.state).queue
      rig.end("busy")
      assert.deepStrictEqual(runAll(rig), expected)
    }
  })

  it("W6: a set of few positions is the same set as one of all, whatever is added and deleted", () => {
    const chance = new Chance(7)
    const [all, few] = [new Positions(2000), new FewPositions()]
    for (let i = 0; i < 20_000; i++) {
      // Mostly added at first, mostly deleted later.
      const position = chance.below(4) < (i < 10_000 ? 1 : 3) && all.count > 0 ? all.least() : chance.below(2000)
      for (const set of [all, few]) if (set.has(position) !== all.has(position)) assert.fail(`${position} differs`)
      const isMember = all.has(position)
      for (const set of [all, few]) {
        if (isMember) set.delete(position)
        else set.add(position)
      }
      assert.strictEqual(few.count, all.count)
      if (all.count > 0) assert.strictEqual(few.least(), all.least())
    }
  })
})

describe("many queues", () => {
  const count = 30
  const names = Array.from({ length: count }, (_, i) => `t${i}`)

  /** For how many tasks a worker is looked for in all, and while others come and go on the other worker. */
  const looks = (ask: (i: number) => Demand, share?: (i: number) => string): readonly [number, number] => {
    const rig = new Rig({})
    const labels = names.map((_, i) => `l${i}`)
    rig.send({ _tag: "WorkerAdded", name: "a", slots: 1, labels, amounts: { gpu: 4 } })
    rig.send({ _tag: "WorkerAdded", name: "b", slots: 2 })
    const choose = vi.spyOn(placement, "choose")
    const main = rig.open()
    const settings = names.map((name, i) => [name, { key: name, demand: ask(i), share: share?.(i) }])
    rig.submit(main, Object.fromEntries(names.map((name) => [name, []])), { settings: Object.fromEntries(settings) })
    const others = ["x", "y", "z"]
    const before = choose.mock.calls.length
    for (const other of others) {
      rig.submit(main, { [other]: [] }, { settings: { [other]: { demand: { workers: ["b"] } } } })
    }
    for (const other of others) rig.end(other)
    const meanwhile = choose.mock.calls.length - before - others.length
    for (const name of names) rig.end(name)
    const all = choose.mock.calls.length - others.length
    choose.mockRestore()
    return [all, meanwhile]
  }

  it("W6, O10: of those that wait for one busy worker none is looked at before that has a free slot, and then one", () => {
    const labelled = looks((i) => ({ workers: ["a"], labels: [`l${i}`] }))
    assert.deepStrictEqual(labelled, [count, 0])
    const tagged = looks((i) => ({ workers: ["a"], tags: [`t${i}`] }))
    assert.deepStrictEqual(tagged, [count, 0])
    const shared = looks(() => ({ workers: ["a"] }), (i) => `s${i}`)
    assert.deepStrictEqual(shared, [count, 0])
  })

  it("O11: of those that ask for different amounts of the same no more are looked at than withhold something", () => {
    const [all, meanwhile] = looks((i) => ({ amounts: { gpu: 2 + i / 1000 } }))
    assert.isAtMost(all, 3 * count)
    assert.isAtMost(meanwhile, 12)
  })

  it("W6: a set of up to 32 positions in one word is the same set, also with the last of them", () => {
    const chance = new Chance(8)
    const [all, word] = [new Positions(32), new WordPositions()]
    for (let i = 0; i < 5000; i++) {
      const position = chance.below(32)
      const isMember = all.has(position)
      assert.strictEqual(word.has(position), isMember)
      for (const set of [all, word]) {
        if (isMember) set.delete(position)
        else set.add(position)
      }
      assert.strictEqual(word.count, all.count)
      if (all.count > 0) assert.strictEqual(word.least(), all.least())
    }
  })
})
