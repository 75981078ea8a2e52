/**
 * Results at home: no worker holds them, so no loss of a worker loses them. The driver has their values.
 *
 * The column `worker` of the table of tasks has the row of the worker that runs a task or holds its result, and -1 before the first
 * attempt and for literals. For a result at home that some worker made it is below -1, and still tells which worker that was.
 *
 * @since 0.1.0
 */
/** The entry of a result at home that the worker in a row has made. */
export const atHome = (row: number): number => -2 - row

/** Whether an entry is that of a result at home that some worker has made. */
export const isAtHome = (worker: number): boolean => worker < -1

/** The row of the worker that runs a task, or has made its result; -1 for none. */
export const rowOf = (worker: number): number => isAtHome(worker) ? -2 - worker : worker
