/** Rooms, arrows and circles of the source: what the linter cannot see of the structure, and its pictures in the docs (`npx vitest run test/architecture.test.ts -u` prints them anew). */
import { assert, describe, expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { circles, floorsOf, type Imports, importsOf, roomsOf } from "./imports.ts"

const imports = importsOf()

/** Circles of files, types included. This list only shrinks. */
const knownCircles: ReadonlyArray<string> = [
  "Client.ts Dependency.ts Graph.ts Inputs.ts Scheduler.ts Skein.ts Task.ts internal/bodies/annotations.ts internal/bodies/runs.ts internal/bodies/taskSignals.ts internal/client/awaitWorkers.ts internal/client/computing.ts internal/client/inline.ts internal/client/mapping.ts internal/client/run.ts internal/client/runOnEach.ts internal/driver/alarm.ts internal/driver/computes.ts internal/driver/detached.ts internal/driver/expansion.ts internal/driver/liveEngine.ts internal/driver/mailbox.ts internal/driver/orders.ts internal/driver/outbox.ts internal/driver/ownership.ts internal/driver/schedulerCore.ts internal/driver/settling.ts internal/driver/submissions.ts internal/driver/waiters.ts internal/graphs/graph.ts internal/graphs/graphImport.ts internal/graphs/graphNodes.ts internal/graphs/graphPictures.ts internal/graphs/graphViews.ts internal/plans/compile.ts internal/plans/rerun.ts internal/settings/fairness.ts internal/settings/terms.ts internal/tasks/makeTask.ts internal/tasks/options.ts internal/tasks/refusals.ts internal/tasks/taskOptions.ts internal/workers/crew.ts",
  "Future.ts SkeinError.ts internal/tasks/checks.ts internal/tasks/task.ts internal/text/fact.ts internal/text/reasonText.ts internal/views/report.ts",
  "Progress.ts internal/client/progress.ts",
  "Worker.ts internal/bodies/attempt.ts",
  "engine/state/Outcome.ts engine/state/Owner.ts engine/state/Submission.ts"
]

/** Only these may look up, by type alone: what the seam between scheduler and workers will cut. This list only shrinks. */
const lookUp = (folder: "engine" | "internal"): ReadonlyArray<string> => {
  const known = { engine: [], internal: [] }
  return known[folder]
}

const without = (of: Imports, arrows: ReadonlyArray<string>): Imports =>
  new Map(
    [...of].map(([file, targets]) => [
      file,
      new Set([...targets].filter((target) => !arrows.includes(`${file} -> ${target}`)))
    ])
  )

const picture = (folder: "engine" | "internal"): string => {
  const rooms = roomsOf(without(imports, lookUp(folder)), folder)
  const floors = floorsOf(rooms).toReversed()
  const name = (room: string): string => room.slice(folder.length + 1)
  const lines = floors.map((floor, i) => {
    const number = floors.length - i
    return `${String(number).padEnd(2)}  ${floor.map(name).join("  ")}`
  })
  return ["```text", ...lines, "```"].join("\n")
}

const between = /(<!-- rooms:begin -->\n\n)[^]*(\n\n<!-- rooms:end -->)/

/** The page with the picture of its rooms drawn anew. */
const redrawn = (page: string, text: string): string => {
  const drawn = readFileSync(page, "utf8")
  assert.match(drawn, between)
  return drawn.replace(between, (_, begin: string, end: string) => begin + text + end)
}

describe("architecture", () => {
  it("files import each other in no circle, but for those that are known", () => {
    assert.deepStrictEqual(circles(imports), knownCircles)
  })

  for (const folder of ["engine", "internal"] as const) {
    it(`the rooms of src/${folder} import downward only, and stand on the floors that its pages show`, async () => {
      const pages = [`src/${folder}/README.md`, ...folder === "engine" ? ["docs/engine.md"] : []]
      for (const page of pages) await expect(redrawn(page, picture(folder))).toMatchFileSnapshot(`../${page}`)
    })

    it(`each arrow of src/${folder} that looks up is there still`, () => {
      const all = [...imports].flatMap(([file, targets]) => [...targets].map((target) => `${file} -> ${target}`))
      assert.deepStrictEqual(lookUp(folder).filter((arrow) => !all.includes(arrow)), [])
    })
  }
})
