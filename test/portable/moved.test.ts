/** Buffers that a user gives away. */
import { assert, describe, it } from "@effect/vitest"
import { move } from "skein/Portable"
import { givenIn } from "../../src/internal/portable/moved.ts"

describe("buffers that are given away", () => {
  it("K9: are found wherever they lie in a value, and no others", () => {
    const given = [
      new ArrayBuffer(8),
      new Float64Array(2),
      new DataView(new ArrayBuffer(4)),
      new Uint8Array(3)
    ] as const
    const [a, b, c, d] = given.map((each) => move(each))
    const value = { a, list: [b, new Float64Array(2)], map: new Map<unknown, unknown>([["c", c], [d, 1]]) }
    const buffers = given.map((each) => ArrayBuffer.isView(each) ? each.buffer : each)
    assert.sameMembers([...givenIn(value)], buffers)
    assert.deepStrictEqual(givenIn({ rest: new Uint8Array(1) }), [])
    const cyclic: Record<string, unknown> = { a }
    cyclic["self"] = cyclic
    assert.deepStrictEqual(givenIn(cyclic), [given[0]])
  })

  it("K7, K9: a part of a buffer is copied, so that nothing of others becomes empty", () => {
    const whole = new Uint8Array([1, 2, 3, 4])
    const part = move(whole.subarray(1, 3))
    assert.deepStrictEqual(part, new Uint8Array([2, 3]))
    structuredClone(part, { transfer: [...givenIn(part)] })
    assert.strictEqual(part.byteLength, 0)
    assert.deepStrictEqual(whole, new Uint8Array([1, 2, 3, 4]))
    const pooled = move(Buffer.from("text"))
    assert.strictEqual(pooled.buffer.byteLength, 4)
    const floats = move(new Float32Array(new ArrayBuffer(16), 4, 2))
    assert.instanceOf(floats, Float32Array)
    assert.strictEqual(floats.length, 2)
  })

  it("K7, K9: shared memory stays shared", () => {
    const shared = new Int32Array(new SharedArrayBuffer(8))
    assert.strictEqual(move(shared), shared)
    assert.deepStrictEqual(givenIn(shared), [])
  })

  it("K7: large collections are searched, and what throws when it is looked at has none", () => {
    move(new Uint8Array(1))
    assert.deepStrictEqual(givenIn(Array.from({ length: 300_000 }, (_, i) => i)), [])
    assert.deepStrictEqual(givenIn(new Map(Array.from({ length: 300_000 }, (_, i) => [i, i]))), [])
    const hostile = {
      get x(): never {
        throw new Error("no")
      }
    }
    assert.deepStrictEqual(givenIn(hostile), [])
  })
})
