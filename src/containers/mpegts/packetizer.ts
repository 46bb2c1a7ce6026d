import type { Slabs } from '../slabs.ts'
import { AdaptationFlag, NULL_PID, PACKET_BYTES, PACKET_PAYLOAD_BYTES, SYNC_BYTE } from './packet.ts'
import { isUnbounded, MAX_PES_HEADER_BYTES, pesHeaderBytes, wrapTicks, writePesHeader } from './pes.ts'
import type { Segments } from './segments.ts'

/** adaptation_field_length, flags, and the 6 bytes of a PCR. */
const PCR_ADAPTATION_BYTES = 8
const FLAGS_ADAPTATION_BYTES = 2

/** One access unit on its way into packets. */
export interface PesUnit {
  readonly pid: number
  readonly streamId: number
  /** 90 kHz ticks, not wrapped. */
  readonly pts: number
  readonly dts: number
  /** To go into the first packet, 90 kHz ticks not wrapped; undefined for none. */
  readonly pcr: number | undefined
  readonly isRandomAccess: boolean
  readonly isDiscontinuity: boolean
}

/**
 * Cuts PES packets and sections into transport packets and counts their continuity. H.222.0 §2.4.3.
 *
 * One rule beyond the standard makes a torn file readable: the last packet of a PES packet always has an adaptation
 * field and those between first and last never do, so a reader sees whether a PES packet of unsaid length is whole.
 */
export class Packetizer {
  readonly #slabs: Slabs
  readonly #continuity: Map<number, number>
  readonly #header = new Uint8Array(MAX_PES_HEADER_BYTES)

  /** @param continuity the continuity_counter last used, by PID */
  constructor(slabs: Slabs, continuity: ReadonlyMap<number, number>) {
    this.#slabs = slabs
    this.#continuity = new Map(continuity)
  }

  /** The continuity_counter last used, by PID. */
  get continuity(): ReadonlyMap<number, number> {
    return this.#continuity
  }

  /** One access unit as one PES packet in consecutive packets. */
  pes(unit: PesUnit, elementaryStream: Segments): void {
    const flags =
      (unit.isDiscontinuity ? AdaptationFlag.discontinuity : 0) |
      (unit.isRandomAccess ? AdaptationFlag.randomAccess : 0) |
      (unit.pcr === undefined ? 0 : AdaptationFlag.pcr)
    const adaptationBytes = unit.pcr !== undefined ? PCR_ADAPTATION_BYTES : flags !== 0 ? FLAGS_ADAPTATION_BYTES : 0
    const firstRoom = PACKET_PAYLOAD_BYTES - adaptationBytes
    const { bytes } = elementaryStream
    const plainHeaderBytes = pesHeaderBytes(unit.pts, unit.dts, false)
    // A packet of unsaid length that would fill its last packet to the brim gets a stuffing byte: see the class.
    const stuffed =
      isUnbounded(plainHeaderBytes, bytes) && (plainHeaderBytes + bytes - firstRoom) % PACKET_PAYLOAD_BYTES === 0
    const headerBytes = writePesHeader(this.#header, {
      streamId: unit.streamId,
      pts: unit.pts,
      dts: unit.dts,
      payloadBytes: bytes,
      stuffed,
    })
    const body = elementaryStream.reader()
    let left = headerBytes + bytes
    let at = this.#begin(unit.pid, true, left, adaptationBytes)
    if (adaptationBytes > 0) this.#writeAdaptation(at, flags, unit.pcr)
    let payload = Math.min(left, firstRoom)
    let out = this.#slabs.memory
    let to = at + PACKET_BYTES - payload
    out.set(this.#header.subarray(0, headerBytes), to)
    body.copy(out, to + headerBytes, payload - headerBytes)
    left -= payload
    while (left > 0) {
      at = this.#begin(unit.pid, false, left, 0)
      payload = Math.min(left, PACKET_PAYLOAD_BYTES)
      out = this.#slabs.memory
      to = at + PACKET_BYTES - payload
      body.copy(out, to, payload)
      left -= payload
    }
  }

