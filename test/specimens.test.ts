import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as v8 from "node:v8"
import * as vm from "node:vm"
import { Client, Future, Skein, Task, Worker } from "skein"
import { Positions } from "../src/engine/structures/positions.ts"
import { specimens } from "../src/engine/structures/specimens.ts"

v8.setFlagsFromString("--allow-natives-syntax")

/** Whether V8 knows two objects by the same shape. */
const areAlike = vm.runInThisContext("(a, b) => %HaveSameMap(a, b)") as (a: object, b: object) => boolean

const isKept = (real: object): boolean =>
  specimens.some((specimen) => specimen.constructor === real.constructor && areAlike(specimen, real))

describe("what stays compiled when nothing of a graph is left", () => {
  it("a specimen of each class of the hot path is kept", () => {
    const names = specimens.map((specimen) => specimen.constructor.name)
    assert.sameMembers(names, ["Attempt", "Compiler", "FutureImpl", "Positions", "TaskImpl", "Walk"])
  })

  it("specimens look as tasks and sets of positions do", () => {
    const read = Task.make(Effect.succeed(1))
    for (const task of [read, Task.map([read], ([n]) => n + 1), Task.flatMap(read, () => read), Task.succeed(1)]) {
      assert.isTrue(isKept(task))
    }
    assert.isTrue(isKept(new Positions(100)))
  })

  it.effect("specimens look as futures and attempts do", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.make(Effect.gen(function*() {
        return yield* Worker.Worker
      })))
      const attempt = yield* Future.join(future)
      assert.isTrue(isKept(future))
      assert.isTrue(isKept(attempt))
    }).pipe(Effect.scoped, Effect.provide(Skein.layer({ concurrency: 1 }))))
})
