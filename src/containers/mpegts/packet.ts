/** Transport packets. ITU-T H.222.0 (ISO/IEC 13818-1) §2.4.3.2. */
export const PACKET_BYTES = 188
export const PACKET_PAYLOAD_BYTES = 184
export const SYNC_BYTE = 0x47

/** Well-known PIDs. H.222.0, table 2-3. */
export const PAT_PID = 0x0000
export const NULL_PID = 0x1fff

/** System clock ticks per second of PTS, DTS and the base of the PCR. */
export const CLOCK_HZ = 90_000

/** Largest value of a PTS, DTS or PCR base plus one: they wrap after 26.5 hours. */
export const CLOCK_WRAP_TICKS = 2 ** 33

/** Adaptation field flags. H.222.0, table 2-6. */
export const AdaptationFlag = { discontinuity: 0x80, randomAccess: 0x40, pcr: 0x10 } as const

/** The 13-bit packet identifier. */
export function pidAt(bytes: Uint8Array, at: number): number {
  return (((bytes[at + 1] ?? 0) & 0x1f) << 8) | (bytes[at + 2] ?? 0)
}

/** Whether a PES packet or section begins in the packet (payload_unit_start_indicator). */
export function startsUnitAt(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at + 1] ?? 0) & 0x40) !== 0
}

export function hasAdaptationAt(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at + 3] ?? 0) & 0x20) !== 0
}

export function hasPayloadAt(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at + 3] ?? 0) & 0x10) !== 0
}

/** The 4-bit continuity_counter. */
export function continuityAt(bytes: Uint8Array, at: number): number {
  return (bytes[at + 3] ?? 0) & 0x0f
}

/** Offset of the payload within the packet, PACKET_BYTES when it has none. */
export function payloadOffsetAt(bytes: Uint8Array, at: number): number {
  if (!hasPayloadAt(bytes, at)) return PACKET_BYTES
  if (!hasAdaptationAt(bytes, at)) return 4
  return Math.min(PACKET_BYTES, 5 + (bytes[at + 4] ?? 0))
}
