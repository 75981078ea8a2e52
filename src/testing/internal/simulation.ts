/**
 * One simulated run: the choices for it, what is watched, and the verdict on it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Client from "../../Client.ts"
import { checksOfScheduling } from "../../internal/settings/fairness.ts"
import { Pieces } from "../../internal/settings/turn.ts"
import { checkOf, count, countOrInfinity, countOrNone, rate, recordOf, slots } from "../../internal/tasks/checks.ts"
import type { Checks } from "../../internal/tasks/checks.ts"
import { scan } from "../../internal/tasks/inputs.ts"
import { describeError } from "../../internal/text/rendering.ts"
import { isA } from "../../internal/values/looks.ts"
import { Wiring } from "../../internal/workers/wire.ts"
import * as Skein from "../../Skein.ts"
import * as SkeinError from "../../SkeinError.ts"
import { Chance } from "../Chance.ts"
import type { Tape } from "../Chance.ts"
import { Ports } from "./carriedPort.ts"
import { differences } from "./compare.ts"
import { describe, tasksOf } from "./describe.ts"
import { FaultPlan, faulty, Hanging, Sites, usual } from "./faults.ts"
import type { Fault, Faults } from "./faults.ts"
import { hash } from "./hash.ts"
import { Interpreter } from "./interpreter.ts"
import { coreOf, leftovers } from "./leftovers.ts"
import { quiet, Rails } from "./rails.ts"
import type { Problem } from "./rails.ts"
import { World } from "./world.ts"

/**
 * Options of a simulation.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The number of seeds to try. Defaults to 100. */
  readonly seeds?: number | undefined
  /** The first seed. Defaults to 1. */
  readonly from?: number | undefined
  /** The probability of each fault; see {@link Faults}. */
  readonly faults?: Faults | undefined
  /** Slots of the only worker. By default a seed chooses one or two workers of one to three slots. */
  readonly concurrency?: number | "unbounded" | undefined
  /** Options of the layer about turns and brakes. Defaults to none. */
  readonly scheduling?: Skein.SchedulingOptions | undefined
  /** The probability, from 0 to 1, that the program is interrupted at some point. Defaults to 0.1. */
  readonly abandon?: number | undefined
  /** The number of events between two checks of the engine's invariants. Defaults to 8. They are also checked at the end. */
  readonly checkEvery?: number | undefined
  /** The most runs to shrink a failing case. Defaults to 400. */
  readonly shrink?: number | undefined
  /** The number of steps beyond which a run counts as endless. Defaults to 200,000. */
  readonly steps?: number | undefined
}

const ofFaults: Checks<Faults> = {
  fail: rate,
  die: rate,
  interrupt: rate,
  hang: rate,
  slow: rate,
  stubborn: rate,
  vanish: rate,
  hostile: rate
}

export const ofSimulation: Checks<Options> = {
  seeds: count,
  from: checkOf("a whole number", Number.isSafeInteger),
  faults: recordOf(ofFaults),
  concurrency: slots,
  scheduling: recordOf(checksOfScheduling),
  abandon: rate,
  checkEvery: countOrInfinity,
  shrink: countOrNone,
  steps: countOrInfinity
}

/**
 * One run, as far as it must be known to run it again: the seed, and what shrinking has changed of what the seed chose.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Case {
  readonly seed: number
  /** The seed of the order of events, if it is another. */
  readonly order?: number | undefined
  /** What was drawn to make the graph. */
  readonly graph?: Tape | undefined
  /** What was drawn to choose who goes on. */
  readonly schedule?: Tape | undefined
  /** The attempts that may have faults. */
  readonly faults?: ReadonlyArray<string> | undefined
  /** The only requested task, by its index in {@link Counterexample.graph}. */
  readonly target?: number | undefined
}

