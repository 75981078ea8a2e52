import { Threads } from "../../src/threads/index.ts"
import { Handlers } from "./names.ts"

Threads.serve(Handlers)
