import type { Codec } from '#media/codec.ts'
import type { TrackFormat } from '#media/track.ts'
import { StreamId } from './pes.ts'

/** How the programme map and the PES header announce a codec. */
export interface StreamKind {
  readonly streamType: number
  readonly streamId: number
  /** format_identifier of the registration descriptor, '' for none. */
  readonly registration: string
}

/**
 * Stream types of H.222.0 table 2-34, and of ATSC A/52 annex A for AC-3 and E-AC-3. Opus is private data under its
 * registration ("Encapsulation of Opus in MPEG-TS", opus-codec.org). Codecs that are missing have no mapping that
 * players know.
 */
const KINDS: Readonly<Partial<Record<Codec, StreamKind>>> = {
  h264: { streamType: 0x1b, streamId: StreamId.video, registration: '' },
  h265: { streamType: 0x24, streamId: StreamId.video, registration: 'HEVC' },
  mpeg4: { streamType: 0x10, streamId: StreamId.video, registration: '' },
  aac: { streamType: 0x0f, streamId: StreamId.audio, registration: '' },
  mp3: { streamType: 0x03, streamId: StreamId.audio, registration: '' },
  opus: { streamType: 0x06, streamId: StreamId.private1, registration: 'Opus' },
  ac3: { streamType: 0x81, streamId: StreamId.private1, registration: 'AC-3' },
  eac3: { streamType: 0x87, streamId: StreamId.private1, registration: 'EAC3' },
}

/** Sampling rates below this are MPEG-2's (ISO/IEC 13818-3), with a stream type of their own. */
const MPEG1_AUDIO_MIN_HZ = 32_000
const MPEG2_AUDIO_STREAM_TYPE = 0x04

export function isCarried(codec: Codec): boolean {
  return KINDS[codec] !== undefined
}

/** How a track is announced; undefined when MPEG-TS cannot carry it. */
export function streamKindOf(format: TrackFormat): StreamKind | undefined {
  const kind = KINDS[format.codec]
  if (
    kind !== undefined &&
    format.codec === 'mp3' &&
    format.kind === 'audio' &&
    format.sampleRateHz < MPEG1_AUDIO_MIN_HZ
  ) {
    return { ...kind, streamType: MPEG2_AUDIO_STREAM_TYPE }
  }
  return kind
}

/** Descriptors of a track in the programme map. H.222.0 §2.6. */
export function descriptorsOf(format: TrackFormat, kind: StreamKind): Uint8Array {
  const descriptors: number[] = []
  if (kind.registration !== '') descriptors.push(0x05, 4, ...ascii(kind.registration)) // registration_descriptor
  if (format.kind === 'audio' && format.codec === 'opus') {
    // extension_descriptor of DVB with Opus's tag; channel_config_code is the channel count for 1 to 8.
    descriptors.push(0x7f, 2, 0x80, format.channels)
  }
  if (format.language.length === 3 && format.language !== 'und') {
    descriptors.push(0x0a, 4, ...ascii(format.language), 0) // ISO_639_language_descriptor, audio_type undefined
  }
  return Uint8Array.from(descriptors)
}

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0) & 0x7f)
}
