/** What the command lines of the examples have in common. */
import * as CliError from "effect/cli/CliError"
import * as Flag from "effect/cli/Flag"
import * as Data from "effect/Data"
import type { PlatformError } from "effect/PlatformError"

/** A failure is a sentence for the user, not a stack. */
export const told = (error: Error): CliError.UserError =>
  new CliError.UserError({ cause: error, userMessage: error.message })

/** How many tasks run at once. */
export const concurrency = Flag.Int("concurrency").pipe(
  Flag.filter((n) => n >= 1, () => "a number of at least 1"),
  Flag.withDefault(4),
  Flag.withDescription("how many tasks run at once")
)

/** A file or a folder that cannot be read, and why, in words. */
export class Unreadable extends Data.TaggedError("Unreadable")<{ readonly path: string; readonly why: string }> {
  override get message(): string {
    return `Cannot read ${this.path}: ${this.why}`
  }
}

/** For `Effect.mapError`: what the system says of a path, in words. */
export const unreadable = (path: string) => ({ reason }: PlatformError): Unreadable =>
  new Unreadable({ path, why: whyOf(reason) })

const whyOf = ({ _tag, message, method }: PlatformError["reason"]): string => {
  switch (_tag) {
    case "NotFound":
      return "it does not exist"
    case "PermissionDenied":
      return "permission denied"
    case "BadResource":
      return method.startsWith("readDirectory") ? "it is no folder" : "it is no file"
    default:
      return message
  }
}
