/**
 * From tasks to a plan: a walk through all that the targets depend on, each task once, with keys resolved and every
 * mistake found before anything starts.
 *
 * @internal
 */
import type { Demand, Plan, Reference, Settings } from "../engine/Plan.ts"
import { keepSpecimen } from "../engine/specimens.ts"
import type { Place } from "../engine/Submission.ts"
import type { TaskId } from "../engine/TaskTable.ts"
import { GraphError } from "../SkeinError.ts"
import type { GraphReason } from "../SkeinError.ts"
import { reasonOf } from "./checks.ts"
import { policiesOf } from "./dependency.ts"
import { areSame, CachedTask, givenName, keyFor, nameOf } from "./keys.ts"
import { functionOf, taskAt } from "./livePlan.ts"
import type { Compiled, LivePlan, Run } from "./livePlan.ts"
import { contradiction } from "./options.ts"
import { apply } from "./passes.ts"
import { Drafting, positionsOf } from "./planning.ts"
import type { Draft } from "./planning.ts"
import { isTask, noOptions } from "./task.ts"
import type { FutureImpl, Handle, Misplaced, Plain, TaskImpl, TaskOptions } from "./task.ts"

/** What the compiler must know of the scheduler that will run the plan. */
export interface Live {
  /** The live task with this explicit key, or -1. */
  readonly find: (key: string) => TaskId
  readonly placeOf: (id: TaskId) => Place
  readonly keyOf: (id: TaskId) => string
  /** Whether the future is one of this scheduler and still claimed: else why not. */
  readonly refuse: (future: FutureImpl) => string | undefined
}

/** The plan of `targets`, or what is wrong with it. */
export const compile = (
  targets: ReadonlyArray<Handle>,
  live: Live,
  run: Run
): Compiled | GraphError => {
  const invalid = run.annotations.invalid?.[0]
  if (invalid !== undefined) return new GraphError({ reason: reasonOf(invalid) })
  const only = targets[0]
  if (targets.length === 1 && isTask(only) && isSingle(only)) {
    const functions = [functionOf(only)]
    const { defaults } = run
    return { plan: { ...onePlan, nodes: [only], functions, run, defaults, runs: undefined }, targets: onlyFirst }
  }
  return new Compiler(live, run).compile(targets)
}

/** Whether a task depends on nothing and asks for nothing: the usual child in a recursion. */
const isSingle = (task: TaskImpl): boolean =>
  task.handles.length === 0 && task.options === noOptions && task.misplaced === undefined

const onlyFirst: ReadonlyArray<Reference> = [0]

const onePlan: Plan = {
  size: 1,
  offsets: new Int32Array(2),
  targets: new Int32Array(0),
  positions: new Int32Array(1),
  settings: new Map()
}

let stamps = 0

/** Marks of a walk on the tasks themselves: `stamp` while the dependencies are visited, `stamp + 1` when done. */
const nextStamp = (): number => stamps += 2

class Compiler extends Drafting<TaskImpl> {
  private readonly stamp = nextStamp()
  private readonly functions: Array<Plain | undefined> = []
  /** Explicit keys of this plan. */
  private readonly keys = new Map<string, { readonly task: TaskImpl; readonly reference: Reference }>()
  private readonly live: Live
  private readonly run: Run

  constructor(live: Live, run: Run) {
    super()
    this.live = live
    this.run = run
  }

  compile(handles: ReadonlyArray<Handle>): Compiled | GraphError {
    for (let i = 0; i < handles.length; i++) if (isTask(handles[i])) this.walk(handles[i] as TaskImpl)
    const draft = this.drafted(handles.map((handle) => this.referenceTo(handle, undefined)))
    return draft instanceof GraphError ? draft : this.finished(draft)
  }

  private finished(given: Draft): Compiled {
    const { run } = this
    const { cache, defaults, passes } = run
    const plain = { draft: given, positions: positionsOf(given.nodes.length, given.offsets, given.edges) }
    const { draft, positions } = passes === undefined ? plain : apply(plain, passes, cache)
    const { edges, nodes, offsets, settings, targets } = draft
    const size = nodes.length
    // What was culled or written anew has moved.
    const functions = nodes === this.nodes ? this.functions : nodes.map(functionOf)
    const plan: LivePlan = {
      size,
      offsets,
      targets: edges,
      settings,
      positions,
      nodes,
      functions,
      run,
      defaults,
      runs: undefined
    }
    return { targets, plan }
  }

  /** Depth first with a stack of its own, so that a chain of a million tasks is no deeper than one of two. */
  private walk(root: TaskImpl): void {
    if (root.stamp === this.stamp + 1) return
    const stack: Array<TaskImpl> = []
    const next: Array<number> = []
    this.enter(root, stack, next)
    while (stack.length > 0 && this.mistake === undefined) {
      const top = stack.length - 1
      const task = stack[top]!
      const i = next[top]!
      if (i === task.handles.length) {
        stack.pop()
        next.pop()
        this.add(task)
        continue
      }
      next[top] = i + 1
      const handle = task.handles[i]!
      if (!isTask(handle) || handle.stamp === this.stamp + 1) continue
      if (handle.stamp === this.stamp) this.refuseCycle(stack, handle)
      else this.enter(handle, stack, next)
    }
  }

  private enter(task: TaskImpl, stack: Array<TaskImpl>, next: Array<number>): void {
    if (task.misplaced !== undefined || task.options !== noOptions) {
      this.check(task)
      if (task.options.key !== undefined && this.isKnown(task, task.options.key)) return
    }
    task.stamp = this.stamp
    stack.push(task)
    next.push(0)
  }

