import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberScheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Progress from "skein/Progress"
import * as Scheduler from "skein/Scheduler"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { numbersFrom } from "../chance.ts"
import { inScheduler, turns } from "../harness.ts"
import { longOr } from "../long.ts"
import { exitNow } from "../support.ts"
import { withSeed } from "./seeded.ts"

/** Bodies that count those of them which run, to see that none outlives what started it. */
const bodies = () => {
  let running = 0
  const body = <A>(value: A, length = 3): Effect.Effect<A> =>
    Effect.acquireUseRelease(
      Effect.sync(() => void running++),
      () => Effect.as(turns(length), value),
      () => Effect.andThen(Effect.yieldNow, Effect.sync(() => void running--))
    )
  return { body, running: () => running }
}

type Bodies = ReturnType<typeof bodies>

const graphOf = ({ body }: Bodies) => {
  // a -> b, c -> d; e fails; f never ends
  const a = Task.make(body("a"))
  const b = Task.make(a, (a) => body(`${a}b`))
  const c = Task.flatMap(a, (a) => Task.make(body(`${a}c`)))
  const d = Task.map([b, c], ([b, c]) => b + c)
  const e = Task.make(Effect.andThen(body("e"), Effect.fail("e")))
  const f = Task.make(body("f", 1000))
  return { a, b, c, d, e, f }
}

type Verb = (
  b: Bodies
) => Effect.Effect<unknown, unknown, Client.Client | Scheduler.Scheduler | Scope.Scope | Worker.Worker>

const onFutures =
  (f: (futures: ReadonlyArray<Future.Future<any, any>>) => Effect.Effect<unknown, unknown, any>): Verb => (b) => {
    const { c, d, e, f: endless } = graphOf(b)
    return Effect.flatMap(Client.submitAll([c, d, e, endless]), f)
  }

/** What the last report of progress says that is wrong when a program is over. */
const wrong: Array<string> = []

/** Runs streams, of which nothing may be in progress when they are over, nor may the last report have lost anything. */
const watched = <A, E, R>(streams: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    let last: Progress.Progress | undefined
    const over = Effect.sync(() => {
      for (const { consumed, dropped, failed, name, streams, taken } of last?.streams ?? []) {
        if (streams > 0) wrong.push(`${name} goes on`)
        if (taken !== consumed + failed + dropped) wrong.push(`of ${name} something is left`)
      }
      if (last?.isOpen === true) wrong.push("something is open")
    })
    return Effect.ensuring(Progress.withProgress(streams, (progress) => void (last = progress)), over)
  })

