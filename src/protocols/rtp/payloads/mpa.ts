import { BitstreamError } from '#media/errors.ts'
import { type Mp3FrameHeader, mp3SamplesPerFrame, parseMp3FrameHeader } from '#media/mp3/frame-header.ts'
import type { RtpPacket } from '../packet.ts'
import { u16 } from '../packet.ts'
import type { Depacketizer, DepacketizerOptions, EmitPayload, Packetizer, PayloadFormat } from './payload-format.ts'
import { UnitJoiner } from './unit-joiner.ts'

/** 16 bits that must be zero and the offset of a fragment in its frame (RFC 2250 §3.5). */
const HEADER_BYTES = 4

/** RTP payload format of MPEG audio (RFC 2250 §3.2): whole frames, or a fragment of one. Carries MP3 for us. */
export const mpaPayload: PayloadFormat = {
  encoding: 'MPA',
  codec: 'mp3',
  kind: 'audio',
  depacketizer: (options) => new MpaDepacketizer(options),
  packetizer: () => new MpaPacketizer(),
  clockRateHz: () => 90_000,
  parameters: () => '',
}

class MpaDepacketizer implements Depacketizer {
  readonly #joiner: UnitJoiner
  readonly #clockRateHz: number
  /** Of the frame in fragments. */
  #frameBytes = 0

  constructor({ sink, clockRateHz }: DepacketizerOptions) {
    this.#joiner = new UnitJoiner(sink)
    this.#clockRateHz = clockRateHz
  }

  push({ bytes, payloadStart, payloadEnd, timestamp }: RtpPacket, lostBefore: number): void {
    const start = payloadStart + HEADER_BYTES
    if (start >= payloadEnd) return
    const offset = u16(bytes, payloadStart + 2)
    if (offset > 0) this.#fragment(bytes, start, payloadEnd, timestamp, lostBefore, offset)
    else this.#frames(bytes, start, payloadEnd, timestamp, lostBefore)
  }

  flush(): void {
    if (this.#joiner.isOpen) this.#joiner.damaged()
    this.#joiner.end()
  }

  #fragment(
    bytes: Uint8Array,
    start: number,
    end: number,
    timestamp: number,
    lostBefore: number,
    offset: number,
  ): void {
    const joiner = this.#joiner
    if (joiner.packet(timestamp, lostBefore, false)) this.#frameBytes = 0
    else if (offset !== joiner.length) joiner.damaged()
    joiner.append(bytes, start, end)
    if (this.#frameBytes > 0 && offset + end - start >= this.#frameBytes) joiner.end()
  }

  #frames(bytes: Uint8Array, start: number, end: number, timestamp: number, lostBefore: number): void {
    const joiner = this.#joiner
    if (joiner.isOpen) {
      joiner.damaged()
      joiner.end()
    }
    let lost = lostBefore
    let samples = 0
    for (let at = start; at < end; ) {
      const header = frameHeader(bytes, at, end)
      if (header === undefined) return
      const time = (timestamp + Math.round((samples * this.#clockRateHz) / header.sampleRateHz)) >>> 0
      const next = at + header.frameBytes
      if (next > end) {
        joiner.packet(time, lost, true)
        joiner.append(bytes, at, end)
        this.#frameBytes = header.frameBytes
        return
      }
      joiner.whole(time, lost, bytes, at, next)
      lost = 0
      samples += header.samples
      at = next
    }
  }
}

/** Undefined when no frame of a kind that the hub carries begins there. */
function frameHeader(bytes: Uint8Array, at: number, end: number): Mp3FrameHeader | undefined {
  try {
    const header = parseMp3FrameHeader(bytes.subarray(at, end))
    // Layers I and II have other frame durations than the hub's MP3, but for layer II at MPEG-1's rates.
    return header.samples === mp3SamplesPerFrame(3, header.sampleRateHz) ? header : undefined
  } catch (error) {
    if (error instanceof BitstreamError) return undefined
    throw error
  }
}

class MpaPacketizer implements Packetizer {
  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void {
    const room = maxPayloadBytes - HEADER_BYTES
    for (let at = 0; at < accessUnit.length; at += room) {
      const piece = accessUnit.subarray(at, at + room)
      const payload = new Uint8Array(HEADER_BYTES + piece.length)
      payload[2] = at >> 8
      payload[3] = at
      payload.set(piece, HEADER_BYTES)
      // The marker would say that silence was left out before (§3.2).
      emit(payload, false)
    }
  }
}
