import { errorCode } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Container } from '#containers/container.ts'
import type { StreamEnd } from '#hub/stream.ts'
import type { DataMessage } from '#media/data-message.ts'
import type { TrackFormat } from '#media/track.ts'
import type { PartDocument, ProblemDocument, RecordingDocument, RecordingState } from '#storage/recording-document.ts'
import { Account } from './account.ts'
import { ArrivalClock } from './arrival-clock.ts'
import { DriftMeter } from './drift-meter.ts'
import { NothingRecordedError } from './errors.ts'
import type { StreamSource } from './held-stream.ts'
import { Intake } from './intake.ts'
import { Output } from './output.ts'
import { PartMaker } from './part-maker.ts'
import { Pauses } from './pauses.ts'
import { Placement } from './placement.ts'
import type { RecordingOptions } from './recording-options.ts'
import { RecordingStart } from './recording-start.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import { advance, isFinal } from './state.ts'
import { TranscodedTracks } from './transcoded-tracks.ts'
import { problemOf, severityOf } from './troubles.ts'

/** A recording that is stopped before its first bytes are written still says that it records, unless the disk hangs. */
const FIRST_BYTES_PATIENCE_MS = 1_000

/** Who waits for a random access point asks for it so often. */
const ASK_AGAIN_MS = 1_000

/**
 * One recording of one stream path, over one or more connections of its publisher: what the intake lets through gets
 * its place and goes to the output. Its state is what intake and output have come to.
 *
 *   intake ─► placement (timeline, account) ─► (transcoder) ─► output (gate ─► cutter ─► parts)
 */
export class Recording {
  readonly id: string
  readonly request: ResolvedRequest
  readonly log: Logger
  readonly #options: RecordingOptions
  readonly #runtime: Runtime
  readonly #maker: PartMaker
  readonly #intake: Intake
  readonly #account: Account
  readonly #placement: Placement
  readonly #sound: TranscodedTracks
  readonly #output: Output
  readonly #start: RecordingStart
  readonly #pauses: Pauses
  readonly #arrival: ArrivalClock
  readonly #drift = new DriftMeter()
  readonly #requestedAtMs: number
  readonly #firstBytes = Promise.withResolvers<void>()
  readonly #begun = Promise.withResolvers<void>()
  #state: RecordingState = 'waiting'
  /** What it is attached to, or was last. */
  #source: StreamSource | undefined
  /** When it was last asked for a random access point. */
  #askedMs = Number.NEGATIVE_INFINITY
  #detachedMs: number | undefined
  #endedAtMs: number | undefined
  #held: boolean
  /** What ends the recording, as it was thrown. */
  #fatal: unknown
  #stopping: Promise<void> | undefined

