import type { Stream } from '#hub/stream.ts'
import type { PayloadArena } from '#media/payload-memory.ts'
import type { AudioFormat, TrackFormat, VideoFormat } from '#media/track.ts'
import { composedAudio, composedVideo, VIDEO_TIMESCALE } from './composed-formats.ts'
import { type MediaMessage, OUTPUT_RATE_HZ } from './messages.ts'
import type { CompleteRequest } from './request.ts'

/** Writes what a child has composed into the stream. */
export class ComposedOutput implements Disposable {
  readonly #stream: Stream
  readonly #request: CompleteRequest
  /** Another child has taken over, and nothing of it has come yet. */
  readonly #isResuming = { video: false, audio: false }
  readonly #videoArena: PayloadArena
  readonly #audioArena: PayloadArena
  #video: VideoFormat | undefined
  #audio: AudioFormat | undefined
  /** Where each track ends so far, in its ticks; undefined before it began. */
  #videoUntil: number | undefined
  #audioUntil: number | undefined

  constructor(stream: Stream, request: CompleteRequest) {
    this.#stream = stream
    this.#request = request
    this.#videoArena = stream.payloads.arena()
    this.#audioArena = stream.payloads.arena()
  }

  /** End of what has come out, milliseconds of the composition. */
  get untilMs(): number {
    const videoMs = ((this.#videoUntil ?? 0) * 1_000) / VIDEO_TIMESCALE
    return Math.max(videoMs, ((this.#audioUntil ?? 0) * 1_000) / OUTPUT_RATE_HZ)
  }

  /** A child begins: what follows can be decoded with what it says only. @param avcC empty without video */
  begin(avcC: Uint8Array): void {
    const { video, audio } = this.#request
    this.#isResuming.video = this.#videoUntil !== undefined
    this.#isResuming.audio = this.#audioUntil !== undefined
    if (video) {
      this.#video = composedVideo(this.#request, avcC)
      this.#stream.setFormat(this.#video)
    }
    if (!audio) return
    this.#audio = composedAudio(this.#request)
    this.#stream.setFormat(this.#audio)
  }

  write({ pictures, audioPositions, audioSizes, audioBytes }: MediaMessage): void {
    const stream = this.#stream
    const { frameRate } = this.#request
    if (this.#video !== undefined) {
      for (const { number, isKey, payload } of pictures) {
        const dts = Math.round((number * VIDEO_TIMESCALE) / frameRate)
        if (this.#isResuming.video) this.#tellGap(this.#video, this.#videoUntil, dts, VIDEO_TIMESCALE / frameRate)
        this.#isResuming.video = false
        const reservation = this.#videoArena.reserve(payload.length)
        reservation.bytes.set(payload)
        const timing = { dts, pts: dts, isRandomAccess: isKey }
        stream.write(stream.accessUnits.make(this.#video, timing, reservation))
        this.#videoUntil = Math.round(((number + 1) * VIDEO_TIMESCALE) / frameRate)
      }
    }
    if (this.#audio === undefined) return
    let start = 0
    for (const [index, size] of audioSizes.entries()) {
      const dts = audioPositions[index] ?? 0
      if (this.#isResuming.audio) this.#tellGap(this.#audio, this.#audioUntil, dts, this.#audio.samplesPerAccessUnit)
      this.#isResuming.audio = false
      const reservation = this.#audioArena.reserve(size)
      reservation.bytes.set(audioBytes.subarray(start, start + size))
      start += size
      stream.write(stream.accessUnits.make(this.#audio, { dts, pts: dts, isRandomAccess: true }, reservation))
      this.#audioUntil = dts + this.#audio.samplesPerAccessUnit
    }
  }

  /** What one child did not make any more, and the next one not yet. */
  #tellGap(format: TrackFormat, from: number | undefined, to: number, unitTicks: number): void {
    if (from === undefined || to <= from) return
    const accessUnits = Math.round((to - from) / unitTicks)
    if (accessUnits === 0) return
    this.#stream.lost({ format, packets: 0, accessUnits, fromDts: from, toDts: to, cause: 'restart' })
  }

  [Symbol.dispose](): void {
    this.#videoArena[Symbol.dispose]()
    this.#audioArena[Symbol.dispose]()
  }
}
