import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import { DependencyFailed } from "skein/SkeinError"
import * as Task from "skein/Task"
import type { Trail, Where } from "../src/engine/protocol/Outcome.ts"
import { Path } from "../src/engine/structures/path.ts"
import { exitOf, rootCause } from "../src/internal/views/causes.ts"
import { inQuietScheduler } from "./harness.ts"
import { infoOf, onlyError } from "./support.ts"

const nowhere: Where = { attempt: 0, label: undefined, graph: 1, submitter: "program", worker: undefined }

/** The outcomes of a chain of tasks of which the first failed, and how often something asked where one came from. */
const chainOf = (length: number, isAlias: boolean) => {
  const looks = { count: 0 }
  const trails: Array<Trail> = [{ task: "t0", from: undefined, where: nowhere }]
  for (let i = 1; i < length; i++) {
    const before = trails[i - 1]!
    trails.push({
      task: `t${i}`,
      isAlias,
      get from() {
        looks.count++
        return before
      }
    })
  }
  const reason = { _tag: "Failed", failure: 1, defect: false } as const
  return { looks, outcomes: trails.map((trail) => ({ reason, trail })) }
}

/** Counts the keys that are written into paths while an effect runs. */
const countingKeys = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.suspend(() => {
    // eslint-disable-next-line @typescript-eslint/unbound-method
    const { toArray } = Path.prototype
    let keys = 0
    Path.prototype.toArray = function(this: Path) {
      keys += this.length
      return toArray.call(this)
    }
    return Effect.ensuring(
      Effect.map(effect, (value) => [value, keys] as const),
      Effect.sync(() => {
        Path.prototype.toArray = toArray
      })
    )
  })

/** Tasks in a row of which the first fails. */
const failing = (length: number): ReadonlyArray<Task.Task<number, unknown>> => {
  const tasks: Array<Task.Task<number, unknown>> = [Task.make(Effect.fail("no"))]
  while (tasks.length < length) tasks.push(Task.map([tasks.at(-1)!], ([n]) => n))
  return tasks
}

const lastPath = (exits: ReadonlyArray<Exit.Exit<unknown, unknown>>): number => {
  const exit = exits.at(-1)!
  return Exit.isFailure(exit) ? infoOf(exit.cause)!.path.length : 0
}

describe("what failures cost", () => {
  for (const isAlias of [false, true]) {
    const kind = isAlias ? "tasks that stand for each other" : "dependents"
    it(`F2: each exit of a chain of ${kind} looks at its own task and the one before, whichever comes first`, () => {
      const length = 1000
      const causeOf = () => Cause.fail("no")
      for (const order of ["first", "last"] as const) {
        const { looks, outcomes } = chainOf(length, isAlias)
        for (const outcome of order === "first" ? outcomes : outcomes.toReversed()) {
          exitOf(outcome, causeOf, nowhere)
          rootCause(outcome, causeOf)
        }
        assert.isAtMost(looks.count, 12 * length)
      }
    })
  }

  it.effect("F2: the exits of a chain share their path, which is written when somebody reads it, once", () =>
    Effect.gen(function*() {
      const length = 500
      const [exits, keys] = yield* countingKeys(Client.compute(failing(length), { mode: "collect" }))
      assert.strictEqual(keys, 0)
      const [size, read] = yield* countingKeys(Effect.sync(() => lastPath(exits) + lastPath(exits)))
      assert.deepStrictEqual([size, read], [2 * length, length])
      const last = exits.at(-1)!
      const error = Exit.isFailure(last) ? onlyError(last.cause) : undefined
      assert.isTrue(error instanceof DependencyFailed)
      if (!(error instanceof DependencyFailed)) return
      assert.strictEqual(error.path, error.path)
      assert.deepStrictEqual([error.path.length, error.path[0], error.path.at(-1)], [length, error.root, error.key])
      assert.notInclude(Object.keys(error), "path")
    }).pipe(inQuietScheduler()))

  it.effect("F2: futures of a chain, their joinAll, Task.exit and policies of each, and a dump write no path", () =>
    Effect.gen(function*() {
      const length = 300
      const [, keys] = yield* countingKeys(Effect.scoped(Effect.gen(function*() {
        const futures = yield* Client.submitAll(failing(length))
        const exits = yield* Effect.forEach(futures, Future.await)
        assert.isTrue(exits.every(Exit.isFailure))
        yield* Future.awaitAll(futures)
        yield* Client.compute(futures.map((future) => Task.exit(future)))
        yield* Client.compute(
          futures.map((future) => Task.map({ any: Dependency.any([future], { on: "completion" }) }, () => 0))
        )
        const { tasks } = yield* Scheduler.dump
        assert.lengthOf(tasks, length)
      })))
      assert.strictEqual(keys, 0)
    }).pipe(inQuietScheduler()))

  it.effect("F2: bodies that join each other, and pass the failure on, share one path", () =>
    Effect.gen(function*() {
      const length = 200
      const [path, keys] = yield* countingKeys(Effect.scoped(Effect.gen(function*() {
        let last = yield* Client.submit(Task.make(Effect.fail("no")) as Task.Task<number, unknown>)
        for (let i = 1; i < length; i++) {
          const before = last
          // Half of them take the error out of its cause.
          const join = i % 2 === 1 ? Future.join(before) : Effect.catch(Future.join(before), Effect.fail)
          last = yield* Client.submit(Task.map([Task.make(join)], ([n]) => n) as Task.Task<number, unknown>)
          yield* Future.await(last)
        }
        const exit = yield* Future.await(last)
        return Exit.isFailure(exit) ? infoOf(exit.cause)!.path : []
      })))
      assert.strictEqual(path.length, 2 * length - 1)
      assert.strictEqual(new Set(path).size, path.length)
      assert.strictEqual(keys, path.length)
    }).pipe(inQuietScheduler()))
})
