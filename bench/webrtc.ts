/**
 * npm run bench:webrtc -- [--publishers 50] [--seconds 90] [--kbps 2500] [--only opus,aac,janus] [--json FILE] [--chromium 4]
 *
 * Browsers recorded: publishers play the same prepared RTP over real ICE, DTLS and SRTP from a process of its own, to
 * Tapedeck (with the sound as it came, and with AAC made of it) and to Janus, one after the other. Prints server CPU
 * seconds per Gbit and per packet, memory, loss, and the ratios to Janus. `--chromium` adds real browsers as a check
 * that what they say they sent is what was recorded.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startJanus } from './servers/janus.ts'
import { MissingPeerError } from './servers/server.ts'
import type { Recorded, WebRtcServer } from './servers/webrtc-server.ts'
import { startWhipServer } from './servers/whip.ts'
import { threadSecondsOf, usageOf } from './support/process-usage.ts'
import { type ChromiumCheck, checkWithChromium } from './support/webrtc-chromium.ts'
import { webrtcMedia } from './support/webrtc-media.ts'

const MIB = 1024 * 1024
/** Publishers have begun and the runtime has compiled by then. */
const WARM_UP_MS = 15_000
/** Ten GOPs. */
const STEADY_MS = 20_000
/** The last publisher has to be at it still. */
const SPARE_MS = 5_000

const { values } = parseArgs({
  options: {
    publishers: { type: 'string', default: '50' },
    // Long enough that starting, in which the runtime compiles, is not what is measured.
    seconds: { type: 'string', default: '90' },
    kbps: { type: 'string', default: '2500' },
    only: { type: 'string', default: 'opus,aac,janus' },
    json: { type: 'string', default: 'bench-webrtc-results.json' },
    chromium: { type: 'string', default: '0' },
    /** A V8 profile of each Tapedeck goes to this folder. */
    profile: { type: 'string', default: '' },
  },
})
const publishers = Number(values.publishers)
const media = webrtcMedia(Number(values.kbps), Number(values.seconds))

const nodeOptions = values.profile === '' ? '' : `--cpu-prof --cpu-prof-dir=${values.profile}`
const STARTERS: Readonly<Record<string, (folder: string) => Promise<WebRtcServer>>> = {
  opus: (folder) => startWhipServer({ folder, sound: 'copy', nodeOptions }),
  aac: (folder) => startWhipServer({ folder, sound: 'auto', nodeOptions }),
  janus: startJanus,
}

/** What the load generator says when all is sent. */
interface Sent {
  readonly packets: number
  readonly bytes: number
  readonly retransmitted: number
  readonly pictureLosses: number
  /** Packets that its own library would not take. */
  readonly refused: number
  readonly accessUnits: number
  readonly durationMs: number
  readonly latestMs: number
  readonly cpuSeconds: number
}

/** What the server takes while nothing begins or ends. */
interface Steady {
  readonly packetMicroseconds: number
  /** By threads of one name. */
  readonly threads: Readonly<Record<string, number>>
}

interface Result {
  readonly name: string
  readonly version: string
  readonly sent: Sent
  /** From the first packet to the last final file. */
  readonly cpuSeconds: number
  /** For one publisher's connection: HTTP, ICE, DTLS. */
  readonly connectCpuMs: number
  readonly perPublisherBytes: number
  readonly peakBytes: number
  /** Undefined: it did not last long enough. */
  readonly steady: Steady | undefined
  readonly recorded: Recorded
  readonly writtenBytes: number
}

