/**
 * How a thread or a process finds what it serves.
 *
 * ```text
 * [our entry] -- imports --> [the user's entry] -- serve(layer): an offer --> [our entry] -- post --> [what was offered]
 * [the user's entry, made by a bundler] -- serve(layer) --> serves at once
 * ```
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Uplink } from "../../internal/remote/link.ts"
import { describeError } from "../../internal/text/rendering.ts"
import type { Seat, Told } from "./side.ts"

/** The far end as a transport gives it. */
export interface Post {
  readonly seat: Seat
  readonly uplink: Uplink
  readonly tell: (told: Told) => void
  /** Ends the thread or process, after everything was sent. */
  readonly leave: () => void
}

/** Serves at a post. A plain function, because the file that offers it may have a copy of Skein of its own. */
export type Serve = (post: Post) => void

/** Where offers go while our entry loads the user's. */
const key = Symbol.for("skein/threads/offers")

interface Board {
  [key]?: Array<Serve> | undefined
}

const board = globalThis as Board

/** Serves at the post of this thread or process; in a file that our entry loads, when that is done. */
export const offer = (serve: Serve, begin: (serve: Serve) => void): void => {
  const offers = board[key]
  if (offers === undefined) begin(serve)
  else offers.push(serve)
}

/** Loads the user's entry, and returns what it offers; `name` is that of `serve`. */
export const offerOf = (entry: string, name: string): Effect.Effect<Serve, string> =>
  Effect.acquireUseRelease(
    Effect.sync(() => board[key] = []),
    (offers) => Effect.as(loadFile(entry), offers),
    () =>
      Effect.sync(() => {
        board[key] = undefined
      })
  ).pipe(Effect.flatMap(([serve, ...others]) => {
    if (serve === undefined) return Effect.fail(`its entry ${entry} does not call ${name}`)
    return others.length === 0 ? Effect.succeed(serve) : Effect.fail(`its entry ${entry} calls ${name} more than once`)
  }))

/** Serves what the user's entry offers; without one, `other`. */
export const boot = (post: Post, other: Serve, name: string): Effect.Effect<void> => {
  const { entry } = post.seat
  return (entry === undefined ? Effect.succeed(other) : offerOf(entry, name)).pipe(
    Effect.map((serve) => serve(post)),
    Effect.catchCause((cause) => Effect.sync(() => post.tell({ _tag: "Failed", why: String(Cause.squash(cause)) })))
  )
}

/** The exports of a module. */
const loadFile = (url: string): Effect.Effect<object, string> =>
  Effect.tryPromise({
    try: (): Promise<object> => import(/* @vite-ignore */ /* webpackIgnore: true */ url),
    catch: (error) => `${url} could not be loaded: ${describeError(error)}${placeOf(error)}`
  })

/** The place of a mistake, which Node puts before the stack of some errors. */
const placeOf = (error: unknown): string => {
  const [line = ""] = String((error as Error | undefined)?.stack).split("\n")
  return /^\S+:\d+$/.test(line) ? ` (${line})` : ""
}

export const loadModules = (
  urls: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<readonly [string, object]>, string> =>
  Effect.forEach(urls, (url) => Effect.map(loadFile(url), (exports) => [url, exports] as const))
