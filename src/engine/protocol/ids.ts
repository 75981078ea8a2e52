/**
 * Numbers by which the engine and its driver name things.
 *
 * @since 0.1.0
 */

/** A row of the task table. Given to another task once the record is forgotten. */
export type TaskId = number

/** A worker. Never used again. -1 for none. */
export type WorkerId = number

/** A claim. Never used again. */
export type ClaimId = number
