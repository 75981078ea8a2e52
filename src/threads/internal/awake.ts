/**
 * Stays awake for the answer to a message.
 *
 * An event loop without work sleeps, and its core with it. To wake a core takes longer than a tiny task does: about 40 µs on a
 * virtual machine, and a task alone wakes two. So an end of a channel that has posted a message looks for the answer in shared memory
 * for longer than that before it sleeps. Where answers do not come that soon, looks become rare: the next one is after four times as
 * many messages as the last, up to 64. That is so with longer bodies, and if both threads have one core.
 *
 * @internal
 */
import { performance } from "node:perf_hooks"
import { setImmediate } from "node:timers"

/** How long a look is, in milliseconds. */
const most = 0.1

/** The most messages that go without a look. */
const rarest = 64

/** Which word counts the messages of which end. */
export const Posted = { near: 0, far: 1 } as const

/** What a look needs: a clock, and a way to do something after the other work of this turn. */
export interface Means {
  readonly now: () => number
  readonly later: (f: () => void) => void
}

const means: Means = { now: () => performance.now(), later: setImmediate }

export class Awake {
  private readonly words: Int32Array
  private readonly own: number
  private readonly means: Means
  private posted = 0
  private heard = 0
  /** How many messages of the other end had come when the last one was posted. */
  private since = 0
  private isDue = false
  /** How many messages go without a look: from now on, and after the next look in vain. */
  private left = 0
  private next = 1

  constructor(words: Int32Array, own: number, others: Means = means) {
    this.words = words
    this.own = own
    this.means = others
  }

  /** A message of the other end has come. */
  received(): void {
    this.heard++
  }

  /** A message was posted. */
  sent(): void {
    Atomics.store(this.words, this.own, ++this.posted)
    this.since = this.heard
    if (this.isDue) return
    if (this.left > 0) this.left--
    else {
      this.isDue = true
      this.means.later(this.look)
    }
  }

  private readonly look = (): void => {
    this.isDue = false
    // An answer that has come already says nothing of the next one.
    if (this.isAnswered) return
    const { now } = this.means
    for (const end = now() + most; now() < end;) {
      if (!this.isAnswered) continue
      this.next = Math.max(1, this.next >> 1)
      return
    }
    this.left = this.next
    this.next = Math.min(4 * this.next, rarest)
  }

  /** The counts may wrap around. */
  private get isAnswered(): boolean {
    return ((Atomics.load(this.words, 1 - this.own) - this.since) | 0) > 0
  }
}
