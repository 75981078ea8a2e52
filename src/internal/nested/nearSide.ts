/**
 * Nested work of bodies elsewhere, as their scheduler sees it: a named task that one asks for is a computation in its attempt.
 * So it is a child of the attempt, its wait is that of the attempt, and it ends with it.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { CurrentAnnotations } from "../bodies/annotations.ts"
import { computeTargets } from "../client/computing.ts"
import { encodeCause, stranded } from "../portable/causes.ts"
import type { Item } from "../portable/items.ts"
import type { Named } from "../portable/named.ts"
import type { Verbs } from "../remote/asking.ts"
import type { ExitData } from "../remote/messages.ts"
import { annotationsFrom } from "../remote/regions.ts"
import { scheduleOf } from "../tasks/options.ts"
import type { TaskOptions } from "../tasks/task.ts"
import type { Travelling } from "../tasks/travelling.ts"
import { SlotKeeper } from "../tasks/worker.ts"
import { quote } from "../text/text.ts"
import type { Wanted } from "./wanted.ts"

/** The verb by which bodies ask for tasks of these items. */
export const nestedVerbs = (items: ReadonlyArray<Item>): Verbs => ({
  run: (attempt, data) => {
    const { keepsSlot, name, options, payload, region } = data as Wanted
    const found = find(items, name)
    if (found === undefined) return Effect.die(new TypeError(`Its scheduler knows no task ${quote(name)}.`))
    const { make, named } = found
    const decoded = named.codec.payload.decode(payload)
    if (Result.isFailure(decoded)) return Effect.die(stranded(name, "payload", decoded.failure))
    const task = make(decoded.success, options && optionsFrom(options))
    const computed = Effect.suspend(() => computeTargets(attempt.home, task, undefined))
    const kept = keepsSlot ? Effect.provideService(computed, SlotKeeper, attempt) : computed
    const within = region === undefined
      ? kept
      : Effect.updateService(kept, CurrentAnnotations, (outer) => annotationsFrom(region, outer))
    return Effect.map(Effect.exit(within), (exit) => exitData(named, exit))
  }
})

const optionsFrom = ({ times, ...same }: Travelling): TaskOptions =>
  times === undefined ? same : { ...same, retry: scheduleOf({ times }) }

interface Found {
  readonly named: Named
  readonly make: (payload: unknown, options: object | undefined) => unknown
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
    return { named: item.module.named(own), make: (payload, options) => item.make(own, payload, options) }
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
