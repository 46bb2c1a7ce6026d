import type { Logger } from '#base/runtime.ts'
import type { Container } from '#containers/container.ts'
import { leadingTrackId } from '#hub/leading-track.ts'
import type { StreamEnd, StreamLoss, StreamSink } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { type DataMessage, heldBytes } from '#media/data-message.ts'
import type { TrackFormat } from '#media/track.ts'
import { type AudioWish, canHold } from './audio-plan.ts'
import { joinsFrom } from './first-picture.ts'
import { Gathering } from './gathering.ts'
import type { StreamSource } from './held-stream.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import { SkippedUnits } from './skipped-units.ts'

/** What the intake tells its recording. */
export interface IntakeEvents {
  /** Enough was gathered: call begin() when there is somewhere to put it. Repeated until then. */
  ready(): void
  /** Lent for the call; only after begin(). */
  accessUnit(accessUnit: AccessUnit): void
  /** A track brings nothing more while others go on; it may return. */
  trackEnded(trackId: number): void
  /** What the publisher said, only after begin(). */
  data(message: DataMessage): void
  /** What comes can't be taken until a random access point does. Repeated while that is so. */
  awaitsRandomAccess(): void
  /** Of a track of the recording; what was lost before begin() is to be asked for right after it. */
  lost(loss: StreamLoss): void
  ended(end: StreamEnd): void
}

export interface IntakeOptions {
  readonly request: Pick<ResolvedRequest, 'startOn' | 'audio' | 'video' | 'data'> & AudioWish
  readonly trackWaitMs: number
  /**
   * The present container can't hold one of these: the one that the recording goes on in. Undefined: it stays where it
   * is, and the track is left out.
   */
  readonly otherContainer: (formats: Iterable<TrackFormat>, present: Container) => Container | undefined
  readonly monotonicMs: () => number
  readonly log: Logger
  readonly events: IntakeEvents
}

/** A beginning with more losses than this is told in part; a stream tells them a second at a time. */
const MAX_EARLY_LOSSES = 1_000

/** What a publisher says before a recording has begun is kept so far. */
const MAX_EARLY_DATA_BYTES = 256 * 1024

/** Tracks of one stream lie no further apart than this. */
const MAX_EARLY_MS = 10_000

/**
 * A recording's side towards the hub: subscribes to the stream, gathers its beginning, and lets through what the
 * recording is about (kinds asked for, codecs the container can hold, each track from where it can begin).
 */
export class Intake implements StreamSink, Disposable {
  readonly #options: IntakeOptions
  /** Tracks of the present connection that belong to the recording. */
  readonly #formats = new Map<number, TrackFormat>()
  readonly #ignored = new Set<number>()
  /** Tracks that have not come to where they may begin; once they have, they never wait again. */
  readonly #awaited = new Set<number>()
  readonly #begun = new Set<number>()
  #leadingTrackId = 0
  /** Before it, in mid-stream, other tracks belong to what was missed. */
  #startMs: number | undefined
  #container: Container | undefined
  #gathering: Gathering | undefined
  /** It saw the stream from its first access unit on: nothing was missed. */
  #isFromFirst = false
  readonly #skipped = new SkippedUnits()
  /** There is somewhere to put what passes. */
  #hasBegun = false
  /** Until then. */
  #earlyLosses: StreamLoss[] = []
  /** Each with the number of access units that came before it. */
  #earlyData: { readonly message: DataMessage; readonly before: number }[] = []
  #earlyDataBytes = 0
  #attachment: Disposable | undefined
  /** A stream may still be handing an access unit round when we leave. */
  #isListening = false
  /** Of the first that the stream remembers, while it gives what it remembers. */
  #rememberedAgeMs = 0

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  get isAttached(): boolean {
    return this.#attachment !== undefined
  }

  get formats(): ReadonlyMap<number, TrackFormat> {
    return this.#formats
  }

  get leadingTrackId(): number {
    return this.#leadingTrackId
  }

  /** Nothing is gathered. */
  get isEmpty(): boolean {
    return this.#gathering?.isEmpty ?? true
  }

