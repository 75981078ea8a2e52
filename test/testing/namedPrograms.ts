/**
 * Random programs of named tasks: what a body does is data, so the same program runs on fibers, behind cloning ports, and in workers
 * elsewhere that die at any message.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import type { Chance, Faults } from "skein/testing"
import * as Worker from "skein/Worker"
import { wayOf } from "../../src/internal/portable/ways.ts"
import { scheduleOf } from "../../src/internal/tasks/options.ts"
import { type Maker, named } from "./memoryLink.ts"
import { expectValue, type Known, type MakeTask, makeTask, programOf, sum } from "./programs.ts"
import { counted } from "./remoteGraphs.ts"

/** What bodies fail with by themselves. */
class Refused extends Schema.TaggedError<Refused>()("Refused", { own: Schema.Number }) {}

/** What a body does between its beginning and its end, with its children. */
const acts = [
  "compute",
  "submit, join",
  "submit, joinAll",
  "wait for all at once",
  "one after the other",
  "compute, one by one",
  "compute, slot kept",
  "stream",
  "batches",
  "seceded",
  "secede by hand",
  "end without a slot",
  "shielded",
  "annotated",
  "any of them",
  "cancel one",
  "give up a wait",
  "close a scope",
  "interrupt a wait",
  "settle one",
  "first of them",
  "retry one",
  "catch",
  "fire and forget"
] as const

type Act = typeof acts[number]

/** A body: plain data. */
interface Script {
  readonly own: number
  /** The milliseconds that it works before it does something, and after that: 0 is a turn, -1 no time, `Infinity` for ever. */
  readonly work: readonly [number, number]
  readonly act: Act
  readonly children: ReadonlyArray<Child>
  /** The milliseconds that its finalizer takes; -1 for none. */
  readonly finalizer: number
  /** Fails before its end: the first attempt alone, or each. */
  readonly fails: "never" | "once" | "always" | "throws"
  readonly logs: boolean
}

/** A task that a body submits. */
interface Child {
  readonly name: Name
  readonly script: Script
  readonly options: Options
  /** By name; by a function that computes it; as a function that does the same itself; or by name, and its value mapped. */
  readonly form: "named" | "computed" | "function" | "mapped"
}

/** The options of a task, as data. */
interface Options {
  readonly times?: number
  readonly timeoutMillis?: number
  readonly deadlineMillis?: number
  readonly graceMillis?: number
  readonly priority?: number
  readonly key?: string
}

interface Payload {
  readonly script: Script
  readonly inputs: ReadonlyArray<number>
  /** Whether it is a function in the scheduler of a worker elsewhere, which has slots of its own. */
  readonly isFunction?: boolean
}

/** What a script gives if it gives anything. */
const valueOf = ({ act, children, own }: Script, inputs: ReadonlyArray<number>): number =>
  sum([own, ...inputs, ...(unread.has(act) ? [] : children.map(({ script }) => valueOf(script, [])))])

/** Acts whose values are not those of their children, because it is not known which of these give one. */
const unread: ReadonlySet<Act> = new Set([
  "any of them",
  "cancel one",
  "give up a wait",
  "close a scope",
  "interrupt a wait",
  "settle one",
  "first of them",
  "retry one",
  "catch",
  "fire and forget"
])

/** Acts after which children may still run: an ask for one is a wait of the body's attempt, which then has no slot. */
const leaving: ReadonlySet<Act> = new Set([
  "cancel one",
  "give up a wait",
  "settle one",
  "first of them",
  "retry one",
  "end without a slot"
])

const pause = (millis: number): Effect.Effect<void> =>
  millis === Infinity
    ? Effect.never
    : millis < 0
    ? Effect.void
    : millis === 0
    ? Effect.yieldNow
    : Effect.sleep(millis)

type Body<A> = Effect.Effect<A, any, Client.Client | Worker.Worker | Scope.Scope>

const optionsOf = ({ times, ...options }: Options): object => ({
  ...options,
  ...times !== undefined && { retry: scheduleOf({ times }) }
})

const taskOf = ({ form, name, options, script }: Child): Task.Task<number, any, any> => {
  const asked = names[name].task({ script, inputs: [] }, optionsOf(options))
  switch (form) {
    case "named":
      return asked
    case "mapped":
      return Task.map(asked, (value) => value)
    case "computed":
      return Task.make(Client.compute(asked))
    case "function":
      return Task.make(Effect.scoped(play({ script, inputs: [], isFunction: true }))) as never
  }
}

/** The value of a child, which must be the one that is known. A failure is that of the body. */
const checked = ({ script }: Child, exit: Exit.Exit<number, unknown>): Effect.Effect<number, unknown> =>
  Exit.isFailure(exit)
    ? Effect.failCause(exit.cause)
    : Effect.as(expectValue(exit, valueOf(script, [])), exit.value)

