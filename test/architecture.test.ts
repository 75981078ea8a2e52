/** Rooms, arrows and circles of the source: what the linter cannot see of the structure, and its pictures in the docs (`npx vitest run test/architecture.test.ts -u` prints them anew). */
import { assert, describe, expect, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { posix } from "node:path"
import { circles, floorsOf, importsOf, roomOf, roomsOf } from "./imports.ts"

const imports = importsOf()

/** Circles of files, types included. This list only shrinks. */
const knownCircles: ReadonlyArray<string> = []

/** What all other modules speak of. */
const vocabulary = ["SkeinError.ts"]

/** Who besides knows of other public modules: what travels needs the schemas of errors. */
const allowedIn: Readonly<Record<string, ReadonlyArray<string>>> = {
  "internal/platform": [],
  "internal/values": [],
  "internal/text": [],
  "internal/portable": ["ErrorSchema.ts", "SkeinError.ts"]
}

const picture = (folder: "engine" | "internal"): string => {
  const rooms = roomsOf(imports, folder)
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
  it("files import each other in no circle", () => {
    assert.deepStrictEqual(circles(imports), knownCircles)
  })

  it("of the public modules the insides import SkeinError alone, and what lies below the vocabulary none", () => {
    const found = [...imports].flatMap(([file, targets]) => {
      const room = roomOf(file)
      if (room?.startsWith("internal/") !== true) return []
      const allowed = allowedIn[room] ?? vocabulary
      const outside = [...targets].filter((target) => !target.includes("/") && !allowed.includes(target))
      return outside.map((target) => `${file} -> ${target}`)
    })
    assert.deepStrictEqual(found, [])
  })

  it("modules of Node are imported by the rims that need them alone", () => {
    const files = globSync("src/**/*.ts").map((path) => path.replaceAll("\\", "/").slice("src/".length))
    const found = files.filter((file) => / from "node:/.test(readFileSync(`src/${file}`, "utf8")))
    assert.deepStrictEqual(found.filter((file) => !/^(?:promise|terminal|threads|processes)\//.test(file)), [])
  })

  it("what travels, a configuration and JSON load the schemas of Effect, and no other program has them in its bundle", () => {
    const schemas = new Set<string>()
    const loaded = (file: string): ReadonlyArray<string> =>
      Array.from(
        readFileSync(`src/${file}`, "utf8").matchAll(/^(?:import|export)\s(?!type\s)[^"]*?from\s+"([^"]+)"/gm),
        ([, from]) => from!.startsWith(".") ? posix.join(posix.dirname(file), from!) : from!
      )
    const common = globSync("src/*.ts").map((path) => path.slice("src/".length))
      .filter((file) => !["ErrorSchema.ts", "Portable.ts", "index.ts"].includes(file))
    const reached = new Map([...common, "promise/index.ts", "terminal/index.ts"].map((file) => [file, file]))
    for (const [file, way] of reached) {
      for (const target of loaded(file)) {
        if (target.startsWith("effect/Schema")) schemas.add(`${way} > ${target}`)
        else if (target.endsWith(".ts") && !reached.has(target)) reached.set(target, `${way} > ${target}`)
      }
    }
    assert.isAbove(reached.size, 100)
    // A bundler drops these with `Skein.layerFromEnv` and `TaskGraph.fromJson`.
    assert.deepStrictEqual([...schemas], [
      "Skein.ts > internal/client/environment.ts > effect/Schema",
      "TaskGraph.ts > internal/graphs/graphImport.ts > effect/Schema"
    ])
  })

  it("the vocabulary reaches no room above that of texts", () => {
    const reached = new Set(vocabulary)
    for (const file of reached) for (const target of imports.get(file)!) reached.add(target)
    const rooms = new Set([...reached].map((file) => roomOf(file) ?? file))
    assert.deepStrictEqual([...rooms].filter((room) => !room.startsWith("engine/")).toSorted(), [
      "SkeinError.ts",
      "internal/text",
      "internal/values"
    ])
  })

  for (const folder of ["engine", "internal"] as const) {
    it(`the rooms of src/${folder} import downward only, and stand on the floors that its pages show`, async () => {
      const pages = [`src/${folder}/README.md`, ...folder === "engine" ? ["docs/engine.md"] : []]
      for (const page of pages) await expect(redrawn(page, picture(folder))).toMatchFileSnapshot(`../${page}`)
    })
  }
})
