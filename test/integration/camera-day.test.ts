import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AV_LOG_QUIET } from 'node-av/constants'
import { Log } from 'node-av/lib'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS } from '#hub/stream.ts'
import { MediaReceiver } from '#ingest/rtp/media-receiver.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { makeAudioFormat } from '#media/format.ts'
import type { TrackFormat } from '#media/track.ts'
import { writeRtpPacket } from '#protocols/rtp/packet.ts'
import { payloadFormatOf } from '#protocols/rtp/payloads/all.ts'
import { fmtp } from '#protocols/rtp/payloads/fixture.test-data.ts'
import { writeSenderReport } from '#protocols/rtp/rtcp.ts'
import { SourceClock } from '#protocols/rtp/source-clock.ts'
import { FilesInUse } from '#recorder/files-in-use.ts'
import { Recording } from '#recorder/recording.ts'
import { resolveRequest } from '#recorder/request-defaults.ts'
import { CONTAINERS } from '#test/support/containers.ts'
import { MemoryDisk } from '#test/support/memory-files.ts'
import { readWithFfmpeg8 } from '#test/support/outside-judges.ts'
import { H264, picture } from '#test/support/rtp-media.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { DEFAULT_AAC_ENCODER } from '#transcode/target.ts'

/** A camera that runs for a day, without anybody waiting for it: every clock is the test's. */

const HOUR_MS = 3_600_000
const PICTURE_MS = 200
const PICTURES_PER_GOP = 10
const SAMPLES = 1024
const REPORT_MS = 5_000
const PART_SECONDS = 600
/** Sound and picture belong together to within this; also at the end of the day. */
const MAX_APART_MS = 40
/** The reports of the first minute still move the tracks to each other. */
const SETTLED_MS = 60_000
/** Packets come late by up to this, at random. */
const LATE_MS = 30
const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
const MAX_HEAP_GROWTH_BYTES = 4 * 1024 * 1024
const WALL_CLOCK_MS = Date.parse('2026-03-01T00:00:00Z')

/** AAC-LC, 16 kHz, mono. */
const SOUND = makeAudioFormat({
  trackId: 2,
  timescale: 16_000,
  codec: 'aac',
  configuration: Uint8Array.of(0x14, 0x08),
})

/** One track of the camera, whose clock is not quite what it should be. */
class Track {
  readonly receiver: MediaReceiver
  readonly #format: TrackFormat
  readonly #ticksPerMs: number
  readonly #zero: number
  readonly #ssrc: number
  #sequenceNumber = 65_000

  constructor(
    format: TrackFormat,
    ppm: number,
    zero: number,
    options: Pick<ReceiverParts, 'stream' | 'clock' | 'now'>,
  ) {
    const payloadFormat = payloadFormatOf(format) ?? assert.fail()
    const clockRateHz = payloadFormat.clockRateHz(format)
    this.#format = format
    this.#ticksPerMs = (clockRateHz / 1000) * (1 + ppm / 1e6)
    this.#zero = zero
    this.#ssrc = format.trackId
    this.receiver = new MediaReceiver({
      stream: options.stream,
      trackId: format.trackId,
      format: {
        payloadType: 96,
        payloadFormat,
        clockRateHz,
        channels: 1,
        parameters: fmtp(payloadFormat.parameters(format)),
      },
      clock: options.clock,
      damaged: 'drop',
      reorderMs: 200,
      monotonicMs: options.now,
      log: SILENT_LOGGER,
    })
  }

  #timestamp(sourceMs: number): number {
    return Math.round(this.#zero + sourceMs * this.#ticksPerMs) % 2 ** 32
  }

