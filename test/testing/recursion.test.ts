import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Simulation } from "skein/testing"
import { longOr } from "../long.ts"
import {
  type Hits,
  moments,
  randomRecursion,
  randomStrikes,
  randomWithoutEnd,
  strikeFaults,
  victims
} from "./recursion.ts"

const schedules = longOr(3000, 100)
/** Of programs with some hundred tasks each. */
const fewer = longOr(300, 10)

describe("simulation of tasks that launch tasks", () => {
  it.live(
    `T6, N5, N6: in ${schedules} worlds random recursion with faults gives what the interpreter says, and leaves nothing`,
    () =>
      Effect.gen(function*() {
        const report = yield* Simulation.run(randomRecursion, { seeds: schedules })
        assert.strictEqual(report.schedules, schedules)
        assert.isAbove(report.interleavings, schedules / 2)
        // Not hostile ones: these bodies look at the tags of what their children fail with.
        for (const [kind, count] of Object.entries(report.faults)) {
          if (kind !== "hostile") assert.isAbove(count, longOr(schedules / 50, 0), kind)
        }
      })
  )

  it.live(
    `T6, C7, N10, N13: in ${schedules} worlds parents and children, some of which cannot be interrupted, are cancelled as one of them secedes, waits to rejoin or rejoins`,
    () =>
      Effect.gen(function*() {
        const hits: Hits = {}
        const report = yield* Simulation.run(randomStrikes(hits), { seeds: schedules, faults: strikeFaults })
        assert.strictEqual(report.schedules, schedules)
        assert.isAbove(report.interleavings, schedules / 2)
        for (const moment of moments) {
          for (const victim of victims) {
            assert.isAbove(hits[`${moment}, ${victim}`] ?? 0, longOr(schedules / 200, 0), `${moment}, ${victim}`)
          }
        }
        assert.isAbove(hits["works on"] ?? 0, schedules / 20)
      })
  )

  it.live(
    `T6, N7: in ${fewer} worlds a recursion without a base case ends after few tasks, and trees beside it give their values`,
    () =>
      Effect.gen(function*() {
        const most = { runs: 0 }
        const report = yield* Simulation.run(randomWithoutEnd(most), { seeds: fewer, faults: strikeFaults })
        assert.strictEqual(report.schedules, fewer)
        // Some came to the limit, and went on beside it.
        assert.isAbove(most.runs, 20)
      })
  )
})
