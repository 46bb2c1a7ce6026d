import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createApi } from '#api/server.ts'
import { newUlid } from '#base/id.ts'
import type { Runtime } from '#base/runtime.ts'
import { Slots } from '#base/slots.ts'
import { VERSION } from '#base/version.ts'
import type { Config } from '#config/config.ts'
import { FolderUnusableError } from '#config/errors.ts'
import type { Container, ContainerName } from '#containers/container.ts'
import { flv } from '#containers/flv/flv.ts'
import { createMp4, mp4Fragments } from '#containers/mp4/mp4.ts'
import { mpegts } from '#containers/mpegts/mpegts.ts'
import { mkv, webm } from '#containers/webm/webm.ts'
import { createControl, type PublishPoint } from '#control/control.ts'
import { EventFeed } from '#control/event-feed.ts'
import { Hooks } from '#hooks/hooks.ts'
import { Hub } from '#hub/hub.ts'
import { LibavPull } from '#ingest/pull/libav/libav-pull.ts'
import { LIBAV_SCHEMES } from '#ingest/pull/libav/libav-url.ts'
import { ReaderSlots } from '#ingest/pull/libav/reader-slots.ts'
import { PagePull } from '#ingest/pull/page/page-pull.ts'
import { PAGE_SCHEMES } from '#ingest/pull/page/page-url.ts'
import { RtmpPull } from '#ingest/pull/rtmp-pull.ts'
import { RtmpServer } from '#ingest/rtmp/server.ts'
import { RTSP_SCHEMES } from '#ingest/rtsp/client-url.ts'
import { RtspPull } from '#ingest/rtsp/rtsp-pull.ts'
import { RtspServer } from '#ingest/rtsp/server.ts'
import { UdpPorts } from '#ingest/rtsp/udp-ports.ts'
import { WebRtcServer } from '#ingest/webrtc/server.ts'
import { SoundForPlayers } from '#ingest/webrtc/sound-for-players.ts'
import { Recompositions } from '#recompose/recompositions.ts'
import { finalNames } from '#recorder/final-name.ts'
import { Naming } from '#recorder/naming.ts'
import { Recorder } from '#recorder/recorder.ts'
import { isFinal } from '#recorder/state.ts'
import { Births } from '#storage/births.ts'
import { rebuildCatalog } from '#storage/catalog/rebuild.ts'
import { SqliteCatalog } from '#storage/catalog/sqlite-catalog.ts'
import { Digests } from '#storage/digests.ts'
import { FreeSpace } from '#storage/free-space.ts'
import { ManifestStore } from '#storage/manifests.ts'
import { settleNames } from '#storage/part-rename.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { recoverRecordings } from '#storage/recovery.ts'
import { removeRecording } from '#storage/remove-recording.ts'
import { Retention } from '#storage/retention.ts'
import { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { DEFAULT_AAC_ENCODER } from '#transcode/target.ts'
import { Uploads } from '#uploads/uploads.ts'
import type { RunningServer, StartOptions } from './cli/context.ts'
import { startFacades } from './facades/start.ts'
import { createLogger } from './logger.ts'

/** How often retention looks for what to delete. */
const RETENTION_EVERY_MS = 10_000

/** Reading pace of the hashes made in the background, so that they never compete with recording. */
const DIGEST_BYTES_PER_SECOND = 50 * 1024 * 1024

/** From connecting to an origin until it says that it plays. */
const PULL_CONNECT_TIMEOUT_MS = 10_000

const DASHBOARD = join(import.meta.dirname, '../dashboard/dist')

/**
 * Parts being completed at once. A hundred streams that end together would otherwise all read their indexes at the same
 * time; one after the other they take as long, and no more memory than a few.
 */
const FINISHES_AT_ONCE = 8

/** Every container of the product, for the recorder and the command line. */
export function allContainers(mp4IndexBytes: number): Readonly<Record<ContainerName, Container>> {
  const slots = new Slots(FINISHES_AT_ONCE)
  const inTurn = (container: Container): Container => {
    return { ...container, finish: (part) => slots.run(() => container.finish(part)) }
  }
  return {
    mp4: inTurn(createMp4({ indexBytes: mp4IndexBytes })),
    flv: inTurn(flv),
    ts: inTurn(mpegts),
    webm: inTurn(webm),
    mkv: inTurn(mkv),
  }
}

async function makeFolder(key: string, path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    throw new FolderUnusableError(key, path, error)
  }
}

