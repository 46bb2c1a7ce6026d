import { errorCode, errorMessage, type TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Container, WriterOutput } from '#containers/container.ts'
import { GopGate } from '#hub/gop-gate.ts'
import { leadingTrackId } from '#hub/leading-track.ts'
import type { Stream, StreamEnd, StreamSink } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import { StorageVanishedError } from '#storage/errors.ts'
import type {
  GapCause,
  GapDocument,
  PartDocument,
  ProblemDocument,
  RecordingDocument,
  RecordingState,
} from '#storage/recording-document.ts'
import { type CutOutlook, Cutter, type TimedAccessUnit } from './cutter.ts'
import { NothingRecordedError } from './errors.ts'
import { Gathering } from './gathering.ts'
import { gapNow, Ledger } from './ledger.ts'
import type { Part } from './part.ts'
import { PartChain, type Zero } from './part-chain.ts'
import { type AppendTarget, PartMaker } from './part-maker.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import type { RecorderSettings } from './settings.ts'
import { advance, isFinal } from './state.ts'
import { Timeline } from './timeline.ts'

/** A GOP that begins this little before the rotation time still begins the new part: timestamps are rounded. */
const ROTATION_TOLERANCE_MS = 50

/** Pause before a new part is tried after the last one failed. */
const NEW_PART_RETRY_MS = 1_000

/** What a recording reports to the recorder that owns it. */
export interface RecordingEvents {
  stateChanged(recording: Recording): void
  impaired(recording: Recording): void
  resumed(recording: Recording): void
  gap(recording: Recording, gap: GapDocument): void
  partOpened(recording: Recording, part: PartDocument): void
  partReady(recording: Recording, part: PartDocument, finishMs: number): void
  written(accessUnits: number, bytes: number, latencyMs: number): void
  received(): void
  lost(accessUnits: number, cause: GapCause): void
}

export interface RecordingOptions {
  readonly id: string
  readonly ruleId: string | null
  readonly request: ResolvedRequest
  readonly runtime: Runtime
  readonly settings: RecorderSettings
  readonly events: RecordingEvents
  /** The recording this one goes on with (append), and the file. */
  readonly previous: RecordingDocument | undefined
  readonly refusal: () => TapedeckError | undefined
}

/**
 * One recording of one stream path, over one or more connections of its publisher: subscribes to the stream, places
 * access units on its timeline, divides them into parts, keeps the ledger. It owns its parts.
 */
export class Recording implements StreamSink {
  readonly id: string
  readonly request: ResolvedRequest
  readonly log: Logger
  readonly #options: RecordingOptions
  readonly #runtime: Runtime
  readonly #maker: PartMaker
  readonly #ledger: Ledger
  readonly #timeline: Timeline
  readonly #gate: GopGate
  readonly #cutter: Cutter
  readonly #formats = new Map<number, TrackFormat>()
  readonly #ignoredTracks = new Set<number>()
  readonly #parts: PartChain
  readonly #requestedAtMs: number
  #state: RecordingState = 'waiting'
  #container: Container | undefined
  #gathering: Gathering | undefined
  /** An appended file being opened. */
  #opening: Promise<void> | undefined
  #nextPartMs = 0
  #attachment: Disposable | undefined
  #detachedMs: number | undefined
  #leadingTrackId = 0
  #splitRequested = false
  #gopBytes = 0
  #lastGopBytes = 0
  #startedAtMs: number | undefined
  #endedAtMs: number | undefined
  #error: ProblemDocument | null = null
  #held = false
  #stopping: Promise<void> | undefined

