import {
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_AAC_LATM,
  AV_CODEC_ID_AC3,
  AV_CODEC_ID_ADPCM_G722,
  AV_CODEC_ID_AV1,
  AV_CODEC_ID_EAC3,
  AV_CODEC_ID_FLAC,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_MP3,
  AV_CODEC_ID_MPEG4,
  AV_CODEC_ID_OPUS,
  AV_CODEC_ID_PCM_ALAW,
  AV_CODEC_ID_PCM_MULAW,
  AV_CODEC_ID_PCM_S16BE,
  AV_CODEC_ID_PCM_S16LE,
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  type AVCodecID,
} from 'node-av/constants'
import { parseAdtsHeader } from '#media/aac/adts.ts'
import { buildAudioSpecificConfig } from '#media/aac/audio-specific-config.ts'
import { buildAv1C } from '#media/av1/av1c.ts'
import { canonicalTemporalUnit } from '#media/av1/obu.ts'
import { isAv1RandomAccess } from '#media/av1/random-access.ts'
import { bytesEqual, copyOf } from '#media/bytes.ts'
import type { Codec } from '#media/codec.ts'
import { describeInBand, type InBandDescription, isSelfDescribing } from '#media/in-band.ts'
import { mpeg4HeadersOf } from '#media/mpeg4/headers.ts'
import { annexBUnits } from '#media/nal/annex-b.ts'
import { h264Syntax } from '#protocols/rtp/payloads/h264.ts'
import { h265Syntax } from '#protocols/rtp/payloads/h265.ts'
import { NalAssembler, type NalSyntax } from '#protocols/rtp/payloads/nal-assembler.ts'
import { LoasReader } from './loas.ts'
import { UnitBuffer } from './unit-buffer.ts'

/** What a form tells of its track. */
export interface PayloadFormOptions {
  readonly codecId: AVCodecID
  /** Of the container, in its own form; empty when it has none. */
  readonly extradata: Uint8Array
  /** Ticks per second. */
  readonly timescale: number
  /** The codec configuration is known, or has changed: before the access unit it is about. */
  configured(configuration: Uint8Array, hints: Partial<InBandDescription>): void
  /** An access unit, borrowed, so many ticks after the packet's time. */
  unit(payload: Uint8Array, laterTicks: number): void
}

/** Packets of libavformat → access units as the hub has them. Bytes that decode to something stay as they are. */
export type PayloadForm = (packet: Uint8Array, isKey: boolean) => void

/** The hub's codec; undefined when it has none. */
export function codecOf(codecId: AVCodecID): Codec | undefined {
  return CODECS.get(codecId)
}

const CODECS: ReadonlyMap<AVCodecID, Codec> = new Map<AVCodecID, Codec>([
  [AV_CODEC_ID_H264, 'h264'],
  [AV_CODEC_ID_HEVC, 'h265'],
  [AV_CODEC_ID_AV1, 'av1'],
  [AV_CODEC_ID_VP9, 'vp9'],
  [AV_CODEC_ID_VP8, 'vp8'],
  [AV_CODEC_ID_MPEG4, 'mpeg4'],
  [AV_CODEC_ID_MJPEG, 'jpeg'],
  [AV_CODEC_ID_AAC, 'aac'],
  [AV_CODEC_ID_AAC_LATM, 'aac'],
  [AV_CODEC_ID_MP3, 'mp3'],
  [AV_CODEC_ID_OPUS, 'opus'],
  [AV_CODEC_ID_FLAC, 'flac'],
  [AV_CODEC_ID_AC3, 'ac3'],
  [AV_CODEC_ID_EAC3, 'eac3'],
  [AV_CODEC_ID_PCM_ALAW, 'pcma'],
  [AV_CODEC_ID_PCM_MULAW, 'pcmu'],
  [AV_CODEC_ID_PCM_S16BE, 'l16'],
  [AV_CODEC_ID_PCM_S16LE, 'l16'],
  [AV_CODEC_ID_ADPCM_G722, 'g722'],
])

/** First byte of avcC, hvcC (version 1) and av1C (marker and version). */
const RECORD_VERSIONS = new Map<AVCodecID, number>([
  [AV_CODEC_ID_H264, 1],
  [AV_CODEC_ID_HEVC, 1],
  [AV_CODEC_ID_AV1, 0x81],
])

