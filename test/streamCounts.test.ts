import { afterAll, assert, describe, it } from "@effect/vitest"
import { countItem } from "./bench/streamCounts.ts"
import { addedMeanwhile, close, completed, waysInBatches, waysOf, waysOneByOne } from "./bench/streams.ts"
import type { Way } from "./bench/streams.ts"

const named = (ways: ReadonlyArray<Way>, name: string): Way => ways.find((way) => way.name === name)!

afterAll(close)

describe("what an item of a stream costs, in counts", () => {
  for (const order of ["ordered", "unordered"]) {
    it(`${order}, with a window of 64: a fifth of an event beside its end, one fiber, few operations`, async () => {
      const { effects, events, fibers, maps, parks } = await countItem(named(waysOf("sync"), `stream, ${order}`), 64)
      assert.isAtMost(events, 1.25)
      assert.strictEqual(fibers, 1)
      assert.isAtMost(effects, 3)
      assert.isAtMost(maps, 14)
      assert.isAtMost(parks, 0.05)
    })

    it(`${order}: a body that waits for a promise costs one operation more`, async () => {
      const { contexts, effects, events, maps, parks } = await countItem(
        named(waysOf("promise"), `stream, ${order}`),
        64
      )
      assert.isAtMost(events, 1.25)
      assert.isAtMost(effects, 4)
      assert.isAtMost(maps, 16)
      assert.isAtMost(parks, 0.05)
      // That of the scheduler is entered once for all starts of a request in a row.
      assert.isAtMost(contexts, 1.3)
    })

    it(`${order}: an item that ends alone costs four events and one wait`, async () => {
      const { effects, events, fibers, parks } = await countItem(named(waysOneByOne, `stream, ${order}`), 64)
      assert.isAtMost(events, 4)
      assert.strictEqual(fibers, 1)
      assert.isAtMost(effects, 17)
      assert.isAtMost(parks, 1)
    })
  }

  it("a batch of 16: a sixteenth of an end and of a fiber, and no operation for a body that ends with its call", async () => {
    const { effects, events, fibers, maps, parks } = await countItem(named(waysInBatches, "batch: 16"), 256)
    assert.isAtMost(events, 0.12)
    assert.isAtMost(fibers, 0.07)
    assert.isAtMost(effects, 0.5)
    assert.isAtMost(maps, 1.5)
    assert.isAtMost(parks, 0.02)
  })

  it("a future that is given as it ends, joined and released", async () => {
    const { effects, events, fibers, maps } = await countItem(completed, 64)
    assert.isAtMost(events, 1.1)
    assert.strictEqual(fibers, 1)
    assert.isAtMost(effects, 8)
    assert.isAtMost(maps, 15)
  })

  it("8,000 futures that are added as others end: no more for a late one than for an early one", async () => {
    const [early, late] = [
      await countItem(addedMeanwhile, 64, [500, 1000]),
      await countItem(addedMeanwhile, 64, [7500, 8000])
    ]
    assert.isAtMost(early.maps, 30)
    for (const  of of["events", "fibers", "effects", "maps", "parks"] as const) {
      assert.closeTo(late[of], early[of], 0.05 * early[of] + 0.05, of)
    }
  })
})