  /** @throws {NameTemplateError} */
  constructor(options: RecordingOptions) {
    const { runtime, settings, request, previous } = options
    this.id = options.id
    this.request = request
    this.log = runtime.log.child({ recording: options.id, stream: request.stream })
    this.#options = options
    this.#runtime = runtime
    this.#maker = new PartMaker(settings, request, options.id)
    this.#ledger = previous === undefined ? new Ledger() : Ledger.from(previous.ledger)
    this.#parts = new PartChain({
      maker: this.#maker,
      runtime,
      log: this.log,
      previous: previous?.parts ?? [],
      refusal: options.refusal,
      // Replacing another file means moving over it, which may only happen once the bytes are safe.
      syncFirst: settings.durability === 'power' || request.ifExists === 'overwrite',
      events: {
        opened: (part) => options.events.partOpened(this, part.toDocument()),
        written: (_part, output, latencyMs) => this.#written(output, latencyMs),
        impaired: (_part, error) => this.#impair(error),
        resumed: () => this.#resume(),
        failed: (part, error, lost) => this.#partFailed(part, error, lost),
        refused: (error) => this.#impair(error),
        ready: (part, finishMs) => options.events.partReady(this, part, finishMs),
      },
    })
    this.#timeline = new Timeline(previous?.durationMs ?? 0)
    this.#held = previous?.held ?? false
    this.#startedAtMs = previous?.startedAt == null ? undefined : Date.parse(previous.startedAt)
    this.#gate = new GopGate(settings.queueBytes)
    this.#cutter = new Cutter({ write: (unit) => this.#write(unit), cut: (at) => this.#cut(at) }, runtime.monotonicMs)
    this.#requestedAtMs = previous === undefined ? runtime.nowMs() : Date.parse(previous.requestedAt)
  }

  get state(): RecordingState {
    return this.#state
  }

  get isFinal(): boolean {
    return isFinal(this.#state)
  }

  get isAttached(): boolean {
    return this.#attachment !== undefined
  }

  /** When the publisher went away without a goodbye, on the monotonic clock; undefined while it is there. */
  get detachedMs(): number | undefined {
    return this.#detachedMs
  }

  get held(): boolean {
    return this.#held
  }

  set held(held: boolean) {
    this.#held = held
  }

  get queuedBytes(): number {
    return this.#cutter.heldBytes + this.#parts.queuedBytes
  }

  /** Takes the stream in, from its remembered random access point unless the caller wants to begin at once. */
  attach(stream: Stream): void {
    if (this.#stopping !== undefined || this.#attachment !== undefined) return
    const { request, settings } = this.#options
    if (this.#detachedMs !== undefined) {
      this.#timeline.restart(this.#runtime.monotonicMs() - this.#detachedMs)
      this.#detachedMs = undefined
    }
    if (this.#container === undefined && this.#gathering === undefined) {
      this.#gathering = new Gathering({
        startOn: request.startOn,
        audio: request.audio,
        video: request.video,
        trackWaitMs: settings.trackWaitMs,
        fromFirst: stream.formats.size === 0,
        monotonicMs: this.#runtime.monotonicMs,
      })
    }
    const from = request.startOn === 'now' ? 'now' : 'memory'
    this.#attachment = stream.attach(this, { from, live: false })
    // The stream may have ended while what it remembers was handed over.
    if (stream.end !== undefined) this.#detach()
    this.#options.events.stateChanged(this)
  }

  format(format: TrackFormat): void {
    if (!this.#wantsKind(format)) return
    if (this.#gathering !== undefined) {
      this.#gathering.format(format)
      return
    }
    if (this.#container !== undefined && !this.#container.carries(format.codec)) {
      if (!this.#ignoredTracks.has(format.trackId)) {
        this.#ignoredTracks.add(format.trackId)
        this.log.warn({ event: 'recording.track-ignored', codec: format.codec, format: this.#container.name })
      }
      return
    }
    this.#ignoredTracks.delete(format.trackId)
    this.#formats.set(format.trackId, format)
    this.#leadingTrackId = leadingTrackId(this.#formats.values())
  }

  accessUnit(accessUnit: AccessUnit): void {
    if (this.#stopping !== undefined || !this.#wantsKind(accessUnit.format)) return
    if (this.#gathering === undefined) {
      this.#take(accessUnit)
      return
    }
    this.#gathering.add(accessUnit)
    if (this.#gathering.isReady) this.#begin()
  }

  ended(end: StreamEnd): void {
    this.#detach()
    if (end.cause === 'lost' && this.request.reconnectSeconds > 0 && this.#state === 'recording') {
      this.#detachedMs = this.#runtime.monotonicMs()
      this.#cutter.flush()
      this.#parts.current?.tick(0)
      this.log.info({ event: 'recording.publisher-lost', waitSeconds: this.request.reconnectSeconds })
      return
    }
    void this.stop()
  }

  /** Call a few times a second. */
  tick(): void {
    if (this.#gathering?.isReady === true) this.#begin()
    this.#cutter.tick()
    this.#parts.current?.tick(this.#options.settings.fragmentMs)
    const waitedMs = this.#detachedMs === undefined ? 0 : this.#runtime.monotonicMs() - this.#detachedMs
    if (waitedMs > this.request.reconnectSeconds * 1000) void this.stop()
  }

  /** Asks for a new part at the next random access point. */
  split(): void {
    this.#splitRequested = true
  }

  /** Resolves when every file is final, or can't be made so. Idempotent; never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Ends a recording that could not be begun. */
  fail(error: unknown): void {
    this.#stopping ??= Promise.resolve()
    this.#detach()
    this.#gathering?.[Symbol.dispose]()
    this.#gathering = undefined
    this.#error = problem(error)
    this.#endedAtMs = this.#runtime.nowMs()
    this.log.error({ event: 'recording.failed', err: error })
    this.#advance('failed')
  }

  /** Notes the digest of a finished part. */
  digested(index: number, sha256: string): void {
    this.#parts.digested(index, sha256)
  }

  toDocument(): RecordingDocument {
    const { request, settings, ruleId } = this.#options
    const parts = this.#parts.documents()
    return {
      id: this.id,
      node: settings.node,
      stream: request.stream,
      state: this.#state,
      format: this.#container?.name ?? (request.format === 'auto' ? 'mp4' : request.format),
      rule: ruleId,
      startedAt: isoOrNull(this.#startedAtMs),
      endedAt: isoOrNull(this.#endedAtMs),
      requestedAt: new Date(this.#requestedAtMs).toISOString(),
      durationMs: Math.round(this.#durationMs(parts)),
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
      parts,
      ledger: this.#ledger.toDocument(),
      metadata: request.metadata,
      held: this.#held,
      error: this.#error,
    }
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

  #wantsKind({ kind }: TrackFormat): boolean {
    return kind === 'audio' ? this.request.audio : this.request.video
  }

  #detach(): void {
    this.#attachment?.[Symbol.dispose]()
    this.#attachment = undefined
  }

  /** Begins the first part with what was gathered; an appended file is opened first, while gathering goes on. */
  #begin(): void {
    const gathering = this.#gathering
    if (gathering === undefined || this.#opening !== undefined) return
    const formats = gathering.formats
    try {
      this.#container = this.#maker.container(formats.values())
    } catch (error) {
      this.fail(error)
      return
    }
    const nowMs = this.#runtime.nowMs()
    if (this.request.ifExists !== 'append') {
      this.#start(this.#container, nowMs, undefined)
      return
    }
    const container = this.#container
    const path = this.#maker.path(container, 1, nowMs, formats.values())
    this.#opening = this.#maker.openForAppend(container, path, formats.values(), nowMs).then(
      (target) => this.#start(container, nowMs, target),
      (error: unknown) => this.fail(error),
    )
  }

  #start(container: Container, nowMs: number, target: AppendTarget | undefined): void {
    const gathering = this.#gathering
    if (gathering === undefined) {
      void target?.file.close()
      return
    }
    this.#gathering = undefined
    this.#startedAtMs ??= nowMs
    for (const format of gathering.formats.values()) this.format(format)
    const accessUnits = gathering.take()
    const first = earliest(accessUnits)
    if (first !== undefined) this.#timeline.begin(first.dts, first.format.timescale)
    if (target === undefined) this.#beginPart(container, { ticks: 0, timescale: 1000 })
    else this.#appendTo(container, target)
    for (const accessUnit of accessUnits) {
      this.#take(accessUnit)
      accessUnit.release()
    }
  }

  #take(accessUnit: AccessUnit): void {
    const { format, payloadBytes } = accessUnit
    if (this.#formats.get(format.trackId) !== format) {
      this.format(format)
      if (this.#ignoredTracks.has(format.trackId)) return
    }
    const isLeading = format.trackId === this.#leadingTrackId
    const startsGop = isLeading && accessUnit.isRandomAccess
    const { dts, pts, gap } = this.#timeline.map(accessUnit)
    const atMs = (dts * 1000) / format.timescale
    if (this.#isOver(atMs, isLeading)) return
    this.#ledger.received(format)
    this.#options.events.received()
    if (gap !== undefined) this.#noteGap({ track: 0, ...gap, accessUnits: 0, cause: 'publisher' })
    if (startsGop) {
      this.#lastGopBytes = this.#gopBytes
      this.#gopBytes = 0
    }
    this.#gopBytes += payloadBytes
    const unit: TimedAccessUnit = { accessUnit, dts, pts, isLeading, startsGop }
    if (!this.#hasPartFor(unit) || !this.#gate.admits(accessUnit, startsGop, this.queuedBytes)) {
      this.#lose(unit, atMs)
      return
    }
    accessUnit.retain()
    this.#cutter.push(unit, this.#outlook(atMs))
  }

  /** True from the end the caller set (maxSeconds) on; the leading track's arrival there stops the recording. */
  #isOver(atMs: number, isLeading: boolean): boolean {
    const { maxSeconds } = this.request
    if (maxSeconds === 0 || atMs < maxSeconds * 1000) return false
    if (isLeading) queueMicrotask(() => void this.stop())
    return true
  }

  /** False while there is no file to write to; tries a new one at the start of a GOP. */
  #hasPartFor(unit: TimedAccessUnit): boolean {
    if (this.#parts.current !== undefined) return true
    if (!unit.startsGop || this.#container === undefined || this.#runtime.monotonicMs() < this.#nextPartMs) return false
    this.#beginPart(this.#container, zeroAt(unit))
    return true
  }

  #outlook(atMs: number): CutOutlook {
    if (this.#splitRequested) return 'due'
    const part = this.#parts.current
    const { rotateSeconds, rotateBytes } = this.request
    if (part === undefined || rotateSeconds + rotateBytes === 0) return 'never'
    const dueMs = rotateSeconds === 0 ? Infinity : part.zeroMs + rotateSeconds * 1000 - ROTATION_TOLERANCE_MS
    const bytes = part.bytes + this.#cutter.heldBytes
    if (rotateBytes > 0 && bytes + this.#lastGopBytes >= rotateBytes) return 'due'
    if (atMs >= dueMs) return 'due'
    // Other tracks run ahead of the leading one: what they bring past the time of a coming cut has to wait for it.
    if (rotateBytes > 0 && bytes + 2 * this.#lastGopBytes >= rotateBytes) return 'possible'
    return atMs >= dueMs - 1_000 ? 'possible' : 'never'
  }

  #write(unit: TimedAccessUnit): void {
    if (this.#parts.current?.changeFormat(unit.accessUnit.format) === false) this.#cut(unit)
    const part = this.#parts.current
    if (part !== undefined) {
      part.write(unit)
      return
    }
    this.#lose(unit, (unit.dts * 1000) / unit.accessUnit.format.timescale)
    unit.accessUnit.release()
  }

  #cut(at: TimedAccessUnit): void {
    this.#splitRequested = false
    if (this.#container !== undefined) this.#beginPart(this.#container, zeroAt(at))
  }

  #beginPart(container: Container, zero: Zero): void {
    this.#parts.begin(container, this.#formats, zero, this.#startedAtMs ?? this.#runtime.nowMs())
  }

  #appendTo(container: Container, target: AppendTarget): void {
    // A file of ours that no recording knows begins this recording's timeline where it ends.
    const zeroMs = this.#options.previous === undefined ? -target.startMs : this.#timeline.endMs - target.startMs
    this.#parts.append(container, this.#formats, { ticks: Math.round(zeroMs * 1000), timescale: 1_000_000 }, target)
  }

  #written(output: WriterOutput, latencyMs: number): void {
    for (const { format, payloadBytes } of output.accessUnits) this.#ledger.written(format, payloadBytes)
    this.#options.events.written(output.accessUnits.length, output.bytes, latencyMs)
    if (this.#error !== null) this.#resume()
    if (this.#state === 'waiting' && output.accessUnits.length > 0) this.#advance('recording')
  }

  #impair(error: unknown): void {
    const found = problem(error)
    if (this.#error?.code === found.code) return
    this.#error = found
    this.log.error({ event: 'recording.impaired', err: error })
    this.#options.events.impaired(this)
  }

  #resume(): void {
    if (this.#error === null) return
    this.#error = null
    this.log.info({ event: 'recording.resumed' })
    this.#options.events.resumed(this)
  }

  #partFailed(part: Part, error: unknown, lost: readonly WriterOutput[]): void {
    const toMs = this.#timeline.endMs
    let accessUnits = 0
    for (const output of lost) {
      for (const { format } of output.accessUnits) this.#ledger.lost(format, 1)
      accessUnits += output.accessUnits.length
    }
    this.#options.events.lost(accessUnits, 'disk')
    this.#noteGap({ track: 0, fromMs: Math.min(toMs, part.writtenEndMs), toMs, accessUnits, cause: 'disk' })
    if (error instanceof StorageVanishedError) this.#vanished(part)
    if (part === this.#parts.current) {
      this.#parts.giveUpCurrent()
      this.#gate.skipToNextGop()
      this.#nextPartMs = this.#runtime.monotonicMs() + NEW_PART_RETRY_MS
    }
    this.#impair(error)
  }

  /** What the part held is gone with its file: it was written, and is lost. */
  #vanished(part: Part): void {
    const { tracks, startMs, durationMs } = part.toDocument()
    let accessUnits = 0
    for (const track of tracks) {
      this.#ledger.vanished(track.trackId, track.accessUnits)
      accessUnits += track.accessUnits
    }
    this.#options.events.lost(accessUnits, 'disk')
    this.#noteGap({ track: 0, fromMs: startMs, toMs: startMs + durationMs, accessUnits, cause: 'disk' })
  }

  #lose(unit: TimedAccessUnit, atMs: number): void {
    this.#ledger.lost(unit.accessUnit.format, 1)
    this.#options.events.lost(1, 'disk')
    this.#noteGap({ track: unit.accessUnit.format.trackId, fromMs: atMs, toMs: atMs, accessUnits: 1, cause: 'disk' })
  }

  #noteGap(gap: {
    track: number
    fromMs: number
    toMs: number
    missingMs?: number
    accessUnits: number
    cause: GapCause
  }) {
    const noted = this.#ledger.gap(gapNow(this.#runtime.nowMs(), gap))
    if (noted !== undefined) this.#options.events.gap(this, noted)
  }

  async #stop(): Promise<void> {
    this.#detach()
    if (this.#gathering?.isEmpty === false) this.#begin()
    await this.#opening
    if (this.isFinal) return
    this.#gathering?.[Symbol.dispose]()
    this.#gathering = undefined
    this.#cutter.flush()
    this.#endedAtMs = this.#runtime.nowMs()
    this.#advance('finishing')
    await this.#parts.close()
    if (this.#parts.documents().some(({ state }) => state === 'ready')) {
      this.#advance('ready')
    } else {
      this.#error ??= problem(new NothingRecordedError(this.request.stream))
      this.#advance('failed')
    }
  }

  #advance(to: RecordingState): void {
    this.#state = advance(this.#state, to)
    this.log.info({ event: `recording.${to}`, ...this.#ledger.totals() })
    this.#options.events.stateChanged(this)
  }
}

/** The access unit that is decoded first of all tracks: the recording's zero. */
function earliest(accessUnits: readonly AccessUnit[]): AccessUnit | undefined {
  let first: AccessUnit | undefined
  for (const accessUnit of accessUnits) {
    if (first === undefined || accessUnit.dts / accessUnit.format.timescale < first.dts / first.format.timescale) {
      first = accessUnit
    }
  }
  return first
}

/** A part may begin here. */
function zeroAt({ dts, accessUnit }: TimedAccessUnit): Zero {
  return { ticks: dts, timescale: accessUnit.format.timescale }
}

function problem(error: unknown): ProblemDocument {
  return { code: errorCode(error), message: errorMessage(error) }
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}
