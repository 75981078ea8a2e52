/**
 * Queries of the compiler to the engine: live tasks, and the state of others.
 *
 * @internal
 */
import type { Engine } from "../../engine/protocol/Engine.ts"
import type { TaskId } from "../../engine/protocol/ids.ts"
import { hasEnded, Phase } from "../../engine/protocol/Phase.ts"
import type { Phase as PhaseOf } from "../../engine/protocol/Phase.ts"
import type { Identity } from "../../engine/protocol/Plan.ts"
import type { Place } from "../../engine/protocol/Registered.ts"
import { columnsOf } from "../../engine/views/columns.ts"
import { isSpent, keyedTasks, placeOf, settingsOf, taskWith } from "../../engine/views/tasks.ts"
import type { Home } from "../bodies/home.ts"
import { ambientAt, taskAt } from "../bodies/livePlan.ts"
import { retryOf } from "../bodies/retries.ts"
import type { Live, Run } from "../plans/compile.ts"
import type { Past } from "../plans/rerun.ts"
import { isInNamespace, namedBy } from "../tasks/keys.ts"
import type { Named } from "../tasks/keys.ts"
import type { FutureImpl } from "../tasks/task.ts"
import { releaseText } from "../text/reasonText.ts"
import type { View } from "../views/view.ts"
import type { Attempts } from "./attempts.ts"

export class LiveEngine implements Live, Past {
  readonly home: Home
  private readonly state: Engine
  private readonly view: View
  private readonly attempts: Attempts

  constructor(home: Home, state: Engine, view: View, attempts: Attempts) {
    this.home = home
    this.state = state
    this.view = view
    this.attempts = attempts
  }

  find(identity: Identity): TaskId {
    return taskWith(this.state, identity)
  }

  isSpent(id: TaskId): boolean {
    return isSpent(this.state, id)
  }

  runs(namespace: string | undefined, key: string): ReadonlyArray<Run> {
    return keyedTasks(this.state, key).filter(({ identity }) => isInNamespace(namespace, identity)).map((
      { graph, id, phase }
    ) => ({
      id,
      graph,
      hasEnded: hasEnded(phase),
      isJoinable: phase !== Phase.stopping && phase !== Phase.releasing
    }))
  }

  namedOf(id: TaskId): Named | undefined {
    return namedBy(settingsOf(this.state, id))
  }

  placeOf(id: TaskId): Place {
    return placeOf(this.state, id)
  }

  refuse(future: FutureImpl): string | undefined {
    const { claim, home } = future
    if (home !== this.home) return "it belongs to another scheduler; join it there and pass the value"
    if (claim.state === "released") return `its result ${releaseText(this.view.releaseOf(future))}`
    return claim.state === "cancelled" ? "it was cancelled" : undefined
  }

  /** The task registered there, if its result is held or on its way. */
  usable(place: Place): TaskId {
    const id = place.submission.ids[place.index]!
    if (id < 0) return -1
    const phase = columnsOf(this.state).phase[id] as PhaseOf
    if (hasEnded(phase)) return phase === Phase.succeeded ? id : -1
    // A resource that is being finalized counts as gone.
    if (phase === Phase.releasing) return -1
    if (phase !== Phase.stopping) return id
    // A task that stops because of an attempt's timeout may be tried again by itself.
    const retry = retryOf(taskAt(place), ambientAt(place))
    return this.attempts.hasTimedOut(id) && retry !== undefined ? id : -1
  }
}
