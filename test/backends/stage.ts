/** What a story of the suite for every backend sees of its bodies: what they say in the log. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { turns } from "../harness.ts"
import { nothingIsLeft } from "../support.ts"
import type { Services } from "./backends.ts"

export class Stage extends Context.Service<Stage, {
  /** What bodies have said, in order. */
  readonly lines: Array<string>
  /** Returns when they have said a line that begins so, and so often. */
  readonly heard: (beginning: string, times: number) => Effect.Effect<void>
}>()("test/backends/Stage") {}

/** Returns when bodies have said a line that begins so, and so often. */
export const heard = (beginning: string, times = 1): Effect.Effect<void, never, Stage> =>
  Effect.flatMap(Stage, (stage) => stage.heard(beginning, times))

/** What bodies have said, in order. */
export const lines: Effect.Effect<ReadonlyArray<string>, never, Stage> = Effect.map(Stage, ({ lines }) => lines)

/** What can be done here is done. */
const calm = turns(20)

/** Time passes for all that waits. */
export const pass = (millis: number): Effect.Effect<void> => Effect.andThen(TestClock.adjust(millis), calm)

/** An entry of the log as a line: its level, if that is not Info, its text, its data and its annotations. */
const lineOf = ({ fiber, logLevel, message }: Logger.Options<unknown>): string => {
  const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
  const [text, ...data] = [message].flat(2)
  return [
    ...logLevel === "Info" ? [] : [logLevel],
    String(text),
    ...data.map((each) => JSON.stringify(each)),
    ...annotations.map(([name, value]) => `${name}=${String(value)}`)
  ].join(" ")
}

const makeStage = (): Stage["Service"] & { readonly logger: Logger.Logger<unknown, void> } => {
  const lines: Array<string> = []
  const waiting = new Set<{ readonly isMet: () => boolean; readonly met: Deferred.Deferred<void> }>()
  return {
    lines,
    logger: Logger.make((entry) => {
      lines.push(lineOf(entry))
      for (const { isMet, met } of waiting) if (isMet()) Deferred.doneUnsafe(met, Exit.void)
    }),
    heard: (beginning, times) => {
      const isMet = (): boolean => lines.filter((line) => line.startsWith(beginning)).length >= times
      const wait = Effect.suspend(() => {
        if (isMet()) return Effect.void
        const waiter = { isMet, met: Deferred.makeUnsafe<void>() }
        waiting.add(waiter)
        return Deferred.await(waiter.met)
      })
      return Effect.andThen(wait, calm)
    }
  }
}

/** A story, after which nothing is left. */
export const told = <A, E>(
  story: Effect.Effect<A, E, Services | Scope.Scope | Stage>
): Effect.Effect<void, E, Services> =>
  Effect.suspend(() => {
    const { logger, ...stage } = makeStage()
    return Effect.scoped(story).pipe(
      Effect.andThen(calm),
      Effect.andThen(nothingIsLeft),
      Effect.provideService(Stage, stage),
      Effect.provideService(Logger.CurrentLoggers, new Set([logger]))
    )
  })
