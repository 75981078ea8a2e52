/** Values and failures of bodies. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Task from "skein/Task"
import { causeOf, causeOfExit, defectsIn, errorOf, errorsIn, infoOf } from "../../support.ts"
import { work } from "../backends.ts"
import { Asked, Bill, Half, MakeBill, Pay, Wrong } from "../names.ts"
import { heard, lines, pass } from "../stage.ts"
import { one } from "../story.ts"
import type { Stories } from "../story.ts"
import { Refused } from "../work.ts"
import type { Sample } from "../work.ts"

const { add, failsTwice, interruptsItself, nothing, promised, refuses, rejected, same, skips, steps, sum, throws } =
  work.tasks

const sample: Sample = {
  at: new Date(86_400_000),
  bytes: Uint8Array.of(1, 2, 3),
  named: new Map([["one", 1], ["none", undefined]]),
  seen: new Set([10n, 20n]),
  text: null,
  rows: [{ x: 1 }, {}, { x: Number.NaN }]
}

export const results: Stories = {
  "G3: results come in the shape of the request, whatever way a function returns them": () =>
    Effect.gen(function*() {
      const values = yield* Client.compute({ value: add(1, 2), others: [promised(3), steps(4), nothing()] as const })
      assert.deepStrictEqual(values, { value: 3, others: [3, 4, undefined] })
    }),

  "G2, G8: values of tasks take their places among the arguments, at any depth": () =>
    Effect.gen(function*() {
      const total = sum([add(1, 2), sum([promised(3), 4]), steps(5)])
      const here = Task.map({ total }, ({ total }) => total * 10)
      assert.deepStrictEqual(yield* Client.compute([total, here, add(here, total)]), [15, 150, 165])
    }),

  "K9: plain data arrives as it was sent": () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Client.compute(same(sample)), sample)
      assert.deepStrictEqual(yield* Client.compute(same(same(sample))), sample)
    }),

  "K9: instances of classes with schemas arrive as instances, from task to task": () =>
    Effect.gen(function*() {
      const bill = MakeBill({ total: 7 })
      const [made, paid] = yield* Client.compute([bill, Pay({ bill })])
      assert.instanceOf(made, Bill)
      assert.deepStrictEqual(made.due, Option.some(new Date(7)))
      assert.isFalse(made.isPaid)
      assert.isTrue(paid)
    }),

  "W15: a handler has the services of its layer, which is built once for each worker": () =>
    Effect.gen(function*() {
      const counts: Array<number> = []
      for (let i = 0; i < 3; i++) {
        counts.push(yield* Client.compute(Task.withOptions(Asked(), one)))
      }
      const [first = 0] = counts
      assert.deepStrictEqual(counts, [first, first + 1, first + 2])
    }),

  "G15: a long chain ends": () =>
    Effect.gen(function*() {
      const link = (task: Task.Task<number, any>): Task.Task<number, any> => add(task, 1)
      let last: Task.Task<number, any> = add(0, 1)
      for (let i = 1; i < 300; i++) last = link(last)
      assert.strictEqual(yield* Client.compute(last), 300)
    }),

  "B4: many tasks give their own results, each in its place, and failures are their own": () =>
    Effect.gen(function*() {
      const numbers = Array.from({ length: 500 }, (_, i) => i)
      const tasks = numbers.map((n) => n % 100 === 99 ? refuses(n) : add(n, n))
      const exits = yield* Client.compute(tasks, { mode: "collect" })
      const said = exits.map((exit) => Exit.isSuccess(exit) ? exit.value : -(errorsIn(exit.cause)[0] as Refused).own)
      assert.deepStrictEqual(said, numbers.map((n) => n % 100 === 99 ? -n : 2 * n))
    }),

  "F1, F14: a body fails with the error that it has, as an instance of its class": () =>
    Effect.gen(function*() {
      const error = yield* errorOf(Client.compute(refuses(7)))
      assert.instanceOf(error, Refused)
      assert.propertyVal(error, "own", 7)
      const named = yield* errorOf(Client.compute(Half(3)))
      assert.instanceOf(named, Refused)
    }),

  "F1: a defect stays a defect with its message and its causes, and an interruption an interruption": () =>
    Effect.gen(function*() {
      const [thrown] = defectsIn(yield* causeOf(Client.compute(throws("too far"))))
      assert.strictEqual(String(thrown), "RangeError: too far")
      assert.strictEqual(String((thrown as Error).cause), "TypeError: deeper")
      const [rejection] = defectsIn(yield* causeOf(Client.compute(rejected("late"))))
      assert.strictEqual(String(rejection), "RangeError: late")
      const exit = yield* Effect.flatMap(Client.submit(interruptsItself()), Future.await)
      assert.isFalse(Exit.isSuccess(exit))
    }),

  "F1, F14: a cause keeps all its reasons": () =>
    Effect.gen(function*() {
      const cause = yield* causeOf(Client.compute(failsTwice(7)))
      assert.instanceOf(errorsIn(cause)[0], Refused)
      assert.strictEqual(String(defectsIn(cause)[0]), "RangeError: finalizer")
    }),

  "F2: a dependent of a failed task never starts, and its failure names the root and the path": () =>
    Effect.gen(function*() {
      const root = Task.withOptions(refuses(7), { label: "root" })
      const error = yield* errorOf(Client.compute(Task.withOptions(add(add(root, 1), 2), { label: "last" })))
      assert.propertyVal(error, "_tag", "DependencyFailed")
      assert.instanceOf((error as { readonly error: unknown }).error, Refused)
      assert.match(JSON.stringify(error), /root/)
    }),

  "F12: a failure has the key, the label, the attempt and the worker": () =>
    Effect.gen(function*() {
      const info = infoOf(yield* causeOf(Client.compute(Task.withOptions(refuses(7), { key: "mine", label: "it" }))))
      assert.strictEqual(info?.key, "mine")
      assert.strictEqual(info?.label, "it")
      assert.strictEqual(info?.attempt, 1)
      assert.match(String(info?.worker), /^pool-[12]$/)
    }),

  "F3: with failFast the first failure ends the rest; with continue all run, and each failure is told": () =>
    Effect.gen(function*() {
      const tasks = [refuses(1), work.tasks.endless("other")]
      assert.propertyVal(yield* errorOf(Client.compute(tasks)), "own", 1)
      const cause = yield* causeOf(Client.compute([refuses(1), add(1, 1), refuses(2)], { mode: "continue" }))
      assert.deepStrictEqual(errorsIn(cause).map((error) => (error as Refused).own), [1, 2])
    }),

  "F14: a result that its schema refuses ends its task alone": () =>
    Effect.gen(function*() {
      const [wrong, right] = yield* Client.compute([Wrong(), Half(8)], { mode: "collect" })
      assert.match(Cause.pretty(causeOfExit(wrong)), /The result of "Wrong" does not travel/)
      assert.deepStrictEqual(right, Exit.succeed(4))
    }),

  "F19: a failure is caught by its tag, mapped, or replaced": () =>
    Effect.gen(function*() {
      const caught = refuses(3).pipe(Task.catchTag("Refused", (error) => Effect.succeed(-error.own)))
      const other = refuses(4).pipe(Task.orElse(() => add(20, 20)))
      const mapped = refuses(5).pipe(Task.mapError((error) => error instanceof Refused ? error.own : 0))
      assert.deepStrictEqual(yield* Client.compute([caught, other]), [-3, 40])
      assert.strictEqual(yield* errorOf(Client.compute(mapped)), 5)
    }),

  "D14: exits of tasks are values, with their errors": () =>
    Effect.gen(function*() {
      const found = yield* Client.compute(Task.map(Task.exit(refuses(6)), (exit) => errorsIn(causeOfExit(exit))[0]))
      assert.instanceOf(found, Refused)
    }),

  "D1, D3, D12: policies count the ends of bodies": () =>
    Effect.gen(function*() {
      const any = Task.map(Dependency.any([refuses(1), add(1, 1)]), (found) => found.length)
      const done = Task.map(Dependency.rule("allDone", [refuses(1), add(1, 1)]), () => "all done")
      const [first, second] = yield* Client.compute([any, done], { mode: "collect" })
      assert.isTrue(Exit.isSuccess(first))
      assert.deepStrictEqual(second, Exit.succeed("all done"))
      const none = Task.map(Dependency.any([refuses(1), refuses(2)]), () => 1)
      assert.include(Cause.pretty(yield* causeOf(Client.compute(none))), "ImpossibleDependency")
    }),

  "D9: what ended before the submission counts at once": () =>
    Effect.gen(function*() {
      const [good, bad] = yield* Client.submitAll([add(1, 1), refuses(1)])
      yield* Future.await(bad)
      assert.strictEqual(yield* Client.compute(add(good, 1)), 3)
      assert.propertyVal(yield* errorOf(Client.compute(add(bad, 1))), "_tag", "DependencyFailed")
    }),

  "D13: k of n members meet a set, and the others are cancelled": () =>
    Effect.gen(function*() {
      const votes = [add(1, 1), add(2, 2), work.tasks.endless("loser")]
      const count = Task.map({ votes: Dependency.atLeast(2, votes, { losers: "cancel" }) }, () => "met")
      assert.strictEqual(yield* Client.compute(count), "met")
    }),

  "F7: a body that says that an input is gone runs again with a new one": () =>
    Effect.gen(function*() {
      const input = Task.withOptions(work.tasks.notes("input"), { ...one, key: "input" })
      const reader = Task.withOptions(work.tasks.loses(input), one)
      assert.strictEqual(yield* Client.compute(reader), "input")
      const said = (yield* lines).filter((line) => !line.endsWith("ends"))
      assert.deepStrictEqual(said, ["input begins", "reads input", "input begins", "reads input"])
    }),

  "F10: a body goes back to the queue, and starts again": () =>
    Effect.gen(function*() {
      const task = Task.withOptions(work.tasks.goesBack("it"), one)
      assert.strictEqual(yield* Client.compute(task), "it")
      assert.deepStrictEqual(yield* lines, ["it runs", "it runs"])
    }),

  "G14: a task may depend on one that runs already": () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(work.tasks.waits("it", 1000))
      yield* heard("it waits")
      const later = yield* Client.submit(Task.map(future, (name) => `${name} later`))
      yield* pass(1000)
      assert.strictEqual(yield* Future.join(later), "it later")
    }),

  "G19: a body that skips takes its dependents with it": () =>
    Effect.gen(function*() {
      const [exit] = yield* Client.compute([add(skips(), 1)], { mode: "collect" })
      assert.include(Cause.pretty(causeOfExit(exit)), "TaskSkipped")
    })
}
