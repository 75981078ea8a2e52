/** The answers as text, within 80 columns: tables whose numbers stand below each other. */
import { bytes, count, left, right, table } from "../table.ts"
import type { Airport, Airports } from "./data.ts"
import type { Held } from "./held.ts"
import { dayParts, type Delay, lateMinutes, type NamedRoute, type OriginDelays } from "./statistics.ts"

const none = "–"

const minutes = (n: number) => `${n.toFixed(1)} min`
const percent = (share: number) => `${(100 * share).toFixed(0)}%`
const clip = (text: string, width: number) => text.length <= width ? text : `${text.slice(0, width - 1)}…`

/** Mean delay and share of late flights in one cell. */
const delayCell = ({ flights, lateShare, meanMinutes }: Delay) =>
  flights === 0 ? none : `${meanMinutes.toFixed(1)} ${percent(lateShare).padStart(3)}`

/** The delays of the first `limit` airports, by part of the day. */
export const delaysReport = (origins: ReadonlyArray<OriginDelays>, airports: Airports, limit: number): string => {
  const hours = dayParts.map(({ from, name, to }) => `${name} ${from}-${to - 1} h`)
  const rows = origins.slice(0, limit).map(({ all, byDayPart, origin }) => [
    `${origin} ${clip(airports.get(origin)?.city ?? "", 14)}`,
    count(all.flights),
    ...[all, ...byDayPart].map(delayCell)
  ])
  return [
    `Delay of arrival: the ${rows.length} busiest of ${origins.length} airports, by local time of departure`,
    `(mean minutes, and the share of flights that came ${lateMinutes} minutes late or more;`,
    `${hours.join(", ")})`,
    "",
    table([left("origin"), right("flights"), right("all day"), ...dayParts.map(({ name }) => right(name))], rows)
  ].join("\n")
}

const place = ({ city, iata, name, state }: Airport) => clip(iata === name ? iata : `${iata} ${city} ${state}`, 22)

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
    `The worst ${rows.length} routes by mean delay, of those with at least ${count(minimumFlights)} flights`,
    "",
    table(columns, rows)
  ].join("\n")
}

/** What was held at the peak, beside what all of it together would have been. */
export const heldReport = (peak: Held, all: Held): string =>
  `Held at the peak: ${count(peak.results)} of ${count(all.results)} results, ` +
  `about ${bytes(peak.bytes)} of ${bytes(all.bytes)}.`
