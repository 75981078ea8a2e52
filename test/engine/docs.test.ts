import { assert, describe, expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { toMermaid } from "../../src/engine/state/transitions.ts"

const root = new URL("../../", import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), "utf8")

const diagram = /(```mermaid\n)[^`]*(\n```)/

describe("docs/engine.md", () => {
  it("The diagram is the one that the table of transitions prints", async () => {
    const fresh = read("docs/engine.md").replace(
      diagram,
      (_, open: string, close: string) => open + toMermaid() + close
    )
    await expect(fresh).toMatchFileSnapshot("../../docs/engine.md")
  })

  it("Every event and every instruction is in its table, and no other", () => {
    const text = read("docs/engine.md")
    const section = (title: string): ReadonlyArray<string> => {
      const body = text.split(`\n## ${title}\n`)[1]!.split("\n## ")[0]!
      return Array.from(body.matchAll(/^\| `(\w+)` *\|/gm), (match) => match[1]!).toSorted()
    }
    const union = (file: string, name: string): ReadonlyArray<string> => {
      const body = read(file).split(`export type ${name} =\n`)[1]!.split("\n\n")[0]!
      return Array.from(body.matchAll(/\| (\w+)/g), (match) => match[1]!).toSorted()
    }
    assert.deepStrictEqual(section("Events"), union("src/engine/protocol/Event.ts", "Event"))
    assert.deepStrictEqual(section("Instructions"), union("src/engine/protocol/Instruction.ts", "Instruction"))
  })

  it("The invariants are those at the fields of the state", () => {
    const numbers = (text: string): ReadonlyArray<string> => [...new Set(text.match(/\bS\d+\b/g))].toSorted()
    assert.deepStrictEqual(numbers(read("docs/engine.md")), numbers(read("src/engine/state/State.ts")))
  })
})
