import { copyInto } from '#media/bytes.ts'
import { isVp9RandomAccess } from '#media/vp9/frame-header.ts'
import { parseVpcC } from '#media/vp9/vpcc.ts'
import type { RtpPacket } from '../packet.ts'
import type { Depacketizer, DepacketizerOptions, EmitPayload, Packetizer, PayloadFormat } from './payload-format.ts'
import { UnitJoiner } from './unit-joiner.ts'

/** Bits of the descriptor's first byte (RFC 9628 §4.2). */
const HAS_PICTURE_ID = 0x80
const INTER_PICTURE_PREDICTED = 0x40
const HAS_LAYERS = 0x20
const FLEXIBLE = 0x10
const START_OF_FRAME = 0x08
const END_OF_FRAME = 0x04
const HAS_SCALABILITY_STRUCTURE = 0x02
/** At most three, each with a bit that says another follows. */
const MAX_REFERENCES = 3

/** A superframe's index can list that many (VP9 bitstream specification annex B). */
const MAX_FRAMES = 8

/** RTP payload format for VP9 (RFC 9628). The spatial layers of a picture become a superframe. */
export const vp9Payload: PayloadFormat = {
  encoding: 'VP9',
  codec: 'vp9',
  kind: 'video',
  depacketizer: (options) => new Vp9Depacketizer(options),
  packetizer: () => new Vp9Packetizer(),
  clockRateHz: () => 90_000,
  parameters({ configuration }) {
    return configuration.length === 0 ? '' : `profile-id=${parseVpcC(configuration, 'vp9').profile}`
  },
}

/** What of a descriptor matters here. */
interface Descriptor {
  readonly bytes: number
  readonly spatialId: number
}

class Vp9Depacketizer implements Depacketizer {
  readonly #joiner: UnitJoiner
  /** Where the frames of the picture in progress end. */
  #frameEnds: number[] = []

  constructor({ sink }: DepacketizerOptions) {
    this.#joiner = new UnitJoiner(sink)
  }

  push({ bytes, payloadStart, payloadEnd, timestamp, marker }: RtpPacket, lostBefore: number): void {
    const descriptor = readDescriptor(bytes, payloadStart, payloadEnd)
    if (descriptor === undefined) return
    const first = bytes[payloadStart] ?? 0
    const isStart = (first & START_OF_FRAME) !== 0 && descriptor.spatialId === 0
    const joiner = this.#joiner
    if (joiner.isOpen && !joiner.isAt(timestamp)) {
      // The end of the open picture may be among what is missing.
      if (lostBefore > 0) joiner.damaged()
      this.#end()
    }
    joiner.packet(timestamp, lostBefore, isStart)
    joiner.append(bytes, payloadStart + descriptor.bytes, payloadEnd)
    if ((first & END_OF_FRAME) !== 0) this.#frameEnds.push(joiner.length)
    if (marker) this.#end()
  }

  flush(): void {
    this.#end()
  }

  #end(): void {
    if (this.#frameEnds.length > 1 && this.#frameEnds.length <= MAX_FRAMES) this.#appendIndex()
    this.#frameEnds = []
    this.#joiner.end()
  }

  #appendIndex(): void {
    const ends = this.#frameEnds
    const sizes = ends.map((end, index) => end - (ends[index - 1] ?? 0))
    const sizeBytes = Math.ceil((32 - Math.clz32(Math.max(...sizes))) / 8)
    const marker = 0xc0 | ((sizeBytes - 1) << 3) | (sizes.length - 1)
    const index = [marker]
    for (const size of sizes) for (let i = 0; i < sizeBytes; i++) index.push((size >>> (8 * i)) & 0xff)
    index.push(marker)
    this.#joiner.append(Uint8Array.from(index), 0, index.length)
  }
}

/** Undefined when nothing is left of the payload behind it. */
function readDescriptor(bytes: Uint8Array, start: number, end: number): Descriptor | undefined {
  const first = bytes[start] ?? 0
  let at = start + 1
  if ((first & HAS_PICTURE_ID) !== 0) at += ((bytes[at] ?? 0) & 0x80) !== 0 ? 2 : 1
  let spatialId = 0
  if ((first & HAS_LAYERS) !== 0) {
    spatialId = ((bytes[at] ?? 0) >> 1) & 7
    at += (first & FLEXIBLE) !== 0 ? 1 : 2 // TL0PICIDX
  }
  if ((first & FLEXIBLE) !== 0 && (first & INTER_PICTURE_PREDICTED) !== 0) {
    for (let references = 1; ((bytes[at++] ?? 0) & 1) !== 0 && references < MAX_REFERENCES; ) references++
  }
  if ((first & HAS_SCALABILITY_STRUCTURE) !== 0) at = scalabilityStructureEnd(bytes, at)
  return at < end ? { bytes: at - start, spatialId } : undefined
}

/** §4.2.1. */
function scalabilityStructureEnd(bytes: Uint8Array, start: number): number {
  const fields = bytes[start] ?? 0
  let at = start + 1
  if ((fields & 0x10) !== 0) at += 4 * ((fields >> 5) + 1) // Y: width and height of each spatial layer
  if ((fields & 0x08) === 0) return at // G: a picture group follows
  for (let pictures = bytes[at++] ?? 0; pictures > 0; pictures--) {
    const references = ((bytes[at++] ?? 0) >> 2) & 3
    at += references // P_DIFF
  }
  return at
}

class Vp9Packetizer implements Packetizer {
  /** Packets are put together here: what is emitted is lent. */
  #payload = new Uint8Array(0)

  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void {
    if (this.#payload.length !== maxPayloadBytes) this.#payload = new Uint8Array(maxPayloadBytes)
    const payload = this.#payload
    const room = maxPayloadBytes - 1
    const predicted = isVp9RandomAccess(accessUnit) ? 0 : INTER_PICTURE_PREDICTED
    for (let at = 0; at < accessUnit.length; at += room) {
      const end = Math.min(at + room, accessUnit.length)
      const isEnd = end === accessUnit.length
      payload[0] = predicted | (at === 0 ? START_OF_FRAME : 0) | (isEnd ? END_OF_FRAME : 0)
      copyInto(payload, 1, accessUnit, at, end)
      emit(payload.subarray(0, 1 + end - at), isEnd)
    }
  }
}
