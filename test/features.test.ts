/** The list of features in docs/features.md, against what rules, tests and comments cite. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"

const read = (path: string): string => readFileSync(path, "utf8")

const page = read("docs/features.md")

/** The cells of the rows of the page that begin with such an id. */
const rowsOf = (id: RegExp): ReadonlyArray<ReadonlyArray<string>> =>
  page.split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()))
    .filter(([first]) => id.test(first!))

/** The files that a cell names. */
const filesOf = (cell: string): ReadonlyArray<string> =>
  Array.from(
    cell.matchAll(/`([^`]+)`/g),
    ([, name]) => name!.startsWith("typetest/") ? `${name}.tst.ts` : `test/${name}.test.ts`
  )

const features = rowsOf(/^[A-Z]\d+$/).map(([id, , , state, tests]) => ({
  id: id!,
  state: state!,
  tests: filesOf(tests!)
}))

const traps = rowsOf(/^\d+$/).map(([number, , , tests]) => ({ number: Number(number), tests: filesOf(tests!) }))

const letters = rowsOf(/^[A-Z]$/).map(([letter]) => letter!)

const tested = globSync(["test/**/*.ts", "typetest/**/*.ts"]).map((path) => [path, read(path)] as const)

/** The ids with which the names of a file's tests begin. */
const namesIn = (source: string): ReadonlyArray<string> =>
  Array.from(source.matchAll(/["'`]((?:(?:[A-Z]|trap )\d+)(?:, (?:[A-Z]|trap )\d+)*): /g), ([, list]) => list!)
    .flatMap((list) => list.split(", "))
    .filter((name) => !name.startsWith("trap"))

const trapsIn = (source: string): ReadonlyArray<number> =>
  Array.from(source.matchAll(/\btrap (\d+)\b/g), ([, number]) => Number(number))

/** The files whose tests cite each id. */
const citing = new Map<string, Array<string>>()
for (const [path, source] of tested) {
  for (const id of new Set(namesIn(source))) citing.set(id, [...citing.get(id) ?? [], path])
}

const comments = (source: string): string => (source.match(/\/\*[^]*?\*\/|\/\/.*$/gm) ?? []).join("\n")

/** The ids of features or invariants in a text. */
const idsIn = (text: string): ReadonlyArray<string> =>
  text.match(new RegExp(String.raw`\b[${letters.join("")}S][1-9]\d?\b`, "g")) ?? []

const invariants = Array.from(read("docs/engine.md").matchAll(/^- \*\*(S\d+)\*\*/gm), ([, id]) => id!)

const isThere = ({ state }: { readonly state: string }): boolean => /^(there$|in part: )/.test(state)

describe("docs/features.md", () => {
  it("lists each id once, in order, under letters that it explains", () => {
    const numbers = new Map(letters.map((letter) => [letter, 0]))
    const expected = features.map(({ id }) => {
      const letter = id[0]!
      const number = numbers.get(letter)! + 1
      numbers.set(letter, number)
      return `${letter}${number}`
    })
    assert.deepStrictEqual(features.map(({ id }) => id), expected)
    assert.deepStrictEqual([...new Set(features.map(({ id }) => id[0]!))], letters)
    assert.deepStrictEqual(traps.map(({ number }) => number), traps.map((_, i) => i + 1))
  })

  it("lists each id that rules, tests and comments cite", () => {
    const known = new Set([...features.map(({ id }) => id), ...invariants])
    const unknown = (from: string, ids: ReadonlyArray<string>) =>
      ids.filter((id) => !known.has(id)).map((id) => `${from}: ${id}`)
    assert.deepStrictEqual([
      ...unknown("docs/semantics.md", idsIn(read("docs/semantics.md"))),
      ...[...citing].flatMap(([id, paths]) => unknown(paths.join(" "), [id])),
      ...globSync("src/**/*.ts").flatMap((path) => unknown(path, idsIn(comments(read(path)))))
    ], [])
    const cited = tested.flatMap(([path, source]) => trapsIn(source).map((number) => [path, number] as const))
    assert.deepStrictEqual(cited.filter(([, number]) => number > traps.length), [])
  })

  it("gives each feature a state, with what is missing or why", () => {
    const states = /^(there|in part: .+|planned(, .+)?|left out: .+)$/
    assert.deepStrictEqual(features.filter(({ state }) => !states.test(state)), [])
  })

  it("names tests of each feature that is there, and a feature that tests cite is there", () => {
    assert.deepStrictEqual(features.filter((each) => isThere(each) !== (each.tests.length > 0)), [])
    assert.deepStrictEqual(features.filter((each) => isThere(each) !== citing.has(each.id)), [])
  })

  it("names files that exist and cite the feature or the trap", () => {
    for (const { id, tests } of features) {
      for (const path of tests) {
        assert.isTrue(existsSync(path), `${id}: ${path} does not exist`)
        assert.include(citing.get(id) ?? [], path, id)
      }
    }
    for (const { number, tests } of traps) {
      for (const path of tests) assert.include(trapsIn(read(path)), number, `trap ${number}: ${path}`)
    }
  })
})
