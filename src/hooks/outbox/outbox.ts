import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Runtime } from '#base/runtime.ts'
import type { OutboxDatabase, OutboxLimits } from './database.ts'
import { OutboxClosedError, OutboxFailedError, OutboxTooNewError } from './errors.ts'
import type {
  FromOutbox,
  OutboxCall,
  OutboxFailure,
  OutboxMethod,
  OutboxOutcome,
  OutboxWorkerData,
  ToOutbox,
} from './messages.ts'

export interface OutboxOptions {
  /** Of the file; its folder exists. */
  readonly path: string
  readonly limits: OutboxLimits
  /** A power cut loses nothing that was stored, at the price of a disk flush each time. */
  readonly isPowerSafe: boolean
  readonly runtime: Pick<Runtime, 'nowMs' | 'log'>
}

interface PendingCall extends OutboxCall {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * What hooks are to be told, in one SQLite file behind a thread of its own: no disk stall reaches the caller's event
 * loop. Calls made while the thread is busy travel together and share one transaction, in the order they were made.
 */
export class Outbox implements AsyncDisposable {
  readonly #worker: Worker
  readonly #path: string
  #waiting: PendingCall[] = []
  #inFlight: readonly PendingCall[] = []
  #sendScheduled = false
  #closing: Promise<void> | undefined
  #ended = false

  private constructor(worker: Worker, { path, runtime }: OutboxOptions) {
    this.#worker = worker
    this.#path = path
    worker.on('message', (message: FromOutbox) => {
      if (message.kind === 'results') this.#answer(message.outcomes)
    })
    worker.on('error', (error) => runtime.log.error({ event: 'outbox.thread-failed', err: error }))
    worker.on('exit', () => this.#end())
  }

  /**
   * Opens or creates the file. A damaged one is moved aside, with an error in the log.
   * @throws {OutboxTooNewError} @throws {OutboxFailedError}
   */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const { path, limits, isPowerSafe, runtime } = options
    const stamp = new Date(runtime.nowMs()).toISOString().replace(/[-:]|\.\d+/g, '')
    const workerData: OutboxWorkerData = { path, limits, isPowerSafe, stamp }
    const worker = new Worker(new URL('./outbox-worker.ts', import.meta.url), { workerData, name: 'outbox' })
    // Rejects when the thread fails before its first word.
    const [first] = (await once(worker, 'message')) as [FromOutbox]
    if (first.kind === 'refused') throw errorFrom(first.failure, path)
    if (first.kind === 'opened' && first.damagedMovedTo !== undefined) {
      runtime.log.error(
        { event: 'outbox.damaged', path, movedTo: first.damagedMovedTo },
        'the outbox of hooks was damaged; what waited in it is not delivered',
      )
    }
    return new Outbox(worker, options)
  }

  /** Calls a method of the database in its thread. @throws {OutboxClosedError} @throws {OutboxFailedError} */
  call<Method extends OutboxMethod>(
    method: Method,
    ...args: Parameters<OutboxDatabase[Method]>
  ): Promise<ReturnType<OutboxDatabase[Method]>> {
    if (this.#closing !== undefined || this.#ended) return Promise.reject(new OutboxClosedError())
    return new Promise((resolve, reject) => {
      const settle = (value: unknown): void => resolve(value as ReturnType<OutboxDatabase[Method]>)
      this.#waiting.push({ method, args, resolve: settle, reject })
      if (this.#sendScheduled || this.#inFlight.length > 0) return
      this.#sendScheduled = true
      queueMicrotask(() => this.#send())
    })
  }

  /** Waits for the calls made so far. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#ended) return
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()))
    this.#send()
    if (this.#inFlight.length === 0) this.#post({ kind: 'close' })
    await ended
  }

  #send(): void {
    this.#sendScheduled = false
    if (this.#inFlight.length > 0 || this.#waiting.length === 0 || this.#ended) return
    this.#inFlight = this.#waiting
    this.#waiting = []
    this.#post({ kind: 'batch', calls: this.#inFlight.map(({ method, args }) => ({ method, args })) })
  }

  #answer(outcomes: readonly OutboxOutcome[]): void {
    const answered = this.#inFlight
    this.#inFlight = []
    for (const [index, call] of answered.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined) call.reject(new OutboxClosedError())
      else if (outcome.ok) call.resolve(outcome.value)
      else call.reject(errorFrom(outcome.failure, this.#path))
    }
    this.#send()
    if (this.#closing !== undefined && this.#inFlight.length === 0) this.#post({ kind: 'close' })
  }

  #post(message: ToOutbox): void {
    this.#worker.postMessage(message)
  }

  #end(): void {
    this.#ended = true
    for (const call of [...this.#inFlight, ...this.#waiting]) call.reject(new OutboxClosedError())
    this.#inFlight = []
    this.#waiting = []
  }
}

function errorFrom({ message, tooNew }: OutboxFailure, path: string): Error {
  if (tooNew !== undefined) return new OutboxTooNewError(path, tooNew.version, tooNew.newestKnown)
  return new OutboxFailedError(path, message)
}
