import type { Stream } from '#hub/stream.ts'
import { bytesEqual } from '#media/bytes.ts'
import type { AudioCodec } from '#media/codec.ts'
import type { AudioTag } from '#media/flv/audio-tag.ts'
import { canonicalConfiguration } from '#media/flv/configuration.ts'
import { makeAudioFormat } from '#media/format.ts'
import { describeInBand } from '#media/in-band.ts'
import type { PayloadArena } from '#media/payload-memory.ts'
import { accessUnitSamples } from '#media/samples.ts'
import type { AudioFormat } from '#media/track.ts'
import { type AccessUnitFeed, PendingAccessUnit, type TagTiming } from './pending-access-unit.ts'
import { SampleClock } from './sample-clock.ts'
import type { TimestampUnwrapper } from './timestamp-unwrapper.ts'
import type { TrackAnnouncements } from './track-announcements.ts'

const EMPTY = new Uint8Array(0)

/** Every access unit of sound is a random access point, shown when it is decoded. */
const WHOLE_MS: TagTiming = { timestampOffsetNs: 0, compositionTimeMs: 0, isKeyFrame: true }

/** One audio track of a publisher: its tags become formats and access units in the stream. */
export class AudioFeed implements AccessUnitFeed, Disposable {
  readonly #trackId: number
  readonly #stream: Stream
  readonly #unwrapper: TimestampUnwrapper
  readonly #announcements: () => TrackAnnouncements
  readonly #arena: PayloadArena
  #format: AudioFormat | undefined
  #clock = new SampleClock(48_000)
  #record: Uint8Array | undefined

  constructor(trackId: number, stream: Stream, unwrapper: TimestampUnwrapper, announcements: () => TrackAnnouncements) {
    this.#trackId = trackId
    this.#stream = stream
    this.#unwrapper = unwrapper
    this.#announcements = announcements
    this.#arena = stream.payloads.arena()
  }

  /**
   * Takes a sequence start; identical bytes are no change.
   * @throws {CodecConfigurationError | FlvTagError}
   */
  configure(codec: AudioCodec, body: Uint8Array): void {
    if (!hasRecord(codec)) return // the access units tell it all
    const record = canonicalConfiguration(codec, body)
    if (this.#format?.codec === codec && this.#record !== undefined && bytesEqual(record, this.#record)) return
    this.#announce(codec, record, 0, 0)
    this.#record = record
  }

  /** A place for the access unit that follows the tag header. Undefined: it must be seen whole first. */
  reserve(tag: AudioTag, timestampMs: number, payloadBytes: number): PendingAccessUnit | undefined {
    const format = this.#format
    if (format === undefined || format.codec !== tag.codec || payloadBytes === 0) return undefined
    if (!hasRecord(format.codec)) return undefined
    return this.#pending(format, tag, timestampMs, payloadBytes)
  }

  /**
   * Takes a whole access unit; the bytes are copied. False: nothing describes it yet.
   * @throws {BitstreamError | CodecConfigurationError}
   */
  write(tag: AudioTag, timestampMs: number, payload: Uint8Array): boolean {
    const { codec } = tag
    if (payload.length === 0) return true
    if (codec !== undefined && !hasRecord(codec)) this.#describeFromAccessUnit(codec, tag, payload)
    const format = this.#format
    if (format === undefined || format.codec !== codec) return false
    const pending = this.#pending(format, tag, timestampMs, payload.length)
    pending.reservation.bytes.set(payload)
    pending.complete()
    return true
  }

  finish(accessUnit: PendingAccessUnit): void {
    const { timestampMs, timing } = accessUnit
    const format = this.#format
    const samples = format === undefined ? 0 : samplesOf(format, accessUnit)
    const dts = this.#clock.next(this.#unwrapper.unwrap(timestampMs) + timing.timestampOffsetNs / 1e6, samples)
    this.#stream.write(accessUnit.at(dts, dts, this.#stream.accessUnits))
  }

  #pending(format: AudioFormat, tag: AudioTag, timestampMs: number, payloadBytes: number): PendingAccessUnit {
    const { timestampOffsetNs } = tag
    const timing = timestampOffsetNs === 0 ? WHOLE_MS : { ...WHOLE_MS, timestampOffsetNs }
    return new PendingAccessUnit(this, format, timestampMs, timing, this.#arena.reserve(payloadBytes))
  }

  /** Codecs without a record: a change of rate or channels is a new format. AC-3's bit rate may vary; that is none. */
  #describeFromAccessUnit(codec: AudioCodec, tag: AudioTag, payload: Uint8Array): void {
    const before = this.#format?.codec === codec ? this.#format : undefined
    if (codec === 'pcma' || codec === 'pcmu') {
      // The legacy header knows no rate for G.711 but 8 kHz, and its channel bit is often wrong: onMetaData decides.
      const { audioSampleRateHz, audioChannels } = this.#announcements()
      const sampleRateHz = audioSampleRateHz || tag.soundRateHz
      const channels = audioChannels || tag.soundChannels
      if (before === undefined) this.#announce(codec, EMPTY, sampleRateHz, channels)
      return
    }
    if (codec !== 'mp3' && codec !== 'ac3' && codec !== 'eac3') return
    const told = describeInBand(codec, payload)
    const format = this.#make(codec, told.configuration, told.sampleRateHz ?? 0, told.channels ?? 0)
    if (before?.sampleRateHz === format.sampleRateHz && before.channels === format.channels) return
    this.#adopt(format)
  }

  #announce(codec: AudioCodec, configuration: Uint8Array, sampleRateHz: number, channels: number): void {
    this.#adopt(this.#make(codec, configuration, sampleRateHz, channels))
  }

  #make(codec: AudioCodec, configuration: Uint8Array, sampleRateHz: number, channels: number): AudioFormat {
    const announced = this.#announcements()
    const init = {
      trackId: this.#trackId,
      codec,
      configuration,
      sampleRateHz: sampleRateHz || announced.audioSampleRateHz,
      channels: channels || announced.audioChannels,
      announcedBitrateBps: announced.audioBitrateBps,
    }
    const { sampleRateHz: timescale } = makeAudioFormat({ ...init, timescale: 1 })
    return makeAudioFormat({ ...init, timescale })
  }

  #adopt(format: AudioFormat): void {
    if (this.#format?.sampleRateHz !== format.sampleRateHz) this.#clock = new SampleClock(format.sampleRateHz)
    this.#format = format
    this.#stream.setFormat(format)
  }

  [Symbol.dispose](): void {
    this.#arena[Symbol.dispose]()
  }
}

/** Codecs that need a sequence start before their first access unit. */
function hasRecord(codec: AudioCodec): boolean {
  return codec === 'aac' || codec === 'opus' || codec === 'flac'
}

/** AAC's are all alike; others have to be looked into. */
function samplesOf(format: AudioFormat, { reservation }: PendingAccessUnit): number {
  return format.codec === 'aac' ? format.samplesPerAccessUnit : accessUnitSamples(format, reservation.bytes)
}
