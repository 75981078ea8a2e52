/** Workers of two kinds, and tasks of two kinds: a remote worker runs portable tasks only. */
import { assert, describe, it } from "@effect/vitest"
import { explain } from "../../src/engine/views/explain.ts"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { Chance } from "../chance.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"
import type { Graph, Settings } from "./rig.ts"

/** A local worker `here` and a remote worker `far`, with so many slots each; none for 0. */
const both = (here = 1, far = 1, ahead = 0, settings: Settings = {}): Rig => {
  const rig = new Rig({}, settings)
  if (here > 0) rig.send({ _tag: "WorkerAdded", name: "here", slots: here })
  if (far > 0) addFar(rig, far, ahead)
  return rig
}

const addFar = (rig: Rig, slots = 1, ahead = 0): void =>
  void rig.send({ _tag: "WorkerAdded", name: "far", slots, kind: "remote", ahead })

/** Tasks without dependencies, one for each letter of these words. */
const loose = (letters: string): Graph => Object.fromEntries(Array.from(letters).map((letter) => [letter, []]))

/** `a on here`, for each start in the last step. */
const starts = (rig: Rig): ReadonlyArray<string> =>
  rig.told.flatMap((line) => /^start (.*) on (\w+) \(.*?(, ahead)?\)$/.exec(line)?.slice(1).join(" ").trim() ?? [])

const drain = (rig: Rig, name: string): void => {
  const worker = rig.state.workers.findLast((each) => each.name === name)!.serial
  rig.send({ _tag: "WorkerDrained", worker })
}

