/**
 * node bench/transcode.ts [--tracks 20] [--seconds 15] [--encoder aac|libfdk_aac]
 *
 * What transcoding sound to AAC costs: tracks as cameras and browsers send them, in packets of 20 ms and in real time.
 * CPU time of the child process and of this one, which does what the server would, in percent of a core for each track.
 * Beyond 1 % for a track of one channel, 2 % for two, the command fails.
 */
import { parseArgs } from 'node:util'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { AccessUnit } from '#media/access-unit.ts'
import type { AudioCodec } from '#media/codec.ts'
import { makeAudioFormat } from '#media/format.ts'
import { PayloadMemory } from '#media/payload-memory.ts'
import type { AudioFormat } from '#media/track.ts'
import { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { type AacEncoder, type TargetCodec, targetOf } from '#transcode/target.ts'
import { usageOf } from './support/process-usage.ts'

const { values } = parseArgs({
  options: {
    tracks: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '15' },
    encoder: { type: 'string', default: 'aac' },
  },
})
const tracks = Number(values.tracks)
const seconds = Number(values.seconds)
const UNIT_MS = 20
const LIMIT_PERCENT_PER_CHANNEL = 1
const CHORD_HZ = [220, 277, 330, 880]

const transcoder = new AudioTranscoder({
  runtime: { monotonicMs: () => performance.now(), log: SILENT_LOGGER },
  aacEncoder: values.encoder as AacEncoder,
})
const memory = new PayloadMemory()
const arena = memory.arena()
await transcoder.check()

const rows: Record<string, object> = {}
let isWithin = true
for (const [codec, rateHz, channels, sound] of [
  ['pcma', 8_000, 1, 'chords'],
  ['g722', 16_000, 1, 'chords'],
  ['l16', 44_100, 2, 'chords'],
  ['opus', 48_000, 1, 'chords'],
  ['opus', 48_000, 2, 'chords'],
  // An encoder that is to reach a bitrate finds it hardest where there is least to encode.
  ['opus', 48_000, 1, 'tone'],
  ['opus', 48_000, 2, 'tone'],
] as const) {
  const { format, payloads } = await source(codec, rateHz, channels, sound)
  const { childPercent, ownPercent, childBytes } = await measure(format, payloads)
  isWithin &&= childPercent + ownPercent <= LIMIT_PERCENT_PER_CHANNEL * channels
  rows[`${codec}, ${rateHz} Hz, ${channels} ch, ${sound}`] = {
    'child, %': childPercent.toFixed(2),
    'server, %': ownPercent.toFixed(2),
    'child, MiB': (childBytes / 1024 ** 2).toFixed(0),
  }
}
console.log(`${tracks} tracks for ${seconds} s each; percent of a core for each track`)
console.table(rows)
arena[Symbol.dispose]()
await transcoder[Symbol.asyncDispose]()
if (!isWithin) {
  console.error(`more than ${LIMIT_PERCENT_PER_CHANNEL} % of a core for each channel`)
  process.exitCode = 1
}

async function measure(format: AudioFormat, payloads: readonly Uint8Array[]) {
  const opened = Array.from({ length: tracks }, () => open(format, 'aac', () => {}))
  await push(opened, format, payloads, 1_000) // the child warms up
  const childBefore = usageOf(transcoder.pid ?? 0)
  const before = process.cpuUsage()
  const startedMs = performance.now()
  await push(opened, format, payloads, seconds * 1000, 1_000)
  const own = process.cpuUsage(before)
  const elapsedSeconds = (performance.now() - startedMs) / 1000
  const child = usageOf(transcoder.pid ?? 0)
  for (const track of opened) {
    await track.flush()
    track[Symbol.dispose]()
  }
  const percent = (cpuSeconds: number) => (100 * cpuSeconds) / elapsedSeconds / tracks
  return {
    childPercent: percent(child.cpuSeconds - childBefore.cpuSeconds),
    ownPercent: percent((own.user + own.system) / 1e6),
    childBytes: child.residentBytes,
  }
}

/** In real time. */
async function push(
  opened: readonly ReturnType<typeof open>[],
  format: AudioFormat,
  payloads: readonly Uint8Array[],
  forMs: number,
  fromMs = 0,
): Promise<void> {
  const startedMs = performance.now()
  for (let atMs = 0; atMs < forMs; atMs += UNIT_MS) {
    const aheadMs = startedMs + atMs - performance.now()
    if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs))
    const payload = payloads[((fromMs + atMs) / UNIT_MS) % payloads.length] ?? new Uint8Array(0)
    for (const track of opened) {
      const place = arena.reserve(payload.length)
      place.chunk.bytes.set(payload, place.start)
      const accessUnit = new AccessUnit(format, { dts: 0, pts: 0, isRandomAccess: true }, place)
      track.push(accessUnit, fromMs + atMs)
      accessUnit.release()
    }
  }
}

function open(format: AudioFormat, codec: TargetCodec, take: (payload: Uint8Array) => void) {
  return transcoder.open(format, targetOf(format, codec, 0), 16 * 1024 * 1024, {
    accessUnit: ({ payload }) => take(Uint8Array.from(payload)),
    lost: ({ accessUnits, cause }) => {
      throw new Error(`${accessUnits} access units lost: ${cause}`)
    },
  })
}

/** Four seconds of it. */
async function source(codec: AudioCodec, rateHz: number, channels: number, sound: 'chords' | 'tone') {
  const l16 = makeFormat('l16', rateHz, channels)
  const samples = sound === 'tone' ? music([440], 0, rateHz, channels) : music(CHORD_HZ, 1, rateHz, channels)
  const bytesPerUnit = (rateHz * UNIT_MS * channels * 2) / 1000
  const pieces = (bytes: Uint8Array, size: number) =>
    Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
  if (codec === 'l16') return { format: l16, payloads: pieces(samples, bytesPerUnit) }
  // One byte a sample, and two samples a byte: any bytes are sound.
  if (codec !== 'opus') return { format: makeFormat(codec, rateHz, channels), payloads: pieces(samples, 160) }
  const payloads: Uint8Array[] = []
  const encoding = open(l16, 'opus', (payload) => void payloads.push(payload))
  for (const [index, payload] of pieces(samples, bytesPerUnit).entries()) {
    await push([encoding], l16, [payload], UNIT_MS, index * UNIT_MS)
  }
  await encoding.flush()
  const { format } = encoding
  encoding[Symbol.dispose]()
  return { format, payloads }
}

function makeFormat(codec: AudioCodec, sampleRateHz: number, channels: number): AudioFormat {
  const configuration = new Uint8Array(0)
  return makeAudioFormat({ trackId: 1, codec, timescale: sampleRateHz, configuration, sampleRateHz, channels })
}

function music(tonesHz: readonly number[], noiseVolume: number, rateHz: number, channels: number): Uint8Array {
  const samples = new DataView(new ArrayBuffer(4 * rateHz * channels * 2))
  let noise = 1
  for (let i = 0; i < 4 * rateHz; i++) {
    noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) | 0
    const chord = tonesHz.reduce((sum, hz) => sum + Math.sin((2 * Math.PI * hz * i) / rateHz), 0)
    const value = chord * 3_000 + noiseVolume * (noise >> 20)
    for (let channel = 0; channel < channels; channel++) samples.setInt16((i * channels + channel) * 2, value)
  }
  return new Uint8Array(samples.buffer)
}
