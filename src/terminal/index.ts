/**
 * What Skein shows in a terminal.
 *
 * @since 0.1.0
 */
export * as ProgressBar from "./ProgressBar.ts"
