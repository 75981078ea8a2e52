/**
 * The async context of a request, as `AsyncLocalStorage` sees it. On platforms without it, all contexts are one and calls go
 * straight through.
 *
 * @internal
 */

/** Calls functions in an async context that was captured. */
export interface AsyncScope {
  readonly runInAsyncScope: <A>(f: () => A) => A
}

type Hooks = { readonly AsyncResource?: new(type: string) => AsyncScope }

/** Not imported, because Skein also runs without Node. */
const hooks = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process
  ?.getBuiltinModule?.("node:async_hooks") as Hooks | undefined

const nowhere: AsyncScope = { runInAsyncScope: (f) => f() }

/** The async context of the caller. A resource costs 60 ns and entering it 25; a snapshot costs 3,500 and 180. */
export const captureAsyncScope = (): AsyncScope =>
  hooks?.AsyncResource === undefined ? nowhere : new hooks.AsyncResource("skein/AsyncScope")
