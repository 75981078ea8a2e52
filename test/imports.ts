/** The imports of `src`, as the files say them: what the tests of the structure and the pictures of the docs are made of. */
import { globSync, readFileSync } from "node:fs"
import { posix } from "node:path"

/** Imported files by file, types included; paths below `src`. */
export type Imports = ReadonlyMap<string, ReadonlySet<string>>

const relative = /^(?:import|export)\s[^"]*?from\s+"(\.[^"]+)"/gm

export const importsOf = (): Imports =>
  new Map(
    globSync("src/**/*.ts").map((path) => path.replaceAll("\\", "/")).toSorted().map((path) => {
      const found = readFileSync(path, "utf8").matchAll(relative)
      const targets = Array.from(found, ([, target]) => posix.join(posix.dirname(path), target!))
      return [path.slice("src/".length), new Set(targets.map((target) => target.slice("src/".length)))]
    })
  )

/** Groups of files each of which reaches all others of its group (Tarjan's strongly connected components), sorted. */
export const circles = (imports: Imports): ReadonlyArray<string> => {
  const found: Array<string> = []
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const path: Array<string> = []
  const visit = (file: string): void => {
    order.set(file, order.size)
    low.set(file, order.get(file)!)
    path.push(file)
    for (const target of imports.get(file) ?? []) {
      if (!order.has(target)) {
        visit(target)
        low.set(file, Math.min(low.get(file)!, low.get(target)!))
      } else if (path.includes(target)) low.set(file, Math.min(low.get(file)!, order.get(target)!))
    }
    if (low.get(file) !== order.get(file)) return
    const circle = path.splice(path.indexOf(file))
    if (circle.length > 1) found.push(circle.toSorted().join(" "))
  }
  for (const file of imports.keys()) if (!order.has(file)) visit(file)
  return found.toSorted()
}

/** The room of a file in one of the two folders that have rooms; a file between them is a room of its own. */
export const roomOf = (file: string): string | undefined => /^(?:engine|internal)\/[^/]+/.exec(file)?.[0]

/** The rooms of a folder with the rooms that each imports. */
export const roomsOf = (imports: Imports, folder: "engine" | "internal"): ReadonlyMap<string, ReadonlySet<string>> => {
  const rooms = new Map<string, Set<string>>()
  for (const [file, targets] of imports) {
    const room = roomOf(file)
    if (room?.startsWith(`${folder}/`) !== true) continue
    const reached = rooms.get(room) ?? new Set()
    rooms.set(room, reached)
    for (const target of targets) {
      const other = roomOf(target)
      if (other !== undefined && other !== room && other.startsWith(`${folder}/`)) reached.add(other)
    }
  }
  return rooms
}

/** Rooms by floor, the lowest first: a room stands on the first floor above all that it imports. */
export const floorsOf = (rooms: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyArray<ReadonlyArray<string>> => {
  const floors: Array<ReadonlyArray<string>> = []
  const placed = new Set<string>()
  while (placed.size < rooms.size) {
    const next = [...rooms].filter(([room, reached]) =>
      !placed.has(room) && [...reached].every((each) => placed.has(each))
    )
    if (next.length === 0) {
      throw new Error(`rooms in a circle: ${[...rooms.keys()].filter((room) => !placed.has(room)).join(", ")}`)
    }
    for (const [room] of next) placed.add(room)
    floors.push(next.map(([room]) => room).toSorted())
  }
  return floors
}
