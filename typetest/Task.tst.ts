import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { pipe } from "effect/Function"
import * as Option from "effect/Option"
import type * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Client } from "skein/Client"
import type * as Future from "skein/Future"
import type {
  DependenciesLost,
  DependencyFailed,
  DependencyTimeout,
  ImpossibleDependency,
  NoSuitableWorker,
  SkeinError,
  SubmitError,
  TaskRescheduled,
  TaskTimeout,
  TaskUnmet
} from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import * as Worker from "skein/Worker"
import { describe, expect, it } from "tstyche"

interface LoadError {
  readonly _tag: "LoadError"
}
interface BadRow {
  readonly _tag: "BadRow"
}
interface Db {
  readonly db: true
}
interface Log {
  readonly log: true
}

declare const load: Effect.Effect<string, LoadError, Db>
declare const check: (text: string) => Effect.Effect<ReadonlyArray<string>, BadRow, Log>
declare const infallible: Effect.Effect<number>

declare const raw: Task.Task<string, LoadError, Db>
declare const rows: Task.Task<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError>, Db | Log>
declare const future: Future.Future<number, BadRow>
declare const plain: Task.Task<number>

describe("make", () => {
  it("has the body's error and requirement", () => {
    expect(Task.make(load)).type.toBe<Task.Task<string, LoadError, Db>>()
    expect(Task.make(load, { key: "k", label: "l", priority: 1 })).type.toBe<Task.Task<string, LoadError, Db>>()
    expect(Task.make(infallible)).type.toBe<Task.Task<number>>()
    expect(Task.succeed(1)).type.toBe<Task.Task<number>>()
  })

  it("gives the body its inputs' values, and takes DependencyFailed of their errors", () => {
    expect(Task.make({ raw }, ({ raw }) => check(raw))).type.toBe<
      Task.Task<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError>, Log | Db>
    >()
    expect(Task.make(raw, check)).type.toBe<
      Task.Task<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError>, Log | Db>
    >()
    expect(Task.make({ plain }, () => infallible)).type.toBe<Task.Task<number>>()
  })

  it("names only root errors, however long the way", () => {
    expect(Task.make({ rows }, () => load)).type.toBe<
      Task.Task<string, LoadError | DependencyFailed<LoadError | BadRow>, Db | Log>
    >()
  })

  it("a shielded section has what its effect has, and needs a body around it", () => {
    const section = Worker.shielded({} as Effect.Effect<number, BadRow, Db>)
    expect(section).type.toBe<Effect.Effect<number, BadRow, Db | Worker.Worker>>()
    expect(Task.make(section, { grace: "1 minute" })).type.toBe<Task.Task<number, BadRow, Db>>()
  })

  it("takes Scope and Worker out of the requirements", () => {
    const scoped = {} as Effect.Effect<number, never, Scope.Scope | Worker.Worker | Db | Client>
    expect(Task.make(scoped)).type.toBe<Task.Task<number, never, Db | Client>>()
    expect(Task.make({ raw }, () => scoped)).type.toBe<Task.Task<number, DependencyFailed<LoadError>, Db | Client>>()
  })

  it("refuses an edge of the wrong type", () => {
    expect(Task.make).type.not.toBeCallableWith({ n: plain }, (_: { n: string }) => infallible)
    expect(Task.map).type.not.toBeCallableWith([raw], (_: [number]) => 1)
    expect(Task.flatMap).type.not.toBeCallableWith(plain, (_: string) => plain)
    expect(Task.flatMap).type.not.toBeCallableWith(plain, () => 1)
    expect(Task.make).type.not.toBeCallableWith(plain, () => 1)
    expect(Task.make).type.not.toBeCallableWith(infallible, { nonsense: 1 as never, key: 2 })
  })
})

