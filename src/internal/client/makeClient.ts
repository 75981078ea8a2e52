/**
 * The client of a scheduler.
 *
 * @internal
 */
import type { Home } from "../bodies/home.ts"
import { byReference } from "../values/identity.ts"
import { thisCopy } from "../values/typeIds.ts"
import { Copy } from "./client.ts"
import type { Client } from "./client.ts"
import { computeTargets } from "./computing.ts"
import { mapItems } from "./mapping.ts"
import { streamItems } from "./streaming.ts"
import { awaitGroup, cancelGroup, fireAndForget, published, retryAll, submitAll, unpublish } from "./verbs.ts"

/** How `skein/testing` finds the scheduler behind a client. */
const Core: unique symbol = Symbol.for("skein/Client/core")

/** A client of the scheduler behind `home`. */
export const make = (home: Home): Client["Service"] => {
  const verbs: Untyped = {
    submitAll: (tasks, options) => submitAll(home, tasks, options),
    retryAll: (futures) => retryAll(home, futures),
    compute: (targets, options) => computeTargets(home, targets, options),
    forEach: (items, f, options) => mapItems(home, items, f, options),
    stream: (source, ...rest) =>
      typeof rest[0] === "function"
        ? streamItems(home, source, rest[0], rest[1])
        : streamItems(home, source, undefined, rest[0]),
    fireAndForget: (task, options) => fireAndForget(home, task, options),
    published: (name) => published(home, name),
    unpublish: (name) => unpublish(home, name),
    awaitGroup: (group) => awaitGroup(home, group),
    cancelGroup: (group, options) => cancelGroup(home, group, options)
  }
  // A function, so that a comparison of copies does not walk through the scheduler.
  const client = { ...verbs, [Core]: () => home, [Copy]: thisCopy } as any as Client["Service"]
  return Object.defineProperties(client, { ...byReference, toString: { value: () => "Client" } })
}

type Untyped = { readonly [K in keyof Client["Service"]]: (...args: Array<any>) => any }
