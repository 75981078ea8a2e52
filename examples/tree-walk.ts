/**
 * What is in a folder? A task for each folder walks the tree below it, on four slots.
 *
 * ```sh
 * npx node --conditions=source examples/tree-walk.ts
 * npx node --conditions=source examples/tree-walk.ts /usr/share --concurrency 16
 * ```
 *
 * How many tasks there are is known only while they run: a folder must be read before its subfolders can have tasks. So the
 * tasks launch tasks, by `Client.compute` in the body, which fits here best:
 *
 * - The body goes on with what the subfolders gave, and decides itself what becomes of those that cannot be read.
 * - A folder is exactly one task. With `Task.flatMap` it would be three: read, unfold, and add up.
 * - Nothing is left to do for the body meanwhile, for which `Client.submit` and `Future.join` would be worth their scope.
 *
 * A body that waits for its subfolders has given its slot away, so four slots walk a tree of any depth, and `running` never exceeds them.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import type { SkeinError, SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import { ProgressBar } from "skein/terminal"
import * as Cli from "./cli.ts"
import { type Peaks, withPeaks } from "./peaks.ts"
import * as Table from "./table.ts"

/** A number of files, and what they take. */
export interface Files {
  readonly files: number
  readonly bytes: number
}

/** What a folder holds, with everything below it. */
export interface Summary extends Files {
  /** This one included. */
  readonly folders: number
  /** Symbolic links. They are not followed. */
  readonly links: number
  /** The path with the most names, and how many. */
  readonly deepest: { readonly path: string; readonly names: number }
  readonly byExtension: ReadonlyMap<string, Files>
  readonly unreadable: ReadonlyArray<Cli.Unreadable>
}

/** A task that sums up a folder, by a task for each of its subfolders. */
export const walk = (
  folder: string
): Task.Task<
  Summary,
  Cli.Unreadable | SubmitError | SkeinError,
  FileSystem.FileSystem | Path.Path | Client.Client
> =>
  Task.make(
    Effect.gen(function*() {
      const { subfolders, summary } = yield* read(folder)
      const exits = yield* Client.compute(subfolders.map(walk), { mode: "collect" })
      return sum([summary, ...(yield* Effect.forEach(exits, orReported))])
    }),
    { label: "folder" }
  )

/** A subfolder that cannot be read is a line of the report. Any other failure is one of this folder too. */
const orReported = <E>(exit: Exit.Exit<Summary, E | Cli.Unreadable>): Effect.Effect<Summary, E | Cli.Unreadable> => {
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  return error instanceof Cli.Unreadable ? Effect.succeed(reported(error)) : exit
}

/** One folder without what is below it, and the paths of its subfolders. Devices and sockets are not counted. */
const read = Effect.fnUntraced(function*(folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const entries = yield* Effect.mapError(fs.readDirectoryEntries(folder), Cli.unreadable(folder))
  const pathsOf = (type: FileSystem.File.Type) =>
    entries.filter((entry) => entry.type === type).map(({ name }) => path.join(folder, name)).sort()
  const files = yield* Effect.forEach(pathsOf("File"), readFile, { concurrency: 16 })
  const own = { ...nothing, folders: 1, links: pathsOf("SymbolicLink").length, deepest: namesIn(folder, path.sep) }
  return { subfolders: pathsOf("Directory"), summary: sum([own, ...files]) }
})

/** One file. One that is gone by now is a line of the report. */
const readFile = (file: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const { size } = yield* Effect.mapError(fs.lstat(file), Cli.unreadable(file))
    const files = { files: 1, bytes: Number(size) }
    return {
      ...nothing,
      ...files,
      deepest: namesIn(file, path.sep),
      byExtension: new Map([[path.extname(file), files]])
    }
  }).pipe(Effect.catchTag("Unreadable", (error) => Effect.succeed(reported(error))))

const nothing: Summary = {
  folders: 0,
  files: 0,
  links: 0,
  bytes: 0,
  deepest: { path: "", names: 0 },
  byExtension: new Map(),
  unreadable: []
}

const reported = (error: Cli.Unreadable): Summary => ({ ...nothing, unreadable: [error] })