/**
 * Starts everything: storage first, front doors last, so that whoever gets in finds a recorder. Closing goes the other
 * way round: publishers leave, recordings end, then the catalog.
 */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  const log = createLogger(config.log)
  const runtime: Runtime = {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    newId: () => newUlid(Date.now()),
    log,
  }
  await using opening = new AsyncDisposableStack()
  await makeFolder('data', config.data)
  for (const root of config.recordings.roots) await makeFolder('recordings.root', root)
  const containers = allContainers(config.recordings.mp4IndexBytes)
  const { keep, roots, durability } = config.recordings
  const manifests = new ManifestStore(join(config.data, 'manifests'), durability)
  const ending = new AbortController()
  let catalogReplaced = () => {}
  const catalog = opening.use(
    await SqliteCatalog.open({ folder: config.data, runtime, onReplaced: () => catalogReplaced() }),
  )
  const naming = new Naming(config.recordings.name, timeZone())
  const rebuild = async () => {
    log.debug({ event: 'catalog.rebuilding' }, 'the catalog is empty: looking for manifests and files')
    const sources = { catalog, manifests, roots, containers, node: config.node, runtime, signal: ending.signal }
    const readName = (path: string) => naming.read(path)
    await rebuildCatalog({ ...sources, readName, onProgress: () => {} })
  }
  const recover = async (onRecovered: (recording: RecordingDocument) => Promise<void>) => {
    if (catalog.isEmpty && options.isThrowaway !== true) await rebuild()
    const note = async (recording: RecordingDocument) => {
      await manifests.save(recording)
      await catalog.save(recording)
    }
    for (const recording of await catalog.renaming(config.node)) {
      if (isFinal(recording.state)) await note(await settleNames(recording))
    }
    const listed = await catalog.unfinished(config.node)
    const isActive = (id: string) => recorder.active().some((recording) => recording.id === id)
    const unfinished = listed.filter(({ id }) => !isActive(id))
    // What a kill kept from hooks comes before what recovery has to tell.
    await hooks.reconcile({ catalog, node: config.node, isActive })
    const { signal } = ending
    await recoverRecordings(unfinished, {
      containers,
      concurrency: 4,
      retryMs: 2_000,
      runtime,
      onRecovered,
      note,
      finalNames,
      signal,
    })
    // What recovery makes ready is hashed as everything that becomes ready; this is what became so before the last end.
    digests.catchUp(signal).catch((error: unknown) => log.warn({ event: 'digest.not-caught-up', err: error }))
  }
  const freeSpace = opening.use(new FreeSpace({ roots, floorBytes: keep.minFreeBytes, pollMs: 1_000, log }))
  await freeSpace.start()
  const hub = new Hub(runtime, {
    maxPublishers: config.limits.publishers,
    gopMemoryBytes: config.limits.gopMemoryBytes,
  })
  const digests = opening.use(
    new Digests({
      catalog,
      node: config.node,
      bytesPerSecond: DIGEST_BYTES_PER_SECOND,
      log,
      note: (id, made) => recorder.digested(id, made),
    }),
  )
  // What becomes final while the server closes is told as well: these outlive the recorder.
  const events = opening.use(new EventFeed(runtime))
  const { random } = Math
  const telling = { config, runtime, version: VERSION, fetch: globalThis.fetch, random, environment: process.env }
  const hooks = opening.use(await Hooks.open(telling))
  hooks.follow(events)
  const { aacEncoder } = config.recordings
  const transcoder = opening.use(new AudioTranscoder({ runtime, aacEncoder }))
  if (aacEncoder !== DEFAULT_AAC_ENCODER) await transcoder.check()
  // They close their doors before the recorder ends, and follow its last files.
  const facadesFollowing = opening.use(new AsyncDisposableStack())
  const births = new Births(join(config.data, 'births'), runtime)
  await births.settle(catalog)
  const recorder: Recorder = opening.use(
    new Recorder({
      runtime,
      hub,
      catalog,
      transcoder,
      settings: {
        node: config.node,
        roots,
        name: config.recordings.name,
        format: config.recordings.format,
        timeZone: timeZone(),
        durability,
        fragmentMs: config.recordings.fragmentMs,
        trackWaitMs: config.recordings.trackWaitMs,
        reconnectSeconds: config.recordings.reconnectSeconds,
        queueBytes: config.limits.recordingQueueBytes,
        preRollSeconds: config.recordings.preRollSeconds,
        preRollBytes: config.limits.preRollBytes,
        containers,
      },
      store: {
        async save(recording) {
          // In this order: a start looks for what a kill left behind in the catalog, so a manifest must never be behind it.
          await manifests.save(recording)
          await catalog.save(recording)
        },
        async remove(recording) {
          digests.cancel(recording.id)
          await hooks.removing(recording)
          await removeRecording(recording, catalog, manifests)
        },
      },
      rules: [
        ...config.rules.map((rule, index) => {
          return { ...rule, id: `config-${index + 1}`, origin: 'config' as const }
        }),
        ...(await catalog.rules()),
      ],
      refusal: (root) => freeSpace.refusal(root),
      births,
      recover: (onRecovered) => recover(onRecovered),
    }),
  )
  events.follow(hub, recorder)
  hooks.begin(recorder)
  catalogReplaced = () => {
    // The recordings in progress save themselves again within seconds.
    rebuild().catch((error: unknown) => log.error({ event: 'catalog.rebuild-failed', err: error }))
  }
  recorder.events.listen((event) => {
    if (event.type === 'part.renamed') digests.cancel(event.recording.id)
    if (event.type === 'recording.ready' || event.type === 'part.renamed') digests.add(event.recording)
  })
  const retention = opening.use(
    new Retention({
      catalog,
      // The free-space floor alone never deletes: it only stops writing. Whoever sets a limit has asked for deletion.
      policy: { ...keep, freeBytes: keep.days + keep.bytes + keep.count > 0 ? freeSpace.resumeBytes : 0 },
      spaces: () => freeSpace.all(),
      runtime,
      isBusy: (id) => recorder.active().some((recording) => recording.id === id),
      remove: ({ id }) => recorder.remove(id),
    }),
  )
  retention.start(RETENTION_EVERY_MS)
  const { fragmentMs, mp4IndexBytes } = config.recordings
  const refusal = (root: string) => freeSpace.refusal(root)
  // Of those who make files besides the recorder.
  const making = { runtime, recorder, catalog, roots, refusal, fragmentMs, mp4IndexBytes }
  const { uploadBytes: maxBytes, uploads: maxUploads } = config.limits
  const uploads = opening.use(new Uploads({ ...making, maxBytes, maxUploads }))
  // Beside everything else; a server for one recording has no business with what others have left.
  if (options.isThrowaway !== true) {
    uploads.tidy().catch((error: unknown) => log.warn({ event: 'upload.not-tidied', err: error }))
  }
  const { idleTimeoutMs, maxMessageBytes, maxChunkStreams } = config.rtmp
  const pullLimits = { connectTimeoutMs: PULL_CONNECT_TIMEOUT_MS, idleTimeoutMs, maxMessageBytes, maxChunkStreams }
  const rtmpPull = opening.use(new RtmpPull({ runtime, hub, limits: pullLimits }))
  const { udpPorts, reorderMs } = config.rtsp
  const ports = udpPorts === undefined ? undefined : new UdpPorts(udpPorts, Math.random())
  const rtspLimits = { connectTimeoutMs: PULL_CONNECT_TIMEOUT_MS, idleTimeoutMs: config.rtsp.idleTimeoutMs, reorderMs }
  const readers = new ReaderSlots(config.limits.pullProcesses)
  const rtspPull = opening.use(new RtspPull({ runtime, hub, limits: rtspLimits, ports, readers }))
  const libavPull = new LibavPull({
    runtime,
    hub,
    idleTimeoutMs: config.pullIdleTimeoutMs,
    folders: config.pullFolders,
    readers,
  })
  const sound = new SoundForPlayers({ runtime, transcoder })
  const pagePull = opening.use(
    new PagePull({
      runtime,
      hub,
      sound,
      config: config.pages,
      webrtc: config.webrtc,
      maxPages: config.limits.pages,
    }),
  )
  const pageSources = Object.fromEntries(PAGE_SCHEMES.map((scheme) => [scheme, pagePull]))
  const libavSources = Object.fromEntries(LIBAV_SCHEMES.map((scheme) => [scheme, libavPull]))
  const rtspSources = Object.fromEntries(RTSP_SCHEMES.map((scheme) => [scheme, rtspPull]))
  const control = opening.use(
    createControl({
      runtime,
      config,
      version: VERSION,
      hub,
      recorder,
      events,
      scripts: hooks.scripts,
      pulls: {
        sources: { rtmp: rtmpPull, rtmps: rtmpPull, ...rtspSources, ...libavSources, ...pageSources },
        store: catalog,
      },
      uploads,
      recompositions: (composer) => {
        const recompositions = new Recompositions({ ...making, composer })
        if (options.isThrowaway !== true) {
          recompositions.tidy().catch((error: unknown) => log.warn({ event: 'recomposition.not-tidied', err: error }))
        }
        return recompositions
      },
      fragments: mp4Fragments,
      publishPoints: () => publishPoints,
      webrtc: () => webrtc,
      manifestPath: (recording) => manifests.path(recording),
    }),
  )
  const publishPoints: PublishPoint[] = []
  let webrtc: WebRtcServer | undefined
  // Before whoever publishes: what a facade adds to a publication it adds from the first one on.
  const facades = facadesFollowing.use(await startFacades(config, { runtime, control, roots, version: VERSION }))
  opening.defer(() => facades.closeDoors())
  const { access } = control
  const rtmp = opening.use(
    new RtmpServer({ runtime, hub, access, extension: facades.rtmp, config: config.rtmp, dataDir: config.data }),
  )
  const rtsp = opening.use(new RtspServer({ runtime, hub, access, config: config.rtsp, dataDir: config.data, readers }))
  const { udp } = config.webrtc
  if (udp !== undefined) {
    webrtc = opening.use(await WebRtcServer.start({ runtime, hub, sound, config: { ...config.webrtc, udp } }))
  }
  control.metrics.add((registers) => hooks.registerMetrics(registers))
  const api = opening.use(await createApi({ control, hooks, config, runtime, dashboardDir: DASHBOARD }))
  const rtmpAddresses = await rtmp.listen()
  const mediaAddresses = { ...rtmpAddresses, ...(await rtsp.listen()), webrtc: webrtc?.address }
  for (const protocol of ['rtmp', 'rtmps', 'rtsp', 'rtsps'] as const) {
    const listen = mediaAddresses[protocol]
    if (listen !== undefined) publishPoints.push({ protocol, listen })
  }
  const addresses = { api: await api.listen(), ...mediaAddresses }
  await control.start()
  log.info({ event: 'server.started', version: VERSION, addresses })
  for (const { root: path, isWritable, problem } of (await control.readiness()).disks) {
    if (!isWritable)
      log.warn({ event: 'disk.unusable', root: path }, `nothing can be recorded to ${path} now: ${problem}`)
  }
  const owned = opening.move()
  owned.defer(() => ending.abort())
  let closing: Promise<void> | undefined
  return {
    addresses,
    facadeAddresses: facades.addresses,
    close: () => {
      closing ??= owned.disposeAsync()
      return closing
    },
  }
}

function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}
