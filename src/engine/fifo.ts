/**
 * A queue that keeps its array: emptying one with `length = 0` would allocate a new one at the next push, for each task
 * (36 ns of a step's 150).
 *
 * @since 0.1.0
 */
export class Fifo<A> {
  private items: Array<A | undefined> = []
  private head = 0
  /** Where the next one goes; counts up until the queue is empty. */
  private tail = 0

  /** How many are in it. */
  get size(): number {
    return this.tail - this.head
  }

  get first(): A | undefined {
    return this.items[this.head]
  }

  push(item: A): void {
    this.items[this.tail++] = item
  }

  shift(): A | undefined {
    if (this.head === this.tail) return undefined
    const item = this.items[this.head]
    this.items[this.head++] = undefined
    if (this.head === this.tail) this.rewind()
    return item
  }

  private rewind(): void {
    this.head = this.tail = 0
    if (this.items.length > 65_536) this.items = []
  }
}
