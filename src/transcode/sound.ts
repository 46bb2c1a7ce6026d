/** Decoded sound: one array of samples for each channel, all of the same length. */
export type Sound = readonly Float32Array[]

/** The first milliseconds after a seam, over which it is smoothed. */
const SEAM_SECONDS = 0.002

/** Samples per channel. */
export function soundLength(sound: Sound): number {
  return sound[0]?.length ?? 0
}

/** The same sound, this much longer or shorter; ends and beginnings stay as they are, so that nothing clicks. */
export function stretched(sound: Sound, bySamples: number): Sound {
  const before = soundLength(sound)
  const after = before + bySamples
  if (before < 2 || after < 2) return sound
  const step = (before - 1) / (after - 1)
  return sound.map((channel) => {
    const result = new Float32Array(after)
    for (let i = 0; i < after; i++) {
      const at = i * step
      const left = Math.min(Math.floor(at), before - 2)
      const a = channel[left] ?? 0
      result[i] = a + ((channel[left + 1] ?? 0) - a) * (at - left)
    }
    return result
  })
}

/** Goes over from the sample before a seam to the sound after it, in place. */
export function smoothSeam(sound: Sound, before: readonly number[], rateHz: number): void {
  const samples = Math.min(soundLength(sound), Math.round(SEAM_SECONDS * rateHz))
  for (const [channel, values] of sound.entries()) {
    const from = before[channel] ?? 0
    for (let i = 0; i < samples; i++) {
      const share = (i + 1) / (samples + 1)
      values[i] = from * (1 - share) + (values[i] ?? 0) * share
    }
  }
}
