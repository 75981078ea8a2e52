/**
 * Where a progress bar is drawn: a stream of Node, or the services of Effect.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import * as process from "node:process"

/**
 * Where a bar is drawn: `process.stderr`, `process.stdout`, or anything like them.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Output {
  readonly write: (text: string) => unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface Screen {
  readonly isTerminal: boolean
  readonly size: Effect.Effect<Size>
  readonly write: (text: string) => void
  /** Returns when everything is written. */
  readonly flush: Effect.Effect<void>
}

/** A terminal of unknown size reports 0, or nothing. */
const sizeOf = ({ columns, rows }: Partial<Size>): Size => ({ columns: columns || 80, rows: rows || 24 })

export const screenOf = (output: Output): Screen => ({
  isTerminal: output.isTTY === true,
  size: Effect.sync(() => sizeOf(output as Partial<Size>)),
  write: (text) => void output.write(text),
  flush: Effect.void
})

/**
 * Each text is a stream of its own: it is written before the next print of the program as long as the sink of the service does not
 * pause. The last texts may be on their way when the bar ends.
 */
const screenOfStdio = (stdio: Stdio.Stdio, terminal: Option.Option<Terminal.Terminal>): Effect.Effect<Screen> =>
  Effect.gen(function*() {
    const isTerminal = yield* stdio.stderrIsTerminal
    const runFork = Effect.runForkWith(yield* Effect.context<never>())
    const writing = new Set<Fiber.Fiber<void>>()
    return {
      isTerminal,
      size: Option.match(terminal, {
        onNone: () => Effect.succeed(sizeOf({})),
        onSome: ({ columns, rows }) => Effect.map(Effect.all({ columns, rows }), sizeOf)
      }),
      write: (text) => {
        const fiber = runFork(Effect.ignore(Stream.run(Stream.succeed(text), stdio.stderr())))
        writing.add(fiber)
        fiber.addObserver(() => writing.delete(fiber))
      },
      flush: Effect.suspend(() => Fiber.awaitAll([...writing]))
    }
  })

/** The standard error of the services in context, and without them that of the process. */
export const screenOfServices: Effect.Effect<Screen> = Effect.gen(function*() {
  const stdio = yield* Effect.serviceOption(Stdio.Stdio)
  if (Option.isNone(stdio)) return screenOf(process.stderr)
  return yield* screenOfStdio(stdio.value, yield* Effect.serviceOption(Terminal.Terminal))
})
