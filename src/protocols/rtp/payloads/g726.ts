import { type G726Bits, parseG726Bits } from '#media/pcm/g726.ts'
import type { TrackFormat } from '#media/track.ts'
import { RtpPacket } from '../packet.ts'
import type { Depacketizer, EmitPayload, Packetizer, PayloadFormat } from './payload-format.ts'
import { sampleAudioPayload } from './sample-audio.ts'

const BITS: readonly G726Bits[] = [4, 2, 3, 5]

/** Code words of this many bits fill this many octets without a rest. */
const GROUPS = { 2: [1, 4], 3: [3, 8], 4: [1, 2], 5: [5, 8] } as const

/** kbit/s of code words at 8 kHz, as in the encoding's name. */
const rate = (bits: G726Bits) => bits * 8

/** RTP payload formats of G.726 with code words packed from the least significant bit on (RFC 3551 §4.5.4). */
export const g726Payloads: readonly PayloadFormat[] = BITS.map((bits) => {
  const [groupBytes, groupTicks] = GROUPS[bits]
  const configuration = Uint8Array.of(bits)
  return sampleAudioPayload({ encoding: `G726-${rate(bits)}`, codec: 'g726', groupBytes, groupTicks, configuration })
})

/** The same with code words packed from the most significant bit on, as in ATM: repacked on their way. */
export const aal2G726Payloads: readonly PayloadFormat[] = g726Payloads.map((plain, index) => {
  const bits = BITS[index] ?? 4
  return {
    ...plain,
    encoding: `AAL2-${plain.encoding}`,
    depacketizer: (options) => new RepackingDepacketizer(plain.depacketizer(options), bits),
    packetizer: (format) => new RepackingPacketizer(plain.packetizer(format), bits),
  }
})

/** The payload format to send a G.726 track in. @throws {CodecConfigurationError} */
export function g726PayloadOf(format: TrackFormat): PayloadFormat | undefined {
  return g726Payloads[BITS.indexOf(parseG726Bits(format.configuration))]
}

class RepackingDepacketizer implements Depacketizer {
  readonly #plain: Depacketizer
  readonly #bits: G726Bits
  readonly #repacked = new RtpPacket()

  constructor(plain: Depacketizer, bits: G726Bits) {
    this.#plain = plain
    this.#bits = bits
  }

  push(packet: RtpPacket, lostBefore: number): void {
    const repacked = this.#repacked
    if (repacked.bytes.length < packet.payloadBytes) repacked.bytes = new Uint8Array(packet.payloadBytes)
    repacked.payloadEnd = fromMostToLeast(packet.payload, this.#bits, repacked.bytes)
    repacked.timestamp = packet.timestamp
    this.#plain.push(repacked, lostBefore)
  }

  flush(): void {
    this.#plain.flush()
  }
}

class RepackingPacketizer implements Packetizer {
  readonly #plain: Packetizer
  readonly #bits: G726Bits

  constructor(plain: Packetizer, bits: G726Bits) {
    this.#plain = plain
    this.#bits = bits
  }

  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void {
    this.#plain.packetize(accessUnit, maxPayloadBytes, (payload, marker, laterTicks) => {
      const repacked = new Uint8Array(payload.length)
      fromLeastToMost(payload, this.#bits, repacked)
      emit(repacked, marker, laterTicks)
    })
  }
}

/** Code words packed from the most significant bit of each octet on → from the least. Gives the octets written. */
function fromMostToLeast(source: Uint8Array, bits: G726Bits, target: Uint8Array): number {
  const mask = (1 << bits) - 1
  let [read, readBits, write, writeBits, octets] = [0, 0, 0, 0, 0]
  for (const octet of source) {
    read = ((read << 8) | octet) & 0xffff
    for (readBits += 8; readBits >= bits; readBits -= bits) {
      write |= ((read >> (readBits - bits)) & mask) << writeBits
      writeBits += bits
      if (writeBits < 8) continue
      target[octets++] = write & 0xff
      write >>= 8
      writeBits -= 8
    }
  }
  return octets
}

/** The other way round. */
function fromLeastToMost(source: Uint8Array, bits: G726Bits, target: Uint8Array): number {
  const mask = (1 << bits) - 1
  let [read, readBits, write, writeBits, octets] = [0, 0, 0, 0, 0]
  for (const octet of source) {
    read |= octet << readBits
    for (readBits += 8; readBits >= bits; readBits -= bits) {
      write = ((write << bits) | (read & mask)) & 0xffff
      read >>= bits
      writeBits += bits
      if (writeBits < 8) continue
      writeBits -= 8
      target[octets++] = (write >> writeBits) & 0xff
    }
  }
  return octets
}
