/**
 * The look of a progress bar: pure functions from counts to lines.
 *
 * @internal
 */
import { inLine } from "../../internal/text/text.ts"
import type { Counts, Progress, WorkerLoad } from "../../Progress.ts"

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

const percent = (counts: Counts): string => percentOf(share(done(counts), counts.total))

/** Tasks done per second. */
const rate = (counts: Counts, elapsedMillis: number): string => {
  if (elapsedMillis <= 0) return ""
  const perSecond = 1000 * done(counts) / elapsedMillis
  return `${perSecond >= 10 || perSecond === 0 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`
}

/** As 3.2s, 1m 05s or 2h 03m. */
export const duration = (millis: number): string => {
  const seconds = Math.floor(millis / 1000)
  const two = (n: number): string => String(n).padStart(2, "0")
  if (seconds < 60) return `${(Math.floor(millis / 100) / 10).toFixed(1)}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`
  return `${Math.floor(seconds / 3600)}h ${two(Math.floor(seconds / 60) % 60)}m`
}

const countOf = (counts: Counts): string => `${done(counts)}/${counts.total}`

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

/** The figures of a line, the most important first; each with the text as printed. */
const figures = (
  counts: Counts,
  elapsedMillis: number,
  { colors, countWidth, isTotal }: Form
): ReadonlyArray<Figure> => {
  const plain = (text: string): Figure => ({ text, width: text.length })
  const failures = counts.failed === 0 ? "" : `${counts.failed} failed`
  const heldUp = counts.upstreamFailed === 0 ? "" : `${counts.upstreamFailed} upstream failed`
  return [
    plain(percent(counts)),
    plain(countOf(counts).padStart(countWidth)),
    { text: red(failures, colors), width: failures.length },
    { text: yellow(heldUp, colors), width: heldUp.length },
    plain(counts.skipped === 0 ? "" : `${counts.skipped} skipped`),
    plain(counts.cancelled === 0 ? "" : `${counts.cancelled} cancelled`),
    plain(isTotal ? duration(elapsedMillis) : ""),
    plain(isTotal ? rate(counts, elapsedMillis) : ""),
    plain(counts.running === 0 ? "" : `${counts.running} running`)
  ].filter(({ width }) => width > 0)
}

interface Form {
  readonly isTotal: boolean
  readonly countWidth: number
  readonly colors: boolean
}

interface Figure {
  readonly text: string
  readonly width: number
}

/** Blocks for done tasks, failed ones in red, tasks that they held up in yellow, and a light rest. */
const bar = (counts: Counts, width: number, colors: boolean): string => {
  const cells = (n: number): number => counts.total === 0 ? 0 : Math.floor(width * n / counts.total)
  const full = cells(done(counts))
  const part = (n: number, room: number): number => n === 0 ? 0 : Math.min(room, Math.max(1, cells(n)))
  const bad = part(counts.failed, full)
  const heldUp = part(counts.upstreamFailed, full - bad)
  return "█".repeat(full - bad - heldUp) + red("█".repeat(bad), colors) + yellow("█".repeat(heldUp), colors) +
    dim("░".repeat(width - full), colors)
}

const line = (name: string, counts: Counts, elapsedMillis: number, columns: Columns, isTotal: boolean): string => {
  const { barWidth, colors, countWidth, nameWidth, width } = columns
  let text = fitted(name, nameWidth)
  let left = width - nameWidth
  if (barWidth > 0) {
    text += ` ${bar(counts, barWidth, colors)}`
    left -= barWidth + 1
  }
  for (const figure of figures(counts, elapsedMillis, { isTotal, countWidth, colors })) {
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

interface Row extends Counts {
  readonly name: string
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

/** All lines of a bar. */
export const frame = (progress: Progress, screen: Screen): string => {
  const { elapsedMillis } = progress
  const named = progress.groups.map((group): Row => ({ ...group, name: printable(group.name) }))
  // A line for the total and the one that the cursor is on.
  const room = screen.rows - 2
  const all = screen.workers ? progress.workers : []
  const forWorkers = roomForWorkers(all.length, named.length, room)
  const groups = chosen(named, room - forWorkers)
  const workers = all.length <= forWorkers ? all : all.slice(0, Math.max(0, forWorkers - 1))
  const names = [...groups.map(({ name }) => name), totalName, ...workers.map(({ id }) => printable(id))]
  const columns = columnsFor(names, countOf(progress).length, screen)
  const more = (hidden: number, room: number, things: string): ReadonlyArray<string> =>
    hidden > 0 && room > 0 ? [fitted(`… and ${hidden} more ${things}`, columns.width).trimEnd()] : []
  const endedWidth = String(Math.max(0, ...workers.map(({ ended }) => ended))).length
  return [
    ...groups.map((group) => line(group.name, group, elapsedMillis, columns, false)),
    ...more(named.length - groups.length, room - forWorkers, "groups"),
    line(totalName, progress, elapsedMillis, columns, true),
    ...workers.map((load) => workerLine(load, elapsedMillis, endedWidth, columns)),
    ...more(all.length - workers.length, forWorkers, "workers")
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

/** One line for a log. */
export const summary = (progress: Progress, { colors, workers }: Style): string => {
  const { elapsedMillis, running, total } = progress
  const all = figures({ ...progress, running: 0 }, elapsedMillis, { isTotal: true, countWidth: 0, colors }).slice(2)
  return [
    `${done(progress)}/${total} tasks (${percent(progress).trim()})`,
    ...(running === 0 ? [] : [`${running} running`]),
    ...all.map(({ text }) => text),
    ...(workers ? busyWorkers(progress) : [])
  ].join(", ")
}
