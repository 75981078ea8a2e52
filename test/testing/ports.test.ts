/** Random graphs and programs whose workers are behind a border: every message and report is cloned, late, and lost with its worker. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Chance, Simulation } from "skein/testing"
import { kindAt } from "../../src/engine/protocol/Registered.ts"
import type { WorkerPort } from "../../src/internal/workers/port.ts"
import { type Carrier, type MakePort, Ports } from "../../src/testing/internal/carriedPort.ts"
import { longOr } from "../long.ts"
import { CloningPort, type Mode } from "./cloningPort.ts"
import { closingFaults, randomClosings } from "./closings.ts"
import { allFaults, randomGraph } from "./graphs.ts"
import { markSome } from "./portable.ts"
import { randomProgram } from "./programs.ts"
import { randomRecursion } from "./recursion.ts"

const seeds = longOr(300, 10)

const bounds = new WeakMap<Carrier, Map<string, number>>()

/** The bound of attempts that are sent ahead to a worker, and to those that replace it. */
const boundOf = (carrier: Carrier, name: string, most: number): number => {
  const drawn = bounds.get(carrier) ?? new Map<string, number>()
  bounds.set(carrier, drawn)
  const bound = drawn.get(name) ?? carrier.below(most + 1)
  drawn.set(name, bound)
  return bound
}

/** The ports of a run. */
const cloning =
  (mode: Mode, results: "arrive" | "stay" | "go home" = "arrive", most = 0, remote?: string): MakePort =>
  (setup, make, carrier) => {
    const kind = setup.name === remote ? "remote" : "local"
    const ahead = most === 0 ? 0 : boundOf(carrier, setup.name, most)
    const far = { keeps: results === "stay", handsOver: results === "go home", kind, ahead } as const
    return new CloningPort(setup, make, carrier, mode, far)
  }

const ways: ReadonlyArray<readonly [string, MakePort]> = [
  ["with values by reference", cloning("by reference")],
  ["with values as clones", cloning("as clones")],
  ["with results that stay there", cloning("as clones", "stay")],
  ["with results that are handed over", cloning("as clones", "go home")],
  ["with attempts sent ahead", cloning("by reference", "arrive", 8)],
  ["with attempts sent ahead, and results that stay there", cloning("as clones", "stay", 8)],
  ["with attempts sent ahead, and results that are handed over", cloning("by reference", "go home", 8)]
]

describe("workers behind a border", () => {
  for (const [way, makePort] of ways) {
    const onPort = Effect.provideService(Ports, makePort)

    it.live(`T6: random graphs give what the interpreter says, ${way}`, () =>
      Effect.gen(function*() {
        const report = yield* Simulation.run(randomGraph, { seeds, faults: allFaults })
        assert.isAbove(report.interleavings, seeds / 2)
        assert.isAbove(report.faults.vanish, 0)
      }).pipe(onPort))

    it.live(`T6: random programs get values or know why not, ${way}`, () =>
      Effect.gen(function*() {
        const report = yield* Simulation.run(randomProgram, { seeds, faults: allFaults })
        assert.isAbove(report.interleavings, seeds / 2)
        yield* Simulation.run(randomClosings, { seeds, faults: closingFaults })
      }).pipe(onPort))

    it.live(`T6: bodies that submit and wait give values, ${way}`, () =>
      Simulation.run(randomRecursion, { seeds }).pipe(onPort))
  }

  const mixed = [
    ["with values by reference", cloning("by reference", "arrive", 0, "w2")],
    ["with attempts sent ahead, and results that stay there", cloning("as clones", "stay", 8, "w2")],
    ["with attempts sent ahead, and results that are handed over", cloning("as clones", "go home", 8, "w2")]
  ] as const
  for (const [way, makePort] of mixed) {
    it.live(`T6, W20: a remote worker runs portable tasks only, and graphs give the same, ${way}`, () =>
      Effect.gen(function*() {
        const far: Array<boolean> = []
        const watched: MakePort = (setup, make, carrier) => {
          const port = makePort(setup, make, carrier)
          const start = port.start.bind(port)
          port.start = (task, attempt, number, submission, index, ...rest) => {
            if (port.kind === "remote") far.push(kindAt(submission, index) === "portable")
            start(task, attempt, number, submission, index, ...rest)
          }
          return port
        }
        const subject = (chance: Chance.Chance) => markSome(randomGraph(chance), chance)
        const report = yield* Simulation.run(subject, { seeds, faults: allFaults }).pipe(
          Effect.provideService(Ports, watched)
        )
        assert.isAbove(report.interleavings, seeds / 2)
        assert.isAbove(far.length, seeds / 4)
        assert.isTrue(far.every((isPortable) => isPortable))
      }))
  }

  it.live("T6: a worker that reads its inputs from its own results, and not from the message, is found", () => {
    // Its rows are those of the scheduler, and it holds none of their results.
    const nosy = (port: WorkerPort): WorkerPort => {
      const { start } = port
      port.start = (task, attempt, number, submission, index, inputs, ahead) => {
        const { ids, plan: { offsets, targets } } = submission
        const own = Array.from(
          targets.subarray(offsets[index], offsets[index + 1]),
          (target) => port.peek(target >= 0 ? ids[target]! : ~target)
        )
        start.call(port, task, attempt, number, submission, index, inputs && own, ahead)
      }
      return port
    }
    const makePort: MakePort = (setup, make, carrier) =>
      new CloningPort(setup, (far) => nosy(make(far)), carrier, "by reference")
    return Effect.gen(function*() {
      const { run } = yield* Effect.flip(Simulation.run(randomGraph, { seeds: 20, shrink: 20 }))
      assert.isAbove(run.problems.length, 0)
    }).pipe(Effect.provideService(Ports, makePort))
  })

  it.live("T6: a report that comes before the message to which it belongs has arrived is found", () => {
    // Answers a start in place, as a call would: with a value that nobody has computed yet.
    const hasty: MakePort = (setup, make, carrier) => {
      const port = new CloningPort(setup, make, carrier, "by reference")
      const { start } = port
      port.start = (task, attempt, ...rest) => {
        start.call(port, task, attempt, ...rest)
        setup.reports.succeeded(task, attempt, port.peek(task))
      }
      return port
    }
    return Effect.gen(function*() {
      const { run } = yield* Effect.flip(Simulation.run(randomGraph, { seeds: 20, shrink: 20 }))
      assert.isAbove(run.problems.length, 0)
    }).pipe(Effect.provideService(Ports, hasty))
  })
})
