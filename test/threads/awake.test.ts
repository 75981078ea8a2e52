import { assert, describe, it } from "@effect/vitest"
import { Awake, Posted } from "../../src/threads/internal/awake.ts"

/** The near end of a channel. Its clock goes on by 16 µs whenever it is read, and looks are made by hand. */
const open = () => {
  const words = new Int32Array(2)
  let millis = 0
  let readings = 0
  let answersAt = Infinity
  let due: (() => void) | undefined
  const answer = (): void => void Atomics.add(words, Posted.far, 1)
  const near = new Awake(words, Posted.near, {
    now: () => {
      if (++readings === answersAt) answer()
      return millis += 0.016
    },
    later: (look) => {
      due = look
    }
  })
  /**
   * Sends a message, which is answered at this reading of the clock, or after the look. Returns how often the look reads the clock;
   * `undefined` if there is none.
   */
  const send = (at = Infinity): number | undefined => {
    near.sent()
    readings = 0
    answersAt = at
    if (at === 0) answer()
    const look = due
    due = undefined
    look?.()
    if (look === undefined || readings < at) answer()
    near.received()
    return look && readings
  }
  return { near, send, words, isDue: () => due !== undefined }
}

const vain = 8

describe("awake", () => {
  it("an end that has posted a message looks until the answer is posted", () => {
    const { send } = open()
    assert.deepStrictEqual([send(2), send(5), send(2), send()], [2, 5, 2, vain])
  })

  it("each look in vain makes the next ones rarer, up to one in 64 messages", () => {
    const { send } = open()
    const looks = Array.from({ length: 300 }, () => send()).flatMap((look, i) => look === undefined ? [] : [i])
    assert.deepStrictEqual(looks, [0, 2, 7, 24, 89, 154, 219, 284])
  })

  it("each look that finds the answer makes the next ones more frequent", () => {
    const { send } = open()
    for (let i = 0; i < 24; i++) send()
    // A look in vain would be followed by 64 messages without one.
    for (let i = 0; i < 3; i++) assert.strictEqual(send(2), 2)
    assert.strictEqual(send(), vain)
    assert.deepStrictEqual(Array.from({ length: 9 }, () => send()), [
      ...Array.from({ length: 8 }, () => undefined),
      vain
    ])
  })

  it("an answer that has come before the look says nothing of the next", () => {
    const { send } = open()
    for (let i = 0; i < 24; i++) send()
    for (let i = 0; i < 3; i++) assert.strictEqual(send(0), 0)
    assert.strictEqual(send(), vain)
    assert.strictEqual(Array.from({ length: 65 }, () => send()).indexOf(vain), 64)
  })

  it("messages of one turn have one look", () => {
    const { isDue, near, send, words } = open()
    near.sent()
    assert.isTrue(isDue())
    assert.strictEqual(send(3), 3)
    assert.isFalse(isDue())
    assert.strictEqual(words[Posted.near], 2)
  })

  it("counts that wrap around are compared as such", () => {
    const { near, send, words } = open()
    Object.assign(near, { heard: 2 ** 31 - 1 })
    Atomics.store(words, Posted.far, 2 ** 31 - 1)
    assert.strictEqual(send(4), 4)
    assert.strictEqual(words[Posted.far], -(2 ** 31))
  })
})
