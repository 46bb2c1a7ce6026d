import type { AudioCodec } from '../codec.ts'
import { AudioExPacketType, MultitrackType, readExPrologue, splitTracks } from './ex-header.ts'
import { AUDIO_FOUR_CCS, audioCodecOfFourCc, fourCc, fourCcText, isFlvCodec } from './four-cc.ts'
import { FlvTagError } from './tag-error.ts'

/** SoundFormat. Adobe FLV 10.1, table E.4.2.1. */
const SoundFormat = { mp3: 2, pcma: 7, pcmu: 8, exHeader: 9, aac: 10, mp3At8Khz: 14 } as const
const UNSUPPORTED_NAMES: Readonly<Record<number, string>> = {
  0: 'PCM',
  1: 'ADPCM',
  3: 'PCM',
  4: 'Nellymoser 16 kHz',
  5: 'Nellymoser 8 kHz',
  6: 'Nellymoser',
  11: 'Speex',
  15: 'device-specific sound',
}
const SOUND_RATES_HZ = [5512, 11025, 22050, 44100] as const

/** configuration: the codec configuration follows. codedAudio: an access unit follows. channels: a channel map, not needed to decode. */
export type AudioTagKind = 'configuration' | 'codedAudio' | 'sequenceEnd' | 'channels' | 'ignored'

/** The header of an audio tag's body; the payload starts after `headerBytes`. */
export interface AudioTag {
  readonly kind: AudioTagKind
  /** Undefined: a codec the hub does not carry; `codecName` tells which. */
  readonly codec: AudioCodec | undefined
  readonly codecName: string
  /** Track of enhanced RTMP multitrack; 0 outside it. */
  readonly multitrackId: number
  /** What the legacy header claims; 0 in enhanced tags. Meaningless for AAC (always says 44100 and stereo). */
  readonly soundRateHz: number
  readonly soundChannels: number
  /** To be added to the tag's timestamp, nanoseconds. */
  readonly timestampOffsetNs: number
  readonly headerBytes: number
}

/** One track's share of an audio tag's body. */
export interface AudioTagPart {
  readonly tag: AudioTag
  /** Borrowed from the body. */
  readonly payload: Uint8Array
}

/** Whether parseAudioTag can read this body; ModEx and multitrack bodies need splitAudioTag. Looks at the first byte. */
export function isPlainAudioTag(firstByte: number): boolean {
  return firstByte >> 4 !== SoundFormat.exHeader || (firstByte & 0x0f) < AudioExPacketType.multitrack
}

/**
 * Reads the header of a plain tag body, legacy or enhanced; the first 5 bytes (or all, when shorter) are
 * enough. Adobe FLV 10.1 annex E.4.2; Enhanced RTMP v2, "Enhanced Audio".
 * @throws {FlvTagError} shorter than its own header
 */
export function parseAudioTag(body: Uint8Array): AudioTag {
  const first = byteAt(body, 0)
  const soundFormat = first >> 4
  if (soundFormat === SoundFormat.exHeader) {
    if (body.length < 5) throw new FlvTagError('audio tag ends inside its header', body.length)
    const value = ((byteAt(body, 1) << 24) | (byteAt(body, 2) << 16) | (byteAt(body, 3) << 8) | byteAt(body, 4)) >>> 0
    return enhancedTag(5, first & 0x0f, value, 0, 0)
  }
  const soundRateHz = soundFormat === SoundFormat.pcma || soundFormat === SoundFormat.pcmu ? 8000 : legacyRateHz(first)
  const base = { multitrackId: 0, soundRateHz, soundChannels: (first & 1) + 1, timestampOffsetNs: 0 }
  switch (soundFormat) {
    case SoundFormat.aac: {
      const kind = byteAt(body, 1) === 0 ? 'configuration' : 'codedAudio'
      return { ...base, kind, codec: 'aac', codecName: 'aac', headerBytes: 2 }
    }
    case SoundFormat.mp3:
      return { ...base, kind: 'codedAudio', codec: 'mp3', codecName: 'mp3', headerBytes: 1 }
    case SoundFormat.mp3At8Khz:
      return { ...base, soundRateHz: 8000, kind: 'codedAudio', codec: 'mp3', codecName: 'mp3', headerBytes: 1 }
    case SoundFormat.pcma:
      return { ...base, kind: 'codedAudio', codec: 'pcma', codecName: 'pcma', headerBytes: 1 }
    case SoundFormat.pcmu:
      return { ...base, kind: 'codedAudio', codec: 'pcmu', codecName: 'pcmu', headerBytes: 1 }
    default: {
      const codecName = UNSUPPORTED_NAMES[soundFormat] ?? `FLV audio format ${soundFormat}`
      return { ...base, kind: 'codedAudio', codec: undefined, codecName, headerBytes: 1 }
    }
  }
}

/**
 * Every track's part of a tag body of any shape: one for most, several with multitrack.
 * @throws {FlvTagError} shorter than it says
 */
