/** Random programs with rates, pauses and conflicts of keys. The program knows what they allow, and dies if that is not kept. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Future from "skein/Future"
import * as Scheduler from "skein/Scheduler"
import { DependencyFailed, SkeinError, SubmitError } from "skein/SkeinError"
import * as Task from "skein/Task"
import { type Chance, Faults } from "skein/testing"

type Services = Client.Client | Scheduler.Scheduler

/** What may happen to bodies here. A worker that dies is one of them. */
export const pacedFaults: Faults.Faults = { ...Faults.none, fail: 0.03, slow: 0.1, vanish: 0.03 }

interface Rate {
  readonly starts: number
  readonly per: number
}

interface Start {
  /** When the scheduler says that it was, and when it was heard of. */
  readonly at: number
  readonly heard: number
  readonly tags: ReadonlyArray<string>
}

interface Pause {
  readonly tag: string | undefined
  readonly from: number
  to: number
}

const fits = (tag: string, by: string): boolean => by.endsWith("*") ? tag.startsWith(by.slice(0, -1)) : tag === by

const microsOf = (nanos: bigint): number => Math.round(Number(nanos) / 1000)

const now = Effect.map(Clock.currentTimeNanos, microsOf)

/** When tasks started, and when they must not. */
class Paces {
  private readonly starts: Array<Start> = []
  private readonly pauses: Array<Pause> = []
  private readonly rates: Readonly<Record<string, Rate>>

  constructor(rates: Readonly<Record<string, Rate>>) {
    this.rates = rates
  }

  /** Each attempt that is given to a worker is a start. The label of a task has its tags. */
  readonly listen: Effect.Effect<void, never, Services | Scope.Scope> = Effect.clockWith((clock) => {
    const heard = () => microsOf(clock.currentTimeNanosUnsafe())
    return Scheduler.listen(({ at, label, to }) => {
      if (to === "assigned") this.starts.push({ at, heard: heard(), tags: label?.split(" ") ?? [] })
    })
  })

  pause(tag: string | undefined, millis: number | undefined): Effect.Effect<void, never, Services> {
    return Effect.flatMap(now, (from) => {
      const to = from + 1000 * (millis ?? Infinity)
      const present = this.pauses.find((each) => each.tag === tag && each.to > from)
      if (present === undefined) this.pauses.push({ tag, from, to })
      else present.to = Math.max(present.to, to)
      return Effect.orDie(Scheduler.pause({ tag, for: millis }))
    })
  }

  resume(tag: string | undefined): Effect.Effect<void, never, Services> {
    return Effect.flatMap(now, (now) => {
      for (const each of this.pauses) if (each.tag === tag && each.to > now) each.to = now
      return Effect.asVoid(Scheduler.resume({ tag }))
    })
  }

  readonly resumeAll: Effect.Effect<void, never, Services> = Effect.suspend(() =>
    Effect.forEach(new Set(this.pauses.map(({ tag }) => tag)), (tag) => this.resume(tag), { discard: true })
  )

  /** The intervals with too many starts, and the starts in pauses. */
  get fault(): string | undefined {
    for (const tag of new Set(this.starts.flatMap(({ tags }) => tags))) {
      const rule = Object.keys(this.rates).find((each) => fits(tag, each))
      if (rule === undefined) continue
      const { per, starts: most } = this.rates[rule]!
      const times = this.starts.flatMap(({ at, tags }) => tags.includes(tag) ? [at] : [])
      for (const from of times) {
        const count = times.filter((at) => at >= from && at < from + per).length
        if (count > most) return `W22: ${count} starts of ${tag} from ${from} on, and ${most} in ${per} are allowed`
      }
    }
    for (const { from, tag, to } of this.pauses) {
      // The virtual time of a turn is some microseconds.
      const early = this.starts.find(({ heard, tags }) =>
        heard > from + 500 && heard < to - 500 && (tag === undefined || tags.some((each) => fits(each, tag)))
      )
      if (early !== undefined) {
        return `W23: a start at ${early.heard} in the pause of ${tag ?? "everything"} from ${from}`
      }
    }
    return undefined
  }
}

/** One task object that was submitted, perhaps several times. */
interface Run {
  readonly task: Task.Task<number>
  readonly key: string | undefined
  readonly value: number
  readonly futures: Array<Future.Future<number>>
  /** Another has taken its place. */
  isReplaced: boolean
}