describe("workers of two kinds", () => {
  it("W20: a local task runs on a local worker, a portable task on either", () => {
    const rig = both(2, 1)
    const main = rig.open()
    rig.submit(main, loose("abcpqr"), { portable: ["p", "q", "r"] })
    assert.deepStrictEqual(starts(rig), ["a here", "b here", "p far"])
    rig.end("p")
    assert.deepStrictEqual(starts(rig), ["q far"])
    rig.end("a")
    assert.deepStrictEqual(starts(rig), ["c here"])
    rig.end("b")
    assert.deepStrictEqual(starts(rig), ["r here"])
    for (const each of ["c", "q", "r"]) rig.end(each)
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W20: a portable task leaves the slot of a local worker to local tasks while one of a remote worker is free", () => {
    const rig = both(1, 1)
    rig.submit(rig.open(), loose("pa"), { portable: ["p"] })
    assert.deepStrictEqual(starts(rig), ["p far", "a here"])
  })

  it("W19, W20: an attempt begins at once here, and on a worker to which others are sent ahead when that says so", () => {
    const rig = both(1, 1, 4)
    rig.submit(rig.open(), loose("pa"), { portable: ["p"] })
    assert.deepStrictEqual([starts(rig), rig.phase("a"), rig.phase("p")], [["p far", "a here"], "running", "assigned"])
  })

  it("W20: a remote task runs on a remote worker alone, in the one order, and waits for one", () => {
    const rig = both(1, 0)
    const main = rig.open()
    rig.submit(main, loose("rapsq"), { portable: ["p", "q"], remote: ["r", "s"] })
    assert.deepStrictEqual(starts(rig), ["a here"])
    addFar(rig)
    assert.deepStrictEqual(starts(rig), ["r far"])
    rig.end("r")
    assert.deepStrictEqual(starts(rig), ["p far"])
    rig.end("a")
    assert.deepStrictEqual(starts(rig), ["q here"])
    rig.end("q")
    assert.deepStrictEqual(starts(rig), [])
    rig.end("p")
    assert.deepStrictEqual(starts(rig), ["s far"])
    rig.end("s")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W20: a remote task that is ready alone is given to no local worker, nor are those with a demand", () => {
    const rig = both(2, 0)
    const main = rig.open()
    const settings = { d: { demand: { labels: [] } } }
    rig.submit(main, { ...loose("da"), r: ["a"] }, { remote: ["d", "r"], settings, targets: ["d", "r"] })
    rig.end("a")
    assert.deepStrictEqual([starts(rig), rig.phase("r"), rig.phase("d")], [[], "ready", "ready"])
    addFar(rig, 2)
    assert.sameMembers([...starts(rig)], ["d far", "r with a far"])
    for (const each of ["d", "r"]) rig.end(each)
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W20, O5: tasks of both kinds that compete for one worker start in the one order", () => {
    const rig = both(1, 1)
    rig.submit(rig.open(), loose("xypaqb"), { portable: ["x", "p", "q"] })
    assert.deepStrictEqual(starts(rig), ["x far", "y here"])
    rig.end("y")
    assert.deepStrictEqual(starts(rig), ["p here"])
    rig.end("p")
    assert.deepStrictEqual(starts(rig), ["a here"])
    // The remote worker passes over b.
    rig.end("x")
    assert.deepStrictEqual(starts(rig), ["q far"])
    rig.end("a")
    assert.deepStrictEqual(starts(rig), ["b here"])
  })

  it("W20: no task waits while a worker that may run it is idle, and as many start as can, in every small case", () => {
    for (let here = 0; here <= 2; here++) {
      for (let far = 0; far <= 2; far++) {
        for (let size = 1; size <= 4; size++) {
          for (let bits = 0; bits < 1 << size; bits++) {
            const rig = both(here, far)
            const letters = "abcd".slice(0, size)
            const portable = Array.from(letters).filter((_, i) => (bits >> i) % 2 === 1)
            rig.submit(rig.open(), loose(letters), { portable })
            // The greatest number of pairs of a task and a slot.
            const remote = Math.min(far, portable.length)
            const most = remote + Math.min(here, size - remote)
            const told = starts(rig)
            const what = `${here} here, ${far} far, ${letters} with portable ${portable.join()}`
            assert.strictEqual(told.length, most, what)
            for (const line of told) {
              const [task = "", worker] = line.split(" ")
              assert.isTrue(worker === "here" || portable.includes(task), what)
            }
            // Of those of one kind the first start.
            for (const isMember of [true, false]) {
              const started = told.map((line) => line[0]!).filter((task) => portable.includes(task) === isMember)
              const all = Array.from(letters).filter((task) => portable.includes(task) === isMember)
              assert.deepStrictEqual(started, all.slice(0, started.length), what)
            }
          }
        }
      }
    }
  })

  it("W20, O5: without a remote worker the bit changes nothing: the same random graph starts in the same order", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const lives = [false, true].map((isMarked) => {
        const chance = new Chance(seed)
        const rig = new Rig({ w1: 2 })
        const main = rig.open()
        const grow = (prefix: string, inside?: string): void => {
          const names = Array.from({ length: 2 + chance.below(5) }, (_, i) => `${prefix}${i}`)
          const graph = Object.fromEntries(
            names.map((name, i) => [name, chance.with(0.5) || i === 0 ? [] : [names[i - 1]!]])
          )
          const priority = () => chance.with(0.2) ? { priority: chance.below(3) } : {}
          const settings = Object.fromEntries(names.map((name) => [name, { key: name, ...priority() }]))
          const bits = names.filter(() => chance.with(0.5))
          const positions = Object.fromEntries(names.map((name, i) => [name, names.length - 1 - i]))
          rig.submit(main, graph, {
            settings,
            targets: names,
            ...(chance.with(0.5) && { positions }),
            ...(inside !== undefined && { inside }),
            ...(isMarked && { portable: bits })
          })
        }
        grow("a")
        grow("b")
        const told: Array<string> = []
        for (let i = 0; i < 40; i++) {
          const name = chance.pick(snapshot(rig.state).workers[0]!.running)
          if (name === undefined) break
          if (i < 4 && chance.with(0.5)) grow(`${name}.${i}.`, name)
          else if (chance.with(0.2)) rig.end(name, { _tag: "Rescheduled" })
          else rig.end(name)
          told.push(...starts(rig))
        }
        return told
      })
      assert.isAbove(lives[0]!.length, 3)
      assert.deepStrictEqual(lives[1], lives[0], `seed ${seed}`)
    }
  })

  it("W20: ready tasks find a remote worker that joins, and local ones those of a remote worker that left", () => {
    const rig = both(1, 0)
    const main = rig.open()
    rig.submit(main, loose("abpq"), { portable: ["p", "q"] })
    rig.submit(main, loose("cr"), { portable: ["r"] })
    addFar(rig, 2)
    assert.deepStrictEqual(starts(rig), ["p far", "q far"])
    assert.isTrue(rig.state.isDivided)
    drain(rig, "far")
    for (const each of ["p", "q"]) rig.end(each)
    assert.isFalse(rig.state.isDivided)
    rig.end("a")
    rig.end("b")
    rig.end("c")
    assert.deepStrictEqual(starts(rig), ["r here"])
    rig.end("r")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W20, F8: what a lost worker ran starts where it may: portable tasks on either, local ones on a local worker", () => {
    const rig = both(1, 1)
    rig.submit(rig.open(), loose("ap"), { portable: ["p"] })
    rig.lose("far")
    assert.deepStrictEqual(starts(rig), [])
    addFar(rig)
    assert.deepStrictEqual(starts(rig), ["p far"])
    rig.lose("here")
    assert.deepStrictEqual([rig.phase("a"), starts(rig)], ["ready", []])
    rig.send({ _tag: "WorkerAdded", name: "here", slots: 1 })
    assert.deepStrictEqual(starts(rig), ["a here"])
  })

  it("W20: a literal, and the result of a task, may be held by either kind", () => {
    const rig = both(1, 1)
    const main = rig.open()
    rig.submit(main, { p: [], a: ["p"], q: ["a"] }, { portable: ["p", "q"] })
    rig.end("p")
    assert.deepStrictEqual(rig.told, ["start a with p on here (attempt 2, its 1.)"])
    rig.end("a")
    assert.deepStrictEqual(rig.told, ["forget p and its result", "start q with a on far (attempt 3, its 1.)"])
    rig.end("q")
    drain(rig, "far")
    assert.deepStrictEqual(rig.told, ["copy q from far to here (copy 1)"])
    rig.arrive()
    assert.include(rig.told, "far leaves")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })
})

