/**
 * What a plain task meets of other features: reads of the engine's state are counted while tasks end, start and are forgotten.
 * `docs/performance.md` has the list.
 */
import { assert, describe, it } from "@effect/vitest"
import { check } from "../../src/engine/check/check.ts"
import * as Engine from "../../src/engine/Engine.ts"
import { succeeded } from "../../src/engine/protocol/Event.ts"
import type { TaskId } from "../../src/engine/protocol/ids.ts"
import type { Instruction, Out } from "../../src/engine/protocol/Instruction.ts"
import { Phase } from "../../src/engine/protocol/Phase.ts"
import type { Plan } from "../../src/engine/protocol/Plan.ts"
import * as State from "../../src/engine/state/State.ts"

/** The fields that are rules of every task: rows, ready tasks, slots, what is to be done in the step. */
const common: Readonly<Record<string, ReadonlyArray<string>>> = {
  state: ["tasks", "lanes", "workers", "owners", "waits", "next", "now", "step", "limits"],
  step: ["agenda", "lone", "log", "workerLog", "cause"],
  worker: ["index", "serial", "slots", "phase", "kind", "running", "attempts", "usedAt"],
  submission: ["ids", "dependents", "dependentOffsets", "lane", "ranks", "plan", "owner"],
  plan: ["size", "offsets", "targets", "positions"]
}

type Counts = Record<string, number>

/** Counts the reads of all fields of an object but the common ones. */
const watch = (counts: Counts, of: string, target: object): void => {
  const fields = target as Record<string, unknown>
  for (const name of Object.keys(fields)) {
    if (common[of]!.includes(name)) continue
    let value = fields[name]
    Object.defineProperty(fields, name, {
      get: () => {
        counts[name] = (counts[name] ?? 0) + 1
        return value
      },
      set: (next) => {
        value = next
      }
    })
  }
}

const watchFlags = (counts: Counts, { tasks }: State.State): void => {
  tasks.flags = new Proxy(tasks.flags, {
    get: (flags, task) => {
      counts["flags"] = (counts["flags"] ?? 0) + 1
      return Reflect.get(flags, task)
    },
    set: (flags, task, value) => Reflect.set(flags, task, value)
  })
}

/** The shape of a graph: what each task depends on. */
type Shape = (index: number) => ReadonlyArray<number>

const chain: Shape = (index) => index === 0 ? [] : [index - 1]
const independent: Shape = () => []
/** Each task takes the results of the two before it. */
const ladder: Shape = (index) => [index - 2, index - 1].filter((each) => each >= 0)

const planOf = (shape: Shape, size: number, portable?: Int32Array): Plan => {
  const dependencies = Array.from({ length: size }, (_, index) => shape(index))
  const offsets = [0]
  for (const each of dependencies) offsets.push(offsets.at(-1)! + each.length)
  return {
    size,
    offsets: Int32Array.from(offsets),
    targets: Int32Array.from(dependencies.flat()),
    positions: Int32Array.from({ length: size }, (_, index) => index),
    settings: new Map(),
    defaults: undefined,
    portable
  }
}

/** A remote worker, as threads are. */
const far = {
  _tag: "WorkerAdded",
  now: 0,
  name: "far",
  slots: 1,
  kind: "remote",
  ahead: 4096,
  handsOver: true
} as const

/** An engine with one local worker of two slots, other workers, and the attempts that it has started. */
const open = (others: ReadonlyArray<typeof far> = []) => {
  const state = State.make()
  const started: Array<readonly [task: TaskId, attempt: number]> = []
  const instructions: Array<Instruction> = []
  const out: Out = {
    push: (instruction) => instructions.push(instruction),
    start: (task, attempt) => started.push([task, attempt]),
    forget: () => {}
  }
  const send = (event: Parameters<typeof Engine.advance>[1]): void => Engine.advance(state, event, out)
  send({ _tag: "WorkerAdded", now: 0, name: "w1", slots: 2 })
  for (const each of others) send(each)
  send({ _tag: "OwnerOpened", now: 0, owner: 1, name: "test" })
  return { state, started, instructions, send }
}

const outside = { owner: 1, parent: -1, attempt: 0, wait: 1 }

const submit = (
  shape: Shape,
  size: number,
  send: ReturnType<typeof open>["send"],
  from = outside,
  portable?: Int32Array
): void => {
  const plan = planOf(shape, size, portable)
  const users = new Set(plan.targets)
  const targets = Array.from({ length: size }, (_, index) => index).filter((index) => !users.has(index))
  send({ _tag: "GraphSubmitted", now: 0, ...from, plan, targets })
}

/** What one task of a graph meets from the end of the task before it to its own end, also if a body computes the graph. */
const perTask = (
  shape: Shape,
  others: ReadonlyArray<typeof far> = [],
  isNested = false,
  portable?: Int32Array
): Counts => {
  const { send, started, state } = open(others)
  if (isNested) {
    submit(independent, 1, send)
    const [parent, attempt] = started.shift()!
    send({ _tag: "OwnerOpened", now: 0, owner: 2, name: "body" })
    submit(() => [~parent], 1, send, { ...outside, wait: 3 })
    submit(shape, 40, send, { owner: 2, parent, attempt, wait: 2 })
  } else submit(shape, 40, send, outside, portable)
  const end = (times: number): void => {
    for (let i = 0; i < times; i++) {
      const [task, attempt] = started.shift()!
      send({ _tag: "TaskEnded", now: 0, task, attempt, ending: succeeded })
    }
  }
  end(10)
  const counts: Counts = {}
  const { plan } = state.tasks.submission[started[0]![0]]!
  watch(counts, "submission", state.tasks.submission[started[0]![0]]!)
  watch(counts, "plan", plan)
  watch(counts, "step", state.step)
  for (const worker of state.workers) watch(counts, "worker", worker)
  watch(counts, "state", state)
  watchFlags(counts, state)
  end(20)
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / 20]))
}

