/** Portable tasks where their handlers are here; `threads` and `processes` have the same elsewhere. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { pipe } from "effect/Function"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Client from "skein/Client"
import * as Portable from "skein/Portable"
import * as Skein from "skein/Skein"
import * as Errors from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { ambientIn } from "../src/internal/bodies/ambient.ts"
import { compile, nobody } from "../src/internal/plans/compile.ts"
import { batchOf } from "../src/internal/portable/batches.ts"
import { handlersElsewhere, itemOf } from "../src/internal/portable/items.ts"
import { makeNamed, unchecked } from "../src/internal/portable/named.ts"
import type { Place } from "../src/internal/portable/named.ts"
import { makeTask } from "../src/internal/tasks/makeTask.ts"
import { isRefused } from "../src/internal/tasks/mistake.ts"
import { noOptions } from "../src/internal/tasks/task.ts"
import type { TaskImpl } from "../src/internal/tasks/task.ts"
import * as functions from "./portable/work.ts"

class Empty extends Schema.TaggedError<Empty>()("Empty", { line: Schema.Int }) {}

class Dictionary extends Context.Service<Dictionary, { readonly has: (word: string) => boolean }>()("Dictionary") {}

const Tokenize = Portable.make("Tokenize", {
  payload: { text: Schema.String, line: Schema.Int },
  success: Schema.Array(Schema.String),
  error: Empty
})

const TokenizeLive = Tokenize.toLayer(({ line, text }) => text === "" ? new Empty({ line }) : text.split(" "))

const work = Portable.module<typeof functions>()(new URL("./portable/work.ts", import.meta.url), {
  errors: [functions.BadRange]
})

/** Runs on fibers. */
const run = <A, E, R>(task: Task.Task<A, E, R>) => Client.compute(task).pipe(Effect.provide(Skein.layer()))

const exitOf = <A, E, R>(task: Task.Task<A, E, R>) => Effect.exit(run(task))

const failure = (exit: Exit.Exit<unknown, unknown>): unknown => {
  assert.isTrue(Exit.isFailure(exit))
  return Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
}

describe("a named task whose handler is here", () => {
  it.effect("K9: runs on fibers, with tasks and literals in its payload", () =>
    Effect.gen(function*() {
      const text = Task.make(Effect.succeed("a bundle of fibers"))
      const words = Tokenize({ text, line: Task.succeed(1) })
      assert.deepStrictEqual(yield* run(words), ["a", "bundle", "of", "fibers"])
      const whole = Task.make(Effect.succeed({ text: "a b", line: 2 }))
      assert.deepStrictEqual(yield* run(pipe(whole, Tokenize)), ["a", "b"])
      assert.strictEqual(Tokenize.name, "Tokenize")
      const { keys } = yield* run(
        Task.exit(Task.all([Tokenize({ text: "", line: 1 }), Tokenize({ text: "a", line: 1 })]))
      ).pipe(
        Effect.map((exit) => ({ keys: String(failure(exit)) }))
      )
      assert.match(keys, /"Tokenize#\d+" failed/)
      assert.isTrue(Portable.isPortable(Tokenize))
      assert.isFalse(Portable.isPortable(words))
    }).pipe(Effect.provide(TokenizeLive)))

  it.effect("K9, F2: fails with a typed error of its schema, and dependents with its failure", () =>
    Effect.gen(function*() {
      const words = Tokenize({ text: "", line: 3 }, { key: "words" })
      const error = yield* Effect.flip(run(words))
      assert.instanceOf(error, Empty)
      const dependent = yield* Effect.flip(run(Task.map(words, (words) => words.length)))
      assert.instanceOf(dependent, Errors.DependencyFailed)
      assert.instanceOf(dependent.error, Empty)
    }).pipe(Effect.provide(TokenizeLive)))

  it.effect("K9: a handler is a generator function, or is made by an effect of its layer, with services", () => {
    const Count = Portable.make("Count", { payload: Schema.Array(Schema.String), success: Schema.Int })
    const CountLive = Count.toLayer(Effect.gen(function*() {
      const dictionary = yield* Dictionary
      return function*(words) {
        const { key } = yield* Worker.current
        assert.strictEqual(key, "known")
        yield* Effect.addFinalizer(() => Effect.void)
        return words.filter(dictionary.has).length
      }
    }))
    const words = Layer.succeed(Dictionary, { has: (word) => word.length > 1 })
    return Effect.gen(function*() {
      assert.strictEqual(yield* run(Count(["a", "bc", "de"], { key: "known" })), 2)
    }).pipe(Effect.provide(Layer.provide(CountLive, words)))
  })

  it.effect("K9: a body has the services of its handler's layer, and logs and spans of its submitter", () => {
    const Look = Portable.make("Look", { success: Schema.Unknown })
    const LookLive = Look.toLayer(() =>
      Effect.all({
        here: Effect.map(Dictionary, ({ has }) => has("layer")),
        notes: References.CurrentLogAnnotations,
        level: References.MinimumLogLevel
      })
    )
    const dictionary = (of: string) => Layer.succeed(Dictionary, { has: (word) => word === of })
    return Effect.gen(function*() {
      const found = yield* run(Look()).pipe(
        Effect.annotateLogs("by", "submitter"),
        Effect.provideService(References.MinimumLogLevel, "Debug"),
        Effect.provide(dictionary("program"))
      )
      assert.deepStrictEqual(found, { here: true, notes: { by: "submitter" }, level: "Debug" })
    }).pipe(
      Effect.provide(
        LookLive.pipe(
          Layer.provide(dictionary("layer")),
          Layer.provide(Layer.succeed(References.MinimumLogLevel, "Error"))
        )
      )
    )
  })

  it.effect("K9: a task without a payload and without a value drops what its handler returns", () => {
    const Ping = Portable.make("Ping")
    return Effect.gen(function*() {
      assert.isUndefined(yield* run(Ping()))
    }).pipe(Effect.provide(Ping.toLayer(() => 5 as never)))
  })

  it.effect("G5: equal payloads of a pure name run once", () => {
    let runs = 0
    const Square = Portable.make("Square", { payload: Schema.Struct({ n: Schema.Number }), success: Schema.Number })
    return Effect.gen(function*() {
      const all = Task.all([
        Square({ n: 2 }, { pure: true }),
        Square({ n: 2 }, { pure: true }),
        Square({ n: 3 }, { pure: true })
      ])
      assert.deepStrictEqual(yield* run(all), [4, 4, 9])
      assert.strictEqual(runs, 2)
    }).pipe(Effect.provide(Square.toLayer(({ n }) => {
      runs++
      return n * n
    })))
  })
})

