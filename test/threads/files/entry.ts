import { Effect, Layer } from "effect"
import { appendFileSync } from "node:fs"
import { Threads } from "../../../src/threads/index.ts"
import { Greet } from "./names.ts"

/** Leaves a line in a file when it is closed. */
const Closing = Layer.effectDiscard(Effect.acquireRelease(Effect.void, () =>
  Effect.sync(() => {
    const file = process.env["SKEIN_TEST_CLOSED"]
    if (file !== undefined) appendFileSync(file, "closed\n")
  })))

const Handlers = Greet.toLayer(
  Effect.succeed(({ name }: { readonly name: string }) => Effect.succeed(`Hello, ${name}`))
)

Threads.serve(Layer.mergeAll(Handlers, Closing))
