/**
 * Collects the messages for a worker elsewhere, and gives them as one batch.
 *
 * @internal
 */
import { positionsOfLarge } from "../portable/buffers.ts"
import type { Transfer } from "./link.ts"
import { startWidth } from "./messages.ts"
import type { Answer, Batch, ClockData, ContextData } from "./messages.ts"
import type { SealedPart } from "./sealedInputs.ts"

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

const nothing = new Int32Array(0)
const noneLarge: ReadonlyArray<Large> = []

/** A start whose payload has large buffers. */
export interface Large {
  readonly position: number
  readonly seat: number
  readonly payload: unknown
}

export class Outgoing {
  private starts = new Int32Array(startWidth * 64)
  /** The number of starts. */
  count = 0
  private payloads: Array<unknown> = []
  /** How many payloads were searched for large buffers. */
  private searched = 0
  private keys: Array<string | undefined> | undefined
  private places: Array<number> | undefined
  private contexts: Array<ContextData> | undefined
  private sealed: Array<readonly [position: number, part: SealedPart]> | undefined
  private orders: Array<number> | undefined
  private answers: Array<Answer> | undefined
  /** What is given away with each start that gives something away. */
  private readonly moved = new Map<number, Transfer>()
  clock: ClockData | undefined

  get isEmpty(): boolean {
    return this.count === 0 && this.orders === undefined && this.answers === undefined && this.clock === undefined
  }

  get hasOrders(): boolean {
    return this.orders !== undefined
  }

  start(seat: number, name: number, number: number, serial: number, flags: number, payload: unknown): void {
    const at = startWidth * this.count++
    if (at === this.starts.length) this.grow()
    const { starts } = this
    starts[at] = seat
    starts[at + 1] = name
    starts[at + 2] = number
    starts[at + 3] = serial
    starts[at + 4] = flags
    this.payloads.push(payload)
  }

  private grow(): void {
    const grown = new Int32Array(2 * this.starts.length)
    grown.set(this.starts)
    this.starts = grown
  }

  /** The last start has a key of its own. */
  key(key: string): void {
    this.keys ??= []
    this.keys[this.count - 1] = key
  }

  /** The last start gives buffers away. */
  move(buffers: Transfer): void {
    this.moved.set(this.count - 1, buffers)
  }

  /** The starts since the last look whose payloads have large buffers. */
  large(): ReadonlyArray<Large> {
    const from = this.searched
    if (from === this.count) return noneLarge
    this.searched = this.count
    const added = from === 0 ? this.payloads : this.payloads.slice(from)
    return positionsOfLarge(added).map((i) => {
      const position = from + i
      return { position, seat: this.starts[startWidth * position]!, payload: this.payloads[position] }
    })
  }

  /** The payload of a start goes in another form, and gives buffers away. */
  replace(position: number, payload: unknown, moved: Transfer): void {
    this.payloads[position] = payload
    if (moved.length > 0) this.moved.set(position, [...this.moved.get(position) ?? [], ...moved])
  }

  /** The last start has a sealed part. */
  seal(part: SealedPart): void {
    this.sealed ??= []
    this.sealed.push([this.count - 1, part])
  }

  /** The last start has the context with this number. */
  place(number: number): void {
    this.places ??= []
    this.places[this.count - 1] = number
  }

  /** Returns the number of a context in this batch. */
  context(context: ContextData): number {
    this.contexts ??= []
    return this.contexts.push(context)
  }

  order(verb: number, seat: number): void {
    this.orders ??= []
    this.orders.push(verb, seat)
  }

  answer(answer: Answer): void {
    this.answers ??= []
    this.answers.push(answer)
  }

  /** Everything collected so far. The next batch begins empty. */
  take(heard: number): Parcel {
    const { answers, clock, contexts, count, keys, moved, orders, payloads, places, sealed, starts } = this
    const batch: Mutable<Batch> = {
      _tag: "Batch",
      heard,
      starts: count === 0 ? nothing : starts.slice(0, startWidth * count),
      payloads
    }
    // One by one: a spread for each would cost more than the rest of a batch of one.
    if (keys !== undefined) batch.keys = keys
    if (places !== undefined) batch.places = places
    if (contexts !== undefined) batch.contexts = contexts
    if (sealed !== undefined) batch.sealed = sealed
    if (orders !== undefined) batch.orders = orders
    if (answers !== undefined) batch.answers = answers
    if (clock !== undefined) batch.clock = clock
    const parcel: Parcel = { batch, moved: moved.size === 0 ? noneMoved : new Map(moved) }
    this.count = this.searched = 0
    this.payloads = []
    this.keys =
      this.places =
      this.contexts =
      this.sealed =
      this.orders =
      this.answers =
      this.clock =
        undefined
    if (moved.size > 0) moved.clear()
    return parcel
  }
}

const noneMoved: ReadonlyMap<number, Transfer> = new Map()

/** A batch, with the buffers that each start gives away. */
export interface Parcel {
  readonly batch: Batch
  readonly moved: ReadonlyMap<number, Transfer>
}

/** What a batch gives away, if anything; a buffer that two starts give away goes once. */
export const transferOf = ({ moved }: Parcel): Transfer | undefined =>
  moved.size === 0 ? undefined : [...new Set([...moved.values()].flat())]

/** A batch in parts, because not all of it can be cloned: its starts one by one, each answer, and then the rest. */
export const partsOf = ({ batch, moved }: Parcel): ReadonlyArray<Parcel> => {
  const { answers = [], keys, payloads, places, sealed = [], starts, ...rest } = batch
  const { heard } = batch
  const alone = payloads.map((payload, i): Parcel => ({
    batch: {
      _tag: "Batch",
      heard,
      starts: starts.slice(startWidth * i, startWidth * (i + 1)),
      payloads: [payload],
      ...keys !== undefined && { keys: [keys[i]] },
      ...places !== undefined && { places: [places[i] ?? 0], contexts: rest.contexts! },
      ...sealed.length > 0 && { sealed: sealed.flatMap(([at, part]) => at === i ? [[0, part] as const] : []) }
    },
    moved: moved.has(i) ? new Map([[0, moved.get(i)!]]) : noneMoved
  }))
  const answered = answers.map((answer): Parcel => ({
    batch: { _tag: "Batch", heard, starts: nothing, payloads: [], answers: [answer] },
    moved: noneMoved
  }))
  return [...alone, ...answered, { batch: { ...rest, starts: nothing, payloads: [] }, moved: noneMoved }]
}