describe("what is refused", () => {
  it.effect("X2: a payload without tasks that does not fit is refused before anything starts, with its path", () => {
    let started = 0
    const first = Task.sync(() => started++)
    return Effect.gen(function*() {
      const wrong = Tokenize({ text: 1 as never, line: 1 }, { key: "wrong" })
      const error = failure(yield* exitOf(Task.all([first, wrong])))
      assert.instanceOf(error, Errors.SubmitError)
      assert.deepInclude(error.reason, { _tag: "InvalidPayload", key: "wrong", name: "Tokenize" })
      assert.include(error.message, "at .text: Expected string")
      assert.strictEqual(started, 0)
      // Alone it is compiled in another way.
      assert.instanceOf(failure(yield* exitOf(Tokenize({ text: 1 as never, line: 1 }))), Errors.SubmitError)
    }).pipe(Effect.provide(TokenizeLive))
  })

  it.effect("F14: one with tasks is known when these have ended: the task dies alone, with the path", () =>
    Effect.gen(function*() {
      const wrong = Tokenize({ text: Task.succeed(1) as never, line: Task.sync(() => 1.5) })
      const [other, exit] = yield* run(Task.all([Task.sync(() => 1), Task.exit(wrong)]))
      assert.strictEqual(other, 1)
      assert.include(String(failure(exit)), "The payload of \"Tokenize\" does not travel: at .text: Expected string")
    }).pipe(Effect.provide(TokenizeLive)))

  it.effect("F14: a result or an error that does not fit its schema is a defect that says where", () => {
    const live = (handler: () => unknown) => Tokenize.toLayer(handler as never)
    const task = Tokenize({ text: "a", line: 1 })
    return Effect.gen(function*() {
      const result = yield* exitOf(task).pipe(Effect.provide(live(() => ["a", 1])))
      assert.include(String(failure(result)), "The result of \"Tokenize\" does not travel: at [1]: Expected string")
      const error = failure(yield* exitOf(task).pipe(Effect.provide(live(() => Effect.fail(new functions.Unlisted())))))
      assert.include(String(error), "The error of \"Tokenize\" does not travel: Expected Empty")
      assert.strictEqual((error as Error).cause instanceof functions.Unlisted, true)
      const thrown = failure(
        yield* exitOf(task).pipe(Effect.provide(live(() => {
          throw new RangeError("too far")
        })))
      )
      assert.strictEqual(String(thrown), "RangeError: too far")
    })
  })

  it.effect("X2: a name without a handler is refused before anything starts, with those that there are", () =>
    Effect.gen(function*() {
      const Other = Portable.make("Other")
      const error = failure(yield* exitOf(Other() as Task.Task<void>))
      assert.instanceOf(error, Errors.SubmitError)
      assert.deepInclude(error.reason, { _tag: "UnknownFunction", name: "Other", known: ["Tokenize"] })
    }).pipe(Effect.provide(TokenizeLive)))

  for (const name of ["constructor", "__proto__", "toString", "then"]) {
    it.effect(`X1: "${name}" is a name like any other`, () =>
      Effect.gen(function*() {
        const Odd = Portable.make(name, { success: Schema.String })
        const missing = failure(yield* exitOf(Odd() as Task.Task<string>))
        assert.instanceOf(missing, Errors.SubmitError)
        assert.strictEqual(yield* run(Odd()).pipe(Effect.provide(Odd.toLayer(() => "here"))), "here")
        const error = failure(
          yield* exitOf((work.tasks as never as Record<string, () => Task.Task<never>>)[name]?.() ?? Task.fail("none"))
        )
        assert.match(String(error), name === "then" ? /none/ : /no function/)
      }))
  }

  it.effect("X2: a name must be a non-empty string", () =>
    Effect.gen(function*() {
      const None = Portable.make("")
      const error = failure(yield* exitOf(None()).pipe(Effect.provide(None.toLayer(() => {}))))
      assert.include(String(error), "The option name of Portable.make cannot be \"\": expected a non-empty string.")
    }))

  it.effect("K9: where a handler is elsewhere alone, no fiber runs the task; where it is here too, one may", () =>
    Effect.gen(function*() {
      const items = [itemOf(Tokenize)!, itemOf(work)!]
      const task = Tokenize({ text: "a b", line: 1 })
      const fibers = Skein.layer({ waitForWorkers: 0 })
      const alone = handlersElsewhere(items, Context.empty())
      for (const each of [task, Task.map([task, task], () => 1), work.tasks.add(1, 2)]) {
        const exit = yield* Effect.exit(Client.compute(each)).pipe(
          Effect.provide(fibers),
          Effect.provideContext(alone as Context.Context<Portable.Handler<"Tokenize">>)
        )
        assert.include(String(failure(exit)), "needs a worker that is not in this process")
      }
      const here: Context.Context<any> = yield* Effect.context<Portable.Handler<"Tokenize">>()
      assert.deepStrictEqual(yield* Effect.provideContext(run(task), handlersElsewhere(items, here) as never), [
        "a",
        "b"
      ])
    }).pipe(Effect.provide(TokenizeLive)))
})

