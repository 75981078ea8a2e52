/**
 * Writes every fence marked `ts import.meta.vitest` (in doc comments, the README and docs) to `.doctest/`, one test a
 * fence. Imports move to the top; a trailing `// => value` asserts that the expression, or the `const`, before it equals
 * `value`. Outside functions an Effect is run first and its result is compared, or its exit with `// => Exit.fail(...)`
 * (an Exit is an Effect that ends as itself). Paths such as "./examples/primes.ts" are those beside the file with the fence.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { posix } from "node:path"
import ts from "typescript6"

const fence = /^([ \t]*(?:\*[ \t])?)```ts import\.meta\.vitest\n([^]*?)\n[ \t]*(?:\*[ \t])?```/gm

/** The marked fences of a file, each with the line on which its code starts. */
export const extract = (text: string): Array<{ readonly line: number; readonly code: string }> =>
  [...text.matchAll(fence)].map(({ 1: margin = "", 2: code = "", index }) => ({
    line: text.slice(0, index).split("\n").length + 1,
    code: code.split("\n").map((line) => line.slice(margin.length)).join("\n")
  }))

/** The text of a test file that runs `code`. */
export const toTest = (name: string, code: string): string => {
  const file = ts.createSourceFile(name, code, ts.ScriptTarget.Latest)
  const imports: Array<string> = []
  const edits: Array<{ readonly at: number; readonly end?: number; readonly text: string }> = []
  let unseen = code.split("// => ").length - 1
  const visit = (node: ts.Node, nested: boolean): void => {
    const expected = /^[ \t]*\/\/ => (.+)/.exec(code.slice(node.end))?.[1]
    const run = nested ? "" : expected?.startsWith("Exit.") ? "await $runExit" : "await $run"
    if (ts.isImportDeclaration(node)) {
      imports.push(node.getText(file))
      edits.push({ at: node.getStart(file), end: node.end, text: "" })
    } else if (node.kind === ts.SyntaxKind.ExportKeyword) {
      edits.push({ at: node.getStart(file), end: node.end, text: "" })
    } else if (expected !== undefined && ts.isExpressionStatement(node)) {
      edits.push({ at: node.getStart(file), text: `$expect(${run}(` })
      edits.push({ at: node.expression.end, end: node.end, text: `)).toStrictEqual(${expected})` })
      unseen--
    } else if (expected !== undefined && ts.isVariableStatement(node)) {
      const names = node.declarationList.declarations.map((declaration) => declaration.name.getText(file))
      edits.push({ at: node.end, text: `; $expect(${run}(${names.at(-1)})).toStrictEqual(${expected})` })
      unseen--
    }
    ts.forEachChild(node, (child) => visit(child, nested || ts.isFunctionLike(node)))
  }
  visit(file, false)
  if (unseen > 0) throw new Error(`${name}: a "// =>" stands behind no statement`)
  const body = edits.toSorted((a, b) => b.at - a.at)
    .reduce((text, { at, end = at, text: inserted }) => text.slice(0, at) + inserted + text.slice(end), code)
  return `import * as $Effect from "effect/Effect"
import { expect as $expect, test as $test } from "vitest"
${imports.join("\n")}

const $run = (value: unknown) =>
  $Effect.isEffect(value) ? $Effect.runPromise(value as $Effect.Effect<unknown>) : value
const $runExit = (value: unknown) =>
  $Effect.runPromiseExit($Effect.flatMap(value as $Effect.Effect<unknown>, (a) =>
    $Effect.isEffect(a) ? a as $Effect.Effect<unknown> : $Effect.succeed(a)))

$test(${JSON.stringify(name)}, async () => {
${body.trim()}
})
`
}

const folder = ".doctest"

/** The code of a fence of the file `path` as it reads in the folder of the tests. */
export const moved = (path: string, code: string): string =>
  code.replaceAll(/(?<=["'])\.(?=\/)/g, posix.relative(folder, posix.dirname(path.replaceAll("\\", "/"))))

if (import.meta.main) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  for (const path of globSync(["src/**/*.ts", "README.md", "docs/**/*.md"])) {
    for (const { code, line } of extract(readFileSync(path, "utf8"))) {
      const test = toTest(`${path}:${line}`, moved(path, code))
      writeFileSync(`${folder}/${path.replaceAll(/\W/g, "-")}-${line}.test.ts`, test)
    }
  }
}
