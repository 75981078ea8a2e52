import { assert, describe, it } from "@effect/vitest"
import { check } from "../../src/engine/check/check.ts"
import * as Engine from "../../src/engine/Engine.ts"
import { interrupted, succeeded } from "../../src/engine/protocol/Event.ts"
import type { Ending, Event } from "../../src/engine/protocol/Event.ts"
import { Flag, Phase } from "../../src/engine/protocol/Phase.ts"
import type { Settings } from "../../src/engine/protocol/Plan.ts"
import { sequenceOf } from "../../src/engine/state/lookups.ts"
import * as State from "../../src/engine/state/State.ts"
import { explain } from "../../src/engine/views/explain.ts"
import { keyedTasks } from "../../src/engine/views/tasks.ts"
import { Chance } from "../chance.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

/** Submits a task that starts when these have ended. */
const after = (rig: Rig, owner: number, name: string, formers: ReadonlyArray<string>, more: object = {}) =>
  rig.submit(owner, { [name]: [] }, {
    successions: [{ index: 0, formers: formers.map((former) => rig.id(former)) }],
    ...more
  })

describe("successions", () => {
  it("G21: a task starts when those that it replaces have ended, however they end", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    rig.submit(main, { a: [], b: [] })
    after(rig, main, "c", ["a", "b"])
    assert.strictEqual(rig.phase("c"), "waiting")
    assert.deepStrictEqual(explain(rig.state, "c")?.because, { _tag: "WaitsForDependencies", keys: ["a", "b"] })
    rig.fail("a")
    assert.strictEqual(rig.phase("c"), "waiting")
    rig.cancel(main, "b", 50)
    assert.strictEqual(rig.phase("c"), "waiting")
    rig.end("b", { _tag: "Interrupted" })
    assert.strictEqual(rig.phase("c"), "running")
    rig.end("c")
    rig.close(main, 51)
    assertNothingIsLeft(rig)
    assert.strictEqual(rig.state.successors.size, 0)
  })

  it("G21: it also waits for its dependencies, and for finalizers of what it replaces", () => {
    const rig = new Rig({ w1: 4 })
    const main = rig.open()
    rig.submit(main, { a: [] }, { settings: { a: { key: "a", resource: true } } })
    rig.submit(main, { d: [] })
    rig.submit(main, { c: [rig.ref("d")] }, { successions: [{ index: 0, formers: [rig.id("a")] }] })
    rig.cancel(main, "a", 50)
    rig.end("d")
    assert.strictEqual(rig.phase("c"), "waiting")
    rig.end("a")
    assert.strictEqual(rig.phase("c"), "waiting")
    rig.finalize("a")
    assert.strictEqual(rig.phase("c"), "running")
  })

  it("G21: it does not wait for finalizers of one that succeeds and that nobody needs from then on", () => {
    const rig = new Rig({ w1: 2, w2: 2 })
    const main = rig.open()
    // With a and b apart, x can follow to no worker, and needs neither from then on.
    rig.submit(main, { a: [], b: [], x: ["a", "b"] }, {
      settings: {
        a: { key: "a", resource: true, demand: { workers: ["w1"] } },
        b: { demand: { workers: ["w2"] } },
        x: { policies: [{ of: "follow", from: 0, to: 2, policy: { _tag: "All", on: "success" } }] }
      }
    })
    rig.end("b")
    after(rig, main, "c", ["a"])
    assert.strictEqual(rig.phase("c"), "waiting")
    rig.end("a")
    assert.deepStrictEqual([rig.phase("a"), rig.phase("x"), rig.phase("c")], ["releasing", "failed", "running"])
  })

  it("G21: one that is cancelled meanwhile leaves nothing, and its row may go to another", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    const other = rig.open("other")
    rig.submit(main, { a: [] })
    after(rig, other, "c", ["a"])
    rig.close(other, 50)
    rig.submit(main, { d: [] })
    rig.end("a")
    assert.strictEqual(rig.phase("d"), "running")
    rig.end("d")
    rig.close(main, 51)
    assertNothingIsLeft(rig)
  })

  it("G21, N6: a wait of a former task for the one that replaces it ends at once as starved", () => {
    const rig = new Rig({ w1: 2 })
    const main = rig.open()
    rig.submit(main, { a: [] })
    after(rig, main, "c", ["a"], { inside: "a" })
    const [ended] = rig.wait(50, [rig.claim(main, "c")], "a").filter(({ _tag }) => _tag === "WaitEnded")
    assert.deepInclude(ended, { wait: 50, starved: [["a", "c"], ["c", "a"]] })
  })
})

/** Settings of tasks that count how often those of a task are read. */
class CountedSettings extends Map<number, Settings> {
  reads = 0

  override get(index: number): Settings | undefined {
    this.reads++
    return super.get(index)
  }
}

