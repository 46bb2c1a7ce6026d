import type { VideoCodec } from '../codec.ts'
import { ExPacketType, MultitrackType, readExPrologue, splitTracks } from './ex-header.ts'
import { fourCc, fourCcText, VIDEO_FOUR_CCS, videoCodecOfFourCc } from './four-cc.ts'
import { FlvTagError } from './tag-error.ts'

/** CodecID of the legacy header. Adobe FLV 10.1, table E.4.3.1; 12 is a widespread custom of encoders before enhanced RTMP. */
const LEGACY_AVC = 7
const LEGACY_HEVC = 12
const LEGACY_NAMES: Readonly<Record<number, string>> = {
  1: 'JPEG',
  2: 'Sorenson H.263',
  3: 'Screen video',
  4: 'On2 VP6',
  5: 'On2 VP6 with alpha',
  6: 'Screen video 2',
}

/** Frame type of every video tag. Adobe FLV 10.1, table E.4.3.1. */
const FrameType = { key: 1, inter: 2, disposableInter: 3, generatedKey: 4, command: 5 } as const

/**
 * configuration: the codec configuration record follows. codedPicture: an access unit follows. metadata: AMF values
 * (HDR colour). command: a seek hint of servers, no picture. ignored: nothing a recording needs.
 */
export type VideoTagKind = 'configuration' | 'codedPicture' | 'sequenceEnd' | 'metadata' | 'command' | 'ignored'

/** The header of a video tag's body; the payload starts after `headerBytes`. */
export interface VideoTag {
  readonly kind: VideoTagKind
  /** Undefined: a codec the hub does not carry; `codecName` tells which. */
  readonly codec: VideoCodec | undefined
  readonly codecName: string
  /** Track of enhanced RTMP multitrack; 0 outside it. */
  readonly multitrackId: number
  readonly isKeyFrame: boolean
  /** PTS minus DTS, milliseconds, may be negative. */
  readonly compositionTimeMs: number
  /** To be added to the tag's timestamp, nanoseconds. */
  readonly timestampOffsetNs: number
  readonly headerBytes: number
}

/** One track's share of a video tag's body. */
export interface VideoTagPart {
  readonly tag: VideoTag
  /** Borrowed from the body. */
  readonly payload: Uint8Array
}

/** Whether parseVideoTag can read this body; ModEx and multitrack bodies need splitVideoTag. Looks at the first byte. */
export function isPlainVideoTag(firstByte: number): boolean {
  return (firstByte & 0x80) === 0 || (firstByte & 0x0f) < ExPacketType.multitrack
}

/**
 * Reads the header of a plain tag body, legacy or enhanced; the first 8 bytes (or all, when shorter) are
 * enough. Adobe FLV 10.1 annex E.4.3; Enhanced RTMP v2, "Enhanced Video".
 * @throws {FlvTagError} shorter than its own header
 */
export function parseVideoTag(body: Uint8Array): VideoTag {
  const first = byteAt(body, 0)
  if ((first & 0x80) !== 0) {
    needBytes(body, 5)
    return enhancedTag(body, 5, (first >> 4) & 7, first & 0x0f, readFourCc(body, 1), 0, 0)
  }
  return legacyTag(body, first)
}

/**
 * Every track's part of a tag body of any shape: one for most, several with multitrack.
 * @throws {FlvTagError} shorter than it says
 */
export function splitVideoTag(body: Uint8Array): VideoTagPart[] {
  const first = byteAt(body, 0)
  if (isPlainVideoTag(first)) {
    const tag = parseVideoTag(body)
    return [{ tag, payload: body.subarray(tag.headerBytes) }]
  }
  const frameType = (first >> 4) & 7
  const prologue = readExPrologue(body, first & 0x0f)
  if (frameType === FrameType.command && prologue.packetType !== ExPacketType.metadata) {
    return [{ tag: commandTag(prologue.offset), payload: body.subarray(prologue.offset) }]
  }
  const { timestampOffsetNs } = prologue
  return splitTracks(body, prologue).map(({ fourCcValue, multitrackId, packetType, bytes }) => {
    const tag = enhancedTag(bytes, 0, frameType, packetType, fourCcValue, multitrackId, timestampOffsetNs)
    return { tag, payload: bytes.subarray(tag.headerBytes) }
  })
}

function legacyTag(body: Uint8Array, first: number): VideoTag {
  const frameType = first >> 4
  const codecId = first & 0x0f
  if (frameType === FrameType.command) return commandTag(1)
  const base = { multitrackId: 0, isKeyFrame: isKey(frameType), timestampOffsetNs: 0 }
  if (codecId !== LEGACY_AVC && codecId !== LEGACY_HEVC) {
    const codecName = LEGACY_NAMES[codecId] ?? `FLV video codec ${codecId}`
    return { ...base, kind: 'codedPicture', codec: undefined, codecName, compositionTimeMs: 0, headerBytes: 1 }
  }
  const codec = codecId === LEGACY_AVC ? 'h264' : 'h265'
  const packetType = byteAt(body, 1)
  if (packetType >= 2) {
    const kind = packetType === 2 ? 'sequenceEnd' : 'ignored'
    return { ...base, kind, codec, codecName: codec, compositionTimeMs: 0, headerBytes: Math.min(5, body.length) }
  }
  needBytes(body, 5)
  return {
    ...base,
    kind: packetType === 0 ? 'configuration' : 'codedPicture',
    codec,
    codecName: codec,
    compositionTimeMs: packetType === 0 ? 0 : readS24(body, 2),
    headerBytes: 5,
  }
}

