import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Client from "skein/Client"
import * as Dependency from "skein/Dependency"
import type * as Future from "skein/Future"
import type { DependencyFailed, ImpossibleDependency, SkeinError, SubmitError, TaskSkipped } from "skein/SkeinError"
import * as Task from "skein/Task"
import * as TaskGraph from "skein/TaskGraph"
import * as Worker from "skein/Worker"
import { describe, expect, it } from "tstyche"

interface LoadError {
  readonly _tag: "LoadError"
}
interface BadRow {
  readonly _tag: "BadRow"
}
interface Db {
  readonly db: true
}

declare const raw: Task.Task<string, LoadError, Db>
declare const future: Future.Future<number, BadRow>
declare const plain: Task.Task<number>
declare const branch: Task.Task<boolean, TaskSkipped>
declare const on: Dependency.On
declare const rule: Dependency.Rule
declare const effect: Effect.Effect<number>

type Of<A, E = never> = Exit.Exit<A, E | SkeinError>

describe("the values of a Dependency", () => {
  it("D14: are the exits of its members, each with its own error, in their shape", () => {
    expect(Task.map({ all: Dependency.all([raw, future], { on: "completion" }) }, ({ all }) => all)).type.toBe<
      Task.Task<[Of<string, LoadError>, Of<number, BadRow>], never, Db>
    >()
    expect(Task.map(Dependency.rule("allDone", { raw, plain }), (exits) => exits)).type.toBe<
      Task.Task<{ raw: Of<string, LoadError>; plain: Of<number> }, never, Db>
    >()
    const many = [1, 2].map(() => raw)
    expect(Task.map(Dependency.all(many, { on: "completion" }), (exits) => exits)).type.toBe<
      Task.Task<Array<Of<string, LoadError>>, never, Db>
    >()
  })

  it("D14: may be absent where the task starts before all have ended", () => {
    expect(Task.map(Dependency.any([raw, plain]), (exits) => exits)).type.toBe<
      Task.Task<[Of<string, LoadError> | undefined, Of<number> | undefined], ImpossibleDependency, Db>
    >()
    expect(Task.map(Dependency.rule("oneFailed", [plain]), (exits) => exits)).type.toBe<
      Task.Task<[Of<number> | undefined], TaskSkipped>
    >()
  })

  it("stand beside plain inputs, at any depth, whose errors are those of dependencies", () => {
    expect(Task.make({ a: [future], deep: [{ quick: Dependency.any([raw]) }] }, ({ a, deep }) => {
      expect(a).type.toBe<[number]>()
      expect(deep).type.toBe<[{ quick: [Of<string, LoadError> | undefined] }]>()
      return effect
    })).type.toBe<Task.Task<number, DependencyFailed<BadRow> | ImpossibleDependency, Db>>()
  })
})

