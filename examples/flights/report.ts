/** The answers as text: tables whose numbers stand below each other and name their units. */
import type { Airport, Airports } from "./data.ts"
import type { Held } from "./held.ts"
import { dayParts, type Delay, lateMinutes, type NamedRoute, type OriginDelays } from "./statistics.ts"

/** A column of a table: its title, and the side to which its cells go. */
export interface Column {
  readonly title: string
  readonly align: "left" | "right"
}

const left = (title: string): Column => ({ title, align: "left" })
const right = (title: string): Column => ({ title, align: "right" })

/** A table as lines of text, each column as wide as its widest cell. */
export const table = (columns: ReadonlyArray<Column>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const titles = columns.map(({ title }) => title)
  const widths = columns.map((_, i) => Math.max(...[titles, ...rows].map((row) => row[i]!.length)))
  const pad = (text: string, i: number) =>
    columns[i]!.align === "left" ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)
  const line = (cells: ReadonlyArray<string>) => cells.map(pad).join("   ").trimEnd()
  return [line(titles), widths.map((width) => "─".repeat(width)).join("───"), ...rows.map(line)].join("\n")
}

const none = "–"

/** A whole number with its thousands apart: 3,000,000. */
export const count = (n: number): string => n.toLocaleString("en-US")

/** Bytes in the unit that leaves at most three digits before the point: 1.9 MB. */
export const bytes = (n: number): string =>
  n < 1000 ? `${n} B` : n < 999_500 ? `${(n / 1000).toFixed(0)} kB` : `${(n / 1_000_000).toFixed(1)} MB`

const minutes = (n: number) => `${n.toFixed(1)} min`
const percent = (share: number) => `${(100 * share).toFixed(0)} %`
const clip = (text: string, width: number) => text.length <= width ? text : `${text.slice(0, width - 1)}…`

/** Mean delay and share of late flights in one cell. */
const delayCell = ({ flights, lateShare, meanMinutes }: Delay) =>
  flights === 0 ? none : `${minutes(meanMinutes)} ${percent(lateShare).padStart(5)}`

/** The delays of the first `limit` airports, by part of the day. */
export const delaysReport = (origins: ReadonlyArray<OriginDelays>, airports: Airports, limit: number): string => {
  const parts = dayParts.map(({ from, name, to }) => right(`${name} ${from}-${to - 1} h`))
  const rows = origins.slice(0, limit).map(({ all, byDayPart, origin }) => [
    `${origin} ${clip(airports.get(origin)?.city ?? "", 20)}`,
    count(all.flights),
    ...[all, ...byDayPart].map(delayCell)
  ])
  return [
    `Delay of arrival by airport and local time at which flights left: the ${rows.length} busiest of ${origins.length} airports`,
    `(mean minutes, and the share of flights that came ${lateMinutes} minutes late or more)`,
    "",
    table([left("origin"), right("flights"), right("all day"), ...parts], rows)
  ].join("\n")
}

const place = ({ city, iata, name, state }: Airport) =>
  clip(iata === name ? iata : `${iata} ${city} ${state}, ${name}`, 40)

/** The worst routes, with the names and cities of their ends. */
export const routesReport = (routes: ReadonlyArray<NamedRoute>, minimumFlights: number): string => {
  const rows = routes.map(({ from, route, to }) => [
    place(from),
    place(to),
    count(route.flights),
    minutes(route.meanMinutes),
    percent(route.lateShare)
  ])
  const columns = [left("from"), left("to"), right("flights"), right("mean delay"), right("late")]
  return [
    `The worst ${rows.length} routes by mean delay of arrival, of those with at least ${count(minimumFlights)} flights`,
    "",
    table(columns, rows)
  ].join("\n")
}

/** What was held at the peak, beside what all of it together would have been. */
export const heldReport = (peak: Held, all: Held): string =>
  `Held at the peak: ${count(peak.results)} of ${count(all.results)} results, ` +
  `about ${bytes(peak.bytes)} of ${bytes(all.bytes)}.`
