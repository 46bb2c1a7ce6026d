import type { TapedeckError } from '#base/error.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { bytesEqual } from '#media/bytes.ts'
import type { PayloadArena, PayloadMemory } from '#media/payload-memory.ts'
import type { AudioFormat } from '#media/track.ts'
import { Batch } from './batch.ts'
import { TrackGivenUpError, UndecodableSoundError } from './errors.ts'
import type { TrackOpening, UnitsAnswer, UnitsMessage } from './messages.ts'
import { type Target, targetFormat } from './target.ts'
import { TranscodedAccessUnit } from './transcoded-access-unit.ts'

/** A track that has ended so many child processes gets no further one. */
const MAX_STRIKES = 3

/**
 * Access units of the source whose sound is in nothing that came out, with where it would have been. `overload`: more
 * came than could be transcoded. `restart`: a transcoding process ended with them. `publisher`: they can't be decoded.
 */
export interface TranscodeLoss {
  readonly accessUnits: number
  readonly fromMs: number
  readonly toMs: number
  readonly cause: 'overload' | 'restart' | 'publisher'
  /** What to tell; undefined: it has been told. */
  readonly error: TapedeckError | undefined
}

/** Takes what becomes of a track. */
export interface TranscodeEvents {
  /** Lent for the call. Its ticks are samples, counted from the same zero as the positions pushed. */
  accessUnit(accessUnit: TranscodedAccessUnit): void
  lost(loss: TranscodeLoss): void
}

/** What a track needs of the transcoder that owns it. */
export interface TranscodeOwner {
  readonly memory: PayloadMemory
  encoderOf(target: Target): string
  /** Something is to be sent without waiting for more. */
  hurry(track: AudioTranscode): void
  closed(track: AudioTranscode): void
}

export interface AudioTranscodeOptions {
  readonly id: number
  readonly source: AudioFormat
  readonly target: Target
  /** Payload bytes that may wait, sent or not; what comes beyond them is lost. */
  readonly capacityBytes: number
  readonly events: TranscodeEvents
  readonly owner: TranscodeOwner
}

/**
 * One track on its way through the transcoder. Every access unit pushed is accounted for once: by the access unit that
 * comes out with its sound, or as lost.
 */
export class AudioTranscode implements Disposable {
  readonly id: number
  #format: AudioFormat
  readonly #options: AudioTranscodeOptions
  readonly #arena: PayloadArena
  readonly #waiting: Batch[] = []
  readonly #spare: Batch[] = []
  #sent: { readonly batch: Batch; readonly units: number; readonly bytes: number } | undefined
  /** Sent, and neither in any sound that came back nor lost. */
  #unresolved = 0
  #heldBytes = 0
  #lastPosition = 0
  /** The child's numbering of what is out; undefined before anything was sent. */
  #floor: number | undefined
  /** The child that knows the track, and the source it knows. */
  #child: object | undefined
  #knownSource: AudioFormat | undefined
  #overloaded: { units: number; readonly from: number; to: number } | undefined
  #strikes = 0
  #isGivenUp = false
  #isClosed = false

  constructor(options: AudioTranscodeOptions) {
    this.#options = options
    this.id = options.id
    this.#format = targetFormat(options.source, options.target)
    this.#arena = options.owner.memory.arena()
  }

  /** What comes out; while it is not described, only codec, rate and channels count. */
  get format(): AudioFormat {
    return this.#format
  }

  /** Its configuration is known: of Vorbis, not before the first sound is. */
  get isDescribed(): boolean {
    return this.#format.configuration.length > 0
  }

  /** Payload bytes that wait for the child, or for its answer. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Somebody waits for what is still to be sent. */
  get isHurried(): boolean {
    return this.#waiting.some(({ settle }) => settle !== undefined)
  }

  /**
   * Takes a copy of the payload.
   * @param atMs where its sound begins; later ones lie later
   */
  push(accessUnit: AccessUnit, atMs: number): void {
    const position = (atMs * this.format.sampleRateHz) / 1000
    const { format, payloadBytes } = accessUnit
    if (format.kind !== 'audio') return
    const isFull = this.#heldBytes + payloadBytes > this.#options.capacityBytes
    if (this.#isGivenUp || this.#isClosed || isFull) {
      if (accessUnit.sourceAccessUnits > 0) this.#overload(position)
      return
    }
    let batch = this.#waiting.at(-1)
    if (batch === undefined || batch.settle !== undefined || batch.source !== format) batch = this.#begin(format)
    batch.add(accessUnit, position)
    this.#heldBytes += payloadBytes
    this.#lastPosition = position
  }

  /** Resolves when everything pushed so far has come out, as far as it does by itself. Never rejects. */
  settled(): Promise<void> {
    return this.#seal(false)
  }

  /** Nothing follows for now: all sound comes out, and resolves then. Never rejects. */
  flush(): Promise<void> {
    return this.#seal(true)
  }

