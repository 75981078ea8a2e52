/** Random graphs of named tasks, and ports for simulations behind which the real far side runs them. */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Task from "skein/Task"
import type { Chance } from "skein/testing"
import * as Worker from "skein/Worker"
import { workersOf } from "../../src/engine/views/workers.ts"
import * as clientLayer from "../../src/internal/client/layer.ts"
import type { SchedulerCore } from "../../src/internal/driver/schedulerCore.ts"
import { surroundingsFrom } from "../../src/internal/nested/farSide.ts"
import { nestedVerbs } from "../../src/internal/nested/nearSide.ts"
import type { Item } from "../../src/internal/portable/items.ts"
import { type Named, unchecked } from "../../src/internal/portable/named.ts"
import { wayOf } from "../../src/internal/portable/ways.ts"
import { FarClock } from "../../src/internal/remote/contexts.ts"
import type { ClockData } from "../../src/internal/remote/messages.ts"
import { RemoteWorker } from "../../src/internal/remote/remoteWorker.ts"
import { scheduleOf } from "../../src/internal/tasks/options.ts"
import type { WorkerPort } from "../../src/internal/workers/port.ts"
import type { Sealer } from "../../src/internal/workers/sealed.ts"
import type { Sharing } from "../../src/internal/workers/sharing.ts"
import { CarriedPort, type MakePort } from "../../src/testing/internal/carriedPort.ts"
import { sealer as real } from "../../src/threads/internal/sealer.ts"
import { type Maker, memoryTransport, named, type Wire } from "./memoryLink.ts"

class Refused extends Schema.TaggedError<Refused>()("Refused", { own: Schema.Number }) {}

/** Sums up, whatever came in: a number that tells apart what a task was given. */
const sum = (values: ReadonlyArray<number>): number =>
  values.reduce((total, value) => (total * 31 + value) % 1_000_003, 7)

/** A far side with the slots of its worker, and its bodies that keep one. */
interface Far {
  running: number
  readonly slots: () => number
}

/** The far side on which a body runs. */
const Here = Context.Reference<Far | undefined>("test/remoteGraphs/Here", { defaultValue: () => undefined })

/** The most bodies at once, and by how many there were more than slots, which is a fault. */
export const crowd = { most: 0, excess: 0 }

/** Counts a body while it runs on a far side. */
export const counted = <A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const far = fiber.getRef(Here)
    if (far === undefined) return body
    const add = (by: number): void => {
      far.running += by
      crowd.most = Math.max(crowd.most, far.running)
      crowd.excess = Math.max(crowd.excess, far.running - far.slots())
    }
    return Effect.acquireUseRelease(Effect.sync(() => add(1)), () => body, () => Effect.sync(() => add(-1)))
  })

type Payload = readonly [own: number, ...inputs: ReadonlyArray<number>]

const codec = {
  payload: wayOf(Schema.Array(Schema.Number)),
  success: wayOf(Schema.Number),
  error: wayOf(Refused)
}

/** A result of a class, which only a codec keeps. */
class Total extends Schema.Class<Total>("Total")({ total: Schema.Number, at: Schema.Date }) {}

/** What bodies submit by name: one that succeeds, one that succeeds when it is tried again, and one that nobody waits for. */
const leaf = named("leaf", (values: Payload) => counted(Effect.as(Effect.yieldNow, sum(values))), codec)
const stumbles = named(
  "stumbles",
  (values: Payload) =>
    Effect.flatMap(
      Worker.current,
      ({ attempt }) => attempt === 1 ? Effect.fail(new Refused({ own: values[0] })) : Effect.succeed(sum(values))
    ),
  codec
)
const lasts = named("lasts", (values: Payload) => counted(Effect.as(Effect.never, sum(values))), codec)

const once = scheduleOf({ times: 1 })

/** Functions and named tasks in one graph, functions that submit named tasks, and a wait that is given up. */
const nested = ([own]: Payload) => {
  const part = Task.make(Effect.as(Effect.yieldNow, own), { key: "part" })
  // Others of the graph may submit the same.
  const shared = leaf.task([own % 3], { pure: true, name: "leaf", code: "leaf" })
  switch (own % 4) {
    case 0:
      return Client.compute([part, shared])
    case 1:
      return Client.compute([part, shared, stumbles.task([own], { retry: once, priority: own % 3 })])
    case 2:
      return Client.compute([
        Task.make(Client.compute(leaf.task([own]))),
        Task.map(Task.exit(stumbles.task([own])), (exit) => Exit.isFailure(exit) ? 1 : 2),
        Task.map(part, (value) => value + 1)
      ])
    default:
      return Client.compute([part, lasts.task([own])]).pipe(Effect.timeoutOption(3), Effect.map(() => [own]))
  }
}

