import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import type {
  ImpossibleDependency,
  SkeinError,
  SubmitError,
  TaskRescheduled,
  TaskUnmet,
  UnknownTarget
} from "skein/SkeinError"
import type * as Worker from "skein/Worker"
import { describe, expect, it } from "tstyche"

declare const scheduler: Scheduler.Scheduler["Service"]
declare const future: Future.Future<number, "no">

describe("explain", () => {
  it("V11: gives an Option, as the service does", () => {
    type Explained = Option.Option<Scheduler.Explanation>
    expect(Scheduler.explain("key")).type.toBe<Effect.Effect<Explained, never, Scheduler.Scheduler>>()
    expect(scheduler.explain("key")).type.toBe<Effect.Effect<Explained>>()
  })
})

describe("settle", () => {
  it("F9: takes an exit of the future's own types", () => {
    expect(Future.settle(future, Exit.succeed(1))).type.toBe<Effect.Effect<boolean>>()
    expect(Future.settle(future, Exit.fail("no" as const))).type.toBe<Effect.Effect<boolean>>()
    expect(Future.settle).type.not.toBeCallableWith(future, Exit.succeed("1"))
    expect(Future.settle).type.not.toBeCallableWith(future, Exit.fail("maybe" as const))
  })
})

class Db extends Context.Service<Db, { readonly size: number }>()("test/Db") {}

declare const unmet: Effect.Effect<never, TaskUnmet>
declare const body: Effect.Effect<number, "no" | TaskRescheduled, Db | Worker.Worker | Scope.Scope>

describe("runOnEach", () => {
  it("A15: gives values by worker, and fails as the effect does; the runtime provides the worker and the scope", () => {
    expect(Scheduler.runOnEach(body)).type.toBe<
      Effect.Effect<ReadonlyMap<string, number>, "no" | SkeinError | SubmitError, Db | Scheduler.Scheduler>
    >()
    expect(Scheduler.runOnEach(body, { mode: "continue", label: "look" })).type.toBe<
      Effect.Effect<ReadonlyMap<string, number>, "no" | SkeinError | SubmitError, Db | Scheduler.Scheduler>
    >()
  })

  it("A15: with collect it gives exits, and fails with what refuses it alone", () => {
    expect(Scheduler.runOnEach(body, { mode: "collect" })).type.toBe<
      Effect.Effect<
        ReadonlyMap<string, Exit.Exit<number, "no" | SkeinError>>,
        SubmitError,
        Db | Scheduler.Scheduler
      >
    >()
    expect(Scheduler.runOnEach).type.not.toBeCallableWith(body, { mode: "none" })
  })

  it("G20: goes into a pipe with its options alone, and into forEach as it is", () => {
    type Found = Effect.Effect<ReadonlyMap<string, number>, "no" | SkeinError | SubmitError, Db | Scheduler.Scheduler>
    expect(body.pipe(Scheduler.runOnEach({ label: "look" }))).type.toBe<Found>()
    expect(body.pipe(Scheduler.runOnEach)).type.toBe<Found>()
    expect(Effect.forEach([body], Scheduler.runOnEach)).type.toBe<
      Effect.Effect<
        Array<ReadonlyMap<string, number>>,
        "no" | SkeinError | SubmitError,
        Db | Scheduler.Scheduler
      >
    >()
    expect(Effect.forEach([{ tag: "a" }], Scheduler.pause, { discard: true })).type.toBe<
      Effect.Effect<void, UnknownTarget, Scheduler.Scheduler>
    >()
    expect(Effect.forEach([{ tag: "a" }], Scheduler.resume)).type.toBe<
      Effect.Effect<Array<boolean>, never, Scheduler.Scheduler>
    >()
    expect(Effect.forEach(["a"], Scheduler.retire)).type.toBe<
      Effect.Effect<Array<boolean>, never, Scheduler.Scheduler>
    >()
    expect(Effect.forEach(["a"], Scheduler.explain)).type.toBe<
      Effect.Effect<Array<Option.Option<Scheduler.Explanation>>, never, Scheduler.Scheduler>
    >()
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

describe("layers and workers", () => {
  const onStart = null! as Effect.Effect<string, "no disk", Db | Scope.Scope>

  it("W15: a layer fails only as an onStart does, and needs its services", () => {
    expect(Skein.layer()).type.toBe<Layer.Layer<Client.Client | Scheduler.Scheduler>>()
    expect(Skein.layer({ concurrency: 2 })).type.toBe<Layer.Layer<Client.Client | Scheduler.Scheduler>>()
    expect(Skein.layer({ onStart })).type.toBe<Layer.Layer<Client.Client | Scheduler.Scheduler, "no disk", Db>>()
    expect(Skein.layer({ workers: [{ id: "a", concurrency: 1, onStart }] })).type.toBe<
      Layer.Layer<Client.Client | Scheduler.Scheduler, "no disk", Db>
    >()
    expect(Skein.layer({ elastic: { min: 0, max: 1, concurrency: 1, onStart } })).type.toBe<
      Layer.Layer<Client.Client | Scheduler.Scheduler, "no disk", Db>
    >()
    expect(Skein.make({ onStart })).type.toBe<Effect.Effect<Skein.Services, "no disk", Db | Scope.Scope>>()
    expect(Skein.layer).type.not.toBeCallableWith({ onStarts: onStart })
  })

  it("W15: a worker that is added fails as its onStart does, and needs its services", () => {
    expect(Scheduler.addWorker({ id: "a", concurrency: 1 })).type.toBe<
      Effect.Effect<string, SubmitError, Scheduler.Scheduler | Scope.Scope>
    >()
    expect(Scheduler.addWorker({ id: "a", concurrency: 1, onStart })).type.toBe<
      Effect.Effect<string, "no disk" | SubmitError, Db | Scheduler.Scheduler | Scope.Scope>
    >()
  })

  it("W23: a pause of a name may fail, and one of everything not", () => {
    const anyPause: Scheduler.PauseOptions = Math.random() < 0.5 ? { tag: "api" } : {}
    expect(Scheduler.pause()).type.toBe<Effect.Effect<void, never, Scheduler.Scheduler>>()
    expect(Scheduler.pause({ for: "1 second" })).type.toBe<Effect.Effect<void, never, Scheduler.Scheduler>>()
    expect(Scheduler.pause({ tag: "api", for: 5 })).type.toBe<
      Effect.Effect<void, UnknownTarget, Scheduler.Scheduler>
    >()
    expect(Scheduler.pause(anyPause)).type.toBe<
      Effect.Effect<void, UnknownTarget, Scheduler.Scheduler>
    >()
    expect(Scheduler.resume({ tag: "api" })).type.toBe<Effect.Effect<boolean, never, Scheduler.Scheduler>>()
    expect(Scheduler.pause).type.not.toBeCallableWith({ tags: "api" })
  })

  it("F1: what no data can bring about is in no type", () => {
    expect(Scheduler.limitTag("db", 1)).type.toBe<Effect.Effect<void, never, Scheduler.Scheduler>>()
  })
})
