import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { reversedOf } from "../src/engine/structures/edges.ts"
import { flatForm, positionsOf, smallForm } from "../src/internal/passes/forms.ts"
import { Chance } from "./chance.ts"

const arrays = (size: number, rows: ReadonlyArray<ReadonlyArray<number>>) => {
  const offsets = [0]
  for (let i = 0; i < size; i++) offsets.push(offsets[i]! + rows[i]!.length)
  return { offsets, targets: rows.flat() }
}

const randomRows = (chance: Chance): ReadonlyArray<ReadonlyArray<number>> =>
  Array.from(
    { length: 1 + chance.below(8) },
    (_, i) => Array.from({ length: i }, (_, j) => j).filter(() => chance.with(0.4))
  )

describe("forms that plans share", () => {
  it("Equal edges give one form; other edges never do, wherever their hashes lead", () => {
    const chance = new Chance(7)
    for (let i = 0; i < 2_000; i++) {
      const rows = randomRows(chance)
      const { offsets, targets } = arrays(rows.length, rows)
      const form = smallForm(offsets, targets)!
      assert.deepStrictEqual([...form.offsets], offsets)
      assert.deepStrictEqual([...form.targets], targets)
      assert.deepStrictEqual(form.positions, positionsOf(rows.length, form.offsets, form.targets, false))
      assert.deepStrictEqual(form.reversed, reversedOf(form))
      assert.strictEqual(smallForm(offsets.slice(), targets.slice()), form)
    }
  })

  it("Plans that refer to live tasks, or have more than eight tasks, share none", () => {
    assert.isUndefined(smallForm([0, 1], [-5]))
    assert.isUndefined(smallForm([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], []))
    assert.isDefined(smallForm([0, 0, 0, 0, 0, 0, 0, 0, 0], []))
  })

  it("Independent tasks share a form by their number, up to 64", () => {
    assert.strictEqual(flatForm(64), flatForm(64))
    assert.notStrictEqual(flatForm(65), flatForm(65))
    assert.deepStrictEqual([...flatForm(3).positions], [0, 1, 2])
  })

  it.effect("Nothing writes a form: runs, failures and repetitions leave it as it was", () =>
    Effect.gen(function*() {
      const { offsets, targets } = arrays(3, [[], [], [0, 1]])
      const form = smallForm(offsets, targets)!
      const before = structuredClone(form)
      let failures = 2
      const attempt = Effect.suspend(() => failures-- > 0 ? Effect.fail("no") : Effect.succeed(1))
      const leaf = () => Task.make(attempt, { retry: { times: 3 } })
      const inner = Task.flatMap(Task.make(Effect.succeed(0)), () => Task.map([leaf(), leaf()], ([a, b]) => a + b))
      assert.strictEqual(yield* Client.compute(inner), 2)
      assert.deepStrictEqual(form, before)
      assert.strictEqual(smallForm(offsets, targets), form)
    }).pipe(Effect.provide(Skein.layer())))
})
