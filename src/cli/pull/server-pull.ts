import { setTimeout as sleep } from 'node:timers/promises'
import { publicUrl } from '#base/public-url.ts'
import type { PullTransport } from '#base/pull-options.ts'
import type { ApiClient } from '../api-client.ts'
import { SourceFailedError } from '../errors.ts'
import type { SourceReader } from './source-reader.ts'

const LOOK_EVERY_MS = 100

/** What a pull of the server's is told. */
export interface ServerPullOptions {
  readonly url: string
  /** Where the server publishes it. */
  readonly path: string
  readonly transport: PullTransport
  readonly verifyTls: boolean
}

/** Lets a server pull the source, once. @throws {ServerRefusedError} it can't be pulled */
export async function startServerPull(client: ApiClient, options: ServerPullOptions): Promise<SourceReader> {
  const stopping = new AbortController()
  // Kept alive, because one that is not is forgotten with its reason.
  const { id } = (await client.post('/pulls', options)) as { id: string }
  const ended = watch(client, id, options.url, stopping.signal)
  // Whoever waits for it learns of it; when nobody does, it was stopped.
  ended.catch(() => {})
  return { ended, stop: () => stopping.abort() }
}

async function watch(client: ApiClient, id: string, url: string, signal: AbortSignal): Promise<void> {
  let hasStreamed = false
  for (;;) {
    const { state, lastError } = (await client.get(`/pulls/${id}`)) as {
      state: string
      lastError: { code: string; message: string } | null
    }
    hasStreamed ||= state === 'streaming'
    if (lastError === null && !signal.aborted) {
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
      continue
    }
    await client.delete(`/pulls/${id}`)
    const isGoodbye = lastError === null || lastError.code === 'pull/source-ended'
    if (hasStreamed || isGoodbye) return
    const shown = publicUrl(url)
    throw new SourceFailedError(shown, `${lastError.message.replace(shown, 'it')} [${lastError.code}]`)
  }
}
