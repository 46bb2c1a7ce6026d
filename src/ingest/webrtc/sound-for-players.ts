import type { TapedeckError } from '#base/error.ts'
import { LogLimit } from '#base/log-limit.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Stream } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { AudioFormat } from '#media/track.ts'
import type { AudioTranscode } from '#transcode/audio-transcode.ts'
import type { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { targetFormat, targetOf } from '#transcode/target.ts'

/** Sound that waits for the transcoder: some seconds of any codec. */
const CAPACITY_BYTES = 256 * 1024

/** At the beginning, sound that is later is left out: players would keep it waiting for ever, and the picture with it. */
const MAX_LATE_MS = 100
/** Sound that is still late after this will always be, and is better than none. */
const BEGINNING_MS = 3_000

/** A source whose time goes back by more has begun anew. */
const JUMP_BACK_MS = 1_000

/** Takes sound as access units of Opus, lent for the call. */
export type TakeSound = (accessUnit: AccessUnit) => void

export interface SoundForPlayersOptions {
  readonly runtime: Pick<Runtime, 'monotonicMs' | 'log'>
  readonly transcoder: AudioTranscoder
}

/** What a track of sound becomes for players that cannot take it as it is: Opus, told before there is any. */
export function opusFormat(source: AudioFormat): AudioFormat {
  return targetFormat(source, targetOf(source, 'opus', 0))
}

/** Sound that browsers cannot take, as Opus: each track is transcoded once, however many listen, while somebody does. */
export class SoundForPlayers {
  readonly #options: SoundForPlayersOptions
  readonly #tracks = new Map<Stream, Map<number, LiveSound>>()

  constructor(options: SoundForPlayersOptions) {
    this.#options = options
  }

  /** Gives the sound of a track from now on, until disposed. */
  follow(stream: Stream, source: AudioFormat, take: TakeSound): Disposable {
    const { trackId } = source
    const ofStream = this.#tracks.get(stream) ?? new Map<number, LiveSound>()
    this.#tracks.set(stream, ofStream)
    const sound = ofStream.get(trackId) ?? new LiveSound(stream, source, this.#options)
    ofStream.set(trackId, sound)
    sound.listeners.add(take)
    return {
      [Symbol.dispose]: () => {
        if (!sound.listeners.delete(take) || sound.listeners.size > 0) return
        sound[Symbol.dispose]()
        ofStream.delete(trackId)
        if (ofStream.size === 0) this.#tracks.delete(stream)
      },
    }
  }
}

/** One track on its way through the transcoder. */
class LiveSound implements Disposable {
  readonly listeners = new Set<TakeSound>()
  readonly #options: SoundForPlayersOptions
  readonly #source: AudioFormat
  readonly #attachment: Disposable
  readonly #trouble: LogLimit<TapedeckError>
  #transcode: AudioTranscode | undefined
  #lastMs = Number.NEGATIVE_INFINITY
  /** What waited while the transcoder began is through. */
  #isLive = false
  #begunMs: number

  constructor(stream: Stream, source: AudioFormat, options: SoundForPlayersOptions) {
    this.#options = options
    this.#source = source
    this.#begunMs = options.runtime.monotonicMs()
    const log = options.runtime.log.child({ stream: stream.path })
    this.#trouble = new LogLimit(options.runtime.monotonicMs, (err, occurrences) => {
      log.warn({ event: 'webrtc.sound-lost', occurrences, err })
    })
    // Opened at once, so that the transcoder is there when sound comes.
    this.#transcode = this.#open()
    const sink = { accessUnit: (accessUnit: AccessUnit) => this.#take(accessUnit), format() {}, ended() {} }
    this.#attachment = stream.attach(sink, { from: 'now', live: true })
  }

  #open(): AudioTranscode {
    const target = targetOf(this.#source, 'opus', 0)
    return this.#options.transcoder.open(this.#source, target, CAPACITY_BYTES, {
      accessUnit: (accessUnit) => {
        this.#isLive ||= this.#isTimely(accessUnit)
        if (!this.#isLive) return
        for (const take of this.listeners) take(accessUnit)
      },
      lost: ({ error, cause }) => {
        if (cause === 'restart') this.#beginAgain()
        if (error !== undefined) this.#trouble.occurred(error)
      },
    })
  }

  #isTimely({ pts, format }: AccessUnit): boolean {
    const isOver = this.#options.runtime.monotonicMs() - this.#begunMs > BEGINNING_MS
    return isOver || (pts * 1000) / format.timescale >= this.#lastMs - MAX_LATE_MS
  }

  #beginAgain(): void {
    this.#isLive = false
    this.#begunMs = this.#options.runtime.monotonicMs()
  }

  #take(accessUnit: AccessUnit): void {
    const { format, pts } = accessUnit
    if (format.trackId !== this.#source.trackId) return
    const atMs = (pts * 1000) / format.timescale
    // What lies before the stream's zero has no place with the transcoder, and is over in a moment.
    if (atMs < 0) return
    if (atMs < this.#lastMs - JUMP_BACK_MS) {
      this.#transcode?.[Symbol.dispose]()
      this.#transcode = this.#open()
    }
    this.#lastMs = atMs
    this.#transcode?.push(accessUnit, atMs)
    // Somebody listens now: each access unit goes to the child at once.
    void this.#transcode?.settled()
  }

  [Symbol.dispose](): void {
    this.#attachment[Symbol.dispose]()
    this.#transcode?.[Symbol.dispose]()
    this.#transcode = undefined
  }
}
