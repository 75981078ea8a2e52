/**
 * The names by which what Skein makes is known, also to another copy of Skein in the same program.
 *
 * @internal
 */
export const TaskTypeId = "~skein/Task"
export const FutureTypeId = "~skein/Future"
export const DependencyTypeId = "~skein/Dependency"
export const GraphTypeId = "~skein/Graph"

/** What stands under these names: another copy of this module has another. */
export const thisCopy: unique symbol = Symbol("skein")