describe("inputs", () => {
  it("are found in tuples, arrays, records and any nesting of them", () => {
    expect(Task.map([rows, raw, 3], (values) => values)).type.toBe<
      Task.Task<[ReadonlyArray<string>, string, 3], DependencyFailed<LoadError | BadRow>, Db | Log>
    >()
    const many = [1, 2].map(() => raw)
    expect(Task.map(many, (values) => values)).type.toBe<Task.Task<Array<string>, DependencyFailed<LoadError>, Db>>()
    expect(Task.map({ list: [{ t: raw }, future] }, ({ list }) => list)).type.toBe<
      Task.Task<[{ t: string }, number], DependencyFailed<LoadError | BadRow>, Db>
    >()
    expect(Task.map({ a: [many], b: { c: { d: rows } } }, (values) => values)).type.toBe<
      Task.Task<
        { a: [Array<string>]; b: { c: { d: ReadonlyArray<string> } } },
        DependencyFailed<LoadError | BadRow>,
        Db | Log
      >
    >()
  })

  it("may be Futures, which need nothing", () => {
    expect(Task.map({ future }, ({ future }) => future)).type.toBe<Task.Task<number, DependencyFailed<BadRow>>>()
    expect(Task.map(future, (n) => n + 1)).type.toBe<Task.Task<number, DependencyFailed<BadRow>>>()
  })

  it("may be optional, and unions", () => {
    const maybe = {} as { readonly t?: Task.Task<string, LoadError, Db> }
    expect(Task.map(maybe, ({ t }) => t)).type.toBe<Task.Task<string | undefined, DependencyFailed<LoadError>, Db>>()
    const either = {} as { readonly t: Task.Task<string, LoadError, Db> | Future.Future<number, BadRow> | boolean }
    expect(Task.map(either, ({ t }) => t)).type.toBe<
      Task.Task<string | number | boolean, DependencyFailed<LoadError | BadRow>, Db>
    >()
  })

  it("may be typed by an interface or a class", () => {
    interface Deps {
      readonly raw: Task.Task<string, LoadError, Db>
      readonly n: number
    }
    expect(Task.map({} as Deps, ({ n, raw }) => [raw, n] as const)).type.toBe<
      Task.Task<readonly [string, number], DependencyFailed<LoadError>, Db>
    >()
  })

  it("may be generic", () => {
    const lift = <I>(inputs: I) => Task.map(inputs, (values) => ({ values }))
    expect(lift({ t: raw })).type.toBe<Task.Task<{ values: { t: string } }, DependencyFailed<LoadError>, Db>>()
    const both = <A, E, R>(task: Task.Task<A, E, R>) => Task.map({ task }, ({ task }) => task)
    expect(both(raw)).type.toBe<Task.Task<string, DependencyFailed<LoadError>, Db>>()
    const over = <T extends Record<string, Task.Task<number, any, any>>>(tasks: T) => Task.all(tasks)
    expect(over({ plain })).type.toBe<Task.Task<{ plain: number }>>()
  })

  it("leave plain data, any, functions, dates, effects that are meant, Map, Set and Option as they are", () => {
    const data = {
      raw,
      x: {} as any,
      date: new Date(),
      f: (n: number) => n,
      effect: Task.value(load),
      map: new Map<string, number>(),
      option: Option.some(1)
    }
    type Data = typeof data
    expect(Task.map(data, (values) => values)).type.toBe<
      Task.Task<{ [K in keyof Data]: K extends "raw" ? string : Data[K] }, DependencyFailed<LoadError>, Db>
    >()
    const hidden = { plain, option: Option.some(raw) }
    expect(Task.map(hidden, ({ option }) => option)).type.toBe<Task.Task<Option.Option<typeof raw>>>()
  })

  it("may lie in types that contain themselves", () => {
    interface Tree {
      readonly task: Task.Task<number, LoadError, Db>
      readonly children: ReadonlyArray<Tree>
    }
    expect(Task.map({} as Tree, ({ task }) => task)).type.toBe<Task.Task<number, DependencyFailed<LoadError>, Db>>()
    interface Json {
      readonly [key: string]: Json | string
    }
    const json: Json = {}
    expect(Task.map({ json, future }, ({ json }) => json)).type.toBe<
      Task.Task<Json, DependencyFailed<BadRow>>
    >()
  })

  it("are found five levels down", () => {
    const five = { a: { b: { c: { d: { e: raw } } } } }
    expect(Task.map(five, (v) => v.a.b.c.d.e)).type.toBe<Task.Task<string, DependencyFailed<LoadError>, Db>>()
  })
})

describe("all, map, flatMap, exit", () => {
  it("all keeps the shape", () => {
    expect(Task.all({ raw, rows, n: 1 })).type.toBe<
      Task.Task<{ raw: string; rows: ReadonlyArray<string>; n: 1 }, DependencyFailed<LoadError | BadRow>, Db | Log>
    >()
    expect(Task.all([])).type.toBe<Task.Task<readonly []>>()
  })

  it("barrier has no value, and the failures of all before it", () => {
    expect(Task.barrier([raw, rows])).type.toBe<Task.Task<void, DependencyFailed<LoadError | BadRow>, Db | Log>>()
    expect(Task.barrier(Task.succeed(1), { timeout: "1 second" })).type.toBe<Task.Task<void, TaskTimeout>>()
  })

  it("flatMap has the inner task's own error, and SubmitError", () => {
    expect(Task.flatMap({ raw }, () => rows)).type.toBe<
      Task.Task<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError> | SubmitError, Db | Log>
    >()
    expect(Task.flatMap(1, () => raw)).type.toBe<Task.Task<string, LoadError | SubmitError, Db>>()
    expect(Task.flatMap(future, () => raw)).type.toBe<
      Task.Task<string, LoadError | SubmitError | DependencyFailed<BadRow>, Db>
    >()
  })

  it("exit stops failures and adds those of the runtime to the value", () => {
    expect(Task.exit(rows)).type.toBe<
      Task.Task<
        Exit.Exit<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError> | SkeinError>,
        never,
        Db | Log
      >
    >()
    expect(Task.exit(future)).type.toBe<Task.Task<Exit.Exit<number, BadRow | SkeinError>>>()
    expect(Task.map(Task.exit(rows), () => 1)).type.toBe<Task.Task<number, never, Db | Log>>()
    expect(Task.exit).type.not.toBeCallableWith({ rows })
  })
})

