/**
 * The names of the handlers that the far side has.
 *
 * @internal
 */
import type { Named } from "../portable/named.ts"

/** The handlers of the far side: messages have their numbers. */
export class Names {
  private numbers: ReadonlyMap<string, number> = new Map()
  /** The same by the number of what names them in tasks; -1 for a name that is not there. */
  private ofNamed: Array<number | undefined> = []

  set(names: ReadonlyArray<string>): void {
    this.numbers = new Map(names.map((name, number) => [name, number]))
    this.ofNamed = []
  }

  /** -1 if there is no handler of that name. */
  numberOf({ name, number }: Named): number {
    return this.ofNamed[number] ??= this.numbers.get(name) ?? -1
  }
}
