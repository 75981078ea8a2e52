import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as PlatformError from "effect/PlatformError"
import { lstatSync, readdirSync, realpathSync } from "node:fs"
import { extname, join, sep } from "node:path"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import { withPeaks } from "../../examples/peaks.ts"
import { type Files, report, type Summary, walk } from "../../examples/tree-walk.ts"
import { longOr } from "../long.ts"
import { runExample } from "./run.ts"

/** The same by plain recursion, one folder after the other. */
const walkPlainly = (root: string): Summary => {
  let [folders, files, links, bytes, deepest] = [0, 0, 0, 0, root]
  const byExtension = new Map<string, Files>()
  const names = (path: string) => path.split(sep).length
  const visit = (path: string): void => {
    if (names(path) > names(deepest) || (names(path) === names(deepest) && path < deepest)) deepest = path
    const stat = lstatSync(path)
    if (stat.isSymbolicLink()) throw new Error("no link is visited")
    if (stat.isFile()) {
      files++
      bytes += stat.size
      const of = byExtension.get(extname(path)) ?? { files: 0, bytes: 0 }
      byExtension.set(extname(path), { files: of.files + 1, bytes: of.bytes + stat.size })
      return
    }
    folders++
    for (const name of readdirSync(path)) {
      if (lstatSync(join(path, name)).isSymbolicLink()) links++
      else visit(join(path, name))
    }
  }
  visit(root)
  return {
    folders,
    files,
    links,
    bytes,
    deepest: { path: deepest, names: names(deepest) },
    byExtension,
    unreadable: []
  }
}

/** Maps that have the same entries are equal whatever their order. */
const sorted = (summary: Summary) => ({ ...summary, byExtension: [...summary.byExtension].sort() })

/** A folder with everything that there can be. */
const makeFixture = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const root = yield* Effect.flatMap(fs.makeTempDirectoryScoped(), fs.realPath)
  const path = (name: string) => join(root, name)
  for (const folder of ["a/b/c/empty", "a/b2", "d", "locked/inner"]) {
    yield* fs.makeDirectory(path(folder), { recursive: true })
  }
  for (
    const file of ["one.txt", "a/two.txt", "a/b/c/three.md", "a/b2/no-extension", "d/.hidden", "locked/inner/x.txt"]
  ) {
    yield* fs.writeFileString(path(file), file)
  }
  yield* fs.symlink(path("a"), path("d/link to a folder"))
  yield* fs.symlink(path("one.txt"), path("d/link to a file"))
  yield* fs.symlink(path("nowhere"), path("d/broken link"))
  yield* fs.symlink(root, path("a/b/loop"))
  return { root, path }
})

/** Refuses some folders and files, as the system does to those who may not read them. */
const refusing = (paths: ReadonlyArray<string>) => (fs: FileSystem.FileSystem): FileSystem.FileSystem => {
  const refuse =
    <A>(method: string, f: (path: string) => Effect.Effect<A, PlatformError.PlatformError>) => (path: string) =>
      paths.includes(path)
        ? Effect.fail(
          PlatformError.systemError({ _tag: "PermissionDenied", module: "FileSystem", method, pathOrDescriptor: path })
        )
        : f(path)
  return {
    ...fs,
    lstat: refuse("lstat", fs.lstat),
    readDirectoryEntries: refuse("readDirectoryEntries", fs.readDirectoryEntries)
  }
}

const walked = (root: string, concurrency = 4) =>
  withPeaks(Client.compute(walk(root))).pipe(Effect.provide(Skein.layer({ concurrency }), { local: true }))

