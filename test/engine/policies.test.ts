import { assert, describe, it } from "@effect/vitest"
import { decide, isMet, isUnreachable, rules } from "../../src/engine/protocol/policies.ts"
import type { EndKind, On, Policy, Rule, Tally, Verdict } from "../../src/engine/protocol/policies.ts"
import golden from "../golden/ipythonDependency.json" with { type: "json" }
import { verdictOn } from "./policyTable.ts"

type Names = ReadonlyArray<string>

const outcomes: ReadonlyArray<EndKind> = ["success", "failed", "upstreamFailed", "skipped"]

const tallyOf = (ended: ReadonlyArray<EndKind>): Tally => {
  const tally = { success: 0, failed: 0, upstreamFailed: 0, skipped: 0 }
  for (const outcome of ended) tally[outcome]++
  return tally
}

/** Every sequence of this length. */
const sequences = (length: number): ReadonlyArray<ReadonlyArray<EndKind>> =>
  length === 0 ? [[]] : sequences(length - 1).flatMap((rest) => outcomes.map((outcome) => [...rest, outcome]))

const quorum = (isAll: boolean, on: On): Policy => isAll ? { _tag: "All", on } : { _tag: "AtLeast", count: 1, on }

const endedOf = (dependencies: Names, completed: Names, failed: Names): Tally =>
  tallyOf(
    dependencies.flatMap((name): ReadonlyArray<EndKind> =>
      failed.includes(name) ? ["failed"] : completed.includes(name) ? ["success"] : []
    )
  )

