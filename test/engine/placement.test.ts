import { assert, describe, it } from "@effect/vitest"
import * as Engine from "../../src/engine/Engine.ts"
import type { Ending, Event } from "../../src/engine/protocol/Event.ts"
import type { Start } from "../../src/engine/protocol/Instruction.ts"
import type { Plan, Settings } from "../../src/engine/protocol/Plan.ts"
import type { Policy } from "../../src/engine/protocol/policies.ts"
import { allExtras, extrasOf } from "../../src/engine/state/rare.ts"
import { explain } from "../../src/engine/views/explain.ts"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

const unmet: Ending = { _tag: "Unmet", reason: "no disk" }

/** Says that tasks may run on these workers alone. */
const on = (workers: ReadonlyArray<string>, allowOthers = false) => ({ demand: { workers, allowOthers } })

/** Says of tasks what they ask for; each has its name as key. */
const asking = (settings: Readonly<Record<string, Settings>>) => ({
  settings: Object.fromEntries(Object.entries(settings).map(([key, each]) => [key, { key, ...each }]))
})

const gpu: Settings = { demand: { labels: ["gpu"] } }

/** A rig whose workers have labels. */
const labelled = (workers: Readonly<Record<string, ReadonlyArray<string>>>, slots = 1): Rig => {
  const rig = new Rig({})
  for (const [name, labels] of Object.entries(workers)) rig.send({ _tag: "WorkerAdded", name, slots, labels })
  return rig
}

/** Prefers workers by these numbers; all others it rates 0. */
const preferring = (ratings: Readonly<Record<string, number | string>>): Settings => ({
  demand: { locality: ({ id }) => ratings[id] ?? 0 }
})

const reasonOf = (rig: Rig, name: string) => extrasOf(rig.state, rig.id(name))?.outcome?.reason

