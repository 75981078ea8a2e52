import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as FiberScheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import { InvalidArgument, Released } from "skein/SkeinError"
import * as Task from "skein/Task"
import { inScheduler, turns } from "./harness.ts"
import { errorOf, submitErrorOf } from "./support.ts"

/** What a request that knows a name alone gets. */
const asked = (name: string): Effect.Effect<unknown, never, Client.Client> =>
  Effect.scoped(Effect.flatMap(
    Client.published(name),
    (found): Effect.Effect<unknown> => Option.isNone(found) ? Effect.succeed("nothing") : Future.await(found.value)
  ))

describe("published futures", () => {
  it.effect("A13: others pick up by name what was published, ended or not, failed or not", () =>
    Effect.gen(function*() {
      const gate = yield* Client.submit(Task.make(Effect.never as Effect.Effect<string>))
      assert.isTrue(yield* Future.publish(gate, "late"))
      const failed = yield* Client.submit(Task.make(Effect.fail("no")))
      assert.isTrue(yield* failed.pipe(Future.publish("failed")))
      const late = yield* Effect.forkChild(asked("late"))
      yield* Effect.yieldNow
      yield* Future.settle(gate, Exit.succeed("done"))
      assert.deepStrictEqual(yield* Fiber.join(late), Exit.succeed("done"))
      const end = (yield* asked("failed")) as Exit.Exit<unknown, unknown>
      assert.strictEqual(Exit.isFailure(end) && Cause.squash(end.cause), "no")
      assert.strictEqual(yield* asked("other"), "nothing")
    }).pipe(inScheduler()))

  it.effect("A13: a name belongs to the scope that published it; who has picked the future up keeps the result", () =>
    Effect.gen(function*() {
      const publisher = yield* Scope.make()
      yield* Scope.provide(
        Effect.flatMap(Client.submit(Task.make(Effect.succeed("model"))), Future.publish("model")),
        publisher
      )
      const mine = Option.getOrThrow(yield* Client.published("model"))
      yield* Scope.close(publisher, Exit.void)
      assert.strictEqual(yield* asked("model"), "nothing")
      assert.strictEqual(yield* Future.join(mine), "model")
    }).pipe(Effect.scoped, inScheduler()))

  it.effect("A13: a name that is taken stays with its owner, until that ends it", () =>
    Effect.gen(function*() {
      const [first, second] = yield* Client.submitAll([Task.succeed(1), Task.succeed(2)])
      assert.isTrue(yield* Future.publish(first, "n"))
      assert.isFalse(yield* Future.publish(second, "n"))
      assert.deepStrictEqual(yield* asked("n"), Exit.succeed(1))
      assert.isTrue(yield* Client.unpublish("n"))
      assert.isFalse(yield* Client.unpublish("n"))
      assert.strictEqual(yield* asked("n"), "nothing")
      assert.isTrue(yield* Future.publish(second, "n"))
      assert.deepStrictEqual(yield* asked("n"), Exit.succeed(2))
    }).pipe(inScheduler()))

  it.effect("A13: the end of an earlier owner does not end the name of a later one", () =>
    Effect.gen(function*() {
      const [early, late] = [yield* Scope.make(), yield* Scope.make()]
      const submitted = Client.submit(Task.succeed("it"))
      yield* Scope.provide(Effect.flatMap(submitted, Future.publish("n")), early)
      yield* Client.unpublish("n")
      yield* Scope.provide(Effect.flatMap(submitted, Future.publish("n")), late)
      yield* Scope.close(early, Exit.void)
      assert.deepStrictEqual(yield* asked("n"), Exit.succeed("it"))
      yield* Scope.close(late, Exit.void)
      assert.strictEqual(yield* asked("n"), "nothing")
    }).pipe(inScheduler()))

  it.effect("A13: a released future is not published, and a body publishes for as long as it runs", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.succeed(1))
      yield* Future.release(future)
      const error = yield* errorOf(Future.publish(future, "gone"))
      assert.instanceOf(error.reason, Released)
      assert.strictEqual(yield* asked("gone"), "nothing")
      const other = yield* Client.submit(Task.succeed(2))
      const inside = yield* Client.compute(Task.make(Effect.scoped(
        Effect.andThen(Future.publish(other, "inside"), asked("inside"))
      )))
      assert.deepStrictEqual(inside, Exit.succeed(2))
      assert.strictEqual(yield* asked("inside"), "nothing")
    }).pipe(inScheduler()))

  it.effect("A13: of several that publish one name at once, one gets it, however their operations alternate", () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll([1, 2, 3].map((n) => Task.succeed(n)))
      for (let operations = 3; operations <= 20; operations++) {
        const name = `n${operations}`
        const taken = yield* Effect.forEach(futures, (future) => Future.publish(future, name), {
          concurrency: "unbounded"
        }).pipe(Effect.provideService(FiberScheduler.MaxOpsBeforeYield, operations))
        assert.lengthOf(taken.filter((is) => is), 1, name)
        assert.deepStrictEqual(yield* asked(name), Exit.succeed(taken.indexOf(true) + 1), name)
      }
    }).pipe(inScheduler()))

  it.effect("A13: a publish or an end of a name that is interrupted at any operation leaves no name behind its scope", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.succeed("it"))
      for (let operations = 3; operations <= 7; operations++) {
        for (let cut = 0; cut < 40; cut++) {
          const publisher = yield* Scope.make()
          const fiber = yield* Effect.forkChild(
            Effect.andThen(Future.publish(future, "n"), cut % 2 === 0 ? Effect.void : Client.unpublish("n")).pipe(
              Scope.provide(publisher),
              Effect.provideService(FiberScheduler.MaxOpsBeforeYield, operations)
            )
          )
          yield* turns(Math.floor(cut / 2))
          yield* Fiber.interrupt(fiber)
          yield* Scope.close(publisher, Exit.void)
          assert.strictEqual(yield* asked("n"), "nothing", `${operations} operations, cut ${cut}`)
          assert.isTrue(yield* Effect.scoped(Future.publish(future, "n")), `${operations} operations, cut ${cut}`)
        }
      }
    }).pipe(inScheduler()))

  it.effect("A13: a scope has one finalizer for all its names, which holds none that has ended", () =>
    Effect.gen(function*() {
      const publisher = yield* Scope.make()
      const future = yield* Client.submit(Task.succeed("it"))
      const publish = (name: string) => Scope.provide(Future.publish(future, name), publisher)
      for (let n = 0; n < 100; n++) {
        yield* publish("n")
        yield* Client.unpublish("n")
      }
      yield* publish("a")
      yield* publish("b")
      const { state } = publisher
      assert.strictEqual(state._tag === "Open" && state.finalizers?.size, 2, "the owner and the names")
      yield* Scope.close(publisher, Exit.void)
      assert.deepStrictEqual([yield* asked("a"), yield* asked("b")], ["nothing", "nothing"])
    }).pipe(inScheduler()))
})

