import { assert, describe, it } from "@effect/vitest"
import { desired } from "../../src/engine/events/elastic.ts"
import type { Terms } from "../../src/engine/protocol/Event.ts"
import { restartsAfter } from "../../src/engine/workers/restart.ts"
import { Rig } from "./rig.ts"

const join = (rig: Rig, name: string, terms: Terms = {}, slots = 1): number => {
  const out = rig.send({ _tag: "WorkerAdded", name, slots, terms })
  return out.find((instruction) => instruction._tag === "WorkerJoined")!.worker
}

const phases = (rig: Rig): ReadonlyArray<string> => rig.state.workers.map(({ name, phase }) => `${name} ${phase}`)

const drain = (rig: Rig, worker: number): void => void rig.send({ _tag: "WorkerDrained", worker })

const beat = (rig: Rig, worker: number): void => void rig.send({ _tag: "WorkerBeat", worker })

const started = (rig: Rig, worker: number): void => void rig.send({ _tag: "WorkerStarted", worker })

describe("the table of workers", () => {
  it("W7: a worker takes the row of one that left, once nothing names that one", () => {
    const rig = new Rig({})
    const main = rig.open()
    const first = join(rig, "a")
    rig.submit(main, { x: [] })
    rig.end("x")
    drain(rig, first)
    assert.deepStrictEqual(phases(rig), ["a gone"])
    // Its result can be read there.
    join(rig, "b")
    assert.deepStrictEqual(phases(rig), ["a gone", "b open"])
    rig.close(main, 1)
    join(rig, "c")
    assert.deepStrictEqual(phases(rig), ["c open", "b open"])
  })

  it("W7: a worker takes the row of one that was lost, once no former attempt there is told of", () => {
    const rig = new Rig({})
    const main = rig.open()
    join(rig, "a")
    join(rig, "b")
    rig.submit(main, { x: [] })
    rig.lose("a")
    assert.strictEqual(rig.phase("x"), "running")
    join(rig, "c")
    assert.deepStrictEqual(phases(rig), ["a lost", "b open", "c open"])
    rig.end("x")
    rig.close(main, 1)
    join(rig, "d")
    assert.deepStrictEqual(phases(rig), ["d open", "b open", "c open"])
  })

  it("W10: what comes late from a worker whose row has gone to another changes nothing for that one", () => {
    const rig = new Rig({})
    const main = rig.open()
    const first = join(rig, "a")
    rig.send({ _tag: "WorkerLost", worker: first })
    const second = join(rig, "b")
    assert.deepStrictEqual(phases(rig), ["b open"])
    rig.submit(main, { x: [] })
    for (const _tag of ["WorkerBeat", "WorkerDrained", "WorkerLost"] as const) {
      rig.send({ _tag, worker: first })
      assert.deepStrictEqual(rig.told, ["rejected: the worker is gone"])
      assert.deepStrictEqual([phases(rig), rig.phase("x")], [["b open"], "running"])
    }
    rig.send({ _tag: "WorkerLost", worker: second })
    assert.deepStrictEqual(phases(rig), ["b lost"])
  })

  it("W7: adding and draining without end takes as many rows as there are workers at once", () => {
    const rig = new Rig({ w: 1 })
    for (let i = 0; i < 50; i++) drain(rig, join(rig, `a${i}`))
    assert.strictEqual(rig.state.workers.length, 2)
    assert.strictEqual(rig.state.next.worker, 51)
  })

  it("W7: what comes for a row of which the worker has gone is refused", () => {
    const rig = new Rig({})
    const worker = join(rig, "a")
    drain(rig, worker)
    for (const _tag of ["WorkerDrained", "WorkerBeat", "WorkerStarted"] as const) {
      rig.send({ _tag, worker })
      assert.deepStrictEqual(rig.told, ["rejected: the worker is gone"])
    }
  })
})

