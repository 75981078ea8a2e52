/**
 * One object of each class that hot code uses, kept for ever.
 *
 * When the last object of a class is collected, V8 forgets what its objects look like and throws away all code that was
 * compiled for them. Between two computations of an app nothing may be left of a graph; without specimens the first
 * computation after a large collection takes two to three times as long (docs/performance.md).
 *
 * @since 0.1.0
 */
const kept: Array<object> = []

/** Keeps an object that looks like all others of its class: the same fields, set in the same order. */
export const keepSpecimen = (specimen: object): void => {
  kept.push(specimen)
}

/** All kept objects. */
export const specimens: ReadonlyArray<object> = kept
