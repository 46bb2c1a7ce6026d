import { AccessUnit } from '#media/access-unit.ts'
import type { Reservation } from '#media/payload-memory.ts'
import type { AudioFormat } from '#media/track.ts'

/** An encoded access unit, and how many of the source's end in its sound. */
export class TranscodedAccessUnit extends AccessUnit {
  readonly #sourceAccessUnits: number

  /** @param position in samples, which are its ticks */
  constructor(format: AudioFormat, position: number, reservation: Reservation, sourceAccessUnits: number) {
    super(format, { dts: position, pts: position, isRandomAccess: true }, reservation)
    this.#sourceAccessUnits = sourceAccessUnits
  }

  override get sourceAccessUnits(): number {
    return this.#sourceAccessUnits
  }
}
