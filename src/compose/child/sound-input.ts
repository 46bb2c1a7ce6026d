import { CodecDecoder } from '#transcode/codec-decoder.ts'
import { type Sound, smoothSeam, soundLength, stretched } from '#transcode/sound.ts'
import { SoundClock } from '#transcode/sound-clock.ts'
import { SoundQueue } from '#transcode/sound-queue.ts'
import { type AudioSource, OUTPUT_CHANNELS, OUTPUT_RATE_HZ } from '../messages.ts'

const SAMPLES_PER_MS = OUTPUT_RATE_HZ / 1_000
const TARGET = { sampleRateHz: OUTPUT_RATE_HZ, channels: OUTPUT_CHANNELS }

/** Further ahead than this sound can't be: its source's clock is broken. Samples. */
const MAX_AHEAD = 15 * OUTPUT_RATE_HZ

/** One source's sound: decoded, and put where it belongs in the mix. */
export class SoundInput implements Disposable {
  readonly #decoder: CodecDecoder
  readonly #dueMs: (sourceMs: number) => number
  readonly #clock = new SoundClock(OUTPUT_RATE_HZ)
  readonly #queue = new SoundQueue(OUTPUT_CHANNELS)
  /** Of the queue's first sample. */
  #head = 0
  #energy = 0

  /** @param dueMs where a time of the source lies now @throws {Error} it can't be decoded */
  constructor(source: AudioSource, dueMs: (sourceMs: number) => number) {
    this.#decoder = new CodecDecoder(source, TARGET)
    this.#dueMs = dueMs
  }

  /** Mean square of what was mixed lately: who speaks. */
  get energy(): number {
    return this.#energy
  }

  /** @throws {Error} the access unit can't be decoded */
  take(payload: Uint8Array, sourceMs: number): void {
    if (payload.length === 0) return
    this.#decoder.decode(payload, sourceMs * SAMPLES_PER_MS, (position, samples, sound) => {
      const at = position === undefined ? undefined : this.#dueMs(position / SAMPLES_PER_MS) * SAMPLES_PER_MS
      this.#place(at, samples, sound)
    })
  }

  /** Adds what lies from this sample on, and forgets what lies before it. */
  mixInto(left: Float32Array, right: Float32Array, from: number, samples: number): void {
    if (this.#head < from) {
      const late = Math.min(from - this.#head, this.#queue.length)
      this.#queue.skip(late)
      this.#head += late
    }
    const start = this.#head - from
    const count = Math.min(samples - start, this.#queue.length)
    let energy = 0
    if (start >= 0 && count > 0) {
      const [ownLeft, ownRight] = [this.#queue.peek(0, count), this.#queue.peek(1, count)]
      for (let i = 0; i < count; i++) {
        const [l, r] = [ownLeft[i] ?? 0, ownRight[i] ?? 0]
        left[start + i] = (left[start + i] ?? 0) + l
        right[start + i] = (right[start + i] ?? 0) + r
        energy += l * l
      }
      this.#queue.skip(count)
      this.#head += count
    }
    this.#energy = 0.95 * this.#energy + (0.05 * energy) / samples
  }

  [Symbol.dispose](): void {
    this.#decoder[Symbol.dispose]()
  }

  #place(at: number | undefined, samples: number, sound: () => Sound): void {
    const { restartAt, silence, drop, stretch } = this.#clock.place(at, samples)
    if (restartAt !== undefined) {
      this.#queue.skip(this.#queue.length)
      this.#head = restartAt
    }
    if (silence > 0) {
      this.#decoder.drain((rest) => this.#queue.put(rest))
      this.#queue.putSilence(silence)
    }
    let placed = sound()
    if (drop > 0) placed = placed.map((channel) => channel.subarray(Math.min(drop, channel.length)))
    if (stretch !== 0) placed = stretched(placed, stretch)
    if (silence > 0 || drop > 0) smoothSeam(placed, this.#queue.last, OUTPUT_RATE_HZ)
    if (soundLength(placed) > 0 && this.#queue.length < MAX_AHEAD) this.#queue.put(placed)
  }
}
