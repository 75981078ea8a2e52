/**
 * The far side in a thread or a child process, from its start to its exit.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Uplink } from "../../internal/remote/link.ts"
import { describeError } from "../../internal/text/rendering.ts"
import type { ModuleSeat, Seat, Told } from "./side.ts"

/** The far end as a transport gives it. */
export interface Post {
  readonly seat: Seat
  readonly uplink: Uplink
  readonly tell: (told: Told) => void
  /** Ends the thread or process, after `Closed`. */
  readonly leave: () => void
}

/** What `serve` leaves for the entry that has imported its file. Plain functions: the file may have a copy of Skein of its own. */
export type Serve = (post: Post) => void

const key = Symbol.for("skein/threads/serve")

interface Board {
  [key]?: Array<Serve> | undefined
}

/** Whether a file that is loaded now is the entry of a thread or process. */
export const isAwaited = (): boolean => (globalThis as Board)[key] !== undefined

/** Takes the place of the entry that is being loaded. */
export const offer = (serve: Serve): void => void (globalThis as Board)[key]!.push(serve)

/** Loads the file of the seat, and lets what it offers serve; without a file `other` serves. */
export const boot = (post: Post, other: Serve, words: { readonly serve: string }): Effect.Effect<void> => {
  const { entry } = post.seat
  if (entry === undefined) return Effect.sync(() => other(post))
  const load = Effect.acquireUseRelease(
    Effect.sync(() => {
      const offers: Array<Serve> = []
      ;(globalThis as Board)[key] = offers
      return offers
    }),
    (offers) => Effect.as(loadFile(entry), offers),
    () =>
      Effect.sync(() => {
        delete (globalThis as Board)[key]
      })
  )
  return Effect.flatMap(load, (offers) => {
    const [serve] = offers
    if (offers.length !== 1) {
      const times = offers.length === 0 ? "not once" : `${offers.length} times`
      return Effect.fail(`its entry ${entry} must call ${words.serve} once, and did so ${times}`)
    }
    return Effect.sync(() => serve!(post))
  }).pipe(
    Effect.catchCause((cause) => Effect.sync(() => post.tell({ _tag: "Failed", why: String(Cause.squash(cause)) })))
  )
}

/** The exports of a module. */
export const loadFile = (url: string): Effect.Effect<object, string> =>
  Effect.tryPromise({
    try: () => import(url) as Promise<object>,
    catch: (error) => `${url} could not be loaded: ${whereOf(error)}${describeError(error)}`
  })

/** The place of a mistake, which Node puts before the stack of some errors. */
const whereOf = (error: unknown): string => {
  const line = String((error as Error | undefined)?.stack).split("\n")[0]!
  return /^\S+:\d+$/.test(line) ? `${line}: ` : ""
}

export const loadModules = (
  modules: ReadonlyArray<ModuleSeat>
): Effect.Effect<ReadonlyArray<readonly [ModuleSeat, object]>, string> =>
  Effect.forEach(modules, (seat) => Effect.map(loadFile(seat.url), (exports) => [seat, exports] as const))
