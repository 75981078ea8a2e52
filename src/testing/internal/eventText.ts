/**
 * Events, instructions and settings of an engine as lines of JSON, and back.
 *
 * JSON has no maps, sets, arrays of numbers, infinities and objects that only their identity tells apart: these are objects with
 * one key that begins with `$`. What is absent and what is `undefined` are the same to the engine.
 *
 * @internal
 */
import type { Event } from "../../engine/protocol/Event.ts"
import type { Identity, Plan, Settings } from "../../engine/protocol/Plan.ts"

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

type Fields = Readonly<Record<string, unknown>>

/** Writes the lines of one engine: an object has the same number in all of them. */
export class Writer {
  /** The first thing that cannot be written down, if one came. */
  refused: string | undefined
  private readonly numbers = new Map<object, number>()

  line(value: unknown): string {
    return JSON.stringify(this.json(value, ""))
  }

  /** Of a plan what the engine looks at: its driver keeps more beside that. */
  event(event: Event): string {
    return this.line("plan" in event ? { ...event, plan: this.plan(event.plan) } : event)
  }

  private plan({ defaults, names, offsets, portable, positions, settings, size, targets }: Plan): Fields {
    const written = new Map(Array.from(settings, ([index, each]) => [index, this.settings(each)]))
    const own = names && portable && namesOf(names, portable)
    return { size, offsets, targets, positions, settings: written, defaults, portable, names: own }
  }

  private settings(settings: Settings): Fields {
    const { identity, work } = settings
    return { ...settings, identity: identity && this.identity(identity), work: work && this.identity(work) }
  }

  private identity(identity: Identity): string | Numbered {
    if (typeof identity === "string") return identity
    const number = this.numbers.get(identity) ?? this.numbers.size + 1
    this.numbers.set(identity, number)
    return new Numbered(number)
  }

  private json(value: unknown, name: string): Json {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value
      case "number":
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : { $number: Object.is(value, -0) ? "-0" : `${value}` }
      case "undefined":
        return { $undefined: true }
      case "object":
        return value === null ? null : this.object(value, name)
      default:
        this.refused ??= `${name}, a ${typeof value}`
        return null
    }
  }

  private object(value: object, name: string): Json {
    if (value instanceof Numbered) return { $object: value.number }
    if (value instanceof Int32Array) return { $numbers: [...value] }
    if (value instanceof Uint8Array) return { $bytes: [...value] }
    if (value instanceof Map) return { $map: this.list([...value].flat(), name) }
    if (value instanceof Set) return { $set: this.list([...value], name) }
    if (Array.isArray(value)) return this.list(value, name)
    const entries = Object.entries(value).filter(([, each]) => each !== undefined)
    const isPlain = entries.every(([key]) => !key.startsWith("$"))
    return isPlain
      ? Object.fromEntries(entries.map(([key, each]) => [key, this.json(each, key)]))
      : { $record: this.list(entries.flat(), name) }
  }

  private list(values: ReadonlyArray<unknown>, name: string): ReadonlyArray<Json> {
    return values.map((each) => this.json(each, name))
  }
}

/** The names of the tasks of a plan, out of those of the process. */
const namesOf = (names: NonNullable<Plan["names"]>, portable: Int32Array): NonNullable<Plan["names"]> =>
  Object.fromEntries([...new Set(portable.map(Math.abs))].map((number) => [number, names[number]]))

/** An object as its number. */
class Numbered {
  readonly number: number

  constructor(number: number) {
    this.number = number
  }
}

/** Reads what a {@link Writer} wrote: one number is one object. */
export class Reader {
  private readonly objects = new Map<number, object>()

  line(text: string): unknown {
    return this.value(JSON.parse(text))
  }

  private value(json: Json): unknown {
    if (typeof json !== "object" || json === null) return json
    if (Array.isArray(json)) return this.list(json)
    const fields = json as { readonly [key: string]: Json }
    const [key] = Object.keys(fields)
    const of = key === undefined ? undefined : fields[key]
    switch (key) {
      case "$number":
        return Number(of)
      case "$undefined":
        return undefined
      case "$object":
        return this.objectOf(of as number)
      case "$numbers":
        return Int32Array.from(of as ReadonlyArray<number>)
      case "$bytes":
        return Uint8Array.from(of as ReadonlyArray<number>)
      case "$map":
        return new Map(pairs(this.list(of as ReadonlyArray<Json>)))
      case "$set":
        return new Set(this.list(of as ReadonlyArray<Json>))
      case "$record":
        return Object.fromEntries(pairs(this.list(of as ReadonlyArray<Json>)))
      default:
        return Object.fromEntries(Object.entries(fields).map(([key, each]) => [key, this.value(each)]))
    }
  }

  private list(values: ReadonlyArray<Json>): Array<unknown> {
    return values.map((each) => this.value(each))
  }

  private objectOf(number: number): object {
    const known = this.objects.get(number) ?? {}
    this.objects.set(number, known)
    return known
  }
}

const pairs = (values: ReadonlyArray<unknown>): Array<[any, unknown]> =>
  Array.from({ length: values.length / 2 }, (_, i) => [values[2 * i], values[2 * i + 1]])
