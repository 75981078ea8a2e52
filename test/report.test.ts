import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Client from "skein/Client"
import * as Scheduler from "skein/Scheduler"
import * as SkeinError from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import * as Worker from "skein/Worker"
import { inScheduler } from "./harness.ts"

// a fails -> b -> c    d dies -> e    s skips -> t    v, w succeed
const shape = () => {
  const a = Task.make(Effect.fail("no" as const), { key: "a" })
  const b = Task.map(a, () => 1, { key: "b" })
  const c = Task.map([b], () => 2, { key: "c" })
  const d = Task.map([], (): number => {
    throw new Error("bug")
  }, { key: "d" })
  const e = Task.map(d, (n) => n, { key: "e" })
  const s = Task.make(Worker.skip, { key: "s" })
  const t = Task.map(s, () => 3, { key: "t" })
  return { a, b, c, d, e, s, t, v: Task.map([], () => "v", { key: "v" }), w: Task.map([], () => 4, { key: "w" }) }
}

describe("reports", () => {
  it.effect("F2: each failure that came first is told once, with what it held up; values and skips stand apart", () =>
    Effect.gen(function*() {
      const report = SkeinError.report(yield* Client.compute(shape(), { mode: "collect" }))
      assert.deepStrictEqual(report.values, { v: "v", w: 4 })
      assert.deepStrictEqual(report.failures.map(({ heldUp, name, root }) => ({ heldUp, name, root })), [
        { heldUp: ["b", "c"], name: "a", root: "a" },
        { heldUp: ["e"], name: "d", root: "d" }
      ])
      assert.deepStrictEqual(report.skipped, ["s", "t"])
      const text = SkeinError.prettyReport(report)
      assert.match(text, /^2 succeeded, 2 failed, 3 upstream failed, 2 skipped\n\nTask "a" failed: no\n/)
      assert.include(text, "\n    held up: \"b\", \"c\"")
      assert.match(text, /Task "d" failed with a defect: Error: bug\n/)
    }).pipe(inScheduler()))

  it.effect("F2: exits of a report have one type, so that a loop over targets of many types tells them apart", () =>
    Effect.gen(function*() {
      const { exits } = SkeinError.report(yield* Client.compute(shape(), { mode: "collect" }))
      const ended = exits.map(([name, exit]) =>
        `${name} ${Exit.isFailure(exit) ? exit.cause.reasons.length : exit.value}`
      )
      assert.deepStrictEqual(ended, ["a 1", "b 1", "c 1", "d 1", "e 1", "s 1", "t 1", "v v", "w 4"])
    }).pipe(inScheduler()))

  it.effect("F2: a culprit that was not asked for is told with what it held up, and exits may come as an array", () =>
    Effect.gen(function*() {
      const { c, v } = shape()
      const { failures, values } = SkeinError.report(yield* Client.compute([c, v], { mode: "collect" }))
      assert.deepStrictEqual(values, [undefined, "v"])
      assert.deepStrictEqual(failures.map(({ heldUp, name, root }) => [root, name, heldUp]), [["a", undefined, ["0"]]])
      assert.include(SkeinError.prettyReport(SkeinError.report([Exit.succeed(1)])), "1 succeeded")
    }).pipe(inScheduler()))

  it.effect("V8, G19: states, counts, pictures and statuses tell failed from upstream failed", () =>
    Effect.gen(function*() {
      const events: Array<Scheduler.TaskEvent> = []
      yield* Scheduler.listen((event) => events.push(event))
      const graph = TaskGraph.make(shape())
      yield* Client.compute(graph, { mode: "collect" })
      const states = TaskGraph.states(events)
      assert.deepStrictEqual([...states].filter(([, state]) => state.includes("ailed")).map(String).toSorted(), [
        "a,failed",
        "b,upstreamFailed",
        "c,upstreamFailed",
        "d,failed",
        "e,upstreamFailed"
      ])
      assert.include(TaskGraph.toMermaid(graph, { states }), "[\"failed (2)\"]")
      assert.include(TaskGraph.toMermaid(graph, { states }), "[\"upstream failed (3)\"]")
      assert.include(TaskGraph.toGraphViz(graph, { states }), "label=\"upstream failed (3)\"")
    }).pipe(inScheduler()))
})
