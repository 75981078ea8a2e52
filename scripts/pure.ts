/**
 * Marks calls that only make a value of a module (`const x = dual(...)`, `class A extends Data.TaggedError("A")<...>`) as pure in
 * the built files, as the build of Effect does: a bundler then drops those that a program does not use. Run by `npm run build`.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs"
import ts from "typescript6"

const mark = "/*#__PURE__*/ "

/** The places of calls outside of functions, from the last to the first. */
const callsIn = (text: string): ReadonlyArray<number> => {
  const file = ts.createSourceFile("module.js", text, ts.ScriptTarget.Latest, true)
  const places = new Set<number>()
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) || ts.isClassStaticBlockDeclaration(node)) return
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) places.add(node.getStart(file))
    ts.forEachChild(node, visit)
  }
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const { initializer } of statement.declarationList.declarations) {
        if (initializer !== undefined) visit(initializer)
      }
    } else if (ts.isClassDeclaration(statement)) {
      for (const clause of statement.heritageClauses ?? []) visit(clause)
    }
  }
  return [...places].toSorted((a, b) => b - a)
}

for (const path of globSync("dist/**/*.js")) {
  const text = readFileSync(path, "utf8")
  const places = callsIn(text)
  const marked = places.reduce((text, at) => text.slice(0, at) + mark + text.slice(at), text)
  if (places.length > 0) writeFileSync(path, marked)
}
