import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import type { SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import { inQuietScheduler, turns } from "./harness.ts"

setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

/** Objects by name that are held for as long as somebody else holds them. */
class Tracked {
  private readonly refs: Array<readonly [string, WeakRef<object>]> = []

  add(name: string): { readonly name: string } {
    const tracked = { name }
    this.refs.push([name, new WeakRef(tracked)])
    return tracked
  }

  /** The names of those that are still there when garbage has been collected as often as it takes, thrice at most. */
  readonly left: Effect.Effect<ReadonlyArray<string>> = Effect.promise(() =>
    new Promise<ReadonlyArray<string>>((resolve) => {
      let rounds = 3
      const round = (): void => {
        collectGarbage()
        const left = this.refs.flatMap(([name, ref]) => ref.deref() === undefined ? [] : [name])
        if (left.length > 0 && --rounds > 0) setImmediate(round)
        else resolve(left)
      }
      setImmediate(round)
    })
  )
}

type Launched = Effect.Effect<unknown, SubmitError, Client.Client>

/** A task whose closure, input, and result or error are tracked, and that launches something first. */
const launcher = (tracked: Tracked, launch: Launched, end: "succeeds" | "fails", name: string) => {
  const closure = tracked.add(`${name}: closure`)
  return Task.make(
    [tracked.add(`${name}: input`)],
    ([input]) =>
      Effect.flatMap(Effect.andThen(launch, turns(2)), () => {
        assert.deepStrictEqual([input.name, closure.name], [`${name}: input`, `${name}: closure`])
        const result = tracked.add(`${name}: ${end}`)
        return end === "succeeds" ? Effect.succeed(result) : Effect.fail(result)
      })
  )
}

/** A task that goes on until the gate opens. Its functions capture nothing else. */
const waiting = (gate: Deferred.Deferred<void>) => Task.make(Deferred.await(gate))

const inScope = (scope: Scope.Scope) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Scope.Scope, scope)

describe("what is kept of a body that has ended", () => {
  const ways: Readonly<Record<string, (gate: Deferred.Deferred<void>, scope: Scope.Scope) => Launched>> = {
    "nothing that it launched": () => Effect.void,
    "what it fired": (gate) => Client.fireAndForget(waiting(gate)),
    "what it submitted to an outer scope": (gate, scope) => inScope(scope)(Client.submit(waiting(gate))),
    "what it submitted to an outer scope from a scope of its own": (gate, scope) =>
      Effect.scoped(Effect.andThen(Scope.Scope, inScope(scope)(Client.submit(waiting(gate))))),
    "a future of its own that was kept": (gate, scope) =>
      Effect.flatMap(
        Effect.flatMap(Effect.scope, () => Client.submit(waiting(gate))),
        (future) => inScope(scope)(Future.keep(future))
      ) as Launched,
    "a plain function behind a task that it fired": (gate) => Client.fireAndForget(Task.map([waiting(gate)], () => 0)),
    "what it fired in a region": (gate) =>
      Client.fireAndForget(waiting(gate)).pipe(Client.annotate({ label: "region", priority: 1 }))
  }

  for (const [what, way] of Object.entries(ways)) {
    for (const end of ["succeeds", "fails"] as const) {
      it.live(`N10, M5: ${what} holds nothing of a body that ${end}, but its name`, () =>
        Effect.gen(function*() {
          const tracked = new Tracked()
          const gate = yield* Deferred.make<void>()
          const scope = yield* Scope.make()
          yield* Effect.ignore(Client.compute(launcher(tracked, way(gate, scope), end, "launcher")))
          assert.deepStrictEqual(yield* tracked.left, [])
          yield* Deferred.succeed(gate, undefined)
          yield* Scope.close(scope, Exit.void)
          yield* Client.awaitGroup()
        }).pipe(inQuietScheduler()))
    }
  }

  it.live("N10, M5: a chain of bodies that fire each other holds none of those before the last", () =>
    Effect.gen(function*() {
      const tracked = new Tracked()
      const gate = yield* Deferred.make<void>()
      const begun = yield* Deferred.make<void>()
      const last = Task.make(Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(gate)))
      const link = (n: number): Launched =>
        Client.fireAndForget(n === 0 ? last : launcher(tracked, Effect.suspend(() => link(n - 1)), "succeeds", `${n}`))
      yield* link(20)
      yield* Deferred.await(begun)
      yield* turns(5)
      assert.deepStrictEqual(yield* tracked.left, [])
      yield* Deferred.succeed(gate, undefined)
      yield* Client.awaitGroup()
    }).pipe(inQuietScheduler()))

  for (const shape of ["alone", "after a task"] as const) {
    it.live(`N10, M5: a loop of flatMap tasks, each ${shape}, holds the first round alone, which may run again`, () =>
      Effect.gen(function*() {
        const tracked = new Tracked()
        const gate = yield* Deferred.make<void>()
        const begun = yield* Deferred.make<void>()
        const last = Task.make(Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(gate)))
        const step = (n: number): Task.Task<void, unknown> => {
          const closure = tracked.add(`${n}: closure`)
          const input = tracked.add(`${n}: input`)
          const inputs = shape === "alone" ? [input] : [Task.map([input], ([input]) => input), input]
          return Task.flatMap(inputs as [object], () => closure.name === "" || n === 20 ? last : step(n + 1))
        }
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Client.submit(step(0))
          yield* Deferred.await(begun)
          yield* turns(5)
          const { left } = tracked
          assert.deepStrictEqual(yield* left, ["0: closure", "0: input"])
          yield* Deferred.succeed(gate, undefined)
        }))
      }).pipe(inQuietScheduler()))
  }

  it.live("F2, M5: a failure that bodies passed on holds nothing of them", () =>
    Effect.gen(function*() {
      const tracked = new Tracked()
      const join = Effect.scoped(Effect.flatMap(Client.submit(Task.make(Effect.fail("no"))), Future.join)) as Launched
      const exit = yield* Effect.exit(
        Client.compute(Task.map([launcher(tracked, join, "succeeds", "joining")], () => 0))
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(yield* tracked.left, [])
      assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons.length === 1)
    }).pipe(inQuietScheduler()))

  it.live("N10: a child has the services of its submitter, but for its attempt and its scopes", () =>
    Effect.gen(function*() {
      const Colour = Context.Service<{ readonly name: string }>("Colour")
      const child = Task.make(Effect.map(Colour, ({ name }) => name))
      const values: Array<unknown> = []
      const parent = Task.make(Effect.gen(function*() {
        values.push(yield* Client.compute(child))
        values.push(yield* Effect.provideService(Client.compute(child), Colour, { name: "green" }))
        values.push(yield* Effect.scoped(Client.compute(child)))
      }))
      yield* Effect.provideService(Client.compute(parent), Colour, { name: "red" })
      assert.deepStrictEqual(values, ["red", "green", "red"])
    }).pipe(inQuietScheduler()))

  it.live("M6: a forEach that discards holds no result while the others run", () =>
    Effect.gen(function*() {
      const tracked = new Tracked()
      const gate = yield* Deferred.make<void>()
      const body = (n: number) =>
        n < 3 ? Effect.sync(() => tracked.add(`result ${n}`)) : Effect.as(Deferred.await(gate), undefined)
      const running = yield* Effect.forkChild(Client.forEach([1, 2, 3], body, { discard: true }), {
        startImmediately: true
      })
      yield* turns()
      assert.deepStrictEqual(yield* tracked.left, [])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(running)
    }).pipe(inQuietScheduler()))
})
