import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { makeAudioFormat } from '#media/format.ts'
import type { SourceUnit } from './elementary-source.ts'

const run = promisify(execFile)

/** Rate at which sound is looked at. */
const RATE_HZ = 16_000
const LOUD = 0.08

/** libavfilter's source of a tone of `hertz` for 200 ms at the beginning of each second. */
export function beepSource(hertz: number, seconds: number, rateHz: number): string {
  return `aevalsrc='if(lt(mod(t,1),0.2),0.5*sin(2*PI*${hertz}*t),0)':s=${rateHz}:d=${seconds}`
}

/** A beep as it is heard. */
export interface Beep {
  readonly fromMs: number
  readonly toMs: number
  readonly hertz: number
}

/** The beeps in a file's first audio track, by its timestamps, as Debian's ffmpeg decodes it. */
export async function beepsOf(path: string): Promise<Beep[]> {
  return beepsIn(await soundOf(path))
}

/** Mono samples at 16 kHz; what has no sound by the timestamps is silent. */
export async function soundOf(path: string): Promise<Float32Array> {
  const filter = 'aresample=async=1:min_hard_comp=0.001:first_pts=0'
  const args = ['-v', 'error', '-i', path, '-map', '0:a:0', '-af', filter, '-ac', '1', '-ar', String(RATE_HZ)]
  const { stdout } = await run('ffmpeg', [...args, '-f', 'f32le', '-'], { encoding: 'buffer', maxBuffer: 2 ** 28 })
  return new Float32Array(new Uint8Array(stdout).buffer)
}

/** The same by the samples alone, one after the other, as most programs that convert sound take them. */
export async function countedSoundOf(path: string): Promise<Float32Array> {
  const args = [
    '-v',
    'error',
    '-i',
    path,
    '-map',
    '0:a:0',
    '-fps_mode',
    'passthrough',
    '-ac',
    '1',
    '-ar',
    String(RATE_HZ),
  ]
  const { stdout } = await run('ffmpeg', [...args, '-f', 'f32le', '-'], { encoding: 'buffer', maxBuffer: 2 ** 28 })
  return new Float32Array(new Uint8Array(stdout).buffer)
}

/** Stretches that are louder than the hum of an encoder; a pause of less than 20 ms belongs to the beep. */
export function beepsIn(sound: Float32Array): Beep[] {
  const beeps: Beep[] = []
  const pause = (20 * RATE_HZ) / 1000
  let from = -1
  let last = -1
  const end = () => {
    if (from >= 0) beeps.push({ fromMs: toMs(from), toMs: toMs(last), hertz: hertzOf(sound.subarray(from, last)) })
    from = -1
  }
  for (const [at, value] of sound.entries()) {
    if (Math.abs(value) > LOUD) {
      if (from < 0) from = at
      last = at
    } else if (from >= 0 && at - last > pause) end()
  }
  end()
  return beeps
}

function toMs(sample: number): number {
  return (sample * 1000) / RATE_HZ
}

/** From the times at which it crosses zero upwards. */
function hertzOf(sound: Float32Array): number {
  let crossings = 0
  let first = -1
  let last = -1
  for (let i = 1; i < sound.length; i++) {
    if ((sound[i - 1] ?? 0) >= 0 || (sound[i] ?? 0) < 0) continue
    if (first < 0) first = i
    else crossings++
    last = i
  }
  return last > first ? (crossings * RATE_HZ) / (last - first) : 0
}

/** Codecs whose stream is nothing but samples, and how ffmpeg calls it. */
const RAW = {
  pcma: { muxer: 'alaw', rateHz: 8_000, channels: 1, bytesPer20Ms: 160 },
  pcmu: { muxer: 'mulaw', rateHz: 8_000, channels: 1, bytesPer20Ms: 160 },
  l16: { muxer: 's16be', rateHz: 44_100, channels: 2, bytesPer20Ms: 3_528 },
  g722: { muxer: 'g722', rateHz: 16_000, channels: 1, bytesPer20Ms: 160 },
  g726: { muxer: 'g726le', rateHz: 8_000, channels: 1, bytesPer20Ms: 80 },
} as const

/** Beeps as a camera would send them: packets of 20 ms. The timescale is the sample rate. */
export async function beepUnits(
  codec: keyof typeof RAW,
  { hertz, seconds, trackId }: { hertz: number; seconds: number; trackId: number },
): Promise<SourceUnit[]> {
  const { muxer, rateHz, channels, bytesPer20Ms } = RAW[codec]
  const from = ['-v', 'error', '-f', 'lavfi', '-i', beepSource(hertz, seconds, rateHz), '-ac', String(channels)]
  const { stdout } = await run('ffmpeg', [...from, '-f', muxer, '-'], { encoding: 'buffer', maxBuffer: 2 ** 28 })
  const format = makeAudioFormat({
    trackId,
    codec,
    timescale: rateHz,
    configuration: codec === 'g726' ? Uint8Array.of(4) : new Uint8Array(0),
    sampleRateHz: rateHz,
    channels,
  })
  const units: SourceUnit[] = []
  for (let at = 0; at + bytesPer20Ms <= stdout.length; at += bytesPer20Ms) {
    const dts = (units.length * rateHz) / 50
    const payload = Uint8Array.from(stdout.subarray(at, at + bytesPer20Ms))
    units.push({ format, dts, pts: dts, isRandomAccess: true, payload })
  }
  return units
}

/** Units of several tracks in the order of their decoding times. */
export function interleaved(...tracks: readonly (readonly SourceUnit[])[]): SourceUnit[] {
  const atSeconds = ({ dts, format }: SourceUnit) => dts / format.timescale
  return tracks.flat().sort((a, b) => atSeconds(a) - atSeconds(b))
}
