import { assert, describe, it } from "@effect/vitest"
import { check } from "../../src/engine/check/check.ts"
import { noteStart } from "../../src/engine/dispatch/delays.ts"
import * as Engine from "../../src/engine/Engine.ts"
import type { Ending, Event, PauseTarget, Rate } from "../../src/engine/protocol/Event.ts"
import { fairnessOf } from "../../src/engine/protocol/fairness.ts"
import type { Demand, Settings } from "../../src/engine/protocol/Plan.ts"
import * as State from "../../src/engine/state/State.ts"
import { delayedIn } from "../../src/engine/views/delayed.ts"
import type { Delayed } from "../../src/engine/views/delayed.ts"
import { explain, explainAll } from "../../src/engine/views/explain.ts"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { Chance } from "../chance.ts"
import { longOr } from "../long.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

const tagged = (tags: Readonly<Record<string, ReadonlyArray<string>>>, more: Settings = {}) => ({
  settings: Object.fromEntries(Object.entries(tags).map(([key, tags]) => [key, { key, demand: { tags }, ...more }]))
})

const tasks = (...names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, []]))

const allOf = (tag: string, ...names: ReadonlyArray<string>) =>
  tagged(Object.fromEntries(names.map((name) => [name, [tag]])))

const phases = (rig: Rig, ...names: ReadonlyArray<string>) => names.map((name) => rig.phase(name)).join(" ")

const because = (rig: Rig, name: string) => explain(rig.state, name)?.because

const rate = (starts: number, perMillis: number): Rate => ({ starts, perMillis })

/** Four slots, and a tag with a rate. */
const withRate = (starts: number, perMillis: number, tag = "api", slots = 4): Rig => {
  const rig = new Rig({ w1: slots })
  rig.send({ _tag: "TagLimited", tag, limit: undefined, rate: rate(starts, perMillis) })
  return rig
}