/** Every way in which a body runs and ends. */
export const bodies = {
  plain: named("plain", (values: Payload) => sum(values), codec),
  promise: named("promise", (values: Payload) => Promise.resolve(sum(values)), codec),
  turns: named(
    "turns",
    (values: Payload) => counted(Effect.as(Effect.andThen(Effect.yieldNow, Effect.yieldNow), sum(values))),
    codec
  ),
  sleeps: named("sleeps", (values: Payload) => counted(Effect.as(Effect.sleep(1 + values[0] % 5), sum(values))), codec),
  steps: named("steps", function*(values: Payload) {
    yield* Effect.yieldNow
    return sum(values)
  }, codec),
  fails: named("fails", (values: Payload) => Effect.fail(new Refused({ own: values[0] })), codec),
  throws: named("throws", (values: Payload) => {
    throw new RangeError(`body ${values[0]}`)
  }, codec),
  scoped: named("scoped", (values: Payload) =>
    Effect.gen(function*() {
      yield* Effect.addFinalizer(() => Effect.yieldNow)
      yield* Effect.yieldNow
      return sum(values)
    }), codec),
  shields: named(
    "shields",
    (values: Payload) => counted(Worker.shielded(Effect.as(Effect.sleep(3), sum(values)))),
    codec
  ),
  away: named(
    "away",
    (values: Payload) =>
      Effect.as(Effect.andThen(Worker.seceded(Effect.sleep(2)), counted(Effect.sleep(2))), sum(values)),
    codec
  ),
  leaves: named("leaves", (values: Payload) =>
    Effect.gen(function*() {
      yield* Worker.secede
      yield* Effect.yieldNow
      if (values[0] % 2 === 0) yield* Worker.rejoin
      return sum(values)
    }), codec),
  deep: named("deep", ({ at: { values } }: { at: { values: Payload } }) => ({ values: [sum(values), 1] })),
  paints: named("paints", (values: Payload) => new Uint8Array(66_000).fill(sum(values) % 251), { success: unchecked }),
  scans: named(
    "scans",
    ({ image, own, table }: { image: Uint8Array; own: number; table: Uint8Array }) =>
      counted(Effect.map(
        Effect.sleep(2),
        () => sum([own, image[0]!, image.at(-1)!, image.length, table[0]!, table.at(-1)!, table.length])
      )),
    { payload: unchecked }
  ),
  nests: named("nests", (values: Payload) =>
    Effect.gen(function*() {
      yield* counted(Effect.yieldNow)
      // Some end without a slot.
      const leaves = values[0] % 5 === 3
      if (leaves) yield* Worker.secede
      const parts = yield* Effect.orDie(nested(values))
      if (!leaves) yield* counted(Effect.sleep(1))
      return sum([...values, ...parts])
    }), codec),
  classy: named("classy", (values: Payload) => new Total({ total: sum(values), at: new Date(0) }), {
    ...codec,
    success: wayOf(Total)
  })
} satisfies Record<string, Maker>

/** Large buffers that tasks of many graphs take, by their first byte. */
const tables = [new Uint8Array(66_000).fill(11), new Uint8Array(66_000).fill(12)] as const

/** The sharing of schedulers with a remote worker. */
export const sharings = new Set<Sharing>()

/** The schedulers that bodies have begun. */
export const nestedSchedulers = new Set<SchedulerCore>()

/** How many results were sealed, and how often one was opened. */
export const bytes = { sealed: 0, opened: 0 }

/** Seals whatever is an object, and now and then a number. */
const sealer: Sealer = {
  seal: (value) => {
    bytes.sealed++
    return real.seal(value)
  },
  open: (sealed) => {
    bytes.opened++
    return real.open(sealed)
  },
  isWorth: (value) =>
    (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) ||
    (typeof value === "number" && value % 3 === 0)
}

const makers: ReadonlyArray<Maker> = [...Object.values(bodies), leaf, stumbles, lasts]

/** The modules of schedulers are there: a simulation does not wait until one is loaded. */
const surroundings = surroundingsFrom(Effect.succeed(clientLayer))

const itemOf = (maker: Maker): Item => ({
  _tag: "Name",
  name: maker.named.name,
  named: maker.named as Named,
  make: (payload, options) => maker.task(payload, options)
})

/** Most bodies succeed, or nothing would run below them. */
const usual = [
  "deep",
  "plain",
  "promise",
  "turns",
  "sleeps",
  "steps",
  "scoped",
  "shields",
  "away",
  "leaves",
  "classy"
] as const

/** Those that hold their slots for a while, and those that give them away. */
const busy = ["sleeps", "away", "leaves"] as const

