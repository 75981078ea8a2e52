import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { capsFor, setHere } from "../../src/threads/internal/innerThreads.ts"

describe("threads of native libraries", () => {
  it("K6: what the environment says already stays", () => {
    const caps = capsFor(2, { OMP_NUM_THREADS: "7" })
    assert.isUndefined(caps["OMP_NUM_THREADS"])
    assert.strictEqual(caps["OPENBLAS_NUM_THREADS"], "2")
  })

  it.effect("K6: a process has them while a layer is open", () =>
    Effect.gen(function*() {
      const environment: Record<string, string | undefined> = { OMP_NUM_THREADS: "7" }
      yield* Effect.scoped(Effect.andThen(
        setHere(capsFor(1, environment), environment),
        Effect.sync(() => assert.strictEqual(environment["MKL_NUM_THREADS"], "1"))
      ))
      assert.deepStrictEqual(environment, { OMP_NUM_THREADS: "7" })
    }))

  it.effect("K6: of two layers the last to close removes what the first has set", () =>
    Effect.gen(function*() {
      const environment: Record<string, string | undefined> = {}
      const second = yield* Scope.make()
      yield* Effect.scoped(Effect.andThen(
        setHere(capsFor(1, environment), environment),
        Scope.provide(setHere(capsFor(4, environment), environment), second)
      ))
      assert.strictEqual(environment["MKL_NUM_THREADS"], "1")
      yield* Scope.close(second, Exit.void)
      assert.deepStrictEqual(environment, {})
    }))
})
