import { assert, describe, it } from "@effect/vitest"
import * as State from "../../src/engine/state/State.ts"
import { leftoversOf } from "../../src/engine/views/leftovers.ts"

describe("leftoversOf", () => {
  it("T7: an unused engine has no leftovers, and entries in any group of its tables are some", () => {
    const state = State.make()
    assert.strictEqual(leftoversOf(state).size, 0)
    state.keys.set("a", 1)
    state.balance.sources.add(1)
    state.step.unplaced.push(1, 2)
    state.timers.heap.push({ at: 1, sequence: 1, kind: "retry", task: 1, serial: 1 })
    assert.deepStrictEqual(
      [...leftoversOf(state)].toSorted(),
      [["heap", 1], ["keys", 1], ["sources", 1], ["unplaced", 2]]
    )
  })
})