describe("what a Dependency can end a task with", () => {
  const errorOf = <D>(dependency: D) => Task.map(dependency, () => 1)
  it("D2, D3: ImpossibleDependency, unless ends as such are asked for", () => {
    expect(errorOf(Dependency.any([plain]))).type.toBe<Task.Task<number, ImpossibleDependency>>()
    expect(errorOf(Dependency.atLeast(1, [plain], { on: "failure" }))).type.toBe<
      Task.Task<number, ImpossibleDependency>
    >()
    expect(errorOf(Dependency.atLeast(1, [raw], { on: "completion", losers: "cancel" }))).type.toBe<
      Task.Task<number, never, Db>
    >()
    expect(errorOf(Dependency.all([plain], { on: "failure" }))).type.toBe<Task.Task<number, ImpossibleDependency>>()
  })

  it("what its members fail with, where all must succeed", () => {
    expect(errorOf(Dependency.all([raw, future]))).type.toBe<
      Task.Task<number, DependencyFailed<LoadError | BadRow>, Db>
    >()
    expect(errorOf(Dependency.all([branch]))).type.toBe<Task.Task<number, TaskSkipped>>()
  })

  it("all that it may be, where the policy is not known", () => {
    expect(errorOf(Dependency.all([raw], { on }))).type.toBe<
      Task.Task<number, ImpossibleDependency | DependencyFailed<LoadError>, Db>
    >()
    expect(errorOf(Dependency.rule(rule, [plain]))).type.toBe<Task.Task<number, ImpossibleDependency | TaskSkipped>>()
  })

  it("D12: what the rule can come to", () => {
    expect(errorOf(Dependency.rule("allSuccess", [plain]))).type.toBe<Task.Task<number, ImpossibleDependency>>()
    expect(errorOf(Dependency.rule("allSuccess", [branch]))).type.toBe<
      Task.Task<number, ImpossibleDependency | TaskSkipped>
    >()
    expect(errorOf(Dependency.rule("allFailed", [plain]))).type.toBe<Task.Task<number, TaskSkipped>>()
    expect(errorOf(Dependency.rule("noneFailed", [branch]))).type.toBe<Task.Task<number, ImpossibleDependency>>()
    expect(errorOf(Dependency.rule("noneFailedOneSuccess", [plain]))).type.toBe<
      Task.Task<number, ImpossibleDependency>
    >()
    expect(errorOf(Dependency.rule("noneFailedOneSuccess", [branch]))).type.toBe<
      Task.Task<number, ImpossibleDependency | TaskSkipped>
    >()
    expect(errorOf(Dependency.rule("noneSkipped", [plain]))).type.toBe<Task.Task<number>>()
    expect(errorOf(Dependency.rule("always", [branch]))).type.toBe<Task.Task<number>>()
  })

  it("below it is an ordinary failure", () => {
    const impossible = errorOf(Dependency.any([plain]))
    expect(errorOf(impossible)).type.toBe<Task.Task<number, DependencyFailed<ImpossibleDependency>>>()
  })
})

describe("after and follow", () => {
  it("take tasks, futures and policies, one or several", () => {
    expect(Task.make(effect, { after: Dependency.any([raw]) })).type.toBe<
      Task.Task<number, ImpossibleDependency, Db>
    >()
    expect(Task.make(effect, { after: [future, Dependency.rule("allDone", [raw])] })).type.toBe<
      Task.Task<number, DependencyFailed<BadRow>, Db>
    >()
    expect(Task.make(effect, { follow: raw })).type.toBe<Task.Task<number, ImpossibleDependency, Db>>()
    expect(Task.make(effect, { follow: [plain, Dependency.rule("oneFailed", [plain])] })).type.toBe<
      Task.Task<number, ImpossibleDependency | TaskSkipped>
    >()
    expect(Task.withOptions(plain, { follow: plain })).type.toBe<Task.Task<number, ImpossibleDependency>>()
    expect(TaskGraph.empty.pipe(TaskGraph.add("x", [], () => effect, { after: Dependency.any([plain]) })).tasks.x).type
      .toBe<
        Task.Task<number, ImpossibleDependency>
      >()
  })

  it("take nothing else", () => {
    expect(Task.make).type.not.toBeCallableWith(effect, { after: 1 as never, follow: "x" })
    expect(Dependency.any).type.not.toBeCallableWith([1])
    expect(Dependency.any).type.not.toBeCallableWith("abc")
    expect(Dependency.any).type.not.toBeCallableWith({ a: 1 })
    expect(Dependency.any).type.not.toBeCallableWith([plain], { on: "neither" })
    expect(Dependency.rule).type.not.toBeCallableWith("allFine", [plain])
  })
})

describe("skip", () => {
  it("G19: is in the type of a task whose body may skip it, and of those below, as it is", () => {
    const skipping = Task.make({ raw }, ({ raw }) => raw === "" ? Worker.skip : effect)
    expect(skipping).type.toBe<Task.Task<number, TaskSkipped | DependencyFailed<LoadError>, Db>>()
    expect(Task.map(skipping, (n) => n)).type.toBe<Task.Task<number, TaskSkipped | DependencyFailed<LoadError>, Db>>()
    expect(Task.exit(branch)).type.toBe<Task.Task<Exit.Exit<boolean, TaskSkipped | SkeinError>>>()
    expect(Client.compute(branch)).type.toBe<
      Effect.Effect<boolean, TaskSkipped | SubmitError | SkeinError, Client.Client>
    >()
  })
})
