import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import type { Future } from "skein/Future"
import * as Portable from "skein/Portable"
import * as Skein from "skein/Skein"
import type { DependencyFailed, ImpossibleDependency, TaskTimeout } from "skein/SkeinError"
import type * as Errors from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { describe, expect, it } from "tstyche"

class Empty extends Schema.TaggedError<Empty>()("Empty", { line: Schema.Int }) {}
class Other extends Schema.TaggedError<Other>()("Other", {}) {}
class Plain extends Error {
  readonly code = 1
}
class User extends Schema.Class<User>("User")({ name: Schema.String, born: Schema.DateFromString }) {}
class Db extends Context.Service<Db, { readonly find: (id: number) => Effect.Effect<string> }>()("Db") {}

interface LoadError {
  readonly _tag: "LoadError"
}

declare const text: Task.Task<string, LoadError, Db>
declare const line: Future<number, Other>

const Tokenize = Portable.make("Tokenize", {
  payload: { text: Schema.String, line: Schema.Int, at: Schema.optionalKey(Schema.Date) },
  success: Schema.Array(Schema.String),
  error: Empty
})
const Ping = Portable.make("Ping")
const Greet = Portable.make("Greet", { payload: User, success: User })

describe("make", () => {
  it("makes tasks with the types of its schemas, which require a handler of their name", () => {
    const words = Tokenize({ text: "a b", line: 1 })
    expect(words).type.toBe<Task.Task<ReadonlyArray<string>, Empty, Portable.Handler<"Tokenize">>>()
    expect(Tokenize({ text: "a b", line: 1, at: new Date(0) }, { timeout: "1 second" })).type.toBe<
      Task.Task<ReadonlyArray<string>, Empty | TaskTimeout, Portable.Handler<"Tokenize">>
    >()
    expect(Ping()).type.toBe<Task.Task<void, never, Portable.Handler<"Ping">>>()
    expect(Ping(undefined, { timeout: "1 second" })).type.toBe<
      Task.Task<void, TaskTimeout, Portable.Handler<"Ping">>
    >()
    expect(Greet(new User({ name: "a", born: new Date(0) }))).type.toBe<
      Task.Task<User, never, Portable.Handler<"Greet">>
    >()
    expect(Tokenize.name).type.toBe<"Tokenize">()
  })

  it("takes tasks and futures in any places of its payload, with their errors and requirements", () => {
    expect(Tokenize({ text, line })).type.toBe<
      Task.Task<
        ReadonlyArray<string>,
        Empty | DependencyFailed<LoadError | Other>,
        Portable.Handler<"Tokenize"> | Db
      >
    >()
    declareTask<{ readonly text: string; readonly line: number }>((whole) =>
      expect(whole.pipe(Tokenize)).type.toBe<
        Task.Task<ReadonlyArray<string>, Empty | DependencyFailed<LoadError>, Portable.Handler<"Tokenize">>
      >()
    )
    expect(Tokenize({ text: "", line: 1 }).pipe(Task.withOptions({ timeout: 1 }))).type.toBe<
      Task.Task<ReadonlyArray<string>, Empty | TaskTimeout, Portable.Handler<"Tokenize">>
    >()
  })

  it("refuses a payload that does not fit, options that do not exist and schemas with services", () => {
    expect(Tokenize).type.not.toBeCallableWith({ text: 1, line: 1 })
    expect(Tokenize).type.not.toBeCallableWith({ text: "a" })
    expect(Tokenize).type.not.toBeCallableWith({ text: line, line: 1 })
    expect(Tokenize).type.not.toBeCallableWith()
    expect(Tokenize).type.not.toBeCallableWith({ text: "a", line: 1 }, { retry: { while: (n: number) => n > 1 } })
    declareSchema((schema) => expect(Portable.make).type.not.toBeCallableWith("A", { success: schema }))
  })

  it("maps signals that its error schema has", () => {
    declareError<Errors.TaskUnmet>((error) =>
      expect(Portable.make("A", { error })()).type.toBe<
        Task.Task<void, ImpossibleDependency, Portable.Handler<"A">>
      >()
    )
  })
})

declare const declareTask: <A>(f: (task: Task.Task<A, LoadError>) => void) => void
declare const declareSchema: (f: (schema: Schema.Codec<string, string, Db, Db>) => void) => void
declare const declareError: <A>(f: (error: Schema.Codec<A>) => void) => void

