/**
 * The desk of a scheduler, at which results are read that stay with their workers. Readers wait until the holder has answered.
 *
 * ```text
 * [reader] -- bring --> [desk] -- fetch --> [holder]
 *                              <-- fetched, missing --
 * ```
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { captureAsyncScope } from "../platform/asyncScope.ts"
import type { FutureImpl } from "../tasks/task.ts"
import type { View } from "../views/view.ts"
import type { Away, Fetching, Found, Holder } from "../workers/away.ts"
import type { Crew } from "../workers/crew.ts"
import type { Life } from "./life.ts"

interface Request {
  readonly holder: Holder
  readonly answered: (found: Found | undefined) => void
}

export class Desk implements Fetching {
  /** Whether a result has stayed with its worker. */
  isUsed = false
  private readonly open = new Map<number, Request>()
  private next = 1
  private readonly view: View
  private readonly state: Engine
  private readonly crew: Pick<Crew, "distrust">
  private readonly life: Life

  constructor(view: View, state: Engine, crew: Pick<Crew, "distrust">, life: Life) {
    this.view = view
    this.state = state
    this.crew = crew
    this.life = life
  }

  fetch({ holder, result }: Away, answered: Request["answered"]): void {
    if (holder.isLost) return answered(undefined)
    const request = this.next++
    this.open.set(request, { holder, answered })
    holder.fetch(request, result)
  }

  /** The answer of a holder. */
  answer(request: number, found: Found | undefined): void {
    const { answered } = this.open.get(request) ?? {}
    if (this.open.delete(request)) this.life.guard(() => answered!(found))
  }

  /** A worker is lost: it answers nothing any more. */
  lost(holder: Holder): void {
    // By number, because a port around another one is not the holder that its results name.
    for (const [request, { holder: { serial } }] of Array.from(this.open)) {
      if (serial === holder.serial) this.answer(request, undefined)
    }
  }

  /** The scheduler has failed or closed: nothing comes any more. */
  abort(): void {
    for (const request of Array.from(this.open.keys())) this.answer(request, undefined)
  }

  /** Fetches the present result of a task for a reader. Whether a holder that does not have it is lost is the engine's decision. */
  fetchFor(task: TaskId, from: Away, answered: Request["answered"]): void {
    const attempt = columnsOf(this.state).attempt[task]!
    this.fetch(from, (found) => {
      if (found === undefined) this.crew.distrust(from.holder.serial, task, attempt)
      answered(found)
    })
  }

  /**
   * Brings the results of settled futures that stay with their workers; `undefined` if there is none. Look again after that, as
   * after any wait: a result may have been lost.
   */
  bring(futures: ReadonlyArray<FutureImpl>): Effect.Effect<void> | undefined {
    return this.isUsed
      ? this.bringTasks(futures.flatMap(({ claim }) => claim.state === "live" ? [claim.task] : []))
      : undefined
  }

  /** {@link bring} for tasks whose rows are theirs still. */
  bringTasks(tasks: ReadonlyArray<TaskId>): Effect.Effect<void> | undefined {
    if (!this.isUsed) return undefined
    const away = tasks.flatMap((task) => {
      const from = this.view.awayOf(task)
      return from === undefined ? [] : [{ task, from }]
    })
    return away.length === 0 ? undefined : Effect.callback<void>((resume) => {
      const scope = captureAsyncScope()
      let left = away.length
      for (const { from, task } of away) {
        this.fetchFor(task, from, () => {
          const { failure } = this.life
          if (--left === 0) {
            scope.runInAsyncScope(() => resume(failure === undefined ? Effect.void : Effect.failCause(failure)))
          }
        })
      }
    })
  }
}
