/** A program with one process, in which a body computes for ever. Prints the number of that process. */
import { Effect, Layer } from "effect"
import { Client, Portable, Skein } from "../../../src/index.ts"
import { Processes } from "../../../src/processes/index.ts"
import type * as functions from "../../threads/files/work.ts"

const work = Portable.module<typeof functions>()(new URL("../../threads/files/work.ts", import.meta.url))

const program = Effect.gen(function*() {
  const pid = (yield* Client.compute(work.tasks.place())).split(":")[0]!
  yield* Effect.sync(() => process.stdout.write(`${pid}\n`))
  yield* Client.compute(work.tasks.spin(process.argv[2]!))
}).pipe(Effect.provide(Processes.layer({ size: 1, tasks: [work] }).pipe(Layer.provideMerge(Skein.layer()))))

Effect.runFork(program)
