/**
 * From tasks to a plan: a walk through all that the targets depend on, each task once, with keys resolved and every
 * mistake found before anything starts.
 *
 * @internal
 */
import type { TaskId } from "../../engine/protocol/ids.ts"
import type { Demand, Identity, Plan, Reference, Settings } from "../../engine/protocol/Plan.ts"
import { everything, pieces } from "../../engine/structures/pieces.ts"
import type { InPieces } from "../../engine/structures/pieces.ts"
import { keepSpecimen } from "../../engine/structures/specimens.ts"
import type { SubmitReason } from "../../SkeinError.ts"
import { functionOf, isFor } from "../bodies/livePlan.ts"
import type { Ambient, Cache, Compiled, LivePlan } from "../bodies/livePlan.ts"
import { flatForm, noSettings } from "../passes/forms.ts"
import type { Form } from "../passes/forms.ts"
import { apply } from "../passes/passes.ts"
import { cull, Drafting, formInPieces, formOf, formWithin } from "../passes/planning.ts"
import type { Draft, Known } from "../passes/planning.ts"
import { labels } from "../portable/named.ts"
import type { Named as PortableName } from "../portable/named.ts"
import { invalidOption, reasonOf } from "../tasks/checks.ts"
import { policiesOf } from "../tasks/dependency.ts"
import {
  CachedTask,
  conflict,
  givenName,
  identityIn,
  inGraph,
  inNamespace,
  namedBy,
  namedIn,
  nameOf,
  refusedConflict
} from "../tasks/keys.ts"
import type { Named } from "../tasks/keys.ts"
import { isRefused, refusalOf } from "../tasks/mistake.ts"
import type { Mistake, Refused } from "../tasks/mistake.ts"
import { contradiction } from "../tasks/options.ts"
import { isLiteral, isTask, noOptions } from "../tasks/task.ts"
import type { FutureImpl, Handle, Misplaced, Plain, TaskImpl, TaskOptions } from "../tasks/task.ts"
import { isAsked, stayingOf } from "../tasks/travelling.ts"
import { Cycle, InvalidDependency } from "../text/reasons.ts"
import { quote } from "../text/text.ts"
import { entryOf, placing, portableFault, portableIn } from "./portable.ts"

/** A live task with a key. */
export interface Run {
  readonly id: TaskId
  /** The number of its graph. */
  readonly graph: number
  readonly hasEnded: boolean
  /** Whether it may be joined: it was not asked to stop. */
  readonly isJoinable: boolean
}

/** The scheduler, as far as the compiler needs it. */
export interface Live {
  /** The scheduler, to recognise its own futures. */
  readonly home: object
  /** The live task with this identity, or -1. */
  readonly find: (identity: Identity) => TaskId
  /** The name and the work of a live task; `undefined` without a key. */
  readonly namedOf: (id: TaskId) => Named | undefined
  /** The live tasks of a key in a namespace, or outside of all. */
  readonly runs: (namespace: string | undefined, key: string) => ReadonlyArray<Run>
  /** Whether only cancelled tasks still hold a live task, which is then not joined. */
  readonly isSpent: (id: TaskId) => boolean
  /** Whether the future is one of this scheduler and still claimed: else why not. */
  readonly refuse: (future: FutureImpl) => string | undefined
}

/** In place of a scheduler: no task is live, and futures are taken as they are. */
export const nobody: Live = {
  home: {},
  find: () => -1,
  namedOf: () => undefined,
  runs: () => [],
  isSpent: () => false,
  refuse: () => undefined
}

/** The plan of `targets`, or its fault. */
export const compile = (targets: ReadonlyArray<Handle>, live: Live, ambient: Ambient): Compiled | Refused => {
  const compiled = compileWithin(targets, live, ambient, everything)
  return isWalking(compiled) ? compiled.atOnce() : compiled
}