describe("the way of a plain task", () => {
  it("in a chain meets the word of used features 7 times, and data of no other feature", () => {
    const { flags, ...rest } = perTask(chain)
    assert.deepStrictEqual(rest, { uses: 7 })
    assert.isAtMost(flags!, 11)
  })

  it("without dependencies meets it 5 times", () => {
    const { flags, ...rest } = perTask(independent)
    assert.deepStrictEqual(rest, { uses: 5 })
    assert.isAtMost(flags!, 7)
  })

  it("meets no more while the body that computes the graph waits without its slot, and a later task for that one", () => {
    for (const shape of [chain, independent]) assert.deepStrictEqual(perTask(shape, [], true), perTask(shape))
  })

  it("with two dependencies meets it no more often: each dependency is one look at the flags of the dependent", () => {
    const { flags, ...rest } = perTask(ladder)
    assert.deepStrictEqual(rest, { uses: 7 })
    assert.isAtMost(flags!, 13)
  })

  it("with a remote worker beside finds that nothing is for that one, and that its own worker is here", () => {
    const { flags, ...rest } = perTask(chain, [far])
    const looks = { isDivided: 1, portableLanes: 1, remoteLanes: 1, sent: 2, ahead: 4, handsOver: 2 }
    assert.deepStrictEqual(rest, { uses: 9, portable: 1, ...looks })
    assert.isAtMost(flags!, 13)
    const { flags: _, ...loose } = perTask(independent, [far, far, far])
    assert.deepStrictEqual(loose, { uses: 7, ...looks, sent: 4, ahead: 6 })
  })

  it("beside named tasks, or as one, meets nothing else", () => {
    const everyOther = Int32Array.from({ length: 40 }, (_, index) => index % 2)
    for (const portable of [everyOther, new Int32Array(40).fill(1)]) {
      const { flags, ...rest } = perTask(independent, [], false, portable)
      assert.deepStrictEqual(rest, { uses: 5 })
      assert.isAtMost(flags!, 7)
      assert.deepStrictEqual(Object.keys(perTask(chain, [], false, portable)).toSorted(), ["flags", "uses"])
    }
  })

  it("goes on after its wait without a queue, if a slot is free", () => {
    const { instructions, send, started, state } = open()
    submit(independent, 1, send)
    const [parent, attempt] = started.shift()!
    send({ _tag: "OwnerOpened", now: 0, owner: 2, name: "body" })
    submit(independent, 1, send, { owner: 2, parent, attempt, wait: 2 })
    const [child, its] = started.shift()!
    const counts: Counts = {}
    watch(counts, "worker", state.workers[0]!)
    send({ _tag: "TaskEnded", now: 0, task: child, attempt: its, ending: succeeded })
    assert.isUndefined(counts["rejoining"])
    assert.deepStrictEqual(instructions.at(-1), { _tag: "WaitEnded", wait: 2, starved: undefined })
    assert.strictEqual(state.tasks.phase[parent], Phase.running)
    assert.deepStrictEqual(check(state), [])
  })

  it("ends its waits with the attempt, if a fiber of its own still waits and keeps the slot", () => {
    const { instructions, send, started, state } = open()
    submit(independent, 1, send)
    send({ _tag: "OwnerOpened", now: 0, owner: 2, name: "other" })
    const plan = planOf(independent, 1)
    send({ _tag: "GraphSubmitted", now: 0, owner: 2, parent: -1, attempt: 0, plan, targets: [0], wait: 2 })
    const [[waiter, attempt]] = started as [typeof started[number]]
    const wait = { wait: 3, claims: [], targetsOf: 2, mode: "all", keepsSlot: true } as const
    send({ _tag: "WaitBegan", now: 0, ...wait, waiter, attempt })
    instructions.length = 0
    send({ _tag: "TaskEnded", now: 0, task: waiter, attempt, ending: succeeded })
    const ended = instructions.flatMap((each) => each._tag === "WaitEnded" ? [each.wait] : [])
    assert.deepStrictEqual(ended.toSorted(), [1, 3])
    assert.deepStrictEqual(check(state), [])
  })

  it("in a submission meets it once, when it is ready at once", () => {
    const perSize = (size: number): Counts => {
      const { send, state } = open()
      state.tasks.reserve(100)
      const counts: Counts = {}
      watch(counts, "step", state.step)
      watch(counts, "state", state)
      submit(independent, size, send)
      return counts
    }
    const [few, many] = [perSize(20), perSize(30)]
    const more = Object.keys(many).filter((name) => many[name]! > (few[name] ?? 0))
    assert.deepStrictEqual(more, ["uses"])
    assert.strictEqual(many["uses"]! - few["uses"]!, 10)
  })
})
