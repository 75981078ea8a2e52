/** Random programs of a user: scopes that close early, cancellations from outside and from inside, joins with time limits. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import { SkeinError, SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import { type Chance, Faults } from "skein/testing"
import * as Worker from "skein/Worker"
import { nameOfHostile } from "../../src/testing/internal/hostile.ts"

export interface Known {
  readonly task: Task.Task<number, unknown, Client.Client>
  /** What it gives if it gives anything. */
  readonly value: number
}

type Step = (world: Stage) => Effect.Effect<void, never, Client.Client>

interface Stage {
  readonly futures: Array<readonly [Future.Future<number, unknown>, number]>
  readonly submitting: Submitting
  /** The scope of the whole program. */
  readonly whole: Scope.Scope
}

/** The scope for which a script submits right now, as listeners see it. */
interface Submitting {
  scope: Scope.Scope | undefined
}

/** What may keep a task from its value; anything else is a bug. */
const mayBe: ReadonlySet<string> = new Set([
  "SubmitError",
  "DependencyFailed",
  "TaskTimeout",
  // What bodies fail with.
  "Refused",
  "ImpossibleDependency",
  // Reasons of SkeinError.
  "TaskCancelled",
  "Released",
  "Starved"
])

/**
 * Whether this is an injected fault, also one that has crossed a border: a defect is an error with the same fields there, and an
 * error that a named task does not declare is the cause of a defect.
 */
const isInjected = (error: unknown): boolean =>
  error instanceof Error && (("kind" in error && "site" in error) || isInjected(error.cause))

/** Dies if a task gives another value than this, or ends by what nothing in a program can bring about. */
export const expectValue = (exit: Exit.Exit<number, unknown>, value: number): Effect.Effect<void> => {
  if (Exit.isSuccess(exit)) {
    return exit.value === value
      ? Effect.void
      : Effect.die(`gave ${exit.value} in place of ${value}`)
  }
  for (const reason of exit.cause.reasons) {
    const error = Cause.isFailReason(reason)
      ? reason.error
      : Cause.isDieReason(reason)
      ? reason.defect
      : "an interruption"
    if (nameOfHostile(error) !== undefined) continue
    const told = error instanceof SkeinError ? error.reason : error
    const tag = typeof told === "object" && told !== null && "_tag" in told ? told._tag as string : String(told)
    if (!isInjected(error) && !mayBe.has(tag)) {
      return Effect.die(`ended by ${tag}: ${Cause.pretty(exit.cause)}`)
    }
  }
  return Effect.void
}

/** Counts who is at work on each worker: never more than it has slots. */
export class Turnstile {
  private readonly slots = new Map<string, number>()
  private readonly busy = new Map<string, number>()
  overrun: string | undefined

  readonly look = Effect.map(Scheduler.stats, ({ workers }) => {
    for (const { id, slots } of workers) this.slots.set(id, slots)
  })

  /** Work that takes a slot. */
  during(work: Effect.Effect<void>): Effect.Effect<void, never, Worker.Worker> {
    return Effect.flatMap(Worker.current, ({ key, id: worker }) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const count = (this.busy.get(worker) ?? 0) + 1
          this.busy.set(worker, count)
          if (count > this.slots.get(worker)!) this.overrun = `${key} was number ${count} on ${worker}`
        }),
        () => work,
        () => Effect.sync(() => this.busy.set(worker, this.busy.get(worker)! - 1))
      ))
  }

  /** Work that takes some turns. */
  readonly work = this.during(Effect.andThen(Effect.yieldNow, Effect.yieldNow))
}

/** A number that tells apart what a body was given. */
export const sum = (values: ReadonlyArray<number>): number =>
  values.reduce((total, value) => (total * 31 + value) % 1_000_003, 7)

/** Work after an error. A value in its place is a bug. */
const noValue = <R>(error: unknown, work: Effect.Effect<void, never, R>): Effect.Effect<void, never, R> =>
  typeof error === "number" ? Effect.die(`took the value ${error} for an error`) : work

/** Makes a task that may depend on those that are known. */
export type MakeTask = (
  chance: Chance.Chance,
  turnstile: Turnstile,
  known: ReadonlyArray<Known>,
  depth: number
) => Known

