import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { expect } from "vitest"
import { replay } from "./dialogue.ts"

/** Each is `stories/<name>.story`. */
const stories = [
  ["chain", "M1: a chain holds one result at a time"],
  ["diamond-with-failure", "trap 8: a fails, b after a, c after a and b: each is refused once"],
  ["recursion-on-one-slot", "N2, N3, N5: recursion completes on one slot"],
  ["cancel-while-running", "C1, C7: a running task that is cancelled keeps its slot until its finalizers have run"],
  ["two-owners", "C3: of two owners of one key, the task stops with the last"],
  ["forced-twice", "C7: two forced cancellations wait for one end"],
  ["two-kinds", "W20: local tasks stay with local workers, portable tasks go to both"]
] as const

describe("stories as text", () => {
  for (const [name, law] of stories) {
    it(law, async () => {
      const file = `stories/${name}.story`
      const text = readFileSync(new URL(file, import.meta.url), "utf8")
      await expect(replay(file, text)).toMatchFileSnapshot(file)
    })
  }

  it("T2: a fault of a story is told with its line", () => {
    const head = "worker w1 1\n----\n\nopen main\n----\n\n"
    const faults = [
      ["frobnicate a", "no command \"frobnicate\""],
      ["submit other a", "no owner \"other\""],
      ["submit main b:a", "no task \"a\""],
      ["close main", "it needs wait=number"],
      ["close main wait=x", "\"x\" is no number"],
      ["close main why=x", "no option \"why\""],
      ["fail a", "fail needs a task and a number of its failure"],
      ["----", "an answer without a command"]
    ] as const
    for (const [line, problem] of faults) assert.throws(() => replay("x.story", head + line), `x.story:7: ${problem}`)
  })
})
