/** Puts the workers of every layer behind cloning ports: `npm run test:ports`, and with `VALUES=clones` values are cloned too. */
import { direct } from "../../src/internal/workers/wire.ts"
import { clonedWire } from "./clonedWire.ts"

Object.assign(direct, clonedWire(process.env["VALUES"] === "clones" ? "as clones" : "by reference", 1))
