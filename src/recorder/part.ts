import { TapedeckError } from '#base/error.ts'
import type { Container, ContainerWriter, PartSummary, WriterOutput } from '#containers/container.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { DataMessage } from '#media/data-message.ts'
import { bringsParameterSets } from '#media/nal/parameter-sets-in-band.ts'
import type { TrackFormat } from '#media/track.ts'
import { mayPass, StorageSlowError, StorageVanishedError } from '#storage/errors.ts'
import type { PartFile } from '#storage/part-file.ts'
import type { PartDocument, PartRename } from '#storage/recording-document.ts'
import type { TimedAccessUnit } from './cutter.ts'
import { DrainTimeoutError, PartAlteredError } from './errors.ts'
import { FilePresence } from './file-presence.ts'
import type { PartOptions } from './part-options.ts'
import { PartTracks } from './part-tracks.ts'

/** Pause between attempts to write what the disk refused. */
const RETRY_MS = 1_000

/** A write under way for longer is worth telling. */
const SLOW_MS = 1_000

/**
 * One file of a recording: takes access units, hands them to the container writer and the writer's output to the file,
 * one disk operation at a time. It owns both and closes the file. It has no timer of its own: call `tick`.
 */
export class Part {
  readonly index: number
  readonly writer: ContainerWriter
  /** Resolves to the file once it is in the catalog, undefined when it could not be had. */
  readonly opened: Promise<PartFile | undefined>
  /** See PartDocument. */
  rename: PartRename | undefined
  readonly #options: PartOptions
  readonly #tracks: PartTracks
  readonly #formats: Map<number, TrackFormat>
  readonly #presence: FilePresence
  /** Tracks whose parameter sets have changed in mid-file, as their access units say. */
  readonly #inBand = new Set<number>()
  #file: PartFile | undefined
  #state: PartDocument['state'] = 'open'
  #failed = false
  #closing = false
  #vanished = false
  #flaw: TapedeckError | undefined
  /** A write, a sync or the note of a new file is under way since then. */
  #busySinceMs: number | undefined
  #syncedMs: number
  #isSynced = true
  #queuedBytes = 0
  #fileBytes = 0
  #firstQueuedMs = 0
  #sourceStartedAtMs: number | undefined
  /** Code of the trouble last told. */
  #impairedBy: string | undefined
  #refused: WriterOutput | undefined
  #retryAtMs: number | undefined
  #drain: { readonly endsMs: number; readonly patienceMs: number; readonly resolve: () => void } | undefined

