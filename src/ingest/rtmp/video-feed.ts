import type { Stream } from '#hub/stream.ts'
import { bytesEqual } from '#media/bytes.ts'
import type { VideoCodec } from '#media/codec.ts'
import { canonicalConfiguration } from '#media/flv/configuration.ts'
import type { VideoTag } from '#media/flv/video-tag.ts'
import { makeVideoFormat } from '#media/format.ts'
import { describeInBand, isSelfDescribing } from '#media/in-band.ts'
import type { PayloadArena } from '#media/payload-memory.ts'
import type { VideoFormat } from '#media/track.ts'
import { type AccessUnitFeed, PendingAccessUnit } from './pending-access-unit.ts'
import type { TimestampUnwrapper } from './timestamp-unwrapper.ts'
import type { TrackAnnouncements } from './track-announcements.ts'

/** MPEG's clock: a millisecond is 90 ticks. */
const VIDEO_TIMESCALE = 90_000
const TICKS_PER_MS = VIDEO_TIMESCALE / 1000

/** One video track of a publisher: its tags become formats and access units in the stream. */
export class VideoFeed implements AccessUnitFeed, Disposable {
  readonly #trackId: number
  readonly #stream: Stream
  readonly #unwrapper: TimestampUnwrapper
  readonly #announcements: () => TrackAnnouncements
  readonly #arena: PayloadArena
  #format: VideoFormat | undefined
  #codec: VideoCodec | undefined
  #record: Uint8Array | undefined

  constructor(trackId: number, stream: Stream, unwrapper: TimestampUnwrapper, announcements: () => TrackAnnouncements) {
    this.#trackId = trackId
    this.#stream = stream
    this.#unwrapper = unwrapper
    this.#announcements = announcements
    this.#arena = stream.payloads.arena()
  }

  /**
   * Takes a sequence start. Encoders repeat it, some before every key frame: identical bytes are no change.
   * @throws {CodecConfigurationError | FlvTagError}
   */
  configure(codec: VideoCodec, body: Uint8Array): void {
    const record = canonicalConfiguration(codec, body)
    if (this.#codec === codec && this.#record !== undefined && bytesEqual(record, this.#record)) return
    // VP8 and VP9 keep their size in the key frames: the format waits for the next one.
    if (!isSelfDescribing(codec)) this.#announce(makeVideoFormat(this.#init(codec, record)))
    this.#codec = codec
    this.#record = record
  }

  /**
   * A place for the picture that follows the tag header. Undefined: the picture must be seen whole first, or there is
   * no configuration for it.
   */
  reserve(tag: VideoTag, timestampMs: number, payloadBytes: number): PendingAccessUnit | undefined {
    const format = this.#format
    if (format === undefined || format.codec !== tag.codec || payloadBytes === 0) return undefined
    if (tag.isKeyFrame && isSelfDescribing(format.codec)) return undefined
    return this.#pending(format, tag, timestampMs, payloadBytes)
  }

  /**
   * Takes a whole picture; the bytes are copied. False: nothing describes it yet.
   * @throws {BitstreamError | CodecConfigurationError}
   */
  write(tag: VideoTag, timestampMs: number, payload: Uint8Array): boolean {
    const { codec } = tag
    if (payload.length === 0) return true
    if (codec !== undefined && isSelfDescribing(codec) && tag.isKeyFrame) this.#describeFromKeyFrame(codec, payload)
    const format = this.#format
    if (format === undefined || format.codec !== codec) return false
    const pending = this.#pending(format, tag, timestampMs, payload.length)
    pending.reservation.bytes.set(payload)
    pending.complete()
    return true
  }

  finish(accessUnit: PendingAccessUnit): void {
    const { timestampOffsetNs, compositionTimeMs } = accessUnit.timing
    const dts =
      this.#unwrapper.unwrap(accessUnit.timestampMs) * TICKS_PER_MS +
      Math.round((timestampOffsetNs * TICKS_PER_MS) / 1e6)
    this.#stream.write(accessUnit.at(dts, dts + compositionTimeMs * TICKS_PER_MS, this.#stream.accessUnits))
  }

  #pending(format: VideoFormat, tag: VideoTag, timestampMs: number, payloadBytes: number): PendingAccessUnit {
    return new PendingAccessUnit(this, format, timestampMs, tag, this.#arena.reserve(payloadBytes))
  }

  #describeFromKeyFrame(codec: 'vp8' | 'vp9', payload: Uint8Array): void {
    const told = describeInBand(codec, payload, this.#announcements().frameRateHint)
    const record =
      this.#codec === codec && this.#record !== undefined && this.#record.length > 0 ? this.#record : told.configuration
    const format = makeVideoFormat({ ...this.#init(codec, record), ...told, configuration: record })
    const before = this.#format
    if (
      before?.codec === format.codec &&
      before.widthPixels === format.widthPixels &&
      before.heightPixels === format.heightPixels &&
      bytesEqual(before.configuration, format.configuration)
    ) {
      return
    }
    this.#announce(format)
  }

  #init(codec: VideoCodec, configuration: Uint8Array) {
    const { widthPixels, heightPixels, frameRateHint, videoBitrateBps } = this.#announcements()
    return {
      trackId: this.#trackId,
      timescale: VIDEO_TIMESCALE,
      codec,
      configuration,
      widthPixels,
      heightPixels,
      frameRateHint,
      announcedBitrateBps: videoBitrateBps,
    }
  }

  #announce(format: VideoFormat): void {
    this.#format = format
    this.#stream.setFormat(format)
  }

  [Symbol.dispose](): void {
    this.#arena[Symbol.dispose]()
  }
}
