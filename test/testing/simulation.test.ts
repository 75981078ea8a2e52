import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Client from "skein/Client"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { type Chance, Faults, Simulation, World } from "skein/testing"
import * as Worker from "skein/Worker"
import { longOr } from "../long.ts"
import { closingFaults, randomClosings } from "./closings.ts"
import { allFaults, randomGraph } from "./graphs.ts"
import { pacedFaults, randomPaced } from "./paced.ts"
import { randomProgram } from "./programs.ts"
import { randomStreams } from "./streams.ts"

const schedules = longOr(3000, 100)

/** How often each fault is to happen at least. */
const often = longOr(schedules / 50, 0)

describe("simulation", () => {
  it.live(
    `T6: in ${schedules} worlds random graphs with faults give what the interpreter says, and leave nothing`,
    () =>
      Effect.gen(function*() {
        const report = yield* Simulation.run(randomGraph, { seeds: schedules, faults: allFaults })
        assert.strictEqual(report.schedules, schedules)
        assert.isAbove(report.interleavings, schedules / 2)
        for (const [kind, count] of Object.entries(report.faults)) assert.isAbove(count, often, kind)
        assert.isAbove(report.abandoned, often)
      })
  )

  it.live(
    `T6: in ${schedules} worlds random programs that cancel, release, give up and close get values or know why not`,
    () =>
      Effect.gen(function*() {
        const report = yield* Simulation.run(randomProgram, { seeds: schedules, faults: allFaults })
        assert.isAbove(report.interleavings, schedules / 2)
        assert.isAbove(report.events, 20 * schedules)
        assert.isAbove(report.faults.vanish, often)
      })
  )

  it.live(`A7, C11: in ${schedules} worlds streams take no more than they may, give what they must, and leave nothing`, () =>
    Effect.gen(function*() {
      const report = yield* Simulation.run(randomStreams, { seeds: schedules, faults: allFaults })
      assert.isAbove(report.interleavings, schedules / 2)
      assert.isAbove(report.faults.vanish, often)
    }))

  it.live(`C4: in ${schedules} worlds nothing runs on when the owner of early sets and what they need is over`, () =>
    Effect.gen(function*() {
      const report = yield* Simulation.run(randomClosings, { seeds: schedules, faults: closingFaults })
      assert.isAbove(report.interleavings, schedules / 2)
    }))

  it.live(
    `W22, W23, G21: in ${schedules} worlds rates and pauses hold at every start, and tasks under live keys join, are refused, or take their place`,
    () =>
      Effect.gen(function*() {
        const report = yield* Simulation.run(randomPaced, { seeds: schedules, faults: pacedFaults })
        assert.isAbove(report.interleavings, schedules / 2)
        assert.isAbove(report.faults.vanish, often)
      })
  )

  it.live("W1: unbounded slots change nothing but the order", () =>
    Effect.gen(function*() {
      const seeds = longOr(300, 6)
      const report = yield* Simulation.run(randomGraph, { seeds, concurrency: "unbounded" })
      assert.isAbove(report.interleavings, seeds / 2)
      yield* Simulation.run(randomProgram, { seeds, concurrency: "unbounded" })
    }))

  const scheduling: ReadonlyArray<Skein.SchedulingOptions> = [
    { sourceSaturation: 0.1 },
    { budget: { target: 0, pause: 1 } },
    { rate: { starts: 2, per: 3 } },
    { sourceSaturation: 0.5, budget: { target: 1, pause: 3, sizeOf: () => 2 }, aging: 1 }
  ]
  for (const options of scheduling) {
    it.live(
      `O8, O11, M8, W22: brakes, aging and rates change nothing but the order: ${JSON.stringify(options)}`,
      () =>
        Effect.gen(function*() {
          const seeds = longOr(300, 6)
          const report = yield* Simulation.run(randomGraph, { seeds, scheduling: options })
          assert.isAbove(report.interleavings, seeds / 2)
          yield* Simulation.run(randomProgram, { seeds, scheduling: options })
        })
    )
  }

  it.live("T1: the same seed tells the same story twice, another seed another one", () =>
    Effect.gen(function*() {
      for (const [program, seed] of [[randomProgram, 12], [randomPaced, 7]] as const) {
        const tell = (seed: number) => Effect.map(Simulation.replay(program, seed), ({ story }) => story)
        const stories = yield* Effect.all([tell(seed), tell(seed), tell(seed + 1)])
        assert.isAbove(stories[0].length, 10)
        assert.deepStrictEqual(stories[0], stories[1])
        assert.notDeepEqual(stories[0], stories[2])
      }
    }))
})

