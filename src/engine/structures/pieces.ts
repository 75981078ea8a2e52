/**
 * Long loops in pieces: a generator yields after each piece, and the caller decides how many pieces it runs in one turn.
 *
 * @since 0.1.0
 */

/** Work that yields after pieces of bounded length, and returns its result. */
export type InPieces<A> = Generator<void, A, void>

/** More rows than there are: one piece. */
export const everything = 2 ** 30

const none: Iterable<void> = []

/** Calls `piece` for one range after the other up to `size`, of at most `rows`, and yields between them. */
export const pieces = (size: number, rows: number, piece: (from: number, to: number) => void): Iterable<void> => {
  if (size > rows) return inPieces(size, rows, piece)
  piece(0, size)
  return none
}

function* inPieces(size: number, rows: number, piece: (from: number, to: number) => void): Generator<void, void> {
  for (let from = 0; from < size; from += rows) {
    piece(from, Math.min(size, from + rows))
    yield
  }
}

/** Turns counts into their sums so far: how many come before each, in pieces of so many rows. */
export const summed = (counts: Int32Array, rows: number): Iterable<void> =>
  pieces(counts.length - 1, rows, (from, to) => {
    for (let i = from; i < to; i++) counts[i + 1]! += counts[i]!
  })

/** Does all at once. */
export const atOnce = <A>(work: InPieces<A>): A => {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}
