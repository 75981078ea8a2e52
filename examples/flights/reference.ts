/**
 * The same answers computed in the plainest way: one loop over rows, one Map a question, whole numbers as BigInt.
 * It shares no code with the example: the tests hold the two against each other.
 */
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet"
import { compressors } from "hyparquet-compressors"

export interface Sums {
  flights: bigint
  late: bigint
  minutes: bigint
}

export interface Reference {
  readonly flights: number
  /** By origin and hour, such as "ATL 17". */
  readonly byOriginHour: Map<string, Sums>
  /** By origin and destination, such as "ATL LAX". */
  readonly byRoute: Map<string, Sums>
}

/** Reads the row groups from `from` up to `to` one after the other, and adds up flight by flight. */
export const reference = async (path: string, from = 0, to = Infinity): Promise<Reference> => {
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  const result = { flights: 0, byOriginHour: new Map<string, Sums>(), byRoute: new Map<string, Sums>() }
  let rowStart = 0
  for (const [index, group] of metadata.row_groups.entries()) {
    const rowEnd = rowStart + Number(group.num_rows)
    if (index >= from && index < to) {
      for (const row of await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd })) {
        result.flights++
        count(result.byOriginHour, `${row["origin"]} ${row["date"].getUTCHours()}`, row["delay"])
        count(result.byRoute, `${row["origin"]} ${row["destination"]}`, row["delay"])
      }
    }
    rowStart = rowEnd
  }
  return result
}

const count = (table: Map<string, Sums>, key: string, delay: bigint) => {
  const sums = table.get(key) ?? { flights: 0n, late: 0n, minutes: 0n }
  sums.flights += 1n
  if (delay >= 15n) sums.late += 1n
  sums.minutes += delay
  table.set(key, sums)
}