/**
 * The record of one run.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Run {
  /** What went wrong; empty when all is well. */
  readonly problems: ReadonlyArray<Problem>
  /** What happened, in order. */
  readonly story: ReadonlyArray<string>
  /** The requested tasks, each with its dependencies; empty for a program. */
  readonly graph: ReadonlyArray<string>
  readonly faults: ReadonlyArray<Fault>
  readonly events: number
  readonly isAbandoned: boolean
  /** A fingerprint of all that happened. */
  readonly print: number
  /**
   * The number of requested tasks.
   * @internal
   */
  readonly size: number
  /** @internal */
  readonly drawn: { readonly graph: Tape; readonly schedule: Tape }
}

const isProgram = (made: unknown): made is Effect.Effect<unknown, unknown, unknown> => Effect.isEffect(made)

/** The subject of this run: made anew if it is a function. */
const makeSubject = (subject: unknown, chance: Chance, target: number | undefined): unknown => {
  const made = typeof subject === "function" ? subject(chance) : subject
  return target === undefined || isProgram(made) ? made : tasksOf(made)[target] ?? made
}

/** Runs one case. */
export const runCase = (
  subject: unknown,
  present: Case,
  options: Options,
  { logs = false, tells = false } = {}
): Effect.Effect<Run, never, any> =>
  Effect.flatMap(Effect.service(Ports), (makePort) => {
    const { seed } = present
    const graphs = new Chance(hash("graph", seed), present.graph)
    const chance = new Chance(hash("schedule", present.order ?? seed), present.schedule)
    const only = present.faults === undefined ? undefined : new Set(present.faults)
    const made = makeSubject(subject, graphs, present.target)
    const world = new World(
      chance,
      { shuffle: chance.pick([0, 0.1, 0.5, 1]), operations: chance.pick([0, 40, 12, 4]) },
      options.steps
    )
    const hanging = new Hanging()
    world.onIdle = () => hanging.release()
    const workers = options.concurrency === undefined
      ? Array.from({ length: chance.between(1, 2) }, (_, i) => ({ id: `w${i + 1}`, concurrency: chance.between(1, 3) }))
      : [{ id: "w1", concurrency: options.concurrency }]
    // Vanished workers come back, unless the run is to go on with the others.
    const restart = chance.with(0.5) ? { times: Infinity, within: "1 minute" } as const : undefined
    const faults = options.faults ?? (workers.length > 1 ? usual : { ...usual, vanish: 0 })
    const plan = new FaultPlan(faults, hash("faults", seed), only)
    const rails = new Rails({ world, chance, plan, hanging, checkEvery: options.checkEvery ?? 8, tells, makePort })
    const mode = chance.pick<Client.Mode>(["collect", "failFast", "continue"])
    const isAbandoned = chance.with(options.abandon ?? 0.1)
    const stop = isAbandoned ? chance.below(300) : -1
    const program = isProgram(made)
      ? Effect.scoped(made)
      : Client.compute(scan(made).handles as ReadonlyArray<never>, { mode })
    const problems: Array<Problem> = []
    const whole = Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(program)
      world.onStep = () => {
        if (world.steps === stop) fiber.interruptUnsafe()
      }
      const exit = yield* Fiber.await(fiber)
      rails.settle()
      // When time advances, everything else that could happen has.
      yield* Effect.sleep(1)
      const core = coreOf(yield* Client.Client)
      // No owner waits for bodies that still run on a lost worker, nor for their children.
      yield* Effect.forEach(core.crew.everyone(), (worker) => worker.rest, { discard: true })
      yield* Effect.sleep(1)
      rails.inspect(core)
      for (const text of leftovers(core)) problems.push({ kind: "leftover", text })
      return exit
    }).pipe(
      Effect.provide(
        Layer.provide(
          Layer.orDie(Skein.layer({
            ...options.scheduling,
            workers,
            restart,
            waitForWorkers: Duration.infinity,
            limits: { deaths: Infinity }
          })),
          Layer.succeed(Clock.Clock, world.unsteadyClock)
        ),
        { local: true }
      ),
      Effect.provideService(Wiring, rails.open),
      Effect.provideService(Pieces, rails.pieces),
      logs ? identity : quiet
    )
    return Effect.flatMap(Effect.exit(world.run(whole)), (exit) => {
      problems.push(...rails.problems, ...problemsOf(exit, world))
      const ended = Exit.isSuccess(exit) && Exit.isSuccess(exit.value) && !isAbandoned ? exit.value.value : undefined
      const compared = ended === undefined || problems.length > 0
        ? Effect.succeed([])
        : isProgram(made)
        ? Effect.succeed(programProblems(ended))
        : judge(subject, present, graphs.drawn, mode, ended, new FaultPlan(faults, hash("faults", seed), only))
      const isHostile = Array.from(plan.happened.values()).some(({ kind }) => kind === "hostile")
      const unprintable = ended === undefined || !isHostile ? [] : printingProblems(ended)
      return Effect.map(compared, (found): Run => ({
        problems: [...problems, ...unprintable, ...found],
        story: rails.story,
        graph: tells && !isProgram(made) ? describe(made) : [],
        faults: [...plan.happened.values()],
        events: rails.events,
        isAbandoned,
        print: hash(`${rails.events}`, rails.print),
        size: found.length + problems.length > 0 ? tasksOf(made).length : 0,
        drawn: { graph: graphs.drawn, schedule: chance.drawn }
      }))
    })
  })

