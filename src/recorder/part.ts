import type { TapedeckError } from '#base/error.ts'
import type { Container, ContainerWriter, PartSummary, WriterOutput } from '#containers/container.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { DataMessage } from '#media/data-message.ts'
import { bringsParameterSets } from '#media/nal/parameter-sets-in-band.ts'
import type { TrackFormat } from '#media/track.ts'
import { StorageVanishedError } from '#storage/errors.ts'
import type { PartFile } from '#storage/part-file.ts'
import type { PartDocument, PartRename } from '#storage/recording-document.ts'
import type { TimedAccessUnit } from './cutter.ts'
import { PartAlteredError } from './errors.ts'
import { FilePresence } from './file-presence.ts'
import type { PartOptions } from './part-options.ts'
import { PartPump } from './part-pump.ts'
import { PartTracks } from './part-tracks.ts'

/**
 * One file of a recording: takes access units, gives them their place in it and hands them to the container writer,
 * whose output a pump writes. It knows what it holds. It has no timer of its own: call `tick`.
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
  readonly #pump: PartPump
  /** Tracks whose parameter sets have changed in mid-file, as their access units say. */
  readonly #inBand = new Set<number>()
  #file: PartFile | undefined
  #state: PartDocument['state'] = 'open'
  #vanished = false
  #flaw: TapedeckError | undefined
  #queuedBytes = 0
  #fileBytes = 0
  #firstQueuedMs = 0
  #sourceStartedAtMs: number | undefined

  constructor(options: PartOptions) {
    this.#options = options
    this.index = options.index
    this.writer = options.writer
    this.rename = options.rename
    this.#tracks = new PartTracks(options.zero, options.previous, options.ends)
    this.#formats = new Map(options.formats)
    this.#sourceStartedAtMs = options.sourceStartedAtMs()
    const { events, writer, refusal, monotonicMs, syncEveryMs } = options
    this.#pump = new PartPump({
      writer,
      refusal,
      monotonicMs,
      syncEveryMs,
      events: {
        applied: (output, latencyMs) => this.#applied(output, latencyMs),
        lost: (outputs) => this.#lose(outputs),
        impaired: (error) => events.impaired(this, error),
        resumed: () => events.resumed(this),
        failed: (error) => {
          if (error instanceof StorageVanishedError) this.#vanish()
          events.failed(this, error)
        },
      },
    })
    this.#presence = new FilePresence(monotonicMs(), (error) => this.#pump.fail(error))
    this.opened = this.#open().then(
      () => this.#file,
      (error: unknown) => {
        this.#pump.fail(error)
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
      this.#pump.fail(error)
      return
    }
    accessUnit.release()
    if (this.writer.hasOutput) this.#pump.pump()
  }

  /** Takes a message if the container has a place for it. @param atMs on the recording's timeline */
  data(message: DataMessage, atMs: number): void {
    if (this.writer.data === undefined || this.#pump.hasFailed || this.#pump.isClosing) return
    if (this.#queuedBytes === 0) this.#firstQueuedMs = this.#options.monotonicMs()
    this.#queuedBytes += message.body.length
    this.writer.data(message, Math.max(0, atMs - this.zeroMs))
    if (this.writer.hasOutput) this.#pump.pump()
  }

  /** What is queued goes out now, as far as the disk is free for it. */
  flush(): void {
    if (this.#queuedBytes > 0) this.#pump.flush()
  }

  /** Call a few times a second: retries, patience, the look for the file, and what waited longer than a fragment. */
  tick(): void {
    this.#pump.tick()
    const file = this.#file
    if (this.#pump.hasFailed || file === undefined) return
    const nowMs = this.#options.monotonicMs()
    this.#date()
    this.#presence.tick(file, nowMs)
    if (nowMs - this.#firstQueuedMs >= this.#options.fragmentMs * 1.25) this.flush()
  }

  /** No more access units: what the writer holds goes out now. */
  close(): void {
    if (this.#pump.isClosing) return
    this.#date()
    this.#pump.close()
  }

  /**
   * Everything accepted is the kernel's when it resolves, or lost after `patienceMs` of refusals. A write that hangs is
   * waited for however long it takes: the file is in use until it ends.
   */
  async drain(patienceMs: number): Promise<void> {
    this.close()
    await this.#pump.drain(patienceMs)
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
    if (this.#pump.hasFailed) {
      await file.discard()
      return
    }
    this.#file = file
    this.#fileBytes = file.sizeBytes
    this.#pump.begin(file)
    this.#presence.begin(this.#options.monotonicMs())
    this.#options.events.opened(this)
    await this.#options.stored()
    file.known()
    this.#pump.goOn()
  }

  #applied(output: WriterOutput, latencyMs: number): void {
    this.#fileBytes = this.#file?.sizeBytes ?? 0
    if (this.#vanished) {
      this.#lose([output])
      return
    }
    for (const accessUnit of output.accessUnits) {
      this.#queuedBytes -= accessUnit.payloadBytes
      this.#tracks.written(accessUnit)
    }
    this.#queuedBytes -= output.dataBytes ?? 0
    this.#firstQueuedMs = this.#options.monotonicMs()
    this.#options.events.written(this, output, latencyMs)
    for (const accessUnit of output.accessUnits) accessUnit.release()
  }

  #vanish(): void {
    if (this.#vanished) return
    this.#vanished = true
    const tracks = this.#tracks.vanish().filter(({ accessUnits }) => accessUnits > 0)
    if (tracks.length > 0) this.#options.events.vanished(this, tracks)
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
}