  /** @throws {NameTemplateError} */
  constructor(options: RecordingOptions) {
    const { runtime, settings, request, previous, events, disk } = options
    const { monotonicMs } = runtime
    this.id = options.id
    this.request = request
    this.log = runtime.log.child({ recording: options.id, stream: request.stream })
    this.#options = options
    this.#runtime = runtime
    this.#arrival = new ArrivalClock(runtime.nowMs, () => this.#placement.endMs)
    this.#maker = new PartMaker(settings, disk, request, options.id)
    this.#intake = new Intake({
      request,
      trackWaitMs: settings.trackWaitMs,
      otherContainer: (formats, present) => this.#otherContainer(formats, present),
      monotonicMs,
      log: this.log,
      events: {
        ready: () => this.#start.begin(),
        accessUnit: (accessUnit) => this.#placement.take(accessUnit),
        data: (message) => this.#say(message),
        awaitsRandomAccess: () => this.#askRandomAccess(),
        lost: (loss) => this.#placement.lostOnTheWay(loss),
        trackEnded: (trackId) => {
          this.#placement.endTrack(trackId)
          if (!this.#sound.endTrack(trackId)) this.#output.endTrack(trackId)
        },
        ended: (end) => this.#streamEnded(end),
      },
    })
    this.#account = new Account(
      previous?.ledger,
      { received: events.received, lost: events.lost, gap: (gap) => events.gap(this, gap) },
      runtime.nowMs,
    )
    this.#placement = new Placement({
      startMs: previous?.durationMs ?? 0,
      maxSeconds: request.maxSeconds,
      account: this.#account,
      monotonicMs,
      formats: () => this.#intake.formats,
      leadingTrackId: () => this.#intake.leadingTrackId,
      placed: (unit, atMs) => this.#sound.take(unit, atMs),
      arrived: (trackId, atMs) => {
        if (!this.#arrival.isCatchingUp) this.#drift.arrived(trackId, atMs, monotonicMs())
      },
      interrupted: () => this.#drift.interrupted(),
      limitReached: () => queueMicrotask(() => void this.stop()),
    })
    this.#pauses = new Pauses(monotonicMs)
    this.#sound = new TranscodedTracks({
      wish: request,
      transcoder: options.transcoder,
      capacityBytes: settings.queueBytes + (request.preRollSeconds > 0 ? settings.preRollBytes : 0),
      log: this.log,
      monotonicMs,
      wait: (ms) => this.#pauses.wait(ms),
      events: {
        write: (unit, atMs) => this.#output.take(unit, atMs),
        transcoded: (accessUnit) => this.#placement.timed(accessUnit, accessUnit.dts, accessUnit.pts),
        lost: (format, { cause, ...loss }) => this.#account.lost({ format, ...loss }, cause),
        trackEnded: (trackId) => this.#output.endTrack(trackId),
      },
    })
    this.#output = new Output({
      request,
      settings,
      runtime: { ...runtime, nowMs: () => this.#arrival.nowMs() },
      log: this.log,
      maker: this.#maker,
      account: this.#account,
      previous: previous?.parts ?? [],
      previousFormat: previous?.format,
      formats: () => this.#sound.written(this.#intake.formats),
      sourceMoment: (positionMs) => this.#sourceMoment(positionMs),
      refusal: options.refusal,
      stored: options.stored ?? (() => Promise.resolve()),
      events: {
        opened: (part) => {
          events.partOpened(this, part)
          this.#begun.resolve()
        },
        renaming: () => events.partRenaming(this),
        dated: () => events.partDated(this),
        written: (accessUnits, bytes, latencyMs) => {
          events.written(accessUnits, bytes, latencyMs)
          if (accessUnits > 0) this.#hasWritten()
        },
        impaired: () => events.impaired(this),
        resumed: () => events.resumed(this),
        awaitsRandomAccess: () => this.#askRandomAccess(),
        ready: (part, finishMs) => events.partReady(this, part, finishMs),
        fatal: (error) => this.#fail(error),
      },
    })
    this.#start = new RecordingStart({
      request,
      previous,
      nowMs: runtime.nowMs,
      maker: this.#maker,
      intake: this.#intake,
      arrival: this.#arrival,
      account: this.#account,
      placement: this.#placement,
      sound: this.#sound,
      output: this.#output,
      promisedVideo: () => this.#source?.promisedVideo,
      failed: (error) => this.#fail(error),
    })
    this.#held = previous?.held ?? false
    this.#requestedAtMs = previous === undefined ? runtime.nowMs() : Date.parse(previous.requestedAt)
  }

  get state(): RecordingState {
    return this.#state
  }

  get isFinal(): boolean {
    return isFinal(this.#state)
  }

  get isAttached(): boolean {
    return this.#intake.isAttached
  }

  /** The rule that started it; null: a request did. */
  get ruleId(): string | null {
    return this.#options.ruleId
  }

  /** It takes no stream any more. */
  get isStopping(): boolean {
    return this.#stopping !== undefined
  }

  /** It lost its publisher and waits for it to come back. */
  get isDetached(): boolean {
    return this.#detachedMs !== undefined
  }

  /** Resolves when the first file is open, or the recording has ended. */
  get begun(): Promise<void> {
    return this.#begun.promise
  }

  /** It opens the file that it goes on in: until then it can't take another stream. */
  get isOpening(): boolean {
    return this.#start.isOpening
  }

  /** Resolves when it opens no file. */
  get opened(): Promise<void> {
    return this.#start.settled()
  }

  /** What ended the recording, as it was thrown; undefined while nothing has. */
  get fatal(): unknown {
    return this.#fatal
  }

  get held(): boolean {
    return this.#held
  }

  set held(held: boolean) {
    this.#held = held
  }

  get queuedBytes(): number {
    return this.#output.queuedBytes + this.#intake.gatheredBytes + this.#sound.heldBytes
  }

  /** Takes the stream in, from its remembered random access point unless the caller wants to begin at once. */
  attach(stream: StreamSource): void {
    if (this.#stopping !== undefined || this.#intake.isAttached) return
    if (this.#detachedMs !== undefined) {
      this.#placement.restart((stream.heldMs ?? this.#runtime.monotonicMs()) - this.#detachedMs)
      this.#detachedMs = undefined
    }
    this.#source = stream
    this.log.debug({ event: 'recording.attached', publication: stream.id })
    this.#askedMs = Number.NEGATIVE_INFINITY
    const backMs = this.#backMs()
    const ageMs = backMs === 0 ? undefined : stream.memoryAgeMs(backMs)
    if (ageMs !== undefined) this.#arrival.began(ageMs)
    else if (this.#start.hasBegun) this.#arrival.goesOn()
    this.#arrival.catchUp(() => this.#intake.attach(stream, backMs))
  }

  /** Call a few times a second. */
  tick(): void {
    this.#intake.tick()
    this.#output.tick()
    this.#pauses.tick()
    const waitedMs = this.#detachedMs === undefined ? 0 : this.#runtime.monotonicMs() - this.#detachedMs
    if (this.#placement.isPastLimit || waitedMs > this.request.reconnectSeconds * 1000) void this.stop()
  }

  /** Asks for a new part at the next random access point, or with exact cuts at once. */
  split(): void {
    this.#output.split()
  }

  /** Resolves when every file is final, or can't be made so. Idempotent; never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Undefined when it has no such part, or none with a file yet. */
  part(index: number): PartDocument | undefined {
    return this.#output.part(index)
  }

  /** Notes the digest of a finished part. */
  digested(index: number, sha256: string): void {
    this.#output.digested(index, sha256)
  }

  toDocument(): RecordingDocument {
    const { request, settings, ruleId, previous } = this.#options
    const parts = this.#output.parts()
    const clockDriftPpm = this.#drift.ppm ?? previous?.clockDriftPpm
    return {
      id: this.id,
      node: settings.node,
      stream: request.stream,
      state: this.#state,
      format: previous?.format ?? this.#start.firstFormat ?? (request.format === 'auto' ? 'mp4' : request.format),
      rule: ruleId,
      startedAt: isoOrNull(this.#start.startedAtMs),
      endedAt: isoOrNull(this.#endedAtMs),
      requestedAt: new Date(this.#requestedAtMs).toISOString(),
      durationMs: Math.round(this.#durationMs(parts)),
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
      parts,
      ledger: this.#account.toDocument(),
      metadata: request.metadata,
      held: this.#held,
      error: this.#error,
      ...(clockDriftPpm !== undefined && { clockDriftPpm }),
    }
  }

  get #error(): ProblemDocument | null {
    if (this.#fatal !== undefined) return problemOf(this.#fatal)
    const { flaw } = this.#sound
    return (
      this.#output.trouble ??
      (this.isFinal ? (this.#output.flaw ?? (flaw === undefined ? null : problemOf(flaw))) : null)
    )
  }

  /**
   * Of a recording that is over, what its files show; before, how far the stream has come, which is more by what its
   * decode times run ahead of the first picture.
   */
  #durationMs(parts: readonly PartDocument[]): number {
    if (this.#start.startedAtMs === undefined) return 0
    if (!this.isFinal) return this.#placement.endMs
    return parts.reduce((endMs, part) => Math.max(endMs, part.startMs + part.durationMs), 0)
  }

  /** How far in the past to begin: not before what an appended file holds already, nor when a publisher has returned. */
  #backMs(): number {
    const endedAt = this.#options.previous?.endedAt
    const backMs = this.#start.hasBegun ? 0 : this.request.preRollSeconds * 1000
    return endedAt == null ? backMs : Math.max(0, Math.min(backMs, this.#runtime.nowMs() - Date.parse(endedAt)))
  }

  /** Asked again until it is known, which may be after the source is gone: its clock goes with the question. */
  #sourceMoment(positionMs: number): () => number | undefined {
    const source = this.#source
    const timeMs = this.#placement.publisherMs(positionMs)
    return () => (timeMs === undefined ? undefined : source?.sourceWallClock(timeMs))
  }

  #otherContainer(formats: Iterable<TrackFormat>, present: Container): Container | undefined {
    const other = this.#maker.otherContainer(formats, present)
    if (other === undefined) return undefined
    this.#sound.follow(other)
    this.#output.follow(other)
    this.log.info({ event: 'recording.container-changed', from: present.name, to: other.name })
    return other
  }

  #askRandomAccess(): void {
    const nowMs = this.#runtime.monotonicMs()
    if (nowMs - this.#askedMs < ASK_AGAIN_MS) return
    this.#askedMs = nowMs
    this.#source?.askRandomAccess()
  }

  #streamEnded({ cause }: StreamEnd): void {
    const { reconnectSeconds, waitForStream } = this.request
    // Nothing came yet, so the wait that was asked for goes on.
    if (waitForStream && !this.#start.hasBegun && this.#intake.isEmpty && cause !== 'shutdown') return
    if (cause !== 'lost' || reconnectSeconds === 0) {
      void this.stop()
      return
    }
    this.#start.begin()
    if (this.#stopping !== undefined) return
    this.#detachedMs = this.#source?.endedMs ?? this.#runtime.monotonicMs()
    this.#placement.endTracks()
    this.#output.pause()
    this.log.info({ event: 'recording.publisher-lost', waitSeconds: reconnectSeconds })
  }

  #say(message: DataMessage): void {
    this.#output.data(message, this.#placement.momentMs(message.timeMs))
  }

  #hasWritten(): void {
    if (this.#state !== 'waiting') return
    this.#advance('recording')
    this.#firstBytes.resolve()
  }

  /** Ends the recording because of an error; what it holds so far becomes final. */
  #fail(error: unknown): void {
    if (this.#fatal !== undefined) return
    this.#fatal = error
    this.log[severityOf(error)]({ event: 'recording.failing', code: errorCode(error), err: error })
    void this.stop()
  }

  async #stop(): Promise<void> {
    this.#intake.detach()
    if (this.#fatal === undefined) this.#start.begin()
    await this.#start.settled()
    this.#intake[Symbol.dispose]()
    this.#placement[Symbol.dispose]()
    const { previous } = this.#options
    const isUntouched = !this.#start.hasBegun && previous !== undefined
    this.#endedAtMs = isUntouched && previous.endedAt !== null ? Date.parse(previous.endedAt) : this.#runtime.nowMs()
    if (!this.#sound.isEmpty) {
      // Told first: the last sound takes a moment.
      if (this.#state === 'recording') this.#advance('finishing')
      await this.#sound[Symbol.asyncDispose]()
    }
    const closed = this.#output.close()
    if (this.#state === 'waiting') {
      await Promise.race([this.#firstBytes.promise, closed, this.#pauses.wait(FIRST_BYTES_PATIENCE_MS)])
    }
    if (this.#state !== 'finishing') this.#advance('finishing')
    await closed
    const hasMedia = this.#output.parts().some(({ state }) => state === 'ready')
    if (!hasMedia) this.#fatal ??= this.#output.lastRefusal ?? new NothingRecordedError(this.request.stream)
    // An error that kept it from going on in a finished file leaves that file as it was.
    this.#advance(hasMedia && (this.#fatal === undefined || isUntouched) ? 'ready' : 'failed')
    this.#begun.resolve()
  }

  #advance(to: RecordingState): void {
    this.#state = advance(this.#state, to)
    this.log.info({ event: `recording.${to}`, ...this.#account.totals() })
    this.#options.events.stateChanged(this)
  }
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}