describe("options", () => {
  it("W5, W17: resources are numbers by name, and tags are names", () => {
    expect(Task.make(infallible, { resources: { gpu: 1 }, keepResources: true, tags: ["db"] })).type.toBe<
      Task.Task<number, NoSuitableWorker>
    >()
    expect(Task.make(infallible, { tags: ["db"] })).type.toBe<Task.Task<number>>()
    expect(Task.make).type.not.toBeCallableWith(infallible, { resources: { gpu: "1" } })
    expect(Task.make).type.not.toBeCallableWith(infallible, { tags: "db" })
  })

  it("add their errors", () => {
    expect(Task.make(infallible, { timeout: "1 second" })).type.toBe<Task.Task<number, TaskTimeout>>()
    expect(Task.make(infallible, { deadline: 5 })).type.toBe<Task.Task<number, TaskTimeout>>()
    expect(Task.make(infallible, { dependencyTimeout: 5 })).type.toBe<Task.Task<number, DependencyTimeout>>()
    expect(Task.map({ raw }, () => 1, { timeout: 5, dependencyTimeout: 5 })).type.toBe<
      Task.Task<number, DependencyFailed<LoadError> | TaskTimeout | DependencyTimeout, Db>
    >()
    expect(Task.flatMap(1, () => plain, { deadline: 5 })).type.toBe<Task.Task<number, SubmitError | TaskTimeout>>()
    expect(Task.all([plain], { deadline: 5 })).type.toBe<Task.Task<[number], TaskTimeout>>()
  })

  it("add their errors also when they may be absent, and none when they are", () => {
    expect(Task.make(infallible, {} as { timeout?: Duration.Input })).type.toBe<Task.Task<number, TaskTimeout>>()
    expect(Task.make(infallible, { timeout: undefined })).type.toBe<Task.Task<number>>()
    expect(Task.make(infallible, {} as { after?: typeof raw })).type.toBe<
      Task.Task<number, DependencyFailed<LoadError>, Db>
    >()
    expect(Task.make(infallible, {} as { retry?: Schedule.Schedule<number, unknown, BadRow, Log> })).type.toBe<
      Task.Task<number, BadRow, Log>
    >()
    expect(Task.make(infallible, { after: undefined, retry: undefined })).type.toBe<Task.Task<number>>()
  })

  it("after adds failures and requirements of what it waits for", () => {
    expect(Task.make(infallible, { after: raw })).type.toBe<Task.Task<number, DependencyFailed<LoadError>, Db>>()
    expect(Task.make(infallible, { after: [rows, future] })).type.toBe<
      Task.Task<number, DependencyFailed<LoadError | BadRow>, Db | Log>
    >()
    expect(Task.make(infallible, { after: plain })).type.toBe<Task.Task<number>>()
    expect(Task.make({ future }, () => infallible, { after: raw })).type.toBe<
      Task.Task<number, DependencyFailed<BadRow> | DependencyFailed<LoadError>, Db>
    >()
  })

  it("retry adds the schedule's own error and requirement", () => {
    const schedule = {} as Schedule.Schedule<number, LoadError, BadRow, Log>
    expect(Task.make(load, { retry: schedule })).type.toBe<Task.Task<string, LoadError | BadRow, Db | Log>>()
    const simple = {} as Schedule.Schedule<number>
    expect(Task.make(load, { retry: simple })).type.toBe<Task.Task<string, LoadError, Db>>()
  })

  it("withOptions adds to what is there, data first and last", () => {
    expect(Task.withOptions(rows, { timeout: 5 })).type.toBe<
      Task.Task<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError> | TaskTimeout, Db | Log>
    >()
    expect(plain.pipe(Task.withOptions({ after: raw, key: "k" }))).type.toBe<
      Task.Task<number, DependencyFailed<LoadError>, Db>
    >()
  })
})

