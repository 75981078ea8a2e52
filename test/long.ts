/** Long runs: `npm run test:long` and `.ci/run` run all of each, `npm test` a part that a contributor can wait for. */
import process from "node:process"

/** Set by vitest.config.ts in the mode "long". */
export const isLong = process.env["LONG"] === "yes"

/** `all` in long runs, else `part`. */
export const longOr = <A>(all: A, part: A): A => isLong ? all : part
