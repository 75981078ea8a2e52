/** The entry of poolifier's threads. */
import { ThreadWorker } from "poolifier"
import call from "./work.ts"

export default new ThreadWorker(call as (data?: unknown) => unknown, { maxInactiveTime: 600_000 })
