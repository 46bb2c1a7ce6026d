import type { TapedeckError } from '#base/error.ts'
import { LogLimit } from '#base/log-limit.ts'
import type { Logger } from '#base/runtime.ts'
import type { Container } from '#containers/container.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import type { AudioTranscode, TranscodeLoss } from '#transcode/audio-transcode.ts'
import type { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { targetOf } from '#transcode/target.ts'
import { type AudioWish, targetCodec } from './audio-plan.ts'
import type { TimedAccessUnit } from './cutter.ts'

/** How long the beginning of a file waits for its transcoded sound. */
const BEGIN_PATIENCE_MS = 2_000
/** And how much of the other tracks may wait with it. */
const MAX_HELD_BYTES = 64 * 1024 * 1024
/** How long the end of a recording waits for the sound that is on its way. */
const END_PATIENCE_MS = 3_000

/** What transcoded tracks tell their recording. */
export interface TranscodedTracksEvents {
  /** To be written. Lent for the call. */
  write(unit: TimedAccessUnit, atMs: number): void
  /** Sound of the transcoder's, placed on the recording's timeline by its own times. Lent for the call. */
  transcoded(accessUnit: AccessUnit): TimedAccessUnit
  lost(format: TrackFormat, loss: TranscodeLoss): void
  /** All sound of the track is written. */
  trackEnded(trackId: number): void
}

export interface TranscodedTracksOptions {
  readonly wish: AudioWish
  readonly transcoder: AudioTranscoder
  /** Of each track; see AudioTranscoder.open. */
  readonly capacityBytes: number
  readonly log: Logger
  readonly monotonicMs: () => number
  /** Resolves after so long; the recording's own clock. */
  readonly wait: (ms: number) => Promise<void>
  readonly events: TranscodedTracksEvents
}

/** Held back at the beginning. */
interface HeldUnit {
  readonly unit: TimedAccessUnit
  readonly atMs: number
}

/**
 * Sound that a recording's container can't carry, on its way through the transcoder. It comes out a fraction of a second
 * later than the other tracks' access units; only at the beginning, where that may be more, they wait for it, so that a
 * file begins with all its tracks.
 */
export class TranscodedTracks implements AsyncDisposable {
  readonly #options: TranscodedTracksOptions
  readonly #tracks = new Map<number, AudioTranscode>()
  /** Access units that came since a track was told to have ended take that back. */
  readonly #ending = new Set<number>()
  #container: Container | undefined
  #held: HeldUnit[] | undefined
  #heldBytes = 0
  #flaw: unknown
  readonly #trouble: LogLimit<TapedeckError>

  constructor(options: TranscodedTracksOptions) {
    this.#options = options
    this.#trouble = new LogLimit(options.monotonicMs, (err, occurrences) => {
      options.log.warn({ event: 'recording.sound-lost', occurrences, err })
    })
  }

  /** Payload bytes that wait for the transcoder, or for its sound. */
  get heldBytes(): number {
    let bytes = this.#heldBytes
    if (this.#tracks.size > 0) for (const track of this.#tracks.values()) bytes += track.heldBytes
    return bytes
  }

  /** Nothing is transcoded. */
  get isEmpty(): boolean {
    return this.#tracks.size === 0
  }

  /** What last went wrong with the sound; undefined when nothing did. */
  get flaw(): unknown {
    return this.#flaw
  }

  /** Call before the first take(): what has to be transcoded is known from here on. */
  begin(container: Container, formats: Iterable<TrackFormat>): void {
    this.#container = container
    for (const format of formats) this.#trackOf(format)
    if (this.#tracks.size > 0) this.#held = []
  }

  /** Parts are of another container from now on. What is transcoded already stays what it is. */
  follow(container: Container): void {
    this.#container = container
  }

  /** What has come so far begins the file, as soon as its sound is there. */
  begun(): void {
    if (this.#held === undefined) return
    // Twice: what the hub remembers has only begun to come.
    const settled = this.#settled().then(() => this.#settled())
    void Promise.race([settled, this.#options.wait(BEGIN_PATIENCE_MS)]).then(() => this.#release())
  }

  /** The tracks as they are written. */
  written(formats: ReadonlyMap<number, TrackFormat>): ReadonlyMap<number, TrackFormat> {
    const written = new Map<number, TrackFormat>()
    // A part that begins has to know of a track what it will be, before anything of it came.
    for (const [trackId, format] of formats) {
      const track = this.#trackOf(format)
      // What is not described yet comes late: its first access unit brings its format.
      if (track === undefined) written.set(trackId, format)
      else if (track.isDescribed) written.set(trackId, track.format)
    }
    return written
  }

  /** @param atMs where the access unit is decoded, on the recording's timeline */
  take(unit: TimedAccessUnit, atMs: number): void {
    const { accessUnit } = unit
    const track = this.#trackOf(accessUnit.format)
    if (track === undefined) {
      this.#write(unit, atMs)
      return
    }
    if (this.#ending.size > 0) this.#ending.delete(accessUnit.format.trackId)
    track.push(accessUnit, atMs)
  }

  /** False: the track is none of these. True: `trackEnded` follows when its sound is out. */
  endTrack(trackId: number): boolean {
    const track = this.#tracks.get(trackId)
    if (track === undefined) return false
    this.#ending.add(trackId)
    void track.flush().then(() => {
      if (this.#ending.delete(trackId)) this.#options.events.trackEnded(trackId)
    })
    return true
  }

  /** All sound that comes in time is written; the rest is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#tracks.size === 0) return
    const flushed = Promise.all([...this.#tracks.values()].map((track) => track.flush()))
    await Promise.race([flushed, this.#options.wait(END_PATIENCE_MS)])
    this.#release()
    for (const track of this.#tracks.values()) track[Symbol.dispose]()
    this.#tracks.clear()
  }

  async #settled(): Promise<void> {
    await Promise.all([...this.#tracks.values()].map((track) => track.settled()))
  }

  /** A track that was transcoded once stays so: its files hold one codec. */
  #trackOf(format: TrackFormat): AudioTranscode | undefined {
    if (format.kind === 'video' || this.#container === undefined) return undefined
    const known = this.#tracks.get(format.trackId)
    if (known !== undefined) return known
    const { wish, transcoder, capacityBytes, events, log } = this.#options
    const codec = targetCodec(format, this.#container, wish)
    if (codec === undefined) return undefined
    const target = targetOf(format, codec, wish.audioSampleRateHz)
    const track = transcoder.open(format, target, capacityBytes, {
      accessUnit: (accessUnit) => {
        const unit = events.transcoded(accessUnit)
        this.#write(unit, (unit.dts * 1000) / accessUnit.format.timescale)
      },
      lost: (loss) => {
        events.lost(track.format, loss)
        if (loss.error === undefined) return
        this.#flaw = loss.error
        this.#trouble.occurred(loss.error)
      },
    })
    this.#tracks.set(format.trackId, track)
    log.info({ event: 'recording.transcoding', from: format.codec, to: codec, sampleRateHz: target.sampleRateHz })
    return track
  }

  #write(unit: TimedAccessUnit, atMs: number): void {
    if (this.#held === undefined) {
      this.#options.events.write(unit, atMs)
      return
    }
    unit.accessUnit.retain()
    this.#held.push({ unit, atMs })
    this.#heldBytes += unit.accessUnit.payloadBytes
    if (this.#heldBytes > MAX_HELD_BYTES) this.#release()
  }

  #release(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    this.#heldBytes = 0
    for (const { unit, atMs } of held.sort((a, b) => a.atMs - b.atMs)) {
      this.#options.events.write(unit, atMs)
      unit.accessUnit.release()
    }
  }
}
