/** What Effect's `Equal` and `Hash` make of the objects of Skein. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import { Gate } from "skein/testing"
import * as Worker from "skein/Worker"
import { gate, inScheduler, turns } from "./harness.ts"

/** Counts how often a hash or a comparison reaches it. */
class Probe {
  seen = 0;
  [Hash.symbol](): number {
    this.seen++
    return 0
  }
  [Equal.symbol](that: unknown): boolean {
    return this === that
  }
}

/** Pairs of public objects that look alike, made around a task that holds the probe and is running. */
const pairs = (probe: Probe) =>
  Effect.gen(function*() {
    const door = gate()
    const f = () => 1
    const seats: Array<Worker.Worker["Service"]> = []
    const body = () =>
      Effect.andThen(Worker.Worker, (seat) => Effect.andThen(Effect.sync(() => seats.push(seat)), door.pass))
    const task = () => Task.make({ probe }, body)
    const running = yield* Client.submitAll([task(), task()])
    yield* turns()
    yield* Effect.addFinalizer(() => door.open)
    const shared = task()
    const ends = { scheduler: yield* Scheduler.Scheduler, client: yield* Client.Client }
    const others = yield* Effect.scoped(
      Effect.gen(function*() {
        yield* Client.submit(task())
        return { scheduler: yield* Scheduler.Scheduler, client: yield* Client.Client }
      })
    ).pipe(inScheduler())
    const found: Readonly<Record<string, readonly [object, object]>> = {
      "Task.sync": [Task.sync(f), Task.sync(f)],
      "Task.map": [Task.map({ probe }, f), Task.map({ probe }, f)],
      "Task.succeed": [Task.succeed(1), Task.succeed(1)],
      "Task.exit": [Task.exit(shared), Task.exit(shared)],
      "a future": [running[0], running[1]],
      "a policy": [Dependency.any([shared]), Dependency.any([shared])],
      "a graph": [TaskGraph.make({ shared }), TaskGraph.make({ shared })],
      "a graph that grew": [TaskGraph.add(TaskGraph.empty, "a", shared), TaskGraph.add(TaskGraph.empty, "a", shared)],
      "a worker": [seats[0]!, seats[1]!],
      "a client": [ends.client, others.client],
      "a scheduler": [ends.scheduler, others.scheduler],
      "a gate": [Gate.makeUnsafe(), Gate.makeUnsafe()]
    }
    return found
  })

describe("equality", () => {
  it.effect("A1: what has an identity is equal to itself alone, and neither a hash nor a comparison walks through it", () =>
    Effect.gen(function*() {
      const probe = new Probe()
      for (const [name, [one, two]] of Object.entries(yield* pairs(probe))) {
        assert.isFalse(Equal.equals(one, two), name)
        assert.isFalse(Equal.equals({ held: one }, { held: two }), name)
        assert.isTrue(Equal.equals({ held: one }, { held: one }), name)
        assert.strictEqual(Hash.hash(one), Hash.hash(one), name)
        assert.strictEqual(HashSet.size(HashSet.fromIterable([one, two, one])), 2, name)
        assert.strictEqual(probe.seen, 0, name)
      }
    }).pipe(inScheduler({ concurrency: 2 })))

  it.effect("A1: collections by task or by future lose none, and a context with a scheduler is compared without a walk", () =>
    Effect.gen(function*() {
      const f = () => 1
      const tasks = HashSet.fromIterable([Task.sync(f), Task.sync(f), Task.sync(f)])
      assert.deepStrictEqual(yield* Client.compute([...tasks]), [1, 1, 1])
      const futures = yield* Client.submitAll([...tasks])
      const names = HashMap.fromIterable(futures.map((future, i) => [future, i] as const))
      assert.deepStrictEqual(futures.map((future) => HashMap.getUnsafe(names, future)), [0, 1, 2])
      const probe = new Probe()
      yield* Client.submit(Task.map({ probe }, f))
      const own = yield* Effect.context<Client.Client | Scheduler.Scheduler>()
      const other = yield* Effect.context<Client.Client | Scheduler.Scheduler>().pipe(inScheduler())
      const of = (context: typeof own) => Context.pick(Client.Client, Scheduler.Scheduler)(context)
      assert.isFalse(Equal.equals(of(own), of(other)))
      assert.isTrue(Equal.equals(of(own), of(own)))
      assert.strictEqual(probe.seen, 0)
      const failed = yield* Effect.exit(Client.compute(Task.make({ probe }, () => Effect.fail("no"))))
      Hash.hash(failed)
      assert.strictEqual(probe.seen, 0)
    }).pipe(inScheduler()))
})