describe("rates", () => {
  it("W22: the next start may be when the oldest of the last n is as old as the interval, not at the end of a window", () => {
    const rig = withRate(2, 100)
    const main = rig.open()
    rig.now = 90
    rig.submit(main, tasks("a"), allOf("api", "a"))
    rig.now = 110
    rig.submit(main, tasks("b", "c", "d"), allOf("api", "b", "c", "d"))
    assert.strictEqual(phases(rig, "a", "b", "c", "d"), "running running ready ready")
    rig.end("a")
    rig.at(189)
    assert.strictEqual(phases(rig, "c", "d"), "ready ready")
    rig.at(190)
    assert.strictEqual(phases(rig, "c", "d"), "running ready")
    rig.at(210)
    assert.strictEqual(phases(rig, "c", "d"), "running running")
  })

  it("W22: the engine asks to be woken when a start falls due, and not while no slot is free", () => {
    const rig = withRate(1, 100, "api", 2)
    const main = rig.open()
    rig.submit(main, tasks("a", "b", "other"), { ...allOf("api", "a", "b") })
    assert.strictEqual(phases(rig, "a", "b", "other"), "running ready running")
    assert.strictEqual(rig.state.timers.wakeAt, Infinity)
    rig.end("other")
    assert.strictEqual(rig.state.timers.wakeAt, 100)
    rig.at(100)
    assert.strictEqual(rig.phase("b"), "running")
    assert.strictEqual(rig.state.timers.wakeAt, Infinity)
  })

  it("W22: a task that waits for a rate takes nothing and withholds nothing, whatever its rank", () => {
    const rig = new Rig({ w1: { slots: 1, amounts: { gpu: 1 } } })
    rig.send({ _tag: "TagLimited", tag: "host", limit: undefined, rate: rate(1, 100) })
    rig.send({ _tag: "TagLimited", tag: "db", limit: 1 })
    const main = rig.open()
    const demand: Demand = { amounts: { gpu: 1 }, tags: ["host", "db"] }
    const same: Demand = { amounts: { gpu: 1 }, tags: ["db"] }
    rig.submit(main, tasks("a", "b", "c"), {
      settings: {
        a: { key: "a", demand, priority: 2 },
        b: { key: "b", demand, priority: 1 },
        c: { key: "c", demand: same }
      }
    })
    assert.strictEqual(phases(rig, "a", "b", "c"), "running ready ready")
    rig.end("a")
    assert.strictEqual(phases(rig, "b", "c"), "ready running")
    assert.deepStrictEqual(because(rig, "b"), {
      _tag: "RateLimited",
      tag: "host",
      rate: rate(1, 100),
      until: 100,
      ahead: 0
    })
  })

  it("W22: of those that wait for a rate the best ranked starts when it falls due", () => {
    const rig = withRate(1, 10)
    const main = rig.open()
    const of = (priority: number) => ({ priority, demand: { tags: ["api"] } })
    rig.submit(main, tasks("a"), { settings: { a: { key: "a", ...of(9) } } })
    rig.submit(main, tasks("low"), { settings: { low: { key: "low", ...of(0) } } })
    rig.submit(main, tasks("high"), { settings: { high: { key: "high", ...of(5) } } })
    rig.at(10)
    assert.strictEqual(phases(rig, "low", "high"), "ready running")
  })

  const again: Readonly<Record<string, (rig: Rig) => void>> = {
    "a retry": (rig) => void rig.end("a", { _tag: "Retried", delayMillis: 0 }),
    "another place in the queue": (rig) => void rig.end("a", { _tag: "Rescheduled" }),
    "another worker": (rig) => void rig.end("a", { _tag: "Unmet", reason: "no" }),
    "the loss of its worker": (rig) => void rig.lose("w1")
  }
  for (const [what, happen] of Object.entries(again)) {
    it(`W22: a start after ${what} counts`, () => {
      const rig = new Rig({ w1: 1 })
      rig.send({ _tag: "TagLimited", tag: "api", limit: undefined, rate: rate(1, 100) })
      const main = rig.open()
      rig.submit(main, tasks("a"), allOf("api", "a"))
      rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
      rig.now = 50
      happen(rig)
      assert.strictEqual(rig.phase("a"), "ready")
      rig.at(100)
      assert.strictEqual(rig.phase("a"), "running")
    })
  }

  it("W22: a body that takes its slot again, and what a flatMap task stands for, are no starts", () => {
    const rig = withRate(1, 100)
    const main = rig.open()
    rig.submit(main, tasks("a"), allOf("api", "a"))
    rig.wait(50, [], "a", "never")
    rig.now = 10
    rig.abandon(50)
    assert.strictEqual(rig.phase("a"), "running")
    rig.expand("a", { inner: [] }, "inner")
    assert.strictEqual(rig.phase("inner"), "running")
  })

  it("W22: a pattern is a rate for each tag that begins like it; the longest counts, and a rate of its own comes first", () => {
    const rig = withRate(1, 100, "host:*", 9)
    rig.send({ _tag: "TagLimited", tag: "host:big*", limit: undefined, rate: rate(2, 100) })
    rig.send({ _tag: "TagLimited", tag: "host:big.own", limit: undefined, rate: rate(3, 100) })
    const main = rig.open()
    const hosts = { x: "host:a", y: "host:b", z: "host:big", own: "host:big.own", no: "hos" }
    const named = Object.entries(hosts).flatMap(([name, tag]) => [1, 2, 3].map((i) => [`${name}${i}`, [tag]] as const))
    rig.submit(main, tasks(...named.map(([name]) => name)), tagged(Object.fromEntries(named)))
    const running = (name: string) => [1, 2, 3].filter((i) => rig.phase(`${name}${i}`) === "running").length
    for (const [name] of named) if (name.startsWith("no") && rig.phase(name) === "running") rig.end(name)
    assert.deepStrictEqual(["x", "y", "z", "own"].map(running), [1, 1, 2, 3])
    assert.deepStrictEqual(snapshot(rig.state).tags!["host:a"], {
      used: 1,
      rate: { ...rate(1, 100), left: 0, nextAt: 100 }
    })
    assert.deepStrictEqual(snapshot(rig.state).tags!["host:*"], { used: 0, rate: { ...rate(1, 100), left: 1 } })
  })

  it("W22: logs of a pattern's tags that are too old to count are dropped", () => {
    const rig = withRate(1, 10, "host:*", 1)
    const main = rig.open()
    for (let i = 0; i < 1000; i++) {
      rig.now += 5
      rig.submit(main, tasks(`t${i}`), allOf(`host:${i}`, `t${i}`))
      rig.end(`t${i}`)
      rig.release(main, `t${i}`)
    }
    assert.isBelow(rig.state.delays.rates.size, 150)
  })

  it("W22: a changed rate counts the starts that are known; without a rate all start", () => {
    const rig = withRate(2, 100)
    const main = rig.open()
    rig.submit(main, tasks("a", "b", "c"), allOf("api", "a", "b", "c"))
    rig.send({ _tag: "TagLimited", tag: "api", limit: undefined, rate: rate(2, 300) })
    rig.at(299)
    assert.strictEqual(rig.phase("c"), "ready")
    rig.send({ _tag: "TagLimited", tag: "api", limit: undefined })
    assert.strictEqual(rig.phase("c"), "running")
  })

  it("W22: a changed rate counts the last of the starts that are known", () => {
    const rig = withRate(3, 100)
    const main = rig.open()
    for (const [i, name] of ["a", "b", "c", "d"].entries()) {
      rig.at(i * 40)
      rig.submit(main, tasks(name), allOf("api", name))
    }
    rig.end("a")
    rig.submit(main, tasks("e"), allOf("api", "e"))
    rig.send({ _tag: "TagLimited", tag: "api", limit: undefined, rate: rate(2, 100) })
    assert.strictEqual(rig.phase("e"), "ready")
    rig.at(179)
    assert.strictEqual(rig.phase("e"), "ready")
    rig.at(180)
    assert.strictEqual(rig.phase("e"), "running")
  })

  it("W22: a rate changes however many starts are known", () => {
    const many = 200_000
    const rig = withRate(1_000_000, 1_000)
    for (let i = 0; i < many; i++) noteStart(rig.state, ["api"])
    rig.send({ _tag: "TagLimited", tag: "api", limit: undefined, rate: rate(many, 1_000) })
    assert.deepInclude(snapshot(rig.state).tags!["api"], { rate: { ...rate(many, 1_000), left: 0, nextAt: 1_000 } })
  })

  it("W22: a limit and a rate of one tag hold together", () => {
    const rig = new Rig({ w1: 9 })
    rig.send({ _tag: "TagLimited", tag: "api", limit: 1, rate: rate(2, 100) })
    const main = rig.open()
    rig.submit(main, tasks("a", "b", "c"), allOf("api", "a", "b", "c"))
    assert.strictEqual(phases(rig, "a", "b", "c"), "running ready ready")
    rig.end("a")
    assert.strictEqual(phases(rig, "b", "c"), "running ready")
    rig.end("b")
    assert.strictEqual(rig.phase("c"), "ready")
    rig.at(100)
    assert.strictEqual(rig.phase("c"), "running")
  })

  it("W22: the rate of the layer counts all starts, those of plain tasks too", () => {
    const rig = new Rig({ w1: 9 }, { fairness: { rate: rate(2, 100) } })
    const main = rig.open()
    rig.submit(main, tasks("a", "b", "c"), allOf("x", "b"))
    assert.strictEqual(phases(rig, "a", "b", "c"), "running running ready")
    assert.deepStrictEqual(because(rig, "c"), {
      _tag: "RateLimited",
      tag: undefined,
      rate: rate(2, 100),
      until: 100,
      ahead: 0
    })
    assert.deepStrictEqual(snapshot(rig.state).rate, { ...rate(2, 100), left: 0, nextAt: 100 })
    rig.at(100)
    assert.strictEqual(rig.phase("c"), "running")
  })

  it("W22, W18: a pool starts no worker for tasks that wait for a rate or are paused", () => {
    const rig = withRate(1, 100, "api", 1)
    rig.send({ _tag: "PoolOpened", name: "p", min: 0, max: 3, slots: 1, idleMillis: 50 })
    const main = rig.open()
    rig.submit(main, tasks("a", "b"), allOf("api", "a", "b"))
    rig.send({ _tag: "StartsPaused", of: {} })
    rig.submit(main, tasks("c"), allOf("db", "c"))
    rig.submit(main, tasks("d"))
    assert.lengthOf(rig.state.workers, 1)
  })

  it("W22, W18: a pool starts a worker for a task whose rate allows it to start while all slots are taken", () => {
    const rig = withRate(1, 100, "api", 1)
    rig.send({ _tag: "PoolOpened", name: "p", min: 0, max: 3, slots: 1, idleMillis: 50 })
    const main = rig.open()
    rig.submit(main, tasks("a", "b"), allOf("api", "a", "b"))
    assert.strictEqual(rig.state.timers.wakeAt, 100)
    rig.at(100)
    assert.lengthOf(rig.state.workers, 2)
    rig.send({ _tag: "WorkerStarted", worker: 1 })
    assert.strictEqual(phases(rig, "a", "b"), "running running")
  })

  it("W22: a due start ends no keeping wait as starved", () => {
    const rig = withRate(1, 100, "api", 2)
    const main = rig.open()
    rig.submit(main, tasks("a"))
    const own = rig.open("a")
    rig.submit(own, tasks("b", "c"), { ...allOf("api", "b", "c"), inside: "a" })
    rig.keep(50, [rig.claim(own, "c")], "a")
    rig.end("b")
    assert.strictEqual(rig.phase("c"), "ready")
    assert.isTrue(rig.state.waits.has(50))
    rig.at(100)
    rig.end("c")
    assert.isFalse(rig.state.waits.has(50))
  })
})

