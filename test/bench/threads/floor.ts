/** The entry of the floor's threads: batches of calls, without anything around them. */
import { parentPort } from "node:worker_threads"
import call, { type Call } from "./work.ts"

parentPort!.on("message", ([first, calls]: readonly [number, ReadonlyArray<Call>]) => {
  parentPort!.postMessage([first, calls.map(call)])
})
