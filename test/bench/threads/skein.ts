/** Skein on threads, as a pool that computes all calls of a bench at once. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
import * as Portable from "skein/Portable"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { Threads } from "skein/threads"
import type * as Moved from "./moved.ts"
import { Tiny } from "./tasks.ts"
import type * as Work from "./work.ts"
import { tiny } from "./work.ts"

const url = new URL("./work.ts", import.meta.url)

const module = Portable.module<typeof Work>()(url)

/** The bodies as functions of a module. */
export const work = module.tasks

const movedModule = Portable.module<typeof Moved>()(new URL("./moved.ts", import.meta.url))

export const { nextMoved } = movedModule.tasks

/** A fiber task with the same body. */
export const tinyFiber = Task.fn(tiny)

/** The same with a body that returns an Effect, which has the services that named tasks have. */
export const tinyEffect = Task.fn((x: number) => Effect.succeed(tiny(x)))

export interface Runner {
  /** Computes all tasks of a graph; the values. */
  readonly compute: <A>(tasks: ReadonlyArray<Task.Task<A, any, any>>) => Promise<ReadonlyArray<A>>
  /** Runs tasks as items of a stream, so many in a batch; the last value. */
  readonly stream: <A>(tasks: ReadonlyArray<Task.Task<A, any, any>>, batch: number) => Promise<A | undefined>
  readonly close: () => Promise<void>
}

/** A scheduler without threads: its fibers run all tasks. */
export const openHere = (): Runner =>
  runnerOf(ManagedRuntime.make(Layer.provideMerge(Tiny.toLayer(tiny), Skein.layer())))

/** A scheduler with so many threads. */
export const open = async (threads: number): Promise<Runner> => {
  const remote = Threads.layer({
    size: threads,
    tasks: [module, movedModule, Tiny],
    entry: new URL("./entry.ts", import.meta.url)
  })
  const runtime = ManagedRuntime.make(remote.pipe(Layer.provideMerge(Skein.layer())))
  await runtime.context()
  return runnerOf(runtime)
}

const runnerOf = (runtime: ManagedRuntime.ManagedRuntime<Client.Client, unknown>): Runner => ({
  compute: (tasks) => runtime.runPromise(Client.compute(tasks as ReadonlyArray<Task.Task<any>>) as Effect.Effect<any>),
  stream: (tasks, batch) =>
    runtime.runPromise(
      Client.stream(tasks as ReadonlyArray<Task.Task<any>>, { batch, outstanding: 1024 }).pipe(
        Stream.runFold(() => undefined, (_, value) => value)
      )
    ),
  close: () => runtime.dispose()
})