/** Calls `configured` when that is known from the container already. */
export function payloadForm(options: PayloadFormOptions): PayloadForm {
  const { codecId, extradata, configured, unit } = options
  const whole: PayloadForm = (packet) => unit(packet, 0)
  const hasRecord = extradata.length > 0 && (RECORD_VERSIONS.get(codecId) ?? extradata[0]) === extradata[0]
  switch (codecId) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
      if (!hasRecord) return byteStream(codecId === AV_CODEC_ID_H264 ? h264Syntax : h265Syntax, options)
      configured(extradata, {})
      return whole
    case AV_CODEC_ID_AV1:
      if (hasRecord) configured(extradata, {})
      return temporalUnits(options, hasRecord)
    case AV_CODEC_ID_AAC:
      if (extradata.length === 0) return adts(options)
      configured(extradata, {})
      return whole
    case AV_CODEC_ID_AAC_LATM: {
      const reader = new LoasReader(options)
      return (packet) => reader.push(packet)
    }
    case AV_CODEC_ID_MPEG4:
      return pictures(options)
    case AV_CODEC_ID_PCM_S16LE:
      configured(new Uint8Array(0), {})
      return (packet) => unit(new Uint8Array(Buffer.from(packet).swap16()), 0)
    default: {
      const codec = codecOf(codecId)
      if (codec !== undefined && isSelfDescribing(codec)) return selfDescribing(codec, options)
      configured(extradata, {})
      return whole
    }
  }
}

/** NAL units behind start codes, as in MPEG-TS; parameter sets come with them. */
function byteStream(syntax: NalSyntax, { extradata, configured, unit }: PayloadFormOptions): PayloadForm {
  const assembler = new NalAssembler(new UnitBuffer((payload) => unit(payload, 0)), syntax, configured)
  assembler.preset([...annexBUnits(extradata)])
  let number = 0
  return (packet) => {
    assembler.packet(++number, 0)
    for (const each of annexBUnits(packet)) assembler.unit(each, 0, each.length)
    assembler.flush()
  }
}

function temporalUnits({ configured, unit }: PayloadFormOptions, hasRecord: boolean): PayloadForm {
  let told: Uint8Array | undefined
  return (packet) => {
    const payload = canonicalTemporalUnit(packet)
    if (!hasRecord && isAv1RandomAccess(payload)) {
      const configuration = buildAv1C(payload)
      if (told === undefined || !bytesEqual(told, configuration)) configured(configuration, {})
      told = configuration
    }
    if (payload.length > 0) unit(payload, 0)
  }
}

/** AAC that describes itself in front of each access unit. ISO/IEC 14496-3 §1.A.2. */
function adts({ configured, unit }: PayloadFormOptions): PayloadForm {
  let told: Uint8Array | undefined
  return (packet) => {
    const { objectType, sampleRateHz, channelConfiguration, headerBytes, frameBytes } = parseAdtsHeader(packet)
    const configuration = buildAudioSpecificConfig(objectType, sampleRateHz, channelConfiguration)
    if (told === undefined || !bytesEqual(told, configuration)) configured(configuration, {})
    told = configuration
    unit(packet.subarray(headerBytes, frameBytes), 0)
  }
}

function pictures({ extradata, configured, unit }: PayloadFormOptions): PayloadForm {
  let told = extradata
  if (told.length > 0) configured(told, {})
  return (packet) => {
    const headers = mpeg4HeadersOf(packet)
    if (headers !== undefined && !bytesEqual(told, headers)) {
      told = copyOf(headers)
      configured(told, {})
    }
    unit(packet, 0)
  }
}

function selfDescribing(codec: Parameters<typeof describeInBand>[0], options: PayloadFormOptions): PayloadForm {
  const isVideo = codec === 'vp8' || codec === 'vp9'
  let told = ''
  return (packet, isKey) => {
    if (!isVideo || isKey) {
      const description = describeInBand(codec, packet)
      const text = JSON.stringify(description)
      if (text !== told) options.configured(description.configuration, description)
      told = text
    }
    options.unit(packet, 0)
  }
}
