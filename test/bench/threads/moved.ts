/** A body that gives its result away, apart from those of the peers. */
import * as Portable from "skein/Portable"
import { next } from "./work.ts"

export const nextMoved = (numbers: Float64Array): Float64Array => Portable.move(next(numbers))
