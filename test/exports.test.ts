import { assert, describe, expect, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
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
