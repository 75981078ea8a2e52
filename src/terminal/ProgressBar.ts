/**
 * A progress bar in a terminal.
 *
 * @stability unstable
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
import type { Style } from "./internal/render.ts"
import { screenOf, screenOfServices } from "./internal/screen.ts"
import type { Output, Screen, Size } from "./internal/screen.ts"

export type { Output } from "./internal/screen.ts"

/**
 * Options of a progress bar.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * Where the bar is drawn. Defaults to the standard error of `Stdio` in context, with the size of `Terminal` in context, and
   * without a `Stdio` to `process.stderr`; so the output of the program can be piped.
   */
  readonly output?: Output | undefined
  /** The time between two frames. Defaults to 100 milliseconds in a terminal, and to 5 seconds between lines elsewhere. */
  readonly interval?: Duration.Input | undefined
  /** Whether to use colors. Defaults to `true` in a terminal without `NO_COLOR`. */
  readonly colors?: boolean | undefined
  /**
   * Whether to show what each worker does, and the share of the time in which its slots were taken; of a thread with one slot that is
   * how busy its core was. Defaults to `false`.
   */
  readonly workers?: boolean | undefined
}

/**
 * Runs an effect and shows the progress of the scheduler's tasks.
 *
 * **Details**
 *
 * In a terminal there is a line for each group (see `Progress`) and one for all, redrawn in place, and with `workers` one for
 * each worker; what does not fit is counted in one line. Elsewhere, such as in a pipe or a log file, a line is written at each
 * interval with changes; it names four streams at most: first those that have closed since the line before, then those that run.
 * However the effect ends, the last state stays, and the cursor is restored.
 *
 * **Gotchas**
 *
 * Output of the effect through Effect's `Console`, loggers included, appears above the bar. Other output, such as that of the
 * global `console`, is overwritten by the next frame.
 *
 * **Example** (A bar for one computation)
 *
 * ```ts
 * Client.compute(graph).pipe(ProgressBar.show())
 * ```
 *
 * **Example** (A bar for each core)
 *
 * ```ts
 * Client.compute(graph).pipe(
 *   ProgressBar.show({ workers: true }),
 *   Effect.provide(Threads.layer({ size: "cores", tasks: [work] }).pipe(Layer.provideMerge(Skein.layer())))
 * )
 * ```
 *
 * @stability unstable
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
      Effect.acquireUseRelease(
        options.output === undefined ? screenOfServices : Effect.succeed(screenOf(options.output)),
        (screen) => {
          // A "dumb" terminal cannot move its cursor.
          const canRedraw = screen.isTerminal && process.env["TERM"] !== "dumb"
          const colors = options.colors ?? (canRedraw && (process.env["NO_COLOR"] ?? "") === "")
          const style: Style = { colors, workers: options.workers ?? false }
          return canRedraw ? redrawn(effect, screen, style, options) : written(effect, screen, style, options)
        },
        (screen) => screen.flush
      )
    )
)

const checks: Checks<Options> = {
  output: checkOf(
    "a stream such as process.stderr",
    (output) => Predicate.hasProperty(output, "write") && typeof output.write === "function"
  ),
  interval: durationAboveZero,
  colors: flag,
  workers: flag
}

const redrawn = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  screen: Screen,
  style: Style,
  { interval = "100 millis" }: Options
): Effect.Effect<A, E, R | Scheduler> =>
  Effect.acquireUseRelease(
    Effect.sync(() => new Drawing(screen)),
    (drawing) =>
      Progress.withProgress(drawing.below(effect), (progress) => {
        if (isEmpty(progress)) return
        return Effect.map(screen.size, (size) => drawing.draw(size, frame(progress, { ...size, ...style })))
      }, { interval }),
    (drawing) => Effect.sync(() => drawing.update.done())
  )

const isEmpty = ({ streams, total }: Progress.Progress): boolean => total === 0 && streams.length === 0

/** The frame that is on the terminal. */
class Drawing {
  readonly update: ReturnType<typeof createLogUpdate>
  private readonly stream: Size & { readonly isTTY: true; readonly write: (text: string) => void }
  private frame: string | undefined

  constructor(screen: Screen) {
    this.stream = { columns: 80, rows: 24, isTTY: true, write: (text) => screen.write(text) }
    this.update = createLogUpdate(this.stream as unknown as NodeJS.WriteStream)
  }

  draw(size: Size, frame: string): void {
    Object.assign(this.stream, size)
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
  screen: Screen,
  style: Style,
  { interval = "5 seconds" }: Options
): Effect.Effect<A, E, R | Scheduler> =>
  Effect.suspend(() => {
    let last = ""
    let before: Progress.Progress | undefined
    return Progress.withProgress(effect, (progress) => {
      const { cancelled, failed, paused, rateLimited, running, skipped, succeeded, total, upstreamFailed } = progress
      const ofStreams = progress.streams.flatMap(({ consumed, streams, taken, unread }) => [
        streams,
        taken,
        unread,
        consumed
      ])
      const ofTasks = [cancelled, skipped, succeeded, failed, upstreamFailed, running, total, rateLimited, paused]
      const state = [...ofTasks, ...ofStreams].join()
      if (state === last || isEmpty(progress)) return
      last = state
      screen.write(`${summary(progress, style, before)}\n`)
      before = progress
    }, { interval })
  })
