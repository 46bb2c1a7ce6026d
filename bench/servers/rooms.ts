import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { bytesBelow, freePort } from '../support/files.ts'
import { callRooms, ROOM_SIZE, roomOf } from '../support/room-signalling.ts'
import { untilReady } from './until-ready.ts'
import type { WebRtcServer } from './webrtc-server.ts'
import { settled } from './whip.ts'

const ROOT = join(import.meta.dirname, '../..')
const SECRET = 'bench'

/** Tapedeck with rooms, each of whose participants is recorded by himself. */
export async function startRoomsServer(folder: string, publishers: number): Promise<WebRtcServer> {
  const [api, udp, rooms] = [await freePort(), await freePort(), await freePort()]
  const records = join(folder, 'recordings')
  mkdirSync(records, { recursive: true })
  const child = spawn(process.execPath, [join(ROOT, 'bin/tapedeck.mjs'), 'serve', '--like', 'openvidu'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      TAPEDECK_DATA: join(folder, 'data'),
      TAPEDECK_RECORDINGS_ROOT: records,
      TAPEDECK_API_LISTEN: `127.0.0.1:${api}`,
      TAPEDECK_RTMP_LISTEN: '',
      TAPEDECK_RTSP_LISTEN: '',
      TAPEDECK_WEBRTC_UDP: `127.0.0.1:${udp}`,
      TAPEDECK_FACADES_OPENVIDU_LISTEN: `127.0.0.1:${rooms}`,
      TAPEDECK_FACADES_OPENVIDU_SECRET: SECRET,
      OPENVIDU_RECORDING: 'true',
      TAPEDECK_LOG_LEVEL: 'warn',
    },
  })
  const base = `http://127.0.0.1:${api}`
  await untilReady(child, `${base}/readyz`)
  if (child.pid === undefined) throw new Error('Tapedeck did not start')
  const address = `https://OPENVIDUAPP:${SECRET}@127.0.0.1:${rooms}`
  return {
    name: `Tapedeck, rooms of ${ROOM_SIZE}`,
    version: '0.1.0',
    pid: child.pid,
    load: ['rooms', address, '127.0.0.1'],
    async record() {
      const sessions = new Set(Array.from({ length: publishers }, (_, publisher) => roomOf(publisher)))
      for (const session of sessions) {
        await callRooms(address, '/openvidu/api/recordings/start', { session, outputMode: 'INDIVIDUAL' })
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
