import { mkdir } from 'node:fs/promises'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { type Api, createApi } from '#api/server.ts'
import { newUlid } from '#base/id.ts'
import { type Runtime, SILENT_LOGGER } from '#base/runtime.ts'
import type { Config } from '#config/config.ts'
import { type Control, createControl } from '#control/control.ts'
import { EventFeed } from '#control/event-feed.ts'
import type { FragmentFormat } from '#control/live-view.ts'
import { Hooks } from '#hooks/hooks.ts'
import { Hub, type Publication } from '#hub/hub.ts'
import type { PullSource } from '#hub/pull-source.ts'
import { NO_CONNECTION_FACTS } from '#hub/stream.ts'
import { AccessUnit } from '#media/access-unit.ts'
import type { VideoFormat } from '#media/track.ts'
import { Recompositions } from '#recompose/recompositions.ts'
import type { RuleRow } from '#storage/catalog/catalog.ts'
import { Uploads } from '#uploads/uploads.ts'
import { memoryPulls } from './memory-pulls.ts'
import { MemoryRecorder } from './memory-recorder.ts'
import { TempFolder } from './temp-folder.ts'
import { testConfig } from './test-config.ts'

/** What requests without a socket claim to be sent to. */
export const TEST_HOST = '127.0.0.1:8000'

/** Everything the API stands on, in memory, and the API itself; nothing listens until a test says so. */
export interface ApiFixture extends AsyncDisposable {
  readonly api: Api
  readonly control: Control
  readonly hub: Hub
  readonly recorder: MemoryRecorder
  readonly folder: TempFolder
  /** A request as a local program sends it. */
  request(options: InjectOptions & { url: string }): Promise<LightMyRequestResponse>
}

export interface ApiFixtureOptions {
  readonly config?: Partial<Config>
  readonly rules?: readonly RuleRow[]
  readonly pullSources?: Readonly<Record<string, PullSource>>
  readonly fragments?: FragmentFormat
  readonly dashboardDir?: string
}

export async function apiFixture(options: ApiFixtureOptions = {}): Promise<ApiFixture> {
  await using owned = new AsyncDisposableStack()
  const folder = owned.use(await TempFolder.make())
  const listen = { host: '127.0.0.1', port: 8000 }
  const config = testConfig(folder.path, { api: { listen, allowedOrigins: [], allowedHosts: [] }, ...options.config })
  const runtime: Runtime = {
    nowMs: Date.now,
    monotonicMs: performance.now.bind(performance),
    newId: () => newUlid(Date.now()),
    log: SILENT_LOGGER,
  }
  const hub = new Hub(runtime, { maxPublishers: 100, gopMemoryBytes: 1024 * 1024 })
  const recorder = new MemoryRecorder(config.recordings.roots[0] ?? folder.path, options.rules)
  const events = owned.use(new EventFeed(runtime))
  events.follow(hub, recorder)
  await mkdir(config.data, { recursive: true })
  const telling = { config, runtime, version: '0.0.0-test', fetch: globalThis.fetch, random: Math.random }
  const hooks = owned.use(await Hooks.open({ ...telling, environment: process.env }))
  hooks.follow(events)
  hooks.begin(recorder)
  const { roots, fragmentMs, mp4IndexBytes } = config.recordings
  const catalog = { findByPart: async () => [] }
  const making = { runtime, recorder, catalog, roots, refusal: () => undefined, fragmentMs, mp4IndexBytes }
  const { uploadBytes: maxBytes, uploads: maxUploads } = config.limits
  const uploads = owned.use(new Uploads({ ...making, maxBytes, maxUploads }))
  const control = owned.use(
    createControl({
      runtime,
      config,
      version: '0.0.0-test',
      hub,
      recorder,
      events,
      scripts: hooks.scripts,
      pulls: { sources: options.pullSources ?? {}, store: memoryPulls() },
      uploads,
      recompositions: (composer) => new Recompositions({ ...making, composer }),
      fragments: options.fragments ?? PAYLOADS_ONLY,
      publishPoints: () => [{ protocol: 'rtmp', listen: { host: '0.0.0.0', port: 1935 } }],
      webrtc: () => undefined,
      manifestPath: ({ id }) => folder.at(`${id}.json`),
    }),
  )
  const api = owned.use(
    await createApi({ control, hooks, config, runtime, dashboardDir: options.dashboardDir ?? folder.at('none') }),
  )
  const kept = owned.move()
  return {
    api,
    control,
    hub,
    recorder,
    folder,
    request: ({ headers, ...rest }) => api.app.inject({ ...rest, headers: { host: TEST_HOST, ...headers } }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** Publishes a stream of one H.264 track. */
export function publishTestStream(
  hub: Hub,
  path: string,
  disconnect: (reason: string) => void = () => {},
): Publication {
  const publication = hub.publish(path, {
    protocol: 'rtmp',
    remoteAddress: '127.0.0.1:50000',
    connectionId: 'c1',
    encoder: 'test encoder',
    ...NO_CONNECTION_FACTS,
    disconnect,
  })
  publication.stream.setFormat(TEST_FORMAT)
  return publication
}

/** Writes one access unit with this payload. */
export function writeTestUnit(
  { stream }: Publication,
  unit: {
    readonly dts: number
    readonly isRandomAccess: boolean
    readonly payload: string
    readonly format?: VideoFormat
  },
): void {
  const payload = new TextEncoder().encode(unit.payload)
  using arena = stream.payloads.arena()
  const reservation = arena.reserve(payload.length)
  reservation.bytes.set(payload)
  const timing = { dts: unit.dts, pts: unit.dts, isRandomAccess: unit.isRandomAccess }
  stream.write(new AccessUnit(unit.format ?? TEST_FORMAT, timing, reservation))
}

/** avcC of a 320x180 stream, High profile, level 3.1. */
export const TEST_FORMAT: VideoFormat = {
  kind: 'video',
  trackId: 1,
  codec: 'h264',
  timescale: 90_000,
  configuration: Uint8Array.from([1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x1f, 1, 0, 2, 0x68, 0xee]),
  announcedBitrateBps: 0,
  language: 'und',
  widthPixels: 320,
  heightPixels: 180,
  pixelAspect: { horizontal: 1, vertical: 1 },
  frameRateHint: 25,
  color: undefined,
}

/** Stands in for the MP4 fragment writer where only the way from stream to viewer matters: payloads as they are. */
const PAYLOADS_ONLY: FragmentFormat = {
  carries: (codec) => codec === 'h264' || codec === 'aac',
  open() {
    let pieces: Uint8Array[] = []
    return {
      write: (accessUnit: AccessUnit) => void pieces.push(accessUnit.payload.slice()),
      take() {
        const taken = pieces
        pieces = []
        return taken
      },
      flush() {},
      [Symbol.dispose]() {},
    }
  },
}
