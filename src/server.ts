import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createApi } from '#api/server.ts'
import { newUlid } from '#base/id.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Config } from '#config/config.ts'
import type { Container, ContainerName } from '#containers/container.ts'
import { flv } from '#containers/flv/flv.ts'
import { createMp4, mp4Fragments } from '#containers/mp4/mp4.ts'
import { mpegts } from '#containers/mpegts/mpegts.ts'
import { createControl, type PublishPoint } from '#control/control.ts'
import { Hub } from '#hub/hub.ts'
import { RtmpServer } from '#ingest/rtmp/server.ts'
import { Recorder } from '#recorder/recorder.ts'
import { SqliteCatalog } from '#storage/catalog/sqlite-catalog.ts'
import { ManifestStore } from '#storage/manifests.ts'
import type { RunningServer } from './cli/context.ts'
import { createLogger } from './logger.ts'

export const VERSION = '0.1.0'

const DASHBOARD = join(import.meta.dirname, '../dashboard/dist')

/** Every container of the product, for the recorder and the command line. */
export function allContainers(mp4IndexBytes: number): Readonly<Record<ContainerName, Container>> {
  return { mp4: createMp4({ indexBytes: mp4IndexBytes }), flv, ts: mpegts }
}

/**
 * Starts everything: storage first, front doors last, so that whoever gets in finds a recorder. Closing goes the other
 * way round: publishers leave, recordings end, then the catalog.
 */
export async function startServer(config: Config): Promise<RunningServer> {
  const log = createLogger(config.log)
  const runtime: Runtime = {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    newId: () => newUlid(Date.now()),
    log,
  }
  await using opening = new AsyncDisposableStack()
  await mkdir(config.data, { recursive: true })
  for (const root of config.recordings.roots) await mkdir(root, { recursive: true })
  const catalog = opening.use(await SqliteCatalog.open({ folder: config.data, runtime, onReplaced: () => {} }))
  const manifests = new ManifestStore(join(config.data, 'manifests'), config.recordings.durability)
  const hub = new Hub(runtime, {
    maxPublishers: config.limits.publishers,
    gopMemoryBytes: config.limits.gopMemoryBytes,
  })
  const recorder = opening.use(
    new Recorder({
      runtime,
      hub,
      catalog,
      settings: {
        node: config.node,
        roots: config.recordings.roots,
        name: config.recordings.name,
        format: config.recordings.format,
        timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        durability: config.recordings.durability,
        fragmentMs: config.recordings.fragmentMs,
        trackWaitMs: config.recordings.trackWaitMs,
        reconnectSeconds: config.recordings.reconnectSeconds,
        queueBytes: config.limits.recordingQueueBytes,
        containers: allContainers(config.recordings.mp4IndexBytes),
      },
      store: {
        async save(recording) {
          await Promise.all([manifests.save(recording), catalog.save(recording)])
        },
        async remove(recording) {
          await Promise.all([manifests.remove(recording), catalog.remove(recording.id)])
        },
      },
      rules: [
        ...config.rules.map((rule, index) => {
          return { ...rule, id: `config-${index + 1}`, enabled: true, origin: 'config' as const }
        }),
        ...(await catalog.rules()),
      ],
      refusal: () => undefined,
    }),
  )
  const control = opening.use(
    createControl({
      runtime,
      config,
      version: VERSION,
      hub,
      recorder,
      fragments: mp4Fragments,
      publishPoints: () => publishPoints,
      manifestPath: (recording) => manifests.path(recording),
    }),
  )
  const publishPoints: PublishPoint[] = []
  const rtmp = opening.use(
    new RtmpServer({ runtime, hub, access: control.access, config: config.rtmp, dataDir: config.data }),
  )
  const api = opening.use(await createApi({ control, config, runtime, dashboardDir: DASHBOARD }))
  const rtmpAddresses = await rtmp.listen()
  for (const protocol of ['rtmp', 'rtmps'] as const) {
    const listen = rtmpAddresses[protocol]
    if (listen !== undefined) publishPoints.push({ protocol, listen })
  }
  const addresses = { api: await api.listen(), ...rtmpAddresses }
  log.info({ event: 'server.started', version: VERSION, addresses })
  const owned = opening.move()
  let closing: Promise<void> | undefined
  return {
    addresses,
    close: () => {
      closing ??= owned.disposeAsync()
      return closing
    },
  }
}
