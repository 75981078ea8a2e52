/** Plans that are announced: their rows and claims come in pieces, and nobody sees them before the submission. */
import { assert, describe, it } from "@effect/vitest"
import { check } from "../../src/engine/check/check.ts"
import { make, step } from "../../src/engine/Engine.ts"
import type { GraphSubmitted } from "../../src/engine/protocol/Event.ts"
import type { Instruction } from "../../src/engine/protocol/Instruction.ts"
import type { Plan } from "../../src/engine/protocol/Plan.ts"
import { claimsOn, findClaim } from "../../src/engine/state/claims.ts"
import { open } from "../../src/engine/state/State.ts"
import { snapshot } from "../../src/engine/views/snapshot.ts"
import { numbersFrom } from "../chance.ts"
import { plan } from "./plans.ts"
import type { Options } from "./plans.ts"
import { Rig } from "./rig.ts"
import type { Graph } from "./rig.ts"

/** The same without keys, so that no task has settings. */
const plain = (graph: Graph, options: Options = {}): Plan => ({ ...plan(graph, options), settings: new Map() })

const diamond = { a: [], b: ["a"], c: ["a"], d: ["b", "c"], e: [] }

const announce = (rig: Rig, owner: number | undefined, of: Plan, targets: ReadonlyArray<number>): void => {
  rig.send({ _tag: "GraphAnnounced", announced: 1, plan: of, owner, targets })
}

const fill = (rig: Rig, rows: number): void => void rig.send({ _tag: "RowsFilled", announced: 1, rows })

/** Submits what was announced, and returns the rows and the claims. */
const submit = (
  rig: Rig,
  owner: number,
  of: Plan,
  targets: ReadonlyArray<number>,
  more: Partial<GraphSubmitted> = {}
): Extract<Instruction, { readonly _tag: "Submitted" | "Rejected" }> => {
  const asked = { plan: of, owner, targets, parent: -1, attempt: 0, announced: 1, ...more }
  const out = rig.send({ ...asked, _tag: "GraphSubmitted" })
  return out.find(({ _tag }) => _tag === "Submitted" || _tag === "Rejected") as never
}

const release = (rig: Rig, claim: number): void => void rig.send({ _tag: "ClaimsReleased", claims: [claim] })

const begun = (): readonly [Rig, number] => {
  const rig = new Rig({ w1: 2 })
  return [rig, rig.open()]
}