describe("toLayer", () => {
  it("takes a value, an effect or a generator function, and needs what they need", () => {
    expect(Tokenize.toLayer(({ text }) => text.split(" "))).type.toBe<Layer.Layer<Portable.Handler<"Tokenize">>>()
    expect(Tokenize.toLayer(({ line, text }) => text === "" ? new Empty({ line }) : Effect.succeed([text]))).type.toBe<
      Layer.Layer<Portable.Handler<"Tokenize">>
    >()
    expect(Tokenize.toLayer(({ line }) => Effect.flatMap(Db, (db) => Effect.map(db.find(line), (found) => [found]))))
      .type.toBe<Layer.Layer<Portable.Handler<"Tokenize">, never, Db>>()
    expect(
      Tokenize.toLayer(function*({ line }) {
        if (line < 0) return yield* new Empty({ line })
        const db = yield* Db
        const { id } = yield* Worker.current
        return [id, yield* db.find(line)]
      })
    ).type.toBe<Layer.Layer<Portable.Handler<"Tokenize">, never, Db>>()
    expect(Ping.toLayer(() => Client.compute(Ping()).pipe(Effect.orDie))).type.toBe<
      Layer.Layer<Portable.Handler<"Ping">>
    >()
    expect(Tokenize.toLayer(() => Effect.as(Effect.addFinalizer(() => Effect.void), []))).type.toBe<
      Layer.Layer<Portable.Handler<"Tokenize">>
    >()
    expect(Tokenize.toLayer(() => Worker.reschedule)).type.toBe<Layer.Layer<Portable.Handler<"Tokenize">>>()
  })

  it("takes an effect that makes the function, with its errors and requirements", () => {
    declareEffect((make) =>
      expect(Tokenize.toLayer(make)).type.toBe<Layer.Layer<Portable.Handler<"Tokenize">, LoadError, Db>>()
    )
    expect(
      Tokenize.toLayer(Effect.gen(function*() {
        const db = yield* Db
        return ({ line }) => Effect.map(db.find(line), (found) => [found])
      }))
    ).type.toBe<Layer.Layer<Portable.Handler<"Tokenize">, never, Db>>()
  })

  it("refuses a handler with another result, or with another error", () => {
    expect(Tokenize.toLayer).type.not.toBeCallableWith(() => 1)
    expect(Tokenize.toLayer).type.not.toBeCallableWith(() => Effect.succeed(1))
    expect(Tokenize.toLayer).type.not.toBeCallableWith(() => Effect.fail(new Other()))
    expect(Tokenize.toLayer).type.not.toBeCallableWith(() => Promise.resolve(["a"]))
    expect(Tokenize.toLayer).type.not.toBeCallableWith((payload: { readonly id: number }) => [String(payload.id)])
  })

  it("is what a program with its tasks cannot do without", () => {
    const program = Client.compute(Tokenize({ text: "", line: 1 })).pipe(Effect.provide(Skein.layer()))
    expect<ServicesOf<typeof program>>().type.toBe<Portable.Handler<"Tokenize">>()
    const other = Effect.provide(program, Ping.toLayer(() => {}))
    expect<ServicesOf<typeof other>>().type.toBe<Portable.Handler<"Tokenize">>()
    const whole = Effect.provide(program, Tokenize.toLayer(() => []))
    expect<ServicesOf<typeof whole>>().type.toBe<never>()
  })
})

declare const declareEffect: (
  f: (
    make: Effect.Effect<
      (payload: typeof Tokenize.payload.Type) => Effect.Effect<ReadonlyArray<string>, Empty>,
      LoadError,
      Db | Scope.Scope
    >
  ) => void
) => void

type ServicesOf<P> = P extends Effect.Effect<any, any, infer R> ? R : "no effect"

declare class Counter {
  next(): number
}

interface Tree {
  readonly value: number
  readonly children: ReadonlyArray<Tree>
}

interface Work {
  readonly add: (a: number, b: number) => number
  readonly greet: (name: string, times?: number) => string
  readonly sum: (numbers: ReadonlyArray<number>) => Promise<number>
  readonly all: (...numbers: ReadonlyArray<number>) => number
  readonly primes: (from: number) => Effect.Effect<number, Empty>
  readonly steps: (from: number) => Generator<Effect.Effect<number, Empty, Worker.Worker>, string, never>
  readonly nested: (from: number) => Effect.Effect<number, DependencyFailed<Empty> | Errors.SubmitError, Client.Client>
  readonly named: () => Effect.Effect<number, never, Portable.Handler<"Tokenize"> | Client.Client>
  readonly data: (
    at: Float64Array,
    rows: Map<string, Date>
  ) => { readonly rows: ReadonlySet<number>; readonly tree: Tree }
  readonly fails: () => Effect.Effect<void, LoadError>
  readonly untyped: (a: any) => any
  readonly closure: (n: number) => () => number
  readonly callback: (f: () => void) => number
  readonly instance: () => Counter
  readonly deep: () => { readonly list: ReadonlyArray<{ readonly run: () => void }> }
  readonly unlisted: () => Effect.Effect<number, Other>
  readonly plain: () => Effect.Effect<number, Plain>
  readonly rooted: () => Effect.Effect<number, DependencyFailed<Other>, Client.Client>
  readonly needs: () => Effect.Effect<number, never, Db>
  readonly limit: number
}

