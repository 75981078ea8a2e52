/** The problem that the three idioms solve: which words does a text use, and how often? */

/** How often each word occurs. */
export type Counts = ReadonlyMap<string, number>

const longest = 4000

/** Cuts a text into two at a blank near its middle, unless it is short enough to be counted in one go. */
export const halves = (text: string): readonly [left: string, right: string] | undefined => {
  if (text.length <= longest) return undefined
  const blank = text.slice(text.length / 2).search(/\s/)
  const middle = blank < 0 ? text.length : Math.floor(text.length / 2) + blank
  return middle === text.length ? undefined : [text.slice(0, middle), text.slice(middle)]
}

/** Counts the words of a text in one go. */
export const count = (text: string): Counts => {
  const counts = new Map<string, number>()
  for (const [word] of text.toLowerCase().matchAll(/\p{L}+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

/** The counts of two texts as those of one. */
export const add = (a: Counts, b: Counts): Counts => {
  const counts = new Map(a)
  for (const [word, n] of b) counts.set(word, (counts.get(word) ?? 0) + n)
  return counts
}

/** The most frequent words of at least `letters` letters; of equally frequent ones the first in the alphabet. */
export const mostFrequent = (counts: Counts, { letters, words }: { letters: number; words: number }): string =>
  Array.from(counts)
    .filter(([word]) => word.length >= letters)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, words)
    .map(([word, n]) => `${word} ${n}`)
    .join(", ")
