import { errorMessage } from '#base/error.ts'
import { CodecDecoder } from './codec-decoder.ts'
import { CodecEncoder } from './codec-encoder.ts'
import type { SourceDescription, TrackOpening, UndecodableUnits, UnitsAnswer, UnitsMessage } from './messages.ts'
import { type Sound, smoothSeam, soundLength, stretched } from './sound.ts'
import { SoundClock } from './sound-clock.ts'
import { SoundQueue } from './sound-queue.ts'
import { UnitTally } from './unit-tally.ts'

/** Access units of which nothing is heard, after which nothing ever will be. */
const MAX_SILENT_UNITS = 1_000

/** One uninterrupted stretch of encoded sound. */
interface Run {
  readonly encoder: CodecEncoder
  /** Where its first sample lies. */
  readonly start: number
  /** Samples put into it. */
  put: number
}

/**
 * One track in the child: access units in, access units of the target out, each where its sound belongs. All positions
 * are in samples of the target.
 */
export class TranscodedTrack implements Disposable {
  readonly #opening: TrackOpening
  readonly #clock: SoundClock
  readonly #queue: SoundQueue
  readonly #tally = new UnitTally()
  #decoder: CodecDecoder | undefined
  /** Why there is no decoder. */
  #sourceProblem = ''
  #run: Run | undefined
  #floor: number
  /** Of an encoder that was just opened, where nobody else knows it. */
  #configuration: Uint8Array | undefined
  #outgoing = new Outgoing()

  constructor(opening: TrackOpening) {
    this.#opening = opening
    this.#floor = opening.floor
    this.#clock = new SoundClock(opening.target.sampleRateHz)
    if (opening.next !== undefined) this.#clock.finished(opening.next)
    this.#queue = new SoundQueue(opening.target.channels)
  }

  /** @throws {FFmpegError} the encoder fails: nobody's fault but ours */
  take(message: UnitsMessage): UnitsAnswer {
    this.#outgoing = new Outgoing()
    if (message.source !== undefined) this.#follow(message.source)
    let start = 0
    for (const [index, size] of message.sizes.entries()) {
      const isSilence = message.silent[index] === 1
      this.#decode(message.bytes.subarray(start, start + size), message.positions[index] ?? 0, isSilence)
      start += size
    }
    if (message.isEnd) this.#finishRun(undefined)
    const configuration = this.#configuration
    this.#configuration = undefined
    return this.#outgoing.answer(message.track, this.#floor, configuration)
  }

  [Symbol.dispose](): void {
    this.#decoder?.[Symbol.dispose]()
    this.#run?.encoder[Symbol.dispose]()
  }

