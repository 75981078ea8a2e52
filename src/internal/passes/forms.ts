/**
 * The arrays of small plans. A recursion submits the same few forms again and again, so plans of one form share its arrays, which are
 * never written.
 *
 * @internal
 */
import { order, ordering } from "../../engine/order/order.ts"
import type { Plan, Reference, Settings } from "../../engine/protocol/Plan.ts"
import { reversedOf } from "../../engine/structures/edges.ts"
import type { Edges } from "../../engine/structures/edges.ts"
import { atOnce, everything, pieces } from "../../engine/structures/pieces.ts"
import type { InPieces } from "../../engine/structures/pieces.ts"

/** The part of a plan that its edges determine. */
export type Form = Pick<Plan, "offsets" | "positions" | "reversed" | "size" | "targets">

/** The settings of plans in which no task has any. */
export const noSettings: ReadonlyMap<number, Settings> = new Map()

const largestFlat = 64
const largest = 8
/** A power of two, so that a hash has a place. Forms with one place replace each other. */
const places = 256

const flat: Array<Form | undefined> = []
const forms: Array<Form | undefined> = Array.from({ length: places }, () => undefined)

/** The form of `size` tasks without dependencies. */
export const flatForm = (size: number): Form => {
  const present = flat[size]
  if (present !== undefined) return present
  const positions = new Int32Array(size)
  for (let i = 0; i < size; i++) positions[i] = i
  const edges = { offsets: new Int32Array(size + 1), targets: new Int32Array(0) }
  const form: Form = { ...edges, positions, reversed: edges, size }
  if (size <= largestFlat) flat[size] = form
  return form
}

/** The form of few tasks that depend on each other alone; `undefined` for all others. */
export const smallForm = (offsets: ReadonlyArray<number>, targets: ReadonlyArray<Reference>): Form | undefined => {
  if (offsets.length > largest + 1) return undefined
  let hash = offsets.length
  for (const offset of offsets) hash = Math.imul(hash, 31) + offset
  for (const target of targets) {
    if (target < 0) return undefined
    hash = Math.imul(hash, 31) + target
  }
  const place = (hash ^ (hash >>> 8)) & (places - 1)
  const present = forms[place]
  if (present !== undefined && isEqual(present.offsets, offsets) && isEqual(present.targets, targets)) return present
  return forms[place] = makeForm(Int32Array.from(offsets), Int32Array.from(targets))
}

const isEqual = (known: Int32Array, given: ReadonlyArray<number>): boolean => {
  if (known.length !== given.length) return false
  for (let i = 0; i < given.length; i++) if (known[i] !== given[i]) return false
  return true
}

const makeForm = (offsets: Int32Array, targets: Int32Array): Form => {
  const size = offsets.length - 1
  const edges = { offsets, targets }
  return { ...edges, positions: positionsOf(size, offsets, targets, false), reversed: reversedOf(edges), size }
}

const onlyPosition = new Int32Array(1)

/** The static position of each node. */
export const positionsOf = (
  size: number,
  offsets: Int32Array,
  targets: Int32Array,
  isSimple: boolean
): Int32Array => {
  if (size === 1) return onlyPosition
  return order(isSimple ? { offsets, targets } : atOnce(plain(size, offsets, targets, everything)))
}

/** The same, in pieces of so many rows. */
export function* positionsInPieces(
  size: number,
  offsets: Int32Array,
  targets: Int32Array,
  isSimple: boolean,
  rows: number
): InPieces<Int32Array> {
  return yield* ordering(isSimple ? { offsets, targets } : yield* plain(size, offsets, targets, rows), rows)
}

/** The edges inside the plan, each once. */
function* plain(size: number, offsets: Int32Array, targets: Int32Array, rows: number): InPieces<Edges> {
  let own = targets.length
  const lastUser = new Int32Array(size)
  const isOwn = (i: number, target: number): boolean => {
    if (target < 0 || lastUser[target] === i + 1) return false
    lastUser[target] = i + 1
    return true
  }
  yield* pieces(size, rows, (from, to) => {
    for (let i = from; i < to; i++) {
      for (let j = offsets[i]!; j < offsets[i + 1]!; j++) if (!isOwn(i, targets[j]!)) own--
    }
  })
  if (own === targets.length) return { offsets, targets }
  lastUser.fill(0)
  const starts = new Int32Array(size + 1)
  const edges = new Int32Array(own)
  let end = 0
  yield* pieces(size, rows, (from, to) => {
    for (let i = from; i < to; i++) {
      for (let j = offsets[i]!; j < offsets[i + 1]!; j++) if (isOwn(i, targets[j]!)) edges[end++] = targets[j]!
      starts[i + 1] = end
    }
  })
  return { offsets: starts, targets: edges }
}
