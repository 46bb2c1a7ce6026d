/**
 * Moves a tick count to another clock, rounding to nearest. Multiplying only the remainder keeps years at 90 kHz
 * exact in a double.
 */
export function rescale(ticks: number, fromHz: number, toHz: number): number {
  if (fromHz === toHz) return ticks
  const seconds = Math.floor(ticks / fromHz)
  return seconds * toHz + Math.round(((ticks - seconds * fromHz) * toHz) / fromHz)
}
