/** Submissions in turns: what others do between two of them. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberScheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import { start } from "skein/promise"
import * as Scheduler from "skein/Scheduler"
import type * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { edgesOf } from "../scripts/order-table.ts"
import { order, ordering } from "../src/engine/order/order.ts"
import type { Engine } from "../src/engine/protocol/Engine.ts"
import { open } from "../src/engine/state/State.ts"
import type { InPieces } from "../src/engine/structures/pieces.ts"
import { ambientIn } from "../src/internal/bodies/ambient.ts"
import type { Compiled } from "../src/internal/bodies/livePlan.ts"
import { compile, compileWithin, isWalking, nobody } from "../src/internal/plans/compile.ts"
import type { Walking } from "../src/internal/plans/compile.ts"
import { Pieces } from "../src/internal/settings/turn.ts"
import type { TaskImpl } from "../src/internal/tasks/task.ts"
import { eachStep } from "../src/testing/internal/rails.ts"
import { numbersFrom } from "./chance.ts"
import { inScheduler } from "./harness.ts"
import { longOr } from "./long.ts"

/** A scheduler whose submissions have turns of one step. */
const inTurns = (options?: Skein.Options) => <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.provideService(inScheduler(options)(program), Pieces, eachStep)

/** Begins now, with a first turn of one step. */
const begun = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** The table of tasks of the scheduler of this program. */
const table = Effect.map(Client.Client, (client: { readonly [core: symbol]: unknown }) => {
  const core = (client[Symbol.for("skein/Client/core")] as () => { readonly state: Engine })()
  return open(core.state).tasks
})

/** Lets every other fiber have this many turns. */
const turns = (count: number) => Effect.repeat(Effect.yieldNow, { times: count - 1 })

const chainOf = (length: number, last: Task.Task<number>): Task.Task<number> => {
  let task = last
  for (let i = 1; i < length; i++) task = Task.map([task], ([n]) => n + 1)
  return task
}

/** Tasks that each depend on some before them. */
const randomTasks = (size: number, seed: number): ReadonlyArray<Task.Task<number>> => {
  const next = numbersFrom(seed)
  const tasks: Array<Task.Task<number>> = []
  for (let i = 0; i < size; i++) {
    const inputs = Array.from({ length: Math.min(i, Math.floor(4 * next())) }, () => tasks[Math.floor(next() * i)]!)
    tasks.push(Task.map(inputs, (values) => values.reduce((a, b) => (a * 31 + b) % 9973, i)))
  }
  return tasks
}

/** What a walk keeps aside. */
interface Moved {
  readonly moved?: ReadonlyMap<TaskImpl, unknown>
}

/** Runs all turns, with other work before each one but the first, and returns the result. */
const ended = <A>(work: InPieces<A>, other: () => unknown): A => {
  for (let result = work.next();; result = work.next()) {
    if (result.done === true) return result.value
    other()
  }
}

const impls = (tasks: ReadonlyArray<Task.Task<number>>) => tasks as unknown as ReadonlyArray<TaskImpl>

