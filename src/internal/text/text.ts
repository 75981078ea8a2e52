/**
 * Text from outside, such as keys and labels, in lines for people: characters that could move a cursor, turn the reading
 * direction, forge a line or fill a screen are escaped.
 *
 * @internal
 */

/**
 * Controls of terminals (C0, DEL, C1), of lines and of direction, invisible characters, and halves of characters. Joiners stay,
 * which emoji and some scripts are written with.
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200C\u200D])\p{Cf}/gu

const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

const escaped = (character: string): string =>
  escapes[character] ?? `\\u{${character.codePointAt(0)!.toString(16).padStart(4, "0")}}`

/** The most characters that are shown of a key, a label or a message. */
const longest = 200

/** A long text without its end. */
export const cut = (text: string, length = longest): string => {
  if (text.length <= length) return text
  const end = /[\uD800-\uDBFF]/.test(text[length - 1]!) ? length - 1 : length
  return `${text.slice(0, end)} …`
}

/** Whether a part of a text in one line is left out. */
export const isCut = (line: string): boolean => line.endsWith(" …")

/** A text in one line, cut if it is long. */
export const inLine = (text: string, length?: number): string => cut(text, length).replaceAll(unprintable, escaped)

/** A text of several lines, with escaped control characters. */
export const inLines = (text: string): string =>
  text.replaceAll(unprintable, (character) => character === "\n" || character === "\t" ? character : escaped(character))

/** A key, or another name, in quotes. */
export const quote = (name: string): string => `"${inLine(cut(name).replaceAll(/["\\]/g, "\\$&"), Infinity)}"`

/** The words for streams of one name. Streams that were given no name have the name "stream". */
export const streamText = (name: string): string => name === "stream" ? name : `stream ${name}`

const shownItems = 8

/** The first of a list. */
export const cutList = <A>(items: ReadonlyArray<A>, show: (item: A) => string, word = ", "): string => {
  const rest = items.length - shownItems
  const shown = items.slice(0, shownItems).map(show).join(word)
  return rest > 0 ? `${shown}, and ${rest} more` : shown
}
