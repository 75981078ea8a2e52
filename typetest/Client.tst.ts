import * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { pipe } from "effect/Function"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import type {
  DependencyFailed,
  DependencyTimeout,
  ImpossibleDependency,
  NoSuitableWorker,
  SkeinError,
  SubmitError,
  TaskRescheduled,
  TaskTimeout
} from "skein/SkeinError"
import * as Errors from "skein/SkeinError"
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

declare const raw: Task.Task<string, LoadError, Db>
declare const rows: Task.Task<Array<string>, BadRow | DependencyFailed<LoadError>, Db | Log>
declare const safe: Task.Task<number>
declare const future: Future.Future<number, BadRow>
declare const mode: Client.Mode

type Failures<E> = E | SubmitError | SkeinError

describe("targets", () => {
  it("F1: a function alone is none", () => {
    expect(Client.compute).type.not.toBeCallableWith(Task.make(() => Effect.succeed(1)))
  })
})

describe("retry", () => {
  it("gives a Future of the same type, and needs a scope but no services of the task", () => {
    expect(Client.retry(future)).type.toBe<
      Effect.Effect<Future.Future<number, BadRow>, SubmitError, Client.Client | Scope.Scope>
    >()
    expect(Client.retry).type.not.toBeCallableWith(safe)
  })

  it("retryAll gives a Future for each of a tuple or array", () => {
    const other = {} as Future.Future<string>
    expect(Client.retryAll([future, other])).type.toBe<
      Effect.Effect<
        [Future.Future<number, BadRow>, Future.Future<string>],
        SubmitError,
        Client.Client | Scope.Scope
      >
    >()
    expect(Client.retryAll([1, 2].map(() => other))).type.toBe<
      Effect.Effect<Array<Future.Future<string>>, SubmitError, Client.Client | Scope.Scope>
    >()
  })

  it("rerunInline fails with errors of the task and of all upstream, and its value may be of any of them", () => {
    const deep = {} as Future.Future<number, BadRow | DependencyFailed<LoadError>>
    expect(Future.rerunInline(deep)).type.toBe<
      Effect.Effect<unknown, BadRow | LoadError | DependencyFailed<LoadError> | SubmitError | SkeinError>
    >()
  })
})

describe("misuse", () => {
  it("an effect or a promise is no target of compute", () => {
    expect(Client.compute).type.not.toBeCallableWith(Effect.succeed(1))
    expect(Client.compute).type.not.toBeCallableWith(Promise.resolve(1))
    const both = <A, E>(task: Task.Task<A, E>) => Client.compute({ task })
    expect(both(safe)).type.toBe<Effect.Effect<{ task: number }, SubmitError | SkeinError, Client.Client>>()
    const one = <A, E>(task: Task.Task<A, E>) => Client.compute(task)
    expect(one(safe)).type.toBe<Effect.Effect<number, SubmitError | SkeinError, Client.Client>>()
  })

  it("nor is one that lies in an array or a record of targets; exits and other values are passed on", () => {
    expect(Client.compute).type.not.toBeCallableWith([Effect.void])
    expect(Client.compute).type.not.toBeCallableWith([1, 2].map(() => Effect.void))
    expect(Client.compute).type.not.toBeCallableWith({ safe, more: Effect.void })
    expect(Client.compute).type.not.toBeCallableWith({ safe, more: Promise.resolve(1) })
    const exit = {} as Exit.Exit<string, BadRow>
    expect(Client.compute({ safe, exit, any: {} as any })).type.toBe<
      Effect.Effect<
        { safe: number; exit: Exit.Exit<string, BadRow>; any: any },
        SubmitError | SkeinError,
        Client.Client
      >
    >()
    expect(Client.compute({} as any)).type.toBe<Effect.Effect<any, SubmitError | SkeinError, Client.Client>>()
  })

  it("compute takes shapes of which generic code knows no more than that they hold tasks", () => {
    const record = <T extends Readonly<Record<string, Task.Task<number>>>>(tasks: T) => Client.compute(tasks)
    expect(record({ safe })).type.toBe<Effect.Effect<{ safe: number }, SubmitError | SkeinError, Client.Client>>()
    const list = <T extends ReadonlyArray<Task.Task<any, BadRow>>>(tasks: T) => Client.compute(tasks)
    expect(list([safe])).type.toBe<Effect.Effect<Array<number>, SubmitError | SkeinError, Client.Client>>()
    const single = <T extends Task.Task<number>>(task: T) => Client.compute(task)
    expect(single(safe)).type.toBe<Effect.Effect<number, SubmitError | SkeinError, Client.Client>>()
  })

  it("where futures are meant, a task is refused", () => {
    expect(Future.join).type.not.toBeCallableWith(safe)
    expect(Future.await).type.not.toBeCallableWith(safe)
    expect(Future.poll).type.not.toBeCallableWith(safe)
    expect(Future.status).type.not.toBeCallableWith(safe)
    expect(Future.awaitFirst).type.not.toBeCallableWith([safe])
    expect(Future.cancel).type.not.toBeCallableWith(safe)
    expect(Future.release).type.not.toBeCallableWith(safe)
    expect(Future.keep).type.not.toBeCallableWith(safe)
    expect(Future.replicate).type.not.toBeCallableWith(safe, { copies: 2 })
    expect(Client.retryAll).type.not.toBeCallableWith([safe])
  })

  it("a joinAll that is given a task cannot run, and says why where it is run", () => {
    const hint = "Only a Future can be waited for. Submit the task with Client.submit, or run it with Client.compute."
    type Unrunnable<A> = Effect.Effect<A, BadRow | SkeinError, typeof hint>
    expect(Future.joinAll([future, { deep: [raw] }])).type.toBe<
      Effect.Effect<[number, { deep: [string] }], BadRow | LoadError | SkeinError, typeof hint>
    >()
    expect(Future.joinAll({ future, safe })).type.toBe<Unrunnable<{ future: number; safe: number }>>()
    expect(Effect.runPromise).type.not.toBeCallableWith(Future.joinAll({ future, safe }))
    expect(Future.joinAll({ future, none: [], n: 1 })).type.toBe<
      Effect.Effect<{ future: number; none: readonly []; n: 1 }, BadRow | SkeinError>
    >()
  })

  it("a mode that is not a literal gives the union, and no other word is a mode", () => {
    expect(Client.forEach([1], () => Effect.succeed("a"), { mode })).type.toBe<
      Effect.Effect<
        Array<string> | Array<Exit.Exit<string, SkeinError>>,
        SubmitError | SkeinError,
        Client.Client
      >
    >()
    expect(Task.run(safe, { mode })).type.toBe<
      Effect.Effect<number | Exit.Exit<number, SkeinError>, SubmitError | SkeinError>
    >()
    expect(Task.run(safe, { mode: "collect", concurrency: 2 })).type.toBe<
      Effect.Effect<Exit.Exit<number, SkeinError>, SubmitError>
    >()
    expect(Task.run(rows, { mode: "continue" })).type.toBe<
      Effect.Effect<Array<string>, Failures<BadRow | LoadError>, Db | Log>
    >()
    expect(Task.run(rows)).type.toBe<
      Effect.Effect<Array<string>, Failures<BadRow | DependencyFailed<LoadError>>, Db | Log>
    >()
    expect(Client.compute).type.not.toBeCallableWith(safe, { mode: "bogus" })
    expect(Future.joinAll).type.not.toBeCallableWith(future, { mode: "bogus" })
    expect(Future.awaitFirst).type.not.toBeCallableWith([future], "bogus")
  })
})