/** A task whose body is a function that closes over what it needs. */
export const makeTask: MakeTask = (chance, turnstile, known, depth) => {
  const inputs = chance.some(known.slice(-4), 0.4)
  const own = chance.between(1, 1000)
  const values = inputs.map(({ value }) => value)
  const tasks = inputs.map(({ task }) => task)
  const time = chance.between(0, 4)
  const work = time === 0 ? turnstile.work : Effect.sleep(time)
  const options = {
    ...(chance.with(0.1) ? { timeout: 7.5 } : chance.with(0.1) ? { deadline: 40.5 } : {}),
    // Few keys for many tasks: none may be taken for another.
    ...(chance.with(0.2) && { key: `k${chance.below(4)}` })
  }
  const place = chance.below(2)
  const child = depth < 2 ? makeTask(chance, turnstile, [], depth + 1) : undefined
  const nested = child?.value ?? 0
  const kinds: ReadonlyArray<() => Known> = [
    () => ({
      task: Task.make(tasks, (found) => Effect.as(work, sum([own, ...found])), options),
      value: sum([own, ...values])
    }),
    () => ({ task: Task.map(tasks, (found) => sum([own, ...found]), options), value: sum([own, ...values]) }),
    () => ({
      task: Task.make(
        tasks,
        (found) =>
          Effect.flatMap(
            Client.compute(child!.task),
            (inner) => Effect.as(turnstile.work, sum([own, inner, ...found]))
          ),
        options
      ) as never,
      value: sum([own, nested, ...values])
    }),
    () => ({ task: Task.flatMap(tasks, () => child!.task, options) as never, value: nested }),
    // Another function each time, all of one name, and few arguments: none may answer for another.
    () => ({ task: Task.fn((_: number) => Effect.as(work, own), { name: "f", pure: true })(place), value: own }),
    // Cancels a child of its own, and goes on.
    () => ({
      task: Task.make(tasks, (found) =>
        Effect.gen(function*() {
          const [first, second] = yield* Client.submitAll([child!.task, child!.task])
          yield* Effect.yieldNow
          yield* Future.cancel(first)
          yield* expectValue(yield* Future.await(second), nested)
          return sum([own, ...found])
        }), options) as never,
      value: sum([own, ...values])
    }),
    // Goes away and comes back by hand.
    () => ({
      task: Task.make(tasks, (found) =>
        Effect.gen(function*() {
          yield* Worker.secede
          yield* Effect.sleep(1)
          yield* Worker.rejoin
          yield* turnstile.work
          return sum([own, ...found])
        }), options) as never,
      value: sum([own, ...values])
    }),
    // Gives up a wait, and goes on.
    () => ({
      task: Task.make(tasks, (found) =>
        Effect.gen(function*() {
          const future = yield* Client.submit(child!.task)
          yield* Effect.timeoutOption(Future.await(future), 1.5)
          yield* turnstile.work
          yield* Worker.seceded(Effect.sleep(1))
          yield* turnstile.work
          return sum([own, ...found])
        }), options) as never,
      value: sum([own, ...values])
    }),
    () => ({
      task: Task.make(tasks, function*(found) {
        yield* work
        return sum([own, ...found])
      }, options),
      value: sum([own, ...values])
    }),
    // Gives the value of the child, whether that fails or not: an error is caught, or another task takes its place.
    () => ({
      task: child!.task.pipe(
        Task.tap(() => work),
        chance.with(0.5)
          ? Task.catch((error) => Effect.as(noValue(error, work), nested))
          : Task.orElse((error) => Task.make(Effect.as(noValue(error, work), nested))),
        Task.withOptions(options)
      ) as never,
      value: nested
    }),
    () => ({
      task: Task.make(tasks, (found) => Effect.ensuring(Effect.as(work, sum([own, ...found])), work), options),
      value: sum([own, ...values])
    })
  ]
  const possible = child === undefined ? [kinds[0]!, kinds[1]!, kinds[4]!, kinds.at(-3)!, kinds.at(-1)!] : kinds
  return chance.pick(possible as [() => Known, ...Array<() => Known>])()
}

/** Regions, the outer one first, each in the program or in the body of a task that is computed there. */
type Regions = ReadonlyArray<{ readonly namespace: string; readonly isInBody: boolean }>

const within = (
  regions: Regions,
  effect: Effect.Effect<boolean, unknown, Client.Client>
): Effect.Effect<boolean, unknown, Client.Client> =>
  regions.reduceRight(
    (inner, { isInBody, namespace }) =>
      Client.annotate(isInBody ? Client.compute(Task.make(inner)) : inner, { namespace }),
    effect
  )

const makeRegions = (chance: Chance.Chance): Regions =>
  Array.from({ length: chance.below(3) }, () => ({ namespace: chance.pick(["n", "m"]), isInBody: chance.with(0.4) }))

