/** Quieter than this is shown as silence. */
const FLOOR_DB = -60

/** How loud a piece of sound is, from 0 (silent) to 1 (full scale), on the scale of decibels that ears have. */
export function levelOf(samples: Float32Array): number {
  let sum = 0
  for (const sample of samples) sum += sample * sample
  const rms = Math.sqrt(sum / Math.max(1, samples.length))
  const decibels = 20 * Math.log10(Math.max(rms, 1e-9))
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB))
}
