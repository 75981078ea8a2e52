/**
 * Simulates for a long time: `npm run soak -- [schedules of each kind, 100000] [first seed, 1]`.
 * Stops at the first counterexample, prints it, and exits with 1.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import process from "node:process"
import { type Faults, Simulation } from "../src/testing/index.ts"
import { Ports } from "../src/testing/internal/carriedPort.ts"
import { closingFaults, randomClosings } from "../test/testing/closings.ts"
import { allFaults, randomGraph } from "../test/testing/graphs.ts"
import { namedFaults, namedMakers, randomNamed, randomNamedGraph } from "../test/testing/namedPrograms.ts"
import { randomProgram } from "../test/testing/programs.ts"
import { randomRecursion, randomStrikes, strikeFaults } from "../test/testing/recursion.ts"
import { remotePorts } from "../test/testing/remoteGraphs.ts"

const [seeds = 100_000, first = 1] = process.argv.slice(2).map(Number)
const part = 5000

const soak = <I>(name: string, subject: Simulation.Subject<I>, faults?: Faults.Faults) =>
  Effect.gen(function*() {
    for (let from = first; from < first + seeds; from += part) {
      const { events, interleavings, schedules } = yield* Simulation.run(subject, {
        from,
        faults,
        seeds: Math.min(part, first + seeds - from)
      })
      yield* Console.log(
        `${name}: seeds from ${from}: ${schedules} schedules, ${interleavings} different, ${events} events`
      )
    }
  })

/** On workers elsewhere that die. */
const elsewhere = Effect.provideService(
  Ports,
  remotePorts({ shares: true, ahead: 6, deadly: 0.02, makers: namedMakers })
)

const program = soak("graphs", randomGraph, allFaults).pipe(
  Effect.andThen(soak("programs", randomProgram, allFaults)),
  Effect.andThen(soak("recursion", randomRecursion)),
  Effect.andThen(soak("cancelled recursion", randomStrikes({}), strikeFaults)),
  Effect.andThen(soak("closings", randomClosings, closingFaults)),
  Effect.andThen(elsewhere(soak("named programs", randomNamed, namedFaults))),
  Effect.andThen(elsewhere(soak("named graphs", randomNamedGraph, namedFaults))),
  Effect.matchEffect({
    onFailure: (found) =>
      Effect.andThen(
        Console.error(found.message),
        Effect.sync(() => {
          process.exitCode = 1
        })
      ),
    onSuccess: () => Console.log(`${7 * seeds} schedules, nothing found`)
  })
)

await Effect.runPromise(program)