/** An engine in which the tasks of many tags wait, and how often anything looks at these. */
const withManyHeld = (count: number, hold: (send: (event: Event) => void) => void) => {
  const state = State.make()
  const running = new Map<number, number>()
  let now = 0
  const send = (event: Event): void => {
    for (const each of Engine.step(state, event)) if (each._tag === "Start") running.set(each.task, each.attempt)
  }
  const submit = (...tags: ReadonlyArray<string>): void => {
    const settings = new Map<number, Settings>(tags.length === 0 ? [] : [[0, { demand: { tags } }]])
    const plan = {
      size: 1,
      offsets: new Int32Array(2),
      targets: new Int32Array(),
      positions: new Int32Array(1),
      settings
    }
    send({ _tag: "GraphSubmitted", now, plan, owner: 0, targets: [0], parent: -1, attempt: 0 })
  }
  const endAll = (): number => {
    const all = [...running]
    running.clear()
    for (const [task, attempt] of all) send({ _tag: "TaskEnded", now, task, attempt, ending: { _tag: "Succeeded" } })
    return all.length
  }
  send({ _tag: "WorkerAdded", now, name: "w1", slots: 4 })
  send({ _tag: "OwnerOpened", now, owner: 0, name: "main" })
  hold(send)
  for (; now < count; now++) {
    submit("crawl", `host:${now}`)
    submit("crawl", `host:${now}`)
    endAll()
  }
  const looks = { count: 0 }
  const watch = (at: object): void => {
    for (const [name, value] of Object.entries(at)) {
      // The places in the heap of those that wait.
      if (name === "heldUntil" || name === "heapIndex") continue
      Object.defineProperty(at, name, { get: () => (looks.count++, value) })
    }
  }
  for (const crowd of state.crowds.values()) {
    for (const queue of crowd.heads) watch(queue)
    watch(crowd)
  }
  const come = (at: number): void => send({ _tag: "TimeCame", now: now = at })
  return { come, endAll, looks, state, submit }
}