describe("policies", () => {
  it("D12: the table by which the random lives are judged, written by itself, says the same of every small set", () => {
    const quorums = (["success", "failure", "completion"] as const).flatMap((on): ReadonlyArray<Policy> => [
      { _tag: "All", on },
      ...[1, 2, 3].map((count) => ({ _tag: "AtLeast", count, on } as const))
    ])
    for (const policy of [...rules.map((rule) => ({ _tag: "Rule", rule } as const)), ...quorums]) {
      for (const ended of [0, 1, 2, 3, 4].flatMap(sequences)) {
        for (let size = ended.length; size <= 5; size++) {
          const tally = tallyOf(ended)
          const text = JSON.stringify({ policy, size, tally })
          assert.strictEqual(verdictOn(policy, size, tally), decide(policy, size, tally), text)
        }
      }
    }
  })

  for (const isAll of [true, false]) {
    for (const isSuccess of [true, false]) {
      const name = `${isAll ? "all" : "any"} of success${isSuccess ? "" : " or failure"}`
      it(`D1, D2, D3: ${name} is met and unreachable where IPython says so`, () => {
        const rows = golden.seed.filter((row) => row[1] === isAll && row[2] === isSuccess)
        assert.strictEqual(rows.length, 120)
        for (const row of rows) {
          const [dependencies, , , completed, failed, met, metWithoutFailures, unreachable] = row as unknown as [
            Names,
            boolean,
            boolean,
            Names,
            Names,
            boolean,
            boolean,
            boolean
          ]
          const policy = quorum(isAll, isSuccess ? "success" : "completion")
          const size = dependencies.length
          const tally = endedOf(dependencies, completed, failed)
          const text = JSON.stringify(row)
          assert.strictEqual(isMet(policy, size, tally), met, text)
          assert.strictEqual(isMet(policy, size, endedOf(dependencies, completed, [])), metWithoutFailures, text)
          assert.strictEqual(isUnreachable(policy, size, tally), unreachable, text)
        }
      })
    }

    it(`D2: ${isAll ? "all" : "any"} of failure is met and unreachable where IPython says so`, () => {
      const rows = golden.failureOnly.filter((row) => row[1] === isAll)
      assert.strictEqual(rows.length, 120)
      for (const row of rows) {
        const [dependencies, , completed, failed, met, unreachable] = row as unknown as [
          Names,
          boolean,
          Names,
          Names,
          boolean,
          boolean
        ]
        const tally = endedOf(dependencies, completed, failed)
        const text = JSON.stringify(row)
        assert.strictEqual(isMet(quorum(isAll, "failure"), dependencies.length, tally), met, text)
        assert.strictEqual(isUnreachable(quorum(isAll, "failure"), dependencies.length, tally), unreachable, text)
      }
    })
  }

  it("D1: an empty set is met, by any policy", () => {
    for (const on of ["success", "failure", "completion"] as const) {
      for (const isAll of [true, false]) assert.isTrue(isMet(quorum(isAll, on), 0, tallyOf([])))
    }
    for (const rule of rules) assert.isTrue(isMet({ _tag: "Rule", rule }, 0, tallyOf([])), rule)
  })

  it("D13: k of n is met by the k-th success, and unreachable with the failure n - k + 1", () => {
    for (let size = 1; size <= 4; size++) {
      for (let count = 1; count <= size; count++) {
        const policy: Policy = { _tag: "AtLeast", count, on: "success" }
        for (let good = 0; good <= size; good++) {
          for (let bad = 0; good + bad <= size; bad++) {
            const tally = { ...tallyOf([]), success: good, failed: bad }
            const expected: Verdict | undefined = good >= count
              ? "run"
              : bad > size - count
              ? "upstreamFailed"
              : undefined
            assert.strictEqual(decide(policy, size, tally), expected, `${count} of ${size}: ${good} and ${bad}`)
          }
        }
      }
    }
  })

  /** Each rule as it is told, over how all ended; the first line that holds decides. */
  const laws: Readonly<Record<Rule, (ended: ReadonlyArray<EndKind>) => Verdict>> = {
    allSuccess: (ended) => ended.some(isBad) ? "upstreamFailed" : ended.includes("skipped") ? "skip" : "run",
    allFailed: (ended) => ended.every(isBad) ? "run" : "skip",
    allDone: () => "run",
    oneSuccess: (ended) =>
      ended.includes("success") ? "run" : ended.every((each) => each === "skipped") ? "skip" : "upstreamFailed",
    oneFailed: (ended) => ended.some(isBad) ? "run" : "skip",
    oneDone: (ended) => ended.some((each) => each === "success" || each === "failed") ? "run" : "skip",
    noneFailed: (ended) => ended.some(isBad) ? "upstreamFailed" : "run",
    noneFailedOneSuccess: (ended) => ended.some(isBad) ? "upstreamFailed" : ended.includes("success") ? "run" : "skip",
    noneSkipped: (ended) => ended.includes("skipped") ? "skip" : "run",
    always: () => "run"
  }
  const isBad = (outcome: EndKind): boolean => outcome === "failed" || outcome === "upstreamFailed"

  for (const rule of rules) {
    it(`D12: ${rule} has one verdict for each way in which up to three dependencies end`, () => {
      for (const size of [1, 2, 3]) {
        for (const ended of sequences(size)) {
          assert.strictEqual(decide({ _tag: "Rule", rule }, size, tallyOf(ended)), laws[rule](ended), ended.join())
        }
      }
    })

    it(`D12: ${rule} decides as soon as no end of what is open could change it, and no sooner`, () => {
      for (const size of [1, 2, 3]) {
        for (let known = 0; known < size; known++) {
          for (const ended of sequences(known)) {
            const possible = new Set(sequences(size - known).map((rest) => laws[rule]([...ended, ...rest])))
            // What it waits for is that they end, however they do.
            const expected = possible.size === 1 && rule !== "allDone" ? [...possible][0] : undefined
            assert.strictEqual(decide({ _tag: "Rule", rule }, size, tallyOf(ended)), expected, ended.join())
          }
        }
      }
    })
  }

  it("D3: a quorum is decided as soon as no end of what is open could change it, and no sooner", () => {
    const all: ReadonlyArray<Policy> = (["success", "failure", "completion"] as const).flatMap((on): Array<Policy> => [
      { _tag: "All", on },
      { _tag: "AtLeast", count: 1, on },
      { _tag: "AtLeast", count: 2, on }
    ])
    for (const policy of all) {
      for (const size of [1, 2, 3]) {
        for (let known = 0; known < size; known++) {
          for (const ended of sequences(known)) {
            const complete = sequences(size - known).map((rest) => decide(policy, size, tallyOf([...ended, ...rest])))
            const possible = new Set(complete)
            const isForEnds = policy._tag !== "Rule" && policy.on === "completion"
            const isEnough = known >= (policy._tag === "AtLeast" ? policy.count : size)
            const expected = possible.size === 1 && (!isForEnds || isEnough) ? complete[0] : undefined
            assert.strictEqual(decide(policy, size, tallyOf(ended)), expected, JSON.stringify([policy, size, ended]))
          }
        }
      }
    }
  })
})
