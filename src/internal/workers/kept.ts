/**
 * Fibers that must be awaited, registered before their first operation, because that may end the worker or the layer that started
 * them.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** Runs an effect uninterruptibly, and keeps its fiber in `set` until it has ended. */
export const keptIn = <A, E>(
  set: Set<Fiber.Fiber<unknown, unknown>>,
  context: Context.Context<never>,
  effect: Effect.Effect<A, E>
): Fiber.Fiber<A, E> => {
  const kept = Effect.withFiber((fiber) => {
    set.add(fiber)
    return effect
  })
  const fiber = Effect.runForkWith(context)(kept, { uninterruptible: true })
  if (fiber.pollUnsafe() === undefined) fiber.addObserver(() => set.delete(fiber))
  else set.delete(fiber)
  return fiber
}
