import { copyInto } from '#media/bytes.ts'
import { buildAvcC, parseAvcC } from '#media/h264/avcc.ts'
import { H264NalUnitType, h264NalUnitType } from '#media/h264/nal-unit-type.ts'
import { lengthPrefixedUnits } from '#media/nal/length-prefixed.ts'
import type { RtpPacket } from '../packet.ts'
import { base64Units } from './base64-units.ts'
import { NalAssembler, type NalSyntax } from './nal-assembler.ts'
import type { Depacketizer, DepacketizerOptions, Packetizer, PayloadFormat } from './payload-format.ts'

/** Types of RFC 6184 §5.2 beyond those of NAL units. */
const TYPE = { stapA: 24, fuA: 28 } as const
const FU_START = 0x80
const FU_END = 0x40

/** NAL units of H.264. */
export const h264Syntax: NalSyntax = {
  typeOf: h264NalUnitType,
  isSlice: (type) => type >= H264NalUnitType.slice && type <= H264NalUnitType.idrSlice,
  // first_mb_in_slice is 0: a one as the first bit (§7.3.3).
  beginsPicture: (bytes, start) => ((bytes[start + 1] ?? 0) & 0x80) !== 0,
  isParameterSet: (type) =>
    type === H264NalUnitType.sps || type === H264NalUnitType.pps || type === H264NalUnitType.spsExtension,
  parameterSetKey: (unit) => (h264NalUnitType(unit[0] ?? 0) << 8) | parameterSetId(unit),
  configuration(sets) {
    const ofType = (type: number) => sets.filter((unit) => h264NalUnitType(unit[0] ?? 0) === type)
    const [first, ...others] = ofType(H264NalUnitType.sps)
    const pps = ofType(H264NalUnitType.pps)
    if (first === undefined || pps.length === 0) return undefined
    return buildAvcC([first, ...others], pps, ofType(H264NalUnitType.spsExtension))
  },
}

/** Ids are small: what tells sets apart is in their first bytes. An SPS has three bytes before its id (§7.3.2.1.1). */
function parameterSetId(unit: Uint8Array): number {
  const at = h264NalUnitType(unit[0] ?? 0) === H264NalUnitType.sps ? 4 : 1
  const bits = ((unit[at] ?? 0) << 16) | ((unit[at + 1] ?? 0) << 8) | (unit[at + 2] ?? 0)
  const zeros = Math.clz32(bits << 8)
  return zeros > 8 ? 255 : ((bits >>> (23 - 2 * zeros)) & ((1 << (zeros + 1)) - 1)) - 1
}

/** RTP payload format for H.264, single NAL unit and non-interleaved mode (RFC 6184). */
export const h264Payload: PayloadFormat = {
  encoding: 'H264',
  codec: 'h264',
  kind: 'video',
  depacketizer: (options) => new H264Depacketizer(options),
  packetizer: () => new H264Packetizer(),
  clockRateHz: () => 90_000,
  parameters(format) {
    const { sps, pps, profileIdc, profileCompatibility, levelIdc } = parseAvcC(format.configuration)
    const sets = [...sps, ...pps].map((unit) => Buffer.from(unit).toString('base64'))
    const profile = Buffer.from([profileIdc, profileCompatibility, levelIdc]).toString('hex')
    return `packetization-mode=1;profile-level-id=${profile};sprop-parameter-sets=${sets.join(',')}`
  },
}

class H264Depacketizer implements Depacketizer {
  readonly #assembler: NalAssembler
  readonly #header = new Uint8Array(1)

  constructor({ sink, parameters, configured }: DepacketizerOptions) {
    this.#assembler = new NalAssembler(sink, h264Syntax, configured)
    this.#assembler.preset(base64Units(parameters.get('sprop-parameter-sets')))
  }

  push(packet: RtpPacket, lostBefore: number): void {
    const { bytes, payloadStart: start, payloadEnd: end } = packet
    const assembler = this.#assembler
    if (start === end) return
    assembler.packet(packet.timestamp, lostBefore)
    const first = bytes[start] ?? 0
    const type = h264NalUnitType(first)
    if (type > 0 && type < TYPE.stapA) assembler.unit(bytes, start, end)
    else if (type === TYPE.stapA) this.#aggregate(bytes, start + 1, end)
    else if (type === TYPE.fuA && end - start >= 2) {
      const fragmentHeader = bytes[start + 1] ?? 0
      if ((fragmentHeader & FU_START) !== 0) {
        this.#header[0] = (first & 0xe0) | (fragmentHeader & 0x1f)
        assembler.fragmentStart(this.#header, bytes, start + 2, end)
        if ((fragmentHeader & FU_END) !== 0) assembler.fragment(bytes, end, end, true)
      } else assembler.fragment(bytes, start + 2, end, (fragmentHeader & FU_END) !== 0)
    } else assembler.damaged() // interleaved mode, which nobody negotiated, or a reserved type
    if (packet.marker) assembler.marker()
  }

  flush(): void {
    this.#assembler.flush()
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
      at = next
    }
  }
}

class H264Packetizer implements Packetizer {
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
    let aggregated = 0
    for (const [index, unit] of units.entries()) {
      if (index < aggregated) continue
      aggregated = index + smallOnes(units, index, maxPayloadBytes)
      if (aggregated > index + 1) {
        emit(aggregate(units.slice(index, aggregated)), aggregated === units.length)
        continue
      }
      const isLast = index === units.length - 1
      if (unit.length <= maxPayloadBytes) {
        emit(unit, isLast)
        continue
      }
      const first = unit[0] ?? 0
      const room = maxPayloadBytes - 2
      for (let at = 1; at < unit.length; at += room) {
        const end = Math.min(at + room, unit.length)
        const isEnd = end === unit.length
        payload[0] = (first & 0xe0) | TYPE.fuA
        payload[1] = (at === 1 ? FU_START : 0) | (isEnd ? FU_END : 0) | (first & 0x1f)
        copyInto(payload, 2, unit, at, end)
        emit(isEnd ? payload.subarray(0, 2 + end - at) : payload, isLast && isEnd)
      }
    }
  }
}

/**
 * How many units from this one on go into one packet: parameter sets and the like, each of which would else have one of
 * its own, that a receiver may lose by itself.
 */
function smallOnes(units: readonly Uint8Array[], start: number, maxPayloadBytes: number): number {
  let bytes = 1
  let end = start
  for (; end < units.length; end++) {
    const unit = units[end]
    if (unit === undefined || h264Syntax.isSlice(h264NalUnitType(unit[0] ?? 0))) break
    bytes += 2 + unit.length
    if (bytes > maxPayloadBytes) break
  }
  return end - start
}

/** Single-time aggregation packet (RFC 6184 §5.7.1). */
function aggregate(units: readonly Uint8Array[]): Uint8Array {
  const payload = new Uint8Array(units.reduce((bytes, unit) => bytes + 2 + unit.length, 1))
  let importance = 0
  let at = 1
  for (const unit of units) {
    importance = Math.max(importance, (unit[0] ?? 0) & 0x60)
    payload[at] = unit.length >>> 8
    payload[at + 1] = unit.length
    payload.set(unit, at + 2)
    at += 2 + unit.length
  }
  payload[0] = importance | TYPE.stapA
  return payload
}