describe("what waits for rates and pauses", () => {
  const ways: Readonly<Record<string, (send: (event: Event) => void) => void>> = {
    "its rate": (send) =>
      send({ _tag: "TagLimited", now: 0, tag: "host:*", limit: undefined, rate: rate(1, 1_000_000) }),
    "the end of its pause": (send) => {
      for (let i = 0; i < 1_000; i++) {
        send({ _tag: "StartsPaused", now: 0, of: { tag: `host:${i}` }, forMillis: 1_000_000 + i })
      }
    }
  }
  for (const [what, hold] of Object.entries(ways)) {
    it(`W22, W23: no dispatch looks at the tasks of 1,000 tags that wait for ${what}, but when their moment comes`, () => {
      const { come, endAll, looks, state, submit } = withManyHeld(1_000, hold)
      assert.strictEqual(state.delays.held.length, 1_000)
      for (let i = 0; i < 3; i++) {
        submit("crawl")
        submit()
        assert.strictEqual(endAll(), 2)
      }
      assert.strictEqual(looks.count, 0)
      assert.strictEqual(state.timers.wakeAt, 1_000_000)
      come(1_000_000)
      assert.strictEqual(state.delays.held.length, 999)
      assert.isAbove(looks.count, 0)
      assert.isBelow(looks.count, 100)
    })
  }

  it("W22, O11: what could not start at all was not overtaken", () => {
    const rig = new Rig({ w1: 1 }, { limits: { overtakes: 2 } })
    rig.send({ _tag: "TagLimited", tag: "host", limit: undefined, rate: rate(1, 100) })
    rig.send({ _tag: "TagLimited", tag: "db", limit: 1 })
    const main = rig.open()
    const of = (priority: number, ...tags: ReadonlyArray<string>) => ({ priority, demand: { tags } })
    rig.submit(main, tasks("a", "low"), { settings: { a: of(9, "host", "db"), low: of(0, "host", "db") } })
    for (const name of ["b", "c", "d"]) {
      rig.submit(main, tasks(name), { settings: { [name]: of(5, "db") } })
      rig.end(name === "b" ? "a" : name === "c" ? "b" : "c")
    }
    assert.strictEqual(phases(rig, "d", "low"), "running ready")
    assert.strictEqual(rig.state.balance.overtaken.size, 0)
  })
})

