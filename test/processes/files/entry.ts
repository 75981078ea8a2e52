import { Effect } from "effect"
import { Processes } from "../../../src/processes/index.ts"
import { Greet } from "../../threads/files/names.ts"

Processes.serve(
  Greet.toLayer(Effect.succeed(({ name }: { readonly name: string }) => Effect.succeed(`Hello, ${name}`)))
)
