/** Tasks through pipes: forms of verbs without their first argument, and what may come after a failure. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { pipe } from "effect/Function"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as SkeinError from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { inScheduler, type Log, note } from "./harness.ts"
import { causeOf, defectsIn } from "./support.ts"

class NotFound extends Data.TaggedError("NotFound")<{ readonly id: number }> {}
class Refused extends Data.TaggedError("Refused") {}

const ok = Task.make(Effect.succeed(2), { key: "ok" })
const missing = Task.make(Effect.fail(new NotFound({ id: 7 })), { key: "missing" })
const bug = new Error("bug")
const broken = Task.make(Effect.die(bug), { key: "broken" })

const failureOf = <A, E>(task: Task.Task<A, E>) => Effect.flip(Client.compute(task))

describe("pipes", () => {
  it.effect("G20: map, make and flatMap take the task that comes through a pipe, with options or without", () =>
    Effect.gen(function*() {
      const text = ok.pipe(
        Task.map((n) => n + 1),
        Task.make((n) => Effect.succeed(n * 2), { label: "double" }),
        Task.make(function*(n) {
          const more = yield* Effect.succeed(1)
          return n + more
        }),
        Task.flatMap((n) => Task.succeed(`${n}`), { key: "text" })
      )
      assert.strictEqual(yield* Client.compute(text), "7")
      const future = yield* Client.submit(text)
      assert.strictEqual(future.key, "text")
      assert.strictEqual(yield* Client.compute(future.pipe(Task.map((text) => text.length))), 1)
      assert.deepStrictEqual(yield* Client.compute([1, 2].map((n) => Task.succeed(n)).map(Task.map((n) => -n))), [
        -1,
        -2
      ])
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("G20: a function that is itself an input comes with the function that takes it", () =>
    Effect.gen(function*() {
      const double = (n: number) => n * 2
      assert.strictEqual(yield* Client.compute(Task.map(double, (f) => f(4))), 8)
      assert.strictEqual(yield* Client.compute(Task.make(double, (f) => Effect.succeed(f(4)))), 8)
      const piped = Task.map((n: number) => double(n))
      assert.strictEqual(yield* Client.compute(piped(ok)), 4)
    }).pipe(inScheduler()))

  it.effect("M7: a resource comes through a pipe too", () =>
    Effect.gen(function*() {
      const log: Log = []
      const pool = ok.pipe(
        Task.resource((n) => Effect.acquireRelease(Effect.succeed(n), () => note(log, "closed"))),
        Task.make((n) => note(log, `used ${n}`))
      )
      yield* Client.compute(pool)
      assert.deepStrictEqual(log, ["used 2", "closed"])
    }).pipe(inScheduler()))

  it.effect("G20: exit, all and barrier go into pipe and map as they are, for tasks and futures", () =>
    Effect.gen(function*() {
      const exits = yield* Client.compute([ok, missing].map(Task.exit))
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false])
      const future = yield* Client.submit(ok)
      assert.deepStrictEqual(yield* Client.compute([future].map(Task.exit)), [Exit.succeed(2)])
      assert.deepStrictEqual(yield* Client.compute(ok.pipe(Task.exit)), Exit.succeed(2))
      assert.deepStrictEqual(yield* Client.compute(pipe([ok, ok], Task.all)), [2, 2])
      assert.strictEqual(yield* Client.compute(pipe([ok, ok], Task.barrier)), undefined)
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("G20: as, asVoid, void, fail and tap do as their kin of Effect do", () =>
    Effect.gen(function*() {
      const log: Log = []
      assert.strictEqual(yield* Client.compute(ok.pipe(Task.as("x"))), "x")
      assert.strictEqual(yield* Client.compute(Task.as(ok, "x")), "x")
      assert.strictEqual(yield* Client.compute(ok.pipe(Task.asVoid)), undefined)
      assert.strictEqual(yield* Client.compute(Task.void), undefined)
      assert.strictEqual(yield* failureOf(Task.fail("no")), "no")
      assert.strictEqual(yield* Client.compute(ok.pipe(Task.tap((n) => note(log, `saw ${n}`)))), 2)
      assert.strictEqual(yield* failureOf(Task.tap(ok, () => Effect.fail("tapped"))), "tapped")
      const failed = yield* failureOf(missing.pipe(Task.tap(() => note(log, "never"))))
      assert.strictEqual(failed._tag, "DependencyFailed")
      assert.deepStrictEqual(log, ["saw 2"])
    }).pipe(inScheduler()))
})

describe("verbs", () => {
  it.effect("G20: submit, compute, run and what waits go point-free into forEach, map and pipe", () =>
    Effect.gen(function*() {
      const tasks = [1, 2].map((n) => Task.succeed(n))
      const futures = yield* Effect.forEach(tasks, Client.submit)
      assert.deepStrictEqual(yield* Effect.forEach(futures, Future.join), [1, 2])
      assert.deepStrictEqual(yield* Effect.forEach(futures, Future.await), [Exit.succeed(1), Exit.succeed(2)])
      assert.deepStrictEqual(yield* Effect.forEach(tasks, Client.compute), [1, 2])
      assert.strictEqual(yield* ok.pipe(Client.submit, Effect.flatMap(Future.join)), 2)
      assert.strictEqual(yield* ok.pipe(Client.compute), 2)
      assert.deepStrictEqual(yield* Effect.forEach(tasks, Task.run), [1, 2])
      yield* Effect.forEach(tasks, Client.fireAndForget)
      const failed = yield* Client.submit(missing)
      yield* Future.await(failed)
      const [again] = yield* Effect.forEach([failed], Client.retry)
      assert.isTrue(Exit.isFailure(yield* Future.await(again!)))
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("G20: what takes several futures or tasks, a value or a name goes point-free into forEach", () =>
    Effect.gen(function*() {
      const tasks = [[Task.succeed(1), Task.succeed(2)], [Task.succeed(3)]]
      const futures = yield* Effect.forEach(tasks, Client.submitAll)
      assert.deepStrictEqual(yield* Effect.forEach(futures, Future.joinAll), [[1, 2], [3]])
      assert.deepStrictEqual(
        yield* Effect.forEach(futures, (each) => Stream.runCount(pipe(each, Client.asCompleted))),
        [
          2,
          1
        ]
      )
      const released = pipe(futures[0]!, Client.asCompleted({ release: true }))
      assert.strictEqual(yield* Stream.runCount(released), 2)
      assert.deepStrictEqual(yield* Effect.forEach(futures[0]!, Future.status), ["released", "released"])
      const ended = yield* Effect.forEach(futures.slice(1), Client.completions)
      assert.deepStrictEqual([...(yield* ended[0]!.take)], futures[1])
      const scattered = yield* Effect.forEach(["a", "b"], Client.scatter)
      assert.deepStrictEqual(yield* Effect.forEach(scattered, Future.join), ["a", "b"])
      const endless = yield* Client.submitAll([Task.make(Effect.never), Task.make(Effect.never)])
      yield* Effect.forEach([endless], Future.cancelAll, { discard: true })
      assert.deepStrictEqual(yield* Effect.forEach(endless, Future.status), ["cancelled", "cancelled"])
      yield* Client.fireAndForget(Task.make(Effect.never), { group: "mail" })
      yield* Effect.forEach(["mail"], Client.cancelGroup, { discard: true })
      yield* Effect.forEach(["mail"], Client.awaitGroup, { discard: true })
      const found = yield* Effect.forEach([Effect.map(Worker.current, ({ id }) => id)], Scheduler.runOnEach)
      assert.deepStrictEqual(found.map((each) => [...each]), [[["local", "local"]]])
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("G20: submit, fireAndForget, run and runOnEach have forms with their options alone", () =>
    Effect.gen(function*() {
      const cache = new Map<string, unknown>([["ok", 7]])
      const future = yield* ok.pipe(Client.submit({ cache }))
      assert.strictEqual(yield* Future.join(future), 7)
      const log: Log = []
      yield* Task.make(note(log, "fired")).pipe(Client.fireAndForget({ group: "mails" }))
      yield* Client.awaitGroup("mails")
      assert.deepStrictEqual(log, ["fired"])
      assert.strictEqual(yield* ok.pipe(Task.run({ concurrency: 1 })), 2)
      const exit = yield* missing.pipe(Task.run({ mode: "collect" }))
      assert.isTrue(Exit.isFailure(exit))
      const found = yield* Effect.map(Worker.current, ({ key }) => key).pipe(Scheduler.runOnEach({ label: "look" }))
      assert.match(found.get("local")!, /^look#/)
      const refused = defectsIn(yield* causeOf(ok.pipe(Client.submit({ passes: ["no" as never] }))))
      assert.include(String(refused[0]), "The option passes cannot be")
    }).pipe(Effect.scoped, inScheduler()))
})

describe("after a failure", () => {
  it.effect("F19: catch gives a success on, and takes the error of the task itself", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const handler = (error: unknown) => Effect.sync(() => (seen.push(error), 0))
      assert.strictEqual(yield* Client.compute(ok.pipe(Task.catch(handler))), 2)
      assert.strictEqual(yield* Client.compute(Task.catch(missing, handler)), 0)
      assert.deepStrictEqual(seen, [new NotFound({ id: 7 })])
      const other = yield* failureOf(missing.pipe(Task.catch(() => Effect.fail("other"))))
      assert.strictEqual(other, "other")
    }).pipe(inScheduler()))

  it.effect("F19: what failed upstream is a DependencyFailed to catch, as it is to the task", () =>
    Effect.gen(function*() {
      const below = missing.pipe(Task.map((n) => n), Task.map((n) => n, { key: "below" }))
      const told = below.pipe(
        Task.catchTag("DependencyFailed", ({ error, root }) => Effect.succeed([root, error] as const))
      )
      assert.deepStrictEqual(yield* Client.compute(told), ["missing", new NotFound({ id: 7 })] as const)
    }).pipe(inScheduler()))

  it.effect("F19: catchTag takes one tag or several, and fails with the others as the task did", () =>
    Effect.gen(function*() {
      const refused = Task.make(Effect.fail(new Refused()), { key: "refused" })
      const either = Task.make(Effect.fail(new NotFound({ id: 1 })) as Effect.Effect<number, NotFound | Refused>)
      assert.strictEqual(
        yield* Client.compute(missing.pipe(Task.catchTag("NotFound", ({ id }) => Effect.succeed(id)))),
        7
      )
      const both = either.pipe(Task.catchTag(["NotFound", "Refused"], ({ _tag }) => Effect.succeed(_tag)))
      assert.strictEqual(yield* Client.compute(both), "NotFound")
      const mixed = refused as Task.Task<never, NotFound | Refused>
      const cause = yield* causeOf(Client.compute(Task.catchTag(mixed, "NotFound", () => Effect.void)))
      assert.deepStrictEqual(Cause.findErrorOption(cause), Option.some(new Refused()))
      assert.include(SkeinError.pretty(cause), "\"refused\"")
    }).pipe(inScheduler()))

  it.effect("F19: mapError, orElseSucceed, result and option do as their kin of Effect do", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* failureOf(missing.pipe(Task.mapError(({ _tag }) => `was ${_tag}`))), "was NotFound")
      assert.strictEqual(yield* Client.compute(missing.pipe(Task.orElseSucceed(() => "none"))), "none")
      assert.strictEqual(yield* Client.compute(ok.pipe(Task.orElseSucceed(() => "none"))), 2)
      const results = yield* Client.compute([ok.pipe(Task.result), missing.pipe(Task.result)])
      assert.deepStrictEqual(results, [Result.succeed(2), Result.fail(new NotFound({ id: 7 }))])
      assert.deepStrictEqual(yield* Client.compute([ok, missing].map(Task.option)), [Option.some(2), Option.none()])
    }).pipe(inScheduler()))

  it.effect("F19: orElse goes on with another task, which is submitted only after the failure", () =>
    Effect.gen(function*() {
      const log: Log = []
      const mirror = Task.make(note(log, "mirror").pipe(Effect.as("text")))
      assert.strictEqual(yield* Client.compute(ok.pipe(Task.orElse(() => mirror))), 2)
      assert.deepStrictEqual(log, [])
      assert.strictEqual(yield* Client.compute(Task.orElse(missing, () => mirror)), "text")
      assert.strictEqual(yield* failureOf(missing.pipe(Task.orElse(() => Task.fail("both")))), "both")
    }).pipe(inScheduler()))

  it.effect("F19: a defect passes by all of them", () =>
    Effect.gen(function*() {
      const after: ReadonlyArray<Task.Task<unknown, unknown>> = [
        broken.pipe(Task.catch(() => Effect.succeed(0))),
        broken.pipe(Task.mapError(() => 0)),
        broken.pipe(Task.orElseSucceed(() => 0)),
        broken.pipe(Task.orElse(() => ok)),
        broken.pipe(Task.result),
        broken.pipe(Task.option)
      ]
      for (const task of after) assert.deepStrictEqual(defectsIn(yield* causeOf(Client.compute(task))), [bug])
    }).pipe(inScheduler()))

  it.effect("F19: a cancellation can be caught, and a skip passes on as one", () =>
    Effect.gen(function*() {
      const cut = Task.make(Effect.interrupt)
      const caught = yield* Client.compute(cut.pipe(Task.catch(({ _tag }) => Effect.succeed(_tag))))
      assert.strictEqual(caught, "SkeinError")
      const skipped = Task.make(Worker.skip, { key: "skipped" }).pipe(Task.mapError((error) => error))
      const exit = yield* Effect.exit(Client.compute(skipped))
      assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("was skipped"))
    }).pipe(inScheduler()))

  it.effect("F19: retry of the task comes before the handler, and the handler runs in a task of its own", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(Effect.andThen(note(log, "tried"), Effect.fail("no")), { retry: Schedule.recurs(1) }).pipe(
        Task.catch((error) => Effect.as(note(log, `caught ${String(error)}`), 0)),
        Task.withOptions({ key: "safe" })
      )
      const future = yield* Client.submit(task)
      assert.strictEqual(yield* Future.join(future), 0)
      assert.deepStrictEqual([future.key, log], ["safe", ["tried", "tried", "caught no"]])
    }).pipe(Effect.scoped, inScheduler()))
})
