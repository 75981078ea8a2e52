/**
 * Tasks in child processes.
 *
 * @stability unstable
 * @since 0.1.0
 */
export * as Processes from "./Processes.ts"
