/**
 * The two files of the example as Effects: flights, a row group at a time, and airports.
 *
 * The file has one row a flight of the first half of 2001. Its `date` is the local time at which the flight really
 * left, and its `delay` is the delay of arrival in minutes, negative when early; a delay of departure it does not have.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import { type ColumnData, type ColumnMetaData, type FileMetaData, parquetMetadata, parquetRead } from "hyparquet"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { zstdDecompressSync } from "node:zlib"

/** There is no such file. */
export class FileMissing extends Schema.TaggedError<FileMissing>()("FileMissing", { path: Schema.String }) {
  override get message() {
    return `${this.path} does not exist: run npm install, or name another file`
  }
}

/** The file is there, but reading it failed or what it holds is not of its format. */
export class FileUnreadable extends Schema.TaggedError<FileUnreadable>()("FileUnreadable", {
  path: Schema.String,
  reason: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message() {
    return `${this.path} cannot be read: ${this.reason}`
  }
}

/** A column is missing, of another type, or holds a value that cannot be right. */
export class BadColumn extends Schema.TaggedError<BadColumn>()("BadColumn", {
  path: Schema.String,
  column: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `column ${this.column} of ${this.path}: ${this.reason}`
  }
}

export type DataError = FileMissing | FileUnreadable | BadColumn

const dataset = (name: string) =>
  join(dirname(createRequire(import.meta.url).resolve("vega-datasets")), "..", "data", name)

/** Where the npm package `vega-datasets` keeps its three million flights. */
export const flightsPath = dataset("flights-3m.parquet")

/** Where the npm package `vega-datasets` keeps the names of airports. */
export const airportsPath = dataset("airports.csv")

// ---- files

const fileError = (path: string) => (error: PlatformError.PlatformError) =>
  error.reason._tag === "NotFound"
    ? new FileMissing({ path })
    : new FileUnreadable({ path, reason: error.message, cause: error })

const unreadable = (path: string) => (cause: unknown) =>
  new FileUnreadable({ path, reason: cause instanceof Error ? cause.message : String(cause), cause })

/** Reads `size` bytes from `start` on; fewer than that is an error. */
const readRange = Effect.fnUntraced(function*(path: string, start: number, size: number) {
  const file = yield* (yield* FileSystem.FileSystem).open(path)
  const read = yield* file.readAlloc(size, { position: BigInt(start) })
  return Option.getOrElse(read, () => new Uint8Array(0))
}, (effect, path, start, size) =>
  Effect.scoped(effect).pipe(
    Effect.mapError(fileError(path)),
    Effect.filterOrFail(
      (bytes) => bytes.length === size,
      () => new FileUnreadable({ path, reason: `it ends before byte ${start + size}` })
    )
  ))

// ---- flights

/** A run of rows that lies in one piece in the file and is read at once. */
export interface RowGroup {
  readonly index: number
  readonly firstRow: number
  readonly rows: number
  readonly firstByte: number
  readonly bytes: number
}

/** A file of flights whose footer was read and whose columns are as they should be. */
export interface FlightsFile {
  readonly path: string
  readonly bytes: number
  readonly metadata: FileMetaData
  readonly rowGroups: ReadonlyArray<RowGroup>
}

/** Flights as columns in shared memory: seven bytes a flight, no objects. */
export interface Flights {
  /** The hour of the day at which the flight left, 0 to 23, in local time. */
  readonly hour: Uint8Array
  /** Minutes that it came late; negative when early. */
  readonly delay: Int16Array
  readonly origin: Uint16Array
  readonly destination: Uint16Array
}

/** The flights of `flights` from row `from` up to row `to`, without a copy. */
export const subarray = (flights: Flights, from: number, to: number): Flights => ({
  hour: flights.hour.subarray(from, to),
  delay: flights.delay.subarray(from, to),
  origin: flights.origin.subarray(from, to),
  destination: flights.destination.subarray(from, to)
})

const trailerBytes = 8

/** Reads the footer of a file of flights: its row groups and its columns. */
export const openFlights = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const bytes = Number((yield* fs.stat(path).pipe(Effect.mapError(fileError(path)))).size)
  const trailer = yield* readRange(path, Math.max(0, bytes - trailerBytes), trailerBytes)
  const footerBytes = trailerBytes + new DataView(trailer.buffer, trailer.byteOffset).getUint32(0, true)
  const footer = yield* readRange(path, Math.max(0, bytes - footerBytes), Math.min(bytes, footerBytes))
  const metadata = yield* Effect.try({ try: () => parquetMetadata(footer), catch: unreadable(path) })
  yield* checkColumns(path, metadata)
  const file: FlightsFile = { path, bytes, metadata, rowGroups: rowGroups(metadata) }
  return file
})

