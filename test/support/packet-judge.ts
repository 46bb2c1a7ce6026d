import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Demuxer } from 'node-av/api'
import {
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AV_NOPTS_VALUE,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants'
import { annexBUnits } from '#media/nal/annex-b.ts'
import { lengthPrefixedUnits } from '#media/nal/length-prefixed.ts'

/**
 * `as-is`: payloads as FFmpeg hands them out. `bare`: without what MPEG-TS wraps around them (ADTS headers, start
 * codes, delimiters, repeated parameter sets), so that a transport stream compares with other files.
 */
export type Framing = 'as-is' | 'bare'

export interface JudgedPacket {
  readonly ptsMs: number
  readonly dtsMs: number
  readonly isKey: boolean
  /** MD5 of the payload. */
  readonly hash: string
}

export interface JudgedTrack {
  readonly kind: 'video' | 'audio'
  readonly packets: readonly JudgedPacket[]
}

export interface JudgedFile {
  readonly durationMs: number
  /** Video before audio, whatever the file's order. */
  readonly tracks: readonly JudgedTrack[]
}

/** A file's tracks as FFmpeg 8 reads them. */
export async function judgedFile(path: string, framing: Framing): Promise<JudgedFile> {
  const isByteStream = path.endsWith('.ts')
  await using input = await Demuxer.open(await readFile(path))
  const tracks = input.streams.map(({ codecpar }) => {
    const kind = codecpar.codecType === AVMEDIA_TYPE_VIDEO ? ('video' as const) : ('audio' as const)
    // What FLV says between its tracks (a publisher's later onMetaData) is no track to be judged.
    const isMedia = kind === 'video' || codecpar.codecType === AVMEDIA_TYPE_AUDIO
    return { kind, isMedia, packets: [] as JudgedPacket[] }
  })
  for await (using packet of input.packets()) {
    const stream = packet === null ? undefined : input.streams[packet.streamIndex]
    if (packet === null || packet.data === null || stream === undefined) continue
    const toMs = (ticks: bigint) => (Number(ticks) * 1000 * stream.timeBase.num) / stream.timeBase.den
    const hash = createHash('md5')
    const pieces = framing === 'bare' ? barePieces(stream.codecpar.codecId, packet.data, isByteStream) : [packet.data]
    for (const piece of pieces) hash.update(piece)
    tracks[packet.streamIndex]?.packets.push({
      ptsMs: toMs(packet.pts),
      dtsMs: packet.dts === AV_NOPTS_VALUE ? Number.NaN : toMs(packet.dts),
      isKey: packet.isKeyframe,
      hash: hash.digest('hex'),
    })
  }
  const media = tracks.filter(({ isMedia }) => isMedia)
  const timed = media.map(({ kind, packets }) => ({ kind, packets: withEveryDts(packets) }))
  const byKind = timed.toSorted((a, b) => (a.kind === b.kind ? 0 : a.kind === 'video' ? -1 : 1))
  return { durationMs: input.duration * 1000, tracks: byKind }
}

/**
 * Matroska has no DTS, so FFmpeg knows none before it has seen how far pictures are reordered: those of the first ones
 * precede the first known in even steps.
 */
function withEveryDts(packets: readonly JudgedPacket[]): JudgedPacket[] {
  const known = packets.findIndex(({ dtsMs }) => !Number.isNaN(dtsMs))
  const firstMs = packets[known]?.dtsMs ?? packets[0]?.ptsMs ?? 0
  const stepMs = (packets[known + 1]?.dtsMs ?? Number.NaN) - firstMs || 1
  const anchor = Math.max(0, known)
  return packets.map((packet, index) =>
    Number.isNaN(packet.dtsMs) ? { ...packet, dtsMs: firstMs + (index - anchor) * stepMs } : packet,
  )
}

function barePieces(codecId: number, data: Uint8Array, isByteStream: boolean): Iterable<Uint8Array> {
  if (codecId === AV_CODEC_ID_AAC) return [isByteStream ? data.subarray(ADTS_HEADER_BYTES) : data]
  if (codecId !== AV_CODEC_ID_H264 && codecId !== AV_CODEC_ID_HEVC) return [data]
  const units = isByteStream ? annexBUnits(data) : lengthPrefixedUnits(data, 4)
  const isAdded = codecId === AV_CODEC_ID_H264 ? isAddedH264 : isAddedH265
  return units.filter((unit) => !isAdded(unit[0] ?? 0))
}

/** Without a CRC. ISO/IEC 13818-7 §6.2. */
const ADTS_HEADER_BYTES = 7

/** Parameter sets and the access unit delimiter. ITU-T H.264 table 7-1. */
const isAddedH264 = (firstByte: number) => (firstByte & 0x1f) >= 7 && (firstByte & 0x1f) <= 9

/** The same, and prefix SEI, which x265 leaves to hvcC beside the parameter sets. ITU-T H.265 table 7-1. */
const isAddedH265 = (firstByte: number) => (firstByte >> 1 >= 32 && firstByte >> 1 <= 35) || firstByte >> 1 === 39

/** Each part alone: a key first on every track, DTS that only grow. */
export function assertPlaysAlone(file: JudgedFile, name: string): void {
  for (const { kind, packets } of file.tracks) {
    assert.ok(packets[0]?.isKey, `${name}: the first ${kind} packet is no key`)
    for (const [index, { dtsMs }] of packets.entries()) {
      const before = packets[index - 1]?.dtsMs ?? Number.NEGATIVE_INFINITY
      assert.ok(dtsMs > before, `${name}: DTS of ${kind} packet ${index} is ${dtsMs} after ${before}`)
    }
  }
}

/** Most a time may differ from the source's by RTMP's milliseconds alone: both ends of the difference are rounded. */
const ROUNDING_MS = 1.01

/**
 * Every packet of a run is at its time of the source, but for one shift of the whole run; and sound and picture are
 * shifted alike, within a millisecond.
 * @param toleranceMs for what a publisher itself makes of its times
 */
export function assertSameTimes(
  run: readonly (readonly JudgedPacket[])[],
  source: readonly (readonly JudgedPacket[])[],
  name: string,
  toleranceMs: number = ROUNDING_MS,
): void {
  const shifts = run.map((packets, track) => {
    const differences = packets.map(({ ptsMs }, index) => ptsMs - (source[track]?.[index]?.ptsMs ?? Number.NaN))
    const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length
    for (const [index, difference] of differences.entries()) {
      const offMs = Math.abs(difference - mean)
      assert.ok(offMs <= toleranceMs, `${name}: packet ${index} of track ${track} is ${offMs} ms off`)
    }
    return mean
  })
  const [first = 0] = shifts
  for (const shift of shifts) {
    assert.ok(
      Math.abs(shift - first) < Math.max(1, toleranceMs - ROUNDING_MS),
      `${name}: sound is ${shift - first} ms against the picture`,
    )
  }
}