describe("what a named task costs where its handler is here", () => {
  const Plain = Portable.make("Plain", { payload: Schema.Unknown, success: Schema.Unknown })

  it.effect("K9: a handler that is a plain function is called without a fiber, one that returns an Effect has services", () =>
    Effect.gen(function*() {
      const found: Array<boolean> = []
      const live = Plain.toLayer((n) => {
        found.push(Fiber.getCurrent() !== undefined)
        return n === 2 ? Effect.as(Effect.zip(Worker.current, Effect.scope), 1) : n
      })
      const plain = [Plain(1), Plain(2), Plain(3)]
      assert.deepStrictEqual(yield* Effect.provide(run(Task.all(plain)), live), [1, 1, 3])
      assert.deepStrictEqual(found, [false, false, false])
    }))

  it.effect("K9, F14: a call that throws, or whose values are wrong, ends as in a fiber", () =>
    Effect.gen(function*() {
      const Int = Portable.make("Int", { payload: Schema.Int, success: Schema.Int })
      const live = Int.toLayer((n) => {
        if (n === 1) throw new Error("thrown")
        return n === 2 ? n / 4 : n === 3 ? (Task.succeed(1) as never) : n
      })
      const half = Task.make(Effect.succeed(0.5))
      const exits = yield* Client.compute([Int(1), Int(2), Int(3), Int(half), Int(4)].map((each) => Task.exit(each)))
        .pipe(Effect.provide(Layer.merge(Skein.layer(), live)))
      const said = exits.map((exit) => Exit.isSuccess(exit) ? exit.value : String(failure(exit)))
      const wrong = (what: string) => `TypeError: The ${what} of "Int" does not travel: Expected an integer.`
      assert.match(String(said[2]), /^TypeError: The result of "Int" does not travel: /)
      const [thrown, result, , payload, four] = said
      assert.deepStrictEqual(
        [thrown, result, payload, four],
        ["Error: thrown", wrong("result"), wrong("payload"), 4]
      )
    }))

  it.effect("F1: a result that is work of Skein is refused, also of a call", () =>
    Effect.gen(function*() {
      const exit = yield* exitOf(Plain(1)).pipe(Effect.provide(Plain.toLayer(() => Task.succeed(1))))
      assert.include(String(failure(exit)), "The effect of task \"Plain#1\" gave a Task, which nothing runs")
    }))

  it("K9: a graph looks a name up once for its check and once for its plan, however many tasks in a row have it", () => {
    let looks = 0
    const place = (): Place => {
      looks++
      return "here"
    }
    const maker = (name: string) => {
      const named = makeNamed(name, { payload: unchecked, success: unchecked, error: unchecked }, place, batchOf)
      return (inputs: unknown) => makeTask({ _tag: "effect", run: () => Effect.void, named }, inputs, noOptions)
    }
    const [one, two] = [maker("one"), maker("two")]
    const closure = () => makeTask({ _tag: "map", run: () => 1 }, undefined, noOptions)
    const looksFor = (tasks: ReadonlyArray<TaskImpl>): number => {
      looks = 0
      const compiled = compile(tasks, nobody, ambientIn(Context.empty()))
      assert(!isRefused(compiled))
      const { nodes, portable } = compiled.plan
      assert.deepStrictEqual(Array.from(portable!), nodes.map(({ named }) => named?.number ?? 0))
      return looks
    }
    const many = (make: typeof one) => Array.from({ length: 50 }, make)
    assert.strictEqual(looksFor(many(one)), 2)
    assert.strictEqual(looksFor(many(one).flatMap((each) => [each, closure()])), 2)
    assert.strictEqual(looksFor([...many(one), ...many(two)]), 4)
    // With dependencies.
    assert.strictEqual(looksFor(many(one).map((each) => one([each]))), 2)
    assert.strictEqual(looksFor([one(1)]), 1)
  })
})

