import { FlvTagError } from './tag-error.ts'

/**
 * Packet types of enhanced tags. Enhanced RTMP v2, "VideoPacketType" and "AudioPacketType". Audio has no 3, and its 4
 * is MultichannelConfig, its 5 Multitrack.
 */
export const ExPacketType = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  codedFramesX: 3,
  metadata: 4,
  mpeg2TsSequenceStart: 5,
  multitrack: 6,
  modEx: 7,
} as const
export const AudioExPacketType = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  multichannelConfig: 4,
  multitrack: 5,
  modEx: 7,
} as const

/** Enhanced RTMP v2, "AvMultitrackType". */
export const MultitrackType = { oneTrack: 0, manyTracks: 1, manyTracksManyCodecs: 2 } as const

/** Enhanced RTMP v2, "VideoPacketModExType" and "AudioPacketModExType". */
const MOD_EX_TIMESTAMP_OFFSET_NANO = 0

/** What stands before the FourCC: modifiers, then the packet type they lead to. */
export interface ExPrologue {
  readonly packetType: number
  readonly timestampOffsetNs: number
  /** Where the prologue ends. */
  readonly offset: number
}

/**
 * Follows the ModEx chain after a tag's first byte. Unknown modifiers are skipped, as the specification asks.
 * @throws {FlvTagError}
 */
export function readExPrologue(body: Uint8Array, firstPacketType: number): ExPrologue {
  let packetType = firstPacketType
  let timestampOffsetNs = 0
  let offset = 1
  while (packetType === ExPacketType.modEx) {
    let dataBytes = byteAt(body, offset++) + 1
    if (dataBytes === 256) {
      dataBytes = ((byteAt(body, offset) << 8) | byteAt(body, offset + 1)) + 1
      offset += 2
    }
    const dataAt = offset
    offset += dataBytes
    const next = byteAt(body, offset++)
    packetType = next & 0x0f
    if (next >> 4 === MOD_EX_TIMESTAMP_OFFSET_NANO && dataBytes >= 3) timestampOffsetNs = readU24(body, dataAt)
  }
  return { packetType, timestampOffsetNs, offset }
}

/** One track's bytes after FourCC, track id and size. */
export interface TrackPart {
  readonly fourCcValue: number
  readonly multitrackId: number
  readonly packetType: number
  readonly bytes: Uint8Array
}

/**
 * Splits what follows the prologue into tracks. Enhanced RTMP v2, "ExVideoTagBody", "ExAudioTagBody".
 * @param multitrackPacketType 6 for video, 5 for audio
 * @throws {FlvTagError} a track reaches beyond the tag
 */
export function splitTracks(
  body: Uint8Array,
  prologue: ExPrologue,
  multitrackPacketType: number = ExPacketType.multitrack,
): TrackPart[] {
  let { packetType, offset } = prologue
  if (packetType !== multitrackPacketType) {
    return [{ fourCcValue: readU32(body, offset), multitrackId: 0, packetType, bytes: body.subarray(offset + 4) }]
  }
  const types = byteAt(body, offset++)
  const multitrackType = types >> 4
  packetType = types & 0x0f
  let fourCcValue = 0
  if (multitrackType !== MultitrackType.manyTracksManyCodecs) {
    fourCcValue = readU32(body, offset)
    offset += 4
  }
  if (multitrackType === MultitrackType.oneTrack) {
    return [{ fourCcValue, multitrackId: byteAt(body, offset), packetType, bytes: body.subarray(offset + 1) }]
  }
  const parts: TrackPart[] = []
  while (offset < body.length) {
    if (multitrackType === MultitrackType.manyTracksManyCodecs) {
      fourCcValue = readU32(body, offset)
      offset += 4
    }
    const multitrackId = byteAt(body, offset)
    const trackBytes = readU24(body, offset + 1)
    offset += 4
    if (offset + trackBytes > body.length)
      throw new FlvTagError(`multitrack tag gives track ${multitrackId} ${trackBytes} bytes`, body.length)
    parts.push({ fourCcValue, multitrackId, packetType, bytes: body.subarray(offset, offset + trackBytes) })
    offset += trackBytes
  }
  return parts
}

function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index]
  if (byte === undefined) throw new FlvTagError('enhanced tag ends inside its header', bytes.length)
  return byte
}

function readU24(bytes: Uint8Array, at: number): number {
  return (byteAt(bytes, at) << 16) | (byteAt(bytes, at + 1) << 8) | byteAt(bytes, at + 2)
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((byteAt(bytes, at) << 24) | readU24(bytes, at + 1)) >>> 0
}
