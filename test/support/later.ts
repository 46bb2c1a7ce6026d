import type { SourceUnit } from './elementary-source.ts'

/** The same access units, so much later. */
export function later(units: readonly SourceUnit[], seconds: number): SourceUnit[] {
  return units.map((unit) => {
    const shift = Math.round(seconds * unit.format.timescale)
    return { ...unit, dts: unit.dts + shift, pts: unit.pts + shift }
  })
}
