/** What an editor shows of the options and of the types, by the language service of TypeScript 6: that of 7 has no API yet. */
import { assert, describe, it } from "@effect/vitest"
import ts from "typescript6"
import { checkedOptions } from "../src/internal/tasks/options.ts"

const path = `${process.cwd()}/typetest/editor.ts`

const program = `import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Portable from "skein/Portable"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { start } from "skein/promise"
const load = Effect.succeed(1)
Task.make(load, { /*make*/ })
Task.make([1], () => load, { /*inputs*/ })
Task.map([1], ([n]) => n, { /*map*/ })
Task.fn((a: number) => a, { /*fn*/ })
const add = Task./*hover*/fn((a: number, b: number) => a + b)
/*call*/add(1, 2)
declare class Bad { readonly _tag: "Bad" }
declare const read: Effect.Effect<number, Bad>
const /*timed*/timed = Task.make(read, { timeout: "1 second", label: "a" })
const /*sum*/sum = Task.make({ a: timed, b: [timed] }, ({ a, b }) => Effect.succeed(a + b.length), { retry: { times: 3 } })
const /*policy*/policy = Task.map([Dependency.any([timed, sum])], ([ends]) => ends.length)
const /*computed*/computed = Client.compute({ timed, sum })
const /*collected*/collected = Client.compute([timed], { mode: "collect" })
const /*each*/each = Client.forEach([1, 2], (n) => Effect.succeed(n), { task: { timeout: "1 second" } })
const /*submitted*/submitted = Client.submit(timed)
const /*fired*/fired = Client.fireAndForget(timed)
const /*joined*/joined = Effect.flatMap(Client.submitAll([timed, sum]), (futures) => Future.joinAll(futures))
declare const future: Future.Future<number, Bad>
const /*streamed*/streamed = Client.stream([1, 2], (n) => Effect.succeed(n), { outstanding: 2 })
const /*ran*/ran = Client.stream([timed], { mode: "collect" })
const /*ended*/ended = Client.asCompleted([future])
const /*everywhere*/everywhere = Scheduler.runOnEach(read)
const /*found*/found = Client.published("x")
const work = Portable.module<{ readonly square: (n: number) => number }>()(new URL("file:///a.js"))
const /*square*/square = work.tasks.square
const /*squared*/squared = square(timed)
const skein = await start()
const /*promised*/promised = skein.submit(async (n: number) => n, 1)
`

/** What a package of a user exports, with the types that the compiler infers. */
const library = `import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Portable from "skein/Portable"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import { start } from "skein/promise"
type Tasks = Readonly<Record<string, Task.Any>>
export const every = <const I>(inputs: I) => Task.all({ inputs })
export const mapped = <const I extends Tasks>(tasks: I) => Task.map(tasks, (values) => [values])
export const named = <A, E, R>(key: string, effect: Effect.Effect<A, E, R>) => Task.make(effect, { key })
export const run = <const I extends Tasks>(tasks: I) => Client.compute(tasks)
export const collected = <const I extends Tasks>(tasks: I) => Client.compute(tasks, { mode: "collect" })
export const submitted = <A, E, R>(task: Task.Task<A, E, R>) => Client.submit(task)
export const all = <const I extends ReadonlyArray<Task.Any>>(tasks: I) => Client.submitAll(tasks)
export const joined = <const F extends ReadonlyArray<Future.Any>>(futures: F) => Future.joinAll(futures)
export const awaited = <const F extends ReadonlyArray<Future.Any>>(futures: F) => Future.awaitAll(futures)
export const first = <const I extends ReadonlyArray<Task.Any>>(tasks: I) => Task.all([Dependency.any(tasks)])
export const ends = <const I extends ReadonlyArray<Task.Any>>(tasks: I) => Task.all([Dependency.rule("allDone", tasks)])
export const each = <A, B, E, R>(items: Iterable<A>, f: (item: Task.Values<A>) => Effect.Effect<B, E, R>) =>
  Client.forEach(items, f)
export const add = Task.fn((a: number, b: { readonly c: string }) => a + b.c.length)
export const load = Task.fn("load")((id: number) => Effect.succeed(id))
export const divided = Task.fn((a: number, b: number): [number, number] => [a, b], { pure: true, tuple: 2 })
export const streamed = <A, B, E, R>(items: Iterable<A>, f: (item: Task.Values<A>) => Effect.Effect<B, E, R>) =>
  Client.stream(items, f)
export const inPipe = Client.stream((n: number) => Effect.succeed(n), { withInput: true })
export const ofTasks = Client.stream({ outstanding: 2 })
export const ran = <A, E, R>(tasks: Iterable<Task.Task<A, E, R>>) => Client.stream(tasks)
export const ended = <F extends Future.Any>(futures: ReadonlyArray<F>) => Client.asCompleted(futures)
export const letting = Client.asCompleted({ release: true })
export const everywhere = <A, E, R>(effect: Effect.Effect<A, E, R>) => Scheduler.runOnEach(effect)
export const reported = Scheduler.runOnEach({ mode: "collect" })
export const work = Portable.module<{
  readonly square: (n: number) => number
  readonly later: (f: () => void) => number
}>()(new URL("file:///a.js"))
export const { later, square } = work.tasks
export const promised = async () => (await start()).submit(async (n: number) => n, 1)
`
const libraryPath = `${process.cwd()}/typetest/library.ts`
const given = new Map([[path, program], [libraryPath, library]])

