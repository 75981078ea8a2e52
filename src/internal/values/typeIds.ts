/**
 * The names that identify objects of Skein, also for another copy of Skein in the same program.
 *
 * @internal
 */
export const TaskTypeId = "~skein/Task"
export const FutureTypeId = "~skein/Future"
export const DependencyTypeId = "~skein/Dependency"
export const TaskGraphTypeId = "~skein/TaskGraph"

/** The value under these names: another copy of this module has another. */
export const thisCopy: unique symbol = Symbol("skein")
