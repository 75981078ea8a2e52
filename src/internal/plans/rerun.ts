/**
 * From tasks that ended without success to a plan that runs them again, with those of their dependencies whose results are
 * neither held nor on their way.
 *
 * The plans of old submissions have the dependencies, as long as a future of them exists. A task that one of them joined under a
 * key was never its own: if it is gone, it is submitted again, like any task.
 *
 * @internal
 */
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Defaults, Identity, Reference, Settings } from "../../engine/protocol/Plan.ts"
import { keyAt } from "../../engine/protocol/Registered.ts"
import type { Place, Registered } from "../../engine/protocol/Registered.ts"
import { withDefaults } from "../bodies/annotations.ts"
import { ambientAt, functionOf, isKnownAt, taskAt } from "../bodies/livePlan.ts"
import type { Ambient, Compiled, LivePlan } from "../bodies/livePlan.ts"
import { Drafting, formOf } from "../passes/planning.ts"
import { conflict, identityIn, inNamespace, namedBy, namedIn, nameOf } from "../tasks/keys.ts"
import type { Named } from "../tasks/keys.ts"
import { isRefused } from "../tasks/mistake.ts"
import type { Refused } from "../tasks/mistake.ts"
import { isTask, noHandles, noOptions, TaskImpl } from "../tasks/task.ts"
import type { Handle } from "../tasks/task.ts"
import { Cycle, InvalidDependency } from "../text/reasons.ts"
import { quote } from "../text/text.ts"
import { planOf, settingsOf } from "./compile.ts"
import type { Live } from "./compile.ts"
import { depthFirst } from "./depthFirst.ts"
import { portableIn } from "./portable.ts"

/** The scheduler in which the tasks ran, as far as it is needed. */
export interface Past extends Pick<Live, "find" | "home" | "namedOf"> {
  readonly placeOf: (id: TaskId) => Place
  /** The task at this place if its result is held or on its way; otherwise -1. */
  readonly usable: (place: Place) => TaskId
}

/** The plan that runs the tasks at these places again. */
export const recompile = (targets: ReadonlyArray<Place>, past: Past): Compiled | Refused => {
  const compiler = new Recompiler(past)
  return compiler.compile(targets.map((target) => compiler.at(target)))
}

/** The plan that computes the inputs of the task at this place, in the order of its handles. */
export const recompileInputs = (place: Place, past: Past): Compiled | Refused => {
  const compiler = new Recompiler(past)
  return compiler.compile(compiler.needsOf({ ...again(taskAt(place), ambientAt(place)), place }))
}

/** One task of the new plan, or a live one that it refers to. */
interface Entry {
  readonly task: TaskImpl
  readonly ambient: Ambient
  /** Where it was registered, if it ever was. */
  readonly place: Place | undefined
  /** Its name and work if it has a key; known of a pure task once its arguments have indices. */
  named: Named | undefined
  /** Its reference in the plan: known at once if it is live, otherwise when its dependencies have indices. */
  reference: Reference | undefined
}

const again = (task: TaskImpl, ambient: Ambient, named?: Named, place?: Place): Entry => ({
  task,
  ambient,
  place,
  named,
  reference: undefined
})

const none: ReadonlyArray<Entry> = []

/** Why tasks that need this one cannot run again: it is forgotten. */
export const tooFarBack = ({ index, submission }: Place): InvalidDependency =>
  new InvalidDependency({
    key: undefined,
    dependency: `task ${quote(keyAt(submission, index))}`,
    why: "it was released and is further back than limits.lineage submissions; submit its task again"
  })

/** In place of a task that is too far back. */
const unknown = new TaskImpl({ _tag: "value", value: undefined }, undefined, "none", noHandles, noOptions, undefined)

class Recompiler extends Drafting<Entry> {
  private readonly registered = new Map<Registered, Map<number, Entry>>()
  private readonly unregistered = new Map<Ambient, Map<TaskImpl, Entry>>()
  /** Tasks of one identity are one task, whatever their submissions. */
  private readonly identities = new Map<Identity, Entry>()
  private readonly past: Past

  constructor(past: Past) {
    super()
    this.past = past
  }

  compile(roots: ReadonlyArray<Entry>): Compiled | Refused {
    const cycle = depthFirst(roots, (root) => this.needsOf(root), (each) => this.add(each))
    if (cycle !== undefined) this.refuse(new Cycle({ path: cycle.map(({ task }) => nameOf(task)) }))
    const draft = this.drafted(roots.map(({ reference }) => reference!))
    if (isRefused(draft)) return draft
    const { nodes, settings, targets } = draft
    const tasks = nodes.map(({ task }) => task)
    const plan = planOf(
      formOf(draft),
      settings,
      portableIn(tasks, (index) => nodes[index]!.ambient),
      tasks,
      tasks.map(functionOf),
      roots[0]!.ambient,
      undefined,
      nodes.map(({ ambient }) => ambient)
    )
    return { targets, plan }
  }

