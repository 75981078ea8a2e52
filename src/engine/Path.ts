/**
 * The way of a failure, as the keys of the tasks that it ended. Tasks in a row share one list: each adds its own key.
 *
 * @since 0.1.0
 */

/** A list of keys that knows its last one and what lies before that. An array of them is made when somebody reads it. */
export class Path {
  /** Private, so that whoever compares two lists does not descend a way of any length. */
  readonly #before: Path | undefined
  /** The last key. */
  readonly key: string
  /** The first key. */
  readonly root: string
  readonly length: number

  constructor(before: Path | undefined, key: string) {
    this.#before = before
    this.key = key
    this.root = before === undefined ? key : before.root
    this.length = before === undefined ? 1 : before.length + 1
  }

  /** All keys, the first one first. Takes as many steps as there are keys. */
  toArray(): ReadonlyArray<string> {
    const keys = [this.key]
    for (let at = this.#before; at !== undefined; at = at.#before) keys.push(at.key)
    return keys.reverse()
  }
}

/** The list of these keys, added to what lies before. */
export const listOf = (keys: Iterable<string>, before?: Path): Path | undefined => {
  let path = before
  for (const key of keys) path = new Path(path, key)
  return path
}
