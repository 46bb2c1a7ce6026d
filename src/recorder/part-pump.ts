import { TapedeckError } from '#base/error.ts'
import type { WriterOutput } from '#containers/container.ts'
import { mayPass, StorageSlowError } from '#storage/errors.ts'
import type { PartFile } from '#storage/part-file.ts'
import { DrainTimeoutError } from './errors.ts'
import type { PartOptions } from './part-options.ts'

/** Pause between attempts to write what the disk refused. */
const RETRY_MS = 1_000

/** A write under way for longer is worth telling. */
const SLOW_MS = 1_000

/** What becomes of a part's bytes. */
export interface PartPumpEvents {
  /** The kernel has it; what is in it is to be released. */
  applied(output: WriterOutput, latencyMs: number): void
  /** Never to be in the file; to be released. */
  lost(outputs: readonly WriterOutput[]): void
  /** See PartEvents; told once per kind of trouble. */
  impaired(error: unknown): void
  resumed(): void
  /** Nothing more will be written. What the writer still holds is lost, as soon as a write under way has ended. */
  failed(error: unknown): void
}

export interface PartPumpOptions extends Pick<PartOptions, 'writer' | 'refusal' | 'monotonicMs' | 'syncEveryMs'> {
  readonly events: PartPumpEvents
}

/**
 * Hands a writer's output to the part's file, one disk operation at a time: tries again what the disk refuses, syncs,
 * and gives up. It has no timer of its own: call `tick`.
 *
 *   begin → (pump, flush, tick)* → close → drain
 */
export class PartPump {
  readonly #options: PartPumpOptions
  #file: PartFile | undefined
  #hasFailed = false
  #isClosing = false
  /** A write, a sync or the note of a new file is under way since then. */
  #busySinceMs: number | undefined
  #syncedMs: number
  #isSynced = true
  /** Code of the trouble last told. */
  #impairedBy: string | undefined
  #refused: WriterOutput | undefined
  #retryAtMs: number | undefined
  #drain: { readonly endsMs: number; readonly patienceMs: number; readonly resolve: () => void } | undefined

  constructor(options: PartPumpOptions) {
    this.#options = options
    this.#syncedMs = options.monotonicMs()
  }

  get hasFailed(): boolean {
    return this.#hasFailed
  }

  get isClosing(): boolean {
    return this.#isClosing
  }

  /** There is a file; nothing is written to it before `goOn`. */
  begin(file: PartFile): void {
    this.#file = file
    this.#busySinceMs = this.#options.monotonicMs()
  }

