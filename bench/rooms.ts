/**
 * npm run bench:rooms -- [--participants 24] [--kbps 1000] [--channels 20] [--rtmp-channels 100] [--only plain,rooms,webrtc-channels,rtmp-channels] [--seconds 42] [--json FILE]
 *
 * What rooms cost: participants of rooms of three, each recorded by himself, beside as many plain WebRTC recordings of
 * the same media. And what channels of two users cost at the bitrate that the vendor of a recording server reckons with:
 * its own figures are 9 to 10 channels for each processor core, and 25 MB for each. Beyond a tenth more for rooms, below
 * ten times the vendor's channels by RTMP, or with anything lost, the command fails.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startChannelsServer } from './servers/channels.ts'
import { startRoomsServer } from './servers/rooms.ts'
import type { WebRtcServer } from './servers/webrtc-server.ts'
import { startWhipServer } from './servers/whip.ts'
import { benchMedia } from './support/media.ts'
import { usageOf } from './support/process-usage.ts'
import { webrtcMedia } from './support/webrtc-media.ts'

const { values } = parseArgs({
  options: {
    participants: { type: 'string', default: '24' },
    kbps: { type: 'string', default: '1000' },
    channels: { type: 'string', default: '20' },
    'rtmp-channels': { type: 'string', default: '100' },
    only: { type: 'string', default: 'plain,rooms,webrtc-channels,rtmp-channels' },
    seconds: { type: 'string', default: '42' },
    json: { type: 'string', default: 'bench-rooms-results.json' },
  },
})

const MIB = 1024 * 1024
/** Everybody has begun, and the runtime has compiled, by then. */
const WARM_UP_MS = 14_000
/** The last one has to be at it still. */
const SPARE_MS = 6_000
const seconds = Number(values.seconds)
const steadyMs = seconds * 1000 - WARM_UP_MS - SPARE_MS
if (steadyMs < 5_000) throw new Error('--seconds: at least 25')

/** The vendor's sizing: what a user of a channel sends, and channels for each core. */
const VENDOR = { kbpsPerUser: 450, channelsPerCore: 10, bytesPerChannel: 25 * MIB } as const
/** Of that, what is Opus or AAC. */
const SOUND_KBPS = 64
const MOST_MORE = 1.1
const LEAST_TIMES = 10

interface Result {
  readonly kind: string
  readonly participants: number
  /** While nothing begins or ends. */
  readonly cores: number
  /** Beyond the idle server, at the end of that. */
  readonly bytes: number
  readonly lost: number
  /** How late the load generator was: a large figure means that the machine was too small. */
  readonly latestMs: number
}

const RUNS: Readonly<Record<string, (folder: string) => Promise<Omit<Result, 'kind'>>>> = {
  plain: async (folder) => {
    await using server = await startWhipServer({ folder, sound: 'copy', format: 'mkv' })
    return await overWebRtc(server, Number(values.participants), Number(values.kbps))
  },
  rooms: async (folder) => {
    const participants = Number(values.participants)
    await using server = await startRoomsServer(folder, participants)
    return await overWebRtc(server, participants, Number(values.kbps))
  },
  'webrtc-channels': async (folder) => {
    const participants = 2 * Number(values.channels)
    await using server = await startChannelsServer(folder, participants)
    return await overWebRtc(server, participants, VENDOR.kbpsPerUser - SOUND_KBPS)
  },
  'rtmp-channels': overRtmp,
}

