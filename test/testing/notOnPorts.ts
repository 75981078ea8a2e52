/**
 * What `npm run test:ports` leaves out, with the reason for each. It runs all other tests, so a new file needs no line here.
 *
 * A reason is a fact about the test, never a failure that nobody has explained.
 */

/** Files, or folders that end in `/`. */
export const files: Readonly<Record<string, string>> = {
  "test/engine/": "tests the engine alone, which has no workers: instructions in a list"
}

/** Tests by file, and the beginnings of their names. */
export const tests: Readonly<Record<string, ReadonlyArray<readonly [names: string, reason: string]>>> = {}

/** Tests that run with values by reference only. */
export const testsWithoutClones: Readonly<Record<string, ReadonlyArray<readonly [names: string, reason: string]>>> = {}
