/**
 * Seals the engine of every scheduler: outside `src/engine` any touch of it throws. So it shows at run time that the driver
 * knows the state through `Engine.ts` and views alone.
 */
import type { Engine } from "../../src/engine/protocol/Engine.ts"
import type * as states from "../../src/engine/state/State.ts"

type Room = typeof states

/** One table for the process: a mock is made again for later test files. */
const inside =
  ((globalThis as { [engines: symbol]: unknown })[Symbol.for("skein/test/sealed")] ??= new WeakMap()) as WeakMap<
    Engine,
    states.State
  >

const touched = (): never => {
  throw new Error("The state of an engine was touched from outside")
}

const traps = Object.fromEntries(Reflect.ownKeys(Reflect).map((name) => [name, touched]))

const seal = (state: states.State): Engine => {
  const engine = new Proxy({}, traps)
  inside.set(engine, state)
  return engine
}

/** `State.ts` with engines that are sealed. */
export const sealed = (room: Room): Room => ({
  ...room,
  make: (settings) => seal(room.make(settings)) as states.State,
  // What the engine made for itself is not sealed.
  open: (engine) => inside.get(engine) ?? room.open(engine)
})