/** Every verb, in programs that end by themselves but for the endless task, which nobody waits for in vain. */
const verbs: Record<string, Verb> = {
  submit: (b) => Effect.andThen(Client.submit(graphOf(b).d), Client.submit(graphOf(b).f)),
  submitAll: onFutures(() => Effect.void),
  join: onFutures(([, d]) => Future.join(d!)),
  await: onFutures(([, , e]) => Future.await(e!)),
  joinAll: onFutures(([c, d]) => Future.joinAll({ c, d })),
  awaitAll: onFutures(([c, d, e]) => Future.awaitAll([c, d, e])),
  "wait for all": onFutures((futures) => Future.awaitAll(futures.slice(0, 3))),
  "wait for the first": onFutures((futures) => Future.awaitFirst(futures)),
  "wait for a failure": onFutures((futures) => Future.awaitFirstFailure(futures)),
  cancel: onFutures(([, d, , f]) => Effect.andThen(Future.cancel(d!), Future.cancel(f!, { force: true }))),
  "cancel without waiting": onFutures(([c, d, , f]) =>
    Effect.forEach([d!, c!, f!], (future) => Future.cancel(future, { wait: false }))
  ),
  release: onFutures(([c, d, e, f]) => Effect.forEach([c!, d!, e!, f!], Future.release)),
  keep: (b) =>
    Effect.gen(function*() {
      const outer = yield* Effect.scope
      const kept = yield* Effect.scoped(
        Effect.flatMap(Client.submit(graphOf(b).d), (d) => Future.keep(d).pipe(Scope.provide(outer)))
      )
      return yield* Future.join(kept)
    }),
  retry: onFutures(([, d, e, f]) =>
    Effect.gen(function*() {
      yield* Future.awaitAll([d!, e!])
      yield* Future.cancel(f!, { wait: false })
      const [e2] = yield* Client.retryAll([e!, f!])
      yield* Future.await(e2)
      yield* Future.await(yield* Client.retry(e2))
    })
  ),
  rerunInline: onFutures(([, , e]) => Effect.andThen(Future.await(e!), Effect.exit(Future.rerunInline(e!)))),
  compute: (b) => Client.compute({ d: graphOf(b).d }),
  "compute that fails": (b) => Effect.exit(Client.compute(graphOf(b))),
  "compute, continue": (b) => Effect.exit(Client.compute({ ...graphOf(b), f: 0 }, { mode: "continue" })),
  "compute, collect": (b) => Client.compute({ ...graphOf(b), f: 0 }, { mode: "collect" }),
  "resources, one made of another": ({ body }) => {
    const owned = (name: string) => Effect.acquireRelease(body(name), () => body(`${name} closes`))
    const pool = Task.resource(owned("pool"))
    const connection = Task.flatMap(pool, () => Task.resource(pool, () => owned("connection")))
    return Effect.scoped(Effect.gen(function*() {
      const future = yield* Client.submit(connection)
      yield* Client.compute(Task.make([pool, future], ([, value]) => body(value)))
      yield* Future.release(future)
    }))
  },
  "a body that gives way": ({ body }) => {
    let left = 2
    const polite = Effect.andThen(body(1, 1), Effect.suspend(() => left-- > 0 ? Worker.reschedule : Effect.void))
    return Client.compute([Task.make(polite), Task.make(body(2))])
  },
  map: (b) => Client.forEach([1, 2, 3, 4], (n) => b.body(n)),
  stream: (b) => Stream.runDrain(Client.stream([1, 2, 3, 4], (n) => b.body(n), { outstanding: 2 })),
  "stream of what comes later": (b) =>
    Client.stream(Stream.tap(Stream.make(1, 2, 3), () => turns(2)), (n) => b.body(n), { unordered: true, batch: 2 })
      .pipe(
        Stream.take(2),
        Stream.runDrain
      ),
  "stream, with progress": (b) =>
    watched(
      Effect.all([
        Stream.runDrain(Client.stream([1, 2, 3, 4], (n) => b.body(n), { name: "numbers", outstanding: 2 })),
        Stream.runDrain(Stream.take(Client.stream([1, 2, 3, 4], (n) => b.body(n), { batch: 2, mode: "collect" }), 2))
      ], { concurrency: "unbounded" })
    ),
  "close a scope": (b) => Effect.scoped(Effect.andThen(Client.submit(graphOf(b).f), turns(5))),
  recursion: (b) =>
    Client.compute(
      Task.make(Effect.flatMap(Client.compute(graphOf(b).d), (d) => Client.compute(Task.make(b.body(d)))))
    ),
  "a worker that comes and goes": (b) =>
    Effect.scoped(
      Effect.andThen(
        Scheduler.addWorker({ id: "passing", concurrency: 1 }),
        Client.forEach([1, 2, 3], (n) => b.body(n))
      )
    ),
  events: (b) =>
    Effect.gen(function*() {
      yield* Effect.forkScoped(Stream.runDrain(Scheduler.events))
      yield* Client.compute(graphOf(b).d)
    })
}