/** The same, or after so many steps the walk that is not over. A step is a task or a dependency. */
export const compileWithin = (
  targets: ReadonlyArray<Handle>,
  live: Live,
  ambient: Ambient,
  steps: number
): Compiled | Refused | Walking => {
  const invalid = ambient.annotations.invalid?.[0]
  if (invalid !== undefined) return refusalOf(reasonOf(invalid, undefined))
  const only = targets[0]
  if (targets.length === 1 && isTask(only) && isSingle(only)) {
    const { named } = only
    const place = named?.placeIn(ambient.context)
    const fault = place && portableFault(only, named!, place)
    if (fault !== undefined) return refusalOf(fault)
    const functions = [functionOf(only)]
    const { defaults } = ambient
    const settings = isLiteral(only) ? oneLiteral : noSettings
    const portable = place && Int32Array.of(entryOf(named!, place))
    return {
      plan: planOf(flatForm(1), settings, portable, [only], functions, ambient, defaults, undefined),
      targets: onlyFirst
    }
  }
  const children = targets.length > 1 && targets.length <= steps ? singlesIn(targets, ambient) : undefined
  if (children !== undefined) return { plan: flatPlan(children, ambient), targets: numbersUpTo(children.length) }
  const compiler = new Compiler(targets, live, ambient, false)
  return targets.length <= steps && compiler.walk(steps) ? compiler.compiled() : compiler
}

/** All plans have the same fields in the same order: the engine reads them for each task, and a second shape costs a tenth. */
export const planOf = (
  { offsets, positions, reversed, size, targets }: Form,
  settings: Plan["settings"],
  portable: Plan["portable"],
  nodes: ReadonlyArray<TaskImpl>,
  functions: ReadonlyArray<Plain | undefined>,
  ambient: Ambient,
  defaults: Plan["defaults"],
  ambients: ReadonlyArray<Ambient> | undefined
): LivePlan => ({
  size,
  offsets,
  targets,
  positions,
  reversed,
  settings,
  portable,
  names: portable && labels,
  nodes,
  functions,
  ambient,
  defaults,
  ambients,
  isUnfolded: false
})

/** The targets, if all of them are different tasks that can start, without dependencies and options. */
const singlesIn = (targets: ReadonlyArray<Handle>, { context }: Ambient): ReadonlyArray<TaskImpl> | undefined => {
  const stamp = nextStamp()
  const placeOf = placing()
  for (let i = 0; i < targets.length; i++) {
    const task = targets[i]!
    if (!isTask(task) || !isSingle(task) || isLiteral(task) || task.stamp === stamp) return undefined
    const { named } = task
    if (named !== undefined && portableFault(task, named, placeOf(named, context)) !== undefined) return undefined
    mark(task, stamp)
  }
  return targets as ReadonlyArray<TaskImpl>
}

const flatPlan = (tasks: ReadonlyArray<TaskImpl>, ambient: Ambient): LivePlan => {
  const nodes = tasks.slice()
  const functions = nodes.map(functionOf)
  const portable = portableIn(nodes, () => ambient)
  return planOf(flatForm(nodes.length), noSettings, portable, nodes, functions, ambient, ambient.defaults, undefined)
}

const numbers: Array<ReadonlyArray<number> | undefined> = []
const largestShared = 64

const numbersUpTo = (size: number): ReadonlyArray<number> => {
  const known = numbers[size]
  if (known !== undefined) return known
  // A loop: `Array.from` goes through an iterator.
  const made = new Array<number>(size)
  for (let i = 0; i < size; i++) made[i] = i
  if (size <= largestShared) numbers[size] = made
  return made
}

/** Whether a task has no dependencies and no options: the usual child in a recursion. */
const isSingle = (task: TaskImpl): boolean =>
  task.handles.length === 0 && task.options === noOptions && task.misplaced === undefined

const onlyFirst: ReadonlyArray<Reference> = [0]

/** A longer list of numbers is moved aside. */
const largestList = 65_536

const oneLiteral: Plan["settings"] = new Map([[0, { literal: true }]])

let stamps = 0

/** Marks of a walk on the tasks themselves: `stamp` while the dependencies are visited, `stamp + 1` when done. */
const nextStamp = (): number => stamps += 2

/** The walks in pieces that are not over, by stamp. */
const openWalks = new Map<number, Compiler>()

/** Marks a task. An open walk keeps the mark that another walk overwrites. */
const mark = (task: TaskImpl, stamp: number): void => {
  if (openWalks.size > 0) {
    const former = firstOf(task.stamp)
    if (former !== firstOf(stamp)) openWalks.get(former)?.keepMark(task)
  }
  task.stamp = stamp
}

