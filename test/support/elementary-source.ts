import { copyFile, readFile } from 'node:fs/promises'
import { Demuxer } from 'node-av/api'
import { AccessUnit } from '#media/access-unit.ts'
import { type AudioCodec, isVideoCodec, type VideoCodec } from '#media/codec.ts'
import type { PayloadMemory } from '#media/payload-memory.ts'
import type { TrackFormat } from '#media/track.ts'
import { cachedMedia } from './cached-media.ts'
import type { TempFolder } from './temp-folder.ts'

/** Encoder arguments per codec, quick and small. */
const VIDEO_ARGUMENTS: Readonly<Record<VideoCodec, readonly string[]>> = {
  h264: ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '25', '-pix_fmt', 'yuv420p'],
  h265: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=25:bframes=2:log-level=none'],
  av1: ['-c:v', 'libsvtav1', '-preset', '12', '-g', '25', '-svtav1-params', 'lp=1'],
  vp9: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '25'],
  vp8: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', '25'],
  mpeg4: ['-c:v', 'mpeg4', '-g', '25', '-flags', '+global_header'],
  jpeg: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'],
}
const AUDIO_ARGUMENTS: Readonly<Record<AudioCodec, readonly string[]>> = {
  aac: ['-c:a', 'aac', '-ar', '44100'],
  mp3: ['-c:a', 'libmp3lame', '-ar', '44100'],
  opus: ['-c:a', 'libopus', '-ar', '48000'],
  vorbis: ['-c:a', 'libvorbis', '-ar', '48000'],
  flac: ['-c:a', 'flac', '-ar', '44100'],
  ac3: ['-c:a', 'ac3', '-ar', '48000'],
  eac3: ['-c:a', 'eac3', '-ar', '48000'],
  pcma: ['-c:a', 'pcm_alaw', '-ar', '8000', '-ac', '1'],
  pcmu: ['-c:a', 'pcm_mulaw', '-ar', '8000', '-ac', '1'],
  l16: ['-c:a', 'pcm_s16be', '-ar', '44100'],
  g722: ['-c:a', 'g722', '-ar', '16000', '-ac', '1'],
  g726: ['-c:a', 'g726le', '-ar', '8000', '-ac', '1'],
}

export interface SourceOptions {
  readonly video?: VideoCodec
  readonly audio?: AudioCodec
  readonly seconds?: number
  readonly size?: string
  /** libavfilter's source of the sound; a tone by default. */
  readonly sound?: string
  /** Further encoder arguments; they win over the usual ones. */
  readonly encoding?: readonly string[]
}

export interface SourceUnit {
  readonly format: TrackFormat
  /** Ticks of the format's timescale; the smallest DTS of all is 0. */
  readonly dts: number
  readonly pts: number
  readonly isRandomAccess: boolean
  readonly payload: Uint8Array
}

/** A file ffmpeg made and the access units in it, in order of their DTS. */
export interface ElementarySource {
  readonly path: string
  readonly formats: readonly TrackFormat[]
  readonly units: readonly SourceUnit[]
}

/** A moving picture and a tone, encoded by ffmpeg. */
export async function makeSource(folder: TempFolder, options: SourceOptions): Promise<ElementarySource> {
  const { video, audio, seconds = 2, size = '320x180', sound, encoding = [] } = options
  const extension =
    video === 'vp8' || audio === 'g722'
      ? 'mkv'
      : audio === 'pcma' || audio === 'pcmu' || audio === 'l16'
        ? 'mov'
        : 'mp4'
  const name = ['source', video ?? 'none', audio ?? 'none', seconds, size, sound?.length ?? '', ...encoding].join('-')
  const path = folder.at(`${name.replaceAll(/[^\w.-]/g, '_')}.${extension}`)
  const inputs: string[] = []
  if (video !== undefined) inputs.push('-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${seconds}`)
  if (audio !== undefined) inputs.push('-f', 'lavfi', '-i', sound ?? `sine=frequency=440:duration=${seconds}`)
  const args = [
    ...['-threads', '1', ...inputs],
    ...(video === undefined ? [] : VIDEO_ARGUMENTS[video]),
    ...(audio === undefined ? [] : AUDIO_ARGUMENTS[audio]),
    ...encoding,
    ...['-strict', '-2'],
  ]
  await copyFile(await cachedMedia(args, extension), path)
  return readSource(path, [video, audio])
}

/** Reads what is in a file. @param codecs of its streams, in their order */
export async function readSource(
  path: string,
  codecs: readonly (VideoCodec | AudioCodec | undefined)[],
): Promise<ElementarySource> {
  const present = codecs.filter((codec) => codec !== undefined)
  await using input = await Demuxer.open(await readFile(path))
  const formats = input.streams.map((stream, index): TrackFormat => {
    const { codecpar } = stream
    const codec = present[index]
    if (codec === undefined) throw new Error(`${path} has more streams than expected`)
    const base = {
      trackId: index + 1,
      timescale: stream.timeBase.den / stream.timeBase.num,
      configuration: Uint8Array.from(codecpar.extradata ?? []),
      announcedBitrateBps: 0,
      language: 'und',
    }
    if (isVideoCodec(codec)) {
      return {
        ...base,
        kind: 'video',
        codec,
        widthPixels: codecpar.width,
        heightPixels: codecpar.height,
        pixelAspect: { horizontal: 1, vertical: 1 },
        frameRateHint: 25,
        color: undefined,
      }
    }
    const samplesPerAccessUnit = ['aac', 'mp3', 'ac3', 'eac3'].includes(codec) ? codecpar.frameSize : 0
    return {
      ...base,
      kind: 'audio',
      codec,
      sampleRateHz: codecpar.sampleRate,
      channels: codecpar.channels,
      samplesPerAccessUnit,
    }
  })
  const units: SourceUnit[] = []
  for await (const packet of input.packets()) {
    const format = packet === null ? undefined : formats[packet.streamIndex]
    if (packet === null || format === undefined || packet.data === null) continue
    units.push({
      format,
      dts: Number(packet.dts),
      pts: Number(packet.pts),
      isRandomAccess: packet.isKeyframe || format.kind === 'audio',
      payload: Uint8Array.from(packet.data),
    })
    packet.free()
  }
  const seconds = (unit: SourceUnit) => unit.dts / unit.format.timescale
  const zeroSeconds = Math.min(...units.map(seconds))
  const shifted = units.map((unit) => {
    const zero = Math.round(zeroSeconds * unit.format.timescale)
    return { ...unit, dts: unit.dts - zero, pts: unit.pts - zero }
  })
  return { path, formats, units: shifted.sort((a, b) => seconds(a) - seconds(b)) }
}

/** Makes the hub's unit out of a source's, `shiftTicks` later. The caller holds its only reference. */
export function toAccessUnit(memory: PayloadMemory, unit: SourceUnit, shiftTicks = 0): AccessUnit {
  using arena = memory.arena()
  const place = arena.reserve(unit.payload.length)
  place.bytes.set(unit.payload)
  const { dts, pts, isRandomAccess } = unit
  return new AccessUnit(unit.format, { dts: dts + shiftTicks, pts: pts + shiftTicks, isRandomAccess }, place)
}