const startsOf = (rig: Rig): ReadonlyArray<string> =>
  rig.story.split("\n").flatMap((line) => /^< start (.*) \(/.exec(line)?.[1] ?? [])

const because = (rig: Rig, name: string) => explain(rig.state, name)?.because

/** How often the engine looks at its tasks while so many, each with a demand of its own, run to their end. */
const looks = (size: number): number => {
  const rig = new Rig({ w1: 1, w2: 1 })
  let count = 0
  Object.assign(rig.state, {
    tasks: new Proxy(rig.state.tasks, {
      get: (tasks, name) => {
        count++
        return Reflect.get(tasks, name, tasks) as unknown
      }
    })
  })
  const plan: Plan = {
    size: size,
    offsets: new Int32Array(size + 1),
    targets: new Int32Array(0),
    positions: Int32Array.from({ length: size }, (_, i) => i),
    settings: new Map(Array.from({ length: size }, (_, i) => [i, on([`w${1 + i % 2}`, `other${i}`])]))
  }
  const step = (event: Event) =>
    Engine.step(rig.state, event).filter(({ _tag }) => _tag === "Start") as ReadonlyArray<Start>
  const started = [
    ...step({ _tag: "GraphSubmitted", now: 0, plan, owner: rig.open(), targets: range(size), parent: -1, attempt: 0 })
  ]
  for (const { attempt, task } of started) {
    started.push(...step({ _tag: "TaskEnded", now: 0, task, attempt, ending: { _tag: "Succeeded" } }))
  }
  assert.deepStrictEqual(started.map(({ task }) => task).toSorted((a, b) => a - b), range(size))
  return count
}

const range = (size: number): ReadonlyArray<number> => Array.from({ length: size }, (_, i) => i)

describe("placement", () => {
  it("W6: to start tasks that all ask for something else the engine looks at a few of them, however many wait", () => {
    const [few, many] = [looks(200) / 200, looks(1600) / 1600]
    assert.isBelow(many, 1.5 * few)
  })

  it("W6: a task waits for the workers that it names, and holds up nothing that ranks behind it", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [], d: [] }, {
      settings: { a: { key: "a", ...on(["w1"]) }, b: { key: "b", ...on(["w1"]) } }
    })
    assert.deepStrictEqual(rig.told.filter((line) => line.startsWith("start")), [
      "start a on w1 (attempt 1, its 1.)",
      "start c on w2 (attempt 2, its 1.)"
    ])
    assert.deepStrictEqual(snapshot(rig.state).queue, ["b", "d"])
    assert.deepStrictEqual(because(rig, "b"), { _tag: "NoFreeSlot", ahead: 0, running: ["a"], on: ["w1"] })
    rig.end("c")
    assert.deepStrictEqual(rig.phase("d"), "running")
    rig.end("a")
    assert.deepStrictEqual(rig.phase("b"), "running")
  })

  it("W6: among all that may start somewhere the best ranked starts first, whatever it asks for", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { busy: [] })
    rig.submit(main, { a: [], b: [], c: [] }, { settings: { b: { key: "b", ...on(["w1", "w2"]) } } })
    rig.submit(main, { d: [], urgent: [] }, {
      settings: { d: { key: "d", ...on(["w1"]) }, urgent: { key: "urgent", priority: 1, ...on(["w1"]) } }
    })
    const started: Array<string> = []
    for (let name = "busy"; name !== ""; name = rig.told[0]?.split(" ")[1] ?? "") {
      rig.end(name)
      started.push(name)
    }
    assert.deepStrictEqual(started, ["busy", "urgent", "a", "b", "c", "d"])
  })

  it("W6: with `allowOthers` it runs anywhere as long as no worker that it names takes tasks", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { busy: [], strict: [], loose: [] }, {
      settings: {
        busy: { key: "busy", ...on(["w1"]) },
        strict: { key: "strict", ...on(["w1"]) },
        loose: { key: "loose", ...on(["w1"], true) }
      }
    })
    assert.deepStrictEqual(rig.phase("loose"), "ready")
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    assert.deepStrictEqual(rig.phase("loose"), "running")
    assert.deepStrictEqual(because(rig, "strict"), {
      _tag: "NoSuitableWorker",
      restriction: { workers: ["w1"] },
      unmet: [],
      never: [],
      until: undefined
    })
    rig.send({ _tag: "WorkerAdded", name: "w1", slots: 1 })
    assert.deepStrictEqual(rig.phase("strict"), "running")
  })

  it("W6: a task that is cancelled while it waits for a worker leaves nothing behind", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { busy: [], a: [] }, {
      settings: { busy: { key: "busy", ...on(["w1"]) }, a: { key: "a", ...on(["w1"]) } }
    })
    rig.send({ _tag: "OwnerClosed", owner: main, by: "main", reason: "closed", wait: 1, waiter: -1, attempt: 0 })
    assert.deepStrictEqual(rig.state.queues.size, 0)
    assert.deepStrictEqual(rig.state.demanding, 1)
    rig.end("busy")
    assert.deepStrictEqual(rig.state.demanding, 0)
  })

  it("W6: a task that gives its place up waits behind others in its own queue", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] }, {
      settings: { a: { key: "a", ...on(["w1"]) }, b: { key: "b", ...on(["w1"]) } }
    })
    rig.end("a", { _tag: "Rescheduled" })
    assert.deepStrictEqual(snapshot(rig.state).queue, ["c", "a"])
    rig.end("b")
    rig.end("c")
    assert.deepStrictEqual(rig.phase("a"), "running")
  })
})

describe("labels", () => {
  it("W6: a task runs on workers that have all the labels that it names", () => {
    const rig = labelled({ w1: ["gpu"], w2: ["gpu", "large"], w3: ["large"] })
    const main = rig.open()
    const both: Settings = { demand: { labels: ["large", "gpu"] } }
    rig.submit(
      main,
      { a: [], b: [], c: [] },
      asking({ a: both, b: both, c: { demand: { labels: ["gpu"], workers: ["w1", "w3"] } } })
    )
    assert.deepStrictEqual(startsOf(rig), ["a on w2", "c on w1"])
    rig.end("a")
    assert.deepStrictEqual(startsOf(rig), ["a on w2", "c on w1", "b on w2"])
  })
})

