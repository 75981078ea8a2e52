/** Numbers from 0 up to below 1, the same for the same seed (mulberry32). */
export const numbersFrom = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

/** Choices from a seed. */
export class Chance {
  readonly next: () => number

  constructor(seed: number) {
    this.next = numbersFrom(seed)
  }

  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  with(probability: number): boolean {
    return this.next() < probability
  }

  pick<A>(values: ReadonlyArray<A>): A | undefined {
    return values[this.below(values.length)]
  }

  weighted<A>(choices: ReadonlyArray<readonly [number, A]>): A {
    let rest = this.next() * choices.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of choices) if ((rest -= weight) < 0) return value
    return choices[choices.length - 1]![1]
  }
}
