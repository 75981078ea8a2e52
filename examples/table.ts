/** Answers as text: tables whose numbers stand below each other, and numbers for people. */

/** A column of a table: its title, and the side to which its cells go. */
export interface Column {
  readonly title: string
  readonly align: "left" | "right"
}

/** A column of words. */
export const left = (title: string): Column => ({ title, align: "left" })
/** A column of numbers. */
export const right = (title: string): Column => ({ title, align: "right" })

/** A table as lines of text, each column as wide as its widest cell. */
export const table = (columns: ReadonlyArray<Column>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const titles = columns.map(({ title }) => title)
  const widths = columns.map((_, i) => Math.max(...[titles, ...rows].map((row) => row[i]!.length)))
  const pad = (text: string, i: number) =>
    columns[i]!.align === "left" ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)
  const line = (cells: ReadonlyArray<string>) => cells.map(pad).join("  ").trimEnd()
  return [line(titles), widths.map((width) => "─".repeat(width)).join("──"), ...rows.map(line)].join("\n")
}

/** A whole number with its thousands apart: 3,000,000. */
export const count = (n: number): string => n.toLocaleString("en-US")

/** A number of things: 1 folder, 1,267 folders. */
export const counted = (n: number, thing: string): string => `${count(n)} ${thing}${n === 1 ? "" : "s"}`

/** Bytes in the unit that leaves at most three digits before the point: 1.9 MB. */
export const bytes = (n: number): string =>
  n < 1000 ? `${n} B` : n < 999_500 ? `${(n / 1000).toFixed(0)} kB` : `${(n / 1_000_000).toFixed(1)} MB`
