/**
 * The other side in this process, where the system refuses to start a thread or a process.
 *
 * @internal
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type { Side, Start } from "./side.ts"

/** Codes of errors by which a system says that it has no more threads or processes, or lets this program have none. */
const impossible = ["ERR_ACCESS_DENIED", "ERR_WORKER_INIT_FAILED", "EAGAIN", "ENOMEM", "EMFILE", "ENFILE"]

const isImpossible = (error: unknown): boolean =>
  Predicate.hasProperty(error, "code") && impossible.includes(error.code as string)

/**
 * Starts the other side with `start`, and with `here` where the system refuses that, at once or by an event. `tell` is called with
 * the first refusal.
 */
export const orHere = (start: Start, here: Start, tell: (error: unknown) => void): Start => {
  let isTold = false
  const refused = (error: unknown): void => {
    if (!isTold) tell(error)
    isTold = true
  }
  return (ears) => {
    let isHeld = true
    let isKilled = false
    const started = Result.try(() =>
      start({
        ...ears,
        gone: (why, refusal) => {
          if (isKilled || !isImpossible(refusal)) return ears.gone(why)
          refused(refusal)
          side = here(ears)
          side.hold(isHeld)
        }
      })
    )
    if (Result.isFailure(started) && !isImpossible(started.failure)) throw started.failure
    if (Result.isFailure(started)) refused(started.failure)
    // Nothing is posted, and no control is read, before the other side has loaded what it serves.
    let side: Side = Result.isSuccess(started) ? started.success : here(ears)
    return {
      post: (message, transfer) => side.post(message, transfer),
      get control() {
        return side.control
      },
      get answered() {
        return side.answered
      },
      kill: () => {
        isKilled = true
        side.kill()
      },
      hold: (alive) => {
        isHeld = alive
        side.hold(alive)
      },
      get stack() {
        return side.stack
      },
      get sealer() {
        return side.sealer
      }
    }
  }
}
