/** fscod 0 to 2. ETSI TS 102 366 table 4.1. */
export const AC3_SAMPLE_RATES_HZ = [48_000, 44_100, 32_000] as const

/** Full-bandwidth channels of acmod 0 to 7 (0: two independent ones). ETSI TS 102 366 table 4.3. */
const CHANNELS = [2, 1, 2, 3, 3, 4, 4, 5] as const

export function ac3Channels(acmod: number, lfeOn: boolean): number {
  return (CHANNELS[acmod] ?? 0) + (lfeOn ? 1 : 0)
}

/** PCM samples of one audio block; an AC-3 syncframe has six. */
export const AC3_BLOCK_SAMPLES = 256
/** PCM samples per channel of an AC-3 syncframe, and of an E-AC-3 access unit. */
export const AC3_FRAME_SAMPLES = 6 * AC3_BLOCK_SAMPLES
