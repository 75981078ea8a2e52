/**
 * What Skein shows in a terminal.
 *
 * @stability unstable
 * @since 0.1.0
 */
export * as ProgressBar from "./ProgressBar.ts"
