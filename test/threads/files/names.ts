/** Named tasks for tests of threads and processes. */
import { Schema } from "effect"
import { Portable } from "../../../src/index.ts"

export const Greet = Portable.make("Greet", { payload: { name: Schema.String }, success: Schema.String })

export const Missing = Portable.make("Missing", { success: Schema.Number })
