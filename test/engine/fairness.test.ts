import { assert, describe, it } from "@effect/vitest"
import type { fairnessOf } from "../../src/engine/protocol/fairness.ts"
import { allExtras } from "../../src/engine/state/rare.ts"
import { explain } from "../../src/engine/views/explain.ts"
import { Chance } from "../chance.ts"
import { longOr } from "../long.ts"
import { Rig } from "./rig.ts"
import type { Graph, Submission } from "./rig.ts"

type Rules = Parameters<typeof fairnessOf>[0]

const rigOf = (slots: Readonly<Record<string, number>>, rules: Rules): Rig => new Rig(slots, { fairness: rules })

const because = (rig: Rig, name: string) => explain(rig.state, name)?.because

const startedIn = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.flatMap((line) => /^start (\S+) /.exec(line)?.slice(1) ?? [])

/** What the engine has started in the last step. */
const started = (rig: Rig): ReadonlyArray<string> => startedIn(rig.told)

/** Names of tasks that depend on nothing. */
const independent = (prefix: string, count: number): Graph =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, []]))

/** Submits for one share. */
const submitFor = (rig: Rig, owner: number, share: string, count: number, rest: Submission = {}): void => {
  rig.submit(owner, independent(share, count), { share, ...rest })
}

/** Ends what runs on the one slot, again and again, and says what started in which order. */
const drain = (rig: Rig, first: string, most = Infinity): ReadonlyArray<string> => {
  const order: Array<string> = []
  let next: string | undefined = first
  while (next !== undefined && order.length < most) {
    rig.end(next)
    next = started(rig)[0]
    if (next !== undefined) order.push(next)
  }
  return order
}

const budget = (target: number, pause = Infinity): Rules => ({ budget: { target, pause } })

describe("source throttle", () => {
  /** 1-2, 3-4, 5-6, 7-8. */
  const chains: Graph = { t1: [], t2: ["t1"], t3: [], t4: ["t3"], t5: [], t6: ["t5"], t7: [], t8: ["t7"] }

  for (const sourceSaturation of [Infinity, 1, 0.5, 0.01]) {
    it(`O8: four chains on two slots hold two sources at most (saturation ${sourceSaturation})`, () => {
      const rig = rigOf({ w1: 2 }, { sourceSaturation })
      rig.submit(rig.open(), chains)
      const running = ["t1", "t3"].slice(0, sourceSaturation < 1 ? 1 : 2)
      const open = new Set<string>()
      let most = 0
      let mostSources = 0
      for (const name of running) {
        const number = Number(name.slice(1))
        const sources = running.filter((each) => rig.phase(each) === "running" && Number(each.slice(1)) % 2 === 1)
        mostSources = Math.max(mostSources, sources.length)
        if (number % 2 === 1) open.add(name)
        most = Math.max(most, open.size)
        rig.end(name)
        if (number % 2 === 0) open.delete(`t${number - 1}`)
        running.push(...started(rig))
      }
      assert.deepStrictEqual([running.length, most], [8, sourceSaturation < 1 ? 1 : 2])
      assert.strictEqual(mostSources, sourceSaturation < 1 ? 1 : 2)
    })
  }

  it("O8: sources take a part of the slots, at least one, and leave the others to what is deeper", () => {
    const rig = rigOf({ w1: 4 }, { sourceSaturation: 0.3 })
    const main = rig.open()
    rig.submit(main, { a: [], deep: ["a"], b: [], c: [] })
    assert.deepStrictEqual(["a", "b", "c"].map((name) => rig.phase(name)), ["running", "running", "ready"])
    assert.deepStrictEqual(because(rig, "c"), { _tag: "SourcesThrottled", running: ["a", "b"] })
    rig.end("a")
    assert.deepStrictEqual(started(rig), ["deep", "c"])
    rig.submit(main, { child: [], other: [] }, { inside: "deep" })
    assert.deepStrictEqual(started(rig), ["child"])
  })

  it("O8: a source that waits counts for nothing, whether it keeps its slot or not: what it waits for may be a source", () => {
    const rig = rigOf({ w1: 3 }, { sourceSaturation: 0.1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [], d: [] })
    assert.deepStrictEqual(rig.phase("b"), "ready")
    rig.wait(1, [rig.claim(main, "b")], "a")
    assert.deepStrictEqual(started(rig), ["b"])
    rig.keep(2, [rig.claim(main, "c")], "b")
    assert.deepStrictEqual(started(rig), ["c"])
    rig.end("c")
    // It is at work again, and so is the other one soon: who comes back is held up by nothing.
    assert.deepStrictEqual([rig.phase("b"), rig.phase("d")], ["running", "ready"])
    rig.end("b")
    assert.deepStrictEqual([rig.phase("a"), rig.phase("d")], ["running", "ready"])
    rig.end("a")
    assert.deepStrictEqual(rig.phase("d"), "running")
    rig.end("d")
    rig.close(main, 9)
    assert.deepStrictEqual(rig.state.balance.sources.size, 0)
  })

  it("O8: each worker has a throttle of its own", () => {
    const rig = rigOf({ w1: 4, w2: 2 }, { sourceSaturation: 0.5 })
    rig.submit(rig.open(), independent("t", 6))
    assert.deepStrictEqual(rig.state.workers.map(({ running }) => running), [2, 1])
  })
})

