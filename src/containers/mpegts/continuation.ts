import { CLOCK_HZ } from './packet.ts'

/** A cut leaves the tracks' ends a little apart; more than this between two parts is no cut but a gap or a jump. */
const SEAM_TICKS = CLOCK_HZ

interface ContinuationFields {
  /** The continuity_counter last used, by PID. */
  readonly continuity: ReadonlyMap<number, number>
  /** The programme map section in force, and its version. */
  readonly pmt: Uint8Array
  readonly pmtVersion: number
  /** The part's zero on the file's clock. */
  readonly zeroTicks: number
  /** The part's zero on the clock of the stream that was recorded; undefined when nothing was. */
  readonly streamZeroTicks: number | undefined
  /** End of the last presentation on the file's clock. */
  readonly endTicks: number
}

/**
 * What the writer of the next part takes over, so that parts joined byte by byte are one programme: counters go on, and
 * so do the times when the stream's did. All in 90 kHz ticks.
 */
export class MpegTsContinuation implements ContinuationFields {
  readonly continuity: ReadonlyMap<number, number>
  readonly pmt: Uint8Array
  readonly pmtVersion: number
  readonly zeroTicks: number
  readonly streamZeroTicks: number | undefined
  readonly endTicks: number

  constructor(fields: ContinuationFields) {
    this.continuity = fields.continuity
    this.pmt = fields.pmt
    this.pmtVersion = fields.pmtVersion
    this.zeroTicks = fields.zeroTicks
    this.streamZeroTicks = fields.streamZeroTicks
    this.endTicks = fields.endTicks
  }

  /** Where the next part's zero comes to lie, given where it lies on the stream's clock. */
  place(streamZeroTicks: number | undefined): { readonly zeroTicks: number; readonly isSeamless: boolean } {
    if (streamZeroTicks !== undefined && this.streamZeroTicks !== undefined) {
      const zeroTicks = this.zeroTicks + streamZeroTicks - this.streamZeroTicks
      if (Math.abs(zeroTicks - this.endTicks) <= SEAM_TICKS) return { zeroTicks, isSeamless: true }
    }
    return { zeroTicks: this.endTicks, isSeamless: false }
  }
}
