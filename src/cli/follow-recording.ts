import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { ApiClient } from './api-client.ts'
import { formatBytes, formatDuration } from './format.ts'
import { describeLedger } from './recording-text.ts'

const LOOK_EVERY_MS = 500

/** The recording of one stream, watched until it ends. */
export interface Following {
  /** Resolves with the recording once it is final. */
  readonly ended: Promise<RecordingDocument>
  /** Stops it; resolves with the final recording, or undefined when none had begun. */
  stop(): Promise<RecordingDocument | undefined>
}

/** Watches the stream's recording through the API and rewrites a progress line. */
export function followRecording(
  client: ApiClient,
  stream: string,
  progress: ((line: string) => void) | undefined,
): Following {
  const stopped = new AbortController()
  const look = () => latestRecording(client, stream)
  return {
    ended: follow(look, progress, stopped.signal),
    async stop() {
      stopped.abort()
      const recording = await look()
      if (recording === undefined || isFinal(recording)) return recording
      return (await client.post(`/recordings/${recording.id}/stop`)) as RecordingDocument
    },
  }
}

async function follow(
  look: () => Promise<RecordingDocument | undefined>,
  progress: ((line: string) => void) | undefined,
  signal: AbortSignal,
): Promise<RecordingDocument> {
  while (!signal.aborted) {
    const recording = await look()
    if (recording !== undefined) progress?.(progressLine(recording))
    if (recording !== undefined && isFinal(recording)) return recording
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
  }
  return new Promise(() => {}) // stop() has the answer
}

async function latestRecording(client: ApiClient, stream: string): Promise<RecordingDocument | undefined> {
  const page = await client.get(`/recordings?limit=1&stream=${encodeURIComponent(stream)}`)
  return (page as { recordings: readonly RecordingDocument[] }).recordings[0]
}

function isFinal({ state }: RecordingDocument): boolean {
  return state === 'ready' || state === 'failed'
}

function progressLine(recording: RecordingDocument): string {
  const { state, durationMs, bytes, error } = recording
  const trouble = error === null ? '' : `  ${error.message}`
  return `${state}  ${formatDuration(durationMs)}  ${formatBytes(bytes)}  ${describeLedger(recording)}${trouble}`
}
