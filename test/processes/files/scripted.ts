/** The far end of a process that does what messages say, without a scheduler. */
import { onPost } from "../../../src/processes/internal/processPost.ts"

const deeds: Readonly<Record<string, () => unknown>> = {
  exit: () => process.exit(3),
  throw: () =>
    setTimeout(() => {
      throw new RangeError("too late")
    }),
  reject: () => Promise.reject(new TypeError("nobody listens")),
  overflow: () => {
    const deeper = (): number => deeper() + 1
    return deeper()
  },
  abort: () => process.abort(),
  fault: () => process.kill(process.pid, "SIGSEGV"),
  memory: () => process.kill(process.pid, "SIGKILL"),
  // More than the heap may have, at once: in a thread this ends the whole process.
  huge: () => new Array(3e8).fill(0.5).map((x) => ({ x })),
  spin: () => {
    for (;;) Math.sqrt(2)
  },
  nothing: () => undefined
}

onPost(({ leave, tell, uplink }) => {
  uplink.receive((down) => {
    switch (down._tag) {
      case "Open":
        return uplink.send({ _tag: "Up", version: 1, names: Object.keys(deeds) })
      case "Batch":
        uplink.send({ _tag: "Report", ends: [], values: [], times: [], begun: [0] })
        for (const deed of down.payloads as ReadonlyArray<string>) deeds[deed]!()
        return uplink.send({ _tag: "Report", ends: down.payloads.flatMap(() => [0, 0]), values: [], times: [] })
      case "Close":
        uplink.send({ _tag: "Closed" })
        return leave()
    }
  })
  tell({ _tag: "Loaded" })
})
