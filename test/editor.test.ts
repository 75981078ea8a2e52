/** What an editor shows of the options and of the types, by the language service of TypeScript 6: that of 7 has no API yet. */
import { assert, describe, it } from "@effect/vitest"
import ts from "typescript6"
import { checkedOptions } from "../src/internal/tasks/options.ts"

const path = `${process.cwd()}/typetest/editor.ts`

const program = `import * as Effect from "effect/Effect"
import * as Task from "skein/Task"
const load = Effect.succeed(1)
Task.make(load, { /*make*/ })
Task.make([1], () => load, { /*inputs*/ })
Task.map([1], ([n]) => n, { /*map*/ })
Task.fn((a: number) => a, { /*fn*/ })
const add = Task./*hover*/fn((a: number, b: number) => a + b)
/*call*/add(1, 2)
`

const service = (): ts.LanguageService => {
  const { config } = ts.readConfigFile("tsconfig.json", (file) => ts.sys.readFile(file))
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd())
  const textOf = (file: string) => file === path ? program : ts.sys.readFile(file)
  return ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [path],
    getScriptVersion: () => "1",
    getScriptSnapshot: (file) => {
      const text = textOf(file)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => process.cwd(),
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (file) => file === path || ts.sys.fileExists(file),
    readFile: textOf
  })
}

describe("editor", () => {
  const editor = service()
  const placeOf = (mark: string) => program.indexOf(`/*${mark}*/`)

  it("G18: an empty record of options completes to all options", { timeout: 120_000 }, () => {
    for (const [mark, more] of [["make", []], ["inputs", []], ["map", []], ["fn", ["name", "tuple"]]] as const) {
      const names = editor.getCompletionsAtPosition(path, placeOf(mark), {})?.entries.map(({ name }) => name) ?? []
      assert.sameMembers(names, [...checkedOptions, ...more], mark)
    }
  })

  it("G18: what Task.fn makes is shown in a few words", { timeout: 120_000 }, () => {
    const hover = (mark: string) =>
      ts.displayPartsToString(editor.getQuickInfoAtPosition(path, placeOf(mark) + mark.length + 4)?.displayParts)
    assert.isBelow(hover("hover").length, 300)
    assert.include(hover("hover"), "Task.Fn<[a: number, b: number], number")
    assert.include(hover("call"), "Task.Task<number, never, never>")
  })
})
