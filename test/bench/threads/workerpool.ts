/** The entry of workerpool's threads. */
import workerpool from "workerpool"
import call from "./work.ts"

workerpool.worker({ call })
