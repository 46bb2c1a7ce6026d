/** Longest silent packet: six frames of 20 ms at 48 kHz, which is as much as a packet may hold. RFC 6716 §3.2.5. */
export const LONGEST_SILENCE_SAMPLES = 5760
const LONGEST_FRAMES = 6

/** Frames of CELT at full band (RFC 6716 table 2), longest first, by their samples at 48 kHz. */
const FRAMES = [
  { samples: 960, config: 31 },
  { samples: 480, config: 30 },
  { samples: 240, config: 29 },
  { samples: 120, config: 28 },
] as const

/** A CELT frame whose first symbol, coded with a probability of 2^-15, says that it is silent. RFC 6716 §4.3. */
const SILENT_FRAME = [0xff, 0xfe] as const

/** Shorter silence can't be made. */
export const SHORTEST_SILENCE_SAMPLES = 120

/** A silent Opus packet. */
export interface SilentPacket {
  /** At 48 kHz. */
  readonly samples: number
  readonly bytes: Uint8Array
}

function silentPackets(isStereo: boolean): readonly SilentPacket[] {
  const toc = (config: number, code: number) => (config << 3) | (isStereo ? 4 : 0) | code
  const long = [toc(31, 3), LONGEST_FRAMES, ...Array.from({ length: LONGEST_FRAMES }, () => SILENT_FRAME).flat()]
  return [
    { samples: LONGEST_SILENCE_SAMPLES, bytes: Uint8Array.from(long) },
    ...FRAMES.map(({ samples, config }) => ({ samples, bytes: Uint8Array.of(toc(config, 0), ...SILENT_FRAME) })),
  ]
}

const MONO = silentPackets(false)
const STEREO = silentPackets(true)

/** The longest silent packet of at most so many samples at 48 kHz; undefined: that is shorter than any. */
export function silentPacket(samples: number, isStereo: boolean): SilentPacket | undefined {
  return (isStereo ? STEREO : MONO).find((packet) => packet.samples <= samples)
}
