/** A bar in a terminal, or a line now and then where there is none: how many tasks have ended, of how many. */
import * as Effect from "effect/Effect"
import * as Scheduler from "skein/Scheduler"

const width = 30

const ends: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled"])

/** Shows on standard error how far the tasks are while `effect` runs. */
export const withProgress = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.gen(function*() {
    const display = process.stderr.isTTY ? bar : lines
    let tasks = 0
    let ended = 0
    yield* Effect.addFinalizer(() => Effect.sync(display.clear))
    yield* Scheduler.listen(({ from, key, to }) => {
      if (from === undefined) tasks++
      if (ends.has(to)) display.show(++ended, tasks, key)
    })
    return yield* effect
  }))

const bar = {
  show: (ended: number, tasks: number, key: string) => {
    const full = Math.floor(width * ended / tasks)
    process.stderr.write(`\r\x1b[K${"█".repeat(full)}${"░".repeat(width - full)} ${ended} of ${tasks} tasks  ${key}`)
  },
  clear: () => void process.stderr.write("\r\x1b[K")
}

const lines = {
  show: (ended: number, tasks: number) => {
    const quarter = (n: number) => Math.floor(4 * n / tasks)
    if (quarter(ended) > quarter(ended - 1)) process.stderr.write(`${ended} of ${tasks} tasks\n`)
  },
  clear: () => {}
}
