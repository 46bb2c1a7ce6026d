import { copyOf } from '../bytes.ts'
import type { Codec } from '../codec.ts'
import { FlvTagError } from './tag-error.ts'

const STREAM_INFO_BYTES = 34
/** `fLaC`, then the header of a last metadata block of type STREAMINFO. RFC 9639 §8.1. */
const FLAC_PREFIX = Uint8Array.of(0x66, 0x4c, 0x61, 0x43, 0x80, 0, 0, STREAM_INFO_BYTES)
const VPCC_BYTES = 8
/** Version 1, no flags: the full-box head of a vpcC box. */
const VPCC_VERSION = Uint8Array.of(1, 0, 0, 0)

/**
 * The configuration record of a sequence-start tag in the hub's form (media/codec.ts), copied out of the tag. Empty for
 * codecs that describe themselves in every access unit.
 *
 * Seen in the field: FLAC as `fLaC` with its STREAMINFO block (Enhanced RTMP v2) and as bare STREAMINFO (FFmpeg 8);
 * vpcC with its four version bytes (FFmpeg 8) and without; AC-3 with an empty record (FFmpeg 8).
 * @throws {FlvTagError} too short to be one
 */
export function canonicalConfiguration(codec: Codec, body: Uint8Array): Uint8Array {
  switch (codec) {
    case 'flac':
      return copyOf(flacStreamInfo(body))
    case 'vp9':
    case 'vp8': {
      if (body.length >= VPCC_VERSION.length + VPCC_BYTES && body[0] === 1 && body[1] === 0 && body[2] === 0) {
        return copyOf(body)
      }
      return body.length === 0 ? copyOf(body) : joined(VPCC_VERSION, body)
    }
    case 'mp3':
    case 'ac3':
    case 'eac3':
    case 'pcma':
    case 'pcmu':
      return new Uint8Array(0)
    default:
      if (body.length === 0) throw new FlvTagError(`${codec} sequence start without a configuration record`, 0)
      return copyOf(body)
  }
}

/** The payload of a sequence-start tag for a configuration in the hub's form; undefined: the codec needs no such tag. */
export function flvConfiguration(codec: Codec, configuration: Uint8Array): Uint8Array | undefined {
  switch (codec) {
    case 'flac':
      return joined(FLAC_PREFIX, configuration)
    case 'mp3':
    case 'ac3':
    case 'eac3':
    case 'pcma':
    case 'pcmu':
      return undefined
    default:
      return configuration.length === 0 ? undefined : configuration
  }
}

/** Finds the STREAMINFO block's body, bare or behind its marker and block header. */
function flacStreamInfo(body: Uint8Array): Uint8Array {
  const hasMarker = body[0] === 0x66 && body[1] === 0x4c && body[2] === 0x61 && body[3] === 0x43
  // A block header is type 0 (perhaps with the last-block bit) and the length 34.
  const afterMarker = hasMarker ? body.subarray(4) : body
  const hasBlockHeader =
    afterMarker.length >= 4 + STREAM_INFO_BYTES &&
    ((afterMarker[0] ?? 1) & 0x7f) === 0 &&
    afterMarker[3] === STREAM_INFO_BYTES
  const streamInfo = hasBlockHeader ? afterMarker.subarray(4) : afterMarker
  if (streamInfo.length < STREAM_INFO_BYTES)
    throw new FlvTagError('FLAC sequence start without STREAMINFO', body.length)
  return streamInfo.subarray(0, STREAM_INFO_BYTES)
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length)
  bytes.set(first)
  bytes.set(second, first.length)
  return bytes
}