describe("no worker", () => {
  it("W9: without workers a task ends at submission unless it waits, and so do those that need it", () => {
    const rig = new Rig({}, { waitForWorkersMillis: 0 })
    const main = rig.open()
    rig.submit(main, { x: [], y: ["x"] }, { targets: ["x", "y"] })
    assert.deepStrictEqual([rig.outcome("x"), rig.outcome("y")], [["NoWorker", "x"], ["NoWorker", "x", "y"]])
  })

  it("W9: what absorbs the end of a task has no worker either", () => {
    const rig = new Rig({}, { waitForWorkersMillis: 0 })
    const main = rig.open()
    rig.submit(main, { x: [], y: ["x"] }, { targets: ["x", "y"], settings: { y: { absorbs: true } } })
    assert.deepStrictEqual(rig.outcome("y"), ["NoWorker", "y"])
  })

  it("W9: a task that waits gets the worker that comes in time, and its wait begins anew when that one leaves", () => {
    const rig = new Rig({}, { waitForWorkersMillis: 10 })
    const main = rig.open()
    rig.submit(main, { x: [], y: [] })
    rig.at(9)
    const worker = join(rig, "a")
    assert.deepStrictEqual([rig.phase("x"), rig.phase("y")], ["running", "ready"])
    rig.at(15)
    drain(rig, worker)
    rig.at(24)
    assert.strictEqual(rig.phase("y"), "ready")
    rig.at(25)
    assert.deepStrictEqual([rig.phase("x"), rig.outcome("y")], ["running", ["NoWorker", "y"]])
  })

  it("W9: the limit of a task goes before that of all, and a task that never ends its wait has none", () => {
    const rig = new Rig({}, { waitForWorkersMillis: 10 })
    const main = rig.open()
    const settings = { short: { waitForWorkersMillis: 0 }, long: { waitForWorkersMillis: Infinity } }
    rig.submit(main, { short: [], usual: [], long: [] }, { settings })
    assert.deepStrictEqual([rig.phase("short"), rig.phase("usual"), rig.phase("long")], ["failed", "ready", "ready"])
    rig.at(1000)
    assert.deepStrictEqual([rig.phase("usual"), rig.phase("long")], ["failed", "ready"])
  })

  it("W9: the wait begins when a task lacks nothing else", () => {
    const rig = new Rig({ w: 1 }, { waitForWorkersMillis: 10 })
    const main = rig.open()
    rig.submit(main, { x: [], y: ["x"] })
    drain(rig, 0)
    rig.at(50)
    rig.end("x")
    rig.at(59)
    assert.strictEqual(rig.phase("y"), "ready")
    rig.at(60)
    assert.deepStrictEqual(rig.outcome("y"), ["NoWorker", "y"])
  })

  it("W9: whoever waited for what ends for want of a worker goes on in the same step, on a worker that drains", () => {
    const rig = new Rig({ w: 1 }, { waitForWorkersMillis: 0 })
    const main = rig.open()
    rig.submit(main, { parent: [] })
    drain(rig, 0)
    rig.submit(main, { child: [] }, { inside: "parent", wait: 7 })
    assert.include(rig.told, "wait 7 is over")
    assert.strictEqual(rig.phase("parent"), "running")
  })

  it("W9: what was queued when the last worker was lost ends, too", () => {
    const rig = new Rig({ w: 1 }, { waitForWorkersMillis: 10 })
    const main = rig.open()
    rig.submit(main, { x: [], y: [] })
    rig.lose("w")
    rig.at(10)
    assert.deepStrictEqual([rig.outcome("x"), rig.outcome("y")], [["NoWorker", "x"], ["NoWorker", "y"]])
  })
})

