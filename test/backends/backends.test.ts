/**
 * What is promised of tasks, on every backend: on fibers, over a link in memory, in threads, and in processes. The stories and the
 * bodies are written once. `SKEIN_BACKEND=threads:2 npm run test:backends` runs those of one backend.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { chosen } from "./backends.ts"
import { leftOut } from "./leftOut.ts"
import { told } from "./stage.ts"
import { losses } from "./stories/losses.ts"
import { nesting } from "./stories/nesting.ts"
import { results } from "./stories/results.ts"
import { slots } from "./stories/slots.ts"
import { stops } from "./stories/stops.ts"
import { time } from "./stories/time.ts"
import { views } from "./stories/views.ts"

const stories = { ...results, ...time, ...slots, ...stops, ...nesting, ...views, ...losses }

describe("on every backend", () => {
  for (const [name, backend] of chosen(process.env)) {
    layer(backend)(name, (it) => {
      for (const [title, story] of Object.entries(stories)) it.effect(title, () => told(story()) as never, 20_000)
    })
  }
})

describe("the suite for every backend", () => {
  it("K1, K2: SKEIN_BACKEND chooses the backend, and another word is refused with those that there are", () => {
    const names = (SKEIN_BACKEND?: string) => chosen({ SKEIN_BACKEND }).map(([name]) => name)
    assert.deepStrictEqual(names(), ["fibers", "link", "threads", "processes"])
    assert.deepStrictEqual([names("threads:2"), names("processes")], [["threads"], ["processes"]])
    assert.throws(() => names("thread"), /one of "fibers", "fibers:4", .* "threads:cores"/)
    assert.throws(() => names("threads:3"), /two workers/)
  })

  it("K1: tells a story of each feature, or has the reason why not", () => {
    const page = readFileSync("docs/features.md", "utf8")
    const rows = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()))
    const features = rows.flatMap(([, id, , , state]) =>
      /^[A-Z]\d+$/.test(id ?? "") && /^(there$|in part: )/.test(state!) ? [id!] : []
    )
    const told = new Set(Object.keys(stories).flatMap((title) => title.split(": ")[0]!.split(", ")))
    assert.deepStrictEqual(features.filter((id) => !told.has(id) && !Object.hasOwn(leftOut, id)), [])
    assert.deepStrictEqual(Object.keys(leftOut).filter((id) => told.has(id)), [])
  })
})