declare const url: URL
const { tasks } = Portable.module<Work>()(url, { errors: [Empty] })

describe("module", () => {
  it("makes a task of each function, with its types", () => {
    expect(tasks.add(1, 2)).type.toBe<Task.Task<number>>()
    expect(tasks.greet("a")).type.toBe<Task.Task<string>>()
    expect(tasks.sum([1, tasks.add(1, 2)])).type.toBe<Task.Task<number>>()
    expect(tasks.all(1, 2, tasks.add(1, 2))).type.toBe<Task.Task<number>>()
    expect(tasks.primes(1)).type.toBe<Task.Task<number, Empty>>()
    expect(tasks.steps(1)).type.toBe<Task.Task<string, Empty>>()
    expect(tasks.nested(1)).type.toBe<Task.Task<number, DependencyFailed<Empty> | Errors.SubmitError>>()
    expect(tasks.named()).type.toBe<Task.Task<number, never, Portable.Handler<"Tokenize">>>()
    expect(tasks.data(new Float64Array(1), new Map())).type.toBe<
      Task.Task<{ readonly rows: ReadonlySet<number>; readonly tree: Tree }>
    >()
    expect(tasks.fails()).type.toBe<Task.Task<void, LoadError>>()
    expect(tasks.untyped(1)).type.toBe<Task.Task<any>>()
    expect<"limit" extends keyof typeof tasks ? true : false>().type.toBe<false>()
  })

  it("takes tasks and futures as arguments, with their errors and requirements", () => {
    expect(tasks.greet(text, line)).type.toBe<Task.Task<string, DependencyFailed<LoadError | Other>, Db>>()
    expect(tasks.sum([tasks.primes(1)])).type.toBe<Task.Task<number, DependencyFailed<Empty>>>()
    expect(tasks.primes(1).pipe(tasks.primes)).type.toBe<Task.Task<number, Empty | DependencyFailed<Empty>>>()
  })

  it("refuses wrong arguments", () => {
    expect(tasks.add).type.not.toBeCallableWith("1", 2)
    expect(tasks.add).type.not.toBeCallableWith(1)
    expect(tasks.add).type.not.toBeCallableWith(1, text)
  })

  it("says in words what cannot travel", () => {
    type Why<F> = F extends { readonly "this function cannot travel": infer W } ? W : "it travels"
    type Result = "Its result is no plain data. Use Portable.make with a schema."
    type Error = "It fails with an instance of a class. List the class in errors, as a Schema.TaggedError."
    expect<Why<typeof tasks.callback>>().type.toBe<"An argument is no plain data. Use Portable.make with a schema.">()
    expect<Why<typeof tasks.closure>>().type.toBe<Result>()
    expect<Why<typeof tasks.instance>>().type.toBe<Result>()
    expect<Why<typeof tasks.deep>>().type.toBe<Result>()
    expect<Why<typeof tasks.unlisted>>().type.toBe<Error>()
    expect<Why<typeof tasks.plain>>().type.toBe<Error>()
    expect<Why<typeof tasks.rooted>>().type.toBe<Error>()
    expect<Why<typeof tasks.needs>>().type.toBe<
      "It needs services. Provide them in its module, or use Portable.make and toLayer."
    >()
    expect<Why<typeof tasks.primes>>().type.toBe<"it travels">()
  })

  it("takes classes with a schema as errors, and no others", () => {
    expect(Portable.module<Work>()).type.not.toBeCallableWith(url, { errors: [Plain] })
    expect(Portable.module<Work>()).type.not.toBeCallableWith("work.ts")
    const both = Portable.module<Work>()(url, { errors: [Empty, Other] })
    expect(both.tasks.unlisted()).type.toBe<Task.Task<number, Other>>()
  })
})

describe("the rest", () => {
  it("names what a list of tasks and modules needs", () => {
    const list = [Tokenize, Ping, Portable.module<Work>()(url)] as const
    expect(list).type.toBeAssignableTo<ReadonlyArray<Portable.Any>>()
    expect<Portable.Handlers<(typeof list)[number]>>().type.toBe<
      Portable.Handler<"Tokenize"> | Portable.Handler<"Ping">
    >()
  })

  it("gives buffers away as what they are", () => {
    expect(Portable.move(new Float64Array(1))).type.toBe<Float64Array<ArrayBuffer>>()
    expect(Portable.move).type.not.toBeCallableWith("text")
  })
})
