import { copyInto } from '#media/bytes.ts'
import type { RtpPacket } from '../packet.ts'
import type { Depacketizer, DepacketizerOptions, EmitPayload, Packetizer, PayloadFormat } from './payload-format.ts'
import { UnitJoiner } from './unit-joiner.ts'

/** Bits of the descriptor's first byte and of its extension (RFC 7741 §4.2). */
const EXTENDED = 0x80
const START_OF_PARTITION = 0x10
const PARTITION_INDEX = 0x07
const HAS_PICTURE_ID = 0x80
const HAS_TL0_PIC_INDEX = 0x40
const HAS_TID_OR_KEY_INDEX = 0x30
const LONG_PICTURE_ID = 0x80

/** RTP payload format for VP8 (RFC 7741). */
export const vp8Payload: PayloadFormat = {
  encoding: 'VP8',
  codec: 'vp8',
  kind: 'video',
  depacketizer: (options) => new Vp8Depacketizer(options),
  packetizer: () => new Vp8Packetizer(),
  clockRateHz: () => 90_000,
  parameters: () => '',
}

class Vp8Depacketizer implements Depacketizer {
  readonly #joiner: UnitJoiner

  constructor({ sink }: DepacketizerOptions) {
    this.#joiner = new UnitJoiner(sink)
  }

  push({ bytes, payloadStart, payloadEnd, timestamp, marker }: RtpPacket, lostBefore: number): void {
    const first = bytes[payloadStart] ?? 0
    const start = payloadStart + descriptorBytes(bytes, payloadStart)
    if (start >= payloadEnd) return
    const isStart = (first & START_OF_PARTITION) !== 0 && (first & PARTITION_INDEX) === 0
    this.#joiner.packet(timestamp, lostBefore, isStart)
    this.#joiner.append(bytes, start, payloadEnd)
    if (marker) this.#joiner.end()
  }

  flush(): void {
    this.#joiner.end()
  }
}

function descriptorBytes(bytes: Uint8Array, at: number): number {
  if (((bytes[at] ?? 0) & EXTENDED) === 0) return 1
  const fields = bytes[at + 1] ?? 0
  let length = 2
  if ((fields & HAS_PICTURE_ID) !== 0) length += ((bytes[at + 2] ?? 0) & LONG_PICTURE_ID) !== 0 ? 2 : 1
  if ((fields & HAS_TL0_PIC_INDEX) !== 0) length++
  if ((fields & HAS_TID_OR_KEY_INDEX) !== 0) length++
  return length
}

class Vp8Packetizer implements Packetizer {
  /** Packets are put together here: what is emitted is lent. */
  #payload = new Uint8Array(0)

  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void {
    if (this.#payload.length !== maxPayloadBytes) this.#payload = new Uint8Array(maxPayloadBytes)
    const payload = this.#payload
    const room = maxPayloadBytes - 1
    for (let at = 0; at < accessUnit.length; at += room) {
      const end = Math.min(at + room, accessUnit.length)
      payload[0] = at === 0 ? START_OF_PARTITION : 0
      copyInto(payload, 1, accessUnit, at, end)
      emit(payload.subarray(0, 1 + end - at), end === accessUnit.length)
    }
  }
}
