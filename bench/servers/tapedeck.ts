import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesBelow, freePort } from '../support/files.ts'
import type { BenchServer } from './server.ts'

const ROOT = join(import.meta.dirname, '../..')

interface ListedRecording {
  readonly state: string
  readonly ledger: { readonly tracks: readonly { received: number; written: number; lost: number }[] }
}

/** Tapedeck itself with its default rule, recording every stream in the given format. */
export async function startTapedeck(folder: string, format: 'mp4' | 'flv' | 'ts'): Promise<BenchServer> {
  const [port, apiPort] = [await freePort(), await freePort()]
  const records = join(folder, `tapedeck-${format}`)
  mkdirSync(records, { recursive: true })
  const child = spawn(process.execPath, [join(ROOT, 'bin/tapedeck.mjs'), 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      TAPEDECK_DATA: join(folder, `data-${format}`),
      TAPEDECK_RECORDINGS_ROOT: records,
      TAPEDECK_RECORDINGS_FORMAT: format,
      TAPEDECK_RTMP_LISTEN: `127.0.0.1:${port}`,
      TAPEDECK_RTSP_LISTEN: '',
      TAPEDECK_WEBRTC_UDP: '',
      TAPEDECK_API_LISTEN: `127.0.0.1:${apiPort}`,
      TAPEDECK_LOG_LEVEL: 'warn',
    },
  })
  const api = `http://127.0.0.1:${apiPort}`
  for (let attempt = 0; ; attempt++) {
    const ready = await fetch(`${api}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (ready) break
    if (attempt > 100 || child.exitCode !== null) throw new Error('Tapedeck did not become ready')
    await sleep(100)
  }
  if (child.pid === undefined) throw new Error('Tapedeck did not start')
  return {
    name: `Tapedeck (${format.toUpperCase()})`,
    version: '0.1.0',
    pid: child.pid,
    port,
    app: 'live',
    settle: () => settled(api),
    writtenBytes: () => bytesBelow(records),
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Waits until every recording is final; gives what was not written of what was received. */
async function settled(api: string): Promise<number> {
  for (;;) {
    const recordings: ListedRecording[] = []
    let cursor = ''
    do {
      const page: unknown = await (await fetch(`${api}/api/v1/recordings?limit=500${cursor}`)).json()
      const { recordings: listed, nextCursor } = page as { recordings: ListedRecording[]; nextCursor?: string }
      recordings.push(...listed)
      cursor = nextCursor == null ? '' : `&cursor=${encodeURIComponent(nextCursor)}`
    } while (cursor !== '')
    if (recordings.every(({ state }) => state === 'ready' || state === 'failed')) {
      const tracks = recordings.flatMap(({ ledger }) => ledger.tracks)
      return tracks.reduce((sum, { received, written }) => sum + received - written, 0)
    }
    await sleep(200)
  }
}