describe("pauses", () => {
  const all: PauseTarget = {}

  it("W23: between a pause and its end nothing starts; what runs goes on and takes its slot again", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"] })
    rig.wait(50, [], "a", "never")
    rig.send({ _tag: "StartsPaused", of: all })
    rig.submit(main, tasks("c"))
    rig.abandon(50)
    assert.strictEqual(phases(rig, "a", "c"), "running ready")
    rig.end("a")
    assert.strictEqual(phases(rig, "b", "c"), "ready ready")
    assert.deepStrictEqual(because(rig, "b"), { _tag: "Paused", of: all, until: undefined })
    assert.deepStrictEqual(snapshot(rig.state).paused, {})
    rig.send({ _tag: "StartsResumed", of: all })
    assert.strictEqual(phases(rig, "b", "c"), "running running")
  })

  it("W23: a pause with a time ends by the clock, and starts what waited, in order", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.send({ _tag: "StartsPaused", of: all, forMillis: 100 })
    rig.submit(main, tasks("low"), { settings: { low: { key: "low", priority: -1 } } })
    rig.submit(main, tasks("high"), { settings: { high: { key: "high" } } })
    assert.strictEqual(rig.state.timers.wakeAt, 100)
    rig.at(99)
    assert.strictEqual(phases(rig, "low", "high"), "ready ready")
    rig.at(100)
    assert.strictEqual(phases(rig, "low", "high"), "ready running")
    assert.isUndefined(snapshot(rig.state).paused)
  })

  it("W23: twice is once, and the later end counts", () => {
    const rig = new Rig()
    rig.send({ _tag: "StartsPaused", of: all, forMillis: 100 })
    rig.now = 50
    rig.send({ _tag: "StartsPaused", of: all, forMillis: 20 })
    assert.deepStrictEqual(snapshot(rig.state).paused, { until: 100 })
    rig.send({ _tag: "StartsPaused", of: all })
    rig.send({ _tag: "StartsPaused", of: all, forMillis: 20 })
    rig.at(1000)
    assert.deepStrictEqual(snapshot(rig.state).paused, {})
    rig.send({ _tag: "StartsResumed", of: all })
    rig.submit(rig.open(), tasks("a"))
    assert.strictEqual(rig.phase("a"), "running")
  })

  it("W23: a pause of a tag or a pattern holds back those that have it", () => {
    const rig = new Rig({ w1: 9 })
    const main = rig.open()
    rig.send({ _tag: "StartsPaused", of: { tag: "host:*" } })
    rig.send({ _tag: "StartsPaused", of: { tag: "db" }, forMillis: 30 })
    rig.submit(main, tasks("a", "b", "c", "d"), tagged({ a: ["host:x"], b: ["db"], c: ["x", "db"], d: ["x"] }))
    rig.submit(main, tasks("e"))
    assert.strictEqual(phases(rig, "a", "b", "c", "d", "e"), "ready ready ready running running")
    assert.deepStrictEqual(because(rig, "b"), { _tag: "Paused", of: { tag: "db" }, until: 30 })
    rig.at(30)
    assert.strictEqual(phases(rig, "a", "b", "c"), "ready running running")
    rig.send({ _tag: "StartsResumed", of: { tag: "host:*" } })
    assert.strictEqual(rig.phase("a"), "running")
  })

  it("W23: a pause of a group holds back its tasks and those of the graphs that they return, and nothing else", () => {
    const rig = new Rig({ w1: 2 })
    rig.send({ _tag: "OwnerOpened", owner: 1, name: "group mails", group: "mails" })
    const main = rig.open()
    rig.submit(1, tasks("x", "y"))
    rig.submit(1, tasks("z"))
    rig.submit(main, tasks("other"))
    rig.send({ _tag: "StartsPaused", of: { group: "mails" } })
    rig.end("x")
    rig.expand("y", { inner: [] }, "inner")
    assert.strictEqual(phases(rig, "z", "inner", "other"), "ready ready running")
    assert.deepStrictEqual(because(rig, "z"), { _tag: "Paused", of: { group: "mails" }, until: undefined })
    rig.send({ _tag: "StartsResumed", of: { group: "mails" } })
    assert.strictEqual(rig.state.demanding, 0)
    assert.include(phases(rig, "z", "inner"), "running")
  })

  it("W23: time limits and cancellations work in a pause, and nothing is left", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.send({ _tag: "StartsPaused", of: all })
    rig.submit(main, tasks("late", "gone", "kept"), { settings: { late: { key: "late", deadlineMillis: 10 } } })
    rig.at(10)
    assert.strictEqual(rig.phase("late"), "failed")
    rig.cancel(main, "gone", 50)
    assert.isFalse(rig.state.waits.has(50))
    rig.close(main, 51)
    assertNothingIsLeft(rig)
  })

  it("W23: a paused task ends no keeping wait as starved, for a resume comes from outside", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, tasks("a"))
    const own = rig.open("a")
    rig.send({ _tag: "StartsPaused", of: all })
    rig.submit(own, tasks("b"), { inside: "a" })
    rig.keep(50, [rig.claim(own, "b")], "a")
    assert.isTrue(rig.state.waits.has(50))
    rig.send({ _tag: "StartsResumed", of: all })
    rig.end("b")
    assert.isFalse(rig.state.waits.has(50))
  })

  it("W23, W19: what was sent ahead comes back, and is not sent again before the end of the pause", () => {
    const rig = new Rig({})
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, ahead: 4, kind: "remote" })
    const main = rig.open()
    rig.submit(main, tasks("a", "b", "c"), { portable: ["a", "b", "c"] })
    const sent = () => [...rig.state.workers[0]!.sent.keys()].length
    assert.isAbove(sent(), 0)
    const out = rig.send({ _tag: "StartsPaused", of: all })
    assert.lengthOf(out.filter(({ _tag }) => _tag === "TakeBack"), sent())
    for (const name of ["b", "c"]) if (rig.phase(name) === "assigned") rig.end(name, { _tag: "Unbegun" })
    assert.strictEqual(sent(), 0)
    rig.send({ _tag: "StartsResumed", of: all })
    assert.isAbove(sent(), 0)
  })
})