  send(accessUnit: Uint8Array, sourceMs: number, arrivalMs: number): void {
    const timestamp = this.#timestamp(sourceMs)
    payloadFormatOf(this.#format)
      ?.packetizer(this.#format)
      .packetize(accessUnit, 1200, (payload, marker) => {
        const sequenceNumber = this.#sequenceNumber++ & 0xffff
        const bytes = writeRtpPacket({ payloadType: 96, marker, sequenceNumber, timestamp, ssrc: this.#ssrc }, payload)
        this.receiver.rtp(bytes, 0, bytes.length, arrivalMs)
      })
  }

  report(sourceMs: number, arrivalMs: number): void {
    const facts = { ssrc: this.#ssrc, packets: 0, payloadBytes: 0, rtpTimestamp: this.#timestamp(sourceMs) }
    this.receiver.rtcp(writeSenderReport({ ...facts, wallClockMs: WALL_CLOCK_MS + sourceMs }, 'camera'), arrivalMs)
  }
}

interface ReceiverParts {
  readonly stream: ConstructorParameters<typeof MediaReceiver>[0]['stream']
  readonly clock: SourceClock
  readonly now: () => number
}

/** Access units carry the moment they were taken at, in a tenth of a millisecond. */
function stamp(accessUnit: Uint8Array, sourceMs: number): Uint8Array {
  const view = Buffer.from(accessUnit.buffer, accessUnit.byteOffset)
  // Bytes of a NAL unit that could be mistaken for a start code don't matter here: nobody parses a slice's body.
  view.writeUInt32BE(Math.round(sourceMs * 10), accessUnit.length - 4)
  return accessUnit
}
const stampOf = (payload: Uint8Array) => Buffer.from(payload).readUInt32BE(payload.length - 4) / 10

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}

const IS_LONG = process.env['LONG_TESTS'] !== undefined

// A quarter of a day shows as much: clocks are four seconds apart by then.
for (const { hours, videoPpm, audioPpm } of [
  { hours: IS_LONG ? 24 : 6, videoPpm: 100, audioPpm: -100 },
  { hours: 6, videoPpm: -100, audioPpm: 100 },
]) {
  const lengthMs = hours * HOUR_MS
  test(`${hours} hours of a camera whose clocks run ${videoPpm} and ${audioPpm} ppm off: no drift, no growth`, {
    timeout: 240_000,
  }, async () => {
    let nowMs = 0
    const runtime = { nowMs: () => nowMs, monotonicMs: () => nowMs, newId: () => 'id', log: SILENT_LOGGER }
    const hub = new Hub(runtime, { maxPublishers: 1, gopMemoryBytes: 1_000_000 })
    const publication = hub.publish('live/cam1', {
      ...{ protocol: 'rtsp', remoteAddress: '', connectionId: '', encoder: '', ...NO_CONNECTION_FACTS },
      disconnect() {},
    })
    const disk = new MemoryDisk()
    const settings = {
      ...{ node: 'node', roots: ['/memory'], name: '{stream}', format: 'mp4' as const, timeZone: 'UTC' },
      ...{ durability: 'process' as const, fragmentMs: 900, trackWaitMs: 1_000, reconnectSeconds: 0 },
      ...{ queueBytes: 4_000_000, preRollSeconds: 0, preRollBytes: 0, containers: CONTAINERS },
    }
    let newest: { readonly path: string; readonly bytes: Uint8Array } | undefined
    const nothing = () => {}
    const recording = new Recording({
      id: 'id',
      ruleId: null,
      request: resolveRequest({ stream: 'live/cam1', rotate: { seconds: PART_SECONDS } }, settings),
      runtime,
      settings,
      disk: { files: disk.files, inUse: new FilesInUse() },
      transcoder: new AudioTranscoder({ runtime, aacEncoder: DEFAULT_AAC_ENCODER }), // AAC stays as it is: never starts
      events: {
        ...{ stateChanged: nothing, impaired: nothing, resumed: nothing, gap: nothing, partOpened: nothing },
        ...{ partRenaming: nothing, partDated: nothing, written: nothing, received: nothing, lost: nothing },
        partReady: (_recording, { path }) => {
          newest = { path, bytes: disk.parts.get(path)?.bytes ?? new Uint8Array(0) }
          disk.parts.delete(path)
        },
      },
      previous: undefined,
      refusal: () => undefined,
    })
    recording.attach(publication.stream)
    const shared = { stream: publication.stream, clock: new SourceClock(), now: runtime.monotonicMs }
    const video = new Track(H264, videoPpm, 4_000_000_000, shared)
    const audio = new Track(SOUND, audioPpm, 77, shared)

    /** How much later than it was taken each track's newest access unit lies. */
    const lag = new Map<number, number>()
    let apartMs = 0
    publication.stream.attach(
      {
        format: nothing,
        ended: nothing,
        accessUnit: ({ format, pts, payload }: AccessUnit) => {
          const sourceMs = stampOf(payload)
          lag.set(format.trackId, (pts * 1000) / format.timescale - sourceMs)
          if (sourceMs < SETTLED_MS) return
          apartMs = Math.max(apartMs, Math.abs((lag.get(1) ?? 0) - (lag.get(2) ?? 0)))
        },
      },
      { from: 'now', live: false },
    )

    let seed = 1
    const lateMs = () => {
      seed = (seed * 16_807) % 2_147_483_647
      return (LATE_MS * seed) / 2_147_483_647
    }
    const sound = new Uint8Array(40).fill(7)
    let soundMs = 0
    let sounds = 0
    let pictures = 0
    let heapBefore = 0
    let payloadBytes = 0
    for (let sourceMs = 0; sourceMs < lengthMs; sourceMs += PICTURE_MS) {
      // Our own clock is no better.
      nowMs = sourceMs * (1 + 50 / 1e6) + 5
      const kind = pictures++ % PICTURES_PER_GOP === 0 ? 'key' : 'inter'
      video.send(stamp(picture(kind, 60, 9), sourceMs), sourceMs, nowMs + lateMs())
      for (const { receiver } of [video, audio]) receiver.tick(nowMs + PICTURE_MS / 2)
      for (; soundMs < sourceMs + PICTURE_MS; soundMs = (++sounds * SAMPLES * 1000) / SOUND.timescale) {
        audio.send(stamp(sound, soundMs), soundMs, nowMs + (soundMs - sourceMs) + lateMs())
      }
      if (sourceMs % REPORT_MS === 0) for (const track of [video, audio]) track.report(sourceMs, nowMs)
      if (sourceMs % 1_000 === 0) {
        recording.tick()
        for (let i = 0; i < 30; i++) await Promise.resolve()
        payloadBytes = Math.max(payloadBytes, hub.payloads.inUseBytes)
      }
      if (sourceMs === 2 * HOUR_MS) heapBefore = heapBytes()
    }
    const heapGrowth = heapBytes() - heapBefore
    publication.end({ cause: 'unpublished', message: '' })
    for (const { receiver } of [video, audio]) receiver[Symbol.dispose]()
    await recording.stop()
    const { durationMs, parts, ledger, state, error } = recording.toDocument()
    assert.deepEqual([state, error], ['ready', null])
    assert.deepEqual(ledger.gaps, [])
    assert.deepEqual(
      ledger.tracks.map(({ kind, received, written, lost }) => [kind, received, written, lost]),
      [
        ['video', pictures, pictures, 0],
        ['audio', sounds, sounds, 0],
      ],
    )
    assert.ok(apartMs <= MAX_APART_MS, `${apartMs} ms apart`)
    assert.ok(Math.abs(durationMs - lengthMs) < 500, `${durationMs} ms long`)
    assert.equal(parts.length, lengthMs / 1000 / PART_SECONDS)
    for (const { startMs, sourceStartedAt } of parts) {
      const offMs = Date.parse(sourceStartedAt ?? '') - WALL_CLOCK_MS - startMs
      assert.ok(Math.abs(offMs) < MAX_APART_MS, `${sourceStartedAt} at ${startMs}`)
    }
    assert.ok(payloadBytes < MAX_PAYLOAD_BYTES, `${payloadBytes} bytes of payload`)
    assert.ok(heapGrowth < MAX_HEAP_GROWTH_BYTES, `${heapGrowth} bytes more`)
    assert.equal(hub.payloads.inUseBytes, 0)
    await assertTogether(newest?.bytes ?? new Uint8Array(0))
  })
}

/** In the file of the day's last minutes sound and picture of one moment lie beside each other. */
async function assertTogether(bytes: Uint8Array): Promise<void> {
  await using folder = await TempFolder.make()
  const path = folder.at('last.mp4')
  await writeFile(path, bytes)
  // That nothing decodes, the pictures being made up, is no news.
  Log.setLevel(AV_LOG_QUIET)
  const { packets } = await readWithFfmpeg8(path)
  const lags = [0, 1].map((track) =>
    packets.filter(({ streamIndex }) => streamIndex === track).map(({ ptsMs, payload }) => ptsMs - stampOf(payload)),
  )
  const [video = [], audio = []] = lags
  assert.ok(video.length > 2_000 && audio.length > 6_000, `${video.length} and ${audio.length} access units`)
  const apartMs = Math.max(Math.max(...video) - Math.min(...audio), Math.max(...audio) - Math.min(...video))
  assert.ok(apartMs <= MAX_APART_MS, `${apartMs} ms apart in the file`)
}