const results: Result[] = []
for (const key of values.only.split(',').filter((each) => each !== '')) {
  const start = STARTERS[key]
  if (start === undefined) throw new Error(`--only: ${key} is none of ${Object.keys(STARTERS).join(', ')}`)
  const folder = mkdtempSync(join(tmpdir(), 'tapedeck-bench-webrtc-'))
  try {
    await using server = await start(folder)
    results.push(await measure(server))
  } catch (error) {
    if (!(error instanceof MissingPeerError)) throw error
    console.error(error.message)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
const chromium = Number(values.chromium) > 0 ? await withChromium() : []
report()
const { seconds, kbps } = values
const rows = results.map((result) => ({ ...result, lost: lost(result) }))
writeFileSync(
  values.json,
  `${JSON.stringify({ publishers, seconds: Number(seconds), kbps: Number(kbps), results: rows, chromium }, null, 2)}\n`,
)
const isShort = ({ sentPictures, recordedPictures, sentSounds, recordedSounds }: ChromiumCheck) =>
  recordedPictures < sentPictures || recordedSounds < sentSounds
if (results.some((result) => lost(result) > 0) || chromium.some(isShort)) process.exitCode = 1

/** Real browsers; what they say they sent is compared with what was recorded. */
async function withChromium(): Promise<ChromiumCheck[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tapedeck-bench-webrtc-'))
  try {
    await using server = await startWhipServer({ folder, sound: 'copy' })
    return await checkWithChromium(server.load[1], Number(values.chromium), Number(values.seconds))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(server: WebRtcServer): Promise<Result> {
  await sleep(1_000) // what a server does when it has just started is not the publishers'
  const idle = usageOf(server.pid)
  const args = [...server.load, String(publishers), media, values.kbps]
  const load = spawn(process.execPath, [join(import.meta.dirname, 'support/webrtc-load.ts'), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(load.stdout)[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the load generator ended early')
    return JSON.parse(value) as object
  }
  await next()
  const connected = usageOf(server.pid)
  let peakBytes = connected.residentBytes
  load.stdin.write('begin\n')
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, usageOf(server.pid).residentBytes)
  }, 500)
  const steady = await steadyState(server.pid, async () => {
    load.stdin.write('count\n')
    return ((await next()) as { packets: number }).packets
  })
  const sent = (await next()) as Sent
  clearInterval(watch)
  load.stdin.write('end\n')
  await once(load, 'exit')
  const recorded = await server.settle()
  return {
    name: server.name,
    version: server.version,
    sent,
    cpuSeconds: usageOf(server.pid).cpuSeconds - connected.cpuSeconds,
    connectCpuMs: (1000 * (connected.cpuSeconds - idle.cpuSeconds)) / publishers,
    perPublisherBytes: (peakBytes - idle.residentBytes) / publishers,
    peakBytes,
    steady,
    recorded,
    writtenBytes: server.writtenBytes(),
  }
}

/** Processor time by threads of one name, and packets, between two moments of the publishing. */
async function steadyState(pid: number, packetsSent: () => Promise<number>): Promise<Steady | undefined> {
  if (Number(values.seconds) * 1000 < WARM_UP_MS + STEADY_MS + SPARE_MS) return undefined
  await sleep(WARM_UP_MS)
  const [before, packetsBefore] = [threadSecondsOf(pid), await packetsSent()]
  await sleep(STEADY_MS)
  const [after, packetsAfter] = [threadSecondsOf(pid), await packetsSent()]
  const threads: Record<string, number> = {}
  for (const [name, seconds] of after) {
    threads[name] = ((seconds - (before.get(name) ?? 0)) * 1e6) / (packetsAfter - packetsBefore)
  }
  return { packetMicroseconds: Object.values(threads).reduce((sum, each) => sum + each, 0), threads }
}

/** Access units, or packets where those are recorded. */
function lost({ sent, recorded }: Result): number {
  const { recordedAccessUnits, recordedPackets } = recorded
  if (recordedPackets !== undefined) return sent.packets - recordedPackets
  return sent.accessUnits - (recordedAccessUnits ?? 0)
}

function report(): void {
  if (chromium.length > 0) console.table(chromium)
  if (results.length === 0) return
  const peer = results.find(({ name }) => name.startsWith('Janus'))
  const perPacketMicroseconds = ({ cpuSeconds, sent }: Result) => (cpuSeconds * 1e6) / sent.packets
  console.table(
    results.map((result) => ({
      server: result.name,
      'CPU s/Gbit': (result.cpuSeconds / ((result.sent.bytes * 8) / 1e9)).toFixed(3),
      'µs/packet': perPacketMicroseconds(result).toFixed(1),
      '× Janus': peer === undefined ? '' : (perPacketMicroseconds(result) / perPacketMicroseconds(peer)).toFixed(2),
      'steady µs/packet': result.steady?.packetMicroseconds.toFixed(1),
      'steady × Janus': steadyRatio(result, peer),
      'ms to connect': result.connectCpuMs.toFixed(1),
      'MiB/publisher': (result.perPublisherBytes / MIB).toFixed(2),
      'peak MiB': (result.peakBytes / MIB).toFixed(0),
      lost: lost(result),
      repeated: result.sent.retransmitted,
      'written MiB': (result.writtenBytes / MIB).toFixed(0),
      'load late ms': result.sent.latestMs,
    })),
  )
}

function steadyRatio({ steady }: Result, peer: Result | undefined): string {
  if (steady === undefined || peer?.steady === undefined) return ''
  return (steady.packetMicroseconds / peer.steady.packetMicroseconds).toFixed(2)
}