  /** The next message for this child; undefined: nothing to send, or an answer is due first. */
  takeMessage(child: object): UnitsMessage | undefined {
    this.#tellOverload()
    const batch = this.#waiting[0]
    if (batch === undefined || this.#sent !== undefined) return undefined
    this.#waiting.shift()
    const isNew = this.#child !== child
    const { source } = batch
    const isKnown = source === undefined || (!isNew && this.#knownSource === source)
    this.#sent = { batch, units: batch.units, bytes: batch.byteLength }
    this.#unresolved += batch.units
    const opening = isNew ? this.#opening() : undefined
    this.#child = child
    if (source !== undefined) this.#knownSource = source
    return {
      kind: 'units',
      track: this.id,
      opening,
      source: isKnown ? undefined : describe(source),
      positions: batch.positions,
      sizes: batch.sizes,
      silent: batch.silent,
      bytes: batch.bytes,
      isEnd: batch.isEnd,
    }
  }

  answered(answer: UnitsAnswer): void {
    this.#floor = answer.floor
    this.#describe(answer.configuration)
    this.#settleSent()
    let start = 0
    for (const [index, size] of answer.sizes.entries()) {
      const units = answer.sourceUnits[index] ?? 0
      this.#unresolved -= units
      this.#give(answer.bytes.subarray(start, start + size), answer.positions[index] ?? 0, units)
      start += size
    }
    for (const { units, fromPosition, toPosition, reason } of answer.undecodable) {
      this.#unresolved -= units
      const error = new UndecodableSoundError(this.format.transcodedFrom ?? this.format.codec, units, reason)
      this.#lose(units, fromPosition, toPosition, 'publisher', error)
    }
  }

  /** Another encoder of the same settings says the same: the format then stays the same object. */
  #describe(configuration: Uint8Array | undefined): void {
    if (configuration === undefined || bytesEqual(configuration, this.#format.configuration)) return
    this.#format = targetFormat(this.#options.source, this.#options.target, Uint8Array.from(configuration))
  }

  /** The child has ended, and what it had is gone. @param isToBlame it was at work on this track's message */
  childEnded(isToBlame: boolean): void {
    this.#child = undefined
    this.#settleSent()
    const units = this.#unresolved
    this.#unresolved = 0
    // Told by the transcoder, once for all tracks.
    if (units > 0) this.#lose(units, this.#floor ?? this.#lastPosition, this.#lastPosition, 'restart', undefined)
    if (!isToBlame || ++this.#strikes < MAX_STRIKES) return
    this.#isGivenUp = true
    this.#dropWaiting(
      'publisher',
      new TrackGivenUpError(this.format.transcodedFrom ?? this.format.codec, this.#strikes),
    )
  }

  /** What has not come out is lost. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#tellOverload()
    this.#settleSent()
    const units = this.#unresolved
    this.#unresolved = 0
    if (units > 0) this.#lose(units, this.#floor ?? this.#lastPosition, this.#lastPosition, 'overload', undefined)
    this.#dropWaiting('overload', undefined)
    this.#arena[Symbol.dispose]()
    this.#options.owner.closed(this)
  }

  #begin(source: AudioFormat | undefined): Batch {
    const batch = this.#spare.pop() ?? new Batch()
    batch.source = source
    this.#waiting.push(batch)
    return batch
  }

  #seal(isEnd: boolean): Promise<void> {
    const isIdle = this.#waiting.length === 0 && this.#sent === undefined && (!isEnd || this.#unresolved === 0)
    if (this.#isClosed || this.#isGivenUp || isIdle) return Promise.resolve()
    let batch = this.#waiting.at(-1)
    if (batch === undefined || batch.settle !== undefined) batch = this.#begin(undefined)
    const { promise, resolve } = Promise.withResolvers<void>()
    batch.settle = resolve
    batch.isEnd = isEnd
    this.#options.owner.hurry(this)
    return promise
  }

  #opening(): TrackOpening {
    const { target, owner } = this.#options
    return { target, encoder: owner.encoderOf(target), floor: this.#floor ?? 0, next: this.#floor }
  }

  #give(payload: Uint8Array, position: number, sourceUnits: number): void {
    const reservation = this.#arena.reserve(payload.length)
    reservation.chunk.bytes.set(payload, reservation.start)
    const accessUnit = new TranscodedAccessUnit(this.format, position, reservation, sourceUnits)
    this.#options.events.accessUnit(accessUnit)
    accessUnit.release()
  }

  #settleSent(): void {
    const sent = this.#sent
    if (sent === undefined) return
    this.#sent = undefined
    this.#heldBytes -= sent.bytes
    this.#recycle(sent.batch)
  }

  #recycle(batch: Batch): void {
    const { settle } = batch
    batch.clear()
    this.#spare.push(batch)
    settle?.()
  }

  #dropWaiting(cause: TranscodeLoss['cause'], error: TapedeckError | undefined): void {
    let units = 0
    for (const batch of this.#waiting.splice(0)) {
      units += batch.units
      this.#heldBytes -= batch.byteLength
      this.#recycle(batch)
    }
    if (units > 0 || error !== undefined) {
      this.#lose(units, this.#floor ?? this.#lastPosition, this.#lastPosition, cause, error)
    }
  }

  #overload(position: number): void {
    this.#overloaded ??= { units: 0, from: position, to: position }
    this.#overloaded.units++
    this.#overloaded.to = position
    if (this.#isClosed) this.#tellOverload()
  }

  #tellOverload(): void {
    const overloaded = this.#overloaded
    if (overloaded === undefined) return
    this.#overloaded = undefined
    const { units, from, to } = overloaded
    this.#lose(units, from, to, this.#isGivenUp ? 'publisher' : 'overload', undefined)
  }

  #lose(
    accessUnits: number,
    from: number,
    to: number,
    cause: TranscodeLoss['cause'],
    error: TapedeckError | undefined,
  ): void {
    const { sampleRateHz } = this.format
    const fromMs = (from * 1000) / sampleRateHz
    const toMs = (Math.max(from, to) * 1000) / sampleRateHz
    this.#options.events.lost({ accessUnits, fromMs, toMs, cause, error })
  }
}

function describe({ codec, configuration, sampleRateHz, channels }: AudioFormat): UnitsMessage['source'] {
  return { codec, configuration, sampleRateHz, channels }
}
