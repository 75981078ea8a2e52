/** The far end of a thread that does what messages say, without a scheduler. */
import { pbkdf2Sync } from "node:crypto"
import { threadPost } from "../../../src/threads/internal/threadPost.ts"

const { leave, tell, uplink } = threadPost()!

const hold: Array<unknown> = []

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
  memory: () => {
    for (;;) hold.push(new Array(1e5).fill(hold.length))
  },
  buffers: () => {
    for (let i = 0; i < 3; i++) hold.push(new Uint8Array(16 << 20).fill(1))
  },
  abort: () => process.abort(),
  spin: () => {
    for (;;) Math.sqrt(hold.length)
  },
  wait: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  native: () => pbkdf2Sync("a", "b", 1e5, 64, "sha512"),
  regex: () => /^(a+)+$/.test(`${"a".repeat(40)}b`),
  timer: () => setInterval(() => {}, 1000),
  nothing: () => undefined
}

uplink.receive((down) => {
  switch (down._tag) {
    case "Open":
      return uplink.send({ _tag: "Up", version: 1, names: Object.keys(deeds) })
    case "Batch":
      for (const deed of down.payloads as ReadonlyArray<string>) {
        Atomics.store(uplink.control!, 9, 42)
        deeds[deed]!()
      }
      return uplink.send({ _tag: "Report", ends: down.payloads.flatMap(() => [0, 0]), values: [], times: [] })
    case "Close":
      uplink.send({ _tag: "Closed" })
      return leave()
  }
})
tell({ _tag: "Loaded" })