describe("refusals", () => {
  const wide = {} as Task.Options
  type Wide = TaskTimeout | DependencyTimeout | NoSuitableWorker | ImpossibleDependency

  it("G18: options of the wide type add the errors of all options, and no any", () => {
    expect(Task.make(load, wide)).type.toBe<Task.Task<string, LoadError | Wide, Db>>()
    expect(Task.make({ raw }, () => load, wide)).type.toBe<
      Task.Task<string, LoadError | DependencyFailed<LoadError> | Wide, Db>
    >()
    expect(Task.map(plain, (n) => n, wide)).type.toBe<Task.Task<number, Wide>>()
    expect(Task.sync(() => 1, wide)).type.toBe<Task.Task<number, Wide>>()
    expect(Task.all([plain], wide)).type.toBe<Task.Task<[number], Wide>>()
    expect(Task.flatMap(plain, () => plain, wide)).type.toBe<Task.Task<number, Wide | SubmitError>>()
    expect(Task.resource(load, wide)).type.toBe<Task.Task<string, LoadError | Wide, Db>>()
    expect(Task.barrier(plain, wide)).type.toBe<Task.Task<void, Wide>>()
    expect(Task.withOptions(plain, wide)).type.toBe<Task.Task<number, Wide>>()
    expect(Task.fn((n: number) => n, wide)(1)).type.toBe<Task.Task<number, Wide>>()
    expect(TaskGraph.add(TaskGraph.empty, "x", [], () => load, wide).tasks.x).type.toBe<
      Task.Task<string, LoadError | Wide, Db>
    >()
    const named = {} as Task.Options<BadRow, Log>
    expect(Task.make(infallible, named)).type.toBe<Task.Task<number, BadRow | DependencyFailed<BadRow> | Wide, Log>>()
  })

  it("F5: the schedule of retry takes what the body fails with, and a timeout", () => {
    const ofOther = {} as Schedule.Schedule<number, BadRow>
    const ofLoad = {} as Schedule.Schedule<number, LoadError>
    const ofBoth = {} as Schedule.Schedule<number, LoadError | TaskTimeout>
    expect(Task.make).type.not.toBeCallableWith(load, { retry: ofOther })
    expect(Task.make).type.toBeCallableWith(load, { retry: ofLoad })
    expect(Task.make).type.not.toBeCallableWith(load, { timeout: 5, retry: ofLoad })
    expect(Task.make).type.toBeCallableWith(load, { timeout: 5, retry: ofBoth })
    expect(Task.make).type.not.toBeCallableWith(plain, () => load, { retry: ofOther })
    expect(Task.map).type.not.toBeCallableWith(1, () => 1, { timeout: 5, retry: ofLoad })
    expect(Task.withOptions).type.not.toBeCallableWith(raw, { retry: ofOther })
    expect(Task.withOptions({ retry: ofOther })).type.not.toBeCallableWith(raw)
    expect(Task.withOptions({ retry: ofLoad })(raw)).type.toBe<typeof raw>()
    const any = <E>(body: Effect.Effect<number, E>) => Task.make(body, { retry: {} as Schedule.Schedule<number> })
    expect(any(infallible)).type.toBe<Task.Task<number>>()
  })

  it("F5: retry takes options as those of Effect.retry, whose effects add errors and services", () => {
    expect(Task.make(load, { retry: { times: 3 } })).type.toBe<Task.Task<string, LoadError, Db>>()
    expect(Task.make(load, {
      retry: {
        while: (error) => {
          expect(error).type.toBe<LoadError>()
          return true
        }
      }
    })).type.toBe<Task.Task<string, LoadError, Db>>()
    expect(Task.make(load, { retry: { until: ({ _tag }: LoadError) => check(_tag).pipe(Effect.as(true)) } })).type.toBe<
      Task.Task<string, LoadError | BadRow, Db | Log>
    >()
    expect(Task.make(load, { retry: { while: () => Effect.as(check("x"), true), times: 1 } })).type.toBe<
      Task.Task<string, LoadError | BadRow, Db | Log>
    >()
    expect(Task.make(load, { retry: { schedule: {} as Schedule.Schedule<number, LoadError, BadRow, Log> } })).type.toBe<
      Task.Task<string, LoadError | BadRow, Db | Log>
    >()
    expect(plain.pipe(Task.withOptions({ retry: { times: 3, while: () => Effect.as(check("x"), true) } }))).type.toBe<
      Task.Task<number, BadRow, Log>
    >()
    expect(Task.fn("load", { retry: { times: 3 } })).type.toBeCallableWith(() => load)
  })

  it("F5: options of retry take what the body fails with, and a timeout", () => {
    const ofOther = (error: BadRow) => error._tag === "BadRow"
    const ofLoad = (error: LoadError) => error._tag === "LoadError"
    const ofBoth = (error: LoadError | TaskTimeout) => error._tag === "LoadError"
    expect(Task.make).type.not.toBeCallableWith(load, { retry: { while: ofOther } })
    expect(Task.make).type.not.toBeCallableWith(load, { retry: { until: ofOther } })
    expect(Task.make).type.not.toBeCallableWith(load, { retry: { schedule: {} as Schedule.Schedule<number, BadRow> } })
    expect(Task.make).type.toBeCallableWith(load, { retry: { while: ofLoad } })
    expect(Task.make).type.not.toBeCallableWith(load, { timeout: 5, retry: { while: ofLoad } })
    expect(Task.make).type.toBeCallableWith(load, { timeout: 5, retry: { while: ofBoth, until: ofBoth } })
    expect(Task.withOptions).type.not.toBeCallableWith(raw, { retry: { while: ofOther } })
    expect(Task.withOptions({ retry: { while: ofOther } })).type.not.toBeCallableWith(raw)
    expect(Task.withOptions({ retry: { while: ofLoad } })(raw)).type.toBe<typeof raw>()
    expect(Task.fn("load", { retry: { while: ofOther } })).type.not.toBeCallableWith(() => load)
    expect(Task.make).type.not.toBeCallableWith(load, { retry: { time: 3 } })
  })

  it("F1: work is no result, unless it is meant", () => {
    const late = async () => 1
    expect(Task.map).type.not.toBeCallableWith(1, late)
    expect(Task.map).type.not.toBeCallableWith(1, () => load)
    expect(Task.map).type.not.toBeCallableWith(1, () => plain)
    expect(Task.map).type.not.toBeCallableWith(1, () => future)
    expect(Task.map).type.not.toBeCallableWith(1, () => null! as number | Promise<number>)
    expect(Task.sync).type.not.toBeCallableWith(late)
    expect(Task.fn).type.not.toBeCallableWith(late)
    expect(Task.fn).type.not.toBeCallableWith(() => plain)
    const steps = function*(n: number) {
      return yield* Effect.succeed(n)
    }
    expect(Task.map).type.not.toBeCallableWith(1, steps)
    expect(Task.map).type.not.toBeCallableWith(1, async function*() {})
    expect(Task.sync).type.not.toBeCallableWith(() => steps(1))
    expect(Task.fn).type.not.toBeCallableWith(async function*() {})
    expect(Task.make).type.not.toBeCallableWith(1, async function*() {})
    expect(Task.make).type.not.toBeCallableWith(1, function*() {
      yield 1
    })
    expect(Task.make).type.not.toBeCallableWith(Effect.sync(() => steps(1)))
    expect(Task.make(1, Effect.fn("steps")(steps))).type.toBe<Task.Task<number>>()
    expect(Task.sync(() => [1].values())).type.toBe<Task.Task<ArrayIterator<number>>>()
    const unawaited: Effect.Effect<Promise<number>> = null!
    // @effect-diagnostics-next-line promiseInEffectSuccess:off
    expect(Task.make).type.not.toBeCallableWith(unawaited)
    expect(Task.make).type.not.toBeCallableWith(1, () => ({}) as Effect.Effect<Future.Future<number>>)
    expect(Task.sync(() => Task.value(load))).type.toBe<Task.Task<Task.Meant<typeof load>>>()
    expect(Task.make({} as Effect.Effect<Exit.Exit<number>>)).type.toBe<Task.Task<Exit.Exit<number>>>()
    expect(Task.map(1, (n) => n > 0 ? { up: n } : { down: "x" })).type.toBe<
      Task.Task<{ up: 1; down?: never } | { down: string; up?: never }>
    >()
    const generic = <A, E, R>(task: Task.Task<A, E, R>, body: Effect.Effect<A, E, R>) =>
      [Task.make(body), Task.sync(() => ({}) as A), Task.make([], () => body)] as const
    expect(generic(raw, load)).type.toBe<
      readonly [typeof raw, Task.Task<string>, typeof raw]
    >()
  })

  it("G2: an Effect is no input, unless it is meant", () => {
    expect(Task.all).type.not.toBeCallableWith([load])
    expect(Task.map).type.not.toBeCallableWith({ load }, () => 1)
    expect(Task.make).type.not.toBeCallableWith([load], () => load)
    expect(Task.map({ load: Task.value(load) }, () => 1)).type.toBe<Task.Task<number>>()
  })
})