const active: ReadonlyArray<Future.Status> = ["waiting", "ready", "assigned", "running", "seceded", "rejoining"]

const isConflict = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) &&
  exit.cause.reasons.some((reason) =>
    Cause.isFailReason(reason) && reason.error instanceof SubmitError && reason.error.reason._tag === "KeyConflict"
  )

/** Tasks that are submitted, and what becomes of them. */
class Runs {
  readonly all: Array<Run> = []
  /** Futures that are awaited at the end, each with what it must give. */
  private readonly awaited: Array<readonly [Future.Future<number, unknown>, Run, value: number]> = []
  /** The runs of each key whose bodies are at work. */
  private readonly atWork = new Map<string, Set<Run>>()
  private fault: string | undefined

  make(chance: Chance.Chance, tags: ReadonlyArray<string>, key: string | undefined): Run {
    const [value, millis] = [chance.between(1, 1000), chance.between(0, 6)]
    const atWork = this.atWork.get(key ?? "") ?? new Set()
    this.atWork.set(key ?? "", atWork)
    const work = Effect.ensuring(
      Effect.as(millis === 0 ? Effect.yieldNow : Effect.sleep(millis), value),
      Effect.andThen(chance.with(0.3) ? Effect.sleep(2) : Effect.void, Effect.sync(() => atWork.delete(run)))
    )
    const body = Effect.suspend(() => {
      const others = [...atWork].filter((other) => other.isReplaced && this.all.indexOf(other) < this.all.indexOf(run))
      if (key !== undefined && others.length > 0) {
        this.fault ??= `G21: ${key} starts before what it replaces has stopped`
      }
      atWork.add(run)
      return work
    })
    const tagged = tags.length > 0 && { tags, label: tags.join(" ") }
    const task = Task.make(body, { ...tagged, ...(key !== undefined && { key }) })
    const run: Run = { task, key, value, futures: [], isReplaced: false }
    return run
  }

  submit(run: Run, conflict?: Client.Conflict): Effect.Effect<void, never, Services | Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const others = this.all.filter((other) => other.key !== undefined && other.key === run.key)
      const before = yield* this.statesOf(others)
      // What is replaced is cancelled in this step.
      if (conflict === "replace") { for (const other of others) other.isReplaced = true }
      const exit = yield* Effect.exit(Client.submit(run.task, { conflict }))
      const after = yield* this.statesOf(others)
      if (Exit.isSuccess(exit)) {
        if (!this.all.includes(run)) this.all.push(run)
        run.futures.push(exit.value)
        this.awaited.push([exit.value, run, run.value])
      }
      if (Exit.isFailure(exit) && !isConflict(exit)) return yield* Effect.die(Cause.pretty(exit.cause))
      if (isConflict(exit) !== (conflict === "refuse")) {
        const isSurelyLive = others.some((_, i) => isLive(before[i]!) && isLive(after[i]!))
        if (conflict === "refuse" && isSurelyLive) return yield* Effect.die(`G21: ${run.key} is not refused`)
        if (isConflict(exit)) return yield* Effect.die(`G21: ${run.key} is refused`)
      } else if (isConflict(exit) && before.every(isGone)) {
        return yield* Effect.die(`G21: ${run.key} is refused for nothing`)
      }
      if (conflict !== "replace" || Exit.isFailure(exit)) return
      const left = others.find((other, i) => other !== run && active.some((each) => after[i]!.includes(each)))
      if (left !== undefined) {
        return yield* Effect.die(`G21: a run of ${run.key} goes on beside the one that replaces it`)
      }
    })
  }

  /** A dependent of a run, which is told of any end of it. */
  depend(run: Run): Effect.Effect<void, never, Services | Scope.Scope> {
    return Effect.suspend(() => {
      const future = run.futures[0]
      if (future === undefined) return Effect.void
      const submitted = Client.submit(Task.map([future], ([n]) => n + 1))
      return Effect.map(Effect.exit(submitted), (exit) => {
        if (Exit.isSuccess(exit)) this.awaited.push([exit.value, run, run.value + 1])
      })
    })
  }

  /** Gives one of several futures of a run back: the others keep it. */
  release(run: Run): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (run.futures.length < 2) return Effect.void
      const [first] = run.futures.splice(0, 1)
      this.awaited.splice(this.awaited.findIndex(([future]) => future === first), 1)
      return Future.release(first!)
    })
  }

  private statesOf(runs: ReadonlyArray<Run>): Effect.Effect<ReadonlyArray<ReadonlyArray<Future.Status>>> {
    return Effect.forEach(runs, ({ futures }) => Effect.forEach(futures, Future.status))
  }

  /** Waits for all: each gives its value, or was replaced, or met a fault. */
  readonly end: Effect.Effect<void, never, Services> = Effect.suspend(() =>
    Effect.forEach(this.awaited, ([future, run, value]) =>
      Effect.flatMap(Future.await(future), (exit) => {
        if (Exit.isSuccess(exit)) {
          return exit.value === value
            ? Effect.void
            : Effect.die(`gave ${exit.value}, not ${value}`)
        }
        const isKnown = exit.cause.reasons.every((reason) => {
          const error = Cause.isFailReason(reason)
            ? reason.error
            : Cause.isDieReason(reason)
            ? reason.defect
            : undefined
          if (error instanceof SkeinError && error.reason._tag === "TaskCancelled") {
            return run.isReplaced && error.reason.replacement !== undefined
          }
          return (error instanceof DependencyFailed ? error.error : error) instanceof Faults.InjectedFault
        })
        return isKnown ? Effect.void : Effect.die(`ended by ${Cause.pretty(exit.cause)}`)
      }), { discard: true })
  ).pipe(Effect.andThen(Effect.suspend(() => this.fault === undefined ? Effect.void : Effect.die(this.fault))))
}

