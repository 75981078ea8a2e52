/**
 * Whether nothing is known of a type: `any` is on both sides of every question, so it is asked for first.
 *
 * @internal
 */
export type IsAny<A> = 0 extends 1 & A ? true : false
