/** A worker behind a link, added to the scheduler of a test. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import type { Verbs } from "../../src/internal/remote/asking.ts"
import type { Transport } from "../../src/internal/remote/link.ts"
import { RemoteWorker } from "../../src/internal/remote/remoteWorker.ts"
import type { RemotePosting } from "../../src/internal/workers/port.ts"
import { coreOf } from "../../src/testing/internal/leftovers.ts"

type Own = Pick<RemotePosting, "ahead" | "id" | "labels" | "resources" | "slots" | "terms">

type Options = { readonly [K in keyof Own]?: Own[K] | undefined } & { readonly verbs?: Verbs | undefined }

/** Restarts a lost worker, twice in a minute. */
export const restarts: RemotePosting["terms"] = { restart: { times: 2, withinMillis: 60_000, minRunMillis: 0 } }

/** Adds a worker to the scheduler of the context, until the scope closes. Returns the core of the scheduler. */
export const addRemote = (
  transport: Transport,
  { ahead = 64, id = "far", labels = [], resources, slots = 1, terms = {}, verbs }: Options = {}
) =>
  Effect.gen(function*() {
    const core = coreOf(Context.get(yield* Effect.context<Client.Client>(), Client.Client))
    const posting: RemotePosting = {
      id,
      slots,
      labels,
      resources,
      terms,
      onStart: undefined,
      kind: "remote",
      ahead,
      handsOver: true,
      port: (setup) => new RemoteWorker(setup, transport, { slots, ahead, verbs })
    }
    yield* core.crew.add(posting)
    return core
  })
