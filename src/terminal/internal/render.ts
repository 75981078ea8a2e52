/**
 * The look of a progress bar: pure functions from counts to lines.
 *
 * @internal
 */
import { inLine, streamText } from "../../internal/text/text.ts"
import type { Counts, Group, Progress, StreamProgress, WorkerLoad } from "../../Progress.ts"

/** What is shown, besides the groups. */
export interface Style {
  readonly colors: boolean
  /** A line for each worker. */
  readonly workers: boolean
}

/** The space that lines must fit into. */
export interface Screen extends Style {
  readonly columns: number
  readonly rows: number
}

const totalName = "total"
const widestName = 32
const widestBar = 40
const narrowestBar = 6

/** The tasks that ended as they should: skipped tasks count as done, cancelled ones do not. */
const done = ({ failed, skipped, succeeded, upstreamFailed }: Counts): number =>
  succeeded + failed + upstreamFailed + skipped

const share = (part: number, whole: number): number => whole <= 0 ? 0 : Math.min(1, part / whole)

/** Never 100 before the whole is reached. */
const percentOf = (part: number): string => `${Math.floor(100 * part)}%`.padStart(4)

/** A part of a total that grows is no share of the whole. */
const percent = ({ done, isOpen, total }: Row): string => isOpen ? "    " : percentOf(share(done, total))

const rateOf = (perSecond: number): string =>
  `${perSecond >= 10 || perSecond === 0 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`

/** Tasks done per second. */
const meanRate = (done: number, elapsedMillis: number): string =>
  elapsedMillis <= 0 ? "" : rateOf(1000 * done / elapsedMillis)

/** As 3.2s, 1m 05s or 2h 03m. */
export const duration = (millis: number): string => {
  const seconds = Math.floor(millis / 1000)
  const two = (n: number): string => String(n).padStart(2, "0")
  if (seconds < 60) return `${(Math.floor(millis / 100) / 10).toFixed(1)}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`
  return `${Math.floor(seconds / 3600)}h ${two(Math.floor(seconds / 60) % 60)}m`
}

const countOf = ({ done, isOpen, total }: Pick<Row, "done" | "isOpen" | "total">): string =>
  `${done}/${total}${isOpen ? "+" : ""}`

const red = (text: string, colors: boolean): string => colors && text !== "" ? `\u001B[31m${text}\u001B[39m` : text
const yellow = (text: string, colors: boolean): string => colors && text !== "" ? `\u001B[33m${text}\u001B[39m` : text
const dim = (text: string, colors: boolean): string => colors && text !== "" ? `\u001B[2m${text}\u001B[22m` : text

// A label may hold anything: characters that move the cursor or break the line must not reach the terminal.
const printable = (name: string): string => {
  const text = inLine(name)
  // No group may look like the line of all tasks.
  return text.trim() === totalName ? JSON.stringify(text) : text
}

const wide =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u

const graphemes = new Intl.Segmenter()

/** The width of a text in columns. */
export const widthOf = (text: string): number => {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/** `text` in exactly `width` columns. */
const fitted = (text: string, width: number): string => {
  const missing = width - widthOf(text)
  if (missing >= 0) return text + " ".repeat(missing)
  let cut = ""
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    const next = widthOf(segment)
    if (used + next > width - 1) break
    cut += segment
    used += next
  }
  return fitted(`${cut}…`, width)
}

/** A line of the bar, besides those of workers. */
interface Row {
  readonly name: string
  readonly done: number
  readonly failed: number
  readonly upstreamFailed: number
  readonly running: number
  readonly waiting: number
  readonly total: number
  /** Whether the total grows. */
  readonly isOpen: boolean
  /** What else there is to say, the most important first, before what runs. */
  readonly notes: ReadonlyArray<string>
}

const noteOf = (count: number, words: string): string => count === 0 ? "" : `${count} ${words}`

const rowOfTasks = (name: string, counts: Counts, isOpen: boolean, notes: ReadonlyArray<string> = []): Row => ({
  ...counts,
  name,
  done: done(counts),
  isOpen,
  notes: [noteOf(counts.skipped, "skipped"), noteOf(counts.cancelled, "cancelled"), ...notes]
})

const delays = ({ paused, rateLimited }: Pick<Progress, "paused" | "rateLimited">): ReadonlyArray<string> => [
  noteOf(rateLimited, "wait for a rate"),
  noteOf(paused, "paused")
]

const rowOfAll = (progress: Progress): Row => {
  const { elapsedMillis, isOpen } = progress
  const speed = [duration(elapsedMillis), meanRate(done(progress), elapsedMillis)]
  return rowOfTasks(totalName, progress, isOpen, [...speed, ...delays(progress)])
}