describe("errors", () => {
  it("root gives the typed error of the task that failed first", () => {
    expect(Errors.root({} as BadRow | DependencyFailed<LoadError>)).type.toBe<BadRow | LoadError>()
    expect<Errors.Unexpected>().type.toBe<SubmitError | SkeinError>()
  })
})

describe("submit", () => {
  it("gives a Future of the task's value and error, and needs the scope that owns it", () => {
    expect(Client.submit(rows)).type.toBe<
      Effect.Effect<
        Future.Future<Array<string>, BadRow | DependencyFailed<LoadError>>,
        SubmitError,
        Db | Log | Client.Client | Scope.Scope
      >
    >()
  })

  it("takes Scope out again of tasks that came through generic code", () => {
    const later = <A, E, R>(effect: Effect.Effect<A, E, R>) => Client.submit(Task.make(effect))
    expect(Effect.scoped(later({} as Effect.Effect<1, never, Scope.Scope | Db>))).type.toBe<
      Effect.Effect<Future.Future<1>, SubmitError, Db | Client.Client>
    >()
  })

  it("submitAll gives a Future for each task of a tuple or array", () => {
    expect(Client.submitAll([raw, safe])).type.toBe<
      Effect.Effect<
        [Future.Future<string, LoadError>, Future.Future<number>],
        SubmitError,
        Db | Client.Client | Scope.Scope
      >
    >()
    expect(Client.submitAll([1, 2].map(() => raw))).type.toBe<
      Effect.Effect<Array<Future.Future<string, LoadError>>, SubmitError, Db | Client.Client | Scope.Scope>
    >()
    expect(Client.submitAll).type.not.toBeCallableWith([1])
    expect(Client.submit).type.not.toBeCallableWith(future)
  })

  it("submitAll gives Futures in the shape of the tasks, and refuses a shape of anything else", () => {
    expect(Client.submitAll({ raw, others: [safe, { safe }] })).type.toBe<
      Effect.Effect<
        {
          raw: Future.Future<string, LoadError>
          others: [Future.Future<number>, { safe: Future.Future<number> }]
        },
        SubmitError,
        Db | Client.Client | Scope.Scope
      >
    >()
    interface Report {
      readonly raw: typeof raw
      readonly totals: ReadonlyArray<typeof safe>
    }
    expect(Client.submitAll({} as Report)).type.toBe<
      Effect.Effect<
        { raw: Future.Future<string, LoadError>; totals: Array<Future.Future<number>> },
        SubmitError,
        Db | Client.Client | Scope.Scope
      >
    >()
    expect(Client.submitAll(new Set([safe]))).type.toBe<
      Effect.Effect<Array<Future.Future<number>>, SubmitError, Client.Client | Scope.Scope>
    >()
    expect(Client.submitAll(new Map([["a", safe]]).values())).type.toBe<
      Effect.Effect<Array<Future.Future<number>>, SubmitError, Client.Client | Scope.Scope>
    >()
    expect(Client.submitAll(TaskGraph.make({ safe }))).type.toBe<
      Effect.Effect<{ safe: Future.Future<number> }, SubmitError, Client.Client | Scope.Scope>
    >()
    expect(Client.submitAll).type.not.toBeCallableWith({ safe, n: 1 })
    expect(Client.submitAll).type.not.toBeCallableWith({ future })
    expect(Client.submitAll).type.not.toBeCallableWith([[Effect.succeed(1)]])
    expect(Client.submitAll).type.not.toBeCallableWith(new Map([["a", safe]]))
    const generic = <A, E>(tasks: ReadonlyArray<Task.Task<A, E>>) => Client.submitAll(tasks)
    expect(generic([safe])).type.toBe<
      Effect.Effect<Array<Future.Future<number>>, SubmitError, Client.Client | Scope.Scope>
    >()
  })

  it("join adds what the runtime can do; await and poll give it in the Exit", () => {
    expect(Future.join(future)).type.toBe<Effect.Effect<number, BadRow | SkeinError>>()
    expect(Future.await(future)).type.toBe<Effect.Effect<Exit.Exit<number, BadRow | SkeinError>>>()
    expect(Future.poll(future)).type.toBe<Effect.Effect<Option.Option<Exit.Exit<number, BadRow | SkeinError>>>>()
  })

  it("N6: keepSlot changes no type", () => {
    const body = {} as Effect.Effect<number, BadRow, Db>
    expect(Worker.keepSlot(body)).type.toBe<typeof body>()
    expect(Client.compute).type.not.toBeCallableWith(future, { keepSlot: true })
  })

  it("G20: submit, compute, fireAndForget and run may be handed on, with options or without", () => {
    type Submitted = Effect.Effect<Future.Future<string, LoadError>, SubmitError, Db | Client.Client | Scope.Scope>
    expect(raw.pipe(Client.submit)).type.toBe<Submitted>()
    expect(raw.pipe(Client.submit({ passes: ["fuse"] }))).type.toBe<Submitted>()
    expect(Client.submit(raw, { passes: ["fuse"] })).type.toBe<Submitted>()
    expect(Effect.forEach([raw], Client.submit)).type.toBe<
      Effect.Effect<
        Array<Future.Future<string, LoadError>>,
        SubmitError,
        Db | Client.Client | Scope.Scope
      >
    >()
    expect(Effect.forEach([raw], Client.compute)).type.toBe<
      Effect.Effect<Array<string>, Failures<LoadError>, Db | Client.Client>
    >()
    expect(raw.pipe(Client.compute)).type.toBe<Effect.Effect<string, Failures<LoadError>, Db | Client.Client>>()
    expect(Effect.forEach([raw], Client.fireAndForget, { discard: true })).type.toBe<
      Effect.Effect<void, SubmitError, Db | Client.Client>
    >()
    expect(raw.pipe(Client.fireAndForget({ group: "g" }))).type.toBe<
      Effect.Effect<void, SubmitError, Db | Client.Client>
    >()
    expect(raw.pipe(Task.run)).type.toBe<Effect.Effect<string, Failures<LoadError>, Db>>()
    expect(raw.pipe(Task.run({ concurrency: 1 }))).type.toBe<Effect.Effect<string, Failures<LoadError>, Db>>()
    expect(raw.pipe(Task.run({ mode: "collect" }))).type.toBe<
      Effect.Effect<Exit.Exit<string, LoadError | SkeinError>, SubmitError, Db>
    >()
    expect(Client.submit).type.not.toBeCallableWith(future)
    expect(Client.submit).type.not.toBeCallableWith({ raw })
    expect(Client.submit).type.not.toBeCallableWith({ passes: ["no"] })
    const generic = <A, E, R>(task: Task.Task<A, E, R>) => Client.submit(task)
    expect(generic(raw)).type.toBe<Submitted>()
    expect(Client.submit({} as any)).type.toBe<
      Effect.Effect<Future.Future<any, any>, SubmitError, Client.Client | Scope.Scope>
    >()
  })

  it("G20: what waits may be handed to pipe, flatMap, forEach and map", () => {
    type Joined = Effect.Effect<number, BadRow | SkeinError>
    expect(future.pipe(Future.join)).type.toBe<Joined>()
    expect(Effect.flatMap(Effect.succeed(future), Future.join)).type.toBe<Joined>()
    expect(Effect.forEach([future], Future.join)).type.toBe<Effect.Effect<Array<number>, BadRow | SkeinError>>()
    expect([future].map(Future.join)).type.toBe<Array<Joined>>()
    expect(Effect.forEach([future], Future.await)).type.toBe<
      Effect.Effect<Array<Exit.Exit<number, BadRow | SkeinError>>>
    >()
    expect(Effect.flatMap(Effect.succeed([future]), Future.awaitAll)).type.toBe<
      Effect.Effect<Array<Exit.Exit<number, BadRow | SkeinError>>, SkeinError>
    >()
    expect(Future.join).type.not.toBeCallableWith(future, 7)
  })

  it("G20: what takes several, a value or a name goes into forEach, which passes an index where options stand", () => {
    expect(Effect.forEach([[raw]], Client.submitAll)).type.toBe<
      Effect.Effect<Array<Array<Future.Future<string, LoadError>>>, SubmitError, Db | Client.Client | Scope.Scope>
    >()
    expect(Effect.forEach([[future]], Future.joinAll)).type.toBe<
      Effect.Effect<Array<Array<number>>, BadRow | SkeinError>
    >()
    expect(Effect.forEach([[future]], Future.cancelAll, { discard: true })).type.toBe<Effect.Effect<void>>()
    expect(Effect.forEach([[future]], Future.releaseAll, { discard: true })).type.toBe<Effect.Effect<void>>()
    expect(Effect.forEach([[future]], Client.completions)).type.toBe<
      Effect.Effect<Array<Client.Completions<typeof future>>, never, Scope.Scope>
    >()
    expect(Effect.forEach([[future]], Client.retryAll)).type.toBe<
      Effect.Effect<Array<Array<typeof future>>, SubmitError, Client.Client | Scope.Scope>
    >()
    expect(Effect.forEach(["a"], Client.scatter)).type.toBe<
      Effect.Effect<Array<Future.Future<string>>, SubmitError | SkeinError, Client.Client | Scope.Scope>
    >()
    expect(Effect.forEach(["a"], Client.published)).type.toBe<
      Effect.Effect<Array<Option.Option<Future.Future<unknown, unknown>>>, never, Client.Client | Scope.Scope>
    >()
    expect(Effect.forEach(["a"], Client.awaitGroup, { discard: true })).type.toBe<
      Effect.Effect<void, SkeinError, Client.Client>
    >()
    expect(Effect.forEach(["a"], Client.cancelGroup, { discard: true })).type.toBe<
      Effect.Effect<void, never, Client.Client>
    >()
    expect(Effect.forEach([future], Future.publish("a"))).type.toBe<
      Effect.Effect<Array<boolean>, SkeinError, Scope.Scope>
    >()
    expect(Effect.forEach([future], Future.keep)).type.toBe<
      Effect.Effect<Array<typeof future>, SkeinError, Scope.Scope>
    >()
    expect(Effect.forEach([future], Future.poll)).type.toBe<
      Effect.Effect<Array<Option.Option<Exit.Exit<number, BadRow | SkeinError>>>>
    >()
  })
})

