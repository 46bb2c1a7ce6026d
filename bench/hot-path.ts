/**
 * node bench/hot-path.ts [--streams 40] [--kbps 2500]
 *
 * CPU time of the main thread per access unit, without sockets and without a disk: what parsing, the hub and the
 * recorder with each container cost by themselves. Streams advance in slices of 120 ms, as gathered reads arrive.
 */
import { parseArgs } from 'node:util'
import { newUlid } from '#base/id.ts'
import { SILENT_LOGGER } from '#base/runtime.ts'
import type { ContainerName } from '#containers/container.ts'
import { flv } from '#containers/flv/flv.ts'
import { mp4 } from '#containers/mp4/mp4.ts'
import { mpegts } from '#containers/mpegts/mpegts.ts'
import { mkv, webm } from '#containers/webm/webm.ts'
import { Hub } from '#hub/hub.ts'
import { NEW_RULE } from '#recorder/new-rule.ts'
import { Recorder } from '#recorder/recorder.ts'
import { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { DEFAULT_AAC_ENCODER } from '#transcode/target.ts'
import { BenchPublisher } from './support/bench-publisher.ts'
import { discardedParts } from './support/discarded-parts.ts'
import { emptyCatalog } from './support/empty-catalog.ts'
import { benchMedia } from './support/media.ts'
import { type PreparedStream, prepareStream } from './support/prepared-stream.ts'

const SLICE_MS = 120

const { values } = parseArgs({
  options: { streams: { type: 'string', default: '40' }, kbps: { type: 'string', default: '2500' } },
})
const runtime = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  newId: () => newUlid(Date.now()),
  log: SILENT_LOGGER,
}
const stream = prepareStream(benchMedia(Number(values.kbps), 20), 1)
const reads = slices(stream)
const rows: Record<string, string> = {}
for (const format of [undefined, 'mp4', 'flv', 'ts', 'mkv'] as const) {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < 4; run++) least = Math.min(least, await measure(format))
  rows[format === undefined ? 'chunks → hub' : `chunks → hub → recorder (${format})`] = `${least.toFixed(2)} µs`
}
console.table(rows)

/** Microseconds of CPU per access unit. */
async function measure(format: ContainerName | undefined): Promise<number> {
  const hub = new Hub(runtime, { maxPublishers: 10_000, gopMemoryBytes: 16 * 1024 * 1024 })
  const recorder = format === undefined ? undefined : makeRecorder(hub, format)
  const publishers = Array.from(
    { length: Number(values.streams) },
    (_, i) => new BenchPublisher(runtime, hub, `bench/${i}`),
  )
  const before = process.threadCpuUsage()
  for (const read of reads) {
    for (const publisher of publishers) publisher.push(read)
    // Lets the recorder's writes complete, as the event loop does between two rounds of reads.
    await new Promise((resolve) => setImmediate(resolve))
  }
  const spent = process.threadCpuUsage(before)
  for (const publisher of publishers) publisher.end()
  await recorder?.[Symbol.asyncDispose]()
  return (spent.user + spent.system) / (stream.accessUnits * publishers.length)
}

/** The prepared stream cut into what one gathered read would bring. */
function slices({ messages, setChunkSize }: PreparedStream): Uint8Array[] {
  const pieces: Uint8Array[][] = [[setChunkSize]]
  for (const { atMs, bytes } of messages) {
    const index = Math.floor(atMs / SLICE_MS)
    while (pieces.length <= index) pieces.push([])
    pieces[index]?.push(bytes)
  }
  return pieces.map((piece) => new Uint8Array(Buffer.concat(piece)))
}

function makeRecorder(hub: Hub, format: ContainerName): Recorder {
  return new Recorder({
    runtime,
    hub,
    catalog: emptyCatalog(),
    transcoder: new AudioTranscoder({ runtime, aacEncoder: DEFAULT_AAC_ENCODER }), // AAC stays as it is: never starts
    files: discardedParts(),
    settings: {
      node: 'bench',
      roots: ['/nowhere'],
      name: '{app}/{stream}',
      format,
      timeZone: 'UTC',
      durability: 'process',
      fragmentMs: 800,
      trackWaitMs: 1000,
      reconnectSeconds: 0,
      queueBytes: 64 * 1024 * 1024,
      preRollSeconds: 0,
      preRollBytes: 16 * 1024 * 1024,
      containers: { mp4, flv, ts: mpegts, webm, mkv },
    },
    store: { save: async () => {}, remove: async () => {} },
    rules: [{ ...NEW_RULE, id: 'all', match: '**', origin: 'config' }],
    refusal: () => undefined,
    recover: async () => {},
  })
}
