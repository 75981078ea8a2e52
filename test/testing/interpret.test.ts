import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { Interpreter, World } from "skein/testing"
import * as Worker from "skein/Worker"
import { errorsIn, infoOf, submitErrorOf } from "../support.ts"

const noted = (log: Array<string>, name: string, options?: Task.Options) =>
  Task.make(Effect.sync(() => log.push(name)), options)

describe("interpret", () => {
  it.effect("T6: runs each task once, dependencies first, and gives exits in the shape of the targets", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const a = noted(log, "a")
      const b = Task.map({ a }, ({ a }) => a + 10)
      const exits = yield* Interpreter.run({ b, all: [a, b], plain: 1 })
      assert.deepStrictEqual(exits, { b: Exit.succeed(11), all: [Exit.succeed(1), Exit.succeed(11)], plain: 1 })
      assert.deepStrictEqual(log, ["a"])
    }))

  it.effect("T6: a failure goes down as it does in a scheduler: the same errors, roots and paths", () =>
    Effect.gen(function*() {
      const a = Task.make(Effect.fail("no"), { key: "a" })
      const b = Task.map({ a }, () => 1, { key: "b" })
      const c = Task.map({ b }, () => 1, { key: "c" })
      const d = Task.map(Task.exit(c), Exit.isFailure, { key: "d" })
      const tasks: ReadonlyArray<Task.Task<unknown, unknown>> = [a, b, c, d]
      const oracle = yield* Interpreter.run(tasks)
      const actual = yield* Effect.provide(Client.compute(tasks, { mode: "collect" }), Skein.layer())
      for (const [i, exit] of oracle.entries()) {
        const other = actual[i]!
        if (Exit.isSuccess(exit) || Exit.isSuccess(other)) {
          assert.deepStrictEqual(exit, other)
          continue
        }
        assert.deepStrictEqual(errorsIn(exit.cause).map(String), errorsIn(other.cause).map(String))
        assert.deepStrictEqual(infoOf(exit.cause)?.path, infoOf(other.cause)?.path)
      }
    }))

  it.effect("T6: bodies may compute, submit, join, joinAll and secede; what nobody asks for does not run", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const body = Task.make(Effect.gen(function*() {
        const [x] = yield* Client.compute([noted(log, "computed")])
        const future = yield* Client.submit(noted(log, "joined"))
        yield* Client.submit(noted(log, "ignored"))
        const y = yield* Future.join(future)
        const [z] = yield* Future.joinAll([yield* Client.submit(noted(log, "gathered"))])
        yield* Worker.seceded(Effect.void)
        return [x, y, z]
      }))
      const fork = Task.flatMap([body], ([found]) => Task.map([noted(log, "inner")], () => found.length))
      assert.deepStrictEqual(yield* Interpreter.run(fork), Exit.succeed(3))
      assert.deepStrictEqual(log, ["computed", "joined", "gathered", "inner"])
    }))

  it.effect("T6: attempts are counted, and a body that interrupts itself is cancelled", () =>
    Effect.gen(function*() {
      let attempts = 0
      const retried = Task.make(
        Effect.suspend(() => ++attempts < 3 ? Effect.fail("again") : Effect.succeed(attempts)),
        {
          retry: Schedule.recurs(5)
        }
      )
      const interrupted = Task.make(Effect.interrupt, { key: "i" })
      const [a, b] = yield* Interpreter.run([retried, interrupted])
      assert.deepStrictEqual(a, Exit.succeed(3))
      assert.strictEqual(
        errorsIn((b as Exit.Failure<never, unknown>).cause).map(String)[0]?.includes("cancelled"),
        true
      )
    }))

  it.live("T6: a timeout of an attempt counts", () =>
    Effect.gen(function*() {
      const late = Task.make(Effect.sleep("1 day"), { timeout: "1 hour", key: "late" })
      const exit = yield* World.withSeed(Interpreter.run(late), 1)
      assert.include(String(exit), "TaskTimeout")
    }))

  it.effect("T6: a graph that a scheduler refuses is refused", () =>
    Effect.gen(function*() {
      const twice = [Task.make(Effect.succeed(1), { key: "k" }), Task.make(Effect.succeed(2), { key: "k" })]
      assert.strictEqual((yield* submitErrorOf(Interpreter.run(twice))).reason._tag, "KeyConflict")
    }))

  it.effect("G15: a chain of 10,000 tasks is no deeper than one of two", () =>
    Effect.gen(function*() {
      let task: Task.Task<number, any> = Task.make(Effect.succeed(0))
      for (let i = 0; i < 10_000; i++) task = Task.map({ task }, ({ task }) => task + 1)
      assert.deepStrictEqual(yield* Interpreter.run(task), Exit.succeed(10_000))
    }))
})
