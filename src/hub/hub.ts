import { TapedeckError } from '#base/error.ts'
import { Signal } from '#base/events.ts'
import { LogLimit } from '#base/log-limit.ts'
import type { Runtime } from '#base/runtime.ts'
import { AccessUnitPool } from '#media/access-unit-pool.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import { type Publisher, Stream, type StreamEnd } from './stream.ts'
import { normalizeStreamPath } from './stream-path.ts'

export class StreamPathInUseError extends TapedeckError {
  readonly code = 'stream/path-in-use'
  readonly origin = 'publisher'
  readonly path: string
  constructor(path: string) {
    super(`${path} is being published already: stop the other publisher or choose another stream name`)
    this.path = path
  }
}

export class TooManyPublishersError extends TapedeckError {
  readonly code = 'stream/too-many-publishers'
  readonly origin = 'operator'
  readonly limit: number
  constructor(limit: number) {
    super(`${limit} publishers are connected, which is the limit: raise limits.publishers`)
    this.limit = limit
  }
}

export interface HubOptions {
  readonly maxPublishers: number
  /** Bound of each stream's memory since the last random access point. */
  readonly gopMemoryBytes: number
}

/** What a publisher holds: its stream, and the one way to end it. */
export interface Publication {
  readonly stream: Stream
  /** Idempotent. */
  end(end: StreamEnd): void
}

/** All streams of this node by path. One publisher a path. */
export class Hub {
  readonly streamStarted: Signal<Stream>
  readonly streamEnded: Signal<Stream>
  readonly payloads = new PayloadMemory()
  readonly #accessUnits = new AccessUnitPool()
  readonly #runtime: Runtime
  readonly #options: HubOptions
  readonly #streams = new Map<string, Stream>()

  constructor(runtime: Runtime, options: HubOptions) {
    this.#runtime = runtime
    this.#options = options
    const onListenerError = (error: unknown) => runtime.log.error({ event: 'hub.listener-failed', err: error })
    this.streamStarted = new Signal(onListenerError)
    this.streamEnded = new Signal(onListenerError)
  }

  /**
   * @throws {StreamPathError} the path can't name a stream
   * @throws {StreamPathInUseError} it has a publisher; that one is undisturbed
   * @throws {TooManyPublishersError}
   */
  publish(path: string, publisher: Publisher): Publication {
    const normalized = normalizeStreamPath(path)
    if (this.#streams.has(normalized)) throw new StreamPathInUseError(normalized)
    if (this.#streams.size >= this.#options.maxPublishers) throw new TooManyPublishersError(this.#options.maxPublishers)
    const { log, newId, nowMs, monotonicMs } = this.#runtime
    const sinkFailed = new LogLimit<unknown>(monotonicMs, (err, occurrences) =>
      log.error({ event: 'hub.sink-failed', stream: normalized, occurrences, err }),
    )
    const stream = new Stream({
      id: newId(),
      path: normalized,
      publisher,
      nowMs: nowMs(),
      payloads: this.payloads,
      accessUnits: this.#accessUnits,
      gopMemoryBytes: this.#options.gopMemoryBytes,
      monotonicMs,
      onSinkError: (error) => sinkFailed.occurred(error),
    })
    this.#streams.set(normalized, stream)
    this.streamStarted.emit(stream)
    return {
      stream,
      end: (end) => {
        if (stream.end !== undefined) return
        if (this.#streams.get(normalized) === stream) this.#streams.delete(normalized)
        stream.finish(end)
        this.streamEnded.emit(stream)
      },
    }
  }

  get(path: string): Stream | undefined {
    return this.#streams.get(path)
  }

  streams(): IterableIterator<Stream> {
    return this.#streams.values()
  }

  get size(): number {
    return this.#streams.size
  }
}