describe("fn", () => {
  const add = Task.fn((a: number, b: number) => a + b)

  it("takes tasks, futures and values where the function takes values", () => {
    expect(add(1, 2)).type.toBe<Task.Task<number>>()
    expect(add(plain, 2)).type.toBe<Task.Task<number>>()
    expect(add(plain, future)).type.toBe<Task.Task<number, DependencyFailed<BadRow>>>()
    expect(add(add(1, future), future)).type.toBe<Task.Task<number, DependencyFailed<BadRow>>>()
    const length = Task.fn((text: { readonly of: ReadonlyArray<string> }) => text.of.length)
    expect(length({ of: [raw, "b"] })).type.toBe<Task.Task<number, DependencyFailed<LoadError>, Db>>()
    expect(length({ of: rows })).type.toBe<Task.Task<number, DependencyFailed<LoadError | BadRow>, Db | Log>>()
  })

  it("refuses arguments of the wrong type or number", () => {
    expect(add).type.not.toBeCallableWith(raw, 1)
    expect(add).type.not.toBeCallableWith("1", 1)
    expect(add).type.not.toBeCallableWith(1)
    expect(add).type.not.toBeCallableWith(1, 2, 3)
  })

  it("has the errors of an effect that the function returns, and of its options", () => {
    const parse = Task.fn(check, { timeout: "1 second", pure: true })
    expect(parse(raw)).type.toBe<
      Task.Task<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError> | TaskTimeout, Log | Db>
    >()
  })

  it("takes a function of which nothing is known for a plain one, and one that throws for one without a value", () => {
    const parse = (text: string) => JSON.parse(text)
    const fails = (_: string): never => {
      throw new Error("no")
    }
    expect(Task.fn(parse)(raw)).type.toBe<Task.Task<any, DependencyFailed<LoadError>, Db>>()
    expect(Task.fn(fails)("x")).type.toBe<Task.Task<never>>()
    expect(Task.fn(fails, { timeout: 5 })("x")).type.toBe<Task.Task<never, TaskTimeout>>()
    expect(Task.fn(parse, { tuple: 2 })("x")).type.toBe<ReadonlyArray<Task.Task<any>>>()
    expect(TaskGraph.call(parse, raw)).type.toBe<Task.Task<any, DependencyFailed<LoadError>, Db>>()
    expect(TaskGraph.call(fails, "x")).type.toBe<Task.Task<never>>()
  })

  it("splits a tuple with tuple", () => {
    const halves = Task.fn((n: number) => [n, String(n)] as const, { tuple: 2 })
    expect(halves(plain)).type.toBe<readonly [Task.Task<number>, Task.Task<string>]>()
    expect(halves(future)).type.toBe<
      readonly [Task.Task<number, DependencyFailed<BadRow>>, Task.Task<string, DependencyFailed<BadRow>>]
    >()
    const failing = Task.fn((_: string) => ({}) as Effect.Effect<[number, string], BadRow, Log>, { tuple: 2 })
    expect(failing(raw)).type.toBe<
      readonly [
        Task.Task<number, DependencyFailed<BadRow | LoadError>, Log | Db>,
        Task.Task<string, DependencyFailed<BadRow | LoadError>, Log | Db>
      ]
    >()
  })
})

describe("run", () => {
  it("adds what can be wrong with a graph and what the runtime can do, and provides the client", () => {
    const needy = {} as Task.Task<string, LoadError, Db | Client>
    expect(Task.run(needy)).type.toBe<Effect.Effect<string, LoadError | SubmitError | SkeinError, Db>>()
    expect(Task.run(plain, { concurrency: 1 })).type.toBe<Effect.Effect<number, SubmitError | SkeinError>>()
    const generic = <A, E, R>(effect: Effect.Effect<A, E, R>) => Task.run(Task.make(effect))
    expect(generic({} as Effect.Effect<number, never, Scope.Scope | Db>)).type.toBe<
      Effect.Effect<number, SubmitError | SkeinError, Db>
    >()
  })
})