describe("budget of held results", () => {
  it("M8: above `target` no source starts, and below it sources start again", () => {
    const rig = rigOf({ w1: 2 }, budget(2))
    const main = rig.open()
    rig.submit(main, { r0: [], r1: [], long: ["r0"], sum: ["r0", "r1"], r2: [], r3: [], r4: [] })
    rig.end("r0")
    // What depends on a source goes on.
    assert.deepStrictEqual(started(rig), ["long"])
    rig.end("r1")
    assert.deepStrictEqual(started(rig), ["sum"])
    rig.end("sum")
    // r0 is held for `long`, and `sum` is claimed; r1 is gone.
    assert.deepStrictEqual([rig.state.balance.heldSize, started(rig)], [2, ["r2"]])
    rig.end("r2")
    assert.deepStrictEqual([rig.state.balance.heldSize, started(rig)], [3, []])
    assert.deepStrictEqual(because(rig, "r3"), { _tag: "OverBudget", held: 3, most: 2 })
    rig.release(main, "sum")
    assert.deepStrictEqual(started(rig), ["r3"])
  })

  it("M8: a value that was settled from outside counts as 1", () => {
    const rig = rigOf({ w1: 1 }, budget(0))
    const main = rig.open()
    rig.submit(main, { busy: [], a: [], source: [] })
    rig.settle("a")
    assert.strictEqual(rig.state.balance.heldSize, 1)
    assert.deepStrictEqual(because(rig, "source"), { _tag: "OverBudget", held: 1, most: 0 })
    rig.release(main, "a")
    assert.strictEqual(rig.state.balance.heldSize, 0)
  })

  it("M8: above `pause` nothing starts as long as somebody is at work, and who waited goes on", () => {
    const rig = rigOf({ w1: 2 }, budget(0, 1))
    const main = rig.open()
    rig.submit(main, { busy: [], parent: [] })
    rig.submit(main, { child: [], second: [] }, { inside: "parent" })
    rig.wait(1, [rig.claim(main, "child")], "parent")
    assert.deepStrictEqual(rig.phase("child"), "running")
    rig.end("child", { _tag: "Succeeded", size: 5 })
    // The parent rejoins; no other child starts.
    assert.deepStrictEqual([rig.phase("parent"), rig.phase("second")], ["running", "ready"])
    rig.end("parent")
    assert.deepStrictEqual(because(rig, "second"), { _tag: "OverBudget", held: 6, most: 1 })
    rig.release(main, "child")
    assert.deepStrictEqual([rig.state.balance.heldSize, rig.phase("second")], [1, "running"])
  })

  it("M8: a budget is a brake, no wall: while nobody is at work something starts, sources last", () => {
    const rig = rigOf({ w1: 4 }, budget(0, 0))
    const main = rig.open()
    const graph: Graph = { ...independent("r", 5), a: ["r0", "r1"], b: ["r2", "r3", "r4"], sum: ["a", "b"] }
    rig.submit(main, graph)
    // Nothing is held yet, so nothing is held back.
    const order = started(rig).slice()
    let running = Object.keys(graph).filter((name) => rig.phase(name) === "running")
    assert.deepStrictEqual(running, ["r0", "r1", "r2", "r3"])
    const most: Array<number> = []
    for (let name = running.shift(); name !== undefined; name = running.shift()) {
      rig.end(name)
      running = [...running, ...started(rig)]
      most.push(running.length)
    }
    assert.deepStrictEqual(most, [3, 2, 1, 1, 1, 1, 1, 0])
    assert.deepStrictEqual([order.length, rig.phase("sum")], [4, "succeeded"])
  })

  it("M8: whoever waits for what the budget holds back is not at work, so that it starts", () => {
    const rig = rigOf({ w1: 3 }, budget(0, 0))
    const main = rig.open()
    rig.submit(main, { held: [], parent: [], keeper: [] })
    rig.end("held")
    rig.submit(main, { x: [], y: [] })
    assert.deepStrictEqual([rig.phase("x"), rig.phase("y")], ["ready", "ready"])
    rig.wait(1, [rig.claim(main, "y")], "parent")
    assert.deepStrictEqual([rig.phase("x"), rig.phase("y")], ["ready", "ready"])
    rig.keep(2, [rig.claim(main, "y")], "keeper")
    // Nobody is at work now: one after the other, by rank.
    assert.deepStrictEqual([rig.phase("x"), rig.phase("y")], ["running", "ready"])
    rig.end("x")
    assert.deepStrictEqual(rig.phase("y"), "running")
    rig.end("y")
    assert.deepStrictEqual([rig.phase("parent"), rig.phase("keeper")], ["running", "running"])
  })

  it("M8: what is cancelled, lost or made anew is counted as long as it is held", () => {
    const rig = rigOf({ w1: 2, w2: 2 }, budget(100))
    const main = rig.open()
    rig.submit(main, { a: [], b: [], x: ["a", "b"] }, { targets: ["a", "x"] })
    rig.end("a", { _tag: "Succeeded", size: 3 })
    rig.end("b", { _tag: "Succeeded", size: 4 })
    assert.strictEqual(rig.state.balance.heldSize, 7)
    rig.lose("w1")
    assert.isBelow(rig.state.balance.heldSize, 7)
    rig.close(main, 1)
    for (const name of ["a", "b", "x"]) if (rig.phase(name) === "stopping") rig.end(name, { _tag: "Interrupted" })
    assert.deepStrictEqual([rig.state.balance.heldSize, allExtras(rig.state, "size").size], [0, 0])
  })
})

