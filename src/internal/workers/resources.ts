/**
 * The resources of one worker's results: the scope of each body that acquired something, open as long as its result is held.
 *
 * @internal
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { AsyncScope } from "../platform/asyncScope.ts"
import { quote } from "../text/text.ts"
import { warning } from "../text/warnings.ts"
import { keptIn } from "./kept.ts"

/** The scope of a body that has succeeded, which now belongs to its result. */
export interface Resource {
  readonly scope: Scope.Closeable
  readonly exit: Exit.Exit<unknown, unknown>
  readonly context: Context.Context<never>
  readonly asyncScope: AsyncScope
  /** Key of the task that acquired it. */
  readonly key: string
}

export class Resources {
  private readonly open = new Map<TaskId, Resource>()
  /** The fibers of the worker that run finalizers. */
  private readonly closing: Set<Fiber.Fiber<unknown, unknown>>

  constructor(closing: Set<Fiber.Fiber<unknown, unknown>>) {
    this.closing = closing
  }

  get size(): number {
    return this.open.size
  }

  add(task: TaskId, resource: Resource): void {
    this.open.set(task, resource)
  }

  scopes(): ReadonlyArray<Scope.Scope> {
    return Array.from(this.open.values(), ({ scope }) => scope)
  }

  has(task: TaskId): boolean {
    return this.open.has(task)
  }

  /** Closes the scope of a result that was released. */
  close(task: TaskId, done: () => void): void {
    const resource = this.open.get(task)!
    this.open.delete(task)
    this.closeInTurn([resource], done)
  }

  /** Closes all of them. */
  closeAll(): void {
    // What was acquired last first, for it may have been made of another.
    const all = [...this.open.values()].toReversed()
    this.open.clear()
    this.closeInTurn(all, () => {})
  }

  private closeInTurn(resources: ReadonlyArray<Resource>, done: () => void): void {
    for (const [i, resource] of resources.entries()) {
      const closing = this.closeOne(resource)
      if (closing.pollUnsafe() !== undefined) continue
      closing.addObserver(() => this.closeInTurn(resources.slice(i + 1), done))
      return
    }
    done()
  }

  /** A finalizer that fails is a warning: the result was fine. */
  private closeOne({ asyncScope, context, exit, key, scope }: Resource): Fiber.Fiber<void> {
    const text = `A finalizer of the result of task ${quote(key)} failed`
    const close = Effect.catchCause(Scope.close(scope, exit), (cause) => warning(text, cause))
    return asyncScope.runInAsyncScope(() => keptIn(this.closing, context, close))
  }
}
