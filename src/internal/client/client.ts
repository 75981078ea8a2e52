/**
 * The service behind the functions of `Client`.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { SchedulerCore } from "../driver/schedulerCore.ts"
import { keepOneCopy } from "../values/strangers.ts"
import { thisCopy } from "../values/typeIds.ts"

export const Core: unique symbol = Symbol.for("skein/Client/core")

const Copy: unique symbol = Symbol.for("skein/Client/copy")

/**
 * A client of one scheduler. Use the functions of this module; they find it in the context.
 *
 * @category services
 * @since 0.1.0
 */
export class Client extends Context.Service<Client, {
  /** The name of the scheduler it belongs to. */
  readonly scheduler: string
  /** @internal */
  readonly [Core]: SchedulerCore
  /** @internal */
  readonly [Copy]: typeof thisCopy
}>()("skein/Client") {}

/** @internal */
export const make = (core: SchedulerCore): Client["Service"] => ({
  scheduler: core.name,
  [Core]: core,
  [Copy]: thisCopy
})

/** The scheduler behind a client. One of another copy of Skein would take no task of ours. */
export const coreOf = (client: Client["Service"]): SchedulerCore => {
  if (client[Copy] !== thisCopy) throw new TypeError(`The layer is one of another copy of Skein: ${keepOneCopy}.`)
  return client[Core]
}

export const withCore = <A, E, R>(
  f: (core: SchedulerCore) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | Client> => Client.use((client) => f(coreOf(client)))
