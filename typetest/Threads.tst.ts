import { Effect, Layer, Schema } from "effect"
import { Client, Portable, Skein } from "skein"
import { Processes } from "skein/processes"
import type { SubmitError } from "skein/SkeinError"
import { Threads } from "skein/threads"
import { describe, expect, it } from "tstyche"

const Greet = Portable.make("Greet", { payload: { name: Schema.String }, success: Schema.String })
const scheduler = Skein.layer()

describe("layers of threads and processes", () => {
  it("give the handlers of the named tasks", () => {
    const threads = Threads.layer({ size: "cores", tasks: [Greet] }).pipe(Layer.provideMerge(scheduler))
    const processes = Processes.layer({ size: -2, tasks: [Greet] }).pipe(Layer.provideMerge(scheduler))
    const program = Client.compute(Greet({ name: "Ada" }))
    expect(Effect.provide(program, threads)).type.toBeAssignableTo<Effect.Effect<string, unknown>>()
    expect(Effect.provide(program, processes)).type.toBeAssignableTo<Effect.Effect<string, unknown>>()
    expect(Effect.provide(program, scheduler)).type.not.toBeAssignableTo<Effect.Effect<string, unknown>>()
  })

  it("fail with what keeps them from starting, and with the errors of onStart", () => {
    const onStart = Effect.fail("no disk" as const)
    expect(Threads.layer({ size: 1, tasks: [Greet] })).type.toBeAssignableTo<Layer.Layer<any, SubmitError, any>>()
    expect(Threads.layer({ size: 1, tasks: [Greet], onStart })).type.toBeAssignableTo<
      Layer.Layer<any, SubmitError | "no disk", any>
    >()
  })
})
