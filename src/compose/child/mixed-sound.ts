import { CodecEncoder } from '#transcode/codec-encoder.ts'
import { SoundQueue } from '#transcode/sound-queue.ts'
import { OUTPUT_CHANNELS, OUTPUT_RATE_HZ } from '../messages.ts'
import { Mixer } from './mixer.ts'
import type { SoundInput } from './sound-input.ts'

/** AAC, as much of it as a moment has brought. */
export interface SoundPieces {
  /** Of each access unit, its first sample at 48 kHz. */
  readonly positions: number[]
  readonly payloads: Uint8Array[]
}

/** The sound of all tiles as one AAC track, from a sample on without a gap. */
export class MixedSound implements Disposable {
  readonly #mixer = new Mixer()
  readonly #encoder: CodecEncoder
  readonly #queue = new SoundQueue(OUTPUT_CHANNELS)
  readonly #start: number
  #mixed: number

  /** @param start the first sample @throws {Error} the encoder can't be opened */
  constructor(bitrateBps: number, start: number) {
    const target = { codec: 'aac', sampleRateHz: OUTPUT_RATE_HZ, channels: OUTPUT_CHANNELS, bitrateBps } as const
    this.#encoder = new CodecEncoder('aac', target)
    this.#start = start
    this.#mixed = start
  }

  /** Mixes what lies before this sample. */
  mixTo(to: number, inputs: Iterable<SoundInput>): SoundPieces {
    const pieces: SoundPieces = { positions: [], payloads: [] }
    if (to <= this.#mixed) return pieces
    this.#queue.put(this.#mixer.mix(inputs, this.#mixed, to - this.#mixed))
    this.#mixed = to
    while (this.#queue.length >= this.#encoder.frameSamples) {
      this.#encoder.encode(this.#queue, (at, _samples, payload) => this.#take(pieces, at, payload))
    }
    return pieces
  }

  /** What the encoder still holds; call once, at the end. */
  finish(): SoundPieces {
    const pieces: SoundPieces = { positions: [], payloads: [] }
    this.#encoder.finish((at, _samples, payload) => this.#take(pieces, at, payload))
    return pieces
  }

  [Symbol.dispose](): void {
    this.#encoder[Symbol.dispose]()
  }

  #take({ positions, payloads }: SoundPieces, at: number, payload: Uint8Array): void {
    // The encoder's delay: before the beginning there is nothing.
    if (at < 0) return
    positions.push(this.#start + at)
    payloads.push(Uint8Array.from(payload))
  }
}
