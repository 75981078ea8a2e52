/** What both ends know of the task with schemas. */
import * as Schema from "effect/Schema"
import * as Portable from "skein/Portable"

export const Tiny = Portable.make("Tiny", { payload: Schema.Number, success: Schema.Number })
