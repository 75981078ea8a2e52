/** A function that computes. The README makes tasks of it that run in threads. */

/** The number of primes from `from` up to `to`, without `to`. */
export const primes = (from: number, to: number): number => {
  let found = 0
  for (let n = Math.max(2, from); n < to; n++) if (isPrime(n)) found++
  return found
}

const isPrime = (n: number): boolean => {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false
  return true
}
