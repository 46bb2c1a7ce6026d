import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Runtime } from '#base/runtime.ts'
import type { Composer } from '#compose/composer.ts'
import type { Hub } from '#hub/hub.ts'
import type { WebRtcApi } from '#hub/webrtc.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import { GAP_CAUSES } from '#storage/recording-document.ts'
import { registerComposing } from './composing-metrics.ts'
import type { DiskSpace } from './disk-space.ts'
import { registerProcessMetrics } from './process-metrics.ts'
import type { RecompositionsApi } from './recompositions.ts'

export interface MetricsOptions {
  readonly runtime: Runtime
  readonly version: string
  readonly hub: Hub
  readonly recorder: RecorderApi
  readonly disks: DiskSpace
  readonly liveViewers: () => number
  readonly webrtc: () => WebRtcApi | undefined
  readonly composer: Composer
  readonly recompositions: RecompositionsApi
}

/** From a page-cache write to a disk that is dying. */
const WRITE_SECONDS_BUCKETS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]
const FINISH_SECONDS_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

/** Everything a Prometheus server scrapes, in a registry of this server's own. */
export class Metrics implements Disposable {
  readonly contentType: string
  readonly #registry = new Registry()
  readonly #sources = new DisposableStack()

  constructor(options: MetricsOptions) {
    this.contentType = this.#registry.contentType
    const registers = [this.#registry]
    new Gauge({
      name: 'tapedeck_info',
      help: 'Always 1; the version is a label.',
      labelNames: ['version'],
      registers,
    }).set({ version: options.version }, 1)
    registerProcessMetrics(registers)
    registerStreams(registers, options.hub, options.liveViewers)
    registerWebRtc(registers, options.webrtc)
    this.#sources.use(registerComposing(registers, options.composer, options.recompositions))
    registerRecorderCounters(registers, options.recorder)
    registerDisks(registers, options.disks)
    this.#sources.use(observeDurations(registers, options.recorder))
    this.#sources.use(countOutcomes(registers, options.recorder))
  }

  /** Adds what somebody else counts. */
  add(register: (registers: Registry[]) => void): void {
    register([this.#registry])
  }

  /** The exposition text. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  [Symbol.dispose](): void {
    this.#sources.dispose()
    this.#registry.clear()
  }
}

function registerStreams(registers: Registry[], hub: Hub, liveViewers: () => number): void {
  new Gauge({
    name: 'tapedeck_streams',
    help: 'Streams being published.',
    registers,
    collect() {
      this.set(hub.size)
    },
  })
  new Gauge({
    name: 'tapedeck_stream_bitrate_bps',
    help: 'Bits per second of a stream over the last seconds.',
    labelNames: ['stream'],
    registers,
    collect() {
      this.reset()
      for (const stream of hub.streams()) this.set({ stream: stream.path }, stream.bitrate.bitsPerSecond)
    },
  })
  new Gauge({
    name: 'tapedeck_stream_packets_lost',
    help: 'Packets of a stream that the network took, since the stream began (RTP; what was sent again is not lost).',
    labelNames: ['stream'],
    registers,
    collect() {
      this.reset()
      for (const stream of hub.streams()) this.set({ stream: stream.path }, stream.lostPackets)
    },
  })
  new Gauge({
    name: 'tapedeck_payload_memory_bytes',
    help: 'Memory that holds media: last GOPs, and what waits for disks and viewers.',
    registers,
    collect() {
      this.set(hub.payloads.inUseBytes)
    },
  })
  new Gauge({
    name: 'tapedeck_live_viewers',
    help: 'Open live.mp4 responses.',
    registers,
    collect() {
      this.set(liveViewers())
    },
  })
}

function registerWebRtc(registers: Registry[], webrtc: () => WebRtcApi | undefined): void {
  new Gauge({
    name: 'tapedeck_webrtc_sessions',
    help: 'Sessions of browsers, by what they do and how far they are.',
    labelNames: ['kind', 'state'],
    registers,
    collect() {
      this.reset()
      for (const kind of ['publish', 'play']) {
        for (const state of ['connecting', 'connected', 'flowing']) this.set({ kind, state }, 0)
      }
      for (const { kind, state } of webrtc()?.sessions ?? []) if (state !== 'ended') this.inc({ kind, state })
    },
  })
}

/** The recorder counts for itself, once per batch; a scrape copies. */
function registerRecorderCounters(registers: Registry[], recorder: RecorderApi): void {
  const copied = (name: string, help: string, value: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(value())
      },
    })
  copied(
    'tapedeck_access_units_received_total',
    'Access units that reached recordings.',
    () => recorder.counters.received,
  )
  copied('tapedeck_access_units_written_total', 'Access units that are in files.', () => recorder.counters.written)
  copied('tapedeck_written_bytes_total', 'Bytes written to part files.', () => recorder.counters.writtenBytes)
  new Counter({
    name: 'tapedeck_access_units_lost_total',
    help: 'Access units that reached recordings and no file, by cause.',
    labelNames: ['cause'],
    registers,
    collect() {
      this.reset()
      const { lostByCause } = recorder.counters
      // Causes that never happened are 0, not absent: an alert on a rate needs the first value too.
      for (const cause of GAP_CAUSES) this.inc({ cause }, lostByCause[cause] ?? 0)
    },
  })
  new Gauge({
    name: 'tapedeck_queue_bytes',
    help: 'Bytes that wait for the disk.',
    registers,
    collect() {
      this.set(recorder.counters.queuedBytes)
    },
  })
  new Gauge({
    name: 'tapedeck_recordings_active',
    help: 'Recordings in progress, by state.',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset()
      for (const state of ['waiting', 'recording', 'finishing']) this.set({ state }, 0)
      for (const { state } of recorder.active()) this.inc({ state })
    },
  })
}

function registerDisks(registers: Registry[], disks: DiskSpace): void {
  new Gauge({
    name: 'tapedeck_disk_free_bytes',
    help: 'Free bytes of the file system under a recording root; absent while it does not answer.',
    labelNames: ['root'],
    registers,
    async collect() {
      this.reset()
      for (const { root, freeBytes } of await disks.states()) if (freeBytes !== null) this.set({ root }, freeBytes)
    },
  })
}

function observeDurations(registers: Registry[], recorder: RecorderApi): Disposable {
  const write = new Histogram({
    name: 'tapedeck_write_duration_seconds',
    help: 'Time for one batch of a part to reach the kernel.',
    buckets: WRITE_SECONDS_BUCKETS,
    registers,
  })
  const finish = new Histogram({
    name: 'tapedeck_finish_duration_seconds',
    help: 'Time to complete a part: index written, file final.',
    buckets: FINISH_SECONDS_BUCKETS,
    registers,
  })
  return recorder.observe({
    written: (durationMs) => write.observe(durationMs / 1_000),
    finished: (durationMs) => finish.observe(durationMs / 1_000),
  })
}

function countOutcomes(registers: Registry[], recorder: RecorderApi): Disposable {
  const outcomes = new Counter({
    name: 'tapedeck_recordings_ended_total',
    help: 'Recordings that ended, by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['ready', 'failed']) outcomes.inc({ outcome }, 0)
  return recorder.events.listen(({ type }) => {
    if (type === 'recording.ready') outcomes.inc({ outcome: 'ready' })
    if (type === 'recording.failed') outcomes.inc({ outcome: 'failed' })
  })
}
