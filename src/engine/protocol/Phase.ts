/**
 * The states of a task, and its flags.
 *
 * @since 0.1.0
 */

/** The state of a task. Numbers, because a million of them are in one byte array. */
export const Phase = {
  free: 0,
  waiting: 1,
  ready: 2,
  assigned: 3,
  running: 4,
  seceded: 5,
  rejoining: 6,
  stopping: 7,
  releasing: 8,
  succeeded: 9,
  failed: 10,
  upstreamFailed: 11,
  cancelled: 12,
  skipped: 13
} as const

export type Phase = typeof Phase[keyof typeof Phase]

/** The words for the phases, in the order of their numbers. */
export const phaseNames = [
  "free",
  "waiting",
  "ready",
  "assigned",
  "running",
  "seceded",
  "rejoining",
  "stopping",
  "releasing",
  "succeeded",
  "failed",
  "upstreamFailed",
  "cancelled",
  "skipped"
] as const

/** Whether a task in this phase failed, or never started because of a failure. */
export const isFailed = (phase: Phase): boolean => phase === Phase.failed || phase === Phase.upstreamFailed

export type PhaseName = Exclude<typeof phaseNames[number], "free">

/** Whether a task has ended. A task whose resource is being finalized counts as not ended, because others wait for that. */
export const hasEnded = (phase: Phase): boolean => phase >= Phase.succeeded

/** Bits of the `flags` column. */
export const Flag = {
  /** Its dependents, dependencies and waits have been notified of its end. */
  told: 1,
  /** It holds a slot of its worker. */
  holdsSlot: 2,
  /** Its attempt has exceeded its own timeout. */
  timedOut: 4,
  /** The owner of its submission wants it to run to its end, whatever else fails. */
  wished: 8,
  /** It was started before, in attempts that do not count. */
  begun: 16,
  /** It had succeeded, and its result was lost: it runs again for tasks that need it. */
  recomputed: 32,
  /** Its result owns a resource, which is finalized before its record is forgotten. */
  resource: 64,
  /** It passes on the result of a task that owns a resource, and holds that task as long as its own result is held. */
  retains: 128,
  /** It has a record of rare facts, see `Extras`. */
  hasExtras: 256,
  /** Its plan has settings for it, or its submission names a share. */
  hasSettings: 512,
  /** It has dependents in later submissions. Matters at its end alone. */
  hasLater: 1024,
  /** Its body has returned a graph: it stands for a task of that, see `aliasOf`. */
  isAlias: 2048,
  /** All of these but `told`, `holdsSlot` and `hasLater`: the task is no plain one. */
  rare: 0xfbfc
} as const
