/**
 * Copies of large buffers in shared memory: each buffer is copied once, however many tasks in threads take it.
 *
 * A copy is of the buffer as it was when the first of these tasks started. It is dropped as soon as no task needs it that has not
 * ended, so what a user writes into the buffer between two computations reaches the second.
 *
 * @internal
 */
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { hasEnded } from "../../engine/protocol/Phase.ts"
import type { Phase } from "../../engine/protocol/Phase.ts"
import type { Registered } from "../../engine/protocol/Registered.ts"
import { columnsOf } from "../../engine/views/columns.ts"

/** A part of a buffer that tasks take. */
export interface Lent {
  readonly buffer: ArrayBuffer
  readonly part: string
  /** How many tasks have taken it, and the last of them. */
  tasks: number
  last: TaskId
  /** How many attempts have it. */
  users: number
  memory: SharedArrayBuffer | undefined
  /** The submissions of its tasks, and the index up to which their tasks have ended. */
  readonly submissions: Map<Registered, number>
}

export class Sharing {
  /** How many buffers were copied into shared memory, and how many copies are there. */
  copies = 0
  held = 0
  private readonly state: Engine
  private readonly defer: (f: () => void) => void
  private readonly known = new WeakMap<ArrayBuffer, Map<string, Lent>>()
  /** What no attempt has at the moment. */
  private readonly idle = new Set<Lent>()
  private readonly notes: Array<() => void> = []
  private users = 0
  private isSweeping = false

  constructor(state: Engine, defer: (f: () => void) => void) {
    this.state = state
    this.defer = defer
  }

  /** Whether attempts have large buffers. */
  get isUsed(): boolean {
    return this.users > 0
  }

  /** Whether there are buffers that no attempt has, but tasks may need that have not ended. */
  get hasIdle(): boolean {
    return this.idle.size > 0
  }

  /** `note` takes the buffers of a batch that a worker has begun, before any batch goes. */
  expect(note: () => void): void {
    this.notes.push(note)
  }

  /** Nothing goes to that worker any more. */
  expectNoMore(note: () => void): void {
    const place = this.notes.indexOf(note)
    if (place >= 0) this.notes.splice(place, 1)
  }

  noteAll(): void {
    for (let note = this.notes.pop(); note !== undefined; note = this.notes.pop()) note()
  }

  /** An attempt takes what a view shows. */
  take(view: ArrayBufferView, task: TaskId, submission: Registered): Lent {
    const lent = this.find(view)
    // Nobody needs the former copy, and the buffer may have changed since.
    if (lent.users === 0 && lent.tasks > 0 && !this.isNeeded(lent)) this.forget(lent)
    if (lent.last !== task) lent.tasks++
    lent.last = task
    lent.users++
    this.users++
    this.idle.delete(lent)
    if (!lent.submissions.has(submission)) lent.submissions.set(submission, 0)
    return lent
  }

  private find({ buffer, byteLength, byteOffset }: ArrayBufferView): Lent {
    const whole = buffer as ArrayBuffer
    const part = `${byteOffset}:${byteLength}`
    let parts = this.known.get(whole)
    if (parts === undefined) this.known.set(whole, parts = new Map())
    let lent = parts.get(part)
    if (lent === undefined) {
      lent = { buffer: whole, part, tasks: 0, last: -1, users: 0, memory: undefined, submissions: new Map() }
      parts.set(part, lent)
    }
    return lent
  }

  /** The copy of what a view shows, made when it is first asked for; `undefined` if one task alone takes it. */
  memoryOf(view: ArrayBufferView): SharedArrayBuffer | undefined {
    const lent = this.find(view)
    if (lent.memory !== undefined || lent.tasks < 2) return lent.memory
    const { buffer, byteLength, byteOffset } = view
    lent.memory = new SharedArrayBuffer(byteLength)
    new Uint8Array(lent.memory).set(new Uint8Array(buffer, byteOffset, byteLength))
    this.copies++
    this.held++
    return lent.memory
  }

  /** An attempt is over that has taken these. */
  release(all: ReadonlyArray<Lent>): void {
    for (const lent of all) {
      this.users--
      if (--lent.users === 0) this.idle.add(lent)
    }
    this.sweepSoon()
  }

  /** Drops what nobody needs at the end of the turn, when all ends are known. */
  sweepSoon(): void {
    if (this.idle.size === 0 || this.isSweeping) return
    this.isSweeping = true
    this.defer(this.sweep)
  }

  private readonly sweep = (): void => {
    this.isSweeping = false
    for (const lent of Array.from(this.idle)) if (!this.isNeeded(lent)) this.drop(lent)
  }

  private drop(lent: Lent): void {
    this.forget(lent)
    this.idle.delete(lent)
    this.known.get(lent.buffer)?.delete(lent.part)
  }

  private forget(lent: Lent): void {
    if (lent.memory !== undefined) this.held--
    lent.memory = undefined
    lent.tasks = 0
    lent.last = -1
    lent.submissions.clear()
  }

  private isNeeded({ submissions, users }: Lent): boolean {
    if (users > 0) return true
    for (const [submission, from] of submissions) {
      const open = this.firstOpen(submission, from)
      if (open < submission.ids.length) {
        submissions.set(submission, open)
        return true
      }
      submissions.delete(submission)
    }
    return false
  }

  /** The index of the first task that may run elsewhere and has not ended. */
  private firstOpen(submission: Registered, from: number): number {
    const { ids, plan: { portable } } = submission
    const { phase, submission: of } = columnsOf(this.state)
    for (let i = from; i < ids.length; i++) {
      const id = ids[i]!
      // The row of a task that was forgotten may belong to another.
      const isThere = id >= 0 && of[id] === submission
      if (isThere && portable?.[i] !== 0 && !hasEnded(phase[id] as Phase)) return i
    }
    return ids.length
  }
}
