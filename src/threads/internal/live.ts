/**
 * Bounds of waits for another thread or process. They run by the clock of the machine, whatever clock the program has: the other
 * side knows no other.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

const live = Context.get(Context.empty(), Clock.Clock)

/** Waits for so many milliseconds of the machine's clock. */
export const sleep = (millis: number): Effect.Effect<void> =>
  Effect.provideService(Effect.sleep(millis), Clock.Clock, live)

/** The result of `effect`, or `undefined` if it takes longer than this. */
export const within = <A>(effect: Effect.Effect<A>, millis: number): Effect.Effect<A | undefined> =>
  Effect.provideService(Effect.timeoutOption(effect, millis), Clock.Clock, live).pipe(
    Effect.map(Option.getOrUndefined)
  )
