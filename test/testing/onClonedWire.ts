/**
 * Puts the workers of every layer behind cloning ports: `npm run test:ports`, and with `VALUES=clones` values are cloned too.
 *
 * Three tests are known to fail there, and the reasons are not known: `nesting`, "N7: by fire and fire" (847 tasks start before
 * the limit ends it, and the test allows 800); `examples/tree-walk`, "stops when told to"; and `scale`, "G15: 200,000 tasks".
 * Not every file has been run there.
 */
import { direct } from "../../src/internal/workers/wire.ts"
import { clonedWire } from "./clonedWire.ts"

Object.assign(direct, clonedWire(process.env["VALUES"] === "clones" ? "as clones" : "by reference", 1))
