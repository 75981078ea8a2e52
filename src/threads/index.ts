/**
 * Tasks in threads.
 *
 * @stability unstable
 * @since 0.1.0
 */
export * as Threads from "./Threads.ts"
