/**
 * What layers with workers in other processes are given: names, and modules whose exports are names.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import { elsewhere } from "./handlers.ts"
import type { PortableModule } from "./modules.ts"
import type { Named } from "./named.ts"

export const PortableTypeId = "~skein/Portable"

export type Item =
  | {
    readonly _tag: "Name"
    readonly name: string
    readonly named: Named
    /** Makes a task with `TaskOptions`. */
    readonly make: (payload: unknown, options: object | undefined) => unknown
  }
  | {
    readonly _tag: "Module"
    readonly module: PortableModule
    readonly make: (name: string, payload: unknown, options: object | undefined) => unknown
  }

/** The item of a maker of tasks or of a module. */
export const itemOf = (u: unknown): Item | undefined => {
  const item = (u as { readonly [PortableTypeId]?: Item })[PortableTypeId]
  return item?._tag === "Name" || item?._tag === "Module" ? item : undefined
}

/** The handlers of these items in a program whose workers elsewhere have them: their names, and the URLs of modules. */
export const handlersElsewhere = (
  items: ReadonlyArray<Item>,
  context: Context.Context<never>
): Context.Context<never> => elsewhere(items.map((item) => item._tag === "Name" ? item.name : item.module.url), context)
