import { assert, describe, it } from "@effect/vitest"
import { extract, moved, toTest } from "../../scripts/doctest.ts"

const mark = "```ts import.meta.vitest"
const doc = `/**
 * **Example** (Adding)
 *
 * ${mark}
 * import { Effect } from "effect"
 *
 * Effect.succeed(1 + 1) // => 2
 * \`\`\`
 */
export const one = 1
`

describe("doctest", () => {
  it("finds marked fences in doc comments and in markdown, and no others", () => {
    assert.deepStrictEqual(extract(doc), [
      { line: 5, code: `import { Effect } from "effect"\n\nEffect.succeed(1 + 1) // => 2` }
    ])
    assert.deepStrictEqual(extract(`text\n${mark}\n1 // => 1\n\`\`\`\n\`\`\`ts\n2\n\`\`\`\n`), [
      { line: 3, code: "1 // => 1" }
    ])
  })

  it("finds the files beside the one with the fence", () => {
    assert.strictEqual(moved("README.md", `import a from "./examples/a.ts"`), `import a from "../examples/a.ts"`)
    assert.strictEqual(moved("docs/a.md", `new URL("./b.ts")`), `new URL("../docs/b.ts")`)
    assert.strictEqual(moved("README.md", `"a./b" + "."`), `"a./b" + "."`)
  })

  it("moves imports to the top and leaves no export inside the test", () => {
    const test = toTest("a.md:1", `import {\n  Effect\n} from "effect"\nexport const x = Effect.void`)
    assert.isBelow(test.indexOf(`Effect\n} from "effect"`), test.indexOf(`$test("a.md:1"`))
    assert.notInclude(test, "export")
  })

  it("asserts on expressions and constants, runs Effects outside functions, and yields inside them", () => {
    const test = toTest(
      "a.md:1",
      `const two = [2] // => [2]\nf(\n  two\n) // => {}\nfunction* g() {\n  yield* h // => 1\n}`
    )
    assert.include(test, "const two = [2]; $expect(await $run(two)).toStrictEqual([2])")
    assert.include(test, "$expect(await $run(f(\n  two\n))).toStrictEqual({})")
    assert.include(test, "$expect((yield* h)).toStrictEqual(1)")
  })

  it("compares the exit of an Effect with an Exit", () => {
    assert.include(
      toTest("a.md:1", "f() // => Exit.fail(1)"),
      "$expect(await $runExit(f())).toStrictEqual(Exit.fail(1))"
    )
  })

  it("refuses an expectation that would never be asserted", () => {
    assert.throws(() => toTest("a.md:1", "f([\n  1 // => 1\n])"), /a\.md:1/)
  })
})
