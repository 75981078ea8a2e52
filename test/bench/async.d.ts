/** The part of `async` that is timed; the package has no types of its own. */
declare module "async" {
  type Callback = (error: Error | null, value?: number) => void
  type Results = Record<string, number>
  type Task = (callback: Callback) => void
  type Dependent = [...names: Array<string>, run: (results: Results, callback: Callback) => void]
  export const auto: (tasks: Record<string, Task | Dependent>, concurrency: number) => Promise<Results>
}
