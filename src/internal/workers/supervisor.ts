/**
 * What workers tell their scheduler, and ask it.
 *
 * @internal
 */
import type * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Ending, Event } from "../../engine/protocol/Event.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Stop } from "../../engine/protocol/Instruction.ts"
import type { Place, Registered } from "../../engine/protocol/Registered.ts"
import type { Home } from "../bodies/home.ts"
import type { Run } from "../bodies/livePlan.ts"
import type { Step } from "../bodies/retries.ts"
import type { AsyncScope } from "../platform/asyncScope.ts"
import type { Time } from "../platform/time.ts"
import type { Line } from "./wire.ts"

/** Where events go. */
export interface Post {
  readonly ask: (event: Event) => unknown
  /** Tells the engine of all that has ended. */
  readonly catchUp: () => void
}

/** What a worker uses of the scheduler that it belongs to. */
export interface Supervisor {
  readonly home: Home
  readonly time: Time
  readonly line: Line | undefined
  /** The state of retry schedules, from the first failure of a task to its end, whichever workers it comes to. */
  readonly schedules: Map<TaskId, Step>
  readonly mailbox: Post & {
    readonly ended: (task: TaskId, attempt: number, ending: Ending) => void
    readonly endedAtOnce: (task: TaskId, attempt: number, result: unknown) => void
    readonly succeeded: (task: TaskId, attempt: number, result: unknown) => void
    readonly finalized: (task: TaskId, attempt: number) => void
  }
  readonly attempts: {
    readonly keyOf: (task: TaskId) => string
    readonly submissionOf: (task: TaskId) => Registered
    readonly indexOf: (task: TaskId) => number
    readonly startsOf: (task: TaskId) => number
    readonly isStopping: (task: TaskId, attempt: number) => boolean
    readonly hasTimedOut: (task: TaskId) => boolean
  }
  readonly inputs: {
    haveBeenLost: boolean
    readonly of: (task: TaskId) => Array<unknown>
    readonly exitOfOnly: (task: TaskId) => Exit.Exit<unknown, unknown>
    readonly placesOf: (task: TaskId) => ReadonlyArray<Place | undefined>
  }
  readonly caching: { readonly add: (task: TaskId, value: unknown) => void }
  readonly failures: { readonly keep: (cause: Cause.Cause<unknown>) => number }
  readonly expansion: {
    readonly expand: (task: TaskId, attempt: number, returned: unknown, run: Run, worker: Failing) => void
  }
  readonly waits: {
    readonly stopComes: (stop: Stop, fiber: Fiber.Fiber<unknown, unknown>) => void
    readonly bodyEnded: (attempt: number) => void
    readonly attemptEnded: (attempt: number) => void
  }
  readonly scopes: { readonly of: (task: TaskId) => AsyncScope }
  readonly life: { readonly guard: (f: () => void) => void }
  readonly crew: { readonly disown: (scope: Scope.Scope) => void }
}

/** What takes the failure of an attempt. */
interface Failing {
  readonly fail: (task: TaskId, attempt: number, cause: Cause.Cause<unknown>) => void
}
