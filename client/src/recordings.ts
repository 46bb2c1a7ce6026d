import type { RecordingDocument } from '../../src/storage/recording-document.ts'
import { TapedeckError } from './errors.ts'
import type { Server } from './server.ts'

/** Stopping answers when the file is final, and a file that outgrew its index room takes a moment. */
const STOP_TIMEOUT_MS = 60_000
/** How long a recording may take to become final once its stream has ended. */
const FINAL_TIMEOUT_MS = 90_000
const POLL_MS = 500
/** From the connection to the recording: it begins with the first picture. */
const BEGIN_TIMEOUT_MS = 15_000
const BEGIN_POLL_MS = 150

/** What a recording is asked for, besides its stream: docs/reference/rest.md, `POST /api/v1/recordings`. */
export interface RecordOptions {
  readonly format?: 'auto' | 'mp4' | 'webm' | 'mkv' | 'flv' | 'ts'
  /** Template of the file's name. */
  readonly name?: string
  readonly maxSeconds?: number
  readonly metadata?: Readonly<Record<string, string>>
  readonly [other: string]: unknown
}

/** Who sees to a recording: we, who have asked for it, or a rule, which begins one that is newer than `before`. */
export type Preparation =
  | { readonly isOurs: true; readonly id: string }
  | { readonly isOurs: false; readonly before: string | undefined }

/** The recordings of one stream, by the REST API. */
export class Recordings {
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
  }

  /**
   * Sees to it that the stream will be recorded. Where a rule of the server's does so by itself, its recording is found
   * once the stream is there.
   */
  async prepare(stream: string, request: RecordOptions): Promise<Preparation> {
    const { rules } = await this.#ask<{ rules: readonly unknown[] }>(
      'GET',
      `rules?stream=${encodeURIComponent(stream)}`,
    )
    if (rules.length > 0) return { isOurs: false, before: (await this.#newest(stream))?.id }
    const { id } = await this.#ask<RecordingDocument>('POST', 'recordings', { ...request, stream, waitForStream: true })
    return { isOurs: true, id }
  }

  /** The recording that a rule has begun, or goes on with, since `before` was the newest. Waits for it to appear. */
  async begun(stream: string, before: string | undefined): Promise<string> {
    const deadlineMs = performance.now() + BEGIN_TIMEOUT_MS
    for (;;) {
      const newest = await this.#newest(stream)
      if (newest !== undefined && (newest.id !== before || !isFinal(newest))) return newest.id
      if (performance.now() > deadlineMs) {
        throw new TapedeckError(
          'client/recording-failed',
          `A rule of the server's should record ${stream}, and does not.`,
        )
      }
      await pause(BEGIN_POLL_MS)
    }
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
      if (isFinal(recording)) return recording
      if (performance.now() > deadlineMs) {
        throw new TapedeckError(
          'client/recording-failed',
          `Recording ${id} is not final yet. Ask for it later by its id.`,
        )
      }
      await pause(POLL_MS)
    }
  }

  /** Addresses of media carry the token, for elements can't send headers. */
  partUrl(id: string, index: number, isDownload: boolean): string {
    const url = this.#server.address('api/v1', `recordings/${encodeURIComponent(id)}/parts/${index}`)
    if (isDownload) url.searchParams.set('download', '1')
    if (this.#server.recordToken !== '') url.searchParams.set('token', this.#server.recordToken)
    return url.href
  }

  async #newest(stream: string): Promise<RecordingDocument | undefined> {
    const query = new URLSearchParams({ stream, limit: '1' })
    const { recordings } = await this.#ask<{ recordings: readonly RecordingDocument[] }>('GET', `recordings?${query}`)
    return recordings[0]
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

function isFinal({ state }: RecordingDocument): boolean {
  return state === 'ready' || state === 'failed'
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