/** The first mark of the walk that has this one. */
const firstOf = (stamp: number): number => stamp - stamp % 2

/** The mark of a walk on a task. */
interface Mark {
  readonly isDone: boolean
  readonly index: number
}

/** A plan before the live tasks of its submission are known. */
interface Made {
  readonly draft: Draft
  readonly form: Form
  readonly functions: ReadonlyArray<Plain | undefined>
  readonly portable: Int32Array | undefined
  /** The result, unless something is live by then that the plan has tasks for. */
  readonly compiled: Compiled | undefined
}

/** A live task that tasks of a plan depend on under its key. */
interface Joined {
  readonly identity: Identity
  readonly id: TaskId
  /** The task that it takes the place of. */
  readonly task: TaskImpl
  readonly named: Named
}

const nothingJoined: ReadonlyArray<Joined> = []

type Keys = Map<string, { readonly work: Identity; readonly reference: Reference }>

/** The keys of a plan without any. */
const noKeys: Keys = new Map()

/** A walk that is not over. */
export interface Walking {
  /** The rest of the walk in one piece, and what it has found. */
  readonly atOnce: () => Compiled | Refused
  /**
   * The rest of the walk, the order and the arrays of the plan, in pieces of so many steps. From the first yield on, which comes
   * before the first step, other walks may overwrite the marks of this one. A caller that stops before the end calls `return`.
   */
  readonly inPieces: (steps: number) => InPieces<Settle>
}

/**
 * Returns the plan as of now; or another walk, because a live task that was joined is gone. Others may submit between two pieces, and
 * tasks may end, so the scheduler is asked again at the moment of the submission.
 */
export interface Settle {
  (): Compiled | Refused | Walking
  /** The plan that it returns if nothing happens meanwhile; `undefined` if that is not known. */
  readonly likely: Compiled | undefined
}

class Compiler extends Drafting<TaskImpl> implements Walking {
  private stamp = nextStamp()
  private readonly functions: Array<Plain | undefined> = []
  /** What has a key in this plan. */
  private keys = noKeys
  private hasPortable = false
  /** The futures among the targets, and the indices of tasks that depend on some, each index once for each. */
  private readonly given: Array<FutureImpl> = []
  private readonly dependsOnGiven: Array<number> = []
  /** Whether it has turns. */
  private isInPieces = false
  private readonly placeOf = placing()
  /** The live tasks that tasks of this plan replace, by key; where the submission asks for that. */
  private replaced: Map<string, ReadonlyArray<TaskId>> | undefined
  private joined: Array<Joined> | undefined
  /** The marks on tasks that have those of other walks now. */
  private moved: Map<TaskImpl, Mark> | undefined
  /** What the turns have made. */
  private made: Made | undefined
  private handles: ReadonlyArray<Handle>
  private readonly live: Live
  private readonly ambient: Ambient
  /** Whether the walk visits live tasks too, which are joined in `settle` alone. */
  private readonly joinsAtEnd: boolean
  /** The path of the walk: tasks whose dependencies are being visited, and how many of these were. */
  private readonly stack: Array<TaskImpl> = []
  private readonly next: Array<number> = []
  private root = 0

  constructor(handles: ReadonlyArray<Handle>, live: Live, ambient: Ambient, joinsAtEnd: boolean) {
    super()
    this.handles = handles
    this.live = live
    this.ambient = ambient
    this.joinsAtEnd = joinsAtEnd
  }

  /** What the walk has found. */
  compiled(): Compiled | Refused {
    const draft = this.drafted(this.handles.map((handle) => this.referenceTo(handle, undefined)))
    return isRefused(draft) ? draft : this.finished(draft, formOf(draft), undefined)
  }

  atOnce(): Compiled | Refused {
    while (!this.walk(everything)) continue
    return this.compiled()
  }