/** Two deposits of one: the second may have read the balance before the first has written it. */
const lostUpdate = (chance: Chance.Chance) => {
  let balance = 0
  const deposit = (label: string) =>
    Task.make(
      Effect.gen(function*() {
        const before = balance
        yield* Effect.yieldNow
        balance = before + 1
      }),
      { label }
    )
  const deposits = ["a", "b", "c", "d", "e"].slice(0, 2 + chance.below(4)).map(deposit)
  return Task.map(deposits, () => balance)
}

describe("counterexamples", () => {
  it.live("T6: a lost update is found, and shrinks to two deposits, no fault and few changes of order", () =>
    Effect.gen(function*() {
      const found = yield* Effect.flip(Simulation.run(lostUpdate))
      assert.deepStrictEqual(found.run.problems.map(({ kind }) => kind), ["mismatch"])
      assert.lengthOf(found.run.graph, 3)
      assert.deepStrictEqual(found.run.faults, [])
      assert.isBelow((found.case.schedule ?? []).filter((choice) => choice > 0).length, 8)
    }))

  it.live("T6: the message tells what went wrong, the graph, the story and how to run it again; the small case fails again", () =>
    Effect.gen(function*() {
      const found = yield* Effect.flip(Simulation.run(lostUpdate))
      for (
        const part of [
          "mismatch: target 0 gave 1 in place of 2",
          "Graph:",
          "Story:",
          "a#1: running -> succeeded",
          "Simulation.replay("
        ]
      ) {
        assert.include(found.message, part)
      }
      assert.match(found.message, /: a#1 \(effect\)\n/)
      const again = yield* Simulation.replay(lostUpdate, found.case)
      assert.deepStrictEqual(again.problems, found.run.problems)
      assert.deepStrictEqual(again.story, found.run.story)
      const first = yield* Simulation.replay(lostUpdate, found.seed)
      assert.strictEqual(first.problems[0]?.kind, "mismatch")
    }))

  it.live("T6: a fault that a body does not expect is found, and only that fault is left", () =>
    Effect.gen(function*() {
      const subject = () => {
        let open = 0
        const acquire = Task.make(Effect.sync(() => open++), { label: "acquire" })
        const use = Task.make([acquire], () => Effect.yieldNow, { label: "use" })
        const release = Task.make([use], () => Effect.sync(() => open--), { label: "release" })
        return Effect.gen(function*() {
          yield* Effect.exit(Client.compute(release))
          if (open > 0) return yield* Effect.die("left open")
        })
      }
      const found = yield* Effect.flip(Simulation.run(subject, { abandon: 0 }))
      assert.strictEqual(found.run.problems[0]?.kind, "program")
      assert.lengthOf(found.run.faults, 1)
      assert.match(found.run.faults[0]!.site, /^(use|release)@1$/)
      assert.match(found.message, /Faults:\n {2}\w+ at (use|release)#\d@1\n/)
    }))

  it.live("T6: a program that waits for ever is found, as is one that goes on for ever", () =>
    Effect.gen(function*() {
      const waits = yield* Effect.flip(Simulation.run(Client.compute(Task.make(Effect.never)), { abandon: 0 }))
      assert.deepStrictEqual(waits.run.problems.map(({ kind }) => kind).slice(0, 1), ["stall"])
      const endless = Client.compute(Task.make(Effect.forever(Effect.yieldNow)))
      const goesOn = yield* Effect.flip(Simulation.run(endless, { abandon: 0, steps: 500, shrink: 5 }))
      assert.include(goesOn.message, "it goes on without end")
    }))

  it.live("T6: a fiber that outlives the program is found", () =>
    Effect.gen(function*() {
      const leaky = Client.compute(Task.make(Effect.forkDetach(Effect.sleep("1 day"))))
      const found = yield* Effect.flip(Simulation.run(leaky, { faults: Faults.none, abandon: 0 }))
      assert.deepStrictEqual(found.run.problems, [{ kind: "leftover", text: "1 fibers are left" }])
    }))

  it.live("T6, G19: a skip that passes through plain dependencies is the same skip, in every world", () =>
    Effect.gen(function*() {
      const subject = () => {
        const skipping = Task.make(Worker.skip, { key: "skipping" })
        const after = Task.map([], () => 1, { key: "after", after: skipping })
        return [after, Task.map(Task.map(skipping, (n) => n, { key: "next" }), (n) => n, { key: "last" })]
      }
      assert.strictEqual((yield* Simulation.run(subject)).schedules, 100)
    }))

  it.live("a graph that is refused is refused in every world", () =>
    Effect.gen(function*() {
      const twice = [Task.make(Effect.succeed(1), { key: "k" }), Task.make(Effect.succeed(2), { key: "k" })]
      assert.strictEqual((yield* Simulation.run(twice, { seeds: 20 })).schedules, 20)
    }))
})

describe("time in a simulation", () => {
  it.live("C9: a time limit that falls between two numbers is met: the alarm does not ring too early for ever", () =>
    Effect.gen(function*() {
      // Sums and differences of such times are not exact, and a clock rounds what it sleeps to nanoseconds.
      const tasks = Array.from({ length: 300 }, (_, i) => Task.make(Effect.never, { timeout: 0.1 * i + 0.370001 }))
      const program = Effect.andThen(Effect.sleep(1 / 3), Client.compute(tasks, { mode: "collect" }))
      const layer = Skein.layer({ concurrency: tasks.length })
      const exits = yield* World.withSeed(Effect.provide(program, layer, { local: true }), 1)
      for (const exit of exits) assert.include(String(exit), "TaskTimeout")
    }))
})

describe("withSeed", () => {
  const racy = Effect.gen(function*() {
    let n = 0
    const bump = Effect.flatMap(Effect.sync(() => n), (before) =>
      Effect.sync(() => {
        n = before + 1
      }))
    yield* Effect.all([bump, bump, bump], { concurrency: 3 })
    return n
  })

  it.live("T1: a seed chooses the interleaving, and replays it", () =>
    Effect.gen(function*() {
      const results = yield* Effect.forEach(Array.from({ length: 100 }, (_, seed) => seed), (seed) =>
        World.withSeed(racy, seed))
      const bad = results.findIndex((n) =>
        n < 3
      )
      assert.isAtLeast(bad, 0)
      for (let i = 0; i < 5; i++) assert.strictEqual(yield* World.withSeed(racy, bad), results[bad]!)
    }))

  it.live("T4: time goes on by itself, and only when nothing else can", () =>
    Effect.gen(function*() {
      const sleepy = Effect.gen(function*() {
        yield* Effect.sleep("3 days")
        return yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      })
      assert.strictEqual(yield* World.withSeed(sleepy, 1), 3 * 86_400_000)
    }))

  it.live("an effect that can go on no more dies, and says why", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(World.withSeed(Effect.never, 7))
      assert.include(String(exit), "With seed 7, nothing can run")
    }))

  it.live("an effect may wait for a promise", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* World.withSeed(Effect.promise(() => Promise.resolve(1)), 1), 1)
    }))

  it.live("interrupting it interrupts what runs inside, finalizers and all", () =>
    Effect.gen(function*() {
      let isClosed = false
      const inside = Effect.andThen(
        Effect.promise(() => new Promise((resolve) => setImmediate(resolve))),
        Effect.onInterrupt(
          Effect.forever(Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))),
          () => Effect.sync(() => isClosed = true)
        )
      )
      yield* Effect.raceFirst(World.withSeed(inside, 1), Effect.repeat(Effect.yieldNow, { times: 10 }))
      assert.isTrue(isClosed)
    }))
})
