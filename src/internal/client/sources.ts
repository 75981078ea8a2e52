/**
 * Sources of streams: what can be read item by item, now or later.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as Predicate from "effect/Predicate"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { looked } from "../values/looks.ts"

/** What a stream reads. */
export type Source<A = any, E = any, R = any> = Iterable<A> | AsyncIterable<A> | Stream.Stream<A, E, R>

export type SourceItem<S> = S extends Stream.Stream<infer A, any, any> ? A
  : S extends Iterable<infer A> ? A
  : S extends AsyncIterable<infer A> ? A
  : never

export type SourceError<S> = S extends Stream.Stream<any, infer E, any> ? E
  : S extends Iterable<any> ? never
  : S extends AsyncIterable<any> ? Cause.UnknownError
  : never

export type SourceServices<S> = S extends Stream.Stream<any, any, infer R> ? R : never

export const isSource = (value: unknown): value is Source =>
  Stream.isStream(value) || Predicate.isIterable(value) || isAsyncIterable(value)

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  Predicate.hasProperty(value, Symbol.asyncIterator)

/** The length of an array, a set, a chunk or anything like them. A text has more units than characters. */
const lengthOf = (source: Iterable<unknown>): number | undefined => {
  if (Array.isArray(source)) return source.length
  if (typeof source === "string") return undefined
  const { length, size } = looked(
    () => ({ length: (source as any).length as unknown, size: (source as any).size as unknown }),
    { length: undefined, size: undefined }
  )
  return [length, size].find((number) => Number.isInteger(number) && (number as number) >= 0) as number | undefined
}

/** An iterator that is closed once, unless it has ended or thrown. */
export class Reader {
  private iterator: Iterator<unknown> | undefined
  private isOpen = true
  private readonly source: Iterable<unknown>
  /** How many items it has in all, if that is known. */
  readonly length: number | undefined

  constructor(source: Iterable<unknown>) {
    this.source = source
    this.length = lengthOf(source)
  }

  /** The next item; an iterator that throws closes itself. */
  next(): IteratorResult<unknown> {
    if (this.iterator === undefined) {
      this.isOpen = false
      this.iterator = this.source[Symbol.iterator]()
    }
    this.isOpen = false
    const result = this.iterator.next()
    this.isOpen = result.done !== true
    return result
  }

  readonly close: Effect.Effect<void> = Effect.sync(() => {
    if (!this.isOpen) return
    this.isOpen = false
    this.iterator?.return?.()
  })
}

type Chunks = Pull.Pull<ReadonlyArray<unknown>, unknown, void, any>

/** Pulls a source that is read later, until the scope closes. */
export const pullOf = (source: AsyncIterable<unknown> | Stream.Stream<unknown, unknown, any>) =>
  Stream.isStream(source) ? Stream.toPull(source) : pullOfAsync(source as AsyncIterable<unknown>)

const pullOfAsync = (source: AsyncIterable<unknown>): Effect.Effect<Chunks, never, Scope.Scope> => {
  const begin = Effect.sync(() => ({ iterator: source[Symbol.asyncIterator](), isOpen: true, isPulling: false }))
  return Effect.map(
    Effect.acquireRelease(begin, (state) =>
      Effect.suspend(() => {
        if (!state.isOpen || state.iterator.return === undefined) return Effect.void
        state.isOpen = false
        const returned = state.iterator.return()
        // It may settle only after a pending `next`.
        return state.isPulling ? Effect.sync(() => void returned.catch(constVoid)) : Effect.promise(() => returned)
      })),
    (state): Chunks => {
      const settled = (isOpen: boolean): void => {
        state.isOpen = isOpen
        state.isPulling = false
      }
      // Its end is noted as it comes, also when nobody waits for it any more.
      const pull = (): Promise<IteratorResult<unknown>> => {
        state.isPulling = true
        const next = Promise.resolve(state.iterator.next())
        next.then(({ done }) => settled(state.isOpen && done !== true), () => settled(false))
        return next
      }
      const next = Effect.tryPromise({ try: pull, catch: (cause) => new Cause.UnknownError(cause) })
      return Effect.flatMap(next, (result) => result.done === true ? Cause.done() : Effect.succeed([result.value]))
    }
  )
}
