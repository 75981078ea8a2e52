/**
 * Streams as plain code loops over them.
 *
 * @internal
 */

/**
 * An iterable whose iterators are as those of an async generator: each call waits for the one before it. An abort of the signal closes
 * an iterator at once, and the next call rejects with the reason.
 */
export const looped = <A>(results: AsyncIterable<A>, signal: AbortSignal | undefined): AsyncIterable<A> => ({
  [Symbol.asyncIterator]: () => new Loop(results[Symbol.asyncIterator](), signal)
})

class Loop<A> implements AsyncIterator<A> {
  readonly #results: AsyncIterator<A>
  readonly #signal: AbortSignal | undefined
  #last: Promise<unknown> = Promise.resolve()
  #state: "new" | "open" | "ended" = "new"
  /** The close that the signal has begun. */
  #stopped: Promise<unknown> | undefined

  constructor(results: AsyncIterator<A>, signal: AbortSignal | undefined) {
    this.#results = results
    this.#signal = signal
  }

  next(): Promise<IteratorResult<A>> {
    return this.#after(() => this.#next())
  }

  return(value?: unknown): Promise<IteratorResult<A>> {
    return this.#after(() => {
      this.#end()
      return (this.#stopped ?? this.#results.return!()).then(() => ({ done: true, value }))
    })
  }

  throw(error?: unknown): Promise<IteratorResult<A>> {
    const raise = () => Promise.reject(error)
    return this.return().then(raise, raise)
  }

  #after<B>(call: () => Promise<B>): Promise<B> {
    const given = this.#last.then(call, call)
    this.#last = given
    return given
  }

  #next(): Promise<IteratorResult<A>> {
    if (this.#state === "ended") return Promise.resolve({ done: true, value: undefined })
    if (this.#state === "new" && !this.#open()) return Promise.reject(this.#signal!.reason)
    if (this.#stopped !== undefined) return this.#refuse(this.#stopped)
    return this.#results.next().then(
      (result) => {
        if (this.#stopped !== undefined) return this.#refuse(this.#stopped)
        if (result.done === true) this.#end()
        return result
      },
      (error) => {
        if (this.#stopped !== undefined) return this.#refuse(this.#stopped)
        this.#end()
        throw error
      }
    )
  }

  /** Whether it may begin. */
  #open(): boolean {
    if (this.#signal?.aborted === true) {
      this.#state = "ended"
      return false
    }
    this.#state = "open"
    this.#signal?.addEventListener("abort", this.#stop)
    return true
  }

  /** A source or a function may abort the signal while it is called, so the close comes after that call. */
  readonly #stop = (): void => {
    this.#signal?.removeEventListener("abort", this.#stop)
    const closed = Promise.resolve().then(() => this.#results.return!())
    // The reason is what the loop is told, as a loop that throws hides an error of its source's `return`.
    this.#stopped = closed.catch(() => undefined)
  }

  #refuse(stopped: Promise<unknown>): Promise<never> {
    this.#end()
    return stopped.then(() => Promise.reject(this.#signal!.reason))
  }

  #end(): void {
    this.#state = "ended"
    this.#signal?.removeEventListener("abort", this.#stop)
  }
}
