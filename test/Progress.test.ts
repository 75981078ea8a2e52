import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Progress from "skein/Progress"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as Task from "skein/Task"
import { inScheduler, turns } from "./harness.ts"

const sleeps = (count: number, label: string) =>
  Array.from({ length: count }, () => Task.make(Effect.sleep("1 second"), { label }))

/** Figures in the order waiting, running, succeeded, failed, cancelled of total. */
const figures = ({ cancelled, failed, running, succeeded, total, waiting }: Progress.Counts) =>
  `${[waiting, running, succeeded, failed, cancelled].join("/")} of ${total}`

const ofGroups = ({ groups }: Progress.Progress) =>
  Object.fromEntries(groups.map((group) => [group.name, figures(group)]))

describe("Progress: reports", () => {
  it.effect("V6: reports come at once, at every interval and last, by groups, also with one slot", () =>
    Effect.gen(function*() {
      const seen: Array<readonly [number, string]> = []
      const effect = Client.compute([...sleeps(2, "load"), Task.make(Effect.void)])
      const fiber = yield* effect.pipe(
        Progress.withProgress((progress) => {
          seen.push([progress.elapsedMillis, figures(progress)])
          if (progress.total > 0) assert.deepStrictEqual(progress.groups.map(({ name }) => name), ["load", "task"])
        }, { interval: "1 second" }),
        Effect.forkChild
      )
      yield* TestClock.adjust("1500 millis")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen[0], [0, "0/0/0/0/0 of 0"])
      assert.deepStrictEqual(seen.at(-1), [2000, "0/0/3/0/0 of 3"])
      assert.deepStrictEqual(seen.map(([at]) => at), [0, 1000, 2000, 2000])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V6: every task is in one place: waiting, running, succeeded, failed, upstream failed or cancelled", () =>
    Effect.gen(function*() {
      const seen: Array<Progress.Progress> = []
      const bad = Task.make(Effect.fail("no"), { label: "bad" })
      const below = Task.map([bad], () => 1, { label: "below" })
      const slow = sleeps(2, "slow")
      const fiber = yield* Progress.withProgress(
        Effect.exit(Client.compute([below, ...slow], { mode: "continue" })),
        (progress) => void seen.push(progress),
        { interval: "500 millis" }
      ).pipe(Effect.forkChild)
      yield* TestClock.adjust("600 millis")
      assert.deepStrictEqual(ofGroups(seen.at(-1)!), {
        bad: "0/0/0/1/0 of 1",
        below: "0/0/0/0/0 of 1",
        slow: "1/1/0/0/0 of 2"
      })
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(ofGroups(seen.at(-1)!), {
        bad: "0/0/0/1/0 of 1",
        below: "0/0/0/0/0 of 1",
        slow: "0/0/0/0/2 of 2"
      })
      assert.deepStrictEqual([seen.at(-1)!.failed, seen.at(-1)!.upstreamFailed], [1, 1])
      for (const { cancelled, failed, running, succeeded, total, upstreamFailed, waiting } of seen) {
        assert.strictEqual(waiting + running + succeeded + failed + upstreamFailed + cancelled, total)
      }
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("V6: each worker tells what runs there, what has ended, and how long its slots were taken", () =>
    Effect.gen(function*() {
      const seen: Array<Progress.Progress> = []
      const child = Task.make(Effect.sleep("2 seconds"), { key: "child", workers: ["b"] })
      const parent = Task.make(Effect.andThen(Effect.sleep("1 second"), Client.compute(child)), {
        key: "parent",
        label: "above",
        workers: ["a"]
      })
      const beside = Task.make(Effect.sleep("4 seconds"), { key: "beside", workers: ["b"] })
      const flaky = Task.make(Effect.andThen(Effect.sleep("1 second"), Effect.fail("no")), {
        key: "flaky",
        workers: ["a"],
        retry: { times: 1 }
      })
      const computed = Effect.exit(
        Client.compute([parent, beside, Task.withOptions(flaky, { after: [parent] })], { mode: "continue" })
      )
      const fiber = yield* computed.pipe(
        Progress.withProgress((progress) => void seen.push(progress), { interval: "500 millis" }),
        Effect.forkChild
      )
      const loads = () =>
        seen.at(-1)!.workers.map(({ busyMillis, ended, id, running, slots }) =>
          `${id} ${busyMillis}/${slots} ${ended}: ${running.map(({ key, label }) => label ?? key).join(" ")}`
        )
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(loads(), ["a 500/1 0: above", "b 500/2 0: beside"])
      // Above has given its slot away.
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual(loads(), ["a 1000/1 0: ", "b 3000/2 0: beside child"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(loads(), ["a 2000/1 1: flaky", "b 6000/2 2: "])
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      // Two attempts of one task.
      assert.deepStrictEqual(loads(), ["a 3000/1 2: ", "b 6000/2 2: "])
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 2 }] })))

  it.effect("V6: bodies that began before the reports are not counted, and workers that have left are not shown", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.provide(Scheduler.addWorker({ id: "extra", concurrency: 1 }), scope)
      const task = Task.make(Effect.sleep("2 seconds"), { workers: ["extra"] })
      const before = yield* Client.submit(task)
      yield* TestClock.adjust("1 second")
      let last: Progress.Progress | undefined
      const program = Effect.gen(function*() {
        yield* Future.join(before)
        yield* Client.compute(Task.withOptions(task, { key: "counted" }))
        yield* Effect.sleep("150 millis")
        assert.deepInclude(last!.workers.find(({ id }) => id === "extra"), { id: "extra", ended: 1, busyMillis: 2000 })
        yield* Scope.close(scope, Exit.void)
        yield* Effect.sleep("1 second")
      })
      const fiber = yield* program.pipe(
        Progress.withProgress((progress) => void (last = progress)),
        Effect.forkChild
      )
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(last!.workers.map(({ id }) => id), ["local"])
    }).pipe(inScheduler()))

  it.effect("V6: the total grows when a flatMap expands", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const expanding = Task.flatMap(sleeps(1, "first"), () => Task.all(sleeps(3, "more")))
      const fiber = yield* Client.compute(expanding).pipe(
        Progress.withProgress(({ total }) => void seen.push(total), { interval: "600 millis" }),
        Effect.forkChild
      )
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen, [0, 2, 6, 6, 6])
    }).pipe(inScheduler()))

  it.effect("V6: attempts of one task are one task", () =>
    Effect.gen(function*() {
      let attempts = 0
      let last = ""
      const flaky = Task.make(Effect.suspend(() => ++attempts < 3 ? Effect.fail("again") : Effect.succeed(attempts)))
      const program = Effect.gen(function*() {
        for (let i = 0; i < 3; i++) yield* Effect.ignore(Client.compute(Task.withOptions(flaky, { key: "flaky" })))
      })
      yield* program.pipe(Progress.withProgress((progress) => void (last = figures(progress))))
      assert.strictEqual(last, "0/0/1/2/0 of 3")
    }).pipe(inScheduler()))

  it.effect("V3: a report that fails or throws is the last and harms nobody", () =>
    Effect.gen(function*() {
      let calls = 0
      const reports = [
        () => Effect.fail("no"),
        () => {
          throw new Error("no")
        },
        () => Effect.interrupt
      ]
      for (const report of reports) {
        calls = 0
        const fiber = yield* Client.compute(sleeps(2, "load")).pipe(
          Progress.withProgress(() => (calls++, report()), { interval: "100 millis" }),
          Effect.forkChild
        )
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fiber), [undefined, undefined])
        assert.strictEqual(calls, 1)
      }
    }).pipe(inScheduler()))

  it.effect("V3: failures and interruptions of the effect go through, after the last report", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const report = (name: string) => ({ failed, succeeded, total }: Progress.Progress) =>
        Effect.sync(() => total > 0 ? void log.push(`${name}: ${succeeded}, ${failed}`) : undefined)
      const failing = Client.compute(Task.make(Effect.fail("no" as const)))
      const exit = yield* Effect.exit(Progress.withProgress(failing, report("failing")))
      assert.deepStrictEqual(Exit.findErrorOption(exit), Exit.findErrorOption(Exit.fail("no")))
      assert.deepStrictEqual(log.splice(0), ["failing: 0, 1"])
      const fiber = yield* Client.compute(sleeps(1, "load")).pipe(
        Progress.withProgress(report("interrupted")),
        Effect.forkChild({ startImmediately: true })
      )
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(log, ["interrupted: 0, 0"])
    }).pipe(inScheduler()))

  it.effect("a report that is running is not cut off by the end of the effect", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const report = () =>
        Effect.gen(function*() {
          log.push("begins")
          yield* Deferred.await(gate)
          log.push("ends")
        })
      const fiber = yield* Effect.forkChild(Progress.withProgress(Effect.void, report))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(log, ["begins"])
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(log, ["begins", "ends", "begins", "ends"])
    }).pipe(inScheduler()))
})

