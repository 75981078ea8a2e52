/**
 * A binary heap whose members know their index, so that any of them can be moved or removed.
 *
 * @since 0.1.0
 */

/** A member of at most one heap. */
export interface Member {
  /** Its index there, or -1. */
  heapIndex: number
}

/** Whether one member comes before another. */
export type Before<S, A> = (state: S, a: A, b: A) => boolean

/** Adds a member. */
export const insert = <S, A extends Member>(state: S, heap: Array<A>, member: A, isBefore: Before<S, A>): void => {
  member.heapIndex = heap.push(member) - 1
  rise(state, heap, member, isBefore)
}

/** Removes a member. */
export const remove = <S, A extends Member>(state: S, heap: Array<A>, member: A, isBefore: Before<S, A>): void => {
  const last = heap.pop()!
  if (last !== member) {
    place(heap, last, member.heapIndex)
    sink(state, heap, last, isBefore)
    rise(state, heap, last, isBefore)
  }
  member.heapIndex = -1
}

/** Moves a member up that now comes earlier. */
export const rise = <S, A extends Member>(state: S, heap: Array<A>, member: A, isBefore: Before<S, A>): void => {
  let index = member.heapIndex
  while (index > 0) {
    const parent = heap[(index - 1) >> 1]!
    if (!isBefore(state, member, parent)) break
    place(heap, parent, index)
    index = (index - 1) >> 1
  }
  place(heap, member, index)
}

/** Moves a member down that now comes later. */
export const sink = <S, A extends Member>(state: S, heap: Array<A>, member: A, isBefore: Before<S, A>): void => {
  let index = member.heapIndex
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(state, heap[child + 1]!, heap[child]!)) child++
    if (!isBefore(state, heap[child]!, member)) break
    place(heap, heap[child]!, index)
    index = child
  }
  place(heap, member, index)
}

const place = <A extends Member>(heap: Array<A>, member: A, index: number): void => {
  heap[index] = member
  member.heapIndex = index
}
