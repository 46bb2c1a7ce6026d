import { TapedeckError } from '#base/error.ts'
import { buildAv1C, parseAv1C } from '#media/av1/av1c.ts'
import { leb128, readLeb128 } from '#media/av1/leb128.ts'
import { type Obu, ObuType, obus } from '#media/av1/obu.ts'
import { bytesEqual, concatBytes, copyOf } from '#media/bytes.ts'
import { BitstreamError } from '#media/errors.ts'
import type { RtpPacket } from '../packet.ts'
import type { Depacketizer, DepacketizerOptions, EmitPayload, Packetizer, PayloadFormat } from './payload-format.ts'
import { Scratch } from './scratch.ts'
import { UnitJoiner } from './unit-joiner.ts'

/** Bits of the aggregation header (AV1 RTP §4.4). */
const CONTINUES = 0x80
const IS_CONTINUED = 0x40
const COUNT_SHIFT = 4
const BEGINS_SEQUENCE = 0x08

/** Bits of an OBU's header. AV1 specification §5.3.2. */
const HAS_EXTENSION = 0x04
const HAS_SIZE = 0x02
/** obu_forbidden_bit and obu_reserved_1bit. */
const NEVER_SET = 0x81

/** RTP payload format for AV1 (AV1 RTP, AOM). */
export const av1Payload: PayloadFormat = {
  encoding: 'AV1',
  codec: 'av1',
  kind: 'video',
  depacketizer: (options) => new Av1Depacketizer(options),
  packetizer: () => new Av1Packetizer(),
  clockRateHz: () => 90_000,
  parameters({ configuration }) {
    if (configuration.length === 0) return ''
    const { profile, levelIdx, highTier } = parseAv1C(configuration)
    return `profile=${profile};level-idx=${levelIdx};tier=${highTier ? 1 : 0}`
  },
}

class Av1Depacketizer implements Depacketizer {
  readonly #joiner: UnitJoiner
  readonly #configured: DepacketizerOptions['configured']
  /** The OBU whose end has not come. */
  readonly #fragment = new Scratch()
  #hasFragment = false
  #sequenceHeader: Uint8Array | undefined

  constructor({ sink, configured }: DepacketizerOptions) {
    this.#joiner = new UnitJoiner(sink)
    this.#configured = configured
  }

  push(packet: RtpPacket, lostBefore: number): void {
    const { bytes, payloadStart, payloadEnd, timestamp, marker } = packet
    if (payloadStart === payloadEnd) return
    const header = bytes[payloadStart] ?? 0
    if (lostBefore > 0 || !this.#joiner.isAt(timestamp)) this.#dropFragment()
    // After a loss only what begins a coded video sequence is sure to begin a temporal unit.
    const isStart = (header & CONTINUES) === 0 && (lostBefore === 0 || (header & BEGINS_SEQUENCE) !== 0)
    this.#joiner.packet(timestamp, lostBefore, isStart)
    this.#elements(bytes, payloadStart + 1, payloadEnd, header)
    if (!marker) return
    this.#dropFragment()
    this.#joiner.end()
  }

  flush(): void {
    this.#dropFragment()
    this.#joiner.end()
  }

  #elements(bytes: Uint8Array, start: number, end: number, header: number): void {
    const count = (header >> COUNT_SHIFT) & 3
    for (let at = start, index = 1; at < end; index++) {
      let next = end
      if (count === 0 || index < count) {
        const size = elementSize(bytes, at, end)
        if (size === undefined) {
          this.#joiner.damaged()
          return
        }
        at = size.start
        next = size.end
      }
      const continues = index === 1 && (header & CONTINUES) !== 0
      if (next === end && index === count && !continues) at = withoutStrayLength(bytes, at, end)
      const isContinued = next === end && (header & IS_CONTINUED) !== 0
      this.#element(bytes, at, next, continues, isContinued)
      at = next
    }
  }

  #element(bytes: Uint8Array, start: number, end: number, continues: boolean, isContinued: boolean): void {
    if (continues && !this.#hasFragment) {
      this.#joiner.damaged()
      return
    }
    if (!continues) this.#dropFragment()
    if (!continues && !isContinued) {
      this.#obu(bytes, start, end)
      return
    }
    this.#fragment.append(bytes, start, end)
    this.#hasFragment = true
    if (isContinued) return
    this.#hasFragment = false
    if (this.#fragment.overflowed) this.#joiner.damaged()
    else this.#obu(this.#fragment.bytes, 0, this.#fragment.length)
    this.#fragment.clear()
  }

