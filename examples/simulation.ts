/**
 * Finds a planted bug: `node --conditions=source examples/simulation.ts`.
 *
 * A nightly job moves orders from a shop to an archive and counts both. Its author forgot that counting must wait for the
 * moving, and on one slot, or when the disk is fast, nobody notices.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { Simulation } from "skein/testing"

/** The job, with everything that it shares made anew; `isRight` puts the forgotten dependency in. */
export const nightly = (isRight: boolean) => () => {
  const shop = ["book", "lamp", "pen"]
  const archive: Array<string> = []

  const read = Task.make(Effect.sync(() => [...shop]), { label: "read" })
  const move = Task.make({ read }, ({ read }) =>
    Effect.forEach(read, (order) =>
      Effect.gen(function*() {
        archive.push(order)
        yield* Effect.yieldNow // A disk would take a while here.
        shop.splice(shop.indexOf(order), 1)
      })), { label: "move" })
  const count = Task.make({ read }, () => Effect.sync(() => shop.length + archive.length), {
    label: "count",
    after: isRight ? [move] : []
  })
  return Task.map({ count, move }, ({ count }) => `${count} orders`, { label: "report" })
}

/** What a simulation finds out about the job. */
export const examine = (isRight: boolean): Effect.Effect<string> =>
  Simulation.run(nightly(isRight), { seeds: 200 }).pipe(
    Effect.match({
      onFailure: (found) => found.message,
      onSuccess: ({ interleavings, schedules }) => `${schedules} schedules, ${interleavings} different: nothing found`
    })
  )

const program = Effect.gen(function*() {
  const usual = yield* Client.compute(nightly(false)()).pipe(Effect.provide(Skein.layerSequential))
  yield* Console.log(`On a usual day the job reports ${usual}.\n`)
  yield* Console.log(yield* examine(false))
  yield* Console.log(`\nWith the forgotten dependency: ${yield* examine(true)}.`)
})

if (import.meta.main) await Effect.runPromise(program)
