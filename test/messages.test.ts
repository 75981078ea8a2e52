/** The messages between a scheduler and a worker that is not here: their form, and their parts when they are split. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { dataOf, FarClock } from "../src/internal/remote/contexts.ts"
import type { Transfer } from "../src/internal/remote/link.ts"
import { End, Flags, startWidth } from "../src/internal/remote/messages.ts"
import type { Batch, Down, Report, Up } from "../src/internal/remote/messages.ts"
import { Outgoing, partsOf, transferOf } from "../src/internal/remote/outgoing.ts"
import { packedDown, packedUp, unpackedDown, unpackedUp } from "../src/internal/remote/packed.ts"
import { Reporting } from "../src/internal/remote/reporting.ts"

const sealedAs = (key: string) => ({ path: [0], key, bytes: Uint8Array.of(1) })

/** The starts of a batch as plain numbers. */
const startsOf = ({ starts }: Batch): ReadonlyArray<number> => Array.from(starts)

/** Starts with these payloads, at the seats 0, 1, 2 ... */
const started = (payloads: ReadonlyArray<unknown>, each: (outgoing: Outgoing, i: number) => void = () => {}) => {
  const outgoing = new Outgoing()
  payloads.forEach((payload, i) => {
    outgoing.start(i, 7, 1, 40 + i, Flags.ahead, payload)
    each(outgoing, i)
  })
  return outgoing
}

/** The objects and arrays of a message, without what users have put in. */
const objectsIn = (message: unknown, users: ReadonlyArray<unknown>): number =>
  typeof message !== "object" || message === null || users.includes(message)
    ? 0
    : 1 + Object.values(message).reduce((sum: number, value) => sum + objectsIn(value, users), 0)

/** The fields that a message may lack, all of them: one that is missing in a table below does not compile. */
type Optional<M> = {
  readonly [K in keyof M as Pick<M, K> extends Required<Pick<M, K>> ? never : K]-?: NonNullable<M[K]>
}

const inBatch: Optional<Batch> = {
  keys: ["k"],
  places: [1],
  contexts: [{ annotations: { a: 1 } } as never],
  sealed: [[0, sealedAs("s")]],
  orders: [2, 8],
  answers: [{ ask: 1, exit: { _tag: "Success", value: 2 } }],
  clock: { millis: 1, nanos: 2n, monotonicNanos: 3n }
}

const inReport: Optional<Report> = {
  begun: [1],
  stopping: [{ seat: 1, isShielded: false, isDeaf: true, mayWait: true, isAwayDeaf: undefined }],
  obstacles: [{ seat: 1, obstacle: "body" }],
  asks: [{ ask: 1, seat: 2, verb: "sleep", data: 3, isDeaf: false }],
  dropped: [4],
  logs: [{ seat: 1, level: "Info", message: "m", cause: undefined, annotations: {}, spans: [] }]
}

/** No field, each alone, and each pair. */
const choices = <F extends object>(fields: F): ReadonlyArray<Partial<F>> => {
  const all = Object.entries(fields)
  const pairs = all.flatMap((a, i) => all.slice(i + 1).map((b) => [a, b]))
  return [[], ...all.map((each) => [each]), ...pairs].map((chosen) => Object.fromEntries(chosen) as Partial<F>)
}

