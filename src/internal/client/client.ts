/**
 * The service behind the functions of `Client`.
 *
 * @internal
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Home } from "../bodies/home.ts"
import { byReference } from "../values/identity.ts"
import { keepOneCopy } from "../values/strangers.ts"
import { thisCopy } from "../values/typeIds.ts"

export const Core: unique symbol = Symbol.for("skein/Client/core")

const Copy: unique symbol = Symbol.for("skein/Client/copy")

/**
 * A client of one scheduler. Use the functions of this module; they find it in the context.
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export class Client extends Context.Service<Client, {
  /** The name of the scheduler it belongs to. */
  readonly scheduler: string
  /** @internal */
  readonly [Core]: Home
  /** @internal */
  readonly [Copy]: typeof thisCopy
}>()("skein/Client") {}

/** A client of the scheduler behind `home`. */
export const make = (home: Home): Client["Service"] =>
  Object.defineProperties({ scheduler: home.name, [Core]: home, [Copy]: thisCopy }, byReference)

/** The scheduler behind a client. A client of another copy of Skein would take no task of this one. */
export const homeOf = (client: Client["Service"]): Home => {
  if (client[Copy] !== thisCopy) throw new TypeError(`The layer is one of another copy of Skein: ${keepOneCopy}.`)
  return client[Core]
}

export const withHome = <A, E, R>(
  f: (home: Home) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R | Client> => Client.use((client) => f(homeOf(client)))
