/** The link to a thread, without a scheduler: how threads begin, how they end, and what is left of them. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { Worker } from "node:worker_threads"
import type { WorkerOptions } from "node:worker_threads"
import type { LinkFailed } from "../../src/internal/remote/link.ts"
import { startThread } from "../../src/threads/internal/startThread.ts"
import { Parties } from "../../src/threads/internal/transport.ts"
import { connect, open, openAndClose, perform } from "./heard.ts"
import { threadsLeft } from "./pools.ts"

const file = (name: string): URL => new URL(`./files/${name}`, import.meta.url)

interface Setting {
  readonly lack?: (names: ReadonlyArray<string>) => string | undefined
  readonly spare?: boolean
  readonly size?: number
  readonly closeMillis?: number
  readonly megabytes?: number
}

/** Every thread that was started, by its number. */
interface Hall extends Parties {
  readonly threads: Array<Worker>
}

const partiesOf = (
  { closeMillis = 5000, megabytes, lack = () => undefined, size = 1, spare = false }: Setting = {}
): Hall => {
  const threads: Array<Worker> = []
  const spawn = (options: WorkerOptions): Worker => {
    const worker = new Worker(file("scripted.ts"), options)
    threads.push(worker)
    return worker
  }
  const resourceLimits = megabytes === undefined ? undefined : { maxOldGenerationSizeMb: megabytes }
  const start = startThread({ seat: { entry: undefined, modules: [] }, name: "test", resourceLimits, spawn })
  const parties = new Parties({ start, lack, closeMillis, size, spare })
  return Object.assign(parties, { threads })
}

/** Starts a thread, lets it do one thing, and returns how it ended. */
const deathBy = (deed: string, setting?: Setting): Effect.Effect<string, LinkFailed> => {
  const parties = partiesOf(setting)
  return Effect.scoped(Effect.gen(function*() {
    const { link, lost } = yield* connect(parties.transport)
    link.send(perform(deed))
    const why = yield* Deferred.await(lost)
    assert.strictEqual(link.control![9], 42, "the shared words say what had begun")
    // To the dead.
    link.send(perform(deed))
    yield* link.kill
    return why
  }))
}

describe("how a thread ends by itself", () => {
  const deaths: ReadonlyArray<readonly [deed: string, why: string | RegExp, setting?: Setting]> = [
    ["exit", "something in it called process.exit(3)"],
    ["throw", "it failed outside of a task: RangeError: too late"],
    ["reject", "it failed outside of a task: TypeError: nobody listens"],
    ["overflow", "it failed outside of a task: RangeError: Maximum call stack size exceeded"],
    ["abort", /^it failed outside of a task: .*process\.abort\(\) is not supported in workers/],
    ["memory", "it ran out of memory, of which it may have 24 MB", { megabytes: 24 }]
  ]
  for (const [deed, why, setting] of deaths) {
    it.live(`F8: ${deed}`, () =>
      Effect.gen(function*() {
        const said = yield* deathBy(deed, setting)
        if (typeof why === "string") assert.strictEqual(said, why)
        else assert.match(said, why)
        assert.strictEqual(threadsLeft(), 0)
      }))
  }

  it.live("F8: memory of buffers is not limited, and ends nothing", () =>
    Effect.scoped(Effect.gen(function*() {
      const { link, next } = yield* connect(partiesOf({ megabytes: 24 }).transport)
      link.send(perform("buffers"))
      assert.strictEqual((yield* next)._tag, "Report")
    })))
})

describe("how a thread is ended", () => {
  for (const deed of ["spin", "wait", "regex", "native", "timer"]) {
    it.live(`C8: ${deed}`, () =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const { link, lost } = yield* connect(partiesOf().transport)
          link.send(perform(deed))
          yield* Effect.repeat(Effect.sleep(1), { until: () => link.control![9] === 42 })
          yield* link.kill
          assert.isFalse(Deferred.isDoneUnsafe(lost))
        }))
        assert.strictEqual(threadsLeft(), 0)
      }))
  }

  it.live("C8: a busy thread answers no ping, and its stack is known", () =>
    Effect.scoped(Effect.gen(function*() {
      const { link, next } = yield* connect(partiesOf().transport)
      const ping = link.ping!()
      link.send(perform("nothing"))
      yield* next
      assert.strictEqual(link.answered!(), ping)
      link.send(perform("wait"))
      const late = link.ping!()
      assert.match((yield* link.stack!)!, /at wait \(file:.*scripted\.ts:\d+:\d+\)/)
      assert.isBelow(link.answered!(), late)
    })))
})

describe("how a thread is closed", () => {
  it.live("C4: after the close nothing is left of it", () =>
    Effect.gen(function*() {
      const parties = partiesOf()
      yield* openAndClose(parties.transport)
      assert.strictEqual(threadsLeft(), 0)
      assert.deepStrictEqual(parties.threads.map((each) => each.eventNames()), [[]])
    }))

  it.live("C4: a thread that does not answer to the close is ended", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const { link, lost } = yield* connect(partiesOf({ closeMillis: 1 }).transport)
        link.send(perform("spin"))
        link.send({ _tag: "Close" })
        yield* Deferred.await(lost)
      }))
      assert.strictEqual(threadsLeft(), 0)
    }))

  it.live("C4: an idle thread does not keep the process alive, one with an attempt does", () =>
    Effect.scoped(Effect.gen(function*() {
      const parties = partiesOf()
      const { link, next } = yield* connect(parties.transport)
      assert.strictEqual(threadsLeft(), 1)
      link.send(open)
      yield* next
      assert.strictEqual(threadsLeft(), 0)
      link.send(perform("nothing"))
      assert.strictEqual(threadsLeft(), 1)
      yield* next
      assert.strictEqual(threadsLeft(), 0)
    })))
})

describe("spares", () => {
  it.live("W13: a spare that is ready takes the place of a thread that is lost", () =>
    Effect.gen(function*() {
      const parties = partiesOf({ spare: true })
      const first = yield* Scope.make()
      yield* Effect.provideService(connect(parties.transport), Scope.Scope, first)
      assert.strictEqual(parties.threads.length, 2)
      yield* Scope.close(first, Exit.void)
      yield* Effect.scoped(connect(parties.transport))
      // The spare was used, and there is a new one.
      assert.strictEqual(parties.threads.length, 3)
      yield* parties.close
      assert.strictEqual(threadsLeft(), 0)
    }))

  it.live("W13: without one at the start the first replacement brings one", () =>
    Effect.gen(function*() {
      const parties = partiesOf()
      yield* Effect.scoped(connect(parties.transport))
      assert.strictEqual(parties.threads.length, 1)
      yield* Effect.scoped(connect(parties.transport))
      assert.strictEqual(parties.threads.length, 3)
      yield* parties.close
      assert.strictEqual(threadsLeft(), 0)
    }))
})

describe("what a thread serves", () => {
  it.live("X2: a thread that lacks a task of its layer refuses", () =>
    Effect.scoped(Effect.gen(function*() {
      const { link, next } = yield* connect(partiesOf({ lack: (names) => `it has ${names[0]} alone` }).transport)
      link.send(open)
      const up = yield* next
      assert.deepStrictEqual(up, { _tag: "Refused", why: "it has exit alone" })
    })))
})