const all = (
  children: ReadonlyArray<Child>,
  values: ReadonlyArray<number>
): Effect.Effect<ReadonlyArray<number>, unknown> =>
  Effect.forEach(values, (value, i) => checked(children[i]!, Exit.succeed(value)))

const submitAll = (children: ReadonlyArray<Child>): Body<ReadonlyArray<Future.Future<number, any>>> =>
  Client.submitAll(children.map(taskOf))

/** Whatever comes of a child, if that may be. */
const whatever = (child: Child, exit: Exit.Exit<number, unknown>): Effect.Effect<void> =>
  expectValue(exit, valueOf(child.script, []))

/** The groups of what was fired since a program began. */
const fired = new Set<string>()

const none = Effect.succeed<ReadonlyArray<number>>([])

/** Returns the values of the children that count. */
const perform = ({ act, children, own }: Script): Body<ReadonlyArray<number>> => {
  const [first] = children
  if (first === undefined) return none
  const tasks = () => children.map(taskOf)
  switch (act) {
    case "compute":
      return Client.compute(tasks())
    case "annotated":
      return Client.annotate(Client.compute(tasks()), { namespace: "n", priority: 1 })
    case "submit, join":
      return Effect.flatMap(submitAll(children), (futures) => Effect.forEach(futures, (future) => Future.join(future)))
    case "submit, joinAll":
      return Effect.flatMap(submitAll(children), (futures) => Future.joinAll(futures as Array<Future.Future<number>>))
    case "wait for all at once":
      return Effect.flatMap(submitAll(children), (futures) =>
        Effect.flatMap(
          Effect.forEach(futures, (future) => Future.await(future), { concurrency: "unbounded" }),
          (exits) => Effect.forEach(exits, (exit: Exit.Exit<number, any>) => exit)
        ))
    case "one after the other":
      return Effect.forEach(children, (child) => Client.compute(taskOf(child)))
    case "compute, one by one":
      return Client.forEach(tasks(), (value) => Effect.as(Effect.yieldNow, value), { concurrency: 1 })
    case "compute, slot kept":
      return Effect.catchIf(
        Worker.keepSlot(Client.compute(tasks())) as Body<ReadonlyArray<number>>,
        (error) => error?.reason?._tag === "Starved",
        () => Client.compute(tasks())
      )
    case "stream":
      return Stream.runCollect(Client.stream(tasks(), { outstanding: 2 }))
    case "batches":
      return Stream.runCollect(Client.stream(tasks(), { outstanding: 4, batch: 2 }))
    case "seceded":
      return Worker.seceded(Effect.andThen(Effect.sleep(0.75), Client.compute(tasks())))
    case "secede by hand":
      return Effect.gen(function*() {
        yield* Worker.secede
        const values = yield* Client.compute(tasks())
        yield* Worker.rejoin
        return values
      })
    case "end without a slot":
      return Effect.andThen(Worker.secede, Client.compute(tasks()))
    case "shielded":
      return Worker.shielded(Client.compute(tasks()))
    case "any of them":
      return Effect.as(
        Client.compute(Task.make({ some: Dependency.any(tasks(), { losers: "cancel" }) }, () => Effect.yieldNow)),
        []
      )
    case "cancel one":
      return Effect.gen(function*() {
        const futures = yield* submitAll([first, ...children])
        yield* pause(first.script.own % 3)
        yield* Future.cancel(futures[0]!, { force: first.script.own % 2 === 0 })
        yield* whatever(first, yield* Future.await(futures[1]!))
        return []
      })
    case "give up a wait":
      return Effect.gen(function*() {
        const futures = yield* submitAll(children)
        yield* Effect.timeoutOption(Future.await(futures[0]!), 0.5 + first.script.own % 3)
        return []
      })
    case "close a scope":
      return Effect.as(
        Effect.scoped(Effect.andThen(submitAll(children), pause(first.script.own % 4))),
        []
      )
    case "interrupt a wait":
      return Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(Client.compute(tasks()))
        yield* pause(first.script.own % 4)
        yield* Fiber.interrupt(fiber)
        return []
      })
    case "settle one":
      return Effect.gen(function*() {
        const [future] = yield* submitAll(children)
        yield* pause(first.script.own % 3)
        yield* Future.settle(future!, Exit.succeed(valueOf(first.script, [])))
        yield* whatever(first, yield* Future.await(future!))
        return []
      })
    case "first of them":
      return Effect.as(Effect.flatMap(submitAll(children), (futures) => Future.awaitFirst(futures)), [])
    case "retry one":
      return Effect.gen(function*() {
        const [future] = yield* submitAll(children)
        yield* Future.await(future!)
        const again = yield* Effect.exit(Client.retry(future!))
        if (Exit.isSuccess(again)) yield* whatever(first, yield* Future.await(again.value))
        return []
      })
    case "catch":
      return Effect.as(
        Effect.flatMap(
          Effect.exit(Client.compute(Task.exit(taskOf(first)))),
          (exit) => Exit.isSuccess(exit) ? whatever(first, exit.value) : Effect.failCause(exit.cause)
        ),
        []
      )
    case "fire and forget": {
      // What a body has fired outlives it, so it cancels that. Two that cancelled one group would wait for each other.
      const group = `fired by ${own}`
      fired.add(group)
      return Effect.andThen(Client.fireAndForget(taskOf(first), { group }), Client.awaitGroup(group)).pipe(
        Effect.ensuring(Client.cancelGroup(group)),
        Effect.as([])
      )
    }
  }
}