  /** The first that is gathered came so long ago. */
  get gatheredForMs(): number {
    return this.#gathering?.heldForMs ?? 0
  }

  get gatheredBytes(): number {
    return this.#gathering?.heldBytes ?? 0
  }

  /**
   * Takes the stream in, from its remembered random access point unless the caller wants to begin at once.
   * @param backMs from one that is so old; see AttachOptions of the hub
   */
  attach(stream: StreamSource, backMs = 0): void {
    const { request, trackWaitMs, monotonicMs } = this.#options
    const { startOn, audio, video } = request
    this.#formats.clear()
    this.#awaited.clear()
    if (this.#container === undefined) {
      const fromFirst = stream.formats.size === 0
      this.#isFromFirst = fromFirst
      this.#skipped.clear()
      this.#earlyLosses = []
      this.#gathering?.[Symbol.dispose]()
      this.#gathering = new Gathering({ startOn, audio, video, trackWaitMs, fromFirst, monotonicMs })
    }
    this.#isListening = true
    const usual = startOn === 'now' ? 'now' : 'memory'
    const from = this.#container === undefined ? joinsFrom(stream, startOn, backMs) : usual
    this.#rememberedAgeMs = from === 'memory' ? (stream.memoryAgeMs(backMs) ?? 0) : 0
    const attachment = stream.attach(this, { from, backMs, live: false })
    this.#rememberedAgeMs = 0
    if (this.#gathering?.waitsForRandomAccess === true) this.#options.events.awaitsRandomAccess()
    // What the stream remembers may have ended the recording already.
    if (this.#isListening && stream.end === undefined) this.#attachment = attachment
    else attachment[Symbol.dispose]()
  }

  detach(): void {
    this.#isListening = false
    for (const loss of this.#skipped.takeAll()) this.#lose(loss)
    this.#attachment?.[Symbol.dispose]()
    this.#attachment = undefined
  }

  /** From now on access units pass. Gives what was gathered, in the stream's order; the caller owns the references. */
  begin(container: Container): (AccessUnit | DataMessage)[] {
    this.#startMs = this.#gathering?.startMs
    const gathered = this.#gathering?.take() ?? []
    this.#container = container
    this.#gathering = undefined
    const earlyData = this.#earlyData
    this.#earlyData = []
    this.#earlyDataBytes = 0
    const taken: (AccessUnit | DataMessage)[] = []
    let nextData = 0
    const takeDataUpTo = (count: number) => {
      for (; (earlyData[nextData]?.before ?? Number.POSITIVE_INFINITY) <= count; nextData++) {
        const early = earlyData[nextData]
        if (early !== undefined) taken.push(early.message)
      }
    }
    for (const [index, accessUnit] of gathered.entries()) {
      takeDataUpTo(index)
      if (this.#passes(accessUnit)) taken.push(accessUnit)
      else accessUnit.release()
    }
    takeDataUpTo(gathered.length)
    return taken
  }

  format(format: TrackFormat): void {
    const { request, log } = this.#options
    if (format.kind === 'audio' ? !request.audio : !request.video) return
    const container = this.#container
    if (container !== undefined && !canHold(format, container, request) && !this.#moves(format, container)) {
      if (!this.#ignored.has(format.trackId)) {
        log.warn({ event: 'recording.track-ignored', codec: format.codec, format: container.name })
      }
      this.#ignored.add(format.trackId)
      this.#formats.delete(format.trackId)
    } else {
      this.#ignored.delete(format.trackId)
      this.#formats.set(format.trackId, format)
      if (request.startOn === 'keyframe' && !this.#begun.has(format.trackId)) this.#awaited.add(format.trackId)
      this.#gathering?.format(format)
    }
    this.#leadingTrackId = leadingTrackId(this.#formats.values())
  }

  /** Whether the recording goes on in another container, which holds this track too. */
  #moves(format: TrackFormat, present: Container): boolean {
    const formats = new Map(this.#formats).set(format.trackId, format)
    const other = this.#options.otherContainer(formats.values(), present)
    if (other !== undefined) this.#container = other
    return other !== undefined
  }

  /** The next part need not have it, and another track begins GOPs if it did. */
  trackEnded(trackId: number): void {
    this.#formats.delete(trackId)
    this.#awaited.delete(trackId)
    this.#leadingTrackId = leadingTrackId(this.#formats.values())
    this.#options.events.trackEnded(trackId)
  }

  accessUnit(accessUnit: AccessUnit): void {
    if (!this.#isListening) return
    const { format } = accessUnit
    if (this.#formats.get(format.trackId) !== format) {
      this.format(format)
      if (this.#formats.get(format.trackId) !== format) return
    }
    if (this.#gathering !== undefined) {
      const isTaken = this.#gathering.add(accessUnit, this.#rememberedAgeMs)
      if (isTaken) this.#goesOn(accessUnit)
      else if (this.#isFromFirst) this.#skip(accessUnit)
      if (this.#gathering.waitsForRandomAccess) this.#options.events.awaitsRandomAccess()
      if (this.#gathering.isReady) this.#options.events.ready()
    } else if (this.#passes(accessUnit)) {
      this.#options.events.accessUnit(accessUnit)
    }
  }

  lost(loss: StreamLoss): void {
    if (!this.#isListening || !this.#formats.has(loss.format.trackId)) return
    // In mid-stream, what was lost before the first access unit that is kept is none of the recording's.
    if (this.#isFromFirst || this.#gathering?.isEmpty !== true) this.#lose(loss)
  }

  #skip(accessUnit: AccessUnit): void {
    const loss = this.#skipped.add(accessUnit, this.#hasBegun)
    if (loss !== undefined) this.#lose(loss)
  }

  #lose(loss: StreamLoss): void {
    if (this.#hasBegun) this.#options.events.lost(loss)
    else if (this.#earlyLosses.length < MAX_EARLY_LOSSES) this.#earlyLosses.push(loss)
  }

  /** The track's access units pass from here on. */
  #goesOn({ format, dts }: AccessUnit): void {
    if (this.#skipped.isEmpty) return
    const loss = this.#skipped.take(format.trackId, dts)
    if (loss !== undefined) this.#lose(loss)
  }

  /** What was lost while begin() was waited for; once. */
  takeEarlyLosses(): readonly StreamLoss[] {
    const losses = this.#earlyLosses
    this.#earlyLosses = []
    this.#hasBegun = true
    return losses
  }

  data(message: DataMessage): void {
    if (!this.#isListening || !this.#options.request.data) return
    if (this.#gathering === undefined) {
      this.#options.events.data(message)
    } else if (this.#earlyDataBytes + heldBytes(message) <= MAX_EARLY_DATA_BYTES) {
      this.#earlyData.push({ message, before: this.#gathering.count })
      this.#earlyDataBytes += heldBytes(message)
    }
  }

  ended(end: StreamEnd): void {
    if (!this.#isListening) return
    this.detach()
    this.#options.events.ended(end)
  }

  /** Call a few times a second: ends the wait for a track that doesn't come. */
  tick(): void {
    if (this.#gathering?.isReady === true) this.#options.events.ready()
  }

  /** Leaves the stream and forgets what was gathered. */
  [Symbol.dispose](): void {
    this.detach()
    this.#gathering?.[Symbol.dispose]()
    this.#gathering = undefined
  }

  #passes(accessUnit: AccessUnit): boolean {
    const { format, isRandomAccess, pts } = accessUnit
    if (this.#awaited.size === 0 || !this.#awaited.has(format.trackId)) return true
    const earlyMs = this.#startMs === undefined ? 0 : this.#startMs - (pts * 1000) / format.timescale
    // A track much earlier than that is on another clock.
    if (!isRandomAccess) this.#options.events.awaitsRandomAccess()
    if (earlyMs > 0 && earlyMs < MAX_EARLY_MS) return false
    if (!isRandomAccess) {
      this.#skip(accessUnit)
      return false
    }
    this.#awaited.delete(format.trackId)
    this.#begun.add(format.trackId)
    this.#goesOn(accessUnit)
    return true
  }
}