  private finished(given: Draft, givenForm: Form, made: Made | undefined): Compiled {
    const { ambient } = this
    const { cache, defaults, passes } = ambient
    const plain = { draft: given, form: givenForm }
    const { draft, form } = passes === undefined ? plain : apply(plain, passes, cache)
    const { nodes, settings, targets } = draft
    const isMade = made?.draft.nodes === nodes
    // Culled and rewritten tasks have moved.
    const functions = isMade ? made.functions : nodes === this.nodes ? this.functions : nodes.map(functionOf)
    const portable = isMade
      ? made.portable
      : this.hasPortable
      ? portableIn(nodes, () => ambient)
      : undefined
    const plan = planOf(form, settings, portable, nodes, functions, ambient, defaults, undefined)
    const successions = this.successionsIn(settings)
    return successions === undefined ? { targets, plan } : { targets, plan, successions }
  }

  /**
   * Depth first with a stack of its own, so that a chain of a million tasks is no deeper than one of two. Returns whether the walk
   * ended within so many steps.
   */
  walk(steps: number): boolean {
    const { handles, next, stack } = this
    let left = steps
    for (;;) {
      while (stack.length > 0 && this.fault === undefined) {
        const top = stack.length - 1
        const task = stack[top]!
        const own = task.handles
        let i = next[top]!
        // Most dependencies have been visited before, by way of others.
        while (i < own.length && left > 0 && this.isPassed(own[i]!)) {
          i++
          left--
        }
        next[top] = i
        if (--left < 0) return false
        if (i === own.length) {
          stack.pop()
          next.pop()
          this.add(task)
          continue
        }
        next[top] = i + 1
        // A future is passed.
        this.visit(own[i] as TaskImpl)
      }
      if (this.fault !== undefined || this.root === handles.length) return true
      if (--left < 0) return false
      const handle = handles[this.root++]!
      if (isTask(handle)) this.visit(handle)
    }
  }

  /** Whether a handle needs no visit. */
  private isPassed(handle: Handle): boolean {
    return !isTask(handle) || handle.stamp === this.stamp + 1
  }

  private visit(task: TaskImpl): void {
    if (task.stamp === this.stamp + 1) return
    if (task.stamp === this.stamp) return this.refuseCycle(task)
    const moved = this.moved?.get(task)
    if (moved === undefined) this.enter(task)
    else if (!moved.isDone) this.refuseCycle(task)
  }

  private enter(task: TaskImpl): void {
    if (task.misplaced !== undefined || task.options !== noOptions) {
      this.check(task)
      const { key, pure } = task.options
      // The work of a pure task is known only after its arguments.
      if (key !== undefined && pure !== true && this.isKnown(task, { key, work: task })) return
    }
    mark(task, this.stamp)
    this.stack.push(task)
    this.next.push(0)
  }

  // ---- in turns

  *inPieces(steps: number): InPieces<Settle> {
    // Between two turns their list may be changed.
    this.handles = this.handles.slice()
    // Another compilation since may have overwritten marks.
    const walk = stamps === this.stamp ? this : new Compiler(this.handles, this.live, this.ambient, this.joinsAtEnd)
    const targets: Array<Reference> = []
    openWalks.set(walk.stamp, walk)
    try {
      yield
      walk.isInPieces = true
      while (!walk.walk(steps)) {
        walk.spill(largestList)
        yield
      }
      // It reads the marks too.
      yield* walk.findTargets(targets, steps)
    } finally {
      openWalks.delete(walk.stamp)
    }
    yield* walk.make(targets, steps)
    return Object.assign(() => walk.settle(), { likely: walk.made?.compiled })
  }

  private findTargets(targets: Array<Reference>, steps: number): Iterable<void> {
    const { handles } = this
    return pieces(handles.length, steps, (from, to) => {
      for (let i = from; i < to; i++) targets.push(this.referenceTo(handles[i]!, undefined))
    })
  }

  private *make(targets: ReadonlyArray<Reference>, steps: number): InPieces<void> {
    const draft = yield* this.draftedInPieces(targets)
    if (isRefused(draft)) return
    const form = yield* formInPieces(draft, steps)
    const { nodes } = draft
    const { context } = this.ambient
    const placeOf = placing()
    const functions: Array<Plain | undefined> = []
    const portable = this.hasPortable ? new Int32Array(nodes.length) : undefined
    yield* pieces(nodes.length, steps, (from, to) => {
      for (let i = from; i < to; i++) {
        const node = nodes[i]!
        functions.push(functionOf(node))
        const { named } = node
        if (named !== undefined) portable![i] = entryOf(named, placeOf(named, context))
      }
    })
    const made = { draft, form, functions, portable, compiled: undefined }
    // Passes may use results that come by then.
    const isLast = this.ambient.passes === undefined && this.fault === undefined && this.replaced === undefined
    this.made = isLast ? { ...made, compiled: this.finished(draft, form, made) } : made
  }

