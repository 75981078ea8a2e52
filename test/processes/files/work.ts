/** Functions that run in processes. */
import { appendFileSync, existsSync } from "node:fs"

export const rows = (count: number): ReadonlyArray<{ readonly id: number }> =>
  Array.from({ length: count }, (_, id) => ({ id }))

export const lastOf = (rows: ReadonlyArray<{ readonly id: number }>): number => rows.at(-1)!.id

export const place = (): number => process.pid

export const faultOnce = (file: string): string => {
  if (existsSync(file)) return "again"
  appendFileSync(file, "begun\n")
  process.kill(process.pid, "SIGSEGV")
  // The signal is on its way.
  for (;;) if (Math.sqrt(2) < 1) return "never"
}

export const spin = (file: string): number => {
  appendFileSync(file, "begun\n")
  for (;;) if (Math.sqrt(2) < 1) return 0
}

export const inner = (): string | undefined => process.env["OMP_NUM_THREADS"]
