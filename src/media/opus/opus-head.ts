import { ByteReader, be, concatBytes, startsWithAscii } from '../bytes.ts'
import { asConfiguration, CodecConfigurationError } from '../errors.ts'

/** Opus always decodes at this rate, and counts pre-skip and durations in it. RFC 7845 §5.1. */
export const OPUS_SAMPLE_RATE_HZ = 48_000

const MAGIC = 'OpusHead'

/** Identification header, RFC 7845 §5.1. */
export interface OpusHead {
  readonly channels: number
  /** Samples at 48 kHz to throw away at the start. */
  readonly preSkip: number
  /** Rate of the encoder's input, 0 when unspecified; for information only. */
  readonly inputSampleRateHz: number
  /** Q7.8 dB, to be applied by the player. */
  readonly outputGain: number
  readonly mappingFamily: number
  /** Stream count, coupled count and the mapping; undefined for family 0. */
  readonly mapping: OpusChannelMapping | undefined
}

export interface OpusChannelMapping {
  readonly streams: number
  readonly coupledStreams: number
  /** Decoded channel for each output channel; 255 is silence. For families 2 and 3 whatever follows, uninterpreted. */
  readonly table: Uint8Array
}

/** @throws {CodecConfigurationError} */
export function parseOpusHead(record: Uint8Array): OpusHead {
  return asConfiguration('opus', () => {
    if (!startsWithAscii(record, MAGIC)) throw new CodecConfigurationError('opus', 'does not begin with OpusHead')
    const reader = new ByteReader(record, MAGIC)
    reader.slice(MAGIC.length)
    const version = reader.u8()
    if (version >> 4 !== 0) throw new CodecConfigurationError('opus', `has the unknown version ${version}`)
    const channels = reader.u8()
    const preSkip = swap16(reader.u16())
    const inputSampleRateHz = swap32(reader.u32())
    const outputGain = signed16(swap16(reader.u16()))
    return finish(reader, { channels, preSkip, inputSampleRateHz, outputGain })
  })
}

/** Body of the MP4 box dOps: the same fields, big-endian, without the magic. Opus in ISOBMFF v0.8.1 §4.3.2. */
export function buildDOps(head: OpusHead): Uint8Array {
  const gain = be(2, head.outputGain & 0xffff)
  const fixed = [Uint8Array.of(0, head.channels), be(2, head.preSkip), be(4, head.inputSampleRateHz), gain]
  return concatBytes([...fixed, mappingBytes(head)])
}

/** @throws {CodecConfigurationError} */
export function parseDOps(body: Uint8Array): OpusHead {
  return asConfiguration('opus', () => {
    const reader = new ByteReader(body, 'dOps')
    const version = reader.u8()
    if (version !== 0) throw new CodecConfigurationError('opus', `has dOps version ${version} instead of 0`)
    const channels = reader.u8()
    const preSkip = reader.u16()
    const inputSampleRateHz = reader.u32()
    const outputGain = signed16(reader.u16())
    return finish(reader, { channels, preSkip, inputSampleRateHz, outputGain })
  })
}

/** The identification header, the inverse of parseOpusHead(). RFC 7845 §5.1. */
export function buildOpusHead(head: OpusHead): Uint8Array {
  const bytes = new Uint8Array(18)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i)
  bytes[8] = 1 // version
  bytes[9] = head.channels
  view.setUint16(10, head.preSkip, true)
  view.setUint32(12, head.inputSampleRateHz, true)
  view.setInt16(16, head.outputGain, true)
  return concatBytes([bytes, mappingBytes(head)])
}

function mappingBytes({ mappingFamily, mapping }: OpusHead): Uint8Array {
  if (mapping === undefined) return Uint8Array.of(mappingFamily)
  return concatBytes([Uint8Array.of(mappingFamily, mapping.streams, mapping.coupledStreams), mapping.table])
}

/** The part that OpusHead and dOps share byte by byte. */
function finish(
  reader: ByteReader,
  fixed: Pick<OpusHead, 'channels' | 'preSkip' | 'inputSampleRateHz' | 'outputGain'>,
): OpusHead {
  const mappingFamily = reader.u8()
  if (fixed.channels === 0 || (mappingFamily === 0 && fixed.channels > 2)) {
    throw new CodecConfigurationError('opus', `has ${fixed.channels} channels in mapping family ${mappingFamily}`)
  }
  if (mappingFamily === 0) return { ...fixed, mappingFamily, mapping: undefined }
  const streams = reader.u8()
  const coupledStreams = reader.u8()
  if (reader.remaining < fixed.channels) throw new CodecConfigurationError('opus', 'ends inside its channel mapping')
  const table = reader.slice(mappingFamily === 1 || mappingFamily === 255 ? fixed.channels : reader.remaining)
  return { ...fixed, mappingFamily, mapping: { streams, coupledStreams, table } }
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8)
}

function swap32(value: number): number {
  return swap16(value & 0xffff) * 65_536 + swap16(value >>> 16)
}

function signed16(value: number): number {
  return (value << 16) >> 16
}
