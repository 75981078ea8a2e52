/** The picture of a run: each task where and when it ran, with arrows from what it waited for. */
import * as echarts from "echarts"
import type * as Future from "skein/Future"

/** What the height of a task in the picture says. */
export type Height = "runtime" | "lane"

interface Ran {
  readonly key: string
  readonly worker: string
  readonly dependencies: ReadonlyArray<string>
  /** Milliseconds since the first task started. */
  readonly start: number
  readonly end: number
}

/** The tasks that ran, by start. */
const ranOf = (tasks: ReadonlyArray<Future.Metadata>): ReadonlyArray<Ran> => {
  const ran = tasks.flatMap(({ completed, dependencies, key, started, worker }) =>
    completed === undefined || started === undefined || worker === undefined
      ? []
      : [{ key, worker, dependencies, start: started, end: completed }]
  )
  const first = Math.min(...ran.map(({ start }) => start))
  return ran
    .map((task) => ({ ...task, start: task.start - first, end: task.end - first }))
    .sort((a, b) => a.start - b.start)
}

/** A lane for each task, so that those in one lane follow one another: as many lanes as ran at once. */
export const lanesOf = (ran: ReadonlyArray<Pick<Ran, "start" | "end">>): ReadonlyArray<number> => {
  const freeAt: Array<number> = []
  return ran.map(({ end, start }) => {
    const free = freeAt.findIndex((at) => at <= start)
    const lane = free < 0 ? freeAt.length : free
    freeAt[lane] = end
    return lane + 1
  })
}

/** Told apart by people who see colours otherwise, too: those of Okabe and Ito. */
const colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]

const heightNames: Record<Height, string> = { runtime: "ran for (ms)", lane: "lane" }

/** An SVG: x is the start of a task, y its run time or lane, the colour its worker. Arrows point to dependents. */
export const toSvg = (tasks: ReadonlyArray<Future.Metadata>, height: Height): string => {
  const ran = ranOf(tasks)
  const lanes = lanesOf(ran)
  const place = new Map(ran.map(({ key }, index) => [key, index]))
  const workers = [...new Set(ran.map(({ worker }) => worker))].sort()
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 1000, height: 600 })
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: colors,
    legend: { data: workers, top: 8 },
    xAxis: { name: "started at (ms)", nameLocation: "middle", nameGap: 30, min: 0 },
    yAxis: { name: heightNames[height], min: 0, minInterval: height === "lane" ? 1 : 0 },
    series: [{
      type: "graph",
      coordinateSystem: "cartesian2d",
      categories: workers.map((name) => ({ name })),
      data: ran.map(({ end, key, start, worker }, index) => ({
        name: key,
        value: [start, height === "lane" ? lanes[index]! : end - start],
        category: workers.indexOf(worker)
      })),
      links: ran.flatMap(({ dependencies }, target) =>
        dependencies.flatMap((before) => {
          const source = place.get(before)
          return source === undefined ? [] : [{ source, target }]
        })
      ),
      symbolSize: 16,
      label: { show: true, position: "top", fontSize: 10, color: "#333333" },
      edgeSymbol: ["none", "arrow"],
      edgeSymbolSize: 6,
      lineStyle: { color: "#888888", opacity: 0.5 }
    }]
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
