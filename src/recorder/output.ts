import type { TapedeckError } from '#base/error.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import type { Container, ContainerName, WriterOutput } from '#containers/container.ts'
import { GopGate } from '#hub/gop-gate.ts'
import { type DataMessage, heldBytes } from '#media/data-message.ts'
import type { TrackFormat } from '#media/track.ts'
import { StorageError } from '#storage/errors.ts'
import type { PartDocument, ProblemDocument } from '#storage/recording-document.ts'
import type { Account } from './account.ts'
import { Cutter, type TimedAccessUnit } from './cutter.ts'
import { DrainTimeoutError } from './errors.ts'
import { boundedRotation } from './largest-part.ts'
import type { Part } from './part.ts'
import { PartChain } from './part-chain.ts'
import type { AppendTarget, PartMaker } from './part-maker.ts'
import type { Zero } from './part-tracks.ts'
import type { ResolvedRequest } from './request-defaults.ts'
import { Rotation } from './rotation.ts'
import type { RecorderSettings } from './settings.ts'
import { problemOf, severityOf, Troubles } from './troubles.ts'

/** Pause before a new part is tried after the last one failed. */
const NEW_PART_RETRY_MS = 1_000

/** How often a part is synced while it is written, with power durability. */
const SYNC_EVERY_MS = 1_000

/** What the publisher said may wait for this much more of it, until the media after it comes. */
const MAX_WAITING_DATA_BYTES = 256 * 1024

/** What the output tells its recording. */
export interface OutputEvents {
  opened(part: PartDocument): void
  /** A part's file is about to be renamed. */
  renaming(): void
  /** See PartEvents. */
  dated(): void
  written(accessUnits: number, bytes: number, latencyMs: number): void
  /** Another kind of trouble than before; see `trouble`. */
  impaired(): void
  resumed(): void
  ready(part: PartDocument, finishMs: number): void
  /** It waits for a random access point: to cut at, or to begin a file with. Repeated while it does. */
  awaitsRandomAccess(): void
  /** No part can be had: the recording must end. */
  fatal(error: unknown): void
}

export interface OutputOptions {
  readonly request: ResolvedRequest
  readonly settings: RecorderSettings
  readonly runtime: Runtime
  readonly log: Logger
  readonly maker: PartMaker
  readonly account: Account
  /** Parts of earlier sessions of the recording (append), and the format it is known by. */
  readonly previous: readonly PartDocument[]
  readonly previousFormat: ContainerName | undefined
  /** The tracks as they are announced now. */
  readonly formats: () => ReadonlyMap<number, TrackFormat>
  /** See PartChainOptions. */
  readonly sourceMoment: (positionMs: number) => () => number | undefined
  /** See PartOptions. */
  readonly refusal: () => TapedeckError | undefined
  readonly stored: () => Promise<void>
  readonly events: OutputEvents
}

/**
 * The way of a recording's media to the disk: refuses what the disk is too slow for, divides the rest into parts, begins
 * a new part when one fails. What does not arrive is in the account.
 */
export class Output {
  readonly #options: OutputOptions
  readonly #gate: GopGate
  readonly #rotation: Rotation
  readonly #isExact: boolean
  /** The present part has no access unit of the leading track yet, so there is nothing to cut off. */
  #isPartEmpty = true
  readonly #cutter: Cutter
  readonly #parts: PartChain
  /** Owned by a part, or by the chain while there is none to write to. */
  readonly #troubles = new Troubles<Part | PartChain>()
  /** Ahead of what is written; in the order of their times. */
  readonly #waitingData: { readonly message: DataMessage; readonly atMs: number }[] = []
  #waitingDataBytes = 0
  #lastRefusal: unknown
  #container: Container | undefined
  #startedAtMs = 0
  #nextPartMs = 0
  #closing = false
  #flaw: ProblemDocument | null = null

