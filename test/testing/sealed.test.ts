import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { globSync } from "node:fs"
import process from "node:process"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import * as states from "../../src/engine/state/State.ts"
import { coreOf } from "../../src/testing/internal/leftovers.ts"
import { files, tests, testsWithoutClones } from "./notOnPorts.ts"
import { sealed } from "./sealed.ts"

const isOnPorts = process.env["MODE"] === "ports"

describe("tests on ports", () => {
  const touches: ReadonlyArray<readonly [string, (engine: Record<string, unknown>) => unknown]> = [
    ["a read", (engine) => engine["now"]],
    ["a write", (engine) => engine["now"] = 1],
    ["a question", (engine) => "now" in engine],
    ["a list", (engine) => Object.keys(engine)],
    ["a deletion", (engine) => delete engine["now"]]
  ]

  for (const [name, touch] of touches) {
    it(`a sealed engine throws at ${name}, and the engine's own code opens it`, () => {
      const room = isOnPorts ? states : sealed(states)
      const engine = room.make()
      assert.throws(() => touch(engine as unknown as Record<string, unknown>), "was touched from outside")
      assert.strictEqual(room.open(engine).now, 0)
    })
  }

  it.effect.skipIf(!isOnPorts)(
    "the engine of each scheduler is sealed there",
    () =>
      Effect.gen(function*() {
        const { state } = coreOf(yield* Client.Client)
        assert.throws(() => Object.keys(state), "was touched from outside")
      }).pipe(Effect.provide(Skein.layer()))
  )

  it("what is left out there exists, and has a reason", () => {
    for (const path of [files, tests, testsWithoutClones].flatMap((list) => Object.keys(list))) {
      assert.isNotEmpty(globSync(path), path)
    }
    const reasons = [files, ...Object.values(tests), ...Object.values(testsWithoutClones)].flatMap(Object.values)
    for (const reason of reasons) assert.match(reason, /^[A-Z].*\.$/)
  })
})
