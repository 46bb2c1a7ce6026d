import { TapedeckError } from '#base/error.ts'
import type { Container, ContainerWriter, PartSummary, WriterOutput } from '#containers/container.ts'
import { rescale } from '#media/clock.ts'
import { codecString } from '#media/codec-string.ts'
import type { TrackFormat } from '#media/track.ts'
import { StorageError, StorageVanishedError } from '#storage/errors.ts'
import type { PartFile } from '#storage/part-file.ts'
import type { PartDocument, PartTrackDocument } from '#storage/recording-document.ts'
import type { TimedAccessUnit } from './cutter.ts'

/** The disk refused a part's last bytes for so long that the part was closed without them. */
export class DrainTimeoutError extends TapedeckError {
  readonly code = 'recorder/drain-timeout'
  readonly origin = 'storage'
  readonly path: string
  readonly patienceMs: number
  constructor(path: string, patienceMs: number) {
    super(`the last bytes of ${path} could not be written within ${patienceMs} ms of its end; check the disk`)
    this.path = path
    this.patienceMs = patienceMs
  }
}

/** What a part tells the recording it belongs to. */
export interface PartEvents {
  /** The file exists under its name. */
  opened(part: Part): void
  /** The kernel has these access units. They are released right after this call. */
  written(part: Part, output: WriterOutput, latencyMs: number): void
  /** The disk refuses bytes, or may not be filled further; the same bytes are tried again every second. */
  impaired(part: Part, error: unknown): void
  /** The disk takes bytes again. */
  resumed(part: Part): void
  /** The part takes no more. What it still held is in `lost`, released right after this call. */
  failed(part: Part, error: unknown, lost: readonly WriterOutput[]): void
}

export interface PartOptions {
  readonly index: number
  readonly container: Container
  readonly writer: ContainerWriter
  /** Opens or creates the file; runs while the first access units arrive. */
  readonly openFile: () => Promise<PartFile>
  readonly root: string
  readonly startedAtMs: number
  /** The part's zero on the recording's timeline, and the clock it counts in. */
  readonly zero: { readonly ticks: number; readonly timescale: number }
  readonly formats: ReadonlyMap<number, TrackFormat>
  /** What an appended file held before. */
  readonly previous: PartDocument | undefined
  readonly events: PartEvents
  /** Why nothing may be written now though the disk would take it (the free-space floor); undefined when it may. */
  readonly refusal: () => TapedeckError | undefined
  readonly monotonicMs: () => number
}

/** Pause between attempts to write what the disk refused. */
const RETRY_MS = 1_000

interface PartTrack {
  format: TrackFormat
  accessUnits: number
  payloadBytes: number
  /** The part's zero in this track's ticks. */
  zeroTicks: number
}

/**
 * One file of a recording: takes access units, hands them to the container writer and the writer's output to the file,
 * one disk operation at a time. It owns both and closes the file.
 */
export class Part {
  readonly index: number
  readonly writer: ContainerWriter
  readonly #options: PartOptions
  readonly #tracks = new Map<number, PartTrack>()
  readonly #formats = new Map<number, TrackFormat>()
  readonly #startedAtMs: number
  #file: PartFile | undefined
  #state: PartDocument['state'] = 'open'
  #failed = false
  #closing = false
  #writing = false
  #queuedBytes = 0
  #fileBytes = 0
  #firstQueuedMs = 0
  #endMs = 0
  #takenEndMs = 0
  #writtenEndMs = 0
  #onDrained: (() => void) | undefined
  #impaired = false
  #refused: WriterOutput | undefined
  #retryTimer: NodeJS.Timeout | undefined

  constructor(options: PartOptions) {
    this.#options = options
    this.index = options.index
    this.writer = options.writer
    this.#startedAtMs = options.startedAtMs
    for (const [id, format] of options.formats) this.#formats.set(id, format)
    this.#open().catch((error: unknown) => this.#fail(error, undefined))
  }

  /** Payload bytes accepted and not yet the kernel's. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** What the file will weigh once everything accepted is written (headers not counted before they are). */
  get bytes(): number {
    return this.#fileBytes + this.#queuedBytes
  }

