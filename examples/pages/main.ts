/**
 * Reads a small site, in plain async TypeScript: functions that return promises, an AbortSignal, errors that are thrown and caught.
 * `node --conditions=source examples/pages/main.ts`
 */
import { type PromiseClient, signal, start, task } from "skein/promise"
import { open } from "./site.ts"

class HttpError extends Error {
  readonly status: number
  constructor(path: string, status: number) {
    super(`${path} answers ${status}`)
    this.status = status
  }
}

const isBusy = (error: unknown) => error instanceof HttpError && error.status === 503

/** The text of a page. The signal is aborted when its task is asked to stop, and `fetch` stops with it. */
const read = async (origin: string, path: string) => {
  const response = await fetch(origin + path, { signal: signal() })
  if (!response.ok) throw new HttpError(path, response.status)
  return await response.text()
}

const linksIn = (page: string) => page.match(/\/[a-z]+/g) ?? []

const wordsIn = (page: string) => page.split(" ").length

/** The pages that can be reached from one, each read once. It waits for what it submits, and gives its slot away meanwhile. */
const crawl = async (skein: PromiseClient, origin: string, seen: Set<string>, path: string): Promise<Array<string>> => {
  seen.add(path)
  const page = await skein.submit({ label: path, retry: { times: 3, while: isBusy } }, read, origin, path)
  const found = linksIn(page).filter((link) => !seen.has(link))
  const below = await skein.map(found, (link) => seen.has(link) ? [] : crawl(skein, origin, seen, link), {
    mode: "collect"
  })
  const dead = below.filter((end) => end.status === "rejected")
  for (const { reason } of dead) console.log(`  left out: ${(reason as Error).message}`)
  return [path, ...below.flatMap((end) => end.status === "fulfilled" ? end.value : [])]
}

export const main = async (): Promise<void> => {
  await using site = await open()
  await using skein = await start({ concurrency: 2 })

  // A call starts when the futures among its arguments have ended.
  const home = skein.submit({ retry: 1 }, read, site.origin, "/")
  const words = skein.submit(wordsIn, home)
  console.log(`The first page has ${await words} words.`)

  // A graph that is described first: what two tasks need is read once.
  const tasks = task({ key: "tasks", retry: 1, timeout: "10 seconds" }, read, site.origin, "/tasks")
  const report = await skein.run({ words: task(wordsIn, tasks), links: task(linksIn, tasks) })
  console.log(`The page of tasks has ${report.words} words, and links to ${report.links.join(" and ")}.`)

  console.log("All pages:")
  console.log(`  ${(await skein.submit(crawl, skein, site.origin, new Set<string>(), "/")).toSorted().join(" ")}`)

  // What was thrown is what is caught, also two tasks further on.
  try {
    await skein.submit(wordsIn, skein.submit(read, site.origin, "/old"))
  } catch (error) {
    console.log(`Caught: ${error instanceof HttpError ? error.message : "something else"}.`)
  }

  // A signal stops what runs, and the promise rejects with its reason.
  const stop = new AbortController()
  const endless = skein.map([1, 2, 3], (_, { signal }) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(new Error("stopped")))
      stop.abort("that is enough")
    }), { signal: stop.signal })
  await endless.catch((reason: unknown) => console.log(`Stopped: ${String(reason)}.`))
}

if (import.meta.main) await main()
