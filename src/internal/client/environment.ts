/**
 * Options of a layer from the environment: a variable for each option that a text can say, named by the way to it, such as
 * `SKEIN_LIMITS_TASKS`. The checks are those of the layer; a refusal names the variable.
 *
 * @internal
 */
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import { constantCase } from "effect/String"
import { defaultLimits } from "../../engine/protocol/Settings.ts"
import type { Limits } from "../../engine/protocol/Settings.ts"
import { isSize } from "../platform/cores.ts"
import type { Size } from "../platform/cores.ts"
import type { Options } from "../settings/layerOptions.ts"
import { schemeNames } from "../settings/schemes.ts"
import { expectedOf, invalidIn } from "../tasks/checks.ts"
import { checksOfLayers } from "./layer.ts"

/** How the text of a variable is read, and what it may say if the check of its option speaks of code. */
interface Reader {
  readonly read: (text: string) => unknown
  readonly expected?: string
}

/** A number, or a word such as "unbounded". */
const number: Reader = {
  read: (text) => text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text)
}

/** A word, or a duration with its unit. */
const text: Reader = { read: (text) => text }

/** Numbers by name. */
const pairs = (of: string): Reader => ({
  read: (text) => {
    const entries = text.split(",").map((pair) => pair.split("=").map((part) => part.trim()))
    return entries.every((entry) => entry.length === 2 && entry[0] !== "")
      ? Object.fromEntries(entries.map(([name, value]) => [name, number.read(value!)]))
      : text
  },
  expected: `${of} by name, such as a=2,b=4`
})

const placement: Reader = { ...text, expected: schemeNames.map((name) => `"${name}"`).join(", ") }

type Readers<O> = Readonly<Record<keyof O, Reader>>

const limits = Object.fromEntries(Object.keys(defaultLimits).map((limit) => [limit, number])) as Readers<Limits>

const readers = {
  concurrency: number,
  highWaterMark: number,
  placement,
  tags: pairs("limits"),
  grace: text,
  computationWindow: text,
  waitForWorkers: text,
  stories: number,
  sourceSaturation: number,
  aging: number,
  shares: pairs("weights"),
  ttl: text,
  maxTasks: number,
  maxAge: text
} satisfies Partial<Readers<Options>>

const groups = {
  limits,
  elastic: { min: number, max: number, concurrency: number, idle: text, id: text },
  restart: { times: number, within: text, minRunTime: text },
  budget: { target: number, pause: number },
  rate: { starts: number, per: text }
} satisfies { readonly [K in keyof Options]?: Partial<Readers<NonNullable<Options[K]>>> }

interface Variable extends Reader {
  readonly name: string
  readonly path: readonly [option: string, field?: string]
}

const variableOf = (path: Variable["path"], reader: Reader): Variable => ({
  ...reader,
  path,
  name: ["SKEIN", ...path.map((part) => constantCase(part!))].join("_")
})

/** All variables that are read. */
export const variables = (): ReadonlyArray<Variable> => [
  ...Object.entries<Reader>(readers).map(([option, reader]) => variableOf([option], reader)),
  ...Object.entries<Readonly<Record<string, Reader>>>(groups).flatMap(([option, fields]) =>
    Object.entries(fields).map(([field, reader]) => variableOf([option, field], reader))
  )
]

/** A backend as a text names it. */
export interface Backend {
  readonly name: string
  readonly size: Size | undefined
}

/** The variable that names the backend. */
export const backendVariable = "SKEIN_BACKEND"

const sizes = ["4", "cores", "-1"]

/** The words that name one of these backends. */
export const wordsFor = (names: ReadonlyArray<string>): string =>
  names.flatMap((name) => name === "sequential" ? [name] : [name, ...sizes.map((size) => `${name}:${size}`)])
    .map((word) => `"${word}"`).join(", ")

/** The backend that a text names, if it is one of these. */
export const backendIn = (text: string, names: ReadonlyArray<string>): Backend | undefined => {
  const [name, size, ...more] = text.trim().split(":")
  const value = size === undefined ? undefined : number.read(size)
  const isRight = names.includes(name!) && more.length === 0 &&
    (size === undefined || (name !== "sequential" && isSize(value)))
  return isRight ? { name: name!, size: value as Size | undefined } : undefined
}

/** The backend of these that the environment names, if it names one. */
export const backendFromEnvironment = (names: ReadonlyArray<string>): Config.Config<Backend | undefined> =>
  Config.flatMap(Config.withDefault(Config.String(backendVariable), undefined), (text) => {
    const backend = text === undefined ? undefined : backendIn(text, names)
    return text === undefined || backend !== undefined
      ? Config.succeed(backend)
      : refused(backendVariable, `one of ${wordsFor(names)}`)
  })

/** A config that fails: the variable says something else, or nothing. */
const refused = (variable: string, expected: string): Config.Config<never> =>
  Config.schema(Schema.UndefinedOr(Schema.String).check(Schema.makeFilter(() => false, { expected })), variable) as any

/** The options that the environment sets. */
export const fromEnvironment = (): Config.Config<Options> => {
  const all = variables()
  const texts = Config.all(all.map(({ name }) => Config.withDefault(Config.String(name), undefined)))
  return Config.flatMap(texts, (texts) => {
    const options: Record<string, unknown> = {}
    for (const [i, { path: [option, field], read }] of all.entries()) {
      const text = texts[i]
      if (text === undefined) continue
      if (field === undefined) options[option] = read(text)
      else options[option] = { ...options[option] as object, [field]: read(text) }
    }
    const [invalid] = invalidIn(options, checksOfLayers)
    if (invalid === undefined) return Config.succeed(options)
    const [option, field] = invalid.option.split(".")
    const { expected = expectedOf(invalid), name } = all.find(({ path }) =>
      path[0] === option && (path[1] === undefined || path[1] === field)
    )!
    return refused(name, expected)
  })
}
