/**
 * Where a thread is at work, without its help: its event loop does not turn.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type { Worker } from "node:worker_threads"
import { sleep, within } from "./live.ts"

/** A frame of a profile, and how often the profiler met it. */
interface ProfileNode {
  readonly id: number
  readonly hitCount: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
    readonly columnNumber: number
  }
  readonly children?: ReadonlyArray<number>
}

const sampledMillis = 30

/** A thread inside a native call answers only when that returns. */
const patienceMillis = 2000

/**
 * The stack in which a short profile met a thread most often, the innermost function first; `undefined` if the thread does not
 * answer, or this Node cannot profile threads. A loop that was compiled before, while it ran, is missing; its callers are there.
 */
export const stackOf = (worker: Worker): Effect.Effect<string | undefined> =>
  typeof worker.startCpuProfile !== "function"
    ? Effect.void as Effect.Effect<undefined>
    : within(Effect.orElseSucceed(profile(worker), () => undefined), patienceMillis)

const profile = (worker: Worker): Effect.Effect<string | undefined, unknown> =>
  Effect.gen(function*() {
    const handle = yield* Effect.tryPromise(() => worker.startCpuProfile())
    yield* sleep(sampledMillis)
    const text = yield* Effect.tryPromise(() => handle.stop())
    return hottest((JSON.parse(text) as { readonly nodes: ReadonlyArray<ProfileNode> }).nodes)
  })

const hottest = (nodes: ReadonlyArray<ProfileNode>): string | undefined => {
  const parents = new Map<number, ProfileNode>()
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node)
  const busy = nodes.filter(({ callFrame: { url } }) => url !== "").toSorted((a, b) => b.hitCount - a.hitCount)[0]
  if (busy === undefined) return undefined
  const lines: Array<string> = []
  for (let node: ProfileNode | undefined = busy; node !== undefined; node = parents.get(node.id)) {
    const { columnNumber, functionName, lineNumber, url } = node.callFrame
    if (url === "" || url.startsWith("node:")) continue
    lines.push(
      `    at ${functionName === "" ? "<anonymous>" : functionName} (${url}:${lineNumber + 1}:${columnNumber + 1})`
    )
  }
  return lines.length === 0 ? undefined : lines.join("\n")
}
