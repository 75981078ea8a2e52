/**
 * Packs the built package, installs it in an empty folder, and uses it from there as a program of a user does: each public module
 * can be imported, nothing else can, and a program compiles. Programs with threads and processes run as docs/threads.md says: from
 * sources, in vitest, and from a bundle. Run by `npm run package:check`, after the build.
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

const work = `import { isMainThread } from "node:worker_threads"

export const add = (a: number, b: number): number => a + b
export const where = (): string => isMainThread ? "here" : "in a thread"
`

const names = `import { Schema } from "effect"
import { Portable } from "skein"

export const Greet = Portable.make("Greet", { payload: Schema.String, success: Schema.String })
`

const entry = `import { Threads } from "skein/threads"
import { Greet } from "./names.ts"

Threads.serve(Greet.toLayer((name) => \`Hello, \${name}\`))
`

/** The extension of the files that the threads load: those of a bundle are JavaScript. */
const threads = (extension: "ts" | "js") =>
  `import { Effect, Layer } from "effect"
import { Worker } from "node:worker_threads"
import type { WorkerOptions } from "node:worker_threads"
import { Client, Portable, Skein } from "skein"
import { Threads } from "skein/threads"
import { Greet } from "./names.ts"
import type * as functions from "./work.ts"

const work = Portable.module<typeof functions>()(new URL("./work.${extension}", import.meta.url))
const spawn = (options: WorkerOptions) => new Worker(new URL("./entry.${extension}", import.meta.url), options)

export const program = Client.compute([work.tasks.add(20, 22), work.tasks.where(), Greet("Ada")]).pipe(
  Effect.provide(Threads.layer({ size: 2, tasks: [work, Greet], spawn }).pipe(Layer.provideMerge(Skein.layer())))
)
if (import.meta.main) {
  Effect.runPromise(program).then((values) => process.exit(values.join() === "42,in a thread,Hello, Ada" ? 0 : 1))
}
`

const processes = `import { Effect, Layer } from "effect"
import { Client, Portable, Skein } from "skein"
import { Processes } from "skein/processes"
import type * as functions from "./work.ts"

const work = Portable.module<typeof functions>()(new URL("./work.ts", import.meta.url))
const program = Client.compute(work.tasks.add(20, 22)).pipe(
  Effect.provide(Processes.layer({ size: 1, tasks: [work] }).pipe(Layer.provideMerge(Skein.layer())))
)
Effect.runPromise(program).then((value) => process.exit(value === 42 ? 0 : 1))
`

const test = `import { Effect } from "effect"
import { expect, test } from "vitest"
import { program } from "./threads.ts"

test("tasks run in threads", async () => {
  expect(await Effect.runPromise(program)).toEqual([42, "in a thread", "Hello, Ada"])
}, 60_000)
`

const options = {
  module: "NodeNext",
  strict: true,
  noEmit: true,
  allowImportingTsExtensions: true,
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
  const needed = [
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.peerDependencies),
    "@types/node",
    "vitest"
  ]
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
    "tsconfig.json": { compilerOptions: options, files: ["main.ts", "threads.ts", "entry.ts", "processes.ts"] }
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content))
  writeFileSync(join(folder, "probe.js"), probe)
  const sources = {
    "main.ts": program,
    "work.ts": work,
    "names.ts": names,
    "entry.ts": entry,
    "threads.ts": threads("ts"),
    "bundled.ts": threads("js"),
    "processes.ts": processes,
    "threads.test.ts": test
  }
  for (const [name, content] of Object.entries(sources)) writeFileSync(join(folder, name), content)
  const run = (command: string, ...args: ReadonlyArray<string>): void =>
    void execFileSync(command, args, { cwd: folder, stdio: "inherit" })
  run(process.execPath, "probe.js")
  run(resolve("node_modules/.bin/tsc"), "-p", ".")
  run(process.execPath, "main.ts")
  run(process.execPath, "threads.ts")
  run(process.execPath, "processes.ts")
  run(resolve("node_modules/.bin/vitest"), "run", "--root", ".", "--pool", "threads", "--reporter", "dot")
  // It comes with vitest.
  const bundle = ["bundled.ts", "entry.ts", "work.ts", "--platform", "node", "--dir", "bundle", "--log-level", "silent"]
  run(resolve("node_modules/.bin/rolldown"), ...bundle)
  run(process.execPath, join("bundle", "bundled.js"))
  process.stdout.write(`From outside, ${open.length} modules can be imported, and the others cannot.\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
