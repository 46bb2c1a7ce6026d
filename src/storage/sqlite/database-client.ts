import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Runtime } from '#base/runtime.ts'
import type { DatabaseFailure } from './failure.ts'
import type { CallOutcome, DatabaseCall, DatabaseWorkerData, FromDatabase, ToDatabase } from './messages.ts'

export interface DatabaseClientOptions<Options> {
  /** Of the thread, in logs and debuggers. */
  readonly name: string
  /** The module that calls serveDatabase(). */
  readonly worker: URL
  /** Of the file; its folder exists. */
  readonly path: string
  /** For the database's constructor. */
  readonly options: Options
  readonly runtime: Pick<Runtime, 'nowMs' | 'log'>
  readonly errorFrom: (failure: DatabaseFailure, path: string) => Error
  readonly closedError: () => Error
  /** The file was damaged and moved aside; an empty one took its place. Also called while it is being opened. */
  readonly onReplaced: (movedTo: string) => void
}

interface PendingCall extends DatabaseCall {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** Names of the methods of a database that can be called from another thread. */
type MethodOf<Database> = {
  [Name in keyof Database]: Database[Name] extends (...args: never[]) => unknown ? Name : never
}[keyof Database] &
  string

/**
 * A SQLite file behind a thread of its own: no disk stall reaches the caller's event loop. Calls made while the thread
 * is busy travel together and share one transaction, in the order they were made.
 */
export class DatabaseClient<Database, Options = undefined> implements AsyncDisposable {
  /** True when the file was missing or damaged, so that it holds nothing yet. */
  readonly isEmpty: boolean
  readonly #worker: Worker
  readonly #options: DatabaseClientOptions<Options>
  #waiting: PendingCall[] = []
  #inFlight: readonly PendingCall[] = []
  #sendScheduled = false
  #closing: Promise<void> | undefined
  #ended = false

  private constructor(worker: Worker, isEmpty: boolean, options: DatabaseClientOptions<Options>) {
    this.#worker = worker
    this.isEmpty = isEmpty
    this.#options = options
    const { name, runtime } = options
    worker.on('message', (message: FromDatabase) => {
      if (message.kind === 'results') this.#answer(message.outcomes, message.damagedMovedTo)
    })
    worker.on('error', (error) => runtime.log.error({ event: `${name}.thread-failed`, err: error }))
    worker.on('exit', () => this.#end())
  }

  /** Opens or creates the file. Rejects with what `errorFrom` makes of a refusal. */
  static async open<Database, Options = undefined>(
    options: DatabaseClientOptions<Options>,
  ): Promise<DatabaseClient<Database, Options>> {
    const { path, runtime, name } = options
    const workerData: DatabaseWorkerData<Options> = {
      path,
      stamp: stampOf(runtime.nowMs()),
      options: options.options,
    }
    const worker = new Worker(options.worker, { workerData, name })
    // Rejects when the thread fails before its first word.
    const [first] = (await once(worker, 'message')) as [FromDatabase]
    if (first.kind === 'refused') throw options.errorFrom(first.failure, path)
    const opened = first.kind === 'opened' ? first : { isNew: false, damagedMovedTo: undefined }
    if (opened.damagedMovedTo !== undefined) options.onReplaced(opened.damagedMovedTo)
    return new DatabaseClient<Database, Options>(worker, opened.isNew || opened.damagedMovedTo !== undefined, options)
  }

  /** Calls a method of the database in its thread. Rejects with what `errorFrom` or `closedError` make. */
  call<Method extends MethodOf<Database>>(
    method: Method,
    ...args: Database[Method] extends (...args: infer Args) => unknown ? Args : never
  ): Promise<Database[Method] extends (...args: never[]) => infer Value ? Value : never> {
    if (this.#closing !== undefined || this.#ended) return Promise.reject(this.#options.closedError())
    return new Promise((resolve, reject) => {
      // The thread calls the method of this name and gives back what it returned.
      this.#waiting.push({ method, args, resolve: resolve as (value: unknown) => void, reject })
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

  /** One batch is under way at a time; what comes meanwhile is the next. */
  #send(): void {
    this.#sendScheduled = false
    if (this.#inFlight.length > 0 || this.#waiting.length === 0 || this.#ended) return
    this.#inFlight = this.#waiting
    this.#waiting = []
    const calls = this.#inFlight.map(({ method, args }) => ({ method, args }))
    this.#post({ kind: 'batch', stamp: stampOf(this.#options.runtime.nowMs()), calls })
  }

  #answer(outcomes: readonly CallOutcome[], damagedMovedTo: string | undefined): void {
    const { errorFrom, closedError, onReplaced, path } = this.#options
    const answered = this.#inFlight
    this.#inFlight = []
    for (const [index, call] of answered.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined) call.reject(closedError())
      else if (outcome.ok) call.resolve(outcome.value)
      else call.reject(errorFrom(outcome.failure, path))
    }
    if (damagedMovedTo !== undefined) onReplaced(damagedMovedTo)
    this.#send()
    if (this.#closing !== undefined && this.#inFlight.length === 0) this.#post({ kind: 'close' })
  }

  #post(message: ToDatabase): void {
    this.#worker.postMessage(message)
  }

  #end(): void {
    this.#ended = true
    for (const call of [...this.#inFlight, ...this.#waiting]) call.reject(this.#options.closedError())
    this.#inFlight = []
    this.#waiting = []
  }
}

/** A time for file names: `20261120T064105Z`. */
function stampOf(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')
}
