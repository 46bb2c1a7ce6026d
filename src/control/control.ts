import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Runtime } from '#base/runtime.ts'
import { Composer, type ComposerApi } from '#compose/composer.ts'
import type { Config, ListenAddress } from '#config/config.ts'
import type { StreamAccess } from '#hub/access.ts'
import type { Hub } from '#hub/hub.ts'
import type { WebRtcApi } from '#hub/webrtc.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import { Sessions, type SessionsApi } from '#sessions/sessions.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { Credentials } from './auth.ts'
import { type CombinedApi, CombinedStreams } from './combined-streams.ts'
import { Compositions, type CompositionsApi } from './compositions.ts'
import { DiskSpace } from './disk-space.ts'
import { ManifestNotFoundError } from './errors.ts'
import type { EventFeed } from './event-feed.ts'
import { checkReadiness, type Readiness } from './health.ts'
import { type FragmentFormat, LiveViews } from './live-view.ts'
import { Metrics } from './metrics.ts'
import { Posters } from './posters.ts'
import { Pulls, type PullsApi, type PullsOptions } from './pulls.ts'
import { readIfThere } from './read-file.ts'
import type { RecompositionsApi } from './recompositions.ts'
import type { Scripts } from './scripts.ts'
import { createStreamAccess } from './stream-access.ts'
import { Streams } from './streams.ts'
import type { UploadsApi } from './uploads.ts'

/** Open live.mp4 responses, all streams. Each costs a fragment writer and up to its queue in memory. */
const MAX_LIVE_VIEWERS = 200

/** Where encoders may publish, as the front doors really listen. */
export interface PublishPoint {
  readonly protocol: 'rtmp' | 'rtmps' | 'rtsp' | 'rtsps'
  readonly listen: ListenAddress
}

export interface ControlOptions {
  readonly runtime: Runtime
  readonly config: Config
  readonly version: string
  readonly hub: Hub
  readonly recorder: RecorderApi
  /** Belongs to the caller, since it outlives the recorder. */
  readonly events: EventFeed
  readonly scripts: Scripts
  /** The protocols streams can be fetched by, and where it is remembered what is to be fetched. */
  readonly pulls: Pick<PullsOptions, 'sources' | 'store'>
  /** Takes in what was recorded elsewhere. */
  readonly uploads: UploadsApi
  /** Makes what composes recordings, with what live compositions leave of the machine. */
  readonly recompositions: (composer: Pick<Composer, 'load'>) => RecompositionsApi & AsyncDisposable
  /** Writes what live views send; see containers/mp4. */
  readonly fragments: FragmentFormat
  readonly publishPoints: () => readonly PublishPoint[]
  /** Undefined: WebRTC is off, or not up yet. */
  readonly webrtc: () => WebRtcApi | undefined
  /** Where a recording's manifest lies, whether it was written yet or not. */
  readonly manifestPath: (recording: RecordingDocument) => string
}

/** The product's commands and queries, for the API and every other front end. */
export interface Control extends AsyncDisposable {
  readonly version: string
  readonly startedAtMs: number
  /** For those who follow streams as they come and go. */
  readonly hub: Hub
  readonly streams: Streams
  readonly recorder: RecorderApi
  readonly events: EventFeed
  /** Runs executables of the operator's, for hooks of front ends. */
  readonly scripts: Scripts
  readonly pulls: PullsApi
  readonly uploads: UploadsApi
  readonly combined: CombinedApi
  /** For front ends that say themselves what is in a composition. */
  readonly composer: ComposerApi
  /** By the paths of the inputs. */
  readonly compositions: CompositionsApi
  /** Of what was recorded. */
  readonly recompositions: RecompositionsApi
  /** Rooms: who is in them, and what is recorded of them. */
  readonly sessions: SessionsApi
  readonly credentials: Credentials
  readonly access: StreamAccess
  readonly liveViews: LiveViews
  readonly posters: Posters
  readonly metrics: Metrics
  readiness(): Promise<Readiness>
  publishPoints(): readonly PublishPoint[]
  /** Browsers as publishers and players; undefined: WebRTC is off, or the server is not up yet. */
  readonly webrtc: WebRtcApi | undefined
  /**
   * Begins what works by itself: the pulls. Call when everything else is up.
   * @throws {TapedeckError} the configuration has a pull that can't be
   */
  start(): Promise<void>
  /** The manifest file's text. @throws {ManifestNotFoundError} none was written yet */
  manifest(recording: RecordingDocument): Promise<string>
}

/** Wires the product's commands; dispose to let go of the hub and the recorder, which belong to the caller. */
export function createControl(options: ControlOptions): Control {
  const { runtime, config, version, hub, recorder, events, scripts, fragments, publishPoints, manifestPath } = options
  const owned = new AsyncDisposableStack()
  const credentials = new Credentials(config.auth.tokens)
  const { roots, keep } = config.recordings
  const disks = new DiskSpace(runtime, roots, keep.minFreeBytes)
  const liveViews = new LiveViews({ runtime, fragments, maxViewers: MAX_LIVE_VIEWERS })
  const pulls = owned.use(
    new Pulls({
      ...options.pulls,
      runtime,
      hub,
      node: config.node,
      configured: config.pulls,
      maxPulls: config.limits.pulls,
    }),
  )
  events.followPulls(pulls)
  const combined = owned.use(new CombinedStreams(runtime, hub))
  const capacityCores = (config.limits.composingPercent / 100) * availableParallelism()
  const composer = owned.use(new Composer({ runtime, hub, capacityCores }))
  const sessions = owned.use(new Sessions({ runtime, hub, recorder, composer: () => composer }))
  events.followSessions(sessions)
  const compositions = new Compositions(runtime, hub, composer)
  const recompositions = owned.use(options.recompositions(composer))
  events.followCompositions(compositions, recompositions)
  return {
    version,
    startedAtMs: runtime.nowMs(),
    hub,
    streams: new Streams(runtime, hub, recorder),
    recorder,
    events,
    scripts,
    pulls,
    uploads: options.uploads,
    combined,
    composer,
    compositions,
    recompositions,
    sessions,
    credentials,
    access: createStreamAccess({ auth: config.auth, credentials, fetch: globalThis.fetch }),
    liveViews,
    posters: owned.use(new Posters({ runtime, recorder, folder: join(config.data, 'posters') })),
    metrics: owned.use(
      new Metrics({
        runtime,
        version,
        hub,
        recorder,
        disks,
        liveViewers: () => liveViews.viewers,
        webrtc: options.webrtc,
        composer,
        recompositions,
      }),
    ),
    readiness: () => checkReadiness(recorder, disks),
    publishPoints,
    get webrtc() {
      return options.webrtc()
    },
    start: () => pulls.start(),
    async manifest(recording) {
      const text = await readIfThere(manifestPath(recording))
      if (text === undefined) throw new ManifestNotFoundError(recording.id)
      return text.toString()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