  get failed(): boolean {
    return this.#failed
  }

  get file(): PartFile | undefined {
    return this.#file
  }

  get container(): Container {
    return this.#options.container
  }

  get zeroMs(): number {
    return (this.#options.zero.ticks * 1000) / this.#options.zero.timescale
  }

  /** End of what the kernel has, on the recording's timeline; to the fragment. */
  get writtenEndMs(): number {
    return this.zeroMs + this.#writtenEndMs
  }

  /** Any byte reached the file. */
  get hasBytes(): boolean {
    return this.#fileBytes > 0
  }

  /** A track appeared or changed. False: the container can't follow, begin a new part. */
  changeFormat(format: TrackFormat): boolean {
    if (this.#formats.get(format.trackId) === format) return true
    if (!this.writer.changeFormat(format)) return false
    this.#formats.set(format.trackId, format)
    const track = this.#tracks.get(format.trackId)
    if (track !== undefined) {
      track.format = format
      track.zeroTicks = this.#zeroIn(format)
    }
    return true
  }

  /** Takes over the reference; nothing here waits for the disk. */
  write(unit: TimedAccessUnit): void {
    const { accessUnit } = unit
    const { format } = accessUnit
    let track = this.#tracks.get(format.trackId)
    if (track === undefined) {
      const before = this.#options.previous?.tracks.find(({ trackId }) => trackId === format.trackId)
      track = {
        format,
        accessUnits: before?.accessUnits ?? 0,
        payloadBytes: before?.payloadBytes ?? 0,
        zeroTicks: this.#zeroIn(format),
      }
      this.#tracks.set(format.trackId, track)
    }
    if (this.#queuedBytes === 0) this.#firstQueuedMs = this.#options.monotonicMs()
    this.#queuedBytes += accessUnit.payloadBytes
    const dts = Math.max(0, unit.dts - track.zeroTicks)
    const pts = Math.max(dts, unit.pts - track.zeroTicks)
    this.#endMs = Math.max(this.#endMs, (pts * 1000) / format.timescale)
    this.writer.write(accessUnit, { dts, pts })
    accessUnit.release()
    if (this.writer.hasOutput) this.#pump()
  }

  /** Call a few times a second: what waits longer than the fragment length goes out, though the stream stalled. */
  tick(fragmentMs: number): void {
    if (this.#queuedBytes === 0 || this.#writing || this.#closing) return
    if (this.#options.monotonicMs() - this.#firstQueuedMs < fragmentMs * 1.25) return
    this.writer.flush('interval')
    this.#pump()
  }

  /** No more access units: what the writer holds goes out now. */
  close(): void {
    if (this.#closing) return
    this.#closing = true
    if (this.#failed) return
    this.writer.flush('end')
    this.#pump()
  }

  /** Everything accepted is the kernel's when it resolves, or counted as lost after `patienceMs` of refusals. */
  async drain(patienceMs: number): Promise<void> {
    this.close()
    if (this.#failed) return
    const drained = new Promise<void>((resolve) => {
      this.#onDrained = resolve
    })
    const impatient = setTimeout(
      () => this.#fail(new DrainTimeoutError(this.file?.path ?? '', patienceMs), undefined),
      patienceMs,
    )
    this.#pump()
    await drained
    clearTimeout(impatient)
  }

  /**
   * Makes the file final from its bytes alone, whatever happened before. After `drain`. May be called again when it
   * failed.
   */
  async finish(file: PartFile): Promise<PartSummary> {
    const summary = await this.#options.container.finish(file)
    this.#fileBytes = summary.bytes
    this.#endMs = summary.durationMs
    this.#state = 'ready'
    return summary
  }

  /** Finishing gave up; the bytes stay as they are. */
  markDamaged(): void {
    this.#state = 'damaged'
  }

  toDocument(): PartDocument {
    return {
      index: this.index,
      path: this.#file?.relativePath ?? '',
      root: this.#options.root,
      state: this.#state,
      startedAt: new Date(this.#startedAtMs).toISOString(),
      startMs: this.zeroMs,
      durationMs: Math.round(this.#endMs * 1000) / 1000,
      bytes: this.#fileBytes,
      sha256: null,
      tracks: [...this.#tracks.values()].map(trackDocument),
    }
  }

  #zeroIn(format: TrackFormat): number {
    return rescale(this.#options.zero.ticks, this.#options.zero.timescale, format.timescale)
  }

  async #open(): Promise<void> {
    const file = await this.#options.openFile()
    if (this.#failed) {
      await file.discard()
      return
    }
    this.#file = file
    this.#fileBytes = file.sizeBytes
    this.#options.events.opened(this)
    this.#pump()
  }

  #pump(): void {
    const file = this.#file
    if (this.#writing || this.#failed || file === undefined || this.#retryTimer !== undefined) return
    const output = this.#refused ?? this.writer.takeOutput()
    if (output === undefined) {
      this.#onDrained?.()
      return
    }
    if (this.#refused === undefined) this.#takenEndMs = this.#endMs
    this.#refused = undefined
    const refusal = this.#options.refusal()
    if (refusal !== undefined) {
      this.#retryLater(output, refusal)
      return
    }
    this.#writing = true
    const startedMs = this.#options.monotonicMs()
    file.apply(output.changes).then(
      () => this.#applied(file, output, this.#options.monotonicMs() - startedMs),
      (error: unknown) => {
        this.#writing = false
        if (isPassing(error)) this.#retryLater(output, error)
        else this.#fail(error, output)
      },
    )
  }

  #applied(file: PartFile, output: WriterOutput, latencyMs: number): void {
    this.#writing = false
    if (this.#impaired) {
      this.#impaired = false
      this.#options.events.resumed(this)
    }
    this.#fileBytes = file.sizeBytes
    this.#writtenEndMs = this.#takenEndMs
    for (const accessUnit of output.accessUnits) {
      this.#queuedBytes -= accessUnit.payloadBytes
      const track = this.#tracks.get(accessUnit.format.trackId)
      if (track !== undefined) {
        track.accessUnits++
        track.payloadBytes += accessUnit.payloadBytes
      }
    }
    this.#firstQueuedMs = this.#options.monotonicMs()
    this.#options.events.written(this, output, latencyMs)
    for (const accessUnit of output.accessUnits) accessUnit.release()
    this.#pump()
  }

  #retryLater(output: WriterOutput, error: unknown): void {
    this.#refused = output
    if (!this.#impaired) {
      this.#impaired = true
      this.#options.events.impaired(this, error)
    }
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined
      this.#pump()
    }, RETRY_MS)
  }

  /** Reports once and empties the writer: nothing it holds will reach the file. */
  #fail(error: unknown, inFlight: WriterOutput | undefined): void {
    if (this.#failed) return
    this.#failed = true
    this.#writing = false
    clearTimeout(this.#retryTimer)
    const lost: WriterOutput[] = inFlight === undefined ? [] : [inFlight]
    if (this.#refused !== undefined) lost.push(this.#refused)
    this.#refused = undefined
    this.writer.flush('end')
    for (let output = this.writer.takeOutput(); output !== undefined; output = this.writer.takeOutput())
      lost.push(output)
    this.#queuedBytes = 0
    this.#options.events.failed(this, error, lost)
    for (const { accessUnits } of lost) for (const accessUnit of accessUnits) accessUnit.release()
    this.#onDrained?.()
  }
}

/** Failures that may pass by themselves, with the file still in its place. */
function isPassing(error: unknown): boolean {
  return error instanceof StorageError && !(error instanceof StorageVanishedError) && error.origin === 'storage'
}

function trackDocument(track: PartTrack): PartTrackDocument {
  const { format } = track
  const common = {
    trackId: format.trackId,
    kind: format.kind,
    codec: format.codec,
    codecString: codecString(format),
    accessUnits: track.accessUnits,
    payloadBytes: track.payloadBytes,
  }
  return format.kind === 'video'
    ? { ...common, width: format.widthPixels, height: format.heightPixels }
    : { ...common, sampleRateHz: format.sampleRateHz, channels: format.channels }
}