/** A graph in which most tasks may run anywhere, and some only here. */
export const randomRemoteGraph = (chance: Chance.Chance): ReadonlyArray<Task.Task<any, any>> => {
  const tasks: Array<Task.Task<number, any>> = []
  const count = chance.between(2, 14)
  // Now and then all are independent, so that lines form.
  const linked = chance.with(0.3) ? 0 : 0.6
  for (let own = 0; own < count; own++) {
    const inputs = chance.with(linked) ? tasks.filter(() => chance.with(0.3)) : []
    const options = {
      label: `t${own}`,
      ...chance.with(0.1) && { key: `k${own}` },
      ...chance.with(0.1) && { priority: chance.between(0, 3) },
      ...chance.with(0.1) && { timeoutMillis: 40 },
      ...chance.with(0.05) && { idempotent: false }
    }
    if (chance.with(0.15)) {
      const image = bodies.paints.task([own, ...inputs], { label: `p${own}` })
      const table = chance.pick(tables)
      const scans = Array.from(
        { length: chance.between(1, 3) },
        (_, i) =>
          bodies.scans.task({ image: chance.with(0.8) ? image : table, own: i, table }, { label: options.label })
      )
      tasks.push(Task.map(scans, (values) => sum(values as ReadonlyArray<number>)) as never)
      continue
    }
    if (chance.with(0.2)) {
      const here = Task.map(inputs, (values) => sum([own, ...values as ReadonlyArray<number>]), {
        label: options.label
      })
      tasks.push(here as never)
      continue
    }
    const name = chance.with(0.08)
      ? chance.pick(["fails", "throws"] as const)
      : chance.with(0.2)
      ? "nests"
      : chance.pick(linked > 0 ? usual : busy)
    const values = [own, ...inputs]
    // How long nested tasks take depends on the slots that are free.
    const given = name === "nests" ? { ...options, timeoutMillis: undefined } : options
    const task = bodies[name].task(name === "deep" ? { at: { values } } : values, given)
    tasks.push(
      name === "classy" ?
        Task.map(task, ({ total }) => total) as never
        : name === "deep" ?
        Task.map(task, ({ values: [total] }) => total) as never
        // What may fail is met by a policy or by its exit.
        : name === "fails" || name === "throws"
        ? chance.pick([
          () => Task.map(Task.exit(task), (exit) => Exit.isSuccess(exit) ? 1 : 2),
          () => Task.map(Dependency.rule("allDone", [task]), () => 3),
          () => task
        ])() as never
        : task
    )
  }
  return tasks
}

export interface Ways {
  readonly shares: boolean
  /** Whether results are sealed. Defaults to true. */
  readonly seals?: boolean
  readonly ahead: number
  /** The probability that a message is the last that a far side reads. */
  readonly deadly?: number
  /** What the far side runs. Defaults to the bodies of random graphs. */
  readonly makers?: ReadonlyArray<Maker>
  readonly met?: (port: WorkerPort, wire: Wire) => void
}

/** A clock that goes on when it is read: bodies take some time, and the same in each run of a seed. */
const ticking = (): Clock.Clock => {
  let micros = 0
  const now = (): ClockData => {
    micros += 50 + (micros * 7919) % 997
    return { millis: micros / 1000, nanos: BigInt(1000 * micros), monotonicNanos: BigInt(1000 * micros) }
  }
  return new FarClock({ now, sleep: () => Effect.die(new Error("A far side sleeps by the clock of its scheduler")) })
}

/** The ports of `w2` and of `far` are remote workers, the others are here. */
export const remotePorts =
  ({ ahead, deadly = 0, makers: served = makers, met, seals = true, shares }: Ways): MakePort =>
  (setup, make, carrier) => {
    if (setup.name !== "w2" && setup.name !== "far") return new CarriedPort(setup, make, carrier)
    const transport = memoryTransport(served, {
      shares,
      surroundings: (...args) => Effect.map(surroundings(...args), Context.add(Here, { running: 0, slots: ownSlots })),
      clock: ticking(),
      nested: (scheduler) => nestedSchedulers.add(scheduler),
      sealer: seals ? sealer : undefined,
      defer: setup.defer,
      // Until nothing is on its way.
      after: Effect.sleep(1),
      carry: (to, deliver) => {
        const _tag = to === "far" ? "Stop" : "Ended"
        carrier.carry({ _tag, task: -1, attempt: 0, worker: port }, () => {
          deliver()
          if (deadly > 0 && port.serial >= 0 && carrier.below(1000) < 1000 * deadly) wires.at(-1)!.die("it died")
        })
      },
      opened: (wire) => {
        wires.push(wire)
        met?.(port, wire)
      }
    })
    const wires: Array<Wire> = []
    const port: RemoteWorker = new RemoteWorker(setup, transport, {
      slots: 2,
      ahead,
      verbs: nestedVerbs(served.map(itemOf))
    })
    sharings.add(setup.sharing)
    const { state } = setup.home as SchedulerCore
    // On a far side that has died bodies go on, and what they wait for at home ends.
    const ownSlots = (): number =>
      port.isLost ? Infinity : workersOf(state).find(({ serial }) => serial === port.serial)?.slots ?? Infinity
    return port
  }
