/**
 * The file that threads start with.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { serving } from "./serve.ts"
import { boot } from "./serving.ts"
import { threadPost } from "./threadPost.ts"

Effect.runFork(boot(threadPost()!, serving(Layer.empty), "Threads.serve"))
