/**
 * What is kept of a slice of flights, how two of these become one, and the answers that a whole gives.
 *
 * Everything that is added is a whole number, so neither the size of slices nor the order of merging changes an answer.
 */
import { type Airport, airportName, type Airports, type Flights } from "./data.ts"

/** A flight is late from this many minutes on: the rule of the bureau that gathers the data. */
export const lateMinutes = 15

/** Sums by key, in ascending order of keys: one column a sum, so that a table is four buffers. */
export interface Table {
  readonly keys: Uint32Array
  readonly flights: Uint32Array
  readonly late: Uint32Array
  /** Sums of minutes of delay, whole and exact. */
  readonly minutes: Float64Array
}

/** What is kept of a set of flights. */
export interface Statistics {
  readonly flights: number
  readonly byOriginHour: Table
  readonly byRoute: Table
}

const hours = 24
const codes = 1 << 16

const makeTable = (size: number): Table => ({
  keys: new Uint32Array(size),
  flights: new Uint32Array(size),
  late: new Uint32Array(size),
  minutes: new Float64Array(size)
})

const head = ({ keys, flights, late, minutes }: Table, size: number): Table => ({
  keys: keys.slice(0, size),
  flights: flights.slice(0, size),
  late: late.slice(0, size),
  minutes: minutes.slice(0, size)
})

/** Adds row `from` of one table to row `to` of another. */
const addRow = (target: Table, to: number, source: Table, from: number) => {
  target.keys[to] = source.keys[from]!
  target.flights[to]! += source.flights[from]!
  target.late[to]! += source.late[from]!
  target.minutes[to]! += source.minutes[from]!
}

// ---- slices

/** The statistics of a slice. */
export const summarize = (flights: Flights): Statistics => ({
  flights: flights.delay.length,
  byOriginHour: tally(flights, (i) => flights.origin[i]! * hours + flights.hour[i]!),
  byRoute: tally(flights, (i) => flights.origin[i]! * codes + flights.destination[i]!)
})

const tally = ({ delay }: Flights, keyOf: (row: number) => number): Table => {
  const slots = new Map<number, number>()
  const slotOf = Uint32Array.from(delay, (_, i) => {
    const key = keyOf(i)
    const slot = slots.get(key) ?? slots.size
    if (slot === slots.size) slots.set(key, slot)
    return slot
  })
  const sums = makeTable(slots.size)
  sums.keys.set([...slots.keys()])
  delay.forEach((minutes, i) => {
    const slot = slotOf[i]!
    sums.flights[slot]! += 1
    sums.late[slot]! += minutes >= lateMinutes ? 1 : 0
    sums.minutes[slot]! += minutes
  })
  return sortByKey(sums)
}

const sortByKey = (table: Table): Table => {
  const order = table.keys.map((_, slot) => slot).sort((a, b) => table.keys[a]! - table.keys[b]!)
  const sorted = makeTable(order.length)
  order.forEach((slot, i) => addRow(sorted, i, table, slot))
  return sorted
}

// ---- merging

/** The statistics of no flights. */
export const empty: Statistics = { flights: 0, byOriginHour: makeTable(0), byRoute: makeTable(0) }

/** The statistics of several sets of flights together. */
export const merge = (parts: ReadonlyArray<Statistics>): Statistics => parts.reduce(mergeTwo, empty)

const mergeTwo = (a: Statistics, b: Statistics): Statistics => ({
  flights: a.flights + b.flights,
  byOriginHour: mergeTables(a.byOriginHour, b.byOriginHour),
  byRoute: mergeTables(a.byRoute, b.byRoute)
})

const mergeTables = (a: Table, b: Table): Table => {
  const merged = makeTable(a.keys.length + b.keys.length)
  let i = 0
  let j = 0
  let size = 0
  while (i < a.keys.length || j < b.keys.length) {
    const key = Math.min(a.keys[i] ?? Infinity, b.keys[j] ?? Infinity)
    if (a.keys[i] === key) addRow(merged, size, a, i++)
    if (b.keys[j] === key) addRow(merged, size, b, j++)
    size++
  }
  return head(merged, size)
}

// ---- answers

