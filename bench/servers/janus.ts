import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesBelow, freePort } from '../support/files.ts'
import { MissingPeerError } from './server.ts'
import { untilReady } from './until-ready.ts'
import type { WebRtcServer } from './webrtc-server.ts'

const PROGRAM = '/usr/bin/janus'
const ROOM = 1234
const PROTECTED = 'janus.plugin.videoroom'

/** Janus with its video room, which records the RTP of every publisher as it is (.mjr), and nothing else loaded. */
export async function startJanus(folder: string): Promise<WebRtcServer> {
  if (!existsSync(PROGRAM)) throw new MissingPeerError('Janus', 'apt-get install -y janus')
  const port = await freePort()
  const [configs, records] = [join(folder, 'janus'), join(folder, 'mjr')]
  for (const each of [configs, records]) mkdirSync(each, { recursive: true })
  const library = libraryFolder()
  const disabled = (kind: string, keep: string) =>
    readdirSync(join(library, kind))
      .filter((name) => name.endsWith('.so') && !name.includes(keep))
      .join(',')
  writeFileSync(
    join(configs, 'janus.jcfg'),
    `general: { configs_folder = "${configs}"
  plugins_folder = "${library}/plugins"
  transports_folder = "${library}/transports"
  events_folder = "${library}/events"
  loggers_folder = "${library}/loggers"
  debug_level = 2
  session_timeout = 0
  protected_folders = []
}
media: {}
nat: { nice_debug = false, ice_lite = true }
plugins: { disable = "${disabled('plugins', 'videoroom')}" }
transports: { disable = "${disabled('transports', 'libjanus_http')}" }
loggers: {}
events: {}
`,
  )
  writeFileSync(
    join(configs, 'janus.transport.http.jcfg'),
    `general: { json = "plain", base_path = "/janus", http = true, port = ${port}, ip = "127.0.0.1", https = false }
admin: { admin_http = false }
`,
  )
  writeFileSync(
    join(configs, `${PROTECTED}.jcfg`),
    `room-${ROOM}: {
  description = "bench"
  publishers = 1000
  bitrate = 0
  videocodec = "h264"
  audiocodec = "opus"
  notify_joining = false
  record = true
  rec_dir = "${records}"
}
`,
  )
  const child = spawn(PROGRAM, ['-F', configs, '-o'], { stdio: ['ignore', 'ignore', 'inherit'] })
  const base = `http://127.0.0.1:${port}/janus`
  await untilReady(child, `${base}/info`)
  if (child.pid === undefined) throw new Error('Janus did not start')
  const { version_string: version } = (await (await fetch(`${base}/info`)).json()) as { version_string: string }
  return {
    name: 'Janus (records RTP)',
    version,
    pid: child.pid,
    load: ['janus', base, ownAddress()],
    settle: async () => {
      await sleep(1_000)
      return { recordedPackets: packetsBelow(records), recordedAccessUnits: undefined }
    },
    writtenBytes: () => bytesBelow(records),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Janus takes no media by way of the loopback address; what goes to an address of this machine leaves it no more. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  if (found === undefined) throw new Error('Janus needs an IPv4 address besides the loopback one')
  return found.address
}

/** Debian's, whatever the architecture. */
function libraryFolder(): string {
  const found = readdirSync('/usr/lib').map((name) => `/usr/lib/${name}/janus`)
  const folder = [...found, '/usr/lib/janus'].find((each) => existsSync(join(each, 'plugins')))
  if (folder === undefined) throw new MissingPeerError('Janus', 'apt-get install -y janus')
  return folder
}

/** RTP packets in all recordings. Each stands behind `MEET`, four bytes of time, and its length. */
function packetsBelow(folder: string): number {
  let packets = 0
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.mjr'))) {
    const bytes = readFileSync(join(folder, name))
    // The first block is a head: `MJR00002`, its length, and JSON.
    for (let at = 10 + bytes.readUInt16BE(8); at + 10 <= bytes.length; at += 10 + bytes.readUInt16BE(at + 8)) packets++
  }
  return packets
}
