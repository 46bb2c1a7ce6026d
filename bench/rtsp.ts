/**
 * npm run bench:rtsp -- [--streams 50] [--seconds 120] [--kbps 2500] [--transports tcp,udp] [--only tapedeck,ffmpeg,gstreamer] [--json FILE]
 *
 * Cameras recorded to MP4: one server pulls them all by RTSP, beside one ffmpeg (and one gst-launch) process for each.
 * The cameras are players' views of one stream that another Tapedeck, a process of its own, serves in real time. Prints
 * CPU seconds per Gbit received and the ratios to ffmpeg.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { bytesBelow, freePort } from './support/files.ts'
import { benchMedia } from './support/media.ts'
import { usageOf } from './support/process-usage.ts'

const ROOT = join(import.meta.dirname, '..')
const run = promisify(execFile)
/** Programs that end by themselves get this much longer than the stream lasts. */
const PATIENCE_SECONDS = 30

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '50' },
    // Long enough that starting, in which the runtime compiles, is not what is measured.
    seconds: { type: 'string', default: '120' },
    kbps: { type: 'string', default: '2500' },
    transports: { type: 'string', default: 'tcp,udp' },
    only: { type: 'string', default: 'tapedeck,ffmpeg,gstreamer' },
    json: { type: 'string', default: 'bench-rtsp-results.json' },
  },
})
const streams = Number(values.streams)
const seconds = Number(values.seconds)
const media = benchMedia(Number(values.kbps), seconds)
const gigabits = (streams * statSync(media).size * 8) / 1e9
/** The programs stop by themselves so long before the cameras do, so that their files are whole. */
const PROCESSES_END_EARLY_SECONDS = 3
/** What they receive: all but that. */
const processGigabits = (gigabits * (seconds - PROCESSES_END_EARLY_SECONDS)) / seconds

interface Server extends AsyncDisposable {
  readonly pid: number
  readonly api: string
  readonly rtmp: string
  readonly rtsp: string
  readonly recordings: string
}

/** A Tapedeck with ports and folders of its own. */
async function startTapedeck(folder: string, rules: string): Promise<Server> {
  const [api, rtmp, rtsp] = [await freePort(), await freePort(), await freePort()]
  const recordings = join(folder, 'recordings')
  mkdirSync(recordings, { recursive: true })
  const child = spawn(process.execPath, [join(ROOT, 'bin/tapedeck.mjs'), 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      TAPEDECK_DATA: join(folder, 'data'),
      TAPEDECK_RECORDINGS_ROOT: recordings,
      TAPEDECK_RECORDINGS_FORMAT: 'mp4',
      TAPEDECK_RULES: rules,
      TAPEDECK_API_LISTEN: `127.0.0.1:${api}`,
      TAPEDECK_RTMP_LISTEN: `127.0.0.1:${rtmp}`,
      TAPEDECK_RTSP_LISTEN: `127.0.0.1:${rtsp}`,
      TAPEDECK_WEBRTC_UDP: '',
      TAPEDECK_LOG_LEVEL: 'warn',
    },
  })
  const url = `http://127.0.0.1:${api}`
  for (let attempt = 0; ; attempt++) {
    const isReady = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) break
    if (attempt > 100 || child.exitCode !== null) throw new Error('Tapedeck did not become ready')
    await sleep(100)
  }
  return {
    pid: child.pid ?? 0,
    api: `${url}/api/v1`,
    rtmp: `rtmp://127.0.0.1:${rtmp}/live/source`,
    rtsp: `rtsp://127.0.0.1:${rtsp}/live/source`,
    recordings,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

interface Outcome {
  readonly cpuSeconds: number
  readonly writtenBytes: number
  readonly lost: number | undefined
}

type Transport = 'tcp' | 'udp'

/** Plays the prepared media to the source once, in real time. */
async function play(source: Server): Promise<void> {
  const args = ['-v', 'error', '-re', '-i', media, '-c', 'copy', '-f', 'flv', source.rtmp]
  await run('ffmpeg', args, { timeout: (seconds + PATIENCE_SECONDS) * 1000 })
}

async function isLive(source: Server): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { streams: live } = (await (await fetch(`${source.api}/streams`)).json()) as {
      streams: { tracks: readonly unknown[] }[]
    }
    if (live.some(({ tracks }) => tracks.length === 2)) return
    await sleep(100)
  }
  throw new Error('the source did not become live')
}

async function measureTapedeck(folder: string, source: Server, transport: Transport): Promise<Outcome> {
  await using server = await startTapedeck(folder, "[{ match: '**' }]")
  const playing = play(source)
  await isLive(source)
  const before = usageOf(server.pid).cpuSeconds
  for (let camera = 0; camera < streams; camera++) {
    const answer = await fetch(`${server.api}/pulls`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ path: `cams/${camera}`, url: source.rtsp, transport, keepAlive: false }),
    })
    if (!answer.ok) throw new Error(await answer.text())
  }
  await playing
  const lost = await settled(server)
  return { cpuSeconds: usageOf(server.pid).cpuSeconds - before, writtenBytes: bytesBelow(server.recordings), lost }
}

