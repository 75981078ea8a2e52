import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import { TaskCancelled, TaskTimeout } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { endless, gate, inScheduler, type Log, note, reluctant, turns } from "./harness.ts"
import { causeOf, causeOfExit, defectsIn, errorOf, exitNow, infoOf, onlyError, reasonIn, reasonOf } from "./support.ts"

const started = (log: Log, name: string) =>
  Effect.repeat(Effect.yieldNow, { until: () => log.includes(`${name} starts`) })

const cancelledWith = (exit: Exit.Exit<unknown, unknown> | undefined) => {
  assert.isDefined(exit)
  const reason = reasonIn(onlyError(causeOfExit(exit)))
  assert.instanceOf(reason, TaskCancelled)
  return reason
}

describe("cancel", () => {
  it.effect("C1: a queued task never starts", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const busy = yield* Client.submit(Task.make(door.pass))
      const queued = yield* Client.submit(Task.make(note(log, "ran")))
      yield* door.arrived(1)
      yield* Future.cancel(queued)
      cancelledWith(yield* exitNow(queued))
      yield* door.open
      yield* Future.join(busy)
      yield* turns()
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C1: the finalizers of a running task have run when cancel returns", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(reluctant(log, "body"), { key: "k" }))
      yield* started(log, "body")
      yield* Future.cancel(future, { by: "me", why: "enough" })
      log.push("cancel returns")
      assert.deepStrictEqual(log, ["body starts", "body is finalized", "cancel returns"])
      const cause = causeOfExit((yield* exitNow(future))!)
      assert.deepInclude(reasonIn(onlyError(cause)), { _tag: "TaskCancelled", key: "k", by: "me", why: "enough" })
      assert.deepInclude(infoOf(cause), { key: "k", attempt: 1, worker: "local", root: "k", path: ["k"] })
    }).pipe(inScheduler()))

  it.effect("C1: with wait: false cancel returns at once, and the finalizers run later", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(reluctant(log, "body")))
      yield* started(log, "body")
      yield* Future.cancel(future, { wait: false })
      log.push("cancel returns")
      yield* turns()
      assert.deepStrictEqual(log, ["body starts", "cancel returns", "body is finalized"])
    }).pipe(inScheduler()))

  it.effect("C1: a second cancel waits for the finalizers as the first does", () =>
    Effect.gen(function*() {
      const log: Log = []
      const future = yield* Client.submit(Task.make(reluctant(log, "body")))
      yield* started(log, "body")
      yield* Future.cancel(future, { wait: false, why: "first" })
      yield* Future.cancel(future, { why: "second" })
      log.push("cancel returns")
      assert.deepStrictEqual(log, ["body starts", "body is finalized", "cancel returns"])
      assert.strictEqual(cancelledWith(yield* exitNow(future)).why, "first")
    }).pipe(inScheduler()))

  it.effect("C1: a task that has ended is not affected, whatever its end", () =>
    Effect.gen(function*() {
      const futures = yield* Client.submitAll([Task.make(Effect.succeed(1)), Task.make(Effect.fail("no"))])
      yield* Future.awaitAll(futures)
      yield* Effect.forEach(futures, (future) => Future.cancel(future))
      yield* Effect.forEach(futures, (future) => Future.cancel(future, { force: true, wait: false }))
      assert.strictEqual(yield* Future.join(futures[0]), 1)
      assert.strictEqual(yield* errorOf(Future.join(futures[1])), "no")
    }).pipe(inScheduler()))

  it.effect("C1: interrupting a cancel ends its wait; the cancellation goes on", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const body = Effect.onExit(endless(log, "body"), () => door.pass)
      const future = yield* Client.submit(Task.make(body))
      yield* started(log, "body")
      const canceller = yield* Effect.forkChild(Future.cancel(future), { startImmediately: true })
      yield* door.arrived(1)
      yield* Fiber.interrupt(canceller)
      cancelledWith(yield* exitNow(future))
      assert.strictEqual((yield* Scheduler.stats).tasks.stopping, 1)
      yield* door.open
    }).pipe(inScheduler()))

  it.effect("C2: dependents end TaskCancelled with who and why, and say over which tasks it came", () =>
    Effect.gen(function*() {
      const log: Log = []
      const root = Task.make(endless(log, "root"), { key: "root" })
      const mid = Task.make(root, () => note(log, "mid"), { key: "mid" })
      const tip = Task.make([mid, root], () => note(log, "tip"), { key: "tip" })
      const [a, b, c] = yield* Client.submitAll([root, mid, tip])
      const caught = yield* Client.submit(Task.exit(b))
      yield* started(log, "root")
      yield* Future.cancel(a, { by: "me", why: "enough", force: true })
      for (const future of [a, b, c]) {
        assert.deepInclude(cancelledWith(yield* exitNow(future)), { key: "root", by: "me", why: "enough" })
      }
      const path = (future: Future.Future<unknown, unknown>) =>
        Effect.map(causeOf(Future.join(future)), (cause) => infoOf(cause)?.path)
      assert.deepStrictEqual([yield* path(b), yield* path(c)], [["root", "mid"], ["root", "tip"]])
      assert.strictEqual(cancelledWith(yield* Future.join(caught)).by, "me")
      assert.deepStrictEqual(log, ["root starts", "root is finalized"])
    }).pipe(inScheduler()))

  it.effect("C2: the owner's own futures downstream end TaskCancelled under their own keys", () =>
    Effect.gen(function*() {
      const log: Log = []
      const root = Task.make(endless(log, "root"), { key: "root" })
      const tip = Task.map(root, () => 1, { key: "tip", label: "the tip" })
      const [a, b] = yield* Client.submitAll([root, tip])
      yield* started(log, "root")
      yield* Future.cancel(a, { by: "me", why: "enough" })
      const cause = yield* causeOf(Future.join(b))
      assert.deepInclude(reasonIn(onlyError(cause)), { _tag: "TaskCancelled", key: "root", by: "me", why: "enough" })
      assert.deepInclude(infoOf(cause), {
        key: "tip",
        label: "the tip",
        attempt: 0,
        root: "root",
        path: ["root", "tip"]
      })
    }).pipe(inScheduler()))

  it.effect("C2: cancelling a dependent leaves what it depends on to those who want it, and stops the rest", () =>
    Effect.gen(function*() {
      const log: Log = []
      const wanted = Task.make(endless(log, "wanted"))
      const only = Task.make(endless(log, "only"))
      const [kept, tip] = yield* Client.submitAll([wanted, Task.all([wanted, only])])
      yield* started(log, "wanted")
      yield* started(log, "only")
      yield* Future.cancel(tip)
      assert.deepStrictEqual(log.slice(2), ["only is finalized"])
      assert.strictEqual(yield* Future.status(kept), "running")
    }).pipe(inScheduler()))

  it.effect("C3: cancel withdraws the caller's claim alone; the task stops when the last claim goes", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(endless(log, "shared"), { key: "shared" })
      const mine = yield* Client.submit(task)
      const scope = yield* Scope.make()
      const theirs = yield* Client.submit(task).pipe(Scope.provide(scope))
      yield* started(log, "shared")
      yield* Future.cancel(mine)
      cancelledWith(yield* exitNow(mine))
      assert.isUndefined(yield* exitNow(theirs))
      assert.deepStrictEqual(log, ["shared starts"])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(log, ["shared starts", "shared is finalized"])
    }).pipe(inScheduler()))

  it.effect("C3: with force the task stops for all of its owners", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(reluctant(log, "shared"), { key: "shared" })
      const mine = yield* Client.submit(task)
      const theirs = yield* Effect.forkChild(Client.compute(task), { startImmediately: true })
      yield* started(log, "shared")
      yield* Future.cancel(mine, { force: true, by: "me" })
      assert.deepStrictEqual(log, ["shared starts", "shared is finalized"])
      assert.strictEqual(cancelledWith(yield* exitNow(mine)).by, "me")
      assert.strictEqual(cancelledWith(yield* Fiber.await(theirs)).by, "me")
    }).pipe(inScheduler()))

  it.effect("C3: with force the task stops for all, also after a plain cancel that others outlived", () =>
    Effect.gen(function*() {
      for (const letGo of [Future.cancel, Future.release]) {
        const log: Log = []
        const task = Task.make(reluctant(log, "shared"))
        const mine = yield* Client.submit(task)
        const theirs = yield* Effect.scoped(Future.keep(mine)).pipe(Effect.andThen(Future.keep(mine)))
        const below = yield* Effect.forkChild(Client.compute(Task.map(theirs, () => 1)), { startImmediately: true })
        yield* started(log, "shared")
        yield* letGo(mine)
        assert.isUndefined(below.pollUnsafe())
        yield* Future.cancel(mine, { force: true, by: "me" })
        assert.deepStrictEqual(log, ["shared starts", "shared is finalized"])
        assert.strictEqual(cancelledWith(yield* Fiber.await(below)).by, "me")
      }
    }).pipe(inScheduler()))

  it.effect("C2, G10: cancel waits for nothing of another task of the same key, nor does a second cancel", () =>
    Effect.gen(function*() {
      const door = gate()
      const slow = Task.make(Effect.onExit(Effect.never, () => door.pass), { key: "k" })
      const quick = Task.make(Effect.never, { key: "k" })
      const held = yield* Client.submit(slow)
      const future = yield* Client.submit(quick)
      yield* Effect.addFinalizer(() => door.open)
      yield* turns()
      yield* Future.cancel(held, { wait: false })
      const others = yield* Effect.forkChild(Effect.andThen(Future.cancel(future), Future.cancel(future)))
      yield* turns(5)
      assert.isDefined(others.pollUnsafe())
      const first = yield* Effect.forkChild(Future.cancel(held), { startImmediately: true })
      assert.isUndefined(first.pollUnsafe())
      yield* door.open
      yield* Fiber.join(first)
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("C3: cancel withdraws every future of its owner on the task, and none of another", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(endless(log, "shared"), { key: "shared" })
      const [first, second] = yield* Client.submitAll([task, task])
      const scope = yield* Scope.make()
      const theirs = yield* Future.keep(first).pipe(Scope.provide(scope))
      yield* started(log, "shared")
      yield* Future.cancel(second, { by: "me" })
      for (const future of [first, second]) assert.strictEqual(cancelledWith(yield* exitNow(future)).by, "me")
      assert.strictEqual(yield* Future.status(theirs), "running")
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(log, ["shared starts", "shared is finalized"])
    }).pipe(inScheduler()))

  it.effect("C3: a compute that shares a task goes on when a scope cancels it, and stops it when it ends itself", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(endless(log, "shared"), { key: "shared" })
      const mine = yield* Client.submit(Task.map(task, () => 1))
      const theirs = yield* Effect.forkChild(Client.compute(task), { startImmediately: true })
      yield* started(log, "shared")
      yield* Future.cancel(mine)
      assert.deepStrictEqual(log, ["shared starts"])
      yield* Fiber.interrupt(theirs)
      assert.deepStrictEqual(log, ["shared starts", "shared is finalized"])
    }).pipe(inScheduler()))

  it.effect("C3: with force the dependents of other owners end TaskCancelled too, with who and why", () =>
    Effect.gen(function*() {
      const log: Log = []
      const task = Task.make(endless(log, "shared"), { key: "shared" })
      const mine = yield* Client.submit(task)
      const scope = yield* Scope.make()
      const below = yield* Client.submit(Task.map(task, () => 1, { key: "below" })).pipe(Scope.provide(scope))
      yield* started(log, "shared")
      yield* Future.cancel(mine, { force: true, by: "me", why: "enough" })
      const cause = yield* causeOf(Future.join(below))
      assert.deepInclude(reasonIn(onlyError(cause)), {
        _tag: "TaskCancelled",
        key: "shared",
        by: "me",
        why: "enough"
      })
      assert.deepStrictEqual(infoOf(cause)?.path, ["shared", "below"])
      yield* Scope.close(scope, Exit.void)
    }).pipe(inScheduler()))

  it.effect("C3: a task cancelled by one owner may be submitted again by it while the other keeps it alive", () =>
    Effect.gen(function*() {
      const door = gate()
      const task = Task.make(Effect.as(door.pass, "once"), { key: "shared" })
      const mine = yield* Client.submit(task)
      const theirs = yield* Effect.forkChild(Client.compute(task), { startImmediately: true })
      yield* Future.cancel(mine)
      const again = yield* Client.submit(task)
      yield* Effect.andThen(turns(), door.open)
      assert.deepStrictEqual([yield* Future.join(again), yield* Fiber.join(theirs)], ["once", "once"])
      assert.strictEqual(door.count(), 1)
      cancelledWith(yield* exitNow(mine))
    }).pipe(inScheduler()))

  it.effect("C5: cancel in the tick of the submission runs nothing and leaves no trace", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.onExit(note(log, "ran"), () => note(log, "finalized"))
      yield* Effect.scoped(Effect.gen(function*() {
        const future = yield* Client.submit(Task.make(body))
        yield* Future.cancel(future)
        cancelledWith(yield* exitNow(future))
        const graph = yield* Client.submit(Task.make(Task.make(body), () => note(log, "mapped")))
        yield* Future.cancel(graph, { wait: false })
        const again = yield* Client.submit(Task.flatMap(1, () => Task.make(body)))
        yield* Future.release(again)
      }))
      yield* turns()
      assert.deepStrictEqual(log, [])
      assert.deepStrictEqual((yield* Scheduler.dump).tasks, [])
    }).pipe(inScheduler()))

  it.effect("C6: cancel then resubmit of a key runs anew, and the old outcome never reaches it (trap 13)", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      let run = 0
      const task = Task.make(
        Effect.suspend(() =>
          run++ === 0 ? Effect.onExit(endless(log, "first"), () => door.pass) : Effect.as(note(log, "second"), run)
        ),
        { key: "k" }
      )
      const first = yield* Client.submit(task)
      yield* started(log, "first")
      yield* Future.cancel(first, { wait: false })
      const second = yield* Client.submit(task)
      const third = yield* Client.submit(Task.map(second, (n) => n * 10))
      yield* door.arrived(1)
      yield* door.open
      assert.deepStrictEqual([yield* Future.join(second), yield* Future.join(third)], [2, 20])
      cancelledWith(yield* exitNow(first))
      assert.deepStrictEqual(log, ["first starts", "first is finalized", "second"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C6: the keys of inputs that only a cancelled or released task still holds are free like its own", () =>
    Effect.gen(function*() {
      const cancel = (future: Future.Future<unknown, unknown>) => Future.cancel(future, { wait: false })
      for (const letGo of [cancel, Future.release]) {
        const log: Log = []
        const door = gate()
        const a = Task.make(note(log, "a"), { key: "a" })
        const b = Task.make({ a }, () => note(log, "b"), { key: "b" })
        const shared = Task.make(note(log, "shared"), { key: "shared" })
        const kept = yield* Client.submit(shared)
        const top = Task.make({ b, shared }, () => Effect.onExit(endless(log, "top"), () => door.pass), { key: "top" })
        const first = yield* Client.submit(top)
        yield* started(log, "top")
        const joined = yield* Client.submit(b)
        yield* Future.join(joined)
        yield* Future.release(joined)
        yield* letGo(first)
        log.length = 0
        const again = yield* Client.submitAll([b, shared])
        yield* Future.joinAll(again)
        const [ran, arrived] = [log.filter((each) => each.length === 1), door.count()]
        yield* door.open
        assert.deepStrictEqual([ran, arrived], [["a", "b"], 1])
        yield* Future.joinAll([...again, kept])
        yield* Effect.forEach([...again, kept], (each) => Future.release(each))
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("C6: a batch released while it runs and submitted again at once runs anew (trap 13)", () =>
    Effect.gen(function*() {
      const log: Log = []
      const batch = (round: number) =>
        Array.from({ length: 6 }, (_, i) => Task.make(reluctantNote(log, round, i), { key: `k${i}` }))
      const reluctantNote = (log: Log, round: number, i: number) =>
        Effect.as(Effect.ensuring(turns(3), turns(2)), `${round}/${i}`).pipe(Effect.tap((s) => note(log, s)))
      for (let round = 0; round < 4; round++) {
        const tasks = batch(round)
        const scope = yield* Scope.make()
        const futures = yield* Client.submitAll(tasks).pipe(Scope.provide(scope))
        yield* turns(round + 1)
        yield* Effect.forEach(futures, (future) => Future.cancel(future, { wait: false }))
        yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
        const values = yield* Client.compute(batch(round + 100))
        assert.deepStrictEqual(values, tasks.map((_, i) => `${round + 100}/${i}`))
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("C7: uninterruptible code keeps its slot until it ends, and its result is dropped", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const future = yield* Client.submit(Task.make(Effect.uninterruptible(Effect.as(door.pass, "late"))))
      yield* door.arrived(1)
      yield* Future.cancel(future, { wait: false })
      cancelledWith(yield* exitNow(future))
      const next = yield* Client.submit(Task.make(note(log, "next")))
      yield* turns()
      assert.deepStrictEqual(log, [])
      assert.strictEqual((yield* Scheduler.stats).workers[0]!.running, 1)
      yield* door.open
      yield* Future.join(next)
      assert.strictEqual((yield* Scheduler.stats).held, 1)
    }).pipe(inScheduler({ concurrency: 1 })))

  for (
    const [how, away] of [["by hand", Effect.andThen(Worker.secede, Worker.rejoin)], [
      "for an effect",
      Worker.seceded(turns(5))
    ]] as const
  ) {
    it.effect(`C7, N4: cancelled code that cannot be interrupted keeps its slot where it secedes ${how}, and nothing runs beside it`, () =>
      Effect.gen(function*() {
        const log: Log = []
        const door = gate()
        const body = door.pass.pipe(
          Effect.andThen(away),
          Effect.andThen(turns(5)),
          Effect.andThen(note(log, "it has ended")),
          Effect.uninterruptible
        )
        const future = yield* Client.submit(Task.make(body))
        yield* door.arrived(1)
        yield* Future.cancel(future, { wait: false })
        const next = yield* Client.submit(Task.make(note(log, "next")))
        yield* door.open
        yield* Future.join(next)
        assert.deepStrictEqual(log, ["it has ended", "next"])
      }).pipe(inScheduler({ concurrency: 1 })))
  }

  const waiting: Readonly<Record<string, (door: ReturnType<typeof gate>) => Effect.Effect<unknown, unknown, any>>> = {
    "by hand": (door) => Effect.andThen(Worker.secede, Effect.andThen(door.pass, Worker.rejoin)),
    "for an effect": (door) => Worker.seceded(door.pass),
    "for an effect that fails": (door) => Effect.exit(Worker.seceded(Effect.andThen(door.pass, Effect.fail("no")))),
    "for a future": (door) => Effect.flatMap(Client.submit(Task.make(Worker.seceded(door.pass))), Future.join),
    "for a future in another fiber": (door) =>
      Effect.flatMap(
        Client.submit(Task.make(Worker.seceded(door.pass))),
        (future) => Effect.all([Future.join(future), Effect.yieldNow], { concurrency: 2 })
      ),
    "for a computation": (door) => Client.compute(Task.make(Worker.seceded(door.pass))),
    "for a computation that fails": (door) =>
      Effect.exit(Client.compute(Task.make(Worker.seceded(Effect.andThen(door.pass, Effect.fail("no")))))),
    "for a cancel": (door) =>
      Effect.flatMap(
        Client.submit(Task.make(Effect.onExit(Effect.yieldNow, () => Worker.seceded(door.pass)))),
        (future) => Effect.andThen(Worker.seceded(turns(5)), Future.cancel(future))
      )
  }
  const wrapped: Readonly<
    Record<string, (body: Effect.Effect<unknown, unknown, any>) => Effect.Effect<unknown, unknown, any>>
  > = {
    "": Effect.uninterruptible,
    ", in a fiber of its own": (body) => Effect.timeout(Effect.uninterruptible(body), 1000),
    ", in a fiber that could be interrupted": (body) => Effect.uninterruptible(Effect.timeout(body, 1000)),
    ", shielded": Worker.shielded
  }
  for (const [where, wrap] of Object.entries(wrapped)) {
    for (const [how, wait] of Object.entries(waiting)) {
      it.effect(`C7, N3: code that cannot be interrupted and waits ${how} when it is cancelled takes its slot again before it goes on${where}`, () =>
        Effect.gen(function*() {
          const log: Log = []
          const [door, other] = [gate(), gate()]
          const body = wrap(wait(door).pipe(Effect.andThen(note(log, "it goes on")), Effect.andThen(turns(5)))).pipe(
            Effect.ensuring(note(log, "it has ended"))
          )
          const future = yield* Client.submit(Task.make(body as Effect.Effect<unknown, unknown, Client.Client>))
          yield* door.arrived(1)
          const next = yield* Client.submit(Task.make(Effect.andThen(other.pass, note(log, "next has ended"))))
          yield* other.arrived(1)
          yield* Future.cancel(future, { wait: false })
          yield* door.open
          yield* turns()
          assert.deepStrictEqual(log, [])
          const last = yield* Client.submit(Task.make(note(log, "last")))
          yield* other.open
          yield* Future.join(last)
          yield* Future.join(next)
          yield* turns()
          assert.strictEqual(log[0], "next has ended")
          assert.strictEqual(log.indexOf("it has ended"), log.indexOf("it goes on") + 1)
        }).pipe(inScheduler({ concurrency: 1 })))
    }
  }

  for (
    const [how, wait] of [
      ["for a future", (child) => Effect.flatMap(Client.submit(child), Future.join)],
      ["for several", (child) => Effect.flatMap(Client.submitAll([child]), Future.joinAll)],
      ["for a computation", (child) => Client.compute(child)]
    ] as ReadonlyArray<readonly [string, (child: Task.Task<void, any>) => Effect.Effect<unknown, unknown, any>]>
  ) {
    it.effect(`C7, N3: code that cannot be interrupted and begins to wait ${how} before a cancellation has reached it takes its slot again`, () =>
      Effect.gen(function*() {
        const log: Log = []
        const [door, child, other] = [gate(), gate(), gate()]
        const there = Task.make(child.pass, { workers: ["b"] })
        const body = Effect.uninterruptible(
          door.pass.pipe(Effect.andThen(wait(there)), Effect.andThen(note(log, "it goes on")))
        )
        const future = yield* Client.submit(Task.make(body, { workers: ["a"] }))
        yield* door.arrived(1)
        // It goes on first, and the request comes to it in its wait.
        yield* door.open
        yield* Future.cancel(future, { wait: false })
        yield* child.arrived(1)
        yield* Client.submit(Task.make(Effect.andThen(other.pass, note(log, "next has ended")), { workers: ["a"] }))
        yield* other.arrived(1)
        yield* child.open
        yield* turns()
        assert.deepStrictEqual(log, [])
        yield* other.open
        yield* turns()
        assert.deepStrictEqual(log, ["next has ended", "it goes on"])
      }).pipe(inScheduler({ workers: ["a", "b"].map((id) => ({ id, concurrency: 1 })) })))
  }

  const shieldedWaits: Readonly<Record<string, (door: ReturnType<typeof gate>) => Effect.Effect<unknown, any, any>>> = {
    "closes a scope of its own": (door) =>
      Effect.scoped(
        Effect.andThen(
          Client.submit(Task.make(Effect.onExit(Worker.seceded(Effect.never), () => door.pass))),
          Worker.seceded(turns(5))
        )
      ),
    "waits in a fiber of its own for the first time": (door) =>
      Effect.timeout(
        Effect.andThen(Worker.shielded(Effect.andThen(door.pass, Client.compute(Task.make(turns(5))))), turns(5)),
        1000
      )
  }
  for (const [how, wait] of Object.entries(shieldedWaits)) {
    it.effect(`C7, N3: a shielded section that ${how} when its task has been cancelled goes on in a slot`, () =>
      Effect.gen(function*() {
        const door = gate()
        let atWork = 0
        const work = Effect.acquireUseRelease(
          Effect.sync(() => assert.strictEqual(++atWork, 1)),
          () => turns(5),
          () => Effect.sync(() => atWork--)
        )
        const future = yield* Client.submit(
          Task.make(Worker.shielded(Effect.andThen(wait(door), work)) as Effect.Effect<void, never, Client.Client>)
        )
        yield* door.arrived(1)
        const others = yield* Client.submitAll(Array.from({ length: 6 }, () => Task.make(work)))
        yield* Future.cancel(future, { wait: false })
        yield* door.open
        yield* Future.joinAll(others)
        yield* Future.cancel(future)
      }).pipe(inScheduler({ concurrency: 1 })))
  }

  it.effect("C7: a finalizer of what was cut does not wait for a slot, nor what is cut while it waits for one", () =>
    Effect.gen(function*() {
      const log: Log = []
      const [door, holder] = [gate(), gate()]
      const child = Task.make(Effect.yieldNow)
      const bodies = [
        Worker.seceded(door.pass),
        Effect.acquireUseRelease(Worker.secede, () => door.pass, () => Worker.rejoin),
        Effect.ensuring(Worker.seceded(door.pass), Worker.seceded(Effect.yieldNow)),
        Effect.timeout(Effect.ensuring(Client.compute(Task.make(Worker.seceded(door.pass))), Worker.rejoin), 1000),
        Effect.scoped(
          Effect.andThen(Client.submit(child), Worker.seceded(Effect.onExit(door.pass, () => Effect.yieldNow)))
        ),
        Effect.timeout(Effect.flatMap(Client.submit(Task.make(Worker.seceded(door.pass))), Future.join), 1000)
      ]
      const futures = yield* Client.submitAll(
        bodies.map((body) =>
          Task.make(Effect.ensuring(body as Effect.Effect<unknown, unknown, Client.Client>, note(log, "ends")))
        )
      )
      yield* door.arrived(bodies.length)
      yield* Client.submit(Task.make(holder.pass))
      yield* holder.arrived(1)
      yield* Effect.forEach(futures, (future) => Future.cancel(future), { concurrency: "unbounded" })
      assert.strictEqual(log.length, bodies.length)
      yield* holder.open
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C7: uninterruptible code that waits for a future when its task is cancelled gets the future's value", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const child = yield* Client.submit(Task.make(Effect.as(door.pass, "value")))
      const body = Future.join(child).pipe(
        Effect.exit,
        Effect.tap((exit) => Effect.sync(() => log.push(Exit.isSuccess(exit) ? exit.value : Cause.pretty(exit.cause)))),
        Effect.uninterruptible
      )
      const future = yield* Client.submit(Task.make(body))
      yield* door.arrived(1)
      yield* turns()
      const canceller = yield* Effect.forkChild(Future.cancel(future), { startImmediately: true })
      yield* turns()
      assert.isUndefined(canceller.pollUnsafe())
      yield* door.open
      yield* Fiber.join(canceller)
      assert.deepStrictEqual(log, ["value"])
    }).pipe(inScheduler()))

  it.effect("C7: an uninterruptible compute in a task that is cancelled gets its values, and owns what runs until then", () =>
    Effect.gen(function*() {
      const log: Log = []
      for (const mode of ["failFast", "continue", "collect"] as const) {
        const door = gate()
        const body = Client.compute(Task.make(Effect.as(door.pass, mode)), { mode }).pipe(
          Effect.tap((value) => Effect.sync(() => log.push(JSON.stringify(value)))),
          Effect.uninterruptible
        )
        const future = yield* Client.submit(Task.make(body))
        yield* door.arrived(1)
        yield* turns()
        const canceller = yield* Effect.forkChild(Future.cancel(future), { startImmediately: true })
        yield* turns()
        assert.isUndefined(canceller.pollUnsafe())
        yield* door.open
        yield* Fiber.join(canceller)
      }
      assert.deepStrictEqual(log, ["\"failFast\"", "\"continue\"", JSON.stringify(Exit.succeed("collect"))])
    }).pipe(inScheduler()))

  it.effect("C7: a finalizer may wait for another task; it runs uncounted meanwhile", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.onExit(endless(log, "body"), () =>
        Client.compute(Task.make(note(log, "cleanup"))).pipe(Effect.andThen(note(log, "done")), Effect.ignore))
      const future = yield* Client.submit(Task.make(body))
      yield* started(log, "body")
      yield* Future.cancel(future)
      assert.deepStrictEqual(log, ["body starts", "body is finalized", "cleanup", "done"])
    }).pipe(inScheduler({ concurrency: 1 })))

  for (const how of ["its child ends", "a finalizer of its own has waited"] as const) {
    it.effect(`C7: a task that is asked to stop when its body has ended and its scope closes takes no slot again when ${how}`, () =>
      Effect.gen(function*() {
        const [door, holder] = [gate(), gate()]
        const there = { workers: ["b"] }
        const child = Task.make(Effect.onExit(door.pass, () => door.pass), there)
        const body = how === "its child ends"
          ? Effect.andThen(Client.submit(child), door.arrived(1))
          : Effect.acquireRelease(Effect.void, () => Effect.ignore(Client.compute(Task.make(door.pass, there))))
        const future = yield* Client.submit(Task.make(body, { workers: ["a"] }))
        yield* door.arrived(how === "its child ends" ? 2 : 1)
        // The slot is free while the scope waits.
        yield* Client.submit(Task.make(holder.pass, { workers: ["a"] }))
        yield* holder.arrived(1)
        const canceller = yield* Effect.forkChild(Future.cancel(future), { startImmediately: true })
        yield* turns()
        yield* door.open
        yield* turns()
        const end = canceller.pollUnsafe()
        yield* holder.open
        assert.deepStrictEqual(end, Exit.void)
      }).pipe(inScheduler({ workers: ["a", "b"].map((id) => ({ id, concurrency: 1 })) })))
  }

  it.effect("C1: a child may cancel its parent: it is stopped with it, and cancel does not return before", () =>
    Effect.gen(function*() {
      const log: Log = []
      const self = yield* Deferred.make<Future.Future<unknown, unknown>>()
      const child = Task.make(
        Effect.gen(function*() {
          log.push("child starts")
          yield* Future.cancel(yield* Deferred.await(self), { why: "the child says so" })
          log.push("child goes on")
        }).pipe(Effect.onExit(() => Effect.andThen(turns(3), note(log, "child is finalized")))),
        { key: "child" }
      )
      const parent = Client.compute(child).pipe(Effect.onExit(() => note(log, "parent is finalized")))
      const future = yield* Client.submit(Task.make(parent, { key: "parent" }))
      yield* Deferred.succeed(self, future)
      const exit = yield* Future.await(future)
      assert.deepInclude(cancelledWith(exit), { key: "parent", by: "child", why: "the child says so" })
      yield* turns()
      assert.deepStrictEqual(log, ["child starts", "child is finalized", "parent is finalized"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C1: a task may cancel itself", () =>
    Effect.gen(function*() {
      const log: Log = []
      const self = yield* Deferred.make<Future.Future<unknown, unknown>>()
      const body = Effect.flatMap(Deferred.await(self), (future) => Future.cancel(future)).pipe(
        Effect.andThen(Effect.andThen(turns(), note(log, "goes on"))),
        Effect.onExit(() => note(log, "finalized"))
      )
      const future = yield* Client.submit(Task.make(body, { key: "self" }))
      yield* Deferred.succeed(self, future)
      assert.deepInclude(cancelledWith(yield* Future.await(future)), { key: "self", by: "self" })
      yield* turns()
      assert.deepStrictEqual(log, ["finalized"])
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C1: a body that cancels with wait: false keeps its slot", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const victim = yield* Client.submit(Task.make(Effect.onExit(endless(log, "victim"), () => door.pass)))
      yield* started(log, "victim")
      const statuses: Array<unknown> = []
      const self = yield* Deferred.make<Future.Future<unknown, unknown>>()
      const look = Effect.flatMap(Deferred.await(self), Future.status).pipe(
        Effect.tap((status) => Effect.sync(() => statuses.push(status)))
      )
      const body = Future.cancel(victim, { wait: false }).pipe(
        Effect.andThen(look),
        Effect.andThen(turns()),
        Effect.andThen(look)
      )
      const future = yield* Client.submit(Task.make(body))
      yield* Deferred.succeed(self, future)
      yield* Future.join(future)
      assert.deepStrictEqual(statuses, ["running", "running"])
      yield* door.open
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("F16: a body that interrupts itself ends TaskCancelled by itself, and no Interrupt leaves a task", () =>
    Effect.gen(function*() {
      const self = Task.make(Effect.interrupt, { key: "self" })
      const [a, b] = yield* Client.submitAll([self, Task.map(self, () => 1, { key: "below" })])
      const caught = yield* Client.compute(Task.exit(a))
      for (const exit of [yield* Future.await(a), yield* Future.await(b), caught]) {
        assert.deepInclude(cancelledWith(exit), { key: "self", by: "self" })
      }
      const mixed = Task.make(Effect.failCause(Cause.combine(Cause.interrupt(1), Cause.fail("typed"))))
      const cause = yield* causeOf(Client.compute(mixed))
      assert.strictEqual(onlyError(cause), "typed")
      const inner = Task.make(Effect.flatMap(Effect.forkChild(Effect.interrupt), Fiber.join), { key: "inner" })
      assert.deepInclude(yield* reasonOf(Client.compute(inner)), { _tag: "TaskCancelled", by: "inner" })
    }).pipe(inScheduler()))
})

describe("the end of an owner", () => {
  const busy = (log: Log) => ({
    deep: Task.make(Task.make(reluctant(log, "a")), () => note(log, "below a")),
    wide: [Task.make(reluctant(log, "b")), Task.make(reluctant(log, "c"))],
    parent: Task.make(Effect.ensuring(Client.compute(Task.make(reluctant(log, "child"))), note(log, "parent ends")))
  })

  const stopped = (log: Log) => {
    assert.sameMembers(log.filter((entry) => entry.endsWith("finalized")), [
      "a is finalized",
      "b is finalized",
      "c is finalized",
      "child is finalized"
    ])
    assert.isAbove(log.indexOf("parent ends"), log.indexOf("child is finalized"))
    assert.notInclude(log, "below a")
  }

  it.effect("C4: interrupting a compute stops all that it started before the interruption returns", () =>
    Effect.gen(function*() {
      const log: Log = []
      const fiber = yield* Effect.forkChild(Client.compute(busy(log)), { startImmediately: true })
      yield* started(log, "child")
      yield* Fiber.interrupt(fiber)
      stopped(log)
      const { tasks, workers } = yield* Scheduler.stats
      assert.deepStrictEqual([tasks.running, tasks.stopping, workers[0]!.running], [0, 0, 0])
      const length = log.length
      yield* turns()
      assert.lengthOf(log, length)
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("C4: a failing target stops the rest of a compute before it returns", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const bad = Task.make(Effect.andThen(door.pass, Effect.fail("bad")))
      const fiber = yield* Effect.forkChild(errorOf(Client.compute([busy(log), bad])), { startImmediately: true })
      yield* started(log, "child")
      yield* door.open
      assert.strictEqual(yield* Fiber.join(fiber), "bad")
      stopped(log)
    }).pipe(inScheduler({ concurrency: 6 })))

  it.effect("C4: closing a scope stops all that was submitted in it before the close returns", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      const { deep, parent, wide } = busy(log)
      const futures = yield* Client.submitAll([deep, parent, ...wide]).pipe(Scope.provide(scope))
      yield* started(log, "child")
      yield* Scope.close(scope, Exit.void)
      stopped(log)
      for (const future of futures) assert.strictEqual(yield* Future.status(future), "released")
    }).pipe(inScheduler({ concurrency: 4 })))

  it.effect("C4: closing the layer stops everything before the close returns, and who waits is told", () =>
    Effect.gen(function*() {
      const log: Log = []
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Skein.layer({ concurrency: 8 }), scope)
      const { compute, future, joiner } = yield* Effect.gen(function*() {
        const compute = yield* Effect.forkChild(Client.compute(busy(log)), { startImmediately: true })
        const mode = { mode: "continue" } as const
        yield* Effect.forkChild(Effect.exit(Client.compute(Task.make(Effect.never), mode)), { startImmediately: true })
        const future = yield* Client.submit(Task.make(endless(log, "claimed"), { key: "claimed" }))
        const joiner = yield* Effect.forkChild(Future.join(future), { startImmediately: true })
        yield* started(log, "child")
        yield* started(log, "claimed")
        return { compute, future, joiner }
      }).pipe(Effect.provide(context))
      yield* Scope.close(scope, Exit.void)
      assert.include(log, "claimed is finalized")
      stopped(log.filter((entry) => !entry.startsWith("claimed")))
      assert.deepInclude(cancelledWith(yield* Fiber.await(compute)), { by: "scheduler" })
      assert.deepInclude(yield* reasonOf(Fiber.join(joiner)), { _tag: "Released", key: "claimed" })
      assert.deepInclude(yield* reasonOf(Future.join(future)), { _tag: "Released", key: "claimed" })
      const refused = yield* errorOf(Client.compute(Task.succeed(1)).pipe(Effect.provide(context)))
      assert.deepInclude(refused, { _tag: "SubmitError" })
      yield* isWholeIn.pipe(Effect.provide(context))
    }).pipe(Effect.scoped))

  it.effect("C4: the layer closes when a finalizer of one owner waits for a task of another", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(Skein.layer({ concurrency: 4 }), scope)
      yield* Effect.gen(function*() {
        const first = yield* Scope.make()
        const second = yield* Scope.make()
        const began = yield* Deferred.make<void>()
        const other = yield* Deferred.make<Future.Future<never>>()
        const awaits = Effect.flatMap(Deferred.await(other), Future.await)
        const waiting = Task.make(Effect.onInterrupt(
          Effect.andThen(Deferred.succeed(began, undefined), Effect.never),
          () => awaits
        ))
        yield* Effect.provideService(Client.submit(waiting), Scope.Scope, first)
        const never = yield* Effect.provideService(Client.submit(Task.make(Effect.never)), Scope.Scope, second)
        yield* Deferred.succeed(other, never)
        yield* Deferred.await(began)
      }).pipe(Effect.provide(context))
      yield* Scope.close(scope, Exit.void)
      yield* isWholeIn.pipe(Effect.provide(context))
    }))

  const isWholeIn = Effect.map(
    Scheduler.stats,
    ({ held, owners, waits }) => assert.deepStrictEqual({ held, owners, waits }, { held: 0, owners: 0, waits: 0 })
  )

  it.effect("C4: a compute inside a body that is timed out gives its children's slot back, on one slot", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.gen(function*() {
        const outcome = yield* Client.compute(Task.make(reluctant(log, "child"))).pipe(Effect.timeoutOption("1 second"))
        log.push(`parent sees ${outcome._tag}`)
        return outcome._tag
      })
      const fiber = yield* Effect.forkChild(Client.compute(Task.make(body)), { startImmediately: true })
      yield* started(log, "child")
      yield* TestClock.adjust("1 second")
      yield* turns(20)
      assert.isDefined(fiber.pollUnsafe(), "the parent never came back")
      assert.strictEqual(yield* Fiber.join(fiber), "None")
      assert.deepStrictEqual(log, ["child starts", "child is finalized", "parent sees None"])
    }).pipe(inScheduler({ concurrency: 1 })))
})

describe("time", () => {
  it.effect("C10: a timeout of join, joinAll or wait ends the wait alone", () =>
    Effect.gen(function*() {
      const door = gate()
      const future = yield* Client.submit(Task.make(Effect.as(door.pass, "done")))
      const waits = [Future.join(future), Future.joinAll([future]), Future.awaitAll([future]), Future.await(future)]
      for (const wait of waits) {
        const fiber = yield* Effect.forkChild(Effect.timeoutOption(wait as Effect.Effect<unknown>, 10), {
          startImmediately: true
        })
        yield* Effect.andThen(turns(), TestClock.adjust(10))
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "None")
        assert.strictEqual(yield* Future.status(future), "running")
        assert.strictEqual((yield* Scheduler.stats).waits, 0)
      }
      yield* door.open
      assert.strictEqual(yield* Future.join(future), "done")
    }).pipe(inScheduler()))

  it.effect("C10: inside a body a timeout of a join rejoins before the body goes on", () =>
    Effect.gen(function*() {
      const log: Log = []
      const door = gate()
      const child = yield* Client.submit(Task.make(Effect.as(door.pass, "done")))
      const body = Effect.gen(function*() {
        const { _tag } = yield* Future.join(child).pipe(Effect.timeoutOption(10))
        log.push(_tag)
        yield* turns(3)
        log.push(yield* Future.join(child))
      })
      const other = Task.make(Effect.andThen(turns(3), note(log, "other")))
      yield* door.arrived(1)
      const futures = yield* Client.submitAll([Task.make(body), ...Array.from({ length: 4 }, () => other)])
      yield* Effect.andThen(turns(40), TestClock.adjust(10))
      yield* Effect.andThen(turns(), door.open)
      yield* Future.joinAll(futures)
      assert.sameMembers(log, ["None", "done", "other"])
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("C9: a timeout runs from the start of each attempt, not from submission, and interrupts the body (trap 16)", () =>
    Effect.gen(function*() {
      const log: Log = []
      const slow = Task.make(Effect.sleep(100))
      const late = Task.make(slow, () => Effect.as(Effect.sleep(40), "in time"), { timeout: 50 })
      const never = Task.make(slow, () => endless(log, "never"), { timeout: 50, key: "never" })
      const futures = yield* Client.submitAll([late, never])
      yield* turns()
      for (const step of [100, 40, 9]) yield* Effect.andThen(TestClock.adjust(step), turns())
      assert.strictEqual(yield* Future.join(futures[0]), "in time")
      assert.deepStrictEqual([log, yield* Future.status(futures[1])], [["never starts"], "running"])
      yield* Effect.andThen(TestClock.adjust(1), turns())
      assert.deepInclude(yield* errorOf(Future.join(futures[1])), {
        _tag: "TaskTimeout",
        key: "never",
        of: "attempt",
        millis: 50
      })
      assert.deepStrictEqual(log, ["never starts", "never is finalized"])
    }).pipe(inScheduler()))

  it.effect("C9: a deadline runs from submission, for a queued, a running and a retrying task alike", () =>
    Effect.gen(function*() {
      const log: Log = []
      const busy = yield* Client.submit(Task.make(Effect.sleep(100)))
      yield* turns()
      const queued = yield* Client.submit(Task.make(note(log, "queued ran"), { deadline: 50, key: "queued" }))
      const running = yield* Client.submit(Task.make(endless(log, "running"), { deadline: 150, key: "running" }))
      const retrying = yield* Client.submit(
        Task.make(Effect.fail("again"), { deadline: 250, key: "retrying", retry: Schedule.spaced(40) })
      )
      const due = (key: string, millis: number) => ({ _tag: "TaskTimeout", key, of: "deadline", millis } as const)
      yield* Effect.andThen(TestClock.adjust(50), turns())
      assert.deepInclude(yield* errorOf(Future.join(queued)), due("queued", 50))
      yield* Effect.andThen(TestClock.adjust(50), turns())
      yield* Future.join(busy)
      assert.deepStrictEqual(log, ["running starts"])
      yield* Effect.andThen(TestClock.adjust(50), turns())
      assert.deepInclude(yield* errorOf(Future.join(running)), due("running", 150))
      assert.deepStrictEqual(log, ["running starts", "running is finalized"])
      for (let i = 0; i < 10; i++) yield* Effect.andThen(TestClock.adjust(10), turns())
      assert.deepInclude(yield* errorOf(Future.join(retrying)), due("retrying", 250))
    }).pipe(inScheduler({ concurrency: 1 })))

  it.effect("C9: a deadline covers what a flatMap stands for, and stops it; its timeout covers the function alone", () =>
    Effect.gen(function*() {
      const log: Log = []
      const inner = Task.make(endless(log, "inner"))
      const task = Task.flatMap(1, () => inner, { timeout: 10, deadline: 100, key: "outer" })
      const fiber = yield* Effect.forkChild(errorOf(Client.compute(task)), { startImmediately: true })
      yield* started(log, "inner")
      yield* Effect.andThen(TestClock.adjust(99), turns())
      assert.deepStrictEqual(log, ["inner starts"])
      yield* TestClock.adjust(1)
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "TaskTimeout", key: "outer", of: "deadline" })
      assert.deepStrictEqual(log, ["inner starts", "inner is finalized"])
    }).pipe(inScheduler()))

  it.effect("D6: a dependencyTimeout runs from submission to the first start, and has no effect after that", () =>
    Effect.gen(function*() {
      const log: Log = []
      const slow = Task.make(Effect.sleep(100))
      const late = Task.make(slow, () => note(log, "late ran"), { dependencyTimeout: 99, key: "late" })
      let attempts = 0
      const flaky = Effect.suspend(() => ++attempts < 3 ? Effect.fail("again") : Effect.succeed(attempts))
      const soon = Task.make(slow, () => flaky, { dependencyTimeout: 101, retry: Schedule.spaced(100) })
      const futures = yield* Client.submitAll([late, soon])
      yield* Effect.andThen(turns(), TestClock.adjust(99))
      yield* turns()
      assert.deepInclude(yield* errorOf(Future.join(futures[0])), {
        _tag: "DependencyTimeout",
        key: "late",
        millis: 99
      })
      for (const step of [1, 100, 100]) yield* Effect.andThen(TestClock.adjust(step), turns())
      assert.strictEqual(yield* Future.join(futures[1]), 3)
      assert.deepStrictEqual(log, [])
    }).pipe(inScheduler()))

  it.effect("F5: a retry follows its schedule, holds no slot between attempts and does not run dependencies again", () =>
    Effect.gen(function*() {
      const log: Log = []
      const once = Task.make(note(log, "once"))
      const flaky = Task.make(once, () =>
        Effect.gen(function*() {
          const { attempt } = yield* Worker.current
          log.push(`attempt ${attempt}`)
          return attempt < 3 ? yield* Effect.fail(`failure ${attempt}`) : "good"
        }), { retry: Schedule.spaced(100) })
      const future = yield* Client.submit(flaky)
      yield* turns()
      assert.strictEqual(yield* Future.status(future), "waiting")
      yield* Client.compute(Task.make(note(log, "between")))
      yield* Effect.andThen(TestClock.adjust(100), turns())
      yield* Effect.andThen(TestClock.adjust(99), turns())
      assert.deepStrictEqual(log, ["once", "attempt 1", "between", "attempt 2"])
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Future.join(future), "good")
      const { attempts } = yield* Future.metadata(future)
      assert.deepStrictEqual(attempts.map(({ attempt, started }) => [attempt, started]), [[1, 0], [2, 100], [3, 200]])
    }).pipe(inScheduler({ concurrency: 1 })))

  const retries: ReadonlyArray<Task.RetryOptions<number>> = [
    { times: 0 },
    { times: 2 },
    { times: 4, schedule: Schedule.spaced(100) },
    { times: Infinity, while: (attempt) => attempt < 3 },
    { schedule: Schedule.exponential(10), until: (attempt) => attempt === 4 },
    { schedule: Schedule.recurs(3), times: 5, while: () => Effect.delay(Effect.succeed(true), 50) },
    { until: (attempt) => Effect.succeed(attempt > 2), while: undefined }
  ]
  for (const retry of retries) {
    it.effect(`F5: options of retry give the attempts and delays of Effect.retry: ${Object.keys(retry).join(", ")}`, () =>
      Effect.gen(function*() {
        /** When each attempt began, and the last error. */
        const trace = (run: (body: Effect.Effect<never, number>) => Effect.Effect<never, unknown, Client.Client>) =>
          Effect.gen(function*() {
            const began = yield* Clock.currentTimeMillis
            const instants: Array<number> = []
            const body = Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.fail(instants.push(now - began)))
            const fiber = yield* Effect.forkChild(Effect.flip(run(body)))
            for (let step = 0; step < 10; step++) yield* Effect.andThen(turns(), TestClock.adjust(50))
            return [instants, yield* Fiber.join(fiber)]
          })
        const expected = yield* trace(Effect.retry(retry))
        const twice = { ...retry, schedule: retry.schedule }
        assert.deepStrictEqual(yield* trace((body) => Client.compute(Task.make(body, { retry: twice }))), expected)
        const inRegion = yield* trace((body) => Client.annotate(Client.compute(Task.make(body)), { retry } as object))
        assert.deepStrictEqual(inRegion, expected)
      }).pipe(inScheduler()))
  }

  it.effect("F5: effects in options of retry have the services of the submitter, and their failure is the task's", () =>
    Effect.gen(function*() {
      class Patience extends Context.Service<Patience, { readonly left: number }>()("Patience") {}
      const ask = Effect.flatMap(Patience, ({ left }) => left > 0 ? Effect.succeed(true) : Effect.fail("no patience"))
      const task = Task.make(Effect.fail("body"), { retry: { times: 1, while: () => ask } })
      for (const [left, error] of [[1, "body"], [0, "no patience"]] as const) {
        const ended = Effect.flip(Client.compute(task))
        assert.strictEqual(yield* Effect.provideService(ended, Patience, { left }), error)
      }
    }).pipe(inScheduler()))

  it.effect("F5: options of retry see a timeout", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const retry = { while: (error: TaskTimeout) => seen.push(error._tag) < 2 }
      const fiber = yield* Effect.forkChild(errorOf(Client.compute(Task.make(Effect.never, { timeout: 50, retry }))))
      for (const step of [50, 50]) yield* Effect.andThen(turns(), TestClock.adjust(step))
      assert.instanceOf(yield* Fiber.join(fiber), TaskTimeout)
      assert.deepStrictEqual(seen, ["TaskTimeout", "TaskTimeout"])
    }).pipe(inScheduler()))

  it.effect("F5: an attempt that ran out of its time is tried again, also when it would not be interrupted", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = (log: Log) =>
        Effect.flatMap(
          Worker.current,
          ({ attempt }) =>
            attempt < 2
              ? Effect.uninterruptible(Effect.andThen(note(log, "slow"), Effect.sleep(80)))
              : Effect.asVoid(note(log, "fast"))
        )
      const stubborn = Task.make(body(log), { timeout: 50, retry: Schedule.recurs(3) })
      const future = yield* Client.submit(stubborn)
      yield* turns()
      for (const step of [50, 30]) yield* Effect.andThen(TestClock.adjust(step), turns())
      yield* Future.join(future)
      assert.deepStrictEqual(log, ["slow", "fast"])
      const meek = Task.make(endless(log, "meek"), { timeout: 50, retry: Schedule.recurs(1), key: "meek" })
      const other = yield* Client.submit(meek)
      yield* turns()
      for (const step of [50, 50]) yield* Effect.andThen(TestClock.adjust(step), turns())
      assert.deepInclude(yield* errorOf(Future.join(other)), { _tag: "TaskTimeout", key: "meek" })
      assert.deepStrictEqual(log.slice(2), ["meek starts", "meek is finalized", "meek starts", "meek is finalized"])
    }).pipe(inScheduler()))

  it.effect("F5: a schedule that fails by itself after a timeout ends the task with its failure", () =>
    Effect.gen(function*() {
      const broken = Schedule.recurs(3).pipe(Schedule.tap(() => Effect.die("broken schedule")))
      const fiber = yield* Effect.forkChild(
        causeOf(Client.compute(Task.make(Effect.never, { timeout: "1 second", retry: broken })))
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(defectsIn(yield* Fiber.join(fiber)), ["broken schedule"])
    }).pipe(inScheduler()))

  it.effect("F5: n retries are n retries, however many workers they are spread over (trap 9)", () =>
    Effect.gen(function*() {
      const workers: Array<string> = []
      const task = Task.make(
        Effect.flatMap(Worker.current, ({ id: worker }) => {
          workers.push(worker)
          return Effect.fail("always")
        }),
        { retry: Schedule.max([Schedule.recurs(4), Schedule.spaced(10)]) }
      )
      const doors = [gate(), gate()]
      const future = yield* Client.submit(task)
      yield* turns()
      // Take the worker it failed on last, so that it must move.
      for (let i = 0; i < 2; i++) {
        yield* Client.submit(Task.make(doors[i]!.pass))
        yield* doors[i]!.arrived(1)
        yield* Effect.andThen(TestClock.adjust(10), turns())
        if (i === 0) {
          yield* doors[0]!.open
          yield* turns()
        }
      }
      yield* doors[1]!.open
      for (let i = 0; i < 10; i++) yield* Effect.andThen(TestClock.adjust(10), turns())
      assert.strictEqual(yield* errorOf(Future.join(future)), "always")
      assert.lengthOf(workers, 5)
      assert.lengthOf(new Set(workers), 2)
    }).pipe(inScheduler({ workers: [{ id: "a", concurrency: 1 }, { id: "b", concurrency: 1 }] })))

  it.effect("C1: a task that waits for its next attempt is cancelled at once and never starts again", () =>
    Effect.gen(function*() {
      const log: Log = []
      const body = Effect.andThen(note(log, "ran"), Effect.fail("again"))
      const future = yield* Client.submit(Task.make(body, { retry: Schedule.spaced(100), timeout: 10, deadline: 1000 }))
      yield* turns()
      yield* Future.cancel(future)
      yield* Effect.andThen(TestClock.adjust(2000), turns())
      assert.deepStrictEqual(log, ["ran"])
    }).pipe(inScheduler()))
})