  #follow(source: SourceDescription): void {
    this.#drain()
    this.#decoder?.[Symbol.dispose]()
    this.#decoder = undefined
    try {
      this.#decoder = new CodecDecoder(source, this.#opening.target)
    } catch (error) {
      this.#sourceProblem = errorMessage(error)
    }
  }

  #decode(payload: Uint8Array, position: number, isSilence: boolean): void {
    const decoder = this.#decoder
    // A packet of nothing tells libavcodec that nothing follows, for good.
    if (decoder === undefined || payload.length === 0) {
      if (isSilence) return
      this.#outgoing.undecodable(position, decoder === undefined ? this.#sourceProblem : 'it is empty')
      return
    }
    try {
      decoder.decode(payload, position, (at, samples, sound) => this.#put(at, samples, sound))
    } catch (error) {
      if (!isSilence) this.#outgoing.undecodable(position, errorMessage(error))
      return
    }
    if (!isSilence) this.#tally.add(this.#clock.next ?? position)
    this.#encode()
    if (this.#tally.waiting > MAX_SILENT_UNITS) this.#outgoing.noSound(this.#tally.takeAll(), position)
  }

  #put(position: number | undefined, samples: number, sound: () => Sound): void {
    const next = this.#clock.next
    const { restartAt, silence, drop, stretch } = this.#clock.place(position, samples)
    if (restartAt !== undefined) this.#finishRun(restartAt)
    const run = this.#run ?? this.#startRun(restartAt ?? next ?? this.#floor)
    if (silence > 0) {
      this.#drain()
      this.#putSilence(run, silence)
    }
    let placed = sound()
    if (drop > 0) placed = placed.map((channel) => channel.subarray(Math.min(drop, channel.length)))
    if (stretch !== 0) placed = stretched(placed, stretch)
    if (silence > 0 || drop > 0) smoothSeam(placed, this.#queue.last, this.#opening.target.sampleRateHz)
    this.#queue.put(placed)
    run.put += soundLength(placed)
  }

  #startRun(start: number): Run {
    const { encoder, target } = this.#opening
    this.#run = { encoder: new CodecEncoder(encoder, target, 'quality'), start, put: 0 }
    if (target.codec === 'vorbis') this.#configuration = this.#run.encoder.configuration
    return this.#run
  }

  #encode(): void {
    const run = this.#run
    if (run === undefined) return
    const { frameSamples } = run.encoder
    while (this.#queue.length >= frameSamples) {
      run.encoder.encode(this.#queue, (at, samples, payload) => this.#give(run, at, samples, payload))
    }
  }

  /** Bit by bit: seconds of it need not be held at once. */
  #putSilence(run: Run, samples: number): void {
    for (let left = samples; left > 0; left -= run.encoder.frameSamples) {
      const some = Math.min(left, run.encoder.frameSamples)
      this.#queue.putSilence(some)
      run.put += some
      this.#encode()
    }
  }

  /** What the resampler holds belongs before whatever comes next. */
  #drain(): void {
    this.#decoder?.drain((sound) => {
      if (this.#run === undefined) return
      this.#queue.put(sound)
      this.#run.put += soundLength(sound)
    })
    this.#encode()
  }

  /**
   * Everything so far comes out, the last access unit filled up with silence.
   * @param next where sound goes on; undefined: where this ends
   */
  #finishRun(next: number | undefined): void {
    this.#drain()
    const run = this.#run
    if (run === undefined) {
      this.#outgoing.countWithLast(this.#tally.takeAll(), this.#floor)
      return
    }
    this.#run = undefined
    using encoder = run.encoder
    const give = (at: number, samples: number, payload: Uint8Array) => this.#give(run, at, samples, payload)
    const end = run.start + run.put
    if (this.#queue.length > 0) {
      this.#queue.putSilence(encoder.frameSamples - this.#queue.length)
      encoder.encode(this.#queue, give)
    }
    // What comes after the end holds nothing but the encoder's own delay.
    encoder.finish((at, samples, payload) => {
      if (run.start + at < end) give(at, samples, payload)
    })
    this.#outgoing.countWithLast(this.#tally.takeAll(), this.#floor)
    if (next === undefined) this.#clock.finished(Math.max(this.#floor, end))
  }

  #give(run: Run, at: number, samples: number, payload: Uint8Array): void {
    let position = run.start + at
    if (position < this.#floor) {
      // The encoder's delay, where sound begins at once: there is nothing before the beginning of a file. Of Vorbis it
      // is a packet without sound, which the next one can't be decoded without.
      if (this.#opening.target.codec !== 'vorbis' || position + samples > this.#floor) return
      position = this.#floor
    }
    this.#floor = Math.max(this.#floor, run.start + at + samples)
    this.#outgoing.give(position, payload, this.#tally.takeUpTo(this.#floor))
  }
}

/** What goes back to the server in one answer. */
class Outgoing {
  readonly #positions: number[] = []
  readonly #payloads: Uint8Array[] = []
  readonly #sourceUnits: number[] = []
  readonly #undecodable: UndecodableUnits[] = []

  give(position: number, payload: Uint8Array, sourceUnits: number): void {
    this.#positions.push(position)
    this.#payloads.push(Uint8Array.from(payload))
    this.#sourceUnits.push(sourceUnits)
  }

  /** The rest of a run ends in its last access unit; that nothing has come out of some shows only when nothing follows. */
  countWithLast(sourceUnits: number, position: number): void {
    const last = this.#sourceUnits.length - 1
    if (last >= 0) this.#sourceUnits[last] = (this.#sourceUnits[last] ?? 0) + sourceUnits
    else if (sourceUnits > 0) this.noSound(sourceUnits, position)
  }

  noSound(units: number, position: number): void {
    this.#undecodable.push({ units, fromPosition: position, toPosition: position, reason: 'no sound in them' })
  }

  undecodable(position: number, reason: string): void {
    const last = this.#undecodable.at(-1)
    if (last === undefined || last.reason !== reason) {
      this.#undecodable.push({ units: 1, fromPosition: position, toPosition: position, reason })
    } else {
      this.#undecodable[this.#undecodable.length - 1] = { ...last, units: last.units + 1, toPosition: position }
    }
  }

  answer(track: number, floor: number, configuration: Uint8Array | undefined): UnitsAnswer {
    return {
      kind: 'answer',
      track,
      positions: Float64Array.from(this.#positions),
      sizes: Uint32Array.from(this.#payloads, ({ length }) => length),
      sourceUnits: Uint32Array.from(this.#sourceUnits),
      bytes: Buffer.concat(this.#payloads),
      undecodable: this.#undecodable,
      floor,
      configuration,
    }
  }
}
