/** A scheduler with workers behind a link in memory, for tests of what bodies elsewhere may do. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Client from "skein/Client"
import type * as Portable from "skein/Portable"
import type * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as clientLayer from "../../src/internal/client/layer.ts"
import { surroundings, surroundingsFrom } from "../../src/internal/nested/farSide.ts"
import { nestedVerbs } from "../../src/internal/nested/nearSide.ts"
import { implementationsIn } from "../../src/internal/portable/handlers.ts"
import { handlersElsewhere, itemOf } from "../../src/internal/portable/items.ts"
import type { Implementation } from "../../src/internal/portable/named.ts"
import type { RemotePosting } from "../../src/internal/workers/port.ts"
import { coreOf } from "../../src/testing/internal/leftovers.ts"
import { addRemote } from "./addRemote.ts"
import { type MemoryOptions, memoryTransport } from "./memoryLink.ts"

interface Options extends MemoryOptions {
  readonly workers?: number
  readonly id?: (worker: number) => string
  readonly terms?: RemotePosting["terms"]
  readonly labels?: (worker: number) => ReadonlyArray<string>
  readonly resources?: Readonly<Record<string, number>>
  readonly slots?: number
  readonly here?: Layer.Layer<Client.Client | Scheduler.Scheduler>
  readonly implementations?: ReadonlyArray<Implementation>
  /** Whether messages and turns of far sides are steps of the world in which the scheduler is. */
  readonly isStepped?: boolean
}

/** Nothing is loaded while a world runs. */
const loaded = surroundingsFrom(Effect.succeed(clientLayer))

/** A scheduler with workers that are not here, which serve these handlers; functions run here. */
export const elsewhere = <N>(
  makers: ReadonlyArray<Portable.Any>,
  handlers: Layer.Layer<N>,
  {
    here = Skein.layer(),
    id = (worker) => `far-${worker}`,
    implementations: others = [],
    isStepped = false,
    labels = () => [],
    resources,
    slots = 1,
    terms = {},
    workers = 2,
    ...options
  }: Options = {}
): Layer.Layer<Client.Client | Scheduler.Scheduler | N> => {
  const items = makers.map((maker) => itemOf(maker)!)
  const remote = Layer.effectContext(Effect.gen(function*() {
    const implementations = [...implementationsIn(yield* Layer.build(handlers)), ...others]
    const { wire } = coreOf(yield* Client.Client)
    const defer = (f: () => void): void => wire.defer(f)
    const steps = isStepped &&
      { defer, carry: (_: unknown, deliver: () => void) => defer(deliver), surroundings: loaded }
    const transport = memoryTransport(implementations, { ...options, surroundings, ...steps })
    const verbs = nestedVerbs(items)
    for (let i = 0; i < workers; i++) {
      yield* addRemote(transport, { id: id(i), slots, labels: labels(i), resources, terms, verbs })
    }
    return handlersElsewhere(items, yield* Effect.context<never>())
  }))
  return Layer.provideMerge(remote, here) as never
}