describe("fireAndForget", () => {
  it("gives nothing, needs no scope, and fails only for the graph, whatever the task fails with", () => {
    expect(Client.fireAndForget(rows)).type.toBe<Effect.Effect<void, SubmitError, Db | Log | Client.Client>>()
    expect(Client.fireAndForget(safe, { group: "mail" })).type.toBe<Effect.Effect<void, SubmitError, Client.Client>>()
    const fire = <A, E, R>(effect: Effect.Effect<A, E, R>) => Client.fireAndForget(Task.make(effect))
    expect(fire({} as Effect.Effect<1, BadRow, Scope.Scope | Db>)).type.toBe<
      Effect.Effect<void, SubmitError, Db | Client.Client>
    >()
    expect(Client.fireAndForget).type.not.toBeCallableWith(future)
    expect(Client.fireAndForget).type.not.toBeCallableWith(1)
  })

  it("cancelGroup takes a name and the options of cancel", () => {
    expect(Client.cancelGroup("mail", { wait: false, why: "late" })).type.toBe<
      Effect.Effect<void, never, Client.Client>
    >()
    expect(Client.cancelGroup).type.not.toBeCallableWith(future)
  })
})

describe("compute", () => {
  it("failFast has the errors of the targets", () => {
    expect(Client.compute(rows)).type.toBe<
      Effect.Effect<Array<string>, Failures<BadRow | DependencyFailed<LoadError>>, Db | Log | Client.Client>
    >()
    expect(Client.compute({ rows, list: [safe, future, "x"] })).type.toBe<
      Effect.Effect<
        { rows: Array<string>; list: [number, number, "x"] },
        Failures<BadRow | DependencyFailed<LoadError>>,
        Db | Log | Client.Client
      >
    >()
    expect(Client.compute(safe, { mode: "failFast" })).type.toBe<
      Effect.Effect<number, Failures<never>, Client.Client>
    >()
    expect(Client.compute({})).type.toBe<Effect.Effect<{}, Failures<never>, Client.Client>>()
  })

  it("continue has the root errors", () => {
    expect(Client.compute([rows, safe], { mode: "continue" })).type.toBe<
      Effect.Effect<[Array<string>, number], Failures<LoadError | BadRow>, Db | Log | Client.Client>
    >()
  })

  it("collect has an Exit a leaf and fails only for the graph", () => {
    expect(Client.compute({ rows, n: 1, f: future }, { mode: "collect" })).type.toBe<
      Effect.Effect<
        {
          rows: Exit.Exit<Array<string>, BadRow | DependencyFailed<LoadError> | SkeinError>
          n: 1
          f: Exit.Exit<number, BadRow | SkeinError>
        },
        SubmitError,
        Db | Log | Client.Client
      >
    >()
  })

  it("a mode that is not a literal gives the union of the results", () => {
    expect(Client.compute(rows, { mode })).type.toBe<
      Effect.Effect<
        Array<string> | Exit.Exit<Array<string>, BadRow | DependencyFailed<LoadError> | SkeinError>,
        Failures<BadRow | DependencyFailed<LoadError> | LoadError>,
        Db | Log | Client.Client
      >
    >()
    const options: { mode?: "continue" } = {}
    const result = Client.compute(safe, options)
    expect(result).type.toBeAssignableTo<Effect.Effect<number, Failures<never>, Client.Client>>()
  })

  it("refuses a mode that does not exist", () => {
    expect(Client.compute).type.not.toBeCallableWith(safe, { mode: "ignore" })
  })

  it("hands the typed root error to catchTag", () => {
    const handled = Client.compute(rows).pipe(
      Effect.catchTag("DependencyFailed", (failed) => Effect.succeed(failed.error._tag))
    )
    expect(handled).type.toBe<
      Effect.Effect<Array<string> | "LoadError", Failures<BadRow>, Db | Log | Client.Client>
    >()
  })

  it("a program of submit and join has all of it", () => {
    const program = Effect.scoped(Effect.gen(function*() {
      const first = yield* Client.submit(rows)
      const second = yield* Client.submit(Task.map({ first }, ({ first }) => first.length))
      return yield* Future.join(second)
    }))
    expect(program).type.toBe<
      Effect.Effect<number, Failures<DependencyFailed<LoadError | BadRow>>, Db | Log | Client.Client>
    >()
  })

  it("types a recursion whose type is written down", () => {
    const fib = (n: number): Task.Task<number, SubmitError | SkeinError, Client.Client> =>
      n < 2 ? Task.succeed(n) : Task.make(Effect.gen(function*() {
        const a = yield* Client.submit(fib(n - 1))
        const b = yield* Client.submit(fib(n - 2))
        return (yield* Future.join(a)) + (yield* Future.join(b))
      }))
    expect(Client.compute(fib(3))).type.toBe<Effect.Effect<number, SubmitError | SkeinError, Client.Client>>()
  })
})

