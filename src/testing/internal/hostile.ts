/**
 * Errors that throw when they are read, or that have more causes than a stack: a body may fail with them, and the scheduler must
 * not suffer.
 *
 * @internal
 */

export const refuse = (): never => {
  throw new Error("do not look")
}

/** An error one field of which throws when it is read. */
export const withField = (field: string): Error => Object.defineProperty(new Error("fine"), field, { get: refuse })

export const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** An error of so many causes. */
export const chainOf = (length: number): Error => {
  let error = new Error("the first")
  for (let i = 1; i < length; i++) error = new Error(`number ${i}`, { cause: error })
  return error
}

const makers: ReadonlyArray<readonly [name: string, make: () => object]> = [
  ["a revoked proxy", revoked],
  ["an error whose message throws", () => withField("message")],
  ["an error whose stack throws", () => withField("stack")],
  ["an error whose _tag throws", () => withField("_tag")],
  ["an object whose toString and toJSON throw", () => ({ toString: refuse, toJSON: refuse })],
  ["an error caused by a revoked proxy", () => new Error("fine", { cause: revoked() })],
  ["an error of 20,000 causes", () => chainOf(20_000)]
]

const values: Array<object | undefined> = []
const names = new Map<unknown, string>()

/** One of them: the same value for the same number. */
export const hostileAt = (number: number): object => {
  const index = number % makers.length
  const [name, make] = makers[index]!
  const value = values[index] ??= make()
  names.set(value, name)
  return value
}

/** What it is, without a look at it; `undefined` for other values. */
export const nameOfHostile = (value: unknown): string | undefined => names.get(value)
