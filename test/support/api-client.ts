import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { ServerProcess } from './server-process.ts'

const POLL_MS = 50
const WAIT_MS = 60_000

/** A server's REST API as tests that drive a whole server need it. */
export class ApiClient {
  readonly #base: URL

  constructor(server: Pick<ServerProcess, 'page'>) {
    this.#base = new URL('api/v1/', server.page)
  }

  start(request: RecordingRequest): Promise<RecordingDocument> {
    return this.#json<RecordingDocument>('recordings', request)
  }

  stop(id: string): Promise<RecordingDocument> {
    return this.#json<RecordingDocument>(`recordings/${id}/stop`, {})
  }

  recording(id: string): Promise<RecordingDocument> {
    return this.#json<RecordingDocument>(`recordings/${id}`)
  }

  async recordings(): Promise<readonly RecordingDocument[]> {
    const all: RecordingDocument[] = []
    for (let cursor = ''; ; ) {
      const page = await this.#json<{ recordings: RecordingDocument[]; nextCursor: string | null }>(
        `recordings?limit=100${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      )
      all.push(...page.recordings)
      if (page.nextCursor === null) return all
      cursor = page.nextCursor
    }
  }

  /** Asks until the recording is as wanted. @throws with the recording as it was last, after a minute */
  async until(id: string, wanted: string, isIt: (recording: RecordingDocument) => boolean): Promise<RecordingDocument> {
    const endMs = performance.now() + WAIT_MS
    for (;;) {
      const recording = await this.recording(id)
      if (isIt(recording)) return recording
      if (performance.now() > endMs) throw new Error(`not ${wanted}: ${JSON.stringify(recording)}`)
      await sleep(POLL_MS)
    }
  }

  /** Waits until the recording is `ready` and every part has its digest, in the manifest too. */
  async untilProved(id: string): Promise<RecordingDocument> {
    const isProved = ({ state, parts }: RecordingDocument) =>
      state === 'failed' || (state === 'ready' && parts.every(({ sha256 }) => sha256 !== null))
    const recording = await this.until(id, 'ready with digests', isProved)
    const endMs = performance.now() + WAIT_MS
    for (;;) {
      const manifest = await this.#json<{ recording: RecordingDocument }>(`recordings/${id}/manifest`)
      if (isProved(manifest.recording)) return recording
      if (performance.now() > endMs) throw new Error(`the manifest lags behind: ${JSON.stringify(manifest)}`)
      await sleep(POLL_MS)
    }
  }

  async #json<Body>(path: string, body?: object): Promise<Body> {
    const headers = { 'content-type': 'application/json' }
    const request = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await fetch(new URL(path, this.#base), request)
    if (!response.ok) throw new Error(`${response.status} for ${path}: ${await response.text()}`)
    return (await response.json()) as Body
  }
}