describe("shares", () => {
  it("O10: k shares that wait each start a task in any k starts, however much each has submitted", () => {
    const rig = rigOf({ w1: 1 }, {})
    const main = rig.open()
    rig.submit(main, { busy: [] })
    submitFor(rig, main, "a", 30)
    submitFor(rig, main, "b", 10)
    submitFor(rig, main, "c", 10)
    const order = drain(rig, "busy", 30).map((name) => name[0]!)
    for (let from = 0; from + 3 <= order.length; from++) {
      assert.deepStrictEqual(new Set(order.slice(from, from + 3)).size, 3, `starts ${from} to ${from + 2}`)
    }
  })

  it("O10: tasks that name no share have one together", () => {
    const rig = rigOf({ w1: 1 }, {})
    const main = rig.open()
    rig.submit(main, { busy: [] })
    rig.submit(main, independent("n", 4))
    submitFor(rig, main, "a", 4)
    assert.deepStrictEqual(drain(rig, "busy").join(" "), "n0 a0 n1 a1 n2 a2 n3 a3")
  })

  it("O10, W19: what is sent ahead takes turns of the tasks that name no share", () => {
    const rig = rigOf({ busy: 1, other: 1 }, {})
    const main = rig.open()
    rig.submit(main, { first: [], second: [] })
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, ahead: 4 })
    const demand = { workers: ["other"] }
    submitFor(rig, main, "a", 1, { settings: { a0: { demand } } })
    rig.submit(main, independent("plain", 4), {})
    assert.deepStrictEqual(started(rig), ["plain0", "plain1", "plain2"])
    // Three turns are taken, so that of the share comes before the fourth.
    rig.submit(main, { any: [] }, { share: "b" })
    rig.end("first")
    assert.deepStrictEqual(started(rig), ["any"])
    assert.strictEqual(rig.state.balance.shares.get("")?.starts, 3)
  })

  it("O10: a share of weight 3 has three starts where others have one", () => {
    const rig = rigOf({ w1: 1 }, { weights: new Map([["a", 3]]) })
    const main = rig.open()
    rig.submit(main, { busy: [] })
    submitFor(rig, main, "a", 30)
    submitFor(rig, main, "b", 10)
    const order = drain(rig, "busy")
    for (const count of [8, 16, 40]) {
      assert.strictEqual(order.slice(0, count).filter((name) => name.startsWith("a")).length, count * 3 / 4)
    }
  })

  it("O10: who comes late, or could not start for long, has no turns saved up", () => {
    const rig = rigOf({ w1: 1, w2: 1 }, {})
    const main = rig.open()
    rig.submit(main, { busy: [], block: [] }, {
      settings: {
        busy: { key: "busy", demand: { workers: ["w1"] } },
        block: { key: "block", demand: { workers: ["w2"] } }
      }
    })
    const there = { demand: { workers: ["w1"] } }
    const names = Object.keys(independent("b", 6))
    submitFor(rig, main, "a", 12)
    const settings = Object.fromEntries(names.map((name) => [name, { key: name, ...there }]))
    rig.submit(main, independent("b", 6), { share: "b", settings })
    // On w2 only tasks of `a` may run.
    assert.strictEqual(drain(rig, "block", 6).map((name) => name[0]).join(""), "aaaaaa")
    submitFor(rig, main, "c", 6)
    const order: Array<string> = []
    for (let next: string | undefined = "busy"; next !== undefined && order.length < 9; next = started(rig)[0]) {
      if (next !== "busy") order.push(next[0]!)
      rig.end(next)
    }
    // Each once in any three: b does not catch up.
    for (let from = 0; from + 3 <= order.length; from++) {
      assert.strictEqual(new Set(order.slice(from, from + 3)).size, 3, order.join(""))
    }
  })

  it("O10: what a body submits belongs to the share of its task; within a share the rank decides", () => {
    const rig = rigOf({ w1: 1 }, {})
    const main = rig.open()
    rig.submit(main, { parent: [] }, { share: "a" })
    submitFor(rig, main, "b", 3)
    rig.submit(main, { low: [], high: [] }, {
      share: "a",
      settings: { low: { key: "low", priority: -1 }, high: { key: "high", priority: 1 } }
    })
    rig.submit(main, { child: [] }, { inside: "parent" })
    assert.deepStrictEqual(drain(rig, "parent").join(" "), "high b0 child b1 low b2")
  })

  it("O10: when nobody waits any more, nothing is kept of the shares", () => {
    const rig = rigOf({ w1: 1 }, {})
    const main = rig.open()
    submitFor(rig, main, "a", 2)
    submitFor(rig, main, "b", 1)
    assert.isAbove(rig.state.balance.shares.size, 0)
    rig.end("a0")
    rig.end("b0")
    assert.deepStrictEqual([rig.state.balance.shares.size, rig.state.queues.size], [0, 0])
    for (const name of ["a1"]) rig.end(name)
    rig.close(main, 1)
    assert.strictEqual(rig.state.demanding, 0)
  })
})

