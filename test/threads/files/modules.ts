import { Threads } from "../../../src/threads/index.ts"

Threads.serve()
