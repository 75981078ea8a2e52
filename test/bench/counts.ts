/**
 * What a run through the public API costs in counts, which do not drift with the machine: events, instructions and fibers
 * by their kind. It listens at the doors of the driver, so all that passes is counted as it happens.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Scheduler from "skein/Scheduler"
import { Mailbox } from "../../src/internal/driver/mailbox.ts"
import { Outbox } from "../../src/internal/driver/outbox.ts"
import type { Body, Graph } from "./shapes.ts"
import { runtime, skein } from "./skein.ts"

export interface Counts {
  /** Events by name. */
  readonly events: Readonly<Record<string, number>>
  /** Instructions by name. */
  readonly instructions: Readonly<Record<string, number>>
  /** All fibers that were made, the runtime's own included. */
  readonly fibers: number
  /** Steps of the engine that kept a log of transitions. */
  readonly logged: number
  /** The most instructions that the pump carried out before it let timers and I/O have a turn. */
  readonly longestTurn: number
  /** Transitions that the listener heard. */
  readonly heard: number
}

/** Replaces methods until the result is called. */
const intercept = <A extends object>(target: A, methods: Partial<A>): () => void => {
  const originals = Object.keys(methods).map((name) => [name, target[name as keyof A]] as const)
  Object.assign(target, methods)
  return () => void Object.assign(target, Object.fromEntries(originals))
}

/** The methods as they are now. */
const copyOf = <A extends object>(target: A): A => Object.create(null, Object.getOwnPropertyDescriptors(target)) as A

const counter = () => {
  const counts: Record<string, number> = {}
  return { counts, add: (name: string) => counts[name] = (counts[name] ?? 0) + 1 }
}

/** Counts what is taken from the outbox before the event loop has a turn. */
const turnCounter = () => {
  let now = 0
  let isOpen = false
  const turns = { longest: 0 }
  const add = (): void => {
    if (!isOpen) {
      isOpen = true
      now = 0
      // The pump asks for its next turn after this, so this comes first.
      setImmediate(() => isOpen = false)
    }
    turns.longest = Math.max(turns.longest, ++now)
  }
  return { turns, add }
}

/** The number of the latest fiber: they are numbered as they are made. */
const latestFiber = (): number => Effect.runFork(Effect.void).id

/** With `heard` somebody listens to all of it. */
export const count = async (graph: Graph, body: Body, heard = false): Promise<Counts> => {
  const events = counter()
  const instructions = counter()
  const { add: taken, turns } = turnCounter()
  let logged = 0
  const mailbox = copyOf(Mailbox.prototype)
  const outbox = copyOf(Outbox.prototype)
  const restoreMailbox = intercept(Mailbox.prototype, {
    apply(this: Mailbox, event) {
      events.add(event._tag)
      const answer = mailbox.apply.call(this, event)
      if (this["log"].tasks !== undefined) logged++
      return answer
    }
  })
  const restoreOutbox = intercept(Outbox.prototype, {
    start(this: Outbox, ...args) {
      instructions.add("Start")
      outbox.start.apply(this, args)
    },
    forget(this: Outbox, ...args) {
      instructions.add("Forget")
      outbox.forget.apply(this, args)
    },
    push(this: Outbox, instruction) {
      instructions.add(instruction._tag)
      outbox.push.call(this, instruction)
    },
    next(this: Outbox, carrier) {
      const isThere = outbox.next.call(this, carrier)
      if (isThere) taken()
      return isThere
    }
  })
  const scope = Scope.makeUnsafe()
  let transitions = 0
  const listen = heard ? Scheduler.listen(() => void transitions++) : Effect.void
  await runtime.runPromise(Scope.provide(listen, scope))
  const before = latestFiber()
  const { answer } = await skein.run(graph, body)
  const fibers = latestFiber() - before - 1
  await Effect.runPromise(Scope.close(scope, Exit.void))
  restoreOutbox()
  restoreMailbox()
  if (answer !== graph.answer) throw new Error(`wrong answer: ${answer}, not ${graph.answer}`)
  return {
    events: events.counts,
    instructions: instructions.counts,
    fibers,
    logged,
    longestTurn: turns.longest,
    heard: transitions
  }
}
