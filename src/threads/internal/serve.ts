/**
 * What the entry of a thread or process does: it loads modules, builds the layer of its handlers, and runs their tasks.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { surroundings } from "../../internal/nested/farSide.ts"
import { implementationsIn } from "../../internal/portable/handlers.ts"
import { implementationsOf } from "../../internal/portable/modules.ts"
import type { Namespace } from "../../internal/portable/modules.ts"
import { registryOf } from "../../internal/portable/named.ts"
import { serve as serveFar } from "../../internal/remote/far.ts"
import { loadModules } from "./serving.ts"
import type { Serve } from "./serving.ts"

/** Any layer of handlers that needs nothing. */
export type Handlers = Layer.Layer<never, unknown>

/** Serves the handlers of a layer, and the modules of the seat. The layer is built when there is a worker to serve. */
export const serving = (handlers: Handlers): Serve => ({ leave, seat, tell, uplink }) => {
  const work = Effect.gen(function*() {
    const loaded = yield* loadModules(seat.modules)
    const modules = loaded.flatMap(([url, exports]) => implementationsOf(url, exports as Namespace))
    tell({ _tag: "Loaded" })
    const registry = Effect.map(
      Layer.build(handlers),
      (context) => registryOf([...implementationsIn(context), ...modules])
    )
    yield* serveFar(uplink, registry, { surroundings })
    leave()
  })
  Effect.runFork(work).addObserver((exit) => {
    if (Exit.isFailure(exit)) tell({ _tag: "Failed", why: String(Cause.squash(exit.cause)) })
  })
}