/** How many bodies are at work, their finalizers included, on workers that are there or were lost. */
export const atWork = { count: 0 }

const alive = <A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => void atWork.count++),
    () => body,
    () => Effect.sync(() => void atWork.count--)
  )

/** Does what a script says. */
const play = ({ inputs, isFunction = false, script }: Payload): Body<number> => {
  const work = (millis: number) => isFunction ? pause(millis) : counted(pause(millis))
  const { act, children, fails, finalizer, logs, own, work: [before, after] } = script
  return alive(Effect.scoped(Effect.gen(function*() {
    if (finalizer >= 0) yield* Effect.addFinalizer(() => pause(finalizer))
    if (logs) yield* Effect.logInfo({ own }, new Map([[own, inputs]]))
    yield* work(before)
    if (fails === "throws") throw Object.assign(new RangeError(`body ${own}`), { kind: "die", site: `${own}` })
    const { attempt } = yield* Worker.current
    if (fails === "always" || (fails === "once" && attempt === 1)) return yield* new Refused({ own })
    const values = yield* perform(script)
    yield* all(children, values)
    yield* leaving.has(act) ? pause(after) : work(after)
    return sum([own, ...inputs, ...values])
  })))
}

const numbers = Schema.Array(Schema.NumberFromString)

/** Encoded as text, so that a value that was not decoded, or was decoded twice, is another one. */
const codec = {
  payload: wayOf(Schema.Struct({ script: Schema.Any, inputs: numbers })),
  success: wayOf(Schema.NumberFromString),
  error: wayOf(Refused)
}

const plain = { error: codec.error }

const names = {
  "a script": named("a script", play, plain),
  "a script with codecs": named("a script with codecs", play, codec),
  "steps": named("steps of a script", function*(payload: Payload) {
    return yield* play(payload)
  }, codec),
  /** Only scripts that do nothing. */
  "a function": named("a function", ({ inputs, script }: Payload) => valueOf(script, inputs), plain),
  "a promise": named("a promise", ({ inputs, script }: Payload) => Promise.resolve(valueOf(script, inputs)), codec)
} satisfies Record<string, Maker>

type Name = keyof typeof names

/** What far sides run. */
export const namedMakers: ReadonlyArray<Maker> = Object.values(names)

/** What is drawn: acts, and whether a limit of time may end a task in one order of events and not in another. */
interface Kind {
  readonly acts: readonly [Act, ...Array<Act>]
  readonly isTimed: boolean
}

const any: Kind = { acts: [...acts], isTimed: true }

/** What has one meaning, whatever the order of events, and what the interpreter knows. */
const certain: Kind = {
  acts: [
    "compute",
    "submit, join",
    "submit, joinAll",
    "wait for all at once",
    "one after the other",
    "compute, slot kept",
    "seceded",
    "secede by hand",
    "shielded",
    "annotated"
  ],
  isTimed: false
}

/** Acts after which no child runs any more, however long it would, and which need no slot that a child has. */
const ending: ReadonlySet<Act> = new Set(["close a scope", "interrupt a wait"])

/** The child never ends by itself. */
const endless = (child: Child): Child => ({
  ...child,
  name: child.name === "a function" || child.name === "a promise" ? "a script" : child.name,
  script: { ...child.script, work: [Infinity, 0], fails: "never" }
})