const service = (): ts.LanguageService => {
  const { config } = ts.readConfigFile("tsconfig.json", (file) => ts.sys.readFile(file))
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd())
  const textOf = (file: string) => given.get(file) ?? ts.sys.readFile(file)
  return ts.createLanguageService({
    getCompilationSettings: () => ({ ...options, declaration: true }),
    getScriptFileNames: () => [...given.keys()],
    getScriptVersion: () => "1",
    getScriptSnapshot: (file) => {
      const text = textOf(file)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => process.cwd(),
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (file) => given.has(file) || ts.sys.fileExists(file),
    readFile: textOf
  })
}

describe("editor", () => {
  const editor = service()
  const placeOf = (mark: string) => program.indexOf(`/*${mark}*/`)

  it("G18: an empty record of options completes to all options", { timeout: 120_000 }, () => {
    for (const [mark, more] of [["make", []], ["inputs", []], ["map", []], ["fn", ["name", "tuple"]]] as const) {
      const names = editor.getCompletionsAtPosition(path, placeOf(mark), {})?.entries.map(({ name }) => name) ?? []
      assert.sameMembers(names, [...checkedOptions, ...more], mark)
    }
  })

  const hover = (mark: string) =>
    ts.displayPartsToString(editor.getQuickInfoAtPosition(path, placeOf(mark) + mark.length + 4)?.displayParts)
      .replaceAll(/\s+/g, " ")

  it("G18: what Task.fn makes is shown in a few words", { timeout: 120_000 }, () => {
    assert.isBelow(hover("hover").length, 300)
    assert.include(hover("hover"), "Task.Fn<[a: number, b: number], number")
    assert.include(hover("call"), "Task.Task<number, never, never>")
  })

  it("G18: the types of tasks and of what runs them are shown without types of Skein's own that nobody knows", {
    timeout: 120_000
  }, () => {
    const shown = {
      timed: "Task.Task<number, Bad | TaskTimeout, never>",
      sum: "Task.Task<number, DependencyFailed<Bad | TaskTimeout>, never>",
      policy: "Task.Task<2, ImpossibleDependency, never>",
      computed: "Effect.Effect<{ timed: number; sum: number; }, " +
        "Bad | SkeinError | TaskTimeout | SubmitError | DependencyFailed<Bad | TaskTimeout>, Client.Client>",
      collected: "Effect.Effect<[Exit<number, Bad | SkeinError | TaskTimeout>], SubmitError, Client.Client>",
      each: "Effect.Effect<number[], SkeinError | TaskTimeout | SubmitError, Client.Client>",
      submitted: "Effect.Effect<Future.Future<number, Bad | TaskTimeout>, SubmitError, Scope | Client.Client>",
      fired: "Effect.Effect<void, SubmitError, Client.Client>",
      joined: "Effect.Effect<[number, number], " +
        "Bad | SkeinError | TaskTimeout | SubmitError | DependencyFailed<Bad | TaskTimeout>, Scope | Client.Client>",
      streamed: "Stream<number, SubmitError | SkeinError, Client.Client>",
      ran: "Stream<Exit<number, Bad | SkeinError | TaskTimeout>, SubmitError, Client.Client>",
      ended: "Stream<Future.Future<number, Bad>, SkeinError, never>",
      everywhere: "Effect.Effect<ReadonlyMap<string, number>, Bad | SkeinError | SubmitError, Scheduler.Scheduler>",
      found: "Effect.Effect<Option<Future.Future<unknown, unknown>>, never, Scope | Client.Client>",
      square: "Portable.Call<[n: number], number, never, never>",
      squared: "Task.Task<number, DependencyFailed<Bad | TaskTimeout>, never>",
      promised: "Future<number>"
    }
    // The order of a union is that in which the compiler met its members.
    const words = (text: string) => text.split(/[^\w.]+/).toSorted()
    for (const [name, type] of Object.entries(shown)) {
      assert.deepStrictEqual(words(hover(name)), words(`const ${name}: ${type}`), hover(name))
    }
  })

  it("G18: a package may export what it makes of tasks, also in generic code", { timeout: 120_000 }, () => {
    const program = editor.getProgram()!
    const file = program.getSourceFile(libraryPath)!
    const faults = [...program.getSemanticDiagnostics(file), ...program.getDeclarationDiagnostics(file)]
    assert.deepStrictEqual(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")), [])
  })
})
