import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Client from "skein/Client"
import * as SkeinError from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { frame, summary } from "../src/terminal/internal/render.ts"
import { inScheduler } from "./harness.ts"
import { errorOf, mistakeOf } from "./support.ts"

/** An escape sequence, a C1 control, a change of direction, and a line that looks like one of the log. */
const hostile = "a\u001B[2J\u009B31m\u202Etxt\u2028\n[12:00:00] INFO: all is well"

const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u

/** No line of it could have been forged, and no terminal obeys it. */
const assertPlain = (text: string): void => {
  for (const line of text.split("\n")) {
    assert.notMatch(line, unsafe)
    assert.isFalse(line.startsWith("[12:00:00]"), line)
  }
}

const failing = Task.make(Effect.fail("no"), { key: hostile, label: hostile })
const below = Task.map(failing, () => 0, { key: `${hostile}2`, label: hostile })

describe("text from outside", () => {
  it.effect("F1: keys and labels in failures, their causes and stacks move no cursor and forge no line", () =>
    Effect.gen(function*() {
      const exits = yield* Client.compute({ failing, below }, { mode: "collect" })
      for (const [, exit] of SkeinError.report(exits).exits) {
        if (Exit.isSuccess(exit)) return assert.fail("it fails")
        assertPlain(SkeinError.pretty(exit.cause))
        assertPlain(Cause.pretty(exit.cause))
      }
      assertPlain(SkeinError.prettyReport(SkeinError.report(exits)))
    }).pipe(inScheduler()))

  it.effect("F15: refusals show keys and options as text, and cut them", () =>
    Effect.gen(function*() {
      const huge = "x".repeat(1_000_000)
      const missing = TaskGraph.fromRecord(Object.fromEntries(
        Array.from({ length: 100_000 }, (_, i) => [`${i}${hostile}`, [TaskGraph.ref(hostile)]])
      ))
      const errors = [
        yield* errorOf(missing as Effect.Effect<unknown, Error>),
        yield* errorOf(Client.compute([failing, Task.withOptions(below, { key: hostile })])),
        yield* mistakeOf(Client.compute(Task.make(Effect.void, { key: hostile, timeout: -1, label: huge }))),
        yield* mistakeOf(Client.compute(Task.make(Effect.void, { label: huge, timeout: Number.NaN }))),
        yield* mistakeOf(Client.compute(Task.make(Effect.void, { key: huge, [hostile]: 1 } as {})))
      ]
      for (const { message } of errors as ReadonlyArray<Error>) {
        assertPlain(message)
        assert.isBelow(message.length, 3000)
      }
    }).pipe(inScheduler()))

  it("V8: pictures show keys and labels as text; a label that begins with a backtick is no Markdown", () => {
    const tick = Task.make(Effect.void, { key: "`k`", label: "`**bold**" })
    for (
      const picture of [
        TaskGraph.toMermaid([below, tick]),
        TaskGraph.toGraphViz([below, tick], { graphName: hostile, nodeLabel: ({ key }) => key + hostile })
      ]
    ) {
      assertPlain(picture)
    }
    assert.notInclude(TaskGraph.toMermaid([tick]), "`")
    assert.include(TaskGraph.toMermaid([tick]), "#96;k#96;")
  })

  it("V6: groups of a bar show labels as text", () => {
    const counts = {
      waiting: 1,
      running: 0,
      succeeded: 0,
      failed: 0,
      upstreamFailed: 0,
      cancelled: 0,
      skipped: 0,
      total: 1,
      rateLimited: 0,
      paused: 0,
      isOpen: true,
      stream: undefined
    }
    const ofStream = {
      taken: 1,
      waiting: 1,
      unread: 0,
      consumed: 0,
      dropped: 0,
      perSecond: 1,
      remainingMillis: 1,
      streams: 1
    }
    const streams = [{ ...counts, ...ofStream, name: hostile }]
    const running = [{ key: hostile, label: hostile }]
    const workers = [{ id: hostile, slots: 1, running, ended: 0, busyMillis: 1 }]
    const progress = { ...counts, groups: [{ name: hostile, ...counts }], streams, workers, elapsedMillis: 1 }
    const style = { colors: false, workers: true }
    assertPlain(frame(progress, { columns: 200, rows: 24, ...style }))
    assertPlain(summary(progress, style))
  })
})
