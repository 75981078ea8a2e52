/**
 * Puts the workers of every scheduler behind cloning ports, those of simulations included, and seals its engine:
 * `npm run test:ports`, and with `VALUES=clones` values are cloned too. Another `SEED` gives other delays.
 * With `KEEPS=1` results stay at the far side until somebody reads them, with `HANDS=1` they are handed over.
 */
import { assert } from "@effect/vitest"
import { relative, sep } from "node:path"
import process from "node:process"
import { beforeEach, type RunnerTestFile, type RunnerTestSuite, vi } from "vitest"
import { direct } from "../../src/internal/workers/wire.ts"
import { type MakePort, Ports } from "../../src/testing/internal/carriedPort.ts"
import { clonedWire } from "./clonedWire.ts"
import { CloningPort, type Mode } from "./cloningPort.ts"
import { tests, testsWithoutClones } from "./notOnPorts.ts"

vi.mock(import("../../src/engine/state/State.ts"), async (original) => {
  const { sealed } = await import("./sealed.ts")
  return sealed(await original())
})

const mode: Mode = process.env["VALUES"] === "clones" ? "as clones" : "by reference"

const far = { keeps: process.env["KEEPS"] === "1", handsOver: process.env["HANDS"] === "1", ahead: 0 }

Object.assign(direct, clonedWire(mode, Number(process.env["SEED"] ?? 1), () => far))
const ofSimulations: { defaultValue: () => MakePort } = Ports
ofSimulations.defaultValue = () => (setup, make, carrier) => new CloningPort(setup, make, carrier, mode, far)

/** The tests of a file that are left out, each with its reason. */
const leftOutOf = ({ filepath }: RunnerTestFile): ReadonlyArray<readonly [string, string]> => {
  const path = relative(process.cwd(), filepath).split(sep).join("/")
  return Object.entries({ ...tests[path], ...mode === "as clones" && testsWithoutClones[path] })
}

const namesIn = (suite: RunnerTestSuite): ReadonlyArray<string> =>
  suite.tasks.flatMap((task) => "tasks" in task ? namesIn(task) : [task.name])

beforeEach(({ skip, task: { file, name } }) => {
  const leftOut = leftOutOf(file)
  if (leftOut.length === 0) return
  const names = namesIn(file)
  for (const [beginning] of leftOut) {
    assert.isTrue(names.some((each) => each.startsWith(beginning)), `${file.name} has no test "${beginning}"`)
  }
  const found = leftOut.find(([beginning]) => name.startsWith(beginning))
  if (found !== undefined) skip(found[1])
})
