/** How far ahead workers are fed, in a world with a clock of its own: messages take time, and their number is counted. */
import { assert, describe, it } from "@effect/vitest"
import { fits, horizonMicros, isLow, shareOf, smoothed } from "../../src/engine/dispatch/pacing.ts"
import * as Engine from "../../src/engine/Engine.ts"
import type { Event } from "../../src/engine/protocol/Event.ts"
import type { TaskId } from "../../src/engine/protocol/ids.ts"
import type { Instruction } from "../../src/engine/protocol/Instruction.ts"
import * as State from "../../src/engine/state/State.ts"
import { Line } from "../../src/engine/structures/line.ts"
import { Rig } from "./rig.ts"

/** A message takes this long, in microseconds. */
const latency = 60

/** Ends travel when bodies have run for so long since the last ones did, or when the line is empty. */
const flushEvery = 1000

interface Body {
  readonly task: TaskId
  readonly attempt: number
}

interface Far {
  readonly line: Array<Body>
  ends: Array<Body>
  isBusy: boolean
  sinceFlush: number
  busyFor: number
}

interface Report {
  readonly messages: number
  /** When the last body ended. */
  readonly wall: number
  /** How long the busiest worker was at work. */
  readonly busy: number
  /** How often a worker ran out of attempts while some task was ready. */
  readonly hungry: number
  readonly takenBack: number
}

/** Runs tasks whose bodies take so many microseconds on two workers. */
const run = (times: ReadonlyArray<number>, ahead = 4096): Report => {
  const state = State.make()
  const events: Array<{ readonly at: number; readonly happen: () => void }> = []
  const fars = new Map<number, Far>()
  let now = 0
  let messages = 0
  let hungry = 0
  let takenBack = 0
  let wall = 0
  const later = (micros: number, happen: () => void): void => void events.push({ at: now + micros, happen })
  /** One turn of the driver: all instructions for a worker go in one message. */
  const turn = (all: ReadonlyArray<Event>): void => {
    const down = new Map<number, Array<Instruction>>()
    for (const event of all) {
      for (const each of Engine.step(state, event)) {
        if (each._tag === "Start" || each._tag === "TakeBack") {
          down.set(each.worker, [...down.get(each.worker) ?? [], each])
        }
      }
    }
    for (const [worker, each] of down) {
      messages++
      later(latency, () => hear(worker, each))
    }
  }
  const hear = (worker: number, all: ReadonlyArray<Instruction>): void => {
    const far = fars.get(worker)!
    const unbegun: Array<Body> = []
    for (const each of all) {
      if (each._tag === "Start") far.line.push({ task: each.task, attempt: each.attempt })
      else if (each._tag === "TakeBack") {
        const place = far.line.findIndex(({ attempt }) => attempt === each.attempt)
        if (place >= 0) unbegun.push(...far.line.splice(place, 1))
      }
    }
    if (unbegun.length > 0) {
      takenBack += unbegun.length
      messages++
      later(latency, () => turn(unbegun.map((body) => ended(body, { _tag: "Unbegun" }, undefined))))
    }
    if (!far.isBusy) next(far)
  }
  const ended = (
    { attempt, task }: Body,
    ending: { readonly _tag: "Succeeded" | "Unbegun" },
    micros: number | undefined
  ) => ({ _tag: "TaskEnded", now: now / 1000, task, attempt, ending, micros }) as const
  const next = (far: Far): void => {
    const body = far.line.shift()
    far.isBusy = body !== undefined
    if (body === undefined) return
    const micros = times[body.task]!
    later(micros, () => {
      wall = now
      far.busyFor += micros
      far.sinceFlush += micros
      far.ends.push(body)
      if (far.line.length === 0 && state.lanes.length + state.portableLanes.length > 0) hungry++
      if (far.line.length === 0 || far.sinceFlush >= flushEvery) {
        const ends = far.ends
        far.ends = []
        far.sinceFlush = 0
        messages++
        later(latency, () => turn(ends.map((each) => ended(each, { _tag: "Succeeded" }, times[each.task]))))
      }
      next(far)
    })
  }
  for (const name of ["w1", "w2"]) {
    for (
      const each of Engine.step(state, {
        _tag: "WorkerAdded",
        now: 0,
        name,
        slots: 1,
        kind: "remote",
        ahead,
        handsOver: true
      })
    ) {
      if (each._tag !== "WorkerJoined") continue
      fars.set(each.worker, { line: [], ends: [], isBusy: false, sinceFlush: 0, busyFor: 0 })
    }
  }
  Engine.step(state, { _tag: "OwnerOpened", now: 0, owner: 1, name: "main" })
  const size = times.length
  const plan = {
    size,
    offsets: new Int32Array(size + 1),
    targets: new Int32Array(0),
    positions: Int32Array.from(times, (_, i) => i),
    settings: new Map(),
    portable: new Int32Array(size).fill(1)
  }
  const targets = Array.from(times, (_, i) => i)
  turn([{ _tag: "GraphSubmitted", now: 0, owner: 1, plan, targets, parent: -1, attempt: 0, wait: 1 }])
  while (events.length > 0) {
    let first = 0
    for (const [i, each] of events.entries()) if (each.at < events[first]!.at) first = i
    const [{ at, happen }] = events.splice(first, 1) as [typeof events[number]]
    now = at
    happen()
  }
  assert.strictEqual(state.tasks.phase.filter((phase) => phase === 9).length, size)
  return { messages, wall, busy: Math.max(...Array.from(fars.values(), (far) => far.busyFor)), hungry, takenBack }
}