  constructor(options: PartOptions) {
    this.#options = options
    this.index = options.index
    this.writer = options.writer
    this.rename = options.rename
    this.#tracks = new PartTracks(options.zero, options.previous, options.ends)
    this.#formats = new Map(options.formats)
    this.#sourceStartedAtMs = options.sourceStartedAtMs()
    this.#syncedMs = options.monotonicMs()
    this.#presence = new FilePresence(this.#syncedMs, (error) => this.#fail(error))
    this.opened = this.#open().then(
      () => this.#file,
      (error: unknown) => {
        this.#fail(error)
        return undefined
      },
    )
  }

  /** Payload bytes accepted and not yet the kernel's. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** What the file will weigh once everything accepted is written (headers not counted before they are). */
  get bytes(): number {
    return this.#fileBytes + this.#queuedBytes
  }

  /** It holds its index: nothing more is written to it. */
  get isFinal(): boolean {
    return this.#state === 'ready'
  }

  get file(): PartFile | undefined {
    return this.#file
  }

  get container(): Container {
    return this.#options.container
  }

  get zeroMs(): number {
    return this.#tracks.zeroMs
  }

  /** Any byte reached the file. */
  get hasBytes(): boolean {
    return this.#fileBytes > 0
  }

  /** Prepares for access units of this one's format. False: the container can't follow, begin a new part. */
  accepts(accessUnit: AccessUnit): boolean {
    const { format } = accessUnit
    const known = this.#formats.get(format.trackId)
    if (known === format) return this.#inBand.size === 0 || this.#canSeekTo(accessUnit)
    try {
      if (!this.writer.changeFormat(format, accessUnit)) return false
    } catch {
      // A new part with it then says why it can't be.
      return false
    }
    this.#formats.set(format.trackId, format)
    if (known !== undefined && bringsParameterSets(accessUnit)) this.#inBand.add(format.trackId)
    return true
  }

  /** Takes over the reference; nothing here waits for the disk. */
  write(unit: TimedAccessUnit): void {
    const { accessUnit } = unit
    const timing = this.#tracks.place(unit)
    if (this.#queuedBytes === 0) this.#firstQueuedMs = this.#options.monotonicMs()
    this.#queuedBytes += accessUnit.payloadBytes
    try {
      this.writer.write(accessUnit, timing)
    } catch (error) {
      this.#lose([{ accessUnits: [accessUnit] }])
      this.#fail(error)
      return
    }
    accessUnit.release()
    if (this.writer.hasOutput) this.#pump()
  }

  /** Takes a message if the container has a place for it. @param atMs on the recording's timeline */
  data(message: DataMessage, atMs: number): void {
    if (this.writer.data === undefined || this.#failed || this.#closing) return
    if (this.#queuedBytes === 0) this.#firstQueuedMs = this.#options.monotonicMs()
    this.#queuedBytes += message.body.length
    this.writer.data(message, Math.max(0, atMs - this.zeroMs))
    if (this.writer.hasOutput) this.#pump()
  }

  /** What is queued goes out now, as far as the disk is free for it. */
  flush(): void {
    if (this.#queuedBytes === 0 || this.#busySinceMs !== undefined || this.#closing || this.#failed) return
    if (this.#flushWriter('interval')) this.#pump()
  }

  /** Call a few times a second: retries, patience, the look for the file, and what waited longer than a fragment. */
  tick(): void {
    const nowMs = this.#options.monotonicMs()
    if (this.#drain !== undefined && nowMs >= this.#drain.endsMs) {
      this.#fail(new DrainTimeoutError(this.#file?.path ?? '', this.#drain.patienceMs))
    }
    const file = this.#file
    if (this.#failed || file === undefined) return
    this.#date()
    if (this.#busySinceMs !== undefined && nowMs - this.#busySinceMs >= SLOW_MS) {
      this.#impair(new StorageSlowError(file.path, nowMs - this.#busySinceMs))
    }
    this.#presence.tick(file, nowMs)
    if (this.#retryAtMs !== undefined && nowMs >= this.#retryAtMs) {
      this.#retryAtMs = undefined
      this.#pump()
    }
    const { fragmentMs, syncEveryMs } = this.#options
    if (syncEveryMs > 0 && !this.#isSynced && nowMs - this.#syncedMs >= syncEveryMs) this.#sync(file, nowMs)
    if (nowMs - this.#firstQueuedMs >= fragmentMs * 1.25) this.flush()
  }

  /** No more access units: what the writer holds goes out now. */
  close(): void {
    if (this.#closing) return
    this.#closing = true
    this.#date()
    if (this.#failed) return
    this.#retryAtMs = undefined
    if (this.#flushWriter('end')) this.#pump()
  }

  /**
   * Everything accepted is the kernel's when it resolves, or lost after `patienceMs` of refusals. A write that hangs is
   * waited for however long it takes: the file is in use until it ends.
   */
  async drain(patienceMs: number): Promise<void> {
    this.close()
    if (this.#isDrained()) return
    await new Promise<void>((resolve) => {
      this.#drain = { endsMs: this.#options.monotonicMs() + patienceMs, patienceMs, resolve }
    })
  }

  /**
   * Makes the file final from its bytes alone, whatever happened before. After `drain`. May be called again when it
   * failed.
   */
  async finish(file: PartFile): Promise<PartSummary> {
    const summary = await this.#options.container.finish(file)
    this.#fileBytes = summary.bytes
    const missing = this.#tracks.finished(summary)
    if (missing.length > 0) {
      this.#flaw = new PartAlteredError(
        file.path,
        missing.reduce((sum, { accessUnits }) => sum + accessUnits, 0),
      )
      this.#options.events.vanished(this, missing)
    }
    this.#state = 'ready'
    return summary
  }

  /** What is wrong with a part that could be finished all the same; undefined when nothing is. */
  get flaw(): TapedeckError | undefined {
    return this.#flaw
  }

  /** Finishing gave up; the bytes stay as they are. */
  markDamaged(error: unknown): void {
    this.#state = 'damaged'
    if (error instanceof StorageVanishedError) this.#vanish()
  }

  toDocument(): PartDocument {
    return {
      index: this.index,
      path: this.#file?.relativePath ?? '',
      root: this.#options.root,
      // Until it has its last name nobody may take it for final.
      state: this.#state === 'ready' && this.rename !== undefined ? 'open' : this.#state,
      startedAt: new Date(this.#options.startedAtMs).toISOString(),
      sourceStartedAt: this.#sourceStartedAtMs === undefined ? null : new Date(this.#sourceStartedAtMs).toISOString(),
      startMs: this.zeroMs,
      durationMs: Math.round(this.#tracks.endMs * 1000) / 1000,
      bytes: this.#fileBytes,
      sha256: null,
      tracks: this.#tracks.documents(),
      ...(this.#options.format !== undefined && { format: this.#options.format }),
      ...(this.rename !== undefined && { rename: this.rename }),
    }
  }

  /** Where the parameter sets have changed, a player that seeks finds the right ones in band only. */
  #canSeekTo(accessUnit: AccessUnit): boolean {
    const isLost = accessUnit.isRandomAccess && this.#inBand.has(accessUnit.format.trackId)
    return !isLost || bringsParameterSets(accessUnit)
  }

  #date(): void {
    if (this.#sourceStartedAtMs !== undefined) return
    this.#sourceStartedAtMs = this.#options.sourceStartedAtMs()
    if (this.#sourceStartedAtMs !== undefined) this.#options.events.dated(this)
  }

  async #open(): Promise<void> {
    const file = await this.#options.openFile()
    if (this.#failed) {
      await file.discard()
      return
    }
    this.#file = file
    this.#fileBytes = file.sizeBytes
    this.#busySinceMs = this.#options.monotonicMs()
    this.#presence.begin(this.#busySinceMs)
    this.#options.events.opened(this)
    await this.#options.stored()
    this.#busySinceMs = undefined
    this.#goOn()
  }

  #pump(): void {
    const file = this.#file
    if (this.#failed || file === undefined || this.#busySinceMs !== undefined || this.#retryAtMs !== undefined) return
    const output = this.#refused ?? this.writer.takeOutput()
    if (output === undefined) {
      this.#settle()
      return
    }
    this.#refused = undefined
    // At the end only a fragment is left, unless it was held back before: a stop should not wait for it.
    const refusal = this.#closing && this.#impairedBy === undefined ? undefined : this.#options.refusal()
    if (refusal !== undefined) {
      this.#retryLater(output, refusal)
      return
    }
    const startedMs = this.#options.monotonicMs()
    this.#busySinceMs = startedMs
    file.apply(output.changes).then(
      () => this.#applied(file, output, this.#options.monotonicMs() - startedMs),
      (error: unknown) => this.#notApplied(output, error),
    )
  }

  #applied(file: PartFile, output: WriterOutput, latencyMs: number): void {
    this.#busySinceMs = undefined
    this.#isSynced = false
    this.#fileBytes = file.sizeBytes
    if (this.#vanished) {
      this.#lose([output])
    } else {
      this.#recover()
      for (const accessUnit of output.accessUnits) {
        this.#queuedBytes -= accessUnit.payloadBytes
        this.#tracks.written(accessUnit)
      }
      this.#queuedBytes -= output.dataBytes ?? 0
      this.#firstQueuedMs = this.#options.monotonicMs()
      this.#options.events.written(this, output, latencyMs)
      for (const accessUnit of output.accessUnits) accessUnit.release()
    }
    this.#goOn()
  }

  #notApplied(output: WriterOutput, error: unknown): void {
    this.#busySinceMs = undefined
    if (!this.#failed && mayPass(error)) {
      this.#retryLater(output, error)
      return
    }
    this.#lose([output])
    this.#fail(error)
    this.#goOn()
  }

  #retryLater(output: WriterOutput, error: unknown): void {
    this.#refused = output
    this.#retryAtMs = this.#options.monotonicMs() + RETRY_MS
    this.#impair(error)
  }

  /** What has to happen after a disk operation. */
  #goOn(): void {
    if (this.#failed) this.#giveUp()
    else this.#pump()
  }

  #sync(file: PartFile, nowMs: number): void {
    if (this.#busySinceMs !== undefined) return
    this.#busySinceMs = nowMs
    this.#syncedMs = nowMs
    this.#isSynced = true
    const done = () => {
      this.#busySinceMs = undefined
      this.#goOn()
    }
    file.sync().then(done, (error: unknown) => {
      this.#impair(error)
      done()
    })
  }

  #impair(error: unknown): void {
    const code = error instanceof TapedeckError ? error.code : ''
    if (this.#failed || this.#impairedBy === code) return
    this.#impairedBy = code
    this.#options.events.impaired(this, error)
  }

  #recover(): void {
    if (this.#impairedBy === undefined || this.#failed) return
    this.#impairedBy = undefined
    this.#options.events.resumed(this)
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    if (error instanceof StorageVanishedError) this.#vanish()
    this.#options.events.failed(this, error)
    // The writer's buffers may be in the kernel's hands; nothing else may be taken out of it before they are back.
    if (this.#busySinceMs === undefined) this.#giveUp()
  }

  #vanish(): void {
    if (this.#vanished) return
    this.#vanished = true
    const tracks = this.#tracks.vanish().filter(({ accessUnits }) => accessUnits > 0)
    if (tracks.length > 0) this.#options.events.vanished(this, tracks)
  }

  /** Empties the writer: nothing it holds will reach the file. */
  #giveUp(): void {
    const lost: WriterOutput[] = this.#refused === undefined ? [] : [this.#refused]
    this.#refused = undefined
    this.#flushWriter('end')
    for (let output = this.writer.takeOutput(); output !== undefined; output = this.writer.takeOutput()) {
      lost.push(output)
    }
    this.#lose(lost)
    this.#settle()
  }

  /** A writer that can't go on (a mistake of ours) ends the part, not the process. */
  #flushWriter(reason: 'interval' | 'end'): boolean {
    try {
      this.writer.flush(reason)
      return true
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  #lose(outputs: readonly Pick<WriterOutput, 'accessUnits' | 'dataBytes'>[]): void {
    const losses = this.#tracks.lossesOf(outputs)
    if (losses.length > 0) this.#options.events.lost(this, losses)
    for (const { accessUnits, dataBytes = 0 } of outputs) {
      this.#queuedBytes -= dataBytes
      for (const accessUnit of accessUnits) {
        this.#queuedBytes -= accessUnit.payloadBytes
        accessUnit.release()
      }
    }
  }

  #isDrained(): boolean {
    if (this.#busySinceMs !== undefined) return false
    return this.#failed || (this.#file !== undefined && this.#refused === undefined)
  }

  #settle(): void {
    const drain = this.#drain
    this.#drain = undefined
    drain?.resolve()
  }
}
