/**
 * Puts the workers of every layer behind cloning ports: `npm run test:ports`, and with `VALUES=clones` values are cloned too.
 *
 * Known to differ there, because messages take turns:
 * - `nesting`, "N7: by fire and fire": some more tasks start before the limit is reached.
 * - `examples/tree-walk`, "stops when told to": a body may begin before its stop arrives.
 * - `scale`, "G15: 200,000 tasks": not yet explained; the machine was loaded.
 */
import { direct } from "../../src/internal/workers/wire.ts"
import { clonedWire } from "./clonedWire.ts"

Object.assign(direct, clonedWire(process.env["VALUES"] === "clones" ? "as clones" : "by reference", 1))
