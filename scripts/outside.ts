/**
 * Packs the built package, installs it in an empty folder, and uses it from there as a program of a user does: each public module
 * can be imported, nothing else can, and a program compiles. Run by `npm run package:check`, after the build.
 */
import { execFileSync } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import manifest from "../package.json" with { type: "json" }

const closed = /^skein\/(?:.+\/)?(?:internal|engine)\/|\/index$|^skein\/index$/

/** What an import of a source file would name. */
const specifiers = globSync("src/**/*.ts").map((path) =>
  path.replaceAll("\\", "/").replace(/^src/, "skein").slice(0, -3)
)
const open = [
  "skein",
  "skein/testing",
  "skein/promise",
  "skein/terminal",
  "skein/threads",
  "skein/processes",
  ...specifiers.filter((each) => !closed.test(each))
]

const program = `import { Effect } from "effect"
import { Client, Future, Skein, Task } from "skein"
import * as Scheduler from "skein/Scheduler"
import { ProgressBar } from "skein/terminal"
import { Gate, Leftovers, Simulation } from "skein/testing"
import * as World from "skein/testing/World"

const answer = Task.map([Task.sync(() => 20), Task.succeed(22)], ([a, b]) => a + b)
const program: Effect.Effect<number, unknown> = Effect.gen(function*() {
  const gate = yield* Gate.make
  yield* Gate.open(gate)
  const future = yield* Client.submit(answer)
  const value = yield* Future.join(future)
  yield* Scheduler.stats
  return value
}).pipe(Effect.scoped, Effect.tap(Leftovers.assertNone), ProgressBar.show(), Effect.provide(Skein.layer()), World.withSeed(1))

const all = Effect.andThen(Simulation.run(answer, { seeds: 3 }), program)
Effect.runPromise(all).then((value) => process.exit(value === 42 ? 0 : 1))
`

const options = {
  module: "NodeNext",
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: ["node"],
  target: "ES2024"
}

const folder = mkdtempSync(join(tmpdir(), "skein-"))
try {
  const modules = join(folder, "node_modules")
  mkdirSync(join(modules, "skein"), { recursive: true })
  const npm = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder]
  const archive = execFileSync("npm", npm, { encoding: "utf8" }).trim()
  execFileSync("tar", ["-xf", join(folder, archive), "-C", join(modules, "skein"), "--strip-components=1"])
  const needed = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies), "@types/node"]
  for (const name of needed) {
    mkdirSync(join(modules, name, ".."), { recursive: true })
    symlinkSync(resolve("node_modules", name), join(modules, name))
  }
  const probe = `
    const failed = []
    for (const name of ${JSON.stringify(open)}) await import(name).catch((error) => failed.push(name + ": " + error))
    for (const name of ${JSON.stringify(specifiers.filter((each) => closed.test(each)))}) {
      const code = await import(name).then(() => "open", ({ code }) => code)
      if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") failed.push(name + ": " + code)
    }
    if (failed.length > 0) throw new Error(failed.join("\\n"))`
  const files = {
    "package.json": { type: "module" },
    "tsconfig.json": { compilerOptions: options, files: ["main.ts"] }
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content))
  writeFileSync(join(folder, "probe.js"), probe)
  writeFileSync(join(folder, "main.ts"), program)
  const run = (command: string, ...args: ReadonlyArray<string>): void =>
    void execFileSync(command, args, { cwd: folder, stdio: "inherit" })
  run(process.execPath, "probe.js")
  run(resolve("node_modules/.bin/tsc"), "-p", ".")
  run(process.execPath, "main.ts")
  process.stdout.write(`From outside, ${open.length} modules can be imported, and the others cannot.\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