/** What is wrong with how the world ended. */
const problemsOf = (exit: Exit.Exit<Exit.Exit<unknown, unknown>, string>, world: World): ReadonlyArray<Problem> => {
  if (Exit.isSuccess(exit)) {
    const left = world.left > 0 ? [{ kind: "leftover", text: `${world.left} fibers are left` } as const] : []
    if (Exit.isSuccess(exit.value)) return left
    return [...left, { kind: "crash", text: Cause.pretty(exit.value.cause) }]
  }
  const stall = Cause.findErrorOption(exit.cause)
  if (stall._tag === "Some") return [{ kind: "stall", text: stall.value }]
  return [{ kind: "crash", text: Cause.pretty(exit.cause) }]
}

const programProblems = (exit: Exit.Exit<unknown, unknown>): ReadonlyArray<Problem> =>
  Exit.isFailure(exit) ? [{ kind: "program", text: Cause.pretty(exit.cause) }] : []

/** Prints each failure, in every way in which people see it. */
const printingProblems = (ended: Exit.Exit<unknown, unknown>): ReadonlyArray<Problem> => {
  const exits = Exit.isSuccess(ended) ? Array.isArray(ended.value) ? ended.value.filter(Exit.isExit) : [] : [ended]
  const print = Result.try(() => {
    SkeinError.prettyReport(SkeinError.report(exits))
    for (const exit of exits) {
      if (Exit.isSuccess(exit)) continue
      const error = Exit.findErrorOption(exit)
      if (error._tag === "None" || !isA(error.value, SkeinError.DependencyFailed)) continue
      void [error.value.message, error.value.stack, JSON.stringify(error.value)]
    }
  })
  return Result.isSuccess(print) ? [] : [{ kind: "crash", text: `printing threw ${describeError(print.failure)}` }]
}

/** Compares what a graph gave with what the interpreter says. */
const judge = (
  subject: unknown,
  { target }: Case,
  graph: Tape,
  mode: Client.Mode,
  actual: Exit.Exit<unknown, unknown>,
  plan: FaultPlan
): Effect.Effect<ReadonlyArray<Problem>, never, any> =>
  Effect.suspend(() => {
    const shape = makeSubject(subject, new Chance(0, graph), target)
    const hanging = new Hanging()
    const world = new World(new Chance(0, []))
    world.onIdle = () => hanging.release()
    const sites = new Sites()
    const interpreter = new Interpreter((submission, index, attempt, body) => {
      const fault = plan.at(sites.of(submission, index, attempt))
      return fault === undefined ? body : faulty(fault, body, hanging)
    }, plan.losesWorkers)
    return Effect.map(Effect.exit(world.run(interpreter.interpret(shape))), (exit) =>
      differences(mode, actual, interpreter, exit).map((text): Problem => ({ kind: "mismatch", text })))
  })
