/**
 * The arrays of small plans. A recursion submits the same few forms again and again, so plans of one form share its arrays, which are
 * never written.
 *
 * @internal
 */
import { order } from "../../engine/order/order.ts"
import type { Plan, Reference, Settings } from "../../engine/protocol/Plan.ts"
import { reversedOf } from "../../engine/structures/edges.ts"

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
  return { ...edges, positions: positionsOf(size, offsets, targets), reversed: reversedOf(edges), size }
}

const onlyPosition = new Int32Array(1)

/** The static position of each node. */
export const positionsOf = (size: number, offsets: Int32Array, targets: Int32Array): Int32Array =>
  size === 1
    ? onlyPosition
    : order(isPlain(size, offsets, targets) ? { offsets, targets } : plain(size, offsets, targets))

/** Whether all edges lie inside the plan and none is there twice. */
const isPlain = (size: number, offsets: Int32Array, targets: Int32Array): boolean => {
  const lastUser = new Int32Array(size)
  for (let i = 0; i < size; i++) {
    for (let j = offsets[i]!; j < offsets[i + 1]!; j++) {
      const target = targets[j]!
      if (target < 0 || lastUser[target] === i + 1) return false
      lastUser[target] = i + 1
    }
  }
  return true
}

/** The edges inside the plan, each once. */
const plain = (size: number, offsets: Int32Array, targets: Int32Array) => {
  const own: Array<number> = []
  const starts = new Int32Array(size + 1)
  for (let i = 0; i < size; i++) {
    const dependencies = new Set(targets.subarray(offsets[i], offsets[i + 1]))
    for (const dependency of dependencies) if (dependency >= 0) own.push(dependency)
    starts[i + 1] = own.length
  }
  return { offsets: starts, targets: Int32Array.from(own) }
}
