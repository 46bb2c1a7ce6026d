import { errorCode } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Container, ContainerName } from '#containers/container.ts'
import type { StreamEnd, StreamLoss } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { DataMessage } from '#media/data-message.ts'
import type { TrackFormat } from '#media/track.ts'
import type { PartDocument, ProblemDocument, RecordingDocument, RecordingState } from '#storage/recording-document.ts'
import { Account } from './account.ts'
import { appendStartMs } from './append-start.ts'
import { ArrivalClock } from './arrival-clock.ts'
import type { TimedAccessUnit } from './cutter.ts'
import { NothingRecordedError } from './errors.ts'
import type { StreamSource } from './held-stream.ts'
import { Intake } from './intake.ts'
import { Output } from './output.ts'
import { type AppendTarget, PartMaker } from './part-maker.ts'
import { Pauses } from './pauses.ts'
import type { RecordingOptions } from './recording-options.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import { Silence } from './silence.ts'
import { advance, isFinal } from './state.ts'
import { TimeLimit } from './time-limit.ts'
import { Timeline, type TimelineGap } from './timeline.ts'
import { TranscodedTracks } from './transcoded-tracks.ts'
import { problemOf, severityOf } from './troubles.ts'

/** A recording that is stopped before its first bytes are written still says that it records, unless the disk hangs. */
const FIRST_BYTES_PATIENCE_MS = 1_000

/** Who waits for a random access point asks for it so often. */
const ASK_AGAIN_MS = 1_000

/** Longer ones count in the ledger only: 32 bits of MP4 hold 13 hours of a picture, MPEG-TS clocks mistake more for less. */
const MAX_KEPT_GAP_MS = 12 * 3_600_000

