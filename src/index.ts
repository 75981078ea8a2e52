/**
 * Skein runs graphs of Effects.
 *
 * @stability unstable
 * @since 0.1.0
 */
export * as Client from "./Client.ts"
export * as Dependency from "./Dependency.ts"
export * as Future from "./Future.ts"
export * as Placement from "./Placement.ts"
export * as Portable from "./Portable.ts"
export * as Progress from "./Progress.ts"
export * as Scheduler from "./Scheduler.ts"
export * as Skein from "./Skein.ts"
export * as SkeinError from "./SkeinError.ts"
export * as Task from "./Task.ts"
export * as TaskGraph from "./TaskGraph.ts"
export * as Worker from "./Worker.ts"