describe("attempts that are sent ahead to workers of two kinds", () => {
  it("W20, W19: a remote worker is sent portable tasks only, in their order", () => {
    const rig = both(1, 1, 2)
    rig.submit(rig.open(), loose("abpcqrs"), { portable: ["p", "q", "r", "s"] })
    assert.deepStrictEqual(starts(rig), ["a here", "p far", "q far , ahead", "r far , ahead"])
    assert.deepStrictEqual(rig.phase("s"), "ready")
  })

  it("W20, W12: a portable task is taken back for a free slot of either kind, a local one for a local slot alone", () => {
    const rig = new Rig({})
    rig.send({ _tag: "WorkerAdded", name: "w1", slots: 1, ahead: 3 })
    const main = rig.open()
    rig.state.paces.set(0, 1).set(1, 1)
    rig.submit(main, loose("apbcde"), { portable: ["p"] })
    assert.deepStrictEqual(starts(rig), ["a w1", "p w1 , ahead", "b w1 , ahead", "c w1 , ahead"])
    for (const each of ["d", "e"]) rig.cancel(main, each, 1)
    // Two slots, and one task that may run there.
    addFar(rig, 2)
    assert.deepStrictEqual(rig.told, ["take p back (attempt 2)"])
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    assert.deepStrictEqual(rig.told, ["take c back (attempt 4)"])
    rig.end("p", { _tag: "Unbegun" })
    assert.deepStrictEqual(starts(rig), ["p far"])
    rig.end("c", { _tag: "Unbegun" })
    assert.deepStrictEqual(starts(rig), ["c w2"])
  })

  it("W20, W12: portable tasks that were asked back count for remote slots first", () => {
    const rig = new Rig({})
    rig.send({ _tag: "WorkerAdded", name: "w1", slots: 1, ahead: 3 })
    rig.state.paces.set(0, 1).set(1, 1)
    const main = rig.open()
    rig.submit(main, loose("abpqcd"), { portable: ["p", "q"] })
    for (const each of ["c", "d"]) rig.cancel(main, each, 1)
    addFar(rig)
    assert.deepStrictEqual(rig.told, ["take q back (attempt 4)", "take p back (attempt 3)"])
    // One of the two takes the slot of far, and the other that of w2, which is not left for b.
    rig.send({ _tag: "WorkerAdded", name: "w2", slots: 1 })
    assert.deepStrictEqual(rig.told, [])
    rig.end("q", { _tag: "Unbegun" })
    assert.deepStrictEqual(starts(rig), ["q far"])
    rig.end("p", { _tag: "Unbegun" })
    assert.deepStrictEqual(starts(rig), ["p w2"])
  })
})