describe("messages", () => {
  it("B1: each field of a batch and of a report survives its form on the way, alone and beside each other", () => {
    for (const fields of choices(inBatch)) {
      for (const payloads of [[], ["a"], ["a", "b"]]) {
        const starts = payloads.flatMap((_, i) => [i, 7, 1, 40 + i, Flags.ahead])
        const batch: Batch = { _tag: "Batch", heard: 3, starts, payloads, ...fields }
        const packed = packedDown(batch)
        assert.strictEqual(Array.isArray(packed), payloads.length === 1 && Object.keys(fields).length === 0)
        assert.deepStrictEqual(unpackedDown(structuredClone(packed)), batch)
        // In parts, nothing is left out and nothing comes twice.
        const parts = partsOf({ batch, moved: new Map() }).map((part) => part.batch)
        assert.deepStrictEqual(parts.flatMap((part) => part.payloads), payloads)
        for (const name of ["orders", "answers", "clock"] as const) {
          assert.lengthOf(parts.filter((part) => part[name] !== undefined), name in fields ? 1 : 0, name)
        }
      }
    }
    for (const fields of choices(inReport)) {
      for (const values of [[], ["a"], ["a", "b"]]) {
        const ends = values.flatMap((_, i) => [i, End.succeeded])
        const report: Report = { _tag: "Report", ends, values, times: values.map(() => 0.5), ...fields }
        const packed = packedUp(report)
        assert.strictEqual(Array.isArray(packed), values.length === 1 && Object.keys(fields).length === 0)
        assert.deepStrictEqual(unpackedUp(structuredClone(packed)), report)
      }
    }
  })

  it("K7: each field of a report survives when the report goes in parts", () => {
    const [stopping, obstacle, ask, log] = [
      inReport.stopping[0]!,
      inReport.obstacles[0]!,
      inReport.asks[0]!,
      inReport.logs[0]!
    ]
    const adding: { readonly [K in keyof typeof inReport]: (reporting: Reporting) => void } = {
      begun: (reporting) => reporting.began(1),
      stopping: (reporting) => reporting.stopCame(stopping),
      obstacles: (reporting) => reporting.obstacle(obstacle.seat, obstacle.obstacle),
      asks: (reporting) => reporting.ask(ask),
      dropped: (reporting) => reporting.drop(4),
      logs: (reporting) => reporting.log(log)
    }
    for (const chosen of choices(adding)) {
      const sent: Array<Report> = []
      const send = (report: Report): void => {
        if (report.values.length > 1) throw new Error("it cannot be cloned")
        sent.push(report)
      }
      const reporting = new Reporting({ send } as never, () => true, () => {}, () => {})
      reporting.end(0, End.succeeded, "a", 1, [])
      reporting.end(1, End.succeeded, "b", 1, [])
      for (const add of Object.values(chosen)) add(reporting)
      reporting.flush()
      assert.deepStrictEqual(sent.flatMap(({ values }) => values), ["a", "b"])
      for (const [name, value] of Object.entries(inReport)) {
        const all = sent.flatMap((report) => report[name as keyof typeof inReport] as ReadonlyArray<unknown> ?? [])
        assert.deepStrictEqual(all, name in chosen ? [...value] : [], name)
      }
    }
  })

  it("B1: one start, or one end, and nothing else travels as one flat array", () => {
    const payload = { x: 1 }
    const { batch } = started([payload]).take(3)
    const down = packedDown(batch)
    assert.deepStrictEqual(down, [3, 0, 7, 1, 40, Flags.ahead, payload])
    assert.strictEqual(objectsIn(down, [payload]), 1)
    const arrived = unpackedDown(structuredClone(down)) as Batch
    assert.deepStrictEqual([startsOf(arrived), arrived.payloads, arrived.heard], [startsOf(batch), [payload], 3])
    assert.sameMembers(Object.keys(arrived), Object.keys(batch))
    const report: Report = { _tag: "Report", ends: [4, End.failed], values: [payload], times: [0.5] }
    const up = packedUp(report)
    assert.strictEqual(objectsIn(up, [payload]), 1)
    assert.deepStrictEqual(unpackedUp(structuredClone(up)), report)
  })

  it("B1: a message with anything more travels as it is", () => {
    const many = started([1, 2]).take(0).batch
    const keyed = started([1], (outgoing) => outgoing.key("k")).take(0).batch
    const ordered = started([1], (outgoing) => outgoing.order(0, 0)).take(0).batch
    const downs: ReadonlyArray<Down> = [many, keyed, ordered, new Outgoing().take(0).batch, { _tag: "Close" }]
    for (const down of downs) assert.strictEqual(unpackedDown(packedDown(down)), down)
    const report: Report = { _tag: "Report", ends: [0, 0], values: [1], times: [1] }
    const ups: ReadonlyArray<Up> = [
      { ...report, logs: [] },
      { ...report, begun: [1] },
      { _tag: "Report", ends: [0, 0, 1, 0], values: [1, 2], times: [1, 1] },
      { _tag: "Closed" }
    ]
    for (const up of ups) assert.strictEqual(unpackedUp(packedUp(up)), up)
  })

  it("B1: a report has the fields that it needs, and gives nothing away when nothing was moved", () => {
    const sent: Array<readonly [Up, Transfer | undefined]> = []
    const uplink = { send: (...message: [Up, Transfer?]) => void sent.push([message[0], message[1]]) } as never
    const reporting = new Reporting(uplink, (seat) => seat !== 9, () => {}, () => {})
    reporting.flush()
    reporting.end(4, End.succeeded, "a", 2, [])
    reporting.flush()
    reporting.began(9)
    reporting.began(5)
    reporting.end(4, End.succeeded, "b", 3, [])
    reporting.flush()
    reporting.drop(1)
    reporting.end(4, End.succeeded, "c", 4, [])
    const buffer = new ArrayBuffer(8)
    reporting.end(5, End.succeeded, buffer, 4, [buffer])
    reporting.end(6, End.succeeded, buffer, 4, [buffer])
    reporting.flush()
    reporting.end(7, End.succeeded, "d", 5, [])
    reporting.flush()
    const none = { _tag: "Report", ends: [], values: [], times: [] } as const
    assert.deepStrictEqual(sent, [
      [{ _tag: "Report", ends: [4, 0], values: ["a"], times: [2] }, undefined],
      [{ _tag: "Report", ends: [4, 0], values: ["b"], times: [3], begun: [5] }, undefined],
      // An end after an ask goes with the next report.
      [{ ...none, dropped: [1] }, undefined],
      [{ _tag: "Report", ends: [4, 0, 5, 0, 6, 0], values: ["c", buffer, buffer], times: [4, 4, 4] }, [buffer]],
      [{ _tag: "Report", ends: [7, 0], values: ["d"], times: [5] }, undefined]
    ])
  })

  it("K7: in parts, each start keeps its own key, context, sealed parts and buffers", () => {
    const context = { annotations: { a: 1 } } as never
    const buffer = new ArrayBuffer(8)
    const outgoing = started(["a", "b", buffer], (outgoing, i) => {
      if (i !== 1) outgoing.seal(sealedAs(`sealed ${i}`))
      if (i === 0) outgoing.seal(sealedAs("another"))
      if (i === 1) outgoing.key("b")
      if (i === 1) outgoing.place(outgoing.context(context))
      if (i === 2) outgoing.move([buffer])
    })
    outgoing.order(2, 8)
    const whole = outgoing.take(5)
    const parts = partsOf(whole)
    assert.deepStrictEqual(parts.map(({ batch }) => [...startsOf(batch)]), [
      ...[0, 1, 2].map((i) => startsOf(whole.batch).slice(startWidth * i, startWidth * (i + 1))),
      []
    ])
    assert.deepStrictEqual(parts.map(({ batch }) => batch.payloads), [["a"], ["b"], [buffer], []])
    assert.deepStrictEqual(parts.map(({ batch }) => batch.sealed?.map(([at, { key }]) => [at, key]) ?? []), [
      [[0, "sealed 0"], [0, "another"]],
      [],
      [[0, "sealed 2"]],
      []
    ])
    assert.deepStrictEqual(parts.map(({ batch }) => batch.keys?.[0]), [undefined, "b", undefined, undefined])
    const contextOf = ({ contexts, places }: Batch) => contexts?.[(places?.[0] ?? 0) - 1]
    assert.deepStrictEqual(parts.slice(0, 3).map(({ batch }) => contextOf(batch)), [undefined, context, undefined])
    assert.deepStrictEqual(parts.map(transferOf), [undefined, undefined, [buffer], undefined])
    assert.deepStrictEqual(parts.map(({ batch }) => batch.orders), [undefined, undefined, undefined, [2, 8]])
  })

  it("B1: a context of which nothing travels is looked at once", () => {
    let looks = 0
    const plain = Context.empty()
    const counted = new Proxy(plain, {
      get: (target, name) => {
        looks++
        return Reflect.get(target, name, target)
      }
    })
    assert.isUndefined(dataOf(counted, undefined))
    const first = looks
    assert.isAbove(first, 0)
    assert.isUndefined(dataOf(counted, undefined))
    assert.strictEqual(looks, first)
    const noted = Context.add(plain, References.CurrentLogAnnotations, { a: 1 })
    assert.deepStrictEqual(dataOf(noted, undefined)?.annotations, { a: 1 })
    assert.deepStrictEqual(dataOf(noted, undefined)?.annotations, { a: 1 })
    const now = { millis: 0, nanos: 0n, monotonicNanos: 0n }
    const clock = new FarClock({ now: () => now, sleep: () => Effect.void })
    const timed = Context.add(plain, Clock.Clock, clock)
    assert.strictEqual(dataOf(timed, clock)?.clock, "scheduler")
  })
})