describe("no suitable worker", () => {
  it("C13: the task ends at its submission, before its dependencies do, and so do its dependents", () => {
    const rig = labelled({ w1: [] })
    const main = rig.open()
    rig.submit(main, { a: [], b: ["a"], c: ["b"] }, {
      targets: ["a", "b", "c"],
      ...asking({ b: { ...gpu, waitForWorkersMillis: 0 } })
    })
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b"), rig.phase("c")], ["running", "failed", "upstreamFailed"])
    assert.deepStrictEqual(rig.outcome("c"), ["NoSuitableWorker", "b", "c"])
    assert.deepStrictEqual(reasonOf(rig, "b"), {
      _tag: "NoSuitableWorker",
      restriction: { labels: ["gpu"] },
      millis: 0
    })
  })

  it("C13: it waits as long as it was told, from its submission", () => {
    const rig = labelled({ w1: [] })
    const main = rig.open()
    rig.submit(main, { a: [] }, asking({ a: { ...gpu, waitForWorkersMillis: 10 } }))
    assert.deepStrictEqual(rig.told, ["wake me at 10 ms"])
    assert.deepStrictEqual(because(rig, "a"), {
      _tag: "NoSuitableWorker",
      restriction: { labels: ["gpu"] },
      unmet: [],
      never: [],
      until: 10
    })
    rig.at(9)
    assert.strictEqual(rig.phase("a"), "ready")
    rig.at(10)
    assert.strictEqual(rig.phase("a"), "failed")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("C13: a suitable worker that comes in time takes it, and the wait begins anew when the last one leaves", () => {
    const rig = labelled({ w1: [] })
    const main = rig.open()
    rig.submit(
      main,
      { busy: [], a: [] },
      asking({
        busy: { demand: { workers: ["w2"] }, waitForWorkersMillis: 10 },
        a: { ...gpu, waitForWorkersMillis: 10 }
      })
    )
    rig.at(8)
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1, labels: ["gpu"] })
    assert.deepStrictEqual([rig.phase("busy"), rig.phase("a")], ["running", "ready"])
    rig.at(12)
    assert.strictEqual(rig.phase("a"), "ready")
    rig.send({ _tag: "WorkerDrained", worker: 1 })
    rig.at(21)
    assert.strictEqual(rig.phase("a"), "ready")
    rig.at(22)
    assert.strictEqual(rig.phase("a"), "failed")
  })

  it("C13: one that runs when its last worker leaves goes on, and lacks one when it is tried again", () => {
    const rig = labelled({ w1: [], w2: ["gpu"] })
    const main = rig.open()
    rig.submit(main, { a: [] }, asking({ a: { ...gpu, waitForWorkersMillis: 0 } }))
    rig.send({ _tag: "WorkerDrained", worker: 1 })
    assert.strictEqual(rig.phase("a"), "running")
    rig.end("a", { _tag: "Retried", delayMillis: 100 })
    assert.strictEqual(rig.phase("a"), "failed")
  })

  it("C13, F8: one with a policy whose result is lost with a worker that drained lacks one too", () => {
    const rig = new Rig({ w1: 2, w2: 1 })
    const main = rig.open()
    const policy: Policy = { _tag: "All", on: "completion" }
    rig.submit(main, { first: [], held: ["first"], busy: [] }, {
      ...asking({
        held: { ...on(["w1"]), waitForWorkersMillis: 0, policies: [{ of: "after", from: 0, to: 1, policy }] },
        busy: on(["w1"])
      }),
      targets: ["held", "busy"]
    })
    rig.end("first")
    rig.end("held")
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    rig.send({ _tag: "WorkerLost", worker: 0 })
    assert.deepStrictEqual([rig.phase("held"), reasonOf(rig, "held")?._tag], ["failed", "NoSuitableWorker"])
  })

  it("C13: with `allowOthers` it lacks a worker only when there is none", () => {
    const rig = labelled({ w1: [] })
    const main = rig.open()
    const loose: Settings = { demand: { labels: ["gpu"], allowOthers: true }, waitForWorkersMillis: 0 }
    rig.submit(main, { a: [], b: [] }, asking({ a: loose, b: loose }))
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["running", "ready"])
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b"), reasonOf(rig, "b")?._tag], [
      "running",
      "failed",
      "NoWorker"
    ])
  })

  it("V11, C13: with `allowOthers` it is explained like any other where there is no worker", () => {
    const rig = new Rig({})
    rig.submit(rig.open(), { a: [] }, asking({ a: { demand: { labels: ["gpu"], allowOthers: true } } }))
    assert.deepStrictEqual(explain(rig.state, "a")?.because, { _tag: "NoWorker", until: undefined })
  })

  it("C13: the scheduler says how long tasks wait that do not, and without a limit they wait for ever", () => {
    const rig = labelled({ w1: [] })
    const main = rig.open()
    rig.submit(main, { a: [] }, asking({ a: gpu }))
    rig.at(1_000_000)
    assert.strictEqual(rig.phase("a"), "ready")
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1, labels: ["gpu"] })
    assert.strictEqual(rig.phase("a"), "running")
  })
})