/** Of a stream whose total is not known, what was taken is the total so far. */
const rowOfStream = (stream: StreamProgress): Row => {
  const { consumed, dropped, failed, perSecond, remainingMillis, running, streams, taken, total, unread, waiting } =
    stream
  const isRunning = streams > 0
  return {
    // Other tasks may have a label that is the name of a stream.
    name: streamText(printable(stream.name)),
    done: consumed + failed,
    failed,
    upstreamFailed: 0,
    running,
    waiting,
    total: total ?? taken,
    isOpen: total === undefined,
    notes: [
      isRunning || perSecond > 0 ? rateOf(perSecond) : "",
      remainingMillis === undefined ? "" : `${duration(remainingMillis)} left`,
      noteOf(unread, "unread"),
      ...delays(stream),
      noteOf(dropped, "dropped")
    ]
  }
}

/** The figures of a line, the most important first; each with the text as printed. */
const figures = (row: Row, { colors, countWidth }: Pick<Columns, "colors" | "countWidth">): ReadonlyArray<Figure> => {
  const plain = (text: string): Figure => ({ text, width: text.length })
  const failures = noteOf(row.failed, "failed")
  const heldUp = noteOf(row.upstreamFailed, "upstream failed")
  return [
    plain(percent(row)),
    plain(countOf(row).padStart(countWidth)),
    { text: red(failures, colors), width: failures.length },
    { text: yellow(heldUp, colors), width: heldUp.length },
    ...row.notes.map(plain),
    plain(noteOf(row.running, "running"))
  ].filter(({ width }) => width > 0)
}

interface Figure {
  readonly text: string
  readonly width: number
}

/** Blocks for done tasks, failed ones in red, tasks that they held up in yellow, and a light rest; dots if the total grows. */
const bar = (row: Row, width: number, colors: boolean): string => {
  const { done, failed, isOpen, total, upstreamFailed } = row
  if (isOpen) return dim("·".repeat(width), colors)
  const cells = (n: number): number => total === 0 ? 0 : Math.floor(width * n / total)
  const full = cells(done)
  const part = (n: number, room: number): number => n === 0 ? 0 : Math.min(room, Math.max(1, cells(n)))
  const bad = part(failed, full)
  const heldUp = part(upstreamFailed, full - bad)
  return "█".repeat(full - bad - heldUp) + red("█".repeat(bad), colors) + yellow("█".repeat(heldUp), colors) +
    dim("░".repeat(width - full), colors)
}

const line = (row: Row, columns: Columns): string => {
  const { barWidth, colors, nameWidth, width } = columns
  let text = fitted(row.name, nameWidth)
  let left = width - nameWidth
  if (barWidth > 0) {
    text += ` ${bar(row, barWidth, colors)}`
    left -= barWidth + 1
  }
  for (const figure of figures(row, columns)) {
    if (left < figure.width + 1) break
    text += ` ${figure.text}`
    left -= figure.width + 1
  }
  return text
}

/** The share of the time in which a worker's slots were taken. */
const busy = ({ busyMillis, slots }: WorkerLoad, elapsedMillis: number): number =>
  share(busyMillis, elapsedMillis * slots)

/** How busy a worker was, in blocks and figures, and what it does. */
const workerLine = (
  load: WorkerLoad,
  elapsedMillis: number,
  endedWidth: number,
  { barWidth, colors, nameWidth, width }: Columns
): string => {
  const part = busy(load, elapsedMillis)
  const full = Math.floor(barWidth * part)
  const blocks = barWidth === 0 ? "" : ` ${"█".repeat(full)}${dim("░".repeat(barWidth - full), colors)}`
  const figures = ` ${percentOf(part)} busy ${String(load.ended).padStart(endedWidth)} done`
  const left = width - nameWidth - (barWidth === 0 ? 0 : barWidth + 1)
  const tasks = load.running.length === 0 ? " idle" : ` ${load.running.map(({ key }) => inLine(key)).join(", ")}`
  const text = left <= 0 ? "" : fitted(figures + tasks, left).trimEnd()
  return fitted(printable(load.id), nameWidth) + blocks + text
}

interface Columns {
  /** The last column stays free: some terminals wrap when it is written. */
  readonly width: number
  readonly nameWidth: number
  readonly barWidth: number
  readonly countWidth: number
  readonly colors: boolean
}

const columnsFor = (names: ReadonlyArray<string>, countWidth: number, { colors, columns }: Screen): Columns => {
  const width = Math.max(1, columns - 1)
  const longest = Math.max(...names.map(widthOf))
  const nameWidth = Math.max(1, Math.min(longest, widestName, Math.floor(width / 3)))
  // Percent, count, failures and time go before the bar; the other figures share the rest with it.
  const rest = width - nameWidth - " 100%  10 failed 12.3s".length - countWidth
  const barWidth = Math.min(widestBar, Math.floor(rest / 2))
  return { width, nameWidth, barWidth: barWidth < narrowestBar ? 0 : barWidth, countWidth, colors }
}

/** The groups that fit: those that run first, then those that wait; all of them in the order in which they appeared. */
const chosen = (groups: ReadonlyArray<Row>, room: number): ReadonlyArray<Row> => {
  if (groups.length <= room) return groups
  const need = (group: Row): number => group.running > 0 ? 0 : group.waiting > 0 ? 1 : group.failed > 0 ? 2 : 3
  return groups
    .map((group, place) => ({ group, place }))
    .toSorted((a, b) => need(a.group) - need(b.group) || a.place - b.place)
    .slice(0, Math.max(0, room - 1))
    .toSorted((a, b) => a.place - b.place)
    .map(({ group }) => group)
}

