import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesBelow, freePort } from '../support/files.ts'
import { channelOf } from '../support/two-party.ts'
import { untilReady } from './until-ready.ts'
import type { WebRtcServer } from './webrtc-server.ts'
import { settled } from './whip.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Without a sign key it is the key itself. */
const VENDOR_KEY = '970ca35de60c44645bbae8a215061b33'
const PATIENCE_MS = 30_000

/** A recording server of channels with two users each, by WebRTC and RTMP. */
export interface ChannelsServer extends WebRtcServer {
  readonly rtmpPort: number
  /** Resolves when all channels are recorded; waits for those into which nobody publishes yet. */
  record(): Promise<void>
}

/** Tapedeck as it stands in for the recording server whose figures are known. */
export async function startChannelsServer(folder: string, publishers: number): Promise<ChannelsServer> {
  const [api, udp, rtmpPort, service] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const records = join(folder, 'recordings')
  mkdirSync(records, { recursive: true })
  const child = spawn(process.execPath, [join(ROOT, 'bin/tapedeck.mjs'), 'serve', '--like', 'agora'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      TAPEDECK_DATA: join(folder, 'data'),
      TAPEDECK_RECORDINGS_ROOT: records,
      TAPEDECK_API_LISTEN: `127.0.0.1:${api}`,
      TAPEDECK_RTMP_LISTEN: `127.0.0.1:${rtmpPort}`,
      TAPEDECK_RTSP_LISTEN: '',
      TAPEDECK_WEBRTC_UDP: `127.0.0.1:${udp}`,
      TAPEDECK_FACADES_AGORA_LISTEN: `127.0.0.1:${service}`,
      TAPEDECK_FACADES_AGORA_VENDOR_KEY: VENDOR_KEY,
      TAPEDECK_FACADES_AGORA_CONVERT_WHEN: 'never',
      TAPEDECK_LOG_LEVEL: 'warn',
    },
  })
  const base = `http://127.0.0.1:${api}`
  await untilReady(child, `${base}/readyz`)
  if (child.pid === undefined) throw new Error('Tapedeck did not start')
  return {
    name: 'Tapedeck, channels of 2',
    version: '0.1.0',
    pid: child.pid,
    rtmpPort,
    load: ['channels', base, '127.0.0.1'],
    async record() {
      const channels = new Set(Array.from({ length: publishers }, (_, publisher) => channelOf(publisher)))
      const endsMs = performance.now() + PATIENCE_MS
      for (const channel of channels) {
        while (!(await start(service, channel))) {
          if (performance.now() > endsMs) throw new Error(`${channel} was not recorded`)
          await sleep(100)
        }
      }
    },
    settle: () => settled(base),
    writtenBytes: () => bytesBelow(records),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** False: nobody is there yet. */
async function start(port: number, channel: string): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/channels/${channel}/recording/start`, {
    method: 'POST',
    body: JSON.stringify({ recordingKey: VENDOR_KEY, uid: 1 }),
  })
  return response.ok
}