const sum = (times: ReadonlyArray<number>): number => times.reduce((all, each) => all + each, 0)

/** A line of so many attempts. */
const lineOf = (size: number): Line => {
  const line = new Line()
  for (let task = 0; task < size; task++) line.push(task, 0)
  return line
}

describe("how far ahead workers are fed", () => {
  it("B1, B2: 10,000 tiny tasks on two workers take at most 200 messages both ways", () => {
    const times = Array.from({ length: 10_000 }, () => 2)
    const { messages, wall } = run(times)
    assert.isAtMost(messages, 200)
    assert.isAtMost(wall, 1.3 * sum(times) / 2 + 20 * latency)
  })

  it("B1, B2: bodies of a millisecond take at most two messages each, and no worker is idle while a task is ready", () => {
    const times = Array.from({ length: 400 }, () => 1000)
    const { hungry, messages, wall } = run(times)
    assert.isAtMost(messages, 2 * times.length)
    assert.isAtMost(hungry, 2)
    assert.isAtMost(wall, 1.02 * sum(times) / 2)
  })

  it("B2: bodies that take long are sent in ones and twos", () => {
    const rig = new Rig({})
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, kind: "remote", ahead: 4096, handsOver: true })
    rig.state.paces.set(1, 50_000)
    const names = Array.from({ length: 100 }, (_, i) => `t${i}`)
    rig.submit(rig.open(), Object.fromEntries(names.map((name) => [name, []])), { portable: names })
    assert.lengthOf(rig.told, 3)
    rig.state.paces.set(1, 100)
    rig.end("t0")
    rig.end("t1")
    assert.deepStrictEqual(rig.state.workers[0]!.sent.size, 40)
  })

  it("B2, B3: a line that is shorter near the end is filled up when half of that is gone, and not at each end", () => {
    const rig = new Rig({})
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, kind: "remote", ahead: 4096, handsOver: true })
    rig.state.paces.set(1, 1)
    const names = Array.from({ length: 32 }, (_, i) => `t${i}`)
    rig.submit(rig.open(), Object.fromEntries(names.map((name) => [name, []])), { portable: names })
    const { sent } = rig.state.workers[0]!
    const sizes = [sent.size]
    for (const name of names.slice(0, -1)) {
      rig.end(name)
      sizes.push(sent.size)
    }
    // After so many ends, up to half of what is left then.
    const fills = sizes.flatMap((size, i) => i > 0 && size >= sizes[i - 1]! ? [[i, size]] : [])
    assert.strictEqual(sizes[0], 16)
    assert.deepStrictEqual(fills, [[8, 12], [14, 9], [19, 7], [23, 5], [26, 3], [28, 2], [29, 2]])
  })

  it("B2, B3, W12: where one of ten bodies is long no long line waits behind it at the end", () => {
    const times = Array.from({ length: 2000 }, (_, i) => i % 10 === 9 ? 2000 : 10)
    const { wall } = run(times)
    assert.isAtMost(wall, 1.1 * sum(times) / 2 + 2000)
    // The worst: the last to begin is the longest by far, and the line behind it goes to the other worker.
    const late = Array.from({ length: 2000 }, (_, i) => i === 300 ? 100_000 : 10)
    const { messages, takenBack, wall: end } = run(late)
    assert.isAtLeast(takenBack, 1)
    // One for each free slot would take over a thousand.
    assert.isAtMost(messages, 100)
    assert.isAtMost(end, 100_000 + 1.2 * 300 * 10)
  })

  it("B3: near the end a line is no longer than its share of what is left", () => {
    assert.deepStrictEqual([1, 4, 5, 100].map((left) => shareOf({ slots: 1 }, left, 2)), [1, 1, 2, 25])
    const line = { sent: lineOf(3), line: 30, slots: 1 }
    assert.deepStrictEqual([3, 4].map((share) => fits(line, 10, share)), [false, true])
  })

  it("B2: a line has work for 4 ms by the smoothed time of bodies, and is filled up when half of that is gone", () => {
    assert.strictEqual(smoothed(undefined, 100), 100)
    assert.strictEqual(Math.round(smoothed(100, 1100)), 400)
    const of = (size: number, line: number, full = 4096) => ({ sent: lineOf(size), line, slots: 1, full })
    assert.isTrue(fits(of(4, horizonMicros - 10), 10, 99))
    assert.isFalse(fits(of(4, horizonMicros - 10), 11, 99))
    assert.isTrue(fits(of(1, horizonMicros), 11, 99))
    assert.deepStrictEqual([isLow(of(4, 2000)), isLow(of(4, 2001)), isLow(of(1, 2001))], [true, false, true])
    assert.isFalse(isLow(of(2049, 2000)))
    assert.deepStrictEqual([isLow(of(50, 50, 100)), isLow(of(51, 51, 100)), isLow(of(1, 1, 1))], [true, false, true])
  })

  it("B2, C3, F8: what is timed from its start, or must not run twice, is not sent ahead, and holds up what comes after it", () => {
    const rig = new Rig({})
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, ahead: 8 })
    const settings = { b: { timeoutMillis: 10 }, e: { idempotent: false } }
    rig.submit(rig.open(), { a: [], b: [], c: [], d: [], e: [] }, { settings })
    assert.deepStrictEqual(rig.told, ["start a on far (attempt 1, its 1.)"])
    rig.end("a")
    assert.deepStrictEqual(rig.told, [
      "start b on far (attempt 2, its 1.)",
      "start c on far (attempt 3, its 1., ahead)",
      "start d on far (attempt 4, its 1., ahead)"
    ])
  })

  it("B2, W20: holds nothing up on workers of another kind", () => {
    const rig = new Rig({})
    rig.send({ _tag: "WorkerAdded", name: "here", slots: 1, ahead: 8 })
    rig.send({ _tag: "WorkerAdded", name: "far", slots: 1, kind: "remote", ahead: 8, handsOver: true })
    rig.submit(rig.open(), { a: [], b: [] }, { portable: ["b"] })
    const portable = ["d", "e"]
    rig.submit(rig.open(), { c: [], d: [], e: [] }, { settings: { c: { timeoutMillis: 10 } }, portable })
    assert.deepStrictEqual(rig.told, [
      "start d on far (attempt 3, its 1., ahead)",
      "start e on far (attempt 4, its 1., ahead)"
    ])
  })
})