/** Several summaries as one. */
const sum = (summaries: ReadonlyArray<Summary>): Summary => {
  const byExtension = new Map<string, Files>()
  for (const [extension, files] of summaries.flatMap((summary) => [...summary.byExtension])) {
    byExtension.set(extension, addFiles(files, byExtension.get(extension) ?? nothing))
  }
  return {
    ...summaries.reduce(addFiles, nothing),
    folders: summaries.reduce((n, { folders }) => n + folders, 0),
    links: summaries.reduce((n, { links }) => n + links, 0),
    deepest: summaries.map(({ deepest }) => deepest).reduce(deeper),
    byExtension,
    unreadable: summaries.flatMap((summary) => summary.unreadable)
  }
}

const addFiles = (a: Files, b: Files): Files => ({ files: a.files + b.files, bytes: a.bytes + b.bytes })

const namesIn = (path: string, separator: string) => ({ path, names: path.split(separator).length })

/** Of paths that are equally deep, the first in the alphabet. */
const deeper = (a: Summary["deepest"], b: Summary["deepest"]) =>
  a.names > b.names || (a.names === b.names && a.path <= b.path) ? a : b

/** What a user sees. */
export const report = (root: string, summary: Summary, slots: number, { running, seceded, tasks }: Peaks): string => {
  const { byExtension, bytes, deepest, files, folders, links, unreadable } = summary
  const extensions = Array.from(byExtension).sort(([, a], [, b]) => b.bytes - a.bytes || b.files - a.files)
  const shown = extensions.slice(0, 8)
  const rest = extensions.slice(shown.length).map(([, files]) => files)
  const rows = [
    ...shown.map(([extension, files]) => [extension || "none", files] as const),
    ...(rest.length === 0 ? [] : [[Table.counted(rest.length, "other"), rest.reduce(addFiles)] as const]),
    ["all", { files, bytes }] as const
  ]
  return [
    `${root}: ${Table.counted(folders, "folder")}, ${Table.counted(files, "file")}, ${Table.bytes(bytes)}; ` +
    `${Table.counted(links, "link")} not followed`,
    Table.table(
      [Table.left("extension"), Table.right("files"), Table.right("size")],
      rows.map(([name, { bytes, files }]) => [name, Table.count(files), Table.bytes(bytes)])
    ),
    ...(deepest.path === root ? [] : [`Deepest: ${relative(root, deepest.path)}`]),
    ...(unreadable.length === 0 ? [] : [unreadableReport(unreadable)]),
    `${Table.counted(tasks, "task")} on ${
      Table.counted(slots, "slot")
    }. At the peak ${running} ran, and ${seceded} waited without a slot.`
  ].join("\n\n")
}

const unreadableReport = (unreadable: ReadonlyArray<Cli.Unreadable>): string => {
  const shown = unreadable.slice(0, 5).map(({ message }) => message)
  const more = unreadable.length - shown.length
  return ["Not counted:", ...shown, ...(more === 0 ? [] : [`and ${Table.count(more)} more`])].join("\n  ")
}

/** Walks a folder and prints what it holds. */
const run = Effect.fnUntraced(function*(folder: string, concurrency: number) {
  const fs = yield* FileSystem.FileSystem
  const root = yield* Effect.mapError(fs.realPath(folder), Cli.unreadable(folder))
  const [summary, peaks] = yield* withPeaks(Client.compute(walk(root))).pipe(
    ProgressBar.show(),
    Effect.provide(Skein.layer({ concurrency }))
  )
  yield* Console.log(report(root, summary, concurrency, peaks))
})

const parameters = {
  folder: Argument.String("folder").pipe(
    Argument.withDefault(fileURLToPath(new URL("../node_modules", import.meta.url))),
    Argument.withDescription("the folder to walk")
  ),
  concurrency: Cli.concurrency
}

const command = Command.make(
  "tree-walk",
  parameters,
  ({ concurrency, folder }) => Effect.mapError(run(folder, concurrency), Cli.told)
).pipe(
  Command.withDescription("Says what is in a folder, by a task for each folder below it"),
  Command.run({ version: "0.1.0" }),
  Effect.provide(NodeServices.layer)
)

if (import.meta.main) NodeRuntime.runMain(command)
