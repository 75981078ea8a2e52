import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { runExample } from "./run.ts"

const sources = globSync("examples/pages/*.ts").map((path) => readFileSync(path, "utf8"))

/** Compiles the example alone, as the strict project of somebody who does not use Effect. */
const compiled: Effect.Effect<string> = Effect.callback((resume) => {
  const tsc = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url))
  const child = execFile(tsc, ["-p", "test/examples/pages.tsconfig.json"], (_, out) => resume(Effect.succeed(out)))
  return Effect.sync(() => void child.kill())
})

describe("examples/pages", () => {
  it.live("A14: reads the site to its last page", () =>
    Effect.map(runExample("pages/main.ts", []), ({ code, err, out }) => {
      assert.deepStrictEqual(out.split("\n"), [
        "The first page has 10 words.",
        "The page of tasks has 17 words, and links to /futures.",
        "All pages:",
        "  left out: /old answers 404",
        "  / /errors /futures /tasks",
        "Caught: /old answers 404.",
        "Stopped: that is enough.",
        ""
      ])
      assert.deepStrictEqual([code, err], [0, ""])
    }))

  it("A14: imports nothing of Effect", () => {
    const imported = sources.flatMap((source) => Array.from(source.matchAll(/ from "([^"]+)"/g), ([, from]) => from!))
    assert.deepStrictEqual([...new Set(imported)].filter((from) => !/^(\.|node:)/.test(from)), ["skein/promise"])
    for (const source of sources) assert.notMatch(source, /\b(Effect|Layer|yield\*)\b/)
  })

  it.live("A14: compiles in a strict project that does not use Effect", () =>
    Effect.map(compiled, (out) => assert.strictEqual(out, "")))
})