describe("joinAll and the other waits", () => {
  it("joinAll has what the futures fail with, and needs nothing", () => {
    expect(Future.joinAll({ a: future, b: [future] })).type.toBe<
      Effect.Effect<{ a: number; b: [number] }, BadRow | SkeinError>
    >()
    const failed = {} as Future.Future<1, DependencyFailed<LoadError>>
    expect(Future.joinAll([failed], { mode: "continue" })).type.toBe<
      Effect.Effect<[1], LoadError | SkeinError>
    >()
    expect(Future.awaitAll([future])).type.toBe<
      Effect.Effect<[Exit.Exit<number, BadRow | SkeinError>], SkeinError>
    >()
    expect(Future.joinAll).type.not.toBeCallableWith([future], { mode: "collect" })
  })

  it("joinAll and its kin take sets and iterators", () => {
    const futures = new Map([["a", future]])
    expect(Future.joinAll(new Set([future]))).type.toBe<Effect.Effect<Array<number>, BadRow | SkeinError>>()
    expect(Future.awaitAll(futures.values())).type.toBe<
      Effect.Effect<Array<Exit.Exit<number, BadRow | SkeinError>>, SkeinError>
    >()
    expect(Future.releaseAll(futures.values())).type.toBe<Effect.Effect<void>>()
    expect(Future.cancelAll(new Set([future]))).type.toBe<Effect.Effect<void>>()
    expect(Effect.runPromise).type.not.toBeCallableWith(Future.cancelAll(new Set([safe])))
  })

  it("joinAll may be generic", () => {
    const both = <A, E>(futures: ReadonlyArray<Future.Future<A, E>>) => Future.joinAll({ futures })
    expect(both([future])).type.toBe<Effect.Effect<{ futures: Array<number> }, BadRow | SkeinError>>()
    const any = <I>(futures: I) => Future.joinAll(futures)
    expect(any([future])).type.toBe<Effect.Effect<Array<number>, BadRow | SkeinError>>()
    const all = <F extends ReadonlyArray<Future.Future<any, any>>>(futures: F) => Future.joinAll(futures)
    expect(all([future])).type.toBe<Effect.Effect<Array<number>, BadRow | SkeinError>>()
  })

  it("wait keeps the type of the futures", () => {
    expect(Future.awaitFirst([future])).type.toBe<
      Effect.Effect<Future.Awaited<typeof future>, SkeinError>
    >()
  })
})

