import { TapedeckError } from '#base/error.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { concatBytes } from '#media/bytes.ts'
import type { Codec } from '#media/codec.ts'
import { bringsParameterSets } from '#media/nal/parameter-sets-in-band.ts'
import { buildOpusHead } from '#media/opus/opus-head.ts'
import type { AudioFormat, TrackFormat } from '#media/track.ts'
import { parseVpcC } from '#media/vp9/vpcc.ts'
import { CodecUnsupportedError } from '../errors.ts'

/** Codec ids, Matroska Codec Specifications. G.722 and G.711 go by their WAVE tags. */
const CODEC_IDS: Readonly<Partial<Record<Codec, string>>> = {
  h264: 'V_MPEG4/ISO/AVC',
  h265: 'V_MPEGH/ISO/HEVC',
  av1: 'V_AV1',
  vp9: 'V_VP9',
  vp8: 'V_VP8',
  mpeg4: 'V_MPEG4/ISO/ASP',
  jpeg: 'V_MJPEG',
  aac: 'A_AAC',
  mp3: 'A_MPEG/L3',
  opus: 'A_OPUS',
  vorbis: 'A_VORBIS',
  flac: 'A_FLAC',
  ac3: 'A_AC3',
  eac3: 'A_EAC3',
  pcma: 'A_MS/ACM',
  pcmu: 'A_MS/ACM',
  l16: 'A_PCM/INT/BIG',
  g722: 'A_MS/ACM',
}

/** wFormatTag of WAVEFORMATEX, as Microsoft's mmreg.h registers them, and bits of a sample. */
const WAVE_FORMATS: Readonly<Partial<Record<Codec, { readonly tag: number; readonly bits: number }>>> = {
  pcma: { tag: 0x0006, bits: 8 },
  pcmu: { tag: 0x0007, bits: 8 },
  g722: { tag: 0x028f, bits: 4 },
}

/** What WebM allows, of what the hub carries. WebM Container Guidelines, "Codec". */
const WEBM_CODECS: readonly Codec[] = ['vp8', 'vp9', 'av1', 'opus', 'vorbis']

/** Without its configuration record, a track of these would be there and unplayable. */
const NEEDS_CONFIGURATION: readonly Codec[] = ['h264', 'h265', 'av1', 'mpeg4', 'aac', 'vorbis', 'flac']

/** Codecs whose access units carry all that decoding needs, so that a player may ignore a new configuration. */
const SELF_DESCRIBING: readonly Codec[] = [
  ...(['av1', 'vp9', 'vp8', 'jpeg'] as const),
  ...(['mp3', 'opus', 'ac3', 'eac3', 'pcma', 'pcmu', 'l16', 'g722'] as const),
]

/** The two kinds of file this folder makes. */
export type DocType = 'webm' | 'matroska'

/** What errors call a file of the kind. */
export const DOC_TYPE_NAMES: Readonly<Record<DocType, string>> = { webm: 'WebM', matroska: 'Matroska' }

/** G.726 has no WAVE tag for the packing that RTP uses, so no reader would decode it. */
export function isCarried(docType: DocType, codec: Codec): boolean {
  return docType === 'webm' ? WEBM_CODECS.includes(codec) : codec in CODEC_IDS
}

/** The CodecID of a track. @throws {CodecUnsupportedError} the file can't hold it */
export function codecIdOf(docType: DocType, format: TrackFormat): string {
  const { codec, configuration } = format
  const id = CODEC_IDS[codec]
  const refuse = (reason: string) => new CodecUnsupportedError(DOC_TYPE_NAMES[docType], codec, reason)
  if (id === undefined || !isCarried(docType, codec)) throw refuse('its specification has no place for the codec')
  if (configuration.length === 0 && NEEDS_CONFIGURATION.includes(codec))
    throw refuse('its configuration record never arrived')
  return id
}

/** Which codec a track of ours holds; undefined: none that we write. */
export function codecOf(codecId: string, codecPrivate: Uint8Array): Codec | undefined {
  for (const [codec, id] of Object.entries(CODEC_IDS) as [Codec, string][]) {
    if (id !== codecId) continue
    const wave = WAVE_FORMATS[codec]
    if (wave === undefined || wave.tag === (codecPrivate[0] ?? 0) + (codecPrivate[1] ?? 0) * 256) return codec
  }
  return undefined
}