const results: Result[] = []
for (const kind of values.only.split(',')) {
  const run = RUNS[kind]
  if (run === undefined) throw new Error(`--only: ${kind} is none of ${Object.keys(RUNS).join(', ')}`)
  const folder = mkdtempSync(join(tmpdir(), 'tapedeck-bench-rooms-'))
  try {
    results.push({ kind, ...(await run(folder)) })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
report()
writeFileSync(values.json, `${JSON.stringify({ seconds, kbps: Number(values.kbps), results }, null, 2)}\n`)

async function overWebRtc(server: WebRtcServer, participants: number, kbps: number): Promise<Omit<Result, 'kind'>> {
  const media = webrtcMedia(kbps, seconds)
  await sleep(1_000) // what a server does when it has just started is not the participants'
  const idle = usageOf(server.pid)
  const args = [...server.load, String(participants), media, String(kbps)]
  const load = spawn(process.execPath, [join(import.meta.dirname, 'support/webrtc-load.ts'), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface(load.stdout)[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the load generator ended early')
    return JSON.parse(value) as { accessUnits: number; latestMs: number }
  }
  await next()
  load.stdin.write('begin\n')
  await server.record?.()
  const { cores, residentBytes } = await steady(server.pid)
  const { accessUnits, latestMs } = await next()
  load.stdin.write('end\n')
  await once(load, 'exit')
  const { recordedAccessUnits = 0, lostAccessUnits = 0 } = await server.settle()
  if (recordedAccessUnits < accessUnits / 2)
    throw new Error(`only ${recordedAccessUnits} of ${accessUnits} were recorded`)
  const bytes = residentBytes - idle.residentBytes
  // A channel's user is recorded from his first key frame on: there it counts what of that is missing.
  const lost = server.record === undefined ? accessUnits - recordedAccessUnits : lostAccessUnits
  return { participants, cores, bytes, lost, latestMs }
}

async function overRtmp(folder: string): Promise<Omit<Result, 'kind'>> {
  const participants = 2 * Number(values['rtmp-channels'])
  await using server = await startChannelsServer(folder, participants)
  const media = benchMedia(VENDOR.kbpsPerUser, seconds)
  await sleep(1_000)
  const idle = usageOf(server.pid)
  const args = [join(import.meta.dirname, 'support/load.ts'), String(server.rtmpPort), 'channels']
  const load = spawn(process.execPath, [...args, String(participants), media], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface(load.stdout)[Symbol.asyncIterator]()
  const exited = once(load, 'exit')
  await server.record()
  const { cores, residentBytes } = await steady(server.pid)
  const { value } = await lines.next()
  const { latestMs } = JSON.parse(value ?? '{}') as { latestMs: number }
  await exited
  // What was sent before a channel's start is not its recording's: of what came later, nothing may be missing.
  const lost = (await server.settle()).lostAccessUnits ?? 0
  return { participants, cores, bytes: residentBytes - idle.residentBytes, lost, latestMs }
}

async function steady(pid: number): Promise<{ readonly cores: number; readonly residentBytes: number }> {
  await sleep(WARM_UP_MS)
  const [before, fromMs] = [usageOf(pid), performance.now()]
  await sleep(steadyMs)
  const [after, untilMs] = [usageOf(pid), performance.now()]
  const cores = (1000 * (after.cpuSeconds - before.cpuSeconds)) / (untilMs - fromMs)
  return { cores, residentBytes: after.residentBytes }
}

function report(): void {
  console.table(
    results.map(({ kind, participants, cores, bytes, lost, latestMs }) => ({
      what: kind,
      participants,
      'cores in all': cores.toFixed(3),
      'a core’s thousandths each': ((1000 * cores) / participants).toFixed(2),
      'MiB each': (bytes / MIB / participants).toFixed(2),
      lost,
      'load late ms': latestMs,
    })),
  )
  let isWithin = results.every(({ lost }) => lost === 0)
  const [plain, rooms] = ['plain', 'rooms'].map((kind) => costOf(kind))
  if (plain !== undefined && rooms !== undefined) {
    const ratio = rooms.cores / plain.cores
    isWithin &&= ratio <= MOST_MORE
    const memory = (rooms.bytes / plain.bytes).toFixed(2)
    console.log(`rooms / plain recordings: ${ratio.toFixed(3)} of the processor time, ${memory} of the memory`)
  }
  for (const kind of ['webrtc-channels', 'rtmp-channels']) {
    const cost = costOf(kind)
    if (cost === undefined) continue
    const [perCore, bytesEach] = [1 / (2 * cost.cores), 2 * cost.bytes]
    const times = perCore / VENDOR.channelsPerCore
    // Opus becomes AAC there, which alone takes more than half a hundredth of a core for each user: told, not judged.
    if (kind !== 'webrtc-channels') isWithin &&= times >= LEAST_TIMES
    const memory = `${(bytesEach / MIB).toFixed(1)} MiB each (vendor ${VENDOR.bytesPerChannel / MIB})`
    const text = `${perCore.toFixed(0)} channels for each core (vendor ${VENDOR.channelsPerCore}): ${times.toFixed(1)} ×`
    console.log(`${kind}: ${text}, ${memory}`)
  }
  if (!isWithin) process.exitCode = 1
}

/** Of one participant, over all runs of a kind. */
function costOf(kind: string): { readonly cores: number; readonly bytes: number } | undefined {
  const runs = results.filter((result) => result.kind === kind)
  const participants = runs.reduce((sum, result) => sum + result.participants, 0)
  if (participants === 0) return undefined
  const [cores, bytes] = (['cores', 'bytes'] as const).map((field) => {
    return runs.reduce((sum, result) => sum + result[field], 0) / participants
  })
  return { cores: cores ?? 0, bytes: bytes ?? 0 }
}
