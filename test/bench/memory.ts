/**
 * One measurement of memory, in a process of its own, printed as JSON:
 *
 *     memory.ts run <contestant> <shape> <size>     peak resident memory of one run
 *     memory.ts waiting <shape> <size>              what Skein holds while every task waits for a gate
 */
import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import type { Contestant } from "./contestant.ts"
import { floor } from "./floor.ts"
import { peers } from "./peers.ts"
import { make, type ShapeName } from "./shapes.ts"

export interface RunMemory {
  /** Bytes resident before the graph existed, with everything loaded. */
  readonly resident: number
  /** The most bytes ever resident. */
  readonly peak: number
}

export interface WaitingMemory extends RunMemory {
  readonly size: number
  /** Bytes of heap and buffers: the user's tasks, what submission added, what stayed when all had ended. */
  readonly user: number
  readonly waiting: number
  readonly left: number
  /** Bytes resident while all wait, before any forced collection. */
  readonly residentWaiting: number
}

/** Linux keeps the peak of this program's own memory there; `maxRSS` begins with that of the parent process. */
const peak = (): number => {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024
  } catch {
    return process.resourceUsage().maxRSS * 1024
  }
}

/** Bytes in use, when all that can go has gone. */
const used = async (): Promise<number> => {
  for (let i = 0; i < 4; i++) {
    globalThis.gc!()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

const run = async (name: string, shape: ShapeName, size: number): Promise<RunMemory> => {
  const contestants: ReadonlyArray<Contestant> = name === "Skein"
    ? [(await import("./skein.ts")).skein]
    : [floor, ...peers]
  const contestant = contestants.find((candidate) => candidate.name === name)!
  const graph = make(shape, size)
  const resident = process.memoryUsage.rss()
  const { answer } = await contestant.run(graph, "sync")
  if (answer !== graph.answer) throw new Error(`${name} answers ${answer} for ${shape}, not ${graph.answer}`)
  return { resident, peak: peak() }
}

const waiting = async (shape: ShapeName, size: number): Promise<WaitingMemory> => {
  const { gated } = await import("./skein.ts")
  // A small run first, so that what is loaded and compiled once is not charged to the tasks.
  const rehearsal = await gated(make(shape, 100))
  await rehearsal.submit()
  await rehearsal.open()
  await rehearsal.dispose()
  const graph = make(shape, size)
  const resident = process.memoryUsage.rss()
  const before = await used()
  const subject = await gated(graph)
  const built = await used()
  await subject.submit()
  const residentWaiting = process.memoryUsage.rss()
  const submitted = await used()
  const answer = await subject.open()
  if (answer !== graph.answer) throw new Error(`Skein answers ${answer} for ${shape}, not ${graph.answer}`)
  const ended = await used()
  const held = subject.tasks.length
  await subject.dispose()
  return {
    resident,
    peak: peak(),
    size: held,
    user: built - before,
    waiting: submitted - built,
    left: ended - built,
    residentWaiting
  }
}

const { positionals } = parseArgs({ allowPositionals: true })
const [mode, ...rest] = positionals
const measured = mode === "run"
  ? await run(rest[0]!, rest[1] as ShapeName, Number(rest[2]))
  : await waiting(rest[0] as ShapeName, Number(rest[1]))
process.stdout.write(JSON.stringify(measured) + "\n")