/** CodecPrivate, by the same specification as the ids; empty when the codec has none. */
export function codecPrivateOf(format: TrackFormat): Uint8Array {
  const { configuration } = format
  switch (format.codec) {
    case 'h264': // AVCDecoderConfigurationRecord
    case 'h265': // HEVCDecoderConfigurationRecord
    case 'av1': // AV1CodecConfigurationRecord
    case 'mpeg4': // headers with their start codes
    case 'aac': // AudioSpecificConfig
    case 'vorbis': // its headers
      return configuration
    case 'vp9':
      return vp9Features(configuration)
    case 'opus':
      return opusHeadOf(format)
    case 'flac': // the stream's marker, and STREAMINFO as the last metadata block
      return concatBytes([FLAC_MARKER, Uint8Array.of(0x80, 0, 0, configuration.length), configuration])
    case 'pcma':
    case 'pcmu':
    case 'g722':
      return waveFormat(format)
    case 'vp8':
    case 'jpeg':
    case 'mp3':
    case 'ac3':
    case 'eac3':
    case 'l16':
    case 'g726':
      return new Uint8Array()
  }
}

/** OpusHead. Publishers that send none mean one or two channels from the first sample on. */
export function opusHeadOf({ configuration, channels }: AudioFormat): Uint8Array {
  if (configuration.length > 0) return configuration
  const silent = { preSkip: 0, inputSampleRateHz: 48_000, outputGain: 0, mappingFamily: 0, mapping: undefined }
  return buildOpusHead({ ...silent, channels })
}

/** True when access units of `b` may follow those of `a` in a track without a player noticing, but for the picture's size. */
export function canShareTrack(a: TrackFormat, b: TrackFormat, first?: AccessUnit): boolean {
  if (a.codec !== b.codec) return false
  if (a.kind === 'audio' && b.kind === 'audio') {
    if (a.channels !== b.channels || a.sampleRateHz !== b.sampleRateHz) return false
  }
  if (isSelfDescribing(a.codec) || Buffer.compare(a.configuration, b.configuration) === 0) return true
  return first?.isRandomAccess === true && bringsParameterSets(first)
}

/** Whether a new configuration of this codec needs no new CodecPrivate. */
export function isSelfDescribing(codec: Codec): boolean {
  return SELF_DESCRIBING.includes(codec)
}

const FLAC_MARKER = Uint8Array.from([...'fLaC'].map((character) => character.charCodeAt(0)))

/** Features by id and length: profile, level, bit depth, chroma subsampling. WebM Container Guidelines, VP9 CodecPrivate. */
function vp9Features(vpcC: Uint8Array): Uint8Array {
  if (vpcC.length === 0) return vpcC
  try {
    const { profile, level, bitDepth, chromaSubsampling } = parseVpcC(vpcC, 'vp9')
    const leveled = level === 0 ? [] : [2, 1, level]
    return Uint8Array.of(...[1, 1, profile], ...leveled, ...[3, 1, bitDepth], ...[4, 1, chromaSubsampling])
  } catch (error) {
    if (error instanceof TapedeckError) return new Uint8Array() // optional, and every key frame says the same
    throw error
  }
}

/** WAVEFORMATEX, little-endian, without extra bytes. */
function waveFormat({ codec, channels, sampleRateHz }: AudioFormat): Uint8Array {
  const { tag, bits } = WAVE_FORMATS[codec] ?? { tag: 0, bits: 0 }
  const bytes = new Uint8Array(18)
  const view = new DataView(bytes.buffer)
  const blockBytes = Math.max(1, Math.floor((channels * bits) / 8))
  view.setUint16(0, tag, true) // wFormatTag
  view.setUint16(2, channels, true) // nChannels
  view.setUint32(4, sampleRateHz, true) // nSamplesPerSec
  view.setUint32(8, (sampleRateHz * channels * bits) / 8, true) // nAvgBytesPerSec
  view.setUint16(12, blockBytes, true) // nBlockAlign
  view.setUint16(14, bits, true) // wBitsPerSample
  return bytes // cbSize 0
}