describe("tasks that lack a worker of their kind", () => {
  it("W20, W9: a local task waits for a local worker up to its limit, and a portable one does not lack any", () => {
    const rig = both(0, 1, 0, { waitForWorkersMillis: 50 })
    const main = rig.open()
    rig.submit(main, loose("ap"), { portable: ["p"] })
    assert.deepStrictEqual(starts(rig), ["p far"])
    assert.deepStrictEqual(explain(rig.state, "a")?.because, {
      _tag: "NoSuitableWorker",
      restriction: { kind: "local" },
      unmet: [],
      never: [],
      until: 50
    })
    rig.at(50)
    assert.deepStrictEqual(rig.outcome("a"), ["NoSuitableWorker", "a"])
    rig.end("p")
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W20, W9: so does a remote task while local workers take tasks, from when the last remote one has gone", () => {
    const rig = both(1, 1, 0, { waitForWorkersMillis: 50 })
    const main = rig.open()
    rig.submit(main, { ...loose("rs"), t: ["r"] }, { remote: ["r", "s", "t"] })
    rig.end("r")
    rig.at(10)
    rig.lose("far")
    assert.deepStrictEqual(explain(rig.state, "s")?.because, {
      _tag: "NoSuitableWorker",
      restriction: { kind: "remote" },
      unmet: [],
      never: [],
      until: 60
    })
    rig.at(40)
    addFar(rig)
    rig.send({ _tag: "WorkerLost", worker: rig.state.workers.at(-1)!.serial })
    rig.at(89)
    assert.deepStrictEqual([rig.phase("s"), rig.phase("t")], ["ready", "waiting"])
    rig.at(90)
    assert.deepStrictEqual(rig.outcome("s"), ["NoSuitableWorker", "s"])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W20, N6: a wait that keeps a local slot for a remote task is told that it starves where no remote worker is", () => {
    const rig = both(2, 0)
    rig.submit(rig.open(), { parent: [] })
    const inner = rig.open("inner")
    rig.submit(inner, { child: [] }, { inside: "parent", remote: ["child"] })
    rig.keep(1, [rig.claim(inner, "child")], "parent")
    assert.lengthOf(rig.told, 1)
    assert.match(rig.told[0]!, /^wait 1 is over: parent waits for child/)
  })

  it("W20, N6: so is one that keeps the only remote slot for a remote task, and the only local one for a local task", () => {
    const rig = both(8, 1)
    rig.submit(rig.open(), { parent: [] }, { remote: ["parent"] })
    const inner = rig.open("inner")
    rig.submit(inner, { child: [] }, { inside: "parent", remote: ["child"] })
    rig.keep(1, [rig.claim(inner, "child")], "parent")
    assert.deepStrictEqual(rig.told, ["wait 1 is over: parent waits for child, child waits for the slot of parent"])
    const other = both(1, 8)
    other.submit(other.open(), { parent: [] })
    const own = other.open("own")
    other.submit(own, { child: [] }, { inside: "parent" })
    other.keep(1, [other.claim(own, "child")], "parent")
    assert.deepStrictEqual(other.told, ["wait 1 is over: parent waits for child, child waits for the slot of parent"])
  })

  it("W20, W9: without a limit it ends at once, and so it is when the last local worker is lost", () => {
    const rig = both(1, 1, 0, { waitForWorkersMillis: 0 })
    const main = rig.open()
    rig.submit(main, { ...loose("abp"), c: ["a"] }, { portable: ["p"], targets: ["a", "b", "p", "c"] })
    rig.lose("here")
    assert.deepStrictEqual(["a", "b", "c", "p"].map((name) => rig.phase(name)), [
      "failed",
      "failed",
      "upstreamFailed",
      "running"
    ])
    assert.deepStrictEqual(rig.outcome("b"), ["NoSuitableWorker", "b"])
    rig.lose("far")
    assert.deepStrictEqual(rig.outcome("p"), ["NoWorker", "p"])
    rig.close(main, 1)
    assertNothingIsLeft(rig)
  })

  it("W20, W9: a remote worker that comes and goes extends no wait of a local task, and ends that of a portable one", () => {
    const rig = both(1, 0, 0, { waitForWorkersMillis: 100 })
    rig.submit(rig.open(), loose("apq"), { portable: ["p", "q"] })
    rig.lose("here")
    rig.at(40)
    addFar(rig)
    assert.deepStrictEqual(starts(rig), ["p far"])
    rig.at(60)
    rig.lose("far")
    rig.at(100)
    assert.deepStrictEqual(["a", "p", "q"].map((name) => rig.phase(name)), ["failed", "ready", "ready"])
    assert.deepStrictEqual(rig.outcome("a"), ["NoWorker", "a"])
    rig.at(160)
    assert.deepStrictEqual(["p", "q"].map((name) => rig.phase(name)), ["failed", "failed"])
  })

  it("W20, W6: a demand is met by workers of the kind alone", () => {
    const rig = both(1, 0)
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, kind: "remote", labels: ["gpu"] })
    const gpu = { demand: { labels: ["gpu"] }, waitForWorkersMillis: 0 }
    const loosely = { demand: { labels: ["gpu"], allowOthers: true } }
    rig.submit(rig.open(), loose("apb"), {
      settings: { a: { key: "a", ...gpu }, p: { key: "p", ...gpu }, b: { key: "b", ...loosely } },
      portable: ["p"]
    })
    assert.deepStrictEqual(starts(rig), ["p far", "b here"])
    assert.deepStrictEqual(rig.outcome("a"), ["NoSuitableWorker", "a"])
  })

  it("W20, W2: a portable task starts on the worker that it rates highest, of either kind", () => {
    const rig = both()
    const locality = ({ id }: { readonly id: string }): number => id === "here" ? 1 : 0
    rig.submit(rig.open(), loose("pq"), { settings: { p: { key: "p", demand: { locality } } }, portable: ["p", "q"] })
    assert.deepStrictEqual(starts(rig), ["p here", "q far"])
  })

  it("W20, D12: a local task cannot follow a portable one to a remote worker", () => {
    const rig = both(1, 1)
    const follow = {
      key: "a",
      policies: [{ of: "follow", from: 0, to: 1, policy: { _tag: "All", on: "success" } }]
    } as const
    rig.submit(rig.open(), { p: [], a: ["p"], q: ["p"] }, {
      settings: { a: follow, q: { ...follow, key: "q" } },
      portable: ["p", "q"]
    })
    rig.end("p")
    assert.deepStrictEqual(rig.outcome("a"), ["Impossible", "a"])
    assert.deepStrictEqual(starts(rig), ["q with p far"])
  })

  it("W20, V11: a ready task is explained by the workers that may run it", () => {
    const rig = both(1, 1)
    rig.submit(rig.open(), loose("xab"), { portable: ["x"] })
    assert.deepStrictEqual(snapshot(rig.state).workers.map(({ kind }) => kind), [undefined, "remote"])
    const because = explain(rig.state, "b")?.because
    assert.deepStrictEqual(because, { _tag: "NoFreeSlot", ahead: 0, running: ["a"], on: ["here"] })
  })
})

