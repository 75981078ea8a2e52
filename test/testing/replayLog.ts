/** Plays the event log again that comes in, and prints the instructions: `node --conditions=source test/testing/replayLog.ts < log`. */
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { EventLog } from "skein/testing"

const events = readFileSync(0, "utf8").split("\n")
process.stdout.write((await Effect.runPromise(EventLog.replay(events))).join("\n"))