const makeScript = (chance: Chance.Chance, kind: Kind, depth: number): Script => {
  const children = depth < 2 && chance.with(0.7)
    ? Array.from({ length: chance.between(1, 3) }, () => makeChild(chance, kind, depth + 1))
    : []
  const act = chance.pick(kind.acts)
  return {
    own: chance.between(1, 1000),
    work: [chance.pick([-1, 0, 0, 1, 2.5]), chance.pick([-1, 0, 1])],
    act,
    children: ending.has(act) ? children.map((child) => chance.with(0.25) ? endless(child) : child) : children,
    finalizer: chance.with(0.15) ? chance.pick([0, 1, 4]) : -1,
    fails: chance.with(0.12) ? chance.pick(["once", "always", "throws"]) : "never",
    logs: kind.isTimed && chance.with(0.05)
  }
}

const makeOptions = (chance: Chance.Chance, { isTimed }: Kind): Options => ({
  ...(isTimed && chance.with(0.1) && { timeoutMillis: 7.5 }),
  ...(isTimed && chance.with(0.05) && { deadlineMillis: 40.5 }),
  ...(chance.with(0.15) && { times: 1 }),
  ...(chance.with(0.1) && { graceMillis: 1.25 }),
  ...(chance.with(0.1) && { priority: chance.between(0, 2) }),
  // Few keys for many tasks: none may be taken for another.
  ...(isTimed && chance.with(0.1) && { key: `k${chance.below(4)}` })
})

const doesNothing = ({ children, fails, finalizer }: Script): boolean =>
  children.length === 0 && fails === "never" && finalizer < 0

const nameFor = (chance: Chance.Chance, script: Script): Name =>
  doesNothing(script) && chance.with(0.3)
    ? chance.pick(["a function", "a promise"])
    : chance.pick(["a script", "a script with codecs", "steps"])

const makeChild = (chance: Chance.Chance, kind: Kind, depth: number): Child => {
  const script = makeScript(chance, kind, depth)
  const form = chance.pick(["named", "named", "named", "computed", "function", "mapped"] as const)
  return { name: nameFor(chance, script), script, options: makeOptions(chance, kind), form }
}

/** A task with a name, or now and then a function, or some of either. */
const makeNamed: MakeTask = (chance, turnstile, known, depth): Known => {
  if (chance.with(0.2)) return makeTask(chance, turnstile, known, depth)
  const inputs = chance.some(known.slice(-4), 0.4)
  const script = makeScript(chance, any, 0)
  const value = valueOf(script, inputs.map(({ value }) => value))
  const task = names[nameFor(chance, script)].task(
    { script, inputs: inputs.map((each) => each.task) },
    optionsOf(makeOptions(chance, any))
  ) as Known["task"]
  if (chance.with(0.85)) return { task, value }
  const quick = names["a function"].task({ script: { ...script, children: [] }, inputs: [] })
  const members = [task, quick]
  const some = chance.pick<() => Dependency.Dependency<any, any, any, any>>([
    () => Dependency.any(members),
    () => Dependency.any(members, { losers: "cancel" }),
    () => Dependency.atLeast(1, members, { on: "completion" }),
    () => Dependency.rule("oneSuccess", members)
  ])()
  return { task: Task.make({ some }, () => Effect.as(Effect.yieldNow, value)) as Known["task"], value }
}

const program = programOf(makeNamed)

/** A random program of such tasks, often with a worker more, which may be one that is not here. */
export const randomNamed = (
  chance: Chance.Chance
): Effect.Effect<void, never, Client.Client | Scheduler.Scheduler> => {
  const restart = chance.with(0.5) ? { times: 3, within: "1 minute" } as const : undefined
  // It goes with the layer: a lost body may leave children that need a worker when the program is over.
  const more = Scheduler.addWorker({ id: "far", concurrency: chance.between(1, 3), restart }).pipe(
    Scope.provide(Scope.makeUnsafe())
  )
  const own = program(chance)
  // A body that is lost cancels nothing.
  fired.clear()
  const cancelFired = Effect.suspend(() => Effect.forEach(fired, (group) => Client.cancelGroup(group)))
  const whole = Effect.ensuring(own, cancelFired)
  return Effect.andThen(Effect.orDie(more), whole)
}

/** A graph of such tasks, which gives what the interpreter says. */
export const randomNamedGraph = (chance: Chance.Chance): ReadonlyArray<Known["task"]> => {
  const tasks: Array<Known["task"]> = []
  for (let i = chance.between(1, 5); i > 0; i--) {
    const script = makeScript(chance, certain, 0)
    const inputs = chance.some(tasks.slice(-3), 0.4)
    const options = { ...optionsOf(makeOptions(chance, certain)), label: `t${i}` }
    tasks.push(names[nameFor(chance, script)].task({ script, inputs }, options) as Known["task"])
  }
  return tasks
}

/** Named tasks declare what they fail with, so no other failures. */
export const namedFaults: Faults.Faults = { slow: 0.05, stubborn: 0.05, vanish: 0.03 }