/** Two tasks of a key that only they have: the second is refused if both are in one namespace, and only then. */
const makeMeeting = (chance: Chance.Chance): Step => {
  const [here, there] = [makeRegions(chance), makeRegions(chance)]
  const nameOf = (regions: Regions) => regions.map(({ namespace }) => namespace).join("/")
  const isShared = here.length > 0 && nameOf(here) === nameOf(there)
  const key = `met ${chance.below(1_000_000)}`
  const [first, second] = [1, 2].map((n) => Task.make(Effect.as(Effect.yieldNow, n), { key }))
  return () =>
    Effect.scoped(Effect.gen(function*() {
      const scope = yield* Effect.scope
      let held: Future.Future<number, unknown> | undefined
      const hold = Effect.map(Scope.provide(Client.submit(first!), scope), (future) => {
        held = future
        return true
      })
      yield* Effect.exit(within(here, hold))
      const isRefused = Effect.map(Effect.exit(Client.compute(second!)), (exit) => {
        const error = Exit.findErrorOption(exit)
        return error._tag === "Some" && error.value instanceof SubmitError && error.value.reason._tag === "KeyConflict"
      })
      const found = yield* Effect.exit(within(there, isRefused))
      if (held === undefined || Exit.isFailure(found)) return
      // A run that failed leaves its key to others.
      const wasLive = Exit.isSuccess(yield* Future.await(held))
      if (found.value ? !isShared : isShared && wasLive) {
        return yield* Effect.die(
          `${nameOf(there)} and ${nameOf(here)} ${found.value ? "are" : "are not"} one namespace`
        )
      }
    }))
}

const makeStep = (chance: Chance.Chance, known: ReadonlyArray<Known>, depth: number): Step => {
  const [first, ...others] = known
  const one = chance.pick([first!, ...others])
  const place = chance.below(8)
  const future = ({ futures }: Stage) => futures.length === 0 ? undefined : futures[place % futures.length]
  const onFuture = (
    f: (
      future: Future.Future<number, unknown>,
      value: number,
      stage: Stage
    ) => Effect.Effect<unknown, never, Client.Client>
  ): Step =>
  (stage) =>
    Effect.suspend((): Effect.Effect<void, never, Client.Client> => {
      const found = future(stage)
      return found === undefined ? Effect.void : Effect.asVoid(f(found[0], found[1], stage))
    })
  const inner = depth < 2 ? makeScript(chance, known, depth + 1) : () => Effect.void
  const millis = chance.between(1, 6) + 0.25
  const force = chance.with(0.3)
  const namespace = chance.with(0.3) ? chance.pick(["n", "m"]) : undefined
  const items = chance.some(known, 0.5)
  const each = { concurrency: chance.between(1, 3), discard: chance.with(0.3) }
  const steps: ReadonlyArray<Step> = [
    () =>
      Effect.flatMap(
        Effect.exit(Client.annotate(Client.compute(one.task), { namespace })),
        (exit) => expectValue(exit, one.value)
      ),
    makeMeeting(chance),
    // A few at once.
    () => {
      const run = Client.forEach(items.map(({ task }) => task), (value) => Effect.as(Effect.yieldNow, value), each)
      const value = each.discard ? 0 : sum(items.map(({ value }) => value))
      return Effect.flatMap(
        Effect.exit(Effect.map(run, (found) => found === undefined ? 0 : sum(found))),
        (exit) => expectValue(exit, value)
      )
    },
    () => Effect.sleep(millis),
    onFuture((future, value) => Effect.flatMap(Future.await(future), (exit) => expectValue(exit, value))),
    onFuture((future) => Future.cancel(future, { force })),
    onFuture((future) => Future.cancel(future, { wait: false })),
    // Again, if it ended without success.
    onFuture((future, value) =>
      Effect.scoped(Effect.flatMap(Effect.exit(Client.retry(future)), (again) =>
        Exit.isSuccess(again)
          ? Effect.flatMap(Future.await(again.value), (exit) => expectValue(exit, value))
          : Effect.void))
    ),
    onFuture((future, value) =>
      Effect.flatMap(
        Effect.exit(Future.rerunInline(future)),
        (exit) => Exit.isSuccess(exit) ? Effect.void : expectValue(Exit.failCause(exit.cause), value)
      )
    ),
    onFuture((future) => Future.release(future)),
    // Its value from outside, or a failure.
    onFuture((future, value) =>
      Future.settle(
        future,
        force ? Exit.fail(new Faults.InjectedFault({ kind: "fail", site: "outside" })) : Exit.succeed(value)
      )
    ),
    // Kept for an owner that goes on when this one has ended.
    onFuture((future, _, { whole }) => Effect.exit(Scope.provide(Future.keep(future), whole))),
    onFuture((future, value) =>
      Effect.flatMap(
        Effect.timeoutOption(Future.await(future), millis),
        (exit) => exit._tag === "Some" ? expectValue(exit.value, value) : Effect.void
      )
    ),
    ({ futures }) =>
      Effect.suspend(() => Effect.asVoid(Effect.exit(Future.awaitFirst(futures.map(([future]) => future))))),
    ({ futures }) =>
      Effect.suspend(() => Effect.asVoid(Effect.exit(Future.joinAll(futures.map(([future]) => future))))),
    // A scope that closes while its tasks run.
    inner,
    // A program beside this one, which is interrupted.
    (stage) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(inner(stage))
        yield* Effect.sleep(millis)
        yield* Fiber.interrupt(fiber)
      }),
    // A dependent of a future.
    onFuture((future, value) =>
      Effect.flatMap(
        Effect.exit(Client.compute(Task.map({ future }, (found) => found.future + 1))),
        (exit) => expectValue(exit, value + 1)
      )
    )
  ]
  return chance.pick(steps as [Step, ...Array<Step>])
}

