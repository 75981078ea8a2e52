/**
 * Whether a type is `any`: it takes both branches of every condition, so it is tested first.
 *
 * @internal
 */
export type IsAny<A> = 0 extends 1 & A ? true : false
