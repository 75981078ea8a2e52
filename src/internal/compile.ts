/**
 * From tasks to a plan: a walk through all that the targets depend on, each task once, with keys resolved and every
 * mistake found before anything starts.
 *
 * @internal
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Defaults, Plan, Reference, Settings } from "../engine/Plan.ts"
import type { Place, TaskId } from "../engine/State.ts"
import { GraphError } from "../SkeinError.ts"
import type { GraphReason } from "../SkeinError.ts"
import { encode } from "./canonical.ts"
import type { Encoded } from "./canonical.ts"
import { Given } from "./inputs.ts"
import { contradiction } from "./options.ts"
import { cull, positionsOf } from "./planning.ts"
import type { Draft } from "./planning.ts"
import { isFuture, isTask, noHandles, noOptions, TaskImpl } from "./task.ts"
import type { FutureImpl, Handle, Misplaced, Plain, TaskOptions } from "./task.ts"

/** Results of earlier runs by key; new ones are added to it. A `Map` will do. */
export interface ResultCache {
  readonly has: (key: string) => boolean
  readonly get: (key: string) => unknown
  readonly set: (key: string, value: unknown) => unknown
}

/** A cache as a run sees it: it never throws. */
export interface Cache {
  readonly find: (key: string) => { readonly value: unknown } | undefined
  readonly set: (key: string, value: unknown) => void
}

/** What the compiler must know of the scheduler that will run the plan. */
export interface Live {
  /** The live task with this explicit key, or -1. */
  readonly find: (key: string) => TaskId
  readonly placeOf: (id: TaskId) => Place
  readonly keyOf: (id: TaskId) => string
  /** Whether the future is one of this scheduler and still claimed: else why not. */
  readonly refuse: (future: FutureImpl) => string | undefined
}

/** What the tasks of one submission share: the context of their submitter, what its region says, and a cache for results. */
export interface Run {
  readonly context: Context.Context<never>
  readonly annotations: TaskOptions
  readonly defaults: Defaults | undefined
  readonly fork: (effect: Effect.Effect<any, any>) => Fiber.Fiber<any, any>
  readonly cache: Cache | undefined
}

/** The world of a submission in this context, in no region and without a cache. */
export const runIn = (context: Context.Context<never>): Run => ({
  context,
  annotations: noOptions,
  defaults: undefined,
  fork: Effect.runForkWith(context),
  cache: undefined
})

/** A plan with what the engine never looks at: bodies, and the world they run in. It lives as long as one of its tasks. */
export interface LivePlan extends Plan {
  /** The task of each plan index. */
  readonly nodes: ReadonlyArray<TaskImpl>
  /**
   * The function of each task that takes the results of its dependencies as an array and does nothing else: its start need
   * not look at the task, which in a large graph is two misses of the cache.
   */
  readonly functions: ReadonlyArray<Plain | undefined>
  readonly run: Run
  /** The worlds of the tasks of a plan that runs them again: they come from several submissions. */
  readonly runs: ReadonlyArray<Run> | undefined
}

/** The world in which a task of a plan runs. */
export const runOf = ({ run, runs }: LivePlan, index: number): Run => runs === undefined ? run : runs[index]!

export const runAt = ({ index, submission }: Place): Run => runOf(submission.plan as LivePlan, index)

export const taskAt = ({ index, submission }: Place): TaskImpl => (submission.plan as LivePlan).nodes[index]!

export interface Compiled {
  readonly plan: LivePlan
  /** Where each target is, in the order given. */
  readonly targets: ReadonlyArray<Reference>
}

