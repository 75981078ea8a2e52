/**
 * A queue in a ring. It keeps its array while it is small, because a new array for each task costs 36 ns of a step's 150. The
 * array grows and shrinks with the number of items, even if the queue is never empty.
 *
 * @since 0.1.0
 */
export class Fifo<A> {
  /** Its length is a power of two. */
  private items: Array<A | undefined> = []
  private head = 0
  private count = 0

  /** The number of items. */
  get size(): number {
    return this.count
  }

  /** The capacity. */
  get capacity(): number {
    return this.items.length
  }

  get first(): A | undefined {
    return this.items[this.head]
  }

  push(item: A): void {
    if (this.count === this.items.length) this.resize(Math.max(16, 2 * this.count))
    this.items[(this.head + this.count++) & (this.items.length - 1)] = item
  }

  shift(): A | undefined {
    const { count, head, items } = this
    if (count === 0) return undefined
    const item = items[head]
    items[head] = undefined
    this.count = count - 1
    // An empty queue restarts at the front, which is mostly in the cache.
    this.head = count === 1 ? 0 : (head + 1) & (items.length - 1)
    if (items.length > kept && count <= items.length >> 2) this.resize(items.length >> 1)
    return item
  }

  /** Filled completely: an array with holes is slower. */
  private resize(capacity: number): void {
    const { count, head, items } = this
    const next: Array<A | undefined> = []
    for (let i = 0; i < count; i++) next.push(items[(head + i) & (items.length - 1)])
    while (next.length < capacity) next.push(undefined)
    this.items = next
    this.head = 0
  }
}

/** A ring of this length or less never shrinks. */
const kept = 65_536
