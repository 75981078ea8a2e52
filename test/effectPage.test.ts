import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect"
import * as Cluster from "effect/cluster"
import * as Persistence from "effect/persistence"
import * as EffectTesting from "effect/testing"
import { readFileSync } from "node:fs"
import * as Skein from "skein"
import * as Terminal from "skein/terminal"
import * as Testing from "skein/testing"

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
    assert.deepStrictEqual(unknownIn(ours, Skein, Testing, Terminal), [])
    assert.deepStrictEqual(unknownIn(theirs, Effect, EffectTesting, Cluster, Persistence), [])
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
