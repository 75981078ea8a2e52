/**
 * Which rare features are in use: a bit each, so that the way of a plain task looks at one word in place of each feature's data.
 *
 * A feature sets its bit where its first data comes, and the step that leaves none of it drops the bit (`advance`). So a bit
 * without data costs a few looks until then, but data without its bit is not seen: `check` compares both between steps. A new
 * feature on the way of a plain task gets a bit here, a term in `usesNow`, and its place in the masks of {@link Look}.
 *
 * @since 0.1.0
 */
/** Bits of `State.uses`. */
export const Use = {
  /** The transitions of this step go to a log. */
  log: 1,
  /** A live task asks for more than a slot, follows others or names a share, or the layer queues other tasks too. */
  demands: 2,
  /** A body waits for its slot, or keeps it while it waits for tasks. One that waits without it asks for nothing meanwhile. */
  waits: 4,
  /** A live task has a result that owns a resource. */
  resources: 8,
  /** A timer is armed. */
  timers: 16,
  /** No local worker takes tasks. */
  noTaker: 32,
  /** A worker is draining. */
  draining: 64,
  /** Placement is not the default: there is another scheme, or a worker with a mark. Kept from then on, like the next three. */
  steering: 128,
  /** Attempts are sent to some worker beyond its slots. */
  ahead: 256,
  /** A worker retires after a number of tasks. */
  counting: 512,
  /** A worker has a time to live or a maximum age, or there is a pool, so that something may be due at `watchAt`. */
  watching: 1024,
  /** In this step results have moved or are to be copied, or waits on behalf of an owner end. */
  step: 2048,
  /** A worker is remote. Kept from then on. */
  kinds: 4096,
  /** A worker hands its results over. Kept from then on, like the next one. */
  home: 8192,
  /** A remote task was submitted. */
  away: 16384,
  /** Something is paused, or a task waits for a rate. */
  delays: 32768
} as const

/** The bits that the first remote worker sets. They matter where it, or what it may run, takes part. */
const far = Use.ahead | Use.kinds | Use.home

const dispatch = Use.demands | Use.waits | Use.steering | Use.ahead | Use.step | Use.kinds | Use.delays
const start = Use.log | Use.demands | Use.ahead | Use.counting
const end = Use.log | Use.demands | Use.waits | Use.ahead | Use.home

/** The bits that matter at each place on the way of a plain task; `Here` where all that takes part is here. */
export const Look = {
  ready: Use.log | Use.demands | Use.noTaker | Use.away,
  dispatch,
  dispatchHere: dispatch & ~far,
  start,
  startHere: start & ~far,
  end,
  endHere: end & ~far,
  tell: Use.resources,
  forget: Use.log | Use.demands | Use.resources,
  /** The other bits have nothing to do at the end of a step. */
  conclude: ~far
} as const
