/** Bodies that submit tasks. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Task from "skein/Task"
import { errorOf } from "../../support.ts"
import { work } from "../backends.ts"
import { Fib, Futures, Halves, Mixed, Parent, Stubborn } from "../names.ts"
import { heard, lines } from "../stage.ts"
import { one } from "../story.ts"
import type { Stories } from "../story.ts"
import { Refused } from "../work.ts"

const { cancelsFunction, launchesEndless, launchesFailure, launchesFunctions } = work.tasks

export const nesting: Stories = {
  "N1: a body computes functions": () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(launchesFunctions(10)), 45)
    }),

  "N1, F14: the typed error of a function reaches the body that submitted it, and then its own submitter": () =>
    Effect.gen(function*() {
      const error = yield* errorOf(Client.compute(launchesFailure(7)))
      assert.instanceOf(error, Refused)
    }),

  "N1, F14: a body computes named tasks, and sees their values or their typed errors": () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Client.compute([Halves([2, 4, 6]), Halves([2, 3])]), ["6", "refused 3"])
    }),

  "N1: a function that a body has submitted submits named tasks": () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Mixed(8)), 5)
    }),

  "N5: a recursion completes on two slots": () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Fib(10)), 55)
    }),

  "N1, M1: futures of bodies are joined and released there": () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Client.compute(Futures(8)), [4, 7, 1])
    }),

  "N10: children end with their parent, functions and named tasks": () =>
    Effect.gen(function*() {
      const [first, second] = yield* Client.submitAll([Parent("a"), launchesEndless("b")])
      yield* heard("a's child begins")
      yield* heard("b's child begins")
      yield* Future.cancel(first)
      yield* Future.cancel(second)
      const told = yield* lines
      assert.deepStrictEqual(told.slice(2), ["a's child: Failure", "a: Failure", "b's child: Failure", "b: Failure"])
    }),

  "N1, C1: a body cancels what it has submitted, and goes on": () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(cancelsFunction("it")), "cancelled")
      assert.deepStrictEqual(yield* lines, ["it begins", "it: Failure"])
    }),

  "N6: a body that keeps its slot and waits, though another slot is free, gets its value": () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Client.compute(Task.withOptions(Stubborn(8), one)), "4")
    })
}