  constructor(options: OutputOptions) {
    const { request, settings, runtime, account, events } = options
    this.#options = options
    // What the hub remembers comes all at once, faster than any disk takes it.
    this.#gate = new GopGate(settings.queueBytes + (request.preRollSeconds > 0 ? settings.preRollBytes : 0))
    const isExact = request.rotateCut === 'exact'
    this.#isExact = isExact
    this.#rotation = new Rotation(boundedRotation(request), { nowMs: runtime.nowMs, timeZone: settings.timeZone })
    this.#cutter = new Cutter(
      {
        accepts: ({ accessUnit }) => this.#parts.current?.accepts(accessUnit) !== false,
        write: (unit) => this.#write(unit),
        cut: (at, held) => {
          this.#writeData((at.dts * 1000) / at.accessUnit.format.timescale)
          this.#begin(zeroAt(at), this.#formatsFrom(held))
        },
      },
      runtime.monotonicMs,
      isExact,
    )
    this.#parts = new PartChain({
      maker: options.maker,
      runtime,
      log: options.log,
      previous: options.previous,
      previousFormat: options.previousFormat,
      sourceMoment: options.sourceMoment,
      refusal: options.refusal,
      stored: options.stored,
      // Replacing another file means moving over it, which may only happen once the bytes are safe.
      syncFirst: settings.durability === 'power' || request.ifExists === 'overwrite',
      fragmentMs: settings.fragmentMs,
      syncEveryMs: settings.durability === 'power' ? SYNC_EVERY_MS : 0,
      events: {
        opened: (part) => events.opened(part.toDocument()),
        renaming: () => events.renaming(),
        dated: () => events.dated(),
        written: (part, output, latencyMs) => this.#written(part, output, latencyMs),
        impaired: (part, error) => this.#impair(part, error),
        resumed: (part) => this.#resume(part),
        lost: (_part, losses) => {
          for (const loss of losses) account.lost(loss, 'disk')
        },
        vanished: (part, tracks) => {
          const { startMs, durationMs } = part.toDocument()
          account.vanished(tracks, startMs, startMs + durationMs)
        },
        failed: (part, error) => this.#partFailed(part, error),
        ready: (part, finishMs) => events.ready(part, finishMs),
        ended: (part, error) => {
          if (error !== undefined) this.#flaw = problemOf(error)
          this.#resume(part)
        },
      },
    })
  }

  /** Accepted, and not yet the kernel's. */
  get queuedBytes(): number {
    return this.#cutter.heldBytes + this.#parts.queuedBytes
  }

  /** What is wrong now; null when all is well. */
  get trouble(): ProblemDocument | null {
    return this.#troubles.current
  }

  /** What last kept it from writing, even if that is over; undefined when nothing ever did. */
  get lastRefusal(): unknown {
    return this.#lastRefusal
  }

  /** What went wrong at the end without ending it: a part that could not be finished, last bytes that were lost. */
  get flaw(): ProblemDocument | null {
    return this.#flaw
  }

  parts(): PartDocument[] {
    return this.#parts.documents()
  }

  part(index: number): PartDocument | undefined {
    return this.#parts.document(index)
  }

  digested(index: number, sha256: string): void {
    this.#parts.digested(index, sha256)
  }

  /** Begins the first part, at the recording's zero. */
  begin(container: Container, startedAtMs: number): void {
    this.#container = container
    this.#startedAtMs = startedAtMs
    this.#begin({ ticks: 0, timescale: 1000 }, this.#options.formats())
  }

  /** Goes on in a finished file. */
  append(container: Container, startedAtMs: number, target: AppendTarget): void {
    this.#container = container
    this.#startedAtMs = startedAtMs
    this.#parts.append(container, this.#options.formats(), target)
  }

  /** Parts that begin from now on are of another container. */
  follow(container: Container): void {
    this.#container = container
  }

  /** Retains what it takes. @param atMs where the unit is decoded, on the recording's timeline */
  take(unit: TimedAccessUnit, atMs: number): void {
    const { accessUnit, isLeading, startsGop } = unit
    this.#rotation.add(accessUnit.payloadBytes, atMs, isLeading && (startsGop || this.#isExact))
    if (!this.#hasPartFor(unit) || !this.#gate.admits(accessUnit, startsGop, this.queuedBytes)) {
      this.#options.events.awaitsRandomAccess()
      this.#lose(unit)
      return
    }
    accessUnit.retain()
    const part = this.#parts.current
    const bytes = (part?.bytes ?? 0) + this.#cutter.heldBytes
    const mayBeCut = part !== undefined && !this.#isPartEmpty
    const outlook = mayBeCut ? this.#rotation.outlook(atMs, part.zeroMs, bytes) : 'never'
    this.#cutter.push(unit, outlook)
    const isDue = outlook === 'due' && !this.#isExact && !startsGop
    if (isDue || this.#cutter.waitsForGop) this.#options.events.awaitsRandomAccess()
  }

  /**
   * Takes what the publisher said. It waits for the media after it, so that it gets into the same part; what finds no
   * place is left out.
   * @param atMs on the recording's timeline
   */
  data(message: DataMessage, atMs: number): void {
    const bytes = heldBytes(message)
    if (this.queuedBytes + this.#waitingDataBytes + bytes > this.#options.settings.queueBytes) return
    const after = this.#waitingData.findLastIndex((other) => other.atMs <= atMs)
    this.#waitingData.splice(after + 1, 0, { message, atMs })
    this.#waitingDataBytes += bytes
    if (this.#waitingDataBytes > MAX_WAITING_DATA_BYTES) this.#writeData(Number.POSITIVE_INFINITY)
  }

  /** Asks for a new part at the next random access point, or with exact cuts at once. */
  split(): void {
    this.#rotation.split()
    if (!this.#isExact) this.#options.events.awaitsRandomAccess()
  }

  /** The track brings nothing more for now. */
  endTrack(trackId: number): void {
    this.#cutter.endTrack(trackId)
  }

  /** The publisher is gone, perhaps to come back with other tracks: what came goes out now. */
  pause(): void {
    this.#cutter.flush()
    this.#writeData(Number.POSITIVE_INFINITY)
    this.#cutter.forgetTracks()
    this.#parts.current?.flush()
  }

  /** Call a few times a second. */
  tick(): void {
    this.#cutter.tick()
    this.#parts.tick()
  }

  /** Takes no more. Resolves when every part is as final as it can be. */
  close(): Promise<void> {
    this.#cutter.flush()
    this.#writeData(Number.POSITIVE_INFINITY)
    this.#closing = true
    return this.#parts.close()
  }

  /** False while there is no file to write to; tries a new one at the start of a GOP. */
  #hasPartFor(unit: TimedAccessUnit): boolean {
    if (this.#parts.current !== undefined) return true
    if (!unit.startsGop || this.#options.runtime.monotonicMs() < this.#nextPartMs) return false
    // What is held belongs before this GOP, where there was no file.
    this.#cutter.flush()
    if (this.#parts.current === undefined) this.#begin(zeroAt(unit), this.#formatsFrom([unit]))
    return this.#parts.current !== undefined
  }

  #begin(zero: Zero, formats: ReadonlyMap<number, TrackFormat>): void {
    if (this.#container === undefined) return
    this.#rotation.wasCut()
    this.#isPartEmpty = true
    try {
      this.#parts.begin(this.#container, formats, zero, this.#startedAtMs)
    } catch (error) {
      this.#options.events.fatal(error)
    }
  }

  #write(unit: TimedAccessUnit): void {
    if (this.#waitingData.length > 0) this.#writeData((unit.dts * 1000) / unit.accessUnit.format.timescale)
    const part = this.#parts.current
    if (part !== undefined) {
      if (unit.isLeading) this.#isPartEmpty = false
      part.write(unit)
      return
    }
    this.#lose(unit)
    unit.accessUnit.release()
  }

  #lose({ accessUnit: { format, sourceAccessUnits: accessUnits }, dts }: TimedAccessUnit): void {
    const atMs = (dts * 1000) / format.timescale
    this.#options.account.lost({ format, accessUnits, fromMs: atMs, toMs: atMs }, 'disk')
  }

  /** What lies up to there, into the present part. */
  #writeData(upToMs: number): void {
    const later = this.#waitingData.findIndex(({ atMs }) => atMs > upToMs)
    const due = this.#waitingData.splice(0, later < 0 ? this.#waitingData.length : later)
    for (const { message, atMs } of due) {
      this.#waitingDataBytes -= heldBytes(message)
      this.#parts.current?.data(message, atMs)
    }
  }

  /** What is announced, except that what waits to be written may be of the formats before. */
  #formatsFrom(held: readonly TimedAccessUnit[]): ReadonlyMap<number, TrackFormat> {
    const formats = new Map(this.#options.formats())
    for (const { accessUnit } of held.toReversed()) formats.set(accessUnit.format.trackId, accessUnit.format)
    return formats
  }

  #written(part: Part, output: WriterOutput, latencyMs: number): void {
    const { account, events } = this.#options
    let accessUnits = 0
    for (const accessUnit of output.accessUnits) {
      account.written(accessUnit)
      accessUnits += accessUnit.sourceAccessUnits
    }
    this.#resume(this.#parts)
    this.#resume(part)
    events.written(accessUnits, output.bytes, latencyMs)
  }

  #partFailed(part: Part, error: unknown): void {
    const mayComeBack = error instanceof StorageError && error.origin === 'storage'
    this.#impair(part, error)
    if (this.#closing) this.#flaw = problemOf(error)
    if (part === this.#parts.current) {
      this.#impair(this.#parts, error)
      this.#parts.giveUpCurrent()
      this.#gate.skipToNextGop()
      this.#nextPartMs = this.#options.runtime.monotonicMs() + NEW_PART_RETRY_MS
    }
    // The name can't be had, or the first access unit can't be written: the next part would meet the same, or has been
    // cut already where media comes faster than the disk answers.
    if (!mayComeBack && !part.hasBytes) this.#options.events.fatal(error)
  }

  #impair(owner: Part | PartChain, error: unknown): void {
    // That it had to end while the disk refused is no news; why the disk did is.
    if (!(error instanceof DrainTimeoutError)) this.#lastRefusal = error
    if (!this.#troubles.add(owner, error)) return
    this.#options.log[severityOf(error)]({ event: 'recording.impaired', err: error })
    this.#options.events.impaired()
  }

  #resume(owner: Part | PartChain): void {
    if (!this.#troubles.remove(owner)) return
    this.#options.log.info({ event: 'recording.resumed' })
    this.#options.events.resumed()
  }
}

/** A part may begin here. */
function zeroAt({ dts, accessUnit }: TimedAccessUnit): Zero {
  return { ticks: dts, timescale: accessUnit.format.timescale }
}
