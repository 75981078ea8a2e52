import { assert, describe, it } from "@effect/vitest"
import { Line } from "../../src/engine/structures/line.ts"
import { Chance } from "../chance.ts"

describe("a line", () => {
  it("W19: gives its attempts in the order in which they came, wherever others leave it", () => {
    const chance = new Chance(1)
    const line = new Line()
    const model = new Map<number, number>()
    let next = 0
    for (let i = 0; i < 5000; i++) {
      const tasks = [...model.keys()]
      if (chance.with(0.52)) {
        line.push(next, 2 * next)
        model.set(next, 2 * next++)
      } else if (tasks.length > 0) {
        const task = chance.with(0.7) ? tasks[0]! : chance.with(0.5) ? tasks.at(-1)! : chance.pick(tasks)!
        assert.strictEqual(line.delete(task), 2 * task)
        assert.isUndefined(line.delete(task))
        model.delete(task)
      }
      assert.strictEqual(line.first, model.keys().next().value ?? -1)
      assert.strictEqual(line.size, model.size)
      if (i % 100 === 0) {
        assert.deepStrictEqual(line.keys(), [...model.keys()])
        assert.deepStrictEqual(line.values(), [...model.values()])
        for (const task of model.keys()) assert.isTrue(line.has(task))
      }
    }
    assert.isAbove(next, 2000)
  })
})
