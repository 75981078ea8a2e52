import { assert, describe, it } from "@effect/vitest"
import { step } from "../../src/engine/Engine.ts"
import type { Scheme } from "../../src/engine/protocol/Settings.ts"
import * as State from "../../src/engine/state/State.ts"
import { plan } from "./plans.ts"
import { Rig } from "./rig.ts"

/** The names of the workers on which `count` tasks start that are there at once, and their state. */
const places = (scheme: Scheme, slots: ReadonlyArray<number>, count: number, seed = 1): ReadonlyArray<string> =>
  workersFor(scheme, slots, [{ submit: count }], seed)

type Act = { readonly submit: number } | { readonly end: number }

const workersFor = (
  scheme: Scheme,
  slots: ReadonlyArray<number>,
  acts: ReadonlyArray<Act>,
  seed = 1
): ReadonlyArray<string> => {
  const state = State.make({ scheme, seed })
  slots.forEach((count, i) => step(state, { _tag: "WorkerAdded", now: 0, name: `w${i + 1}`, slots: count }))
  step(state, { _tag: "OwnerOpened", now: 0, owner: 1, name: "main" })
  const starts: Array<{ readonly task: number; readonly attempt: number; readonly worker: number }> = []
  for (const act of acts) {
    const out = "submit" in act
      ? step(state, {
        _tag: "GraphSubmitted",
        now: 0,
        plan: plan(Object.fromEntries(Array.from({ length: act.submit }, (_, i) => [`t${i}`, []])), {
          anonymous: true
        }),
        owner: 1,
        targets: Array.from({ length: act.submit }, (_, i) => i),
        parent: -1,
        attempt: 0
      })
      : step(state, { ...starts[act.end]!, _tag: "TaskEnded", now: 0, ending: { _tag: "Succeeded" } })
    starts.push(...out.filter((each) => each._tag === "Start"))
  }
  return starts.map(({ worker }) => `w${worker + 1}`)
}

const counts = (names: ReadonlyArray<string>): Readonly<Record<string, number>> => {
  const found: Record<string, number> = {}
  for (const name of names) found[name] = (found[name] ?? 0) + 1
  return found
}

