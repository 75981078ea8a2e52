import { assert, describe, it } from "@effect/vitest"
import { explainAll } from "../../src/engine/views/explain.ts"
import { Rig } from "./rig.ts"

/** How often rows and tables are looked at while `f` runs. */
const looksIn = (rig: Rig, f: () => void): number => {
  const { state } = rig
  const { lanes } = state
  const { phase } = state.tasks
  let looks = 0
  state.tasks.phase = new Proxy(phase, {
    get: (target, name) => {
      looks++
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
  Object.defineProperty(state, "lanes", {
    configurable: true,
    get: () => {
      // A walk over what is ready costs as much as a walk over all.
      looks += state.tasks.used
      return lanes
    }
  })
  f()
  Object.defineProperty(state, "lanes", { configurable: true, value: lanes, writable: true })
  state.tasks.phase = phase
  return looks
}

describe("explainAll", () => {
  it("V11: it looks at each task a few times, however many are explained", () => {
    const looks = [100, 400].map((size) => {
      const rig = new Rig({ w1: 2 })
      const main = rig.open()
      const names = Array.from({ length: size }, (_, i) => `t${i}`)
      const below = names.map((name) => [`${name}below`, [name]] as const)
      rig.submit(main, { ...Object.fromEntries(names.map((name) => [name, []])), ...Object.fromEntries(below) })
      return looksIn(rig, () => assert.strictEqual(explainAll(rig.state).length, 2 * size)) / size
    })
    assert.isAtMost(looks[1]!, looks[0]! + 1)
    assert.isAtMost(looks[1]!, 30)
  })
})