describe("a submission in turns", () => {
  it("G15: yields after a bounded number of tasks and dependencies, and gives the plan that one step gives", () => {
    const tasks = impls(randomTasks(2000, 1))
    const targets = tasks.slice(-50)
    const ambient = ambientIn(Context.empty())
    const plain = compile(targets, nobody, ambient)
    let looks = 0
    const counted = tasks.map((task) => task.handles)
    tasks.forEach((task, i) => Object.defineProperty(task, "handles", { get: () => (looks++, counted[i]) }))
    const walk = compileWithin(targets, nobody, ambient, 100)
    assert.isTrue(isWalking(walk))
    if (!isWalking(walk)) return
    assert.isAtMost(looks, 300)
    let count = 0
    let most = 0
    const work = walk.inPieces(100)
    let result = work.next()
    for (looks = 0; result.done !== true; looks = 0) {
      result = work.next()
      count++
      most = Math.max(most, looks)
    }
    // A step looks at the dependencies of a task a few times.
    assert.isAtMost(most, 400)
    assert.isAbove(count, 100)
    const settled = result.value()
    // Only there the edges are known in reverse.
    const { plan, targets: references } = settled as Compiled
    assert.deepStrictEqual({ targets: references, plan: { ...plan, reversed: undefined } }, plain)
  })

  it("G15: a walk whose marks others have taken before its first turn, or between two, gives the same plan", () => {
    const tasks = impls(randomTasks(300, 2))
    const targets = tasks.slice(-20)
    const ambient = ambientIn(Context.empty())
    const plain = compile(targets, nobody, ambient) as Compiled
    for (const isEarly of [true, false]) {
      const walk = compileWithin(targets, nobody, ambient, 200) as Walking
      if (isEarly) compile(tasks, nobody, ambient)
      const settle = ended(walk.inPieces(7), () => isEarly || compile(tasks, nobody, ambient))
      const settled = settle() as Compiled
      assert.deepStrictEqual(settled.targets, plain.targets)
      assert.deepStrictEqual({ ...settled.plan, reversed: undefined }, plain.plan)
    }
  })

  it("G15: a walk keeps aside the marks that other walks overwrite, and none of its own", () => {
    const tasks = impls(randomTasks(300, 2))
    const ambient = ambientIn(Context.empty())
    const movedBy = (others: ReadonlyArray<TaskImpl>) => {
      const walk = compileWithin(tasks.slice(-20), nobody, ambient, 20) as Walking & Moved
      ended(walk.inPieces(20), () => others.length === 0 || compile(others, nobody, ambient))
      return [...walk.moved?.keys() ?? []]
    }
    assert.deepStrictEqual(movedBy([]), [])
    const others = tasks.slice(0, 100)
    const moved = movedBy(others)
    assert.isAbove(moved.length, 0)
    assert.deepStrictEqual(moved.filter((task) => !others.includes(task)), [])
  })

  it("C4: a walk that is given up keeps no marks aside any more", () => {
    const tasks = impls(randomTasks(300, 2))
    const ambient = ambientIn(Context.empty())
    const walk = compileWithin(tasks.slice(-20), nobody, ambient, 20) as Walking & Moved
    const work: Iterator<void> = walk.inPieces(20)
    for (let i = 0; i < 10; i++) work.next()
    work.return?.()
    compile(tasks, nobody, ambient)
    assert.isUndefined(walk.moved)
  })

  it("O3: an order that is found in pieces is the order that is found at once, with a yield for each so many rows", () => {
    const next = numbersFrom(3)
    for (const size of [2, 30, 300, 3000]) {
      const rows = Array.from(
        { length: size },
        (_, i) =>
          Array.from({ length: i === 0 ? 0 : Math.floor(3 * next()) }, () => Math.floor(next() * i))
            .filter((each, j, all) => all.indexOf(each) === j)
      )
      const edges = edgesOf(rows)
      let count = 0
      const work = ordering(edges, 10)
      let result = work.next()
      for (; result.done !== true; result = work.next()) count++
      assert.deepStrictEqual(result.value, order(edges))
      if (size > 10) assert.isAtLeast(count, 6 * size / 10)
    }
  })

  it.effect("G15: a small graph is entered before its fiber pauses, as ever; above the bound others run in between", () =>
    Effect.gen(function*() {
      const small = yield* begun(Client.compute(chainOf(1000, Task.succeed(0))))
      assert.strictEqual((yield* Scheduler.stats).tasks.waiting, 998)
      yield* Fiber.join(small)
    }).pipe(inScheduler()))

  it.effect("G15: what is submitted in turns runs once and gives its values, while others submit the same tasks", () =>
    Effect.gen(function*() {
      let runs = 0
      const shared = chainOf(5, Task.sync(() => ++runs))
      const tasks = [...randomTasks(40, 7), Task.map([shared, shared], ([a, b]) => a + b)]
      const alone = yield* Client.compute(tasks)
      runs = 0
      const all = yield* Effect.all([
        Client.compute(tasks),
        Client.compute(tasks.toReversed()),
        Client.forEach([shared, ...tasks.slice(3, 9)], (n) => Effect.succeed(n)),
        Client.compute(tasks)
      ], { concurrency: "unbounded" })
      assert.strictEqual(runs, 4)
      assert.deepStrictEqual(all[0].slice(0, 40), alone.slice(0, 40))
      assert.deepStrictEqual(all[1].toReversed().slice(0, 40), alone.slice(0, 40))
      assert.deepStrictEqual(all[3].slice(0, 40), alone.slice(0, 40))
    }).pipe(inTurns()))

  it.effect("G3, G15: submissions of the same tasks whose turns alternate give each task's value in its place", () =>
    Effect.gen(function*() {
      const tasks = Array.from({ length: 20 }, (_, i) => Task.make(Effect.succeed(i)))
      const all = yield* Effect.all([Client.compute(tasks), Client.submitAll(tasks), Client.compute(tasks)], {
        concurrency: "unbounded"
      })
      const values = tasks.map((_, i) => i)
      assert.deepStrictEqual([all[0], yield* Future.joinAll(all[1]), all[2]], [values, values, values])
    }).pipe(inTurns()))

  it.effect("G9: a key that another submission takes between two turns is joined, and what only it needs does not run", () =>
    Effect.gen(function*() {
      const ran: Array<string> = []
      const note = (name: string) => Task.sync(() => (ran.push(name), 1))
      const keyed = Task.make([note("below")], () => Effect.as(turns(100), ran.push("keyed")), { key: "k" })
      const large = yield* begun(Client.compute([chainOf(20, Task.map([keyed, note("beside")], ([a, b]) => a + b))]))
      yield* turns(30)
      const other = yield* Client.submit(keyed)
      const [sum] = yield* Fiber.join(large)
      assert.strictEqual(sum, (yield* Future.join(other)) + 1 + 19)
      assert.deepStrictEqual(ran.toSorted(), ["below", "beside", "keyed"])
    }).pipe(Effect.scoped, inTurns({ concurrency: 1 })))

  it.effect("G9: a live task that was joined and is gone between two turns runs again, with all that it needs", () =>
    Effect.gen(function*() {
      let runs = 0
      const keyed = Task.map([Task.sync(() => ++runs)], ([n]) => n, { key: "k" })
      const scope = yield* Scope.make()
      const other = yield* Scope.provide(Client.submit(keyed), scope)
      assert.strictEqual(yield* Future.join(other), 1)
      const large = yield* begun(Client.compute(Task.map([keyed, chainOf(20, Task.succeed(0))], ([a, b]) => a + b)))
      yield* turns(5)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* Fiber.join(large), 2 + 19)
    }).pipe(inTurns()))

  it.effect("G9: a name of a namespace that other work has by the end of the turns is refused", () =>
    Effect.gen(function*() {
      const [mine, other] = ["mine", "other"].map((name) => Task.sync(() => name, { key: "k" }))
      const scope = yield* Scope.make()
      yield* Future.join(yield* Scope.provide(Client.submit(mine!), scope))
      const large = yield* begun(
        Effect.flip(Client.compute(Task.map([mine!, chainOf(20, Task.succeed(0))], ([name]) => name)))
      )
      yield* turns(5)
      yield* Scope.close(scope, Exit.void)
      yield* Client.submit(other!)
      assert.strictEqual((yield* Fiber.join(large)).reason._tag, "KeyConflict")
    }).pipe(Client.annotate({ namespace: "n" }), Effect.scoped, inTurns()))

  it.effect("D9: a future that is released between two turns refuses the submission, unless nobody needs it any more", () =>
    Effect.gen(function*() {
      const future = yield* Client.submit(Task.succeed(1))
      const keyed = Task.map([future], ([n]) => n, { key: "k" })
      const needs = yield* begun(
        Effect.flip(Client.compute(Task.map([future, chainOf(20, Task.succeed(0))], ([a]) => a)))
      )
      const joins = yield* begun(Client.compute(Task.map([keyed, chainOf(40, Task.succeed(0))], ([a]) => a)))
      yield* turns(5)
      const other = yield* Client.submit(keyed)
      yield* turns(20)
      yield* Future.join(other)
      yield* Future.release(future)
      assert.include((yield* Fiber.join(needs)).message, "was released")
      assert.strictEqual(yield* Fiber.join(joins), 1)
    }).pipe(Effect.scoped, inTurns()))

  it.effect("G10: a result that comes into the cache between two turns is taken from there", () =>
    Effect.gen(function*() {
      let runs = 0
      const cache = new Map<string, unknown>()
      const keyed = Task.map([Task.sync(() => ++runs)], ([n]) => n, { key: "k" })
      const large = yield* begun(
        Client.compute(Task.map([keyed, chainOf(20, Task.succeed(0))], ([a]) => a), { cache })
      )
      yield* turns(5)
      cache.set("k", 7)
      assert.strictEqual(yield* Fiber.join(large), 7)
      assert.strictEqual(runs, 0)
    }).pipe(inTurns()))

  it.effect("G21: with conflict \"refuse\" a key that is taken between two turns refuses, and with \"replace\" its run ends", () =>
    Effect.gen(function*() {
      const keyed = (n: number) => Task.make([], () => Effect.as(turns(3000), n), { key: "k" })
      const large = (n: number) => Task.map([keyed(n), chainOf(20, Task.succeed(0))], ([a]) => a)
      const refused = yield* begun(Effect.flip(Client.compute(large(1), { conflict: "refuse" })))
      const replaces = yield* begun(Client.compute(large(2), { conflict: "replace" }))
      yield* turns(5)
      const other = yield* Client.submit(keyed(3))
      const error = yield* Fiber.join(refused)
      assert.strictEqual(error._tag === "SubmitError" && error.reason._tag, "KeyConflict")
      assert.isTrue(Exit.isFailure(yield* Future.await(other)))
      assert.strictEqual(yield* Fiber.join(replaces), 2)
    }).pipe(Effect.scoped, inTurns()))

  it.effect("C4: an interruption between two turns leaves nothing, and the same tasks can be submitted again", () =>
    Effect.gen(function*() {
      const tasks = randomTasks(30, 5)
      for (let count = 1; count < 60; count += 7) {
        const fiber = yield* begun(Effect.scoped(Client.submitAll(tasks)))
        yield* turns(count)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual((yield* Scheduler.stats).tasks.waiting, 0)
      }
      assert.lengthOf(yield* Client.compute(tasks), 30)
    }).pipe(inTurns()))

  it.effect("C4: rows that are filled before the submission are seen by nobody, and none is left after an interruption", () =>
    Effect.gen(function*() {
      const tasks = randomTasks(30, 5)
      const rows = yield* table
      for (const filled of [1, 17, 30]) {
        const fiber = yield* begun(Effect.scoped(Effect.andThen(Client.submitAll(tasks), Effect.never)))
        while (rows.announced < filled) yield* Effect.yieldNow
        assert.strictEqual(rows.size, 0)
        assert.strictEqual((yield* Scheduler.stats).tasks.waiting, 0)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual([rows.announced, rows.size], [0, 0])
      }
      assert.lengthOf(yield* Client.compute(tasks), 30)
    }).pipe(inTurns()))

  it.effect("C4: an announced graph whose scope closes before its submission leaves nothing", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const fiber = yield* begun(Effect.exit(Scope.provide(Client.submitAll(randomTasks(30, 5)), scope)))
      const rows = yield* table
      while (rows.announced < 20) yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      assert.deepStrictEqual([rows.announced, rows.size], [0, 0])
    }).pipe(inTurns()))

  it.effect("G15: a list of targets that is changed between two turns is submitted as it was", () =>
    Effect.gen(function*() {
      const tasks = [...randomTasks(30, 5)]
      const fiber = yield* begun(Client.submitAll(tasks))
      yield* turns(3)
      tasks.length = 2
      tasks[1] = "no task" as never
      assert.lengthOf(yield* Fiber.join(fiber), 30)
    }).pipe(Effect.scoped, inTurns()))

  it.effect("D9: a future that is released after the rows are filled refuses the submission, as a target or a dependency", () =>
    Effect.gen(function*() {
      const rows = yield* table
      for (const isTarget of [true, false]) {
        const future = yield* Client.submit(Task.succeed(1))
        const chain = chainOf(10, Task.succeed(0))
        const asked = isTarget ? [chain, future as never] : [Task.map([future, chain], ([a]) => a)]
        const fiber = yield* begun(Effect.flip(Client.submitAll(asked)))
        while (rows.announced < 9) yield* Effect.yieldNow
        yield* Future.release(future)
        assert.include((yield* Fiber.join(fiber)).message, "was released")
        assert.strictEqual(rows.announced, 0)
      }
    }).pipe(Effect.scoped, inTurns()))

  it.effect("D1: futures of a graph in turns are joined, released and cancelled one by one", () =>
    Effect.gen(function*() {
      const tasks = randomTasks(40, 5)
      const slow = Task.make([tasks[3]!], () => Effect.never)
      const futures = yield* Client.submitAll([...tasks, slow, slow])
      const values = yield* Future.joinAll(futures.slice(0, 40))
      assert.deepStrictEqual(values, yield* Client.compute(tasks))
      yield* Future.release(futures[7]!)
      assert.include((yield* Effect.flip(Future.join(futures[7]!))).message, "was released")
      yield* Future.cancel(futures[40]!)
      assert.isTrue(Exit.isFailure(yield* Future.await(futures[41]!)))
      assert.strictEqual(yield* Future.join(futures[8]!), values[8])
    }).pipe(Effect.scoped, inTurns()))

  it.effect("N1: the end of its task between two turns refuses a submission in the scope of that task", () =>
    Effect.gen(function*() {
      const exits: Array<Exit.Exit<unknown, unknown>> = []
      const parent = Task.make(
        Effect.forkDetach(
          Effect.onExit(
            Client.submit(chainOf(20, Task.succeed(0))),
            (exit) => Effect.sync(() => exits.push(exit as never))
          ),
          { startImmediately: true }
        )
      )
      yield* Fiber.await((yield* Client.compute(parent)) as unknown as Fiber.Fiber<unknown>)
      assert.lengthOf(exits, 1)
      assert.include(String(exits[0]), "closed")
    }).pipe(inTurns()))

  it.effect("A11: a task that is fired in turns runs", () =>
    Effect.gen(function*() {
      let sum = 0
      yield* Client.fireAndForget(Task.map([chainOf(30, Task.succeed(0))], ([n]) => void (sum = n)))
      yield* Client.awaitGroup()
      assert.strictEqual(sum, 29)
    }).pipe(inTurns()))

  it.live("A14: plain code has the future of a large graph at once", () =>
    Effect.promise(async () => {
      await using skein = await start()
      const future = skein.submit(chainOf(40_000, Task.succeed(0)))
      assert.strictEqual(await future, 39_999)
    }))

  const seeds = longOr(400, 25)
  const pieces: { -readonly [K in keyof Pieces]: Pieces[K] } = { atOnce: 1, steps: 1, perTurn: 1 }

  it.effect(`G9, G15: in ${seeds} random programs no task runs twice in one submission, and no key twice at a time`, () =>
    Effect.gen(function*() {
      for (let seed = 0; seed < seeds; seed++) {
        const next = numbersFrom(seed)
        const below = (n: number): number => Math.floor(next() * n)
        const runs: Array<number> = []
        const live: Array<number> = []
        let twice = ""
        const body = (i: number) =>
          Effect.gen(function*() {
            runs[i]!++
            if (++live[i]! > 1 && isKeyed[i] === true) twice = `seed ${seed}: two runs of k${i}`
            yield* turns(1 + below(60))
            return i
          }).pipe(Effect.ensuring(Effect.sync(() => live[i]!--)))
        const needs: Array<ReadonlySet<number>> = []
        const isKeyed = Array.from({ length: 12 }, () => next() < 0.3)
        const tasks: Array<Task.Task<number>> = []
        for (let i = 0; i < 12; i++) {
          const inputs = Array.from({ length: Math.min(i, below(4)) }, () => below(i))
          tasks.push(
            Task.make(inputs.map((each) => tasks[each]!), () => body(i), isKeyed[i] === true ? { key: `k${i}` } : {})
          )
          needs.push(new Set([i, ...inputs.flatMap((each) => [...needs[each]!])]))
          runs.push(0)
          live.push(0)
        }
        const asked = Array.from({ length: 4 }, () => Array.from({ length: 1 + below(3) }, () => below(12)))
        // Fibers may yield within a submission before its first turn is over.
        pieces.atOnce = 1 + below(12)
        const operations = [3, 4, 7, 2048][below(4)]!
        const interrupted = below(2) === 0 ? below(4) : -1
        const fibers = yield* Effect.forEach(
          asked,
          (targets) =>
            Effect.andThen(turns(1 + below(40)), Client.compute(targets.map((each) => tasks[each]!))).pipe(
              Effect.provideService(FiberScheduler.MaxOpsBeforeYield, operations),
              begun
            )
        )
        if (interrupted >= 0) {
          yield* turns(1 + below(80))
          yield* Fiber.interrupt(fibers[interrupted]!)
        }
        for (const [k, fiber] of fibers.entries()) {
          const exit = yield* Fiber.await(fiber)
          if (k !== interrupted) assert.deepStrictEqual(exit, Exit.succeed(asked[k]!), `seed ${seed}`)
        }
        for (let i = 0; i < 12; i++) {
          const wanted = asked.filter((targets) => targets.some((each) => needs[each]!.has(i))).length
          assert.isAtMost(runs[i]!, wanted, `seed ${seed}: runs of task ${i}`)
        }
        assert.strictEqual(twice, "")
      }
    }).pipe(inScheduler({ concurrency: 16 }), Effect.provideService(Pieces, pieces)))
})