for (const isAway of [false, true]) {
  describe(isAway ? "unmet, seceded" : "unmet", () => {
    const away = (rig: Rig, name: string, wait: number): void => {
      if (isAway) rig.wait(wait, [], name, "never")
    }

    it("D10: the task goes to another worker, never twice to the same, and ends when none is left", () => {
      const rig = new Rig({ w1: 1, w2: 1 })
      const main = rig.open()
      rig.submit(main, { a: [], b: ["a"] }, { targets: ["a", "b"], ...asking({ a: { waitForWorkersMillis: 0 } }) })
      away(rig, "a", 50)
      rig.end("a", unmet)
      assert.deepStrictEqual(startsOf(rig), ["a on w1", "a on w2"])
      away(rig, "a", 51)
      rig.end("a", { _tag: "Unmet", reason: "no net" })
      assert.deepStrictEqual(startsOf(rig).length, 2)
      assert.deepStrictEqual(reasonOf(rig, "a"), {
        _tag: "Impossible",
        why: { _tag: "Unmet", on: [{ worker: "w1", why: "no disk" }, { worker: "w2", why: "no net" }] }
      })
      assert.deepStrictEqual(rig.outcome("b"), ["Impossible", "a", "b"])
      rig.close(main, 1)
      assertNothingIsLeft(rig)
    })

    it("D10: it is no attempt, and a retry keeps away from the worker too", () => {
      const rig = new Rig({ w1: 1, w2: 1 })
      const main = rig.open()
      rig.submit(main, { a: [] })
      away(rig, "a", 50)
      rig.end("a", unmet)
      assert.include(rig.told.at(-1), "start a on w2 (attempt 2, its 1.)")
      rig.end("a", { _tag: "Retried", delayMillis: 0 })
      assert.include(rig.told.at(-1), "start a on w2 (attempt 3, its 2.)")
    })

    it("D10: with a wait for workers a new one takes it, also one of an old name", () => {
      const rig = new Rig({ w1: 1 })
      const main = rig.open()
      rig.submit(main, { a: [], b: [] }, asking({ a: { waitForWorkersMillis: 10 } }))
      away(rig, "a", 50)
      rig.end("a", unmet)
      assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["ready", "running"])
      assert.deepStrictEqual(because(rig, "a"), {
        _tag: "NoSuitableWorker",
        restriction: {},
        unmet: [{ worker: "w1", why: "no disk" }],
        never: [],
        until: 10
      })
      rig.send({ _tag: "WorkerDrained", worker: 0 })
      rig.send({ _tag: "WorkerAdded", name: "w1", slots: 1 })
      assert.strictEqual(rig.phase("a"), "running")
      rig.end("a")
      assert.strictEqual(allExtras(rig.state, "barred").size, 1)
      rig.release(main, "a")
      assert.deepStrictEqual([allExtras(rig.state, "barred").size, rig.state.demanding], [0, 0])
    })

    it("D10: while the others are busy it waits, and explain says where it may run", () => {
      const rig = new Rig({ w1: 1, w2: 1 })
      const main = rig.open()
      rig.submit(main, { a: [], busy: [] })
      away(rig, "a", 50)
      rig.end("a", unmet)
      assert.deepStrictEqual(because(rig, "a"), { _tag: "NoFreeSlot", ahead: 0, running: ["busy"], on: ["w2"] })
      rig.end("busy")
      assert.strictEqual(rig.phase("a"), "running")
    })
  })
}

