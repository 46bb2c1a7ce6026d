/**
 * node bench/compose.ts [--participants 2,4,9] [--seconds 30] [--sound]
 *
 * What composing costs: participants of 640×360 at 30 pictures a second, with sound, into 1280×720 at 25, in CPU
 * seconds a minute; beside the ffmpeg command line that lays the same files out with the same encoder, in real time.
 * The file it reads moves in every pixel. Ours includes what the server does: receiving over RTMP and publishing.
 * Beyond the cost of ffmpeg, or with pictures left out, the command fails. --sound: without pictures.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { newUlid } from '#base/id.ts'
import { type Runtime, SILENT_LOGGER } from '#base/runtime.ts'
import { Composer } from '#compose/composer.ts'
import { layOut } from '#compose/layout/layouts.ts'
import { Hub } from '#hub/hub.ts'
import { RtmpServer } from '#ingest/rtmp/server.ts'
import { testConfig } from '#test/support/test-config.ts'
import { usageOf } from './support/process-usage.ts'

const { values } = parseArgs({
  options: {
    participants: { type: 'string', default: '2,4,9' },
    seconds: { type: 'string', default: '30' },
    sound: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const [width, height, frameRate, bitrateBps] = [1280, 720, 25, 2_500_000]
/** Until everybody is there and decoded. */
const WARM_UP_MS = 4_000
/** Sound alone may cost so much of a core. */
const SOUND_LIMIT_CORES = 0.05

const folder = await mkdtemp(join(tmpdir(), 'tapedeck-bench-compose-'))
const source = join(folder, 'source.flv')
await ffmpeg([
  ...['-f', 'lavfi', '-i', `testsrc2=s=640x360:r=30:d=${seconds + 20}`],
  ...['-f', 'lavfi', '-i', `sine=440:r=48000:d=${seconds + 20}`],
  ...['-vf', 'noise=alls=6:allf=t', '-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-g', '60'],
  ...['-b:v', '800k', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '64k', source],
])
const rows: Record<string, object> = {}
let isWithin = true
try {
  for (const participants of values.participants.split(',').map(Number)) {
    const ours = await composed(participants)
    const theirs = values.sound ? undefined : await withFfmpeg(participants)
    const ratio = theirs === undefined ? Number.NaN : ours.cpuSeconds / theirs
    isWithin &&= ours.dropped === 0 && (theirs === undefined ? ours.cpuSeconds / 60 <= SOUND_LIMIT_CORES : ratio <= 1)
    rows[`${participants} participants`] = {
      'CPU s a minute': ours.cpuSeconds.toFixed(1),
      'of it the composing process': ours.childSeconds.toFixed(1),
      'pictures a second': ours.rate.toFixed(2),
      'left out': ours.dropped,
      'ffmpeg, CPU s a minute': theirs?.toFixed(1) ?? '',
      ratio: Number.isNaN(ratio) ? '' : ratio.toFixed(2),
    }
  }
} finally {
  await rm(folder, { recursive: true })
}
console.table(rows)
if (!isWithin) process.exitCode = 1

async function composed(participants: number) {
  const runtime: Runtime = {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    newId: () => newUlid(Date.now()),
    log: SILENT_LOGGER,
  }
  const hub = new Hub(runtime, { maxPublishers: 100, gopMemoryBytes: 2 ** 23 })
  const access = { authorize: async () => {} }
  await using server = new RtmpServer({ runtime, hub, access, config: testConfig(folder).rtmp, dataDir: folder })
  const { rtmp } = await server.listen()
  await using composer = new Composer({ runtime, hub, capacityCores: 8 * availableParallelism() })
  const composition = await composer.start({
    output: 'bench/all',
    widthPixels: width,
    heightPixels: height,
    frameRate,
    video: !values.sound,
    audio: true,
    layout: 'best-fit',
    videoBitrateBps: bitrateBps,
  })
  using _arrivals = hub.streamStarted.listen((stream) => void composition.add(stream, { name: '', kind: 'camera' }))
  const dropped = values.sound ? ['-vn'] : []
  const publishers = Array.from({ length: participants }, (_, index) => {
    const url = `rtmp://127.0.0.1:${rtmp?.port}/bench/${index}`
    return spawn('ffmpeg', ['-v', 'error', '-re', '-i', source, ...dropped, '-c', 'copy', '-f', 'flv', url], {
      stdio: 'ignore',
    })
  })
  let pictures = 0
  using _output = composition.stream.attach(
    {
      accessUnit: ({ format }) => {
        if (format.kind === 'video') pictures++
      },
      format: () => {},
      ended: () => {},
    },
    { from: 'now', live: false },
  )
  await sleep(WARM_UP_MS)
  const pid = composition.pid ?? 0
  const [childBefore, ownBefore, picturesBefore, droppedBefore, startMs] = [
    usageOf(pid),
    process.cpuUsage(),
    pictures,
    composition.overload.droppedPictures,
    performance.now(),
  ]
  await sleep(seconds * 1_000)
  const minutes = (performance.now() - startMs) / 60_000
  const childSeconds = usageOf(pid).cpuSeconds - childBefore.cpuSeconds
  const { user, system } = process.cpuUsage(ownBefore)
  for (const publisher of publishers) publisher.kill('SIGKILL')
  return {
    childSeconds: childSeconds / minutes,
    cpuSeconds: (childSeconds + (user + system) / 1e6) / minutes,
    rate: (pictures - picturesBefore) / minutes / 60,
    dropped: composition.overload.droppedPictures - droppedBefore,
  }
}

/** CPU seconds a minute, user and system, as ffmpeg itself tells them. */
async function withFfmpeg(participants: number): Promise<number> {
  const places = layOut('best-fit', participants, 0, { x: 0, y: 0, width, height })
  const inputs = places.flatMap(() => ['-re', '-i', source])
  const scaled = places.map((place, index) => {
    const cover = `scale=${place.width}:${place.height}:force_original_aspect_ratio=increase:flags=bilinear`
    return `[${index}:v]${cover},crop=${place.width}:${place.height}[v${index}]`
  })
  const layout = places.map(({ x, y }) => `${x}_${y}`).join('|')
  const labels = (kind: string) => places.map((_, index) => `[${kind}${index}]`).join('')
  const filter = [
    ...scaled,
    `${labels('v')}xstack=inputs=${participants}:layout=${layout}:fill=black,fps=${frameRate},pad=${width}:${height}[v]`,
    `${places.map((_, index) => `[${index}:a]`).join('')}amix=inputs=${participants}[a]`,
  ].join(';')
  const output = await ffmpeg([
    ...[...inputs, '-filter_complex', filter, '-map', '[v]', '-map', '[a]', '-t', String(seconds), '-benchmark'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-b:v', String(bitrateBps)],
    ...['-maxrate', String(1.5 * bitrateBps), '-bufsize', String(2 * bitrateBps), '-g', String(2 * frameRate)],
    ...['-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-f', 'flv', '/dev/null'],
  ])
  const [, user = '', system = ''] = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(output) ?? []
  return ((Number(user) + Number(system)) * 60) / seconds
}

async function ffmpeg(args: readonly string[]): Promise<string> {
  const child = spawn('ffmpeg', ['-hide_banner', '-nostats', '-y', ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}: ${said.slice(-2_000)}`)
  return said
}
