import { assert, describe, it } from "@effect/vitest"
import { countCall } from "./bench/nestedCounts.ts"

describe("what a recursion by tasks costs a call with two children, in counts", () => {
  for (const slots of [1, 8]) {
    it(`by compute on ${slots} slots`, async () => {
      const { effects, events, maps, typedArrays } = await countCall("compute", slots)
      assert.strictEqual(events, 4)
      assert.isAtMost(effects, 7)
      assert.strictEqual(typedArrays, 1)
      assert.strictEqual(maps, 0)
    })
  }

  it("by compute in generators", async () => {
    const { effects, events } = await countCall("compute, generators", 1)
    assert.strictEqual(events, 4)
    assert.isAtMost(effects, 8)
  })

  it("by flatMap", async () => {
    const { events, maps, typedArrays } = await countCall("flatMap", 1)
    assert.strictEqual(events, 3)
    assert.strictEqual(typedArrays, 1)
    assert.strictEqual(maps, 0)
  })

  it("by submit and join", async () => {
    const { effects, events, maps, typedArrays, weakEntries } = await countCall("submit + join", 1)
    assert.strictEqual(events, 6)
    assert.isAtMost(effects, 20)
    assert.strictEqual(weakEntries, 0)
    assert.strictEqual(typedArrays, 2)
    assert.strictEqual(maps, 1)
  })
})
