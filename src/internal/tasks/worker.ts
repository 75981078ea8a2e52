/**
 * The worker as bodies see it.
 *
 * @internal
 */
import * as Context from "effect/Context"

/**
 * Where the current body runs.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Info {
  /** The worker's id. */
  readonly id: string
  /** The worker's labels. */
  readonly labels: ReadonlyArray<string>
  /** Which start of the task this is, from 1. */
  readonly attempt: number
  /** The task's key. */
  readonly key: string
}

/**
 * The worker inside a body. The runtime provides it; a task's own requirements never mention it.
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export class Worker extends Context.Service<Worker, { readonly info: Info }>()("skein/Worker") {}

/**
 * The body whose waits keep its slot in this region. Bodies of tasks that are submitted there inherit the context, but are others.
 *
 * @internal
 */
export const SlotKeeper = Context.Reference<Worker["Service"] | undefined>("skein/internal/SlotKeeper", {
  defaultValue: () => undefined
})
