import type { RecordingDocument } from '../../src/storage/recording-document.ts'
import { TapedeckError } from './errors.ts'
import type { Server } from './server.ts'
import { encodePath } from './server.ts'

/** Stopping answers when the file is final, and a file that outgrew its index room takes a moment. */
const STOP_TIMEOUT_MS = 60_000
/** How long a recording may take to become final once its stream has ended. */
const FINAL_TIMEOUT_MS = 90_000
const POLL_MS = 500

/** What a recording is asked for, besides its stream: docs/reference/rest.md, `POST /api/v1/recordings`. */
export interface RecordOptions {
  readonly format?: 'auto' | 'mp4' | 'webm' | 'mkv' | 'flv' | 'ts'
  /** Template of the file's name. */
  readonly name?: string
  readonly maxSeconds?: number
  readonly metadata?: Readonly<Record<string, string>>
  readonly [other: string]: unknown
}

/** The recordings of one stream, by the REST API. */
export class Recordings {
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
  }

  /**
   * Sees to it that the stream will be recorded. Undefined: a rule of the server's does so by itself, and its recording
   * is known once the stream is there.
   */
  async prepare(stream: string, request: RecordOptions): Promise<RecordingDocument | undefined> {
    const { rules } = await this.#ask<{ rules: readonly unknown[] }>(
      'GET',
      `rules?stream=${encodeURIComponent(stream)}`,
    )
    if (rules.length > 0) return undefined
    return this.#ask('POST', 'recordings', { ...request, stream, waitForStream: true })
  }

  /** Of a live stream: what records it now. */
  async inProgress(stream: string): Promise<string | undefined> {
    const { recordings } = await this.#ask<{ recordings: readonly string[] }>('GET', `streams/${encodePath(stream)}`)
    return recordings[0]
  }

  /** Resolves when the file is final. */
  async stop(id: string): Promise<RecordingDocument> {
    return this.#ask('POST', `recordings/${encodeURIComponent(id)}/stop`)
  }

  /** Waits until the recording is final, which its stream's end has made it become. */
  async final(id: string): Promise<RecordingDocument> {
    const deadlineMs = performance.now() + FINAL_TIMEOUT_MS
    for (;;) {
      const recording = await this.#ask<RecordingDocument>('GET', `recordings/${encodeURIComponent(id)}`)
      if (recording.state === 'ready' || recording.state === 'failed') return recording
      if (performance.now() > deadlineMs) {
        throw new TapedeckError(
          'client/recording-failed',
          `Recording ${id} is not final yet. Ask for it later by its id.`,
        )
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  /** Addresses of media carry the token, for elements can't send headers. */
  partUrl(id: string, index: number, isDownload: boolean): string {
    const url = this.#server.address('api/v1', `recordings/${encodeURIComponent(id)}/parts/${index}`)
    if (isDownload) url.searchParams.set('download', '1')
    if (this.#server.recordToken !== '') url.searchParams.set('token', this.#server.recordToken)
    return url.href
  }

  async #ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const response = await this.#server.send(this.#server.address('api/v1', path), {
      method,
      token: this.#server.recordToken,
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(method === 'GET' ? {} : { timeoutMs: STOP_TIMEOUT_MS }),
    })
    return (await response.json()) as Answer
  }
}
