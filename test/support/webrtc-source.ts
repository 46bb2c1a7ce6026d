import { parseAvcC } from '#media/h264/avcc.ts'
import { hevcParameterSets, parseHvcC } from '#media/h265/hvcc.ts'
import { joinLengthPrefixed } from '#media/nal/length-prefixed.ts'
import type { TrackFormat } from '#media/track.ts'
import { put32 } from '#protocols/rtp/packet.ts'
import { payloadFormatOf } from '#protocols/rtp/payloads/all.ts'
import { writeSenderReport } from '#protocols/rtp/rtcp.ts'
import type { SourceUnit } from './elementary-source.ts'
import type { AnsweredMedium } from './webrtc-sdp.ts'

/** What browsers put into a packet. */
const MAX_PAYLOAD_BYTES = 1150
/** As many as Chromium keeps for retransmission, about. */
const HISTORY_PACKETS = 1024
const ONE_BYTE_PROFILE = 0xbede

/** A packet without its transport-wide sequence number, which is given when it is sent. */
export interface SourcePacket {
  readonly bytes: Uint8Array
  /** Where the transport-wide sequence number goes; undefined: it was not negotiated. */
  readonly transportWideAt: number | undefined
  readonly ssrc: number
  /** Of the media packet, also for a retransmission; counts on beyond 16 bits. */
  readonly sequence: number
  readonly isRetransmission: boolean
}

export interface ScriptedSourceOptions {
  readonly medium: AnsweredMedium
  readonly ssrc: number
  readonly rtxSsrc: number
  readonly rid: string | undefined
  readonly firstSequenceNumber: number
  readonly firstTimestamp: number
}

/** One RTP source: access units → packets with the header extensions that were agreed on, its reports, its memory. */
export class ScriptedSource {
  readonly medium: AnsweredMedium
  readonly rid: string | undefined
  ssrc: number
  rtxSsrc: number
  readonly #firstTimestamp: number
  readonly #history = new Map<number, SourcePacket>()
  #sequence: number
  #rtxSequence = 7
  #packets = 0
  #payloadBytes = 0
  #rateHz = 90_000

  constructor(options: ScriptedSourceOptions) {
    this.medium = options.medium
    this.rid = options.rid
    this.ssrc = options.ssrc
    this.rtxSsrc = options.rtxSsrc
    this.#sequence = options.firstSequenceNumber
    this.#firstTimestamp = options.firstTimestamp
  }

  /** A report makes sense. */
  get hasSent(): boolean {
    return this.#packets > 0
  }

  /** As browsers send it: parameter sets before each random access point. */
  packetize(unit: SourceUnit, atMs: number): SourcePacket[] {
    const format = payloadFormatOf(unit.format)
    if (format === undefined) throw new Error(`${unit.format.codec} has no payload format`)
    if (unit.format.codec !== this.medium.codec) {
      throw new Error(`the answer takes ${this.medium.codec}, the units are ${unit.format.codec}`)
    }
    this.#rateHz = format.clockRateHz(unit.format)
    const timestamp = this.#timestamp(atMs)
    const packets: SourcePacket[] = []
    format
      .packetizer(unit.format)
      .packetize(withParameterSets(unit), MAX_PAYLOAD_BYTES, (payload, marker, later = 0) => {
        packets.push(this.packet(payload, marker, timestamp + later))
      })
    return packets
  }

  /** A packet of the media, kept for retransmission. */
  packet(payload: Uint8Array, marker: boolean, timestamp: number): SourcePacket {
    const sequence = this.#sequence++
    const packet = this.#write(this.medium.payloadType, marker, sequence, timestamp, payload, sequence, false)
    this.#packets++
    this.#payloadBytes += payload.length
    this.#history.set(sequence & 0xffff, packet)
    this.#history.delete((sequence - HISTORY_PACKETS) & 0xffff)
    return packet
  }

