import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import * as Skein from "skein/Skein"
import * as Dag from "../../examples/random-dag/dag.ts"
import * as Picture from "../../examples/random-dag/picture.ts"

const size = { nodes: 32, edges: 128, longestWait: 200 }

const workers = [{ id: "ada", concurrency: 2 }, { id: "grace", concurrency: 2 }]

/** What is known of each task of a random graph after its run, in virtual time. */
const ran = Effect.fnUntraced(function*(seed: number) {
  const dag = yield* Dag.randomDag(size).pipe(Random.withSeed(seed))
  const fiber = yield* Effect.forkChild(Effect.provide(Dag.run(dag), Skein.layer({ workers })))
  yield* TestClock.adjust("1 hour")
  return { dag, tasks: yield* Fiber.join(fiber) }
})

describe("examples/random-dag", () => {
  it.effect("V4, D7: no task of a random graph starts before all that it depends on has ended", () =>
    Effect.gen(function*() {
      for (const seed of [1, 2, 3, 4, 5]) {
        const { dag, tasks } = yield* ran(seed)
        assert.strictEqual(dag.predecessors.flat().length, size.edges)
        assert.deepStrictEqual(
          tasks.map(({ dependencies }) => dependencies),
          dag.predecessors.map((before) => before.map((node) => `n${node}`))
        )
        assert.deepStrictEqual(Dag.violations(tasks), [])
      }
    }))

  it.effect("a task runs for as long as its body waits", () =>
    Effect.gen(function*() {
      const { dag, tasks } = yield* ran(1)
      assert.deepStrictEqual(tasks.map(({ completed, started }) => completed! - started!), dag.waitMillis)
    }))

  it.effect("tells of a task that started too early", () =>
    Effect.gen(function*() {
      const { dag, tasks } = yield* ran(1)
      const late = dag.predecessors.findIndex((before) => before.length === 1)
      const before = dag.predecessors[late]![0]!
      const early = tasks.map((task, node) =>
        node === late ? { ...task, started: tasks[before]!.completed! - 1 } : task
      )
      const started = tasks[before]!.completed! - 1
      const message = `n${late} started at ${started}, and n${before} ended at ${tasks[before]!.completed}`
      assert.deepStrictEqual(Dag.violations(early), [message])
    }))

  it.effect("V8: draws each task once, in the colour of its worker, with arrows that point right", () =>
    Effect.gen(function*() {
      const { tasks } = yield* ran(1)
      for (const height of ["runtime", "lane"] as const) {
        const svg = Picture.toSvg(tasks, height)
        const labels = [...svg.matchAll(/>(n\d+)<\/text>/g)].map(([, label]) => label!)
        assert.sameMembers(labels, tasks.map(({ key }) => key))
        for (const { id } of workers) assert.include(svg, `>${id}</text>`)
        const arrows = [...svg.matchAll(/d="M([\d.]+) [\d.]+L([\d.]+) [\d.]+" fill="none"[^>]* stroke="#888888"/g)]
        assert.strictEqual(arrows.length, size.edges)
        for (const [arrow, from, to] of arrows) assert.isBelow(Number(from), Number(to), arrow)
      }
    }))

  it("puts tasks that ran at once in different lanes", () => {
    assert.deepStrictEqual(Picture.lanesOf([{ start: 0, end: 4 }, { start: 1, end: 2 }, { start: 2, end: 3 }]), [
      1,
      2,
      2
    ])
  })
})