describe("time to live", () => {
  it("W10: silent for its ttl a worker is lost, what ran there starts elsewhere, and what it brings is refused", () => {
    const rig = new Rig({})
    const main = rig.open()
    const worker = join(rig, "a", { ttlMillis: 10 })
    rig.submit(main, { x: [] })
    const attempt = rig.attempt("x")
    join(rig, "b")
    rig.at(7)
    beat(rig, worker)
    rig.at(10)
    assert.deepStrictEqual(rig.told, ["wake me at 17 ms"])
    rig.at(16)
    assert.deepStrictEqual(phases(rig), ["a open", "b open"])
    rig.at(17)
    assert.deepStrictEqual(phases(rig), ["a lost", "b open"])
    assert.deepStrictEqual(rig.told, ["a was silent for too long", "start x on b (attempt 2, its 1.)"])
    rig.end("x", { _tag: "Succeeded" }, attempt)
    beat(rig, worker)
    assert.deepStrictEqual([rig.told, rig.phase("x")], [["rejected: the worker is gone"], "running"])
  })

  it("W10: a worker that drains has its time to live as well", () => {
    const rig = new Rig({ b: 1 })
    const main = rig.open()
    rig.submit(main, { blocker: [] })
    const worker = join(rig, "a", { ttlMillis: 10 })
    rig.submit(main, { x: [] })
    drain(rig, worker)
    rig.at(10)
    assert.deepStrictEqual([phases(rig), rig.phase("x")], [["b open", "a lost"], "ready"])
  })

  it("W10: beats alone ask for no alarm", () => {
    const rig = new Rig({})
    const worker = join(rig, "a", { ttlMillis: 10 })
    assert.deepStrictEqual(rig.told, ["wake me at 10 ms"])
    for (const now of [3, 6, 9]) {
      rig.now = now
      beat(rig, worker)
      assert.deepStrictEqual(rig.told, [])
    }
    rig.at(10)
    assert.deepStrictEqual(rig.told, ["wake me at 19 ms"])
  })
})

describe("restart", () => {
  const restart = { times: 2, withinMillis: 100, minRunMillis: 5 }

  it("W13: a lost worker is replaced one for one, at most so many times within the window, and not when it died at once", () => {
    const life = (since: number, ...restarts: ReadonlyArray<number>) => ({ since, restarts })
    assert.deepStrictEqual(restartsAfter(restart, life(0), 5), [5])
    assert.isUndefined(restartsAfter(restart, life(0), 4))
    assert.deepStrictEqual(restartsAfter(restart, life(20, 10), 30), [10, 30])
    assert.isUndefined(restartsAfter(restart, life(40, 10, 30), 50))
    assert.deepStrictEqual(restartsAfter(restart, life(40, 10, 30), 110), [30, 110])
    assert.isUndefined(restartsAfter({ ...restart, times: 0 }, life(0), 1000))
  })

  it("W13: the one in its place has its name and another number, and gets the tasks when it has started", () => {
    const rig = new Rig({}, { waitForWorkersMillis: 0 })
    const main = rig.open()
    join(rig, "a", { restart })
    rig.submit(main, { x: [] })
    rig.now = 5
    rig.lose("a")
    assert.deepStrictEqual(rig.told, ["start worker a in the place of a"])
    // No task ends for want of a worker: one is on its way.
    assert.deepStrictEqual([phases(rig), rig.phase("x")], [["a lost", "a starting"], "ready"])
    started(rig, 1)
    assert.deepStrictEqual([rig.told, rig.state.workers[1]!.serial], [["start x on a (attempt 2, its 1.)"], 1])
  })

  it("W13: one that was ended here because a body did not stop is replaced whatever was before, and uses up no restart", () => {
    const once = { ...restart, times: 1, minRunMillis: 0 }
    const rig = new Rig({}, { waitForWorkersMillis: 0 })
    join(rig, "a", { restart: once })
    const numbers: Array<number> = []
    const lose = (isEnded: boolean) => {
      rig.send({ _tag: "WorkerLost", worker: numbers.length, isEnded })
      numbers.push(rig.state.workers.filter(({ phase }) => phase === "starting").length)
      if (numbers.at(-1) === 1) started(rig, numbers.length)
    }
    for (const isEnded of [true, true, false, true, false]) lose(isEnded)
    assert.deepStrictEqual(numbers, [1, 1, 1, 1, 0])
    const never = new Rig({}, { waitForWorkersMillis: 0 })
    join(never, "a", { restart: { ...once, times: 0 } })
    never.send({ _tag: "WorkerLost", worker: 0, isEnded: true })
    assert.deepStrictEqual(phases(never), ["a lost"])
  })

  it("W13: one that cannot be started is lost, and then tasks have no worker", () => {
    const rig = new Rig({}, { waitForWorkersMillis: 0 })
    const main = rig.open()
    join(rig, "a", { restart })
    rig.submit(main, { x: [] })
    rig.now = 5
    rig.lose("a")
    rig.send({ _tag: "WorkerLost", worker: 1 })
    assert.deepStrictEqual([phases(rig), rig.outcome("x")], [["a lost", "a lost"], ["NoWorker", "x"]])
  })

  it("W13: a clean stop stays a stop, also of one that is being started, and of one that is lost while it drains", () => {
    const rig = new Rig({})
    drain(rig, join(rig, "a", { restart }))
    assert.deepStrictEqual(phases(rig), ["a gone"])
    const second = join(rig, "b", { restart: { ...restart, minRunMillis: 0 } })
    rig.send({ _tag: "WorkerLost", worker: second })
    const third = rig.state.workers.find(({ phase }) => phase === "starting")!.serial
    drain(rig, third)
    assert.deepStrictEqual(rig.told, ["b leaves"])
    started(rig, third)
    assert.deepStrictEqual(rig.told, ["rejected: the worker is gone"])
    const main = rig.open()
    const fourth = join(rig, "c", { restart: { ...restart, minRunMillis: 0 } })
    rig.submit(main, { x: [] })
    drain(rig, fourth)
    rig.send({ _tag: "WorkerLost", worker: fourth })
    assert.deepStrictEqual([rig.told, rig.phase("x")], [[], "ready"])
  })
})