describe("locality", () => {
  it("W2: the task goes where it is preferred most, and elsewhere when that worker is busy", () => {
    const rig = new Rig({ w1: 1, w2: 1, w3: 1 })
    const main = rig.open()
    const liking = preferring({ w2: 1, w3: 2 })
    rig.submit(main, { a: [], b: [], c: [] }, asking({ a: liking, b: liking, c: liking }))
    assert.deepStrictEqual(startsOf(rig), ["a on w3", "b on w2", "c on w1"])
  })

  it("W2: below 0 it never runs there, and with nothing else it ends as impossible", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    const notW1 = preferring({ w1: -1 })
    rig.submit(
      main,
      { a: [], b: [], none: [] },
      asking({
        a: notW1,
        b: { ...notW1, waitForWorkersMillis: 0 },
        none: { ...preferring({ w1: -1, w2: -1 }), waitForWorkersMillis: 0 }
      })
    )
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b"), rig.phase("none")], ["running", "ready", "failed"])
    assert.deepStrictEqual(reasonOf(rig, "none"), {
      _tag: "Impossible",
      why: { _tag: "Locality", workers: ["w1", "w2"], fault: undefined }
    })
    rig.send({ _tag: "WorkerDrained", worker: 1 })
    assert.strictEqual(rig.phase("b"), "failed")
  })

  it("W2: a new worker is rated too, and takes what likes it", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(
      main,
      { busy: [], a: [], b: [] },
      asking({
        a: preferring({ w2: -1 }),
        b: preferring({ w2: 1 })
      })
    )
    assert.strictEqual(rig.state.queues.size, 1)
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    assert.deepStrictEqual(startsOf(rig), ["busy on w1", "b on w2"])
    rig.end("busy")
    assert.deepStrictEqual(startsOf(rig), ["busy on w1", "b on w2", "a on w1"])
  })

  it("W2: a rating that is no number ends the task at once, however long it would wait", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(
      main,
      { busy: [], a: [], b: [] },
      asking({
        a: preferring({ w1: "threw Error: boom for worker w1" }),
        b: preferring({ w2: "gave undefined for worker w2" })
      })
    )
    assert.deepStrictEqual([rig.phase("a"), rig.phase("b")], ["failed", "ready"])
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    assert.strictEqual(rig.phase("b"), "failed")
    assert.deepInclude(reasonOf(rig, "b"), {
      why: { _tag: "Locality", workers: ["w1", "w2"], fault: "gave undefined for worker w2" }
    })
  })
})

/** What `x` follows, with a policy if told. */
const following = (size: number, policy: Policy = { _tag: "All", on: "success" }): Settings => ({
  policies: [{ of: "follow", from: 0, to: size, policy }]
})

const anyOf: Policy = { _tag: "AtLeast", count: 1, on: "success" }

/** Which tasks were started where, in order. */
const ranIn = (rig: Rig): ReadonlyArray<string> => startsOf(rig).map((line) => line.replace(/ with .* on /, " on "))

/** The tasks a, b, c at work on w1, w2, w3, and x, which depends on them; all are claimed. */
const apart = (settings: Settings): Rig => {
  const rig = new Rig({ w1: 1, w2: 1, w3: 1 })
  const main = rig.open()
  rig.submit(main, { a: [], b: [], c: [], x: ["a", "b", "c"] }, {
    ...asking({ a: on(["w1"]), b: on(["w2"]), c: on(["w3"]), x: settings }),
    targets: ["a", "b", "c", "x"]
  })
  return rig
}