layer(NodeServices.layer)("tree-walk", (it) => {
  it.effect("finds in a folder what plain recursion finds, and follows no link", () =>
    Effect.gen(function*() {
      const { path, root } = yield* makeFixture
      const [summary, { tasks }] = yield* walked(root)
      assert.deepStrictEqual(sorted(summary), sorted(walkPlainly(root)))
      assert.strictEqual(summary.links, 4)
      assert.strictEqual(summary.deepest.path, path("a/b/c/empty"))
      assert.strictEqual(tasks, summary.folders)
    }))

  for (const concurrency of [1, 4]) {
    it.effect(`with ${concurrency} slots it finds in the project's dependencies what plain recursion finds`, () =>
      Effect.gen(function*() {
        const root = realpathSync("node_modules/@effect")
        const [summary, { running, seceded, tasks }] = yield* walked(root, concurrency)
        assert.deepStrictEqual(sorted(summary), sorted(walkPlainly(root)))
        assert.isAbove(tasks, 50)
        assert.strictEqual(tasks, summary.folders)
        assert.strictEqual(running, concurrency)
        assert.isAbove(seceded, 0)
      }))
  }

  it.effect("reports what cannot be read, and counts the rest", () =>
    Effect.gen(function*() {
      const { path, root } = yield* makeFixture
      const refused = [path("locked/inner"), path("a/b/c"), path("one.txt")]
      const fs = refusing(refused)(yield* FileSystem.FileSystem)
      const [summary, peaks] = yield* Effect.provideService(walked(root), FileSystem.FileSystem, fs)
      assert.deepStrictEqual(summary.unreadable.map(({ path }) => path).sort(), refused.toSorted())
      const { files, folders } = walkPlainly(root)
      assert.deepStrictEqual([summary.folders, summary.files], [folders - 3, files - 3])
      const text = report(root, summary, 4, peaks)
      assert.include(text, `Cannot read ${path("a/b/c")}: permission denied`)
    }))

  it.effect("a folder that is not there is a failure with its name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(walked("/no/such/folder"))
      assert.strictEqual(error._tag, "Unreadable")
      assert.strictEqual(error.message, "Cannot read /no/such/folder: it does not exist")
    }))

  it.effect("folders too deep for the limit of the layer are a failure, not a line of the report", () =>
    Effect.gen(function*() {
      const { root } = yield* makeFixture
      const walked = Client.compute(walk(root)).pipe(Effect.provide(Skein.layer({ limits: { nesting: 2 } })))
      const error = yield* Effect.flip(walked)
      assert.strictEqual(error._tag, "SubmitError")
      assert.include(error.message, "too deep (limit 2)")
    }))
})

describe("tree-walk: program", () => {
  it.effect("prints what is in a folder, with the tasks and their peaks", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* runExample("tree-walk.ts", ["node_modules/@effect", "--concurrency", "2"])
      assert.strictEqual(code, 0, err)
      const { files, folders } = walkPlainly(realpathSync("node_modules/@effect"))
      const [n, m] = [folders, files].map((n) => n.toLocaleString("en-US"))
      assert.include(out, `: ${n} folders, ${m} files, `)
      assert.match(out, new RegExp(`^all +${m} +[\\d.]+ MB$`, "m"))
      assert.match(
        out,
        new RegExp(`^${n} tasks on 2 slots\\. At the peak 2 ran, and \\d+ waited without a slot\\.$`, "m")
      )
    }))

  it.effect("a folder that is not there, or is none, is a sentence", () =>
    Effect.gen(function*() {
      const wrong = [["README.md", "it is no folder"], ["no/such", "it does not exist"]] as const
      for (const [path, why] of wrong.slice(0, longOr(2, 1))) {
        const { code, err, out } = yield* runExample("tree-walk.ts", [path])
        assert.deepStrictEqual([code, out], [1, ""])
        assert.match(err, new RegExp(`Cannot read .*${path}: ${why}`))
        assert.notInclude(err, "    at ")
      }
    }))

  it.effect("stops when told to, without a word", () =>
    Effect.gen(function*() {
      const { code, err, out } = yield* runExample("tree-walk.ts", ["/"], { interrupt: true })
      assert.deepStrictEqual([code, out], [130, ""])
      assert.notInclude(err, "    at ")
    }))
})