/** What each column that we read must be. */
const columnTypes = {
  date: "INT64 TIMESTAMP MICROS",
  delay: "INT64",
  origin: "BYTE_ARRAY STRING",
  destination: "BYTE_ARRAY STRING"
}

type Column = keyof typeof columnTypes

/** Fails when a column that we read is missing or has another type. */
export const checkColumns = (path: string, metadata: FileMetaData) =>
  Effect.forEach(Object.entries(columnTypes), ([column, expected]) => {
    const reason = columnFault(metadata, column, expected)
    return reason === undefined ? Effect.void : Effect.fail(new BadColumn({ path, column, reason }))
  }, { discard: true })

const columnFault = ({ schema }: FileMetaData, column: string, expected: string) => {
  const element = schema.find((element) => element.name === column)
  if (element === undefined) {
    return `it is missing; there are ${schema.slice(1).map((element) => element.name).join(", ")}`
  }
  const logical = element.logical_type
  const unit = logical?.type === "TIMESTAMP" ? logical.unit : undefined
  const found = [element.type, logical?.type, unit].filter((word) => word !== undefined).join(" ")
  return found === expected ? undefined : `it is ${found}, not ${expected}`
}

const rowGroups = (metadata: FileMetaData): Array<RowGroup> => {
  let firstRow = 0
  return metadata.row_groups.map((group, index) => {
    const chunks = group.columns.flatMap(({ meta_data: chunk }) => chunk === undefined ? [] : [span(chunk)])
    const firstByte = Math.min(...chunks.map(({ start }) => start))
    const bytes = Math.max(...chunks.map(({ end }) => end)) - firstByte
    const rows = Number(group.num_rows)
    firstRow += rows
    return { index, firstRow: firstRow - rows, rows, firstByte, bytes }
  })
}

/** Where a column of a row group lies; there may be gaps between columns. */
const span = (chunk: ColumnMetaData) => {
  const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
  return { start, end: start + Number(chunk.total_compressed_size) }
}

/** Reads and decodes one row group. */
export const readFlights = Effect.fnUntraced(function*(file: FlightsFile, group: RowGroup) {
  const bytes = yield* readRange(file.path, group.firstByte, group.bytes)
  const chunks = yield* Effect.tryPromise({ try: () => decode(file, group, bytes), catch: unreadable(file.path) })
  const column = <A extends Uint8Array | Uint16Array | Int16Array>(name: Column, target: A, read: Read) =>
    fill(file, group, chunks.filter((chunk) => chunk.columnName === name), target, read)
  const flights: Flights = {
    hour: yield* column("date", new Uint8Array(new SharedArrayBuffer(group.rows)), hourOf),
    delay: yield* column("delay", new Int16Array(new SharedArrayBuffer(2 * group.rows)), delayOf),
    origin: yield* column("origin", new Uint16Array(new SharedArrayBuffer(2 * group.rows)), codeOf),
    destination: yield* column("destination", new Uint16Array(new SharedArrayBuffer(2 * group.rows)), codeOf)
  }
  return flights
})

/** Decodes the columns of one row group, as hyparquet has them. */
const decode = async (file: FlightsFile, group: RowGroup, bytes: Uint8Array): Promise<Array<ColumnData>> => {
  const chunks: Array<ColumnData> = []
  const slice = (start: number, end = file.bytes) =>
    new Uint8Array(bytes.subarray(start - group.firstByte, end - group.firstByte)).buffer
  await parquetRead({
    file: { byteLength: file.bytes, slice },
    metadata: file.metadata,
    columns: Object.keys(columnTypes),
    rowStart: group.firstRow,
    rowEnd: group.firstRow + group.rows,
    compressors: { ZSTD: (page) => zstdDecompressSync(page) },
    parsers,
    onChunk: (chunk) => chunks.push(chunk)
  })
  return chunks
}