  private settle(): Compiled | Refused | Walking {
    const { ambient, fault, handles, joinsAtEnd, live, made } = this
    if (made === undefined && !joinsAtEnd) return refusalOf(fault!)
    const { annotations: { namespace } } = ambient
    for (const { id, identity, named, task } of this.joined ?? nothingJoined) {
      if (live.find(identity) !== id || live.isSpent(id)) return new Compiler(handles, live, ambient, true)
      // Another task of that name may have its row by now.
      if (namespace !== undefined) this.compare(task, named, id, namespace)
    }
    // A fault below a task that is joined now is none, so a compilation at this moment decides.
    return (made && this.settled(made)) ?? compile(handles, live, ambient)
  }

  /** The plan with the live tasks of this moment; `undefined` if there is a fault that may lie below one of them. */
  private settled(made: Made): Compiled | Refused | undefined {
    const { draft, form } = made
    const known = this.knownNow(draft)
    if (this.fault !== undefined) return undefined
    const culled = known && cull(draft, known)
    const fault = this.checkFutures(culled?.draft ?? draft, culled === undefined && draft.nodes === this.nodes)
    if (fault !== undefined) return refusalOf(fault)
    if (culled === undefined && made.compiled !== undefined && this.replaced === undefined) return made.compiled
    return culled === undefined
      ? this.finished(draft, form, made)
      : this.finished(culled.draft, formWithin(form, culled), made)
  }

  /** The nodes of which live tasks or results in the cache take the place at this moment; `undefined` if there are none. */
  private knownNow({ nodes, settings }: Draft): Known<TaskImpl> | undefined {
    const { ambient, live } = this
    const { annotations: { namespace }, conflict: wish } = ambient
    const joined = new Map<number, TaskId>()
    const ended = new Map<number, readonly [TaskImpl, Settings | undefined]>()
    this.replaced = undefined
    for (const [index, each] of settings) {
      if (each.identity === undefined) continue
      const named = namedBy(each)!
      const task = nodes[index]!
      if (wish === "refuse" || wish === "replace") this.meet(named.key, namespace, wish)
      else {
        const id = live.find(each.identity)
        if (id >= 0 && !live.isSpent(id)) {
          if (namespace !== undefined) this.compare(task, named, id, namespace)
          joined.set(index, id)
          continue
        }
      }
      const found = task instanceof CachedTask ? undefined : this.cached(task, named.key)
      if (found === undefined) continue
      const cached = new CachedTask(task, found.value)
      ended.set(index, [cached, settingsOf(cached, named, ambient)])
    }
    return joined.size + ended.size === 0 ? undefined : { joined, ended }
  }

  /** The fault of a future that was released or cancelled since the walk. */
  private checkFutures({ edges, nodes, offsets }: Draft, isWhole: boolean): SubmitReason | Mistake | undefined {
    for (const handle of this.given) this.refuseGone(handle, undefined)
    // In a whole draft the nodes that have any are known by their index.
    const some = isWhole ? this.dependsOnGiven : nodes.keys()
    for (const i of some) {
      for (let e = offsets[i]!; e < offsets[i + 1]!; e++) {
        if (edges[e]! >= 0) continue
        const handle = nodes[i]!.handles[e - offsets[i]!]!
        if (!isTask(handle)) this.refuseGone(handle, nodes[i])
      }
    }
    return this.fault
  }

  keepMark(task: TaskImpl): void {
    this.moved ??= new Map()
    this.moved.set(task, { isDone: task.stamp === this.stamp + 1, index: task.index })
  }

  private check(task: TaskImpl): void {
    const mistake = faultOf(task)
    if (mistake !== undefined) this.refuse(mistake)
  }