  /** A PSI section, padded with 0xff to whole packets. H.222.0 §2.4.4. */
  section(pid: number, section: Uint8Array): void {
    for (let from = 0; from < section.length; ) {
      const at = this.#begin(pid, from === 0, PACKET_PAYLOAD_BYTES, 0)
      const out = this.#slabs.memory
      out.fill(0xff, at + 4, at + PACKET_BYTES)
      let to = at + 4
      if (from === 0) out[to++] = 0 // pointer_field
      const count = Math.min(section.length - from, at + PACKET_BYTES - to)
      out.set(section.subarray(from, from + count), to)
      from += count
    }
  }

  /** A packet with a PCR and no payload, which leaves the continuity_counter alone. H.222.0 §2.4.3.3. */
  pcrOnly(pid: number, pcr: number): void {
    const at = this.#slabs.reserve(PACKET_BYTES)
    const out = this.#slabs.memory
    out[at] = SYNC_BYTE
    out[at + 1] = pid >> 8
    out[at + 2] = pid & 0xff
    out[at + 3] = 0x20 | (this.#continuity.get(pid) ?? 0x0f)
    out[at + 4] = PACKET_BYTES - 5
    out.fill(0xff, at + 6, at + PACKET_BYTES)
    this.#writeAdaptation(at, AdaptationFlag.pcr, pcr)
  }

  /** A null packet with 184 bytes that every reader ignores. H.222.0 §2.4.1, null packet. */
  nullPacket(payload: Uint8Array): void {
    const at = this.#slabs.reserve(PACKET_BYTES)
    const out = this.#slabs.memory
    out[at] = SYNC_BYTE
    out[at + 1] = NULL_PID >> 8
    out[at + 2] = NULL_PID & 0xff
    out[at + 3] = 0x10
    out.set(payload, at + 4)
  }

  /** Reserves a packet, writes its header and stuffs an adaptation field where `left` does not fill it. */
  #begin(pid: number, isFirst: boolean, left: number, adaptationBytes: number): number {
    const at = this.#slabs.reserve(PACKET_BYTES)
    const out = this.#slabs.memory
    const continuity = ((this.#continuity.get(pid) ?? 0x0f) + 1) & 0x0f
    this.#continuity.set(pid, continuity)
    const adaptation = Math.max(adaptationBytes, PACKET_PAYLOAD_BYTES - left)
    out[at] = SYNC_BYTE
    out[at + 1] = (isFirst ? 0x40 : 0) | (pid >> 8) // payload_unit_start_indicator, PID
    out[at + 2] = pid & 0xff
    out[at + 3] = (adaptation > 0 ? 0x30 : 0x10) | continuity // adaptation_field_control, continuity_counter
    if (adaptation > 0) {
      out[at + 4] = adaptation - 1 // adaptation_field_length
      if (adaptation > 1) out[at + 5] = 0 // flags
      if (adaptation > 2) out.fill(0xff, at + 6, at + 4 + adaptation) // stuffing_byte
    }
    return at
  }

  /** Flags and PCR of an adaptation field whose length and stuffing are in place. H.222.0 §2.4.3.4. */
  #writeAdaptation(at: number, flags: number, pcr: number | undefined): void {
    const out = this.#slabs.memory
    out[at + 5] = flags
    if (pcr === undefined) return
    const base = wrapTicks(pcr)
    const high = Math.floor(base / 2) // bits 32..1 of program_clock_reference_base
    out[at + 6] = (high >>> 24) & 0xff
    out[at + 7] = (high >>> 16) & 0xff
    out[at + 8] = (high >>> 8) & 0xff
    out[at + 9] = high & 0xff
    out[at + 10] = ((base % 2) << 7) | 0x7e // last bit, reserved, extension 0
    out[at + 11] = 0
  }
}
