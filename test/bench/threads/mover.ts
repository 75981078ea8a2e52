/** The entry of a bare thread to which a large array is moved, and which moves it back. */
import { parentPort } from "node:worker_threads"
import { next } from "./work.ts"

parentPort!.on("message", (numbers: Float64Array<ArrayBuffer>) => {
  parentPort!.postMessage(next(numbers), [numbers.buffer])
})