describe("following", () => {
  const pair = (slots = 1): Rig => {
    const rig = new Rig({ w1: slots, w2: slots })
    const main = rig.open()
    rig.submit(main, { a: [], x: ["a"] }, {
      ...asking({ a: on(["w2"]), x: following(1) }),
      targets: ["a", "x"]
    })
    return rig
  }

  it("D8: a task runs where what it follows ran, and waits for a slot there while others are free", () => {
    const rig = pair()
    rig.submit(rig.open("other"), { y: [] }, asking({ y: on(["w2"]) }))
    rig.end("a")
    assert.deepStrictEqual(ranIn(rig), ["a on w2", "x on w2"])
    rig.end("x", { _tag: "Retried", delayMillis: 0 })
    assert.deepStrictEqual(ranIn(rig), ["a on w2", "x on w2", "x on w2"])
    rig.end("x")
    assert.deepStrictEqual(ranIn(rig).at(-1), "y on w2")
  })

  it("D8: one that waits for its worker tells so", () => {
    const rig = pair()
    rig.submit(rig.open("other"), { y: [] }, asking({ y: { ...on(["w2"]), priority: 1 } }))
    rig.end("a")
    assert.deepStrictEqual(because(rig, "x"), { _tag: "NoFreeSlot", ahead: 0, running: ["y"], on: ["w2"] })
    rig.end("y")
    assert.deepStrictEqual(ranIn(rig), ["a on w2", "y on w2", "x on w2"])
    rig.end("x")
  })

  it("D8: results of all that are apart make it impossible in that moment, however long it may wait for workers", () => {
    const rig = apart(following(3))
    rig.end("a")
    rig.end("b")
    assert.strictEqual(rig.phase("x"), "waiting")
    rig.end("c")
    assert.deepStrictEqual(reasonOf(rig, "x"), {
      _tag: "Impossible",
      why: { _tag: "Apart", workers: ["w1", "w2", "w3"] }
    })
  })

  it("D8: of several, any is enough: where the first one ran, and where others did that end before it starts", () => {
    const rig = apart(following(3, anyOf))
    const other = rig.open("other")
    rig.submit(
      other,
      { y: [], z: [] },
      asking({ y: { ...on(["w1"]), priority: 1 }, z: { ...on(["w2"]), priority: 1 } })
    )
    rig.end("a")
    assert.strictEqual(rig.phase("x"), "ready")
    assert.deepStrictEqual(because(rig, "x"), { _tag: "NoFreeSlot", ahead: 1, running: ["y"], on: ["w1"] })
    rig.end("b")
    assert.deepStrictEqual(because(rig, "x"), { _tag: "NoFreeSlot", ahead: 0, running: ["y", "z"], on: ["w1", "w2"] })
    rig.end("z")
    assert.deepStrictEqual(ranIn(rig).at(-1), "x on w2")
  })

  it("D8: at least two of three must have run in one place", () => {
    const two: Policy = { _tag: "AtLeast", count: 2, on: "success" }
    const rig = new Rig({ w1: 2, w2: 2 })
    const main = rig.open()
    const graph = { a: [], b: [], c: [], x: ["a", "b", "c"], y: ["a", "b", "c"] }
    rig.submit(main, graph, {
      ...asking({ a: on(["w2"]), b: on(["w1"]), c: on(["w2"]), x: following(3, two), y: following(3) }),
      targets: Object.keys(graph)
    })
    rig.end("a")
    rig.end("c")
    assert.deepStrictEqual(ranIn(rig).at(-1), "x on w2")
    rig.end("b")
    assert.deepStrictEqual(reasonOf(rig, "y"), { _tag: "Impossible", why: { _tag: "Apart", workers: ["w1", "w2"] } })
  })

  it("D8: failures count where the policy takes them, and one that never ran binds to nothing", () => {
    const failures = apart(following(3, { _tag: "AtLeast", count: 1, on: "failure" }))
    failures.fail("b")
    assert.deepStrictEqual(ranIn(failures).at(-1), "x on w2")
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { bad: [], never: ["bad"], x: ["never"] }, {
      ...asking({ bad: on(["w2"]), never: {}, x: following(1, { _tag: "All", on: "completion" }) }),
      targets: ["never", "x"]
    })
    rig.fail("bad")
    assert.deepStrictEqual(ranIn(rig).at(-1), "x on w1")
    assert.strictEqual(allExtras(rig.state, "barred").size, 0)
  })

  it("D8: the rule `always` binds to no worker, also where what it follows has ended", () => {
    const place = (policy: Policy): string => {
      const rig = new Rig({ w1: 1, w2: 1 })
      const main = rig.open()
      rig.submit(main, { a: [] }, asking({ a: on(["w2"]) }))
      rig.end("a")
      rig.submit(main, { x: [rig.ref("a")] }, asking({ x: following(1, policy) }))
      return ranIn(rig).at(-1)!
    }
    assert.strictEqual(place({ _tag: "Rule", rule: "always" }), "x on w1")
    assert.strictEqual(place({ _tag: "Rule", rule: "oneSuccess" }), "x on w2")
  })

  it("D8: where branches meet, those bind that succeeded", () => {
    const rule: Policy = { _tag: "Rule", rule: "noneFailedOneSuccess" }
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], x: ["a", "b"] }, asking({ a: on(["w2"]), b: on(["w1"]), x: following(2, rule) }))
    rig.end("b", { _tag: "Skipped" })
    rig.end("a")
    assert.deepStrictEqual(ranIn(rig).at(-1), "x on w2")
  })

  it("D8: several sets bind all", () => {
    const sets: Settings = {
      policies: [
        { of: "follow", from: 0, to: 1, policy: anyOf },
        { of: "follow", from: 1, to: 3, policy: anyOf }
      ]
    }
    const met = apart(sets)
    met.end("b")
    assert.strictEqual(met.phase("x"), "waiting")
    met.end("a")
    assert.deepStrictEqual(reasonOf(met, "x"), { _tag: "Impossible", why: { _tag: "Apart", workers: ["w1", "w2"] } })
    const rig = new Rig({ w1: 2, w2: 1, w3: 2 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [], x: ["a", "b", "c"] }, {
      ...asking({ a: on(["w3"]), b: on(["w2"]), c: on(["w3"]), x: sets }),
      targets: ["a", "b", "c", "x"]
    })
    rig.end("c")
    rig.end("b")
    rig.end("a")
    assert.deepStrictEqual(ranIn(rig).at(-1), "x on w3")
  })

  it("D8: a result that was handed on is followed to the worker that holds it", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    rig.submit(main, { a: [] })
    rig.end("a")
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    rig.send({ _tag: "TaskCopied", copy: 1 })
    rig.submit(main, { x: [rig.ref("a")] }, asking({ x: following(1) }))
    assert.deepStrictEqual(ranIn(rig).at(-1), "x on w2")
  })

  it("D8: results that are lost with their worker are made anew, and followed there", () => {
    const rig = new Rig({ w1: 1, w2: 1 })
    const main = rig.open()
    rig.submit(main, { busy: [], a: [] }, asking({ busy: {}, a: {} }))
    rig.submit(main, { x: [rig.ref("a")] }, asking({ x: following(1) }))
    rig.end("a")
    assert.deepStrictEqual(ranIn(rig), ["busy on w1", "a on w2", "x on w2"])
    rig.send({ _tag: "WorkerLost", worker: 1 })
    assert.strictEqual(rig.phase("x"), "waiting")
    rig.end("busy")
    rig.end("a")
    assert.deepStrictEqual(ranIn(rig).slice(3), ["a on w1", "x on w1"])
  })

  it("D8: a task that follows to a worker which takes no tasks any more is impossible at once", () => {
    const rig = new Rig({ w1: 2, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [], x: ["a", "b"] }, {
      ...asking({ a: on(["w1"]), b: on(["w2"]), x: { policies: [{ of: "follow", from: 0, to: 1, policy: anyOf }] } }),
      targets: ["a", "b", "x"]
    })
    rig.end("a")
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    assert.strictEqual(rig.phase("x"), "waiting")
    rig.end("b")
    assert.deepStrictEqual(reasonOf(rig, "x"), { _tag: "Impossible", why: { _tag: "Away", workers: ["w1"] } })
  })

  it("D8, W7: it does not wait for results to be handed on, for their worker may run what waits for it; later it goes there", () => {
    const rig = new Rig({ w1: 2, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], parent: [], b: [] }, asking({ a: on(["w1"]), parent: on(["w1"]), b: on(["w2"]) }))
    rig.end("a")
    rig.submit(main, { later: [rig.ref("a"), rig.ref("b")] }, asking({ later: following(1) }))
    rig.send({ _tag: "WorkerDrained", worker: 0 })
    rig.submit(rig.open("own"), { x: [rig.ref("a")] }, { inside: "parent", ...asking({ x: following(1) }) })
    assert.deepStrictEqual(reasonOf(rig, "x"), { _tag: "Impossible", why: { _tag: "Away", workers: ["w1"] } })
    rig.end("parent")
    rig.arrive()
    assert.strictEqual(rig.state.workers[0]!.phase, "gone")
    rig.end("b")
    assert.deepStrictEqual(ranIn(rig).at(-1), "later on w2")
  })

  it("D8: where it follows and where it may run must agree", () => {
    const rig = new Rig({ w1: 2, w2: 1 })
    const main = rig.open()
    rig.submit(main, { a: [], x: ["a"], y: ["a"], z: ["a"] }, {
      ...asking({
        a: on(["w1"]),
        x: { ...following(1), ...on(["w2"]) },
        y: { ...following(1), ...on(["w2"], true) },
        z: { ...following(1), demand: { locality: ({ id }) => id === "w1" ? -1 : 0 } }
      }),
      targets: ["a", "x", "y", "z"]
    })
    rig.end("a")
    assert.deepStrictEqual(reasonOf(rig, "x"), { _tag: "Impossible", why: { _tag: "Away", workers: ["w1"] } })
    assert.deepStrictEqual(ranIn(rig).at(-1), "y on w1")
    assert.deepStrictEqual(reasonOf(rig, "z"), {
      _tag: "Impossible",
      why: { _tag: "Locality", workers: ["w1"], fault: undefined }
    })
  })

  it("D8: one whose body cannot run there is impossible, and nothing is left of it", () => {
    const rig = pair()
    rig.end("a")
    rig.end("x", unmet)
    assert.deepStrictEqual(reasonOf(rig, "x"), {
      _tag: "Impossible",
      why: { _tag: "Unmet", on: [{ worker: "w2", why: "no disk" }] }
    })
    rig.send({ _tag: "OwnerClosed", owner: 100, by: "main", reason: "closed", wait: 1, waiter: -1, attempt: 0 })
    assert.strictEqual(rig.state.demanding, 0)
    assertNothingIsLeft(rig)
  })
})

describe("a worker that comes in the last moment", () => {
  it("C13, W15: takes a task whose wait for one ends in the same step", () => {
    const rig = new Rig({})
    rig.send({ _tag: "WorkerAdded", name: "w1", slots: 1, terms: { maxAgeMillis: 10 } })
    const main = rig.open()
    rig.submit(main, { busy: [], x: [] }, asking({ busy: {}, x: { waitForWorkersMillis: 10 } }))
    assert.deepStrictEqual(startsOf(rig), ["busy on w1"])
    rig.end("busy")
    rig.end("x", unmet)
    rig.now = 10
    rig.send({ _tag: "TimeCame" })
    assert.strictEqual(rig.phase("x"), "ready")
  })
})