  /** Whether a task with a key needs no node of its own: it runs already, or its result is in the cache. */
  private isKnown(task: TaskImpl, named: Named): boolean {
    if (this.joins(task, named)) return true
    const found = this.cached(task, named.key)
    if (found === undefined) return false
    this.finish(task, this.place(new CachedTask(task, found.value), named), named)
    return true
  }

  private cached(task: TaskImpl, key: string): ReturnType<Cache["find"]> {
    const { cache } = this.ambient
    // The resource of a result is gone when that is released.
    if (cache === undefined || task.options.resource === true || !isFor(cache, task)) return undefined
    return cache.find(key)
  }

  private joins(task: TaskImpl, named: Named): boolean {
    const { key, work } = named
    const own = this.keys.get(key)
    if (own !== undefined) {
      if (own.work !== work) this.refuse(conflict(key, task, own.work, inGraph))
      this.finish(task, own.reference, undefined)
      return true
    }
    const { annotations: { namespace }, conflict: wish } = this.ambient
    if (wish === "refuse" || wish === "replace") {
      this.meet(key, namespace, wish)
      return false
    }
    if (this.joinsAtEnd) return false
    const identity = identityIn(this.ambient, key, work)
    const id = this.live.find(identity)
    if (id < 0 || this.live.isSpent(id)) return false
    // Outside of namespaces equal identities say that already.
    if (namespace !== undefined) this.compare(task, named, id, namespace)
    this.joined ??= []
    this.joined.push({ identity, id, task, named })
    this.finish(task, ~id, named)
    return true
  }

  /** Others may have the key of a task that joins none of them. */
  private meet(key: string, namespace: string | undefined, conflict: "refuse" | "replace"): void {
    const runs = this.live.runs(namespace, key)
    if (runs.length === 0) return
    if (conflict === "replace") {
      if (this.ambient.passes !== undefined) {
        this.refuse(invalidOption("conflict", conflict, "no value beside passes, which may merge tasks"))
      }
      this.replaced ??= new Map()
      this.replaced.set(key, runs.flatMap(({ hasEnded, id }) => hasEnded ? [] : [id]))
      return
    }
    const run = runs.find(({ id, isJoinable }) => isJoinable && !this.live.isSpent(id))
    if (run !== undefined) this.refuse(refusedConflict(key, run.graph))
  }

  /** The tasks that replace others, and those. */
  private successionsIn(settings: Plan["settings"]): Compiled["successions"] {
    const { replaced } = this
    if (replaced === undefined) return undefined
    return [...settings].flatMap(([index, { key }]) => {
      const formers = key === undefined ? undefined : replaced.get(key)
      return formers === undefined || formers.length === 0 ? [] : [{ index, formers }]
    })
  }

  private compare(task: TaskImpl, { key, work }: Named, id: TaskId, namespace: string): void {
    const other = this.live.namedOf(id)!.work
    if (other !== work) this.refuse(conflict(key, task, other, inNamespace(namespace)))
  }

  /** All dependencies of `task` have indices; now it gets its own. */
  private add(task: TaskImpl): void {
    const named = task.options === noOptions ? undefined : this.namedIn(task)
    if (named !== undefined && this.isKnownByNow(task, named)) {
      this.hasOrphans = true
      return
    }
    for (let i = 0; i < task.handles.length; i++) this.edges.push(this.referenceTo(task.handles[i]!, task))
    this.finish(task, this.place(task, named), named)
  }

  /** The work of a pure task is known only now; and the key of a task may have been taken by one of its own dependencies. */
  private isKnownByNow(task: TaskImpl, named: Named): boolean {
    return task.options.pure === true ? this.isKnown(task, named) : this.keys.has(named.key) && this.joins(task, named)
  }

  private place(node: TaskImpl, named: Named | undefined): number {
    // A list less that grows: they are found in the pieces after the walk.
    if (!this.isInPieces) this.functions.push(functionOf(node))
    const { named: body } = node
    if (body !== undefined) this.addPortable(node, body)
    return this.push(node, settingsOf(node, named, this.ambient))
  }

  private addPortable(node: TaskImpl, named: PortableName): void {
    this.hasPortable = true
    const fault = portableFault(node, named, this.placeOf(named, this.ambient.context))
    if (fault !== undefined) this.refuse(fault)
  }