describe("replicate", () => {
  it("M9: takes how many workers or which, and gives their ids", () => {
    expect(Future.replicate(future, { copies: 2 })).type.toBe<
      Effect.Effect<ReadonlyArray<string>, SkeinError>
    >()
    expect(Future.replicate).type.toBeCallableWith(future, { workers: ["a"] })
    expect(Future.replicate).type.not.toBeCallableWith(future, { copies: 2, workers: ["a"] })
    expect(Future.replicate).type.not.toBeCallableWith(future, {})
  })
})

describe("map", () => {
  const f = (_: number) => ({}) as Effect.Effect<string, LoadError, Db>

  it("has the errors of its function, and of items that are tasks", () => {
    expect(Client.forEach([1, 2], f)).type.toBe<Effect.Effect<Array<string>, Failures<LoadError>, Db | Client.Client>>()
    expect(Client.forEach([future], f)).type.toBe<
      Effect.Effect<Array<string>, Failures<LoadError | DependencyFailed<BadRow>>, Db | Client.Client>
    >()
    expect(Client.forEach([future], f, { mode: "continue" })).type.toBe<
      Effect.Effect<Array<string>, Failures<LoadError | BadRow>, Db | Client.Client>
    >()
    expect(Client.forEach([future], f, { mode: "collect" })).type.toBe<
      Effect.Effect<
        Array<Exit.Exit<string, LoadError | DependencyFailed<BadRow> | SkeinError>>,
        SubmitError,
        Db | Client.Client
      >
    >()
    expect(Client.forEach([rows], (_: ReadonlyArray<string>) => f(1))).type.toBe<
      Effect.Effect<Array<string>, Failures<LoadError | DependencyFailed<LoadError | BadRow>>, Db | Log | Client.Client>
    >()
  })

  it("has the errors of the options of its tasks", () => {
    expect(Client.forEach([1], f, { task: { timeout: 5, label: "x" } })).type.toBe<
      Effect.Effect<Array<string>, Failures<LoadError | TaskTimeout>, Db | Client.Client>
    >()
    expect(Client.forEach([1], f, { task: { label: "x" }, mode: "collect" })).type.toBe<
      Effect.Effect<Array<Exit.Exit<string, LoadError | SkeinError>>, SubmitError, Db | Client.Client>
    >()
    expect(Client.forEach).type.not.toBeCallableWith([1], f, { task: { label: 1 } })
    expect(Client.forEach([1], f, { task: (n) => ({ timeout: n, label: "x" }) })).type.toBe<
      Effect.Effect<Array<string>, Failures<LoadError | TaskTimeout>, Db | Client.Client>
    >()
  })

  it("G18: options of the wide type add the errors of all options, and no any, in each form", () => {
    const wide = {} as Task.Options
    type Wide = TaskTimeout | DependencyTimeout | NoSuitableWorker | ImpossibleDependency
    type Mapped = Effect.Effect<Array<string>, Failures<LoadError | Wide>, Db | Client.Client>
    expect(Client.forEach([1], f, { task: wide })).type.toBe<Mapped>()
    expect(Client.forEach([1], f, { task: () => wide })).type.toBe<Mapped>()
    expect(Client.forEach([1], f, { task: wide, mode: "collect" })).type.toBe<
      Effect.Effect<Array<Exit.Exit<string, LoadError | Wide | SkeinError>>, SubmitError, Db | Client.Client>
    >()
    expect(Client.forEach([future], f, { task: wide, mode: "continue" })).type.toBe<
      Effect.Effect<Array<string>, Failures<LoadError | BadRow | Wide>, Db | Client.Client>
    >()
    const named = {} as Task.Options<BadRow, Log>
    expect(Client.forEach([1], f, { task: named })).type.toBe<
      Effect.Effect<
        Array<string>,
        Failures<LoadError | BadRow | DependencyFailed<BadRow> | Wide>,
        Db | Log | Client.Client
      >
    >()
    expect(Client.compute(Task.withOptions(raw, wide))).type.toBe<
      Effect.Effect<string, Failures<LoadError | Wide>, Db | Client.Client>
    >()
    expect(Client.compute(TaskGraph.add(TaskGraph.empty, "x", [], () => f(1), wide))).type.toBe<
      Effect.Effect<{ x: string }, Failures<LoadError | Wide>, Db | Client.Client>
    >()
  })

  it("takes Scope out of the requirements of its function", () => {
    expect(Client.forEach([1], () => ({}) as Effect.Effect<1, never, Scope.Scope | Db>)).type.toBe<
      Effect.Effect<Array<1>, Failures<never>, Db | Client.Client>
    >()
  })

  it("refuses items of the wrong type", () => {
    expect(Client.forEach).type.not.toBeCallableWith([raw], f)
    expect(Client.forEach).type.not.toBeCallableWith(["a"], f)
  })

  it("G18: options of a map of which no more is known than their type give no any", () => {
    const wide = {} as Client.ForEachOptions<number>
    const mapped = Client.forEach([1], f, wide)
    type Parts<X> = X extends Effect.Effect<infer A, infer E, infer R> ? [A, E, R] : never
    type Given = Parts<typeof mapped>
    expect<Given[0]>().type.not.toBe<any>()
    expect<Given[1]>().type.not.toBe<any>()
    expect<Given[2]>().type.not.toBe<any>()
    expect<Extract<Given[1], TaskTimeout>>().type.toBe<TaskTimeout>()
  })

  it("G20: takes items through a pipe, with the errors and services of those that are tasks", () => {
    type Of<E> = Effect.Effect<Array<string>, Failures<LoadError | E>, Db | Client.Client>
    const numbers: ReadonlyArray<number> = [1, 2]
    const piped = pipe(
      numbers,
      Client.forEach((n, i) => {
        expect(n).type.toBe<number>()
        expect(i).type.toBe<number>()
        return f(n)
      })
    )
    expect(piped).type.toBe<Of<never>>()
    expect(pipe([future], Client.forEach((n) => f(n)))).type.toBe<Of<DependencyFailed<BadRow>>>()
    expect(pipe([rows], Client.forEach((text) => f(text.length)))).type.toBe<
      Effect.Effect<Array<string>, Failures<LoadError | DependencyFailed<LoadError | BadRow>>, Db | Log | Client.Client>
    >()
    expect(pipe(Arr.zip(numbers, [raw]), Client.forEach(([n, text]) => f(n + text.length)))).type.toBe<
      Of<DependencyFailed<LoadError>>
    >()
    expect(pipe(numbers, Client.forEach(f, { task: { timeout: 5 }, mode: "collect" }))).type.toBe<
      Effect.Effect<Array<Exit.Exit<string, LoadError | TaskTimeout | SkeinError>>, SubmitError, Db | Client.Client>
    >()
    expect(pipe(numbers, Client.forEach(f, { task: (n) => ({ priority: n }) }))).type.toBe<Of<never>>()
    expect(pipe(Effect.succeed(numbers), Effect.flatMap(Client.forEach(f)))).type.toBe<Of<never>>()
    const each = Client.forEach(f)
    expect(each(numbers)).type.toBe<Of<never>>()
    expect(each).type.not.toBeCallableWith(["a"])
    const labelled = Client.forEach((n: number) => f(n), { task: (n) => ({ priority: n }) })
    expect(Effect.forEach([numbers], labelled)).type.toBe<
      Effect.Effect<Array<Array<string>>, Failures<LoadError>, Db | Client.Client>
    >()
  })

  it("G20: takes generators, as bodies of tasks do", () => {
    const run = Client.forEach([raw], function*(text, i) {
      expect(text).type.toBe<string>()
      const more = yield* f(i)
      return more.length
    })
    type Lengths = Effect.Effect<
      Array<number>,
      Failures<LoadError | DependencyFailed<LoadError>>,
      Db | Client.Client
    >
    expect(run).type.toBe<Lengths>()
    const piped = pipe(
      [raw],
      Client.forEach(function*(text) {
        const more = yield* f(text.length)
        return more.length
      })
    )
    expect(piped).type.toBe<Lengths>()
    expect(Client.forEach).type.not.toBeCallableWith([1], () => 5)
    expect(Client.forEach).type.not.toBeCallableWith([1], () => Promise.resolve(5))
    expect(Client.forEach).type.not.toBeCallableWith([1], () => Effect.succeed(raw))
  })

  it("A2: gives nothing with discard, and either if that is not known", () => {
    type Done = Effect.Effect<void, Failures<LoadError>, Db | Client.Client>
    expect(Client.forEach([1], f, { discard: true })).type.toBe<Done>()
    expect(Client.forEach([1], f, { discard: true, mode: "continue", concurrency: 2 })).type.toBe<Done>()
    expect(pipe([1], Client.forEach(f, { discard: true, concurrency: "unbounded" }))).type.toBe<Done>()
    expect(Client.forEach([1], f, { discard: true, mode: "collect" })).type.toBe<
      Effect.Effect<void, SubmitError, Db | Client.Client>
    >()
    expect(Client.forEach([1], f, { discard: false })).type.toBe<
      Effect.Effect<Array<string>, Failures<LoadError>, Db | Client.Client>
    >()
    expect(Client.forEach([1], f, { discard: {} as boolean })).type.toBe<
      Effect.Effect<void | Array<string>, Failures<LoadError>, Db | Client.Client>
    >()
    expect(Client.forEach).type.not.toBeCallableWith([1], f, { concurrency: "2" })
  })

  it("takes zipped inputs, with the errors of those that are tasks", () => {
    const numbers: Array<number> = [1, 2]
    const zipped = Client.forEach(Arr.zip(numbers, [raw]), ([n, text]) => {
      expect(n).type.toBe<number>()
      expect(text).type.toBe<string>()
      return f(n)
    })
    expect(zipped).type.toBe<
      Effect.Effect<Array<string>, Failures<LoadError | DependencyFailed<LoadError>>, Db | Client.Client>
    >()
  })
})