describe("aging", () => {
  /** A low-ranked task, and a steady inflow of higher ones; says after how many of them it starts. */
  const overtakenBy = (rules: Rules, inflow = 60): number => {
    const rig = rigOf({ w1: 1 }, rules)
    const main = rig.open()
    rig.submit(main, { h0: [] })
    rig.submit(main, { low: [] }, { settings: { low: { key: "low", priority: -1 } } })
    for (let i = 1; i <= inflow; i++) {
      rig.submit(main, { [`h${i}`]: [] })
      rig.end(`h${i - 1}`)
      if (started(rig)[0] === "low") return i - 1
    }
    return Infinity
  }

  it("O11: a ready task is overtaken `aging` times at most, however many others come", () => {
    assert.deepStrictEqual([1, 5, 20].map((aging) => overtakenBy({ aging })), [1, 5, 20])
    assert.strictEqual(overtakenBy({}), Infinity)
  })

  it("O11: what cannot start lets others go first, however often it was overtaken", () => {
    const rig = rigOf({ w1: 1, w2: 1 }, { aging: 2 })
    const main = rig.open()
    const on = (worker: string) => ({ demand: { workers: [worker] } })
    rig.submit(main, { held: [], busy: [] }, { settings: { held: on("w2"), busy: on("w1") } })
    rig.submit(main, { low: [] }, { settings: { low: { key: "low", priority: -1, ...on("w2") } } })
    const others = independent("h", 6)
    rig.submit(main, others, {
      settings: Object.fromEntries(Object.keys(others).map((name) => [name, { priority: 1, ...on("w1") }]))
    })
    assert.deepStrictEqual(drain(rig, "busy").toSorted(), Object.keys(others))
    rig.end("held")
    assert.deepStrictEqual(started(rig), ["low"])
    // A brake holds it up in the same way.
    const braked = rigOf({ w1: 2 }, { aging: 1, sourceSaturation: 0.5 })
    const owner = braked.open()
    braked.submit(owner, { long: [], first: ["long"] })
    braked.submit(owner, { low: [] }, { settings: { low: { key: "low", priority: -1 } } })
    braked.submit(owner, { child: [], another: [] }, { inside: "long" })
    assert.deepStrictEqual(drain(braked, "child"), ["another"])
    assert.strictEqual(braked.phase("low"), "ready")
  })

  it("O11: a task starts after `aging` others and those that had waited as long as it, at the latest", () => {
    const aging = 4
    for (let seed = 1; seed <= longOr(30, 10); seed++) {
      const chance = new Chance(seed)
      const rig = rigOf({ w1: 1, w2: 1 }, { aging })
      const main = rig.open()
      const since = new Map<string, number>()
      const older = new Map<string, number>()
      let starts = 0
      let running: Array<string> = []
      for (let i = 0; i < 120; i++) {
        if (i < 60) {
          const name = `t${i}`
          older.set(name, since.size)
          rig.submit(main, { [name]: [] }, { settings: { [name]: { key: name, priority: chance.below(5) } } })
          if (!started(rig).includes(name)) since.set(name, starts)
          running.push(...started(rig))
        }
        const next = chance.with(0.7) || i >= 60 ? chance.pick(running) : undefined
        if (next === undefined) continue
        running = running.filter((each) => each !== next)
        rig.end(next)
        for (const name of started(rig)) {
          const began = since.get(name)
          if (began !== undefined) assert.isAtMost(starts - began, aging + older.get(name)!, `${name} of seed ${seed}`)
          since.delete(name)
          starts++
          running.push(name)
        }
      }
      assert.strictEqual(since.size, 0)
    }
  })

  it("O11: within a share its own starts count, and the turns of others stay theirs", () => {
    const rig = rigOf({ w1: 1 }, { aging: 2 })
    const main = rig.open()
    rig.submit(main, { busy: [] }, { share: "a" })
    rig.submit(main, { low: [] }, { share: "a", settings: { low: { key: "low", priority: -1 } } })
    submitFor(rig, main, "a", 4)
    submitFor(rig, main, "b", 4)
    assert.strictEqual(drain(rig, "busy").join(" "), "a0 b0 a1 b1 low b2 a2 b3 a3")
  })
})
