import { OUTPUT_RATE_HZ } from '../messages.ts'
import type { SoundInput } from './sound-input.ts'

/** Loudest the mix may be. AAC may overshoot by the rest. */
const CEILING = 0.95
/** The mix gets louder again by so much a second. */
const RELEASE_DB = 6
/** It gets softer within this. */
const ATTACK_SAMPLES = 96

/** Sums sound. Where the sum is too loud all of it is made softer for a while, instead of clipping. */
export class Mixer {
  #gain = 1

  /** Samples from `from` on, of both channels. */
  mix(inputs: Iterable<SoundInput>, from: number, samples: number): [Float32Array, Float32Array] {
    const left = new Float32Array(samples)
    const right = new Float32Array(samples)
    for (const input of inputs) input.mixInto(left, right, from, samples)
    this.#limit(left, right)
    return [left, right]
  }

  #limit(left: Float32Array, right: Float32Array): void {
    let peak = 0
    for (const value of left) peak = Math.max(peak, Math.abs(value))
    for (const value of right) peak = Math.max(peak, Math.abs(value))
    const before = this.#gain
    const released = Math.min(1, before * 10 ** ((RELEASE_DB * left.length) / OUTPUT_RATE_HZ / 20))
    this.#gain = peak * released > CEILING ? Math.min(before, CEILING / peak) : released
    if (before === 1 && this.#gain === 1) return
    const ramp = this.#gain < before ? Math.min(ATTACK_SAMPLES, left.length) : left.length
    for (let i = 0; i < left.length; i++) {
      const gain = i < ramp ? before + ((this.#gain - before) * i) / ramp : this.#gain
      left[i] = limited((left[i] ?? 0) * gain)
      right[i] = limited((right[i] ?? 0) * gain)
    }
  }
}

function limited(sample: number): number {
  return Math.max(-CEILING, Math.min(CEILING, sample))
}