/** How many of the lines go to workers: what groups leave, and half of them at least. */
const roomForWorkers = (workers: number, groups: number, room: number): number =>
  Math.max(0, Math.min(workers, Math.max(Math.floor(room / 2), room - groups)))

/** The streams, and the groups that say more than the streams do. */
const rowsOf = ({ groups, streams }: Progress): ReadonlyArray<Row> => [
  ...streams.map(rowOfStream),
  ...groups.flatMap((group) => isOfStream(group) ? [] : [rowOfTasks(printable(group.name), group, group.isOpen)])
]

const isOfStream = ({ name, stream }: Group): boolean => name === stream

/** All lines of a bar. */
export const frame = (progress: Progress, screen: Screen): string => {
  const { elapsedMillis } = progress
  const named = rowsOf(progress)
  const all = rowOfAll(progress)
  // A line for the total and the one that the cursor is on.
  const room = screen.rows - 2
  const loads = screen.workers ? progress.workers : []
  const forWorkers = roomForWorkers(loads.length, named.length, room)
  const groups = chosen(named, room - forWorkers)
  const workers = loads.length <= forWorkers ? loads : loads.slice(0, Math.max(0, forWorkers - 1))
  const names = [...groups.map(({ name }) => name), totalName, ...workers.map(({ id }) => printable(id))]
  const countWidth = Math.max(...[...groups, all].map((row) => countOf(row).length))
  const columns = columnsFor(names, countWidth, screen)
  const more = (hidden: number, room: number, things: string): ReadonlyArray<string> =>
    hidden > 0 && room > 0 ? [fitted(`… and ${hidden} more ${things}`, columns.width).trimEnd()] : []
  const endedWidth = String(Math.max(0, ...workers.map(({ ended }) => ended))).length
  return [
    ...groups.map((group) => line(group, columns)),
    ...more(named.length - groups.length, room - forWorkers, "groups"),
    line(all, columns),
    ...workers.map((load) => workerLine(load, elapsedMillis, endedWidth, columns)),
    ...more(loads.length - workers.length, forWorkers, "workers")
  ].join("\n")
}

/** How many workers a line for a log names. */
const workersInLine = 8

/** How busy the workers were that have run something, for a log. */
const busyWorkers = ({ elapsedMillis, workers }: Progress): ReadonlyArray<string> => {
  const used = workers.filter(({ ended, running }) => ended > 0 || running.length > 0)
  if (used.length === 0) return []
  const named = used.slice(0, workersInLine)
  const shares = named.map((load) => `${printable(load.id)} ${percentOf(busy(load, elapsedMillis)).trim()}`)
  const more = used.length > named.length ? [`${used.length - named.length} more`] : []
  return [`busy: ${[...shares, ...more].join(", ")}`]
}

/** How many streams a line for a log has. */
const streamsInLine = 4

/** Whether a stream runs, or has changed since the line before. */
const isNews = (stream: StreamProgress, before: Progress | undefined): boolean => {
  if (stream.streams > 0) return true
  const last = before?.streams.find(({ name }) => name === stream.name)
  return last === undefined || last.streams > 0 || last.taken !== stream.taken
}

/** The streams that have closed since the line before, and those that run, for a log. */
const newsOfStreams = (
  { streams }: Progress,
  before: Progress | undefined,
  colors: boolean
): ReadonlyArray<string> => {
  const news = streams.filter((stream) => isNews(stream, before))
  // Streams that run are in the next line too.
  const closedFirst = news.toSorted((a, b) => Number(a.streams > 0) - Number(b.streams > 0))
  const told = closedFirst.slice(0, streamsInLine).map((stream) => {
    const row = rowOfStream(stream)
    const share = row.isOpen ? [] : [`(${percent(row).trim()})`]
    const rest = figures(row, { colors, countWidth: 0 }).slice(2).map(({ text }) => text)
    return `${row.name}: ${[countOf(row), ...share].join(" ")}${rest.map((text) => `, ${text}`).join("")}`
  })
  return news.length > told.length ? [...told, `${news.length - told.length} more streams`] : told
}

/** One line for a log, after one for the progress before. */
export const summary = (progress: Progress, { colors, workers }: Style, before?: Progress): string => {
  const { isOpen, running } = progress
  const row = rowOfAll(progress)
  const rest = figures({ ...row, running: 0 }, { countWidth: 0, colors }).slice(2)
  const tasks = [
    `${countOf(row)} tasks${isOpen ? "" : ` (${percent(row).trim()})`}`,
    ...(running === 0 ? [] : [`${running} running`]),
    ...rest.map(({ text }) => text),
    ...(workers ? busyWorkers(progress) : [])
  ].join(", ")
  return [tasks, ...newsOfStreams(progress, before, colors)].join("; ")
}
