/**
 * Chance in a simulation: numbers from a seed, on a tape, so that draws can be repeated and shrunk.
 *
 * @stability unstable
 * @since 0.1.0
 */

/** mulberry32 */
const prng = (seed: number): () => number => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/**
 * A sequence of draws: numbers, of which 0 is always the simplest.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Tape = ReadonlyArray<number>

/**
 * Chance in a simulation. Every draw is a whole number from 0, the simplest. Shrunk cases draw mostly 0, so put the simplest
 * alternative first.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export class Chance {
  /** The draws so far. */
  readonly drawn: Array<number> = []
  private readonly random: () => number
  private readonly tape: Tape | undefined

  constructor(seed: number, tape?: Tape) {
    this.random = prng(seed)
    this.tape = tape
  }

  /** A whole number from 0 to `n - 1`. */
  below(n: number): number {
    if (n <= 1) return 0
    return this.draw(n, () => Math.floor(this.random() * n))
  }

  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1)
  }

  /** True with this probability. */
  with(probability: number): boolean {
    return this.draw(2, () => this.random() < probability ? 1 : 0) === 1
  }

  /** One of the values; the first is the simplest. */
  pick<A>(values: readonly [A, ...Array<A>]): A {
    return values[this.below(values.length)]!
  }

  /** Some of the values. */
  some<A>(values: ReadonlyArray<A>, probability = 0.5): Array<A> {
    return values.filter(() => this.with(probability))
  }

  private draw(n: number, fresh: () => number): number {
    const drawn = this.tape === undefined ? fresh() : Math.min(this.tape[this.drawn.length] ?? 0, n - 1)
    this.drawn.push(drawn)
    return drawn
  }
}
