import { BitstreamError } from '#media/errors.ts'
import type { TrackFormat } from '#media/track.ts'
import type { RtpPacket } from '../packet.ts'
import type { Depacketizer, DepacketizerOptions, EmitPayload, Packetizer } from './payload-format.ts'
import { UnitJoiner } from './unit-joiner.ts'

/** Frame type and number of frames or fragments (RFC 4184 §4.1, RFC 4598 §4.1). */
const HEADER_BYTES = 2

/** What differs between the payload formats of AC-3 and E-AC-3. */
export interface SyncframeSyntax {
  /** What a packet has, by the first byte of its header. */
  contentOf(firstByte: number): 'frames' | 'firstFragment' | 'fragment'
  /** First byte of the header for a packet. */
  firstByte(content: 'frames' | 'firstFragment' | 'fragment', isMostOfFrame: boolean): number
  /** The access unit that begins the bytes. @throws {BitstreamError} */
  measure(bytes: Uint8Array): { readonly bytes: number; readonly samples: number; readonly sampleRateHz: number }
}

/** Whole access units of syncframes, or fragments of one. */
export class SyncframeDepacketizer implements Depacketizer {
  readonly #joiner: UnitJoiner
  readonly #syntax: SyncframeSyntax
  readonly #clockRateHz: number
  /** Of the access unit that is in progress: fragments that came, and how many there are. */
  #fragments = 0

  constructor({ sink, clockRateHz }: DepacketizerOptions, syntax: SyncframeSyntax) {
    this.#joiner = new UnitJoiner(sink)
    this.#syntax = syntax
    this.#clockRateHz = clockRateHz
  }

  push({ bytes, payloadStart, payloadEnd, timestamp, marker }: RtpPacket, lostBefore: number): void {
    const start = payloadStart + HEADER_BYTES
    if (start >= payloadEnd) return
    const content = this.#syntax.contentOf(bytes[payloadStart] ?? 0)
    if (content === 'frames') {
      this.#frames(bytes, start, payloadEnd, timestamp, lostBefore)
      return
    }
    const joiner = this.#joiner
    const beginsSync = bytes[start] === 0x0b && bytes[start + 1] === 0x77
    const isFirst = content === 'firstFragment' || (beginsSync && !joiner.isOpen)
    if (joiner.packet(timestamp, lostBefore, isFirst)) this.#fragments = 0
    this.#fragments++
    joiner.append(bytes, start, payloadEnd)
    const expected = bytes[payloadStart + 1] ?? 0
    if (!marker && this.#fragments < expected) return
    if (this.#fragments < expected) joiner.damaged()
    joiner.end()
  }

  flush(): void {
    if (this.#joiner.isOpen) this.#joiner.damaged()
    this.#joiner.end()
  }

  #frames(bytes: Uint8Array, start: number, end: number, timestamp: number, lostBefore: number): void {
    let lost = lostBefore
    let ticks = 0
    for (let at = start; at < end; ) {
      const unit = this.#measure(bytes.subarray(at, end))
      if (unit === undefined || at + unit.bytes > end) {
        this.#joiner.packet((timestamp + ticks) >>> 0, lost, false)
        this.#joiner.append(bytes, at, end)
        this.#joiner.end()
        return
      }
      this.#joiner.whole((timestamp + ticks) >>> 0, lost, bytes, at, at + unit.bytes)
      lost = 0
      ticks += Math.round((unit.samples * this.#clockRateHz) / unit.sampleRateHz)
      at += unit.bytes
    }
  }

  #measure(bytes: Uint8Array) {
    try {
      return this.#syntax.measure(bytes)
    } catch (error) {
      if (error instanceof BitstreamError) return undefined
      throw error
    }
  }
}

/** One access unit in each packet, or parted over several. */
export class SyncframePacketizer implements Packetizer {
  readonly #syntax: SyncframeSyntax

  constructor(syntax: SyncframeSyntax) {
    this.#syntax = syntax
  }

  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void {
    const room = maxPayloadBytes - HEADER_BYTES
    const packets = Math.ceil(accessUnit.length / room)
    // Decoders can begin with five eighths of a frame (RFC 4184 §4.1.1).
    const isMost = room >= (accessUnit.length * 5) / 8
    for (let i = 0; i < packets; i++) {
      const piece = accessUnit.subarray(i * room, (i + 1) * room)
      const payload = new Uint8Array(HEADER_BYTES + piece.length)
      const content = packets === 1 ? 'frames' : i === 0 ? 'firstFragment' : 'fragment'
      payload[0] = this.#syntax.firstByte(content, isMost)
      payload[1] = packets
      payload.set(piece, HEADER_BYTES)
      emit(payload, i === packets - 1)
    }
  }
}

/** RTP's clock for both is the sampling rate. */
export function samplingClock(format: TrackFormat): number {
  return format.kind === 'audio' ? format.sampleRateHz : format.timescale
}