describe("pipes", () => {
  it("G20: a task comes through a pipe to map, make, flatMap and resource", () => {
    expect(raw.pipe(Task.map((text) => text.length))).type.toBe<Task.Task<number, DependencyFailed<LoadError>, Db>>()
    expect(plain.pipe(Task.map((n) => n + 1, { timeout: 5 }))).type.toBe<Task.Task<number, TaskTimeout>>()
    expect(raw.pipe(Task.make(check))).type.toBe<
      Task.Task<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError>, Db | Log>
    >()
    expect(raw.pipe(Task.make((text) => check(text), { workers: ["a"] }))).type.toBe<
      Task.Task<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError> | NoSuitableWorker, Db | Log>
    >()
    expect(raw.pipe(Task.flatMap((text) => (expect(text).type.toBe<string>(), rows)))).type.toBe<
      Task.Task<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError> | SubmitError, Db | Log>
    >()
    expect(plain.pipe(Task.resource((n) => (expect(n).type.toBe<number>(), owning)))).type.toBe<
      Task.Task<number, LoadError, Db>
    >()
    expect(raw.pipe(Task.map((text) => text.length), Task.map((n) => n > 1), Task.exit)).type.toBe<
      Task.Task<Exit.Exit<boolean, DependencyFailed<LoadError> | SkeinError>, never, Db>
    >()
  })

  it("G20: a future may come through as well, and needs nothing", () => {
    expect(future.pipe(Task.map((n) => `${n}`))).type.toBe<Task.Task<string, DependencyFailed<BadRow>>>()
    expect(future.pipe(Task.make((n) => check(`${n}`)))).type.toBe<
      Task.Task<ReadonlyArray<string>, BadRow | DependencyFailed<BadRow>, Log>
    >()
    expect(future.pipe(Task.exit)).type.toBe<Task.Task<Exit.Exit<number, BadRow | SkeinError>>>()
    expect(future.pipe(Task.mapError(() => "x"))).type.toBe<Task.Task<number, string>>()
  })

  it("G20: the forms for a pipe stand alone, and refuse what a pipe may not bring", () => {
    const double = Task.map((n: number) => n * 2)
    expect(double(plain)).type.toBe<Task.Task<number>>()
    expect(double).type.not.toBeCallableWith(raw)
    expect(Task.make((_: string) => infallible)).type.not.toBeCallableWith(plain)
    expect(Task.map).type.not.toBeCallableWith(async () => 1)
    expect(Task.map).type.not.toBeCallableWith(() => load)
    expect(Task.make).type.not.toBeCallableWith(() => 1)
    expect(Task.make).type.not.toBeCallableWith(() => plain)
    expect(Task.flatMap).type.not.toBeCallableWith(() => 1)
    expect(Task.make).type.not.toBeCallableWith(() => load, { retry: {} as Schedule.Schedule<number, BadRow> })
  })

  it("G20: exit, all and their kin go point-free", () => {
    expect([rows].map(Task.exit)).type.toBe<
      Array<
        Task.Task<
          Exit.Exit<ReadonlyArray<string>, BadRow | DependencyFailed<LoadError> | SkeinError>,
          never,
          Db | Log
        >
      >
    >()
    expect(raw.pipe(Task.exit)).type.toBe<Task.Task<Exit.Exit<string, LoadError | SkeinError>, never, Db>>()
    expect(pipe([raw, plain] as const, Task.all)).type.toBe<
      Task.Task<[string, number], DependencyFailed<LoadError>, Db>
    >()
    expect(pipe([raw, plain], Task.barrier)).type.toBe<Task.Task<void, DependencyFailed<LoadError>, Db>>()
    expect([raw].map(Task.map((text) => text.length))).type.toBe<
      Array<Task.Task<number, DependencyFailed<LoadError>, Db>>
    >()
    expect([plain].map(Task.asVoid)).type.toBe<Array<Task.Task<void>>>()
    expect([raw].map(Task.result)).type.toBe<
      Array<Task.Task<Result.Result<string, LoadError | SkeinError>, never, Db>>
    >()
    expect([raw].map(Task.option)).type.toBe<Array<Task.Task<Option.Option<string>, never, Db>>>()
  })

  it("G20: generic code sees what comes through", () => {
    const sized = <A, E, R>(task: Task.Task<A, E, R>) => task.pipe(Task.map((value) => [value] as const))
    expect(sized(raw)).type.toBe<Task.Task<readonly [string], DependencyFailed<LoadError>, Db>>()
    const safe = <A, E, R>(task: Task.Task<A, E, R>) => task.pipe(Task.exit)
    expect(safe(raw)).type.toBe<Task.Task<Exit.Exit<string, LoadError | SkeinError>, never, Db>>()
    const body = <A, E, R>(effect: Effect.Effect<A, E, R>) => Task.make(plain, () => effect)
    expect(body(load)).type.toBe<Task.Task<string, LoadError, Db>>()
  })
})

describe("generators", () => {
  it("F1: yield effects, whose errors and requirements a task has", () => {
    expect(Task.make({ raw, plain }, function*({ plain, raw }) {
      expect(plain).type.toBe<number>()
      const rows = yield* check(raw)
      const more = yield* load
      return [rows.length, more] as const
    })).type.toBe<
      Task.Task<readonly [number, string], LoadError | BadRow | DependencyFailed<LoadError>, Log | Db>
    >()
    expect(raw.pipe(Task.make(function*(text) {
      const worker = yield* Worker.current
      return `${text}: ${worker.key}`
    }))).type.toBe<Task.Task<string, DependencyFailed<LoadError>, Db>>()
    expect(Task.make(plain, function*(n) {
      return n
    }, { timeout: 5 })).type.toBe<Task.Task<number, TaskTimeout>>()
  })

  it("F1: Task.fn takes a generator function, and a name before it", () => {
    const parse = Task.fn(function*(text: string) {
      return (yield* check(text)).length
    })
    expect(parse(raw)).type.toBe<Task.Task<number, BadRow | DependencyFailed<LoadError>, Log | Db>>()
    const named = Task.fn("parse", { timeout: "1 second" })(function*(text: string, _: number) {
      return (yield* check(text)).length
    })
    expect(named("x", plain)).type.toBe<Task.Task<number, BadRow | TaskTimeout, Log>>()
    expect(named).type.not.toBeCallableWith(1, 1)
    expect(Task.fn("add")((a: number, b: number) => a + b)(1, plain)).type.toBe<Task.Task<number>>()
    const halves = Task.fn("halves", { tuple: 2 })((n: number) => [n, String(n)] as const)
    expect(halves(plain)).type.toBe<readonly [Task.Task<number>, Task.Task<string>]>()
    const ofOther = {} as Schedule.Schedule<number, BadRow>
    expect(Task.fn("load", { retry: ofOther })).type.not.toBeCallableWith(() => load)
    expect(Task.fn("late")).type.not.toBeCallableWith(async () => 1)
    expect(Task.fn("x")).type.not.toBeCallableWith(() => plain)
  })
})

