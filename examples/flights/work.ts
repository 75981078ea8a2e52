/**
 * The work of the threads: reading, decoding and summing up. A thread opens the file itself, and the columns of numbers that it reads
 * are in memory that all threads share, so that none is copied.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as Data from "./data.ts"
import * as Statistics from "./statistics.ts"

/** Reads and decodes one row group. */
export const read = (file: Data.FlightsFile, group: Data.RowGroup): Effect.Effect<Data.Flights, Data.DataError> =>
  Effect.provide(Data.readFlights(file, group), NodeFileSystem.layer)

/** The statistics of the flights from row `from` up to row `to`. */
export const summarize = (flights: Data.Flights, from: number, to: number): Statistics.Statistics =>
  Statistics.summarize(Data.subarray(flights, from, to))
