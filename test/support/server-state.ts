import { setTimeout as sleep } from 'node:timers/promises'
import type { PullDocument } from '#control/pull-document.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from './api-client.ts'
import type { ServerProcess } from './server-process.ts'

const WAIT_MS = 60_000
const POLL_MS = 30

/** The recording of a stream that a server records by itself, once it is proved. */
export async function recordingOf(server: ServerProcess, stream: string): Promise<RecordingDocument> {
  const api = new ApiClient(server)
  const endsMs = performance.now() + WAIT_MS
  for (;;) {
    const recording = (await api.recordings()).find((each) => each.stream === stream)
    if (recording !== undefined) return await api.untilProved(recording.id)
    if (performance.now() > endsMs) throw new Error(`${stream} was not recorded\n${server.log.join('\n')}`)
    await sleep(POLL_MS)
  }
}

/** The first of a server's pulls that is as wanted, once there is one. */
export async function untilPull(server: ServerProcess, isIt: (pull: PullDocument) => boolean): Promise<PullDocument> {
  const endsMs = performance.now() + WAIT_MS
  for (;;) {
    const response = await fetch(new URL('api/v1/pulls', server.page))
    const { pulls } = (await response.json()) as { pulls: PullDocument[] }
    const found = pulls.find(isIt)
    if (found !== undefined) return found
    if (performance.now() > endsMs)
      throw new Error(`waited too long: ${JSON.stringify(pulls)}\n${server.log.join('\n')}`)
    await sleep(POLL_MS)
  }
}
