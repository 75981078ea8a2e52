import { assert, describe, it } from "@effect/vitest"
import { cores, countOf } from "../../src/internal/platform/cores.ts"

/** The cores of a process that is bound to eight, with these files. */
const coresOf = (files: Readonly<Record<string, string>>): number => cores((path) => files[path], 8)

describe("cores", () => {
  it("K6: without control groups they are the cores to which the process is bound", () => {
    assert.strictEqual(coresOf({}), 8)
    assert.strictEqual(coresOf({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n" }), 8)
  })

  it("K6: the quota of a container counts, rounded up", () => {
    const half = { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "250000 100000\n" }
    assert.strictEqual(coresOf(half), 3)
    assert.strictEqual(coresOf({ ...half, "/sys/fs/cgroup/cpu.max": "1000 100000\n" }), 1)
  })

  it("K6: the least quota of the groups around a process counts", () => {
    const files = {
      "/proc/self/cgroup": "0::/kube/pod:1/main\n",
      "/sys/fs/cgroup/kube/pod:1/main/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/kube/pod:1/cpu.max": "200000 100000\n",
      "/sys/fs/cgroup/kube/cpu.max": "600000 100000\n"
    }
    assert.strictEqual(coresOf(files), 2)
  })

  it("K6: groups of the first version count too, under either name of their folder", () => {
    const groups = { "/proc/self/cgroup": "5:memory:/a\n3:cpu,cpuacct:/docker/x\n0::/\n" }
    const joint = "/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_"
    assert.strictEqual(coresOf({ ...groups, [`${joint}quota_us`]: "400000\n", [`${joint}period_us`]: "100000\n" }), 4)
    const short = "/sys/fs/cgroup/cpu/cpu.cfs_"
    assert.strictEqual(coresOf({ ...groups, [`${short}quota_us`]: "150000\n", [`${short}period_us`]: "100000\n" }), 2)
    assert.strictEqual(coresOf({ ...groups, [`${short}quota_us`]: "-1\n", [`${short}period_us`]: "100000\n" }), 8)
  })

  it("A10: a negative size leaves cores free, but never all of them", () => {
    assert.deepStrictEqual([1, 3, "cores" as const, -1, -2, -8, -9, -20].map((size) => countOf(size, 8)), [
      1,
      3,
      8,
      8,
      7,
      1,
      1,
      1
    ])
  })
})