/** Sums over some flights, and what follows from them. */
export interface Delay {
  readonly flights: number
  readonly late: number
  readonly minutes: number
  /** Minutes of delay of an average flight; NaN when there are none. */
  readonly meanMinutes: number
  /** The share of flights that came late; NaN when there are none. */
  readonly lateShare: number
}

const delayOf = (flights: number, late: number, minutes: number): Delay => ({
  flights,
  late,
  minutes,
  meanMinutes: minutes / flights,
  lateShare: late / flights
})

/** The delay of the flights of some rows together. */
const total = (table: Table, rows: ReadonlyArray<number>): Delay =>
  delayOf(
    rows.reduce((sum, row) => sum + table.flights[row]!, 0),
    rows.reduce((sum, row) => sum + table.late[row]!, 0),
    rows.reduce((sum, row) => sum + table.minutes[row]!, 0)
  )

/** Delays of the flights from one airport. */
export interface OriginDelays {
  readonly origin: string
  readonly all: Delay
  /** By the hour of departure, 0 to 23. */
  readonly byHour: ReadonlyArray<Delay>
  /** By the part of the day of departure, as in `dayParts`. */
  readonly byDayPart: ReadonlyArray<Delay>
}

/** The parts of a day, with their hours. */
export const dayParts = [
  { name: "night", from: 0, to: 6 },
  { name: "morning", from: 6, to: 12 },
  { name: "afternoon", from: 12, to: 18 },
  { name: "evening", from: 18, to: 24 }
] as const

/** The delays of each airport of departure, busiest first. */
export const delaysByOrigin = ({ byOriginHour: table }: Statistics): ReadonlyArray<OriginDelays> => {
  const rows = Map.groupBy(table.keys.keys(), (row) => Math.floor(table.keys[row]! / hours))
  const delays = Array.from(rows, ([code, rows]) => originDelays(airportName(code), table, rows))
  return delays.sort((a, b) => b.all.flights - a.all.flights || compare(a.origin, b.origin))
}

const originDelays = (origin: string, table: Table, rows: ReadonlyArray<number>): OriginDelays => {
  const between = (from: number, to: number) =>
    total(table, rows.filter((row) => table.keys[row]! % hours >= from && table.keys[row]! % hours < to))
  return {
    origin,
    all: total(table, rows),
    byHour: Array.from({ length: hours }, (_, hour) => between(hour, hour + 1)),
    byDayPart: dayParts.map(({ from, to }) => between(from, to))
  }
}

const compare = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0

/** Delays of the flights of one route. */
export interface RouteDelay extends Delay {
  readonly origin: string
  readonly destination: string
}

/** The routes that are late most, by mean delay: the first `count` of those with at least `minimumFlights`. */
export const worstRoutes = (
  { byRoute: table }: Statistics,
  { count, minimumFlights }: { readonly count: number; readonly minimumFlights: number }
): ReadonlyArray<RouteDelay> =>
  Array.from(table.keys, (key, row) => routeDelay(key, total(table, [row])))
    .filter((route) => route.flights >= minimumFlights)
    .sort((a, b) => b.meanMinutes - a.meanMinutes || compare(a.origin + a.destination, b.origin + b.destination))
    .slice(0, count)

const routeDelay = (key: number, delay: Delay): RouteDelay => ({
  origin: airportName(Math.floor(key / codes)),
  destination: airportName(key % codes),
  ...delay
})

/** A route with what is known of its two ends. */
export interface NamedRoute {
  readonly route: RouteDelay
  readonly from: Airport
  readonly to: Airport
}

/** Joins routes with the names of their airports; one that has no name keeps its letters. */
export const nameRoutes = (routes: ReadonlyArray<RouteDelay>, airports: Airports): ReadonlyArray<NamedRoute> =>
  routes.map((route) => ({
    route,
    from: airportOf(airports, route.origin),
    to: airportOf(airports, route.destination)
  }))

const airportOf = (airports: Airports, iata: string): Airport =>
  airports.get(iata) ?? { iata, name: iata, city: iata, state: "" }

/** The bytes of the buffers in a value: what holding it costs, but for a few hundred bytes. */
export const bytesOf = (value: unknown): number => {
  if (ArrayBuffer.isView(value)) return value.byteLength
  if (typeof value !== "object" || value === null) return 0
  return Object.values(value).reduce((sum: number, part) => sum + bytesOf(part), 0)
}