  private finish(task: TaskImpl, reference: Reference, named: Named | undefined): void {
    mark(task, this.stamp + 1)
    task.index = reference
    if (named === undefined) return
    if (this.keys === noKeys) this.keys = new Map()
    this.keys.set(named.key, { work: named.work, reference })
  }

  /** The index of a dependency of a task, or of the request itself. */
  private referenceTo(handle: Handle, dependent: TaskImpl | undefined): Reference {
    if (isTask(handle)) return this.indexOf(handle)
    if (dependent === undefined) this.given.push(handle)
    else this.dependsOnGiven.push(this.nodes.length)
    return this.refuseGone(handle, dependent) ? 0 : ~handle.claim.task
  }

  private refuseGone(handle: FutureImpl, dependent: TaskImpl | undefined): boolean {
    const why = this.live.refuse(handle)
    if (why === undefined) return false
    const key = dependent === undefined ? undefined : nameOf(dependent)
    this.refuse(new InvalidDependency({ key, dependency: `the future ${quote(handle.key)}`, why }))
    return true
  }

  /** The index of a task that has one. */
  private indexOf(task: TaskImpl): Reference {
    return task.stamp === this.stamp + 1 ? task.index : this.moved?.get(task)?.index ?? 0
  }

  private refuseCycle(to: TaskImpl): void {
    const cycle = this.stack.slice(this.stack.indexOf(to))
    this.refuse(new Cycle({ path: [...cycle, to].map(nameOf) }))
  }

  private namedIn(task: TaskImpl): Named | undefined {
    const named = namedIn(task, this.live.home, (argument) => this.namedNode(argument))
    return named !== undefined && "_tag" in named ? this.refuse(named) : named
  }

  /** The name and the work of a task that has an index. */
  private namedNode(task: TaskImpl): Named | undefined {
    const index = this.indexOf(task)
    return index >= 0 ? namedBy(this.settings.get(index)) : this.live.namedOf(~index)
  }
}

/** The fault of a task by itself, if any. */
const faultOf = (task: TaskImpl): SubmitReason | Mistake | undefined => {
  const invalid = task.options.invalid?.[0] ?? contradiction(task.options)
  if (invalid !== undefined) return reasonOf(invalid, givenName(task))
  return task.misplaced === undefined ? undefined : misplaced(nameOf(task), task.misplaced)
}

/** The settings of a task for the engine. */
export const settingsOf = (
  task: TaskImpl,
  named: Named | undefined,
  ambient: Ambient
): Settings | undefined => {
  const { kind } = task
  const absorbs = kind === "exit"
  const literal = kind === "value"
  if (!absorbs && !literal && task.options === noOptions) return undefined
  const options = isAsked(task, ambient.context) ? stayingOf(task.options) : task.options
  return {
    key: named?.key,
    identity: named && identityIn(ambient, named.key, named.work),
    work: named?.work,
    label: options.label,
    priority: options.priority,
    absorbs,
    literal,
    policies: policiesOf(task),
    resource: options.resource,
    timeoutMillis: options.timeoutMillis,
    deadlineMillis: options.deadlineMillis,
    dependencyTimeoutMillis: options.dependencyTimeoutMillis,
    graceMillis: options.graceMillis,
    waitForWorkersMillis: options.waitForWorkersMillis,
    // A task's own schedule takes precedence over a region.
    idempotent: options.idempotent ?? (options.retry === undefined ? undefined : true),
    demand: literal ? undefined : demandOf(options)
  }
}

/** The demand on a worker in the options. */
const demandOf = (options: TaskOptions): Demand | undefined => {
  const { allowOthers, keepResources, labels, locality, resources, tags, workers } = options
  return (workers ?? labels ?? locality ?? resources ?? tags) === undefined
    ? undefined
    : { workers, labels, allowOthers, locality, amounts: resources, keepsAmounts: keepResources, tags }
}

/** A misplaced handle in the inputs of the task with this key, or in the request itself. */
export const misplaced = (key: string | undefined, { what, why }: Misplaced): InvalidDependency =>
  new InvalidDependency({ key, dependency: what, why })

export const isWalking = (compiled: Compiled | Refused | Walking): compiled is Walking => compiled instanceof Compiler

keepSpecimen(new Compiler([], {} as Live, {} as Ambient, false))
