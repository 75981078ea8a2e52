/** The link to a child process, without a scheduler. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { fork } from "node:child_process"
import type { ChildProcess, ForkOptions } from "node:child_process"
import type { LinkFailed } from "../../src/internal/remote/link.ts"
import { startProcess } from "../../src/processes/internal/startProcess.ts"
import { Parties } from "../../src/threads/internal/transport.ts"
import { connect, openAndClose, perform } from "../threads/heard.ts"

/** Everything that keeps this process alive because of another. */
const processesAlive = (): number => process.getActiveResourcesInfo().filter((each) => each === "ProcessWrap").length

/** The same when handles that are being closed are closed. */
const processesLeft = Effect.map(
  Effect.callback<void>((resume) => void setImmediate(() => setImmediate(() => resume(Effect.void)))),
  processesAlive
)

const partiesOf = (closeMillis = 5000): Parties & { readonly processes: Array<ChildProcess> } => {
  const processes: Array<ChildProcess> = []
  const spawn = (options: ForkOptions): ChildProcess => {
    const silent = { ...options, stdio: ["ignore", "ignore", "ignore", "ipc"] as const } as ForkOptions
    const child = fork(new URL("./files/scripted.ts", import.meta.url), silent)
    processes.push(child)
    return child
  }
  const execArgv = ["--max-old-space-size=64"]
  const start = startProcess({ seat: { entry: undefined, modules: [] }, env: {}, execArgv, spawn })
  const parties = new Parties({ start, lack: () => undefined, closeMillis, size: 1, spare: false })
  return Object.assign(parties, { processes })
}

const deathBy = (deed: string): Effect.Effect<string, LinkFailed> =>
  Effect.scoped(Effect.gen(function*() {
    const { link, lost } = yield* connect(partiesOf().transport)
    link.send(perform(deed))
    const why = yield* Deferred.await(lost)
    // To the dead.
    link.send(perform(deed))
    return why
  }))

describe("how a process ends by itself", () => {
  const deaths: ReadonlyArray<readonly [deed: string, why: string]> = [
    ["exit", "it exited with code 3"],
    ["throw", "it exited with code 1"],
    ["reject", "it exited with code 1"],
    ["overflow", "it exited with code 1"],
    ["abort", "it was ended by the signal SIGABRT"],
    ["fault", "it was ended by the signal SIGSEGV"],
    ["huge", "it was ended by the signal SIGABRT"],
    ["memory", "it was killed (SIGKILL), as the system does with processes that use too much memory"]
  ]
  for (const [deed, why] of deaths) {
    it.live(`F8: ${deed}`, () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* deathBy(deed), why)
        assert.strictEqual(yield* processesLeft, 0)
      }))
  }
})

describe("how a process is ended", () => {
  it.live("C8: a busy process answers no ping, and is killed", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const { link, lost, next } = yield* connect(partiesOf().transport)
        link.ping!()
        link.send(perform("nothing"))
        yield* next
        assert.strictEqual(link.answered!(), 1)
        link.send(perform("spin"))
        link.ping!()
        yield* next
        assert.strictEqual(link.answered!(), 1)
        yield* link.kill
        assert.isFalse(Deferred.isDoneUnsafe(lost))
      }))
      assert.strictEqual(yield* processesLeft, 0)
    }))

  it.live("C4: after the close nothing is left of it, and an idle one does not keep this process alive", () =>
    Effect.gen(function*() {
      const parties = partiesOf()
      yield* openAndClose(parties.transport, ({ link, next }) =>
        Effect.gen(function*() {
          assert.strictEqual(yield* processesLeft, 0)
          link.send(perform("nothing"))
          assert.strictEqual(processesAlive(), 1)
          yield* next
        }))
      assert.strictEqual(yield* processesLeft, 0)
      assert.deepStrictEqual(parties.processes.map((each) => each.exitCode), [0])
      assert.strictEqual(process.listeners("exit").filter(({ name }) => name === "endAll").length, 0)
    }))
})
