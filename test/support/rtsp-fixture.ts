import { once } from 'node:events'
import { newUlid } from '#base/id.ts'
import type { Runtime } from '#base/runtime.ts'
import type { StreamAccess } from '#hub/access.ts'
import { Hub } from '#hub/hub.ts'
import { RtspServer } from '#ingest/rtsp/server.ts'
import { collectingLogger, type LoggedEvent, type Tape, tapeOf } from './rtmp-fixture.ts'
import { TempFolder } from './temp-folder.ts'
import { testConfig } from './test-config.ts'

export interface RtspFixture extends AsyncDisposable {
  readonly server: RtspServer
  readonly hub: Hub
  readonly port: number
  readonly tlsPort: number
  readonly events: LoggedEvent[]
  /** Streams in the order they were published. */
  readonly tapes: Tape[]
  /** `rtsp://127.0.0.1:port/<path>` */
  url(path: string): string
  /** Lets the server's clock for timeouts jump ahead; it looks at them once a second. */
  advance(ms: number): void
  /** The n-th stream that is published, from 0. */
  tape(index: number): Promise<Tape>
  /** Waits until it is logged. */
  event(name: string): Promise<LoggedEvent>
}

/** An RTSP server on free ports that tapes every stream in memory. */
export async function rtspFixture(
  options: { access?: StreamAccess; config?: Partial<ReturnType<typeof testConfig>['rtsp']> } = {},
): Promise<RtspFixture> {
  await using owned = new AsyncDisposableStack()
  const folder = owned.use(await TempFolder.make())
  const events: LoggedEvent[] = []
  const happened = new EventTarget()
  let aheadMs = 0
  const log = collectingLogger({
    push: (event: LoggedEvent) => {
      events.push(event)
      happened.dispatchEvent(new Event('event'))
    },
  })
  const runtime: Runtime = {
    nowMs: Date.now,
    monotonicMs: () => performance.now() + aheadMs,
    newId: () => newUlid(Date.now()),
    log,
  }
  const hub = new Hub(runtime, { maxPublishers: 100, gopMemoryBytes: 4 * 1024 * 1024 })
  const tapes: Tape[] = []
  hub.streamStarted.listen((stream) => {
    tapes.push(tapeOf(stream))
    happened.dispatchEvent(new Event('event'))
  })
  const config = {
    ...testConfig(folder.path).rtsp,
    tls: { listen: { host: '127.0.0.1', port: 0 }, certificate: '', key: '' },
    ...options.config,
  }
  const access = options.access ?? { authorize: async () => {} }
  const server = owned.use(new RtspServer({ runtime, hub, access, config, dataDir: folder.path }))
  const { rtsp, rtsps } = await server.listen()
  const port = rtsp?.port ?? 0
  const kept = owned.move()
  const until = async <Value>(find: () => Value | undefined): Promise<Value> => {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      await once(happened, 'event', { signal: AbortSignal.timeout(60_000) })
    }
  }
  return {
    server,
    hub,
    port,
    tlsPort: rtsps?.port ?? 0,
    events,
    tapes,
    url: (path) => `rtsp://127.0.0.1:${port}/${path}`,
    advance: (ms) => {
      aheadMs += ms
    },
    tape: (index) => until(() => tapes[index]),
    event: (name) => until(() => events.find(({ event }) => event === name)),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