describe("report", () => {
  type Wide = TaskTimeout | DependencyTimeout | NoSuitableWorker | ImpossibleDependency

  it("F2, G18: has the values and the errors of its exits, of records, tuples and arrays, and no any", () => {
    const exits = {} as { readonly a: Exit.Exit<number, LoadError>; readonly b: Exit.Exit<string, BadRow> }
    const report = Errors.report(exits)
    expect(report.values).type.toBe<{ readonly a?: number | undefined; readonly b?: string | undefined }>()
    expect(report.failures).type.toBe<ReadonlyArray<Errors.Failure<LoadError | BadRow>>>()
    expect(report.exits).type.toBe<
      ReadonlyArray<readonly [name: string, exit: Exit.Exit<number | string, LoadError | BadRow>]>
    >()
    expect(report.skipped).type.toBe<ReadonlyArray<string>>()
    const many = Errors.report({} as ReadonlyArray<Exit.Exit<number, LoadError>>)
    expect(many.failures).type.toBe<ReadonlyArray<Errors.Failure<LoadError>>>()
    expect(many.exits).type.toBe<ReadonlyArray<readonly [name: string, exit: Exit.Exit<number, LoadError>]>>()
    const pair = Errors.report([exits.a, exits.b])
    expect(pair.failures).type.toBe<ReadonlyArray<Errors.Failure<LoadError | BadRow>>>()
    expect(Errors.report).type.not.toBeCallableWith([1])
    expect(Errors.prettyReport(report)).type.toBe<string>()
  })

  it("F2, G18: of what a computation with wide options gives, too", () => {
    const wide = {} as Task.Options
    const collected = Client.compute({ raw: Task.withOptions(raw, wide) }, { mode: "collect" })
    const reported = Effect.map(collected, Errors.report)
    expect(Effect.map(reported, ({ failures }) => failures)).type.toBe<
      Effect.Effect<
        ReadonlyArray<Errors.Failure<LoadError | Wide | SkeinError>>,
        SubmitError,
        Db | Client.Client
      >
    >()
  })
})