describe("the functions of a module", () => {
  it.effect("K8: run in this process where nothing else serves them", () =>
    Effect.gen(function*() {
      const { add, attempt, range, sum } = work.tasks
      assert.strictEqual(yield* run(sum([add(1, 2), Task.succeed(3), 4])), 10)
      assert.deepStrictEqual(yield* run(range(1, 4)), [1, 2, 3])
      assert.strictEqual(yield* run(attempt()), 1)
      assert.strictEqual(yield* run(range(1, 4).pipe(sum, Task.withOptions({ label: "total" }))), 6)
    }))

  it.effect("K8, F14: fail with instances of the listed classes, and with plain data", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(run(work.tasks.range(4, 1)))
      assert.instanceOf(error, functions.BadRange)
      const dependent = yield* Effect.flip(run(work.tasks.sum(work.tasks.range(4, 1))))
      assert.instanceOf((dependent as Errors.DependencyFailed<unknown>).error, functions.BadRange)
      assert.deepStrictEqual(yield* Effect.flip(run(work.tasks.fails())), { code: 7 })
      assert.strictEqual(String(failure(yield* exitOf(work.tasks.throws()))), "RangeError: too far")
      const { unlisted } = work.tasks as never as { readonly unlisted: () => Task.Task<never> }
      assert.include(
        String(failure(yield* exitOf(unlisted()))),
        "The error of \"work.ts#unlisted\" does not travel: it is a Unlisted, a class that is not in the errors of its module."
      )
    }))

  it.effect("X2: a name that is no exported function dies alone, and is refused once the module is known", () =>
    Effect.gen(function*() {
      const again = Portable.module<{ readonly limit: () => number; readonly add: (a: number, b: number) => number }>()(
        work.url
      )
      const first = failure(yield* exitOf(again.tasks.limit()))
      assert.include(String(first), "exports no function \"limit\"")
      const second = failure(yield* exitOf(again.tasks.limit()))
      assert.instanceOf(second, Errors.SubmitError)
      assert.deepInclude(second.reason, { _tag: "UnknownFunction", name: "work.ts#limit" })
      assert.strictEqual(yield* run(again.tasks.add(1, 2)), 3)
    }))

  it.effect("K8: a module that cannot be imported fails its tasks alone, with the reason", () =>
    Effect.gen(function*() {
      const missing = Portable.module<{ readonly f: () => number }>()(new URL("./portable/missing.ts", import.meta.url))
      const exit = yield* run(Task.exit(missing.tasks.f()))
      assert.include(String(failure(exit)), "missing.ts")
    }))
})