describe("retirement", () => {
  it("W14: after so many starts a worker takes no more, a fresh one takes its place, and its last task ends there", () => {
    const rig = new Rig({}, { waitForWorkersMillis: 0 })
    const main = rig.open()
    join(rig, "a", { maxTasks: 2 })
    rig.submit(main, { x: [], y: [], z: [] })
    assert.deepStrictEqual(phases(rig), ["a open"])
    rig.end("x")
    assert.deepStrictEqual(rig.told, ["start y on a (attempt 2, its 1.)", "start worker a in the place of a"])
    assert.deepStrictEqual(phases(rig), ["a draining", "a starting"])
    started(rig, 1)
    assert.deepStrictEqual([rig.phase("y"), rig.phase("z")], ["running", "running"])
    rig.end("y")
    // Its results go to the fresh one first.
    assert.deepStrictEqual(phases(rig), ["a draining", "a open"])
    rig.arrive()
    assert.deepStrictEqual(phases(rig), ["a gone", "a open"])
  })

  it("W14: at its age a worker that has nothing to do leaves at once, and its successor is as young as it should be", () => {
    const rig = new Rig({})
    join(rig, "a", { maxAgeMillis: 10 })
    rig.at(9)
    assert.deepStrictEqual(phases(rig), ["a open"])
    rig.at(10)
    assert.deepStrictEqual(rig.told, ["start worker a in the place of a", "a leaves"])
    rig.now = 14
    started(rig, 1)
    assert.deepStrictEqual(rig.told, ["wake me at 24 ms"])
  })

  it("N6: a wait that keeps its slot is not stuck while a worker is being started", () => {
    const rig = new Rig({})
    const main = rig.open()
    join(rig, "a", { maxTasks: 1 })
    rig.submit(main, { parent: [] })
    rig.submit(main, { child: [] }, { inside: "parent", wait: 7, keepsSlot: true })
    assert.deepStrictEqual(rig.told, [])
    started(rig, 1)
    rig.end("child")
    assert.include(rig.told, "wait 7 is over")
  })
})