describe("annotate", () => {
  it("G16: a layer may set the options of a region, and nothing needs them", () => {
    expect(Layer.succeed(Client.CurrentAnnotations, { label: "x" })).type.toBe<Layer.Layer<never>>()
    const present = Effect.gen(function*() {
      return yield* Client.CurrentAnnotations
    })
    expect(present).type.toBe<Effect.Effect<Client.Annotations>>()
    expect(Layer.succeed).type.not.toBeCallableWith(Client.CurrentAnnotations, { timeout: 5 })
  })

  it("G16: a region changes no type, and says only what adds no error", () => {
    const work = null! as Effect.Effect<number, "e", "r">
    expect(Client.annotate(work, { label: "l", grace: "1 second", idempotent: false })).type.toBe<typeof work>()
    expect(Client.annotate).type.toBeCallableWith(work, { priority: 1 })
    expect(Client.annotate).type.not.toBeCallableWith(work, { timeout: "1 second" })
    expect(Client.annotate).type.not.toBeCallableWith(work, { deadline: "1 second" })
  })
})

describe("stream", () => {
  const f = (_: number) => ({}) as Effect.Effect<string, LoadError, Db>
  interface Feed {
    readonly feed: true
  }
  const { numbers, text } = {} as {
    numbers: ReadonlyArray<number>
    text: Stream.Stream<string, "offline", Feed>
  }
  const rows = {} as AsyncIterable<{ readonly id: number }>

  it("A9: gives results with the errors and services of the function, and those of the source", () => {
    expect(Client.stream(numbers, f)).type.toBe<
      Stream.Stream<string, SubmitError | SkeinError | LoadError, Db | Client.Client>
    >()
    expect(Client.stream(text, (each) => f(each.length), { outstanding: 8, unordered: true })).type.toBe<
      Stream.Stream<string, "offline" | SubmitError | SkeinError | LoadError, Feed | Db | Client.Client>
    >()
    expect(Client.stream(rows, ({ id }, index) => f(id + index))).type.toBe<
      Stream.Stream<string, Cause.UnknownError | SubmitError | SkeinError | LoadError, Db | Client.Client>
    >()
    expect(Client.stream).type.not.toBeCallableWith(numbers, (each: string) => Effect.succeed(each))
    expect(Client.stream).type.not.toBeCallableWith(numbers, f, { mode: "sometimes" })
    expect(Client.stream).type.not.toBeCallableWith(3, f)
  })

  it("C12: gives exits with collect, each with its input if asked for", () => {
    expect(Client.stream(numbers, f, { mode: "collect" })).type.toBe<
      Stream.Stream<Exit.Exit<string, LoadError | SkeinError>, SubmitError, Db | Client.Client>
    >()
    expect(Client.stream(numbers, f, { withInput: true })).type.toBe<
      Stream.Stream<
        { readonly input: number; readonly index: number; readonly value: string },
        SubmitError | SkeinError | LoadError,
        Db | Client.Client
      >
    >()
    expect(Client.stream(numbers, f, { withInput: true, mode: "collect" })).type.toBe<
      Stream.Stream<
        { readonly input: number; readonly index: number; readonly exit: Exit.Exit<string, LoadError | SkeinError> },
        SubmitError,
        Db | Client.Client
      >
    >()
  })

  it("A9: takes tasks that a source makes, and adds the errors of options", () => {
    const lazily = {} as Generator<typeof raw>
    expect(Client.stream(lazily, { unordered: true })).type.toBe<
      Stream.Stream<string, SubmitError | SkeinError | LoadError, Db | Client.Client>
    >()
    expect(Client.stream(numbers, f, { task: { timeout: 5 } })).type.toBe<
      Stream.Stream<string, SubmitError | SkeinError | LoadError | TaskTimeout, Db | Client.Client>
    >()
  })

  it("G20: takes its source through a pipe, which says what the items are", () => {
    const piped = text.pipe(
      Stream.map((each) => each.length),
      Client.stream((n, index) => {
        expect(n).type.toBe<number>()
        expect(index).type.toBe<number>()
        return f(n)
      }, { outstanding: 8, withInput: true, mode: "collect" })
    )
    expect(piped).type.toBe<
      Stream.Stream<
        { readonly input: number; readonly index: number; readonly exit: Exit.Exit<string, LoadError | SkeinError> },
        "offline" | SubmitError,
        Feed | Db | Client.Client
      >
    >()
    expect(pipe(numbers, Client.stream((n) => f(n)))).type.toBe<
      Stream.Stream<string, SubmitError | SkeinError | LoadError, Db | Client.Client>
    >()
  })

  it("G20: takes tasks through a pipe with its options alone, and never turns a type into any", () => {
    const made = {} as Stream.Stream<typeof raw, "offline", Feed>
    expect(made.pipe(Client.stream({ outstanding: 8, unordered: true }))).type.toBe<
      Stream.Stream<string, "offline" | SubmitError | SkeinError | LoadError, Feed | Db | Client.Client>
    >()
    expect(pipe([raw, safe], Client.stream({ mode: "collect" }))).type.toBe<
      Stream.Stream<Exit.Exit<string | number, LoadError | SkeinError>, SubmitError, Db | Client.Client>
    >()
    expect(pipe([raw], Client.stream({ withInput: true }))).type.toBe<
      Stream.Stream<
        { readonly input: typeof raw; readonly index: number; readonly value: string },
        SubmitError | SkeinError | LoadError,
        Db | Client.Client
      >
    >()
    // An overloaded function that is handed on is checked by its last form alone, without what it infers.
    expect(made.pipe(Client.stream)).type.toBe<Stream.Stream<unknown, unknown, unknown>>()
    expect(Client.stream).type.not.toBeCallableWith({ outstanding: "8" })
    expect(Client.stream({ outstanding: 8 })).type.not.toBeCallableWith([1])
  })
})

