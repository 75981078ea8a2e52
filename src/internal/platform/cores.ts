/**
 * How many cores this process may use, and the sizes of pools.
 *
 * @internal
 */
import * as Result from "effect/Result"

/** The text of a file, or `undefined` if there is none. */
export type Read = (path: string) => string | undefined

/** What is asked of Node, which is not imported, because Skein also runs without it. */
interface Builtin {
  (name: "node:fs"): { readonly readFileSync: (path: string, encoding: "utf8") => string }
  (name: "node:os"): { readonly availableParallelism: () => number }
}

const builtin = (globalThis as { process?: { getBuiltinModule?: Builtin } }).process?.getBuiltinModule

const fromDisk: Read = (path) => Result.getOrUndefined(Result.try(() => builtin!("node:fs").readFileSync(path, "utf8")))

/** The cores to which this process is bound. */
const coresHere = (): number =>
  builtin?.("node:os").availableParallelism() ??
    (globalThis as { navigator?: { readonly hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ?? 1

/** The folders of a control group and of those around it, from the inside out. */
const groupsAround = (path: string): ReadonlyArray<string> => {
  const parts = path.split("/").filter((part) => part !== "")
  return [...parts.map((_, i) => `/${parts.slice(0, parts.length - i).join("/")}`), ""]
}

/** Quota and period, if the quota is not "max" or -1. */
const share = (quota: string | undefined, period: string | undefined): number => {
  const [most, per] = [Number(quota), Number(period)]
  return most > 0 && per > 0 ? most / per : Infinity
}

const root = "/sys/fs/cgroup"

/** How many cores' worth of time the control groups of this process leave to it. A group may be bound by any group around it. */
export const quotaIn = (read: Read): number => {
  const groups = (read("/proc/self/cgroup") ?? "").split("\n").map((line) => line.split(":"))
  const shares = groups.flatMap(([number, controllers = "", ...rest]) => {
    const around = groupsAround(rest.join(":"))
    if (number === "0" && controllers === "") {
      return around.map((group) => share(...pair(read(`${root}${group}/cpu.max`))))
    }
    if (!controllers.split(",").includes("cpu")) return []
    const of = (group: string, name: string) =>
      read(`${root}/${controllers}${group}/cpu.cfs_${name}_us`) ??
        read(`${root}/cpu${group}/cpu.cfs_${name}_us`)
    return around.map((group) => share(of(group, "quota"), of(group, "period")))
  })
  return Math.min(Infinity, ...shares)
}

const pair = (line: string | undefined): [string | undefined, string | undefined] => {
  const [quota, period] = (line ?? "").trim().split(" ")
  return [quota, period]
}

/**
 * The cores that this process may use: those to which it is bound, and no more than its quota, rounded up: on half a core more a
 * thread more helps.
 */
export const cores = (read: Read = fromDisk, bound: number = coresHere()): number =>
  Math.max(1, Math.min(bound, Math.ceil(quotaIn(read))))

export type Size = number | "cores"

/** Whether a value is a size. */
export const isSize = (value: unknown): value is Size => value === "cores" || (Number.isInteger(value) && value !== 0)

/** How many threads or processes a size means. As in joblib, -1 means all cores, -2 all but one, and so on. */
export const countOf = (size: Size, available: number): number =>
  size === "cores" ? available : size > 0 ? size : Math.max(1, available + 1 + size)
