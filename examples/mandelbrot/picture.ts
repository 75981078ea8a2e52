/** Pictures of text: a shade for each point. */

const shades = " .:-=+*#%@"

/** Rows of points by the steps after which they have gone; those that never went are the darkest. */
export const picture = (gone: Uint32Array, columns: number, most: number): string => {
  const rows: Array<string> = []
  for (let start = 0; start < gone.length; start += columns) {
    rows.push(Array.from(gone.subarray(start, start + columns), (steps) => shadeOf(steps, most)).join("").trimEnd())
  }
  return rows.join("\n")
}

/** By the logarithm, because most points go soon. */
const shadeOf = (steps: number, most: number): string => {
  if (steps >= most) return shades.at(-1)!
  const part = Math.log2(steps + 1) / Math.log2(most + 1)
  return shades[Math.min(shades.length - 2, Math.floor(part * (shades.length - 1)))]!
}
