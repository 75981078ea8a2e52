/** Random programs of named tasks, on every kind of worker. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Simulation } from "skein/testing"
import { sizeOf } from "../../src/engine/views/leftovers.ts"
import { type MakePort, Ports } from "../../src/testing/internal/carriedPort.ts"
import { leftovers } from "../../src/testing/internal/leftovers.ts"
import { longOr } from "../long.ts"
import { CloningPort } from "./cloningPort.ts"
import type { Wire } from "./memoryLink.ts"
import { atWork, namedFaults, namedMakers, randomNamed, randomNamedGraph } from "./namedPrograms.ts"
import { crowd, nestedSchedulers, remotePorts, sharings, type Ways } from "./remoteGraphs.ts"

const seeds = longOr(140, 10)

const here: ReadonlyArray<readonly [string, MakePort | undefined]> = [
  ["on fibers", undefined],
  [
    "behind cloning ports",
    (setup, make, carrier) =>
      new CloningPort(setup, make, carrier, "as clones", { keeps: false, handsOver: true, ahead: 3 })
  ]
]

const elsewhere: ReadonlyArray<readonly [string, Ways]> = [
  ["with messages alone", { shares: false, ahead: 0 }],
  ["with attempts sent ahead, and shared words", { shares: true, ahead: 6 }],
  ["with far sides that die, and messages alone", { shares: false, ahead: 6, deadly: 0.02 }],
  ["with far sides that die, and shared words", { shares: true, ahead: 0, deadly: 0.02 }]
]

/** Tables of far sides in which nothing may be left. What one that has died did not send is nobody's. */
const counted: ReadonlySet<string> = new Set(["answers", "fibers", "closing"])

/** Nothing of any run is left, on either side. */
const expectNothingLeft = (): void => {
  assert.strictEqual(atWork.count, 0, "a body runs on")
  assert.strictEqual(crowd.excess, 0, "more bodies ran on a worker than it has slots")
  const alive = [...nestedSchedulers].filter(({ life }) => !life.isClosed)
  assert.deepStrictEqual(alive, [], "a scheduler has outlived its far side")
  assert.deepStrictEqual([...nestedSchedulers].flatMap(leftovers), [])
  nestedSchedulers.clear()
  assert.deepStrictEqual([...sharings].filter(({ held }) => held > 0), [], "a copy was not let go")
  sharings.clear()
}

const programs = Simulation.run(randomNamed, { seeds, faults: { ...namedFaults, fail: 0.02 } })
const graphs = Simulation.run(randomNamedGraph, { seeds: Math.ceil(seeds / 4), faults: namedFaults })

describe("named tasks", () => {
  for (const [way, makePort] of here) {
    const on = makePort === undefined
      ? <A, E, R>(run: Effect.Effect<A, E, R>) => run
      : Effect.provideService(Ports, makePort)

    it.live(`T6: random programs get values or know why not, and graphs what the interpreter says, ${way}`, () =>
      Effect.gen(function*() {
        const report = yield* programs.pipe(on)
        assert.isAbove(report.interleavings, seeds / 2)
        yield* graphs.pipe(on)
        expectNothingLeft()
      }))
  }

  for (const [way, options] of elsewhere) {
    it.live(`T6, W20, N1: random programs get values or know why not, and graphs what the interpreter says, on workers elsewhere, ${way}`, () =>
      Effect.gen(function*() {
        const wires: Array<Wire> = []
        const ports = remotePorts({ ...options, makers: namedMakers, met: (_, wire) => wires.push(wire) })
        const report = yield* Effect.provideService(programs, Ports, ports)
        assert.isAbove(report.interleavings, seeds / 2)
        yield* Effect.provideService(graphs, Ports, ports)
        expectNothingLeft()
        // At the far sides too, which have closed or died.
        const parts = wires.flatMap(({ far }) => far?.parts ?? [])
        const tables = parts.flatMap((part) => Object.entries(part).filter(([name]) => counted.has(name)))
        assert.isAbove(tables.length, seeds)
        assert.deepStrictEqual(tables.filter(([, table]) => sizeOf(table) > 0).map(([name]) => name), [])
        const reports = wires.flatMap(({ ups }) => ups.flatMap((up) => up._tag === "Report" ? [up] : []))
        assert.isAbove(reports.flatMap(({ asks = [] }) => asks.filter(({ verb }) => verb === "run")).length, seeds)
      }))
  }
})
