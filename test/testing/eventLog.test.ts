import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { execFileSync } from "node:child_process"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Portable from "skein/Portable"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { EventLog, Simulation } from "skein/testing"
import * as Worker from "skein/Worker"
import { longOr } from "../long.ts"
import { randomGraph } from "./graphs.ts"
import { randomProgram } from "./programs.ts"

const programs = longOr(1000, 60)

/** Records one run, right or wrong, and plays its logs again. */
const checkRun = (
  subject: typeof randomGraph | typeof randomProgram,
  seed: number
): Effect.Effect<ReadonlyArray<string>, EventLog.Unwritable | EventLog.Unreadable> =>
  Effect.gen(function*() {
    const { logs } = yield* EventLog.record(
      Simulation.replay<Simulation.Subject<any>>(subject, seed) as Effect.Effect<Simulation.Run>
    )
    assert.strictEqual(logs.length, 1)
    const [{ events, instructions }] = logs as [EventLog.EventLog]
    assert.strictEqual(instructions.length, events.length - 1)
    const again = yield* EventLog.replay(events.map((line) => JSON.stringify(JSON.parse(line))))
    again.forEach((line, i) => {
      if (line !== instructions[i]) assert.strictEqual(line, instructions[i], `seed ${seed}: ${events[i + 1]}`)
    })
    return events
  })

describe("event logs", () => {
  it.live(`T2: the logs of ${programs} random graphs and programs give byte for byte the same instructions`, () =>
    Effect.gen(function*() {
      const seen = new Set<string>()
      for (let seed = 1; seed <= programs; seed++) {
        const events = yield* checkRun(seed % 2 === 0 ? randomGraph : randomProgram, seed)
        for (const event of events.slice(1)) seen.add((JSON.parse(event) as { readonly _tag: string })._tag)
      }
      const usual = ["GraphSubmitted", "TaskEnded", "WaitBegan", "CancelRequested", "ClaimsReleased", "OwnerClosed"]
      assert.includeMembers([...seen], [...usual, "TaskExpanded", "WorkerLost", "TimeCame"])
    }))

  it.live("T2: a log is played again in another process", () =>
    Effect.gen(function*() {
      const { logs: [log] } = yield* EventLog.record(Simulation.replay(randomProgram, 7))
      const printed = execFileSync(process.execPath, ["--conditions=source", "test/testing/replayLog.ts"], {
        input: log!.events.join("\n"),
        encoding: "utf8"
      })
      assert.strictEqual(printed, log!.instructions.join("\n"))
    }))

  it.effect("T2: a log has settings, names, wishes, policies and keys of all kinds", () =>
    Effect.gen(function*() {
      const shared = Task.make(Effect.succeed(1), { key: "__proto__" })
      const pure = Task.fn((n: number) => Effect.succeed(n), { name: "f", pure: true })(-0)
      const some = Dependency.any([shared, Task.make(Effect.fail("no"), { label: "\ud800 $map" })])
      const last = Task.make({ pure }, () => Effect.succeed(2), { after: some, priority: -1, resources: { $set: 1 } })
      const program = Effect.scoped(Effect.gen(function*() {
        const futures = yield* Client.submitAll([shared, last])
        yield* Client.compute([shared, last, Task.make(Effect.die("no"))], { mode: "collect" })
        yield* Future.joinAll(futures)
      })).pipe(Effect.provide(Skein.layer({
        workers: [{ id: "a", concurrency: 2, resources: { $set: 2 } }, { id: "b", concurrency: 1 }],
        placement: "twoBin",
        aging: 3
      })))
      const { exit, logs: [log] } = yield* EventLog.record(program)
      assert.isTrue(Exit.isSuccess(exit), String(exit))
      assert.deepStrictEqual(yield* EventLog.replay(log!.events), log!.instructions)
    }))

  it.effect("T2: a log has the names of portable tasks, in another process too", () =>
    Effect.gen(function*() {
      const Half = Portable.make("Half", { payload: Schema.Number, success: Schema.Number })
      const Outer = Portable.make("Outer")
      const HalfLive = Half.toLayer((n) => n / 2)
      const OuterLive = Outer.toLayer(() => Effect.asVoid(Effect.ignore(Worker.keepSlot(Client.compute(Half(3))))))
      const program = Client.compute(Outer()).pipe(
        Effect.provide([Layer.provideMerge(OuterLive, HalfLive), Skein.layer({ concurrency: 1 })])
      )
      const { exit, logs: [log] } = yield* EventLog.record(program)
      assert.isTrue(Exit.isSuccess(exit), String(exit))
      assert.match(log!.events.join("\n"), /"names":\{"\d+":"Outer"\}/)
      assert.match(log!.instructions.join("\n"), /"Outer#\d+".*"Half#\d+"/)
      const printed = execFileSync(process.execPath, ["--conditions=source", "test/testing/replayLog.ts"], {
        input: log!.events.join("\n"),
        encoding: "utf8"
      })
      assert.strictEqual(printed, log!.instructions.join("\n"))
    }))

  it.effect("T2: what a function decides cannot be written down, and the recording says so", () =>
    Effect.gen(function*() {
      const task = Task.make(Effect.succeed(1), { locality: () => 1 })
      const running = Client.compute(task).pipe(Effect.provide(Skein.layer()))
      const error = yield* Effect.flip(EventLog.record(running))
      assert.strictEqual(
        error.message,
        "An event log cannot hold locality, a function. Record without it, or name a scheme in place of a function."
      )
      const scheme = Client.compute(1).pipe(Effect.provide(Skein.layer({ placement: () => 0 })))
      assert.strictEqual((yield* Effect.flip(EventLog.record(scheme))).what, "scheme, a function")
    }))

  it.effect("T2: the line is named that cannot be read, or that no recording has there", () =>
    Effect.gen(function*() {
      const { logs: [log] } = yield* EventLog.record(Client.compute(1).pipe(Effect.provide(Skein.layer())))
      const [head, ...events] = log!.events as [string, ...ReadonlyArray<string>]
      const lineOf = (lines: ReadonlyArray<string>) =>
        Effect.map(Effect.flip(EventLog.replay(lines)), (error) => {
          assert.strictEqual(error._tag, "Unreadable")
          return error.line
        })
      const whole = log!.events.join("\n")
      assert.strictEqual(yield* lineOf(whole.slice(0, -1).split("\n")), log!.events.length)
      for (const wrong of ["", "{", "5", "null", "[]", `"x"`, `{"_tag":"Unknown","now":1}`, head]) {
        assert.strictEqual(yield* lineOf([head, events[0]!, wrong]), 3, wrong)
      }
      for (const now of ["", `,"now":"soon"`, `,"now":{"$number":"NaN"}`, `,"now":-1`]) {
        assert.strictEqual(yield* lineOf([head, ...events, `{"_tag":"TimeCame"${now}}`]), events.length + 2, now)
      }
      // The owner is there, but no plan.
      const opened = [head, ...events.slice(0, 2)]
      assert.strictEqual(yield* lineOf([...opened, `{"_tag":"GraphSubmitted","now":9e15,"owner":1}`]), 4)
      const other = head.replace(`"version":1`, `"version":2`)
      for (const wrong of [other, "{}", "null", `{"skein":"events","version":1}`, events[0]!]) {
        assert.strictEqual(yield* lineOf([wrong, ...events]), 1, wrong)
      }
      assert.deepStrictEqual(yield* EventLog.replay([]), [])
    }))
})
