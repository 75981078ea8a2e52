/**
 * What is left in a scheduler.
 *
 * @internal
 */
import type * as Client from "../../Client.ts"
import { check } from "../../engine/check/check.ts"
import { leftoversOf, sizeOf } from "../../engine/views/leftovers.ts"
import { tagsIn } from "../../engine/views/snapshot.ts"
import { workersOf } from "../../engine/views/workers.ts"
import { tagsOfCalls } from "../../internal/driver/computes.ts"
import type { SchedulerCore } from "../../internal/driver/schedulerCore.ts"
import type { WorkerPort } from "../../internal/workers/port.ts"

/** The core behind a client. */
export const coreOf = (client: Client.Client["Service"]): SchedulerCore =>
  (client as unknown as { readonly [core: symbol]: () => SchedulerCore })[Symbol.for("skein/Client/core")]!()

/** Fields that are not empty in an unused scheduler, and the engine, which counts its own tables. */
const standing: ReadonlySet<string> = new Set([
  "state",
  "workers",
  "restarts",
  "labels",
  "amounts",
  "listeners",
  "log"
])

/** Parts of a scheduler that have tables, but for the crew: what a lost worker had acquired may be closing. */
const partsOf = (core: SchedulerCore): ReadonlyArray<object> => [
  core,
  core.mailbox,
  core.outbox,
  core.waits,
  core.desk,
  core.detached,
  core.owners,
  core.streams,
  core.attempts,
  core.caching,
  core.carrying,
  core.carrying.gathering,
  core.computes,
  core.copies,
  core.expansion,
  core.published,
  core.retrying,
  core.settling,
  core.sharing,
  core.submissions
]

/** A worker, and what it consists of, on this side of its border. */
const withParts = (worker: WorkerPort): ReadonlyArray<readonly [string, object]> =>
  [worker, ...worker.parts ?? []].map((part) => [worker.name, part] as const)

/**
 * Entries left in the tables of an unused scheduler, whatever tables there are.
 */
export const leftovers = (core: SchedulerCore): ReadonlyArray<string> => {
  const holders: ReadonlyArray<readonly [string, object]> = [
    ...partsOf(core).map((part) => ["scheduler", part] as const),
    ...core.crew.everyone().flatMap(withParts),
    ...workersOf(core.state).map((worker) => [worker.name, worker] as const)
  ]
  const tables = holders.flatMap(([of, holder]) =>
    Object.entries(holder).flatMap(([name, table]) => {
      const size = standing.has(name) ? 0 : sizeOf(table)
      return size > 0 ? [`${size} left in ${name} of ${of}`] : []
    })
  )
  const busy = workersOf(core.state).filter(({ attempts, running }) => attempts > 0 || running > 0)
  const tags = Object.entries(tagsIn(core.state).tags ?? {})
  return [
    ...tables,
    ...Array.from(leftoversOf(core.state), ([name, size]) => `${size} left in ${name} of engine`),
    ...tags.flatMap(([tag, { used }]) => used > 0 ? [`${used} tasks hold tag ${tag}`] : []),
    ...tags.flatMap(([tag]) => tag.startsWith(tagsOfCalls) ? [`a limit of tag ${tag} is left`] : []),
    ...busy.map(({ name, running }) => `${running} slots of ${name} are taken`)
  ]
}

/**
 * The problems of a scheduler, in use or not.
 */
export const wrong = (core: SchedulerCore): ReadonlyArray<string> => check(core.state)