describe("schemes", () => {
  it("W3: steady takes the greatest share of free slots, of equals the first", () => {
    assert.deepStrictEqual(places("steady", [1, 2, 4], 7), ["w1", "w2", "w3", "w3", "w2", "w3", "w3"])
    assert.deepStrictEqual(
      workersFor("steady", [1, 1], [{ submit: 1 }, { end: 0 }, { submit: 1 }, { end: 1 }, { submit: 1 }]),
      ["w1", "w1", "w1"]
    )
  })

  it("W3: leastLoad takes the greatest share of free slots, of equals the least recently used", () => {
    assert.deepStrictEqual(places("leastLoad", [1, 2, 4], 7), ["w1", "w2", "w3", "w3", "w2", "w3", "w3"])
    assert.deepStrictEqual(
      workersFor("leastLoad", [1, 1], [{ submit: 1 }, { end: 0 }, { submit: 1 }, { end: 1 }, { submit: 1 }]),
      ["w1", "w2", "w1"]
    )
  })

  it("W3: lru takes the least recently used, however loaded it is", () => {
    assert.deepStrictEqual(places("lru", [4, 2, 1], 7), ["w1", "w2", "w3", "w1", "w2", "w1", "w1"])
    const acts: ReadonlyArray<Act> = [{ submit: 3 }, { end: 2 }, { end: 0 }, { submit: 2 }]
    assert.deepStrictEqual(workersFor("lru", [1, 1, 1], acts), ["w1", "w2", "w3", "w1", "w3"])
  })

  it("W3: plainRandom draws all workers alike, loaded or not", () => {
    const found = counts(places("plainRandom", [1000, 1000, 4000], 900))
    for (const name of ["w1", "w2", "w3"]) assert.closeTo(found[name]!, 300, 60, name)
  })

  it("W3: twoBin takes of two workers the one that was given something less recently", () => {
    const names = places("twoBin", [1000, 1000, 1000], 300)
    // Never the one that was used last: of any two it is the more recent one.
    names.forEach((name, i) => assert.notStrictEqual(name, names[i - 1]))
    assert.isAbove(new Set(names.map((name, i) => `${names[i - 1]} ${name}`).slice(1)).size, 5)
  })

  it("W3: weighted draws two in proportion to their free slots, and takes the less loaded", () => {
    const found = counts(places("weighted", [10, 10, 1000], 300))
    assert.isAbove(found["w3"]!, 260)
    assert.isAbove(found["w1"]! + found["w2"]!, 0)
  })

  for (const scheme of ["plainRandom", "twoBin", "weighted"] as const) {
    it(`W3: a seed fixes the sequence of ${scheme}`, () => {
      const slots = [20, 20, 20, 20]
      assert.deepStrictEqual(places(scheme, slots, 60, 7), places(scheme, slots, 60, 7))
      assert.notDeepEqual(places(scheme, slots, 60, 7), places(scheme, slots, 60, 8))
    })
  }

  it("W3: a function chooses among those with a free slot, and one that gives no index leaves it to steady", () => {
    const seen: Array<ReadonlyArray<string>> = []
    const last: Scheme = (workers) => {
      seen.push(workers.map(({ id, running, slots }) => `${id} ${running}/${slots}`))
      return workers.length - 1
    }
    assert.deepStrictEqual(places(last, [1, 1, 2], 4), ["w3", "w3", "w2", "w1"])
    // Of the only one left nobody is asked.
    assert.deepStrictEqual(seen, [["w1 0/1", "w2 0/1", "w3 0/2"], ["w1 0/1", "w2 0/1", "w3 1/2"], ["w1 0/1", "w2 0/1"]])
    assert.deepStrictEqual(places(() => NaN, [1, 1, 2], 4), ["w1", "w2", "w3", "w3"])
  })
})

describe("marks", () => {
  const marked = (slots: number, mark: number): Rig => {
    const rig = new Rig({})
    rig.send({ _tag: "WorkerAdded", name: "w1", slots, mark })
    return rig
  }

  it("W4: a worker at its mark starts nothing new, though slots of it are free", () => {
    const rig = marked(1, 2)
    const main = rig.open()
    rig.submit(main, { a: [], b: [], c: [] })
    rig.wait(1, [], "a", "never")
    assert.deepStrictEqual(rig.phase("b"), "running")
    rig.wait(2, [], "b", "never")
    assert.deepStrictEqual([rig.phase("c"), rig.state.workers[0]!.running], ["ready", 0])
    rig.end("a")
    assert.strictEqual(rig.phase("c"), "running")
  })

  it("W4: when all that it carries waits for tasks it starts one more, so recursion ends", () => {
    const rig = marked(1, 1)
    const main = rig.open()
    rig.submit(main, { parent: [], other: [] })
    const own = rig.open("own")
    rig.submit(own, { child: [] }, { inside: "parent" })
    assert.strictEqual(rig.phase("child"), "ready")
    rig.wait(1, [rig.claim(own, "child")], "parent")
    assert.deepStrictEqual([rig.phase("child"), rig.phase("other")], ["running", "ready"])
    rig.end("child")
    assert.strictEqual(rig.phase("parent"), "running")
    rig.end("parent")
    assert.strictEqual(rig.phase("other"), "running")
  })

  it("W4: a wait that keeps its slot counts as one for tasks", () => {
    const rig = marked(2, 1)
    const main = rig.open()
    rig.submit(main, { parent: [] })
    const own = rig.open("own")
    rig.submit(own, { child: [] }, { inside: "parent" })
    assert.strictEqual(rig.phase("child"), "ready")
    rig.keep(1, [rig.claim(own, "child")], "parent")
    assert.strictEqual(rig.phase("child"), "running")
  })
})
