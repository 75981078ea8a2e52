import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

const pages = ["README.md", "CONTRIBUTING.md", ...globSync("docs/*.md")].map((path) => normalize(path))

const read = (path: string): string => readFileSync(path, "utf8")

/** Text without fenced blocks and inline code. */
const prose = (text: string): string => text.replaceAll(/^```[^]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "")

const ids = /[A-Z]\d{1,2}(?:, [A-Z]\d{1,2})*/

/** The ids that begin the name of a test: "C1, C7: a sentence". Traps may stand among them. */
const namesIn = (source: string): ReadonlyArray<string> =>
  Array.from(
    source.matchAll(/["'`]((?:[A-Z]\d{1,2}|trap \d+)(?:, (?:[A-Z]\d{1,2}|trap \d+))*): /g),
    (match) => match[1]!
  )
    .flatMap((list) => list.split(", "))

const sections = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(/^## /m).slice(1).map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n"))])
  )

describe("docs/semantics.md", () => {
  it("cites only ids that a test names", () => {
    const tested = new Set(globSync(["test/**/*.ts", "typetest/**/*.ts"]).flatMap((path) => namesIn(read(path))))
    const cited = Array.from(
      read("docs/semantics.md").matchAll(new RegExp(`\\((${ids.source})\\)[.:]`, "g")),
      (match) => match[1]!.split(", ")
    ).flat()
    assert.isAbove(cited.length, 100)
    assert.deepStrictEqual([...new Set(cited)].filter((id) => !tested.has(id)).toSorted(), [])
  })

  it("cites an id behind every rule", () => {
    const open = ["Not yet"]
    const rules = Array.from(sections(read("docs/semantics.md")))
      .flatMap(([title, text]) =>
        open.includes(title) ? [] : Array.from(text.matchAll(/^- .+$/gm), (match) => match[0])
      )
    assert.deepStrictEqual(rules.filter((rule) => !new RegExp(`\\(${ids.source}\\)\\.$`).test(rule)), [])
  })
})

describe("links", () => {
  /** The anchors of a page, as they are formed from its headings. */
  const anchorsOf = (text: string): ReadonlySet<string> =>
    new Set(
      Array.from(text.replaceAll(/^```[^]*?^```/gm, "").matchAll(/^#+ (.+)$/gm), (match) =>
        match[1]!.toLowerCase().replaceAll(/[^\p{L}\p{N} -]/gu, "").replaceAll(" ", "-"))
    )

  /** Why a link of a page leads nowhere. */
  const brokenIn = (page: string, link: string): string | undefined => {
    const [path = "", anchor] = link.split("#")
    const target = path === "" ? page : normalize(join(dirname(page), path))
    if (!existsSync(target)) return `${page}: ${link} does not exist`
    if (anchor === undefined || anchorsOf(read(target)).has(anchor)) return undefined
    return `${page}: ${link} has no such heading`
  }

  it("All relative links lead somewhere", () => {
    const broken = pages.flatMap((page) =>
      Array.from(prose(read(page)).matchAll(/\]\(([^)\s]+)\)/g), (match) => match[1]!)
        .filter((link) => !/^[a-z]+:/.test(link))
        .flatMap((link) => brokenIn(page, link) ?? [])
    )
    assert.deepStrictEqual(broken, [])
  })

  it("Every page of docs is linked from the README", () => {
    const readme = read("README.md")
    assert.deepStrictEqual(pages.filter((page) => page.startsWith("docs/") && !readme.includes(`(${page})`)), [])
  })
})