describe("scattered values", () => {
  it.effect("A12: a value becomes a future, an input like any other, also in a body", () =>
    Effect.gen(function*() {
      const value = { rows: [1, 2, 3] }
      const table = yield* Client.scatter(value)
      assert.strictEqual(yield* Future.join(table), value)
      assert.strictEqual(yield* Client.compute(Task.map(table, ({ rows }) => rows.length)), 3)
      const nested = Task.make(
        Effect.scoped(Effect.flatMap(Client.scatter(7), (n) => Client.compute(Task.map(n, (n) => n + 1))))
      )
      assert.strictEqual(yield* Client.compute(nested), 8)
    }).pipe(inScheduler()))

  it.effect("A12: equal values are one on request, and what has no encoding is refused", () =>
    Effect.gen(function*() {
      const [one, same, other] = [
        yield* Client.scatter({ a: [1, "x"] }, { pure: true }),
        yield* Client.scatter({ a: [1, "x"] }, { pure: true }),
        yield* Client.scatter({ a: [2, "x"] }, { pure: true })
      ]
      assert.strictEqual(one.key, same.key)
      assert.notStrictEqual(one.key, other.key)
      const [first, second] = [yield* Future.join(one), yield* Future.join(same)]
      assert.strictEqual(first, second)
      assert.notStrictEqual(yield* Client.scatter(1), yield* Client.scatter(1))
      const error = yield* submitErrorOf(Client.scatter(() => 1, { pure: true }))
      assert.instanceOf(error.reason, InvalidArgument)
    }).pipe(inScheduler()))

  it.effect("A12: a value is there at once, with a digest too, while nothing may start", () =>
    Effect.gen(function*() {
      yield* Scheduler.pause()
      for (const options of [{}, { pure: true }]) {
        const future = yield* Client.scatter([1, 2], options)
        assert.deepStrictEqual(yield* Future.join(future), [1, 2])
        assert.deepStrictEqual((yield* Future.metadata(future)).attempts, [])
      }
      // What is held by all workers is a result, and tasks within a value are inputs.
      const held = yield* Effect.forkChild(Effect.asVoid(Client.scatter([1, 2], { pure: true, broadcast: true })))
      const within = yield* Client.scatter({ n: Task.sync(() => 3), two: Task.succeed(2) })
      assert.isTrue(Task.isTask((yield* Future.join(within)).n))
      const n = Task.fn((n: number) => n, { pure: true, name: "n" })
      const whole = yield* Client.scatter({ n: n(3), two: Task.succeed(2) }, { pure: true })
      assert.strictEqual(whole.key, `scatter({"n":task("n(3)"),"two":2})`)
      yield* Scheduler.resume()
      const joined: unknown = yield* Future.join(whole)
      assert.deepStrictEqual(joined, { n: 3, two: 2 })
      yield* Fiber.join(held)
    }).pipe(inScheduler()))

  it.effect("A12: a broadcast value is on all workers when the call returns", () =>
    Effect.gen(function*() {
      const value = { big: true }
      const future = yield* Client.scatter(value, { broadcast: true })
      assert.sameMembers([...yield* Future.replicate(future, { copies: 1 })], ["a", "b", "c"])
      yield* Scheduler.retire("a")
      assert.strictEqual(yield* Future.join(future), value)
    }).pipe(inScheduler({ workers: ["a", "b", "c"].map((id) => ({ id, concurrency: 1 })) })))
})
