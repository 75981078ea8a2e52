/**
 * Seals values with V8's serializer: what a structured clone keeps, as bytes.
 *
 * @internal
 */
import * as v8 from "node:v8"
import { isLarge } from "../../internal/remote/weight.ts"
import { shared } from "../../internal/workers/sealed.ts"
import type { Sealer } from "../../internal/workers/sealed.ts"

// `v8.serialize` is not used, because what that opens has views of the bytes in it.
const seal = (value: unknown): Uint8Array => {
  const serializer = new v8.Serializer()
  serializer.writeHeader()
  serializer.writeValue(value)
  return serializer.releaseBuffer()
}

const open = (bytes: Uint8Array): unknown => {
  const deserializer = new v8.Deserializer(bytes)
  deserializer.readHeader()
  return deserializer.readValue()
}

/** For processes, which cannot share memory. */
export const sealer: Sealer = { isWorth: isLarge, seal, open }

/** For threads. The copy is made where the value was, and is the only one. */
export const sharingSealer: Sealer = { isWorth: isLarge, seal: (value) => shared(seal(value)), open }
