/**
 * A progress bar in a terminal.
 *
 * @since 0.1.0
 */
import * as Console from "effect/Console"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { createLogUpdate } from "log-update"
import * as process from "node:process"
import { checkOf, dieOfOptions, durationAboveZero, flag } from "../internal/tasks/checks.ts"
import type { Checks } from "../internal/tasks/checks.ts"
import * as Progress from "../Progress.ts"
import type { Scheduler } from "../Scheduler.ts"
import { frame, summary } from "./internal/render.ts"

/**
 * Where the bar is drawn: `process.stderr`, `process.stdout`, or anything like them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Terminal {
  readonly write: (text: string) => unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

/**
 * Options of a progress bar.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The terminal. Defaults to `process.stderr`, so that the output of the program can be piped. */
  readonly terminal?: Terminal | undefined
  /** The time between two frames. Defaults to 100 milliseconds in a terminal, and to 5 seconds between lines elsewhere. */
  readonly interval?: Duration.Input | undefined
  /** Whether to use colors. Defaults to `true` in a terminal without `NO_COLOR`. */
  readonly colors?: boolean | undefined
}

/**
 * Runs an effect and shows the progress of the scheduler's tasks.
 *
 * **Details**
 *
 * In a terminal there is a line for each group (see `Progress`) and one for all, redrawn in place; groups that do not fit are
 * counted in one line. Elsewhere, such as in a pipe or a log file, a line is written at each interval with changes. However the
 * effect ends, the last state stays, and the cursor is restored.
 *
 * **Gotchas**
 *
 * Output of the effect through Effect's `Console`, loggers included, appears above the bar. Other output, such as that of the
 * global `console`, is overwritten by the next frame.
 *
 * **Example** (A bar for one computation)
 *
 * ```ts
 * Client.compute(graph).pipe(Cli.withProgressBar())
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const show: {
  (options?: Options): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | Scheduler>
  <A, E, R>(effect: Effect.Effect<A, E, R>, options?: Options): Effect.Effect<A, E, R | Scheduler>
} = dual(
  (args) => Effect.isEffect(args[0]),
  (effect: Effect.Effect<any, any, any>, options: Options = {}): Effect.Effect<any, any, any> =>
    Effect.andThen(
      dieOfOptions(options, checks),
      Effect.suspend(() => {
        const { terminal = process.stderr } = options
        // A "dumb" terminal cannot move its cursor.
        const canRedraw = terminal.isTTY === true && process.env["TERM"] !== "dumb"
        const colors = options.colors ?? (canRedraw && (process.env["NO_COLOR"] ?? "") === "")
        return canRedraw ? redrawn(effect, terminal, colors, options) : written(effect, terminal, colors, options)
      })
    )
)

const checks: Checks<Options> = {
  terminal: checkOf(
    "a stream such as process.stderr",
    (terminal) => Predicate.hasProperty(terminal, "write") && typeof terminal.write === "function"
  ),
  interval: durationAboveZero,
  colors: flag
}

const redrawn = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  terminal: Terminal,
  colors: boolean,
  { interval = "100 millis" }: Options
): Effect.Effect<A, E, R | Scheduler> =>
  Effect.acquireUseRelease(
    Effect.sync(() => new Drawing(terminal)),
    (drawing) =>
      Progress.withProgress(drawing.below(effect), (progress) => {
        if (progress.total === 0) return
        drawing.draw(frame(progress, { ...sizeOf(terminal), colors }))
      }, { interval }),
    (drawing) => Effect.sync(() => drawing.update.done())
  )

/** A terminal of unknown size reports 0, or nothing. */
const sizeOf = ({ columns, rows }: Terminal) => ({ columns: columns || 80, rows: rows || 24 })

const sized = (terminal: Terminal): Terminal =>
  new Proxy(terminal, {
    get: (target, name) => {
      if (name === "columns" || name === "rows") return sizeOf(target)[name]
      const member: unknown = Reflect.get(target, name)
      return typeof member === "function" ? member.bind(target) : member
    }
  })

/** The frame that is on the terminal. */
class Drawing {
  readonly update: ReturnType<typeof createLogUpdate>
  private frame: string | undefined

  constructor(terminal: Terminal) {
    this.update = createLogUpdate(sized(terminal) as NodeJS.WriteStream)
  }

  draw(frame: string): void {
    this.update(frame)
    this.frame = frame
  }

  /** Keeps the frame below what `effect` prints. */
  below<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.updateService(effect, Console.Console, (console) =>
      new Proxy(console, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name)
          return typeof member === "function"
            ? (...args: ReadonlyArray<unknown>) => this.above(() => Reflect.apply(member, target, args))
            : member
        }
      }))
  }

  /** A broken terminal does not fail the code that prints. */
  private above<A>(print: () => A): A {
    const { frame, update } = this
    if (frame === undefined) return print()
    Result.try(() => update.clear())
    const printed = print()
    Result.try(() => update(frame))
    return printed
  }
}

/** Lines that stay. The same state is not written twice. */
const written = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  terminal: Terminal,
  colors: boolean,
  { interval = "5 seconds" }: Options
): Effect.Effect<A, E, R | Scheduler> =>
  Effect.suspend(() => {
    let last = ""
    return Progress.withProgress(effect, (progress) => {
      const { cancelled, failed, running, skipped, succeeded, total, upstreamFailed } = progress
      const state = [cancelled, skipped, succeeded, failed, upstreamFailed, running, total].join()
      if (state === last || total === 0) return
      last = state
      terminal.write(`${summary(progress, colors)}\n`)
    }, { interval })
  })
