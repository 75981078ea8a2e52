/**
 * Faults of task bodies: their kinds, their choice for each attempt, and what a faulty body does.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { Registered } from "../../engine/protocol/Registered.ts"
import { hash } from "./hash.ts"
import { hostileAt } from "./hostile.ts"

/**
 * The probability of each fault for an attempt, from 0 to 1. An attempt has one fault at most.
 *
 * - `fail`: it fails with an {@link InjectedFault}, before its body or after it. It is tried again if the task has `retry`.
 * - `die`: it dies of an `InjectedFault`.
 * - `interrupt`: it interrupts itself.
 * - `hang`: it waits until nothing else can go on, and then fails; a timeout or a cancellation ends it earlier.
 * - `slow`: it sleeps before its body.
 * - `stubborn`: asked to stop, it goes on for a while.
 * - `vanish`: soon after its start its worker vanishes, with all that runs there and all results that it holds. Where it was the
 *   only one, another joins. A task starts again then, and nothing but time is lost.
 * - `hostile`: it fails with, or dies of, a value that throws when it is looked at, or an error of 20,000 causes. What then comes
 *   of the run is printed as well. Only where it is asked for: code that looks at its errors is not made for such values.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Faults {
  readonly fail?: number | undefined
  readonly die?: number | undefined
  readonly interrupt?: number | undefined
  readonly hang?: number | undefined
  readonly slow?: number | undefined
  readonly stubborn?: number | undefined
  readonly vanish?: number | undefined
  readonly hostile?: number | undefined
}

/**
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Kind = keyof Faults

/** In the order in which they are drawn. */
const kinds = [
  "fail",
  "die",
  "interrupt",
  "hang",
  "slow",
  "stubborn",
  "vanish",
  "hostile"
] as const satisfies ReadonlyArray<Kind>

/**
 * The default faults of a simulation. A worker that is the only one does not vanish.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export const usual: Faults = {
  fail: 0.06,
  die: 0.02,
  interrupt: 0.02,
  hang: 0.02,
  slow: 0.1,
  stubborn: 0.1,
  vanish: 0.03
}

/**
 * No faults: only the order in which things happen is random.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export const none: Faults = {}

/**
 * The error of injected failures and defects in a simulation.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class InjectedFault extends Data.TaggedError("InjectedFault")<{
  readonly kind: "fail" | "die" | "hang"
  /** The attempt and its task. */
  readonly site: string
}> {
  override get message(): string {
    return `a simulated fault (${this.kind}) of ${this.site}`
  }
}

/**
 * Names attempts independently of the schedule: by key or label, or by the position of the task in its graph and that graph's
 * parent.
 */
export class Sites {
  /** The names of started tasks by their number: a submission knows only the name of its parent. */
  private readonly places = new Map<number, string>()

  of(submission: Registered, index: number, attempt: number): string {
    const place = this.placeOf(submission, index)
    this.places.set(submission.sequence + index, place)
    return `${place}@${attempt}`
  }

  private placeOf({ parent, plan }: Registered, index: number): string {
    const settings = plan.settings.get(index)
    if (settings?.key !== undefined) return settings.key
    // A label is better than a position: it stays when a part of the graph is run alone.
    const name = settings?.label ?? `task.${index}`
    return parent === undefined ? name : `${this.places.get(parent.number)!}/${name}`
  }
}

/** A key without the number that automatic keys end with. */
export const plainKey = (key: string): string => key.replace(/#\d+$/, "")

/**
 * One fault of one attempt.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Fault {
  readonly kind: Kind
  readonly site: string
  /** A parameter of the fault: after which operation, or for how long. */
  readonly detail: number
  /** The key of the task in this run, by which the story and the graph name it. */
  key?: string
}

/** Which faults happen in one run. */
export class FaultPlan {
  /** Those that have happened, by site. */
  readonly happened = new Map<string, Fault>()
  private readonly faults: Faults
  private readonly seed: number
  /** The sites that may have faults; all when absent. */
  private readonly only: ReadonlySet<string> | undefined

  constructor(faults: Faults, seed: number, only?: ReadonlySet<string>) {
    this.faults = faults
    this.seed = seed
    this.only = only
  }

  get losesWorkers(): boolean {
    return (this.faults.vanish ?? 0) > 0
  }

  at(site: string): Fault | undefined {
    if (this.only?.has(site) === false) return undefined
    let rest = hash(site, this.seed) / 4294967296
    for (const kind of kinds) {
      rest -= this.faults[kind] ?? 0
      if (rest >= 0) continue
      const fault: Fault = { kind, site, detail: hash(site, this.seed + 1) }
      this.happened.set(site, fault)
      return fault
    }
    return undefined
  }
}

/** Bodies that hang until the world has nothing else to do. */
export class Hanging {
  private readonly waiting: Array<() => void> = []

  readonly wait: Effect.Effect<void> = Effect.callback<void>((resume) => {
    const goOn = (): void => resume(Effect.void)
    this.waiting.push(goOn)
    return Effect.sync(() => {
      const at = this.waiting.indexOf(goOn)
      if (at >= 0) this.waiting.splice(at, 1)
    })
  })

  /** Resumes the first in line. Returns whether there was one. */
  release(): boolean {
    const first = this.waiting.shift()
    first?.()
    return first !== undefined
  }
}

/** What an attempt with this fault runs in place of its body. */
export const faulty = (
  { detail, kind, site }: Fault,
  body: Effect.Effect<unknown, unknown>,
  hanging: Hanging
): Effect.Effect<unknown, unknown> => {
  // Half of the failures come after the body has done its work.
  const first = detail % 2 === 0 ? body : Effect.void
  // Times that no option names, so that no limit coincides by chance.
  switch (kind) {
    case "fail":
      return Effect.andThen(first, Effect.fail(new InjectedFault({ kind, site })))
    case "die":
      return Effect.andThen(first, Effect.die(new InjectedFault({ kind, site })))
    case "interrupt":
      return Effect.andThen(first, Effect.interrupt)
    case "hang":
      return Effect.andThen(hanging.wait, Effect.fail(new InjectedFault({ kind, site })))
    case "slow":
      return Effect.andThen(Effect.sleep(1.37 + (detail % 50)), body)
    case "stubborn":
      return Effect.onInterrupt(body, () => Effect.sleep(1.37 + (detail % 20)))
    case "vanish":
      return body
    case "hostile": {
      const value = hostileAt(detail)
      return Effect.andThen(Effect.yieldNow, detail % 3 === 0 ? Effect.die(value) : Effect.fail(value))
    }
  }
}
