/**
 * Streams of results over a source that is read as the results are used: the types of the verb, and its call.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { SkeinError, SubmitError } from "../../SkeinError.ts"
import type { Home } from "../bodies/home.ts"
import { callback, invalidOption, optionsFault, valueFault } from "../tasks/checks.ts"
import type { Mode } from "../tasks/checks.ts"
import type { Task } from "../tasks/handles.ts"
import type { Ran, RanError, RanServices, RanSuccess } from "../tasks/ran.ts"
import type { Result as Returned } from "../tasks/refusals.ts"
import type { Needs, Services, Values, WithoutSignals } from "../tasks/shapes.ts"
import type { NoOptions, OptionServices, OptionsFor } from "../tasks/taskOptions.ts"
import type { FailureOf } from "./computing.ts"
import { Flow } from "./flow.ts"
import type { EachError, Run } from "./mapping.ts"
import { isSource, pullOf, Reader } from "./sources.ts"
import type { Source, SourceError, SourceItem, SourceServices } from "./sources.ts"
import { ofStream } from "./streamOptions.ts"
import type { StreamEachOptions, StreamOptions } from "./streamOptions.ts"

/** What a stream gives for an item. */
export type Delivered<A, B, E, M extends Mode, P> = P extends true
  ? M extends "collect" ? { readonly input: A; readonly index: number; readonly exit: Exit.Exit<B, E | SkeinError> }
  : { readonly input: A; readonly index: number; readonly value: B }
  : M extends "collect" ? Exit.Exit<B, E | SkeinError>
  : B

/** The verb with its source first. `R` is what the verb itself needs. */
export interface StreamOf<R> {
  <
    S extends Source,
    X extends Ran,
    const M extends Mode = "failFast",
    const O extends OptionsFor<O, RanError<X>> = NoOptions<RanError<X>>,
    const P extends boolean = false
  >(
    source: S,
    f: ((item: Values<SourceItem<S>>, index: number) => X) & Returned<RanSuccess<X>>,
    options?: StreamEachOptions<SourceItem<S>, M, P, O>
  ): Stream.Stream<
    Delivered<SourceItem<S>, RanSuccess<X>, EachError<SourceItem<S>, X, O>, M, P>,
    FailureOf<EachError<SourceItem<S>, X, O>, M> | SubmitError | SourceError<S>,
    Needs<RanServices<X>> | Services<SourceItem<S>> | OptionServices<O> | SourceServices<S> | R
  >
  <
    // With unknown parts, so that nothing becomes any where the verb itself is handed on.
    S extends Source<Task<unknown, unknown, unknown>, unknown, unknown>,
    const M extends Mode = "failFast",
    const P extends boolean = false
  >(
    tasks: S,
    options?: StreamOptions<M, P>
  ): Stream.Stream<
    Delivered<SourceItem<S>, ValueOf<SourceItem<S>>, WithoutSignals<ErrorOf<SourceItem<S>>>, M, P>,
    FailureOf<ErrorOf<SourceItem<S>>, M> | SubmitError | SourceError<S>,
    Needs<ServicesOf<SourceItem<S>>> | SourceServices<S> | R
  >
}

type ValueOf<T> = T extends Task<infer A, any, any> ? A : never

type ErrorOf<T> = T extends Task<any, infer E, any> ? E : never

type ServicesOf<T> = T extends Task<any, any, infer R> ? R : never

/** The verb for a source that comes through a pipe. An `AsyncIterable` has errors of its own: it comes first. */
export interface StreamInPipe<R> {
  <
    A,
    X extends Ran,
    const M extends Mode = "failFast",
    const O extends OptionsFor<O, RanError<X>> = NoOptions<RanError<X>>,
    const P extends boolean = false
  >(
    f: ((item: Values<A>, index: number) => X) & Returned<RanSuccess<X>>,
    options?: StreamEachOptions<A, M, P, O>
  ): <ES = never, RS = never>(source: Iterable<A> | Stream.Stream<A, ES, RS>) => Stream.Stream<
    Delivered<A, RanSuccess<X>, EachError<A, X, O>, M, P>,
    FailureOf<EachError<A, X, O>, M> | SubmitError | ES,
    Needs<RanServices<X>> | Services<A> | OptionServices<O> | RS | R
  >
  <
    A,
    X extends Ran,
    const M extends Mode = "failFast",
    const O extends OptionsFor<O, RanError<X>> = NoOptions<RanError<X>>,
    const P extends boolean = false
  >(
    f: ((item: A, index: number) => X) & Returned<RanSuccess<X>>,
    options?: StreamEachOptions<A, M, P, O>
  ): <ES = never, RS = never>(source: Iterable<A> | Stream.Stream<A, ES, RS>) => Stream.Stream<
    Delivered<A, RanSuccess<X>, EachError<A, X, O>, M, P>,
    FailureOf<EachError<A, X, O>, M> | SubmitError | ES,
    Needs<RanServices<X>> | Services<A> | OptionServices<O> | RS | R
  >
  <const M extends Mode = "failFast", const P extends boolean = false>(
    options: StreamOptions<M, P>
  ): <T extends Task<any, any, any>, ES = never, RS = never>(
    tasks: Iterable<T> | Stream.Stream<T, ES, RS>
  ) => Stream.Stream<
    Delivered<T, ValueOf<T>, WithoutSignals<ErrorOf<T>>, M, P>,
    FailureOf<ErrorOf<T>, M> | SubmitError | ES,
    Needs<ServicesOf<T>> | RS | R
  >
}

/** What `Client.stream` gives. */
export const streamItems = (
  home: Home,
  source: Source,
  f: Run | undefined,
  options: StreamEachOptions<any> = {}
): Stream.Stream<unknown, unknown> => {
  const fault = optionsFault(options, ofStream) ??
    (f === undefined ? undefined : valueFault(callback, "function of Client.stream", f)) ??
    (isSource(source)
      ? undefined
      : invalidOption("source of Client.stream", source, "an array, a Stream, or something else to iterate over"))
  if (fault !== undefined) return Stream.die(fault)
  return Stream.unwrap(Effect.map(open(home, source, f, options), (flow) => Stream.fromPull(Effect.succeed(flow.pull))))
}

/** Begins one run of a stream. At its close the source is read no more, then tasks stop, and then the source is closed. */
const open = (
  home: Home,
  source: Source,
  f: Run | undefined,
  options: StreamEachOptions<any>
): Effect.Effect<Flow, never, Scope.Scope> =>
  Effect.gen(function*() {
    const isNow = Predicate.isIterable(source)
    const reader = isNow ? new Reader(source) : undefined
    if (reader !== undefined) yield* Effect.addFinalizer(() => reader.close)
    const pull = isNow ? undefined : yield* pullOf(source as AsyncIterable<unknown>)
    const flow = yield* Effect.acquireRelease(
      Effect.sync(() => new Flow(home, reader, f, options)),
      (flow) => flow.close
    )
    if (pull !== undefined) yield* Effect.forkScoped(flow.feed(pull))
    return flow
  })