describe("an announced plan", () => {
  it("G15: what is filled is seen by nobody before the submission", () => {
    const [rig, main] = begun()
    const before = snapshot(rig.state)
    announce(rig, main, plain(diamond), [3, 4])
    for (let count = 0; count < 4; count++) {
      fill(rig, 2)
      assert.deepStrictEqual(snapshot(rig.state), before)
      assert.strictEqual(rig.state.tasks.size, 0)
    }
    const { tasks } = rig.state
    assert.strictEqual(tasks.announced, 5)
    submit(rig, main, plain(diamond), [3, 4])
    assert.strictEqual(tasks.size, 5)
    assert.strictEqual(tasks.announced, 0)
  })

  it("G15: a plan that is recalled, or whose submission is refused, leaves nothing", () => {
    for (const isRecalled of [true, false]) {
      const [rig, main] = begun()
      announce(rig, main, plain(diamond), [3, 4])
      fill(rig, 4)
      fill(rig, 2)
      if (isRecalled) rig.send({ _tag: "GraphRecalled", announced: 1 })
      else {
        rig.close(main, 1)
        assert.strictEqual(submit(rig, main, plain(diamond), [3, 4])._tag, "Rejected")
      }
      const { announced, claimBlocks, tasks } = rig.state
      assert.deepStrictEqual([tasks.size, tasks.announced, announced.size, claimBlocks.length], [0, 0, 0, 0])
      // The rows are given out again.
      const other = rig.open("other")
      rig.submit(other, { x: [] })
      assert.strictEqual(rig.id("x"), 0)
    }
  })

  it("G15: an announcement keeps its rows while others come and go, and the table shrinks around it", () => {
    const [rig, main] = begun()
    rig.state.tasks.kept = 4
    announce(rig, main, plain(diamond), [3, 4])
    fill(rig, 3)
    rig.submit(main, Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`x${i}`, []])))
    for (let i = 0; i < 80; i++) {
      rig.end(`x${i}`)
      rig.release(main, `x${i}`)
    }
    fill(rig, 2)
    submit(rig, main, plain(diamond), [3, 4])
    assert.strictEqual(rig.state.tasks.size, 5)
  })

  it("G15: without an announcement of that number a submission is as ever; a plan above a limit is not announced", () => {
    const rig = new Rig({ w1: 1 }, { limits: { tasks: 3 } })
    const main = rig.open()
    announce(rig, main, plain(diamond), [3])
    fill(rig, 10)
    assert.strictEqual(rig.state.tasks.announced, 0)
    assert.strictEqual(submit(rig, main, plain(diamond), [3])._tag, "Rejected")
    assert.strictEqual(submit(rig, main, plain({ a: [] }), [0])._tag, "Submitted")
  })

  it("D1: claims of an announced plan are released, cancelled, shared and closed one by one like others", () => {
    const [rig, main] = begun()
    const graph = { a: [], b: ["a"], c: ["a"], d: [], e: [] }
    // One target twice.
    const targets = [1, 2, 3, 3, 4]
    announce(rig, main, plain(graph), targets)
    fill(rig, 7)
    const answer = submit(rig, main, plain(graph), targets)
    assert.isTrue(answer._tag === "Submitted")
    if (answer._tag !== "Submitted") return
    const [b, c, d, again, e] = answer.claims.map((id) => findClaim(rig.state, id)!)
    const owner = rig.state.owners.get(main)!
    assert.deepStrictEqual(claimsOn(rig.state, owner, d!.task), [d!, again!])
    release(rig, d!.id)
    assert.strictEqual(d!.state, "released")
    assert.deepStrictEqual(claimsOn(rig.state, owner, again!.task), [again!])
    const other = rig.open("other")
    rig.send({ _tag: "ClaimShared", owner: other, claim: e!.id })
    release(rig, e!.id)
    assert.strictEqual(rig.state.tasks.refs[e!.task], 1)
    rig.wait(1, [b!, c!])
    rig.send({
      _tag: "CancelRequested",
      claim: b!.id,
      owner: main,
      serial: 0,
      cancelled: undefined,
      by: "test",
      reason: "test",
      force: false,
      wait: 2,
      waiter: -1,
      attempt: 0
    })
    assert.strictEqual(b!.state, "cancelled")
    rig.close(main, 3)
    assert.deepStrictEqual([c!.state, again!.state], ["released", "released"])
    assert.deepStrictEqual(rig.state.claimBlocks, [])
  })

  it("D1: the last claim that ends one by one takes its block along", () => {
    const [rig, main] = begun()
    announce(rig, main, plain({ a: [], b: [] }), [0, 1])
    const answer = submit(rig, main, plain({ a: [], b: [] }), [0, 1])
    for (const id of answer._tag === "Submitted" ? answer.claims : []) release(rig, id)
    assert.deepStrictEqual(rig.state.claimBlocks, [])
  })

  it("G15: however its rows were filled, a plan runs as the same plan at once", () => {
    const next = numbersFrom(11)
    const below = (n: number): number => Math.floor(next() * n)
    for (let round = 0; round < 300; round++) {
      const size = 1 + below(50)
      const names = Array.from({ length: size }, (_, i) => `t${i}`)
      const former = [~0, ~1, ~2]
      const graph = Object.fromEntries(names.map((name, i) => {
        const own = Array.from({ length: Math.min(i, below(4)) }, () => names[below(i)]!)
        const outer = below(8) === 0 ? [former[below(3)]!] : []
        return [name, [...new Set(own), ...outer]]
      }))
      const shuffled = names.toSorted(() => next() - 0.5)
      const positions = Object.fromEntries(shuffled.map((name, i) => [name, i]))
      const isKeyed = below(4) === 0
      const of = isKeyed ? plan(graph, { positions }) : plain(graph, { positions })
      const needed = new Set(of.targets)
      const targets = [...names.keys()].filter((i) => !needed.has(i) || below(4) === 0)
      if (below(4) === 0) targets.push(targets[0]!)
      const wait = below(3) === 0 ? 1 : undefined
      const [one, other] = [false, true].map((isAnnounced) => {
        const engine = make()
        const state = open(engine)
        const told: Array<ReadonlyArray<Instruction>> = []
        const send = (event: Parameters<typeof step>[1]): ReadonlyArray<Instruction> => {
          const out = step(engine, event)
          assert.deepStrictEqual(check(engine), [], `round ${round}`)
          return out
        }
        send({ _tag: "WorkerAdded", now: 0, name: "w", slots: 2 })
        for (const owner of [1, 2]) send({ _tag: "OwnerOpened", now: 0, owner, name: "main" })
        const first = plain({ a: [], b: [], c: ["a"] })
        const from = { parent: -1, attempt: 0, now: 0 }
        send({ _tag: "GraphSubmitted", ...from, plan: first, owner: 1, targets: [0, 1, 2] })
        send({ _tag: "TaskEnded", now: 0, task: 0, attempt: state.tasks.attempt[0]!, ending: { _tag: "Succeeded" } })
        const pieces = Array.from({ length: below(4) }, () => 1 + below(size))
        if (isAnnounced) {
          const owner = wait === undefined ? 2 : undefined
          send({ _tag: "GraphAnnounced", now: 0, announced: 5, plan: of, owner, targets })
          for (const rows of pieces) send({ _tag: "RowsFilled", now: 0, announced: 5, rows })
        }
        const announced = isAnnounced ? 5 : undefined
        told.push(send({ _tag: "GraphSubmitted", ...from, plan: of, owner: 2, targets, wait, announced }))
        const running = new Set<number>()
        const note = (out: ReadonlyArray<Instruction>) => {
          for (const each of out) if (each._tag === "Start") running.add(each.task)
          told.push(out)
        }
        note(told[0]!)
        running.add(1).add(2)
        while (running.size > 0) {
          const [task] = running
          running.delete(task!)
          const attempt = state.tasks.attempt[task!]!
          note(send({ _tag: "TaskEnded", now: 0, task: task!, attempt, ending: { _tag: "Succeeded" } }))
        }
        const closed = send({
          _tag: "OwnerClosed",
          now: 0,
          owner: 2,
          by: "x",
          reason: "x",
          wait: 9,
          waiter: -1,
          attempt: 0
        })
        // A task with two claims goes with the second of them.
        const forgotten = closed.map((each) => each._tag === "Forget" ? each.task : -1).toSorted((a, b) => a - b)
        return [told, forgotten]
      })
      assert.deepStrictEqual(other, one, `round ${round}`)
    }
  })
})
