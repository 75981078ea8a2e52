/**
 * Attempts in a line, each with the likely time of its body. Mostly the first leaves. A `Map` would do, but it keeps the places of
 * entries that were deleted until it shrinks, and a look at its first entry passes over all of them.
 *
 * @since 0.1.0
 */
export class Line {
  private tasks: Array<number> = []
  private times: Array<number> = []
  private head = 0

  /** The number of attempts. */
  get size(): number {
    return this.tasks.length - this.head
  }

  /** The task that came first, or -1. */
  get first(): number {
    return this.size === 0 ? -1 : this.tasks[this.head]!
  }

  push(task: number, micros: number): void {
    this.tasks.push(task)
    this.times.push(micros)
  }

  has(task: number): boolean {
    return this.placeOf(task) >= 0
  }

  /** Removes a task. Returns the time of its body, or `undefined` if the task is not in the line. */
  delete(task: number): number | undefined {
    const place = this.placeOf(task)
    if (place < 0) return undefined
    const micros = this.times[place]
    if (place === this.head) {
      this.head++
      if (this.head > 64 && 2 * this.head > this.tasks.length) this.compact()
    } else {
      this.tasks.splice(place, 1)
      this.times.splice(place, 1)
    }
    return micros
  }

  private compact(): void {
    this.tasks.splice(0, this.head)
    this.times.splice(0, this.head)
    this.head = 0
  }

  /** The first is asked for most often, then the last. */
  private placeOf(task: number): number {
    if (this.tasks[this.head] === task) return this.head
    const place = this.tasks.lastIndexOf(task)
    return place >= this.head ? place : -1
  }

  /** The tasks, first come first. */
  keys(): ReadonlyArray<number> {
    return this.tasks.slice(this.head)
  }

  /** The times of their bodies. */
  values(): ReadonlyArray<number> {
    return this.times.slice(this.head)
  }
}
