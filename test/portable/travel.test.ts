/** Portable tasks on a worker that is not here: what the codecs and the registry do together with the link. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Client from "skein/Client"
import * as Portable from "skein/Portable"
import * as Skein from "skein/Skein"
import type * as Errors from "skein/SkeinError"
import * as Task from "skein/Task"
import * as Worker from "skein/Worker"
import { implementationsIn } from "../../src/internal/portable/handlers.ts"
import { handlersElsewhere, itemOf } from "../../src/internal/portable/items.ts"
import { implementationsOf } from "../../src/internal/portable/modules.ts"
import { addRemote } from "../testing/addRemote.ts"
import { memoryTransport } from "../testing/memoryLink.ts"
import * as functions from "./work.ts"

class User extends Schema.Class<User>("User")({ name: Schema.String, born: Schema.Date, photo: Schema.Uint8Array }) {}

class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { id: Schema.Int, at: Schema.Date }) {}

const Age = Portable.make("Age", { payload: { by: Schema.Int, of: User }, success: User, error: NotFound })

const Where = Portable.make("Where", { success: Schema.String })

const Loose = Portable.make("Loose", { payload: Schema.Unknown, success: Schema.Unknown })

const live = Layer.mergeAll(
  Age.toLayer(function*({ by, of }) {
    if (by < 0) return yield* new NotFound({ id: by, at: of.born })
    return new User({ name: of.name, photo: of.photo, born: new Date(of.born.getTime() - by) })
  }),
  Where.toLayer(() => Effect.map(Worker.current, ({ id }) => id)),
  Loose.toLayer((value) => value === "a function" ? () => 1 : value)
)

const work = Portable.module<typeof functions>()(new URL("./work.ts", import.meta.url), {
  errors: [functions.BadRange]
})

const items = [Age, Where, Loose, work].map((each) => itemOf(each)!)

/** Runs a program beside one fiber worker and one worker that is not here, which serves all of the above. */
const far = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const served = yield* Layer.build(live)
    const transport = memoryTransport([...implementationsIn(served), ...implementationsOf(work.url.href, functions)])
    yield* addRemote(transport, { ahead: 8 })
    return yield* Effect.provideContext(program, handlersElsewhere(items, Context.empty()) as Context.Context<Handlers>)
  }).pipe(Effect.scoped, Effect.provide(Skein.layer())) as Effect.Effect<
    A,
    E,
    Exclude<R, Handlers | Client.Client | Scope.Scope>
  >

type Handlers = Portable.Handlers<typeof Age | typeof Where | typeof Loose>

const defectIn = (exit: Exit.Exit<unknown, unknown>): string => {
  assert.isTrue(Exit.isFailure(exit))
  return Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : ""
}

const ada = new User({ name: "Ada", born: new Date(10), photo: new Uint8Array([1, 2, 3]) })

describe("portable tasks on a worker that is not here", () => {
  it.effect("K9, W20: run there, and never on a fiber", () =>
    Effect.gen(function*() {
      const places = yield* Client.compute(Array.from({ length: 5 }, () => Where()))
      assert.deepStrictEqual(places, Array.from({ length: 5 }, () => "far"))
    }).pipe(far))

  it.effect("K9: instances arrive as instances of their classes, both ways, with bytes as bytes", () =>
    Effect.gen(function*() {
      const older = Age({ by: 3, of: Task.succeed(ada) })
      const found = yield* Client.compute(Age({ by: 4, of: older }))
      assert.instanceOf(found, User)
      assert.deepStrictEqual(found, new User({ name: "Ada", photo: ada.photo, born: new Date(3) }))
      assert.notStrictEqual(found.photo.buffer, ada.photo.buffer)
    }).pipe(far))

  it.effect("K9, F14: typed errors arrive as instances, and dependents fail with them", () =>
    Effect.gen(function*() {
      const lost = Age({ by: -1, of: ada })
      const error = yield* Effect.flip(Client.compute(lost))
      assert.instanceOf(error, NotFound)
      assert.deepStrictEqual(error.at, ada.born)
      const dependent = yield* Effect.flip(Client.compute(Age({ by: 1, of: lost })))
      assert.instanceOf((dependent as Errors.DependencyFailed<unknown>).error, NotFound)
      const range = yield* Effect.flip(Client.compute(work.tasks.range(4, 1)))
      assert.instanceOf(range, functions.BadRange)
      assert.deepStrictEqual(yield* Effect.flip(Client.compute(work.tasks.fails())), { code: 7 })
    }).pipe(far))

  it.effect("K9: functions of a module run there, values, promises, Effects and generators alike", () =>
    Effect.gen(function*() {
      const { add, attempt, range, sum } = work.tasks
      const total = sum([add(1, 2), attempt(), sum(range(1, 4))])
      assert.strictEqual(yield* Client.compute(total), 10)
      const { unlisted } = work.tasks as never as { readonly unlisted: () => Task.Task<never> }
      const exit = yield* Effect.exit(Client.compute(unlisted()))
      assert.include(defectIn(exit), "it is a Unlisted, a class that is not in the errors of its module")
    }).pipe(far))

  it.effect("F14: what a clone refuses fails its task alone, on the way there and on the way back", () =>
    Effect.gen(function*() {
      const tasks = [Loose(1), Loose({ f: () => 1 }), Loose("a function"), Loose({ deep: [new Map([["a", 2n]])] })]
      const exits = yield* Client.compute(tasks.map((task) => Task.exit(task)))
      assert.deepStrictEqual(exits.map(({ _tag }) => _tag), ["Success", "Failure", "Failure", "Success"])
      assert.match(defectIn(exits[1]!), /The payload of "Loose" does not travel/)
      assert.match(defectIn(exits[2]!), /The result of "Loose" does not travel/)
    }).pipe(far))

  it("K9: where a function of a module can run is one look at a context, which stays as it is", () => {
    const item = itemOf(work)!
    assert(item._tag === "Module")
    const named = item.module.named("add")
    for (
      const [context, place] of [[Context.empty(), "here"], [handlersElsewhere(items, Context.empty()), "elsewhere"]]
    ) {
      const looks: Array<string | symbol> = []
      const counted = new Proxy(context as Context.Context<never>, {
        get: (target, name) => {
          looks.push(name)
          return Reflect.get(target, name, target)
        }
      })
      assert.strictEqual(named.placeIn(counted), place as never)
      // A list of all services would cost more than the rest of a task.
      assert.notInclude(looks, "mapUnsafe")
    }
  })
})