describe("unusual ends", () => {
  const ends: Record<string, () => Task.Task<unknown, any, any>> = {
    defect: () => Task.make(Effect.die("bug")),
    "throw in a map": () =>
      Task.map(1, () => {
        throw new Error("bug")
      }),
    "throw in a body": () =>
      Task.make(1, () => {
        throw new Error("bug")
      }),
    "self-interrupt": () => Task.make(Effect.interrupt),
    timeout: () => Task.make(Effect.never, { timeout: 10 }),
    deadline: () => Task.make(Effect.never, { deadline: 10 }),
    "finalizer that dies": () => Task.make(Effect.addFinalizer(() => Effect.die("bug"))),
    "finalizer that interrupts": () => Task.make(Effect.addFinalizer(() => Effect.interrupt)),
    "flatMap to a failing task": () => Task.flatMap(1, () => Task.make(Effect.fail("inner"))),
    "flatMap to a cancelled task": () => Task.flatMap(1, () => Task.make(Effect.interrupt)),
    "flatMap to a dying task": () => Task.flatMap(1, () => Task.map(Task.make(Effect.die("bug")), () => 1)),
    "flatMap to a graph that is refused": () => Task.flatMap(1, () => Task.make(Effect.void, { key: "" })),
    "flatMap to a cycle": () => {
      const task: Task.Task<unknown, any> = Task.flatMap(1, () => task, { key: "round" })
      return task
    },
    "flatMap that throws": () =>
      Task.flatMap(1, () => {
        throw new Error("bug")
      }),
    "flatMap to no task": () => Task.flatMap(1, () => 5 as never),
    "schedule that dies": () =>
      Task.make(Effect.fail("no"), { retry: Schedule.forever.pipe(Schedule.tap(() => Effect.die("bug"))) }),
    "schedule that interrupts": () =>
      Task.make(Effect.fail("no"), { retry: Schedule.forever.pipe(Schedule.tap(() => Effect.interrupt)) })
  }
  for (const [name, make] of Object.entries(ends)) {
    it.effect(`F16: after this end every dependent has one too: ${name} (trap 10)`, () =>
      Effect.gen(function*() {
        const root = make()
        const below = Task.map(root, () => 1, { key: "below" })
        const futures = yield* Client.submitAll([
          root,
          below,
          Task.map([below, root], () => 1),
          Task.flatMap(below, () => Task.succeed(1))
        ])
        const exit = yield* Client.submit(Task.exit(root))
        yield* Effect.andThen(turns(), TestClock.adjust(10))
        yield* turns(20)
        for (const future of futures) {
          assert.include(["failed", "upstreamFailed", "cancelled"], yield* Future.status(future), name)
          const cause = causeOfExit((yield* exitNow(future))!)
          assert.isFalse(cause.reasons.some(Cause.isInterruptReason), Cause.pretty(cause))
        }
        causeOfExit(yield* Future.join(exit))
      }).pipe(inScheduler({ concurrency: 2 })))
  }
})

it.effect("C7: a plain function that cancels its own task ends it cancelled, and its value goes nowhere, a cache included", () =>
  Effect.gen(function*() {
    const cache = new Map<string, unknown>()
    const task: Task.Task<string> = Task.sync(() => {
      Effect.runFork(Future.cancel(future, { wait: false }))
      return "late"
    }, { key: "k" })
    const future: Future.Future<string> = yield* Client.submit(task, { cache })
    const exit = yield* Future.await(future)
    assert.isTrue(Exit.isFailure(exit))
    assert.deepStrictEqual([...cache], [])
  }).pipe(inScheduler({ concurrency: 1 })))