export function splitAudioTag(body: Uint8Array): AudioTagPart[] {
  const first = byteAt(body, 0)
  if (isPlainAudioTag(first)) {
    const tag = parseAudioTag(body)
    return [{ tag, payload: body.subarray(tag.headerBytes) }]
  }
  const prologue = readExPrologue(body, first & 0x0f)
  return splitTracks(body, prologue, AudioExPacketType.multitrack).map(
    ({ fourCcValue, multitrackId, packetType, bytes }) => ({
      tag: enhancedTag(0, packetType, fourCcValue, multitrackId, prologue.timestampOffsetNs),
      payload: bytes,
    }),
  )
}

function enhancedTag(
  headerBytes: number,
  packetType: number,
  fourCcValue: number,
  multitrackId: number,
  timestampOffsetNs: number,
): AudioTag {
  const codec = audioCodecOfFourCc(fourCcValue)
  return {
    kind: KINDS[packetType] ?? 'ignored',
    codec,
    codecName: codec ?? fourCcText(fourCcValue),
    multitrackId,
    soundRateHz: 0,
    soundChannels: 0,
    timestampOffsetNs,
    headerBytes,
  }
}

const KINDS: readonly AudioTagKind[] = [
  'configuration', // SequenceStart
  'codedAudio', // CodedFrames
  'sequenceEnd', // SequenceEnd
  'ignored', // reserved
  'channels', // MultichannelConfig
]

export interface AudioTagFields {
  readonly kind: 'configuration' | 'codedAudio' | 'sequenceEnd'
  readonly codec: AudioCodec
  readonly sampleRateHz: number
  readonly channels: number
  /** Above 0: written as a multitrack tag of one track. Default 0. */
  readonly multitrackId?: number
}

/**
 * Writes the header that goes before a payload: legacy for AAC, MP3 and G.711 outside multitrack, enhanced for all
 * else. An MP3 rate the legacy header can't name is written as the nearest; readers take it from the frame itself.
 * @throws {FlvTagError} G.711 inside multitrack: enhanced RTMP has no FourCC for it; or the codec has no form in FLV at all
 */
export function audioTagHeader(fields: AudioTagFields): Uint8Array<ArrayBuffer> {
  const { kind, codec, sampleRateHz, channels, multitrackId = 0 } = fields
  const stereo = channels > 1 ? 1 : 0
  if (multitrackId === 0) {
    const isConfiguration = kind === 'configuration'
    switch (codec) {
      case 'aac': // Adobe FLV 10.1, E.4.2.1: rate and type of AAC are always 44 kHz and stereo
        return Uint8Array.of(0xaf, isConfiguration ? 0 : 1)
      case 'mp3':
        if (sampleRateHz === 8000) return Uint8Array.of((SoundFormat.mp3At8Khz << 4) | 2 | stereo)
        return Uint8Array.of((SoundFormat.mp3 << 4) | (rateIndex(sampleRateHz) << 2) | 2 | stereo)
      case 'pcma':
        return Uint8Array.of((SoundFormat.pcma << 4) | 2 | stereo)
      case 'pcmu':
        return Uint8Array.of((SoundFormat.pcmu << 4) | 2 | stereo)
      default: // the others have no legacy form
    }
  }
  const fourCcName = AUDIO_FOUR_CCS[codec]
  if (fourCcName === undefined) {
    throw new FlvTagError(
      isFlvCodec(codec) ? `${codec} can't be a multitrack audio track` : `${codec} has no form in FLV`,
      0,
    )
  }
  const value = fourCc(fourCcName)
  const four = [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
  const packetType = PACKET_TYPES[kind]
  const ex = SoundFormat.exHeader << 4
  if (multitrackId === 0) return Uint8Array.of(ex | packetType, ...four)
  return Uint8Array.of(
    ex | AudioExPacketType.multitrack,
    (MultitrackType.oneTrack << 4) | packetType,
    ...four,
    multitrackId,
  )
}

const PACKET_TYPES = {
  configuration: AudioExPacketType.sequenceStart,
  codedAudio: AudioExPacketType.codedFrames,
  sequenceEnd: AudioExPacketType.sequenceEnd,
} as const

function legacyRateHz(first: number): number {
  return SOUND_RATES_HZ[(first >> 2) & 3] ?? 44100
}

function rateIndex(sampleRateHz: number): number {
  let nearest = 0
  SOUND_RATES_HZ.forEach((rateHz, index) => {
    if (Math.abs(rateHz - sampleRateHz) < Math.abs((SOUND_RATES_HZ[nearest] ?? 0) - sampleRateHz)) nearest = index
  })
  return nearest
}

function byteAt(bytes: Uint8Array, index: number): number {
  const byte = bytes[index]
  if (byte === undefined) throw new FlvTagError('audio tag ends inside its header', bytes.length)
  return byte
}