interface Listed {
  readonly state: string
  readonly ledger: { readonly tracks: readonly { lost: number }[]; readonly gaps: readonly { packets: number }[] }
}

/** Waits until every recording is final; gives what was lost, packets and access units. */
async function settled(server: Server): Promise<number> {
  for (;;) {
    const answer = await fetch(`${server.api}/recordings?limit=1000`)
    const { recordings } = (await answer.json()) as { recordings: Listed[] }
    if (recordings.length >= streams && recordings.every(({ state }) => state === 'ready' || state === 'failed')) {
      const lost = recordings.flatMap(({ ledger }) => [
        ...ledger.tracks.map((track) => track.lost),
        ...ledger.gaps.map(({ packets }) => packets),
      ])
      return lost.reduce((sum, each) => sum + each, 0)
    }
    await sleep(200)
  }
}

/** One process a camera; GNU time's figures come from wait4() and are exact for the finished process. */
async function measureProcesses(folder: string, source: Server, args: (file: string) => string[]): Promise<Outcome> {
  const playing = play(source)
  await isLive(source)
  const finished = await Promise.all(
    Array.from({ length: streams }, async (_, camera) => {
      const path = join(folder, `${camera}.mp4`)
      // What was interrupted may exit as it likes: whether it wrote its file shows in what was written.
      const { stderr } = await run('/usr/bin/time', ['-f', '%U %S', ...args(path)], { maxBuffer: 1 << 24 }).catch(
        (error: unknown) => error as { stderr: string },
      )
      const [user = 0, system = 0] = stderr.trim().split('\n').at(-1)?.split(' ').map(Number) ?? []
      return user + system
    }),
  )
  await playing
  const cpuSeconds = finished.reduce((sum, each) => sum + each, 0)
  return { cpuSeconds, writtenBytes: bytesBelow(folder), lost: undefined }
}

function measureFfmpeg(folder: string, source: Server, transport: Transport): Promise<Outcome> {
  const input = [
    '-v',
    'quiet',
    '-y',
    '-rtsp_transport',
    transport,
    '-i',
    source.rtsp,
    '-t',
    String(seconds - PROCESSES_END_EARLY_SECONDS),
  ]
  return measureProcesses(folder, source, (file) => ['ffmpeg', ...input, '-c', 'copy', file])
}

function measureGstreamer(folder: string, source: Server, transport: Transport): Promise<Outcome> {
  return measureProcesses(folder, source, (file) => {
    const from = ['rtspsrc', `location=${source.rtsp}`, `protocols=${transport}`, 'name=camera']
    const video = ['camera.', '!', 'rtph264depay', '!', 'h264parse', '!', 'queue', '!', 'mux.']
    const audio = ['camera.', '!', 'rtpmp4gdepay', '!', 'aacparse', '!', 'queue', '!', 'mux.']
    const to = ['mp4mux', 'name=mux', '!', 'filesink', `location=${file}`]
    // -e: the interrupt ends the file properly.
    const launch = ['gst-launch-1.0', '-q', '-e', ...from, ...video, ...audio, ...to]
    return [
      'timeout',
      '-s',
      'INT',
      '-k',
      '10',
      '--preserve-status',
      String(seconds - PROCESSES_END_EARLY_SECONDS),
      ...launch,
    ]
  })
}

const SUBJECTS = { tapedeck: measureTapedeck, ffmpeg: measureFfmpeg, gstreamer: measureGstreamer } as const
const results: { subject: string; transport: Transport; cpuPerGigabit: number; writtenMib: number; lost?: number }[] =
  []
for (const transport of values.transports.split(',') as Transport[]) {
  for (const subject of values.only.split(',') as (keyof typeof SUBJECTS)[]) {
    const folder = mkdtempSync(join(tmpdir(), 'tapedeck-bench-rtsp-'))
    try {
      mkdirSync(join(folder, 'source'))
      await using source = await startTapedeck(join(folder, 'source'), '[]')
      mkdirSync(join(folder, 'out'))
      const { cpuSeconds, writtenBytes, lost } = await SUBJECTS[subject](join(folder, 'out'), source, transport)
      results.push({
        subject,
        transport,
        cpuPerGigabit: cpuSeconds / (subject === 'tapedeck' ? gigabits : processGigabits),
        writtenMib: Math.round(writtenBytes / 2 ** 20),
        ...(lost !== undefined && { lost }),
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
console.table(
  results.map((result) => {
    const peer = results.find(({ subject, transport }) => subject === 'ffmpeg' && transport === result.transport)
    return {
      subject: result.subject === 'tapedeck' ? 'Tapedeck' : `${result.subject}, a process a camera`,
      transport: result.transport,
      'CPU s/Gbit': result.cpuPerGigabit.toFixed(3),
      '× ffmpeg': peer === undefined ? '' : (result.cpuPerGigabit / peer.cpuPerGigabit).toFixed(2),
      'written MiB': result.writtenMib,
      lost: result.lost ?? 'unknown',
    }
  }),
)
writeFileSync(values.json, `${JSON.stringify({ streams, seconds, kbps: Number(values.kbps), results }, null, 2)}\n`)
