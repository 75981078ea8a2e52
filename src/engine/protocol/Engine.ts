/**
 * An engine as those see it who are not part of it.
 *
 * @since 0.1.0
 */
declare const inside: unique symbol

/**
 * An engine, with all that it knows. What is in it is for `src/engine` alone: others send it events (`Engine.ts`) and ask what
 * `views` answer.
 */
export interface Engine {
  readonly [inside]?: never
}
