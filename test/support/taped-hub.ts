import { once } from 'node:events'
import { newUlid } from '#base/id.ts'
import { type Logger, type Runtime, SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import type { Stream, StreamEnd } from '#hub/stream.ts'
import type { TrackFormat } from '#media/track.ts'

/** One access unit as the hub was given it. */
export interface TapedUnit {
  readonly format: TrackFormat
  readonly dts: number
  readonly pts: number
  readonly isRandomAccess: boolean
  readonly payload: Uint8Array
}

/** Everything one stream carried, and how it ended. */
export interface Tape {
  readonly stream: Stream
  readonly formats: TrackFormat[]
  readonly units: TapedUnit[]
  readonly ended: Promise<StreamEnd>
}

/** What was logged, by event. */
export type LoggedEvent = Record<string, unknown> & { readonly event: string }

/** A hub that tapes every stream in memory, on a clock that can be moved, with a log that is kept. */
export interface TapedHub {
  readonly hub: Hub
  readonly runtime: Runtime
  readonly events: LoggedEvent[]
  /** Streams in the order they were published. */
  readonly tapes: Tape[]
  /** Lets the server's clock for timeouts jump ahead; it looks at them once a second. */
  advance(ms: number): void
  /** The n-th stream that is published, from 0. */
  tape(index: number): Promise<Tape>
  /** Waits until it is logged. */
  event(name: string): Promise<LoggedEvent>
}

export function tapedHub(): TapedHub {
  const events: LoggedEvent[] = []
  const tapes: Tape[] = []
  const happened = new EventTarget()
  const tell = () => happened.dispatchEvent(new Event('something'))
  let aheadMs = 0
  const runtime: Runtime = {
    nowMs: Date.now,
    monotonicMs: () => performance.now() + aheadMs,
    newId: () => newUlid(Date.now()),
    log: collectingLogger({
      push: (event) => {
        events.push(event)
        tell()
      },
    }),
  }
  const hub = new Hub(runtime, { maxPublishers: 100, gopMemoryBytes: 4 * 1024 * 1024 })
  hub.streamStarted.listen((stream) => {
    tapes.push(tapeOf(stream))
    tell()
  })
  const until = async <Value>(find: () => Value | undefined): Promise<Value> => {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      await once(happened, 'something', { signal: AbortSignal.timeout(60_000) })
    }
  }
  return {
    hub,
    runtime,
    events,
    tapes,
    advance: (ms) => {
      aheadMs += ms
    },
    tape: (index) => until(() => tapes[index]),
    event: (name) => until(() => events.find(({ event }) => event === name)),
  }
}

/** Tapes a stream from now on. */
export function tapeOf(stream: Stream): Tape {
  const { promise, resolve } = Promise.withResolvers<StreamEnd>()
  const tape: Tape = { stream, formats: [], units: [], ended: promise }
  stream.attach(
    {
      format: (format) => void tape.formats.push(format),
      accessUnit: ({ format, dts, pts, isRandomAccess, payload }) =>
        void tape.units.push({ format, dts, pts, isRandomAccess, payload: payload.slice() }),
      ended: resolve,
    },
    { from: 'now', live: false },
  )
  return tape
}

/** A logger that keeps what it is told. */
export function collectingLogger(events: { push(event: LoggedEvent): unknown }): Logger {
  const take = (fields: object) => void events.push(fields as LoggedEvent)
  const logger: Logger = { ...SILENT_LOGGER, debug: take, info: take, warn: take, error: take, child: () => logger }
  return logger
}
