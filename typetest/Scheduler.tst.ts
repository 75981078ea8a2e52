import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import type { ImpossibleDependency, Reschedule, SkeinError, SubmitError, Unmet } from "skein/SkeinError"
import type * as Worker from "skein/Worker"
import { describe, expect, it } from "tstyche"

declare const scheduler: Scheduler.Scheduler["Service"]
declare const future: Future.Future<number, "no">

describe("settle", () => {
  it("F9: takes an exit of the future's own types", () => {
    expect(Future.settle(future, Exit.succeed(1))).type.toBe<Effect.Effect<boolean>>()
    expect(Future.settle(future, Exit.fail("no" as const))).type.toBe<Effect.Effect<boolean>>()
    expect(Future.settle).type.not.toBeCallableWith(future, Exit.succeed("1"))
    expect(Future.settle).type.not.toBeCallableWith(future, Exit.fail("maybe" as const))
  })
})

class Db extends Context.Service<Db, { readonly size: number }>()("test/Db") {}

declare const unmet: Effect.Effect<never, Unmet>
declare const body: Effect.Effect<number, "no" | Reschedule, Db | Worker.Worker | Scope.Scope>

describe("runOnEach", () => {
  it("A15: gives values by worker, and fails as the effect does; the runtime provides the worker and the scope", () => {
    expect(Scheduler.runOnEach(body)).type.toBe<
      Effect.Effect<ReadonlyMap<string, number>, "no" | SkeinError | SubmitError, Db | Scheduler.Scheduler>
    >()
    expect(Scheduler.runOnEach(body, { errors: "continue", label: "look" })).type.toBe<
      Effect.Effect<ReadonlyMap<string, number>, "no" | SkeinError | SubmitError, Db | Scheduler.Scheduler>
    >()
  })

  it("A15: with collect it gives exits, and fails with what refuses it alone", () => {
    expect(Scheduler.runOnEach(body, { errors: "collect" })).type.toBe<
      Effect.Effect<
        ReadonlyMap<string, Exit.Exit<number, "no" | SkeinError>>,
        SubmitError,
        Db | Scheduler.Scheduler
      >
    >()
    expect(Scheduler.runOnEach).type.not.toBeCallableWith(body, { errors: "none" })
    expect(Scheduler.runOnEach).type.not.toBeCallableWith(body, { mode: "collect" })
  })

  it("A15: a body that says that its worker cannot run it has no other", () => {
    expect(Scheduler.runOnEach(unmet)).type.toBe<
      Effect.Effect<
        ReadonlyMap<string, never>,
        ImpossibleDependency | SkeinError | SubmitError,
        Scheduler.Scheduler
      >
    >()
  })

  it("A15: the service has the same types", () => {
    expect(scheduler.runOnEach(body)).type.toBe<
      Effect.Effect<ReadonlyMap<string, number>, "no" | SkeinError | SubmitError, Db>
    >()
  })
})
