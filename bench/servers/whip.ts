import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesBelow, freePort } from '../support/files.ts'
import { untilReady } from './until-ready.ts'
import type { Recorded, WebRtcServer } from './webrtc-server.ts'

const ROOT = join(import.meta.dirname, '../..')

interface Page {
  readonly recordings: readonly {
    readonly state: string
    readonly ledger: {
      readonly tracks: readonly {
        readonly received: number
        readonly written: number
        readonly source?: { received: number }
      }[]
    }
  }[]
}

export interface WhipServerOptions {
  readonly folder: string
  /** What becomes of Opus: `auto` makes AAC of it, `copy` leaves it. */
  readonly sound: 'auto' | 'copy'
  /** Default `mp4`. */
  readonly format?: 'mp4' | 'mkv'
  /** Of Node, for profiles. Default: none. */
  readonly nodeOptions?: string
}

/** Tapedeck, recording every publisher, by default to MP4. */
export async function startWhipServer(options: WhipServerOptions): Promise<WebRtcServer> {
  const { folder, sound, format = 'mp4', nodeOptions = '' } = options
  const [api, udp] = [await freePort(), await freePort()]
  const records = join(folder, 'recordings')
  mkdirSync(records, { recursive: true })
  const child = spawn(process.execPath, [join(ROOT, 'bin/tapedeck.mjs'), 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_OPTIONS: nodeOptions,
      TAPEDECK_DATA: join(folder, 'data'),
      TAPEDECK_RECORDINGS_ROOT: records,
      TAPEDECK_RECORDINGS_FORMAT: format,
      TAPEDECK_RULES: `[{ match: '**', request: { audio: { codec: ${sound} } } }]`,
      TAPEDECK_API_LISTEN: `127.0.0.1:${api}`,
      TAPEDECK_RTMP_LISTEN: '',
      TAPEDECK_RTSP_LISTEN: '',
      TAPEDECK_WEBRTC_UDP: `127.0.0.1:${udp}`,
      TAPEDECK_LOG_LEVEL: 'warn',
    },
  })
  const base = `http://127.0.0.1:${api}`
  await untilReady(child, `${base}/readyz`)
  if (child.pid === undefined) throw new Error('Tapedeck did not start')
  return {
    name: `Tapedeck (${format.toUpperCase()}, ${sound === 'copy' ? 'Opus as it came' : 'AAC made of Opus'})`,
    version: '0.1.0',
    pid: child.pid,
    load: ['whip', base, '127.0.0.1'],
    settle: () => settled(base),
    writtenBytes: () => bytesBelow(records),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Waits until every recording is final; gives the access units of the publishers in them. @param base of the API */
export async function settled(base: string): Promise<Recorded> {
  for (;;) {
    const { recordings } = (await (await fetch(`${base}/api/v1/recordings?limit=1000`)).json()) as Page
    if (recordings.every(({ state }) => state === 'ready' || state === 'failed')) {
      const tracks = recordings.flatMap(({ ledger }) => ledger.tracks)
      const recordedAccessUnits = tracks.reduce((sum, { written }) => sum + written, 0)
      const lostAccessUnits = tracks.reduce((sum, { received, written }) => sum + received - written, 0)
      return { recordedPackets: undefined, recordedAccessUnits, lostAccessUnits }
    }
    await sleep(200)
  }
}
