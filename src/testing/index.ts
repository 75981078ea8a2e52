/**
 * Deterministic tests: gates that hold bodies and messages, worlds in which a seed chooses the order of things, simulations in
 * which it also chooses what fails, an interpreter that says what a graph means, sweeps that interrupt an effect at every point,
 * and logs of events that are played again.
 *
 * @stability unstable
 * @since 0.1.0
 */
export * as Chance from "./Chance.ts"
export * as EventLog from "./EventLog.ts"
export * as Faults from "./Faults.ts"
export * as Gate from "./Gate.ts"
export * as Interpreter from "./Interpreter.ts"
export * as InterruptSweep from "./InterruptSweep.ts"
export * as Leftovers from "./Leftovers.ts"
export * as Simulation from "./Simulation.ts"
export * as World from "./World.ts"
