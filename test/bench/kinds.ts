/** Functions beside named tasks: what either kind costs the other, as processor time of the main thread. */
import { interleaved } from "./large.ts"
import type { Contestant } from "./large.ts"
import { threadMicros } from "./processor.ts"
import type { Measured } from "./threads.ts"
import * as skein from "./threads/skein.ts"
import { Tiny } from "./threads/tasks.ts"

const many = 10_000

/** Computes tasks that add one to their numbers. */
const computes = (name: string, runner: skein.Runner, task: (i: number) => any): Contestant => ({
  name,
  run: async () => {
    const last = (await runner.compute(Array.from({ length: many }, (_, i) => task(i)))).at(-1)
    if (last !== many) throw new Error(`${name}: ${String(last)}, not ${many}`)
  }
})

export const measureKinds = async (isQuick: boolean): Promise<Measured> => {
  const here = skein.openHere()
  const threaded = await skein.open(2)
  const half = (named: (i: number) => any) => (i: number): any => i % 2 === 0 ? named(i) : skein.tinyFiber(i)
  const figures = await interleaved(
    [
      computes("fiber tasks", here, (i) => skein.tinyFiber(i)),
      computes("fiber tasks of an Effect", here, (i) => skein.tinyEffect(i)),
      computes("fiber tasks, threads beside", threaded, (i) => skein.tinyFiber(i)),
      computes("every other one named", here, half((i) => skein.work.tiny(i))),
      computes("every other one named, schemas", here, half((i) => Tiny(i))),
      computes("all named", here, (i) => skein.work.tiny(i))
    ],
    isQuick ? 3 : 15,
    threadMicros
  )
  await Promise.all([here.close(), threaded.close()])
  return {
    title: `${many.toLocaleString("en")} tasks on fibers, named or not`,
    note: "Processor time of the main thread. Nothing travels.",
    figures: figures.map(([name, micros]) => [name, micros / many])
  }
}
