import { assert, describe, it } from "@effect/vitest"
import { isLong, longOr } from "../long.ts"
import { Simulation } from "./simulation.ts"

// A failure names its seed and tells its story: SEED=n repeats it, SEEDS=count runs more from there.
const { SEED: first, SEEDS: count } = process.env
const isWhole = first === undefined && count === undefined
const seeds = Array.from({ length: Number(count ?? (isWhole ? longOr(280, 4) : 1)) }, (_, i) => Number(first ?? 1) + i)

describe("simulation", () => {
  const totals = new Map<string, number>()
  let events = 0

  for (let from = 0; from < seeds.length; from += 40) {
    const some = seeds.slice(from, from + 40)
    it(`T2, T3: engine and model agree after every event (seeds ${some[0]} to ${some.at(-1)})`, () => {
      for (const seed of some) {
        const simulation = new Simulation(seed)
        // Twice, so that the second life begins in rows that have been used.
        simulation.live(200)
        simulation.live(200)
        events += simulation.events
        const { ends, fair, restarts, verdicts } = simulation.model
        for (const [tag, count] of Object.entries({ ...ends, ...restarts, ...verdicts, ...fair })) {
          totals.set(tag, (totals.get(tag) ?? 0) + count)
        }
        for (const [tag, count] of simulation.seen) totals.set(tag, (totals.get(tag) ?? 0) + count)
      }
    })
  }

  it.skipIf(!isWhole || !isLong)("T3: everything that can happen happened often", () => {
    assert.isAbove(events, 100_000)
    const all = new Set([
      "WorkerAdded WorkerDrained WorkerLost OwnerOpened GraphSubmitted TaskExpanded TaskEnded WaitBegan WaitAbandoned SlotWanted",
      "TagLimited CancelRequested ClaimShared ClaimsReleased OwnerClosed TimeCame TaskFinalized TaskSettled",
      "WorkerStarted WorkerBeat PoolOpened WorkerJoined StartWorker WorkerExpired",
      "TaskCopied CopiesRequested RebalanceRequested StartsPaused StartsResumed",
      "TaskStarted Begin TakeBack ResultMissing",
      "Start Stop Finalize Submitted Adopt Hold Copy Forget Discard ForgetFailure WaitEnded ClaimEnded WakeAt WorkerLeft Rejected"
    ].flatMap((line) => line.split(" ")))
    const restarts = [
      "retried",
      "died",
      "lost",
      "inputsLost",
      "unbegun",
      "gaveWay",
      "unmet",
      "killed",
      "revived",
      "reported",
      "skipped",
      "impossible",
      "ruledOut"
    ]
    const fair = ["braked", "overdue", "turns"]
    for (const tag of [...all, ...restarts, ...fair]) assert.isAbove(totals.get(tag) ?? 0, 50, tag)
    assert.isAbove(totals.get("starved of slot") ?? 0, 50)
    assert.isAbove(totals.get("starved of resources") ?? 0, 5)
    assert.isAbove(totals.get("staleReports") ?? 0, 10)
    assert.isAbove(totals.get("started on a remote worker") ?? 0, 1000)
    for (const tag of ["NoSuitableWorker", "Unmet", "Locality", "dropped"]) {
      assert.isAbove(totals.get(tag) ?? 0, 10, tag)
    }
    const rare = [
      "stopped twice",
      "settled and overdue",
      "succeeded others",
      "lengthened",
      "opened by a submission",
      "newest lost",
      "newest missed",
      "forgotten"
    ]
    for (const tag of rare) assert.isAbove(totals.get(tag) ?? 0, 10, tag)
    const forced = ["settled as Failed", "settled as Skipped", "settled as Succeeded"]
      .concat("stopped as attempt", "stopped as Cancelled", "stopped as deadline")
    for (const tag of forced) assert.isAbove(totals.get(`forced and ${tag}`) ?? 0, 0, tag)
  })

  it("T1: the same seed tells the same story twice", () => {
    const stories = [1, 2].map(() => {
      const simulation = new Simulation(4711)
      simulation.live(longOr(300, 100))
      return simulation.story
    })
    assert.strictEqual(stories[0], stories[1])
    assert.isAbove(stories[0]!.length, 1000)
  })
})
