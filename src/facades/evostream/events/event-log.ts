import type { Runtime } from '#base/runtime.ts'
import type { ValueMap } from '../stream-value.ts'
import type { EventType } from './event.ts'
import type { EventSink } from './sink-queue.ts'

/** Numbers events and hands them to every sink. */
export class EventLog implements AsyncDisposable {
  readonly #runtime: Runtime
  readonly #sinks: readonly EventSink[]
  readonly #customData: string
  #nextId = 1

  constructor(runtime: Runtime, sinks: readonly EventSink[], customData: string) {
    this.#runtime = runtime
    this.#sinks = sinks
    this.#customData = customData
  }

  /** False: what nobody hears need not be made. */
  get isHeard(): boolean {
    return this.#sinks.length > 0
  }

  emit(type: EventType, payload: ValueMap): void {
    if (!this.isHeard) return
    const custom = this.#customData === '' ? {} : { customData: this.#customData }
    const event = {
      id: this.#nextId++,
      type,
      timestamp: Math.floor(this.#runtime.nowMs() / 1000),
      processId: process.pid,
      payload: { ...payload, PID: process.pid, ...custom },
    }
    for (const sink of this.#sinks) sink.push(event)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink[Symbol.asyncDispose]()))
  }
}
