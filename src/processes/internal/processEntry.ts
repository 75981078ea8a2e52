/**
 * The file that child processes start with.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { serving } from "../../threads/internal/serve.ts"
import { boot } from "../../threads/internal/serving.ts"
import { onPost } from "./processPost.ts"

onPost((post) => void Effect.runFork(boot(post, serving(Layer.empty), "Processes.serve")))
