/**
 * What `npm run test:ports` leaves out, with the reason for each. It runs all other tests, so a new file needs no line here.
 *
 * A reason is a fact about the test, never a failure that nobody has explained.
 */

/** Patterns of files. */
export const files: Readonly<Record<string, string>> = {
  "test/engine/**": "Tests the engine alone. Its instructions go into a list, so there is no worker.",
  "test/scripts/**": "Tests a script that reads pages.",
  "test/actors.test.ts": "Reads sources and a page, and runs no task.",
  "test/architecture.test.ts": "Reads sources, and runs no task.",
  "test/backends/**": "Runs bodies on every backend, each with ports of its own.",
  "test/threads/**": "Runs bodies in threads, which are behind ports of their own.",
  "test/processes/**": "Runs bodies in processes, which are behind ports of their own.",
  "test/docs.test.ts": "Reads pages, and runs no task.",
  "test/editor.test.ts": "Asks a language server, and runs no task.",
  "test/streamCounts.test.ts": "Counts what an item costs here. Ports that send messages cost more.",
  "test/exports.test.ts": "Reads the names of modules, and runs no task.",
  "test/features.test.ts": "Reads pages, and runs no task.",
  ".doctest/docs-effect-md-*":
    "Shows how many requests Effect batches, which depends on the turn in which bodies start."
}

/** Beginnings of the names of tests, each with a reason, by file. */
type Tests = Readonly<Record<string, Readonly<Record<string, string>>>>

export const tests: Tests = {
  "test/delays.test.ts": {
    "W22, T1: no interval has more starts than its rate":
      "Notes when bodies begin. A rate counts when attempts are given to workers, and messages take time here."
  },
  "test/counts.test.ts": {
    "a task is three messages of its worker's port":
      "Counts the calls of a direct port, one of which exists there alone."
  },
  "test/examples/randomDag.test.ts": {
    "a task runs for as long as its body waits":
      "Measures virtual time exactly: here the test clock may move on while the report of an end is on its way."
  },
  "test/streamProgress.test.ts": {
    "V12: the speed follows a change":
      "Measures virtual time exactly: here the test clock may move on while the report of an end is on its way."
  },
  "test/testing/gate.test.ts": {
    "T7: names every table that something is left in": "Names the tables of a worker without a border."
  },
  "test/turns.test.ts": {
    "A body that may look around sees all that has ended before it":
      "Tests the direct call: here ends of several tasks are on their way when the next body starts."
  },
  "test/misuse.test.ts": {
    "F1: a future or a client where it does not belong is named, and not written out":
      "Skein measures the client that it was given in place of a task, and with it the engine, which is sealed here."
  }
}

/** Tests that run with values by reference only. */
export const testsWithoutClones: Tests = {}