describe("Progress: keys", () => {
  it.effect("V6: two tasks of one key, one cancelled while the other is on its way, are two tasks", () =>
    Effect.gen(function*() {
      let last = ""
      const program = Effect.gen(function*() {
        const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep("2 seconds"))
        const first = yield* Client.submit(Task.make(slow, { key: "k" }))
        yield* Effect.yieldNow
        yield* Future.cancel(first, { wait: false })
        yield* Future.join(yield* Client.submit(Task.make(Effect.sleep("5 seconds"), { key: "k" })))
      })
      const fiber = yield* Effect.scoped(program).pipe(
        Progress.withProgress((progress) => void (last = figures(progress))),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(last, "0/2/0/0/0 of 2")
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual(last, "0/0/1/0/1 of 2")
    }).pipe(inScheduler()))
})

describe("Progress: changes", () => {
  it.effect("V6: the stream ends with the last snapshot when the scheduler closes, whatever the interval", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(Skein.layer(), scope)
      const fiber = yield* Progress.changes({ interval: "1 hour" }).pipe(
        Stream.runCollect,
        Effect.provide(services),
        Effect.forkChild({ startImmediately: true })
      )
      const idle = yield* Progress.changes().pipe(Stream.runCollect, Effect.provide(services), Effect.forkChild)
      yield* Client.compute(sleeps(1, "endless")).pipe(
        Effect.provide(services),
        Effect.forkChild({ startImmediately: true })
      )
      yield* turns()
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual((yield* Fiber.join(fiber)).map(figures), ["0/1/0/0/0 of 1", "0/0/0/0/1 of 1"])
      yield* Fiber.join(idle)
    }))

  it.effect("V6: snapshots come when something has changed, not more often than the interval, the last one always", () =>
    Effect.gen(function*() {
      const seen: Array<readonly [number, string]> = []
      yield* Progress.changes({ interval: "1 second" }).pipe(
        Stream.runForEach((progress) => Effect.sync(() => seen.push([progress.elapsedMillis, figures(progress)]))),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(seen, [])
      const fiber = yield* Effect.forkChild(
        Client.compute(Array.from({ length: 4 }, (_, i) => Task.make(Effect.sleep(300 * (i + 1)))))
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen, [
        [10_000, "0/4/0/0/0 of 4"],
        [11_000, "0/1/3/0/0 of 4"],
        [12_000, "0/0/4/0/0 of 4"]
      ])
      yield* Client.compute(Task.make(Effect.void))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen.at(-1), [70_000, "0/0/5/0/0 of 5"])
    }).pipe(inScheduler()))

  it.effect("tasks that were there before are counted from their next step", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Client.compute(sleeps(3, "early")))
      yield* TestClock.adjust("500 millis")
      const last: Array<string> = []
      yield* Progress.changes().pipe(
        Stream.runForEach((progress) => Effect.sync(() => last.push(figures(progress)))),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(fiber)
      yield* turns()
      assert.strictEqual(last.at(-1), "0/0/3/0/0 of 3")
      assert.isTrue(last.every((line) => !line.includes("-")))
    }).pipe(inScheduler({ concurrency: 1 })))
})