  /** The task that was registered at a place. */
  at(place: Place): Entry {
    const { index, submission } = place
    const known = this.registered.get(submission) ?? new Map<number, Entry>()
    const present = known.get(index) ?? this.usable(place) ?? this.registeredAt({ index, submission })
    this.registered.set(submission, known.set(index, present))
    return present
  }

  private usable(place: Place): Entry | undefined {
    const id = this.past.usable(place)
    return id < 0 ? undefined : this.live(id)
  }

  private live(id: TaskId): Entry {
    const place = this.past.placeOf(id)
    return { ...again(taskAt(place), ambientAt(place), this.past.namedOf(id), place), reference: ~id }
  }

  private registeredAt(place: Place): Entry {
    const named = namedBy(place.submission.plan.settings.get(place.index))
    if (!isKnownAt(place)) {
      this.refuse(tooFarBack(place))
      // This entry is not used: there will be no plan.
      return { ...again(unknown, ambientAt(place)), reference: 0 }
    }
    return this.named(again(taskAt(place), ambientAt(place), named, place))
  }

  /** A task that was joined under its key, or one below such a task. */
  private unregisteredOf(task: TaskImpl, ambient: Ambient): Entry {
    const known = this.unregistered.get(ambient) ?? new Map<TaskImpl, Entry>()
    const { key, pure } = task.options
    const named = key === undefined || pure === true ? undefined : { key, work: task }
    const present = known.get(task) ?? this.named(again(task, ambient, named))
    this.unregistered.set(ambient, known.set(task, present))
    return present
  }

  private named(fresh: Entry): Entry {
    return fresh.named === undefined ? fresh : this.known(fresh, fresh.named) ?? this.keep(fresh, identityOf(fresh))
  }

  private keep(entry: Entry, identity: Identity): Entry {
    this.identities.set(identity, entry)
    return entry
  }

  /** The same task here, or in the scheduler, where it may have been submitted again. A run without success is replaced. */
  private known(entry: Entry, { key, work }: Named): Entry | undefined {
    const { namespace } = entry.ambient.annotations
    const identity = identityIn(entry.ambient, key, work)
    const own = this.identities.get(identity)
    const id = own === undefined ? this.past.find(identity) : -1
    if (own === undefined && id < 0) return undefined
    const other = own === undefined ? this.past.namedOf(id)! : own.named!
    if (namespace !== undefined && other.work !== work) {
      this.refuse(conflict(key, entry.task, other.work, inNamespace(namespace)))
    }
    if (own !== undefined) return own
    return this.past.usable(this.past.placeOf(id)) < 0 ? undefined : this.keep(this.live(id), identity)
  }

  /** The dependencies of a task, in the order of its handles; none if it is live. */
  needsOf({ place, reference, ambient, task }: Entry): ReadonlyArray<Entry> {
    if (reference !== undefined) return none
    if (place === undefined) return task.handles.map((handle) => this.ofHandle(handle, ambient))
    const { index, submission } = place
    const { offsets, ambients, targets } = submission.plan as LivePlan
    return task.handles.map((handle, i) => {
      const edge = offsets[index]! + i
      const target = targets[edge]!
      if (target >= 0) return this.at({ submission, index: target })
      // In an ordinary plan, the handle is the dependency.
      return ambients === undefined ? this.ofHandle(handle, ambient) : this.at(submission.origins!.get(edge)!)
    })
  }

  private ofHandle(handle: Handle, ambient: Ambient): Entry {
    return isTask(handle) ? this.unregisteredOf(handle, ambient) : this.at(handle)
  }

  /** All its dependencies have been added. */
  private add(entry: Entry): void {
    if (entry.reference !== undefined) return
    const twin = entry.place === undefined && entry.named === undefined ? this.twinOf(entry) : undefined
    if (twin?.reference !== undefined) {
      entry.reference = twin.reference
      return
    }
    for (const { reference } of this.needsOf(entry)) this.edges.push(reference!)
    const own = settingsAt(entry)
    const defaults = defaultsAt(entry)
    // The region's options still apply.
    entry.reference = this.push(entry, defaults === undefined ? own : withDefaults(own, defaults))
    if (twin !== undefined) twin.reference = entry.reference
  }

  /** The work of a pure task that was never registered is known only now; there may be an equal one already. */
  private twinOf(entry: Entry): Entry | undefined {
    const { ambient, task } = entry
    const named = namedIn(task, this.past.home, (argument) => this.unregisteredOf(argument, ambient).named)
    if (named === undefined) return undefined
    if ("_tag" in named) return this.refuse(named)
    entry.named = named
    const twin = this.known(entry, named)
    if (twin === undefined) this.keep(entry, identityOf(entry))
    else this.hasOrphans = true
    return twin
  }
}

/** The settings of an entry with a key. */
const identityOf = ({ named, ambient }: Entry): Identity => identityIn(ambient, named!.key, named!.work)

const settingsAt = ({ named, place, ambient, task }: Entry): Settings | undefined =>
  place === undefined ? settingsOf(task, named, ambient) : place.submission.plan.settings.get(place.index)

const defaultsAt = ({ place, ambient }: Entry): Defaults | undefined =>
  place === undefined ? ambient.defaults : place.submission.plan.defaults
