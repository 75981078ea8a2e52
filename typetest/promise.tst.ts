import type { Layer } from "effect"
import type { Client, Scheduler } from "skein"
import { Portable, Task } from "skein"
import { type Future, type PromiseClient, start, task } from "skein/promise"
import { describe, expect, it } from "tstyche"

declare const skein: PromiseClient
declare const download: (path: string) => Promise<string>
declare const words: (page: string) => number
declare const join: (pages: ReadonlyArray<string>, options?: { readonly limit: number }) => Promise<string>

const Store = Portable.make("Store")
declare const withStore: Layer.Layer<Client.Client | Scheduler.Scheduler | Portable.Handlers<typeof Store>>

describe("skein/promise", () => {
  it("A14: a future has the awaited result of the function", () => {
    expect(skein.submit(download, "/")).type.toBe<Future<string>>()
    expect(skein.submit(words, "text")).type.toBe<Future<number>>()
    expect(skein.submit({ retry: 3, timeout: "1 second" }, download, "/")).type.toBe<Future<string>>()
  })

  it("arguments may be futures and tasks, in any place, and a wrong one does not compile", () => {
    const page = skein.submit(download, "/")
    expect(skein.submit(words, page)).type.toBe<Future<number>>()
    expect(skein.submit(join, [page, task(download, "/b"), "c"])).type.toBe<Future<string>>()
    expect(skein.submit(join, ["c"], { limit: 1 })).type.toBe<Future<string>>()
    expect(skein.submit((n, text) => `${n.toFixed()} ${text.trim()}`, task(words, page), page)).type.toBe<
      Future<string>
    >()
    expect(skein.submit).type.not.toBeCallableWith(words, 1)
    expect(skein.submit).type.not.toBeCallableWith(words)
    expect(skein.submit).type.not.toBeCallableWith(words, skein.submit(words, page))
    expect(skein.submit).type.not.toBeCallableWith(words, download("/"))
    expect(skein.submit).type.not.toBeCallableWith({ priorty: 1 }, words, page)
  })

  it("a task is one of any other client too, and fails with what was thrown", () => {
    expect(task(words, task(download, "/"))).type.toBe<Task.Task<number, unknown>>()
    expect(task({ key: "a" }, words, "text")).type.toBe<Task.Task<number, unknown>>()
    expect(skein.submit(task(words, "text"))).type.toBe<Future<number>>()
    expect(skein.run({ a: task(words, "text"), b: [Task.succeed(true)] })).type.toBe<
      Promise<{ a: number; b: [boolean] }>
    >()
  })

  it("map gives results, or the ends of all", () => {
    expect(skein.map(["/"], download)).type.toBe<Promise<Array<string>>>()
    expect(skein.map([skein.submit(download, "/")], (page, { index, signal }) => {
      expect(page).type.toBe<string>()
      expect(index).type.toBe<number>()
      expect(signal).type.toBe<AbortSignal>()
      return page.length
    })).type.toBe<Promise<Array<number>>>()
    expect(skein.map(["/"], download, { mode: "collect" })).type.toBe<Promise<Array<PromiseSettledResult<string>>>>()
    expect(skein.map).type.not.toBeCallableWith(["1"], Number.parseInt)
  })

  it("stream gives results, ends, or both beside their items", () => {
    expect(skein.stream(["/"], download)).type.toBe<AsyncIterable<string>>()
    expect(skein.stream(["/"], download, { mode: "collect" })).type.toBe<AsyncIterable<PromiseSettledResult<string>>>()
    expect(skein.stream(["/"], words, { withInput: true })).type.toBeAssignableTo<
      AsyncIterable<{ readonly input: string; readonly index: number; readonly value: number }>
    >()
    expect(skein.stream([task(words, "a")], { outstanding: 3 })).type.toBe<AsyncIterable<number>>()
    expect(skein.stream).type.not.toBeCallableWith([Store()])
  })

  it("has the words of the client for pauses, conflicts, batches and failures", () => {
    expect(skein.pause({ tag: "api", for: "1 second" })).type.toBe<Promise<void>>()
    expect(skein.resume()).type.toBe<Promise<boolean>>()
    expect(skein.resume).type.not.toBeCallableWith({ for: 1 })
    expect(skein.submit({ key: "a", conflict: "replace" }, words, "text")).type.toBe<Future<number>>()
    expect(skein.submit).type.not.toBeCallableWith({ conflict: "loose" }, words, "text")
    expect(skein.run(task(words, "a"), { conflict: "refuse" })).type.toBe<Promise<number>>()
    expect(skein.stream(["/"], words, { batch: "auto", maxFailures: 3, mode: "collect" })).type.toBe<
      AsyncIterable<PromiseSettledResult<number>>
    >()
    expect(skein.stream([task(words, "a")], { batch: 4 })).type.toBe<AsyncIterable<number>>()
    expect(skein.map).type.not.toBeCallableWith(["/"], words, { batch: 2 })
  })

  it("run takes what the layer of the client can run", () => {
    const client = start(withStore)
    expect(client.then((skein) => skein.run(Store()))).type.toBe<Promise<void>>()
    expect(skein.run).type.not.toBeCallableWith(Store())
    expect(skein.submit).type.not.toBeCallableWith(Store())
    expect(skein.run).type.not.toBeCallableWith(download)
  })

  it("a future is a promise", () => {
    expect(skein.submit(download, "/")).type.toBeAssignableTo<Promise<string>>()
    expect(Promise.all([skein.submit(download, "/"), skein.submit(words, "text")])).type.toBe<
      Promise<[string, number]>
    >()
  })
})
