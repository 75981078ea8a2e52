/** The work of the threads: how long points of the complex plane stay near. */

/** A part of the plane, and the grid of points in it. */
export interface View {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly columns: number
  readonly rows: number
  /** After so many steps a point counts as one of the set. */
  readonly steps: number
}

/** The steps after which each point of these rows has gone, row by row. */
export const band = (view: View, from: number, to: number): Uint32Array => {
  const { columns, height, left, rows, steps, top, width } = view
  const gone = new Uint32Array((to - from) * columns)
  for (let row = from; row < to; row++) {
    for (let column = 0; column < columns; column++) {
      const re = left + width * column / (columns - 1)
      const im = top - height * row / (rows - 1)
      gone[(row - from) * columns + column] = stepsOf(re, im, steps)
    }
  }
  return gone
}

const stepsOf = (re: number, im: number, most: number): number => {
  let x = 0
  let y = 0
  for (let step = 0; step < most; step++) {
    const xx = x * x
    const yy = y * y
    if (xx + yy > 4) return step
    y = 2 * x * y + im
    x = xx - yy + re
  }
  return most
}