  /** Puts an OBU to the others of its temporal unit, with its size, which senders leave out. */
  #obu(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return
    const first = bytes[start] ?? 0
    const type = (first >> 3) & 15
    if (type === ObuType.temporalDelimiter || type === ObuType.tileList) return
    const at = this.#joiner.length
    if ((first & HAS_SIZE) !== 0) {
      this.#joiner.append(bytes, start, end)
    } else {
      const headerBytes = (first & HAS_EXTENSION) !== 0 ? 2 : 1
      if (end - start < headerBytes) {
        this.#joiner.damaged()
        return
      }
      const size = leb128(end - start - headerBytes)
      const header = Uint8Array.of(first | HAS_SIZE, bytes[start + 1] ?? 0)
      this.#joiner.append(header, 0, headerBytes)
      this.#joiner.append(size, 0, size.length)
      this.#joiner.append(bytes, start + headerBytes, end)
    }
    if (type === ObuType.sequenceHeader && this.#joiner.length > at) this.#take(bytes.subarray(start, end))
  }

  #take(sequenceHeader: Uint8Array): void {
    if (this.#sequenceHeader !== undefined && bytesEqual(this.#sequenceHeader, sequenceHeader)) return
    try {
      const [obu] = obus(sequenceHeader)
      if (obu === undefined) return
      const header = Uint8Array.of(((sequenceHeader[0] ?? 0) & ~HAS_EXTENSION) | HAS_SIZE)
      this.#configured(buildAv1C(concatBytes([header, leb128(obu.payload.length), obu.payload])), {})
      this.#sequenceHeader = copyOf(sequenceHeader)
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      this.#joiner.damaged()
    }
  }

  #dropFragment(): void {
    if (!this.#hasFragment) return
    this.#hasFragment = false
    this.#fragment.clear()
    this.#joiner.damaged()
  }
}

/** Where an element lies whose length is told; undefined when that is not in the packet. */
function elementSize(bytes: Uint8Array, at: number, end: number): { start: number; end: number } | undefined {
  try {
    const { value, end: start } = readLeb128(bytes, at)
    return start + value <= end ? { start, end: start + value } : undefined
  } catch (error) {
    if (error instanceof BitstreamError) return undefined
    throw error
  }
}

/**
 * Where the last element of a packet begins, which has no length. FFmpeg 8.1 leaves one there when the OBU after it did not
 * fit any more. It is told by what no OBU begins with: a forbidden or reserved bit. AV1 specification §5.3.2.
 */
function withoutStrayLength(bytes: Uint8Array, at: number, end: number): number {
  if (((bytes[at] ?? 0) & NEVER_SET) === 0) return at
  const element = elementSize(bytes, at, end)
  const isLength = element !== undefined && element.end === end && element.start < end
  return isLength && ((bytes[element.start] ?? 0) & NEVER_SET) === 0 ? element.start : at
}

/** An element for one packet or, in pieces, for several. */
class Av1Packetizer implements Packetizer {
  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void {
    const elements: Uint8Array[] = []
    let begins = 0
    for (const obu of obus(accessUnit)) {
      if (obu.type === ObuType.sequenceHeader) begins = BEGINS_SEQUENCE
      if (obu.type !== ObuType.temporalDelimiter) elements.push(withoutSize(obu))
    }
    const payload = new Uint8Array(maxPayloadBytes)
    let length = 1
    let header = begins
    const send = (marker: boolean) => {
      payload[0] = header
      emit(payload.subarray(0, length), marker)
      length = 1
      header = 0
    }
    for (const [index, element] of elements.entries()) {
      for (let at = 0; at < element.length; ) {
        // A length of up to three bytes, and something behind it.
        if (length + 4 > maxPayloadBytes) send(false)
        const piece = element.subarray(at, at + maxPayloadBytes - length - lengthBytes(maxPayloadBytes - length))
        const size = leb128(piece.length)
        payload.set(size, length)
        payload.set(piece, length + size.length)
        length += size.length + piece.length
        at += piece.length
        if (at === element.length) continue
        header |= IS_CONTINUED
        send(false)
        header = CONTINUES
      }
      if (index === elements.length - 1) send(true)
    }
  }
}

/** Bytes of the length of what fits into so many bytes together with it. */
function lengthBytes(room: number): number {
  return room <= 128 ? 1 : room <= 16_386 ? 2 : 3
}

/** The OBU as RTP wants it: its size is that of its element. */
function withoutSize({ whole, payload, temporalId, spatialId }: Obu): Uint8Array {
  const first = (whole[0] ?? 0) & ~HAS_SIZE
  const header = (first & HAS_EXTENSION) === 0 ? [first] : [first, (temporalId << 5) | (spatialId << 3)]
  return concatBytes([Uint8Array.from(header), payload])
}