describe("what else depends on the kind of a worker", () => {
  it("W20, D10: a retry prefers a worker of a kind that may run it on which it has not failed", () => {
    const rig = both(1, 2)
    rig.send({ _tag: "WorkerAdded", name: "here2", slots: 1 })
    rig.submit(rig.open(), loose("ap"), { portable: ["p"] })
    const retry = { _tag: "Retried", delayMillis: 0 } as const
    rig.end("a", retry)
    assert.deepStrictEqual(starts(rig), ["a here2"])
    rig.end("p", retry)
    assert.deepStrictEqual(starts(rig), ["p here"])
    rig.end("p", retry)
    assert.deepStrictEqual(starts(rig), ["p far"])
  })

  it("W20, N6: a wait that keeps the last local slot is stuck if a local task needs it, and not if a portable one runs", () => {
    const outcomes = [[], ["child"]].map((portable) => {
      const rig = both(1, 1)
      const main = rig.open()
      rig.submit(main, { parent: [] })
      rig.submit(main, { child: [] }, { portable })
      rig.keep(1, [rig.claim(main, "child")], "parent")
      return rig.told
    })
    assert.deepStrictEqual(outcomes, [
      ["wait 1 is over: parent waits for child, child waits for the slot of parent"],
      []
    ])
  })

  it("W20, W18: a pool grows for tasks that its workers may run", () => {
    const told = (["remote", "local"] as const).map((kind) => {
      const rig = both(1, 1)
      const pool = { name: "pool", min: 0, max: 2, slots: 1, idleMillis: 10, kind }
      rig.send({ _tag: "PoolOpened", ...pool })
      const main = rig.open()
      rig.submit(main, loose("ab"))
      const forLocal = rig.told
      rig.submit(main, loose("pq"), { portable: ["p", "q"] })
      return [forLocal, rig.told].map((lines) => lines.filter((line) => line.startsWith("start worker")))
    })
    // Of the local pool a worker is on its way, when p takes the slot of far.
    assert.deepStrictEqual(told, [[[], ["start worker pool-1"]], [["start worker pool-1"], []]])
  })

  it("W20, W13: a worker in the place of another is of its kind", () => {
    const rig = both(1, 0)
    const terms = { restart: { times: 1, withinMillis: 100, minRunMillis: 0 } }
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, kind: "remote", terms })
    rig.lose("far")
    const { kind, serial } = rig.state.workers.find(({ phase }) => phase === "starting")!
    assert.strictEqual(kind, "remote")
    rig.submit(rig.open(), loose("abp"), { portable: ["p"] })
    rig.send({ _tag: "WorkerStarted", worker: serial })
    assert.deepStrictEqual(starts(rig), ["p far"])
  })

  it("W20, O8, O10: shares take turns among tasks that a free worker may run", () => {
    const rig = both(1, 1)
    const main = rig.open()
    rig.submit(main, loose("xy"), { portable: ["x"] })
    rig.submit(main, loose("abp"), { share: "s", portable: ["p"] })
    rig.submit(main, loose("cq"), { share: "t", portable: ["q"] })
    rig.end("x")
    assert.deepStrictEqual(starts(rig), ["p far"])
    rig.end("p")
    assert.deepStrictEqual(starts(rig), ["q far"])
    rig.end("y")
    assert.deepStrictEqual(starts(rig), ["a here"])
  })
})
