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
 * Whether the plain function that runs now was asked to stop: set while a worker calls one outside of a fiber, in code that it
 * could stop. No other code runs meanwhile.
 *
 * @internal
 */
export const plainBody: { isStopping: (() => boolean) | undefined } = { isStopping: undefined }

/**
 * The body whose waits keep its slot in this region. Bodies of tasks that are submitted there inherit the context, but are others.
 *
 * @internal
 */
export const SlotKeeper = Context.Reference<Worker["Service"] | undefined>("skein/internal/SlotKeeper", {
  defaultValue: () => undefined
})

/**
 * The attempt elsewhere in whose body all this runs, or was submitted, however deep: contexts of submitters are inherited. In the
 * process of the scheduler there is none.
 *
 * @internal
 */
export const Border = Context.Reference<Worker["Service"] | undefined>("skein/internal/Border", {
  defaultValue: () => undefined
})