describe("asCompleted", () => {
  type Ended = Stream.Stream<typeof future, SkeinError>

  it("G20: takes its futures through a pipe, with options or without, and keeps their types", () => {
    expect(Client.asCompleted([future])).type.toBe<Ended>()
    expect(Client.asCompleted(new Set([future]), { release: true })).type.toBe<Ended>()
    expect(pipe([future], Client.asCompleted)).type.toBe<Ended>()
    expect(pipe([future], Client.asCompleted({ release: true }))).type.toBe<Ended>()
    expect(Effect.map(Client.submitAll([raw]), Client.asCompleted)).type.toBe<
      Effect.Effect<
        Stream.Stream<Future.Future<string, LoadError>, SkeinError>,
        SubmitError,
        Db | Client.Client | Scope.Scope
      >
    >()
    expect(Stream.flatMap(Stream.make([future]), Client.asCompleted)).type.toBe<Ended>()
    const generic = <F extends Future.Any>(futures: ReadonlyArray<F>) => Client.asCompleted(futures)
    expect(generic([future])).type.toBe<Ended>()
    expect(Client.asCompleted).type.not.toBeCallableWith([safe])
    expect(Client.asCompleted).type.not.toBeCallableWith(future)
    expect(Client.asCompleted).type.not.toBeCallableWith({ releases: true })
  })
})

describe("signals", () => {
  // No constructor makes it; generic code with types of its own may say so.
  const loose = null! as Task.Task<string, LoadError | TaskRescheduled, Db>

  it("F10: they are in no future's and in no computation's error", () => {
    expect(Client.submit(loose)).type.toBe<
      Effect.Effect<Future.Future<string, LoadError>, SubmitError, Db | Client.Client | Scope.Scope>
    >()
    expect(Client.submitAll([loose])).type.toBe<
      Effect.Effect<[Future.Future<string, LoadError>], SubmitError, Db | Client.Client | Scope.Scope>
    >()
    expect(Client.compute({ loose })).type.toBe<
      Effect.Effect<{ loose: string }, Failures<LoadError>, Db | Client.Client>
    >()
    expect(Client.compute([loose], { mode: "continue" })).type.toBe<
      Effect.Effect<[string], Failures<LoadError>, Db | Client.Client>
    >()
    const polite = (n: number): Effect.Effect<number, LoadError | TaskRescheduled, Worker.Worker> =>
      n > 0 ? Worker.reschedule : loose as never
    expect(Client.forEach([1], polite)).type.toBe<
      Effect.Effect<Array<number>, Failures<LoadError>, Client.Client>
    >()
  })

  it("F10: generic code need not name them", () => {
    const submitted = <A, E, R>(body: Effect.Effect<A, E, R>) => Client.submit(Task.make(body))
    expect(submitted(Worker.reschedule)).type.toBe<
      Effect.Effect<Future.Future<never>, SubmitError, Client.Client | Scope.Scope>
    >()
  })
})

describe("the service", () => {
  it("has verbs that infer as the functions do, without the client in what they need", () => {
    type Verb<K extends keyof Client.Client["Service"]> = Client.Client["Service"][K]
    const submitAll: Verb<"submitAll"> = () => Effect.never
    const compute: Verb<"compute"> = () => Effect.never
    const task = Task.make(Effect.succeed(1))
    expect(submitAll([task])).type.toBe<Effect.Effect<[Future.Future<number>], SubmitError, Scope.Scope>>()
    expect(compute({ task })).type.toBe<Effect.Effect<{ task: number }, SubmitError | SkeinError>>()
    expect(compute([task], { mode: "collect" })).type.toBe<
      Effect.Effect<[Exit.Exit<number, SkeinError>], SubmitError>
    >()
  })

  it("G21: a conflict is one of three words", () => {
    const task = Task.make(Effect.succeed(1), { key: "a" })
    expect(Client.submit).type.toBeCallableWith(task, { conflict: "replace" })
    expect(Client.fireAndForget).type.toBeCallableWith(task, { conflict: "refuse" })
    expect(Client.compute).type.not.toBeCallableWith(task, { conflict: "queue" })
  })
})
