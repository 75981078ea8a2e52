import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { readFileSync } from "node:fs"
import * as Client from "skein/Client"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { countBy, type Idiom, idioms } from "../../examples/nested/main.ts"
import * as Words from "../../examples/nested/words.ts"
import { runExample } from "./run.ts"

const names = Object.keys(idioms) as Array<Idiom>
const text = readFileSync("docs/guide.md", "utf8")

describe("nested: words", () => {
  it("halves a long text at a blank, and nothing else", () => {
    const [left, right] = Words.halves(text)!
    assert.strictEqual(left + right, text)
    assert.match(right, /^\s/)
    assert.isBelow(Math.abs(left.length - right.length), 100)
    assert.isUndefined(Words.halves("a short text"))
    assert.isUndefined(Words.halves("x".repeat(10_000)))
  })

  it("names the most frequent words, equally frequent ones in the order of the alphabet", () => {
    const counts = Words.count("Pear apple pear, fig apple; plum. a a a a")
    assert.strictEqual(Words.mostFrequent(counts, { letters: 3, words: 3 }), "apple 2, pear 2, fig 1")
  })
})

describe("nested: idioms", () => {
  const plain = Words.count(text)
  const pieces = (text: string): number => (Words.halves(text) ?? []).map(pieces).reduce((a, b) => a + b, 0) || 1

  for (const name of names) {
    for (const concurrency of [1, 4]) {
      it.effect(`${name} counts right on ${concurrency} slots, and never more run`, () =>
        Effect.gen(function*() {
          const [counts, { running, seceded }] = yield* countBy(name, text, concurrency)
          assert.deepStrictEqual(new Map([...counts].sort()), new Map([...plain].sort()))
          assert.strictEqual(running, concurrency)
          assert.strictEqual(seceded > 0, name !== "flatMap")
        }))
    }

    it.effect(`${name} leaves nothing behind, interrupted or not`, () =>
      Effect.gen(function*() {
        const left = Effect.map(Scheduler.stats, ({ held, owners, tasks, waits }) =>
          [held, owners, waits, ...Object.values(tasks)].filter((n) => n > 0))
        yield* Client.compute(idioms[name](text))
        assert.deepStrictEqual(yield* left, [])

        const begun = yield* Deferred.make<void>()
        yield* Scheduler.listen(({ to }) => {
          if (to === "running") {
            Deferred.doneUnsafe(begun, Exit.void)
          }
        })
        const computing = yield* Effect.forkChild(Client.compute(idioms[name](text)))
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(computing)
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(computing)))
        assert.deepStrictEqual(yield* left, [])
      }).pipe(Effect.scoped, Effect.provide(Skein.layer())))
  }

  it.effect("compute takes a task for each piece and each join, submit a task for each piece, flatMap two for each", () =>
    Effect.gen(function*() {
      const tasks = yield* Effect.forEach(
        names,
        (name) => Effect.map(countBy(name, text, 4), ([, peaks]) => peaks.tasks)
      )
      const n = pieces(text)
      assert.deepStrictEqual(tasks, [2 * (2 * n - 1), 2 * n - 1, n])
    }))
})

describe("nested: program", () => {
  it.effect("prints a line for each idiom", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* runExample("nested/main.ts", ["README.md", "--concurrency", "2"])
      assert.strictEqual(code, 0, err)
      const answer = Words.mostFrequent(Words.count(readFileSync("README.md", "utf8")), { letters: 5, words: 3 })
      const rows = out.split("\n").map((line) => line.split(/ {2,}/))
      for (const name of names) {
        assert.deepInclude(rows.map((row) => row.toSpliced(2, 1).toSpliced(-1)), [name, answer, "2"])
      }
    }))

  it.effect("a text that is not there is a sentence", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* runExample("nested/main.ts", ["no/such.txt"])
      assert.strictEqual(code, 1)
      assert.strictEqual(out, "")
      assert.include(err, "Cannot read no/such.txt: it does not exist")
      assert.notInclude(err, "    at ")
    }))
})