/** Verbs that only a body can use. */
const inner: Record<string, Verb> = {
  ...verbs,
  "secede and rejoin": ({ body }) => Effect.all([Worker.secede, body(1), Worker.rejoin]),
  "secede and end": () => Effect.andThen(Worker.secede, turns(5)),
  seceded: ({ body }) => Worker.seceded(Effect.andThen(body(1), Worker.seceded(body(2)))),
  "seceded that fails": ({ body }) => Effect.exit(Worker.seceded(Effect.andThen(body(1), Effect.fail("no")))),
  race: onFutures(([c, , , f]) => Effect.race(Future.join(c!), Future.join(f!))),
  "two waits at once": onFutures(([c, d]) => Effect.all([Future.join(c!), Future.join(d!)], { concurrency: 2 }))
}

/** Interrupts `verb` after `cut` turns; says whether it had ended by then. Nothing of it may be left. */
const outside = (verb: Verb, cut: number) => {
  const b = bodies()
  const program = Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(Effect.scoped(verb(b) as Effect.Effect<unknown, unknown, Client.Client>))
    yield* turns(cut)
    const hadEnded = fiber.pollUnsafe() !== undefined
    yield* Fiber.interrupt(fiber)
    assert.strictEqual(b.running(), 0, "a body runs on")
    assert.strictEqual(yield* Client.compute(Task.make(b.body("after"))), "after")
    return hadEnded
  })
  return inScheduler({ concurrency: 2 })(program)
}

/** The same inside a body, which must have its slot again, and no more than that, when the verb is over. */
const inside = (verb: Verb, cut: number) => {
  const b = bodies()
  const program = Effect.gen(function*() {
    const own = Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Effect.scoped(verb(b)))
      yield* turns(cut)
      const hadEnded = fiber.pollUnsafe() !== undefined
      yield* Fiber.interrupt(fiber)
      yield* Worker.rejoin
      const { running } = (yield* Scheduler.dump).workers.find(({ id }) => id === "local")!
      assert.include(running, "own", "the body goes on without a slot")
      return hadEnded
    })
    const rival = Task.make(b.body("rival", 20))
    const [hadEnded] = yield* Client.compute([Task.make(own, { key: "own" }), rival])
    assert.strictEqual(b.running(), 0, "a body runs on")
    return hadEnded
  })
  return inScheduler({ concurrency: 2 })(program as Effect.Effect<boolean, unknown, Client.Client>)
}

/** Cancels a task in whose body `verb` runs. */
const stopped = (verb: Verb, cut: number) => {
  const b = bodies()
  const program = Effect.gen(function*() {
    const future = yield* Client.submit(Task.make(verb(b) as Effect.Effect<unknown, unknown, Client.Client>))
    yield* turns(cut)
    const hadEnded = (yield* exitNow(future)) !== undefined
    yield* Future.cancel(future)
    assert.strictEqual(b.running(), 0, "a body runs on")
    assert.strictEqual(yield* Client.compute(Task.make(b.body("after"))), "after")
    return hadEnded
  })
  return inScheduler({ concurrency: 1 })(program)
}

/** Cancels a task whose body cannot be interrupted: when the verb is over the body works on, and nothing works beside it on its slot. */
const workingOn =
  (keep: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | Worker.Worker>) =>
  (verb: Verb, cut: number) => {
    const b = bodies()
    let atWork = 0
    // A failure of a body that was asked to stop is dropped.
    let most = 0
    const work = (others: () => number) => {
      const count = Effect.sync(() => {
        most = Math.max(most, atWork + others())
      })
      return Effect.acquireUseRelease(
        Effect.sync(() => atWork++),
        () => Effect.andThen(count, Effect.andThen(turns(8), count)),
        () => Effect.sync(() => atWork--)
      )
    }
    const program = Effect.gen(function*() {
      const own = keep(Effect.andThen(Effect.exit(verb(b)), Effect.andThen(Worker.rejoin, work(b.running))))
      const future = yield* Client.submit(Task.make(own as Effect.Effect<unknown, unknown, Client.Client>))
      const rivals = yield* Client.submitAll(Array.from({ length: 4 }, () => Task.make(work(() => 0))))
      yield* turns(cut)
      const hadEnded = (yield* exitNow(future)) !== undefined
      yield* Future.cancel(future)
      yield* Future.joinAll(rivals)
      assert.strictEqual(most, 1, "two bodies work on one slot")
      return hadEnded
    })
    return inScheduler({ concurrency: 1 })(program)
  }

