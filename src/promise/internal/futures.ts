/**
 * Futures that can be awaited by plain code.
 *
 * @internal
 */
import { FutureImpl } from "../../internal/tasks/task.ts"

/** Who waits for futures, and cancels them. */
interface Waiter {
  readonly wait: <A>(future: PromisedFuture<A>) => Promise<A>
  readonly cancel: (future: PromisedFuture<unknown>, reason: string | undefined) => Promise<void>
}

type Then<A, B> = ((value: A) => B | PromiseLike<B>) | null | undefined

/** A future as its client gives it. Each `then` is a wait of its own: in a body it gives the slot of that body away. */
export class PromisedFuture<A> extends FutureImpl implements Promise<A> {
  readonly waiter: Waiter
  /** The signal that stops it, if any. */
  readonly signal: AbortSignal | undefined

  constructor(waiter: Waiter, { claim, home, index, submission, within }: FutureImpl, signal: AbortSignal | undefined) {
    super(home, claim, submission, index, within)
    this.waiter = waiter
    this.signal = signal
  }

  get [Symbol.toStringTag](): string {
    return "Future"
  }

  get status(): string {
    return this.home.view.statusOf(this.claim)
  }

  // oxlint-disable-next-line unicorn/no-thenable -- so that it can be awaited
  then<B = A, C = never>(onValue?: Then<A, B>, onError?: Then<unknown, C>): Promise<B | C> {
    return this.waiter.wait<A>(this).then(onValue, onError)
  }

  catch<C = never>(onError?: Then<unknown, C>): Promise<A | C> {
    return this.then(undefined, onError)
  }

  finally(onEnd?: (() => void) | null): Promise<A> {
    return this.then().finally(onEnd)
  }

  cancel(reason?: string): Promise<void> {
    return this.waiter.cancel(this, reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cancel("its handle was disposed")
  }
}
