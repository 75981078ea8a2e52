/** @internal */
interface AsyncContext {
  readonly runInAsyncScope: (f: () => void) => void
}

/** Runs the pump in the async context of the scheduler, so that it does not inherit that of whoever completed last. */
export const captureAsyncScope = (): (f: () => void) => void => {
  const hooks = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process
    ?.getBuiltinModule?.("node:async_hooks") as { AsyncResource?: new(type: string) => AsyncContext } | undefined
  if (hooks?.AsyncResource === undefined) return (f) => f()
  const resource = new hooks.AsyncResource("skein/Scheduler")
  return (f) => resource.runInAsyncScope(f)
}