describe("an elastic pool", () => {
  const pool = (
    rig: Rig,
    sizes: Partial<{ min: number; max: number; slots: number; idleMillis: number; terms: Terms }>
  ) => rig.send({ _tag: "PoolOpened", name: "p", min: 0, max: 3, slots: 1, idleMillis: 10, ...sizes })

  const startAll = (rig: Rig): void => {
    const isStarting = ({ phase }: { readonly phase: string }): boolean => phase === "starting"
    let next = rig.state.workers.find(isStarting)
    for (; next !== undefined; next = rig.state.workers.find(isStarting)) started(rig, next.serial)
  }

  const size = (rig: Rig): number => rig.state.workers.filter(({ phase }) => phase === "open").length

  it("W18: the size that is wanted is between the least and the most, one more when slots lack, the idle ones less", () => {
    const load = { min: 1, max: 3, size: 2, starting: 0, idle: 0, isShort: false }
    assert.strictEqual(desired(load), 2)
    assert.strictEqual(desired({ ...load, isShort: true }), 3)
    assert.strictEqual(desired({ ...load, isShort: true, size: 3 }), 3)
    assert.strictEqual(desired({ ...load, isShort: true, starting: 1 }), 2)
    assert.strictEqual(desired({ ...load, idle: 1 }), 1)
    assert.strictEqual(desired({ ...load, idle: 2 }), 1)
    assert.strictEqual(desired({ ...load, size: 0 }), 1)
    for (const idle of [0, 1, 2]) assert.strictEqual(desired({ ...load, isShort: true, idle, min: 0 }), 3)
  })

  it("W18: a pool of none grows when a task comes, to its most and no further, and shrinks when the work is done", () => {
    const rig = new Rig({}, { waitForWorkersMillis: 0 })
    const main = rig.open()
    pool(rig, {})
    assert.strictEqual(size(rig), 0)
    rig.submit(main, { a: [], b: [], c: [], d: [] })
    assert.deepStrictEqual(rig.told, ["start worker p-1"])
    startAll(rig)
    assert.deepStrictEqual([size(rig), rig.phase("d")], [3, "ready"])
    for (const name of ["a", "b", "c", "d"]) rig.end(name)
    rig.at(9)
    assert.strictEqual(size(rig), 3)
    rig.at(10)
    assert.strictEqual(size(rig), 0)
  })

  it("W18: a load that comes and goes faster than the idle time starts and stops nobody", () => {
    const rig = new Rig({}, { waitForWorkersMillis: 0 })
    const main = rig.open()
    pool(rig, { min: 1 })
    startAll(rig)
    for (let round = 0; round < 20; round++) {
      const names = [0, 1, 2].map((i) => `t${round}-${i}`)
      rig.submit(main, Object.fromEntries(names.map((name) => [name, []])))
      startAll(rig)
      for (const name of names) rig.end(name)
      rig.at(rig.now + 9)
    }
    assert.deepStrictEqual([size(rig), rig.state.next.worker], [3, 3])
    rig.at(rig.now + 10)
    assert.strictEqual(size(rig), 1)
  })

  it("W18: a light load needs no more than one, and keeps no other", () => {
    const rig = new Rig({})
    const main = rig.open()
    pool(rig, {})
    rig.submit(main, { a: [], b: [] })
    startAll(rig)
    for (const name of ["a", "b"]) rig.end(name)
    for (let round = 0; round < 10; round++) {
      rig.submit(main, { [`t${round}`]: [] })
      rig.end(`t${round}`)
      rig.at(rig.now + 4)
    }
    assert.deepStrictEqual(phases(rig).filter((each) => each.endsWith("open")), ["p-1 open"])
  })

  it("W18, M8: what the budget holds back asks for no worker, and keeps none that is idle", () => {
    const rig = new Rig({ w1: 1 }, { fairness: { budget: { target: 1, pause: 9 } } })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    rig.end("a", { _tag: "Succeeded", size: 2 })
    rig.submit(main, { c: [] })
    pool(rig, {})
    assert.deepStrictEqual([rig.phase("b"), rig.phase("c"), rig.told], ["running", "ready", []])
    rig.submit(main, { d: [rig.ref("a")] })
    assert.deepStrictEqual(rig.told.slice(-1), ["start worker p-1"])
    startAll(rig)
    assert.deepStrictEqual([rig.phase("d"), rig.phase("c"), size(rig)], ["running", "ready", 2])
    rig.end("d")
    rig.at(rig.now + 10)
    rig.at(rig.now + 1)
    assert.deepStrictEqual([rig.phase("c"), size(rig)], ["ready", 1])
  })

  it("W18, W9: what absorbs the end of a task that no worker takes gets a worker of the pool in the same step", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.send({ _tag: "TagLimited", tag: "t", limit: 1 })
    const demand = { tags: ["t"] }
    rig.submit(main, { holder: [] }, { settings: { holder: { key: "holder", demand } } })
    rig.submit(main, { a: [], b: ["a"] }, {
      targets: ["a", "b"],
      settings: { a: { key: "a", demand, waitForWorkersMillis: 0 }, b: { key: "b", absorbs: true } }
    })
    pool(rig, {})
    // The tag is taken, so another worker would not help.
    assert.deepStrictEqual([rig.phase("a"), rig.told], ["ready", []])
    drain(rig, 0)
    assert.deepStrictEqual([rig.outcome("a"), rig.phase("b")], [["NoWorker", "a"], "ready"])
    assert.include(rig.told, "start worker p-1")
    startAll(rig)
    assert.strictEqual(rig.phase("b"), "running")
  })

  it("W18: a lost worker of the pool is replaced while it is wanted, so many times within the window", () => {
    const rig = new Rig({}, { waitForWorkersMillis: 0 })
    const main = rig.open()
    pool(rig, { max: 1, terms: { restart: { times: 1, withinMillis: 20, minRunMillis: 0 } } })
    rig.submit(main, { a: [] }, { settings: { a: { waitForWorkersMillis: 100 } } })
    startAll(rig)
    rig.lose("p-1")
    startAll(rig)
    rig.now = 5
    rig.lose("p-2")
    assert.deepStrictEqual([size(rig), rig.phase("a")], [0, "ready"])
    rig.at(20)
    assert.include(rig.told, "start worker p-3")
    startAll(rig)
    assert.strictEqual(rig.phase("a"), "running")
  })

  it("W18, W6: with `allowOthers` a task waits for the pool like any other, unless a worker that it asks for takes tasks", () => {
    const loose = { demand: { workers: ["a"], allowOthers: true }, waitForWorkersMillis: 0 }
    const rig = new Rig({})
    pool(rig, { min: 0, max: 2 })
    const main = rig.open()
    rig.submit(main, { x: [], y: ["x"] }, { settings: { x: { key: "x", ...loose }, y: { key: "y", ...loose } } })
    assert.deepStrictEqual([rig.phase("x"), rig.phase("y")], ["ready", "waiting"])
    assert.strictEqual(rig.state.workers[0]!.phase, "starting")
    startAll(rig)
    assert.strictEqual(rig.phase("x"), "running")
    rig.send({ _tag: "WorkerAdded", name: "a", slots: 1 })
    rig.submit(main, { busy: [], late: [] }, {
      settings: { busy: { key: "busy", ...loose }, late: { key: "late", ...loose } }
    })
    assert.deepStrictEqual([rig.phase("busy"), rig.phase("late")], ["running", "ready"])
    assert.strictEqual(rig.state.workers.length, 2)
    rig.send({ _tag: "WorkerDrained", worker: 1 })
    assert.strictEqual(rig.state.workers.length, 3)
    startAll(rig)
    assert.strictEqual(rig.phase("late"), "running")
  })

  it("W18: a pool that is opened again has other sizes", () => {
    const rig = new Rig({})
    pool(rig, { min: 3 })
    startAll(rig)
    pool(rig, { min: 0, max: 1, idleMillis: 5 })
    rig.at(5)
    assert.strictEqual(size(rig), 0)
  })
})