/** A tag whose FourCC is known and whose packet-type dependent part starts at `offset`. */
function enhancedTag(
  body: Uint8Array,
  offset: number,
  frameType: number,
  packetType: number,
  fourCcValue: number,
  multitrackId: number,
  timestampOffsetNs: number,
): VideoTag {
  if (frameType === FrameType.command && packetType !== ExPacketType.metadata) return commandTag(offset)
  const codec = videoCodecOfFourCc(fourCcValue)
  const hasCompositionTime = packetType === ExPacketType.codedFrames && (codec === 'h264' || codec === 'h265')
  if (hasCompositionTime) needBytes(body, offset + 3)
  return {
    kind: KINDS[packetType] ?? 'ignored',
    codec,
    codecName: codec ?? fourCcText(fourCcValue),
    multitrackId,
    isKeyFrame: isKey(frameType),
    compositionTimeMs: hasCompositionTime ? readS24(body, offset) : 0,
    timestampOffsetNs,
    headerBytes: hasCompositionTime ? offset + 3 : offset,
  }
}

const KINDS: readonly VideoTagKind[] = [
  'configuration', // SequenceStart
  'codedPicture', // CodedFrames
  'sequenceEnd', // SequenceEnd
  'codedPicture', // CodedFramesX
  'metadata', // Metadata
  'ignored', // MPEG2TSSequenceStart: AV1's TS descriptor, which says nothing SequenceStart does not
]

function commandTag(headerBytes: number): VideoTag {
  return {
    kind: 'command',
    codec: undefined,
    codecName: '',
    multitrackId: 0,
    isKeyFrame: false,
    compositionTimeMs: 0,
    timestampOffsetNs: 0,
    headerBytes,
  }
}

export interface VideoTagFields {
  readonly kind: 'configuration' | 'codedPicture' | 'sequenceEnd'
  readonly codec: VideoCodec
  readonly isKeyFrame: boolean
  /** Milliseconds; written for h264 and h265 only, whose pictures alone are reordered in FLV. Default 0. */
  readonly compositionTimeMs?: number
  /** Above 0: written as a multitrack tag of one track. Default 0. */
  readonly multitrackId?: number
}

/**
 * Writes the header that goes before a payload: legacy for H.264 outside multitrack, enhanced for all else.
 * @throws {FlvTagError} the codec has neither
 */
export function videoTagHeader(fields: VideoTagFields): Uint8Array<ArrayBuffer> {
  const { kind, codec, compositionTimeMs = 0, multitrackId = 0 } = fields
  const frameType = fields.isKeyFrame || kind !== 'codedPicture' ? FrameType.key : FrameType.inter
  if (codec === 'h264' && multitrackId === 0) {
    const packetType = kind === 'configuration' ? 0 : kind === 'codedPicture' ? 1 : 2
    return Uint8Array.of(
      (frameType << 4) | LEGACY_AVC,
      packetType,
      ...s24(kind === 'codedPicture' ? compositionTimeMs : 0),
    )
  }
  const isReordered = (codec === 'h264' || codec === 'h265') && compositionTimeMs !== 0
  const packetType =
    kind === 'configuration'
      ? ExPacketType.sequenceStart
      : kind === 'sequenceEnd'
        ? ExPacketType.sequenceEnd
        : isReordered || (codec !== 'h264' && codec !== 'h265')
          ? ExPacketType.codedFrames
          : ExPacketType.codedFramesX
  const compositionTime = kind === 'codedPicture' && isReordered ? s24(compositionTimeMs) : []
  const fourCcName = VIDEO_FOUR_CCS[codec]
  if (fourCcName === undefined) throw new FlvTagError(`${codec} has no form in FLV`, 0)
  const four = u32(fourCc(fourCcName))
  const ex = 0x80 | (frameType << 4)
  if (multitrackId === 0) return Uint8Array.of(ex | packetType, ...four, ...compositionTime)
  const oneTrack = (MultitrackType.oneTrack << 4) | packetType
  return Uint8Array.of(ex | ExPacketType.multitrack, oneTrack, ...four, multitrackId, ...compositionTime)
}

function isKey(frameType: number): boolean {
  return frameType === FrameType.key || frameType === FrameType.generatedKey
}

function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index]
  if (byte === undefined) throw new FlvTagError('video tag ends inside its header', bytes.length)
  return byte
}

function needBytes(bytes: Uint8Array, count: number): void {
  if (bytes.length < count) throw new FlvTagError('video tag ends inside its header', bytes.length)
}

function readFourCc(bytes: Uint8Array, at: number): number {
  return (
    ((byteAt(bytes, at) << 24) |
      (byteAt(bytes, at + 1) << 16) |
      (byteAt(bytes, at + 2) << 8) |
      byteAt(bytes, at + 3)) >>>
    0
  )
}

function readS24(bytes: Uint8Array, at: number): number {
  return ((byteAt(bytes, at) << 24) | (byteAt(bytes, at + 1) << 16) | (byteAt(bytes, at + 2) << 8)) >> 8
}

function s24(value: number): number[] {
  return [(value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]
}

function u32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}
