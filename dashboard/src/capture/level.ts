import { levelOf } from './loudness.ts'

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
