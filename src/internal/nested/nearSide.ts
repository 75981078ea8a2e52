/**
 * Nested work of bodies elsewhere, as their scheduler sees it: a named task that one asks for is a computation in its attempt.
 * So it is a child of the attempt, its wait is that of the attempt, and it ends with it.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { computeTargets } from "../client/computing.ts"
import { encodeCause, stranded } from "../portable/causes.ts"
import type { Item } from "../portable/items.ts"
import type { Named } from "../portable/named.ts"
import type { Verbs } from "../remote/asking.ts"
import type { ExitData } from "../remote/messages.ts"
import { SlotKeeper } from "../tasks/worker.ts"
import { quote } from "../text/text.ts"
import type { Wanted } from "./wanted.ts"

/** The verb by which bodies ask for tasks of these items. */
export const nestedVerbs = (items: ReadonlyArray<Item>): Verbs => ({
  run: (attempt, data) => {
    const { keepsSlot, name, payload } = data as Wanted
    const found = find(items, name)
    if (found === undefined) return Effect.die(new TypeError(`Its scheduler knows no task ${quote(name)}.`))
    const { make, named } = found
    const decoded = named.codec.payload.decode(payload)
    if (Result.isFailure(decoded)) return Effect.die(stranded(name, "payload", decoded.failure))
    const computed = Effect.suspend(() => computeTargets(attempt.home, make(decoded.success), undefined))
    const kept = keepsSlot ? Effect.provideService(computed, SlotKeeper, attempt) : computed
    return Effect.map(Effect.exit(kept), (exit) => exitData(named, exit))
  }
})

interface Found {
  readonly named: Named
  readonly make: (payload: unknown) => unknown
}

const find = (items: ReadonlyArray<Item>, name: string): Found | undefined => {
  for (const item of items) {
    if (item._tag === "Name") {
      if (item.name === name) return item
      continue
    }
    const start = `${item.module.url}#`
    if (!name.startsWith(start)) continue
    const own = name.slice(start.length)
    return { named: item.module.named(own), make: (payload) => item.make(own, payload) }
  }
  return undefined
}

const exitData = (named: Named, exit: Exit.Exit<unknown, unknown>): ExitData => {
  if (Exit.isFailure(exit)) return { _tag: "Failure", cause: encodeCause(named, exit.cause) }
  const encoded = named.codec.success.encode(exit.value)
  return Result.isSuccess(encoded)
    ? { _tag: "Success", value: encoded.success }
    : exitData(named, Exit.die(stranded(named.name, "result", encoded.failure)))
}
