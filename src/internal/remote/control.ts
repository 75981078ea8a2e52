/**
 * Words in memory that both ends of a link share: what a message would say too late, because the other side is busy.
 *
 * Each seat has two words: whether its body has begun, or was taken back, and whether it was asked to stop. Seats beyond the block
 * have none: messages say the same.
 *
 * @internal
 */

const wordsOfSeat = 2

/** How many seats have words. */
const seats = 8192

/** The size of the shared block in bytes. */
export const controlBytes = (wordsOfSeat * seats) * Int32Array.BYTES_PER_ELEMENT

/** The states of a seat. */
const sent = 0
const claimed = 1
const takenBack = 2

export class Control {
  private readonly words: Int32Array

  constructor(words: Int32Array) {
    this.words = words
  }

  /** Whether the seat has words. */
  covers(seat: number): boolean {
    return wordsOfSeat * (seat + 1) <= this.words.length
  }

  /** A new attempt has the seat. */
  reset(seat: number): void {
    Atomics.store(this.words, wordsOfSeat * seat, sent)
    Atomics.store(this.words, wordsOfSeat * seat + 1, 0)
  }

  /** The far side begins a body. Returns whether it may: the attempt was not taken back. */
  claim(seat: number): boolean {
    return Atomics.compareExchange(this.words, wordsOfSeat * seat, sent, claimed) === sent
  }

  /** The near side takes an attempt back. Returns whether its body has not begun, and never will. */
  takeBack(seat: number): boolean {
    return Atomics.compareExchange(this.words, wordsOfSeat * seat, sent, takenBack) === sent
  }

  isTakenBack(seat: number): boolean {
    return Atomics.load(this.words, wordsOfSeat * seat) === takenBack
  }

  hasBegun(seat: number): boolean {
    return Atomics.load(this.words, wordsOfSeat * seat) === claimed
  }

  askToStop(seat: number): void {
    Atomics.store(this.words, wordsOfSeat * seat + 1, 1)
  }

  isStopping(seat: number): boolean {
    return Atomics.load(this.words, wordsOfSeat * seat + 1) === 1
  }
}