  /** RFC 4588 when that was agreed on, else the packet once more; undefined: it is too old. */
  retransmission(sequenceNumber: number): SourcePacket | undefined {
    const kept = this.#history.get(sequenceNumber)
    const { rtxPayloadType } = this.medium
    if (kept === undefined) return undefined
    if (rtxPayloadType === undefined) return { ...kept, isRetransmission: true }
    const start = payloadStart(kept.bytes)
    const payload = new Uint8Array(2 + kept.bytes.length - start)
    payload[0] = sequenceNumber >>> 8
    payload[1] = sequenceNumber
    payload.set(kept.bytes.subarray(start), 2)
    const marker = ((kept.bytes[1] ?? 0) & 0x80) !== 0
    const timestamp = Buffer.from(kept.bytes.buffer, kept.bytes.byteOffset).readUInt32BE(4)
    return this.#write(rtxPayloadType, marker, this.#rtxSequence++, timestamp, payload, kept.sequence, true)
  }

  /** A probe as Chromium sends them: padding alone, with the payload type of retransmissions. */
  probe(paddingBytes = 255): SourcePacket | undefined {
    const { rtxPayloadType } = this.medium
    if (rtxPayloadType === undefined) return undefined
    const padding = new Uint8Array(paddingBytes)
    padding[paddingBytes - 1] = paddingBytes
    const probe = this.#write(rtxPayloadType, false, this.#rtxSequence++, 0, padding, -1, true)
    probe.bytes[0] = (probe.bytes[0] ?? 0) | 0x20
    return probe
  }

  /** Says which moment of the sender's clock a moment of the source is. */
  report(wallClockMs: number, atMs: number): Uint8Array {
    const { ssrc } = this
    const facts = { ssrc, wallClockMs, packets: this.#packets, payloadBytes: this.#payloadBytes }
    return writeSenderReport({ ...facts, rtpTimestamp: this.#timestamp(atMs) }, 'scripted')
  }

  #timestamp(atMs: number): number {
    return (this.#firstTimestamp + Math.round((atMs * this.#rateHz) / 1000)) >>> 0
  }

  #write(
    payloadType: number,
    marker: boolean,
    sequenceNumber: number,
    timestamp: number,
    payload: Uint8Array,
    sequence: number,
    isRetransmission: boolean,
  ): SourcePacket {
    const { mid, extensions } = this.medium
    const elements: number[] = []
    const text = (id: number | undefined, value: string) => {
      if (id !== undefined) elements.push((id << 4) | (value.length - 1), ...Buffer.from(value))
    }
    let transportWideAt: number | undefined
    if (extensions.transportWide !== undefined) {
      elements.push((extensions.transportWide << 4) | 1, 0, 0)
      transportWideAt = 17
    }
    text(extensions.mid, mid)
    if (this.rid !== undefined) text(isRetransmission ? extensions.repairedRid : extensions.rid, this.rid)
    while (elements.length % 4 !== 0) elements.push(0)
    const headBytes = 12 + (elements.length === 0 ? 0 : 4 + elements.length)
    const bytes = new Uint8Array(headBytes + payload.length)
    bytes[0] = elements.length === 0 ? 0x80 : 0x90
    bytes[1] = (marker ? 0x80 : 0) | payloadType
    bytes[2] = sequenceNumber >>> 8
    bytes[3] = sequenceNumber
    put32(bytes, 4, timestamp)
    put32(bytes, 8, isRetransmission ? this.rtxSsrc : this.ssrc)
    if (elements.length > 0) {
      put32(bytes, 12, ONE_BYTE_PROFILE * 2 ** 16 + elements.length / 4)
      bytes.set(elements, 16)
    }
    bytes.set(payload, headBytes)
    return { bytes, transportWideAt, ssrc: this.ssrc, sequence, isRetransmission }
  }
}

/** Of a packet of ours. */
function payloadStart(bytes: Uint8Array): number {
  return ((bytes[0] ?? 0) & 0x10) === 0 ? 12 : 16 + 4 * (((bytes[14] ?? 0) << 8) | (bytes[15] ?? 0))
}

function withParameterSets({ format, payload, isRandomAccess }: SourceUnit): Uint8Array {
  const sets = isRandomAccess ? parameterSets(format) : []
  return sets.length === 0 ? payload : Buffer.concat([joinLengthPrefixed(sets), payload])
}

function parameterSets({ codec, configuration }: TrackFormat): readonly Uint8Array[] {
  if (codec === 'h264') {
    const { sps, pps } = parseAvcC(configuration)
    return [...sps, ...pps]
  }
  return codec === 'h265' ? hevcParameterSets(parseHvcC(configuration)) : []
}
