import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode, errorMessage, TapedeckError } from '#base/error.ts'
import { publicUrl } from '#base/public-url.ts'
import type { Logger, Runtime } from '#base/runtime.ts'
import { type Hub, StreamPathInUseError } from '#hub/hub.ts'
import type { PullSource, PullStop } from '#hub/pull-source.ts'
import type { PullRow } from '#storage/catalog/catalog.ts'
import type { PullDocument, PullState } from './pull-document.ts'

/** Pauses between tries: each twice the one before, up to the last. Milliseconds. */
export interface BackOff {
  readonly firstMs: number
  readonly maxMs: number
}

/** Part of a pause that is left to chance, so that a hundred pulls of one origin don't all return at once. */
const JITTER = 0.3

export interface PullOptions {
  readonly row: PullRow
  readonly source: PullSource
  readonly hub: Hub
  readonly runtime: Runtime
  readonly backOff: BackOff
  /** 0 to 1. */
  readonly random: () => number
  /** It goes otherwise than before; one more try that fails as the last did is no news. */
  readonly onChanged: (pull: Pull) => void
  /** It is over by itself. */
  readonly onOver: (pull: Pull) => void
}

/** One pull from its first try to its end: connects, tries again, waits for its path. */
export class Pull {
  readonly row: PullRow
  readonly #options: PullOptions
  readonly #log: Logger
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #state: PullState = 'connecting'
  #lastError: PullDocument['lastError'] = null
  #attempts = 0
  #sinceMs: number
  /** What onChanged was last called for. */
  #told = ''
  /** Media has arrived in the present try. */
  #wasStreaming = false
  /** Tries since media last arrived. */
  #failures = 0

  constructor(options: PullOptions) {
    const { row, runtime } = options
    this.row = row
    this.#options = options
    this.#log = runtime.log.child({ pull: row.id, stream: row.path })
    this.#sinceMs = runtime.nowMs()
  }

  toDocument(): PullDocument {
    const { id, path, url, keepAlive, verifyTls, transport, damaged, metadata, origin } = this.row
    return {
      id,
      path,
      url: publicUrl(url),
      keepAlive,
      verifyTls,
      transport,
      damaged,
      state: this.#state,
      lastError: this.#lastError,
      attempts: this.#attempts,
      since: new Date(this.#sinceMs).toISOString(),
      origin,
      metadata,
    }
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends the stream, if there is one. Resolves when nothing of it is left. Idempotent. */
  async stop(reason: PullStop): Promise<void> {
    if (!this.#stopping.signal.aborted) this.#stopping.abort(reason)
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { onOver } = this.#options
    while (!signal.aborted) {
      const error = await this.#try()
      if (signal.aborted) break
      const isInUse = error instanceof StreamPathInUseError
      if (!this.row.keepAlive) {
        this.#log.info({ event: 'pull.over', code: errorCode(error) }, errorMessage(error))
        this.#change(this.#wasStreaming ? 'ended' : 'failed', error)
        onOver(this)
        return
      }
      this.#change('waiting', error)
      if (isInUse) await this.#pathFree()
      else await this.#pause(error)
    }
    this.#change('ended', undefined)
  }

  /** One connection; gives why it is over. */
  async #try(): Promise<unknown> {
    const { hub, source } = this.#options
    const { path, url, verifyTls, transport, damaged } = this.row
    this.#wasStreaming = false
    if (hub.get(path) !== undefined) return new StreamPathInUseError(path)
    this.#attempts++
    this.#change('connecting', this.#lastError)
    const { signal } = this.#stopping
    try {
      const options = { verifyTls, transport, damaged }
      await source.pull({ path, url, ...options, signal, onStreaming: () => this.#streaming() })
      return undefined
    } catch (error) {
      return error
    }
  }

  #streaming(): void {
    this.#wasStreaming = true
    this.#failures = 0
    this.#change('streaming', null)
  }

  async #pause(error: unknown): Promise<void> {
    const { backOff, random } = this.#options
    const fullMs = Math.min(backOff.maxMs, backOff.firstMs * 2 ** this.#failures++)
    const pauseMs = Math.round(fullMs * (1 - JITTER * random()))
    const fields = { event: 'pull.waiting', code: errorCode(error), pauseMs }
    if (error instanceof TapedeckError) this.#log.warn(fields, errorMessage(error))
    else this.#log.error({ ...fields, err: error })
    await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {})
  }

  /** Somebody else publishes under our path: resolves when he has left. */
  async #pathFree(): Promise<void> {
    const { hub } = this.#options
    const { path } = this.row
    this.#log.warn({ event: 'pull.path-taken' }, `${path} is published by somebody else: the pull waits for its end`)
    const { promise, resolve } = Promise.withResolvers<void>()
    using _ended = hub.streamEnded.listen((stream) => {
      if (stream.path === path) resolve()
    })
    const { signal } = this.#stopping
    const stopped = () => resolve()
    signal.addEventListener('abort', stopped)
    if (hub.get(path) !== undefined && !signal.aborted) await promise
    signal.removeEventListener('abort', stopped)
  }

  #change(state: PullState, error: unknown): void {
    const before = this.#state
    const { runtime, onChanged } = this.#options
    if (error === null || error === undefined) this.#lastError = null
    else if (error !== this.#lastError) this.#lastError = { code: errorCode(error), message: errorMessage(error) }
    if (state !== before) this.#sinceMs = runtime.nowMs()
    this.#state = state
    // Hundreds of pulls of an origin that is down would otherwise fill the event feed.
    const code = this.#lastError?.code ?? ''
    const news = `${state === 'connecting' && code !== '' ? 'waiting' : state} ${code}`
    if (news === this.#told) return
    this.#told = news
    onChanged(this)
  }
}
