import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import { describe, expect, it } from "tstyche"

declare const future: Future.Future<number, "no">

describe("settle", () => {
  it("F9: takes an exit of the future's own types", () => {
    expect(Scheduler.settle(future, Exit.succeed(1))).type.toBe<Effect.Effect<boolean>>()
    expect(Scheduler.settle(future, Exit.fail("no" as const))).type.toBe<Effect.Effect<boolean>>()
    expect(Scheduler.settle).type.not.toBeCallableWith(future, Exit.succeed("1"))
    expect(Scheduler.settle).type.not.toBeCallableWith(future, Exit.fail("maybe" as const))
  })
})