describe("what is held back", () => {
  it("V12: a task that no worker could run waits for a worker, not for a pause", () => {
    const rig = new Rig({})
    const main = rig.open()
    rig.send({ _tag: "StartsPaused", of: { tag: "a" } })
    rig.submit(main, tasks("x", "y"), allOf("a", "x"))
    rig.send({ _tag: "StartsPaused", of: {} })
    assert.deepStrictEqual(delayedIn(rig.state), { rateLimited: 0, paused: 0 })
    assert.deepStrictEqual([because(rig, "x")?._tag, because(rig, "y")?._tag], ["NoWorker", "NoWorker"])
    rig.send({ _tag: "WorkerAdded", name: "w", slots: 1 })
    assert.deepStrictEqual(delayedIn(rig.state), { rateLimited: 0, paused: 2 })
    rig.send({ _tag: "StartsResumed", of: {} })
    assert.deepStrictEqual(delayedIn(rig.state), { rateLimited: 0, paused: 1 })
  })
})

/** Random lives with rates and pauses, judged by the starts alone. */
class Life {
  readonly state: State.State
  readonly starts: Array<{ readonly at: number; readonly tags: ReadonlyArray<string>; readonly group: string }> = []
  readonly pauses: Array<{ readonly of: PauseTarget; readonly from: number; to: number }> = []
  readonly lines: Array<string> = []
  readonly chance: Chance
  private readonly runs = new Map<number, { readonly task: number; readonly worker: number }>()
  private readonly about = new Map<number, { readonly tags: ReadonlyArray<string>; readonly group: string }>()
  private now = 0
  private wakeAt = Infinity
  private wait = 100
  private open = 0
  readonly rates: Readonly<Record<string, Rate>>
  readonly layerRate: Rate | undefined

