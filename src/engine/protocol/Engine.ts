/**
 * An engine as code outside `src/engine` sees it: opaque.
 *
 * @since 0.1.0
 */
declare const inside: unique symbol

/**
 * An engine. Only `src/engine` reads its fields. Other code sends events (`Engine.ts`) and queries `views`.
 */
export interface Engine {
  readonly [inside]?: never
}
