import { CLOCK_HZ } from './packet.ts'

/** The zero of a part that continues no other, on the file's clock. One second of room keeps the PCR and the pre-roll of decoders positive. */
export const ZERO_TICKS = CLOCK_HZ

/** How long before its decode time an access unit reaches the decoder, as the PCR tells it. FFmpeg's choice too. */
export const PCR_LEAD_TICKS = 0.7 * CLOCK_HZ
