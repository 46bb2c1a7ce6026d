import { once } from 'node:events'
import { newUlid } from '#base/id.ts'
import { type Logger, type Runtime, SILENT_LOGGER } from '#base/runtime.ts'
import type { StreamAccess } from '#hub/access.ts'
import { Hub } from '#hub/hub.ts'
import type { Stream, StreamEnd } from '#hub/stream.ts'
import type { RtmpExtension } from '#ingest/rtmp/extension.ts'
import { RtmpServer } from '#ingest/rtmp/server.ts'
import type { TrackFormat } from '#media/track.ts'
import { TempFolder } from './temp-folder.ts'
import { testConfig } from './test-config.ts'

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

export interface RtmpFixture extends AsyncDisposable {
  readonly server: RtmpServer
  readonly hub: Hub
  readonly runtime: Runtime
  readonly folder: TempFolder
  readonly port: number
  readonly tlsPort: number
  readonly events: LoggedEvent[]
  /** Streams in the order they were published. */
  readonly tapes: Tape[]
  /** `rtmp://127.0.0.1:port/<path>` */
  url(path: string): string
  /** Lets the server's clock for timeouts jump ahead; it looks at them once a second. */
  advance(ms: number): void
  /** The n-th stream that is published, from 0. */
  tape(index: number): Promise<Tape>
}

/** An RTMP server on free ports that tapes every stream in memory. */
export async function rtmpFixture(
  options: {
    access?: StreamAccess
    extension?: RtmpExtension
    config?: Partial<ReturnType<typeof testConfig>['rtmp']>
  } = {},
): Promise<RtmpFixture> {
  await using owned = new AsyncDisposableStack()
  const folder = owned.use(await TempFolder.make())
  const events: LoggedEvent[] = []
  let aheadMs = 0
  const runtime: Runtime = {
    nowMs: Date.now,
    monotonicMs: () => performance.now() + aheadMs,
    newId: () => newUlid(Date.now()),
    log: collectingLogger(events),
  }
  const hub = new Hub(runtime, { maxPublishers: 100, gopMemoryBytes: 4 * 1024 * 1024 })
  const tapes: Tape[] = []
  const newTape = new EventTarget()
  hub.streamStarted.listen((stream) => {
    tapes.push(tapeOf(stream))
    newTape.dispatchEvent(new Event('tape'))
  })
  const config = {
    ...testConfig(folder.path).rtmp,
    tls: { listen: { host: '127.0.0.1', port: 0 }, certificate: '', key: '' },
    ...options.config,
  }
  const access = options.access ?? { authorize: async () => {} }
  const { extension } = options
  const server = owned.use(new RtmpServer({ runtime, hub, access, extension, config, dataDir: folder.path }))
  const { rtmp, rtmps } = await server.listen()
  const port = rtmp?.port ?? 0
  const kept = owned.move()
  return {
    server,
    hub,
    runtime,
    folder,
    port,
    tlsPort: rtmps?.port ?? 0,
    events,
    tapes,
    url: (path) => `rtmp://127.0.0.1:${port}/${path}`,
    advance: (ms) => {
      aheadMs += ms
    },
    tape: async (index) => {
      for (;;) {
        const tape = tapes[index]
        if (tape !== undefined) return tape
        await once(newTape, 'tape', { signal: AbortSignal.timeout(60_000) })
      }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
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
