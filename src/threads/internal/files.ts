/**
 * The files that threads and processes start with: `.js` in the package, `.ts` in a source tree.
 *
 * @internal
 */

/** The URL of a file beside the module that has this URL. */
export const ownEntry = (beside: string, name: string): URL =>
  new URL(`./${name}.${beside.endsWith(".ts") ? "ts" : "js"}`, beside)
