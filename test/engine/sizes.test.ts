/** The tables of a scheduler that is never empty follow what is in them, down as well as up. */
import { assert, describe, it } from "@effect/vitest"
import { Phase } from "../../src/engine/protocol/Phase.ts"
import { TaskTable } from "../../src/engine/state/TaskTable.ts"
import { Fifo } from "../../src/engine/structures/fifo.ts"
import { Results } from "../../src/internal/workers/results.ts"
import { Rig } from "./rig.ts"

const many = 200_000
const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

describe("a queue that is never empty", () => {
  it("keeps a few places, however many go through it", () => {
    const fifo = new Fifo<number>()
    fifo.push(0)
    let inOrder = 0
    for (let i = 1; i < many; i++) {
      fifo.push(i)
      if (fifo.shift() === i - 1) inOrder++
    }
    assert.deepStrictEqual([fifo.size, inOrder], [1, many - 1])
    assert.isAtMost(fifo.capacity, 16)
  })

  it("gives the room of a burst back", () => {
    const fifo = new Fifo<number>()
    for (let i = 0; i < many; i++) fifo.push(i)
    let inOrder = 0
    for (let i = 0; i < many - 1; i++) if (fifo.shift() === i) inOrder++
    assert.deepStrictEqual([fifo.first, inOrder], [many - 1, many - 1])
    assert.isAtMost(fifo.capacity, 65_536)
  })

  it("keeps the order across its ends", () => {
    const fifo = new Fifo<number>()
    let [next, expected] = [0, 0]
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < round % 37; i++) fifo.push(next++)
      for (let i = 0; i < round % 31 && fifo.size > 0; i++) {
        assert.strictEqual(fifo.first, expected)
        assert.strictEqual(fifo.shift(), expected++)
      }
    }
    while (fifo.size > 0) assert.strictEqual(fifo.shift(), expected++)
    assert.strictEqual(expected, next)
    assert.isUndefined(fifo.shift())
    assert.isUndefined(fifo.first)
  })
})

describe("the table of tasks", () => {
  /** One row for each number. */
  const filled = (count: number): TaskTable => {
    const table = new TaskTable()
    table.reserve(count)
    for (let i = 0; i < count; i++) occupy(table)
    return table
  }
  const occupy = (table: TaskTable): number => {
    const row = table.take()
    table.phase[row] = Phase.ready
    return row
  }
  const giveBack = (table: TaskTable, row: number): void => {
    table.giveBack(row)
    table.shrink()
  }

  it("gives the room of a burst back while a task is left", () => {
    const table = filled(many)
    for (let row = 1; row < many; row++) giveBack(table, row)
    assert.strictEqual(table.size, 1)
    assert.strictEqual(table.phase[0], Phase.ready)
    // What was left at the time was above; others must go by before it looks again.
    for (let i = 0; i < many; i++) {
      table.reserve(1)
      giveBack(table, occupy(table))
    }
    assert.isAtMost(table.capacity, 65_536)
    assert.strictEqual(table.waits.length, table.capacity)
    assert.isAtMost(table.submission.length, table.capacity)
  })

  it("gives it back when the task is left that came last, once that has gone", () => {
    const table = filled(many)
    for (let row = 0; row < many - 1; row++) giveBack(table, row)
    let lives = [many - 1]
    // A task comes before the one before it goes.
    for (let i = 0; i < 2 * many; i++) {
      table.reserve(1)
      lives.push(occupy(table))
      giveBack(table, lives.shift()!)
    }
    assert.strictEqual(table.size, 1)
    assert.isAtMost(table.capacity, 65_536)
    lives = [
      ...lives,
      ...range(100).map(() => {
        table.reserve(1)
        return occupy(table)
      })
    ]
    assert.strictEqual(new Set(lives).size, 101)
  })
})

describe("the results of a worker", () => {
  it("give the room of a burst back while one is left", () => {
    const results = new Results()
    for (const task of range(many)) results.set(task, task)
    for (let task = many - 1; task > 0; task--) results.delete(task)
    assert.strictEqual(results.size, 1)
    assert.strictEqual(results.get(0), 0)
    assert.isAtMost(results.capacity, many >> 1)
    results.delete(0)
    for (let i = 0; i < many; i++) {
      results.set(1 + (i & 1), i)
      if (i > 0) results.delete(1 + ((i - 1) & 1))
    }
    assert.strictEqual(results.size, 1)
    assert.isAtMost(results.capacity, 65_536)
  })
})

describe("timers", () => {
  it("C9: those of tasks that have ended go, also when the first one due is of a task that lives on", () => {
    const rig = new Rig({ w1: 300 })
    const main = rig.open()
    rig.submit(main, { first: [] }, { settings: { first: { key: "first", timeoutMillis: 1000 } } })
    const names = range(200).map((i) => `t${i}`)
    const settings = Object.fromEntries(names.map((key) => [key, { key, timeoutMillis: 2000 }]))
    const other = rig.open("other")
    rig.submit(other, Object.fromEntries(names.map((name) => [name, []])), { settings })
    for (const name of names) rig.end(name)
    assert.strictEqual(rig.state.timers.heap.length, 201)
    rig.close(other, 1)
    assert.isAtMost(rig.state.timers.heap.length, 64)
  })
})
