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

/** Listens to a MediaStream's sound; returns the way to stop. `onLevel` is called some twenty times a second. */
export function watchLevel(media: MediaStream, onLevel: (level: number) => void): () => void {
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  analyser.fftSize = 2048
  const source = context.createMediaStreamSource(media)
  source.connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples)
    onLevel(levelOf(samples))
  }, 50)
  return () => {
    clearInterval(timer)
    source.disconnect()
    context.close().catch(() => {}) // already closed with its page
  }
}