describe("live tasks of a key", () => {
  it("G21: they are found without a look at others, but for the first query", () => {
    const rig = new Rig({ w1: 1 })
    const main = rig.open()
    const names = Array.from({ length: 200 }, (_, i) => `t${i}`)
    const ids = rig.submit(main, Object.fromEntries(names.map((name) => [name, []])))
    const { plan } = rig.state.tasks.submission[ids[0]!]!
    const settings = new CountedSettings(plan.settings)
    Object.assign(plan, { settings })
    assert.deepStrictEqual(keyedTasks(rig.state, "t7").map(({ id }) => id), [rig.id("t7")])
    assert.isAtLeast(settings.reads, names.length)
    settings.reads = 0
    assert.deepStrictEqual(keyedTasks(rig.state, "t8").map(({ id }) => id), [rig.id("t8")])
    assert.deepStrictEqual(keyedTasks(rig.state, "other"), [])
    assert.strictEqual(settings.reads, 1)
    rig.submit(rig.open("other"), { t8: [] }, { settings: { t8: { key: "t8", identity: "again" } } })
    assert.strictEqual(keyedTasks(rig.state, "t8").length, 2)
    rig.close(main, 50)
    assert.strictEqual(keyedTasks(rig.state, "t8").length, 1)
    assert.strictEqual(rig.state.runs!.size, 2)
  })
})

/** Replaces tasks of two keys at random, on workers that are lost now and then; of each key one runs at once. */
const replaceAtRandom = (
  seed: number
): { readonly story: string; readonly starts: number; readonly replaced: number } => {
  const chance = new Chance(seed)
  const state = State.make()
  const lines: Array<string> = []
  const keys = new Map<number, string>()
  const runs = new Map<
    number,
    { readonly task: number; readonly worker: number; readonly key: string; readonly isRemade: boolean }
  >()
  const stopping = new Set<number>()
  let [starts, replaced, wait] = [0, 0, 100]
  let next = ""
  const send = (event: Event): void => {
    const out = Engine.step(state, event)
    lines.push(JSON.stringify([event, out]))
    for (const each of out) {
      if (each._tag === "Submitted") { for (const id of each.ids) keys.set(id, next) }
      else if (each._tag === "Stop") stopping.add(each.attempt)
      else if (each._tag === "Start") {
        const key = keys.get(each.task)!
        // A result that was there before is made again when it is lost, beside the run that came after it.
        const isRemade = (state.tasks.flags[each.task]! & Flag.recomputed) !== 0
        const other = [...runs.values()].find((run) => run.key === key && !run.isRemade)
        if (!isRemade) assert.isUndefined(other, `seed ${seed}: two runs of ${key} at once`)
        starts++
        runs.set(each.attempt, { task: each.task, worker: each.worker, key, isRemade })
      }
    }
  }
  const addWorker = () => send({ _tag: "WorkerAdded", now: 0, name: `w${state.next.worker}`, slots: 2 })
  const submit = (): void => {
    next = chance.pick(["j", "k"])!
    const formers = keyedTasks(state, next).filter(({ phase }) => phase < Phase.succeeded).map(({ id }) => id)
    const identity = `${next} ${state.next.sequence}`
    const settings = new Map([[0, { key: next, identity, resource: chance.with(0.2) ? true : undefined }]])
    const edges = { offsets: new Int32Array(2), targets: new Int32Array(0), positions: new Int32Array(1) }
    const serials = formers.map((id) => sequenceOf(state, id))
    send({
      _tag: "GraphSubmitted",
      now: 0,
      plan: { size: 1, ...edges, settings },
      owner: 1,
      targets: [0],
      parent: -1,
      attempt: 0,
      successions: [{ index: 0, formers }]
    })
    for (const serial of serials) {
      replaced++
      const of = { claim: -1, owner: 1, serial, cancelled: undefined, wait: wait++, waiter: -1, attempt: 0 } as const
      send({ _tag: "CancelRequested", now: 0, force: true, by: "test", reason: "replaced", ...of })
    }
  }
  const end = (): void => {
    const attempt = chance.pick([...runs.keys()])
    if (attempt === undefined) return
    const { task } = runs.get(attempt)!
    runs.delete(attempt)
    const ending = chance.pick<Ending>([
      stopping.has(attempt) ? interrupted : succeeded,
      succeeded,
      { _tag: "Retried", delayMillis: 0 }
    ])!
    send({ _tag: "TaskEnded", now: 0, task, attempt, ending })
  }
  const finalize = (): void => {
    const { attempt, phase, used } = state.tasks
    const task = Array.from({ length: used }, (_, id) => id).find((id) => phase[id] === Phase.releasing)
    if (task !== undefined) send({ _tag: "TaskFinalized", now: 0, task, attempt: attempt[task]! })
  }
  const lose = (): void => {
    const worker = chance.pick(state.workers.filter(({ phase }) => phase === "open"))!
    for (const [attempt, run] of runs) if (run.worker === worker.serial) runs.delete(attempt)
    addWorker()
    send({ _tag: "WorkerLost", now: 0, worker: worker.serial })
  }
  addWorker()
  send({ _tag: "OwnerOpened", now: 0, owner: 1, name: "main" })
  for (let i = 0; i < 40; i++) chance.weighted([[4, submit], [4, end], [2, finalize], [0.5, lose]])()
  for (let i = 0; i < 100; i++) {
    end()
    finalize()
  }
  assert.deepStrictEqual([runs.size, state.successors.size, check(state)], [0, 0, []], `seed ${seed}`)
  return { story: lines.join("\n"), starts, replaced }
}

describe("random replacements", () => {
  it("G21: of one key no two runs are at work at once, all of them end, and the same seed says the same twice", () => {
    let [starts, replaced] = [0, 0]
    for (let seed = 1; seed <= 1000; seed++) {
      const [first, second] = [replaceAtRandom(seed), replaceAtRandom(seed)]
      assert.strictEqual(first.story, second.story)
      starts += first.starts
      replaced += first.replaced
    }
    assert.isAbove(starts, 5000)
    assert.isAbove(replaced, 5000)
  })
})
