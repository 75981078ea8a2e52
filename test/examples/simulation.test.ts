import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { examine } from "../../examples/simulation.ts"

describe("examples/simulation.ts", () => {
  it.live("finds the forgotten dependency, and shows the graph without it", () =>
    Effect.map(examine(false), (message) => {
      assert.match(message, /mismatch: target 0 gave "?[456] orders"? in place of "?3 orders"?/)
      assert.match(message, /count#\d \(effect\) <- read#1\n/)
      assert.include(message, "Simulation.replay(")
    }))

  it.live("finds nothing once the dependency is there", () =>
    Effect.map(examine(true), (message) => assert.include(message, "nothing found")))
})
