import { AccessUnit } from '#media/access-unit.ts'
import type { Reservation } from '#media/payload-memory.ts'
import type { AudioFormat } from '#media/track.ts'

/** Silence that nobody sent, put where sound is missing. */
export class SilentAccessUnit extends AccessUnit {
  constructor(format: AudioFormat, ticks: number, reservation: Reservation) {
    super(format, { dts: ticks, pts: ticks, isRandomAccess: true }, reservation)
  }

  override get sourceAccessUnits(): number {
    return 0
  }
}
