/** A module whose functions run as tasks; see `Portable.test.ts`. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Worker from "skein/Worker"

export class BadRange extends Schema.TaggedError<BadRange>()("BadRange", { from: Schema.Int, to: Schema.Int }) {}

export class Unlisted extends Schema.TaggedError<Unlisted>()("Unlisted", {}) {}

export const add = (a: number, b: number): number => a + b

export const sum = async (numbers: ReadonlyArray<number>): Promise<number> => numbers.reduce((a, b) => a + b, 0)

export const range = (from: number, to: number): Effect.Effect<ReadonlyArray<number>, BadRange> =>
  from > to
    ? Effect.fail(new BadRange({ from, to }))
    : Effect.sync(() => Array.from({ length: to - from }, (_, i) => from + i))

export function* attempt(): Generator<Effect.Effect<any, never, Worker.Worker>, number, never> {
  const { attempt } = yield* Worker.current
  return attempt
}

export const unlisted = (): Effect.Effect<never, Unlisted> => Effect.fail(new Unlisted())

export const fails = (): Effect.Effect<never, { readonly code: number }> => Effect.fail({ code: 7 })

export const throws = (): number => {
  throw new RangeError("too far")
}

export const limit = 3