  constructor(seed: number) {
    this.chance = new Chance(seed)
    const any = (): Rate => rate(1 + this.chance.below(3), 1 + this.chance.below(20))
    this.rates = { a: any(), b: any(), "p:*": any() }
    this.layerRate = this.chance.with(0.3) ? any() : undefined
    this.state = State.make({ fairness: fairnessOf({ rate: this.layerRate }) })
    for (const [tag, rate] of Object.entries(this.rates)) {
      const limit = this.chance.with(0.3) && !tag.endsWith("*") ? 1 + this.chance.below(3) : undefined
      this.send({ _tag: "TagLimited", now: 0, tag, limit, rate })
    }
    this.addWorker()
    for (const group of groups) {
      this.send({ _tag: "OwnerOpened", now: 0, owner: groups.indexOf(group), name: group, group })
    }
  }

  send(event: Event): void {
    const out = Engine.step(this.state, event)
    this.lines.push(JSON.stringify([event, out]))
    for (const each of out) {
      if (each._tag === "Start") {
        this.runs.set(each.attempt, each)
        this.starts.push({ at: this.now, ...this.about.get(each.task)! })
      } else if (each._tag === "Submitted") { for (const id of each.ids) this.about.set(id, this.next) }
      else if (each._tag === "WakeAt") this.wakeAt = each.at
      else if (each._tag === "WaitEnded") this.open--
    }
  }

  /** The tasks that are held back, counted one by one. */
  private explained(): Delayed {
    const all = explainAll(this.state).map(({ because }) => because._tag)
    const count = (tag: string) => all.filter((each) => each === tag).length
    return { rateLimited: count("RateLimited"), paused: count("Paused") }
  }

  private next: { readonly tags: ReadonlyArray<string>; readonly group: string } = { tags: [], group: "" }

  private addWorker(): void {
    this.send({
      _tag: "WorkerAdded",
      now: this.now,
      name: `w${this.state.next.worker}`,
      slots: 1 + this.chance.below(3)
    })
  }

  private submit(): void {
    const { chance } = this
    const tags = ["a", "b", "p:1", "p:2"].filter(() => chance.with(0.3))
    this.next = { tags, group: chance.pick(groups)! }
    const settings = new Map<number, Settings>(tags.length === 0 ? [] : [[0, { demand: { tags } }]])
    const plan = {
      size: 1,
      offsets: new Int32Array(2),
      targets: new Int32Array(0),
      positions: new Int32Array(1),
      settings
    }
    const owner = groups.indexOf(this.next.group)
    this.send({ _tag: "GraphSubmitted", now: this.now, plan, owner, targets: [0], parent: -1, attempt: 0 })
  }

  private end(): void {
    const attempt = this.chance.pick([...this.runs.keys()])
    if (attempt === undefined) return
    const { task } = this.runs.get(attempt)!
    this.runs.delete(attempt)
    const ending = this.chance.weighted<Ending>([
      [5, { _tag: "Succeeded" }],
      [2, { _tag: "Retried", delayMillis: this.chance.below(4) }],
      [1, { _tag: "Rescheduled" }]
    ])
    this.send({ _tag: "TaskEnded", now: this.now, task, attempt, ending })
  }

  private lose(): void {
    const worker = this.chance.pick(this.state.workers.filter(({ phase }) => phase === "open"))
    if (worker === undefined) return
    for (const [attempt, run] of this.runs) if (run.worker === worker.serial) this.runs.delete(attempt)
    this.addWorker()
    this.send({ _tag: "WorkerLost", now: this.now, worker: worker.serial })
  }

  private target(): PauseTarget {
    return this.chance.pick<PauseTarget>([{}, { tag: "a" }, { tag: "p:*" }, { group: "g" }])!
  }

  private pause(of = this.target()): void {
    const forMillis = this.chance.with(0.5) ? 1 + this.chance.below(15) : undefined
    const name = JSON.stringify(of)
    const to = this.now + (forMillis ?? Infinity)
    const present = this.pauses.find((each) => JSON.stringify(each.of) === name && each.to > this.now)
    if (present === undefined) this.pauses.push({ of, from: this.now, to })
    else present.to = Math.max(present.to, to)
    this.send({ _tag: "StartsPaused", now: this.now, of, forMillis })
  }

