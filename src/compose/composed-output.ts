import type { Stream } from '#hub/stream.ts'
import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import type { PayloadArena } from '#media/payload-memory.ts'
import type { AudioFormat, VideoFormat } from '#media/track.ts'
import { type MediaMessage, OUTPUT_CHANNELS, OUTPUT_RATE_HZ } from './messages.ts'
import type { CompleteRequest } from './request.ts'

const VIDEO_TIMESCALE = 90_000
const VIDEO_TRACK = 1
const AUDIO_TRACK = 2
/** AudioSpecificConfig: AAC-LC, 48 kHz, two channels. */
const AAC_CONFIGURATION = Uint8Array.of(0x11, 0x90)

/** Writes what a child has composed into the stream. */
export class ComposedOutput implements Disposable {
  readonly #stream: Stream
  readonly #request: CompleteRequest
  readonly #videoArena: PayloadArena
  readonly #audioArena: PayloadArena
  #video: VideoFormat | undefined
  #audio: AudioFormat | undefined
  #untilMs = 0

  constructor(stream: Stream, request: CompleteRequest) {
    this.#stream = stream
    this.#request = request
    this.#videoArena = stream.payloads.arena()
    this.#audioArena = stream.payloads.arena()
  }

  /** End of what has come out, milliseconds of the composition. */
  get untilMs(): number {
    return this.#untilMs
  }

  /** A child begins: what follows can be decoded with what it says only. @param avcC empty without video */
  begin(avcC: Uint8Array): void {
    const { video, audio, frameRate, widthPixels, heightPixels, videoBitrateBps, audioBitrateBps } = this.#request
    if (video) {
      this.#video = makeVideoFormat({
        trackId: VIDEO_TRACK,
        codec: 'h264',
        timescale: VIDEO_TIMESCALE,
        configuration: avcC,
        announcedBitrateBps: videoBitrateBps,
        frameRateHint: frameRate,
        widthPixels,
        heightPixels,
      })
      this.#stream.setFormat(this.#video)
    }
    if (!audio) return
    this.#audio = makeAudioFormat({
      trackId: AUDIO_TRACK,
      codec: 'aac',
      timescale: OUTPUT_RATE_HZ,
      configuration: AAC_CONFIGURATION,
      announcedBitrateBps: audioBitrateBps,
      sampleRateHz: OUTPUT_RATE_HZ,
      channels: OUTPUT_CHANNELS,
    })
    this.#stream.setFormat(this.#audio)
  }

  write({ pictures, audioPositions, audioSizes, audioBytes }: MediaMessage): void {
    const stream = this.#stream
    if (this.#video !== undefined) {
      for (const { number, isKey, payload } of pictures) {
        const dts = Math.round((number * VIDEO_TIMESCALE) / this.#request.frameRate)
        const reservation = this.#videoArena.reserve(payload.length)
        reservation.bytes.set(payload)
        const timing = { dts, pts: dts, isRandomAccess: isKey }
        stream.write(stream.accessUnits.make(this.#video, timing, reservation))
        this.#untilMs = Math.max(this.#untilMs, ((number + 1) * 1_000) / this.#request.frameRate)
      }
    }
    if (this.#audio === undefined) return
    let start = 0
    for (const [index, size] of audioSizes.entries()) {
      const dts = audioPositions[index] ?? 0
      const reservation = this.#audioArena.reserve(size)
      reservation.bytes.set(audioBytes.subarray(start, start + size))
      start += size
      stream.write(stream.accessUnits.make(this.#audio, { dts, pts: dts, isRandomAccess: true }, reservation))
      const untilMs = ((dts + this.#audio.samplesPerAccessUnit) * 1_000) / OUTPUT_RATE_HZ
      this.#untilMs = Math.max(this.#untilMs, untilMs)
    }
  }

  [Symbol.dispose](): void {
    this.#videoArena[Symbol.dispose]()
    this.#audioArena[Symbol.dispose]()
  }
}
