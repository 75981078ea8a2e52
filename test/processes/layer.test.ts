/** Tasks of a scheduler in real child processes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Layer } from "effect"
import { spawn as start, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { EventEmitter } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Client, Future, Portable } from "../../src/index.ts"
import type { Scheduler } from "../../src/index.ts"
import { Processes } from "../../src/processes/index.ts"
import { Greet } from "../threads/files/names.ts"
import { endingWith, lines, processesLeft, temporary, withWorkers } from "../threads/pools.ts"
import type * as functions from "./files/work.ts"

const url = (name: string): URL => new URL(`./files/${name}`, import.meta.url)

const work = Portable.module<typeof functions>()(url("work.ts"))
const { faultOnce, inner, lastOf, place, rows, spin } = work.tasks

/** Runs a program with processes, none of which is left afterwards. */
const withProcesses = <A>(
  program: Effect.Effect<A, unknown, any>,
  options: Partial<Processes.Options> = {},
  warnings: Array<string> = []
): Effect.Effect<A, unknown> => {
  const layer = Processes.layer({ size: 1, tasks: [work], ...options })
  return endingWith(program, withWorkers(layer as Workers, warnings), processesLeft)
}

/** Whether a process runs: one that has ended may be listed until it is reaped. */
const isAlive = (pid: number): boolean => {
  const stat = `/proc/${pid}/stat`
  if (existsSync("/proc/self/stat")) return existsSync(stat) && !/\) Z/.test(readFileSync(stat, "utf8"))
  return spawnSync("ps", ["-p", `${pid}`]).status === 0
}

type Workers = Layer.Layer<never, unknown, Scheduler.Scheduler>

/** What `fork` returns where the system starts no process: the error comes as an event, in a later turn. */
const refused = (code: string): ChildProcess => {
  const child = Object.assign(new EventEmitter(), {
    send: (_: unknown, sent: () => void) => void setImmediate(sent),
    kill: () => false,
    ref: () => {},
    unref: () => {}
  })
  setImmediate(() => child.emit("error", Object.assign(new Error(`spawn node ${code}`), { code })))
  return child as unknown as ChildProcess
}

describe("tasks in processes", () => {
  it.live("K7: large results go from process to process as bytes", () =>
    withProcesses(Effect.gen(function*() {
      const made = yield* Client.submit(rows(20_000))
      assert.strictEqual(yield* Client.compute(lastOf(made)), 19_999)
      assert.deepStrictEqual((yield* Future.join(made)).at(-1), { id: 19_999 })
    })))

  it.live("K1: functions of a module and named tasks run in other processes, with their share of the cores", () =>
    withProcesses(
      Effect.gen(function*() {
        const [pid, greeting, threads] = yield* Client.compute([place(), Greet({ name: "Ada" }), inner()])
        assert.notStrictEqual(pid, process.pid)
        assert.strictEqual(greeting, "Hello, Ada")
        assert.strictEqual(threads, "3")
      }),
      { tasks: [work, Greet], entry: url("entry.ts"), innerThreads: 3 }
    ))

  it.live("F8, W13: a native fault ends its process alone, and the task runs again in a fresh one", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []
      const file = yield* temporary
      const program = Effect.gen(function*() {
        assert.strictEqual(yield* Client.compute(faultOnce(file)), "again")
      })
      yield* withProcesses(program, {}, warnings)
      assert.match(warnings[0]!, /Worker "processes-1" was lost: it was ended by the signal SIGSEGV/)
    }))

  it.live("K8: a process that the system refuses to start by an event is replaced by fibers, after one warning", () =>
    Effect.gen(function*() {
      for (const code of ["EAGAIN", "ENOMEM", "EMFILE"]) {
        const warnings: Array<string> = []
        const program = Client.compute([Greet({ name: "Ada" }), place()])
        const options = { size: 2, tasks: [work, Greet], entry: url("entry.ts"), spawn: () => refused(code) }
        assert.deepStrictEqual(yield* withProcesses(program, options, warnings), ["Hello, Ada", process.pid])
        assert.deepStrictEqual(warnings, [
          "There can be no processes here, so their tasks run in this one and hold each other up: " +
          `Error: spawn node ${code}`
        ])
      }
    }))

  it.live("X2: a process that is not started for another reason fails the layer, with the reason in words", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(withProcesses(Effect.void, { spawn: () => refused("ENOENT") }))
      assert.match(
        String(error),
        /Worker "processes-1" was not started: it could not be started: Error: spawn node ENOENT/
      )
    }))

  it.live("C8: a spin is ended with its process when its grace is over", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []
      const file = yield* temporary
      yield* withProcesses(
        Effect.scoped(Effect.gen(function*() {
          yield* Client.submit(spin(file))
          yield* lines(file, 1)
        })),
        {},
        warnings
      )
      assert.match(warnings[0]!, /Worker "processes-1" was lost/)
    }))

  it.live("C8: a process in which a body computes ends soon after the program was killed", () =>
    Effect.gen(function*() {
      const file = yield* temporary
      const parent = yield* Effect.acquireRelease(
        Effect.sync(() => {
          const args = ["--conditions=source", fileURLToPath(url("parent.ts")), file]
          return start(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
        }),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      const pid = Number(
        yield* Effect.callback<string>((resume) => {
          parent.stdout.once("data", (text) => resume(Effect.succeed(String(text))))
        })
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => isAlive(pid) && process.kill(pid, "SIGKILL")))
      const begun = Effect.sync(() => existsSync(file))
      yield* Effect.repeat(Effect.andThen(Effect.sleep("2 millis"), begun), { until: (found) => found })
      assert.isTrue(isAlive(pid))
      parent.kill("SIGKILL")
      const alive = Effect.andThen(Effect.sleep("20 millis"), Effect.sync(() => isAlive(pid)))
      yield* Effect.repeat(alive, { until: (found) => !found, times: 500 })
      assert.isFalse(isAlive(pid))
    }))
})
