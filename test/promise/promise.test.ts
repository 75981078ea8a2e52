import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { AsyncResource } from "node:async_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { type Future, type PromiseClient, signal, start, task } from "skein/promise"
import * as Scheduler from "skein/Scheduler"
import * as Skein from "skein/Skein"
import * as SkeinError from "skein/SkeinError"

setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

/** Some turns of the event loop. */
const turns = async (n = 3): Promise<void> => {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** The error with which a promise rejects. */
const errorOf = (promise: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(promise).then(() => assert.fail("it resolved"), (error: unknown) => error)

const messageIn = (error: unknown): string => (error as Error).message

/** Runs a program with a client that is closed after it. */
const withClient =
  (options: Skein.Options, program: (skein: PromiseClient) => Promise<void>): () => Promise<void> => async () => {
    await using skein = await start(options)
    await program(skein)
  }

/** A promise that settles as told. */
const gate = <A = void>() => Promise.withResolvers<A>()

/** Rejects when the signal is aborted, and notes what happens. */
const untilStopped = (log: Array<string>, name = "it") => async (): Promise<never> => {
  log.push(`${name} starts`)
  const { promise, reject } = gate<never>()
  const mine = signal()
  mine.addEventListener("abort", () => reject(mine.reason))
  try {
    return await promise
  } finally {
    await turns(2)
    log.push(`${name} has cleaned up`)
  }
}

/** Counts the listeners of a signal from now on. */
const listenersOf = (signal: AbortSignal): { count: number } => {
  const listeners = { count: 0 }
  const { addEventListener, removeEventListener } = signal
  const own = new Set<unknown>()
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners.count = own.add(args[1]).size
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    own.delete(args[1])
    listeners.count = own.size
    removeEventListener.apply(signal, args)
  }
  return listeners
}

class HttpError extends Error {
  readonly status: number
  constructor(status: number) {
    super(`status ${status}`)
    this.status = status
  }
}

describe("calls", () => {
  it(
    "A14: a submission gives a future at once, which is awaited, and an argument of others in any place",
    withClient({ concurrency: 2 }, async (skein) => {
      const opened = gate<string>()
      const page = skein.submit(() => opened.promise)
      const words = skein.submit((page: string) => page.split(" "), page)
      const told = skein.submit(
        ({ page, parts }, title) => `${title}: ${page} has ${parts[0].length} and ${parts[1]}`,
        { page, parts: [words, 7] as const },
        "Report"
      )
      await turns()
      assert.deepStrictEqual([page.status, words.status, told.status], ["running", "waiting", "waiting"])
      opened.resolve("a b c")
      assert.strictEqual(await told, "Report: a b c has 3 and 7")
      assert.deepStrictEqual([await page, await words, await words], ["a b c", ["a", "b", "c"], ["a", "b", "c"]])
    })
  )

  it(
    "A14: a function gets its arguments alone, its name is the label, and plain functions will do",
    withClient({}, async (skein) => {
      const seen: Array<ReadonlyArray<unknown>> = []
      function all(...args: ReadonlyArray<unknown>): number {
        return seen.push(args)
      }
      const future = skein.submit(all, 1, "two")
      assert.match(future.key, /^all#/)
      assert.strictEqual(await future, 1)
      assert.deepStrictEqual(seen, [[1, "two"]])
      assert.strictEqual(await skein.submit(Number.parseInt, "12"), 12)
      assert.deepStrictEqual(await skein.map(["1", "2", "3"], (text) => Number.parseInt(text)), [1, 2, 3])
    })
  )

  it(
    "A14, W1: no more functions run at once than there are slots",
    withClient({ concurrency: 3 }, async (skein) => {
      let [running, most] = [0, 0]
      const work = async (n: number) => {
        most = Math.max(most, ++running)
        await turns(1)
        running--
        return n * n
      }
      const futures = Array.from({ length: 20 }, (_, i) => skein.submit(work, i))
      assert.deepStrictEqual(await Promise.all(futures), Array.from({ length: 20 }, (_, i) => i * i))
      assert.deepStrictEqual(await skein.map([1, 2, 3, 4], work, { concurrency: 1 }), [1, 4, 9, 16])
      assert.strictEqual(most, 3)
    })
  )

  it(
    "A14, O5: a higher priority runs sooner, and options stand before the function",
    withClient({ concurrency: 1 }, async (skein) => {
      const order: Array<string> = []
      const opened = gate()
      const first = skein.submit(() => opened.promise)
      await turns()
      const note = (name: string) => order.push(name)
      const all = [
        skein.submit(note, "plain"),
        skein.submit({ priority: -1 }, note, "low"),
        skein.submit({ priority: 1 }, note, "high")
      ]
      opened.resolve()
      await Promise.all([first, ...all])
      assert.deepStrictEqual(order, ["high", "plain", "low"])
    })
  )

  it(
    "A14, F5: a function is called again after an error, as often as it may be and only for errors that are meant",
    withClient({}, async (skein) => {
      const calls: Array<string> = []
      const flaky = async (name: string, status: number) => {
        calls.push(name)
        if (calls.filter((each) => each === name).length < 3) throw new HttpError(status)
        return name
      }
      assert.strictEqual(await skein.submit({ retry: 2 }, flaky, "a", 503), "a")
      const retry = { times: 5, delay: 1, factor: 1, while: (error: unknown) => (error as HttpError).status === 503 }
      assert.strictEqual(await skein.submit({ retry }, flaky, "b", 503), "b")
      assert.strictEqual((await errorOf(skein.submit({ retry }, flaky, "c", 404)) as HttpError).status, 404)
      assert.deepStrictEqual(await skein.map(["d", "e"], (name) => flaky(name, 503), { retry: 2 }), ["d", "e"])
      assert.deepStrictEqual(calls.toSorted(), Array.from("aaabbbcdddeee"))
    })
  )

  it(
    "A14, C9: a timeout aborts the signal of the attempt, and the future rejects when the function has settled",
    withClient({}, async (skein) => {
      const log: Array<string> = []
      const error = await errorOf(skein.submit({ timeout: 1, key: "slow" }, untilStopped(log)))
      assert.instanceOf(error, SkeinError.TaskTimeout)
      assert.deepStrictEqual(log, ["it starts", "it has cleaned up"])
    })
  )

  it(
    "A14: what is refused throws at once, with words",
    withClient({}, async (skein) => {
      assert.throws(() => skein.submit("no function" as never), /function/)
      assert.throws(() => skein.submit({ priorty: 1 } as never, () => 1), /priorty/)
      const error = (() => {
        try {
          return skein.submit((a: number, b: number) => a + b, task({ key: "k" }, () => 1), task({ key: "k" }, () => 2))
        } catch (error) {
          return error
        }
      })()
      assert.instanceOf(error, SkeinError.SubmitError)
    })
  )
})

describe("options", () => {
  const messageOf = (call: () => unknown): string => {
    try {
      call()
      return "accepted"
    } catch (error) {
      return (error as Error).message
    }
  }

  const rejected = async (promise: PromiseLike<unknown>): Promise<string> => (await errorOf(promise) as Error).message

  it(
    "A14: an option that does not exist is a mistake that lists those that do",
    withClient({}, async (skein) => {
      const one = task(() => 1)
      const ofSignals = "Known options: conflict, signal."
      assert.strictEqual(
        await rejected(skein.run(one, { sginal: 1 } as never)),
        `There is no option sginal. ${ofSignals}`
      )
      assert.include(messageOf(() => skein.submit(one, { priority: 9 } as never)), ofSignals)
      const ofRetry = "There is no option retry.dealy. Known options: times, delay, factor, while."
      const retry = { times: 1, dealy: 5 } as never
      assert.strictEqual(messageOf(() => skein.submit({ retry }, () => 1)), ofRetry)
      assert.strictEqual(messageOf(() => task({ retry }, () => 1)), ofRetry)
      assert.strictEqual(await rejected(skein.map([1], (n) => n, { retry })), ofRetry)
      const ofMap = await rejected(skein.map([1], (n) => n, { concurency: 1, mode: "continue" } as never))
      assert.match(
        ofMap,
        /^There is no option concurency\. Known options: mode, concurrency, conflict, signal, label, /
      )
      assert.notMatch(ofMap, /key\b|pure|inline/)
      const typo = { orderd: 1, mode: "continue" } as never
      const ofTasks = skein.stream([one], typo)[Symbol.asyncIterator]()
      assert.match(
        await rejected(ofTasks.next()),
        /: mode, conflict, outstanding, unordered, batch, maxFailures, withInput, name, total, signal\.$/
      )
      const ofItems = skein.stream([1], (n) => n, typo)[Symbol.asyncIterator]()
      assert.match(
        await rejected(ofItems.next()),
        /: mode, .*, batch, maxFailures, withInput, name, total, signal, label, /
      )
      assert.match(
        messageOf(() => skein.submit({ priorty: 1 } as never, () => 1)),
        /options: key, label, .*, signal\.$/
      )
    })
  )

  it(
    "A14: a signal that nobody can listen to is a mistake before anything starts",
    withClient({}, async (skein) => {
      const log: Array<string> = []
      const run = () => log.push("runs")
      const wrong = { signal: { aborted: false } } as never
      const expected = /signal.*an AbortSignal/
      assert.match(messageOf(() => skein.submit(wrong, run)), expected)
      assert.match(messageOf(() => skein.submit(task(run), wrong)), expected)
      assert.match(await rejected(skein.map([1], run, wrong)), expected)
      assert.match(await rejected(skein.run(task(run), wrong)), expected)
      assert.match(await rejected(skein.stream([1], run, wrong)[Symbol.asyncIterator]().next()), expected)
      await turns()
      assert.deepStrictEqual(log, [])
    })
  )

  it(
    "A14: the functions of a client can be taken out of it",
    withClient({}, async ({ map, run, stream, submit }) => {
      assert.strictEqual(await submit(() => 1), 1)
      assert.deepStrictEqual(await map([1], (n) => n), [1])
      assert.strictEqual(await run(task(() => 1)), 1)
      for await (const n of stream([1], (n) => n)) assert.strictEqual(n, 1)
      const { close } = await start()
      await close()
    })
  )
})

describe("graphs", () => {
  it(
    "A14, A6: tasks are described first, run once each, and come back in the shape of the request",
    withClient({}, async (skein) => {
      let calls = 0
      const source = task({ key: "source" }, async () => ++calls)
      const left = task((n) => n + 1, source)
      const right = task(async (n: number) => n + 10, source)
      assert.deepStrictEqual(await skein.run({ left, both: [left, right] }), { left: 2, both: [2, 11] })
      assert.strictEqual(calls, 1)
      assert.strictEqual(await skein.run(left), 3)
    })
  )

  it(
    "A14, G10: the same task under a key joins its run, and a future is an input of a task",
    withClient({}, async (skein) => {
      let calls = 0
      const opened = gate()
      const shared = task({ key: "shared" }, () => opened.promise.then(() => ++calls))
      const first = skein.submit(shared)
      const second = skein.submit(shared)
      assert.deepStrictEqual([first.key, second.key], ["shared", "shared"])
      const after = task({ after: first }, () => calls)
      opened.resolve()
      assert.deepStrictEqual([await skein.run(after), await first, await second], [1, 1, 1])
    })
  )

  it("A14: a layer gives the services that tasks need", async () => {
    await using skein = await start(Layer.fresh(Skein.layer({ concurrency: 1 })))
    assert.strictEqual(await skein.run(task(() => 42)), 42)
  })
})

describe("streams", () => {
  it(
    "V12: a loop is in progress under its name, or that of its function",
    withClient({ concurrency: 2 }, async (skein) => {
      const streams = async () => (await Effect.runPromiseWith(skein.context)(Scheduler.stats)).streams
      const double = (n: number) => 2 * n
      const names: Array<unknown> = []
      const note = async () => names.push((await streams())?.map(({ name, taken, total }) => [name, taken, total]))
      for await (const _ of skein.stream([1], double)) await note()
      for await (const _ of skein.stream(new Set([1, 2]), double, { name: "doubles", outstanding: 1 })) await note()
      for await (
        const _ of skein.stream(
          (function*() {
            yield task(double, 1)
          })(),
          { name: "tasks", total: 7 }
        )
      ) await note()
      await note()
      assert.deepStrictEqual(names, [
        [["double", 1, 1]],
        [["doubles", 1, 2]],
        [["doubles", 2, 2]],
        [["tasks", 1, 1]],
        undefined
      ])
    })
  )

  const read = async (results: AsyncIterable<unknown>): Promise<Array<unknown>> => {
    const all: Array<unknown> = []
    for await (const result of results) all.push(result)
    return all
  }

  /** Numbers without end, which note how many were taken and whether the source was closed. */
  function* numbers(log: { taken: number; returned: number }): Generator<number> {
    try {
      for (;;) yield log.taken++
    } finally {
      log.returned++
    }
  }

  it(
    "A14, A7: a loop takes items as it goes, and its end stops what runs and closes the source",
    withClient({ concurrency: 2 }, async (skein) => {
      for (const signal of [undefined, new AbortController().signal]) {
        const log = { taken: 0, returned: 0 }
        const seen: Array<number> = []
        for await (const n of skein.stream(numbers(log), async (n) => n * n, { outstanding: 3, signal })) {
          seen.push(n)
          assert.isAtMost(log.taken - seen.length + 1, 3)
          await turns(2)
          if (n >= 25) break
        }
        assert.deepStrictEqual(seen, [0, 1, 4, 9, 16, 25])
        assert.strictEqual(log.returned, 1)
      }
    })
  )

  it(
    "A14, A9, F3: results come in order or as they end, paired with items, and failures in three ways",
    withClient({ concurrency: 2 }, async (skein) => {
      const gone = new HttpError(404)
      const check = async (n: number) => {
        await turns(n === 0 ? 5 : 1)
        if (n === 2) throw gone
        return n + 10
      }
      const source = async function*() {
        yield* [0, 1, 2, 3]
      }
      assert.strictEqual(await errorOf(read(skein.stream(source(), check))), gone)
      assert.deepStrictEqual(await read(skein.stream([0, 1], check, { unordered: true })), [11, 10])
      assert.deepStrictEqual(await read(skein.stream([0, 1], check, { withInput: true })), [
        { input: 0, index: 0, value: 10 },
        { input: 1, index: 1, value: 11 }
      ])
      assert.deepStrictEqual(await read(skein.stream([1, 2], check, { mode: "collect", withInput: true })), [
        { input: 1, index: 0, status: "fulfilled", value: 11 },
        { input: 2, index: 1, status: "rejected", reason: gone }
      ])
      const seen: Array<number> = []
      const all = await errorOf((async () => {
        for await (const n of skein.stream(source(), check, { mode: "continue" })) seen.push(n)
      })()) as AggregateError
      assert.deepStrictEqual([seen, all.errors], [[10, 11, 13], [gone]])
      assert.deepStrictEqual(await read(skein.stream("ab", (letter: string) => `${letter}!`)), ["a!", "b!"])
      const tasks = [1, 3].map((n) => task({ key: `check ${n}` }, check, n))
      assert.deepStrictEqual(await read(skein.stream(tasks)), [11, 13])
    })
  )

  it(
    "A14, F15: what a source throws is what the loop throws, and a signal ends it with its reason",
    withClient({ concurrency: 1 }, async (skein) => {
      const broken = new Error("broken source")
      const feed = async function*() {
        yield 1
        throw broken
      }
      const lines = function*() {
        yield 1
        throw broken
      }
      for (const source of [feed(), lines()]) {
        const seen: Array<number> = []
        const error = await errorOf((async () => {
          for await (const n of skein.stream(source, (n) => n)) seen.push(n)
        })())
        assert.deepStrictEqual([error, seen], [broken, [1]])
      }
      const gone = new Error("gone")
      const fails = () => {
        throw gone
      }
      for (const source of [feed(), lines()]) {
        const all = await errorOf(read(skein.stream(source, fails, { mode: "continue" }))) as AggregateError
        assert.deepStrictEqual(all.errors, [gone, broken])
      }
      const log: Array<string> = []
      const stop = new AbortController()
      const reading = read(skein.stream([1, 2], untilStopped(log), { signal: stop.signal }))
      await turns(5)
      stop.abort("enough")
      assert.strictEqual(await errorOf(reading), "enough")
      assert.deepStrictEqual(log, ["it starts", "it has cleaned up"])
    })
  )

  it(
    "A14, A7: calls of next wait for each other, so that each gives its own result, and a return comes after them",
    withClient({ concurrency: 2 }, async (skein) => {
      const results = skein.stream([1, 2, 3, 4, 5, 6], (n) => n)[Symbol.asyncIterator]()
      const all = await Promise.all(Array.from({ length: 8 }, () => results.next()))
      const end = { done: true, value: undefined } as const
      const given = (value: number) => ({ done: false, value }) as const
      assert.deepStrictEqual(all, [...[1, 2, 3, 4, 5, 6].map(given), end, end])
      const log = { taken: 0, returned: 0 }
      const cut = skein.stream(numbers(log), (n) => n)[Symbol.asyncIterator]()
      assert.deepStrictEqual(await Promise.all([cut.next(), cut.next(), cut.return!(), cut.next()]), [
        given(0),
        given(1),
        end,
        end
      ])
      assert.strictEqual(log.returned, 1)
    })
  )

  it(
    "A14, B4: the items of a batch run in one task, each with its own result, error and signal",
    withClient({ concurrency: 1 }, async (skein) => {
      const signals = new Set<AbortSignal>()
      const ends = skein.stream([1, 2, 3, 4], (n, { signal }) => {
        signals.add(signal)
        if (n === 3) throw new HttpError(n)
        return n * n
      }, { batch: 4, outstanding: 8, mode: "collect" })
      const seen = await read(ends) as Array<PromiseSettledResult<number>>
      assert.deepStrictEqual(seen.map(({ status }) => status), ["fulfilled", "fulfilled", "rejected", "fulfilled"])
      assert.deepInclude(seen[2], { status: "rejected", reason: new HttpError(3) })
      assert.strictEqual(signals.size, 4)
      const wrong = skein.stream([1], (n) => n, { batch: 0 })[Symbol.asyncIterator]()
      assert.match((await errorOf(wrong.next()) as Error).message, /option batch cannot be 0/)
    })
  )

  it(
    "A14, F3: so many failures end a stream that goes on after failures",
    withClient({ concurrency: 1 }, async (skein) => {
      const log = { taken: 0, returned: 0 }
      const fail = (n: number) => n % 2 === 0 ? n : Promise.reject(new HttpError(n))
      const all = skein.stream(numbers(log), fail, { mode: "continue", maxFailures: 2, outstanding: 1 })
      const error = await errorOf(read(all)) as AggregateError
      assert.deepStrictEqual(error.errors.map(({ status }: HttpError) => status), [1, 3])
      assert.deepStrictEqual(log, { taken: 4, returned: 1 })
    })
  )

  it(
    "A14, C1: a signal that is aborted already reads nothing of the source",
    withClient({ concurrency: 2 }, async (skein) => {
      const log = { taken: 0, returned: 0 }
      let calls = 0
      const results = skein.stream(numbers(log), () => ++calls, { signal: AbortSignal.abort("no") })
      const loop = results[Symbol.asyncIterator]()
      assert.strictEqual(await errorOf(loop.next()), "no")
      assert.deepStrictEqual(await loop.next(), { done: true, value: undefined })
      await turns()
      assert.deepStrictEqual([log, calls], [{ taken: 0, returned: 0 }, 0])
    })
  )

  it(
    "A14, C1: an abort while the body of the loop runs stops what was started, and leaves no listener",
    withClient({ concurrency: 2 }, async (skein) => {
      const log: Array<string> = []
      const source = { taken: 0, returned: 0 }
      const controller = new AbortController()
      const listeners = listenersOf(controller.signal)
      const work = (n: number) => n === 0 ? "first" : untilStopped(log)()
      const results = skein.stream(numbers(source), work, { outstanding: 2, signal: controller.signal })
      const seen: Array<unknown> = []
      const error = await errorOf((async () => {
        for await (const result of results) {
          seen.push(result)
          await turns()
          controller.abort("enough")
          assert.strictEqual(listeners.count, 0)
          await turns(5)
          assert.deepStrictEqual([log, source.returned], [["it starts", "it has cleaned up"], 1])
        }
      })())
      assert.deepStrictEqual([error, seen], ["enough", ["first"]])
    })
  )

  it(
    "A14, C1: a source, a function or a loop that aborts the signal ends the loop, however it goes on",
    withClient({ concurrency: 2 }, async (skein) => {
      const bySource = new AbortController()
      const log = { taken: 0, returned: 0 }
      const source = function*() {
        for (const n of numbers(log)) {
          if (n === 1) bySource.abort("source")
          yield n
        }
      }
      assert.strictEqual(await errorOf(read(skein.stream(source(), (n) => n, { signal: bySource.signal }))), "source")
      assert.strictEqual(log.returned, 1)
      const byBody = new AbortController()
      const abort = () => byBody.abort("body")
      assert.strictEqual(await errorOf(read(skein.stream([1, 2, 3], abort, { signal: byBody.signal }))), "body")
      const byLoop = new AbortController()
      for await (const _ of skein.stream([1, 2, 3], (n) => n, { signal: byLoop.signal })) {
        byLoop.abort("loop")
        break
      }
    })
  )

  it(
    "A14, N5: a loop in a body gives its slot away",
    withClient({ concurrency: 1 }, async (skein) => {
      const sum = async (n: number): Promise<number> => {
        let sum = 0
        for await (const m of skein.stream([n, n + 1], (m) => m * 2)) sum += m
        return sum
      }
      assert.deepStrictEqual(await Promise.all([skein.submit(sum, 1), skein.submit(sum, 2)]), [6, 10])
    })
  )
})

describe("errors", () => {
  it(
    "A14, F1: a rejection is what was thrown, the same object, however far upstream and however it is asked for",
    withClient({}, async (skein) => {
      const gone = new HttpError(404)
      const fails = async (): Promise<number> => {
        throw gone
      }
      const failsAtOnce = (): number => {
        throw gone
      }
      const plusOne = (n: number) => n + 1
      const root = skein.submit(fails)
      const asked: ReadonlyArray<PromiseLike<unknown>> = [
        root,
        skein.submit(failsAtOnce),
        skein.submit(plusOne, skein.submit(plusOne, root)),
        skein.map([1], fails),
        skein.run([task(plusOne, task(failsAtOnce))]),
        skein.submit(() => skein.submit(plusOne, skein.submit(fails))),
        skein.submit(async () => await skein.map([1, 2], failsAtOnce)),
        skein.submit(plusOne, root).catch((error: unknown) => Promise.reject(error)),
        skein.submit(plusOne, root).finally(() => undefined)
      ]
      for (const error of await Promise.all(asked.map(errorOf))) assert.strictEqual(error, gone)
      assert.match(gone.stack!, /promise\.test\.ts/)
      for (const strange of [undefined, null, 0, "text", Symbol.iterator]) {
        const failed = skein.submit(() => Promise.reject(strange))
        assert.strictEqual(await errorOf(skein.submit(() => 1, failed)), strange)
      }
    })
  )

  it(
    "A14, F3: map stops at the first error, or gives all errors, or the end of each call",
    withClient({ concurrency: 1 }, async (skein) => {
      const seen: Array<number> = []
      const odd = (n: number) => {
        seen.push(n)
        if (n % 2 === 0) throw new HttpError(n)
        return n
      }
      assert.strictEqual((await errorOf(skein.map([1, 2, 3, 4], odd)) as HttpError).status, 2)
      assert.deepStrictEqual(seen.splice(0), [1, 2])
      const all = await errorOf(skein.map([1, 2, 3, 4], odd, { mode: "continue" })) as AggregateError
      assert.instanceOf(all, AggregateError)
      assert.deepStrictEqual(all.errors.map((error: HttpError) => error.status), [2, 4])
      assert.deepStrictEqual(await skein.map([1, 2], odd, { mode: "collect" }), [
        { status: "fulfilled", value: 1 },
        { status: "rejected", reason: new HttpError(2) }
      ])
    })
  )

  it("A14: nothing is rejected for futures that nobody awaits", async () => {
    const rejections: Array<unknown> = []
    const note = (reason: unknown) => void rejections.push(reason)
    process.on("unhandledRejection", note)
    const skein = await start()
    const fails = async () => {
      throw new HttpError(500)
    }
    const failed = skein.submit(fails)
    void skein.submit((n: never) => n, failed)
    void skein.submit(() => {
      void skein.submit(fails)
      return turns(2)
    })
    const handled = skein.submit(fails)
    assert.instanceOf(await errorOf(handled), HttpError)
    void skein.submit(untilStopped([]))
    await turns(10)
    await skein.close()
    await turns(2)
    process.off("unhandledRejection", note)
    assert.deepStrictEqual(rejections, [])
  })
})

describe("pauses, rates and conflicts", () => {
  it(
    "A14, W23: nothing that is paused starts until it is resumed, or its time is over",
    withClient({ concurrency: 2, tags: { api: 2 } }, async (skein) => {
      const log: Array<string> = []
      const note = (name: string) => log.push(name)
      await skein.pause({ tag: "api" })
      const paused = skein.submit({ tags: ["api"] }, note, "api")
      await skein.submit(note, "other")
      assert.strictEqual(paused.status, "ready")
      assert.deepStrictEqual([await skein.resume({ tag: "api" }), await skein.resume({ tag: "api" })], [true, false])
      await paused
      assert.deepStrictEqual(log, ["other", "api"])
      await skein.pause({ for: 1 })
      await skein.map(["later"], note)
      const unknown = await errorOf(skein.pause({ tag: "typo" }))
      assert.instanceOf(unknown, SkeinError.UnknownTarget)
      assert.match((await errorOf(skein.pause({ fro: 1 } as never)) as Error).message, /no option fro/)
    })
  )

  it(
    "A14, W23: a function that is told to wait pauses its own tag, and what waits holds no slot",
    withClient({ concurrency: 1, tags: { api: 1 } }, async (skein) => {
      const log: Array<string> = []
      const call = async (name: string) => {
        log.push(name)
        if (log.length === 1) await skein.pause({ tag: "api" })
        return name
      }
      const all = skein.map(["a", "b"], call, { tags: ["api"] })
      assert.strictEqual(await skein.submit(() => log.push("free")), 2)
      assert.isTrue(await skein.resume({ tag: "api" }))
      assert.deepStrictEqual(await all, ["a", "b"])
      assert.deepStrictEqual(log, ["a", "free", "b"])
    })
  )

  it(
    "A14, G21: a call under a live key joins, is refused, or takes its place",
    withClient({}, async (skein) => {
      const log: Array<string> = []
      const save = (name: string) => task({ key: "save" }, untilStopped(log, name))
      const first = skein.submit(save("first"))
      await turns()
      assert.throws(() => skein.submit(save("second"), { conflict: "refuse" }), /save/)
      assert.match((await errorOf(skein.run(save("third"), { conflict: "refuse" })) as Error).message, /save/)
      const last = skein.submit({ key: "save", conflict: "replace" }, () => log.push("last"))
      const error = await errorOf(first) as SkeinError.SkeinError
      assert.deepInclude(error.reason, { _tag: "TaskCancelled", key: "save" })
      assert.strictEqual(await last, 3)
      assert.deepStrictEqual(log, ["first starts", "first has cleaned up", "last"])
      assert.throws(() => skein.submit({ conflict: "loose" } as never, () => 1), /conflict/)
    })
  )

  it(
    "A14, G21: join joins the same task object: two calls of a function under one key are two runs",
    withClient({}, async (skein) => {
      const opened = gate()
      let runs = 0
      const f = async (text: string) => {
        runs++
        await opened.promise
        return text
      }
      const two = [skein.submit({ key: "k" }, f, "1"), skein.submit({ key: "k", conflict: "join" }, f, "1")]
      const made = task({ key: "made" }, f, "1")
      const joined = [skein.submit(made), skein.submit(made, { conflict: "join" })]
      await turns()
      assert.strictEqual(runs, 3)
      assert.throws(() => skein.submit({ key: "k", conflict: "refuse" }, f, "1"), /submit the same Task object/)
      opened.resolve()
      assert.deepStrictEqual(await Promise.all([...two, ...joined]), ["1", "1", "1", "1"])
    })
  )

  it(
    "A14, G21: conflict of map and stream is for tasks with keys among the items",
    withClient({}, async (skein) => {
      const opened = gate()
      const items = [task({ key: "k" }, () => "mine")]
      const live = skein.submit({ key: "k" }, () => opened.promise)
      await turns()
      const refused = { conflict: "refuse" } as const
      const upper = (text: string) => text.toUpperCase()
      assert.match((await errorOf(skein.map(items, upper, refused)) as Error).message, /The key "k" is taken/)
      const loop = skein.stream(items, upper, refused)[Symbol.asyncIterator]()
      assert.match((await errorOf(loop.next()) as Error).message, /The key "k" is taken/)
      opened.resolve()
      await live
    })
  )

  it(
    "A14, W22: a rate of the client or of a tag bounds the starts in every interval",
    withClient({ concurrency: 8, tags: { api: { rate: { starts: 2, per: "1 hour" } } } }, async (skein) => {
      let running = 0
      const opened = gate()
      const call = () => {
        running++
        return opened.promise
      }
      const [first, second, ...others] = Array.from({ length: 5 }, () => skein.submit({ tags: ["api"] }, call))
      opened.resolve()
      await Promise.all([first, second])
      await turns()
      assert.strictEqual(running, 2)
      assert.deepStrictEqual(others.map(({ status }) => status), ["ready", "ready", "ready"])
    })
  )
})

describe("signals", () => {
  it(
    "A14, C1: a signal that is given cancels the task, and the future rejects with its reason",
    withClient({ concurrency: 1 }, async (skein) => {
      const log: Array<string> = []
      const stop = new AbortController()
      const running = skein.submit({ signal: stop.signal }, untilStopped(log))
      const queued = skein.submit({ signal: stop.signal }, () => log.push("never"))
      await turns()
      const reason = new Error("enough")
      stop.abort(reason)
      assert.strictEqual(await errorOf(running), reason)
      assert.strictEqual(await errorOf(queued), reason)
      assert.strictEqual(await errorOf(skein.submit({ signal: stop.signal }, () => log.push("never"))), reason)
      assert.strictEqual(await errorOf(skein.map([1], () => log.push("never"), { signal: stop.signal })), reason)
      assert.strictEqual(await errorOf(skein.run(task(() => log.push("never")), { signal: stop.signal })), reason)
      await turns()
      assert.deepStrictEqual(log, ["it starts", "it has cleaned up"])
    })
  )

  it(
    "A14, C1: a signal that is given to map or run stops what runs, and they reject when that has settled",
    withClient({ concurrency: 2 }, async (skein) => {
      for (
        const verb of [
          (log: Array<string>, signal: AbortSignal) =>
            skein.map(["a", "b", "c"], (name) => untilStopped(log, name)(), { signal }),
          (log: Array<string>, signal: AbortSignal) =>
            skein.run(["a", "b", "c"].map((name) => task(untilStopped(log, name))), { signal })
        ]
      ) {
        const log: Array<string> = []
        const stop = new AbortController()
        const all = verb(log, stop.signal)
        await turns()
        stop.abort("stop")
        assert.strictEqual(await errorOf(all), "stop")
        assert.deepStrictEqual(log.toSorted(), ["a has cleaned up", "a starts", "b has cleaned up", "b starts"])
      }
    })
  )

  it(
    "A14, C1: cancel aborts the signal of the body, and resolves when the function has settled",
    withClient({}, async (skein) => {
      const log: Array<string> = []
      const given: Array<AbortSignal> = []
      const future = skein.submit(untilStopped(log))
      const mapped = skein.map([1], (_, context) => {
        given.push(context.signal, signal())
      })
      await mapped
      assert.strictEqual(given[0], given[1])
      await future.cancel("not needed")
      assert.deepStrictEqual(log, ["it starts", "it has cleaned up"])
      const error = await errorOf(future) as SkeinError.SkeinError
      assert.instanceOf(error, SkeinError.SkeinError)
      assert.match(error.message, /not needed/)
      {
        await using other = skein.submit(untilStopped(log, "other"))
        await turns()
        assert.strictEqual(other.status, "running")
      }
      assert.strictEqual(log.at(-1), "other has cleaned up")
    })
  )

  it(
    "A14, C3: a cancel, or a signal, concerns its own call alone: what others need goes on",
    withClient({}, async (skein) => {
      for (const way of ["cancel", "signal", "dispose"] as const) {
        const opened = gate<number>()
        let isStopped = false
        const shared = task({ key: "shared" }, () => {
          signal().addEventListener("abort", () => isStopped = true)
          return opened.promise
        })
        const stop = new AbortController()
        const first = skein.submit(shared, { signal: stop.signal })
        const second = skein.submit(shared)
        const after = skein.submit((n: number) => n + 1, first)
        const all = skein.run([shared])
        if (way === "cancel") await first.cancel("not needed")
        else if (way === "signal") stop.abort("not needed")
        else await first[Symbol.asyncDispose]()
        const error = await errorOf(first)
        if (way === "signal") assert.strictEqual(error, "not needed")
        else assert.instanceOf(error, SkeinError.SkeinError)
        await turns()
        assert.deepStrictEqual([isStopped, second.status], [false, "running"])
        opened.resolve(7)
        assert.deepStrictEqual([await second, await after, await all], [7, 8, [7]])
      }
    })
  )

  it(
    "A14, C3: the last call that needs a task stops it, and waits until the function has settled",
    withClient({}, async (skein) => {
      const log: Array<string> = []
      const shared = task({ key: "shared" }, untilStopped(log))
      const [first, second] = [skein.submit(shared), skein.submit(shared)]
      const body = skein.submit(async () => {
        const inner = skein.submit(shared)
        await turns()
        await inner.cancel()
        return errorOf(inner)
      })
      await turns()
      await first.cancel()
      assert.instanceOf(await body, SkeinError.SkeinError)
      assert.deepStrictEqual(log, ["it starts"])
      await second.cancel()
      assert.deepStrictEqual(log, ["it starts", "it has cleaned up"])
      await Promise.all([errorOf(first), errorOf(second)])
    })
  )

  it(
    "A14: a signal that is aborted later changes no end",
    withClient({}, async (skein) => {
      const stop = new AbortController()
      const gone = new HttpError(404)
      const failed = skein.submit({ signal: stop.signal }, () => Promise.reject(gone))
      const done = skein.submit({ signal: stop.signal }, () => 1)
      assert.deepStrictEqual([await errorOf(failed), await done], [gone, 1])
      const replaced = skein.submit({ key: "same", signal: stop.signal }, untilStopped([]))
      await turns()
      assert.strictEqual(await skein.submit({ key: "same", conflict: "replace" }, () => 2), 2)
      stop.abort()
      assert.deepStrictEqual([await errorOf(failed), await done], [gone, 1])
      const error = await errorOf(replaced)
      assert.instanceOf(error, SkeinError.SkeinError)
      assert.deepInclude(error.reason, { _tag: "TaskCancelled", replacement: { key: "same", graph: 4 } })
    })
  )

  it(
    "A14, C1: what stopped a call first is why it rejects, a cancel or its signal",
    withClient({}, async (skein) => {
      const log: Array<string> = []
      const [early, late] = [new AbortController(), new AbortController()]
      const cancelled = skein.submit({ signal: late.signal }, untilStopped(log))
      const aborted = skein.submit({ signal: early.signal }, untilStopped(log))
      await turns()
      const reason = new Error("enough")
      early.abort(reason)
      const ends = [cancelled.cancel("by hand"), aborted.cancel("by hand")]
      late.abort(reason)
      await Promise.all(ends)
      const error = await errorOf(cancelled)
      assert.instanceOf(error, SkeinError.SkeinError)
      assert.deepInclude(error.reason, { _tag: "TaskCancelled", why: "by hand" })
      assert.strictEqual(await errorOf(aborted), reason)
    })
  )

  it("A14: a future whose client has closed rejects and says so", async () => {
    const skein = await start()
    const log: Array<string> = []
    const [quick, stopped] = [skein.submit(() => 1), skein.submit(untilStopped(log))]
    const waiting = errorOf(stopped)
    await turns()
    await skein.close()
    for (const [error, key] of [[await errorOf(quick), "task#1"], [await waiting, "task#2"]] as const) {
      assert.instanceOf(error, SkeinError.SkeinError)
      assert.strictEqual(
        error.message,
        `The result of "${key}" was released when its client closed. Await it before the client closes, as in "return await".`
      )
    }
  })

  it(
    "A14: what a body leaves behind says so in words of plain code, and so does a client that has closed",
    withClient({ concurrency: 2 }, async (skein) => {
      const other = await start()
      const left: Array<Future<number>> = []
      const later: Array<() => Promise<unknown>> = []
      await skein.submit({ key: "outer" }, async () => {
        left.push(skein.submit({ key: "inner" }, () => 1))
        await left[0]
        later.push(AsyncResource.bind(async () => skein.submit(() => 1)))
      })
      assert.strictEqual(
        messageIn(await errorOf(left[0]!)),
        `The result of "inner" was released when the body of task "outer" ended. Await it in that body, and return what it gives.`
      )
      assert.strictEqual(
        messageIn(await errorOf(later[0]!())),
        "The body has ended and takes no more tasks. Await what it starts before it returns."
      )
      await other.close()
      const closed =
        "The client has closed and takes no more tasks. Submit while it is open: await all calls before its block ends."
      assert.strictEqual(messageIn(await errorOf(new Promise(() => other.submit(() => 1)))), closed)
      assert.strictEqual(messageIn(await errorOf(other.map([1], (n) => n))), closed)
      assert.strictEqual(messageIn(await errorOf(other.run(task(() => 1)))), closed)
      assert.strictEqual(messageIn(await errorOf(other.stream([1], (n) => n)[Symbol.asyncIterator]().next())), closed)
    })
  )

  it(
    "A14, G21: an abort while a replaced call is stopping is why it rejects",
    withClient({}, async (skein) => {
      const stop = new AbortController()
      const opened = Promise.withResolvers<void>()
      const stubborn = skein.submit({ key: "same", signal: stop.signal }, () => opened.promise)
      await turns()
      const last = skein.submit({ key: "same", conflict: "replace" }, () => 2)
      await turns()
      const reason = new Error("enough")
      stop.abort(reason)
      assert.strictEqual(await errorOf(stubborn), reason)
      opened.resolve()
      assert.strictEqual(await last, 2)
    })
  )

  it("A14: outside of a body a signal is never aborted", () => {
    assert.isFalse(signal().aborted)
  })

  it(
    "A14: a signal that outlives its tasks is left without listeners",
    withClient({}, async (skein) => {
      const controller = new AbortController()
      const listeners = listenersOf(controller.signal)
      const submit = (n: number) => skein.submit({ signal: controller.signal }, (n: number) => n, n)
      await Promise.all(Array.from({ length: 10 }, (_, i) => submit(i)))
      await skein.map([1, 2], (n) => n, { signal: controller.signal })
      for await (const _ of skein.stream([1, 2], (n) => n, { signal: controller.signal }));
      for await (const _ of skein.stream([1, 2], (n) => n, { signal: controller.signal })) break
      await turns()
      assert.strictEqual(listeners.count, 0)
    })
  )
})

describe("bodies that submit", () => {
  it(
    "A14, N5: functions that wait for others give their slots away, so recursion needs one slot alone",
    withClient({ concurrency: 1 }, async (skein) => {
      const fib = async (n: number): Promise<number> => {
        if (n < 2) return n
        const [a, b] = await Promise.all([skein.submit(fib, n - 1), skein.submit(fib, n - 2)])
        return a + b
      }
      assert.strictEqual(await skein.submit(fib, 10), 55)
      const sum = async (n: number): Promise<number> =>
        n < 2 ? n : (await skein.map([n - 1, n - 2], sum)).reduce((a, b) => a + b)
      assert.strictEqual(await skein.submit(sum, 8), 21)
      const chain = async (n: number): Promise<number> => n === 0 ? 0 : 1 + await skein.run(task(chain, n - 1))
      assert.strictEqual(await skein.submit(chain, 50), 50)
    })
  )

  it(
    "A14, N5: a future from outside that a body waits for does not keep its slot, whoever awaited it before",
    withClient({ concurrency: 1 }, async (skein) => {
      const opened = gate()
      const waits = skein.submit(async () => {
        await opened.promise
        return await inner
      })
      const inner: Future<number> = skein.submit(() => 7)
      const before = inner.then((n) => n)
      await turns()
      opened.resolve()
      assert.deepStrictEqual([await waits, await before], [7, 7])
    })
  )

  it(
    "A14, N10: what a body has submitted ends with its task, unless it was submitted elsewhere",
    withClient({}, async (skein) => {
      const log: Array<string> = []
      const inside: Array<Future<unknown>> = []
      await skein.submit(async () => {
        inside.push(skein.submit(untilStopped(log)))
        await turns()
      })
      assert.deepStrictEqual(log, ["it starts", "it has cleaned up"])
      assert.strictEqual(inside[0]!.status, "released")
    })
  )

  it("A14, N1: a body that submits to another client waits there, and its scheduler goes on", async () => {
    await using one = await start({ concurrency: 1 })
    await using other = await start({ concurrency: 1 })
    const both = async (n: number) => [await other.submit((n: number) => n + 1, n), await one.submit(() => n)]
    assert.deepStrictEqual(await one.submit(both, 1), [2, 1])
  })
})

describe("closing", () => {
  it("A14, C11: a close stops what runs, and resolves when all functions have settled", async () => {
    const log: Array<string> = []
    const skein = await start({ concurrency: 2 })
    const futures = ["a", "b", "c"].map((name) => skein.submit(untilStopped(log, name)))
    await turns()
    await Promise.all([skein.close(), skein.close()])
    assert.deepStrictEqual(log.toSorted(), ["a has cleaned up", "a starts", "b has cleaned up", "b starts"])
    for (const future of futures) assert.instanceOf(await errorOf(future), SkeinError.SkeinError)
    assert.throws(() => skein.submit(() => 1), SkeinError.SubmitError)
    assert.instanceOf(await errorOf(skein.map([1], (n) => n)), SkeinError.SubmitError)
  })

  it("A14: a layer that cannot be built rejects, with its resources released", async () => {
    const error = await errorOf(start({ concurrency: 0 }))
    assert.match((error as Error).message, /concurrency/)
  })
})

describe("results", () => {
  it(
    "A14, M2: a result is held as long as its future, and a task whose future nobody holds runs",
    withClient({ concurrency: 1 }, async (skein) => {
      const results: Array<WeakRef<object>> = []
      const opened = gate()
      const make = async () => {
        await opened.promise
        const made = { made: true }
        results.push(new WeakRef(made))
        return made
      }
      const held = skein.submit(make)
      void skein.submit(make)
      void skein.submit(make)
      await turns()
      // The futures of tasks that have not ended are collected first.
      collectGarbage()
      await turns()
      opened.resolve()
      const last = skein.submit(() => "last")
      await last
      for (let i = 0; i < 5 && results.slice(1).some((ref) => ref.deref() !== undefined); i++) {
        await turns()
        collectGarbage()
      }
      assert.deepStrictEqual(results.map((ref) => ref.deref()?.constructor.name), ["Object", undefined, undefined])
      assert.deepStrictEqual(await held, { made: true })
    })
  )

  it("A14: a failure whose future nobody holds is told once, unless somebody has seen it", async () => {
    const told: Array<string> = []
    const logger = Logger.make(({ message }) => void told.push(String(message)))
    await using skein = await start(Skein.layer().pipe(Layer.provideMerge(Logger.layer([logger]))))
    const fail = (name: string) => Promise.reject(new Error(name))
    void skein.submit({ key: "unseen" }, fail, "unseen")
    assert.instanceOf(await errorOf(skein.submit({ key: "seen" }, fail, "seen")), Error)
    for (let i = 0; i < 5 && told.length === 0; i++) {
      await turns()
      collectGarbage()
    }
    await turns()
    await skein.close()
    assert.deepStrictEqual(told, ["Task \"unseen\" failed, and nobody joined it"])
  })
})
