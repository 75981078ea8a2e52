/**
 * A port around another port: each message goes to the inner port. Subclasses override what differs.
 *
 * @internal
 */
import type { TaskId, WorkerId } from "../../engine/protocol/ids.ts"
import type { Begin, Finalize, Overdue, Stop, TakeBack } from "../../engine/protocol/Instruction.ts"
import type { WorkerKind } from "../../engine/protocol/Plan.ts"
import type { Host } from "../../internal/bodies/attempt.ts"
import type { WorkerPort } from "../../internal/workers/port.ts"

export abstract class PortAround implements WorkerPort {
  protected abstract readonly inner: WorkerPort

  get serial(): WorkerId {
    return this.inner.serial
  }

  set serial(serial: WorkerId) {
    this.inner.serial = serial
  }

  get name(): string {
    return this.inner.name
  }

  get labels(): ReadonlyArray<string> {
    return this.inner.labels
  }

  get kind(): WorkerKind {
    return this.inner.kind
  }

  get host(): Host {
    return this.inner.host
  }

  get isLost(): boolean {
    return this.inner.isLost
  }

  get keepsResults(): boolean {
    return this.inner.keepsResults
  }

  get handsOver(): boolean {
    return this.inner.handsOver
  }

  get ahead(): number {
    return this.inner.ahead
  }

  get begun(): ReadonlyArray<number> | undefined {
    return this.inner.begun
  }

  get parts(): ReadonlyArray<object> {
    return [this.inner, ...this.inner.parts ?? []]
  }

  get held(): number {
    return this.inner.held
  }

  get open(): WorkerPort["open"] {
    return this.inner.open
  }

  start(...message: Parameters<WorkerPort["start"]>): void {
    this.inner.start(...message)
  }

  begin(order: Begin): void {
    this.inner.begin(order)
  }

  takeBack(order: TakeBack): void {
    this.inner.takeBack(order)
  }

  stop(order: Stop): void {
    this.inner.stop(order)
  }

  finalize(order: Finalize): void {
    this.inner.finalize(order)
  }

  inquire(order: Overdue): void {
    this.inner.inquire(order)
  }

  hold(task: TaskId, value: unknown): void {
    this.inner.hold(task, value)
  }

  adopt(task: TaskId, from: TaskId): void {
    this.inner.adopt(task, from)
  }

  copy(copy: number, task: TaskId, value: unknown): void {
    this.inner.copy(copy, task, value)
  }

  drop(task: TaskId): void {
    this.inner.drop(task)
  }

  peek(task: TaskId): unknown {
    return this.inner.peek(task)
  }

  fetch(request: number, result: number): void {
    this.inner.fetch(request, result)
  }

  lose(): void {
    this.inner.lose()
  }

  interrupt(): void {
    this.inner.interrupt()
  }

  abort(): void {
    this.inner.abort()
  }

  get rest(): WorkerPort["rest"] {
    return this.inner.rest
  }
}