describe("after a failure", () => {
  it("F19: catch sees the errors of the task and of the runtime, and leaves those of its effect", () => {
    expect(raw.pipe(Task.catch((error) => {
      expect(error).type.toBe<LoadError | SkeinError>()
      return Effect.succeed(1)
    }))).type.toBe<Task.Task<string | number, never, Db>>()
    expect(Task.catch(rows, () => check("x"))).type.toBe<Task.Task<ReadonlyArray<string>, BadRow, Db | Log>>()
    expect(Task.catch).type.not.toBeCallableWith(rows, () => plain)
    expect(Task.catch).type.not.toBeCallableWith(rows, () => 1)
  })

  it("F19: catchTag takes its tags out of the error", () => {
    const both = {} as Task.Task<string, LoadError | BadRow, Db>
    expect(both.pipe(Task.catchTag("BadRow", (error) => {
      expect(error).type.toBe<BadRow>()
      return Effect.succeed(null)
    }))).type.toBe<Task.Task<string | null, LoadError, Db>>()
    expect(Task.catchTag(both, ["BadRow", "LoadError"], () => infallible)).type.toBe<
      Task.Task<string | number, never, Db>
    >()
    expect(Task.catchTag).type.not.toBeCallableWith(both, "Other", () => infallible)
    expect(rows.pipe(Task.catchTag("DependencyFailed", ({ error }) => {
      expect(error).type.toBe<LoadError>()
      return infallible
    }))).type.toBe<Task.Task<ReadonlyArray<string> | number, BadRow, Db | Log>>()
  })

  it("F19: the others", () => {
    expect(raw.pipe(Task.mapError((error) => ({ was: error })))).type.toBe<
      Task.Task<string, { was: LoadError | SkeinError }, Db>
    >()
    expect(raw.pipe(Task.orElseSucceed(() => 1))).type.toBe<Task.Task<string | number, never, Db>>()
    expect(raw.pipe(Task.orElse(() => rows))).type.toBe<
      Task.Task<string | ReadonlyArray<string>, BadRow | DependencyFailed<LoadError> | SubmitError, Db | Log>
    >()
    expect(raw.pipe(Task.as(1))).type.toBe<Task.Task<1, DependencyFailed<LoadError>, Db>>()
    expect(raw.pipe(Task.tap(check))).type.toBe<
      Task.Task<string, BadRow | DependencyFailed<LoadError>, Db | Log>
    >()
    expect(Task.fail("no")).type.toBe<Task.Task<never, string>>()
    expect(Task.void).type.toBe<Task.Task<void>>()
  })
})

describe("utility types", () => {
  it("G1: read the parameters of a task, and nothing else", () => {
    expect<Task.Success<typeof raw>>().type.toBe<string>()
    expect<Task.Error<typeof raw | typeof rows>>().type.toBe<LoadError | BadRow | DependencyFailed<LoadError>>()
    expect<Task.Services<typeof rows>>().type.toBe<Db | Log>()
    expect<Task.Success<typeof future>>().type.toBe<never>()
    expect<typeof raw>().type.toBeAssignableTo<Task.Any>()
    expect<Future.Success<typeof future>>().type.toBe<number>()
    expect<Future.Error<typeof future>>().type.toBe<BadRow>()
    expect<typeof future>().type.toBeAssignableTo<Future.Any>()
    const run = <T extends Task.Any>(task: T) => task as unknown as Effect.Effect<Task.Success<T>, Task.Error<T>>
    expect(run(raw)).type.toBe<Effect.Effect<string, LoadError>>()
  })

  it("G1: read what a shape of tasks stands for", () => {
    type Shape = { readonly raw: typeof raw; readonly rest: readonly [typeof rows, typeof future, 7] }
    expect<Task.Values<Shape>>().type.toBe<{ raw: string; rest: [ReadonlyArray<string>, number, 7] }>()
    expect<Task.Exits<readonly [typeof future]>>().type.toBe<[Exit.Exit<number, BadRow | SkeinError>]>()
    expect<Task.Errors<Shape>>().type.toBe<LoadError | BadRow | DependencyFailed<LoadError>>()
    expect<Task.Upstream<Shape>>().type.toBe<DependencyFailed<LoadError | BadRow>>()
    expect<Task.Services<Shape>>().type.toBe<Db | Log>()
    expect<Task.Services<typeof future>>().type.toBe<never>()
    const services = <A, E, R>(_task: Task.Task<A, E, R>) => null as unknown as Task.Services<Task.Task<A, E, R>>
    expect(services(rows)).type.toBe<Db | Log>()
    const pair = <const I extends Task.Handle>(one: I) => Task.all([one, one])
    expect(pair(raw)).type.toBe<Task.Task<[string, string], DependencyFailed<LoadError>, Db>>()
  })

  it("G17: tasks and futures can be inspected", () => {
    expect(raw.toJSON()).type.toBe<unknown>()
    expect(future.toString()).type.toBe<string>()
  })
})

describe("variance", () => {
  it("is covariant in value, error and requirement", () => {
    expect<Task.Task<1, LoadError, Db>>().type.toBeAssignableTo<Task.Task<number, LoadError | BadRow, Db | Log>>()
    expect<Task.Task<number>>().type.not.toBeAssignableTo<Task.Task<string>>()
    expect<Task.Task<number, LoadError>>().type.not.toBeAssignableTo<Task.Task<number>>()
    expect<Task.Task<number, never, Db>>().type.not.toBeAssignableTo<Task.Task<number>>()
    expect<Future.Future<number>>().type.not.toBeAssignableTo<Task.Task<number>>()
  })
})

declare const polite: Effect.Effect<string, LoadError | TaskRescheduled, Db | Scope.Scope>
declare const owning: Effect.Effect<number, LoadError, Db | Scope.Scope>