/**
 * One recording of one stream path, over one or more connections of its publisher: places what the intake lets through
 * on its timeline, counts it and hands it to the output. Its state is what intake and output have come to.
 *
 *   intake ─► timeline ─► account ─► (transcoder) ─► output (gate ─► cutter ─► parts)
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
  #limit: TimeLimit
  readonly #sound: TranscodedTracks
  readonly #output: Output
  readonly #silence: Silence
  readonly #pauses: Pauses
  readonly #arrival: ArrivalClock
  readonly #requestedAtMs: number
  readonly #firstBytes = Promise.withResolvers<void>()
  readonly #begun = Promise.withResolvers<void>()
  #timeline: Timeline
  #state: RecordingState = 'waiting'
  /** Of what is written now. */
  #container: Container | undefined
  #firstFormat: ContainerName | undefined
  /** An appended file being opened. */
  #opening: Promise<void> | undefined
  /** What it is attached to, or was last. */
  #source: StreamSource | undefined
  /** When it was last asked for a random access point. */
  #askedMs = Number.NEGATIVE_INFINITY
  #detachedMs: number | undefined
  #startedAtMs: number | undefined
  #endedAtMs: number | undefined
  /** What the network took last in one go, on the timeline. */
  readonly #networkLoss = { fromMs: -1, toMs: -1 }
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
    this.#arrival = new ArrivalClock(runtime.nowMs, () => this.#timeline.endMs)
    this.#maker = new PartMaker(settings, disk, request, options.id)
    this.#intake = new Intake({
      request,
      trackWaitMs: settings.trackWaitMs,
      otherContainer: (formats, present) => this.#otherContainer(formats, present),
      monotonicMs,
      log: this.log,
      events: {
        ready: () => this.#begin(),
        accessUnit: (accessUnit) => this.#take(accessUnit),
        data: (message) => this.#say(message),
        awaitsRandomAccess: () => this.#askRandomAccess(),
        lost: (loss) => this.#lostOnTheWay(loss),
        trackEnded: (trackId) => {
          this.#silence.endTrack(trackId)
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
        transcoded: (accessUnit) => this.#timed(accessUnit, accessUnit.dts, accessUnit.pts),
        lost: (format, { cause, ...loss }) => this.#account.lost({ format, ...loss }, cause),
        trackEnded: (trackId) => this.#output.endTrack(trackId),
      },
    })
    this.#silence = new Silence({
      silence: (accessUnit, dts) => {
        this.#sound.take(this.#timed(accessUnit, dts, dts), (dts * 1000) / accessUnit.format.timescale)
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
    const startMs = previous?.durationMs ?? 0
    this.#timeline = new Timeline(startMs)
    this.#limit = new TimeLimit(request.maxSeconds, startMs, monotonicMs)
    this.#held = previous?.held ?? false
    this.#startedAtMs = previous?.startedAt == null ? undefined : Date.parse(previous.startedAt)
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
      this.#timeline.restart(this.#runtime.monotonicMs() - this.#detachedMs)
      this.#detachedMs = undefined
    }
    this.#source = stream
    this.#askedMs = Number.NEGATIVE_INFINITY
    const backMs = this.#backMs()
    const ageMs = backMs === 0 ? undefined : stream.memoryAgeMs(backMs)
    if (ageMs !== undefined) this.#arrival.began(ageMs)
    else if (this.#container !== undefined) this.#arrival.goesOn()
    this.#arrival.catchUp(() => this.#intake.attach(stream, backMs))
  }

  /** Call a few times a second. */
  tick(): void {
    this.#intake.tick()
    this.#output.tick()
    this.#pauses.tick()
    const waitedMs = this.#detachedMs === undefined ? 0 : this.#runtime.monotonicMs() - this.#detachedMs
    if (this.#limit.isPast || waitedMs > this.request.reconnectSeconds * 1000) void this.stop()
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
    return {
      id: this.id,
      node: settings.node,
      stream: request.stream,
      state: this.#state,
      format: previous?.format ?? this.#firstFormat ?? (request.format === 'auto' ? 'mp4' : request.format),
      rule: ruleId,
      startedAt: isoOrNull(this.#startedAtMs),
      endedAt: isoOrNull(this.#endedAtMs),
      requestedAt: new Date(this.#requestedAtMs).toISOString(),
      durationMs: Math.round(this.#durationMs(parts)),
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
      parts,
      ledger: this.#account.toDocument(),
      metadata: request.metadata,
      held: this.#held,
      error: this.#error,
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
    if (this.#startedAtMs === undefined) return 0
    if (!this.isFinal) return this.#timeline.endMs
    return parts.reduce((endMs, part) => Math.max(endMs, part.startMs + part.durationMs), 0)
  }

  /** How far in the past to begin: not before what an appended file holds already, nor when a publisher has returned. */
  #backMs(): number {
    const endedAt = this.#options.previous?.endedAt
    const backMs = this.#container === undefined ? this.request.preRollSeconds * 1000 : 0
    return endedAt == null ? backMs : Math.max(0, Math.min(backMs, this.#runtime.nowMs() - Date.parse(endedAt)))
  }

  /** Asked again until it is known, which may be after the source is gone: its clock goes with the question. */
  #sourceMoment(positionMs: number): () => number | undefined {
    const source = this.#source
    const timeMs = this.#timeline.publisherMs(positionMs)
    return () => (timeMs === undefined ? undefined : source?.sourceWallClock(timeMs))
  }

  /** Of the file that is to be gone on in, if there is one. */
  get #presentFormat(): ContainerName | undefined {
    const { previous } = this.#options
    return previous?.parts.at(-1)?.format ?? previous?.format
  }

  #otherContainer(formats: Iterable<TrackFormat>, present: Container): Container | undefined {
    const other = this.#maker.otherContainer(formats, present)
    if (other === undefined) return undefined
    this.#container = other
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
    if (waitForStream && this.#container === undefined && this.#intake.isEmpty && cause !== 'shutdown') return
    if (cause !== 'lost' || reconnectSeconds === 0) {
      void this.stop()
      return
    }
    this.#begin()
    if (this.#stopping !== undefined) return
    this.#detachedMs = this.#runtime.monotonicMs()
    this.#silence.endTracks()
    this.#output.pause()
    this.log.info({ event: 'recording.publisher-lost', waitSeconds: reconnectSeconds })
  }

  /** Begins the first part with what was gathered; an appended file is opened first, while gathering goes on. */
  #begin(): void {
    if (this.#container !== undefined || this.#opening !== undefined || this.#intake.isEmpty) return
    const formats = this.#intake.formats
    let container: Container
    try {
      container = this.#maker.container(formats.values(), this.#presentFormat, this.#source?.promisedVideo)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#sound.begin(container, formats.values())
    // What goes on in a file begins after a pause that is counted to now.
    if (this.request.ifExists !== 'append' && this.#arrival.beganAtMs === undefined) {
      this.#arrival.began(this.#intake.gatheredForMs)
    }
    const nowMs = this.#arrival.beganAtMs ?? this.#runtime.nowMs()
    if (this.request.ifExists !== 'append') {
      this.#start(container, nowMs, undefined)
      return
    }
    const known = this.#options.previous?.parts.at(-1)
    const written = this.#sound.written(formats)
    this.#opening = this.#maker.openForAppend(container, written.values(), nowMs, known).then(
      (target) => this.#start(container, nowMs, target),
      (error: unknown) => this.#fail(error),
    )
  }

  #start(container: Container, nowMs: number, target: AppendTarget | undefined): void {
    this.#container = container
    this.#firstFormat = container.name
    this.#startedAtMs ??= nowMs
    const gathered = this.#intake.begin(container)
    if (target !== undefined) this.#goOnAfter(target, gathered, nowMs)
    const first = earliest(gathered)
    if (first !== undefined) this.#timeline.begin(first.dts, first.format.timescale)
    const startedAtMs = this.#startedAtMs
    this.#arrival.zeroMs = this.#timeline.endMs
    this.#arrival.catchUp(() => {
      if (target === undefined) this.#output.begin(container, startedAtMs)
      else this.#output.append(container, startedAtMs, target)
      const losses = [...this.#intake.takeEarlyLosses()]
      for (const item of gathered) {
        if ('body' in item) {
          this.#say(item)
        } else {
          // Told first, so that a pause in the media is known for what the network took.
          for (; losses[0] !== undefined && isBefore(losses[0], item); losses.shift()) this.#lostOnTheWay(losses[0])
          this.#take(item)
          item.release()
        }
      }
      for (const loss of losses) this.#lostOnTheWay(loss)
      this.#sound.begun()
    })
  }

  /**
   * Places what begins behind what an appended file holds. The account gets the pause since it ended, or what it holds
   * when no recording knew it.
   */
  #goOnAfter(target: AppendTarget, gathered: readonly (AccessUnit | DataMessage)[], nowMs: number): void {
    const { previous } = this.#options
    const { appendGap, maxSeconds } = this.request
    if (previous === undefined) this.#account.adopt(target.previous)
    const isKept = appendGap === 'keep'
    // Nobody knows when a file became what it is; only whoever wants to keep the pause has to go by its date.
    const endedAt = previous === undefined ? (isKept ? target.endedAtMs : null) : previous.endedAt
    const missingMs = endedAt === null ? 0 : Math.max(0, nowMs - new Date(endedAt).getTime())
    const keptMs = isKept ? Math.min(missingMs, MAX_KEPT_GAP_MS) : 0
    const units = gathered.filter((item): item is AccessUnit => !('body' in item))
    const fromMs = target.previous.startMs + appendStartMs(units, this.#intake.leadingTrackId, target)
    const toMs = fromMs + keptMs
    if (endedAt !== null) this.#account.interrupted({ fromMs, toMs, missingMs })
    this.#timeline = new Timeline(toMs)
    this.#limit = new TimeLimit(maxSeconds, toMs, this.#runtime.monotonicMs)
  }

  #take(accessUnit: AccessUnit): void {
    const { format } = accessUnit
    const timing = this.#timeline.map(accessUnit)
    if (timing === undefined) return
    const { dts, pts, gap } = timing
    const atMs = (dts * 1000) / format.timescale
    if (atMs >= this.#limit.endMs) {
      if (this.#limit.reached(format.trackId, this.#intake.formats)) queueMicrotask(() => void this.stop())
      return
    }
    this.#account.received(format)
    if (gap !== undefined && !this.#isNetworkOutage(gap)) this.#account.interrupted(gap)
    const placed = this.#silence.place(accessUnit, dts)
    if (placed === undefined) this.#account.lost({ format, accessUnits: 1, fromMs: atMs, toMs: atMs }, 'network')
    else this.#sound.take(this.#timed(accessUnit, placed, Math.max(placed, pts)), atMs)
  }

  /** With its place on the recording's timeline. */
  #timed(accessUnit: AccessUnit, dts: number, pts: number): TimedAccessUnit {
    const isLeading = accessUnit.format.trackId === this.#intake.leadingTrackId
    return { accessUnit, dts, pts, isLeading, startsGop: isLeading && accessUnit.isRandomAccess }
  }

  #say(message: DataMessage): void {
    this.#output.data(message, this.#timeline.momentMs(message.timeMs))
  }

  /** Nothing came for a while because the network took it, of which the account has been told. */
  #isNetworkOutage({ fromMs, toMs }: TimelineGap): boolean {
    return toMs > fromMs && this.#networkLoss.fromMs <= fromMs && this.#networkLoss.toMs > fromMs
  }

  #lostOnTheWay(loss: StreamLoss): void {
    const { format, fromDts, toDts } = loss
    const fromMs = this.#timeline.positionMs(format.trackId, fromDts, format.timescale)
    const toMs = this.#timeline.positionMs(format.trackId, toDts, format.timescale)
    if (fromMs > this.#networkLoss.toMs) this.#networkLoss.fromMs = fromMs
    this.#networkLoss.toMs = Math.max(fromMs, toMs)
    this.#account.lostOnTheWay(loss, fromMs, Math.max(fromMs, toMs))
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
    if (this.#fatal === undefined) this.#begin()
    await this.#opening
    this.#intake[Symbol.dispose]()
    this.#silence[Symbol.dispose]()
    const { previous } = this.#options
    const isUntouched = this.#container === undefined && previous !== undefined
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

/** The access unit that is decoded first of all tracks: the recording's zero. */
function earliest(gathered: readonly (AccessUnit | DataMessage)[]): AccessUnit | undefined {
  let first: AccessUnit | undefined
  for (const accessUnit of gathered) {
    if ('body' in accessUnit) continue
    if (first === undefined || accessUnit.dts / accessUnit.format.timescale < first.dts / first.format.timescale) {
      first = accessUnit
    }
  }
  return first
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

/** What comes after something was lost, on the same track. */
function isBefore({ format, fromDts }: StreamLoss, accessUnit: AccessUnit): boolean {
  return format.trackId === accessUnit.format.trackId && fromDts < accessUnit.dts
}