const isLive = (states: ReadonlyArray<Future.Status>): boolean =>
  states.some((each) => each === "succeeded" || active.includes(each))

const isGone = (states: ReadonlyArray<Future.Status>): boolean =>
  states.every((each) => each === "failed" || each === "cancelled" || each === "skipped")

type Step = Effect.Effect<void, never, Services | Scope.Scope>

const makeStep = (chance: Chance.Chance, runs: Runs, paces: Paces): Step => {
  const tags = chance.some(["a", "b", "h:1", "h:2"], 0.3)
  const key = chance.with(0.5) ? chance.pick(["k", "m"]) : undefined
  const conflict = key === undefined ? undefined : chance.pick<Client.Conflict>(["join", "refuse", "replace"])
  const run = runs.make(chance, tags, key)
  const place = chance.below(8)
  const target = chance.pick([undefined, "a", "h:*", "h:1"])
  const millis = chance.between(1, 12)
  const former = (f: (run: Run) => Step): Step =>
    Effect.suspend(() => runs.all.length === 0 ? Effect.void : f(runs.all[place % runs.all.length]!))
  const submit = runs.submit(run, conflict)
  const steps: ReadonlyArray<Step> = [
    submit,
    submit,
    Effect.sleep(millis),
    // The same object again: it joins its run.
    former((run) => run.isReplaced ? Effect.void : Effect.andThen(runs.submit(run, "join"), runs.release(run))),
    former((run) => runs.depend(run)),
    paces.pause(target, millis),
    paces.pause(target, undefined),
    paces.resume(target)
  ]
  return chance.pick(steps as [Step, ...Array<Step>])
}

/** A program that submits, pauses and resumes, and dies if a start, an end or a refusal is not as it must be. */
export const randomPaced = (chance: Chance.Chance): Effect.Effect<void, never, Services> => {
  const any = (): Rate => ({ starts: chance.between(1, 3), per: chance.between(1, 20) })
  const rates = { a: any(), b: any(), "h:*": any() }
  const paces = new Paces(rates)
  const runs = new Runs()
  const steps = Array.from({ length: chance.between(2, 14) }, () => makeStep(chance, runs, paces))
  const limit = Effect.forEach(
    Object.entries(rates),
    ([tag, { per, starts }]) => Scheduler.limitTag(tag, { rate: { starts, per } }),
    { discard: true }
  )
  return Effect.scoped(Effect.gen(function*() {
    yield* paces.listen
    yield* limit
    yield* Effect.forEach(steps, (step) => step, { discard: true })
    yield* paces.resumeAll
    yield* runs.end
    if (paces.fault !== undefined) return yield* Effect.die(paces.fault)
  })).pipe(Effect.ensuring(paces.resumeAll))
}
