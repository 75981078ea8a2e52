/** Stories of the suite for every backend, by name. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Services } from "./backends.ts"
import type { Stage } from "./stage.ts"

export type Story = () => Effect.Effect<unknown, unknown, Services | Scope.Scope | Stage>

export type Stories = Readonly<Record<string, Story>>

/** The workers on which bodies run, when a story needs one slot alone. */
export const one = { workers: ["pool-1"] } as const
