import { type Sound, soundLength } from './sound.ts'

const INITIAL_SAMPLES = 8_192

/** Sound between a decoder and an encoder that want it in pieces of different lengths. */
export class SoundQueue {
  #channels: Float32Array[]
  #start = 0
  #end = 0
  readonly #last: number[]

  constructor(channels: number) {
    this.#channels = Array.from({ length: channels }, () => new Float32Array(INITIAL_SAMPLES))
    this.#last = new Array<number>(channels).fill(0)
  }

  get length(): number {
    return this.#end - this.#start
  }

  /** The sample put last, of each channel; zeros before the first. */
  get last(): readonly number[] {
    return this.#last
  }

  put(sound: Sound): void {
    const samples = soundLength(sound)
    if (samples === 0) return
    this.#makeRoom(samples)
    for (const [channel, values] of this.#channels.entries()) {
      const source = sound[channel]
      if (source === undefined) continue
      values.set(source, this.#end)
      this.#last[channel] = source[samples - 1] ?? 0
    }
    this.#end += samples
  }

  putSilence(samples: number): void {
    this.#makeRoom(samples)
    for (const [channel, values] of this.#channels.entries()) {
      values.fill(0, this.#end, this.#end + samples)
      this.#last[channel] = 0
    }
    this.#end += samples
  }

  /** The next samples of a channel, valid until the next call of anything but peek(). */
  peek(channel: number, samples: number): Float32Array {
    return (this.#channels[channel] ?? new Float32Array(0)).subarray(this.#start, this.#start + samples)
  }

  skip(samples: number): void {
    this.#start = Math.min(this.#end, this.#start + samples)
  }

  #makeRoom(samples: number): void {
    const [first] = this.#channels
    if (first === undefined || this.#end + samples <= first.length) return
    const { length } = this
    const room = length + samples <= first.length ? first.length : 2 * (length + samples)
    this.#channels = this.#channels.map((channel) => {
      const next = room === first.length ? channel : new Float32Array(room)
      if (next === channel) channel.copyWithin(0, this.#start, this.#end)
      else next.set(channel.subarray(this.#start, this.#end))
      return next
    })
    this.#start = 0
    this.#end = length
  }
}
