/** Plans written as records: `plan({ a: [], b: ["a"] })`. */
import type { Plan, Reference, Settings } from "../../src/engine/protocol/Plan.ts"

/** A dependency: the name of a task of the same plan, or `~id` for a live one. */
export type Dependency = string | Reference

export interface Options {
  /** Static positions by name; by insertion unless told. */
  readonly positions?: Readonly<Record<string, number>>
  readonly settings?: Readonly<Record<string, Settings>>
  /** Gives no explicit keys: tasks are known as `name#number`. */
  readonly anonymous?: boolean
  /** The share of all that names none. */
  readonly share?: string
  /** The names of portable tasks. */
  readonly portable?: ReadonlyArray<string>
  /** The names of remote tasks. */
  readonly remote?: ReadonlyArray<string>
}

/** Builds a plan. A task's key is its name, and its identity is its key, unless told. */
export const plan = (graph: Readonly<Record<string, ReadonlyArray<Dependency>>>, options: Options = {}): Plan => {
  const names = Object.keys(graph)
  const offsets = [0]
  const targets: Array<number> = []
  const settings = new Map<number, Settings>()
  for (const [index, name] of names.entries()) {
    for (const dependency of graph[name]!) targets.push(referenceTo(names, dependency))
    offsets.push(targets.length)
    const own = {
      ...(options.anonymous === true ? { label: name } : { key: name }),
      ...options.settings?.[name]
    }
    settings.set(index, { identity: own.key, ...own })
  }
  return {
    size: names.length,
    offsets: Int32Array.from(offsets),
    targets: Int32Array.from(targets),
    positions: Int32Array.from(names, (name, index) => options.positions?.[name] ?? index),
    settings,
    defaults: options.share === undefined ? undefined : { share: options.share },
    portable: (options.portable ?? options.remote) && Int32Array.from(names, (name) => entryOf(name, options))
  }
}

const entryOf = (name: string, { portable = [], remote = [] }: Options): number =>
  portable.includes(name) ? 1 : remote.includes(name) ? -1 : 0

/** The reference that a name means in a plan of these names. */
export const referenceTo = (names: ReadonlyArray<string>, dependency: Dependency): Reference => {
  if (typeof dependency === "number") return dependency
  const index = names.indexOf(dependency)
  if (index < 0) throw new Error(`no task ${dependency}`)
  return index
}

/** Says of tasks that their results own resources. */
export const owning = (...names: ReadonlyArray<string>) => ({
  settings: Object.fromEntries(names.map((name) => [name, { key: name, resource: true }]))
})