  private resume(of = this.target()): void {
    for (const each of this.pauses) {
      if (JSON.stringify(each.of) === JSON.stringify(of) && each.to > this.now) each.to = this.now
    }
    this.send({ _tag: "StartsResumed", now: this.now, of })
  }

  private pass(): void {
    this.now += this.chance.below(4)
    if (this.now >= this.wakeAt) this.wake()
  }

  private wake(): void {
    this.wakeAt = Infinity
    this.send({ _tag: "TimeCame", now: this.now })
  }

  live(count: number): void {
    for (let i = 0; i < count; i++) {
      if (i % 3 === 0) assert.deepStrictEqual(delayedIn(this.state), this.explained())
      this.chance.weighted<() => void>([
        [5, () => this.submit()],
        [6, () => this.end()],
        [5, () => this.pass()],
        [0.5, () => this.lose()],
        [1.5, () => this.pause()],
        [0.7, () => this.resume()]
      ])()
    }
    for (const  of of[{}, { tag: "a" }, { tag: "p:*" }, { group: "g" }] as const) this.resume(of)
    // All ends by the clock alone.
    for (let i = 0; i < 5000 && this.runs.size + this.readyCount > 0; i++) {
      if (this.runs.size > 0) this.end()
      else {
        assert.isBelow(this.wakeAt, Infinity, "nobody wakes the engine")
        this.now = Math.max(this.now, this.wakeAt)
        this.wake()
      }
    }
    assert.strictEqual(this.readyCount, 0)
    assert.deepStrictEqual(check(this.state), [])
    for (const owner of groups.keys()) {
      const by = { by: "test", reason: "over", waiter: -1, attempt: 0 }
      this.send({ _tag: "OwnerClosed", now: this.now, owner, wait: this.wait++, ...by })
    }
    assert.deepStrictEqual(check(this.state), [])
  }

  private get readyCount(): number {
    const { phase, used } = this.state.tasks
    return phase.subarray(0, used).filter((each) => each === 1 || each === 2).length
  }

  /** The intervals with too many starts, and the starts in pauses. */
  faults(): ReadonlyArray<string> {
    const faults: Array<string> = []
    const judge = (name: string, { perMillis, starts: most }: Rate, starts: ReadonlyArray<number>): void => {
      for (const from of starts) {
        const count = starts.filter((at) => at >= from && at < from + perMillis).length
        if (count > most) faults.push(`${count} starts of ${name} from ${from} on, not ${most}`)
      }
    }
    const of = (tag: string) => this.starts.flatMap(({ at, tags }) => tags.includes(tag) ? [at] : [])
    for (const tag of ["a", "b", "p:1", "p:2"]) judge(tag, this.rates[tag] ?? this.rates["p:*"]!, of(tag))
    if (this.layerRate !== undefined) judge("the layer", this.layerRate, this.starts.map(({ at }) => at))
    for (const { from, of, to } of this.pauses) {
      const meant = this.starts.filter(({ at, group, tags }) =>
        at > from && at < to &&
        (of.tag !== undefined
          ? tags.some((tag) => of.tag.endsWith("*") ? tag.startsWith("p:") : tag === of.tag)
          : of.group === undefined || of.group === group)
      )
      if (meant.length > 0) faults.push(`${meant.length} starts in the pause of ${JSON.stringify(of)} from ${from}`)
    }
    return faults
  }
}

const groups = ["g", "h"]

describe("random lives with rates and pauses", () => {
  const { SEED: first, SEEDS: count } = process.env
  const seeds = Array.from(
    { length: Number(count ?? (first === undefined ? longOr(3000, 1000) : 1)) },
    (_, i) => Number(first ?? 1) + i
  )

  it("W22, W23, V12: no interval has more starts than its rate, none is in a pause, what waits is counted, and the same seed says the same twice", () => {
    let starts = 0
    let pauses = 0
    for (const seed of seeds) {
      const lives = [1, 2].map(() => {
        const life = new Life(seed)
        life.live(30)
        return life
      })
      assert.deepStrictEqual(lives[0]!.faults(), [], `seed ${seed}`)
      assert.strictEqual(lives[0]!.lines.join("\n"), lives[1]!.lines.join("\n"))
      starts += lives[0]!.starts.length
      pauses += lives[0]!.pauses.length
    }
    if (first === undefined && count === undefined) {
      assert.isAbove(starts, 5000)
      assert.isAbove(pauses, 1000)
    }
  })
})
