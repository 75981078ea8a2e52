/** The entry of Skein's threads. */
import { Threads } from "skein/threads"
import { Tiny } from "./tasks.ts"
import { tiny } from "./work.ts"

Threads.serve(Tiny.toLayer(tiny))