/** The plan of `targets`, or what is wrong with it. */
export const compile = (
  targets: ReadonlyArray<Handle>,
  live: Live,
  run: Run
): Compiled | GraphError => {
  const invalid = run.annotations.invalid?.[0]
  if (invalid !== undefined) return new GraphError({ reason: { _tag: "InvalidOption", ...invalid } })
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

/** See `LivePlan.functions`. */
export const functionOf = ({ options, plain, shape }: TaskImpl): Plain | undefined =>
  shape === "array" && options === noOptions ? plain : undefined

let stamps = 0

/** Marks of a walk on the tasks themselves: `stamp` while the dependencies are visited, `stamp + 1` when done. */
const nextStamp = (): number => stamps += 2

class Compiler {
  private readonly stamp = nextStamp()
  private readonly nodes: Array<TaskImpl> = []
  private readonly functions: Array<Plain | undefined> = []
  private readonly offsets: Array<number> = [0]
  private readonly targets: Array<number> = []
  private readonly settings = new Map<number, Settings>()
  /** Explicit keys of this plan. */
  private readonly keys = new Map<string, { readonly task: TaskImpl; readonly reference: Reference }>()
  private readonly live: Live
  private readonly run: Run
  /** A pure task turned out to run already after its dependencies had been given places. */
  private hasJoinedLate = false
  /** The first thing that was wrong; the walk stops there. */
  private mistake: GraphReason | undefined

  constructor(live: Live, run: Run) {
    this.live = live
    this.run = run
  }

  compile(handles: ReadonlyArray<Handle>): Compiled | GraphError {
    for (let i = 0; i < handles.length; i++) if (isTask(handles[i])) this.walk(handles[i] as TaskImpl)
    const targets = handles.map((handle) => this.referenceTo(handle, undefined))
    if (this.mistake !== undefined) return new GraphError({ reason: this.mistake })
    const draft: Draft = {
      nodes: this.nodes,
      targets,
      offsets: Int32Array.from(this.offsets),
      edges: Int32Array.from(this.targets),
      settings: this.settings
    }
    return this.finished(this.hasJoinedLate ? cull(draft) : draft)
  }

  private finished({ edges, nodes, offsets, settings, targets }: Draft): Compiled {
    const size = nodes.length
    const positions = positionsOf(size, offsets, edges)
    const { run } = this
    const { defaults } = run
    // What was culled has moved.
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
    this.finish(task, this.push(new CachedTask(task, found.value), key), key)
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

  private refuse(reason: GraphReason): undefined {
    this.mistake ??= reason
  }

  /** All dependencies of `task` have their places; now it gets its own. */
  private add(task: TaskImpl): void {
    const key = task.options === noOptions ? undefined : this.keyFor(task)
    if (key !== undefined && this.isKnownByNow(task, key)) {
      this.hasJoinedLate = true
      return
    }
    for (let i = 0; i < task.handles.length; i++) this.targets.push(this.referenceTo(task.handles[i]!, task))
    this.finish(task, this.push(task, key), key)
  }

  /** A pure call has its key only now; that of another task may have been taken by one of its own dependencies. */
  private isKnownByNow(task: TaskImpl, key: string): boolean {
    return key === task.options.key ? this.keys.has(key) && this.joins(task, key) : this.isKnown(task, key)
  }

  /** A plan index for `node`, whose dependencies have been written. */
  private push(node: TaskImpl, key: string | undefined): number {
    const index = this.nodes.push(node) - 1
    this.functions.push(functionOf(node))
    this.offsets.push(this.targets.length)
    const settings = settingsOf(node, key)
    if (settings !== undefined) this.settings.set(index, settings)
    return index
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
  if (invalid !== undefined) return { _tag: "InvalidOption", key: givenName(task), ...invalid }
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
    resource: options.resource,
    timeoutMillis: options.timeoutMillis,
    deadlineMillis: options.deadlineMillis,
    dependencyTimeoutMillis: options.dependencyTimeoutMillis,
    graceMillis: options.graceMillis,
    idempotent: options.idempotent
  }
}

/** The explicit key of a task, the one that its name and arguments make, or why they make none. */
export const keyFor = (
  task: TaskImpl,
  home: object,
  keyOf: (argument: TaskImpl) => string | undefined
): string | undefined | GraphReason => {
  const { key, name, pure } = task.options
  if (key !== undefined || pure !== true) return key
  if (name === undefined || name === "") {
    const expected = "a key, or a function with a name, beside it"
    return { _tag: "InvalidOption", key: givenName(task), option: "pure", value: true, expected }
  }
  const encoded = encode(task.inputs, (value) => encodeHandle(value, home, keyOf), "arguments")
  if ("text" in encoded) return keyOfCall(name, encoded.text)
  return { _tag: "InvalidArgument", key: name, path: encoded.path, why: encoded.why }
}

const encodeHandle = (
  value: unknown,
  home: object,
  keyOf: (argument: TaskImpl) => string | undefined
): Encoded | { readonly value: unknown } | undefined => {
  if (value instanceof Given) return value
  if (isFuture(value)) {
    // The scheduler's name only where it is another, which is refused: names must not depend on what else the process runs.
    const elsewhere = value.core === home ? "" : `${value.core.name}/`
    return { text: `future(${elsewhere}${value.submission.sequence + value.index})` }
  }
  if (!isTask(value)) return undefined
  if (value.body._tag === "value") return value.body
  const key = keyOf(value)
  if (key === undefined) return { path: "", why: "it is a task without a key" }
  return { text: `task(${JSON.stringify(key)})` }
}

/** Stands for a task whose result was in the cache. */
class CachedTask extends TaskImpl {
  readonly origin: TaskImpl

  constructor(origin: TaskImpl, value: unknown) {
    const { key, label, priority } = origin.options
    super({ _tag: "value", value }, undefined, "none", noHandles, { key, label, priority }, undefined)
    this.origin = origin
  }
}

const originOf = (task: TaskImpl): TaskImpl => task instanceof CachedTask ? task.origin : task

/** A handle that lies where it cannot be, in the inputs of the task with this key or in the request itself. */
export const misplaced = (key: string | undefined, { what, why }: Misplaced): GraphReason => ({
  _tag: "InvalidDependency",
  key,
  dependency: what,
  why
})

/** Keys longer than this are shortened to 128 bits of their SHA-256. */
const maxKeyLength = 120

const keyOfCall = (name: string, args: string): string => {
  const text = `${name}(${args.startsWith("[") ? args.slice(1, -1) : args})`
  return text.length <= maxKeyLength ? text : `${name}(${bytesToHex(sha256(utf8ToBytes(text)).subarray(0, 16))})`
}

/** Whether submitting `b` may join the run of `a`. */
export const areSame = (a: TaskImpl, b: TaskImpl): boolean => {
  const first = originOf(a)
  const second = originOf(b)
  return first === second || (first.options.pure === true && second.options.pure === true)
}

const givenName = ({ options }: TaskImpl): string | undefined =>
  options.key || options.label || options.name || undefined

export const nameOf = (task: TaskImpl): string => givenName(task) ?? "task"