/** Submits some tasks in a scope, and does things to them. */
const makeScript = (chance: Chance.Chance, known: ReadonlyArray<Known>, depth: number): Step => {
  const submitted = known.filter(() => chance.with(0.5))
  const steps = Array.from({ length: chance.between(1, 5) }, () => makeStep(chance, known, depth))
  return (outer) =>
    Effect.scoped(Effect.gen(function*() {
      const futures = [...outer.futures]
      const { submitting, whole } = outer
      const scope = yield* Effect.scope
      for (const { task, value } of submitted) {
        submitting.scope = scope
        const future = yield* Effect.exit(Client.submit(task))
        submitting.scope = undefined
        if (Exit.isSuccess(future)) futures.push([future.value, value])
      }
      for (const step of steps) yield* step({ futures, submitting, whole })
    }))
}

/** During some submissions, a listener submits for the same scope, or closes it. */
const makeListener = (chance: Chance.Chance, known: ReadonlyArray<Known>) => {
  const acts = new Map(Array.from({ length: chance.between(1, 3) }, () => [
    chance.between(1, 12),
    { task: chance.pick(known as [Known, ...Array<Known>]).task, isClosing: chance.with(0.3) }
  ]))
  return (submitting: Submitting) =>
    Effect.gen(function*() {
      const context = yield* Effect.context<Client.Client>()
      let heard = 0
      const running: Array<Fiber.Fiber<void>> = []
      // The scope of a script may close in another fiber, and the program is not over before that.
      yield* Effect.addFinalizer(() => Fiber.awaitAll(running))
      yield* Scheduler.listen(() => {
        const { scope } = submitting
        const act = scope && acts.get(++heard)
        if (act === undefined) return
        const submit = Effect.asVoid(Effect.exit(Client.submit(act.task)))
        const close = Scope.close(scope as Scope.Closeable, Exit.void)
        running.push(Effect.runForkWith(Context.add(context, Scope.Scope, scope!))(act.isClosing ? close : submit))
      })
    })
}

/** A world in which everything that is logged meets a logger that throws. */
const badlyLogged = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  self.pipe(
    Effect.provide(Logger.layer([Logger.make(() => {
      throw new Faults.InjectedFault({ kind: "die", site: "a logger" })
    })])),
    Effect.provideService(References.MinimumLogLevel, "All")
  )

/** A program of up to three scopes, one in the other, which dies if a task gives what it must not give. */
export const programOf =
  (makeTask: MakeTask) => (chance: Chance.Chance): Effect.Effect<void, never, Client.Client | Scheduler.Scheduler> => {
    const turnstile = new Turnstile()
    const known: Array<Known> = []
    for (let i = chance.between(1, 8); i > 0; i--) known.push(makeTask(chance, turnstile, known, 0))
    const plain = makeScript(chance, known, 0)
    const script = chance.with(0.3) ? (stage: Stage) => badlyLogged(plain(stage)) : plain
    const listen = chance.with(0.3) ? makeListener(chance, known) : () => Effect.void
    const submitting: Submitting = { scope: undefined }
    return Effect.gen(function*() {
      yield* turnstile.look
      yield* Effect.scoped(Effect.gen(function*() {
        yield* listen(submitting)
        yield* script({ futures: [], submitting, whole: yield* Effect.scope })
      }))
      if (turnstile.overrun !== undefined) return yield* Effect.die(turnstile.overrun)
    })
  }

/** A program whose tasks are functions. */
export const randomProgram = programOf(makeTask)
