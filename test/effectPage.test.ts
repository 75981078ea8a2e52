import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect"
import { Context } from "effect"
import * as Cluster from "effect/cluster"
import * as Persistence from "effect/persistence"
import * as Rpc from "effect/rpc"
import * as EffectTesting from "effect/testing"
import * as Workers from "effect/workers"
import { readFileSync } from "node:fs"
import * as Skein from "skein"
import * as Processes from "skein/processes"
import * as Terminal from "skein/terminal"
import * as Testing from "skein/testing"
import * as Threads from "skein/threads"

type Namespaces = Readonly<Record<string, Readonly<Record<string, unknown>>>>

const page = readFileSync("docs/effect.md", "utf8")

/** The names in backticks in one column of all tables of the page. */
const namesIn = (column: number): ReadonlyArray<string> =>
  Array.from(page.matchAll(/^\| `.*$/gm), ([line]) => line.split("|")[column]!)
    .flatMap((cell) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name!))

/** The names that no namespace has. */
const unknownIn = (names: ReadonlyArray<string>, ...packages: ReadonlyArray<object>): ReadonlyArray<string> =>
  names.filter((name) => {
    const [namespace, member] = name.split(".")
    return !packages.some((each) => Object.hasOwn((each as Namespaces)[namespace!] ?? {}, member!))
  })

describe("docs/effect.md", () => {
  it("names verbs that exist in Skein and in Effect", () => {
    const [ours, theirs] = [namesIn(1), namesIn(2)]
    assert.isAbove(ours.length, 40)
    assert.deepStrictEqual(unknownIn(ours, Skein, Processes, Terminal, Testing, Threads), [])
    assert.deepStrictEqual(unknownIn(theirs, Effect, EffectTesting, Cluster, Persistence, Rpc, Workers), [])
  })

  it("speaks of every verb: beside its kin, or in the list of those without", () => {
    const named = new Set(Array.from(page.matchAll(/`(\w+\.\w+)`/g), ([, name]) => name!))
    const { Placement: _, SkeinError, ...others } = Skein as unknown as Namespaces
    // Schemes are for one option, and errors are no verbs.
    const isError = (value: unknown) => typeof value === "function" && value.prototype instanceof Error
    const spaces: Namespaces = { ...others, SkeinError: SkeinError!, ...Processes, ...Terminal, ...Threads }
    const missing = Object.entries(spaces).flatMap(([space, members]) =>
      Object.entries(members)
        .filter(([name, value]) => !named.has(`${space}.${name}`) && !isError(value) && !Context.isKey(value))
        .map(([name]) => `${space}.${name}`)
    )
    assert.deepStrictEqual(missing, [])
    const list = page.slice(page.indexOf("## Without kin"), page.indexOf("## A task is not"))
    const without = Array.from(list.matchAll(/`(\w+\.\w+)`/g), ([, name]) => name!)
    assert.deepStrictEqual(unknownIn(without, spaces), [])
    const kin = new Set(namesIn(1))
    assert.deepStrictEqual(without.filter((name) => kin.has(name)), [])
  })

  it("places every verb of Task, Client and Future that has a kin of the same name in Effect or Fiber", () => {
    const placed = new Set(namesIn(1))
    const kin = { Task: Effect.Effect, Client: Effect.Effect, Future: Effect.Fiber }
    const missing = Object.entries(kin).flatMap(([namespace, theirs]) =>
      Object.keys((Skein as unknown as Namespaces)[namespace]!)
        .filter((verb) => Object.hasOwn(theirs, verb) && !placed.has(`${namespace}.${verb}`))
        .map((verb) => `${namespace}.${verb}`)
    )
    assert.deepStrictEqual(missing, [])
  })
})
