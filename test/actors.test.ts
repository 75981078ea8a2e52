/** The page about actors: its table of messages is printed from their types (`-u` prints it anew), and its rules have tests. */
import { assert, describe, expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"

const read = (path: string): string => readFileSync(path, "utf8")

const page = read("docs/actors.md")

/** The members of a union, under the comments that say who sends or receives them. */
const groupsOf = (source: string, union: string): ReadonlyArray<readonly [string, ReadonlyArray<string>]> => {
  const body = source.split(`export type ${union} =\n`)[1]!.split("\n\n")[0]!
  return body.split(/^ *\/\/ /m).slice(1).map((part) => {
    const [title, ...members] = part.split("\n")
    return [title!, members.flatMap((line) => line.match(/\w+/) ?? [])] as const
  })
}

/** The names of the fields of an interface, those that it inherits first. */
const fieldsOf = (source: string, name: string): ReadonlyArray<string> => {
  const [, base, body] = source.match(
    new RegExp(String.raw`^export interface ${name}(?: extends (\w+))? \{\n([^]*?)^\}`, "m")
  )!
  const own = Array.from(body!.matchAll(/^ {2}readonly (\w+\??):/gm), ([, field]) => field!)
  return [...base === undefined ? [] : fieldsOf(source, base), ...own]
    .filter((field) => field !== "_tag" && field !== "now")
}

const printed = (path: string, union: string): string => {
  const source = read(path)
  return groupsOf(source, union)
    .map(([title, members]) =>
      [title, ...members.map((name) => `  ${name.padEnd(20)}${fieldsOf(source, name).join(" ")}`.trimEnd())].join("\n")
    )
    .join("\n\n")
}

const between = /(```text\n)([^`]*)(```\n\nAn ordinary task)/

describe("docs/actors.md", () => {
  it("prints all messages by sender and receiver, with their fields", async () => {
    const text = [
      `EVENTS, ${printed("src/engine/protocol/Event.ts", "Event").replaceAll("\n\nfrom", "\n\nEVENTS, from")}`,
      `INSTRUCTIONS, ${
        printed("src/engine/protocol/Instruction.ts", "Instruction").replaceAll("\n\nto", "\n\nINSTRUCTIONS, to")
      }`
    ].join("\n\n")
    assert.match(page, between)
    const fresh = page.replace(between, (_, open: string, __, close: string) => `${open}${text}\n${close}`)
    await expect(fresh).toMatchFileSnapshot("../docs/actors.md")
  })

  it("prints the messages and reports of a port", async () => {
    const source = read("src/internal/workers/port.ts")
    const methodsOf = (name: string): string => {
      const body = source.match(new RegExp(String.raw`^export interface ${name}\b[^{]*\{\n([^]*?)^\}`, "m"))![1]!
      return Array.from(body.matchAll(/^ {2}(\w+)\(([^)]*)\)/gm), ([, method, parameters]) => {
        const names = Array.from(parameters!.matchAll(/(\w+):/g), ([, each]) => each)
        return `  ${method!.padEnd(20)}${names.join(" ")}`.trimEnd()
      }).join("\n")
    }
    const groupsIn = (path: string, name: string): string => {
      const [, body] = read(path).match(new RegExp(String.raw`^export interface ${name}\b[^{]*\{\n([^]*?)^\}`, "m"))!
      return Array.from(body!.matchAll(/^ {2}readonly (\w+): [^\n]*\{\n([^]*?)^ {2}\}/gm), ([, group, members]) => {
        const names = Array.from(members!.matchAll(/^ {4}readonly (\w+):/gm), ([, each]) => each)
        return `  ${group!.padEnd(20)}${names.join(" ")}`
      }).join("\n")
    }
    const text = [
      `TO A WORKER\n${methodsOf("WorkerPort")}`,
      `FROM A WORKER\n${methodsOf("WorkerReports")}`,
      `FROM A BODY\n${groupsIn("src/internal/bodies/home.ts", "Home")}`,
      `FROM A FUTURE\n${groupsIn("src/internal/tasks/task.ts", "FutureHome")}`
    ].join("\n\n")
    const ofPort = /(prints it anew -->\n\n```text\n)([^`]*)(\n```\n\n`peek` reads)/
    assert.match(page, ofPort)
    const fresh = page.replace(ofPort, (_, open: string, __, close: string) => open + text + close)
    await expect(fresh).toMatchFileSnapshot("../docs/actors.md")
  })

  it("names tests behind each sentence about what an actor does", () => {
    const rules = page.split("\n")
      .filter((line) => line.startsWith("- ") && !line.startsWith("- ["))
      .flatMap((line) => line.slice(2).replace(/^\*\*\w+\.\*\* /, "").split(/(?<=\.)\s+(?=[A-Z`])/))
    assert.isAbove(rules.length, 40)
    assert.deepStrictEqual(rules.filter((rule) => !/\([A-Z]\d+: `[^)]+`\)[.,]/.test(rule)), [])
  })

  it("names test files that cite the feature", () => {
    const cited = Array.from(
      page.matchAll(/\(([A-Z]\d+): ([^)]+)\)/g),
      ([, id, files]) => Array.from(files!.matchAll(/`([^`]+)`/g), ([, file]) => [id!, `test/${file}.test.ts`] as const)
    ).flat()
    assert.isAbove(cited.length, 40)
    assert.deepStrictEqual(
      cited.filter(([id, file]) => !new RegExp(String.raw`["'\`](?:\w[\w ]*, )*${id}\b[^"'\n]*: `).test(read(file))),
      []
    )
  })
})
