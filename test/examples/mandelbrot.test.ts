import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { picture } from "../../examples/mandelbrot/picture.ts"
import { band } from "../../examples/mandelbrot/work.ts"
import { runExample } from "./run.ts"

const view = { left: -2.2, top: 1.2, width: 3.2, height: 2.4, columns: 40, rows: 12, steps: 200 }

describe("mandelbrot", () => {
  it("bands are parts of the whole", () => {
    const whole = band(view, 0, 12)
    const parts = [band(view, 0, 5), band(view, 5, 12)].flatMap((part) => Array.from(part))
    assert.deepStrictEqual(Array.from(whole), parts)
    // The set lies around -0.2, and is symmetric.
    assert.strictEqual(whole[6 * 40 + 25], 200)
    assert.deepStrictEqual(whole.slice(0, 40), whole.slice(11 * 40))
  })

  it.live("K1: threads draw what one function draws, and tell of their bands", () =>
    Effect.gen(function*() {
      const flags = ["--threads", "2", "--columns", "40", "--rows", "12", "--steps", "200"]
      const { code, err, out } = yield* runExample("mandelbrot/main.ts", flags)
      assert.strictEqual(code, 0, err)
      assert.include(out, picture(band(view, 0, 12), 40, 200))
      assert.match(out, /12 bands on 2 threads in \d+\.\d s/)
      assert.match(err, /13\/13 tasks \(100%\).*busy: .*core-\d \d+%/)
    }), 60_000)

  it.live("a wrong number is refused in words", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* runExample("mandelbrot/main.ts", ["--threads", "0"])
      assert.notStrictEqual(code, 0)
      assert.include(out + err, "a negative one that counts from the cores")
    }), 60_000)
})