const keepers: Readonly<Record<string, readonly [ReturnType<typeof workingOn>, ReadonlyArray<string>]>> = {
  "cannot be interrupted": [
    workingOn(Effect.uninterruptible),
    [
      "join",
      "joinAll",
      "wait for the first",
      "cancel",
      "compute that fails",
      "compute, collect",
      "recursion",
      "secede and rejoin",
      "secede and end",
      "seceded",
      "seceded that fails",
      "two waits at once"
    ]
  ],
  // A finalizer that closes a scope or gives a wait up cannot tell by itself whether the code around it goes on.
  "is shielded": [workingOn(Worker.shielded), ["race", "keep", "resources, one made of another", "close a scope"]]
}

/** Operations that a fiber may do before it yields. */
const budgets = longOr([3, 4, 5, 6, 7, 9, 11, 13, 17, 24, 35, 51], [7])

/** Cuts later and later until there is nothing to cut. */
const sweep = (run: (cut: number) => Effect.Effect<boolean, unknown>) =>
  Effect.gen(function*() {
    for (const budget of budgets) {
      for (let cut = 1, ended = false; !ended; cut++) {
        assert.isBelow(cut, 2000, "it never ends")
        ended = yield* Effect.tap(run(cut), () => Effect.sync(() => assert.deepStrictEqual(wrong.splice(0), []))).pipe(
          Effect.provideService(FiberScheduler.MaxOpsBeforeYield, budget),
          Effect.catchCause((cause) =>
            Effect.die(new Error(`with ${budget} operations a turn, cut after ${cut}`, { cause: cause.reasons[0] }))
          )
        )
      }
    }
  })

describe("T5: cut at every yield point", () => {
  for (const [name, verb] of Object.entries(verbs)) {
    it.live(`${name}: slots, waits, owners and tables end whole`, () => sweep((cut) => outside(verb, cut)))
  }
  for (const [name, verb] of Object.entries(inner)) {
    it.live(`in a body, ${name}: the body has its slot again and tables end whole`, () =>
      sweep((cut) => inside(verb, cut)))
  }
  for (const [name, verb] of Object.entries(inner)) {
    it.live(`in a body that is cancelled, ${name}: tables end whole`, () => sweep((cut) => stopped(verb, cut)))
  }
})

describe("T5, C7: what goes on when it is cut", () => {
  for (const [how, [run, names]] of Object.entries(keepers)) {
    for (const name of names) {
      it.live(`in a body that ${how} and is cancelled, ${name}: what follows works on a slot of its own`, () =>
        sweep((cut) => run(inner[name]!, cut)))
    }
  }
})

describe("T5: cut under seeded interleavings", () => {
  const seeds = longOr(20, 1)
  for (const [name, verb] of Object.entries(inner)) {
    it.live(`${name}: slots, waits, owners and tables end whole`, () =>
      Effect.gen(function*() {
        for (let seed = 1; seed <= seeds; seed++) {
          const cut = 1 + Math.floor(numbersFrom(seed)() * 30)
          const shapes = name in verbs ? [outside, inside, stopped] : [inside, stopped]
          for (const shape of shapes) {
            yield* shape(verb, cut).pipe(
              withSeed(seed),
              Effect.catchCause((cause) =>
                Effect.die(new Error(`${shape.name}, seed ${seed}, cut after ${cut}`, { cause: cause.reasons[0] }))
              )
            )
          }
        }
      }))
  }
})