  private check(task: TaskImpl): void {
    const mistake = mistakeOf(task)
    if (mistake !== undefined) this.refuse(mistake)
  }

  /** Whether a task with a key needs no node of its own: it runs already, or its result is in the cache. */
  private isKnown(task: TaskImpl, key: string): boolean {
    if (this.joins(task, key)) return true
    // What a result owns is gone when that is released.
    const found = task.options.resource === true ? undefined : this.run.cache?.find(key)
    if (found === undefined) return false
    this.finish(task, this.place(new CachedTask(task, found.value), key), key)
    return true
  }

  private joins(task: TaskImpl, key: string): boolean {
    const own = this.keys.get(key)
    if (own !== undefined) {
      if (!areSame(own.task, task)) this.refuse({ _tag: "KeyConflict", key, why: "another task of this graph has it" })
      this.finish(task, own.reference, key)
      return true
    }
    const id = this.live.find(key)
    if (id < 0) return false
    if (!areSame(taskAt(this.live.placeOf(id)), task)) {
      this.refuse({ _tag: "KeyConflict", key, why: "another task with it is live" })
    }
    this.finish(task, ~id, key)
    return true
  }

  /** All dependencies of `task` have their places; now it gets its own. */
  private add(task: TaskImpl): void {
    const key = task.options === noOptions ? undefined : this.keyFor(task)
    if (key !== undefined && this.isKnownByNow(task, key)) {
      this.hasJoinedLate = true
      return
    }
    for (let i = 0; i < task.handles.length; i++) this.edges.push(this.referenceTo(task.handles[i]!, task))
    this.finish(task, this.place(task, key), key)
  }

  /** A pure call has its key only now; that of another task may have been taken by one of its own dependencies. */
  private isKnownByNow(task: TaskImpl, key: string): boolean {
    return key === task.options.key ? this.keys.has(key) && this.joins(task, key) : this.isKnown(task, key)
  }

  private place(node: TaskImpl, key: string | undefined): number {
    this.functions.push(functionOf(node))
    return this.push(node, settingsOf(node, key))
  }

  private finish(task: TaskImpl, reference: Reference, key: string | undefined): void {
    task.stamp = this.stamp + 1
    task.index = reference
    if (key !== undefined && !this.keys.has(key)) this.keys.set(key, { task, reference })
  }

  /** The place of what a task, or the request itself, depends on. */
  private referenceTo(handle: Handle, dependent: TaskImpl | undefined): Reference {
    if (isTask(handle)) return handle.index
    const why = this.live.refuse(handle)
    if (why === undefined) return ~handle.claim.task
    const key = dependent === undefined ? undefined : nameOf(dependent)
    this.refuse({ _tag: "InvalidDependency", key, dependency: `the future ${JSON.stringify(handle.key)}`, why })
    return 0
  }

  private refuseCycle(stack: ReadonlyArray<TaskImpl>, to: TaskImpl): void {
    const cycle = stack.slice(stack.indexOf(to))
    this.refuse({ _tag: "Cycle", path: [...cycle, to].map(nameOf) })
  }

  /** The explicit key of a task, or the one that its name and arguments make. */
  private keyFor(task: TaskImpl): string | undefined {
    const key = keyFor(task, this.live, (argument) => this.keyOfNode(argument))
    return typeof key === "object" ? this.refuse(key) : key
  }

  /** The key of a task that has its place. */
  private keyOfNode(task: TaskImpl): string | undefined {
    return task.index >= 0 ? this.settings.get(task.index)?.key : this.live.keyOf(~task.index)
  }
}

/** What is wrong with a task whatever it depends on. */
export const mistakeOf = (task: TaskImpl): GraphReason | undefined => {
  const invalid = task.options.invalid?.[0] ?? contradiction(task.options)
  if (invalid !== undefined) {
    const reason = reasonOf(invalid)
    return reason._tag === "UnknownKey" ? reason : { ...reason, key: givenName(task) }
  }
  return task.misplaced === undefined ? undefined : misplaced(nameOf(task), task.misplaced)
}

/** What the engine is told of a task beyond its dependencies. */
export const settingsOf = (task: TaskImpl, key: string | undefined): Settings | undefined => {
  const { options, plain } = task
  const absorbs = plain === undefined && task.body._tag === "exit"
  if (!absorbs && options === noOptions) return undefined
  return {
    key,
    label: options.label,
    priority: options.priority,
    absorbs,
    policies: policiesOf(task),
    resource: options.resource,
    timeoutMillis: options.timeoutMillis,
    deadlineMillis: options.deadlineMillis,
    dependencyTimeoutMillis: options.dependencyTimeoutMillis,
    graceMillis: options.graceMillis,
    waitForWorkersMillis: options.waitForWorkersMillis,
    // A schedule of its own is further inside than a region.
    idempotent: options.idempotent ?? (options.retry === undefined ? undefined : true),
    demand: demandOf(options)
  }
}

/** What the options ask of a worker beyond a slot. */
const demandOf = (options: TaskOptions): Demand | undefined => {
  const { allowOthers, keepResources, labels, locality, resources, tags, workers } = options
  return (workers ?? labels ?? locality ?? resources ?? tags) === undefined
    ? undefined
    : { workers, labels, allowOthers, locality, amounts: resources, keepsAmounts: keepResources, tags }
}

/** A handle that lies where it cannot be, in the inputs of the task with this key or in the request itself. */
export const misplaced = (key: string | undefined, { what, why }: Misplaced): GraphReason => ({
  _tag: "InvalidDependency",
  key,
  dependency: what,
  why
})

keepSpecimen(new Compiler({} as Live, {} as Run))
