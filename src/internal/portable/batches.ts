/**
 * Several calls of one name as one task: one message has all payloads, and one the ends of all. Each call ends alone.
 *
 * @internal
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { decodeCause, encodeCause, stranded } from "./causes.ts"
import type { Travelling, WireCause } from "./causes.ts"
import { effectIn } from "./handlers.ts"
import { unchecked } from "./named.ts"
import type { Implementation, Named, Way } from "./named.ts"

/** The end of one call. */
type WireEnd = { readonly value: unknown } | { readonly cause: WireCause }

/** Ends are encoded one by one, and never sealed. */
const ends: Way = { ...unchecked, asIs: false }

const batches = new WeakMap<Named, Named>()

/** The name of calls, for several of them: its payload is an array of theirs, and its result an array of their exits. */
export const batchOf = (named: Named): Named => {
  let batch = batches.get(named)
  if (batch === undefined) batches.set(named, batch = { ...named, isBatch: true, codec: codecOf(named) })
  return batch
}

const codecOf = (named: Named): Named["codec"] => {
  const { error, payload, success } = named.codec
  const exitOf = (end: WireEnd): Exit.Exit<unknown, unknown> => {
    if ("cause" in end) return Exit.failCause(decodeCause(named, end.cause))
    const decoded = success.decode(end.value)
    const fault = success.asIs ? success.check(end.value) : undefined
    if (Result.isSuccess(decoded) && fault === undefined) return Exit.succeed(decoded.success)
    return Exit.die(stranded(named.name, "result", fault ?? (Result.isFailure(decoded) ? decoded.failure : "")))
  }
  return {
    // Each payload was checked before, and is checked again where it arrives.
    payload: payload.asIs
      ? unchecked
      : {
        ...unchecked,
        asIs: false,
        encode: (payloads) => Result.all((payloads as ReadonlyArray<unknown>).map(payload.encode))
      },
    success: {
      ...unchecked,
      asIs: false,
      decode: (ends) => Result.succeed((ends as ReadonlyArray<WireEnd>).map(exitOf))
    },
    error
  }
}

/** What runs several calls where they arrive, one after the other. Calls of plain functions need no fiber. */
export const runBatches = (one: Implementation): Implementation => {
  const { named, run } = one
  const die = (what: Travelling, fault: string): WireEnd => failed(Cause.die(stranded(named.name, what, fault)))
  const failed = (cause: Cause.Cause<unknown>): WireEnd => ({ cause: encodeCause(named, cause) })
  const succeeded = (value: unknown): WireEnd => {
    const encoded = named.codec.success.encode(value)
    return Result.isSuccess(encoded) ? { value: encoded.success } : die("result", encoded.failure)
  }
  /** The end of a call, or the rest of it. */
  const begin = (wire: unknown): WireEnd | Effect.Effect<WireEnd> => {
    const { payload } = named.codec
    const decoded = payload.decode(wire)
    if (Result.isFailure(decoded)) return die("payload", decoded.failure)
    const fault = payload.asIs ? payload.check(wire) : undefined
    if (fault !== undefined) return die("payload", fault)
    const called = Result.try(() => run(decoded.success))
    if (Result.isFailure(called)) return failed(Cause.die(called.failure))
    const effect = effectIn(called.success)
    if (effect === undefined) return succeeded(called.success)
    return Effect.matchCause(Effect.scoped(effect), { onFailure: failed, onSuccess: succeeded })
  }
  return {
    ...one,
    named: { name: named.name, codec: { ...named.codec, payload: unchecked, success: ends } },
    run: (payloads) => {
      const left = (payloads as ReadonlyArray<unknown>).values()
      const all: Array<WireEnd> = []
      const goOn = (): ReadonlyArray<WireEnd> | Effect.Effect<ReadonlyArray<WireEnd>> => {
        for (const payload of left) {
          const end = begin(payload)
          if (Effect.isEffect(end)) return Effect.flatMap(end, goOnAfter)
          all.push(end)
        }
        return all
      }
      const goOnAfter = (end: WireEnd): Effect.Effect<ReadonlyArray<WireEnd>> => {
        all.push(end)
        const rest = goOn()
        return Effect.isEffect(rest) ? rest : Effect.succeed(rest)
      }
      return goOn()
    }
  }
}