const decoder = new TextDecoder()

/** The columns are dictionaries, so these run once for each different value of a row group, not once a row. */
const parsers = {
  timestampFromMicroseconds: (micros: bigint) => Number(micros / 60_000_000n),
  stringFromBytes: (bytes: Uint8Array) => airportCode(decoder.decode(bytes)) ?? decoder.decode(bytes)
}

/** Reads a decoded value as a whole number that its column can hold, if it is one. */
type Read = (value: unknown) => number | undefined

const hourOf: Read = (minutes) =>
  typeof minutes === "number" ? Math.floor(minutes / 60) - 24 * Math.floor(minutes / 1440) : undefined

const delayOf: Read = (minutes) =>
  typeof minutes === "bigint" && minutes >= -32_768n && minutes < 32_768n ? Number(minutes) : undefined

const codeOf: Read = (code) => typeof code === "number" ? code : undefined

const fill = <A extends Uint8Array | Uint16Array | Int16Array>(
  file: FlightsFile,
  group: RowGroup,
  chunks: ReadonlyArray<ColumnData>,
  target: A,
  read: Read
): Effect.Effect<A, BadColumn> =>
  Effect.suspend(() => {
    for (const { columnData, columnName, rowStart } of chunks) {
      for (let i = 0; i < columnData.length; i++) {
        const value = read(columnData[i])
        if (value === undefined) {
          const reason = `row ${rowStart + i} holds ${String(columnData[i])}`
          return Effect.fail(new BadColumn({ path: file.path, column: columnName, reason }))
        }
        target[rowStart - group.firstRow + i] = value
      }
    }
    return Effect.succeed(target)
  })

// ---- airports

/** How many numbers there are for airports: three digits to the base of 36. */
export const airportCodes = 36 ** 3

/** The code of an airport as a number, so that it fits in two bytes and means the same in every slice. */
export const airportCode = (iata: string): number | undefined =>
  /^[0-9A-Z]{3}$/.test(iata) ? Number.parseInt(iata, 36) : undefined

/** The letters of an airport's number. */
export const airportName = (code: number): string => code.toString(36).toUpperCase().padStart(3, "0")

export interface Airport {
  readonly iata: string
  readonly name: string
  readonly city: string
  readonly state: string
}

/** Airports by their three letters. */
export type Airports = ReadonlyMap<string, Airport>

/** Reads the names and cities of airports. */
export const readAirports = Effect.fnUntraced(function*(path: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(path).pipe(Effect.mapError(fileError(path)))
  return yield* parseAirports(path, text)
})

/** Reads a table of airports from text; only the columns that we need have to be there. */
export const parseAirports = Effect.fnUntraced(function*(path: string, text: string) {
  const [header = [], ...rows] = parseCsv(text)
  const cells = yield* Effect.forEach(["iata", "name", "city", "state"], (column) => {
    const at = header.indexOf(column)
    if (at >= 0) return Effect.succeed((row: ReadonlyArray<string>) => row[at] ?? "")
    return Effect.fail(new BadColumn({ path, column, reason: `it is missing; there are ${header.join(", ")}` }))
  })
  const airports = rows.map((row) => {
    const [iata = "", name = "", city = "", state = ""] = cells.map((cell) => cell(row))
    return { iata, name, city, state }
  })
  return new Map(airports.map((airport) => [airport.iata, airport]))
})

/** One cell, quoted or plain, and what ends it: a comma, a line's end or the text's. */
const csvCell = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|\r|$)/y

/** Splits comma-separated text into rows of cells; a quoted cell may hold commas, quotes (doubled) and line ends. */
export const parseCsv = (text: string): Array<Array<string>> => {
  const rows: Array<Array<string>> = []
  let row: Array<string> = []
  csvCell.lastIndex = 0
  while (csvCell.lastIndex < text.length) {
    const [, quoted, plain = "", end] = csvCell.exec(text)! // some cell matches at every place
    row.push(quoted === undefined ? plain : quoted.replaceAll("\"\"", "\""))
    if (end === ",") continue
    rows.push(row)
    row = []
  }
  return rows
}
