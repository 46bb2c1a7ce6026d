import { copyInto } from '#media/bytes.ts'
import { buildHvcC, hevcParameterSets, parseHvcC } from '#media/h265/hvcc.ts'
import { H265NalUnitType, h265NalUnitType } from '#media/h265/nal-unit-type.ts'
import { lengthPrefixedUnits } from '#media/nal/length-prefixed.ts'
import type { RtpPacket } from '../packet.ts'
import { base64Units } from './base64-units.ts'
import { NalAssembler, type NalSyntax } from './nal-assembler.ts'
import type { Depacketizer, DepacketizerOptions, Packetizer, PayloadFormat } from './payload-format.ts'

/** Types of RFC 7798 §4.4 beyond those of NAL units. */
const TYPE = { aggregation: 48, fragmentation: 49 } as const
const FU_START = 0x80
const FU_END = 0x40
const HEADER_BYTES = 2

const { vps, sps, pps } = H265NalUnitType

/** NAL units of H.265. */
export const h265Syntax: NalSyntax = {
  typeOf: h265NalUnitType,
  isSlice: (type) => type < vps,
  // first_slice_segment_in_pic_flag (§7.3.6.1).
  beginsPicture: (bytes, start) => ((bytes[start + HEADER_BYTES] ?? 0) & 0x80) !== 0,
  isParameterSet: (type) => type === vps || type === sps || type === pps,
  parameterSetKey: (unit) => (h265NalUnitType(unit[0] ?? 0) << 8) | parameterSetId(unit),
  configuration(sets) {
    const has = (type: number) => sets.some((unit) => h265NalUnitType(unit[0] ?? 0) === type)
    return has(vps) && has(sps) && has(pps) ? buildHvcC(sets) : undefined
  },
}

/** An SPS's id stands behind a structure of variable length: sources with more than one are not met, so it counts as 0. */
function parameterSetId(unit: Uint8Array): number {
  const type = h265NalUnitType(unit[0] ?? 0)
  if (type === sps) return 0
  const first = unit[HEADER_BYTES] ?? 0
  if (type === vps) return first >> 4
  const zeros = Math.clz32(first << 24)
  return zeros > 3 ? 255 : (first >> (7 - 2 * zeros)) - 1
}

/** RTP payload format for H.265 without interleaving between pictures (RFC 7798). */
export const h265Payload: PayloadFormat = {
  encoding: 'H265',
  codec: 'h265',
  kind: 'video',
  depacketizer: (options) => new H265Depacketizer(options),
  packetizer: () => new H265Packetizer(),
  clockRateHz: () => 90_000,
  parameters(format) {
    const units = hevcParameterSets(parseHvcC(format.configuration))
    const listed = ([name, type]: readonly [string, number]) => {
      const sets = units.filter((unit) => h265NalUnitType(unit[0] ?? 0) === type)
      return `sprop-${name}=${sets.map((unit) => Buffer.from(unit).toString('base64')).join(',')}`
    }
    return (
      [
        ['vps', vps],
        ['sps', sps],
        ['pps', pps],
      ] as const
    )
      .map(listed)
      .join(';')
  },
}

class H265Depacketizer implements Depacketizer {
  readonly #assembler: NalAssembler
  /** With reordering allowed each unit carries its decoding order number; what is never reordered is in order. */
  readonly #hasOrderNumbers: boolean
  readonly #header = new Uint8Array(HEADER_BYTES)

  constructor({ sink, parameters, configured }: DepacketizerOptions) {
    this.#assembler = new NalAssembler(sink, h265Syntax, configured)
    this.#hasOrderNumbers = Number(parameters.get('sprop-max-don-diff') ?? 0) > 0
    const names = ['sprop-vps', 'sprop-sps', 'sprop-pps']
    this.#assembler.preset(names.flatMap((name) => base64Units(parameters.get(name))))
  }

