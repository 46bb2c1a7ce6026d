import type { AccessUnit } from '#media/access-unit.ts'

/** A player waits through a gap; beyond this it is better off starting anew. */
const MAX_GAP_SECONDS = 30

/**
 * Moves a running stream's times to near zero, for a viewer who joins now. `early`: before the first picture, to be
 * left out. `jumped`: the publisher's clock went back or far ahead, nothing can follow.
 */
export class LiveTimeline {
  #zeroSeconds: number | undefined
  readonly #lastDts = new Map<number, number>()

  place({ format, dts, pts }: AccessUnit): { readonly dts: number; readonly pts: number } | 'early' | 'jumped' {
    const { trackId, timescale } = format
    this.#zeroSeconds ??= dts / timescale
    const last = this.#lastDts.get(trackId)
    if (last !== undefined && (dts <= last || dts - last > MAX_GAP_SECONDS * timescale)) return 'jumped'
    const zeroTicks = Math.round(this.#zeroSeconds * timescale)
    if (dts < zeroTicks) return last === undefined ? 'early' : 'jumped'
    this.#lastDts.set(trackId, dts)
    return { dts: dts - zeroTicks, pts: pts - zeroTicks }
  }
}
