import { Processes } from "../../src/processes/index.ts"
import { Handlers } from "./names.ts"

Processes.serve(Handlers)