  push(packet: RtpPacket, lostBefore: number): void {
    const { bytes, payloadStart: start, payloadEnd: end } = packet
    const assembler = this.#assembler
    if (end - start < HEADER_BYTES) return
    assembler.packet(packet.timestamp, lostBefore)
    const type = h265NalUnitType(bytes[start] ?? 0)
    const orderBytes = this.#hasOrderNumbers ? 2 : 0
    if (type < TYPE.aggregation) {
      if (orderBytes === 0) assembler.unit(bytes, start, end)
      else this.#withoutOrder(bytes, start, end)
    } else if (type === TYPE.aggregation) {
      this.#aggregate(bytes, start + HEADER_BYTES + orderBytes, end)
    } else if (type === TYPE.fragmentation && end - start > HEADER_BYTES) {
      const fragmentHeader = bytes[start + HEADER_BYTES] ?? 0
      const isLast = (fragmentHeader & FU_END) !== 0
      if ((fragmentHeader & FU_START) !== 0) {
        this.#header[0] = ((bytes[start] ?? 0) & 0x81) | ((fragmentHeader & 0x3f) << 1)
        this.#header[1] = bytes[start + 1] ?? 0
        assembler.fragmentStart(this.#header, bytes, Math.min(end, start + HEADER_BYTES + 1 + orderBytes), end)
        if (isLast) assembler.fragment(bytes, end, end, true)
      } else assembler.fragment(bytes, start + HEADER_BYTES + 1, end, isLast)
    } else assembler.damaged() // PACI, which is never sent, or a reserved type
    if (packet.marker) assembler.marker()
  }

  flush(): void {
    this.#assembler.flush()
  }

  /** A single unit with its order number between header and content (§4.4.1). */
  #withoutOrder(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < HEADER_BYTES + 2) return
    this.#header.set(bytes.subarray(start, start + HEADER_BYTES))
    this.#assembler.fragmentStart(this.#header, bytes, start + HEADER_BYTES + 2, end)
    this.#assembler.fragment(bytes, end, end, true)
  }

  #aggregate(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at + 2 <= end; ) {
      const unitBytes = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
      const next = at + 2 + unitBytes
      if (next > end) {
        this.#assembler.damaged()
        return
      }
      this.#assembler.unit(bytes, at + 2, next)
      // Each further unit has the difference of its order number in a byte before its size (§4.4.2).
      at = next + (this.#hasOrderNumbers ? 1 : 0)
    }
  }
}

class H265Packetizer implements Packetizer {
  /** Fragments are put together here: what is emitted is lent. */
  #fragment = new Uint8Array(0)

  packetize(
    accessUnit: Uint8Array,
    maxPayloadBytes: number,
    emit: (payload: Uint8Array, marker: boolean) => void,
  ): void {
    if (this.#fragment.length !== maxPayloadBytes) this.#fragment = new Uint8Array(maxPayloadBytes)
    const payload = this.#fragment
    const units = [...lengthPrefixedUnits(accessUnit, 4)]
    for (const [index, unit] of units.entries()) {
      const isLast = index === units.length - 1
      if (unit.length <= maxPayloadBytes) {
        emit(unit, isLast)
        continue
      }
      const first = unit[0] ?? 0
      const room = maxPayloadBytes - HEADER_BYTES - 1
      for (let at = HEADER_BYTES; at < unit.length; at += room) {
        const end = Math.min(at + room, unit.length)
        const isEnd = end === unit.length
        payload[0] = (first & 0x81) | (TYPE.fragmentation << 1)
        payload[1] = unit[1] ?? 0
        payload[2] = (at === HEADER_BYTES ? FU_START : 0) | (isEnd ? FU_END : 0) | h265NalUnitType(first)
        copyInto(payload, HEADER_BYTES + 1, unit, at, end)
        emit(isEnd ? payload.subarray(0, HEADER_BYTES + 1 + end - at) : payload, isLast && isEnd)
      }
    }
  }
}
