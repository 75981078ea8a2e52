/**
 * Stories as text that a person can type: a block is a command, a line `----`, and what the engine answers. Answers are written by
 * `vitest -u`; {@link replay} gives the text with the answers of now, to compare. test/engine/README.md lists the commands.
 */
import type { WaitMode } from "../../src/engine/protocol/Event.ts"
import type { Dependency } from "./plans.ts"
import type { Graph } from "./rig.ts"
import { assertNothingIsLeft, Rig } from "./rig.ts"

/** A line of a story, split in words: `key=value` are options, `force` is a flag. */
interface Command {
  readonly words: ReadonlyArray<string>
  readonly options: ReadonlyMap<string, string>
}

const flags: ReadonlySet<string> = new Set(["force", "remote"])
const options: ReadonlySet<string> = new Set(["inside", "wait", "wants", "mode", "portable", "ahead"])

/** A fault of a story, with its line. */
export class StoryError extends Error {
  constructor(file: string, line: number, problem: string) {
    super(`${file}:${line}: ${problem}`)
  }
}

/** The text of a story with the answers of the engine as it is. After the last command nothing may be left. */
export const replay = (file: string, text: string): string => {
  const lines = text.split("\n")
  const written: Array<string> = []
  const story = new Story()
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.trim()
    if (line === "" || line.startsWith("#")) {
      written.push(line)
      continue
    }
    if (line === "----") throw new StoryError(file, i + 1, "an answer without a command")
    const answers = tell(file, () => story.run(parse(line)), i + 1)
    written.push(line, "----", ...answers)
    // The answers that were there, up to an empty line.
    if (lines[i + 1]?.trim() !== "----") continue
    for (i++; i + 1 < lines.length && lines[i + 1]!.trim() !== "";) i++
  }
  tell(file, () => assertNothingIsLeft(story.rig), lines.length)
  return `${written.join("\n").trimEnd()}\n`
}

const tell = <A>(file: string, run: () => A, line: number): A => {
  try {
    return run()
  } catch (error) {
    throw new StoryError(file, line, error instanceof Error ? error.message : String(error))
  }
}

const parse = (text: string): Command => {
  const words: Array<string> = []
  const found = new Map<string, string>()
  for (const word of text.split(/\s+/)) {
    const at = word.indexOf("=")
    const name = at < 0 ? word : word.slice(0, at)
    if (at < 0 && !flags.has(word)) {
      words.push(word)
      continue
    }
    if (!flags.has(name) && !options.has(name)) throw new Error(`no option ${JSON.stringify(name)}`)
    found.set(name, word.slice(at + 1))
  }
  return { words, options: found }
}

class Story {
  readonly rig = new Rig({})
  private readonly owners = new Map<string, number>()
  private readonly tasks = new Set<string>()

  run({ options, words: [name = "", ...args] }: Command): ReadonlyArray<string> {
    const { rig } = this
    const need = (count: number, usage: string): void => {
      if (args.length < count) throw new Error(`${name} needs ${usage}`)
    }
    const inside = options.get("inside")
    if (inside !== undefined) this.task(inside)
    switch (name) {
      case "worker":
        need(2, "a name and a number of slots")
        rig.send({
          _tag: "WorkerAdded",
          name: args[0]!,
          slots: number(args[1]!),
          kind: options.has("remote") ? "remote" : undefined,
          ahead: options.has("ahead") ? number(options.get("ahead")!) : undefined
        })
        return rig.told
      case "open":
        need(1, "a name")
        this.owners.set(args[0]!, rig.open(args[0]))
        return rig.told
      case "submit": {
        need(2, "an owner and tasks")
        const wait = options.get("wait")
        const targets = options.get("wants")?.split(",").map((each) => this.dependency(each, args.slice(1)))
        const graph = this.graph(args.slice(1))
        const portable = options.get("portable")?.split(",")
        rig.submit(this.owner(args[0]!), graph, {
          ...(targets && { targets }),
          ...(portable && { portable }),
          ...(inside !== undefined && { inside }),
          ...(wait !== undefined && { wait: number(wait) })
        })
        for (const each of Object.keys(graph)) this.tasks.add(each)
        return rig.told
      }
      case "claim":
        need(2, "an owner and a task")
        rig.submit(this.owner(args[0]!), {}, { targets: [rig.ref(this.task(args[1]!))] })
        return rig.told
      case "succeed":
        need(1, "a task")
        rig.end(this.task(args[0]!))
        return rig.told
      case "fail":
        need(2, "a task and a number of its failure")
        rig.fail(this.task(args[0]!), number(args[1]!))
        return rig.told
      case "interrupt":
        need(1, "a task")
        rig.end(this.task(args[0]!), { _tag: "Interrupted" })
        return rig.told
      case "settle":
        need(1, "a task")
        rig.settle(this.task(args[0]!))
        return rig.told
      case "wait": {
        need(3, "its number, an owner and tasks")
        const claims = args.slice(2).map((each) => rig.claim(this.owner(args[1]!), this.task(each)))
        rig.wait(number(args[0]!), claims, inside, options.get("mode") as WaitMode | undefined)
        return rig.told
      }
      case "cancel":
        need(2, "an owner and a task")
        rig.cancel(this.owner(args[0]!), this.task(args[1]!), this.wait(options), {
          force: options.has("force"),
          ...(inside !== undefined && { inside })
        })
        return rig.told
      case "release":
        need(2, "an owner and a task")
        rig.release(this.owner(args[0]!), this.task(args[1]!))
        return rig.told
      case "close":
        need(1, "an owner")
        rig.close(this.owner(args[0]!), this.wait(options), inside)
        return rig.told
      case "lose":
        need(1, "a worker")
        rig.lose(args[0]!)
        return rig.told
      case "at":
        need(1, "a time")
        rig.at(number(args[0]!))
        return rig.told
      case "phase":
        need(1, "a task")
        return [rig.phase(this.task(args[0]!))]
      case "outcome":
        need(1, "a task")
        return [rig.outcome(this.task(args[0]!))?.join(" ") ?? "none"]
      default:
        throw new Error(`no command ${JSON.stringify(name)}`)
    }
  }

  private wait(options: ReadonlyMap<string, string>): number {
    const wait = options.get("wait")
    if (wait === undefined) throw new Error("it needs wait=number")
    return number(wait)
  }

  private owner(name: string): number {
    const owner = this.owners.get(name)
    if (owner === undefined) throw new Error(`no owner ${JSON.stringify(name)}`)
    return owner
  }

  private task(name: string): string {
    if (!this.tasks.has(name)) throw new Error(`no task ${JSON.stringify(name)}`)
    return name
  }

  /** Tasks as `c:a,b`, each with its dependencies: of the same submission, or of an earlier one. */
  private graph(words: ReadonlyArray<string>): Graph {
    return Object.fromEntries(words.map((word) => {
      const [name = "", needs] = word.split(":")
      return [name, needs === undefined ? [] : needs.split(",").map((each) => this.dependency(each, words))]
    }))
  }

  private dependency(name: string, words: ReadonlyArray<string>): Dependency {
    return words.some((word) => word.split(":")[0] === name) ? name : this.rig.ref(this.task(name))
  }
}

const number = (text: string): number => {
  const value = Number(text)
  if (text === "" || Number.isNaN(value)) throw new Error(`${JSON.stringify(text)} is no number`)
  return value
}
