/** A site of a few pages on this machine, for the example: every second request of a page is refused, and one link is dead. */
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

const pages: Readonly<Record<string, string>> = {
  "/": "Skein runs graphs of tasks. Read on: /tasks /futures /old",
  "/tasks": "A task is a description. It may need other tasks, and /futures stand for those that run.",
  "/futures": "A future is a task that was submitted. See /tasks and /errors",
  "/errors": "What a function throws is what you catch. Back to /"
}

export interface Site extends AsyncDisposable {
  readonly origin: string
}

export const open = async (): Promise<Site> => {
  const asked = new Map<string, number>()
  const server = createServer(({ url = "/" }, response) => {
    const times = (asked.get(url) ?? 0) + 1
    asked.set(url, times)
    const status = pages[url] === undefined ? 404 : times % 2 === 1 ? 503 : 200
    response.writeHead(status, { connection: "close" }).end(status === 200 ? pages[url] : "")
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      await once(server.close(), "close")
    }
  }
}
