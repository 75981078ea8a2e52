/** Values that throw when they are looked at, each in a way of its own. */

import { chainOf, refuse, revoked, withField } from "../src/testing/internal/hostile.ts"

const cyclic = (): Error => {
  const error = new Error("it causes itself")
  error.cause = new Error("between", { cause: error })
  return error
}

/** A proxy that throws in every trap. */
const trapped = (target: object): object =>
  new Proxy(
    target,
    Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, refuse]))
  )

export const hostile: Readonly<Record<string, () => unknown>> = {
  "a revoked proxy": revoked,
  "a proxy that throws in every trap": () => trapped({}),
  "an error whose prototype cannot be read": () => new Proxy(new Error("fine"), { getPrototypeOf: refuse }),
  "an error that throws for each symbol": () =>
    new Proxy(new Error("fine"), {
      get: (target, key) => typeof key === "symbol" ? refuse() : Reflect.get(target, key),
      has: (target, key) => typeof key === "symbol" ? refuse() : Reflect.has(target, key)
    }),
  ...Object.fromEntries(
    ["message", "stack", "name", "cause", "_tag", "toString", "toJSON", "constructor"].map((field) =>
      [`an error whose ${field} throws`, () => withField(field)] as const
    )
  ),
  "an error with a field that throws": () =>
    Object.defineProperty(new Error("fine"), "detail", { enumerable: true, get: refuse }),
  "an object whose toString throws": () => ({ toString: refuse }),
  "an object whose toJSON throws": () => ({ toJSON: refuse }),
  "an object without a prototype": () => Object.create(null) as unknown,
  "a function that is trapped": () => trapped(() => {}),
  "a symbol": () => Symbol("s"),
  "an error that causes itself": cyclic,
  "an error of 20,000 causes": () => chainOf(20_000),
  "an error caused by a revoked proxy": () => new Error("fine", { cause: revoked() })
}
