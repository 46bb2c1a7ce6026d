/** What a static payload type means without an rtpmap (RFC 3551 §6, table 4 and 5): encoding, clock, channels. */
const STATIC_PAYLOADS: Readonly<Record<number, readonly [encoding: string, clockRateHz: number, channels: number]>> = {
  0: ['PCMU', 8_000, 1],
  8: ['PCMA', 8_000, 1],
  // The clock of G.722 is 8 kHz by a historical mistake; it has 16,000 samples a second.
  9: ['G722', 8_000, 1],
  10: ['L16', 44_100, 2],
  11: ['L16', 44_100, 1],
  14: ['MPA', 90_000, 1],
  26: ['JPEG', 90_000, 1],
  32: ['MPV', 90_000, 1],
  33: ['MP2T', 90_000, 1],
}

/** What a payload type below 96 is; undefined when it is none of ours. */
export function staticPayload(
  payloadType: number,
): { readonly encoding: string; readonly clockRateHz: number; readonly channels: number } | undefined {
  const known = STATIC_PAYLOADS[payloadType]
  return known === undefined ? undefined : { encoding: known[0], clockRateHz: known[1], channels: known[2] }
}

/**
 * The payload type that means just this without an rtpmap; undefined when none does. To be preferred for descriptions of
 * our own: FFmpeg takes the header of MPA packets for media under any other payload type than 14.
 */
export function staticPayloadType(encoding: string, clockRateHz: number, channels: number): number | undefined {
  for (const [payloadType, known] of Object.entries(STATIC_PAYLOADS)) {
    const isSame = known[0] === encoding && known[1] === clockRateHz
    // Only sound of plain samples says its channels: the other formats' packets do.
    if (isSame && (known[2] === channels || encoding === 'MPA')) return Number(payloadType)
  }
  return undefined
}
