import { assert, describe, expect, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { posix } from "node:path"
import ts from "typescript6"
import manifest from "../package.json" with { type: "json" }

const closed = ["engine", "internal"]
const rims = globSync("src/*/index.ts").map((path) => path.split("/")[1]!).filter((name) => !closed.includes(name))
const modules = [...globSync("src/*.ts"), ...rims.flatMap((name) => globSync(`src/${name}/*.ts`))].toSorted()

/** The names a source file exports, types too (which `import` would not show), sorted. */
const exported = (path: string): Array<string> => {
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest)
  const names = file.statements.flatMap((node): Array<string> => {
    if (ts.isExportDeclaration(node)) {
      if (node.exportClause === undefined) return [`* from ${node.moduleSpecifier!.getText(file)}`]
      if (ts.isNamespaceExport(node.exportClause)) return [node.exportClause.name.text]
      return node.exportClause.elements.map(({ name }) => name.text)
    }
    if (!ts.canHaveModifiers(node) || !node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) {
      return []
    }
    if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText(file))
    return [(node as ts.DeclarationStatement).name?.getText(file) ?? "default"]
  })
  return [...new Set(names)].toSorted()
}

/** What an import of `skein/...` for a source file would name. */
const subpathOf = (path: string): string => `skein/${path.slice("src/".length, -".ts".length)}`

/** Whether Node refuses an import because of the exports map, whatever the build has put there. */
const isClosed = (specifier: string): boolean => {
  try {
    createRequire(import.meta.url).resolve(specifier)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ERR_PACKAGE_PATH_NOT_EXPORTED"
  }
}

describe("exports", () => {
  it("every rim has its entry in the exports map, and every entry its rim", () => {
    const listed = Object.entries(manifest.exports)
      .flatMap(([key, target]) => /^\.\/\w+$/.test(key) && target !== null ? [key] : [])
    assert.deepStrictEqual(listed.toSorted(), rims.map((name) => `./${name}`).toSorted())
  })

  it("what is no public module cannot be imported", () => {
    const open = globSync("src/**/*.ts").map(subpathOf).filter((specifier) => !isClosed(specifier))
    const expected = modules.map(subpathOf).filter((specifier) => !specifier.endsWith("/index"))
    assert.deepStrictEqual(open.toSorted(), expected.toSorted())
  })

  it("the package brings no script that npm would run where it is installed or packed", () => {
    const unasked = /^(pre|post)?(install|prepare|prepublish|prepublishOnly|pack)$/
    assert.deepStrictEqual(Object.keys(manifest.scripts).filter((name) => unasked.test(name)), [])
  })

  // A changed name is a changed promise: review the difference, then `npx vitest run test/exports.test.ts -u`.
  it("the public names are those of exports.txt", async () => {
    const subpath = (path: string) => path.replace(/^src/, "skein").replace(/(\/index)?\.ts$/, "")
    const text = modules.map((path) => `${subpath(path)}\n${exported(path).map((name) => `  ${name}\n`).join("")}`)
    await expect(text.join("\n")).toMatchFileSnapshot("./exports.txt")
  })
})

/** A source file, parsed once. */
const parsed = new Map<string, ts.SourceFile>()
const parse = (path: string): ts.SourceFile => {
  const file = parsed.get(path) ?? ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true)
  parsed.set(path, file)
  return file
}

/** The doc comment that stands directly above a node, in the text of its file. */
const commentAbove = (node: ts.Node): string | undefined => {
  const text = node.getSourceFile().text
  const ranges = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []
  const last = ranges.map(({ end, pos }) => text.slice(pos, end)).findLast((comment) => comment.startsWith("/**"))
  return last
}

const namesOf = (node: ts.Statement): ReadonlyArray<string> =>
  ts.isVariableStatement(node)
    ? node.declarationList.declarations.map(({ name }) => name.getText())
    : [(node as Partial<ts.DeclarationStatement>).name?.getText() ?? ""]

const moduleOf = (path: string, specifier: ts.Expression): string =>
  posix.join(posix.dirname(path), (specifier as ts.StringLiteral).text)

/** The doc comment of a name that a file exports or declares, also where it is declared in another file. */
const docOf = (path: string, name: string): string | undefined => {
  const { statements } = parse(path)
  const declared = statements.flatMap((node) => namesOf(node).includes(name) ? commentAbove(node) ?? [] : [])
  if (declared.length > 0) return declared[0]
  for (const node of statements) {
    if (ts.isExportDeclaration(node) && node.exportClause !== undefined && ts.isNamedExports(node.exportClause)) {
      const found = node.exportClause.elements.find((element) => element.name.text === name)
      if (found === undefined) continue
      const above = commentAbove(found)
      if (above !== undefined) return above
      const original = (found.propertyName ?? found.name).text
      if (node.moduleSpecifier !== undefined) return docOf(moduleOf(path, node.moduleSpecifier), original)
      return imported(path, original)
    }
  }
  return undefined
}

/** The same for a name that a file imports. */
const imported = (path: string, name: string): string | undefined => {
  for (const node of parse(path).statements) {
    if (!ts.isImportDeclaration(node)) continue
    const bindings = node.importClause?.namedBindings
    if (bindings === undefined || !ts.isNamedImports(bindings)) continue
    const found = bindings.elements.find((element) => element.name.text === name)
    if (found !== undefined) return docOf(moduleOf(path, node.moduleSpecifier), (found.propertyName ?? found.name).text)
  }
  return undefined
}

/** Values of a tag, one for each time it stands in a comment. */
const tagsIn = (comment: string, tag: string): ReadonlyArray<string> =>
  Array.from(comment.matchAll(new RegExp(`@${tag} (.+)`, "g")), ([, value]) => value!.trim())

/** Files that export namespaces alone. */
const barrels = modules.filter((path) =>
  parse(path).statements.every((node) =>
    ts.isExportDeclaration(node) && node.exportClause !== undefined && ts.isNamespaceExport(node.exportClause)
  )
)
const namespaces = modules.filter((path) => !barrels.includes(path))

describe("docs of exports", () => {
  it("each public module and each of its exports has one @stability, @since and, if it is no module, @category", () => {
    const wrong = (comment: string | undefined, tags: ReadonlyArray<string>) =>
      comment === undefined
        ? ["no comment"]
        : tags.filter((tag) => tagsIn(comment, tag).length !== 1).map((tag) => `@${tag}`)
    const lacking = [
      ...modules.map((path) =>
        [path, wrong(/^\/\*\*[^]*?\*\//.exec(parse(path).text)?.[0], ["stability", "since"])] as const
      ),
      ...namespaces.flatMap((path) =>
        exported(path).map((name) =>
          [`${path} ${name}`, wrong(docOf(path, name), ["stability", "category", "since"])] as const
        )
      )
    ]
    assert.deepStrictEqual(
      lacking.filter(([, tags]) => tags.length > 0).map(([of, tags]) => `${of}: ${tags.join()}`),
      []
    )
  })

  it("nothing is stable before the first release, and categories are words of Effect", () => {
    const comments = namespaces.flatMap((path) => exported(path).map((name) => docOf(path, name)!))
    assert.deepStrictEqual([...new Set(comments.flatMap((comment) => tagsIn(comment, "stability")))], ["unstable"])
    const known = new Set(
      globSync("node_modules/effect/src/**/*.ts").flatMap((path) => tagsIn(readFileSync(path, "utf8"), "category"))
    )
    const own = new Set(comments.flatMap((comment) => tagsIn(comment, "category")))
    assert.deepStrictEqual([...own].filter((category) => !known.has(category)), [])
  })
})