  /** What had to happen before the first byte has happened. */
  goOn(): void {
    this.#busySinceMs = undefined
    if (this.#hasFailed) this.#giveUp()
    else this.pump()
  }

  /** Writes what the writer has ready, unless the disk is busy with something. */
  pump(): void {
    const file = this.#file
    if (this.#hasFailed || file === undefined || this.#busySinceMs !== undefined || this.#retryAtMs !== undefined)
      return
    const output = this.#refused ?? this.#options.writer.takeOutput()
    if (output === undefined) {
      this.#settle()
      return
    }
    this.#refused = undefined
    // At the end only a fragment is left, unless it was held back before: a stop should not wait for it.
    const refusal = this.#isClosing && this.#impairedBy === undefined ? undefined : this.#options.refusal()
    if (refusal !== undefined) {
      this.#retryLater(output, refusal)
      return
    }
    const startedMs = this.#options.monotonicMs()
    this.#busySinceMs = startedMs
    file.apply(output.changes).then(
      () => this.#applied(output, this.#options.monotonicMs() - startedMs),
      (error: unknown) => this.#notApplied(output, error),
    )
  }

  /** What the writer collects goes out now, as far as the disk is free for it. */
  flush(): void {
    if (this.#busySinceMs !== undefined || this.#isClosing || this.#hasFailed) return
    if (this.#flushWriter('interval')) this.pump()
  }

  /** Call a few times a second. */
  tick(): void {
    const nowMs = this.#options.monotonicMs()
    const file = this.#file
    if (this.#drain !== undefined && nowMs >= this.#drain.endsMs) {
      this.fail(new DrainTimeoutError(file?.path ?? '', this.#drain.patienceMs))
    }
    if (this.#hasFailed || file === undefined) return
    if (this.#busySinceMs !== undefined && nowMs - this.#busySinceMs >= SLOW_MS) {
      this.#impair(new StorageSlowError(file.path, nowMs - this.#busySinceMs))
    }
    if (this.#retryAtMs !== undefined && nowMs >= this.#retryAtMs) {
      this.#retryAtMs = undefined
      this.pump()
    }
    const { syncEveryMs } = this.#options
    if (syncEveryMs > 0 && !this.#isSynced && nowMs - this.#syncedMs >= syncEveryMs) this.#sync(file, nowMs)
  }

  /** No more access units: what the writer holds goes out now. */
  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    if (this.#hasFailed) return
    this.#retryAtMs = undefined
    if (this.#flushWriter('end')) this.pump()
  }

  /** After `close`; see Part. */
  async drain(patienceMs: number): Promise<void> {
    if (this.#isDrained()) return
    await new Promise<void>((resolve) => {
      this.#drain = { endsMs: this.#options.monotonicMs() + patienceMs, patienceMs, resolve }
    })
  }

  /** Ends it. Only the first error counts. */
  fail(error: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#options.events.failed(error)
    // The writer's buffers may be in the kernel's hands; nothing else may be taken out of it before they are back.
    if (this.#busySinceMs === undefined) this.#giveUp()
  }

  #applied(output: WriterOutput, latencyMs: number): void {
    this.#busySinceMs = undefined
    this.#isSynced = false
    this.#recover()
    this.#options.events.applied(output, latencyMs)
    this.goOn()
  }

  #notApplied(output: WriterOutput, error: unknown): void {
    this.#busySinceMs = undefined
    if (!this.#hasFailed && mayPass(error)) {
      this.#retryLater(output, error)
      return
    }
    this.#options.events.lost([output])
    this.fail(error)
    this.goOn()
  }

  #retryLater(output: WriterOutput, error: unknown): void {
    this.#refused = output
    this.#retryAtMs = this.#options.monotonicMs() + RETRY_MS
    this.#impair(error)
  }

  #sync(file: PartFile, nowMs: number): void {
    if (this.#busySinceMs !== undefined) return
    this.#busySinceMs = nowMs
    this.#syncedMs = nowMs
    this.#isSynced = true
    file.sync().then(
      () => this.goOn(),
      (error: unknown) => {
        this.#impair(error)
        this.goOn()
      },
    )
  }

  #impair(error: unknown): void {
    const code = error instanceof TapedeckError ? error.code : ''
    if (this.#hasFailed || this.#impairedBy === code) return
    this.#impairedBy = code
    this.#options.events.impaired(error)
  }

  #recover(): void {
    if (this.#impairedBy === undefined || this.#hasFailed) return
    this.#impairedBy = undefined
    this.#options.events.resumed()
  }

  /** Empties the writer: nothing it holds will reach the file. */
  #giveUp(): void {
    const { writer, events } = this.#options
    const lost: WriterOutput[] = this.#refused === undefined ? [] : [this.#refused]
    this.#refused = undefined
    this.#flushWriter('end')
    for (let output = writer.takeOutput(); output !== undefined; output = writer.takeOutput()) lost.push(output)
    events.lost(lost)
    this.#settle()
  }

  /** A writer that can't go on (a mistake of ours) ends the part, not the process. */
  #flushWriter(reason: 'interval' | 'end'): boolean {
    try {
      this.#options.writer.flush(reason)
      return true
    } catch (error) {
      this.fail(error)
      return false
    }
  }

  #isDrained(): boolean {
    if (this.#busySinceMs !== undefined) return false
    return this.#hasFailed || (this.#file !== undefined && this.#refused === undefined)
  }

  #settle(): void {
    const drain = this.#drain
    this.#drain = undefined
    drain?.resolve()
  }
}
