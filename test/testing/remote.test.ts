/** Random graphs on a worker that is not here: the real far side, over a link that delays each message, and dies. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Simulation } from "skein/testing"
import { Ports } from "../../src/testing/internal/carriedPort.ts"
import { leftovers } from "../../src/testing/internal/leftovers.ts"
import { longOr } from "../long.ts"
import type { Wire } from "./memoryLink.ts"
import { bytes, crowd, nestedSchedulers, randomRemoteGraph, remotePorts, sharings, type Ways } from "./remoteGraphs.ts"

const seeds = longOr(220, 40)

const ways: ReadonlyArray<readonly [string, Ways]> = [
  ["with messages alone", { shares: false, ahead: 0 }],
  ["with shared words", { shares: true, ahead: 0 }],
  ["with attempts sent ahead, and messages alone", { shares: false, ahead: 6 }],
  ["with attempts sent ahead, and shared words", { shares: true, ahead: 6 }],
  ["with far sides that die, and messages alone", { shares: false, ahead: 6, deadly: 0.03 }],
  ["with far sides that die, and shared words", { shares: true, ahead: 6, deadly: 0.03 }]
]

describe("workers that are not here", () => {
  for (const [way, options] of ways) {
    it.live(`T6, W20: random graphs give what the interpreter says, ${way}`, () =>
      Effect.gen(function*() {
        const wires: Array<Wire> = []
        const ports = remotePorts({ ...options, met: (_, wire) => wires.push(wire) })
        const report = yield* Simulation.run(randomRemoteGraph, { seeds, faults: { vanish: 0.05, slow: 0.05 } }).pipe(
          Effect.provideService(Ports, ports)
        )
        assert.isAbove(report.interleavings, seeds / 2)
        assert.strictEqual(crowd.excess, 0, "more bodies ran on a worker than it has slots")
        assert.isAtLeast(crowd.most, 2)
        assert.isAbove(Math.min(bytes.sealed, bytes.opened), 0)
        const all = [...sharings]
        assert.strictEqual(all.some(({ copies }) => copies > 0), options.shares)
        assert.deepStrictEqual(
          all.filter(({ hasIdle, held, isUsed }) => held > 0 || hasIdle || isUsed),
          [],
          "a copy was not let go"
        )
        sharings.clear()
        const alive = [...nestedSchedulers].filter(({ life }) => !life.isClosed)
        assert.deepStrictEqual(alive, [], "a scheduler has outlived its far side")
        assert.deepStrictEqual([...nestedSchedulers].flatMap(leftovers), [])
        nestedSchedulers.clear()
        const reports = wires.flatMap(({ ups }) => ups.flatMap((up) => up._tag === "Report" ? [up] : []))
        assert.isAbove(reports.length, seeds / 4)
        assert.isAbove(reports.flatMap(({ asks = [] }) => asks.filter(({ verb }) => verb === "run")).length, seeds / 4)
      }))
  }
})