describe("resource", () => {
  it("M7: has the body's error, what its inputs fail with, and no Scope", () => {
    expect(Task.resource(owning)).type.toBe<Task.Task<number, LoadError, Db>>()
    expect(Task.resource({ raw }, ({ raw }) => (expect(raw).type.toBe<string>(), owning))).type.toBe<
      Task.Task<number, LoadError | DependencyFailed<LoadError>, Db>
    >()
    expect(Task.resource(owning, { timeout: "1 second", key: "pool" })).type.toBe<
      Task.Task<number, LoadError | TaskTimeout, Db>
    >()
    expect(Task.map(Task.resource(owning), (n) => n)).type.toBe<Task.Task<number, DependencyFailed<LoadError>, Db>>()
  })
})

describe("reschedule", () => {
  it("F10: is an effect that fails with the signal", () => {
    expect(Worker.reschedule).type.toBe<Effect.Effect<never, TaskRescheduled, Worker.Worker>>()
  })

  it("F10: is in no task's error", () => {
    expect(Task.make(Worker.reschedule)).type.toBe<Task.Task<never>>()
    expect(Task.make(polite)).type.toBe<Task.Task<string, LoadError, Db>>()
    expect(Task.make({ raw }, () => polite)).type.toBe<
      Task.Task<string, LoadError | DependencyFailed<LoadError>, Db>
    >()
    expect(Task.resource(polite)).type.toBe<Task.Task<string, LoadError, Db>>()
    expect(Task.fn((_: number) => polite)(1)).type.toBe<Task.Task<string, LoadError, Db>>()
  })

  it("F7: what a body misses is a signal too, named by tasks, futures and keys", () => {
    const missing = Worker.dependenciesLost(raw, null! as Future.Future<number, LoadError>, "raw")
    expect(missing).type.toBe<Effect.Effect<never, DependenciesLost, Worker.Worker>>()
    expect(Task.make(raw, () => missing)).type.toBe<Task.Task<never, DependencyFailed<LoadError>, Db>>()
    expect(Worker.dependenciesLost).type.not.toBeCallableWith()
    expect(Worker.dependenciesLost).type.not.toBeCallableWith(7)
  })

  it("F10: nor in that of a task that came through generic code", () => {
    const doubled = <E, R>(body: Effect.Effect<number, E, R>) => Task.make(body)
    expect(doubled(Worker.reschedule)).type.toBe<Task.Task<number>>()
    expect(doubled(infallible)).type.toBe<Task.Task<number>>()
  })
})

describe("placement", () => {
  const body: Effect.Effect<number> = null!
  const condition: Effect.Effect<boolean, BadRow, Db> = null!

  it("C13: NoSuitableWorker is in the error of a task that is restricted to workers, and of no other", () => {
    expect(Task.make(body, { workers: ["a"] })).type.toBe<Task.Task<number, NoSuitableWorker>>()
    expect(Task.make(body, { workers: { labels: ["gpu"] } })).type.toBe<Task.Task<number, NoSuitableWorker>>()
    expect(Task.map({ raw }, () => 0, { workers: ["a"] })).type.toBe<
      Task.Task<number, DependencyFailed<LoadError> | NoSuitableWorker, Db>
    >()
    expect(Task.make(body).pipe(Task.withOptions({ workers: ["a"] }))).type.toBe<Task.Task<number, NoSuitableWorker>>()
    expect(Task.make(body, { waitForWorkers: "1 second" })).type.toBe<Task.Task<number>>()
  })

  it("W2: ImpossibleDependency is in the error of a task with a locality", () => {
    expect(Task.make(body, { locality: ({ id, labels }) => labels.includes(id) ? 1 : 0 })).type.toBe<
      Task.Task<number, ImpossibleDependency>
    >()
    expect(Task.make).type.not.toBeCallableWith(body, { locality: () => "near" })
  })

  it("D10: a body that may be unmet may end its task with ImpossibleDependency; the signal is in no task's error", () => {
    expect(Worker.unmet("no")).type.toBe<Effect.Effect<never, TaskUnmet, Worker.Worker>>()
    expect(Task.make(Worker.unmet("no"))).type.toBe<Task.Task<never, ImpossibleDependency>>()
    expect(Task.fn((_: number) => Worker.unmet("no"))(1)).type.toBe<Task.Task<never, ImpossibleDependency>>()
    expect(Task.make({ raw }, () => Worker.requireThat(Worker.requireLabels("gpu"), condition))).type.toBe<
      Task.Task<void, BadRow | DependencyFailed<LoadError> | ImpossibleDependency, Db>
    >()
  })

  it("D11: with retrySame it only gives its place up, which leaves nothing in the error", () => {
    expect(Worker.unmet("busy", { retrySame: true })).type.toBe<Effect.Effect<never, TaskRescheduled, Worker.Worker>>()
    expect(Task.make(Worker.unmet("busy", { retrySame: true }))).type.toBe<Task.Task<never>>()
    expect(Worker.unmet("busy", { retrySame: false })).type.toBe<Effect.Effect<never, TaskUnmet, Worker.Worker>>()
  })

  it("D10: requireLabels needs the worker; requireThat has the errors and needs of the condition", () => {
    expect(Worker.requireLabels("gpu", "large")).type.toBe<Effect.Effect<void, TaskUnmet, Worker.Worker>>()
    expect(Worker.requireThat(body, condition)).type.toBe<
      Effect.Effect<number, BadRow | TaskUnmet, Db | Worker.Worker>
    >()
    expect(body.pipe(Worker.requireThat(condition))).type.toBe<
      Effect.Effect<number, BadRow | TaskUnmet, Db | Worker.Worker>
    >()
    expect(Worker.requireThat).type.not.toBeCallableWith(body, body)
  })
})
