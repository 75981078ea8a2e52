/**
 * Deterministic tests: gates that hold bodies and messages, worlds in which a seed chooses the order of things and what fails,
 * an interpreter that says what a graph means, sweeps that interrupt an effect at every point, and logs of events that are played
 * again.
 *
 * @since 0.1.0
 */
export { Chance } from "./chance.ts"
export { assertEmpty, NotEmpty } from "./empty.ts"
export * as EventLog from "./EventLog.ts"
export { InjectedFault, noFaults, usualFaults } from "./faults.ts"
export type { Fault, FaultKind, Faults } from "./faults.ts"
export * as Gate from "./Gate.ts"
export { interpret } from "./interpret.ts"
export { loseWorker, silenceWorker } from "./loseWorker.ts"
export type { Problem } from "./rails.ts"
export { Stalled, withSeed } from "./seeded.ts"
export type { SeedOptions } from "./seeded.ts"
export { Counterexample, replay, simulate } from "./simulate.ts"
export type { Report, Subject } from "./simulate.ts"
export type { Case, Options, Run } from "./simulation.ts"
export { interruptSweep, SweepFailed } from "./sweep.ts"
export type { SweepOptions, SweepReport } from "./sweep.ts"
